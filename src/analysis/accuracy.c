#include "analysis/accuracy.h"
#include "analysis/load.h"
#include "analysis/perplexity.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/domains.h"
#include "analysis/questions.h"
#include "analysis/samples.h"
#include "analysis/told.h"
#include "base/mem.h"
#include "base/str.h"
#include "stats/stats.h"

/* What a person can talk to: the first token within 2 s, then at least 10 tokens/s (decisions.md, IPJ). */
static const struct {
    double ttft_s, tokens_s;
} limits = {2.0, 10.0};

/* Columns over S_E, one value per query; or sums by question, with their weights. */
enum { COLUMNS = 6 };
struct columns {
    size_t n;
    double *c, *slo, *e, *tau, *p, *net; /* net: NAN without a baseline */
    double *weights; /* as questions_sum; NULL: one per query */
    size_t *of;
};

static double tokens_per_s(const struct table_row *r)
{
    return r->n_out >= 2 && r->decode_s > 0 ? (r->n_out - 1) / r->decode_s : (double)NAN;
}

/* False where a stamp or a count is unknown: what was not seen to be fast is not called fast. */
static bool fast_enough(const struct table_row *r)
{
    return r->ttft_s <= limits.ttft_s && (r->n_out < 2 || r->n_out - 1 >= limits.tokens_s * r->decode_s);
}

static struct estimate estimate_of(const struct stats_interval *i)
{
    double hi = i->unbounded ? (double)NAN : i->hi;
    return (struct estimate){i->est, i->lo, hi, NAN, NAN, i->n, isnan(i->est) ? NULL : i->method};
}

static struct estimate unknown(size_t n)
{
    return (struct estimate){NAN, NAN, NAN, NAN, NAN, n, NULL};
}

/* A gain known to u (one sigma): the true value lies in x / (1 + 2u) .. x (1 + 2u) with 95 %. A better meter of a
 * partial run would meter more devices, and nobody knows how much they took: that end is open. */
static void meter_band(struct estimate *e, const struct table_run *run, bool per_joule)
{
    double u = run->gain_u;
    bool partial = ipw_streq(run->energy_source, "partial");
    if (!isfinite(u) || isnan(e->est))
        return;
    e->meter_lo = partial && per_joule ? (double)NAN : e->est / (1 + 2 * u);
    e->meter_hi = partial && !per_joule ? (double)NAN : e->est * (1 + 2 * u);
}

/* Joules are told over S, so that they belong to the accuracy beside them; a run that only measures (no question can be
 * scored) tells them over everything that was sent. */
static bool told(const struct table_row *r, bool some_scored)
{
    return some_scored ? row_in_s(r) : r->status != QUERY_NOT_SENT;
}

static bool some_scored(const struct table_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        if (row_in_s(&run->v[i]))
            return true;
    return false;
}

static struct columns columns_of(const struct table_run *run, const struct questions *q)
{
    bool some = some_scored(run);
    struct columns k = {.of = ipw_malloc((run->n + 1) * sizeof *k.of)};
    double *all = ipw_calloc(run->n * COLUMNS + 1, sizeof *all);
    k.c = all;
    k.slo = all + run->n;
    k.e = all + 2 * run->n;
    k.tau = all + 3 * run->n;
    k.p = all + 4 * run->n;
    k.net = all + 5 * run->n;
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        if (!told(r, some) || !row_has_energy(r))
            continue;
        k.c[k.n] = row_correct(r);
        k.slo[k.n] = fast_enough(r) ? row_correct(r) : 0;
        k.e[k.n] = r->energy_j;
        k.tau[k.n] = r->energy_s;
        k.net[k.n] = r->net_j;
        k.of[k.n] = q->of[i];
        k.p[k.n++] = r->energy_j / r->energy_s;
    }
    return k;
}

static void sum_columns(struct columns *k)
{
    double *const col[COLUMNS] = {k->c, k->slo, k->e, k->tau, k->p, k->net};
    k->n = questions_sum(col, COLUMNS, k->of, k->n, &k->weights);
}

static void columns_release(struct columns *k)
{
    free(k->c);
    free(k->of);
    free(k->weights);
}

/* ---- accuracy ---- */

