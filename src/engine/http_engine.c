#include "engine/http_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/http_stream.h"

enum { ERROR_MAX = 64 << 10 };

/* ---- events ---- */

static struct engine_event *push(struct engine *e, enum engine_event_kind kind, const struct stream *s, int64_t t_ns,
                                 size_t at)
{
    IPW_GROW(e->queue, e->n, e->cap);
    struct queued *q = &e->queue[e->n++];
    *q = (struct queued){.ev = {.kind = kind, .id = s->id, .t_ns = t_ns}, .at = at};
    return &q->ev;
}

static void push_text(struct engine *e, struct stream *s, const char *text, size_t len, bool thinking)
{
    if (!len)
        return;
    if (!s->first && !s->whole)
        push(e, ENGINE_FIRST, s, s->t_ns, 0)->thinking = thinking;
    s->first = true;
    s->chunks++;
    s->thinking_chunks += thinking;
    struct engine_event *ev = push(e, ENGINE_TOKEN, s, s->t_ns, e->text.len);
    ev->len = len;
    ev->thinking = thinking;
    ipw_buf_add(&e->text, text, len);
}

static int deliver(struct engine *e, struct engine_event *out, int cap)
{
    int k = 0;
    for (; k < cap && e->from < e->n; k++) {
        const struct queued *q = &e->queue[e->from++];
        out[k] = q->ev;
        if (q->ev.kind == ENGINE_TOKEN)
            out[k].text = e->text.s + q->at;
        if (q->ev.kind == ENGINE_END) {
            const struct stream *s = &e->stream[q->at];
            out[k].prompt = s->prompt.s;
            out[k].prompt_len = s->prompt.len;
            out[k].likely = s->lettered && out[k].status == QUERY_OK ? s->likely : NULL;
            out[k].n_likely = s->n_options;
            out[k].detail = s->detail.len ? s->detail.s : NULL;
            e->free[e->n_free++] = (uint32_t)q->at;
        }
    }
    return k;
}

/* ---- frames ---- */

static void take(int64_t *to, int64_t v)
{
    if (v != ENGINE_UNKNOWN)
        *to = v;
}

static bool fail(struct stream *s, const char *why)
{
    s->failed = true;
    if (!s->detail.len)
        ipw_buf_addf(&s->detail, "%.300s", why);
    return false;
}

/* How likely each letter is as the first token; which one the server would have written. */
static void read_letters(struct stream *s, const json_val *logprobs)
{
    double ll[LETTERS_MAX];
    int first;
    s->lettered = letters_read(logprobs, ll, &first);
    for (size_t i = 0; i < s->n_options; i++)
        s->likely[i] = (struct engine_likely){ll[i], ll[i], 1, (int)i == first};
}

static bool on_frame(void *ud, const char *data, size_t len)
{
    struct engine *e = ((void **)ud)[0];
    struct stream *s = ((void **)ud)[1];
    struct json_doc *doc;
    struct ipw_err why;
    struct piece p;
    s->framed = true;
    if (len >= 6 && !memcmp(data, "[DONE]", 6)) {
        s->last = true;
        return true;
    }
    if (json_read_in(&doc, e->pool, sizeof e->pool, data, len, &why))
        return fail(s, why.text);
    piece_init(&p);
    e->h.dialect->read(json_root(doc), &p);
    if (s->n_options && !s->lettered) {
        read_letters(s, p.logprobs);
    } else if (!s->n_options) {
        push_text(e, s, p.thinking, p.thinking_len, true);
        push_text(e, s, p.text, p.text_len, false);
    }
    take(&s->sum.n_in, p.n_in);
    take(&s->sum.n_cached, p.n_cached);
    take(&s->sum.n_out, p.n_out);
    take(&s->sum.n_reason, p.n_reason);
    take(&s->sum.load_ns, p.load_ns);
    take(&s->sum.prompt_ns, p.prompt_ns);
    take(&s->sum.decode_ns, p.decode_ns);
    s->sum.stop = p.stop ? p.stop : s->sum.stop;
    s->sum.refused |= p.refused;
    s->last |= p.last;
    if (p.error) {
        s->sum.error = "server_error";
        fail(s, p.error);
    }
    json_doc_free(doc);
    return !s->failed;
}

