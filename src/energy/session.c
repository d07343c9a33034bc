#include "energy/session.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "energy/sampler.h"

#define MS ((int64_t)1000000)
#define SECOND ((int64_t)1000000000)
#define ROUND_NS (250 * MS)
#define POLL_NS (4 * MS)
#define MARGIN_NS (60 * SECOND)  /* readings kept beside a window's edges: slow counters show their period there */
#define FAST_MARGIN_NS (12 * SECOND)
#define STEP_NS (25 * MS) /* half a tick: leaves out what was read for other windows, and no tick */
#define THIN_STEP_NS (250 * MS)  /* short enough for every rule of series.c about holes and stalls */
#define SUSPEND_NS (10 * MS)
#define FAST_PERIOD_NS (5 * MS)
#define FAST_PATIENCE_NS (300 * MS)
#define SLOW_PATIENCE_NS (2500 * MS)
enum { THIN_AT = 131072, DRAIN = 512, TRIPLE_TRIES = 5, BESIDE = 40 };

struct track { /* one channel */
    struct energy_reading *v;
    size_t n, cap, thin_at;
};

struct energy_window {
    struct energy_session *s;
    struct energy_window *next, **link; /* link: what points at this one */
    int64_t t0, t1; /* t1 < t0: not ended */
    bool have;
    struct energy_result result;
};

struct energy_session {
    const struct ipw_env *env;
    struct meter *meter;
    const struct energy_channel *ch;
    size_t n_ch;
    struct sampler sampler;
    energy_tap *tap;
    void *ud;
    pthread_t thread;
    pthread_cond_t wake;
    pthread_mutex_t lock; /* guards what follows */
    bool stop;
    struct track *track;
    struct energy_window *windows;
    struct energy_reading *fresh; /* not yet given to the tap */
    size_t n_fresh, cap_fresh;
    struct energy_span *suspended;
    size_t n_suspended, cap_suspended, n_tapped;
    struct energy_triple last; /* raw 0: none yet */
    int64_t last_tap_clock;
    uint32_t lost;
    size_t n_copied; /* readings, for all results: tested */
};

static bool metered(const struct energy_channel *c)
{
    return c->status == ENERGY_CHANNEL_OK && c->kind != ENERGY_KIND_GAUGE && !c->unused;
}

/* ---- keeping ---- */

/* In the order of time: the ticks come a round later than what was read at edges. */
static void keep(struct energy_session *s, const struct energy_reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s->tap) {
            IPW_GROW(s->fresh, s->n_fresh, s->cap_fresh);
            s->fresh[s->n_fresh++] = r[i];
        }
        if (!metered(&s->ch[r[i].channel]))
            continue;
        struct track *t = &s->track[r[i].channel];
        IPW_GROW(t->v, t->n, t->cap);
        size_t at = t->n++;
        while (at > 0 && t->v[at - 1].t_before > r[i].t_before)
            at--;
        memmove(t->v + at + 1, t->v + at, (t->n - 1 - at) * sizeof *t->v);
        t->v[at] = r[i];
    }
}

