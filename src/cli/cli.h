/* The command line: the only code that prints, exits and reads the environment. A command is one file that ends in a
 * `const struct command` and one row in commands.c. */
#ifndef IPW_CLI_CLI_H
#define IPW_CLI_CLI_H

#include <stdatomic.h>
#include <stdio.h>

#include "base/env.h"
#include "base/err.h"
#include "cli/options.h"

struct cli {
    struct ipw_env env;
    bool out_tty, err_tty, color;
    _Atomic int *signals; /* how many of SIGINT, SIGTERM, SIGHUP have come */
};

struct command {
    const char *name;
    const char *group;   /* "Measure", "Understand", ...: a heading of the help; NULL: not shown */
    const char *summary; /* one line of the help; NULL: a name that is accepted and told nowhere */
    const char *usage;   /* "ipw profile -m MODEL [options]" */
    const char *details; /* what the summary leaves open: paragraphs, an empty line between them, a line that begins with
                            a space stands as it is; NULL: nothing */
    const char *examples; /* lines that work when pasted: "ipw profile -m qwen3.gguf -n 40   # forty questions\n" */
    /* Returns the program's exit code; prints its own error by cli_fail. */
    int (*run)(struct cli *cli, int argc, char **argv);
    const struct command *const *subs; /* NULL, or a NULL-terminated list that the next word selects from: ipw dataset
                                          list; run is then NULL */
};

extern const struct command *const commands[]; /* NULL-terminated, in the order of the help */

int cli_main(int argc, char **argv);

/* Runs the command, or the one of its subs that argv[0] names. */
int cli_run(const struct command *cmd, struct cli *cli, int argc, char **argv);

/* Prints "ipw: text" and a newline on stderr, control characters replaced. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A variable of the environment, "" when it is not set. */
const char *cli_setting(const char *name);

/* Says the error's text and returns its exit code. */
int cli_fail(const struct ipw_err *err);

/* Says that name is none of the list's commands, and the nearest; within is "ipw" or "ipw dataset". */
int cli_unknown_command(const struct command *const *list, const char *within, const char *name);

/* Prints what there is under a command with subs. */
int cli_help_subs(const struct command *cmd);

/* 0 when n is 0; else says that rest[0] is too much and returns the exit code. */
int cli_extra(const char *const *rest, size_t n);

/* A path as it must be typed in a shell; returns out. */
const char *cli_quote(const char *path, char *out, size_t size);

/* Parses a command's options; on --help or an error prints what there is to say and sets *exit_code (the caller returns
 * it). False: go on. rest must have room for argc entries. */
bool cli_options(const struct command *cmd, struct option *opt, size_t n, int argc, char **argv, const char **rest,
                 size_t *n_rest, int *exit_code);

/* Writes a whole text to stdout; a failure (a full disk) is an error, a closed pipe is not. */
int cli_print(const char *text, size_t len);

/* Checks the -o value against a NULL-terminated list; IPW_E_USAGE names the formats there are. */
int cli_format(const char *given, const char *const *formats, struct ipw_err *err);

#endif
