#include "fakes/fault_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

struct fault_server {
    struct http_fake *http;
    pthread_mutex_t lock;
    const struct fault_script *script;
};

static const char models[] = "{\"object\":\"list\",\"data\":[{\"id\":\"tiny\",\"object\":\"model\",\"created\":1700000000,"
                             "\"owned_by\":\"ipw\"},{\"id\":\"org/other-7b\",\"object\":\"model\",\"owned_by\":\"ipw\"}]}";

const struct fault_script *fault_script(const char *name)
{
    for (const struct fault_script *f = fault_scripts; f->name; f++)
        if (ipw_streq(f->name, name))
            return f;
    return NULL;
}

/* ---- streams ---- */

static void data_line(struct ipw_buf *b, int flags, const char *p, size_t n)
{
    const char *nl = flags & FAULT_CRLF ? "\r\n" : "\n";
    ipw_buf_adds(b, flags & FAULT_NO_SPACE ? "data:" : "data: ");
    ipw_buf_add(b, p, n);
    ipw_buf_adds(b, nl);
}

static void frame(struct ipw_buf *b, int flags, const char *text, int i)
{
    const char *nl = flags & FAULT_CRLF ? "\r\n" : "\n";
    if (flags & FAULT_COMMENTS)
        ipw_buf_addf(b, ": keep-alive%s%s:%s", nl, i % 2 ? nl : "", nl);
    if (flags & FAULT_EVENTS)
        ipw_buf_addf(b, "event: message%sid: %d%sretry: 3000%s", nl, i, nl, nl);
    for (const char *comma; (flags & FAULT_MULTILINE) && (comma = strstr(text, ",\"")); text = comma + 1)
        data_line(b, flags, text, (size_t)(comma + 1 - text));
    data_line(b, flags, text, strlen(text));
    ipw_buf_adds(b, nl);
}

static void put(struct fake_conn *c, const struct fault_script *f, const char *p, size_t n)
{
    if (!f->byte_ms)
        fake_body(c, p, n);
    for (size_t i = 0; i < n && f->byte_ms && !fake_gone(c); i++) {
        fake_body(c, p + i, 1);
        fake_pause(c, (int64_t)f->byte_ms * 1000000);
    }
}

