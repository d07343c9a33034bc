/* Before anything is asked of a server: is it there, what is it, what does it have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "engine/http_stream.h"
#include "net/url.h"

static const int64_t PATIENCE_NS = 5000000000; /* a server that is busy with an answer may have no time for questions */

void http_engine_said(const struct ipw_buf *body, char *out, size_t size)
{
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    const char *text = NULL;
    out[0] = '\0';
    if (!json_read(&doc, body->s, body->len, 0, &ignored)) {
        const json_val *root = json_root(doc), *error = json_get(root, "error");
        const json_val *const places[] = {json_get(error, "message"), error, json_get(root, "message"),
                                          json_get(root, "detail")};
        for (size_t i = 0; i < sizeof places / sizeof places[0] && !text; i++)
            text = json_str(places[i]);
        snprintf(out, size, "%s", text ? text : "");
    } else if (body->len && body->s[0] != '<') { /* not a web page */
        snprintf(out, size, "%s", body->s);
    }
    json_doc_free(doc);
    for (size_t n = strlen(out); n && (ipw_isspace((unsigned char)out[n - 1]) || out[n - 1] == '.');)
        out[--n] = '\0';
}

static int no_answer(const struct http_engine *h, const struct http_ask *a, struct ipw_err *err)
{
    const char *url = h->base;
    switch (a->result.end) {
    case HTTP_DNS:
        return ipw_err_set(err, IPW_E_ENV, "the name of the server in '%s' is not known: %s; check --client-base-url", url, a->why);
    case HTTP_TLS:
        return ipw_err_set(err, IPW_E_ENV, "no trust in the certificate of '%s': %s; for a server with a certificate of its own "
                           "give it by --cacert FILE", url, a->why);
    case HTTP_CONNECT:
        return ipw_err_set(err, IPW_E_ENV, "no server answers at '%s': %s; start it (ipw servers start, or --serve 'CMD'), or "
                           "give its address by --client-base-url", url, a->why);
    default:
        return ipw_err_set(err, IPW_E_ENV, "the server at '%s' does not answer as one of http does: %s; check "
                           "--client-base-url", url, a->why);
    }
}

int http_engine_ask(struct http_engine *h, const char *at, const char *path, const char *body, frames_fn *on_frame, void *ud,
                    struct http_reply *reply, struct ipw_err *err)
{
    struct engine *e = (struct engine *)(void *)h; /* its first member */
    struct http_ask a = {.reply = reply, .on_frame = on_frame, .ud = ud};
    char url[1200];
    snprintf(url, sizeof url, "%s%s", at, path);
    reply->status = 0;
    ipw_buf_clear(&reply->body);
    frames_init(&a.frames);
    frames_reset(&a.frames, FRAMES_LINES);
    e->ask = &a;
    http_loop_start(e->loop, 0, url, body, body ? strlen(body) : 0);
    bool stopped = false, patient = on_frame != NULL;
    int64_t until = ipw_now(h->env) + PATIENCE_NS;
    while (!a.done) {
        stopped = h->cfg.stop && atomic_load(h->cfg.stop);
        if (stopped || (!patient && ipw_now(h->env) > until))
            http_loop_cancel(e->loop, 0);
        http_loop_run(e->loop, ipw_now(h->env) + 100000000);
    }
    if (on_frame && reply->status < 300)
        (void)!frames_end(&a.frames, on_frame, ud);
    frames_release(&a.frames);
    e->ask = NULL;
    if (stopped)
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
    return a.result.end == HTTP_ANSWERED || a.result.end == HTTP_CANCELLED ? 0 : no_answer(h, &a, err);
}

static const char *keep(struct ipw_arena *a, const char *s)
{
    return s ? ipw_arena_strdup(a, s) : NULL;
}

/* What no message may repeat: the key, and the last word of each header that the caller gave ("Bearer KEY"). Shorter ones are
 * no secret, but the "none" that local servers take. */
