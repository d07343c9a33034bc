/* Joules of requests that overlap against a known truth: a simulated server whose energy is made in another form than ipw
 * takes it apart (tests/fakes/sim_batch.h). usage: bench_share [-o md] [SEED [RUNS]] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "fakes/sim_batch.h"

static bool verbose;

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

int main(int argc, char **argv)
{
    int at = 1;
    if (argc > at && ipw_streq(argv[at], "-v")) {
        verbose = true;
        at++;
    }
    uint64_t seed = argc > at ? strtoull(argv[at++], NULL, 10) : 1;
    size_t runs = argc > at ? strtoull(argv[at++], NULL, 10) : 2;
    for (size_t k = 0; k < SIM_BATCH_MODELS; k++)
        for (int flight = 8; flight <= 32; flight *= 4)
            for (size_t run = 0; run < runs; run++) {
                struct sim_batch_load load = {.seed = seed + 100 * run + k, .in_flight = (size_t)flight, .requests = 400,
                                              .vary = run ? 0.3 : 0, .says_time = run % 2};
                struct figures f = play(&sim_batch_models[k], &load);
                printf("%-26s %2d run %zu: class %.1f request %.1f inside %.1f width %.2f prefill %.1f inside %.1f control %.1fx%s\n",
                       sim_batch_models[k].name, flight, run, 100 * f.worst_class, 100 * f.request, 100 * f.inside, f.width,
                       100 * f.prefill, 100 * f.prefill_inside, f.control, f.by_time ? " TIME" : "");
            }
    return 0;
}
