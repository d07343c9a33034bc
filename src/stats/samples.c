#include "stats/stats.h"

#include <math.h>

double stats_pass_at_k(size_t n, size_t c, size_t k)
{
    double none = 1;
    if (n - c < k)
        return 1;
    for (size_t i = n - c + 1; i <= n; i++)
        none *= 1 - (double)k / (double)i;
    return 1 - none;
}

double stats_kappa(const char *a, const char *b, size_t n)
{
    double of_a[256] = {0}, of_b[256] = {0}, same = 0, chance = 0;
    for (size_t i = 0; i < n; i++) {
        of_a[(unsigned char)a[i]]++;
        of_b[(unsigned char)b[i]]++;
        same += a[i] == b[i];
    }
    for (int k = 0; k < 256; k++)
        chance += of_a[k] * of_b[k];
    chance /= (double)n * (double)n;
    return chance < 1 ? (same / (double)n - chance) / (1 - chance) : (double)NAN;
}

static double clip(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

struct stats_interval stats_rogan_gladen(double p_obs, size_t n, size_t judged_right, size_t right, size_t judged_wrong,
                                         size_t wrong)
{
    struct stats_interval out = {NAN, NAN, NAN, n, "rogan-gladen", false};
    double z = stats_normal_quantile(0.975), se = (double)judged_right / (double)right, sp = (double)judged_wrong / (double)wrong;
    if (!n || !right || !wrong || !(se + sp > 1))
        return out;
    out.est = clip((p_obs + sp - 1) / (se + sp - 1));
    double n_p = (double)n + z * z, n_se = (double)right + 2, n_sp = (double)wrong + 2;
    double p = ((double)n * p_obs + z * z / 2) / n_p;
    se = ((double)judged_right + 1) / n_se;
    sp = ((double)judged_wrong + 1) / n_sp;
    if (!(se + sp > 1))
        return out;
    double true_p = (p + sp - 1) / (se + sp - 1), se_var = se * (1 - se) / n_se, sp_var = sp * (1 - sp) / n_sp;
    double shift = 2 * z * z * (true_p * se_var - (1 - true_p) * sp_var);
    double half = z * sqrt(p * (1 - p) / n_p + true_p * true_p * se_var + (1 - true_p) * (1 - true_p) * sp_var) / (se + sp - 1);
    out.lo = clip(true_p + shift - half);
    out.hi = clip(true_p + shift + half);
    return out;
}
