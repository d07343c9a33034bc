/* A run folder as columns: run.db -> table_run. Reads only; works while the run is being written. */
#ifndef IPW_RUN_LOAD_H
#define IPW_RUN_LOAD_H

#include "store/store.h"
#include "table/rows.h"

/* dir is the run folder (kept as the run's name). Needs nothing but run.db: joules and scores that run_finish has not
 * written yet are missing and pending. */
int run_load(struct table_run *t, struct store *store, const char *dir, struct ipw_err *err);

#endif
