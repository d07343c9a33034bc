#include <math.h>

#include "stats/stats.h"

static const double LOWEST = 1e-6, STEP = 0.00995033085316808; /* log(1.01) */

void stats_hist_add(struct stats_hist *h, double x)
{
    double at = x > LOWEST ? log(x / LOWEST) / STEP : 0;
    h->in[at < STATS_HIST - 1 ? (int)at : STATS_HIST - 1]++;
    h->n++;
    h->sum += x;
}

double stats_hist_quantile(const struct stats_hist *h, double p)
{
    uint64_t before = 0, rank = (uint64_t)(p * (double)(h->n - 1) + 0.5);
    for (int i = 0; i < STATS_HIST && h->n; i++) {
        before += h->in[i];
        if (before > rank)
            return LOWEST * exp((i + 0.5) * STEP);
    }
    return NAN;
}
