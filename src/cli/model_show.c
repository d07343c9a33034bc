/* ipw model show: one model, and what of it fits in memory here. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/model.h"
#include "engine/engine.h"
#include "engine/gguf_info.h"
#include "report/report.h"

/* Memory that can hold the model, and the context that fits beside it. */
struct room {
    const char *what; /* "memory", or the GPU's name */
    int64_t total, avail; /* -1: not known */
    bool fits;        /* the weights do */
    int64_t context;  /* tokens; -1: not known */
};
struct rooms {
    struct room v[1 + ENGINE_HERE_DEVICES];
    size_t n;
    struct engine_here here; /* owns the GPUs' names */
};

static int64_t meminfo(const char *text, const char *key)
{
    long long kb;
    const char *p = strstr(text, key);
    return p && sscanf(p + strlen(key), " %lld kB", &kb) == 1 ? (int64_t)kb * 1024 : -1;
}

/* What is left for a context: a tenth of the free memory stays free, for buffers and everything else. */
static struct room room_of(const struct gguf_info *info, const char *what, int64_t total, int64_t avail)
{
    int64_t rest = avail - avail / 10 - info->bytes;
    return (struct room){what, total, avail, avail >= 0 && rest > 0,
                         avail < 0 ? -1 : rest > 0 ? gguf_info_context_in(info, rest) : 0};
}

static void look(struct rooms *r, const struct cli *cli, const struct gguf_info *info)
{
    char text[4096];
    int64_t total = -1, avail = -1;
    *r = (struct rooms){0};
    if (ipw_env_read(&cli->env, "/proc/meminfo", text, sizeof text) > 0) {
        total = meminfo(text, "MemTotal:");
        avail = meminfo(text, "MemAvailable:");
    } else {
        long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
        total = avail = pages > 0 && size > 0 ? (int64_t)pages * size : -1;
    }
    r->v[r->n++] = room_of(info, "memory", total, avail);
    for (size_t i = 0; engines[i]; i++) {
        if (!engines[i]->here)
            continue;
        engines[i]->here(&r->here);
        for (int k = 0; k < r->here.n && k < ENGINE_HERE_DEVICES; k++)
            r->v[r->n++] = room_of(info, r->here.gpu[k].name, r->here.gpu[k].total_bytes, r->here.gpu[k].free_bytes);
        break;
    }
}

static void put_count(struct json_out *o, json_node *to, const char *key, int64_t n)
{
    if (n >= 0)
        json_put_int(o, to, key, n);
    else
        json_put_null(o, to, key);
}

static void as_json(const char *name, const char *path, const struct gguf_info *i, const struct rooms *r,
                    struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *n = json_new_obj(o);
    const struct {
        const char *key, *text;
    } texts[] = {{"name", name}, {"path", path}, {"title", i->name}, {"arch", i->arch},
                 {"quant", *i->quant ? i->quant : NULL}, {"license", *i->license ? i->license : NULL},
                 {"fingerprint", i->fingerprint}};
    const struct {
        const char *key;
        int64_t v;
    } counts[] = {{"bytes", i->bytes}, {"files", i->parts}, {"params_total", i->params_total},
                  {"params_active", i->params_active}, {"n_layer", i->n_layer}, {"n_expert", i->n_expert},
                  {"n_expert_used", i->n_expert_used}, {"n_ctx_train", i->n_ctx_train},
                  {"kv_bytes_per_token", i->kv_token < 0 ? -1 : i->kv_token + i->kv_window_token},
                  {"kv_bytes_per_token_full", i->kv_token},
                  {"kv_window", i->kv_token < 0 ? -1 : i->window}};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        json_put_str(o, n, texts[k].key, texts[k].text);
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
        put_count(o, n, counts[k].key, counts[k].v);
    json_put_bool(o, n, "chat_template", i->chat_template);
    json_node *list = json_put_arr(o, n, "fits");
    for (size_t k = 0; k < r->n; k++) {
        json_node *e = json_put_obj(o, list, NULL);
        json_put_str(o, e, "in", r->v[k].what);
        put_count(o, e, "total_bytes", r->v[k].total);
        put_count(o, e, "free_bytes", r->v[k].avail);
        if (r->v[k].avail >= 0)
            json_put_bool(o, e, "weights", r->v[k].fits);
        else
            json_put_null(o, e, "weights");
        put_count(o, e, "context", r->v[k].context);
    }
    char *text = json_write(o, n, true);
    ipw_buf_adds(out, text);
    free(text);
    json_out_free(o);
}

static void line(struct ipw_buf *out, const char *label, const char *text)
{
    struct ipw_buf whole = IPW_BUF_INIT;
    enum { INDENT = 16 };
    ipw_buf_addf(&whole, "%s", text);
    size_t at = out->len;
    report_fold(whole.s, 80, INDENT, INDENT, out);
    if (out->len - at > INDENT)
        memcpy(out->s + at + 1, label, strlen(label) < INDENT - 1 ? strlen(label) : INDENT - 1);
    ipw_buf_release(&whole);
}

