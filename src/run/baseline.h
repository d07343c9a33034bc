/* How long the machine is watched without a question, and how it is warmed up: telemetry 4.8 and 4.9. */
#ifndef IPW_RUN_BASELINE_H
#define IPW_RUN_BASELINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "run/plan.h"

struct run_baseline {
    const char *name; /* "none", "quick", "full" */
    double seconds;   /* of each: cold, loaded, after; 0: none is taken */
    bool steady;      /* warm up until speed and temperature stand still */
};

/* plan->baseline: auto takes quick up to 10 minutes of estimated time (run/estimate.h), full above. No counter, no
 * baseline: a model knows its own idle watts. IPW_E_USAGE for another word. */
int run_baseline_of(struct run_baseline *out, const struct run_plan *plan, const char *energy_source,
                    double estimated_s, struct ipw_err *err);

/* Whether the warm-up may end. tokens_s: of the last n warm-up requests, oldest first; spent_s: since the first;
 * slope: of the hottest sensor, degrees in 30 s, NAN without one. */
bool run_is_warm(const double *tokens_s, size_t n, double spent_s, double slope);

#endif
