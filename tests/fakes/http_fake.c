#include "fakes/http_fake.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "fakes/tls_cert.h"

enum { HEAD_MAX = 256 << 10, BODY_MAX = 256 << 20 };

struct seen {
    struct fake_seen r;
    char *head, *headers, *body;
};

struct fake_conn {
    struct http_fake *server;
    struct fake_conn *next;
    int fd, id, mode;
    SSL *ssl;
    bool gone, closing;
    uint32_t crc, total; /* of what gzip holds */
    struct ipw_buf in;   /* read, not used yet */
};

struct http_fake {
    int fd, port, connections, live;
    bool stopping;
    fake_handler *handler;
    void *ud;
    SSL_CTX *tls;
    char *log;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t idle;
    struct fake_conn *conns;
    struct seen **seen;
    size_t n, cap;
};

static bool stopping(struct http_fake *s)
{
    pthread_mutex_lock(&s->lock);
    bool is = s->stopping;
    pthread_mutex_unlock(&s->lock);
    return is;
}

/* ---- bytes ---- */

static ssize_t take(struct fake_conn *c, char *p, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0);
}

void fake_raw(struct fake_conn *c, const void *data, size_t n)
{
    for (const char *p = data; n && !c->gone;) {
        ssize_t got = c->ssl ? SSL_write(c->ssl, p, n > 16384 ? 16384 : (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (got <= 0 && !(errno == EINTR && !c->ssl)) {
            c->gone = true;
        } else if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

bool fake_gone(struct fake_conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    char byte;
    if (!c->gone && poll(&p, 1, 0) > 0 && !c->ssl)
        c->gone = (p.revents & (POLLERR | POLLHUP)) || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    if (!c->gone)
        c->gone = stopping(c->server);
    return c->gone;
}

void fake_pause(struct fake_conn *c, int64_t ns)
{
    enum { STEP = 20000000 };
    for (; ns > 0 && !fake_gone(c); ns -= STEP) {
        struct timespec t = {0, ns < STEP ? (long)ns : STEP};
        nanosleep(&t, NULL);
    }
}

static void chunk(struct fake_conn *c, const void *p, size_t n)
{
    char size[20];
    if (!(c->mode & FAKE_CHUNKED)) {
        fake_raw(c, p, n);
        return;
    }
    struct ipw_buf b = IPW_BUF_INIT;
    int digits = snprintf(size, sizeof size, "%zx\r\n", n);
    ipw_buf_add(&b, size, (size_t)digits);
    ipw_buf_add(&b, p, n);
    ipw_buf_adds(&b, "\r\n");
    fake_raw(c, b.s, b.len);
    ipw_buf_release(&b);
}

static void pieces(struct fake_conn *c, const char *p, size_t n)
{
    if (!(c->mode & FAKE_SPLIT) && n)
        chunk(c, p, n);
    for (size_t i = 0; i < n && (c->mode & FAKE_SPLIT) && !c->gone; i++)
        chunk(c, p + i, 1);
}

/* gzip without compression: stored blocks, so that what was written can be read at once. */
static void stored(struct fake_conn *c, const unsigned char *p, size_t n, bool last)
{
    for (size_t i = 0; i < n; i++) {
        c->crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            c->crc = c->crc & 1 ? c->crc >> 1 ^ 0xedb88320U : c->crc >> 1;
    }
    c->total += (uint32_t)n;
    do {
        size_t m = n < 65535 ? n : 65535;
        unsigned char head[5] = {last && m == n, (unsigned char)m, (unsigned char)(m >> 8), (unsigned char)~m,
                                 (unsigned char)(~m >> 8)};
        pieces(c, (const char *)head, sizeof head);
        pieces(c, (const char *)p, m);
        p += m;
        n -= m;
    } while (n);
}

void fake_body(struct fake_conn *c, const void *p, size_t n)
{
    if (!(c->mode & FAKE_GZIP))
        pieces(c, p, n);
    else if (n)
        stored(c, p, n, false);
}

void fake_end(struct fake_conn *c)
{
    if (c->mode & FAKE_GZIP) {
        unsigned char tail[8];
        stored(c, (const unsigned char *)"", 0, true);
        uint32_t words[2] = {~c->crc, c->total};
        for (int i = 0; i < 8; i++)
            tail[i] = (unsigned char)(words[i / 4] >> 8 * (i % 4));
        pieces(c, (const char *)tail, sizeof tail);
    }
    if (c->mode & FAKE_CHUNKED)
        fake_raw(c, "0\r\n\r\n", 5);
    if (c->mode & FAKE_UNTIL_CLOSE)
        fake_close(c);
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *words;
    } all[] = {{200, "OK"}, {302, "Found"}, {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
               {404, "Not Found"}, {429, "Too Many Requests"}, {500, "Internal Server Error"},
               {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].status == status)
            return all[i].words;
    return "Unknown";
}

void fake_head(struct fake_conn *c, int status, int mode, const char *type, const char *headers, size_t length)
{
    struct ipw_buf b = IPW_BUF_INIT;
    ipw_buf_addf(&b, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s", status, reason(status), type, headers);
    if (mode & FAKE_GZIP)
        ipw_buf_adds(&b, "Content-Encoding: gzip\r\n");
    if (mode & FAKE_CHUNKED)
        ipw_buf_adds(&b, "Transfer-Encoding: chunked\r\n");
    else if (mode & FAKE_UNTIL_CLOSE)
        ipw_buf_adds(&b, "Connection: close\r\n");
    else
        ipw_buf_addf(&b, "Content-Length: %zu\r\n", length);
    ipw_buf_adds(&b, "\r\n");
    fake_raw(c, b.s, b.len);
    ipw_buf_release(&b);
    c->mode = mode;
    c->crc = ~0U;
    c->total = 0;
    if (mode & FAKE_GZIP)
        pieces(c, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
}

void fake_answer(struct fake_conn *c, int status, const char *type, const char *headers, const char *body)
{
    fake_head(c, status, FAKE_LENGTH, type, headers, strlen(body));
    fake_body(c, body, strlen(body));
    fake_end(c);
}

void fake_reset(struct fake_conn *c)
{
    struct linger now = {1, 0};
    fake_pause(c, 50000000);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    c->closing = true;
}

void fake_close(struct fake_conn *c)
{
    c->closing = true;
}

/* ---- requests ---- */

static bool fill(struct fake_conn *c)
{
    char piece[65536];
    ssize_t n;
    do
        n = take(c, piece, sizeof piece);
    while (n < 0 && errno == EINTR && !c->ssl);
    if (n > 0)
        ipw_buf_add(&c->in, piece, (size_t)n);
    return n > 0;
}

/* Value of a header in "Name: value\n" lines, or NULL. */
static const char *header(const char *lines, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = lines; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
        if (!strncasecmp(p, name, n) && p[n] == ':')
            return p + n + 1 + strspn(p + n + 1, " ");
    return NULL;
}

/* The next request, whole, or NULL: the client went, or what came is no request. */
static struct seen *next_request(struct fake_conn *c)
{
    char *end;
    while (!(end = memmem(c->in.s, c->in.len, "\r\n\r\n", 4)))
        if (c->in.len > HEAD_MAX || !fill(c))
            return NULL;
    struct seen *q = ipw_calloc(1, sizeof *q);
    size_t head = (size_t)(end - c->in.s) + 4;
    q->head = ipw_strndup(c->in.s, head - 4);
    char *line = strstr(q->head, "\r\n"), *target = strchr(q->head, ' '), *version;
    q->headers = ipw_calloc(1, head);
    size_t w = 0;
    for (const char *p = line ? line + 2 : ""; *p; p++)
        if (*p != '\r')
            q->headers[w++] = *p;
    if (line)
        *line = '\0';
    if (!target || !(version = strchr(target + 1, ' ')))
        version = target = q->head + strlen(q->head);
    if (*target)
        *target++ = *version = '\0';
    const char *path = strstr(target, "://") ? strchr(strstr(target, "://") + 3, '/') : target;
    const char *length = header(q->headers, "Content-Length"), *expect = header(q->headers, "Expect");
    size_t n = length ? strtoul(length, NULL, 10) : 0;
    if (n <= BODY_MAX && expect && c->in.len < head + n)
        fake_raw(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    while (n <= BODY_MAX && c->in.len < head + n && fill(c))
        ;
    n = c->in.len < head + n ? c->in.len - head : n;
    q->body = ipw_strndup(c->in.s + head, n);
    memmove(c->in.s, c->in.s + head + n, c->in.len - head - n + 1);
    c->in.len -= head + n;
    q->r = (struct fake_seen){.method = q->head, .target = target, .headers = q->headers, .body = q->body, .body_len = n,
                              .connection = c->id};
    q->r.path = ipw_strndup(path ? path : "/", strcspn(path ? path : "/", "?"));
    return q;
}

static void keep(struct http_fake *s, struct seen *q)
{
    pthread_mutex_lock(&s->lock);
    IPW_GROW(s->seen, s->n, s->cap);
    s->seen[s->n++] = q;
    FILE *f = s->log ? fopen(s->log, "a") : NULL;
    if (f) {
        fprintf(f, "%s %s\n%s\n\n", q->r.method, q->r.target, q->r.headers);
        fwrite(q->r.body, 1, q->r.body_len, f);
        fputs("\n\n", f);
        fclose(f);
    }
    pthread_mutex_unlock(&s->lock);
}

static void *converse(void *arg)
{
    struct fake_conn *c = arg;
    struct http_fake *s = c->server;
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (s->tls) {
        c->ssl = SSL_new(s->tls);
        SSL_set_fd(c->ssl, c->fd);
        c->gone = SSL_accept(c->ssl) != 1;
    }
    struct seen *q;
    for (int nth = 0; !c->gone && !c->closing && (q = next_request(c)); nth++) {
        q->r.nth = nth;
        keep(s, q);
        s->handler(s->ud, c, &q->r);
        const char *connection = header(q->r.headers, "Connection");
        if (connection && !strncasecmp(connection, "close", 5))
            c->closing = true;
    }
    if (c->ssl && !c->gone)
        SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    pthread_mutex_lock(&s->lock);
    for (struct fake_conn **p = &s->conns; *p; p = &(*p)->next)
        if (*p == c) {
            *p = c->next;
            break;
        }
    close(c->fd);
    ipw_buf_release(&c->in);
    free(c);
    if (!--s->live)
        pthread_cond_signal(&s->idle);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void *listening(void *arg)
{
    struct http_fake *s = arg;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0 || errno == EINTR || errno == ECONNABORTED;) {
        if (fd < 0)
            continue;
        pthread_t t;
        struct fake_conn *c = ipw_calloc(1, sizeof *c);
        *c = (struct fake_conn){.server = s, .fd = fd};
        ipw_buf_init(&c->in);
        pthread_mutex_lock(&s->lock);
        c->id = s->connections++;
        c->next = s->conns;
        s->conns = c;
        s->live++;
        if (s->stopping)
            shutdown(fd, SHUT_RDWR);
        pthread_mutex_unlock(&s->lock);
        if (pthread_create(&t, &detached, converse, c))
            abort();
    }
    pthread_attr_destroy(&detached);
    return NULL;
}

/* ---- the server ---- */

struct http_fake *http_fake_start(int port, const char *cert_file, fake_handler *handler, void *ud)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
        bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&a, &len)) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct http_fake *s = ipw_calloc(1, sizeof *s);
    *s = (struct http_fake){.fd = fd, .port = ntohs(a.sin_port), .handler = handler, .ud = ud};
    s->tls = cert_file ? tls_self_signed(cert_file) : NULL;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    sigset_t pipe, old;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE); /* what OpenSSL writes to a closed socket */
    pthread_sigmask(SIG_BLOCK, &pipe, &old); /* threads inherit it */
    bool bad = (cert_file && !s->tls) || pthread_create(&s->thread, NULL, listening, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (bad)
        abort();
    return s;
}

void http_fake_stop(struct http_fake *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    for (struct fake_conn *c = s->conns; c; c = c->next)
        shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    shutdown(s->fd, SHUT_RDWR); /* accept returns */
    pthread_join(s->thread, NULL);
    close(s->fd);
    pthread_mutex_lock(&s->lock);
    while (s->live)
        pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->n; i++) {
        struct seen *q = s->seen[i];
        free((void *)(uintptr_t)q->r.path);
        free(q->head);
        free(q->headers);
        free(q->body);
        free(q);
    }
    free(s->seen);
    free(s->log);
    SSL_CTX_free(s->tls);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

int http_fake_port(const struct http_fake *s)
{
    return s->port;
}

void http_fake_url(const struct http_fake *s, char *url, size_t size)
{
    snprintf(url, size, "%s://127.0.0.1:%d", s->tls ? "https" : "http", s->port);
}

size_t http_fake_n(struct http_fake *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->n;
    pthread_mutex_unlock(&s->lock);
    return n;
}

bool http_fake_seen(struct http_fake *s, size_t i, struct fake_seen *out)
{
    pthread_mutex_lock(&s->lock);
    bool is = i < s->n;
    if (is)
        *out = s->seen[i]->r;
    pthread_mutex_unlock(&s->lock);
    return is;
}

int http_fake_connections(struct http_fake *s)
{
    pthread_mutex_lock(&s->lock);
    int n = s->connections;
    pthread_mutex_unlock(&s->lock);
    return n;
}

void http_fake_log(struct http_fake *s, const char *path)
{
    pthread_mutex_lock(&s->lock);
    free(s->log);
    s->log = ipw_strdup(path);
    pthread_mutex_unlock(&s->lock);
}

_Noreturn void http_fake_serve(struct http_fake *s)
{
    printf("%d\n", http_fake_port(s));
    fflush(stdout);
    for (;;)
        pause();
}
