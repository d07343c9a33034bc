#include "energy/share_work.h"

#include <stdlib.h>

#include "base/mem.h"

enum { SAME_STEP_NS = 2000000, LEAST_PROMPT = 8 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_number(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double quantile(double *v, size_t n, double p, double none)
{
    if (!n)
        return none;
    qsort(v, n, sizeof *v, by_number);
    return v[(size_t)(p * (double)(n - 1) + 0.5)];
}

struct first {
    int64_t t;
    size_t i;
};

static int by_first(const void *a, const void *b)
{
    const struct first *x = a, *y = b;
    return (x->t > y->t) - (x->t < y->t);
}

/* How many requests the server works on at once, as far as it shows: most that had their first token and not their end. */
static size_t slots(const struct first *f, size_t n_first, const int64_t *end)
{
    size_t most_at_once = 1, ended = 0;
    for (size_t k = 0; k < n_first; k++) {
        while (ended < n_first && end[ended] < f[k].t)
            ended++;
        most_at_once = k + 1 - ended > most_at_once ? k + 1 - ended : most_at_once;
    }
    return most_at_once;
}

/* An earliest start for each, of a server that takes prompts in turn: when the one before has its first token, and when one
 * of those that it works on has ended. */
static void earliest(struct share_item *v, struct first *f, size_t n_first)
{
    int64_t *end = ipw_calloc(n_first + 1, sizeof *end);
    qsort(f, n_first, sizeof *f, by_first);
    for (size_t k = 0; k < n_first; k++)
        end[k] = v[f[k].i].r->t_end;
    qsort(end, n_first, sizeof *end, by_time);
    size_t room = slots(f, n_first, end);
    for (size_t k = 0, before = 0; k < n_first; k++) {
        struct share_item *x = &v[f[k].i];
        while (before < k && f[before].t < f[k].t - SAME_STEP_NS)
            before++;
        x->p0 = x->r->t_send;
        if (before)
            x->p0 = most(x->p0, f[before - 1].t);
        if (k >= room && end[k - room] < x->r->t_first)
            x->p0 = most(x->p0, end[k - room]);
    }
    free(end);
}

/* The usual time between two chunks of one answer; 0: not known. */
static double step_ns(const struct share_request *r, size_t n)
{
    enum { PER_REQUEST = 9, ENOUGH = 4096 };
    double *gap = ipw_calloc(ENOUGH + PER_REQUEST, sizeof *gap);
    size_t gaps = 0;
    for (size_t i = 0; i < n && gaps < ENOUGH; i++)
        for (size_t k = 1; k < r[i].n_stamps && k <= PER_REQUEST; k++)
            gap[gaps++] = (double)(r[i].stamps[k] - r[i].stamps[k - 1]);
    double ns = quantile(gap, gaps, 0.5, 0);
    free(gap);
    return ns > 0 ? ns : 0;
}

/* Where the prompt was evaluated, not before its earliest start: the time before the first token that the server says, else
 * that its tokens take at the speed that the run shows where prompts were not kept waiting, and a step at least. */
static void place_prompts(struct share_item *v, const struct share_request *r, size_t n)
{
    double step = step_ns(r, n);
    struct first *f = ipw_calloc(n + 1, sizeof *f);
    double *per_token = ipw_calloc(n + 1, sizeof *per_token);
    size_t n_first = 0, n_fit = 0;
    for (size_t i = 0; i < n; i++)
        if (v[i].r->t_first >= 0)
            f[n_first++] = (struct first){v[i].r->t_first, i};
    earliest(v, f, n_first);
    for (size_t k = 0; k < n_first; k++) {
        const struct share_item *x = &v[f[k].i];
        if (x->prompt >= LEAST_PROMPT)
            per_token[n_fit++] = (double)(x->r->t_first - x->p0) / x->prompt;
    }
    double ns = quantile(per_token, n_fit, 0.25, -1);
    for (size_t i = 0; i < n; i++) {
        struct share_item *x = &v[i];
        x->p1 = x->r->t_first;
        if (x->r->t_first < 0) { /* known to be done, but not when */
            x->p0 = x->d0 = x->r->t_send;
            x->p1 = x->r->t_end;
            continue;
        }
        x->d0 = x->r->t_first;
        double took = x->r->prompt_ns > 0 ? (double)x->r->prompt_ns : ns > 0 ? ns * x->prompt : 1e18;
        took = took > step ? took : step;
        x->p0 = took < (double)(x->p1 - x->p0) ? x->p1 - (int64_t)took : x->p0;
    }
    free(f);
    free(per_token);
}

void share_items(struct share_item *v, const struct share_request *r, size_t n)
{
    double *known = ipw_calloc(n + 1, sizeof *known);
    size_t n_known = 0;
    for (size_t i = 0; i < n; i++)
        if (r[i].n_eval > 0)
            known[n_known++] = (double)r[i].n_eval;
    double usual = quantile(known, n_known, 0.5, 1);
    free(known);
    for (size_t i = 0; i < n; i++) {
        const struct share_request *q = &r[i];
        bool began = q->t_first >= 0 || q->n_out > 0 || (q->n_out == 0 && q->n_eval > 0);
        double after = q->n_stamps > 1 ? (double)(q->n_stamps - 1) : 0;
        double first = q->t_first >= 0; /* comes with the prompt */
        double wrote = q->n_out > 0 ? (double)q->n_out - first : q->n_out < 0 ? after : 0;
        v[i] = (struct share_item){.r = q, .known = began};
        v[i].prompt = !began ? 0 : q->n_eval >= 0 ? (double)q->n_eval : usual;
        v[i].context = v[i].prompt + (q->n_cached > 0 ? (double)q->n_cached : 0);
        v[i].per_stamp = !began ? 0 : after > 0 ? wrote / after : wrote;
    }
    place_prompts(v, r, n);
    share_rewind(v, n);
}

void share_rewind(struct share_item *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        v[i].at = v[i].r->t_send;
        v[i].next = 1;
        v[i].wrote = 0;
    }
}

static double part(int64_t a, int64_t b, int64_t lo, int64_t hi)
{
    int64_t from = most(a, lo), to = least(b, hi);
    return to > from ? (double)(to - from) / (double)(hi - lo) : 0;
}

static void write_tokens(struct share_item *x, double tokens, double work[SHARE_WORKS])
{
    work[SHARE_DECODE] += tokens;
    work[SHARE_CONTEXT] += tokens * (x->context + x->wrote);
}

void share_advance(struct share_item *x, int64_t until, double work[SHARE_WORKS])
{
    const struct share_request *r = x->r;
    int64_t from = x->at;
    if (until <= from)
        return;
    x->at = until;
    if (x->p1 > x->p0)
        work[SHARE_PREFILL] += x->prompt * part(from, until, x->p0, x->p1);
    else if (x->p1 >= from && x->p1 < until)
        work[SHARE_PREFILL] += x->prompt;
    if (!(x->per_stamp > 0))
        return;
    if (r->n_stamps < 2) { /* no times: evenly */
        double tokens = r->t_end > x->d0 ? x->per_stamp * part(from, until, x->d0, r->t_end) : 0;
        write_tokens(x, tokens, work);
        x->wrote += tokens;
        return;
    }
    for (; x->next < r->n_stamps; x->next++) {
        int64_t lo = r->stamps[x->next - 1], hi = r->stamps[x->next];
        if (lo >= until)
            return;
        if (hi > lo)
            write_tokens(x, x->per_stamp * part(from, until, lo, hi), work);
        else
            write_tokens(x, x->per_stamp, work);
        if (hi > until)
            return;
        x->wrote += x->per_stamp;
    }
}

/* ---- equal shares ---- */

double share_equally(const int64_t *lo, const int64_t *hi, size_t n, int64_t a, int64_t b, double *out)
{
    int64_t *cut = ipw_calloc(2 * n + 2, sizeof *cut);
    size_t cuts = 0;
    double nobody = 0;
    cut[cuts++] = a;
    cut[cuts++] = b;
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        if (lo[i] > a && lo[i] < b)
            cut[cuts++] = lo[i];
        if (hi[i] > a && hi[i] < b)
            cut[cuts++] = hi[i];
    }
    qsort(cut, cuts, sizeof *cut, by_time);
    for (size_t k = 1; k < cuts; k++) {
        double s = (double)(cut[k] - cut[k - 1]) * 1e-9;
        size_t holders = 0;
        if (!(s > 0))
            continue;
        for (size_t i = 0; i < n; i++)
            holders += lo[i] <= cut[k - 1] && hi[i] >= cut[k];
        if (!holders)
            nobody += s;
        for (size_t i = 0; i < n && holders; i++)
            if (lo[i] <= cut[k - 1] && hi[i] >= cut[k])
                out[i] += s / (double)holders;
    }
    free(cut);
    return nobody;
}
