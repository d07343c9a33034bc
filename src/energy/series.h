/* series: one channel's readings as a monotone curve E(t): sorted, unwrapped, cleaned; and where it cannot be
 * trusted. Internal to src/energy. */
#ifndef IPW_ENERGY_SERIES_H
#define IPW_ENERGY_SERIES_H

#include "energy/channel.h"

/* Unwrapping of one counter (telemetry 2.1). */
enum unwrap_verdict {
    UNWRAP_OK,
    UNWRAP_RESET, /* not a plausible step: the counter began again (driver reload, resume) */
    UNWRAP_GAP,   /* it could have wrapped more than once since the reading before */
};
struct series_unwrap {
    double unit_nj, pmax_w; /* pmax 0: unknown */
    uint64_t modulus;       /* 0: never wraps */
    int64_t quantum_nj;
    bool have;
    uint64_t last;
    int64_t t;
    uint64_t acc; /* raw units since the first reading, without those lost in gaps */
};
void series_unwrap_init(struct series_unwrap *u, const struct energy_channel *ch);
enum unwrap_verdict series_unwrap_next(struct series_unwrap *u, uint64_t cur, int64_t t);

struct series_point {
    int64_t t;       /* the moment that the value stands for */
    __int128 e_aj;   /* energy since the first point, 1e-18 J = nW x ns: whole for counters and powers alike */
    int64_t p_nw;    /* power channels only */
    int64_t lat_ns;  /* of the read */
    int64_t half_ns; /* slow sources: the update came within t +- half */
    unsigned bad;    /* failed readings between the point before and this one */
    const char *brk; /* static reason why nothing is known between the point before and this one, or NULL */
};
struct series_break {
    int64_t t0, t1;
    const char *reason;
};
struct series_breaks {
    struct series_break *v; /* ascending in t0 and t1 */
    size_t n, cap;
};

/* What the points are. FAST: readings of a counter that updates within 5 ms. EDGES: updates of a slower counter, or of a
 * power that is the mean since the update before (so a counter too), found between the readings that enclose them.
 * SAMPLES: powers that say nothing of the time between two of them; the curve's power is straight, not its energy. */
enum series_form { SERIES_FAST, SERIES_EDGES, SERIES_SAMPLES };

struct series {
    enum series_form form;
    struct series_point *v;
    size_t n, cap;
    unsigned bad_tail;  /* failed readings after the last point */
    int64_t still_end;  /* the last value stands since its update until here, too long to be true; 0: no */
    int64_t period_ns;  /* between updates, from the readings themselves where they tell; 0 unknown */
    int64_t jitter_ns;  /* of the updates, one sigma */
    int64_t window_ns;  /* of powers */
    int64_t quantum_nj; /* smallest step */
    struct series_breaks brk, asleep;
};

/* Sorts r in place. Allocates; series_release frees. */
void series_build(struct series *s, const struct energy_channel *ch, struct energy_reading *r, size_t n);
void series_release(struct series *s);

/* Nothing is known across [t0, t1]: the machine was suspended. All at once, in any order, before asking. */
struct energy_span;
void series_suspended(struct series *s, const struct energy_span *v, size_t n);

/* First point with t > x; n if none. */
size_t series_after(const struct series *s, int64_t x);

/* Energy at x between v[i-1] and v[i], 1 <= i < n. */
__int128 series_at(const struct series *s, size_t i, int64_t x);

/* Mean power left or right of point i over at least `span` (less at breaks and the ends of the series), W; -1 unknown. */
double series_power(const struct series *s, size_t i, bool right, int64_t span_ns);

/* The reason of the first break inside (a, b), NULL if none. */
const char *series_broken(const struct series *s, int64_t a, int64_t b);

#endif