static void kv_words(const struct gguf_info *i, struct ipw_buf *b)
{
    char one[24], window[24], all[24];
    if (i->kv_token < 0) {
        ipw_buf_adds(b, "; what a token costs in memory is not told");
        return;
    }
    model_bytes(i->kv_token, one);
    ipw_buf_addf(b, "; KV %s a token at 16 bits", one);
    if (i->window)
        ipw_buf_addf(b, ", and %s more each for the last %lld (sliding window)", model_bytes(i->kv_window_token, window),
                     (long long)i->window);
    if (i->n_ctx_train > 0)
        ipw_buf_addf(b, ", %s for all", model_bytes(gguf_info_context_bytes(i, i->n_ctx_train), all));
}

static void room_words(const struct room *r, const struct gguf_info *i, struct ipw_buf *b)
{
    char total[24], avail[24];
    if (r->avail < 0) {
        ipw_buf_adds(b, "not known");
        return;
    }
    ipw_buf_addf(b, "%s of %s free: ", model_bytes(r->avail, avail), model_bytes(r->total, total));
    if (!r->fits)
        ipw_buf_adds(b, strcmp(r->what, "memory") ? "too small for all of it" : "too small");
    else if (r->context < 0)
        ipw_buf_adds(b, "the model fits");
    else if (i->n_ctx_train > 0 && r->context >= i->n_ctx_train)
        ipw_buf_addf(b, "the model fits with its whole context");
    else
        ipw_buf_addf(b, "the model fits with a context of %lld tokens", (long long)r->context);
}

static void as_text(const char *name, const char *path, const struct gguf_info *i, const struct rooms *r,
                    struct ipw_buf *out)
{
    struct ipw_buf b = IPW_BUF_INIT;
    char a[24], c[24];
    report_text(name, out);
    ipw_buf_adds(out, "\n");
    line(out, "Model", i->name);
    ipw_buf_addf(&b, "%s", i->arch);
    if (i->n_layer > 0)
        ipw_buf_addf(&b, ", %lld layers", (long long)i->n_layer);
    line(out, "Architecture", b.s);
    ipw_buf_clear(&b);
    ipw_buf_addf(&b, "%s", model_count(i->params_total, a));
    if (i->params_active < i->params_total)
        ipw_buf_addf(&b, ", %s of them at work for a token (%lld of %lld experts)", model_count(i->params_active, c),
                     (long long)i->n_expert_used, (long long)i->n_expert);
    line(out, "Parameters", b.s);
    ipw_buf_clear(&b);
    ipw_buf_addf(&b, "%s", model_bytes(i->bytes, a));
    if (i->parts > 1)
        ipw_buf_addf(&b, " in %lld files", (long long)i->parts);
    if (*i->quant)
        ipw_buf_addf(&b, ", %s", i->quant);
    if (i->params_total > 0)
        ipw_buf_addf(&b, ", %.1f bits a parameter", 8.0 * (double)i->bytes / (double)i->params_total);
    line(out, "Size", b.s);
    ipw_buf_clear(&b);
    if (i->n_ctx_train > 0)
        ipw_buf_addf(&b, "%lld tokens", (long long)i->n_ctx_train);
    else
        ipw_buf_adds(&b, "not told");
    kv_words(i, &b);
    line(out, "Context", b.s);
    line(out, "Chat template", i->chat_template ? "yes" : "no: a base model, it completes text");
    line(out, "Licence", *i->license ? i->license : "- (the file does not tell)");
    for (size_t k = 0; k < r->n; k++) {
        ipw_buf_clear(&b);
        if (k)
            ipw_buf_addf(&b, "%s: ", r->v[k].what);
        room_words(&r->v[k], i, &b);
        line(out, k ? "GPU here" : "Memory here", b.s);
    }
    ipw_buf_addf(out, " %-15s", "File");
    report_text(path, out);
    ipw_buf_addc(out, '\n');
    ipw_buf_release(&b);
}

int model_show(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *format = ipw_strdup("table"), *path = NULL;
    struct option opt[] = {{"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct local_models all = {0};
    const struct local_model *local;
    struct gguf_info info;
    struct rooms rooms;
    struct ipw_err err;
    size_t n_rest;
    int code, rc;
    if (cli_options(&model_command_show, opt, 1, argc, argv, rest, &n_rest, &code))
        goto out;
    if (n_rest != 1)
        rc = ipw_err_set(&err, IPW_E_USAGE, "which model? ipw model show NAME or PATH; ipw model list shows the names");
    else if (!(rc = cli_format(format, formats, &err)) &&
             !(rc = model_resolve(cli, rest[0], &all, &local, &path, &err)))
        rc = gguf_info_read(&info, path, &err);
    if (rc) {
        code = cli_fail(&err);
        goto out;
    }
    look(&rooms, cli, &info);
    if (strcmp(format, "json"))
        as_text(local ? local->name : path, path, &info, &rooms, &out);
    else
        as_json(local ? local->name : NULL, path, &info, &rooms, &out);
    code = cli_print(out.s, out.len);
out:
    local_models_release(&all);
    ipw_buf_release(&out);
    free(format);
    free(path);
    free(rest);
    return code;
}

const struct command model_command_show = {.name = "show",
                                           .summary = "one model: parameters, context, and what fits in memory here",
                                           .usage = "ipw model show NAME|FILE [-o table|json]",
                                           .examples = "ipw model show ollama:qwen3:4b\nipw model show ./model.gguf\n",
                                           .run = model_show};
