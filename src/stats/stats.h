/* Statistics: moments, quantiles, distributions and intervals. Pure functions of doubles; 95 % unless said.
 * NAN in gives NAN out; n = 0 gives NAN. Formulas: docs/method.md, Intervals. */
#ifndef IPW_STATS_STATS_H
#define IPW_STATS_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* Compensated (Neumaier) sum. */
struct stats_sum {
    double s, c;
};
void stats_sum_add(struct stats_sum *k, double x);
double stats_sum_value(const struct stats_sum *k);
double stats_mean(const double *x, size_t n);
double stats_var(const double *x, size_t n);                   /* sample variance, n >= 2 */
double stats_cov(const double *x, const double *y, size_t n);  /* sample covariance */

/* Type-7 quantile (linear between order statistics); sorts a copy. */
double stats_quantile(const double *x, size_t n, double p);
double stats_quantile_sorted(const double *x, size_t n, double p);

double stats_normal_quantile(double p);              /* |relative error| < 1e-9 */
double stats_t_quantile(double p, double df);        /* Student */
double stats_beta_cdf(double x, double a, double b); /* regularised incomplete beta */
double stats_beta_quantile(double p, double a, double b);

/* An estimate with its 95 % interval. lo/hi NAN: undefined; `unbounded`: the set has no upper end (Fieller,
 * g >= 1), hi is then INFINITY. method is static text. */
struct stats_interval {
    double est, lo, hi;
    size_t n;
    const char *method;
    bool unbounded;
};

struct stats_interval stats_wilson(double k, size_t n);          /* k successes of n, k in [0, n] */
struct stats_interval stats_clopper_pearson(size_t k, size_t n);
struct stats_interval stats_mean_t(const double *x, size_t n);   /* mean, Student t */

/* Accuracy: Wilson when every value is 0 or 1, else t interval clipped to [0, 1]. */
struct stats_interval stats_accuracy(const double *c, size_t n);

/* Ratio of means theta = mean(num) / mean(den), paired by query. Fieller below 100 pairs, log-delta from 100.
 * mean(num) = 0: est 0, lo 0, hi = Wilson's upper limit / mean(den), method "wilson/mean". */
struct stats_interval stats_ratio(const double *num, const double *den, size_t n);
struct stats_interval stats_ratio_fieller(const double *num, const double *den, size_t n);
struct stats_interval stats_ratio_logdelta(const double *num, const double *den, size_t n);
double stats_ratio_se(const double *num, const double *den, size_t n); /* delta method */

/* theta = product over k columns of mean(col[j])^power[j], by the influence function on the log scale
 * (log-delta, t with n-1); col[j][i] belongs to query i. Used where numerator and denominator are themselves
 * ratios: ipw_tw = mean(c) * mean(tau) / mean(E). Any mean = 0: est 0 or NAN, no interval. */
struct stats_interval stats_product_logdelta(const double *const *col, const int *power, size_t k,
                                             size_t n);

#endif
