/* --log: raw readings, windows and clocks as JSON lines (docs/measure.md), so that joules can be computed later. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "cli/measure.h"

static void put_line(struct measure_log *l, const char *text, size_t len)
{
    if ((fwrite(text, 1, len, l->f) != len || fflush(l->f)) && !l->error)
        l->error = errno;
}

static void put_channel(struct json_out *o, json_node *list, const struct energy_channel *c)
{
    json_node *e = json_put_obj(o, list, NULL);
    const struct {
        const char *key, *text;
    } texts[] = {{"id", c->id},         {"device", c->device}, {"name", c->name},
                 {"scope", energy_scope_name(c->scope)},       {"kind", energy_kind_name(c->kind)},
                 {"source", c->source}, {"why", c->why},       {"verified", c->verified},
                 {"status", energy_channel_status_name(c->status)}};
    const struct {
        const char *key;
        double x;
    } numbers[] = {{"unit_nj", c->unit_nj}, {"gain_u", c->gain_u}, {"pmax_w", c->pmax_w}};
    const struct {
        const char *key;
        int64_t x;
    } counts[] = {{"modulus", (int64_t)c->modulus}, {"period_ns", c->period_ns},   {"window_ns", c->window_ns},
                  {"quantum_nj", c->quantum_nj},    {"latency_ns", c->latency_ns}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        json_put_str(o, e, texts[i].key, texts[i].text && *texts[i].text ? texts[i].text : NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].x > 0)
            json_put_num(o, e, numbers[i].key, numbers[i].x);
        else
            json_put_null(o, e, numbers[i].key);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].x)
            json_put_int(o, e, counts[i].key, counts[i].x);
        else
            json_put_null(o, e, counts[i].key);
    json_put_bool(o, e, "estimated", c->estimated);
    json_put_bool(o, e, "in_total", c->in_total);
    json_put_bool(o, e, "in_system", c->in_system);
}

int measure_log_open(struct measure_log *l, const char *path, const struct ipw_env *env, const struct meter *m,
                     const char *version, const char *const *command, struct ipw_err *err)
{
    *l = (struct measure_log){.f = fopen(path, "we"), .path = path, .anchor_ns = ipw_now(env)};
    if (!l->f)
        return ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s; choose another place with --log", path,
                           fs_reason(errno));
    size_t n;
    const struct energy_channel *c = meter_channels(m, &n);
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    json_put_str(o, top, "schema", "ipw.log/1");
    json_put_str(o, top, "build", version);
    json_put_int(o, top, "anchor_raw_ns", l->anchor_ns);
    json_put_int(o, top, "anchor_boot_ns", env->clock->boot(env));
    json_put_int(o, top, "started_real_ns", env->clock->real(env));
    json_put_str(o, top, "source", meter_source(m));
    json_put_str(o, top, "signature", meter_signature(m));
    if (command) {
        json_node *a = json_put_arr(o, top, "command");
        for (size_t i = 0; command[i]; i++)
            json_put_str(o, a, NULL, command[i]);
    } else {
        json_put_null(o, top, "command");
    }
    json_node *list = json_put_arr(o, top, "channels");
    for (size_t i = 0; i < n; i++)
        put_channel(o, list, &c[i]);
    char *s = json_write(o, top, false);
    put_line(l, s, strlen(s));
    put_line(l, "\n", 1);
    free(s);
    json_out_free(o);
    return 0;
}

void measure_log_batch(const struct energy_batch *b, void *log)
{
    struct measure_log *l = log;
    struct ipw_buf out = IPW_BUF_INIT;
    if (b->clock)
        ipw_buf_addf(&out, "{\"clock\":[%lld,%lld,%lld]}\n", (long long)(b->clock->raw - l->anchor_ns),
                     (long long)b->clock->boot, (long long)b->clock->real);
    if (b->suspended)
        ipw_buf_addf(&out, "{\"suspended\":[%lld,%lld]}\n", (long long)(b->suspended->t0 - l->anchor_ns),
                     (long long)(b->suspended->t1 - l->anchor_ns));
    if (b->lost)
        ipw_buf_addf(&out, "{\"lost\":%u}\n", b->lost);
    for (size_t i = 0; i < b->n; i++) {
        const struct energy_reading *r = &b->v[i];
        ipw_buf_addf(&out, "%s[%d,%lld,%lld,", i ? "," : "{\"readings\":[", (int)r->channel,
                     (long long)(r->t_before - l->anchor_ns), (long long)(r->t_after - l->anchor_ns));
        if (r->status)
            ipw_buf_addf(&out, "null,%d]", (int)r->status);
        else
            ipw_buf_addf(&out, "%llu,0]", (unsigned long long)r->raw);
    }
    if (b->n)
        ipw_buf_adds(&out, "]}\n");
    put_line(l, out.s, out.len);
    ipw_buf_release(&out);
}

void measure_log_window(struct measure_log *l, const char *kind, int64_t t0, int64_t t1)
{
    struct ipw_buf out = IPW_BUF_INIT;
    ipw_buf_addf(&out, "{\"%s\":{\"kind\":\"%s\",\"t0\":%lld", t1 > t0 ? "window" : "begin", kind,
                 (long long)(t0 - l->anchor_ns));
    if (t1 > t0)
        ipw_buf_addf(&out, ",\"t1\":%lld", (long long)(t1 - l->anchor_ns));
    ipw_buf_adds(&out, "}}\n");
    put_line(l, out.s, out.len);
    ipw_buf_release(&out);
}

int measure_log_close(struct measure_log *l, struct ipw_err *err)
{
    if (!l->f)
        return 0;
    if (fclose(l->f) && !l->error)
        l->error = errno;
    l->f = NULL;
    return l->error ? ipw_err_set(err, IPW_E_IO, "the log '%s' is incomplete: %s; make room, or leave out --log",
                                  l->path, fs_reason(l->error))
                    : 0;
}
