#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/stats.h"

void stats_sum_add(struct stats_sum *k, double x)
{
    double t = k->s + x;
    k->c += fabs(k->s) >= fabs(x) ? (k->s - t) + x : (x - t) + k->s;
    k->s = t;
}

double stats_sum_value(const struct stats_sum *k)
{
    return k->s + k->c;
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
    double mx = stats_mean(x, n), my = stats_mean(y, n);
    struct stats_sum k = {0};
    for (size_t i = 0; i < n; i++)
        stats_sum_add(&k, (x[i] - mx) * (y[i] - my));
    return n > 1 ? stats_sum_value(&k) / (double)(n - 1) : (double)NAN;
}

double stats_var(const double *x, size_t n)
{
    return stats_cov(x, x, n);
}

double stats_quantile_sorted(const double *x, size_t n, double p)
{
    if (!n)
        return NAN;
    double h = (double)(n - 1) * p;
    size_t i = (size_t)h;
    if (i + 1 >= n)
        return x[n - 1];
    return x[i] + (h - (double)i) * (x[i + 1] - x[i]);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_quantile(const double *x, size_t n, double p)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return NAN;
    double *copy = ipw_malloc((n ? n : 1) * sizeof *copy);
    if (n) {
        memcpy(copy, x, n * sizeof *copy);
        qsort(copy, n, sizeof *copy, by_value);
    }
    double q = stats_quantile_sorted(copy, n, p);
    free(copy);
    return q;
}
