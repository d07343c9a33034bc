/* Attribution error of a run that was made under tests/fakes/fake_powercap: its joules per query against the closed form
 * of the fake's power curve. usage: bench_truth RUN EPOCH_NS */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "energy/attribute.h"
#include "fakes/curve.h"
#include "store/store.h"

struct truth {
    int64_t epoch, anchor[64]; /* by segment id */
    struct {
        double want, got; /* J */
    } *q; /* by query id */
    size_t n;
};

static int on_segment(const struct store_segment *g, void *ud)
{
    if (g->id < 64)
        ((struct truth *)ud)->anchor[g->id] = g->anchor_raw_ns;
    return 0;
}

static int on_query(const struct store_query_row *r, void *ud)
{
    const struct curve c = CURVE_DEFAULT;
    struct truth *t = ud;
    size_t id = (size_t)r->q.id;
    while (t->n <= id) {
        t->q = ipw_realloc(t->q, (t->n + 1) * sizeof *t->q);
        t->q[t->n].want = NAN;
        t->q[t->n++].got = 0;
    }
    if (r->q.t_send == STORE_NULL)
        return 0;
    int64_t a = t->anchor[r->q.segment] + r->q.t_send - t->epoch, b = t->anchor[r->q.segment] + r->q.t_end - t->epoch;
    t->q[id].want = curve_package_j(&c, b) - curve_package_j(&c, a) + curve_dram_j(&c, b) - curve_dram_j(&c, a);
    return 0;
}

static int on_energy(const struct store_energy *e, void *ud)
{
    struct truth *t = ud;
    if (e->query > 0 && (size_t)e->query < t->n && !strcmp(e->phase, "total"))
        t->q[e->query].got += e->nj == STORE_NULL ? (double)NAN : (double)e->nj * 1e-9;
    return 0;
}

int main(int argc, char **argv)
{
    struct ipw_err err;
    struct store *s;
    struct truth t = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: bench_truth RUN EPOCH_NS\n");
        return 2;
    }
    t.epoch = strtoll(argv[2], NULL, 10);
    if (store_open(&s, argv[1], false, &err) || store_each_segment(s, on_segment, &t, &err) ||
        store_each_query(s, 0, on_query, &t, &err) ||
        store_each_energy(s, ENERGY_ATTRIBUTION_VERSION, on_energy, &t, &err)) {
        fprintf(stderr, "bench_truth: %s\n", err.text);
        return 3;
    }
    double sum = 0, worst = 0, want = 0, got = 0;
    size_t n = 0, missing = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (isnan(t.q[i].want))
            continue;
        if (isnan(t.q[i].got) || t.q[i].got == 0) {
            missing++;
            continue;
        }
        double e = fabs(t.q[i].got - t.q[i].want) / t.q[i].want;
        sum += e;
        worst = fmax(worst, e);
        want += t.q[i].want;
        got += t.q[i].got;
        n++;
    }
    printf("queries %zu, without joules %zu\n", n, missing);
    printf("error per query  mean %.4f %%  worst %.4f %%\n", 100 * sum / (double)n, 100 * worst);
    printf("error of the sum %.4f %%\n", 100 * fabs(got - want) / want);
    store_close(s);
    free(t.q);
    return 0;
}