static void count(const struct table_run *run, const struct questions *q, struct accuracy_result *out)
{
    bool *seen = ipw_calloc(q->n + 1, sizeof *seen);
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        out->by_query[r->status]++;
        if (r->status == QUERY_NOT_SENT)
            continue;
        out->n_rows++;
        out->n_questions += !seen[q->of[i]];
        seen[q->of[i]] = true;
        out->by_score[r->score]++;
        out->n_unscored += r->score == SCORE_UNSCORED;
        out->n_failed += row_in_s(r) && row_failed(r);
        out->n_scored += row_in_s(r);
        out->n_energy += row_in_s(r) && row_has_energy(r);
        out->n_correct += row_in_s(r) ? row_correct(r) : 0;
        out->n_slowed += r->slowed;
        out->n_capped += r->capped;
        out->n_low += r->energy_status == ENERGY_LOW_RESOLUTION;
    }
    free(seen);
}

/* ref: as the reference counts, without what failed and what could not be read. */
static struct estimate share_right(const struct table_run *run, const struct questions *q, bool ref)
{
    double *c = ipw_malloc((run->n + 1) * sizeof *c), *weights;
    size_t n = 0, *of = ipw_malloc((run->n + 1) * sizeof *of), fractions = 0;
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        if (!row_in_s(r) || (ref && (row_failed(r) || r->score == SCORE_UNPARSED)))
            continue;
        c[n] = row_correct(r);
        fractions += c[n] != 0 && c[n] != 1;
        of[n++] = q->of[i];
    }
    size_t binary = fractions ? 0 : n;
    n = questions_sum(&c, 1, of, n, &weights);
    struct stats_interval a = questions_accuracy(c, weights, n, binary);
    free(c);
    free(of);
    free(weights);
    return estimate_of(&a);
}

static void accuracy(const struct table_run *run, const struct questions *q, struct accuracy_result *out)
{
    out->accuracy = share_right(run, q, false);
    out->accuracy_scored = share_right(run, q, true);
    double all = (double)(out->n_scored + out->n_unscored);
    out->all_wrong = all > 0 ? out->n_correct / all : (double)NAN;
    out->all_right = all > 0 ? (out->n_correct + (double)out->n_unscored) / all : (double)NAN;
}

/* ---- joules ---- */

static const char *why_no_energy(const struct table_run *run, const struct accuracy_result *out, bool allow_missing)
{
    if (out->n_energy == 0 && run->energy_reason)
        return run->energy_reason;
    if (out->n_scored == 0)
        return "no question could be scored";
    if (out->n_energy == 0)
        return "no question has joules";
    if (!allow_missing && (double)out->n_energy < row_enough_energy * (double)out->n_scored)
        return "fewer than 90 % of the questions have joules";
    return NULL;
}

/* Joules are not, whatever few questions leave open. */
static void not_negative(struct stats_interval *i)
{
    i->lo = i->lo < 0 ? 0 : i->lo;
}

/* Less idle, when every query of S_E has a baseline; a net that cannot be told from zero is no figure. */
static void net(const struct columns *k, struct accuracy_result *out)
{
    struct stats_interval e = questions_mean(k->net, k->weights, k->n);
    if (!(e.lo > 0))
        return;
    out->net_per_query_j = estimate_of(&e);
    if (!out->energy_reason) {
        struct stats_interval ipj = stats_ratio(k->c, k->net, k->n);
        out->ipj_net = estimate_of(&ipj);
    }
}

static void energy(const struct table_run *run, const struct columns *k, bool allow_missing,
                   struct accuracy_result *out)
{
    struct stats_sum total = {0};
    size_t known = 0;
    for (size_t i = 0; i < run->n; i++) {
        if (!isfinite(run->v[i].energy_j))
            continue;
        stats_sum_add(&total, run->v[i].energy_j); /* of what cannot be scored too: it was spent */
        known++;
    }
    out->gap_j = run->gap_j;
    out->energy_reason = why_no_energy(run, out, allow_missing);
    out->total_j = known ? stats_sum_value(&total) : (double)NAN;
    out->per_query_j = out->power_w = out->ipj = out->ipw = out->ipw_tw = out->ipw_slo = unknown(k->n);
    out->net_per_query_j = out->ipj_net = unknown(k->n);
    if (k->n == 0)
        return;
    struct stats_interval e = questions_mean(k->e, k->weights, k->n), p = questions_mean(k->p, k->weights, k->n);
    not_negative(&e);
    not_negative(&p);
    out->per_query_j = estimate_of(&e);
    out->power_w = estimate_of(&p);
    net(k, out);
    if (!out->energy_reason) {
        const double *const col[] = {k->c, k->tau, k->e, k->weights};
        const int power[] = {1, 1, -1, -1}; /* a product of two means over one: the number of queries does not cancel */
        struct stats_interval ipj = stats_ratio(k->c, k->e, k->n), ipw = stats_ratio(k->c, k->p, k->n),
                              slo = stats_ratio(k->slo, k->p, k->n), tw = stats_product_logdelta(col, power, k->weights ? 4 : 3, k->n);
        if (stats_mean(k->c, k->n) == 0) /* nothing right: 0 however it is weighted */
            tw = ipw;
        out->ipj = estimate_of(&ipj);
        out->ipw = estimate_of(&ipw);
        out->ipw_slo = estimate_of(&slo);
        out->ipw_tw = estimate_of(&tw);
    }
    struct estimate *const joules[] = {&out->per_query_j, &out->power_w, &out->net_per_query_j};
    struct estimate *const per_joule[] = {&out->ipj, &out->ipw, &out->ipw_tw, &out->ipw_slo, &out->ipj_net};
    for (size_t i = 0; i < sizeof joules / sizeof joules[0]; i++)
        meter_band(joules[i], run, false);
    for (size_t i = 0; i < sizeof per_joule / sizeof per_joule[0]; i++)
        meter_band(per_joule[i], run, true);
}

