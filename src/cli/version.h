#ifndef IPW_CLI_VERSION_H
#define IPW_CLI_VERSION_H

extern const char *const cli_version; /* "ipw 0.1.0 (C)" */

#endif
