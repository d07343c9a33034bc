#include "run/segment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

enum { MAX_DEVICES = 32 };

static const char *known(const char *s)
{
    return s && *s ? s : NULL;
}

/* What holds the machine back, or lets it go: shown where runs differ in it. */
static void put_state(struct json_out *o, json_node *env, const struct run_machine *m)
{
    json_put_str(o, env, "governor", known(m->governor));
    json_put_str(o, env, "epp", known(m->epp));
    json_put_str(o, env, "platform_profile", known(m->platform_profile));
    json_put_str(o, env, "turbo", m->turbo);
    json_put_num(o, env, "cpu_max_mhz", m->cpu_max_mhz > 0 ? m->cpu_max_mhz : (double)NAN);
    json_node *limits = json_put_obj(o, env, "cpu_power_limits_w");
    for (size_t i = 0; i < m->n_limits; i++) {
        json_node *w = json_put_obj(o, limits, m->limits[i].package);
        json_put_num(o, w, "long", m->limits[i].long_w > 0 ? m->limits[i].long_w : (double)NAN);
        json_put_num(o, w, "short", m->limits[i].short_w > 0 ? m->limits[i].short_w : (double)NAN);
    }
}

/* By device, from whichever of its channels knows. */
static void put_gpus(struct json_out *o, json_node *env, const struct energy_channel *ch, size_t n)
{
    json_node *gpus = json_put_obj(o, env, "gpus");
    for (size_t i = 0; i < n; i++) {
        bool seen = !(ch[i].limit_w > 0) && !*ch[i].driver;
        for (size_t j = 0; j < i && !seen; j++)
            seen = !strcmp(ch[j].device, ch[i].device) && (ch[j].limit_w > 0 || *ch[j].driver);
        if (seen)
            continue;
        json_node *gpu = json_put_obj(o, gpus, ch[i].device);
        json_put_str(o, gpu, "name", known(ch[i].name));
        json_put_str(o, gpu, "driver", known(ch[i].driver));
        json_put_num(o, gpu, "power_limit_w", ch[i].limit_w > 0 ? ch[i].limit_w : (double)NAN);
    }
}

/* Limits, clocks and the like as JSON: pmax_w is for attribution; energy_source and total (the members of the component
 * total) say what this segment metered, unmetered which devices computed without a channel in it. */
static char *describe(const struct run_machine *m, const struct meter *meter)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(meter, &n);
    struct json_out *o = json_out_new();
    json_node *env = json_new_obj(o);
    json_put_str(o, env, "cpu", *m->cpu ? m->cpu : NULL);
    json_put_int(o, env, "cpus", m->cpus);
    json_put_str(o, env, "kernel", m->kernel);
    put_state(o, env, m);
    put_gpus(o, env, ch, n);
    json_put_bool(o, env, "virtual_machine", m->hypervisor);
    json_node *pmax = json_put_obj(o, env, "pmax_w");
    for (size_t i = 0; i < n; i++)
        if (ch[i].pmax_w > 0)
            json_put_num(o, pmax, ch[i].id, ch[i].pmax_w);
    json_put_str(o, env, "energy_source", meter_source(meter));
    json_node *total = json_put_arr(o, env, "total");
    for (size_t i = 0; i < n; i++)
        if (ch[i].in_total)
            json_put_str(o, total, NULL, ch[i].id);
    const char *names[MAX_DEVICES];
    json_node *unmetered = json_put_arr(o, env, "unmetered");
    for (size_t i = 0, k = meter_unmetered(meter, names, MAX_DEVICES); i < k; i++)
        json_put_str(o, unmetered, NULL, names[i]);
    char *s = json_write(o, env, false);
    json_out_free(o);
    return s;
}

static int put_device(struct store *store, const char *key, const char *name, const char *kind, bool computes,
                      int64_t *id, struct ipw_err *err)
{
    struct store_device d = {.key = key, .name = name, .kind = kind, .computes = computes};
    int rc = store_put_device(store, &d, err);
    *id = d.id;
    return rc;
}

