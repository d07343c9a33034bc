/* The sampler reads every channel of a meter in the background. Fast counters are read on one common tick (20 Hz;
 * 10 Hz when all are the estimator's), gauges at 1 Hz. Slow counters and power sensors (period > 5 ms, or unknown) are
 * read around the moments at which they update: first often, to find the period, then in the predicted window, all
 * devices of a lane in one wake. Sources that take more than 1 ms to answer have a lane (thread) of their own.
 * sampler_step is a function of (state, now) -> next time: a thread drives it in production, an event queue in the
 * simulators. */
#ifndef IPW_ENERGY_SAMPLER_H
#define IPW_ENERGY_SAMPLER_H

#include <pthread.h>

#include "energy/meter.h"
#include "energy/ring.h"

struct edge_tracker; /* of one slow channel */

struct sampler_lane {
    const struct ipw_env *env;
    struct meter *meter;
    struct energy_ring *ring; /* this lane is its one producer */
    size_t *channel;          /* indices in the meter */
    size_t n_channels;
    struct edge_tracker *edge; /* per channel of the lane */
    int64_t tick_ns;           /* 0: nothing fast here */
    int64_t next_tick_ns, next_slow_ns, next_gauge_ns;
    int64_t credit_ns; /* wakes for slow channels that may still be spent, as time */
    int64_t last_ns;
    bool begun;
    bool mends; /* the first lane looks for vanished sources, once a second */
    _Atomic bool stop, paused;
    pthread_mutex_t lock; /* of the pause: taken only while paused */
    pthread_cond_t resume;
    _Atomic uint64_t wakes; /* counted for the figure in docs/method.md */
    _Atomic int64_t cpu_ns; /* of the thread */
    pthread_t thread;
    bool running;
};

enum { SAMPLER_LANES = 8 };

struct sampler {
    struct sampler_lane lane[SAMPLER_LANES];
    size_t n_lanes;
};

/* Decides the lanes and allocates rings and trackers; sampler_release frees them (after sampler_stop). */
void sampler_init(struct sampler *s, const struct ipw_env *env, struct meter *m);
void sampler_release(struct sampler *s);

int64_t sampler_step(struct sampler_lane *l, int64_t now); /* reads what is due; returns when to call again */

int sampler_start(struct sampler *s, struct ipw_err *err);
void sampler_stop(struct sampler *s); /* a last reading of every channel, then joins; twice is once */

/* Paused lanes read nothing and do not wake; for measuring what sampling costs. */
void sampler_pause(struct sampler *s, bool paused);

/* Readings of all lanes that wait, any order; n <= cap. One consumer. */
size_t sampler_take(struct sampler *s, struct energy_reading *out, size_t cap);
uint32_t sampler_lost(struct sampler *s); /* readings for which a ring had no room; and resets it */

#endif
