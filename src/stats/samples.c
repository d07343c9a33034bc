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
