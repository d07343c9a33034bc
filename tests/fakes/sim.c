#include "fakes/sim.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "energy/sampler.h"

#define TAU_S 0.010
#define RIPPLE_W 15.0
#define RIPPLE_HZ 37.0
#define PI 3.14159265358979323846
#define SETTLE_NS (2500 * SIM_MS) /* the sampler goes on so long after the last query */
enum { LEVELS = 4, START_S = 6, STREAM_LOAD = 1, STREAM_WAKE = 2, STREAM_METER = 16 };

struct segment {
    double t, p, v, e; /* from t on towards p, at t it is v; energy so far */
};

struct sim {
    struct sim_scenario sc;
    struct ipw_env env;
    int64_t now;
    struct segment *seg;
    size_t n_seg, cap_seg;
    struct energy_mark *mark;
    size_t n_mark;
    double *part[SIM_METERS]; /* part-time counters: energy as seen, at each update */
    uint64_t reads[SIM_METERS], last[SIM_METERS];
    double phase[SIM_METERS]; /* of the updates, share of a period */
    size_t n_meter;
    int64_t end;
    struct energy_channel ch[SIM_METERS];
    struct energy_reading *r[SIM_METERS];
    size_t n_r[SIM_METERS], cap_r[SIM_METERS];
    double wakes;
};

static double uniform(const struct sim *s, uint64_t stream, uint64_t i)
{
    return (double)(ipw_rng_at(s->sc.seed * 1000003 + stream, i) >> 11) / 9007199254740992.0;
}

/* ---- power and energy ---- */

static void level(struct sim *s, double t, double p)
{
    struct segment g = {t, p, p, 0};
    if (s->n_seg) {
        const struct segment *k = &s->seg[s->n_seg - 1];
        double d = t - k->t;
        g.v = k->p + (k->v - k->p) * exp(-d / TAU_S);
        g.e = k->e + k->p * d + (k->v - k->p) * TAU_S * (1 - exp(-d / TAU_S));
    }
    IPW_GROW(s->seg, s->n_seg, s->cap_seg);
    s->seg[s->n_seg++] = g;
}

static double energy(const struct sim *s, double t)
{
    size_t lo = 0, hi = s->n_seg;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->seg[mid].t <= t)
            lo = mid;
        else
            hi = mid;
    }
    const struct segment *g = &s->seg[lo];
    double d = fmax(t - g->t, 0), ripple = s->sc.load.ripple_w < 0 ? 0 : RIPPLE_W;
    return g->e + g->p * d + (g->v - g->p) * TAU_S * (1 - exp(-d / TAU_S)) +
           ripple * (1 - cos(2 * PI * RIPPLE_HZ * t)) / (2 * PI * RIPPLE_HZ);
}

static void make_load(struct sim *s)
{
    const struct sim_load *l = &s->sc.load;
    uint64_t k = 0;
#define U uniform(s, STREAM_LOAD, k++)
    s->mark = ipw_calloc(l->queries + 1, sizeof *s->mark);
    level(s, 0, l->idle_w);
    double t = START_S;
    for (size_t i = 0; i < l->queries; i++) {
        double a = t, f = a + l->prefill_s * (0.5 + U), b = f + l->decode_s * (0.5 + U);
        struct energy_mark *m = &s->mark[s->n_mark++];
        *m = (struct energy_mark){llround(a * 1e9), llround(f * 1e9), llround(b * 1e9)};
        a = (double)m->t_send * 1e-9;
        f = (double)m->t_first * 1e-9;
        b = (double)m->t_end * 1e-9;
        level(s, a, l->prefill_w * (0.85 + 0.3 * U));
        for (int z = 0; z < LEVELS; z++)
            level(s, f + (b - f) * z / LEVELS, l->decode_w * (0.8 + 0.4 * U));
        level(s, b, l->idle_w);
        t = b + l->gap_s * (0.3 + 1.4 * U);
    }
#undef U
    s->end = (int64_t)(t * 1e9);
}

/* ---- meters ---- */

/* The moment of update i of a meter, s. */
static double update_s(const struct sim *s, size_t m, int64_t i)
{
    const struct sim_meter *c = &s->sc.meter[m];
    double jitter = (uniform(s, STREAM_METER + m, (uint64_t)(i + 16)) - 0.5) * 2 * (double)c->jitter_ns;
    return (((double)i + s->phase[m]) * (double)c->period_ns + jitter) * 1e-9;
}

static double mean_w(const struct sim *s, double t, double window)
{
    double a = fmax(t - window, 0);
    return t > a ? (energy(s, t) - energy(s, a)) / (t - a) : s->sc.load.idle_w;
}

static int64_t last_update(const struct sim *s, size_t m, int64_t t)
{
    const struct sim_meter *c = &s->sc.meter[m];
    int64_t i = (int64_t)floor((double)t / (double)c->period_ns - s->phase[m]) + 1;
    while (i > 0 && update_s(s, m, i) > (double)t * 1e-9)
        i--;
    return i;
}

