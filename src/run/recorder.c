#include "run/recorder.h"

#include <stdlib.h>

#include "base/str.h"

int recorder_start(struct recorder *r, const struct ipw_env *env, struct store *store, struct meter *meter,
                   const struct run_segment *segment, size_t done, size_t total, struct ipw_err *err)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(meter, &n);
    struct ipw_err ignored;
    *r = (struct recorder){.env = env, .meter = meter, .segment = segment};
    r->boundary = ipw_calloc(1, sizeof *r->boundary);
    for (size_t i = 0; i < n && r->n_boundary < RECORDER_BOUNDARY; i++)
        if (ch[i].status == ENERGY_CHANNEL_OK && meter_boundary(meter, i))
            r->boundary_ch[r->n_boundary++] = i;
    sampler_init(&r->sampler, env, meter);
    r->writer = (struct writer){.env = env, .store = store, .meter = meter, .segment = segment,
                                .sampler = &r->sampler, .boundary = r->boundary,
                                .progress = {.done = done, .total = total,
                                             .estimated = ipw_streq(meter_source(meter), "estimated")}};
    int rc = writer_start(&r->writer, err);
    if (!rc && (rc = sampler_start(&r->sampler, err)))
        writer_stop(&r->writer, &ignored);
    r->running = !rc;
    if (rc) {
        sampler_release(&r->sampler);
        free(r->boundary);
    }
    return rc;
}

void recorder_boundary(struct recorder *r)
{
    for (size_t i = 0; i < r->n_boundary; i++) {
        struct energy_reading x;
        meter_read(r->meter, r->boundary_ch[i], &x);
        energy_ring_put(r->boundary, &x);
    }
}

static int put_baseline(struct store *store, void *ud, struct ipw_err *err)
{
    return store_add_baseline(store, ud, err);
}

int recorder_span(struct recorder *r, const char *kind, int64_t from_ns, int64_t to_ns, struct ipw_err *err)
{
    struct store_baseline b = {r->segment->id, kind, from_ns - r->segment->anchor_ns, to_ns - r->segment->anchor_ns};
    return writer_call(&r->writer, put_baseline, &b, err);
}

int recorder_baseline(struct recorder *r, const char *kind, double seconds, const _Atomic int *signals,
                      struct ipw_err *err)
{
    int64_t from = ipw_now(r->env), until = from + (int64_t)(seconds * 1e9);
    while (ipw_now(r->env) < until) {
        if (writer_failed(&r->writer))
            break; /* writer_call has the reason */
        if (atomic_load(signals))
            return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
        int64_t next = ipw_now(r->env) + 100000000;
        r->env->clock->sleep_until(r->env, next < until ? next : until);
    }
    return recorder_span(r, kind, from, until, err);
}

int recorder_stop(struct recorder *r, struct ipw_err *err)
{
    if (!r->running)
        return 0;
    sampler_stop(&r->sampler); /* its last readings lie behind the last query's end */
    int rc = writer_stop(&r->writer, err);
    sampler_release(&r->sampler);
    free(r->boundary);
    r->running = false;
    return rc;
}
