#include "run/baseline.h"

#include <math.h>

#include "base/str.h"
#include "stats/stats.h"

static const struct run_baseline kinds[] = {{"none", 0, false}, {"quick", 5, false}, {"full", 30, true}};

int run_baseline_of(struct run_baseline *out, const struct run_plan *plan, const char *energy_source,
                    double estimated_s, struct ipw_err *err)
{
    const char *word = plan->baseline;
    if (ipw_streq(word, "auto"))
        word = estimated_s > 600 ? "full" : "quick";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (ipw_streq(word, kinds[i].name)) {
            bool counter = ipw_streq(energy_source, "measured") || ipw_streq(energy_source, "partial");
            *out = kinds[i];
            if (!counter)
                *out = kinds[0];
            return 0;
        }
    return ipw_err_set(err, IPW_E_USAGE, "'--baseline %s': auto, quick, full or none is needed", word);
}

bool run_is_warm(const double *tokens_s, size_t n, double spent_s, double slope)
{
    enum { WINDOW = 5, TIMES = 3 };
    if (spent_s >= 300)
        return true;
    if (n < WINDOW + TIMES - 1 || spent_s < 10 || slope >= 1)
        return false;
    for (size_t k = 0; k < TIMES; k++) { /* the spread of five, three times running */
        const double *x = tokens_s + n - WINDOW - k;
        if (!(sqrt(stats_var(x, WINDOW)) < 0.05 * stats_mean(x, WINDOW)))
            return false;
    }
    return true;
}
