#include "energy/sampler.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

#define MS ((int64_t)1000000)
#define COUNTER_TICK_NS (50 * MS)
#define MODEL_TICK_NS (100 * MS)
#define GAUGE_NS (1000 * MS)
#define FAST_PERIOD_NS (5 * MS)
#define LANE_LATENCY_NS (1 * MS) /* a source slower than this must not hold up the others */
#define LAST_NS (2 * MS)         /* so that a 1 ms counter has been updated after the end of the last query */
#define LAST_MAX_NS (2500 * MS)
#define WAKE_COST_NS (27 * MS) /* 37 slow wakes a second at most, with the tick's 20 below 60 */
#define WAKE_BURST 4
#define LEARN_NS (2000 * MS) /* telemetry 4.3: poll for 2 s, 10 s when nothing changes */
#define LEARN_MAX_NS (10000 * MS)
#define LEARN_POLL_NS (2 * MS)
#define LEARN_GAPS 12
#define SLACK_NS (2 * MS) /* what is due so soon is read in this wake too */
#define WIDTH_MIN_NS (1 * MS)

/* When one slow channel updates. Predicted edges are one period apart; a wake shortly before and one shortly after
 * enclose the edge, and `width` follows how well that works. */
struct edge_tracker {
    bool tracked;      /* else: read with the tick, every time or every second time */
    bool gauge, aux;
    bool have;
    uint64_t value;
    int64_t t_same;    /* the last look at `value` */
    int64_t t_edge;    /* when `value` began, as far as known */
    int64_t period_ns; /* 0: not yet known */
    int64_t width_ns;
    int64_t next_ns;
    int64_t since_ns; /* learning began */
    int64_t gap[LEARN_GAPS];
    int n_gaps, looks;
    int64_t settle_ns; /* after the end of a run: so long until the value covers it */
};

/* ---- edges ---- */

static int by_ns(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void await_edge(struct edge_tracker *e)
{
    e->looks = 0;
    e->next_ns = e->t_edge + e->period_ns - e->width_ns;
}

static void learn(struct edge_tracker *e, int64_t gap, int64_t t)
{
    if (e->t_edge)
        e->gap[e->n_gaps++] = gap;
    if (e->n_gaps < LEARN_GAPS && !(e->n_gaps >= 3 && t - e->since_ns > LEARN_NS))
        return;
    qsort(e->gap, (size_t)e->n_gaps, sizeof e->gap[0], by_ns);
    e->period_ns = e->gap[e->n_gaps / 2];
    e->width_ns = 3 * MS;
}

static void on_change(struct edge_tracker *e, int64_t t)
{
    int64_t edge = e->t_same + (t - e->t_same) / 2;
    if (!e->period_ns) {
        learn(e, edge - e->t_edge, t);
        e->t_edge = edge;
        if (!e->period_ns)
            return;
    } else {
        bool enclosed = t - e->t_same <= 3 * e->width_ns;
        int64_t predicted = e->t_edge + e->period_ns, gap;
        e->width_ns = enclosed ? e->width_ns * 7 / 8 : e->width_ns * 3 / 2;
        e->width_ns = e->width_ns < WIDTH_MIN_NS ? WIDTH_MIN_NS : e->width_ns;
        e->width_ns = e->width_ns > e->period_ns / 6 ? e->period_ns / 6 : e->width_ns;
        /* Wakes come late, so the middle of the looks would run away from the edge: what was predicted stands as long as
         * it lies between them, else the nearer end. */
        edge = predicted < e->t_same ? e->t_same : predicted > t ? t : predicted;
        gap = edge - e->t_edge;
        if (llabs(gap - e->period_ns) < e->period_ns / 4)
            e->period_ns += (gap - e->period_ns) / 16;
        e->t_edge = edge;
    }
    await_edge(e);
}

/* Nothing new: look once more after the predicted edge, then take the update as one that kept the value. */
static void on_same(struct edge_tracker *e, int64_t t)
{
    if (!e->period_ns)
        return;
    int64_t predicted = e->t_edge + e->period_ns;
    if (t < predicted) {
        e->next_ns = predicted + e->width_ns;
    } else if (++e->looks < 2) {
        e->next_ns = t + 3 * e->width_ns;
    } else {
        while (e->t_edge + e->period_ns - e->width_ns <= t)
            e->t_edge += e->period_ns;
        await_edge(e);
    }
}

static void edge_step(struct edge_tracker *e, const struct energy_reading *r)
{
    int64_t t = r->t_before + (r->t_after - r->t_before) / 2;
    if (!e->since_ns)
        e->since_ns = t;
    if (e->period_ns)
        e->next_ns = t + e->period_ns / 4;
    else
        e->next_ns = t + (t - e->since_ns < LEARN_MAX_NS ? LEARN_POLL_NS + (r->t_after - r->t_before) : 100 * MS);
    if (r->status)
        return;
    if (e->have && r->raw != e->value)
        on_change(e, t);
    else if (e->have)
        on_same(e, t);
    e->have = true;
    e->value = r->raw;
    e->t_same = t;
}

/* ---- lanes ---- */

static bool is_fast(const struct energy_channel *c)
{
    return c->estimated || (c->kind == ENERGY_KIND_COUNTER && c->period_ns > 0 && c->period_ns <= FAST_PERIOD_NS);
}

static struct sampler_lane *add_lane(struct sampler *s, const struct ipw_env *env, struct meter *m, size_t n)
{
    struct sampler_lane *l = &s->lane[s->n_lanes++];
    *l = (struct sampler_lane){.env = env, .meter = m, .mends = s->n_lanes == 1};
    l->ring = ipw_calloc(1, sizeof *l->ring);
    l->channel = ipw_calloc(n ? n : 1, sizeof *l->channel);
    l->edge = ipw_calloc(n ? n : 1, sizeof *l->edge);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->resume, NULL);
    return l;
}