/* ---- what the loop tells ---- */

static void on_sent(void *ud, uint32_t call, int64_t t_ns)
{
    struct engine *e = ud;
    if (!e->ask)
        push(e, ENGINE_SENT, &e->stream[call], t_ns, 0);
}

static bool type_is(const char *type, const char *want)
{
    return want && !strncmp(type, want, strlen(want));
}

static void on_head(void *ud, uint32_t call, long status, const char *type)
{
    struct engine *e = ud;
    const struct dialect *d = e->h.dialect;
    if (e->ask) {
        e->ask->reply->status = status;
        return;
    }
    struct stream *s = &e->stream[call];
    s->status = status;
    s->whole = status >= 300 || e->h.cfg.http.no_stream || type_is(type, d->whole_type);
    frames_reset(&s->frames, s->whole ? FRAMES_WHOLE : d->frames);
    if (status < 300 && type_is(type, "text/html"))
        fail(s, "a web page came back, no answer");
}

static bool on_body(void *ud, uint32_t call, const char *p, size_t n, int64_t t_ns)
{
    struct engine *e = ud;
    if (e->ask) {
        struct http_ask *a = e->ask;
        if (a->reply->body.len + n <= FRAMES_MAX)
            ipw_buf_add(&a->reply->body, p, n);
        return !a->on_frame || a->reply->status >= 300 || frames_feed(&a->frames, p, n, a->on_frame, a->ud);
    }
    struct stream *s = &e->stream[call];
    void *both[2] = {e, s};
    s->t_ns = t_ns;
    s->bytes = true;
    if (s->failed)
        return false;
    if (s->status >= 300 && s->frames.line.len > ERROR_MAX)
        return true; /* enough of an error's page */
    if (frames_feed(&s->frames, p, n, on_frame, both))
        return true;
    if (!s->failed)
        fail(s, "a frame without end");
    return false;
}

static const struct {
    long status;
    const char *reason;
} http_reasons[] = {
    {400, "http_400"}, {404, "http_404"}, {405, "http_405"}, {408, "http_408"}, {409, "http_409"}, {413, "http_413"},
    {422, "http_422"}, {429, "http_429"}, {500, "http_500"}, {501, "http_501"}, {502, "http_502"}, {503, "http_503"},
    {504, "http_504"}, {529, "http_529"},
};

static const char *http_reason(long status)
{
    for (size_t i = 0; i < sizeof http_reasons / sizeof http_reasons[0]; i++)
        if (http_reasons[i].status == status)
            return http_reasons[i].reason;
    return status >= 500 ? "http_5xx" : status >= 400 ? "http_4xx" : "http_3xx";
}

/* What servers mean by a 400 (413, 422), by what stands in it. */
static const struct {
    const char *says;
    enum query_status status;
    const char *reason;
} meanings[] = {
    {"context_length_exceeded", QUERY_ERROR, "prompt_too_long"}, /* OpenAI, Azure */
    {"exceed_context_size", QUERY_ERROR, "prompt_too_long"},     /* llama.cpp */
    {"maximum context length", QUERY_ERROR, "prompt_too_long"},  /* vLLM */
    {"model's context length", QUERY_ERROR, "prompt_too_long"},  /* SGLang */
    {"content_filter", QUERY_REFUSED, "refused"},                /* Azure */
};

static void refused(const struct stream *s, struct engine_event *ev)
{
    ev->status = QUERY_ERROR;
    ev->reason = http_reason(s->status);
    for (size_t i = 0; s->status < 429 && i < sizeof meanings / sizeof meanings[0]; i++)
        if (strstr(s->frames.line.s, meanings[i].says)) {
            ev->status = meanings[i].status;
            ev->reason = meanings[i].reason;
            return;
        }
}

