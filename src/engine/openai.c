/* The engine `openai`: any server that speaks OpenAI's chat/completions or completions (llama-server, vLLM, SGLang, LM
 * Studio, TGI, Ollama's /v1, cloud APIs). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/dialect.h"

#define USUAL_URL "http://127.0.0.1:8080/v1"

enum { TOP_LOGPROBS = 20 }; /* OpenAI's and vLLM's most */

/* ---- asking ---- */

static char *body_of(const struct http_engine *e, const struct engine_req *req)
{
    const struct engine_cfg *c = &e->cfg;
    struct json_out *o = json_out_new();
    json_node *body = json_new_obj(o);
    json_put_str(o, body, "model", c->model);
    if (e->endpoint == ENDPOINT_CHAT)
        dialect_messages(o, body, e, req);
    else
        dialect_prompt(o, body, e->cfg.system, req);
    json_put_int(o, body, "max_tokens", req->max_tokens);
    json_put_num(o, body, "temperature", c->temperature);
    if (req->n_options && e->endpoint == ENDPOINT_CHAT) {
        json_put_bool(o, body, "logprobs", true);
        json_put_int(o, body, "top_logprobs", TOP_LOGPROBS);
    } else if (req->n_options) {
        json_put_int(o, body, "logprobs", TOP_LOGPROBS);
    }
    if (c->temperature > 0) {
        json_put_num(o, body, "top_p", c->top_p);
        json_put_int(o, body, "seed", (int64_t)(req->seed & 0x7fffffff));
        if (c->top_k > 0)
            json_put_int(o, body, "top_k", c->top_k);
    }
    if (c->ignore_eos)
        json_put_bool(o, body, "ignore_eos", true);
    bool stream = !c->http.no_stream && !req->n_options;
    json_put_bool(o, body, "stream", stream);
    if (stream)
        json_put_bool(o, json_put_obj(o, body, "stream_options"), "include_usage", true);
    return dialect_body(e, o, body);
}

/* ---- reading ---- */

static const struct {
    const char *theirs, *ours;
} stops[] = {{"stop", "eos"}, {"eos", "eos"}, {"length", "length"}, {"max_tokens", "length"},
             {"content_filter", "content_filter"}, {"tool_calls", "tool_calls"}, {"function_call", "tool_calls"}};

static const char *stop_of(const char *theirs)
{
    for (size_t i = 0; theirs && i < sizeof stops / sizeof stops[0]; i++)
        if (!strcmp(stops[i].theirs, theirs))
            return stops[i].ours;
    return theirs ? "other" : NULL;
}

static void get_ms(const json_val *obj, const char *key, int64_t *to)
{
    double ms = json_num(json_get(obj, key));
    if (ms >= 0 && ms < 1e12)
        *to = (int64_t)(ms * 1e6);
}

/* llama.cpp says by itself what others say in usage: prompt_n tokens were evaluated beside cache_n that were known. */
static void read_timings(const json_val *t, struct piece *p)
{
    int64_t evaluated = ENGINE_UNKNOWN, cached = 0;
    if (!t)
        return;
    get_ms(t, "prompt_ms", &p->prompt_ns);
    get_ms(t, "predicted_ms", &p->decode_ns);
    dialect_int(t, "prompt_n", &evaluated);
    dialect_int(t, "cache_n", &cached);
    if (evaluated != ENGINE_UNKNOWN && json_get(t, "cache_n")) {
        p->n_cached = cached;
        if (p->n_in == ENGINE_UNKNOWN)
            p->n_in = evaluated + cached;
    }
    if (p->n_out == ENGINE_UNKNOWN)
        dialect_int(t, "predicted_n", &p->n_out);
}

static void read_usage(const json_val *u, struct piece *p)
{
    dialect_int(u, "prompt_tokens", &p->n_in);
    dialect_int(u, "completion_tokens", &p->n_out);
    dialect_int(json_get(u, "prompt_tokens_details"), "cached_tokens", &p->n_cached);
    dialect_int(json_get(u, "completion_tokens_details"), "reasoning_tokens", &p->n_reason);
}

/* Names under which reasoning comes: vLLM and DeepSeek, OpenRouter and newer vLLM, others. */
static const char *const thoughts[] = {"reasoning_content", "reasoning", "thinking"};

static void read_choice(const json_val *c, struct piece *p)
{
    const json_val *m = json_get(c, "delta");
    m = m ? m : json_get(c, "message");
    piece_text(p, m ? json_get(m, "content") : json_get(c, "text"));
    for (size_t i = 0; i < sizeof thoughts / sizeof thoughts[0] && !p->thinking_len; i++)
        piece_thinking(p, json_get(m, thoughts[i]));
    const json_val *refusal = json_get(m, "refusal");
    if (json_str(refusal) && json_len(refusal)) {
        p->refused = true;
        if (!p->text_len)
            piece_text(p, refusal);
    }
    p->logprobs = json_get(c, "logprobs");
    p->stop = stop_of(json_str(json_get(c, "finish_reason")));
    p->refused |= ipw_streq(p->stop, "content_filter");
}

static void read_frame(const json_val *frame, struct piece *p)
{
    const json_val *error = json_get(frame, "error");
    if (error && json_type(error) != JSON_NULL) {
        const char *said = json_str(json_get(error, "message"));
        p->error = said ? said : json_str(error) ? json_str(error) : "the server gave up without a word";
        return;
    }
    const json_val *choice = json_at(json_get(frame, "choices"), 0);
    if (choice)
        read_choice(choice, p);
    read_usage(json_get(frame, "usage"), p);
    read_timings(json_get(frame, "timings"), p);
}

