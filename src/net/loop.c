#include "net/loop.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "net/http.h"
#include "net/ready.h"

enum { EVENTS = 256, SPARE_FDS = 128, ONE_WRITE = 65536 };

static const int64_t RESEND_NS = 500000000;

struct call {
    struct http_loop *loop;
    CURL *curl;
    bool busy, cancelled, sent, headed;
    bool waits;      /* libcurl has begun to send it */
    bool listed;     /* in `unsent` */
    unsigned begins; /* how often */
    int64_t t_begun; /* just before its first byte was written */
    size_t len;
    char why[CURL_ERROR_SIZE];
};

struct http_loop {
    struct http_loop_cfg cfg;
    struct ready *ready;
    CURLM *multi;
    struct curl_slist *headers, *get_headers;
    struct call *call;
    uint32_t *unsent, *cancelled; /* numbers of calls */
    uint32_t n_unsent, n_cancelled;
    int64_t timer_ns; /* when libcurl wants to be called; INT64_MAX: not */
};

/* ---- what libcurl calls ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *socket_ud)
{
    struct http_loop *l = ud;
    static const int words[] = {[CURL_POLL_IN] = READY_IN, [CURL_POLL_OUT] = READY_OUT,
                                [CURL_POLL_INOUT] = READY_IN | READY_OUT};
    (void)easy;
    (void)socket_ud;
    ready_set(l->ready, fd, what == CURL_POLL_REMOVE ? 0 : words[what]);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *ud)
{
    struct http_loop *l = ud;
    (void)multi;
    l->timer_ns = ms < 0 ? INT64_MAX : ipw_now(l->cfg.env) + (int64_t)ms * 1000000;
    return 0;
}

static uint32_t number_of(const struct call *c)
{
    return (uint32_t)(c - c->loop->call);
}

/* libcurl sends a request again when a connection that it had kept ends before a byte of the answer: the server had closed it
 * meanwhile. That shows at once. Later the server was at work on the request, and a second one would be a hidden retry. */
static int on_begin(void *ud, char *ip, char *local_ip, int port, int local_port)
{
    struct call *c = ud;
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    int64_t t = ipw_now(c->loop->cfg.env);
    if (c->sent && t - c->t_begun > RESEND_NS)
        return CURL_PREREQFUNC_ABORT;
    c->t_begun = t;
    c->sent = false;
    c->begins++;
    if (!c->listed)
        c->loop->unsent[c->loop->n_unsent++] = number_of(c);
    c->listed = c->waits = true;
    return CURL_PREREQFUNC_OK;
}

static void tell_sent(struct call *c, int64_t t)
{
    c->sent = true;
    c->loop->cfg.ops->on_sent(c->loop->cfg.ud, number_of(c), t);
}

static size_t on_body(char *p, size_t size, size_t n, void *ud)
{
    struct call *c = ud;
    const struct http_loop_cfg *cfg = &c->loop->cfg;
    int64_t t = ipw_now(cfg->env);
    if (!c->sent)
        tell_sent(c, c->t_begun);
    if (!c->headed) {
        long status = 0;
        char *type = NULL;
        curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(c->curl, CURLINFO_CONTENT_TYPE, &type);
        c->headed = true;
        cfg->ops->on_head(cfg->ud, number_of(c), status, type ? type : "");
    }
    return cfg->ops->on_body(cfg->ud, number_of(c), p, size * n, t) ? size * n : 0;
}

/* ---- one request ---- */

static CURL *new_easy(struct call *c)
{
    const struct http_loop_cfg *cfg = &c->loop->cfg;
    CURL *e = curl_easy_init();
    if (!e)
        IPW_BUG("out of memory");
    curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->why);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "ipw");
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(cfg->connect_timeout_s * 1e3));
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(cfg->timeout_s * 1e3));
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_begin);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, c);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    if (cfg->no_proxy)
        curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    if (cfg->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, cfg->ca_file);
    if (cfg->bearer) {
        curl_easy_setopt(e, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(e, CURLOPT_XOAUTH2_BEARER, cfg->bearer);
    }
    return e;
}