/* The first reading that began at x or later. */
static size_t first_from(const struct track *t, int64_t x)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->v[mid].t_before >= x)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* Is the reading at i among the BESIDE on each side of an edge? */
static bool beside(size_t i, size_t edge)
{
    return i + BESIDE >= edge && i < edge + BESIDE;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The edges of all unfinished windows, and now, in the order of time. */
static int64_t *edges_of(const struct energy_session *s, int64_t now, size_t *n)
{
    int64_t *e = NULL;
    size_t cap = 0;
    *n = 0;
    for (const struct energy_window *w = s->windows; w; w = w->next)
        for (int k = 0; k < 2 && !w->have; k++) {
            if (k && w->t1 <= w->t0)
                continue;
            IPW_GROW(e, *n, cap);
            e[(*n)++] = k ? w->t1 : w->t0;
        }
    IPW_GROW(e, *n, cap);
    e[(*n)++] = now;
    qsort(e, *n, sizeof *e, by_time);
    return e;
}

/* Near to an edge every reading counts. */
static void thin(struct energy_session *s, struct track *t, int64_t now)
{
    size_t kept = 0, n_edges, e = 0; /* e: the first edge that is not long past */
    int64_t last = INT64_MIN / 2, *edge = edges_of(s, now, &n_edges);
    for (size_t i = 0; i < t->n; i++) {
        int64_t at = t->v[i].t_before;
        while (e < n_edges && edge[e] <= at - MARGIN_NS)
            e++;
        if (at - last >= THIN_STEP_NS || (e < n_edges && edge[e] < at + MARGIN_NS) || at >= now) {
            last = at;
            t->v[kept++] = t->v[i];
        }
    }
    free(edge);
    t->n = kept;
    t->thin_at = 2 * kept > THIN_AT ? 2 * kept : THIN_AT;
}

static void forget(struct energy_session *s, int64_t now)
{
    int64_t from = now;
    for (const struct energy_window *w = s->windows; w; w = w->next)
        from = !w->have && w->t0 < from ? w->t0 : from;
    for (size_t c = 0; c < s->n_ch; c++) {
        struct track *t = &s->track[c];
        size_t k = 0;
        while (k < t->n && t->v[k].t_after < from - MARGIN_NS)
            k++;
        if (k > t->n / 2) { /* so that moving costs nothing on average */
            memmove(t->v, t->v + k, (t->n - k) * sizeof *t->v);
            t->n -= k;
        }
        if (t->n >= t->thin_at)
            thin(s, t, now);
    }
}

static void drain(struct energy_session *s)
{
    struct energy_reading r[DRAIN];
    for (size_t n; (n = sampler_take(&s->sampler, r, DRAIN));)
        keep(s, r, n);
    s->lost += sampler_lost(&s->sampler);
}

/* ---- clocks ---- */

/* The three clocks at one moment: a thread that was put aside between the looks tries again. */
static struct energy_triple triple(const struct ipw_env *env)
{
    struct energy_triple t = {0};
    for (int i = 0; i < TRIPLE_TRIES; i++) {
        int64_t before = ipw_now(env);
        t.boot = env->clock->boot(env);
        t.real = env->clock->real(env);
        int64_t after = ipw_now(env);
        t.raw = before + (after - before) / 2;
        if (after - before < MS)
            break;
    }
    return t;
}

/* BOOTTIME goes on while the machine sleeps, RAW does not. The drift between them is below 1 ms a second. */
static struct energy_triple look_at_clocks(struct energy_session *s)
{
    struct energy_triple t = triple(s->env);
    if (s->last.raw && (t.boot - t.raw) - (s->last.boot - s->last.raw) > SUSPEND_NS) {
        IPW_GROW(s->suspended, s->n_suspended, s->cap_suspended);
        s->suspended[s->n_suspended++] = (struct energy_span){s->last.raw, t.raw};
    }
    s->last = t;
    return t;
}

/* ---- the thread ---- */

static void round_(struct energy_session *s, bool last)
{
    struct energy_batch b = {0};
    struct energy_span span;
    struct energy_reading *fresh;
    pthread_mutex_lock(&s->lock);
    drain(s);
    struct energy_triple t = look_at_clocks(s);
    forget(s, t.raw);
    b.v = fresh = s->fresh;
    b.n = s->n_fresh;
    b.lost = s->lost;
    if (s->n_tapped < s->n_suspended) { /* one a round: nobody sleeps twice in a quarter of a second */
        span = s->suspended[s->n_tapped++];
        b.suspended = &span;
    }
    if (last || t.raw - s->last_tap_clock >= SECOND) {
        s->last_tap_clock = t.raw;
        b.clock = &t;
    }
    if (s->tap) { /* what it writes may take its time: nobody waits for it */
        s->fresh = NULL;
        s->n_fresh = s->cap_fresh = 0;
        s->lost = 0;
    }
    pthread_mutex_unlock(&s->lock);
    if (s->tap) {
        s->tap(&b, s->ud);
        free(fresh);
    }
}

static void *session_main(void *arg)
{
    struct energy_session *s = arg;
    bool stop = false;
    while (!stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += ROUND_NS;
        until.tv_sec += until.tv_nsec / SECOND;
        until.tv_nsec %= SECOND;
        pthread_mutex_lock(&s->lock);
        while (!s->stop && pthread_cond_timedwait(&s->wake, &s->lock, &until) != ETIMEDOUT)
            ;
        stop = s->stop;
        pthread_mutex_unlock(&s->lock);
        if (!stop)
            round_(s, false);
    }
    return NULL;
}

static int start_thread(struct energy_session *s, struct ipw_err *err)
{
    sigset_t all, old; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&s->thread, NULL, session_main, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc ? ipw_err_set(err, IPW_E_ENV, "cannot start the 'meter' thread: %s; raise the limit (ulimit -u)",
                            strerror(rc))
              : 0;
}

static void release(struct energy_session *s)
{
    sampler_release(&s->sampler);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    for (size_t i = 0; i < s->n_ch; i++)
        free(s->track[i].v);
    free(s->track);
    free(s->fresh);
    free(s->suspended);
    free(s);
}

int energy_session_open(struct energy_session **out, const struct ipw_env *env, struct meter *m, energy_tap *tap,
                        void *ud, struct ipw_err *err)
{
    struct energy_session *s = ipw_calloc(1, sizeof *s);
    pthread_condattr_t attr;
    *s = (struct energy_session){.env = env, .meter = m, .tap = tap, .ud = ud};
    s->ch = meter_channels(m, &s->n_ch);
    s->track = ipw_calloc(s->n_ch ? s->n_ch : 1, sizeof *s->track);
    for (size_t i = 0; i < s->n_ch; i++)
        s->track[i].thin_at = THIN_AT;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
#ifndef __APPLE__
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
#endif
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    look_at_clocks(s);
    sampler_init(&s->sampler, env, m);
    int rc = sampler_start(&s->sampler, err);
    if (!rc && (rc = start_thread(s, err)))
        sampler_stop(&s->sampler);
    if (rc)
        release(s);
    *out = rc ? NULL : s;
    return rc;
}

void energy_session_close(struct energy_session *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    sampler_stop(&s->sampler);
    round_(s, true);
    release(s);
}

/* ---- windows ---- */

/* Reads the fast channels now, on the caller's thread. */
static void read_edge(struct energy_session *s)
{
    struct energy_reading r[64];
    size_t n = 0;
    for (size_t i = 0; i < s->n_ch && n < sizeof r / sizeof r[0]; i++)
        if (meter_boundary(s->meter, i) && metered(&s->ch[i]))
            meter_read(s->meter, i, &r[n++]);
    pthread_mutex_lock(&s->lock);
    keep(s, r, n);
    pthread_mutex_unlock(&s->lock);
}

struct energy_window *energy_window_begin(struct energy_session *s)
{
    struct energy_window *w = ipw_calloc(1, sizeof *w);
    w->s = s;
    w->result.n = s->n_ch;
    w->result.channel = ipw_calloc(s->n_ch ? s->n_ch : 1, sizeof *w->result.channel);
    w->t0 = ipw_now(s->env); /* provisional: holds the readings */
    w->t1 = w->t0 - 1;
    pthread_mutex_lock(&s->lock);
    w->next = s->windows;
    w->link = &s->windows;
    if (w->next)
        w->next->link = &w->next;
    s->windows = w;
    pthread_mutex_unlock(&s->lock);
    read_edge(s);
    pthread_mutex_lock(&s->lock);
    w->t0 = ipw_now(s->env);
    w->t1 = w->t0 - 1;
    pthread_mutex_unlock(&s->lock);
    return w;
}

int64_t energy_window_t0(const struct energy_window *w)
{
    return w->t0;
}

static int64_t end_of(struct energy_window *w)
{
    pthread_mutex_lock(&w->s->lock);
    int64_t t1 = w->t1;
    pthread_mutex_unlock(&w->s->lock);
    return t1;
}

void energy_window_end(struct energy_window *w)
{
    int64_t now = ipw_now(w->s->env);
    if (end_of(w) >= w->t0)
        return;
    pthread_mutex_lock(&w->s->lock);
    w->t1 = now;
    pthread_mutex_unlock(&w->s->lock);
    read_edge(w->s);
}

void energy_window_free(struct energy_window *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->s->lock);
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    pthread_mutex_unlock(&w->s->lock);
    free(w->result.channel);
    free(w);
}

