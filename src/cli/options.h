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
    const char *help;  /* NULL: accepted, not shown. "[what: ]a, b or c (a)", with the default among them, lists the values
                          there are: completion offers these */
    bool seen;         /* set by options_parse: it was given as a flag */
};

/* What a command is asked to tell: --help, and for `ipw help` --help=page, --help=part and --help=words. */
enum help_form {
    HELP_NONE,
    HELP_TEXT,
    HELP_PAGE,  /* a man page */
    HELP_PART,  /* a section of the man page of the command above */
    HELP_WORDS, /* for completion: the next two arguments are the word before the cursor's and the cursor's */
};

/* Parses argv[0..argc); what is no option goes to rest (*n_rest of them, in order), "--" ends the options. IPW_E_USAGE
 * names the flag and the nearest one. "--help" sets *help and stops; what follows it is in rest. */
int options_parse(struct option *opt, size_t n, int argc, char **argv, const char **rest, size_t *n_rest,
                  enum help_form *help, struct ipw_err *err);

/* The option that a word names ("-m", "--model", "--model=x"), by either name; NULL when there is none. */
const struct option *options_find(const struct option *opt, size_t n, const char *word);

/* Sets what a file says by the options' long names: {"threads": 2, "ignore-eos": true}; a list takes a text or an array of
 * texts. What was seen as a flag stays. only: NULL, or the NULL-terminated keys that are looked at; those that are no
 * options here are passed over. IPW_E_INPUT names the file (source), the key and the nearest one. */
int options_from_json(struct option *opt, size_t n, const json_val *obj, const char *source, const char *const *only,
                      struct ipw_err *err);

#endif