static void keep_secrets(struct http_engine *h, const struct engine_http *http)
{
    enum { SHORTEST = 6 };
    size_t n = 0, k = 0;
    while (http->headers && http->headers[n])
        n++;
    h->secrets = ipw_arena_alloc(&h->arena, (n + 2) * sizeof *h->secrets);
    for (size_t i = 0; i <= n; i++) {
        const char *text = i < n ? http->headers[i] : http->api_key;
        size_t len = text ? strlen(text) : 0, from = len;
        while (from && text[from - 1] != ' ' && text[from - 1] != ':')
            from--;
        if (len - from >= SHORTEST)
            h->secrets[k++] = ipw_arena_strdup(&h->arena, text + from);
    }
}

void http_engine_hide(const struct http_engine *h, char *text)
{
    for (const char **s = h->secrets; *s; s++)
        for (char *at = text; (at = strstr(at, *s));)
            memset(at, '*', strlen(*s));
}

/* The caller's texts need not outlive the call. */
static void copy_cfg(struct http_engine *h, const struct engine_cfg *cfg)
{
    h->cfg = *cfg;
    h->cfg.model = keep(&h->arena, cfg->model);
    h->cfg.system = keep(&h->arena, cfg->system);
    h->cfg.http.extra_body = keep(&h->arena, cfg->http.extra_body);
    h->cfg.http.keep_alive = keep(&h->arena, cfg->http.keep_alive);
    h->cfg.http.api_key = NULL; /* libcurl has it */
    h->cfg.http.headers = NULL;
    keep_secrets(h, &cfg->http);
}

int http_engine_open(struct engine **out, const struct ipw_env *env, const struct engine_cfg *cfg, const struct dialect *d,
                     struct ipw_err *err)
{
    struct engine *e = ipw_calloc(1, sizeof *e);
    struct http_engine *h = &e->h;
    char base[1000], root[1000];
    *out = NULL;
    e->n_streams = cfg->http.streams > 0 ? (uint32_t)cfg->http.streams : 1;
    ipw_arena_init(&h->arena);
    ipw_buf_init(&h->names);
    ipw_buf_init(&e->text);
    h->env = env;
    h->dialect = d;
    h->endpoint = ipw_streq(cfg->http.endpoint, "completions") ? ENDPOINT_COMPLETIONS : ENDPOINT_CHAT;
    h->model = (struct engine_model){.params_total = -1, .params_active = -1, .bytes = -1, .n_layer = -1, .n_ctx_train = -1,
                                     .n_ctx = -1, .n_expert = -1, .n_expert_used = -1, .n_vocab = -1, .threads = -1};
    e->stream = ipw_calloc(e->n_streams, sizeof *e->stream);
    e->free = ipw_calloc(e->n_streams, sizeof *e->free);
    for (uint32_t i = 0; i < e->n_streams; i++) {
        struct stream *s = &e->stream[i];
        frames_init(&s->frames);
        ipw_buf_init(&s->prompt);
        ipw_buf_init(&s->detail);
        e->free[e->n_free++] = e->n_streams - 1 - i;
    }
    copy_cfg(h, cfg);
    int rc = net_url_base(cfg->http.base_url ? cfg->http.base_url : d->base, base, sizeof base, err);
    if (!rc) {
        net_url_root(base, root, sizeof root);
        h->base = ipw_strdup(base);
        h->root = ipw_strdup(root);
        struct http_loop_cfg lc = {.env = env, .ops = &http_engine_loop, .ud = e, .calls = e->n_streams,
                                   .bearer = cfg->http.api_key, .headers = cfg->http.headers, .ca_file = cfg->http.ca_file,
                                   .no_proxy = net_url_is_here(base), .timeout_s = cfg->http.timeout_s,
                                   .connect_timeout_s = cfg->http.connect_timeout_s};
        rc = http_loop_open(&e->loop, &lc, err);
    }
    if (!rc)
        rc = d->learn(h, err);
    if (!rc) {
        const char *name = fs_basename(h->cfg.model); /* llama-server's names are paths */
        size_t n = strlen(name);
        h->model.name = ipw_arena_strndup(&h->arena, name, ipw_ends(name, ".gguf") ? n - 5 : n);
    }
    if (rc)
        http_engine_close(e);
    else
        *out = e;
    return rc;
}
