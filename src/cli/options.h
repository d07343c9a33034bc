/* Declarative options: a table per command that parses, checks and prints the help. */
#ifndef IPW_CLI_OPTIONS_H
#define IPW_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum option_type {
    OPTION_FLAG, /* bool *: set to true */
    OPTION_TEXT, /* char **: replaced by an owned copy */
    OPTION_INT,  /* int64_t *, within [min, max] */
    OPTION_REAL, /* double *, within [min, max] */
};

struct option {
    const char *name;  /* without "--" */
    const char *alias; /* another long name that means the same; NULL */
    char letter;       /* 0: none */
    enum option_type type;
    void *to;
    double min, max;   /* of numbers */
    const char *value; /* what stands for the value in the help: "FILE" */
    const char *help;  /* NULL: accepted, not shown */
    bool seen;         /* set by options_parse */
};

/* Parses argv[0..argc); what is no option goes to rest (*n_rest of them, in order), "--" ends the options. IPW_E_USAGE
 * names the flag and the nearest one. "--help" sets *help and stops. */
int options_parse(struct option *opt, size_t n, int argc, char **argv, const char **rest, size_t *n_rest, bool *help,
                  struct ipw_err *err);

void options_help(const struct option *opt, size_t n, struct ipw_buf *out);

#endif