/* ---- when a window can be told ---- */

static bool is_fast(const struct energy_channel *c)
{
    return c->kind == ENERGY_KIND_COUNTER && c->period_ns > 0 && c->period_ns <= FAST_PERIOD_NS;
}

/* A fast counter has been updated since t1; a slow one shows another value than it did then, so that the update that
 * holds t1 is enclosed; a power has been looked at, and its averaging window is over. */
static bool covered(const struct track *t, const struct energy_channel *c, int64_t t1)
{
    int64_t past = t1 + (is_fast(c) ? c->period_ns + (c->estimated ? 0 : MS) : c->window_ns / 2);
    bool other = is_fast(c) || c->kind == ENERGY_KIND_POWER_INST, have_then = false;
    uint64_t then = 0;
    size_t i = first_from(t, t1 + 1);
    for (size_t k = i; k > 0 && !have_then; k--)
        if (!t->v[k - 1].status) {
            then = t->v[k - 1].raw;
            have_then = true;
        }
    for (bool seen = false; i < t->n; i++) {
        const struct energy_reading *r = &t->v[i];
        if (r->status)
            continue;
        other = other || (have_then && r->raw != then);
        seen = seen || r->t_before >= past;
        if (seen && other)
            return true;
    }
    return false;
}

static int64_t patience_ns(const struct energy_channel *c)
{
    int64_t slow = c->period_ns ? 3 * c->period_ns / 2 + c->window_ns / 2 + 100 * MS : SLOW_PATIENCE_NS;
    return is_fast(c) || slow < FAST_PATIENCE_NS ? FAST_PATIENCE_NS : slow < SLOW_PATIENCE_NS ? slow : SLOW_PATIENCE_NS;
}

