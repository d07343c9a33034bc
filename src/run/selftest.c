#include "run/selftest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "net/null_server.h"
#include "stats/stats.h"

enum { EVENTS = 256 };
static const struct null_schedule schedule = {.first_ns = 20000000, .between_ns = 5000000, .tokens = 32};

struct stream {
    int64_t t_send;
    int64_t tokens;
};

struct test {
    const struct ipw_env *env;
    const struct engine_ops *ops;
    struct engine *engine;
    struct stream *stream;
    size_t n, in_flight, failed;
    struct stats_hist *delay;
    uint64_t pieces;
};

static int ask(struct test *t, uint32_t id, struct ipw_err *err)
{
    const struct engine_message m = {"user", "selftest"};
    t->stream[id] = (struct stream){0};
    t->in_flight++;
    return t->ops->submit(t->engine, &(struct engine_req){.id = id, .messages = &m, .n_messages = 1, .max_tokens = schedule.tokens},
                          err);
}

static void on_event(struct test *t, const struct engine_event *ev)
{
    struct stream *s = &t->stream[ev->id];
    switch (ev->kind) {
    case ENGINE_SENT:
        s->t_send = ev->t_ns;
        break;
    case ENGINE_FIRST:
        break;
    case ENGINE_TOKEN:
        stats_hist_add(t->delay, fmax(0, (double)(ev->t_ns - s->t_send - schedule.first_ns -
                                                  s->tokens++ * schedule.between_ns) * 1e-9));
        t->pieces++;
        break;
    case ENGINE_END:
        t->failed += ev->status != QUERY_OK && ev->status != QUERY_TRUNCATED;
        t->in_flight--;
        break;
    }
}

static int loop(struct test *t, int64_t until, const _Atomic int *stop, struct ipw_err *err)
{
    struct engine_event ev[EVENTS];
    int rc = 0;
    for (uint32_t i = 0; i < t->n && !rc; i++)
        rc = ask(t, i, err);
    while (!rc && t->in_flight && !t->failed) {
        int n = t->ops->poll(t->engine, ipw_now(t->env) + 100000000, ev, EVENTS, err);
        if (n < 0)
            return -n;
        for (int i = 0; i < n; i++)
            on_event(t, &ev[i]);
        for (int i = 0; i < n && !rc; i++)
            if (ev[i].kind == ENGINE_END && ipw_now(t->env) < until)
                rc = ask(t, ev[i].id, err);
        if (stop && atomic_load(stop))
            return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
    }
    if (!rc && t->failed)
        rc = ipw_err_set(err, IPW_E_ENV, "the selftest's own server did not answer: too few files or ports may be left");
    return rc;
}

static void sum_up(const struct test *t, const struct null_seen *seen, int64_t cpu_ns, struct selftest *out)
{
    out->pieces = t->pieces;
    out->delay_p50_s = stats_hist_quantile(t->delay, 0.5);
    out->delay_p99_s = stats_hist_quantile(t->delay, 0.99);
    out->server_p50_s = (double)seen->late_p50_ns * 1e-9;
    out->server_p99_s = (double)seen->late_p99_ns * 1e-9;
    out->cpu_ns_per_piece = cpu_ns >= 0 && t->pieces ? (double)cpu_ns / (double)t->pieces : (double)NAN;
    out->cpu_share = cpu_ns >= 0 ? (double)cpu_ns * 1e-9 / out->seconds : (double)NAN;
}

int selftest_run(const struct ipw_env *env, int64_t streams, double seconds, const _Atomic int *stop, struct selftest *out,
                 struct ipw_err *err)
{
    struct null_server *server = NULL;
    struct test t = {.env = env, .ops = engine_find("openai"), .n = (size_t)streams};
    char url[64];
    *out = (struct selftest){.streams = streams};
    int rc = null_server_start(&server, 0, &schedule, err);
    if (rc)
        return rc;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", null_server_port(server));
    struct engine_cfg cfg = {.model = "null", .stop = stop,
                             .http = {.base_url = url, .timeout_s = 30, .connect_timeout_s = 5, .streams = streams}};
    t.stream = ipw_calloc(t.n, sizeof *t.stream);
    t.delay = ipw_calloc(1, sizeof *t.delay);
    rc = t.ops->open(&t.engine, env, &cfg, err);
    if (!rc) {
        bool known = env->clock->thread_cpu != NULL;
        int64_t from = ipw_now(env), cpu = known ? env->clock->thread_cpu(env) : 0;
        struct null_seen seen;
        rc = loop(&t, from + (int64_t)(seconds * 1e9), stop, err);
        out->seconds = (double)(ipw_now(env) - from) * 1e-9;
        null_server_seen(server, &seen);
        sum_up(&t, &seen, known ? env->clock->thread_cpu(env) - cpu : -1, out);
        t.ops->close(t.engine);
    }
    null_server_stop(server);
    free(t.stream);
    free(t.delay);
    return rc;
}