static int put_channels(int64_t *id, struct store *store, const struct energy_channel *ch, size_t n,
                        struct ipw_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        if (ch[i].status != ENERGY_CHANNEL_OK)
            continue;
        struct store_channel c = {.name = ch[i].id,
                                  .scope = energy_scope_name(ch[i].scope),
                                  .kind = energy_kind_name(ch[i].kind),
                                  .unit_nj = ch[i].unit_nj,
                                  .modulus = ch[i].modulus,
                                  .period_ns = ch[i].period_ns ? ch[i].period_ns : STORE_NULL,
                                  .window_ns = ch[i].window_ns ? ch[i].window_ns : STORE_NULL,
                                  .quantum_nj = ch[i].quantum_nj,
                                  .latency_ns = ch[i].latency_ns ? ch[i].latency_ns : STORE_NULL,
                                  .gain_u = ch[i].gain_u,
                                  .in_total = ch[i].in_total,
                                  .why = ch[i].why,
                                  .source = ch[i].source,
                                  .verified = ch[i].verified};
        const char *name = *ch[i].name ? ch[i].name : ch[i].device;
        if (!(rc = put_device(store, ch[i].device, name, "meter", false, &c.device, err)) &&
            !(rc = store_put_channel(store, &c, err)))
            id[i] = c.id;
    }
    return rc;
}

int run_segment_begin(struct run_segment *s, struct store *store, const struct ipw_env *env,
                      const struct run_machine *machine, const struct meter *meter, const struct engine_ops *ops,
                      const char *ipw_build, struct ipw_err *err)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(meter, &n);
    char *facts = describe(machine, meter);
    s->anchor_ns = ipw_now(env);
    s->channel_id = ipw_calloc(n ? n : 1, sizeof *s->channel_id);
    struct store_segment seg = {.pid = getpid(),
                                .started_real_ns = env->clock->real(env),
                                .anchor_raw_ns = s->anchor_ns,
                                .anchor_boot_ns = env->clock->boot(env),
                                .boot_id = *machine->boot_id ? machine->boot_id : NULL,
                                .host = machine->host,
                                .ipw_build = ipw_build,
                                .engine = ops->name,
                                .power_source = machine->power_source,
                                .env = facts};
    int rc = put_channels(s->channel_id, store, ch, n, err);
    if (!rc && !(rc = store_add_segment(store, &seg, err)))
        s->id = seg.id;
    free(facts);
    return rc;
}

void run_segment_computing(struct meter *meter, const struct engine_ops *ops, struct engine *engine)
{
    struct engine_device dev[MAX_DEVICES];
    struct meter_device computing[MAX_DEVICES];
    int n_dev = ops->devices(engine, dev, MAX_DEVICES);
    size_t n = 0;
    for (int i = 0; i < n_dev; i++)
        if (dev[i].computes)
            computing[n++] = (struct meter_device){dev[i].key, dev[i].name};
    if (n_dev > 0) /* else every channel that was chosen counts */
        meter_computing(meter, computing, n);
}

int run_segment_engine(const struct run_segment *s, struct store *store, const struct run_machine *machine,
                       const struct meter *meter, const struct engine_ops *ops, struct engine *engine,
                       struct ipw_err *err)
{
    struct engine_device dev[MAX_DEVICES];
    int n_dev = ops->devices(engine, dev, MAX_DEVICES), rc = 0;
    size_t n;
    const struct energy_channel *ch = meter_channels(meter, &n);
    for (int i = 0; i < n_dev && !rc; i++) {
        int64_t id;
        char pci[64];
        const char *key = energy_pci_id(dev[i].key, pci, sizeof pci) ? pci : dev[i].key;
        rc = put_device(store, key, dev[i].name, dev[i].kind, dev[i].computes, &id, err);
    }
    char *facts = describe(machine, meter);
    struct store_segment seg = {
        .id = s->id, .engine_build = ops->build(engine), .cpu_variant = ops->cpu_variant(engine), .env = facts};
    if (!rc && !(rc = put_channels(s->channel_id, store, ch, n, err)))
        rc = store_set_segment_engine(store, &seg, err);
    free(facts);
    return rc;
}

