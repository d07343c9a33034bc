/* Which runs a command is about: given by path or by name, else the newest. */
#ifndef IPW_CLI_RUNS_H
#define IPW_CLI_RUNS_H

#include <limits.h>

#include "cli/cli.h"
#include "run/runs.h"
#include "table/rows.h"

/* The folder meant by an argument: the path itself, or a run of that name (STUDY/RUN too) in output_dir. Returns out. */
const char *cli_run_dir(const char *arg, const char *output_dir, char out[PATH_MAX]);

/* The folders meant by arguments: as above, and for a study those of its runs, in the order of their names. */
void cli_run_dirs(const char *const *args, size_t n, const char *output_dir, struct option_list *dirs);

/* IPW_E_INPUT when output_dir holds no run that can be read; says how to make one. */
int cli_newest_run(const char *output_dir, char out[PATH_MAX], struct ipw_err *err);

/* Reads one run; says so when it is not finished. The caller releases run, also after an error. */
int cli_load_run(const char *dir, struct table_run *run, struct ipw_err *err);

#endif