static void huge_frame(struct ipw_buf *b)
{
    ipw_buf_adds(b, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
    ipw_buf_reserve(b, FAULT_HUGE_BYTES + 20);
    memset(b->s + b->len, 'x', FAULT_HUGE_BYTES);
    b->len += FAULT_HUGE_BYTES;
    ipw_buf_adds(b, "\"}}]}\n\n");
}

static void put_frames(struct fake_conn *c, const struct fault_script *f)
{
    struct ipw_buf b = IPW_BUF_INIT;
    for (int i = 0; f->frames[i] && !fake_gone(c); i++) {
        fake_pause(c, (i == 0 ? 0 : i == 1 ? f->first_ms : f->between_ms) * (int64_t)1000000);
        ipw_buf_clear(&b);
        if (i == 0 && (f->flags & FAULT_BOM))
            ipw_buf_adds(&b, "\xef\xbb\xbf");
        frame(&b, f->flags, f->frames[i], i);
        if ((f->flags & FAULT_MID_FRAME) && !f->frames[i + 1])
            b.len /= 2;
        if ((f->flags & FAULT_HUGE) && i == 0)
            huge_frame(&b);
        put(c, f, b.s, b.len);
    }
    if (!(f->flags & FAULT_NO_DONE)) {
        ipw_buf_clear(&b);
        frame(&b, f->flags, "[DONE]", 99);
        put(c, f, b.s, b.len - (f->flags & FAULT_ABRUPT ? 2 : 0));
    }
    ipw_buf_release(&b);
}

/* What goes on until the client leaves. */
static void put_for_ever(struct fake_conn *c, const struct fault_script *f)
{
    struct ipw_buf b = IPW_BUF_INIT;
    if (f->flags & FAULT_ENDLESS)
        frame(&b, f->flags, f->frames[0], 0);
    if (f->flags & FAULT_ENDLESS_LINE)
        ipw_buf_adds(&b, "data: ");
    while (!fake_gone(c)) {
        fake_body(c, b.s, b.len);
        if (f->flags & FAULT_ENDLESS_LINE) {
            ipw_buf_clear(&b);
            for (int i = 0; i < 4096; i++)
                ipw_buf_adds(&b, "0123456789abcdef");
        }
    }
    ipw_buf_release(&b);
}

static void stream(struct fake_conn *c, const struct fault_script *f)
{
    int mode = f->mode & FAKE_UNTIL_CLOSE ? f->mode : f->mode | FAKE_CHUNKED;
    fake_head(c, 200, mode, f->type ? f->type : "text/event-stream", "Cache-Control: no-cache\r\n", 0);
    if (f->flags & (FAULT_ENDLESS | FAULT_ENDLESS_LINE))
        put_for_ever(c, f);
    else
        put_frames(c, f);
    while ((f->flags & FAULT_HANG) && !fake_gone(c))
        fake_pause(c, 1000000000);
    if (f->flags & FAULT_RESET)
        fake_reset(c);
    else if (f->flags & FAULT_NO_END)
        fake_close(c);
    else
        fake_end(c);
}

/* ---- requests ---- */

/* The script that the request itself asks for, else the server's. */
static const struct fault_script *chosen(struct fault_server *s, const struct fake_seen *r)
{
    char name[40];
    const char *p = strstr(r->body, "fault:");
    size_t n = 0;
    for (; p && n + 1 < sizeof name && (ipw_isalnum((unsigned char)p[6 + n]) || p[6 + n] == '_'); n++)
        name[n] = p[6 + n];
    name[n] = '\0';
    pthread_mutex_lock(&s->lock);
    const struct fault_script *f = n ? fault_script(name) : NULL;
    f = f ? f : s->script;
    pthread_mutex_unlock(&s->lock);
    return f;
}

static bool wants_stream(const char *body)
{
    const char *p = strstr(body, "\"stream\"");
    return p && ipw_starts(p + 8 + strspn(p + 8, " :"), "true");
}

static void answer(void *ud, struct fake_conn *c, const struct fake_seen *r)
{
    const struct fault_script *f = chosen(ud, r);
    const char *json = "application/json", *headers = f->headers ? f->headers : "", *body = f->body ? f->body : "{}";
    bool asks = ipw_ends(r->path, "/completions");
    if (f->flags & FAULT_MUTE)
        while (!fake_gone(c))
            fake_pause(c, 1000000000);
    else if ((f->flags & FAULT_SHUT) || ((f->flags & FAULT_DROP_SECOND) && r->nth)) {
        fake_pause(c, f->first_ms * (int64_t)1000000);
        fake_close(c);
    } else if (ipw_ends(r->path, "/models") && !(f->flags & FAULT_EVERY_PATH))
        fake_answer(c, 200, json, "", models);
    else if (ipw_streq(r->path, "/health") && !(f->flags & FAULT_EVERY_PATH))
        fake_answer(c, 200, json, "", "{\"status\":\"ok\"}");
    else if ((!asks || ((f->flags & FAULT_V1_ONLY) && !ipw_starts(r->path, "/v1/"))) && !(f->flags & FAULT_EVERY_PATH))
        fake_answer(c, 404, json, "", fault_script("404_path_vllm")->body);
    else if ((f->flags & FAULT_MODELS) && !strstr(r->body, "\"tiny\""))
        fake_answer(c, 404, json, "", fault_script("404_model")->body);
    else if (f->frames && wants_stream(r->body) && !(f->flags & FAULT_REFUSE_STREAM))
        stream(c, f);
    else
        fake_answer(c, f->status ? f->status : 200, f->type ? f->type : json, headers, body);
}

struct fault_server *fault_server_start(int port, const char *cert_file, const char *script)
{
    const struct fault_script *f = fault_script(script);
    if (!f)
        return NULL;
    struct fault_server *s = ipw_calloc(1, sizeof *s);
    s->script = f;
    pthread_mutex_init(&s->lock, NULL);
    s->http = http_fake_start(port, cert_file, answer, s);
    if (s->http)
        return s;
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

void fault_server_script(struct fault_server *s, const char *script)
{
    const struct fault_script *f = fault_script(script);
    if (!f)
        abort();
    pthread_mutex_lock(&s->lock);
    s->script = f;
    pthread_mutex_unlock(&s->lock);
}

struct http_fake *fault_server_http(struct fault_server *s)
{
    return s->http;
}

void fault_server_stop(struct fault_server *s)
{
    if (!s)
        return;
    http_fake_stop(s->http);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