/* ---- what is there ---- */

/* Servers that tell their version, by the owner of their models. */
static const struct {
    const char *owner, *path, *key;
} versions[] = {{"llamacpp", "/props", "build_info"}, {"vllm", "/version", "version"},
                {"sglang", "/get_server_info", "version"}};

static int learn_build(struct http_engine *e, const char *owner, struct ipw_err *err)
{
    struct http_reply r = {.body = IPW_BUF_INIT};
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    int rc = 0;
    for (size_t i = 0; owner && i < sizeof versions / sizeof versions[0]; i++) {
        if (strcmp(owner, versions[i].owner) != 0)
            continue;
        if ((rc = http_engine_ask(e, e->root, versions[i].path, NULL, NULL, NULL, &r, err)))
            break;
        if (r.status == 200 && !json_read(&doc, r.body.s, r.body.len, 0, &ignored)) {
            const char *v = json_str(json_get(json_root(doc), versions[i].key));
            char text[200];
            snprintf(text, sizeof text, "%s %s", owner, v ? v : "of unknown version");
            e->build = ipw_arena_strdup(&e->arena, text);
            dialect_int(json_get(json_root(doc), "default_generation_settings"), "n_ctx", &e->model.n_ctx);
        }
        json_doc_free(doc);
        doc = NULL;
    }
    ipw_buf_release(&r.body);
    return rc;
}

static void learn_facts(struct http_engine *e, const json_val *m)
{
    const json_val *meta = json_get(m, "meta");
    dialect_int(meta, "n_params", &e->model.params_total);
    dialect_int(meta, "size", &e->model.bytes);
    dialect_int(meta, "n_ctx_train", &e->model.n_ctx_train);
    dialect_int(meta, "n_vocab", &e->model.n_vocab);
    dialect_int(m, "max_model_len", &e->model.n_ctx);
}

/* GET /models: the names, the facts of ours. A server that has no such list is asked all the same. */
static int learn_models(struct http_engine *e, const json_val *root, char owner[64], struct ipw_err *err)
{
    const json_val *list = json_get(root, "data"), *ours = NULL;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        const char *id = json_str(json_get(it.val, "id"));
        if (!id)
            continue;
        ipw_buf_addf(&e->names, "%s%s", e->names.len ? ", " : "", id);
        if (e->cfg.model && !strcmp(id, e->cfg.model))
            ours = it.val;
    }
    const json_val *only = json_len(list) == 1 ? json_at(list, 0) : NULL;
    const char *by = json_str(json_get(ours ? ours : only, "owned_by"));
    snprintf(owner, 64, "%s", by ? by : "");
    bool any_name = !strcmp(owner, "llamacpp"); /* it has one model and takes any name for it */
    if (!ours && only && (!e->cfg.model || any_name))
        ours = only;
    if (!e->cfg.model && !ours)
        return ipw_err_set(err, IPW_E_USAGE, "which model? -m takes one of those that the server at '%s' has: %s", e->base,
                           e->names.len ? e->names.s : "it lists none");
    if (!e->cfg.model)
        e->cfg.model = ipw_arena_strdup(&e->arena, json_str(json_get(ours, "id")));
    if (ours)
        learn_facts(e, ours);
    return 0;
}

static int learn(struct http_engine *e, struct ipw_err *err)
{
    struct http_reply r = {.body = IPW_BUF_INIT};
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    char owner[64] = "";
    int rc = http_engine_ask(e, e->base, "/models", NULL, NULL, NULL, &r, err);
    if (!rc && r.status == 404 && !ipw_ends(e->base, e->dialect->version_path)) {
        struct ipw_buf base = IPW_BUF_INIT;
        ipw_buf_addf(&base, "%s%s", e->base, e->dialect->version_path);
        rc = http_engine_ask(e, base.s, "/models", NULL, NULL, NULL, &r, err);
        if (!rc && r.status == 200) {
            free(e->base);
            e->base = ipw_buf_take(&base);
            ipw_env_log(e->env, "the API is at '%s'", e->base);
        }
        ipw_buf_release(&base);
    }
    if (!rc && (r.status == 401 || r.status == 403))
        rc = ipw_err_set(err, IPW_E_ENV, "'%s' does not let us in (%ld): --api-key-env NAME names the variable that holds the "
                         "key", e->base, r.status);
    const json_val *root = NULL;
    if (!rc && r.status == 200 && !json_read(&doc, r.body.s, r.body.len, 0, &ignored))
        root = json_root(doc);
    if (!rc)
        rc = learn_models(e, root, owner, err);
    if (!rc)
        rc = learn_build(e, owner, err);
    json_doc_free(doc);
    ipw_buf_release(&r.body);
    return rc;
}

const struct dialect dialect_openai = {
    .base = USUAL_URL,
    .path = {"/chat/completions", "/completions"},
    .version_path = "/v1",
    .frames = FRAMES_SSE,
    .whole_type = "application/json",
    .body = body_of,
    .read = read_frame,
    .learn = learn,
};

static int open_openai(struct engine **out, const struct ipw_env *env, const struct engine_cfg *cfg, struct ipw_err *err)
{
    return http_engine_open(out, env, cfg, &dialect_openai, err);
}

const struct engine_ops engine_openai = {
    .name = "openai",
    .what = "any server of OpenAI's API: llama-server, vLLM, SGLang, LM Studio, clouds",
    .verified = "hw: llama-server and xllamacpp, 2026-11",
    .usual_url = USUAL_URL,
    .caps = ENGINE_REMOTE | ENGINE_SERVER_TIMINGS | ENGINE_LETTERS,
    .open = open_openai,
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
