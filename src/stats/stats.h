/* Statistics: moments, quantiles, distributions and intervals. Pure functions of doubles; 95 % unless said.
 * NAN in gives NAN out; n = 0 gives NAN. Formulas: docs/method.md, Intervals. */
#ifndef IPW_STATS_STATS_H
#define IPW_STATS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Quantiles of any number of values in bounded memory: buckets 1 % wide from 1e-6 to 1e4, what lies outside in the last. */
enum { STATS_HIST = 2315 };
struct stats_hist { /* zeroed: empty */
    uint64_t in[STATS_HIST], n;
    double sum;
};
void stats_hist_add(struct stats_hist *h, double x);
double stats_hist_quantile(const struct stats_hist *h, double p); /* the middle of its bucket; NAN when empty */

double stats_normal_quantile(double p);              /* |relative error| < 1e-9 */
double stats_t_quantile(double p, double df);        /* Student */
double stats_t_tail(double t, double df);            /* P(T > t), t >= 0 */
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

/* ---- two configurations, a and b, on the same n questions: a[i] and b[i] belong to question i ---- */

/* McNemar's test of `gained` and `lost` discordant pairs, two-sided: exact, and mid-p (less cautious, the default). Both 1
 * where no pair is discordant. */
struct stats_mcnemar {
    double exact, mid;
};
struct stats_mcnemar stats_mcnemar(size_t gained, size_t lost);

/* mean(b) - mean(a), scores of 0 to 1. All 0 or 1: "paired wald", its p McNemar's mid-p; where all
 * differ by the same, as far as Wilson's upper limit of 0 in n to both sides, "wilson/0". Fractions: "paired t", its p by
 * Student. One pair: no interval, p NAN. */
struct stats_paired {
    struct stats_interval diff;
    size_t gained, lost;        /* pairs with b above a, b below a */
    bool binary;
    struct stats_mcnemar mcnemar; /* NAN where scores are fractions */
    double p;
};
struct stats_paired stats_paired(const double *a, const double *b, size_t n);

/* The same where a and b are means of several answers: never McNemar's, also where all of them are 0 or 1. */
struct stats_paired stats_paired_means(const double *a, const double *b, size_t n);

/* (mean(num_a) / mean(den_a)) / (mean(num_b) / mean(den_b)), by influence values on the log scale. A mean of 0: no interval,
 * est 0 or NAN. */
struct stats_interval stats_paired_ratio(const double *num_a, const double *den_a, const double *num_b,
                                         const double *den_b, size_t n);

/* p of that ratio under the sharp null that a and b are the same on every question: a and b swapped per question, |log|
 * as large or larger. All 2^n for n <= 16, else 10000 drawn by seed. NAN where the ratio has none. */
double stats_paired_ratio_p(const double *num_a, const double *den_a, const double *num_b, const double *den_b, size_t n,
                            uint64_t seed);

/* ---- least squares, from the normal equations of n columns (A'A row by row, and A'b) ---- */

enum { STATS_NNLS_MAX = 8 }; /* columns */

/* The x >= 0 with the least |A x - b| (Lawson and Hanson 1974). Of columns that depend on others the later ones get 0.
 * False for n of 0 or more than STATS_NNLS_MAX. */
bool stats_nnls(const double *ata, const double *atb, size_t n, double *x);

/* Of A, its columns scaled to length one: largest over smallest singular value. INFINITY where a column is 0 or depends on
 * the others: the data do not tell the coefficients apart. */
double stats_condition(const double *ata, size_t n);

/* Of a symmetric positive definite matrix; false when it is not. */
bool stats_inverse(const double *a, size_t n, double *out);

/* ---- several samples of one question ---- */

/* The chance that at least one of k of its n samples, drawn without putting back, is right, when c of the n are: 1 -
 * C(n-c, k) / C(n, k) (Chen et al. 2021). 1 <= k <= n. */
double stats_pass_at_k(size_t n, size_t c, size_t k);

/* Values of clusters: what belongs together (the samples of a question) differs less than what does not, so the cluster is
 * what is drawn (metrics 2.3). out[g] = sum of the x of cluster g times n_clusters / n: its mean is x's, and what takes pairs
 * (stats_ratio, stats_product_logdelta) takes them by cluster. of[i] < n_clusters, each at least once. */
void stats_clusters(const double *x, const size_t *of, size_t n, size_t n_clusters, double *out);

/* The mean of all values by such sums and the clusters' weights (stats_clusters of ones): Student with n_clusters - 1, "t by
 * question". Clusters of one size give stats_mean_t of their means. */
struct stats_interval stats_clusters_mean(const double *sums, const double *weights, size_t n_clusters);

/* Accuracy likewise, of n_binary values that are all 0 or 1 (0: some are fractions): Wilson's of n_clusters where each is all 0
 * or all 1, else that, clipped to [0, 1] and never narrower than Wilson's of n_binary: few clusters that happen to be equal
 * tell no more than values on their own would. */
struct stats_interval stats_clusters_accuracy(const double *sums, const double *weights, size_t n_clusters, size_t n_binary);

/* Cohen's kappa of two raters' labels of n items, a byte each: agreement beyond chance. NAN where chance alone agrees on all
 * (pe = 1), or n is 0. */
double stats_kappa(const char *a, const char *b, size_t n);

/* The true share of right answers when an imperfect judge finds p_obs of n right (Rogan and Gladen), clipped to [0, 1], with
 * Lang and Reiczigel's interval. The judge found judged_right of `right` right ones right, judged_wrong of `wrong` wrong ones
 * wrong. NAN where it is no better than chance, or one kind is missing. */
struct stats_interval stats_rogan_gladen(double p_obs, size_t n, size_t judged_right, size_t right, size_t judged_wrong,
                                         size_t wrong);

#endif
