#include "net/null_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/null_frames.h"
#include "net/ready.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS says it per socket */
#endif

enum { HEAD_MAX = 16 << 10, BODY_MAX = 16 << 20, READY = 256, BURST = 8, BACKLOG = 1024 };

/* Lateness in steps of 1/32 of a power of two. */
enum { STEPS = 32, BUCKETS = 60 * STEPS };

struct conn {
    int fd;
    struct ipw_buf in, out; /* out: what the socket did not take yet */
    size_t sent;            /* of out */
    size_t head;            /* of in, once a head is whole; 0: not yet */
    size_t body;            /* its length */
    size_t at, heap_at;     /* in server.conn; in server.heap, NOT_DUE */
    int64_t due, frame;     /* of the next frame */
    bool answering, stream, usage, last; /* last: no request after this one */
};
#define NOT_DUE ((size_t)-1)

struct null_server {
    struct null_schedule schedule;
    struct null_frames frames;
    int port, fd, wake[2];
    bool accepting;
    struct ready *ready;
    struct conn **of; /* by descriptor; NULL: none, or another one since */
    size_t of_cap;
    int64_t woken; /* when what is being read now was there */
    struct conn **conn, **heap; /* heap: the earliest due first */
    size_t n, cap, heap_n, heap_cap;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    struct null_seen seen;
    int64_t late[BUCKETS];
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

/* ---- what was seen ---- */

static size_t bucket_of(int64_t ns)
{
    if (ns < STEPS)
        return ns < 0 ? 0 : (size_t)ns;
    int shift = 63 - __builtin_clzll((unsigned long long)ns) - 5;
    size_t i = (size_t)(shift + 1) * STEPS + (size_t)(ns >> shift) - STEPS;
    return i < BUCKETS ? i : BUCKETS - 1;
}

static int64_t bucket_ns(size_t i)
{
    if (i < STEPS)
        return (int64_t)i;
    size_t shift = i / STEPS - 1;
    return (int64_t)((i % STEPS + STEPS) << shift) + (shift ? (int64_t)1 << (shift - 1) : 0);
}

static int64_t late_at(const struct null_server *s, double share)
{
    int64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        if ((below += s->late[i]) > 0 && (double)below >= share * (double)s->seen.frames)
            return bucket_ns(i);
    return 0;
}

void null_server_seen(struct null_server *s, struct null_seen *seen)
{
    pthread_mutex_lock(&s->lock);
    *seen = s->seen;
    seen->late_p50_ns = late_at(s, 0.50);
    seen->late_p99_ns = late_at(s, 0.99);
    pthread_mutex_unlock(&s->lock);
}

/* ---- what is due: a binary heap, so that a thousand streams cost ten steps a frame ---- */

static void heap_set(struct null_server *s, size_t i, struct conn *c)
{
    s->heap[i] = c;
    c->heap_at = i;
}

static void heap_settle(struct null_server *s, size_t i)
{
    struct conn *c = s->heap[i];
    for (; i > 0 && s->heap[(i - 1) / 2]->due > c->due; i = (i - 1) / 2)
        heap_set(s, i, s->heap[(i - 1) / 2]);
    for (size_t k; (k = 2 * i + 1) < s->heap_n; i = k) {
        if (k + 1 < s->heap_n && s->heap[k + 1]->due < s->heap[k]->due)
            k++;
        if (s->heap[k]->due >= c->due)
            break;
        heap_set(s, i, s->heap[k]);
    }
    heap_set(s, i, c);
}

static void heap_add(struct null_server *s, struct conn *c)
{
    IPW_GROW(s->heap, s->heap_n, s->heap_cap);
    heap_set(s, s->heap_n++, c);
    heap_settle(s, c->heap_at);
}

static void heap_remove(struct null_server *s, struct conn *c)
{
    size_t i = c->heap_at;
    if (i == NOT_DUE)
        return;
    c->heap_at = NOT_DUE;
    if (i == --s->heap_n)
        return;
    heap_set(s, i, s->heap[s->heap_n]);
    heap_settle(s, i);
}

/* ---- connections ---- */

static void drop(struct null_server *s, struct conn *c)
{
    heap_remove(s, c);
    s->conn[c->at] = s->conn[--s->n];
    s->conn[c->at]->at = c->at;
    s->of[c->fd] = NULL;
    ready_set(s->ready, c->fd, 0);
    close(c->fd);
    ipw_buf_release(&c->in);
    ipw_buf_release(&c->out);
    free(c);
    if (!s->accepting) /* there is a descriptor again */
        s->accepting = ready_set(s->ready, s->fd, READY_IN);
}

static void set_up(int fd)
{
    int on = 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

static void welcome(struct null_server *s)
{
    int fd;
    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        struct conn *c = ipw_calloc(1, sizeof *c);
        *c = (struct conn){.fd = fd, .in = IPW_BUF_INIT, .out = IPW_BUF_INIT, .at = s->n, .heap_at = NOT_DUE};
        set_up(fd);
        IPW_GROW(s->conn, s->n, s->cap);
        s->conn[s->n++] = c;
        for (size_t old = s->of_cap; (size_t)fd >= s->of_cap; old = s->of_cap) {
            s->of = ipw_grow(s->of, &s->of_cap, sizeof *s->of);
            memset(s->of + old, 0, (s->of_cap - old) * sizeof *s->of);
        }
        s->of[fd] = c;
        if (!ready_set(s->ready, fd, READY_IN))
            drop(s, c);
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        ready_set(s->ready, s->fd, 0); /* those in the queue wait until one goes */
        s->accepting = false;
    }
}

/* Sends, and keeps what does not fit. False: the other end is gone. */
static bool put(struct null_server *s, struct conn *c, const char *p, size_t n)
{
    size_t done = 0;
    while (c->out.len == 0 && done < n) {
        ssize_t k = send(c->fd, p + done, n - done, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return false;
        if (k < 0) {
            ready_set(s->ready, c->fd, READY_IN | READY_OUT);
            break;
        }
        done += (size_t)k;
    }
    if (done < n)
        ipw_buf_add(&c->out, p + done, n - done);
    return true;
}

static bool put_buf(struct null_server *s, struct conn *c, const struct ipw_buf *b)
{
    return put(s, c, b->s, b->len);
}

static bool put_error(struct null_server *s, struct conn *c, int status, const char *text)
{
    struct ipw_buf b = IPW_BUF_INIT;
    null_frames_error(&b, status, text, c->last);
    bool ok = put_buf(s, c, &b);
    ipw_buf_release(&b);
    return ok;
}

/* ---- questions ---- */

/* The value of a header, "" when there is none. Returns out. */
static const char *header(const struct conn *c, const char *name, char out[64])
{
    size_t len = strlen(name);
    const char *end = c->in.s + c->head, *p = memchr(c->in.s, '\n', c->head);
    out[0] = '\0';
    for (; p && ++p < end; p = memchr(p, '\n', (size_t)(end - p))) {
        if ((size_t)(end - p) <= len || strncasecmp(p, name, len) || p[len] != ':')
            continue;
        p += len + 1 + strspn(p + len + 1, " \t");
        size_t n = strcspn(p, "\r\n");
        n = n < 63 ? n : 63;
        memcpy(out, p, n);
        out[n] = '\0';
        break;
    }
    return out;
}

/* Reads the head when it is there. Returns 0, or the status of the error that it is, which ends the connection. */
static int read_head(struct null_server *s, struct conn *c, const char **text)
{
    char value[64];
    int64_t length = 0;
    const char *end = memmem(c->in.s, c->in.len, "\r\n\r\n", 4);
    if (!end || end - c->in.s > HEAD_MAX) {
        *text = "the head of a request has 16 KiB at most";
        return c->in.len > HEAD_MAX ? 400 : 0;
    }
    c->head = (size_t)(end - c->in.s) + 4;
    const char *line = memchr(c->in.s, '\n', c->head);
    if (line - c->in.s < 10 || memcmp(line - 10, " HTTP/1.1\r", 10)) {
        *text = "only HTTP/1.1 is spoken here";
        return 505;
    }
    c->last = !strcasecmp(header(c, "connection", value), "close");
    if (*header(c, "transfer-encoding", value)) {
        *text = "a request needs Content-Length";
        return 411;
    }
    header(c, "content-length", value);
    if (*value && (!ipw_parse_i64(value, &length) || length < 0 || length > BODY_MAX)) {
        *text = "a request has 16 MiB at most";
        return 413;
    }
    c->body = (size_t)length;
    if (!strcasecmp(header(c, "expect", value), "100-continue") && c->in.len == c->head &&
        !put(s, c, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        c->last = true;
    return 0;
}

static bool begin_answer(struct null_server *s, struct conn *c)
{
    struct json_doc *doc;
    struct ipw_err err;
    if (json_read(&doc, c->in.s + c->head, c->body, 0, &err))
        return put_error(s, c, 400, "the body is not JSON");
    const json_val *root = json_root(doc);
    c->stream = json_true(json_get(root, "stream"));
    c->usage = json_true(json_get(json_get(root, "stream_options"), "include_usage"));
    json_doc_free(doc);
    c->answering = true;
    c->frame = 0;
    c->due = s->woken + s->schedule.first_ns;
    if (!c->stream) /* all of it at the time of its last token */
        c->due += (s->schedule.tokens - 1) * s->schedule.between_ns;
    if (!s->seen.first_ns)
        s->seen.first_ns = s->woken;
    heap_add(s, c);
    return !c->stream || put_buf(s, c, &s->frames.head);
}

static bool is_path(const char *target, size_t n, const char *end)
{
    size_t len = strlen(end);
    return n >= len && !memcmp(target + n - len, end, len);
}

static bool answer(struct null_server *s, struct conn *c)
{
    const char *method = c->in.s, *target = method + strcspn(method, " ");
    size_t method_n = (size_t)(target - method), n = strcspn(++target, " ?\r\n");
    bool get = method_n == 3 && !memcmp(method, "GET", 3), post = method_n == 4 && !memcmp(method, "POST", 4);
    if (is_path(target, n, "/chat/completions"))
        return post ? begin_answer(s, c) : put_error(s, c, 405, "POST it");
    if (is_path(target, n, "/models"))
        return get ? put_buf(s, c, &s->frames.models) : put_error(s, c, 405, "GET it");
    if (is_path(target, n, "/health"))
        return get ? put_buf(s, c, &s->frames.health) : put_error(s, c, 405, "GET it");
    return put_error(s, c, 404, "this server has POST /v1/chat/completions, GET /v1/models and GET /health");
}

/* Answers what has come, one question at a time. False: the connection is over. */
static bool take(struct null_server *s, struct conn *c)
{
    const char *text = NULL;
    while (!c->answering && !(c->last && c->head == 0)) {
        int status = c->head == 0 ? read_head(s, c, &text) : 0;
        if (status) {
            c->last = true;
            put_error(s, c, status, text);
            return false;
        }
        if (c->head == 0 || c->in.len < c->head + c->body)
            return true;
        if (!answer(s, c))
            return false;
        size_t used = c->head + c->body;
        memmove(c->in.s, c->in.s + used, c->in.len - used + 1);
        c->in.len -= used;
        c->head = 0;
    }
    return c->answering || c->out.len > 0;
}

static bool read_more(struct null_server *s, struct conn *c)
{
    char buf[16 << 10];
    ssize_t k;
    while ((k = recv(c->fd, buf, sizeof buf, 0)) > 0) {
        if (c->in.len + (size_t)k > HEAD_MAX + BODY_MAX)
            return false;
        ipw_buf_add(&c->in, buf, (size_t)k);
        if ((size_t)k < sizeof buf)
            break;
    }
    if (k == 0 || (k < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        return false;
    return take(s, c);
}

/* ---- answers ---- */

/* One frame, or all of an answer that is not streamed. */
static bool put_due(struct null_server *s, struct conn *c)
{
    int64_t now = now_ns();
    bool end = !c->stream || c->frame + 1 == s->schedule.tokens, ok;
    s->late[bucket_of(now - c->due)]++;
    s->seen.frames++;
    if (!c->stream) {
        ok = put_buf(s, c, &s->frames.whole);
    } else {
        null_frames_stamp(&s->frames, c->frame, now);
        ok = put_buf(s, c, &s->frames.token);
        if (ok && end)
            ok = put_buf(s, c, c->usage ? &s->frames.end_usage : &s->frames.end);
    }
    c->frame++;
    c->due += s->schedule.between_ns;
    if (!end && c->out.len == 0)
        heap_settle(s, c->heap_at);
    else
        heap_remove(s, c); /* over, or until the client has taken what it was sent */
    if (!ok || !end)
        return ok;
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    s->seen.cpu_ns = t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
    s->seen.requests++;
    c->answering = false;
    return take(s, c);
}

static bool write_more(struct null_server *s, struct conn *c)
{
    if (c->out.len == 0)
        return true;
    ssize_t k = send(c->fd, c->out.s + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
    if (k < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    c->sent += (size_t)k;
    if (c->sent < c->out.len)
        return true;
    ipw_buf_clear(&c->out);
    c->sent = 0;
    ready_set(s->ready, c->fd, READY_IN);
    if (c->answering && c->heap_at == NOT_DUE)
        heap_add(s, c);
    return c->answering || !c->last;
}

static void put_all_due(struct null_server *s, int most)
{
    int64_t now = now_ns();
    for (int i = 0; i < most && s->heap_n && s->heap[0]->due <= now; i++) {
        struct conn *c = s->heap[0];
        if (!put_due(s, c))
            drop(s, c);
    }
}

static void *serve(void *arg)
{
    struct null_server *s = arg;
    struct ready_fd ready[READY];
#ifdef __linux__
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* of this thread: the usual 50 us are lateness */
#endif
    for (bool over = false; !over;) {
        int64_t left = s->heap_n ? s->heap[0]->due - now_ns() : -1;
        int n = ready_wait(s->ready, s->heap_n && left < 0 ? 0 : left, ready, READY);
        s->woken = now_ns();
        pthread_mutex_lock(&s->lock);
        for (int i = 0; i < n; i++) {
            bool in = ready[i].what & (READY_IN | READY_ERR), out = ready[i].what & (READY_OUT | READY_ERR);
            struct conn *c = (size_t)ready[i].fd < s->of_cap ? s->of[ready[i].fd] : NULL;
            if (ready[i].fd == s->wake[0])
                over = true;
            else if (ready[i].fd == s->fd)
                welcome(s);
            else if (c && ((in && !read_more(s, c)) || (out && !write_more(s, c))))
                drop(s, c);
            if (i % BURST == BURST - 1) /* many questions at once hold up no frames */
                put_all_due(s, BURST);
        }
        put_all_due(s, BURST); /* nor many frames a question */
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

static int listen_on(struct null_server *s, int port, struct ipw_err *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof a;
    int on = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (s->fd < 0)
        return ipw_err_set(err, IPW_E_ENV, "cannot open a socket: %s; raise 'ulimit -n'", strerror(errno));
    set_up(s->fd);
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s->fd, (struct sockaddr *)&a, sizeof a) || listen(s->fd, BACKLOG) ||
        getsockname(s->fd, (struct sockaddr *)&a, &len))
        return ipw_err_set(err, IPW_E_ENV, "cannot listen on port '%d' of 127.0.0.1: %s; give another, or 0 for any that is "
                           "free", port, strerror(errno));
    s->port = ntohs(a.sin_port);
    return 0;
}

static void release(struct null_server *s)
{
    while (s->n)
        drop(s, s->conn[0]);
    ready_free(s->ready);
    int fds[] = {s->fd, s->wake[0], s->wake[1]};
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(s->conn);
    free(s->of);
    free(s->heap);
    null_frames_release(&s->frames);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

int null_server_start(struct null_server **out, int port, const struct null_schedule *schedule, struct ipw_err *err)
{
    struct null_server *s = ipw_calloc(1, sizeof *s);
    sigset_t all, old;
    *out = NULL;
    s->schedule = *schedule;
    s->fd = s->wake[0] = s->wake[1] = -1;
    pthread_mutex_init(&s->lock, NULL);
    null_frames_init(&s->frames, schedule->tokens);
    if (listen_on(s, port, err)) {
        release(s);
        return err->code;
    }
    s->ready = ready_new();
    if (!s->ready || pipe(s->wake) || !ready_set(s->ready, s->wake[0], READY_IN) ||
        !(s->accepting = ready_set(s->ready, s->fd, READY_IN))) {
        ipw_err_set(err, IPW_E_ENV, "cannot wait for sockets: %s; raise 'ulimit -n'", strerror(errno));
        release(s);
        return err->code;
    }
    fcntl(s->wake[0], F_SETFD, FD_CLOEXEC);
    fcntl(s->wake[1], F_SETFD, FD_CLOEXEC);
    sigfillset(&all); /* signals are for the program's own threads */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&s->thread, NULL, serve, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc) {
        release(s);
        return ipw_err_set(err, IPW_E_ENV, "cannot start a thread: %s; raise 'ulimit -u'", strerror(rc));
    }
    *out = s;
    return 0;
}

int null_server_port(const struct null_server *s)
{
    return s->port;
}

void null_server_stop(struct null_server *s)
{
    if (!s)
        return;
    ssize_t told;
    do
        told = write(s->wake[1], "", 1);
    while (told < 0 && errno == EINTR);
    pthread_join(s->thread, NULL);
    release(s);
}
