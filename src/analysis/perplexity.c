#include "analysis/perplexity.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/told.h"
#include "base/mem.h"
#include "base/str.h"
#include "stats/stats.h"

static const struct estimate unknown = {NAN, NAN, NAN, NAN, NAN, 0, NULL};

static struct estimate estimate_of(const struct stats_interval *i)
{
    return (struct estimate){i->est, i->lo, i->unbounded ? (double)NAN : i->hi, NAN, NAN, i->n, isnan(i->est) ? NULL : i->method};
}

/* The perplexity of nats per token, or any other growing function of them. */
static struct estimate mapped(struct estimate e, double (*f)(double))
{
    e.est = f(e.est);
    e.lo = f(e.lo);
    e.hi = f(e.hi);
    return e;
}

static double bits(double nats)
{
    return nats / log(2);
}

static struct estimate per(const double *ppl, const double *cost, size_t n, const struct table_run *run)
{
    const double *const col[] = {ppl, cost};
    const int power[] = {-1, -1};
    struct stats_interval i = stats_product_logdelta(col, power, 2, n);
    struct estimate e = estimate_of(&i);
    double u = run->gain_u;
    if (!isfinite(u) || isnan(e.est))
        return e;
    e.meter_lo = ipw_streq(run->energy_source, "partial") ? (double)NAN : e.est / (1 + 2 * u);
    e.meter_hi = e.est * (1 + 2 * u);
    return e;
}

void analysis_perplexity(const struct table_run *run, struct perplexity_figures *out)
{
    *out = (struct perplexity_figures){.mean = unknown, .corpus = unknown, .bits_per_byte = unknown, .ppw = unknown, .ppj = unknown};
    double *nll = ipw_calloc(run->n * 7 + 1, sizeof *nll), *tokens = nll + run->n, *bytes = tokens + run->n;
    double *ppl = bytes + run->n, *ppl_e = ppl + run->n, *joules = ppl_e + run->n, *watts = joules + run->n;
    size_t n = 0, n_e = 0;
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        if (!(r->nll_tokens > 0) || !isfinite(r->nll) || r->status == QUERY_NOT_SENT)
            continue;
        nll[n] = r->nll;
        tokens[n] = r->nll_tokens;
        bytes[n] = r->nll_bytes;
        ppl[n] = exp(r->nll / r->nll_tokens);
        if (row_has_energy(r)) {
            ppl_e[n_e] = ppl[n];
            joules[n_e] = r->energy_j;
            watts[n_e++] = r->energy_j / r->energy_s;
        }
        out->tokens += tokens[n];
        out->bytes += bytes[n++];
    }
    out->n = n;
    if (n) {
        struct stats_interval mean = stats_mean_t(ppl, n), per_token = stats_ratio(nll, tokens, n), per_byte = stats_ratio(nll, bytes, n);
        out->mean = estimate_of(&mean);
        out->mean.lo = out->mean.lo < 1 ? 1 : out->mean.lo;
        out->corpus = mapped(estimate_of(&per_token), exp);
        out->bits_per_byte = mapped(estimate_of(&per_byte), bits);
    }
    if (n_e && (double)n_e >= row_enough_energy * (double)n) {
        out->ppw = per(ppl_e, watts, n_e, run);
        out->ppj = per(ppl_e, joules, n_e, run);
    }
    free(nll);
}