static const struct {
    enum query_status sent, unsent;
    const char *reason, *unsent_reason;
} outcomes[] = {
    [HTTP_ANSWERED] = {QUERY_OK, QUERY_OK, NULL, NULL},
    [HTTP_DNS] = {QUERY_NOT_SENT, QUERY_NOT_SENT, "dns", "dns"},
    [HTTP_CONNECT] = {QUERY_NOT_SENT, QUERY_NOT_SENT, "connect", "connect"},
    [HTTP_TLS] = {QUERY_NOT_SENT, QUERY_NOT_SENT, "tls", "tls"},
    [HTTP_TIMEOUT] = {QUERY_TIMEOUT, QUERY_NOT_SENT, "timeout", "timeout"},
    [HTTP_CUT] = {QUERY_ERROR, QUERY_NOT_SENT, "aborted_stream", "connect"},
    [HTTP_PROTOCOL] = {QUERY_ERROR, QUERY_NOT_SENT, "protocol", "protocol"},
    [HTTP_CANCELLED] = {QUERY_ERROR, QUERY_NOT_SENT, "interrupted", "interrupted"},
};

/* A whole answer was read: what is it? */
static void judge(struct stream *s, struct engine_event *ev)
{
    if (!s->last && !s->sum.stop && !s->whole && !s->failed)
        ipw_buf_adds(&s->detail, s->framed ? "the stream ended before the server said that the answer was complete"
                                           : "what came back is no stream of answers");
    if (s->sum.error || s->failed) {
        ev->status = QUERY_ERROR;
        ev->reason = s->sum.error ? s->sum.error : "protocol";
    } else if (!s->last && !s->sum.stop && !s->whole) {
        ev->status = QUERY_ERROR;
        ev->reason = s->framed || !s->bytes ? "aborted_stream" : "protocol";
    } else if (s->sum.refused) {
        ev->status = QUERY_REFUSED;
        ev->reason = "refused";
    } else if (s->n_options) {
        ev->status = s->lettered ? QUERY_OK : QUERY_ERROR;
        ev->reason = s->lettered ? NULL : "no_logprobs";
        if (!s->lettered)
            ipw_buf_adds(&s->detail, "the server tells no probabilities of the tokens it might have written (logprobs)");
    } else if (!s->chunks) {
        ev->status = QUERY_EMPTY;
        ev->reason = "no_tokens";
    } else if (ipw_streq(s->sum.stop, "length")) {
        ev->status = QUERY_TRUNCATED;
        ev->reason = "max_tokens";
    } else
        ev->status = QUERY_OK;
}

static void count(const struct stream *s, struct engine_event *ev)
{
    ev->n_in = s->sum.n_in;
    ev->n_cached = s->sum.n_cached;
    ev->n_out = s->sum.n_out;
    ev->n_reason = s->sum.n_reason;
    ev->token_source = "usage";
    ev->load_ns = s->sum.load_ns;
    ev->prompt_ns = s->sum.prompt_ns;
    ev->decode_ns = s->sum.decode_ns;
    ev->stop = s->sum.stop;
    if (ev->n_out == ENGINE_UNKNOWN && s->whole && s->chunks) {
        ev->token_source = NULL; /* one piece is not one token */
    } else if (ev->n_out == ENGINE_UNKNOWN) {
        ev->n_out = s->chunks;
        ev->token_source = "chunks";
        if (s->thinking_chunks)
            ev->n_reason = s->thinking_chunks;
    }
}

static void begin(struct engine *e, uint32_t call)
{
    struct stream *s = &e->stream[call];
    char url[1200];
    s->lettered = s->failed = s->first = s->last = s->whole = s->bytes = s->framed = false;
    s->chunks = s->thinking_chunks = s->status = 0;
    piece_init(&s->sum);
    frames_reset(&s->frames, e->h.dialect->frames);
    ipw_buf_clear(&s->detail);
    const char *version = e->h.dialect->version_path;
    s->versioned = s->tried_version || (version && ipw_ends(e->h.base, version));
    snprintf(url, sizeof url, "%s%s%s", e->h.base, s->tried_version ? version : "", e->h.dialect->path[e->h.endpoint]);
    http_loop_start(e->loop, call, url, s->body, s->body_len);
}