void http_loop_start(struct http_loop *l, uint32_t call, const char *url, const char *body, size_t len)
{
    struct call *c = &l->call[call];
    if (c->busy)
        IPW_BUG("call is busy");
    if (!c->curl)
        c->curl = new_easy(c);
    c->busy = true;
    c->cancelled = c->sent = c->headed = c->waits = false;
    c->begins = 0;
    c->len = body ? len : 0;
    c->why[0] = '\0';
    c->t_begun = ipw_now(l->cfg.env);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    if (body) {
        curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    } else
        curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, body ? l->headers : l->get_headers);
    curl_multi_add_handle(l->multi, c->curl);
}

static const struct {
    CURLcode code;
    enum http_end end;
} ends[] = {
    {CURLE_OK, HTTP_ANSWERED},
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_DNS},
    {CURLE_COULDNT_RESOLVE_PROXY, HTTP_DNS},
    {CURLE_COULDNT_CONNECT, HTTP_CONNECT},
    {CURLE_PROXY, HTTP_CONNECT},
    {CURLE_URL_MALFORMAT, HTTP_CONNECT},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_CONNECT},
    {CURLE_SSL_CONNECT_ERROR, HTTP_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_TLS},
    {CURLE_SSL_CERTPROBLEM, HTTP_TLS},
    {CURLE_SSL_CACERT_BADFILE, HTTP_TLS},
    {CURLE_SSL_ISSUER_ERROR, HTTP_TLS},
    {CURLE_OPERATION_TIMEDOUT, HTTP_TIMEOUT},
    {CURLE_PARTIAL_FILE, HTTP_CUT},
    {CURLE_RECV_ERROR, HTTP_CUT},
    {CURLE_SEND_ERROR, HTTP_CUT},
    {CURLE_ABORTED_BY_CALLBACK, HTTP_CUT}, /* on_begin's word */
    {CURLE_GOT_NOTHING, HTTP_CUT},
    {CURLE_HTTP2, HTTP_CUT},
    {CURLE_HTTP2_STREAM, HTTP_CUT},
};

static enum http_end end_of(CURLcode code)
{
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i].code == code)
            return ends[i].end;
    return HTTP_PROTOCOL;
}

/* Takes it from libcurl, then tells the caller, who may start it anew. */
static void finish(struct call *c, CURLcode code)
{
    struct http_loop *l = c->loop;
    struct http_result r = {.end = c->cancelled ? HTTP_CANCELLED : end_of(code), .retry_after_s = -1};
    curl_off_t after = 0;
    char why[CURL_ERROR_SIZE];
    int64_t t = ipw_now(l->cfg.env);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &r.status);
    if (!curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &after) && after > 0)
        r.retry_after_s = (int64_t)after;
    if (r.status && !c->sent)
        tell_sent(c, c->t_begun);
    if (r.end == HTTP_TIMEOUT && !c->sent && !c->waits)
        r.end = HTTP_CONNECT;
    r.sent = c->sent;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        snprintf(c->why, sizeof c->why, "the server closed the connection without an answer");
    snprintf(why, sizeof why, "%s", r.end == HTTP_ANSWERED ? "" : *c->why ? c->why : curl_easy_strerror(code));
    r.why = why;
    curl_multi_remove_handle(l->multi, c->curl);
    if (c->begins > 1) { /* libcurl counts these over the life of a handle, and gives up at the fifth */
        curl_easy_cleanup(c->curl);
        c->curl = NULL;
    }
    c->busy = c->waits = false;
    l->cfg.ops->on_end(l->cfg.ud, number_of(c), &r, t);
}

/* A small request leaves in one write, at the moment it was begun; a larger one when its last byte has been taken. */
static void look_for_sent(struct http_loop *l)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < l->n_unsent; i++) {
        struct call *c = &l->call[l->unsent[i]];
        curl_off_t up = 0;
        c->listed = false;
        if (!c->busy || !c->waits || c->sent)
            continue;
        curl_easy_getinfo(c->curl, CURLINFO_SIZE_UPLOAD_T, &up);
        if ((size_t)up >= c->len)
            tell_sent(c, c->len < ONE_WRITE ? c->t_begun : ipw_now(l->cfg.env));
        c->listed = !c->sent;
        if (c->listed)
            l->unsent[left++] = l->unsent[i];
    }
    l->n_unsent = left;
}

