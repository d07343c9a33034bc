#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/stats.h"

void stats_sum_add(struct stats_sum *k, double x)
{
    double t = k->s + x;
    if (fabs(k->s) >= fabs(x))
        k->c += (k->s - t) + x;
    else
        k->c += (x - t) + k->s;
    k->s = t;
}

double stats_sum_value(const struct stats_sum *k)
{
    return isfinite(k->s) ? k->s + k->c : k->s; /* past infinity the compensation is inf - inf */
}

double stats_mean(const double *x, size_t n)
{
    struct stats_sum k = {0};
    for (size_t i = 0; i < n; i++)
        stats_sum_add(&k, x[i]);
    return n ? stats_sum_value(&k) / (double)n : (double)NAN;
}

double stats_cov(const double *x, const double *y, size_t n)
{
    if (n < 2)
        return (double)NAN;
    double mx = stats_mean(x, n), my = stats_mean(y, n);
    struct stats_sum xy = {0}, dx = {0}, dy = {0};
    for (size_t i = 0; i < n; i++) {
        stats_sum_add(&xy, (x[i] - mx) * (y[i] - my));
        stats_sum_add(&dx, x[i] - mx);
        stats_sum_add(&dy, y[i] - my);
    }
    /* The second term is 0 but for the rounding of the means (Chan, Golub, LeVeque 1983). */
    return (stats_sum_value(&xy) - stats_sum_value(&dx) * stats_sum_value(&dy) / (double)n) / (double)(n - 1);
}

double stats_var(const double *x, size_t n)
{
    return stats_cov(x, x, n);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_quantile_sorted(const double *x, size_t n, double p)
{
    if (!n || !(p >= 0 && p <= 1))
        return (double)NAN;
    double h = (double)(n - 1) * p;
    size_t i = (size_t)h;
    return i + 1 < n ? x[i] + (h - (double)i) * (x[i + 1] - x[i]) : x[n - 1];
}

double stats_quantile(const double *x, size_t n, double p)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return (double)NAN;
    if (!n)
        return (double)NAN;
    double *v = ipw_malloc(n * sizeof *v);
    memcpy(v, x, n * sizeof *v);
    qsort(v, n, sizeof *v, by_value);
    double q = stats_quantile_sorted(v, n, p);
    free(v);
    return q;
}