/* 404 without the version's path: once more with it, unless the path without it has proved right. One that was on its way
 * when another's answer proved the longer path right is asked again there too. */
static bool try_version(struct engine *e, uint32_t call)
{
    struct stream *s = &e->stream[call];
    const char *version = e->h.dialect->version_path;
    bool adopted = version && ipw_ends(e->h.base, version);
    if (s->status != 404 || !version || s->versioned || (e->answered && !adopted))
        return false;
    s->tried_version = !adopted;
    begin(e, call);
    return true;
}

static void adopt_version(struct engine *e)
{
    struct ipw_buf longer = IPW_BUF_INIT;
    ipw_buf_addf(&longer, "%s%s", e->h.base, e->h.dialect->version_path);
    free(e->h.base);
    e->h.base = ipw_buf_take(&longer);
    for (uint32_t i = 0; i < e->n_streams; i++)
        e->stream[i].tried_version = false;
    ipw_env_log(e->h.env, "the API is at '%s': --client-base-url takes it with %s", e->h.base, e->h.dialect->version_path);
}

static void explain(struct engine *e, struct stream *s, const struct http_result *r)
{
    char said[300];
    if (s->status >= 300) {
        http_engine_said(&s->frames.line, said, sizeof said);
        ipw_buf_clear(&s->detail);
        ipw_buf_addf(&s->detail, "%ld%s%s", s->status, *said ? ": " : "", said);
        if (s->status == 404 && e->h.names.len)
            ipw_buf_addf(&s->detail, "; it has: %s", e->h.names.s);
        else if (s->status == 404)
            ipw_buf_addf(&s->detail, "; asked was %s%s%s: what stands before %s goes into --client-base-url", e->h.base,
                         s->tried_version ? e->h.dialect->version_path : "", e->h.dialect->path[e->h.endpoint],
                         e->h.dialect->path[e->h.endpoint]);
    } else if (!s->detail.len)
        ipw_buf_adds(&s->detail, r->why);
    http_engine_hide(&e->h, s->detail.s);
}

static void on_end(void *ud, uint32_t call, const struct http_result *r, int64_t t_ns)
{
    struct engine *e = ud;
    if (e->ask) {
        e->ask->result = *r;
        snprintf(e->ask->why, sizeof e->ask->why, "%s", r->why);
        e->ask->reply->status = r->status;
        e->ask->done = true;
        return;
    }
    struct stream *s = &e->stream[call];
    void *both[2] = {e, s};
    s->status = r->status;
    s->t_ns = t_ns;
    if (r->end == HTTP_ANSWERED && s->status < 300)
        (void)!frames_end(&s->frames, on_frame, both);
    if (r->end == HTTP_ANSWERED && try_version(e, call))
        return;
    if (r->end == HTTP_ANSWERED && s->status < 300 && !e->answered) {
        e->answered = true;
        if (s->tried_version)
            adopt_version(e);
    }
    struct engine_event *ev = push(e, ENGINE_END, s, t_ns, call);
    ev->retry_after_s = r->retry_after_s;
    count(s, ev);
    if (r->end != HTTP_ANSWERED && !s->failed) {
        ev->status = r->sent ? outcomes[r->end].sent : outcomes[r->end].unsent;
        ev->reason = r->sent ? outcomes[r->end].reason : outcomes[r->end].unsent_reason;
    } else if (s->status == 401 || s->status == 403) {
        ev->status = QUERY_NOT_SENT;
        ev->reason = "auth";
    } else if (s->status >= 300) {
        refused(s, ev);
    } else
        judge(s, ev);
    bool failed = ev->status == QUERY_ERROR || ev->status == QUERY_TIMEOUT || ev->status == QUERY_NOT_SENT;
    if (failed)
        explain(e, s, r);
    if (failed && !s->chunks && s->sum.n_out == ENGINE_UNKNOWN) {
        ev->token_source = NULL; /* nothing came: not known is not 0 */
        ev->n_out = ENGINE_UNKNOWN;
    }
    free(s->body);
    s->body = NULL;
    s->busy = false;
}