bool energy_window_ready(struct energy_window *w)
{
    struct energy_session *s = w->s;
    int64_t t1 = end_of(w), age = ipw_now(s->env) - t1;
    bool ready = t1 >= w->t0, reread = false;
    pthread_mutex_lock(&s->lock);
    drain(s);
    for (size_t i = 0; i < s->n_ch && ready; i++)
        if (metered(&s->ch[i]) && age < patience_ns(&s->ch[i]) && !covered(&s->track[i], &s->ch[i], t1)) {
            ready = false;
            reread = is_fast(&s->ch[i]) && age > s->ch[i].period_ns + MS;
        }
    pthread_mutex_unlock(&s->lock);
    if (reread) /* rather than wait for the tick */
        read_edge(s);
    return ready;
}

/* ---- joules ---- */

bool energy_value_known(const struct energy_value *v)
{
    return v->status == ENERGY_MEASURED || v->status == ENERGY_PARTIAL || v->status == ENERGY_ESTIMATED ||
           v->status == ENERGY_LOW_RESOLUTION;
}

/* A copy of what lies around the window: attribution sorts it, and takes its time, without the lock. Of a fast counter it is
 * bounded, however many edges of other windows were read: all that stands next to this one's edges, the ticks elsewhere. */
static struct energy_reading *copy_readings(struct energy_session *s, size_t channel, const struct energy_window *w,
                                            size_t *n)
{
    const struct track *t = &s->track[channel];
    bool fast = is_fast(&s->ch[channel]);
    int64_t margin = fast ? FAST_MARGIN_NS : MARGIN_NS;
    struct energy_reading *v = NULL;
    size_t cap = 0;
    *n = 0;
    pthread_mutex_lock(&s->lock);
    size_t i0 = first_from(t, w->t0), i1 = first_from(t, w->t1), from = first_from(t, w->t0 - margin),
           to = first_from(t, w->t1 + margin);
    from = i0 < BESIDE ? 0 : from < i0 - BESIDE ? from : i0 - BESIDE;
    to = to > i1 + BESIDE ? to : i1 + BESIDE < t->n ? i1 + BESIDE : t->n;
    for (size_t i = from; i < to;) {
        IPW_GROW(v, *n, cap);
        v[(*n)++] = t->v[i];
        size_t next = i + 1;
        if (fast && !beside(next, i0) && !beside(next, i1)) {
            next = first_from(t, t->v[i].t_before + STEP_NS);
            if (i < i0 && next + BESIDE > i0)
                next = i0 > BESIDE + i ? i0 - BESIDE : i + 1;
            else if (i < i1 && next + BESIDE > i1)
                next = i1 > BESIDE + i ? i1 - BESIDE : i + 1;
            next = next > i ? next : i + 1;
        }
        i = next;
    }
    s->n_copied += *n;
    pthread_mutex_unlock(&s->lock);
    return v;
}

