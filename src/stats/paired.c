#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "stats/stats.h"

enum { ALL_SWAPS = 16, DRAWN_SWAPS = 10000 };
static const double upper = 0.975; /* of a two-sided 95 % interval */

/* ---- accuracy ---- */

/* The fewer of m fair coins fall on one side: P(X <= k) = I_1/2(m - k, k + 1). */
struct stats_mcnemar stats_mcnemar(size_t gained, size_t lost)
{
    double k = (double)(gained < lost ? gained : lost), m = (double)gained + (double)lost;
    int sign; /* lgamma would write a global */
    if (m == 0)
        return (struct stats_mcnemar){1, 1};
    double at_most = stats_beta_cdf(0.5, m - k, k + 1);
    double just = exp(lgamma_r(m + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(m - k + 1, &sign) - m * log(2));
    return (struct stats_mcnemar){fmin(2 * at_most, 1), fmin(2 * at_most - just, 1)};
}

static void by_counts(struct stats_paired *r, size_t n)
{
    double b = (double)r->gained, c = (double)r->lost, m = (double)n;
    double half = stats_normal_quantile(upper) * sqrt(b + c - (b - c) * (b - c) / m) / m;
    r->mcnemar = stats_mcnemar(r->gained, r->lost);
    r->p = r->mcnemar.mid;
    r->diff.est = (b - c) / m; /* of counts: exact */
    r->diff.method = "paired wald";
    if (b + c == 0 || b == m || c == m) { /* where all differ alike, Wald's rule gives no width at all */
        r->diff.method = "wilson/0";
        half = stats_wilson(0, n).hi;
    }
    r->diff.lo = fmax(r->diff.est - half, -1);
    r->diff.hi = fmin(r->diff.est + half, 1);
}

/* Where every pair differs by the same, the signs alone tell, and Student's t would have no width at all: then as by_counts. */
static void by_means(struct stats_paired *r, const double *d, size_t n)
{
    double m = (double)n, se = sqrt(stats_var(d, n) / m);
    double least = se > 0 ? 0 : stats_wilson(0, n).hi;
    r->diff = stats_mean_t(d, n);
    r->diff.lo = fmax(r->diff.lo - least, -1);
    r->diff.hi = fmin(r->diff.hi + least, 1);
    r->diff.method = least > 0 ? "wilson/0" : "paired t";
    r->mcnemar = (struct stats_mcnemar){NAN, NAN};
    if (r->diff.est == 0)
        r->p = 1;
    else
        r->p = se > 0 ? 2 * stats_t_tail(fabs(r->diff.est) / se, m - 1) : pow(2, 1 - m);
}

static struct stats_paired paired(const double *a, const double *b, size_t n, bool binary)
{
    struct stats_paired r = {.diff = {.est = NAN, .lo = NAN, .hi = NAN, .n = n}, .binary = binary, .mcnemar = {NAN, NAN}, .p = NAN};
    double *d = ipw_calloc(n + 1, sizeof *d);
    for (size_t i = 0; i < n; i++) {
        d[i] = b[i] - a[i];
        r.gained += d[i] > 0;
        r.lost += d[i] < 0;
        r.binary = r.binary && (a[i] == 0 || a[i] == 1) && (b[i] == 0 || b[i] == 1);
    }
    if (n == 1) {
        r.diff.est = d[0];
        r.diff.method = "one question";
    } else if (n && r.binary) {
        by_counts(&r, n);
    } else if (n) {
        by_means(&r, d, n);
    }
    free(d);
    return r;
}

struct stats_paired stats_paired(const double *a, const double *b, size_t n)
{
    return paired(a, b, n, true);
}

struct stats_paired stats_paired_means(const double *a, const double *b, size_t n)
{
    return paired(a, b, n, false);
}

/* ---- ratios ---- */

struct stats_interval stats_paired_ratio(const double *num_a, const double *den_a, const double *num_b,
                                         const double *den_b, size_t n)
{
    const double *const col[] = {num_a, den_a, num_b, den_b};
    const int power[] = {1, -1, -1, 1};
    return stats_product_logdelta(col, power, 4, n);
}

/* Sums of both sides; what a swap of question i moves. */
struct swaps {
    double sum[4];
    double *step[2]; /* num, den: b - a */
    size_t n;
};

/* 0 above and below the line tells nothing, so it counts as what was seen. */
static double distance(const double s[4])
{
    double x = fabs(log(s[0] / s[1]) - log(s[2] / s[3]));
    return isnan(x) ? (double)INFINITY : x;
}

static double swapped(const struct swaps *w, uint64_t (*side)(uint64_t round, size_t i), uint64_t round)
{
    double s[4] = {w->sum[0], w->sum[1], w->sum[2], w->sum[3]};
    for (size_t i = 0; i < w->n; i++) {
        if (!(side(round, i) & 1))
            continue;
        s[0] += w->step[0][i];
        s[1] += w->step[1][i];
        s[2] -= w->step[0][i];
        s[3] -= w->step[1][i];
    }
    for (int k = 0; k < 4; k++) /* what rounding leaves of 0 is 0 */
        s[k] = s[k] > 1e-12 * (w->sum[k % 2] + w->sum[k % 2 + 2]) ? s[k] : 0;
    return distance(s);
}

static uint64_t bit(uint64_t round, size_t i)
{
    return round >> i;
}

static uint64_t drawn(uint64_t round, size_t i)
{
    return ipw_rng_at(round, i) >> 33;
}

double stats_paired_ratio_p(const double *num_a, const double *den_a, const double *num_b, const double *den_b, size_t n,
                            uint64_t seed)
{
    const double *const col[] = {num_a, den_a, num_b, den_b};
    struct swaps w = {.n = n};
    bool positive = n > 0;
    for (int k = 0; k < 4; k++) {
        w.sum[k] = stats_mean(col[k], n) * (double)n;
        positive = positive && w.sum[k] > 0;
    }
    if (!positive)
        return (double)NAN;
    for (int k = 0; k < 2; k++) {
        w.step[k] = ipw_calloc(n, sizeof *w.step[k]);
        for (size_t i = 0; i < n; i++)
            w.step[k][i] = col[k + 2][i] - col[k][i];
    }
    double seen = distance(w.sum) * (1 - 1e-9);
    uint64_t rounds = n <= ALL_SWAPS ? UINT64_C(1) << n : DRAWN_SWAPS, as_far = 0;
    for (uint64_t r = 0; r < rounds; r++)
        as_far += swapped(&w, n <= ALL_SWAPS ? bit : drawn, n <= ALL_SWAPS ? r : ipw_rng_at(seed, r)) >= seen;
    free(w.step[0]);
    free(w.step[1]);
    return n <= ALL_SWAPS ? (double)as_far / (double)rounds : (double)(as_far + 1) / (double)(rounds + 1);
}