uint64_t sim_value(const struct sim *s, size_t m, int64_t t)
{
    const struct sim_meter *c = &s->sc.meter[m];
    if (c->frozen.len && t >= c->frozen.at && t < c->frozen.at + c->frozen.len)
        t = c->frozen.at;
    int64_t i = last_update(s, m, t);
    double at = update_s(s, m, i), v;
    if (c->kind != ENERGY_KIND_COUNTER)
        return (uint64_t)(mean_w(s, at, (double)c->window_ns * 1e-9) * 1e9 / c->unit_nj);
    bool again = c->reset_at && at >= (double)c->reset_at * 1e-9;
    v = s->part[m] ? s->part[m][i] : energy(s, fmax(at, 0));
    if (again)
        v = fmax(v - energy(s, (double)c->reset_at * 1e-9), 0);
    uint64_t raw = (uint64_t)(fmax(v, 0) * 1e9 / c->unit_nj) + (again ? 0 : c->start);
    return c->modulus ? raw % c->modulus : raw;
}

static void make_part(struct sim *s, size_t m)
{
    const struct sim_meter *c = &s->sc.meter[m];
    size_t n = (size_t)((s->end + 2 * SETTLE_NS) / c->period_ns) + 8;
    s->part[m] = ipw_calloc(n, sizeof *s->part[m]);
    for (size_t i = 1; i < n; i++) {
        double t = update_s(s, m, (int64_t)i);
        s->part[m][i] =
            s->part[m][i - 1] + mean_w(s, t, (double)c->seen_ns * 1e-9) * (t - update_s(s, m, (int64_t)i - 1));
    }
}

static void sim_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    struct sim *s = env->ud;
    *out = (struct energy_collector *)s;
    for (size_t m = 0; m < s->n_meter; m++) {
        const struct sim_meter *c = &s->sc.meter[m];
        struct energy_channel *ch = energy_channels_add(list);
        snprintf(ch->id, sizeof ch->id, "sim:%s", c->id);
        snprintf(ch->device, sizeof ch->device, "sim-%s", c->id);
        ch->scope = ENERGY_SCOPE_CPU_PACKAGE;
        ch->kind = c->kind;
        ch->unit_nj = c->unit_nj;
        ch->modulus = c->modulus;
        ch->period_ns = c->period_unknown ? 0 : c->period_ns;
        ch->window_ns = c->window_ns;
        ch->quantum_nj = c->kind == ENERGY_KIND_COUNTER ? (int64_t)ceil(c->unit_nj) : 0;
        ch->pmax_w = c->pmax_w;
        ch->gain_u = 0.03;
    }
}

static int sim_read(struct energy_collector *collector, const struct ipw_env *env, size_t m, uint64_t *raw)
{
    struct sim *s = env->ud;
    const struct sim_meter *c = &s->sc.meter[m];
    (void)collector;
    s->now += c->latency_ns / 2;
    int64_t t = s->now;
    s->now += c->latency_ns - c->latency_ns / 2;
    if (c->failing.len && t >= c->failing.at && t < c->failing.at + c->failing.len)
        return -EIO;
    *raw = sim_value(s, m, t);
    if (++s->reads[m] == c->back_at)
        *raw = s->last[m] - 1;
    s->last[m] = *raw;
    return 0;
}

static void sim_close(struct energy_collector *collector, const struct ipw_env *env)
{
    (void)collector;
    (void)env;
}

static const struct energy_collector_ops sim_ops = {
    .name = "sim",
    .what = "meters of a machine that is not here",
    .verified = "stub",
    .open = sim_open,
    .read = sim_read,
    .close = sim_close,
};

/* ---- the event queue ---- */

static int64_t sim_now(const struct ipw_env *env)
{
    return ((struct sim *)env->ud)->now;
}

static void sim_sleep_until(const struct ipw_env *env, int64_t t)
{
    struct sim *s = env->ud;
    s->now = t > s->now ? t : s->now;
}

static void keep(struct sim *s, const struct energy_reading *x)
{
    size_t m = (size_t)x->channel;
    IPW_GROW(s->r[m], s->n_r[m], s->cap_r[m]);
    s->r[m][s->n_r[m]++] = *x;
}

static void drain(struct sim *s, struct sampler *sampler)
{
    struct energy_reading got[256];
    for (size_t n; (n = sampler_take(sampler, got, 256));)
        for (size_t i = 0; i < n; i++)
            keep(s, &got[i]);
}

static int64_t after_stall(const struct sim *s, int64_t t)
{
    for (int i = 0; i < SIM_STALLS; i++)
        if (s->sc.stall[i].len && t >= s->sc.stall[i].at && t < s->sc.stall[i].at + s->sc.stall[i].len)
            t = s->sc.stall[i].at + s->sc.stall[i].len;
    return t;
}

