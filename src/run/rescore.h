/* Scores of stored answers, written into run.db: a function of what it holds, no model needed. */
#ifndef IPW_RUN_RESCORE_H
#define IPW_RUN_RESCORE_H

#include "store/store.h"

/* Scores every answer by its record's own scorer, those beside it, and the one that meta `scorer` names. Inside the caller's
 * transaction. */
int run_score(struct store *store, struct ipw_err *err);

#endif
