/* When requests are due: a function of (state, now), without a thread or a clock of its own.
 *   closed    so many in flight as slots are open: one is due when a slot becomes free
 *   constant  one every 1 / rate seconds, whatever the server does (open loop)
 *   poisson   the same rate on average, the time between two exponential
 *   trace     as `arrival_s` of the records says, `speed` times as fast
 * ramp: the slots open one after another over so many seconds; a rate grows from 0 in a straight line. */
#ifndef IPW_RUN_ARRIVAL_H
#define IPW_RUN_ARRIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "run/plan.h"

enum arrival_kind { ARRIVAL_CLOSED, ARRIVAL_CONSTANT, ARRIVAL_POISSON, ARRIVAL_TRACE };

struct arrival {
    enum arrival_kind kind;
    double rate, ramp_s, speed;
    size_t slots;
    uint64_t seed, k; /* requests so far */
    double sum;       /* of their unit-rate times */
    int64_t t0_ns;
};

/* IPW_E_USAGE for a word that is none, a rate without an open loop and the like. */
int arrival_init(struct arrival *a, const struct run_plan *plan, struct ipw_err *err);
void arrival_begin(struct arrival *a, int64_t now_ns);

/* Closed loop: when slot i (from 0) opens. */
int64_t arrival_opens_ns(const struct arrival *a, size_t i);

/* Open loop: when the next request is due; each call is one request. trace_s: its arrival_s, unused otherwise. */
int64_t arrival_next_ns(struct arrival *a, double trace_s);

#endif
