/* The words a user gave a run. */
#ifndef IPW_RUN_LABELS_H
#define IPW_RUN_LABELS_H

#include "store/store.h"
#include "table/rows.h"

/* Fills t->labels from meta labels; a damaged text is none. */
void run_labels_load(struct table_run *t, struct store *store);

#endif
