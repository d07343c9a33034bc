#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/stats.h"

enum { FIELLER_BELOW = 100 };

static double z95(void)
{
    return stats_normal_quantile(0.975);
}

static struct stats_interval none(double est, size_t n)
{
    return (struct stats_interval){.est = est, .lo = NAN, .hi = NAN, .n = n};
}

struct stats_interval stats_wilson(double k, size_t n)
{
    if (!n)
        return none(NAN, 0);
    double m = (double)n, p = k / m, z2 = z95() * z95();
    double mid = (p + z2 / (2 * m)) / (1 + z2 / m);
    double half = z95() / (1 + z2 / m) * sqrt(p * (1 - p) / m + z2 / (4 * m * m));
    return (struct stats_interval){.est = p, .lo = k <= 0 ? 0 : fmax(0, mid - half),
                                   .hi = k >= m ? 1 : fmin(1, mid + half), .n = n, .method = "wilson"};
}

struct stats_interval stats_clopper_pearson(size_t k, size_t n)
{
    if (!n)
        return none(NAN, 0);
    double a = (double)k, m = (double)n;
    return (struct stats_interval){.est = a / m,
                                   .lo = k == 0 ? 0 : stats_beta_quantile(0.025, a, m - a + 1),
                                   .hi = k == n ? 1 : stats_beta_quantile(0.975, a + 1, m - a),
                                   .n = n,
                                   .method = "clopper-pearson"};
}

struct stats_interval stats_mean_t(const double *x, size_t n)
{
    double mean = stats_mean(x, n);
    if (n < 2 || isnan(mean))
        return none(mean, n);
    double half = stats_t_quantile(0.975, (double)(n - 1)) * sqrt(stats_var(x, n) / (double)n);
    return (struct stats_interval){.est = mean, .lo = mean - half, .hi = mean + half, .n = n, .method = "t"};
}

struct stats_interval stats_accuracy(const double *c, size_t n)
{
    struct stats_sum k = {0};
    bool whole = true;
    for (size_t i = 0; i < n; i++) {
        stats_sum_add(&k, c[i]);
        whole &= c[i] == 0 || c[i] == 1;
    }
    if (whole)
        return stats_wilson(stats_sum_value(&k), n);
    struct stats_interval t = stats_mean_t(c, n);
    t.lo = fmax(t.lo, 0);
    t.hi = fmin(t.hi, 1);
    return t;
}

/* ---- ratio of means ---- */

struct moments {
    double c, e, cc, ee, ce; /* means, sample variances, covariance */
};

static struct moments moments(const double *num, const double *den, size_t n)
{
    return (struct moments){stats_mean(num, n), stats_mean(den, n), stats_var(num, n), stats_var(den, n),
                            stats_cov(num, den, n)};
}

double stats_ratio_se(const double *num, const double *den, size_t n)
{
    struct moments m = moments(num, den, n);
    double theta = m.c / m.e;
    double v = (m.cc - 2 * theta * m.ce + theta * theta * m.ee) / (double)n;
    return v >= 0 ? sqrt(v) / m.e : v > -1e-12 * m.cc ? 0 : (double)NAN;
}

struct stats_interval stats_ratio_logdelta(const double *num, const double *den, size_t n)
{
    struct moments m = moments(num, den, n);
    double theta = m.c / m.e;
    if (n < 2 || !(theta > 0))
        return none(theta, n);
    double f = exp(stats_t_quantile(0.975, (double)(n - 1)) * stats_ratio_se(num, den, n) / theta);
    return (struct stats_interval){.est = theta, .lo = theta / f, .hi = theta * f, .n = n, .method = "log-delta"};
}

/* Roots of (e^2 - t^2 s_e^2/n) x^2 - 2 (c e - t^2 s_ce/n) x + (c^2 - t^2 s_c^2/n) = 0 (Fieller 1954). */
struct stats_interval stats_ratio_fieller(const double *num, const double *den, size_t n)
{
    struct moments m = moments(num, den, n);
    struct stats_interval r = none(m.c / m.e, n);
    if (n < 2 || isnan(r.est))
        return r;
    double t = stats_t_quantile(0.975, (double)(n - 1)), k = t * t / (double)n;
    double a = m.e * m.e - k * m.ee, b = m.c * m.e - k * m.ce, c = m.c * m.c - k * m.cc;
    double root = sqrt(fmax(0, b * b - a * c));
    r.method = "fieller";
    if (a <= 0) { /* g >= 1: the denominator may be 0, so the set has no upper end */
        r.unbounded = true;
        r.hi = INFINITY;
        r.lo = a < 0 ? fmax(0, (b - root) / a) : 0;
        r.lo = r.lo <= r.est ? r.lo : 0;
        return r;
    }
    r.lo = fmax(0, (b - root) / a);
    r.hi = (b + root) / a;
    return r;
}

struct stats_interval stats_ratio(const double *num, const double *den, size_t n)
{
    double c = stats_mean(num, n), e = stats_mean(den, n);
    if (c == 0 && e > 0 && n >= 2)
        return (struct stats_interval){.est = 0, .lo = 0, .hi = stats_wilson(0, n).hi / e, .n = n,
                                       .method = "wilson/mean"};
    return n < FIELLER_BELOW ? stats_ratio_fieller(num, den, n) : stats_ratio_logdelta(num, den, n);
}

struct stats_interval stats_product_logdelta(const double *const *col, const int *power, size_t k, size_t n)
{
    double est = 1, mean[8];
    if (k > 8)
        return none(NAN, n);
    for (size_t j = 0; j < k; j++) {
        mean[j] = stats_mean(col[j], n);
        est *= pow(mean[j], power[j]);
    }
    if (n < 2 || !(est > 0) || !isfinite(est))
        return none(isfinite(est) ? est : (double)NAN, n);
    /* influence of query i on log theta: sum of power * value / mean */
    double *u = ipw_calloc(n, sizeof *u);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            u[i] += power[j] * col[j][i] / mean[j];
    double f = exp(stats_t_quantile(0.975, (double)(n - 1)) * sqrt(stats_var(u, n) / (double)n));
    free(u);
    return (struct stats_interval){.est = est, .lo = est / f, .hi = est * f, .n = n, .method = "log-delta"};
}
