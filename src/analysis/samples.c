#include "analysis/samples.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "analysis/told.h"
#include "base/mem.h"

/* Rows of S by question. */
struct samples {
    const struct table_run *run;
    size_t *row, *from, n; /* question g has row[from[g]] to before row[from[g + 1]] */
};

static void samples_init(struct samples *s, const struct table_run *run, const struct questions *q)
{
    *s = (struct samples){.run = run, .n = q->n};
    s->row = ipw_malloc((run->n + 1) * sizeof *s->row);
    s->from = ipw_calloc(q->n + 2, sizeof *s->from);
    for (size_t i = 0; i < run->n; i++)
        s->from[q->of[i] + 2] += row_in_s(&run->v[i]);
    for (size_t g = 2; g < q->n + 2; g++)
        s->from[g] += s->from[g - 1];
    for (size_t i = 0; i < run->n; i++)
        if (row_in_s(&run->v[i]))
            s->row[s->from[q->of[i] + 1]++] = i;
}

static void samples_release(struct samples *s)
{
    free(s->row);
    free(s->from);
}

static size_t size_of(const struct samples *s, size_t g)
{
    return s->from[g + 1] - s->from[g];
}

static const struct table_row *row_of(const struct samples *s, size_t g, size_t i)
{
    return &s->run->v[s->row[s->from[g] + i]];
}

static struct estimate unknown(void)
{
    return (struct estimate){NAN, NAN, NAN, NAN, NAN, 0, NULL};
}

static struct estimate estimate_of(const struct stats_interval *i)
{
    return (struct estimate){i->est, i->lo, i->unbounded ? (double)NAN : i->hi, NAN, NAN, i->n, isnan(i->est) ? NULL : i->method};
}

/* ---- at least one of k is right ---- */

static double pass(const struct samples *s, size_t g, size_t k)
{
    size_t c = 0, n = size_of(s, g);
    for (size_t i = 0; i < n; i++)
        c += row_correct(row_of(s, g, i)) >= 1;
    return stats_pass_at_k(n, c, k);
}

static double mean_joules(const struct samples *s, size_t g)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < size_of(s, g); i++)
        if (row_has_energy(row_of(s, g, i))) {
            sum += row_of(s, g, i)->energy_j;
            n++;
        }
    return n ? sum / (double)n : (double)NAN;
}

/* A question of which fewer than k answers are scored tells nothing of k. */
static void at_k(const struct samples *s, size_t k, struct accuracy_result *out)
{
    struct sample_figures *f = &out->samples;
    double *all = ipw_malloc((3 * s->n + 1) * sizeof *all), *p = all, *p_e = p + s->n, *e = p_e + s->n;
    size_t n = 0, m = 0;
    for (size_t g = 0; g < s->n; g++) {
        if (size_of(s, g) < k)
            continue;
        p[n] = pass(s, g, k);
        e[m] = (double)k * mean_joules(s, g);
        p_e[m] = p[n++];
        m += isfinite(e[m]);
    }
    struct stats_interval right = stats_accuracy(p, n), ipj = stats_ratio(p_e, e, m);
    f->at[f->n_at].k = k;
    f->at[f->n_at].pass = estimate_of(&right);
    struct estimate *per = &f->at[f->n_at++].ipj;
    *per = out->energy_reason ? unknown() : estimate_of(&ipj);
    if (per->est > 0 && out->ipj.est > 0) { /* the same joules, so the same meter */
        per->meter_lo = per->est * out->ipj.meter_lo / out->ipj.est;
        per->meter_hi = per->est * out->ipj.meter_hi / out->ipj.est;
    }
    free(all);
}

/* ---- the answer that was given most often ---- */

static int by_answer(const void *a, const void *b)
{
    const struct table_row *const *x = a, *const *y = b;
    return strcasecmp((*x)->extracted, (*y)->extracted);
}

/* Is the most frequent answer right? Where several are as frequent, what drawing one of them gives on average; nothing
 * readable is wrong. NAN: its answers are no texts that agree or not. */
static double majority(const struct samples *s, size_t g, const struct table_row **v)
{
    size_t n = 0, most = 0, leaders = 0;
    double right = 0;
    bool votes = true;
    for (size_t i = 0; i < size_of(s, g); i++) {
        const struct table_row *r = row_of(s, g, i);
        votes = votes && (r->votes || row_failed(r));
        if (r->votes && r->extracted && !row_failed(r) && r->score != SCORE_UNPARSED)
            v[n++] = r;
    }
    qsort(v, n, sizeof *v, by_answer);
    for (size_t i = 0, end; i < n; i = end) {
        double c = 0;
        for (end = i; end < n && !by_answer(&v[i], &v[end]); end++)
            c += row_correct(v[end]);
        if (end - i < most)
            continue;
        if (end - i > most)
            right = (double)(leaders = 0);
        most = end - i;
        leaders++;
        right += c / (double)most;
    }
    return !votes ? (double)NAN : leaders ? right / (double)leaders : 0;
}

static struct estimate majorities(const struct samples *s, size_t k)
{
    double *c = ipw_malloc((s->n + 1) * sizeof *c);
    const struct table_row **v = ipw_calloc(s->run->n + 1, sizeof *v);
    size_t n = 0;
    for (size_t g = 0; g < s->n; g++) {
        c[n] = size_of(s, g) >= k ? majority(s, g, v) : (double)NAN;
        n += isfinite(c[n]);
    }
    struct stats_interval i = stats_accuracy(c, n);
    free(c);
    free(v);
    return estimate_of(&i);
}

/* ---- how much a whole round differs from the next ---- */

static double round_sd(const struct table_run *run, size_t k)
{
    double *right = ipw_calloc(k + 1, sizeof *right), sd = NAN;
    size_t *n = ipw_calloc(k + 1, sizeof *n), whole = 0, most = 0;
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        if (!row_in_s(r) || r->sample < 0 || (size_t)r->sample >= k)
            continue;
        right[r->sample] += row_correct(r);
        n[r->sample]++;
        most = n[r->sample] > most ? n[r->sample] : most;
    }
    for (size_t i = 0; i < k; i++)
        if (n[i] && n[i] == most)
            right[whole++] = right[i] / (double)n[i];
    if (whole >= 2)
        sd = sqrt(stats_var(right, whole));
    free(right);
    free(n);
    return sd;
}

void analysis_samples(const struct table_run *run, const struct questions *q, struct accuracy_result *out)
{
    struct sample_figures *f = &out->samples;
    double asked = run->settings[TABLE_SETTING_SAMPLES].number;
    *f = (struct sample_figures){.k = 1, .majority = unknown(), .round_sd = NAN};
    if (!run->settings[TABLE_SETTING_SAMPLES].text || !(asked >= 2 && asked <= (1 << (SAMPLES_AT - 2))))
        return;
    struct samples s;
    f->k = (size_t)asked;
    samples_init(&s, run, q);
    for (size_t k = 1; k < f->k; k *= 2)
        at_k(&s, k, out);
    at_k(&s, f->k, out);
    f->majority = majorities(&s, f->k);
    f->round_sd = round_sd(run, f->k);
    samples_release(&s);
}
