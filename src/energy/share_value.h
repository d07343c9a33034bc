/* share_value: what was gathered of a request -> its joules, their uncertainty and status. Internal to src/energy. */
#ifndef IPW_ENERGY_SHARE_VALUE_H
#define IPW_ENERGY_SHARE_VALUE_H

#include "energy/share.h"

/* Of one request, over all intervals. In nJ; "active" is above idle. */
struct share_sums {
    __int128 nj, prefill_nj;
    double active, prefill;           /* of nj, above idle */
    double free, free_prefill;        /* the active part times (1 - its part of the interval) */
    double others;                    /* the active part times the sum of squared parts */
    double d[SHARE_WORKS], dp[SHARE_WORKS];               /* derivatives by the coefficients */
    double flight_s, flight_before_s; /* equal part of time in flight */
    double u2;                        /* at its ends */
    double block_w; /* weight in the block that grows, J */
    const char *broken;
};

/* The same for all requests of a channel. */
struct share_context {
    const struct energy_channel *ch;
    const struct share_result *r;
    const double *cov; /* of the coefficients, row by row */
    int64_t window_ns; /* of powers */
    double mean_w;     /* above idle */
    double u_idle_w;   /* NAN: not known */
};

/* why: reason to give none, or NULL; known: something is known of what it had done. */
void share_values(struct energy_query_value *out, const struct share_context *c, const struct share_request *r,
                  const struct share_sums *s, bool known, const char *why);

#endif
