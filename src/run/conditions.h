/* Under what conditions the queries of a run were answered: idle watts, throttling. From meta.idle and the events. */
#ifndef IPW_RUN_CONDITIONS_H
#define IPW_RUN_CONDITIONS_H

#include "store/store.h"

struct run_conditions;

int run_conditions_load(struct run_conditions **out, struct store *store, struct ipw_err *err);
void run_conditions_free(struct run_conditions *c);

/* Watts of the component total while the model was loaded and nothing was asked, at time t of a segment: between the
 * loaded and the after baseline linearly in time. NAN without a baseline there. *u_w: one sigma. */
double run_idle_at(const struct run_conditions *c, int64_t segment, int64_t t, double *u_w);

/* Mean over segments of the baselines of one kind ("cold", "loaded", "after"), NAN if none. */
double run_idle_w(const struct run_conditions *c, const char *kind);

/* The idle watts before and after differ by more than 5 % or 2 W. */
/* Joules of the total while servers were started, idle watts included; NAN: none was, or not known. */
double run_load_j(const struct run_conditions *c);

bool run_idle_drifts(const struct run_conditions *c);

/* A baseline was watched for less than 20 s. */
bool run_idle_quick(const struct run_conditions *c);

/* enum energy_throttle bits that held at some moment of [t0, t1]. */
unsigned run_throttle_in(const struct run_conditions *c, int64_t segment, int64_t t0, int64_t t1);

#endif
