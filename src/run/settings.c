#include "run/settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "store/pack.h"

enum { MAX_DEVICES = 64 };

struct loader {
    struct table_run *t;
    struct store *store;
    struct ipw_err *err;
    struct {
        int64_t id;
        char *key, *name;
        bool gpu; /* computes, and is no CPU */
    } device[MAX_DEVICES];
    size_t n_devices;
    int64_t first, last; /* segments */
};

static const char *keep(struct table_run *t, const char *s)
{
    return ipw_arena_strdup(&t->arena, s);
}

/* ---- values ---- */

static void set_text(struct table_run *t, enum table_setting_id id, const char *text)
{
    t->settings[id] = (struct table_setting){text && *text ? keep(t, text) : NULL, NAN};
}

static void set_number(struct table_run *t, enum table_setting_id id, double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.10g", x);
    t->settings[id] = (struct table_setting){isfinite(x) ? keep(t, text) : NULL, x};
}

static void set_json(struct table_run *t, enum table_setting_id id, const json_val *v)
{
    if (json_type(v) == JSON_NUM)
        set_number(t, id, json_num(v));
    else if (json_type(v) == JSON_BOOL)
        set_text(t, id, json_true(v) ? "yes" : "no");
    else
        set_text(t, id, json_str(v));
}

/* One more segment: what it has in common with those before stays as it is. */
static void add_text(struct table_run *t, enum table_setting_id id, const char *text)
{
    static const char then[] = ", then ";
    struct table_setting *s = &t->settings[id];
    if (!text || !*text)
        return;
    if (!s->text) {
        set_text(t, id, text);
        return;
    }
    const char *newest = s->text;
    for (const char *p; (p = strstr(newest, then));)
        newest = p + sizeof then - 1;
    if (ipw_streq(newest, text))
        return;
    size_t size = strlen(s->text) + strlen(text) + sizeof then;
    char *both = ipw_arena_alloc(&t->arena, size);
    snprintf(both, size, "%s%s%s", s->text, then, text);
    *s = (struct table_setting){both, NAN};
}

static void add_number(struct table_run *t, enum table_setting_id id, double x)
{
    char text[32];
    if (!isfinite(x))
        return;
    if (!t->settings[id].text) {
        set_number(t, id, x);
        return;
    }
    snprintf(text, sizeof text, "%.10g", x);
    add_text(t, id, text);
}

/* Puts a word into a text's list, in the order of the alphabet: a run's shuffle is no setting. */
static void add_word(struct table_run *t, enum table_setting_id id, const char *word)
{
    const char *old = t->settings[id].text ? t->settings[id].text : "";
    char text[256];
    size_t n = 0;
    bool put = false;
    while (*old || !put) {
        size_t len = strcspn(old, ",");
        int order = !*old ? -1 : strncmp(word, old, len);
        if (*old && !order && !word[len])
            return; /* it is there */
        bool now = !put && (order < 0 || (!order && !word[len]));
        n += (size_t)snprintf(text + n, n < sizeof text ? sizeof text - n : 0, "%s%.*s", n ? ", " : "",
                              (int)(now ? strlen(word) : len), now ? word : old);
        put |= now;
        if (!now)
            old += len + (old[len] ? 2 : 0);
    }
    set_text(t, id, text);
}

void run_settings_query(struct table_run *t, const char *tmpl, int64_t in_flight)
{
    const struct table_setting *n = &t->settings[TABLE_SETTING_IN_FLIGHT];
    if (in_flight != STORE_NULL && !(n->text && (double)in_flight <= n->number))
        set_number(t, TABLE_SETTING_IN_FLIGHT, (double)in_flight);
    if (tmpl)
        add_word(t, TABLE_SETTING_TEMPLATE, tmpl);
}

/* ---- what was chosen ---- */

static struct json_doc *meta(struct store *store, const char *key)
{
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    const char *text = store_meta(store, key);
    return text && !json_read(&doc, text, strlen(text), 0, &ignored) ? doc : NULL;
}