int64_t segment_jump_ns(const struct ipw_clock_triple *a, const struct ipw_clock_triple *b, bool real)
{
    int64_t raw = b->raw - a->raw, other = real ? b->real - a->real : b->boot - a->boot;
    /* NTP steers the other clocks by up to 500 ppm; a triple's own error is far below a millisecond */
    int64_t slack = (real ? 1000000 : 10000000) + llabs(raw) / 1600;
    return llabs(other - raw) > slack ? other - raw : 0;
}

void run_segment_release(struct run_segment *s)
{
    free(s->channel_id);
    *s = (struct run_segment){0};
}

/* ---- is this the machine that began the run? ---- */

struct known {
    struct ipw_arena arena;
    const char *names[256];
    size_t n;
};

static void remember(struct known *k, const char *name)
{
    if (k->n < sizeof k->names / sizeof k->names[0])
        k->names[k->n++] = ipw_arena_strdup(&k->arena, name);
}

static int on_device(const struct store_device *d, void *ud)
{
    if (d->computes)
        remember(ud, d->key);
    return 0;
}

/* Only of segments that got as far as an engine: before that nobody knew what computes. */
static int on_segment(const struct store_segment *s, void *ud)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    if (!s->engine_build || !s->env || json_read(&doc, s->env, strlen(s->env), 0, &ignored))
        return 0;
    for (struct json_iter it = json_iter(json_get(json_root(doc), "total")); json_next(&it);)
        if (json_str(it.val))
            remember(ud, json_str(it.val));
    json_doc_free(doc);
    return 0;
}

static const char *missing(const struct known *a, const struct known *b)
{
    for (size_t i = 0; i < a->n; i++) {
        size_t j = 0;
        while (j < b->n && strcmp(a->names[i], b->names[j]) != 0)
            j++;
        if (j == b->n)
            return a->names[i];
    }
    return NULL;
}

int run_segment_check(struct store *store, const struct meter *meter, const struct engine_ops *ops,
                      struct engine *engine, struct ipw_err *err)
{
    struct known then = {0}, now = {0};
    struct engine_device dev[MAX_DEVICES];
    size_t n;
    const struct energy_channel *ch = meter_channels(meter, &n);
    bool remote = ops->caps & ENGINE_REMOTE; /* what its server computes on may not be known, now or then */
    int rc = 0, n_dev = remote ? 0 : ops->devices(engine, dev, MAX_DEVICES);

    if (remote || !(rc = store_each_device(store, on_device, &then, err)))
        rc = store_each_segment(store, on_segment, &then, err);
    for (int i = 0; i < n_dev; i++)
        if (dev[i].computes) {
            char pci[64];
            remember(&now, energy_pci_id(dev[i].key, pci, sizeof pci) ? pci : dev[i].key);
        }
    for (size_t i = 0; i < n; i++)
        if (ch[i].in_total)
            remember(&now, ch[i].id);
    const char *gone = missing(&then, &now), *new = missing(&now, &then);
    for (size_t i = 0; !rc && gone && i < n; i++)
        if (!strcmp(ch[i].id, gone) && ch[i].remedy.id)
            rc = ipw_err_set(err, IPW_E_ENV, "the run was begun with '%s', which cannot be read now: %s", gone,
                             ch[i].remedy.text);
    if (!rc && then.n && (gone || new))
        rc = ipw_err_set(err, IPW_E_INPUT,
                         "this machine is not the one that began the run: '%s' %s; resume there, or mix them with "
                         "--allow-other-machine",
                         gone ? gone : new, gone ? "is missing here" : "is new here");
    ipw_arena_release(&then.arena);
    ipw_arena_release(&now.arena);
    return rc;
}