const struct http_loop_ops http_engine_loop = {on_sent, on_head, on_body, on_end};

/* ---- the engine's face ---- */

static void keep_prompt(struct stream *s, const struct http_engine *h, const struct engine_req *req)
{
    ipw_buf_clear(&s->prompt);
    if (req->n_options) {
        ipw_buf_adds(&s->prompt, req->context);
        return;
    }
    if (req->n_messages == 1 && !h->cfg.system) {
        ipw_buf_adds(&s->prompt, req->messages[0].content);
        return;
    }
    struct json_out *o = json_out_new();
    json_node *body = json_new_obj(o);
    dialect_messages(o, body, h, req);
    char *text = json_write(o, body, false);
    ipw_buf_adds(&s->prompt, text);
    free(text);
    json_out_free(o);
}

int http_engine_submit(struct engine *e, const struct engine_req *req, struct ipw_err *err)
{
    (void)err;
    if (!e->n_free)
        IPW_BUG("more requests than --concurrency");
    uint32_t call = e->free[--e->n_free];
    struct stream *s = &e->stream[call];
    s->busy = true;
    s->tried_version = false;
    s->id = req->id;
    keep_prompt(s, &e->h, req);
    s->n_options = req->n_options < LETTERS_MAX ? req->n_options : LETTERS_MAX;
    struct engine_message context = {"user", req->context};
    struct engine_req asked = *req;
    if (req->n_options) { /* the first token of what comes behind it */
        asked.messages = &context;
        asked.n_messages = 1;
        asked.max_tokens = 1;
    }
    s->body = e->h.dialect->body(&e->h, &asked);
    s->body_len = strlen(s->body);
    begin(e, call);
    return 0;
}

int http_engine_poll(struct engine *e, int64_t deadline_ns, struct engine_event *ev, int cap, struct ipw_err *err)
{
    (void)err;
    if (e->from == e->n) {
        e->from = e->n = 0;
        ipw_buf_clear(&e->text);
        if (atomic_load_explicit(&e->aborted, memory_order_relaxed))
            for (uint32_t i = 0; i < e->n_streams; i++)
                if (e->stream[i].busy)
                    http_loop_cancel(e->loop, i);
        http_loop_run(e->loop, deadline_ns);
    }
    return deliver(e, ev, cap);
}

void http_engine_cancel(struct engine *e, uint32_t id)
{
    for (uint32_t i = 0; i < e->n_streams; i++)
        if (e->stream[i].busy && e->stream[i].id == id)
            http_loop_cancel(e->loop, i);
}

void http_engine_abort(struct engine *e)
{
    atomic_store(&e->aborted, 1);
}

int http_engine_devices(struct engine *e, struct engine_device *out, int cap)
{
    return e->h.cfg.http.devices ? e->h.cfg.http.devices(e->h.cfg.http.ud, out, cap) : 0;
}

const struct engine_model *http_engine_model(struct engine *e)
{
    return &e->h.model;
}

const char *http_engine_build(struct engine *e)
{
    return e && e->h.build ? e->h.build : "unknown server";
}

const char *http_engine_cpu_variant(struct engine *e)
{
    (void)e;
    return NULL;
}

void http_engine_close(struct engine *e)
{
    if (!e)
        return;
    http_loop_close(e->loop);
    for (uint32_t i = 0; i < e->n_streams; i++) {
        frames_release(&e->stream[i].frames);
        ipw_buf_release(&e->stream[i].prompt);
        ipw_buf_release(&e->stream[i].detail);
        free(e->stream[i].body);
    }
    ipw_buf_release(&e->text);
    ipw_buf_release(&e->h.names);
    ipw_arena_release(&e->h.arena);
    free(e->h.base);
    free(e->h.root);
    free(e->stream);
    free(e->free);
    free(e->queue);
    free(e);
}
