/* share_fit: what a unit of each kind of work takes, from blocks of a run. Internal to src/energy. */
#ifndef IPW_ENERGY_SHARE_FIT_H
#define IPW_ENERGY_SHARE_FIT_H

#include "energy/share.h"

struct share_block { /* a stretch of update intervals */
    double work[SHARE_WORKS];
    double j; /* above idle */
};

/* Sets coef, u_coef, condition, residual, blocks, by_time and why of *r. cov: of the coefficients, row by row. */
void share_fit(struct share_result *r, const struct share_block *v, size_t n, double cov[SHARE_WORKS * SHARE_WORKS]);

#endif
