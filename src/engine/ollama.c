/* The engine `ollama`: Ollama's own API, /api/chat and /api/generate, which tells its times and counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/dialect.h"

#define USUAL_URL "http://127.0.0.1:11434"

/* ---- asking ---- */

static char *body_of(const struct http_engine *e, const struct engine_req *req)
{
    const struct engine_cfg *c = &e->cfg;
    struct json_out *o = json_out_new();
    json_node *body = json_new_obj(o);
    json_put_str(o, body, "model", c->model);
    if (e->endpoint == ENDPOINT_CHAT) {
        dialect_messages(o, body, e, req);
    } else {
        dialect_prompt(o, body, NULL, req);
        if (c->system)
            json_put_str(o, body, "system", c->system);
    }
    json_put_bool(o, body, "stream", !c->http.no_stream);
    if (c->http.keep_alive)
        json_put_str(o, body, "keep_alive", c->http.keep_alive);
    json_node *opt = json_put_obj(o, body, "options");
    json_put_int(o, opt, "num_predict", req->max_tokens);
    json_put_num(o, opt, "temperature", c->temperature);
    if (c->temperature > 0) {
        json_put_num(o, opt, "top_p", c->top_p);
        json_put_int(o, opt, "seed", (int64_t)(req->seed & 0x7fffffff));
        if (c->top_k > 0)
            json_put_int(o, opt, "top_k", c->top_k);
    }
    if (c->ctx > 0)
        json_put_int(o, opt, "num_ctx", c->ctx);
    return dialect_body(e, o, body);
}

/* ---- reading ---- */

static void read_frame(const json_val *frame, struct piece *p)
{
    const json_val *m = json_get(frame, "message");
    const char *error = json_str(json_get(frame, "error"));
    if (error) {
        p->error = error;
        return;
    }
    piece_text(p, m ? json_get(m, "content") : json_get(frame, "response"));
    piece_thinking(p, json_get(m ? m : frame, "thinking"));
    if (!json_true(json_get(frame, "done")))
        return;
    const char *why = json_str(json_get(frame, "done_reason"));
    p->last = true;
    p->stop = !why || !strcmp(why, "stop") ? "eos" : !strcmp(why, "length") ? "length" : "other";
    dialect_int(frame, "load_duration", &p->load_ns);
    dialect_int(frame, "prompt_eval_duration", &p->prompt_ns);
    dialect_int(frame, "eval_duration", &p->decode_ns);
    dialect_int(frame, "eval_count", &p->n_out);
    /* a prompt that the server still knew whole has no count: how long it was stays unknown, that is no 0 */
    dialect_int(frame, "prompt_eval_count", &p->n_in);
}

/* ---- what is there ---- */

static int ask_json(struct http_engine *e, const char *path, const char *body, struct http_reply *r, struct json_doc **doc,
                    struct ipw_err *err)
{
    struct ipw_err ignored;
    *doc = NULL;
    int rc = http_engine_ask(e, e->base, path, body, NULL, NULL, r, err);
    if (!rc && r->status == 200)
        (void)!json_read(doc, r->body.s, r->body.len, 0, &ignored);
    return rc;
}

static bool same_model(const char *have, const char *want)
{
    size_t n = strlen(want);
    return !strcmp(have, want) || (!strchr(want, ':') && !strncmp(have, want, n) && !strcmp(have + n, ":latest"));
}

/* GET /api/tags: the names, and the digest of ours, which is its fingerprint. */
static int learn_tags(struct http_engine *e, struct ipw_err *err)
{
    struct http_reply r = {.body = IPW_BUF_INIT};
    struct json_doc *doc;
    int rc = ask_json(e, "/api/tags", NULL, &r, &doc, err);
    ipw_buf_clear(&e->names);
    for (struct json_iter it = json_iter(json_get(json_root(doc), "models")); json_next(&it);) {
        const char *name = json_str(json_get(it.val, "name")), *digest = json_str(json_get(it.val, "digest"));
        if (!name)
            continue;
        ipw_buf_addf(&e->names, "%s%s", e->names.len ? ", " : "", name);
        if (e->cfg.model && same_model(name, e->cfg.model)) {
            e->model.fingerprint = digest ? ipw_arena_strdup(&e->arena, digest) : NULL;
            dialect_int(it.val, "size", &e->model.bytes);
        }
    }
    json_doc_free(doc);
    ipw_buf_release(&r.body);
    return rc;
}

static void learn_show(struct http_engine *e, const json_val *root)
{
    const json_val *info = json_get(root, "model_info"), *details = json_get(root, "details");
    const char *arch = json_str(json_get(info, "general.architecture")), *quant = json_str(json_get(details, "quantization_level"));
    static const struct {
        const char *key;
        size_t to;
    } keys[] = {{"context_length", offsetof(struct engine_model, n_ctx_train)},
                {"block_count", offsetof(struct engine_model, n_layer)},
                {"expert_count", offsetof(struct engine_model, n_expert)},
                {"expert_used_count", offsetof(struct engine_model, n_expert_used)},
                {"vocab_size", offsetof(struct engine_model, n_vocab)}};
    e->model.arch = arch ? ipw_arena_strdup(&e->arena, arch) : NULL;
    e->model.quant = quant ? ipw_arena_strdup(&e->arena, quant) : NULL;
    dialect_int(info, "general.parameter_count", &e->model.params_total);
    for (size_t i = 0; arch && i < sizeof keys / sizeof keys[0]; i++) {
        char key[200];
        snprintf(key, sizeof key, "%s.%s", arch, keys[i].key);
        dialect_int(info, key, (int64_t *)(void *)((char *)&e->model + keys[i].to));
    }
}

