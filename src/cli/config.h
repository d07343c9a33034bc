/* The user's settings file, $XDG_CONFIG_HOME/ipw/config.json: JSON with comments; keys are long names of options, under the
 * name of a command ("profile", "study run") or, for some, at the top for every command that has them. */
#ifndef IPW_CLI_CONFIG_H
#define IPW_CLI_CONFIG_H

#include "cli/cli.h"

/* Sets what the file says and no flag or environment did. command: "profile", "study run". No file is no error. */
int config_apply(const char *command, struct option *opt, size_t n, struct ipw_err *err);

/* The same of a text; source names it in errors. */
int config_apply_text(const char *source, const char *text, size_t len, const char *command, struct option *opt, size_t n,
                      struct ipw_err *err);

#endif
