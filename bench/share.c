/* Joules of requests that overlap against a known truth: a simulated server whose energy is made in another form than ipw
 * takes it apart (tests/fakes/sim_batch.h). usage: bench_share [-m] [-v] [SEED [RUNS]]; -m: Markdown */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "fakes/sim_batch.h"

static bool md, verbose;

struct figures {
    double request, worst_class, inside, prefill, prefill_inside, control, width;
    bool by_time;
    size_t n;
};

static int by_number(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The same times, but the counts of another request's tokens. */
static void permute(struct sim_batch *b, uint64_t seed)
{
    size_t *order = ipw_calloc(b->n, sizeof *order);
    struct share_request *was = ipw_calloc(b->n, sizeof *was);
    memcpy(was, b->req, b->n * sizeof *was);
    ipw_rng_shuffle(seed, order, b->n);
    for (size_t i = 0; i < b->n; i++) {
        b->req[i].n_eval = was[order[i]].n_eval;
        b->req[i].n_cached = was[order[i]].n_cached;
        b->req[i].n_out = was[order[i]].n_out;
    }
    free(order);
    free(was);
}

static void compare(struct sim_batch *b, struct figures *f, bool all)
{
    struct share_facts facts = {.ch = &b->ch, .readings = b->readings, .n = b->n_readings, .req = b->req, .n_req = b->n,
                                .idle_w = b->idle_w, .u_idle_w = b->u_idle_w};
    struct energy_query_value *out = ipw_calloc(b->n, sizeof *out);
    double *err = ipw_calloc(b->n, sizeof *err);
    double got[SIM_BATCH_CLASSES] = {0}, want[SIM_BATCH_CLASSES] = {0}, band = 0;
    struct share_result r;
    size_t prefills = 0;
    *f = (struct figures){0};
    energy_share(&facts, out, &r);
    for (size_t i = 0; i < b->n; i++) {
        double truth = b->truth_j[i], nj = (double)out[i].total.nj * 1e-9, u = (double)out[i].total.u_nj * 1e-9;
        if (out[i].total.status == ENERGY_MISSING && !all)
            continue;
        err[f->n++] = fabs(nj / truth - 1);
        f->request += fabs(nj / truth - 1);
        f->inside += fabs(nj - truth) <= 2 * u;
        band += 2 * u / truth;
        got[b->cls[i]] += nj;
        want[b->cls[i]] += truth;
        if (out[i].prefill.status == ENERGY_MISSING)
            continue;
        double pt = b->truth_prefill_j[i], pj = (double)out[i].prefill.nj * 1e-9;
        f->prefill += fabs(pj / pt - 1);
        f->prefill_inside += fabs(pj - pt) <= 2e-9 * (double)out[i].prefill.u_nj;
        prefills++;
    }
    f->by_time = r.by_time;
    f->request /= (double)f->n;
    f->inside /= (double)f->n;
    f->prefill /= (double)prefills;
    f->prefill_inside /= (double)prefills;
    for (int c = 0; c < SIM_BATCH_CLASSES; c++)
        f->worst_class = fmax(f->worst_class, fabs(got[c] / want[c] - 1));
    qsort(err, f->n, sizeof *err, by_number);
    f->width = band / (double)f->n / err[(size_t)(0.95 * (double)f->n)];
    if (verbose)
        printf("  blocks %zu cond %.1f resid %.3f spread %.3f coef %.4g %.4g %.3g %.4g u %.2g %.2g %.2g %.2g %s class %+.1f %+.1f %+.1f\n", r.blocks,
               r.condition, r.residual, r.spread, r.coef[0], r.coef[1], r.coef[2], r.coef[3], r.u_coef[0], r.u_coef[1],
               r.u_coef[2], r.u_coef[3], r.why ? r.why : "", 100 * (got[0] / want[0] - 1), 100 * (got[1] / want[1] - 1),
               100 * (got[2] / want[2] - 1));
    free(out);
    free(err);
}

static struct figures play(const struct sim_batch_model *m, const struct sim_batch_load *load)
{
    struct sim_batch b;
    struct figures f, control;
    sim_batch_play(&b, m, load);
    compare(&b, &f, false);
    permute(&b, load->seed + 1);
    bool was = verbose;
    verbose = false;
    compare(&b, &control, true);
    verbose = was;
    f.control = control.request / f.request;
    sim_batch_free(&b);
    return f;
}

static int failed;

static void check(const char *what, double got, double limit, bool least, const char *unit)
{
    bool ok = least ? got >= limit : got <= limit;
    failed += !ok;
    printf(md ? "| %s | %.3g %s | %s %.3g %s | %s |\n" : "%-66s %8.3g %-2s %s %6.3g %-2s %s\n", what, got, unit,
           least ? "≥" : "≤", limit, unit, ok ? "pass" : "FAIL");
}

static void note(const char *what, double got)
{
    printf(md ? "| %s | %.3g %% | - | |\n" : "%-66s %8.3g %%\n", what, got);
}

struct pooled {
    double worst_class, worst_request, request, inside, prefill, prefill_inside, control;
    size_t n;
};

static void pool(struct pooled *p, const struct figures *f)
{
    p->worst_class = fmax(p->worst_class, f->worst_class);
    p->worst_request = fmax(p->worst_request, f->request);
    p->control = p->n ? fmin(p->control, f->control) : f->control;
    p->request += f->request;
    p->inside += f->inside;
    p->prefill += f->prefill;
    p->prefill_inside += f->prefill_inside;
    p->n++;
}

static void print_row(const char *name, int flight, const struct pooled *p)
{
    double n = (double)p->n / 100;
    printf(md ? "| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1fx |\n"
              : "%-26s %3d %7.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1fx\n",
           name, flight, 100 * p->worst_class, p->request / n, 100 * p->worst_request, p->inside / n, p->prefill / n,
           p->prefill_inside / n, p->control);
}

int main(int argc, char **argv)
{
    int at = 1;
    for (; argc > at && argv[at][0] == '-'; at++) {
        verbose = verbose || ipw_streq(argv[at], "-v");
        md = md || ipw_streq(argv[at], "-m");
    }
    uint64_t seed = argc > at ? strtoull(argv[at++], NULL, 10) : 1;
    size_t runs = argc > at ? strtoull(argv[at++], NULL, 10) : 8;
    static struct pooled by_flight[2], sums[2], other[2];
    printf(md ? "| server | in flight | worst class %% | requests %% | worst run %% | inside 2u %% | prefill %% | inside 2u %% | "
                "control |\n|---|---|---|---|---|---|---|---|---|\n"
              : "%-26s %3s %7s %8s %8s %8s %8s %8s %8s\n",
           "server", "N", "class %", "req. %", "worst", "inside", "prefill", "inside", "control");
    for (size_t k = 0; k < SIM_BATCH_MODELS; k++)
        for (int big = 0; big < 2; big++) {
            struct pooled p = {0};
            for (size_t run = 0; run < runs; run++) {
                struct sim_batch_load load = {.seed = seed + 100 * run + k, .in_flight = big ? 32 : 8, .requests = 400,
                                              .vary = run ? 0.3 : 0, .says_time = run % 2};
                struct figures f = play(&sim_batch_models[k], &load);
                pool(&p, &f);
                pool(&by_flight[big], &f);
                pool(sim_batch_models[k].form == SIM_BATCH_SUM ? &sums[big] : &other[big], &f);
            }
            print_row(sim_batch_models[k].name, big ? 32 : 8, &p);
        }
    printf(md ? "\n| figure | measured | bar | |\n|---|---|---|---|\n" : "\n");
    for (int big = 0; big < 2; big++) {
        const struct pooled *p = &by_flight[big];
        double n = (double)p->n / 100;
        printf(md ? "| **%d in flight** | | | |\n" : "%d in flight\n", big ? 32 : 8);
        check("mean of a class, worst run of the servers whose steps are sums", 100 * sums[big].worst_class, 5, false, "%");
        note("the same, of servers whose steps are none", 100 * other[big].worst_class);
        check("requests, mean, worst run", 100 * p->worst_request, 12, false, "%");
        check("requests with the truth inside 2u, at least", p->inside / n, 93, true, "%");
        check("requests with the truth inside 2u, at most", p->inside / n, 98, false, "%");
        check("control with permuted counts, least, times worse", p->control, 3, true, "x");
    }
    return failed > 0;
}
