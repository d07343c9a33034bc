/* Declarative options: a table per command that parses, checks and prints the help. */
#ifndef IPW_CLI_OPTIONS_H
#define IPW_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum option_type {
    OPTION_FLAG, /* bool *: set to true */
    OPTION_TEXT, /* char **: replaced by an owned copy */
    OPTION_INT,  /* int64_t *, within [min, max] */
    OPTION_REAL, /* double *, within [min, max] */
    OPTION_LIST, /* struct option_list *: each one given is added */
};

struct option_list { /* zeroed: empty */
    char **v;
    size_t n, cap;
};
void option_list_add(struct option_list *l, const char *text);
void option_list_release(struct option_list *l);

struct option {
    const char *name;  /* without "--" */
    const char *alias; /* another long name that means the same; NULL */
    char letter;       /* 0: none */
    enum option_type type;
    void *to;
    double min, max;   /* of numbers */
    const char *value; /* what stands for the value in the help: "FILE" */
    const char *help;  /* NULL: accepted, not shown */
    bool seen;         /* set by options_parse: it was given as a flag */
};

/* Parses argv[0..argc); what is no option goes to rest (*n_rest of them, in order), "--" ends the options. IPW_E_USAGE
 * names the flag and the nearest one. "--help" sets *help and stops. */
int options_parse(struct option *opt, size_t n, int argc, char **argv, const char **rest, size_t *n_rest, bool *help,
                  struct ipw_err *err);

/* Sets what a file says by the options' long names: {"threads": 2, "ignore-eos": true}; a list takes a text or an array of
 * texts. What was seen as a flag stays. only: NULL, or the NULL-terminated keys that are looked at; those that are no
 * options here are passed over. IPW_E_INPUT names the file (source), the key and the nearest one. */
int options_from_json(struct option *opt, size_t n, const json_val *obj, const char *source, const char *const *only,
                      struct ipw_err *err);

void options_help(const struct option *opt, size_t n, struct ipw_buf *out);

#endif