/* The same figures in another total. No better-meter band: its gain is not that of the component total. */
static void other_scope(const struct table_run *run, const struct questions *q, enum table_scope k, bool allow_missing,
                        struct accuracy_result *out)
{
    double *c = ipw_calloc(run->n * 3 + 1, sizeof *c), *e = c + run->n, *p = e + run->n, *weights, total = 0;
    bool some = some_scored(run);
    size_t n = 0, *of = ipw_malloc((run->n + 1) * sizeof *of);
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        if (!isfinite(r->other_j[k]) || !(r->energy_s > 0))
            continue;
        total += r->other_j[k];
        if (!told(r, some))
            continue;
        c[n] = row_correct(r);
        e[n] = r->other_j[k];
        of[n] = q->of[i];
        p[n++] = r->other_j[k] / r->energy_s;
    }
    out->other[k].total_j = n ? total : (double)NAN;
    bool enough = n && some && (allow_missing || (double)n >= row_enough_energy * (double)out->n_scored);
    n = questions_sum((double *const[]){c, e, p}, 3, of, n, &weights);
    struct stats_interval j = questions_mean(e, weights, n), w = questions_mean(p, weights, n);
    not_negative(&j);
    not_negative(&w);
    struct stats_interval ipj = stats_ratio(c, e, n), ipw = stats_ratio(c, p, n);
    out->other[k].per_query_j = n ? estimate_of(&j) : unknown(0);
    out->other[k].power_w = n ? estimate_of(&w) : unknown(0);
    out->other[k].ipj = enough ? estimate_of(&ipj) : unknown(n);
    out->other[k].ipw = enough ? estimate_of(&ipw) : unknown(n);
    free(c);
    free(of);
    free(weights);
}

static struct spread spread_of(const double *x, size_t n)
{
    if (!n)
        return (struct spread){NAN, NAN, NAN, NAN, NAN, 0};
    double mean = stats_mean(x, n);
    return (struct spread){mean, stats_quantile(x, n, 0.5), stats_quantile(x, n, 0), stats_quantile(x, n, 1),
                           mean * (double)n, n};
}

/* ---- time and tokens ---- */

struct quantiles analysis_quantiles(const struct table_run *run, double (*get)(const struct table_row *))
{
    double *x = ipw_calloc(run->n + 1, sizeof *x);
    size_t n = 0;
    for (size_t i = 0; i < run->n; i++) {
        double v = run->v[i].status == QUERY_NOT_SENT ? (double)NAN : get(&run->v[i]);
        if (isfinite(v))
            x[n++] = v;
    }
    struct quantiles q = {stats_mean(x, n), stats_quantile(x, n, 0.5), stats_quantile(x, n, 0.9),
                          stats_quantile(x, n, 0.99), n};
    free(x);
    return q;
}

static double get_ttft(const struct table_row *r)
{
    return r->ttft_s;
}

static double get_tpot(const struct table_row *r)
{
    return 1 / tokens_per_s(r);
}

static double get_e2e(const struct table_row *r)
{
    return r->latency_s;
}

static void add(double *sum, double x)
{
    if (isfinite(x))
        *sum = (isnan(*sum) ? 0 : *sum) + x;
}

/* Sums of one phase over queries. all_s: of every query; s, j: of those with joules; token_j, tokens: of those with
 * tokens too. So every ratio is of the same queries above and below the line. */
struct phase_sums {
    double all_s, s, j, token_j, tokens;
};