static void load_plan(struct table_run *t, struct store *store)
{
    static const struct {
        enum table_setting_id id;
        const char *key;
        double unset; /* this number means that nothing was chosen */
    } keys[] = {{TABLE_SETTING_GPU_LAYERS, "gpu_layers", -1}, {TABLE_SETTING_MAX_TOKENS, "max_tokens", -1},
                {TABLE_SETTING_TEMPERATURE, "temperature", NAN}, {TABLE_SETTING_TOP_P, "top_p", NAN},
                {TABLE_SETTING_TOP_K, "top_k", NAN}, {TABLE_SETTING_SEED, "seed", NAN},
                {TABLE_SETTING_SAMPLES, "samples", 1},
                {TABLE_SETTING_IGNORE_EOS, "ignore_eos", NAN}, {TABLE_SETTING_SYSTEM, "system", NAN},
                {TABLE_SETTING_WARMUP, "warmup", NAN}, {TABLE_SETTING_DEVICES, "devices", NAN}};
    struct json_doc *doc = meta(store, "plan");
    const json_val *plan = doc ? json_root(doc) : NULL;
    const char *model = json_str(json_get(plan, "model"));
    t->model_file = model ? keep(t, fs_basename(model)) : NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_val *v = json_get(plan, keys[i].key);
        if (!(json_num(v) == keys[i].unset))
            set_json(t, keys[i].id, v);
    }
    const char *how = json_str(json_get(plan, "scoring")); /* absent: asked before there was a choice */
    set_text(t, TABLE_SETTING_MODE, how && strcmp(how, "answer") != 0 ? how : TABLE_ANSWERS);
    bool plain = json_true(json_get(plan, "no_chat_template"));
    json_doc_free(doc);

    doc = meta(store, "model");
    const json_val *m = doc ? json_root(doc) : NULL;
    set_json(t, TABLE_SETTING_THREADS, json_get(m, "threads"));
    set_json(t, TABLE_SETTING_CTX, json_get(m, "n_ctx"));
    set_text(t, TABLE_SETTING_CHAT_TEMPLATE, plain ? "none, by --no-chat-template" : json_str(json_get(m, "chat_template")));
    if (!json_is_int(json_get(m, "bytes"), &t->model_bytes))
        t->model_bytes = 0;
    json_doc_free(doc);
}

static void load_labels(struct table_run *t, struct store *store)
{
    struct json_doc *doc = meta(store, "labels");
    const json_val *all = doc ? json_root(doc) : NULL;
    struct table_label *v = ipw_arena_alloc(&t->arena, (json_len(all) + 1) * sizeof *v);
    for (struct json_iter it = json_iter(json_type(all) == JSON_OBJ ? all : NULL); json_next(&it);) {
        char *text = json_type(it.val) == JSON_STR ? ipw_strdup(json_str(it.val)) : json_print(it.val);
        v[t->n_labels++] = (struct table_label){keep(t, it.key), keep(t, text)};
        free(text);
    }
    t->labels = v;
    json_doc_free(doc);
}

/* ---- what was found ---- */

static int on_device(const struct store_device *d, void *ud)
{
    struct loader *l = ud;
    if (l->n_devices == MAX_DEVICES)
        return 0;
    bool gpu = d->computes && !ipw_streq(d->kind, "cpu");
    l->device[l->n_devices].id = d->id;
    l->device[l->n_devices].key = ipw_strdup(d->key ? d->key : "");
    l->device[l->n_devices].name = ipw_strdup(d->name ? d->name : "-");
    l->device[l->n_devices++].gpu = gpu;
    return 0;
}

