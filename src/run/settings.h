/* How a run was made, from run.db: its plan, its segments' facts, its gauges. For run_load. */
#ifndef IPW_RUN_SETTINGS_H
#define IPW_RUN_SETTINGS_H

#include "store/store.h"
#include "table/rows.h"

/* Fills settings, labels, model_file and started_real_ns of t; where segments differ, "60, then 80". */
int run_settings_load(struct table_run *t, struct store *store, struct ipw_err *err);

/* Per row: prompt templates in the order they were first used, the most requests at once. tmpl NULL: unknown. */
void run_settings_query(struct table_run *t, const char *tmpl, int64_t in_flight);

#endif