static void add_channel(struct sampler_lane *l, const struct energy_channel *c, size_t i)
{
    struct edge_tracker *e = &l->edge[l->n_channels];
    l->channel[l->n_channels++] = i;
    e->gauge = c->kind == ENERGY_KIND_GAUGE;
    e->tracked = !e->gauge && !is_fast(c) && (c->in_total || c->kind == ENERGY_KIND_COUNTER);
    e->aux = !e->gauge && !e->tracked && !is_fast(c);
    e->settle_ns = c->window_ns / 2 + (is_fast(c) ? LAST_NS : 0);
    if (e->gauge || e->tracked)
        return;
    int64_t tick = c->estimated ? MODEL_TICK_NS : COUNTER_TICK_NS;
    l->tick_ns = l->tick_ns && l->tick_ns < tick ? l->tick_ns : tick;
}

/* The lane of the sources that answer at once is the first; each slow driver has its own. */
static struct sampler_lane *lane_of(struct sampler *s, const struct energy_channel *ch, size_t i, size_t n)
{
    if (ch[i].latency_ns <= LANE_LATENCY_NS)
        return &s->lane[0];
    for (size_t k = 1; k < s->n_lanes; k++)
        if (ipw_streq(ch[s->lane[k].channel[0]].source, ch[i].source) || k == SAMPLER_LANES - 1)
            return &s->lane[k];
    return add_lane(s, s->lane[0].env, s->lane[0].meter, n);
}

void sampler_init(struct sampler *s, const struct ipw_env *env, struct meter *m)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    memset(s, 0, sizeof *s);
    add_lane(s, env, m, n);
    for (size_t i = 0; i < n; i++)
        if (ch[i].status == ENERGY_CHANNEL_OK) /* also what takes no part: that can change once it is known what computes */
            add_channel(lane_of(s, ch, i, n), &ch[i], i);
}

