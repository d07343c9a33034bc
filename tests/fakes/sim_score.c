#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "energy/series.h"
#include "fakes/sim.h"

#define SAMPLE_NS (50 * SIM_MS)
#define BASELINE_NS SIM_SEC

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

struct tally {
    double *error, u;
    struct sim_error e;
    double got, want;
    bool negative;
};

static void add(struct tally *t, const struct energy_value *v, double want)
{
    double got = (double)v->nj * 1e-9, u = (double)v->u_nj * 1e-9;
    if (v->status == ENERGY_MISSING || v->status == ENERGY_IMPLAUSIBLE) {
        t->e.missing++;
        return;
    }
    double e = fabs(got - want);
    t->e.low += v->status == ENERGY_LOW_RESOLUTION;
    t->e.mean += e / want;
    t->e.worst = fmax(t->e.worst, e / want);
    t->e.inside += e <= 2 * u;
    t->u += u;
    t->got += got;
    t->want += want;
    t->negative |= v->nj < 0;
    t->error[t->e.n++] = e;
}

static struct sim_error finish(struct tally *t)
{
    struct sim_error e = t->e;
    double n = e.n ? (double)e.n : (double)NAN;
    qsort(t->error, e.n, sizeof *t->error, by_value);
    e.mean /= n;
    e.inside /= n;
    e.width = e.n ? 2 * t->u / n / t->error[(size_t)(0.95 * (n - 1))] : (double)NAN;
    free(t->error);
    return e;
}

void sim_attribute(struct sim *s, size_t meter, sim_attribute_fn *fn, struct sim_score *score,
                   struct energy_query_value *out)
{
    size_t n, n_r;
    const struct energy_mark *m = sim_marks(s, &n);
    struct energy_reading *r = sim_readings(s, meter, &n_r);
    struct energy_query_value *own = out ? NULL : ipw_calloc(n + 1, sizeof *own), *v = out ? out : own;
    struct energy_value gap;
    struct tally t[3];
    for (int k = 0; k < 3; k++)
        t[k] = (struct tally){.error = ipw_calloc(n + 1, sizeof(double))};
    fn(&(struct energy_facts){sim_channel(s, meter), r, n_r, m, n, NULL, 0}, v, &gap);
    for (size_t i = 0; i < n; i++) {
        add(&t[0], &v[i].total, sim_truth_j(s, m[i].t_send, m[i].t_end));
        add(&t[1], &v[i].prefill, sim_truth_j(s, m[i].t_send, m[i].t_first));
        add(&t[2], &v[i].decode, sim_truth_j(s, m[i].t_first, m[i].t_end));
    }
    score->sum = (t[0].got - t[0].want) / t[0].want;
    score->method = n ? v[0].total.method : "";
    score->negative = t[0].negative || t[1].negative || t[2].negative;
    score->total = finish(&t[0]);
    score->prefill = finish(&t[1]);
    score->decode = finish(&t[2]);
    free(own);
}

int64_t sim_unconserved_nj(struct sim *s, size_t meter)
{
    size_t n, n_r;
    const struct energy_mark *m = sim_marks(s, &n);
    struct energy_reading *r = sim_readings(s, meter, &n_r);
    struct energy_mark *all = ipw_calloc(n + 2, sizeof *all);
    struct energy_query_value *v = ipw_calloc(n + 2, sizeof *v);
    struct energy_value gap;
    struct series c;
    series_build(&c, sim_channel(s, meter), r, n_r);
    int64_t first = c.v[0].t, last = c.v[c.n - 1].t;
    __int128 sum = 0, whole = (c.v[c.n - 1].e_aj - c.v[0].e_aj) / 1000000000;
    memcpy(all + 1, m, n * sizeof *m);
    all[0] = (struct energy_mark){first, -1, first + BASELINE_NS};
    all[n + 1] = (struct energy_mark){last - BASELINE_NS, -1, last};
    energy_attribute(&(struct energy_facts){sim_channel(s, meter), r, n_r, all, n + 2, NULL, 0}, v, &gap);
    for (size_t i = 0; i < n + 2; i++)
        sum += v[i].total.nj;
    series_release(&c);
    free(all);
    free(v);
    return (int64_t)(sum + gap.nj - whole);
}

/* ---- other rules ---- */

static double value_j(const struct sim *s, size_t meter, int64_t t)
{
    return (double)sim_value(s, meter, t) * sim_channel(s, meter)->unit_nj * 1e-9;
}

double sim_reference(const struct sim *s, size_t meter, double *bias)
{
    size_t n, used = 0;
    const struct energy_mark *m = sim_marks(s, &n);
    bool power = sim_channel(s, meter)->kind != ENERGY_KIND_COUNTER;
    double error = 0, got = 0, want = 0, last = -1;
    for (size_t i = 0; i < n; i++) {
        int64_t a = (m[i].t_send + SAMPLE_NS - 1) / SAMPLE_NS * SAMPLE_NS, b = m[i].t_end / SAMPLE_NS * SAMPLE_NS;
        double e, truth = sim_truth_j(s, m[i].t_send, m[i].t_end), sum = 0;
        if (a > b)
            continue; /* no sample inside: no energy */
        for (int64_t t = a; power && t <= b; t += SAMPLE_NS)
            sum += value_j(s, meter, t);
        e = power ? sum / (double)((b - a) / SAMPLE_NS + 1) * (double)(m[i].t_end - m[i].t_send) * 1e-9
                  : value_j(s, meter, b) - (last < 0 ? value_j(s, meter, a) : last);
        last = power ? -1 : value_j(s, meter, b);
        error += fabs(e - truth) / truth;
        got += e;
        want += truth;
        used++;
    }
    *bias = got / want - 1;
    return error / (double)used;
}

double sim_plain_reads(const struct sim *s, size_t meter)
{
    size_t n;
    const struct energy_mark *m = sim_marks(s, &n);
    double error = 0;
    if (sim_channel(s, meter)->kind != ENERGY_KIND_COUNTER)
        return (double)NAN;
    for (size_t i = 0; i < n; i++) {
        double truth = sim_truth_j(s, m[i].t_send, m[i].t_end);
        error += fabs(value_j(s, meter, m[i].t_end) - value_j(s, meter, m[i].t_send) - truth) / truth;
    }
    return error / (double)n;
}
