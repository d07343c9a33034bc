/* An HTTP/1.1 server whose every byte the caller decides, for servers that clients are tested against. On sockets of its own,
 * since no server library can be made to break the protocol. One thread per connection; 127.0.0.1 only. */
#ifndef IPW_TESTS_HTTP_FAKE_H
#define IPW_TESTS_HTTP_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request as it came; the texts live until the server stops. */
struct fake_seen {
    const char *method, *target, *path; /* target as sent: a proxy is given the whole URL; path without host and query */
    const char *headers;                /* "Name: value\n" lines */
    const char *body;
    size_t body_len;
    int connection, nth; /* from 0; nth request of its connection */
};

struct fake_conn; /* one answer in the making */

/* How the body of an answer goes out. */
enum {
    FAKE_LENGTH = 0,   /* fake_body once, with a Content-Length */
    FAKE_CHUNKED = 1,
    FAKE_UNTIL_CLOSE = 2, /* no length: the end of the connection ends it */
    FAKE_SPLIT = 4,    /* every byte is a chunk (if CHUNKED) and a segment of its own */
    FAKE_GZIP = 8      /* Content-Encoding: gzip */
};

/* status 0: no status line and no headers at all. headers: "Name: value\r\n" lines or "". length: of FAKE_LENGTH. */
void fake_head(struct fake_conn *c, int status, int mode, const char *type, const char *headers, size_t length);
void fake_body(struct fake_conn *c, const void *p, size_t n); /* may be called more than once */
void fake_end(struct fake_conn *c);                           /* what ends a body of this mode */
void fake_answer(struct fake_conn *c, int status, const char *type, const char *headers, const char *body);
void fake_raw(struct fake_conn *c, const void *p, size_t n);
void fake_reset(struct fake_conn *c); /* RST, after what was sent has had time to arrive */
void fake_close(struct fake_conn *c); /* FIN after this answer */
bool fake_gone(struct fake_conn *c);  /* the client left, or the server is being stopped */
void fake_pause(struct fake_conn *c, int64_t ns); /* returns early when gone */

struct http_fake;
typedef void fake_handler(void *ud, struct fake_conn *c, const struct fake_seen *r);

/* port 0: any. cert_file: TLS with a certificate made for this server and written there as PEM; NULL: none. NULL when the
 * port is taken. */
struct http_fake *http_fake_start(int port, const char *cert_file, fake_handler *handler, void *ud);
void http_fake_stop(struct http_fake *s); /* ends every connection; NULL is fine */
int http_fake_port(const struct http_fake *s);
void http_fake_url(const struct http_fake *s, char *url, size_t size); /* "http://127.0.0.1:PORT" */
size_t http_fake_n(struct http_fake *s);                               /* requests seen */
bool http_fake_seen(struct http_fake *s, size_t i, struct fake_seen *out);
int http_fake_connections(struct http_fake *s);
void http_fake_log(struct http_fake *s, const char *path); /* every request whole, appended to a file */

/* For programs: prints the port, serves until it is killed. */
_Noreturn void http_fake_serve(struct http_fake *s);

#endif
