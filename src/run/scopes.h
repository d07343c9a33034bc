/* The totals beside the component total: `accel` (GPU and ANE alone) and `system` (wall, platform, SoC input or battery,
 * the first there is). */
#ifndef IPW_RUN_SCOPES_H
#define IPW_RUN_SCOPES_H

#include "store/store.h"
#include "table/rows.h"

/* Fills other_j of the rows, and scope_signature of the run. row_of: the row of a query id, SIZE_MAX none; n ids. */
int run_scopes_load(struct table_run *t, struct store *store, const size_t *row_of, size_t n, struct ipw_err *err);

#endif
