/* Files of settings that travel in the program: presets and studies; one by name, or a file by its path. */
#ifndef IPW_CLI_SHIPPED_H
#define IPW_CLI_SHIPPED_H

#include "base/buf.h"
#include "cli/cli.h"

struct shipped {
    const char *name;
    const unsigned char *text;
    const size_t *len;
};

extern const struct shipped shipped_presets[], shipped_studies[]; /* both end in a row without a name */

/* spec is a shipped name, else the path of a file. what: "preset", "study". */
int shipped_read(const struct shipped *list, const char *what, const char *spec, struct ipw_buf *text,
                 struct ipw_err *err);

/* Sets what a preset says and no flag did. */
int shipped_preset(const char *spec, struct option *opt, size_t n, struct ipw_err *err);

#endif
