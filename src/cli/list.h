/* ipw list models|datasets|engines|collectors|all: one table of functions, so that a part adds its kind by a row. */
#ifndef IPW_CLI_LIST_H
#define IPW_CLI_LIST_H

#include "cli/cli.h"

bool list_is_kind(const char *word);
extern const char list_kinds_words[]; /* "models, datasets, ..." */

/* Prints one kind, or `all` of them; returns the exit code. */
int list_kind(struct cli *cli, const char *kind, const char *format);

#endif
