#include <math.h>

#include "stats/stats.h"

static const double upper = 0.975; /* of a two-sided 95 % interval */

void stats_clusters(const double *x, const size_t *of, size_t n, size_t n_clusters, double *out)
{
    for (size_t g = 0; g < n_clusters; g++)
        out[g] = 0;
    for (size_t i = 0; i < n; i++)
        out[of[i]] += x[i];
    for (size_t g = 0; g < n_clusters; g++)
        out[g] *= (double)n_clusters / (double)n;
}

struct stats_interval stats_clusters_mean(const double *sums, const double *weights, size_t n_clusters)
{
    double m = stats_mean(sums, n_clusters);
    struct stats_interval r = {.est = m, .lo = NAN, .hi = NAN, .n = n_clusters, .method = isnan(m) ? NULL : "t by question"};
    if (n_clusters < 2 || isnan(m))
        return r;
    double half = stats_t_quantile(upper, (double)(n_clusters - 1)) * stats_ratio_se(sums, weights, n_clusters);
    r.lo = m - half;
    r.hi = m + half;
    return r;
}

struct stats_interval stats_clusters_accuracy(const double *sums, const double *weights, size_t n_clusters, size_t n_binary)
{
    bool whole = true;
    for (size_t g = 0; g < n_clusters; g++)
        whole = whole && (sums[g] == 0 || fabs(sums[g] - weights[g]) < 1e-9 * weights[g]);
    struct stats_interval r = stats_clusters_mean(sums, weights, n_clusters);
    double est = r.est < 0 ? 0 : r.est > 1 ? 1 : r.est; /* but for rounding it is inside */
    if (whole && n_clusters) {
        r = stats_wilson(est * (double)n_clusters, n_clusters);
        r.method = "wilson by question";
        return r;
    }
    struct stats_interval least = stats_wilson(est * (double)n_binary, n_binary);
    r.lo = fmax(fmin(r.lo, least.lo), 0); /* fmin and fmax pass over NAN */
    r.hi = fmin(fmax(r.hi, least.hi), 1);
    if (n_clusters < 2)
        r.lo = r.hi = (double)NAN;
    return r;
}