static struct energy_value attribute(const struct energy_window *w, size_t channel, const struct energy_span *suspended,
                                     size_t n_suspended)
{
    struct energy_session *s = w->s;
    struct energy_query_value out = {.total = {.status = ENERGY_MISSING, .u_nj = -1, .reason = "no_readings"}};
    struct energy_value gap;
    size_t n;
    if (!metered(&s->ch[channel]))
        return out.total;
    struct energy_reading *v = copy_readings(s, channel, w, &n);
    struct energy_mark mark = {w->t0, -1, w->t1};
    energy_attribute(&(struct energy_facts){&s->ch[channel], v, n, &mark, 1, suspended, n_suspended}, &out, &gap);
    free(v);
    return out.total;
}

static bool is_member(const struct energy_channel *c, enum energy_total total)
{
    switch (total) {
    case ENERGY_TOTAL_COMPONENT:
        return c->in_total;
    case ENERGY_TOTAL_ACCEL:
        return c->in_total &&
               (c->scope == ENERGY_SCOPE_GPU_BOARD || c->scope == ENERGY_SCOPE_GPU_CHIP || c->scope == ENERGY_SCOPE_ANE);
    default:
        return c->in_system;
    }
}

static void add_up(struct energy_result *r, const struct energy_session *s, enum energy_total total)
{
    struct energy_value *member = ipw_calloc(s->n_ch ? s->n_ch : 1, sizeof *member);
    double joules = 0, gained = 0;
    size_t n = 0;
    for (size_t i = 0; i < s->n_ch; i++)
        if (is_member(&s->ch[i], total)) {
            member[n++] = r->channel[i];
            joules += (double)r->channel[i].nj;
            gained += (double)r->channel[i].nj * s->ch[i].gain_u;
        }
    struct energy_value *v = &r->total[total];
    *v = energy_sum(member, n);
    r->gain_u[total] = joules > 0 && energy_value_known(v) ? gained / joules : (double)NAN;
    if (total == ENERGY_TOTAL_COMPONENT && v->status == ENERGY_MEASURED && !strcmp(meter_source(s->meter), "partial"))
        v->status = ENERGY_PARTIAL;
    free(member);
}

const struct energy_result *energy_window_result(struct energy_window *w)
{
    struct energy_session *s = w->s;
    struct energy_result *r = &w->result;
    if (w->have)
        return r;
    if (end_of(w) < w->t0)
        return NULL;
    while (!energy_window_ready(w))
        s->env->clock->sleep_until(s->env, ipw_now(s->env) + POLL_NS);
    pthread_mutex_lock(&s->lock);
    look_at_clocks(s);
    size_t n_suspended = s->n_suspended;
    struct energy_span *suspended = ipw_malloc((n_suspended + 1) * sizeof *suspended);
    if (n_suspended)
        memcpy(suspended, s->suspended, n_suspended * sizeof *suspended);
    pthread_mutex_unlock(&s->lock);
    r->t0 = w->t0;
    r->t1 = w->t1;
    r->seconds = (double)(w->t1 - w->t0) * 1e-9;
    for (size_t i = 0; i < s->n_ch; i++)
        r->channel[i] = attribute(w, i, suspended, n_suspended);
    for (int t = 0; t < ENERGY_TOTAL_N; t++)
        add_up(r, s, (enum energy_total)t);
    free(suspended);
    pthread_mutex_lock(&s->lock);
    w->have = true;
    pthread_mutex_unlock(&s->lock);
    return r;
}
