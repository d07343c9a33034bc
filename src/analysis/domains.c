#include "analysis/domains.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/accuracy.h"
#include "analysis/questions.h"
#include "analysis/told.h"
#include "base/mem.h"

struct place {
    const char *domain; /* "": none, before the others */
    size_t row;
};

static int by_domain(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->domain, y->domain);
    return order ? order : x->row < y->row ? -1 : x->row > y->row;
}

/* Variance of a subject's accuracy as the mean of its questions. */
static double variance(const struct table_run *slice)
{
    struct questions q;
    questions_of(slice, &q);
    double *c = ipw_calloc(2 * slice->n + 1, sizeof *c), *ones = c + slice->n, *weights, se = NAN;
    size_t n = 0, *of = ipw_malloc((slice->n + 1) * sizeof *of);
    for (size_t i = 0; i < slice->n; i++) {
        if (!row_in_s(&slice->v[i]))
            continue;
        c[n] = row_correct(&slice->v[i]);
        ones[n] = 1;
        of[n++] = q.of[i];
    }
    n = questions_sum((double *const[]){c}, 1, of, n, &weights);
    if (n >= 2)
        se = stats_ratio_se(c, weights ? weights : ones, n);
    free(c);
    free(of);
    free(weights);
    questions_release(&q);
    return se * se;
}

/* The mean of the subjects' accuracies, each counting alike; its degrees of freedom by Satterthwaite. */
struct macro {
    double sum, var, var2; /* var2: of var_d^2 / (n_d - 1) */
    size_t n;
};

static void add_macro(struct macro *m, const struct table_run *slice, const struct domain_figures *d)
{
    if (isnan(d->accuracy.est))
        return;
    double v = variance(slice);
    m->sum += d->accuracy.est;
    m->var += v;
    m->var2 += v * v / ((double)d->accuracy.n - 1);
    m->n++;
}

static struct estimate macro_of(const struct macro *m)
{
    double k = (double)m->n, est = m->sum / k;
    struct estimate e = {est, NAN, NAN, NAN, NAN, m->n, m->n ? "stratified t" : NULL};
    if (!m->n || !(m->var > 0))
        return e;
    double half = stats_t_quantile(0.975, m->var * m->var / m->var2) * sqrt(m->var) / k;
    e.lo = fmax(est - half, 0);
    e.hi = fmin(est + half, 1);
    return e;
}

static void add_domain(const struct table_run *slice, const char *name, bool allow_missing, struct macro *m,
                       struct accuracy_result *out)
{
    struct accuracy_result r;
    accuracy_of(slice, allow_missing, &r); /* of one subject: it has none below it */
    struct domain_figures *d = &out->domain[out->n_domains++];
    *d = (struct domain_figures){.name = *name ? name : NULL,
                                 .n_questions = r.n_questions,
                                 .n_scored = r.n_scored,
                                 .n_unscored = r.n_unscored,
                                 .n_correct = r.n_correct,
                                 .accuracy = r.accuracy,
                                 .per_query_j = r.per_query_j,
                                 .power_w = r.power_w,
                                 .ipj = r.ipj,
                                 .ipw = r.ipw};
    add_macro(m, slice, d);
    accuracy_release(&r);
}

void analysis_domains(const struct table_run *run, bool allow_missing, struct accuracy_result *out)
{
    struct place *place = ipw_malloc((run->n + 1) * sizeof *place);
    size_t n = 0, kinds = 0;
    out->accuracy_macro = (struct estimate){NAN, NAN, NAN, NAN, NAN, 0, NULL};
    for (size_t i = 0; i < run->n; i++)
        if (run->v[i].status != QUERY_NOT_SENT)
            place[n++] = (struct place){run->v[i].domain ? run->v[i].domain : "", i};
    qsort(place, n, sizeof *place, by_domain);
    for (size_t i = 0; i < n; i++)
        kinds += !i || strcmp(place[i].domain, place[i - 1].domain) != 0;
    if (kinds >= 2) {
        struct macro m = {0};
        struct table_run slice = *run;
        out->domain = ipw_calloc(kinds, sizeof *out->domain);
        slice.v = ipw_malloc(n * sizeof *slice.v);
        for (size_t i = 0; i < n; i += slice.n) {
            for (slice.n = 0; i + slice.n < n && !strcmp(place[i].domain, place[i + slice.n].domain); slice.n++)
                slice.v[slice.n] = run->v[place[i + slice.n].row];
            add_domain(&slice, place[i].domain, allow_missing, &m, out);
        }
        free(slice.v);
        out->accuracy_macro = macro_of(&m);
    }
    free(place);
}
