/* Many HTTP requests at once on one thread: libcurl's socket interface, so that gzip, HTTP/2, TLS, proxies and reuse are
 * libcurl's, driven by ready.h. Nothing is allocated per received piece. Certificates are always checked, redirects not
 * followed, proxies taken from the usual variables, but never for a server on this machine's loopback. */
#ifndef IPW_NET_LOOP_H
#define IPW_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

struct http_loop;

/* How a request ended. Up to HTTP_TLS it never reached the server whole unless `sent` says so. */
enum http_end {
    HTTP_ANSWERED, /* status tells what */
    HTTP_DNS,
    HTTP_CONNECT,
    HTTP_TLS,
    HTTP_TIMEOUT,
    HTTP_CUT,      /* the connection broke */
    HTTP_PROTOCOL, /* what came is no HTTP, or on_body did not want it */
    HTTP_CANCELLED,
};

struct http_result {
    enum http_end end;
    bool sent;             /* the request was wholly written */
    long status;           /* 0: none */
    int64_t retry_after_s; /* -1: not said */
    const char *why;       /* in words; "" when answered; valid during on_end */
};

/* Called on the thread of http_loop_run, inside it, with ud of http_loop_cfg. t_ns is ipw_now() at the instant. */
struct http_loop_ops {
    void (*on_sent)(void *ud, uint32_t call, int64_t t_ns); /* again when a dropped connection made libcurl send it anew */
    void (*on_head)(void *ud, uint32_t call, long status, const char *content_type); /* before the first byte; type may be "" */
    bool (*on_body)(void *ud, uint32_t call, const char *p, size_t n, int64_t t_ns); /* false: enough, HTTP_PROTOCOL */
    void (*on_end)(void *ud, uint32_t call, const struct http_result *r, int64_t t_ns);
};

struct http_loop_cfg {
    const struct ipw_env *env;
    const struct http_loop_ops *ops;
    void *ud;
    uint32_t calls;             /* most at once: numbers 0 .. calls - 1 */
    const char *bearer;         /* NULL: none */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const char *ca_file;        /* NULL: the system's */
    bool no_proxy;
    double timeout_s, connect_timeout_s;
};

int http_loop_open(struct http_loop **out, const struct http_loop_cfg *cfg, struct ipw_err *err);
void http_loop_close(struct http_loop *l); /* on_end is not called for what is under way; NULL is fine */

/* Asks: a POST of body (JSON, stays the caller's and untouched until on_end), a GET when it is NULL. `call` must be free;
 * it is again once its on_end has returned. Never blocks; on_end also tells what cannot even begin. */
void http_loop_start(struct http_loop *l, uint32_t call, const char *url, const char *body, size_t len);

/* Ends it: its on_end comes with the next http_loop_run. Nothing when it is not under way. */
void http_loop_cancel(struct http_loop *l, uint32_t call);

/* Waits until deadline_ns of ipw_now() at most, less once something has happened, and does what is to be done. */
void http_loop_run(struct http_loop *l, int64_t deadline_ns);

/* The version of libcurl and its TLS library. */
const char *http_loop_version(void);

#endif
