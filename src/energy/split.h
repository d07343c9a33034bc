/* split: what a slow counter gave between two updates, shared among what ran meanwhile (telemetry 4.4). Intervals between
 * updates have exact energies; each overlaps known states (idle, prefill, decode of each query). The power of every state
 * is found such that all intervals fit; it only decides how an interval's energy lies inside it, so that nothing is gained
 * or lost. Internal to src/energy. */
#ifndef IPW_ENERGY_SPLIT_H
#define IPW_ENERGY_SPLIT_H

#include "energy/attribute.h"
#include "energy/series.h"

enum split_verdict {
    SPLIT_ON,
    SPLIT_OFF,       /* too few intervals, or they do not follow the states */
    SPLIT_PART_TIME, /* the sensor looks only a part of the time: straight lines are better */
};

struct split_piece;
struct split_state;
struct split {
    struct split_piece *piece; /* ascending in time: cut at updates and at changes of state */
    size_t n_piece, cap_piece;
    struct split_state *state;
    size_t n_state, cap_state;
    double mean[3], spread[3]; /* per class: W, and the relative one-sigma of what it takes in part of an interval */
    double ramp_ns;            /* one-sigma: how well the moment of a step is known */
    int64_t lag_ns;            /* power follows the marks so much later */
    int64_t period_ns;
    double residual;  /* of intervals that mix states, against the means of the classes */
    double window;    /* share of a period that the sensor looks at, as far as the data tell */
    size_t n_mixed;
    int64_t lo, hi;   /* it knows about [lo, hi] */
};

/* marks: in order, without overlap. Allocates; split_release frees. */
enum split_verdict split_fit(struct split *s, const struct series *c, const struct energy_mark *marks, size_t n);
void split_release(struct split *s);

int64_t split_at(const struct split *s, int64_t x); /* energy at x in lo..hi, nJ, on the curve of the series */

/* One sigma of the energy in [a, b], nJ. */
double split_u(const struct split *s, int64_t a, int64_t b);

#endif