/* "125", "125 (short 253)"; with several packages that differ, each by its name. */
static void cpu_limits(struct table_run *t, const json_val *limits)
{
    char all[400] = "", one[64], first[64] = "";
    size_t n = 0;
    bool same = true;
    for (struct json_iter it = json_iter(limits); json_next(&it);) {
        double w = json_num(json_get(it.val, "long")), s = json_num(json_get(it.val, "short"));
        if (isfinite(w) && isfinite(s) && w != s)
            snprintf(one, sizeof one, "%.10g (short %.10g)", w, s);
        else
            snprintf(one, sizeof one, "%.10g", isfinite(w) ? w : s);
        if (n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%.40s %s", n ? ", " : "", it.key, one);
        same = same && (!*first || !strcmp(first, one));
        memcpy(first, one, sizeof first);
    }
    double w;
    if (same && ipw_parse_f64(first, &w))
        add_number(t, TABLE_SETTING_CPU_LIMIT, w);
    else
        add_text(t, TABLE_SETTING_CPU_LIMIT, same ? first : all);
}

/* Of the GPUs that computed; alike ones are told once. */
static void gpus(struct loader *l, const json_val *all)
{
    char limits[200] = "", drivers[200] = "", names[400] = "";
    size_t n = 0;
    double w = NAN;
    for (size_t i = 0; i < l->n_devices; i++) {
        const json_val *gpu = json_get(all, l->device[i].key);
        const char *driver = json_str(json_get(gpu, "driver"));
        double limit = json_num(json_get(gpu, "power_limit_w"));
        size_t k = strlen(limits);
        if (!l->device[i].gpu)
            continue;
        if (!strstr(names, l->device[i].name) && strlen(names) + strlen(l->device[i].name) + 3 < sizeof names)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", *names ? ", " : "", l->device[i].name);
        if (driver && !strstr(drivers, driver))
            snprintf(drivers + strlen(drivers), sizeof drivers - strlen(drivers), "%s%s", *drivers ? ", " : "", driver);
        if (!isfinite(limit) || (n && limit == w) || k + 24 > sizeof limits)
            continue;
        snprintf(limits + k, sizeof limits - k, "%s%.10g", k ? ", " : "", limit);
        w = limit;
        n++;
    }
    add_text(l->t, TABLE_SETTING_GPU, names);
    add_text(l->t, TABLE_SETTING_GPU_DRIVER, drivers);
    if (n == 1)
        add_number(l->t, TABLE_SETTING_GPU_LIMIT, w);
    else
        add_text(l->t, TABLE_SETTING_GPU_LIMIT, limits);
}

static int on_segment(const struct store_segment *s, void *ud)
{
    static const struct {
        enum table_setting_id id;
        const char *key;
    } facts[] = {{TABLE_SETTING_CPU, "cpu"}, {TABLE_SETTING_KERNEL, "kernel"}, {TABLE_SETTING_GOVERNOR, "governor"},
                 {TABLE_SETTING_EPP, "epp"}, {TABLE_SETTING_PLATFORM_PROFILE, "platform_profile"},
                 {TABLE_SETTING_TURBO, "turbo"}};
    struct loader *l = ud;
    struct table_run *t = l->t;
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    if (!t->started_real_ns)
        t->started_real_ns = s->started_real_ns;
    if (!s->engine_build) /* it ended before it had an engine: nothing was asked under its conditions */
        return 0;
    l->first = l->first ? l->first : s->id;
    l->last = s->id;
    add_text(t, TABLE_SETTING_HOST, s->host);
    add_text(t, TABLE_SETTING_ENGINE, s->engine);
    add_text(t, TABLE_SETTING_ENGINE_BUILD, s->engine_build);
    add_text(t, TABLE_SETTING_CPU_VARIANT, s->cpu_variant);
    add_text(t, TABLE_SETTING_IPW_BUILD, s->ipw_build);
    add_text(t, TABLE_SETTING_POWER_SOURCE, s->power_source);
    if (!s->env || json_read(&doc, s->env, strlen(s->env), 0, &ignored))
        return 0;
    const json_val *env = json_root(doc);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        add_text(t, facts[i].id, json_str(json_get(env, facts[i].key)));
    add_number(t, TABLE_SETTING_CPU_MAX_MHZ, json_num(json_get(env, "cpu_max_mhz")));
    cpu_limits(t, json_get(env, "cpu_power_limits_w"));
    gpus(l, json_get(env, "gpus"));
    json_doc_free(doc);
    return 0;
}

/* ---- gauges ---- */

struct gauge { /* of one channel in one segment, in its raw unit */
    double first, last, sum;
    size_t n;
};

static int on_block(const struct store_reading_block *b, void *ud)
{
    struct gauge *g = ud;
    struct store_reading *in = ipw_calloc(b->n > 0 ? (size_t)b->n : 1, sizeof *in);
    bool whole = b->fmt == 1 && b->n >= 0 && !store_unpack_readings(b->data, b->size, (size_t)b->n, b->t0_ns, in);
    for (int64_t i = 0; whole && i < b->n; i++) {
        if (in[i].status)
            continue;
        g->last = (double)in[i].raw;
        g->first = g->n ? g->first : g->last;
        g->sum += g->last;
        g->n++;
    }
    free(in);
    return 0;
}

static void hottest(struct table_run *t, enum table_setting_id id, double millidegrees)
{
    double c = round(millidegrees * 1e-3);
    if (c > -100 && c < 200 && !(t->settings[id].text && t->settings[id].number >= c))
        set_number(t, id, c);
}

static bool of_gpu(const struct loader *l, const struct store_channel *c)
{
    for (size_t i = 0; i < l->n_devices; i++)
        if (l->device[i].id == c->device)
            return l->device[i].gpu;
    return false;
}

static int on_channel(const struct store_channel *c, void *ud)
{
    struct loader *l = ud;
    if (!c->name)
        return 0;
    bool heat = ipw_ends(c->name, ":temperature"), gpu = of_gpu(l, c), cpu = ipw_starts(c->name, "cpu:");
    if ((!heat && !(gpu && ipw_ends(c->name, ":clock"))) || !(gpu || cpu))
        return 0;
    struct gauge start = {0}, end = {0};
    int rc;
    if ((rc = store_each_readings(l->store, l->first, c->id, on_block, &start, l->err)) ||
        (rc = store_each_readings(l->store, l->last, c->id, on_block, &end, l->err)))
        return rc;
    if (heat && start.n)
        hottest(l->t, gpu ? TABLE_SETTING_GPU_TEMP_START : TABLE_SETTING_CPU_TEMP_START, start.first);
    if (heat && end.n)
        hottest(l->t, gpu ? TABLE_SETTING_GPU_TEMP_END : TABLE_SETTING_CPU_TEMP_END, end.last);
    if (!heat && start.n)
        set_number(l->t, TABLE_SETTING_GPU_CLOCK, round(start.sum / (double)start.n * 1e-6));
    return 0;
}

int run_settings_load(struct table_run *t, struct store *store, struct ipw_err *err)
{
    struct loader l = {.t = t, .store = store, .err = err};
    int rc;
    load_plan(t, store);
    set_text(t, TABLE_SETTING_SCORER, store_meta(store, "scorer"));
    load_labels(t, store);
    if (!(rc = store_each_device(store, on_device, &l, err)) && !(rc = store_each_segment(store, on_segment, &l, err)))
        rc = store_each_channel(store, on_channel, &l, err);
    for (size_t i = 0; i < l.n_devices; i++) {
        free(l.device[i].key);
        free(l.device[i].name);
    }
    return rc;
}
