#include "run/arrival.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { OPEN_SLOTS = 1024 };

static const struct {
    const char *word;
    enum arrival_kind kind;
} kinds[] = {{"poisson", ARRIVAL_POISSON}, {"constant", ARRIVAL_CONSTANT}, {"trace", ARRIVAL_TRACE}};

int arrival_init(struct arrival *a, const struct run_plan *plan, struct ipw_err *err)
{
    size_t i = 0, n = sizeof kinds / sizeof kinds[0];
    *a = (struct arrival){.rate = plan->request_rate, .ramp_s = plan->ramp_s, .speed = plan->speed,
                          .seed = (uint64_t)plan->seed ^ 0x61727269};
    if (plan->arrival) {
        while (i < n && strcmp(kinds[i].word, plan->arrival) != 0)
            i++;
        if (i == n)
            return ipw_err_set(err, IPW_E_USAGE, "'--arrival %s': poisson, constant or trace is needed", plan->arrival);
        a->kind = kinds[i].kind;
    } else if (a->rate > 0)
        a->kind = ARRIVAL_POISSON;
    bool by_rate = a->kind == ARRIVAL_POISSON || a->kind == ARRIVAL_CONSTANT;
    if (by_rate && !(a->rate > 0))
        return ipw_err_set(err, IPW_E_USAGE, "'--arrival %s' needs --request-rate R, requests per second", plan->arrival);
    if (a->kind == ARRIVAL_TRACE && a->rate > 0)
        return ipw_err_set(err, IPW_E_USAGE, "--request-rate does not go with --arrival trace, which has its own times; "
                           "--speed X replays them X times as fast");
    if (a->kind != ARRIVAL_TRACE && a->speed != 1)
        return ipw_err_set(err, IPW_E_USAGE, "--speed goes with --arrival trace");
    a->slots = plan->concurrency > 0 ? (size_t)plan->concurrency : a->kind == ARRIVAL_CLOSED ? 1 : OPEN_SLOTS;
    return 0;
}

void arrival_begin(struct arrival *a, int64_t now_ns)
{
    a->t0_ns = now_ns;
    a->k = 0;
    a->sum = 0;
}

int64_t arrival_opens_ns(const struct arrival *a, size_t i)
{
    return a->t0_ns + (int64_t)(a->ramp_s * 1e9 * (double)i / (double)a->slots);
}

/* The time by which the rate adds up to `sum` requests. */
static double time_of(const struct arrival *a, double sum)
{
    double in_ramp = a->rate * a->ramp_s / 2;
    return sum < in_ramp ? sqrt(2 * a->ramp_s * sum / a->rate) : a->ramp_s + (sum - in_ramp) / a->rate;
}

int64_t arrival_next_ns(struct arrival *a, double trace_s)
{
    uint64_t k = a->k++;
    double s;
    if (a->kind == ARRIVAL_TRACE)
        s = trace_s / a->speed;
    else if (a->kind == ARRIVAL_CONSTANT)
        s = time_of(a, (double)k);
    else {
        double u = (double)(ipw_rng_at(a->seed, k) >> 11) * 0x1p-53;
        a->sum -= log1p(-u);
        s = time_of(a, a->sum);
    }
    return a->t0_ns + (int64_t)(s * 1e9);
}
