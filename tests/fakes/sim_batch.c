#include "fakes/sim_batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

#define SEC 1e9
#define LEAD_S 12.0 /* nothing is asked before and after */
#define QUANTUM_J 1e-3
#define UPDATE_S 0.1

const struct sim_batch_model sim_batch_models[SIM_BATCH_MODELS] = {
    {"dense on a GPU", SIM_BATCH_SUM, 60, 5, 0.06, 0.05, 1e-5, 2e-6, 25e-3, 0.1e-3, 0.1e-3, 1e-8, 16, 512},
    {"small model, long context", SIM_BATCH_SUM, 45, 0.8, 0.012, 0.01, 1.5e-5, 1e-6, 6e-3, 0.03e-3, 0.05e-3, 2e-8, 24, 1024},
    {"CPU", SIM_BATCH_SUM, 30, 2, 0.15, 0.3, 2e-5, 1e-5, 40e-3, 1.5e-3, 3e-3, 1e-7, 12, 256},
    {"mixture of experts", SIM_BATCH_SUM, 90, 6, 0.1, 0.35, 2e-5, 3e-6, 18e-3, 0.15e-3, 0.8e-3, 3e-8, 16, 768},
    {"roofline, GPU", SIM_BATCH_ROOFLINE, 70, 6, 0.05, 0.06, 4e-5, 3e-6, 20e-3, 0.12e-3, 0.15e-3, 5e-8, 16, 512},
    {"roofline, CPU", SIM_BATCH_ROOFLINE, 25, 2.5, 0.12, 0.2, 3e-5, 8e-6, 45e-3, 1.2e-3, 2e-3, 1e-7, 12, 256},
    {"concave, GPU", SIM_BATCH_CONCAVE, 60, 4, 0.05, 0.15, 3e-5, 2e-6, 22e-3, 0.1e-3, 0.4e-3, 4e-8, 24, 512},
};

struct rng {
    uint64_t seed, i;
};