static void add_phase(struct phase_sums *p, const struct table_row *r, double s, double j, double tokens)
{
    if (!isfinite(s))
        return;
    add(&p->all_s, s);
    if (!row_has_energy(r) || !isfinite(j))
        return;
    add(&p->s, s);
    add(&p->j, j);
    if (isfinite(tokens)) {
        add(&p->token_j, j);
        add(&p->tokens, tokens);
    }
}

static struct phase_figures phase_of(const struct table_run *run, const struct accuracy_result *out,
                                     const struct phase_sums *p)
{
    struct phase_figures f = {p->all_s, NAN, NAN, NAN, NULL};
    if (!isnan(p->j)) {
        f.s = p->s;
        f.j = p->j;
        f.w = p->s > 0 ? p->j / p->s : (double)NAN;
        f.j_per_token = p->tokens > 0 ? p->token_j / p->tokens : (double)NAN;
    } else if (!out->n_energy) {
        f.reason = why_no_energy(run, out, true);
    } else {
        f.reason = isnan(p->all_s) ? "no first token was seen" : "counter too slow";
    }
    return f;
}

/* Ratios of sums (metrics 1.4). */
static void phases(const struct table_run *run, struct accuracy_result *out)
{
    struct phase_sums prefill = {NAN, NAN, NAN, NAN, NAN}, decode = prefill;
    bool some = some_scored(run);
    double fed = 0, fed_s = 0, made = 0, made_s = 0;
    out->n_in = out->n_cached = out->n_out = out->n_reason = NAN;
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        if (r->status == QUERY_NOT_SENT)
            continue;
        double evaluated = r->n_in - (isfinite(r->n_cached) ? r->n_cached : 0);
        add(&out->n_in, r->n_in);
        add(&out->n_cached, r->n_cached);
        add(&out->n_out, r->n_out);
        add(&out->n_reason, r->n_reason);
        if (told(r, some)) {
            add_phase(&prefill, r, r->ttft_s, r->prefill_j, evaluated);
            add_phase(&decode, r, r->latency_s - r->ttft_s, r->decode_j, r->n_out);
        }
        if (isfinite(r->ttft_s) && isfinite(evaluated)) {
            fed += evaluated;
            fed_s += r->ttft_s;
        }
        if (isfinite(tokens_per_s(r))) {
            made += r->n_out - 1;
            made_s += r->decode_s;
        }
    }
    out->prefill = phase_of(run, out, &prefill);
    out->decode = phase_of(run, out, &decode);
    out->decode_tok_s = made_s > 0 ? made / made_s : (double)NAN;
    out->prefill_tok_s = fed_s > 0 ? fed / fed_s : (double)NAN;
}

static void thinking(const struct table_run *run, struct accuracy_result *out)
{
    struct thinking_figures *t = &out->thinking;
    double written = NAN;
    t->tokens = t->j = NAN;
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        if (!(r->n_reason > 0) || r->status == QUERY_NOT_SENT)
            continue;
        t->n++;
        t->n_unclosed += r->unclosed;
        add(&t->tokens, r->n_reason);
        add(&t->j, r->think_j);
        add(&written, r->n_out);
    }
    t->share = t->tokens / written;
}

void accuracy_of(const struct table_run *run, bool allow_missing, struct accuracy_result *out)
{
    *out = (struct accuracy_result){0};
    struct questions q;
    questions_of(run, &q);
    struct columns k = columns_of(run, &q);
    count(run, &q, out);
    accuracy(run, &q, out);
    out->energy = spread_of(k.e, k.n);
    out->power = spread_of(k.p, k.n);
    out->power_max_w = out->power.max;
    out->efficiency_accuracy = stats_mean(k.c, k.n);
    sum_columns(&k);
    energy(run, &k, allow_missing, out);
    other_scope(run, &q, TABLE_ACCEL, allow_missing, out);
    other_scope(run, &q, TABLE_SYSTEM, allow_missing, out);
    analysis_samples(run, &q, out);
    analysis_domains(run, allow_missing, out);
    analysis_load(run, &out->load);
    out->ttft_s = analysis_quantiles(run, get_ttft);
    out->tpot_s = analysis_quantiles(run, get_tpot);
    out->e2e_s = analysis_quantiles(run, get_e2e);
    phases(run, out);
    thinking(run, out);
    analysis_perplexity(run, &out->perplexity);
    out->interactive = out->ttft_s.p90 <= limits.ttft_s && out->decode_tok_s >= limits.tokens_s;
    columns_release(&k);
    questions_release(&q);
}
