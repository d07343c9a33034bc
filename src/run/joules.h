/* The joules of a run from its stored readings: the only place where they come from (finish, --resume, reattribute). */
#ifndef IPW_RUN_JOULES_H
#define IPW_RUN_JOULES_H

#include "store/store.h"

/* Inside a transaction: replaces the energy rows of this version, meta.idle and meta.weights. The same readings give the same rows. */
int run_joules(struct store *store, struct ipw_err *err);

#endif
