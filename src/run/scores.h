/* Verdicts of a stored run: the one that counts for each answer, and the figures that stand beside it. */
#ifndef IPW_RUN_SCORES_H
#define IPW_RUN_SCORES_H

#include "store/store.h"
#include "table/rows.h"

/* Of an attempt, by the number of its query row. */
struct run_counted {
    size_t row;         /* in t->v; SIZE_MAX: another attempt counts */
    const char *scorer; /* whose verdict counts; NULL unknown */
};

/* Fills the verdicts of t's rows (the newest version of the scorer that counts), and t->beside. */
int run_scores_load(struct table_run *t, struct store *store, const struct run_counted *of, size_t n, struct ipw_err *err);

#endif
