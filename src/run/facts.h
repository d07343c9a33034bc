/* What is known about a run beside its rows: labels, and under which conditions its segments ran. */
#ifndef IPW_RUN_FACTS_H
#define IPW_RUN_FACTS_H

#include "store/store.h"
#include "table/rows.h"

/* Fills t->labels and t->conditions: power_source, governor, cpu_max_mhz, power_limit_w, driver, kernel, clock_mhz,
 * temperature_c, each only where it is known. Segments that differ give "a to b" (numbers) or "a, b". */
int run_facts_load(struct table_run *t, struct store *store, struct ipw_err *err);

#endif
