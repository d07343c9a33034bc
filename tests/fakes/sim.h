/* A run without hardware, threads or waiting: a machine whose power is known in closed form, meters that show it as real
 * ones do (update period, jitter, quantum, averaging, faults), and one event queue with a virtual clock that drives the
 * real sampler lanes and the real boundary reads. The same seed gives the same readings on every machine. */
#ifndef IPW_FAKES_SIM_H
#define IPW_FAKES_SIM_H

#include "base/env.h"
#include "energy/attribute.h"
#include "energy/collector.h"

#define SIM_MS ((int64_t)1000000)
#define SIM_SEC ((int64_t)1000000000)

/* Power goes to each level exponentially (10 ms); a ripple of 37 Hz lies on top. A query is prefill, then four stretches
 * of decode at levels of their own. Times of queries vary by half, gaps by 0.7, powers by 15 % and 20 %. */
struct sim_load {
    double idle_w, prefill_w, decode_w;
    double prefill_s, decode_s, gap_s;
    double ripple_w; /* < 0: none */
    size_t queries;
};

struct sim_fault {
    int64_t at, len; /* ns; len 0: never */
};

/* One channel, as its driver would describe it, and what its source truly does. */
struct sim_meter {
    const char *id;
    enum energy_kind kind;
    int64_t period_ns, jitter_ns; /* of the updates */
    int64_t seen_ns;              /* a part-time counter: it looks only so long before each update; 0: always */
    int64_t window_ns;            /* powers: mean over the last window */
    double unit_nj;               /* nJ (nW) per raw unit; values are whole multiples of it */
    uint64_t modulus, start;      /* raw units */
    int64_t latency_ns;           /* of one read */
    double pmax_w;
    bool period_unknown;          /* the channel does not say its period */
    int64_t reset_at;             /* 0: never */
    uint64_t back_at;             /* this read (from 1) is one unit less than the one before; 0: never */
    struct sim_fault frozen, failing;
};

enum { SIM_METERS = 16, SIM_STALLS = 64 };

struct sim_scenario {
    uint64_t seed;
    struct sim_load load;
    struct sim_meter meter[SIM_METERS]; /* up to the first without id */
    struct sim_fault stall[SIM_STALLS]; /* the whole program stands still, the machine does not */
};

struct sim;

/* Plays the scenario. Everything that it gives lives until sim_free. */
struct sim *sim_play(const struct sim_scenario *sc);
void sim_free(struct sim *s);

const struct energy_mark *sim_marks(const struct sim *s, size_t *n);
struct energy_reading *sim_readings(struct sim *s, size_t meter, size_t *n); /* of one channel, in order of arrival */
const struct energy_channel *sim_channel(const struct sim *s, size_t meter);  /* as the run would store it */
double sim_wakes(const struct sim *s);                                        /* of the sampler, per second of the run */

double sim_truth_j(const struct sim *s, int64_t a, int64_t b); /* E(b) - E(a) */
double sim_idle_w(const struct sim *s);
uint64_t sim_value(const struct sim *s, size_t meter, int64_t t); /* what a read at t would give, without faults */

#endif