struct pull {
    struct http_engine *e;
    char said[100], error[300];
    bool done;
};

/* {"status": "pulling 6a0746a1ec1a", "total": N, "completed": N} */
static bool on_pull(void *ud, const char *data, size_t len)
{
    struct pull *p = ud;
    struct json_doc *doc;
    struct ipw_err ignored;
    if (json_read(&doc, data, len, 0, &ignored))
        return true;
    const char *status = json_str(json_get(json_root(doc), "status")), *error = json_str(json_get(json_root(doc), "error"));
    double total = json_num(json_get(json_root(doc), "total")), done = json_num(json_get(json_root(doc), "completed"));
    char text[100];
    if (error)
        snprintf(p->error, sizeof p->error, "%s", error);
    if (total > 0 && done >= 0)
        snprintf(text, sizeof text, "%.60s: %d %%", status ? status : "pulling", (int)(10 * (int)(done * 10 / total)));
    else
        snprintf(text, sizeof text, "%.60s", status ? status : "");
    if (strcmp(text, p->said) != 0 && *text)
        ipw_env_log(p->e->env, "%s: %s", p->e->cfg.model, text);
    memcpy(p->said, text, sizeof text);
    p->done |= ipw_streq(status, "success");
    json_doc_free(doc);
    return true;
}

static char *model_body(const struct http_engine *e)
{
    struct json_out *o = json_out_new();
    json_node *body = json_new_obj(o);
    json_put_str(o, body, "model", e->cfg.model);
    char *text = json_write(o, body, false);
    json_out_free(o);
    return text;
}

static int pull(struct http_engine *e, struct ipw_err *err)
{
    struct http_reply r = {.body = IPW_BUF_INIT};
    struct pull p = {.e = e};
    char *body = model_body(e);
    int rc = http_engine_ask(e, e->base, "/api/pull", body, on_pull, &p, &r, err);
    if (!rc && !p.done) {
        if (!*p.error)
            http_engine_said(&r.body, p.error, sizeof p.error);
        http_engine_hide(e, p.error);
        rc = ipw_err_set(err, IPW_E_INPUT, "'%s' cannot be pulled: %s; check the name", e->cfg.model,
                         *p.error ? p.error : "the server does not say why");
    }
    free(body);
    ipw_buf_release(&r.body);
    return rc;
}

static int show(struct http_engine *e, long *status, struct ipw_err *err)
{
    struct http_reply r = {.body = IPW_BUF_INIT};
    struct json_doc *doc;
    char *body = model_body(e);
    int rc = ask_json(e, "/api/show", body, &r, &doc, err);
    *status = r.status;
    if (doc)
        learn_show(e, json_root(doc));
    json_doc_free(doc);
    free(body);
    ipw_buf_release(&r.body);
    return rc;
}

static int learn(struct http_engine *e, struct ipw_err *err)
{
    struct http_reply r = {.body = IPW_BUF_INIT};
    struct json_doc *doc;
    long status = 0;
    int rc = ask_json(e, "/api/version", NULL, &r, &doc, err);
    const char *v = json_str(json_get(json_root(doc), "version"));
    if (v) {
        char text[100];
        snprintf(text, sizeof text, "ollama %s", v);
        e->build = ipw_arena_strdup(&e->arena, text);
    }
    json_doc_free(doc);
    ipw_buf_release(&r.body);
    if (rc || (rc = learn_tags(e, err)))
        return rc;
    if (!e->cfg.model)
        return ipw_err_set(err, IPW_E_USAGE, "which model? -m takes one of those that the server at '%s' has: %s", e->base,
                           e->names.len ? e->names.s : "none yet; --pull gets one");
    if ((rc = show(e, &status, err)))
        return rc;
    if (status == 404 && e->cfg.http.pull && !(rc = pull(e, err)) && !(rc = learn_tags(e, err)))
        rc = show(e, &status, err);
    if (!rc && status == 404)
        rc = ipw_err_set(err, IPW_E_INPUT, "the server at '%s' has no model '%s': it has %s; --pull gets it", e->base,
                         e->cfg.model, e->names.len ? e->names.s : "none");
    return rc;
}

const struct dialect dialect_ollama = {
    .base = USUAL_URL,
    .path = {"/api/chat", "/api/generate"},
    .frames = FRAMES_LINES,
    .body = body_of,
    .read = read_frame,
    .learn = learn,
};

static int open_ollama(struct engine **out, const struct ipw_env *env, const struct engine_cfg *cfg, struct ipw_err *err)
{
    return http_engine_open(out, env, cfg, &dialect_ollama, err);
}

const struct engine_ops engine_ollama = {
    .name = "ollama",
    .what = "an Ollama server, by its own API: counts and times as it tells them",
    .verified = "stub",
    .usual_url = USUAL_URL,
    .caps = ENGINE_REMOTE | ENGINE_SERVER_TIMINGS,
    .open = open_ollama,
    .submit = http_engine_submit,
    .poll = http_engine_poll,
    .cancel = http_engine_cancel,
    .abort = http_engine_abort,
    .devices = http_engine_devices,
    .model = http_engine_model,
    .build = http_engine_build,
    .cpu_variant = http_engine_cpu_variant,
    .close = http_engine_close,
};
