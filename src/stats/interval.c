#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/stats.h"

static const double upper = 0.975; /* of a two-sided 95 % interval */
enum { LOGDELTA_FROM = 100 };

static struct stats_interval undefined(size_t n)
{
    return (struct stats_interval){.est = NAN, .lo = NAN, .hi = NAN, .n = n};
}

/* An estimate that has no interval (one pair, a mean of 0). */
static struct stats_interval point(double est, size_t n, const char *method)
{
    return (struct stats_interval){.est = est, .lo = NAN, .hi = NAN, .n = n, .method = isnan(est) ? NULL : method};
}

static double clip(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x; /* NAN stays */
}

struct stats_interval stats_wilson(double k, size_t n)
{
    if (!n || !(k >= 0 && k <= (double)n))
        return undefined(n);
    double m = (double)n, p = k / m, z = stats_normal_quantile(upper), zz = z * z / m;
    double mid = (p + zz / 2) / (1 + zz), half = sqrt(p * (1 - p) * zz + zz * zz / 4) / (1 + zz);
    /* the ends touch 0 and 1 exactly there, which rounding would miss */
    return (struct stats_interval){.est = p,
                                   .lo = k == 0 ? 0 : clip(mid - half, 0, 1),
                                   .hi = k == m ? 1 : clip(mid + half, 0, 1),
                                   .n = n,
                                   .method = "wilson"};
}

struct stats_interval stats_clopper_pearson(size_t k, size_t n)
{
    if (!n || k > n)
        return undefined(n);
    double a = (double)k, b = (double)(n - k);
    return (struct stats_interval){.est = a / (double)n,
                                   .lo = k ? stats_beta_quantile(1 - upper, a, b + 1) : 0,
                                   .hi = k < n ? stats_beta_quantile(upper, a + 1, b) : 1,
                                   .n = n,
                                   .method = "clopper-pearson"};
}

struct stats_interval stats_mean_t(const double *x, size_t n)
{
    double m = stats_mean(x, n);
    struct stats_interval r = point(m, n, "t");
    if (n < 2 || isnan(m))
        return r;
    double half = stats_t_quantile(upper, (double)(n - 1)) * sqrt(stats_var(x, n) / (double)n);
    r.lo = m - half;
    r.hi = m + half;
    return r;
}

struct stats_interval stats_accuracy(const double *c, size_t n)
{
    bool binary = true;
    for (size_t i = 0; i < n; i++)
        binary &= c[i] == 0 || c[i] == 1;
    if (binary)
        return stats_wilson(n ? round(stats_mean(c, n) * (double)n) : 0, n);
    struct stats_interval r = stats_mean_t(c, n);
    r.lo = clip(r.lo, 0, 1);
    r.hi = clip(r.hi, 0, 1);
    return r;
}

/* ---- ratios of means ---- */

struct pairs {
    double num, den;         /* means */
    double vnn, vdd, vnd;    /* (co)variances of the means */
    double theta, t;         /* t: Student's, n - 1 */
};

/* Fills p; gives true when there is an interval to compute, else *out is the whole answer. */
static bool prepare(struct pairs *p, const double *num, const double *den, size_t n, const char *method,
                    struct stats_interval *out)
{
    double m = (double)n;
    *p = (struct pairs){.num = stats_mean(num, n), .den = stats_mean(den, n)};
    p->theta = p->num / p->den;
    *out = p->den > 0 && p->num >= 0 ? point(p->theta, n, method) : undefined(n);
    if (n < 2 || isnan(out->est))
        return false;
    p->vnn = stats_var(num, n) / m;
    p->vdd = stats_var(den, n) / m;
    p->vnd = stats_cov(num, den, n) / m;
    p->t = stats_t_quantile(upper, m - 1);
    return true;
}

static double delta_se(const struct pairs *p)
{
    double v = p->vnn - 2 * p->theta * p->vnd + p->theta * p->theta * p->vdd;
    return sqrt(v > 0 ? v : 0) / p->den; /* below 0 only by rounding */
}

double stats_ratio_se(const double *num, const double *den, size_t n)
{
    struct pairs p;
    struct stats_interval r;
    return prepare(&p, num, den, n, NULL, &r) ? delta_se(&p) : (double)NAN;
}

static struct stats_interval zero_ratio(const struct pairs *p, size_t n)
{
    return (struct stats_interval){
        .est = 0, .lo = 0, .hi = stats_wilson(0, n).hi / p->den, .n = n, .method = "wilson/mean"};
}

struct stats_interval stats_ratio_logdelta(const double *num, const double *den, size_t n)
{
    struct pairs p;
    struct stats_interval r;
    if (!prepare(&p, num, den, n, "log-delta", &r))
        return r;
    if (p.num == 0)
        return zero_ratio(&p, n);
    double w = exp(p.t * delta_se(&p) / p.theta);
    r.lo = p.theta / w;
    r.hi = p.theta * w;
    r.unbounded = isinf(r.hi);
    return r;
}

/* The x for which mean(num) - x mean(den) is within t standard errors of 0:  a x^2 - 2 b x + c <= 0. With a > 0 they
 * lie between the roots. With a <= 0 (g >= 1: the mean of den is not told from 0) they reach to infinity, and from
 * below they begin at the positive root if mean(num) is told from 0 (c > 0), else at 0. Here x >= 0 always. */
struct stats_interval stats_ratio_fieller(const double *num, const double *den, size_t n)
{
    struct pairs p;
    struct stats_interval r;
    if (!prepare(&p, num, den, n, "fieller", &r))
        return r;
    if (p.num == 0)
        return zero_ratio(&p, n);
    double tt = p.t * p.t;
    double a = p.den * p.den - tt * p.vdd, b = p.num * p.den - tt * p.vnd, c = p.num * p.num - tt * p.vnn;
    double disc = b * b - a * c, root = sqrt(disc > 0 ? disc : 0);
    r.unbounded = a <= 0;
    r.lo = c > 0 && b + root > 0 ? fmin(c / (b + root), r.est) : 0;
    r.hi = r.unbounded ? (double)INFINITY : fmax((b + root) / a, r.est);
    return r;
}

struct stats_interval stats_ratio(const double *num, const double *den, size_t n)
{
    return n < LOGDELTA_FROM ? stats_ratio_fieller(num, den, n) : stats_ratio_logdelta(num, den, n);
}

/* ---- products of powers of means ---- */

struct stats_interval stats_product_logdelta(const double *const *col, const int *power, size_t k, size_t n)
{
    double est = n ? 1 : (double)NAN;
    bool positive = true;
    double *f = ipw_calloc(n ? n : 1, sizeof *f);
    for (size_t j = 0; j < k; j++) {
        double m = stats_mean(col[j], n);
        positive = positive && m > 0;
        est *= pow(m, power[j]);
        for (size_t i = 0; positive && i < n; i++)
            f[i] += power[j] * (col[j][i] / m - 1);
    }
    struct stats_interval r = isfinite(est) ? point(est, n, "log-delta") : undefined(n);
    if (positive && n >= 2 && isfinite(est)) {
        double w = exp(stats_t_quantile(upper, (double)(n - 1)) * sqrt(stats_var(f, n) / (double)n));
        r.lo = est / w;
        r.hi = est * w;
        r.unbounded = isinf(r.hi);
    }
    free(f);
    return r;
}
