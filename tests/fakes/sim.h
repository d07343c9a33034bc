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

/* ---- how well it was attributed ---- */

/* Of values against the truth: relative errors; how often the truth lay within 2 u; mean 2 u against the width that holds
 * 95 % of the errors. NAN where there is nothing. */
struct sim_error {
    double mean, worst, inside, width;
    size_t n, low, missing;
};
struct sim_score {
    struct sim_error total, prefill, decode;
    double sum;         /* of all totals, relative, with sign */
    const char *method;
    bool negative;      /* something measured was below 0 */
};

typedef void sim_attribute_fn(const struct energy_facts *f, struct energy_query_value *out, struct energy_value *gap);

/* Attributes a meter's readings and compares. out: of one value per query, NULL if not wanted. */
void sim_attribute(struct sim *s, size_t meter, sim_attribute_fn *fn, struct sim_score *score,
                   struct energy_query_value *out);

/* nJ that queries and gaps miss of what the counter itself counted, its whole run covered. */
int64_t sim_unconserved_nj(struct sim *s, size_t meter);

/* Mean error of other rules: the reference's (samples every 50 ms, last in the window minus last of the query before; of
 * powers mean times seconds), and plain reads of the counter at both ends. bias: of the sum. */
double sim_reference(const struct sim *s, size_t meter, double *bias);
double sim_plain_reads(const struct sim *s, size_t meter);

/* ---- what machines are like ---- */

#define SIM_SHORT(n) .prefill_s = 0.05, .decode_s = 0.25, .gap_s = 0.15, .queries = n
#define SIM_MEDIUM(n) .prefill_s = 0.3, .decode_s = 3, .gap_s = 0.3, .queries = n
#define SIM_LONG(n) .prefill_s = 1.5, .decode_s = 20, .gap_s = 0.5, .queries = n
#define SIM_CPU .idle_w = 20, .prefill_w = 90, .decode_w = 65
#define SIM_GPU .idle_w = 60, .prefill_w = 400, .decode_w = 250

#define SIM_RAPL                                                                                                       \
    .id = "rapl", .kind = ENERGY_KIND_COUNTER, .period_ns = SIM_MS, .jitter_ns = 20000, .unit_nj = 61035.15625,        \
    .latency_ns = 1000, .pmax_w = 200
#define SIM_GPU_ANY .id = "gpu", .jitter_ns = SIM_MS, .unit_nj = 1e6, .pmax_w = 800, .period_unknown = true
#define SIM_SLOW SIM_GPU_ANY, .latency_ns = 30000
#define SIM_NVML_LATE                                                                                                  \
    SIM_GPU_ANY, .latency_ns = 5 * SIM_MS, .kind = ENERGY_KIND_COUNTER, .period_ns = 100 * SIM_MS
#define SIM_NVML SIM_SLOW, .kind = ENERGY_KIND_COUNTER, .period_ns = 100 * SIM_MS
#define SIM_NVML_20 SIM_SLOW, .kind = ENERGY_KIND_COUNTER, .period_ns = 20 * SIM_MS
#define SIM_PART_TIME SIM_NVML, .seen_ns = 25 * SIM_MS
#define SIM_POWER(k, w) SIM_SLOW, .kind = k, .period_ns = 100 * SIM_MS, .window_ns = (w) * SIM_MS

#endif
