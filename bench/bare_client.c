/* The least that a client can do: epoll, recv, the chunks split in place, each frame cut and parsed by ipw's own code, a stamp
 * per piece. What other clients are compared with. Closed loop; prints one line of JSON. Linux.
 * usage: bench_bare_client --port N [--streams N] [--requests N] [--first-ms X] [--between-ms X] [--ramp-ms X]
 * (the schedule of the server, which errors are counted against; the first questions spread over X ms, else all at once:
 * then all streams stay in step, and one wake-up finds many pieces) */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/openai.c" /* what it makes of a frame */
#include "net/frames.h"
#include "stats/stats.h"

enum { BUF = 32 << 10 };

struct list {
    double *v;
    size_t n, cap;
};

struct stream {
    int fd;
    int64_t t_sent, t_last; /* t_last 0: no token yet */
    int64_t now;            /* when what is being split came */
    struct frames frames;
    size_t len; /* of what was received and is not split yet */
    bool head;  /* the head of the answer is over */
    bool idle;
    char buf[BUF];
};

static struct {
    double port, streams, requests, first_ms, between_ms, ramp_ms;
} arg = {0, 64, 1000, 20, 5, 0};

/* ms: errors of the times against the schedule, and whole requests */
static struct list ttft, itl, latency;
static int64_t sent, done, failed, tokens;
static char request[1000];

static void add(struct list *l, double x)
{
    IPW_GROW(l->v, l->n, l->cap);
    l->v[l->n++] = x;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int die(const char *what)
{
    fprintf(stderr, "bench_bare_client: %s: %s\n", what, strerror(errno));
    exit(3);
}

static void ask(struct stream *s)
{
    s->idle = sent >= (int64_t)arg.requests;
    if (s->idle)
        return;
    sent++;
    s->t_last = 0;
    frames_reset(&s->frames, FRAMES_SSE);
    s->head = false;
    s->t_sent = now_ns();
    if (send(s->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        die("send");
}

static bool on_frame(void *ud, const char *text, size_t len)
{
    static char pool[8192];
    struct stream *s = ud;
    struct json_doc *doc;
    struct ipw_err err;
    struct piece p;
    if (len == 6 && !memcmp(text, "[DONE]", 6))
        return true;
    if (json_read_in(&doc, pool, sizeof pool, text, len, &err)) {
        failed++;
        return true;
    }
    piece_init(&p);
    read_frame(json_root(doc), &p);
    if (p.text_len > 0) {
        if (s->t_last == 0)
            add(&ttft, (double)(s->now - s->t_sent) * 1e-6 - arg.first_ms);
        else
            add(&itl, (double)(s->now - s->t_last) * 1e-6 - arg.between_ms);
        s->t_last = s->now;
        tokens++;
    }
    json_doc_free(doc);
    return true;
}

/* Takes the chunks that are whole. */
static void split(struct stream *s)
{
    char *p = s->buf, *end = s->buf + s->len;
    *end = '\0';
    if (!s->head) {
        char *body = strstr(p, "\r\n\r\n");
        if (!body)
            return;
        if (strncmp(p, "HTTP/1.1 200", 12) != 0)
            failed++;
        s->head = true;
        p = body + 4;
    }
    for (char *data; p < end; p = data) {
        size_t n = strtoul(p, &data, 16);
        if (data + 2 + n + 2 > end)
            break;
        data += 2;
        if (n == 0) {
            add(&latency, (double)(s->now - s->t_sent) * 1e-6);
            done++;
            s->len = 0;
            ask(s);
            return;
        }
        frames_feed(&s->frames, data, n, on_frame, s);
        data += n + 2;
    }
    s->len = (size_t)(end - p);
    memmove(s->buf, p, s->len);
}

static void dial(struct stream *s, int epoll)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)arg.port)};
    int on = 1;
    frames_init(&s->frames);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&a, sizeof a))
        die("connect");
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = s}))
        die("epoll_ctl");
}

static void run(struct stream *streams, size_t n)
{
    struct epoll_event ev[256];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < n; i++)
        dial(&streams[i], epoll);
    size_t begun = 0;
    int64_t t0 = now_ns(), last = t0;
    while (begun < n || done < sent) {
        int64_t now = now_ns(), step = (int64_t)(arg.ramp_ms * 1e6 / (double)n);
        for (; begun < n && now >= t0 + (int64_t)begun * step; begun++)
            ask(&streams[begun]);
        int k = epoll_wait(epoll, ev, 256, begun < n ? 1 : 1000);
        last = k > 0 || begun < n ? now : last;
        if (now - last > 10 * INT64_C(1000000000)) {
            fprintf(stderr, "bench_bare_client: nothing came for 10 s\n");
            exit(3);
        }
        for (int i = 0; i < k; i++) {
            struct stream *s = ev[i].data.ptr;
            ssize_t got = recv(s->fd, s->buf + s->len, BUF - 1 - s->len, MSG_DONTWAIT);
            if (got == 0 && !s->idle) {
                fprintf(stderr, "bench_bare_client: the server closed a connection\n");
                exit(3);
            }
            if (got <= 0)
                continue;
            s->len += (size_t)got;
            s->now = now_ns();
            split(s);
        }
    }
    close(epoll);
}

static void print_list(const char *name, struct list *l, bool absolute)
{
    for (size_t i = 0; absolute && i < l->n; i++)
        l->v[i] = l->v[i] < 0 ? -l->v[i] : l->v[i];
    printf(",\"%s\":{\"mean\":%.6f,\"p50\":%.6f,\"p99\":%.6f}", name, stats_mean(l->v, l->n), stats_quantile(l->v, l->n, 0.5),
           stats_quantile(l->v, l->n, 0.99));
}

int main(int argc, char **argv)
{
    static const char body[] = "{\"model\":\"ipw-null\",\"messages\":[{\"role\":\"user\",\"content\":\"Count to sixty-four.\"}],"
                               "\"max_tokens\":64,\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
    const struct {
        const char *name;
        double *value;
    } flags[] = {{"--port", &arg.port},
                 {"--streams", &arg.streams},
                 {"--requests", &arg.requests},
                 {"--first-ms", &arg.first_ms},
                 {"--between-ms", &arg.between_ms},
                 {"--ramp-ms", &arg.ramp_ms}};
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < 6 && strcmp(argv[i], flags[k].name))
            k++;
        if (k == 6 || i + 1 == argc || !ipw_parse_f64(argv[i + 1], flags[k].value) || *flags[k].value < 0) {
            fprintf(stderr, "usage: bench_bare_client --port N [--streams N] [--requests N] [--first-ms X] "
                            "[--between-ms X] [--ramp-ms X]\n");
            return 2;
        }
    }
    snprintf(request, sizeof request, "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%.0f\r\nAccept: */*\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", arg.port, strlen(body), body);
    size_t n = (size_t)arg.streams;
    struct stream *streams = ipw_calloc(n, sizeof *streams);
    int64_t t0 = now_ns();
    run(streams, n);
    double wall = (double)(now_ns() - t0) * 1e-9, cpu = cpu_s();
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    printf("{\"requests\":%lld,\"failed\":%lld,\"tokens\":%lld,\"wall_s\":%.6f,\"cpu_s\":%.6f,\"rss_kib\":%ld",
           (long long)done, (long long)failed, (long long)tokens, wall, cpu, ru.ru_maxrss);
    print_list("latency_ms", &latency, false);
    print_list("ttft_error_ms", &ttft, true);
    print_list("itl_error_ms", &itl, true);
    printf("}\n");
    return failed > 0;
}
