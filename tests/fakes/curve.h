/* The power curve of the fakes in closed form: a square wave of the package, constant memory. Shared by whoever
 * shows it as a counter and whoever needs the truth E(b) - E(a). Times are ns since the fake's start. */
#ifndef IPW_FAKES_CURVE_H
#define IPW_FAKES_CURVE_H

#include <stdint.h>

struct curve {
    double low_w, high_w; /* half a period each, low first */
    int64_t period_ns;
    double dram_w;
};

#define CURVE_DEFAULT {20, 64, 1700000000, 3}

/* Joules of a package from the start to t. */
static inline double curve_package_j(const struct curve *c, int64_t t)
{
    int64_t half = c->period_ns / 2, rem = t % c->period_ns;
    double whole = (double)(t / c->period_ns) *
                   (c->low_w * (double)half + c->high_w * (double)(c->period_ns - half));
    double part = rem < half ? c->low_w * (double)rem
                             : c->low_w * (double)half + c->high_w * (double)(rem - half);
    return (whole + part) * 1e-9;
}

static inline double curve_dram_j(const struct curve *c, int64_t t)
{
    return c->dram_w * (double)t * 1e-9;
}

#endif
