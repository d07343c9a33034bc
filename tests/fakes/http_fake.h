/* An HTTP/1.1 server whose every byte the caller decides, for servers that clients are tested against. On sockets of its own,
 * since no server library can be made to break the protocol. One thread per connection; 127.0.0.1 only. */
#ifndef IPW_TESTS_HTTP_FAKE_H
#define IPW_TESTS_HTTP_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request as it came; the texts live until the server stops. */
struct http_seen {
    const char *method, *target, *path; /* target as sent: a proxy is given the whole URL; path without host and query */
    const char *headers;                /* "Name: value\n" lines */
    const char *body;
    size_t body_len;
    int connection, nth; /* from 0; nth request of its connection */
};

struct http_conn; /* one answer in the making */

/* How the body of an answer goes out. */
enum {
    HTTP_LENGTH = 0,   /* http_body once, with a Content-Length */
    HTTP_CHUNKED = 1,
    HTTP_UNTIL_CLOSE = 2, /* no length: the end of the connection ends it */
    HTTP_SPLIT = 4,    /* every byte is a chunk (if CHUNKED) and a segment of its own */
    HTTP_GZIP = 8      /* Content-Encoding: gzip */
};

/* status 0: no status line and no headers at all. headers: "Name: value\r\n" lines or "". length: of HTTP_LENGTH. */
void http_head(struct http_conn *c, int status, int mode, const char *type, const char *headers, size_t length);
void http_body(struct http_conn *c, const void *p, size_t n); /* may be called more than once */
void http_end(struct http_conn *c);                           /* what ends a body of this mode */
void http_answer(struct http_conn *c, int status, const char *type, const char *headers, const char *body);
void http_raw(struct http_conn *c, const void *p, size_t n);
void http_reset(struct http_conn *c); /* RST, after what was sent has had time to arrive */
void http_close(struct http_conn *c); /* FIN after this answer */
bool http_gone(struct http_conn *c);  /* the client left, or the server is being stopped */
void http_pause(struct http_conn *c, int64_t ns); /* returns early when gone */

struct http_fake;
typedef void http_handler(void *ud, struct http_conn *c, const struct http_seen *r);

/* port 0: any. cert_file: TLS with a certificate made for this server and written there as PEM; NULL: none. NULL when the
 * port is taken. */
struct http_fake *http_fake_start(int port, const char *cert_file, http_handler *handler, void *ud);
void http_fake_stop(struct http_fake *s); /* ends every connection; NULL is fine */
int http_fake_port(const struct http_fake *s);
void http_fake_url(const struct http_fake *s, char *url, size_t size); /* "http://127.0.0.1:PORT" */
size_t http_fake_n(struct http_fake *s);                               /* requests seen */
bool http_fake_seen(struct http_fake *s, size_t i, struct http_seen *out);
int http_fake_connections(struct http_fake *s);
void http_fake_log(struct http_fake *s, const char *path); /* every request whole, appended to a file */

/* For programs: prints the port, serves until it is killed. */
_Noreturn void http_fake_serve(struct http_fake *s);

#endif