static double uniform(struct rng *r)
{
    return ((double)(ipw_rng_at(r->seed, r->i++) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct rng *r)
{
    double u = uniform(r);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979 * uniform(r));
}

static int64_t between(struct rng *r, double lo, double hi) /* evenly on the log scale */
{
    return llround(lo * pow(hi / lo, uniform(r)));
}

struct job { /* one request as the server sees it */
    double arrive, begin, end;
    int64_t prompt, done, wrote, want;
    double *truth, *truth_prefill;
    size_t at;
};

struct span { /* constant power */
    double t0, t1, w;
};

struct world {
    struct sim_batch *out;
    struct sim_batch_model m;
    struct rng rng;
    struct job *job;
    size_t n_arrived, n_finished, n;
    struct span *span;
    size_t n_span, cap_span;
    size_t n_stamps;
    double t;
};

static const struct {
    double p, prompt[2], out[2];
} classes[SIM_BATCH_CLASSES] = {{0.5, {60, 400}, {80, 300}}, {0.8, {1200, 4500}, {40, 160}}, {1, {80, 300}, {400, 900}}};

static void arrive(struct world *w, double t)
{
    struct sim_batch *b = w->out;
    size_t i = w->n_arrived++;
    double x = uniform(&w->rng);
    int c = 0;
    while (x > classes[c].p)
        c++;
    struct job *j = &w->job[i];
    *j = (struct job){.arrive = t, .begin = -1, .end = -1, .truth = &b->truth_j[i], .truth_prefill = &b->truth_prefill_j[i], .at = i};
    j->prompt = between(&w->rng, classes[c].prompt[0], classes[c].prompt[1]);
    j->want = between(&w->rng, classes[c].out[0], classes[c].out[1]);
    int64_t cached = uniform(&w->rng) < 0.2 ? j->prompt / 3 : 0; /* some prompts are known in part */
    j->done = cached;
    b->cls[i] = c;
    b->req[i] = (struct share_request){.t_send = llround((t - 0.0002) * SEC), .t_first = -1, .prompt_ns = -1,
                                       .n_eval = j->prompt - cached, .n_cached = cached, .n_out = j->want};
    b->req[i].stamps = b->stamps + w->n_stamps;
    w->n_stamps += (size_t)j->want;
}

static void span(struct world *w, double t0, double t1, double watts)
{
    IPW_GROW(w->span, w->n_span, w->cap_span);
    w->span[w->n_span++] = (struct span){t0, t1, watts};
}

/* A token leaves the server at t and comes to the client a little later. */
static void emit(struct world *w, struct job *j, double t)
{
    struct share_request *r = &w->out->req[j->at];
    int64_t at = llround((t + 0.0001 - 0.0002 * log(uniform(&w->rng))) * SEC);
    int64_t *stamps = w->out->stamps + (r->stamps - w->out->stamps);
    at = r->n_stamps && at <= stamps[r->n_stamps - 1] ? stamps[r->n_stamps - 1] + 1000 : at;
    stamps[r->n_stamps++] = at;
    if (++j->wrote == 1)
        r->t_first = at;
    if (j->wrote == j->want) {
        j->end = t;
        r->t_end = at + 20000;
    }
}

static bool working(const struct job *j)
{
    return j->begin >= 0 && j->end < 0;
}

/* What takes part in the next step, by FCFS; take[i]: prompt tokens, -1: writes one token, 0: no part. */
static size_t plan(struct world *w, int64_t *take)
{
    int64_t busy = 0, budget = w->m.chunk;
    size_t parts = 0;
    for (size_t i = 0; i < w->n_arrived; i++)
        busy += working(&w->job[i]);
    for (size_t i = w->n_finished; i < w->n_arrived && busy < w->m.slots; i++)
        if (w->job[i].begin < 0 && w->job[i].arrive <= w->t) {
            w->job[i].begin = w->t;
            busy++;
        }
    for (size_t i = 0; i < w->n_arrived; i++) {
        take[i] = working(&w->job[i]) && w->job[i].done == w->job[i].prompt ? -1 : 0;
        budget -= take[i] == -1;
    }
    for (size_t i = 0; i < w->n_arrived; i++) {
        const struct job *j = &w->job[i];
        if (working(j) && j->done < j->prompt && budget > 0) {
            take[i] = j->prompt - j->done < budget ? j->prompt - j->done : budget;
            budget -= take[i];
        }
        parts += take[i] != 0;
    }
    return parts;
}

struct parts { /* what some of a step's requests bring to it */
    double memory, arithmetic, memory_s, arithmetic_s;
};

static void add(struct parts *p, const struct parts *q)
{
    p->memory += q->memory;
    p->arithmetic += q->arithmetic;
    p->memory_s += q->memory_s;
    p->arithmetic_s += q->arithmetic_s;
}

static double together(const struct sim_batch_model *m, double memory, double arithmetic, double weights)
{
    if (m->form == SIM_BATCH_ROOFLINE)
        return fmax(weights + memory, arithmetic) + fmin(weights + memory, arithmetic) / 3;
    if (m->form == SIM_BATCH_CONCAVE)
        return weights + pow(weights, 0.2) * pow(memory + arithmetic, 0.8);
    return weights + memory + arithmetic;
}

/* Shapley shares of a step: exact where it is a sum, else by orders in which its requests could have come, each and its
 * reverse. */
static void shapley(struct world *w, const struct parts *p, size_t n, double *share)
{
    enum { ORDERS = 16 };
    const struct sim_batch_model *m = &w->m;
    size_t order[256];
    for (size_t i = 0; i < n; i++)
        share[i] = m->form == SIM_BATCH_SUM ? m->step_j / (double)n + p[i].memory + p[i].arithmetic : 0;
    for (size_t k = 0; k < ORDERS && m->form != SIM_BATCH_SUM; k++) {
        ipw_rng_shuffle(ipw_rng_at(w->rng.seed, w->rng.i++), order, n);
        for (int reverse = 0; reverse < 2; reverse++) {
            struct parts so_far = {0};
            double before = 0;
            for (size_t i = 0; i < n; i++) {
                size_t at = order[reverse ? n - 1 - i : i];
                add(&so_far, &p[at]);
                double now = together(m, so_far.memory, so_far.arithmetic, m->step_j);
                share[at] += (now - before) / (2 * ORDERS);
                before = now;
            }
        }
    }
}

static void step(struct world *w, const int64_t *take)
{
    const struct sim_batch_model *m = &w->m;
    struct parts p[256] = {{0}}, all = {0};
    double share[256];
    size_t who[256], n_who = 0;
    for (size_t i = 0; i < w->n_arrived && n_who < 256; i++) {
        const struct job *j = &w->job[i];
        double ctx = (double)(j->done + j->wrote), n = (double)take[i];
        if (!take[i])
            continue;
        p[n_who] = take[i] < 0 ? (struct parts){m->kv_j * ctx, m->decode_j, m->kv_s * ctx, m->decode_s}
                               : (struct parts){n * m->attend_j * (ctx + n / 2), n * m->prefill_j, 0, n * m->prefill_s};
        add(&all, &p[n_who]);
        who[n_who++] = i;
    }
    double dt = together(m, all.memory_s, all.arithmetic_s, m->step_s) * (1 + 0.03 * normal(&w->rng));
    double e = together(m, all.memory, all.arithmetic, m->step_j);
    shapley(w, p, n_who, share);
    for (size_t k = 0; k < n_who; k++) {
        *w->job[who[k]].truth += share[k];
        *w->job[who[k]].truth_prefill += take[who[k]] > 0 ? share[k] : 0;
    }
    double t1 = w->t + dt;
    span(w, w->t, t1, m->idle_w + e / dt);
    w->t = t1;
    size_t ended = 0;
    for (size_t i = 0; i < w->n_arrived; i++) {
        struct job *j = &w->job[i];
        if (take[i] > 0)
            j->done += take[i];
        if (!take[i] || j->done < j->prompt)
            continue;
        emit(w, j, t1);
        ended += j->end >= 0;
    }
    while (ended-- && w->n_arrived < w->n)
        arrive(w, t1 + 0.0005);
}

/* Idle power by the requests in flight, as the client sees them. */
struct change {
    int64_t t;
    size_t i;
    bool start;
};

static int by_time(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    return x->t != y->t ? (x->t > y->t) - (x->t < y->t) : (int)y->start - (int)x->start;
}

static void share_idle(struct world *w)
{
    struct sim_batch *b = w->out;
    double *from = ipw_calloc(b->n, sizeof *from), *first = ipw_calloc(b->n, sizeof *first), each = 0;
    struct change *f = ipw_calloc(3 * b->n, sizeof *f);
    size_t n = 0, flying = 0;
    for (size_t i = 0; i < b->n; i++) {
        f[n++] = (struct change){b->req[i].t_send, i, true};
        f[n++] = (struct change){b->req[i].t_first, i, false};
        f[n++] = (struct change){b->req[i].t_end, i, false};
    }
    qsort(f, n, sizeof *f, by_time);
    for (size_t k = 0; k < n; k++) {
        if (k && flying)
            each += w->m.idle_w * (double)(f[k].t - f[k - 1].t) * 1e-9 / (double)flying;
        if (f[k].start)
            from[f[k].i] = each;
        else if (f[k].t == b->req[f[k].i].t_first)
            first[f[k].i] = each;
        else {
            b->truth_j[f[k].i] += each - from[f[k].i];
            b->truth_prefill_j[f[k].i] += first[f[k].i] - from[f[k].i];
        }
        if (f[k].start)
            flying++;
        else if (f[k].t == b->req[f[k].i].t_end)
            flying--;
    }
    free(f);
    free(from);
    free(first);
}

/* The counter moves every 100 ms and a bit; the sampler looks just before and after. */
static void meter(struct world *w, double end)
{
    struct sim_batch *b = w->out;
    size_t cap = 0, k = 0;
    double e = 0, at = UPDATE_S * uniform(&w->rng), shown = 0;
    for (; at < end; at += UPDATE_S + 0.0005 * normal(&w->rng)) {
        for (int side = 0; side < 2; side++) {
            int64_t t = llround((at + (side ? 1 : -1) * (0.0005 + 0.002 * uniform(&w->rng))) * SEC);
            if (side) {
                while (k < w->n_span && w->span[k].t1 <= at) {
                    e += w->span[k].w * (w->span[k].t1 - w->span[k].t0);
                    k++;
                }
                shown = k < w->n_span ? e + w->span[k].w * (at - w->span[k].t0) : e;
            }
            IPW_GROW(b->readings, b->n_readings, cap);
            b->readings[b->n_readings++] = (struct energy_reading){.t_before = t, .t_after = t + 30000,
                                                                   .raw = (uint64_t)(shown / QUANTUM_J)};
        }
    }
}

static void vary(struct world *w, double by)
{
    double *const p[] = {&w->m.idle_w, &w->m.step_j, &w->m.prefill_j, &w->m.decode_j, &w->m.kv_j, &w->m.attend_j,
                         &w->m.step_s, &w->m.prefill_s, &w->m.decode_s, &w->m.kv_s};
    for (size_t i = 0; i < sizeof p / sizeof p[0]; i++)
        *p[i] *= exp(by * normal(&w->rng));
}

void sim_batch_play(struct sim_batch *out, const struct sim_batch_model *m, const struct sim_batch_load *load)
{
    struct world w = {.out = out, .m = *m, .rng = {load->seed, 0}, .n = load->requests, .t = LEAD_S};
    *out = (struct sim_batch){.n = load->requests};
    out->req = ipw_calloc(w.n, sizeof *out->req);
    out->truth_j = ipw_calloc(w.n, sizeof *out->truth_j);
    out->truth_prefill_j = ipw_calloc(w.n, sizeof *out->truth_prefill_j);
    out->cls = ipw_calloc(w.n, sizeof *out->cls);
    out->stamps = ipw_calloc(w.n, 1024 * sizeof *out->stamps);
    w.job = ipw_calloc(w.n, sizeof *w.job);
    int64_t *take = ipw_calloc(w.n, sizeof *take);
    vary(&w, load->vary);
    span(&w, 0, LEAD_S, w.m.idle_w);
    for (size_t i = 0; i < load->in_flight && i < w.n; i++)
        arrive(&w, LEAD_S - 0.001 * uniform(&w.rng));
    for (;;) {
        while (w.n_finished < w.n_arrived && w.job[w.n_finished].end >= 0)
            w.n_finished++;
        if (w.n_finished == w.n)
            break;
        if (plan(&w, take)) {
            step(&w, take);
        } else { /* nobody has arrived yet */
            span(&w, w.t, w.t + 0.0005, w.m.idle_w);
            w.t += 0.0005;
        }
    }
    span(&w, w.t, w.t + LEAD_S, w.m.idle_w);
    for (size_t i = 0; i < w.n; i++)
        if (load->says_time)
            out->req[i].prompt_ns = llround(((double)out->req[i].t_first - (w.job[i].begin * SEC)));
    share_idle(&w);
    meter(&w, w.t + LEAD_S);
    out->ch = (struct energy_channel){.id = "gpu", .kind = ENERGY_KIND_COUNTER, .unit_nj = QUANTUM_J * 1e9, .pmax_w = 2000,
                                      .quantum_nj = 1000000};
    out->u_idle_w = 0.003 * w.m.idle_w;
    out->idle_w = w.m.idle_w + out->u_idle_w * normal(&w.rng);
    free(take);
    free(w.job);
    free(w.span);
}

void sim_batch_free(struct sim_batch *b)
{
    free(b->req);
    free(b->truth_j);
    free(b->truth_prefill_j);
    free(b->cls);
    free(b->readings);
    free(b->stamps);
    *b = (struct sim_batch){0};
}
