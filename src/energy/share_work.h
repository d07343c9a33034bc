/* share_work: what of each request was done when. Internal to src/energy. */
#ifndef IPW_ENERGY_SHARE_WORK_H
#define IPW_ENERGY_SHARE_WORK_H

#include "energy/share.h"

/* A request with its work placed in time. The prompt is evaluated evenly in [p0, p1), a token evenly between the stamp
 * before its own and its own. */
struct share_item {
    const struct share_request *r;
    int64_t p0, p1;
    int64_t d0;         /* tokens are written in [d0, t_end) */
    double prompt;      /* tokens */
    double context;     /* tokens before the first written one */
    double per_stamp;   /* tokens written by a stamp after the first */
    bool known;         /* something was done, and it is known what */
    /* cursor: what was done until `at`, which only moves forward */
    int64_t at;
    size_t next;        /* stamp */
    double wrote;       /* tokens until the stamp before next */
};

/* Sets all; requests without counts get the median of the others'. */
void share_items(struct share_item *v, const struct share_request *r, size_t n);
void share_rewind(struct share_item *v, size_t n);

/* Adds what is done of x in [x->at, until) and moves there. work: PREFILL, DECODE, CONTEXT. */
void share_advance(struct share_item *x, int64_t until, double work[SHARE_WORKS]);

/* Seconds of [a, b) by those whose span holds them, each moment equally among these; returns the seconds that nobody holds.
 * lo, hi: the spans; part: their shares. */
double share_equally(const int64_t *lo, const int64_t *hi, size_t n, int64_t a, int64_t b, double *part);

#endif
