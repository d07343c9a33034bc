#include "analysis/load.h"

#include <math.h>

#include "base/str.h"
#include "stats/stats.h"

/* Above these the client's part in a latency is no longer small, and the figures are the client's as much as the server's. */
static const double CPU_SHARE = 0.8, DELAY_S = 1e-3, DELAY_SHARE = 0.05;

static double get_delay(const struct table_row *r)
{
    return r->delay_s;
}

static double get_latency(const struct table_row *r)
{
    return r->latency_s;
}

/* Ended inside of [from, to] of a segment. */
static bool ended_in(const struct table_row *r, int64_t segment, double from, double to)
{
    return r->status != QUERY_NOT_SENT && r->segment == segment && r->end_s >= from && r->end_s <= to;
}

/* The last segment, and the window in it: steady, else from the first request to the last end. */
static int64_t window(const struct table_run *run, struct load_figures *out, double *from, double *to)
{
    int64_t last = 0;
    for (size_t i = 0; i < run->n; i++)
        last = run->v[i].segment > last ? run->v[i].segment : last;
    *from = INFINITY;
    *to = -INFINITY;
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        if (r->segment == last && isfinite(r->send_s)) {
            *from = fmin(*from, r->send_s);
            *to = fmax(*to, r->end_s);
        }
    }
    if (run->steady_to_s > run->steady_from_s && run->steady_to_s <= *to) {
        *from = run->steady_from_s;
        *to = run->steady_to_s;
        out->steady = true;
    }
    out->seconds = *to - *from;
    return last;
}

static const char *why_bound(const struct table_run *run, const struct load_figures *f)
{
    struct quantiles latency = analysis_quantiles(run, get_latency);
    if (f->cpu_share > CPU_SHARE)
        return "its thread was busy nearly all of the time";
    if (f->delay_s.p99 > DELAY_S && f->delay_s.p99 > DELAY_SHARE * latency.p50)
        return "requests were sent late";
    return NULL;
}

void analysis_load(const struct table_run *run, struct load_figures *out)
{
    double from, to, requests = 0, tokens = 0;
    *out = (struct load_figures){.seconds = NAN, .requests_s = NAN, .tokens_s = NAN, .cpu_share = NAN,
                                 .cpu_us_per_piece = NAN};
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        out->in_flight = r->in_flight > (double)out->in_flight ? (size_t)r->in_flight : out->in_flight;
        if (r->token_source && !out->token_source)
            out->token_source = r->token_source;
        else if (r->token_source && !ipw_streq(out->token_source, r->token_source))
            out->token_source = "mixed";
    }
    out->any = run->itl != NULL;
    if (!out->any)
        return;
    int64_t segment = window(run, out, &from, &to);
    for (size_t i = 0; i < run->n; i++)
        if (ended_in(&run->v[i], segment, from, to)) {
            requests++;
            tokens += isfinite(run->v[i].n_out) ? run->v[i].n_out : 0;
        }
    if (out->seconds > 0) {
        out->requests_s = requests / out->seconds;
        out->tokens_s = tokens / out->seconds;
    }
    out->delay_s = analysis_quantiles(run, get_delay);
    if (run->itl->n)
        out->itl_s = (struct quantiles){run->itl->sum / (double)run->itl->n, stats_hist_quantile(run->itl, 0.5),
                                        stats_hist_quantile(run->itl, 0.9), stats_hist_quantile(run->itl, 0.99),
                                        (size_t)run->itl->n};
    else
        out->itl_s = (struct quantiles){NAN, NAN, NAN, NAN, 0};
    out->cpu_share = run->client.cpu_s / run->client.wall_s;
    out->cpu_us_per_piece = run->client.cpu_s * 1e6 / run->client.pieces;
    out->bound = why_bound(run, out);
}
