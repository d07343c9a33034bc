/* The sampler reads every channel of a meter on one common tick: 20 Hz for counters, 10 Hz when all of them are
 * the estimator's. sampler_step is a function of (state, now) -> next time; a thread drives it in production,
 * a loop in tests. */
#ifndef IPW_ENERGY_SAMPLER_H
#define IPW_ENERGY_SAMPLER_H

#include <pthread.h>

#include "energy/meter.h"
#include "energy/ring.h"

struct sampler {
    const struct ipw_env *env;
    const struct meter *meter;
    struct energy_ring *ring;
    int64_t tick_ns;
    int64_t next_ns;
    int64_t next_slow_ns; /* gauges are read, and vanished sources looked for, at 1 Hz */
    _Atomic bool stop;
    _Atomic uint64_t wakes; /* counted for the figure in docs/method.md */
    _Atomic int64_t cpu_ns; /* of the sampler thread */
    pthread_t thread;
    bool running;
};

void sampler_init(struct sampler *s, const struct ipw_env *env, const struct meter *m,
                  struct energy_ring *ring);
int64_t sampler_step(struct sampler *s, int64_t now); /* reads what is due; returns when to call again */
int sampler_start(struct sampler *s, struct ipw_err *err);
void sampler_stop(struct sampler *s); /* one last reading of every channel, then joins */

#endif
