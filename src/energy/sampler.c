#include "energy/sampler.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum {
    COUNTER_TICK_NS = 50000000,
    MODEL_TICK_NS = 100000000,
    SLOW_NS = 1000000000,
    LAST_NS = 2000000, /* so that a 1 ms counter has been updated after the end of the last query */
};

static bool is_gauge(const struct energy_channel *c)
{
    return c->kind == ENERGY_KIND_GAUGE;
}

void sampler_init(struct sampler *s, const struct ipw_env *env, const struct meter *m,
                  struct energy_ring *ring)
{
    memset(s, 0, sizeof *s);
    s->env = env;
    s->meter = m;
    s->ring = ring;
    s->tick_ns = MODEL_TICK_NS;
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    for (size_t i = 0; i < n; i++)
        if (ch[i].status == ENERGY_CHANNEL_OK && !ch[i].estimated && !is_gauge(&ch[i]))
            s->tick_ns = COUNTER_TICK_NS;
}

static void read_all(const struct sampler *s, bool gauges)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(s->meter, &n);
    for (size_t i = 0; i < n; i++) {
        if (ch[i].status != ENERGY_CHANNEL_OK || (is_gauge(&ch[i]) && !gauges))
            continue;
        struct energy_reading r;
        meter_read(s->meter, i, &r);
        energy_ring_put(s->ring, &r);
    }
}

int64_t sampler_step(struct sampler *s, int64_t now)
{
    if (now < s->next_ns)
        return s->next_ns;
    bool slow = now >= s->next_slow_ns;
    read_all(s, slow);
    if (slow) {
        meter_mend(s->meter);
        s->next_slow_ns = now + SLOW_NS;
    }
    /* On a grid from the time after the reads: a late or slow tick is skipped, never made up for. */
    int64_t done = ipw_now(s->env);
    s->next_ns = ((done > now ? done : now) / s->tick_ns + 1) * s->tick_ns;
    return s->next_ns;
}

/* The env has no clock for one thread: the figure is about the real one, simulated or not. */
static int64_t thread_cpu(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void *sampler_main(void *arg)
{
    struct sampler *s = arg;
    while (!atomic_load(&s->stop)) {
        s->env->clock->sleep_until(s->env, s->next_ns);
        atomic_fetch_add(&s->wakes, 1);
        sampler_step(s, ipw_now(s->env));
        atomic_store(&s->cpu_ns, thread_cpu());
    }
    s->env->clock->sleep_until(s->env, ipw_now(s->env) + LAST_NS);
    read_all(s, true);
    atomic_store(&s->cpu_ns, thread_cpu());
    return NULL;
}

int sampler_start(struct sampler *s, struct ipw_err *err)
{
    sampler_step(s, ipw_now(s->env)); /* so that a query sent at once has a reading before it */
    sigset_t all, old; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&s->thread, NULL, sampler_main, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc)
        return ipw_err_set(err, IPW_E_ENV,
                           "cannot start the 'sampler' thread: %s; raise the limit (ulimit -u)",
                           strerror(rc));
    s->running = true;
    return 0;
}

void sampler_stop(struct sampler *s)
{
    if (!s->running)
        return;
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    s->running = false;
}