static void collect(struct http_loop *l)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(l->multi, &left))) {
        struct call *c;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        finish(c, code);
    }
}

void http_loop_cancel(struct http_loop *l, uint32_t call)
{
    struct call *c = &l->call[call];
    if (!c->busy || c->cancelled)
        return;
    c->cancelled = true;
    l->cancelled[l->n_cancelled++] = call;
}

static void drop_cancelled(struct http_loop *l)
{
    while (l->n_cancelled) {
        struct call *c = &l->call[l->cancelled[--l->n_cancelled]];
        if (c->busy && c->cancelled)
            finish(c, CURLE_ABORTED_BY_CALLBACK);
    }
}

void http_loop_run(struct http_loop *l, int64_t deadline_ns)
{
    struct ready_fd fd[EVENTS];
    int running;
    int64_t now = ipw_now(l->cfg.env), until = l->timer_ns < deadline_ns ? l->timer_ns : deadline_ns;
    int n = ready_wait(l->ready, l->n_cancelled || until <= now ? 0 : until - now, fd, EVENTS);
    for (int i = 0; i < n; i++)
        curl_multi_socket_action(l->multi, fd[i].fd,
                                 (fd[i].what & READY_IN ? CURL_CSELECT_IN : 0) |
                                     (fd[i].what & READY_OUT ? CURL_CSELECT_OUT : 0) |
                                     (fd[i].what & READY_ERR ? CURL_CSELECT_ERR : 0),
                                 &running);
    if (ipw_now(l->cfg.env) >= l->timer_ns) {
        l->timer_ns = INT64_MAX;
        curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    if (l->n_unsent)
        look_for_sent(l);
    collect(l);
    drop_cancelled(l);
}

/* ---- open and close ---- */

static void more_descriptors(uint32_t calls)
{
    struct rlimit lim;
    rlim_t want = (rlim_t)calls + SPARE_FDS;
    if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur >= want)
        return;
    lim.rlim_cur = lim.rlim_max == RLIM_INFINITY || lim.rlim_max > want ? want : lim.rlim_max;
    setrlimit(RLIMIT_NOFILE, &lim);
}

int http_loop_open(struct http_loop **out, const struct http_loop_cfg *cfg, struct ipw_err *err)
{
    struct http_loop *l = ipw_calloc(1, sizeof *l);
    *out = NULL;
    http_global();
    more_descriptors(cfg->calls);
    l->cfg = *cfg;
    l->timer_ns = INT64_MAX;
    l->ready = ready_new();
    l->multi = curl_multi_init();
    if (!l->ready || !l->multi) {
        http_loop_close(l);
        return ipw_err_set(err, IPW_E_ENV, "cannot wait for connections: %s; close what holds so many files",
                           strerror(errno));
    }
    l->call = ipw_calloc(cfg->calls, sizeof *l->call);
    l->unsent = ipw_calloc(cfg->calls, sizeof *l->unsent);
    l->cancelled = ipw_calloc(cfg->calls, sizeof *l->cancelled);
    for (uint32_t i = 0; i < cfg->calls; i++)
        l->call[i].loop = l;
    for (size_t i = 0; cfg->headers && cfg->headers[i]; i++) {
        l->headers = curl_slist_append(l->headers, cfg->headers[i]);
        l->get_headers = curl_slist_append(l->get_headers, cfg->headers[i]);
    }
    l->headers = curl_slist_append(l->headers, "Content-Type: application/json");
    l->headers = curl_slist_append(l->headers, "Expect:"); /* a large prompt does not wait for leave */
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)cfg->calls + 8);
    *out = l;
    return 0;
}

void http_loop_close(struct http_loop *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; l->call && i < l->cfg.calls; i++) {
        if (l->call[i].busy)
            curl_multi_remove_handle(l->multi, l->call[i].curl);
        curl_easy_cleanup(l->call[i].curl);
    }
    curl_multi_cleanup(l->multi);
    curl_slist_free_all(l->headers);
    curl_slist_free_all(l->get_headers);
    ready_free(l->ready);
    free(l->call);
    free(l->unsent);
    free(l->cancelled);
    free(l);
}

const char *http_loop_version(void)
{
    return curl_version();
}
