/* Finish: facts -> joules and scores, written back into run.db in one transaction. Idempotent: a kill inside it leaves
 * the run as it was, and doing it again gives the same rows. */
#ifndef IPW_RUN_FINISH_H
#define IPW_RUN_FINISH_H

#include "store/store.h"

/* Attributes every channel of every segment and scores every stored answer; sets meta generation and complete. */
int run_finish(struct store *store, struct ipw_err *err);

/* Scores every stored answer again, without the joules. scorer: what the run counts by from now on; NULL: each record's own.
 * Scores of other scorers, and of older versions of this one, stay. */
int run_rescore(struct store *store, const char *scorer, struct ipw_err *err);

/* *whole: every question of the run (meta dataset.n) has a row other than not_sent, so that only the finish is owed. */
int run_answered(struct store *store, bool *whole, struct ipw_err *err);

#endif
