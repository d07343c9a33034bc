/* Several answers to each question. */
#include <math.h>
#include <stdio.h>

#include "report/internal.h"

static void add_share(const char *name, size_t k, const struct estimate *e, struct ipw_buf *s)
{
    char lo[24], hi[24];
    report_num(100 * e->lo, lo);
    report_num(100 * e->hi, hi);
    ipw_buf_addf(s, "%s%s@%zu %.3g %%", s->len ? ", " : "", name, k, 100 * e->est);
    if (isfinite(e->lo))
        ipw_buf_addf(s, " (%s-%s)", lo, hi);
}

void report_samples(const struct accuracy_result *r, bool all, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT, line = IPW_BUF_INIT;
    const struct sample_figures *f = &r->samples;
    if (f->k < 2)
        return;
    for (size_t i = 1; i < f->n_at; i++) /* pass@1 is the accuracy */
        if (isfinite(f->at[i].pass.est) && (all || i + 1 == f->n_at))
            add_share("pass", f->at[i].k, &f->at[i].pass, &s);
    if (isfinite(f->majority.est)) {
        add_share("maj", f->k, &f->majority, &s);
        if (f->majority.n < r->accuracy.n)
            ipw_buf_addf(&s, " of %zu", f->majority.n);
    }
    ipw_buf_addf(&line, "%-14s %s", "Samples", s.len ? s.s : "too few answers so far");
    report_wrap(line.s, 3, 18, out);
    ipw_buf_release(&s);
    ipw_buf_release(&line);
}

void report_put_samples(struct json_out *o, json_node *to, const struct accuracy_result *r)
{
    const struct sample_figures *f = &r->samples;
    char key[24];
    json_node *n = json_put_obj(o, to, "samples");
    json_put_int(o, n, "k", (int64_t)f->k);
    json_put_int(o, n, "questions", (int64_t)r->n_questions);
    json_put_int(o, n, "answers", (int64_t)r->n_rows);
    json_node *pass = json_put_obj(o, n, "pass_at"), *ipj = json_put_obj(o, n, "ipj_at");
    for (size_t i = 0; i < f->n_at; i++) {
        snprintf(key, sizeof key, "%zu", f->at[i].k);
        report_put_estimate(o, pass, key, &f->at[i].pass);
        report_put_scoped(o, ipj, key, &f->at[i].ipj, NULL, NULL);
    }
    report_put_estimate(o, n, "majority", &f->majority);
    json_put_num(o, n, "round_sd", f->round_sd);
}