/* Sleeps end late: 50 us and more, one in 500 by some ms (telemetry 5). */
static int64_t wake(const struct sim *s, int64_t t, uint64_t k)
{
    double u = uniform(s, STREAM_WAKE, 2 * k), late = 50e3 - 100e3 * log(1 - u);
    if (uniform(s, STREAM_WAKE, 2 * k + 1) < 0.002)
        late += 4e6 * u;
    return after_stall(s, t + (int64_t)late);
}

static int64_t stamp_of(const struct sim *s, size_t i)
{
    const struct energy_mark *m = &s->mark[i / 3];
    return i / 3 >= s->n_mark ? INT64_MAX : i % 3 == 0 ? m->t_send : i % 3 == 1 ? m->t_first : m->t_end;
}

/* The work thread stamps an event, then reads the fast counters: while it stands still it does neither, but the stamp
 * stays the machine's, so that there is one truth. */
static void boundary(struct sim *s, const struct meter *meter, int64_t t)
{
    if (after_stall(s, t) != t)
        return;
    s->now = t + 500;
    for (size_t m = 0; m < s->n_meter; m++) {
        struct energy_reading x;
        if (!meter_boundary(meter, m))
            continue;
        meter_read(meter, m, &x);
        keep(s, &x);
    }
}

static void play(struct sim *s, struct meter *meter, struct sampler *sampler)
{
    int64_t next[SAMPLER_LANES], stop = s->end + SETTLE_NS;
    size_t stamp = 0;
    uint64_t k = 0;
    for (size_t i = 0; i < sampler->n_lanes; i++)
        next[i] = 0;
    for (;;) {
        size_t lane = 0;
        for (size_t i = 1; i < sampler->n_lanes; i++)
            lane = next[i] < next[lane] ? i : lane;
        int64_t mark = stamp_of(s, stamp);
        if (mark <= next[lane] && mark < stop) {
            boundary(s, meter, mark);
            stamp++;
            continue;
        }
        if (next[lane] >= stop)
            break;
        s->now = next[lane];
        next[lane] = wake(s, sampler_step(&sampler->lane[lane], s->now), k++);
        drain(s, sampler);
    }
    s->wakes = (double)k / ((double)stop * 1e-9);
    s->now = stop;
    for (size_t m = 0; m < s->n_meter; m++) {
        struct energy_reading x;
        meter_read(meter, m, &x);
        keep(s, &x);
    }
}

static const struct ipw_clock sim_clock = {sim_now, sim_now, sim_now, sim_now, sim_sleep_until, sim_now};

struct sim *sim_play(const struct sim_scenario *sc)
{
    static const struct energy_collector_ops *const collectors[] = {&sim_ops, NULL};
    struct sim *s = ipw_calloc(1, sizeof *s);
    struct ipw_err err;
    struct meter *meter;
    struct sampler sampler;
    s->sc = *sc;
    s->env = ipw_env_host;
    s->env.clock = &sim_clock;
    s->env.ud = s;
    make_load(s);
    for (; s->n_meter < SIM_METERS && sc->meter[s->n_meter].id; s->n_meter++) {
        size_t m = s->n_meter;
        s->phase[m] = uniform(s, STREAM_METER + m, 0);
        if (sc->meter[m].seen_ns)
            make_part(s, m);
    }
    if (meter_open(&meter, &s->env, &(struct meter_cfg){.mode = METER_AUTO, .collectors = collectors}, &err))
        IPW_BUG("the simulated meter cannot be opened: %s", err.text);
    for (size_t m = 0; m < s->n_meter; m++)
        s->reads[m] = 0; /* those of opening do not count */
    s->now = 0;
    sampler_init(&sampler, &s->env, meter);
    play(s, meter, &sampler);
    size_t n;
    memcpy(s->ch, meter_channels(meter, &n), s->n_meter * sizeof s->ch[0]);
    sampler_release(&sampler);
    meter_close(meter);
    return s;
}

void sim_free(struct sim *s)
{
    for (size_t m = 0; m < s->n_meter; m++) {
        free(s->part[m]);
        free(s->r[m]);
    }
    free(s->seg);
    free(s->mark);
    free(s);
}

/* ---- what came of it ---- */

const struct energy_mark *sim_marks(const struct sim *s, size_t *n)
{
    *n = s->n_mark;
    return s->mark;
}

struct energy_reading *sim_readings(struct sim *s, size_t m, size_t *n)
{
    *n = s->n_r[m];
    return s->r[m];
}

const struct energy_channel *sim_channel(const struct sim *s, size_t m)
{
    return &s->ch[m];
}

double sim_wakes(const struct sim *s)
{
    return s->wakes;
}

double sim_truth_j(const struct sim *s, int64_t a, int64_t b)
{
    return energy(s, (double)b * 1e-9) - energy(s, (double)a * 1e-9);
}

double sim_idle_w(const struct sim *s)
{
    return s->sc.load.idle_w;
}
