/* Finish of a run, as one idempotent step: attribute -> score -> summary -> files. `ipw profile` ends with it, --resume
 * heals one that was cut off. */
#ifndef IPW_CLI_COMPLETE_H
#define IPW_CLI_COMPLETE_H

#include "store/store.h"
#include "table/figures.h"

/* Writes joules and scores into run.db, then summary.json, analysis/accuracy.json and queries.jsonl. The caller releases
 * run and figures (table_run_release, accuracy_release), also after an error. */
int cli_complete(struct store *store, const char *dir, bool allow_missing, struct table_run *run,
                 struct accuracy_result *figures, struct ipw_err *err);

/* The last two steps alone: figures from what run.db holds, and the files. The caller releases run and
 * figures (which hold nothing before), also after an error. */
int cli_figures(struct store *store, const char *dir, bool allow_missing, struct table_run *run,
                struct accuracy_result *figures, struct ipw_err *err);

#endif