void sampler_release(struct sampler *s)
{
    for (size_t i = 0; i < s->n_lanes; i++) {
        pthread_mutex_destroy(&s->lane[i].lock);
        pthread_cond_destroy(&s->lane[i].resume);
        free(s->lane[i].ring);
        free(s->lane[i].channel);
        free(s->lane[i].edge);
    }
    memset(s, 0, sizeof *s);
}

/* ---- one step ---- */

static int64_t min_ns(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void read_one(struct sampler_lane *l, size_t k)
{
    struct energy_reading r;
    meter_read(l->meter, l->channel[k], &r);
    energy_ring_put(l->ring, &r);
    if (l->edge[k].tracked)
        edge_step(&l->edge[k], &r);
}

static void read_tick(struct sampler_lane *l, bool second)
{
    for (size_t k = 0; k < l->n_channels; k++)
        if (!l->edge[k].tracked && !l->edge[k].gauge && (second || !l->edge[k].aux))
            read_one(l, k);
}

static void read_gauges(struct sampler_lane *l)
{
    for (size_t k = 0; k < l->n_channels; k++)
        if (l->edge[k].gauge)
            read_one(l, k);
    if (l->mends)
        meter_mend(l->meter);
}

/* When the slow channels want to be read next, INT64_MAX if there are none. While a period is being learnt, wakes
 * are free: it takes two seconds, once. */
static int64_t slow_due(const struct sampler_lane *l, bool *free_wake)
{
    int64_t due = INT64_MAX;
    *free_wake = false;
    for (size_t k = 0; k < l->n_channels; k++) {
        const struct edge_tracker *e = &l->edge[k];
        if (!e->tracked)
            continue;
        due = min_ns(due, e->next_ns);
        *free_wake |= !e->period_ns && e->n_gaps < LEARN_GAPS && (!e->since_ns || l->last_ns - e->since_ns < LEARN_MAX_NS);
    }
    return due;
}

static int64_t slow_next(const struct sampler_lane *l)
{
    bool free_wake;
    int64_t due = slow_due(l, &free_wake), paid = l->last_ns + (WAKE_COST_NS - l->credit_ns);
    return due == INT64_MAX || free_wake || l->credit_ns >= WAKE_COST_NS || paid < due ? due : paid;
}

static void read_slow(struct sampler_lane *l, int64_t now)
{
    l->credit_ns = l->credit_ns >= WAKE_COST_NS ? l->credit_ns - WAKE_COST_NS : 0;
    for (size_t k = 0; k < l->n_channels; k++)
        if (l->edge[k].tracked && l->edge[k].next_ns <= now + SLACK_NS)
            read_one(l, k);
}

int64_t sampler_step(struct sampler_lane *l, int64_t now)
{
    if (!l->begun) {
        l->begun = true;
        l->credit_ns = WAKE_BURST * WAKE_COST_NS;
        for (size_t k = 0; k < l->n_channels; k++)
            l->edge[k].next_ns = now;
        l->next_tick_ns = l->tick_ns ? now : INT64_MAX;
        l->next_gauge_ns = now;
    } else {
        l->credit_ns = min_ns(l->credit_ns + (now - l->last_ns), WAKE_BURST * WAKE_COST_NS);
    }
    l->last_ns = now;
    if (slow_next(l) <= now)
        read_slow(l, now);
    if (now >= l->next_gauge_ns) {
        read_gauges(l);
        l->next_gauge_ns = (now / GAUGE_NS + 1) * GAUGE_NS;
    }
    if (now >= l->next_tick_ns) {
        read_tick(l, now / l->tick_ns % 2 == 0);
        /* On a grid from the time after the reads: a late or slow tick is skipped, never made up for. */
        int64_t done = ipw_now(l->env);
        l->next_tick_ns = ((done > now ? done : now) / l->tick_ns + 1) * l->tick_ns;
    }
    int64_t next = min_ns(min_ns(l->next_tick_ns, l->next_gauge_ns), slow_next(l));
    return next > now ? next : now + 1;
}

/* ---- threads ---- */

/* The env has no clock for one thread: the figure is about the real one, simulated or not. */
static int64_t thread_cpu(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* How long after the end the last value of every channel covers it: one more update of the slow ones. */
static int64_t settle_ns(const struct sampler_lane *l)
{
    int64_t most = LAST_NS;
    for (size_t k = 0; k < l->n_channels; k++) {
        int64_t t = l->edge[k].settle_ns + (l->edge[k].tracked ? l->edge[k].period_ns * 3 / 2 + LAST_NS : 0);
        most = t > most ? t : most;
    }
    return min_ns(most, LAST_MAX_NS);
}

static void wait_while_paused(struct sampler_lane *l)
{
    pthread_mutex_lock(&l->lock);
    while (atomic_load(&l->paused) && !atomic_load(&l->stop))
        pthread_cond_wait(&l->resume, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

static void *lane_main(void *arg)
{
    struct sampler_lane *l = arg;
    int64_t next = ipw_now(l->env), end = INT64_MAX;
    while (next < end) {
        l->env->clock->sleep_until(l->env, next);
        atomic_fetch_add(&l->wakes, 1);
        if (atomic_load(&l->paused))
            wait_while_paused(l);
        next = sampler_step(l, ipw_now(l->env));
        atomic_store(&l->cpu_ns, thread_cpu());
        if (end == INT64_MAX && atomic_load(&l->stop))
            end = ipw_now(l->env) + settle_ns(l);
    }
    l->env->clock->sleep_until(l->env, end);
    for (size_t k = 0; k < l->n_channels; k++)
        read_one(l, k);
    atomic_store(&l->cpu_ns, thread_cpu());
    return NULL;
}

int sampler_start(struct sampler *s, struct ipw_err *err)
{
    sigset_t all, old; /* signals are the main thread's */
    int rc = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (size_t i = 0; i < s->n_lanes && !rc; i++) {
        struct sampler_lane *l = &s->lane[i];
        sampler_step(l, ipw_now(l->env)); /* so that a query sent at once has a reading before it */
        rc = pthread_create(&l->thread, NULL, lane_main, l);
        l->running = !rc;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!rc)
        return 0;
    sampler_stop(s);
    return ipw_err_set(err, IPW_E_ENV, "cannot start the 'sampler' thread: %s; raise the limit (ulimit -u)",
                       strerror(rc));
}

void sampler_pause(struct sampler *s, bool paused)
{
    for (size_t i = 0; i < s->n_lanes; i++) {
        struct sampler_lane *l = &s->lane[i];
        pthread_mutex_lock(&l->lock);
        atomic_store(&l->paused, paused);
        pthread_cond_signal(&l->resume);
        pthread_mutex_unlock(&l->lock);
    }
}

void sampler_stop(struct sampler *s)
{
    for (size_t i = 0; i < s->n_lanes; i++)
        atomic_store(&s->lane[i].stop, true);
    sampler_pause(s, false);
    for (size_t i = 0; i < s->n_lanes; i++) {
        struct sampler_lane *l = &s->lane[i];
        if (!l->running)
            continue;
        pthread_join(l->thread, NULL);
        l->running = false;
        for (size_t k = 0; k < l->n_channels; k++)
            if (l->edge[k].tracked && l->edge[k].period_ns)
                meter_learn_period(l->meter, l->channel[k], l->edge[k].period_ns);
    }
}

size_t sampler_take(struct sampler *s, struct energy_reading *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_lanes && n < cap; i++)
        n += energy_ring_take(s->lane[i].ring, out + n, cap - n);
    return n;
}

uint32_t sampler_lost(struct sampler *s)
{
    uint32_t lost = 0;
    for (size_t i = 0; i < s->n_lanes; i++)
        lost += energy_ring_lost(s->lane[i].ring);
    return lost;
}
