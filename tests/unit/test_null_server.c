/* The null server over real sockets: what it answers, that its frames keep their times with many streams, and that clients
 * that are slow, rude or gone do no harm. test_null_poll.c runs the same without epoll. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "net/null_server.h"

#define MS ((int64_t)1000000)
enum { STREAMS = 512 };

#ifndef NULL_SERVER_HERE
static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}
#endif

static struct null_server *server;
static const struct null_schedule quick = {2 * MS, 1 * MS, 4};

static void start(const struct null_schedule *schedule)
{
    struct ipw_err err;
    assert_int_equal(null_server_start(&server, 0, schedule, &err), 0);
}

static int stop(void **state)
{
    (void)state;
    null_server_stop(server);
    server = NULL;
    return 0;
}

static int dial(int receive_bytes)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)null_server_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (receive_bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void ask(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void ask_body(int fd, const char *body)
{
    char text[1000];
    snprintf(text, sizeof text, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
             body);
    ask(fd, text);
}

#define STREAM "{\"model\":\"m\",\"messages\":[],\"stream\":true,\"stream_options\":{\"include_usage\":true}}"

/* Reads until the text ends in `end`; false when the connection ends before. */
static bool read_to(int fd, struct ipw_buf *b, const char *end)
{
    char piece[4096];
    size_t n = strlen(end);
    while (b->len < n || memcmp(b->s + b->len - n, end, n)) {
        ssize_t k = recv(fd, piece, sizeof piece, 0);
        if (k <= 0)
            return false;
        ipw_buf_add(b, piece, (size_t)k);
    }
    return true;
}

static void expect_answer(const char *request, const char *status, const char *body)
{
    struct ipw_buf b = IPW_BUF_INIT;
    int fd = dial(0);
    ask(fd, request);
    assert_true(read_to(fd, &b, "}"));
    if (strncmp(b.s + 9, status, 3) || !strstr(b.s, body))
        fail_msg("%s gave %s", request, b.s);
    ipw_buf_release(&b);
    close(fd);
}

static void test_answers(void **state)
{
    (void)state;
    start(&quick);
    expect_answer("GET /health HTTP/1.1\r\n\r\n", "200", "\"ok\"");
    expect_answer("GET /v1/models?x=1 HTTP/1.1\r\n\r\n", "200", "\"id\":\"ipw-null\"");
    expect_answer("GET /v1/chat/completions HTTP/1.1\r\n\r\n", "405", "POST");
    expect_answer("GET /models HTTP/1.0\r\n\r\n", "505", "HTTP/1.1");
    expect_answer("POST /v1/embeddings HTTP/1.1\r\n\r\n", "404", "/v1/chat/completions");
    expect_answer("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 3\r\n\r\n{x}", "400", "not JSON");
    expect_answer("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", "413", "16 MiB");
    expect_answer("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "413", "16 MiB");
    expect_answer("POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411", "Content-Length");
    expect_answer("POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", "200",
                  "\"content\":\" token token token token\"");
    struct null_seen seen;
    null_server_seen(server, &seen);
    assert_int_equal(seen.requests, 1);
    assert_true(seen.first_ns > 0 && seen.first_ns <= now_ns());
}

/* One stream, read as a client would: its chunks joined, then its frames one by one. */
static void check_stream(const char *http, int64_t t0)
{
    struct ipw_buf text = IPW_BUF_INIT;
    const char *p = strstr(http, "\r\n\r\n") + 4;
    for (size_t n; (n = strtoul(p, NULL, 16)) > 0; p += n + 2) {
        p = strchr(p, '\n') + 1;
        ipw_buf_add(&text, p, n);
        assert_memory_equal(p + n, "\r\n", 2);
    }
    assert_memory_equal(p, "0\r\n\r\n", 5);
    int64_t tokens = 0, frame, ns, before = t0;
    bool role = false, finish = false, usage = false, done = false;
    for (char *f = text.s, *next; *f; f = next) {
        struct json_doc *doc;
        struct ipw_err err;
        assert_memory_equal(f, "data: ", 6);
        next = strstr(f, "\n\n") + 2;
        if (!strncmp(f, "data: [DONE]", 12)) {
            done = true;
            continue;
        }
        assert_false(done);
        assert_int_equal(json_read(&doc, f + 6, (size_t)(next - f) - 8, 0, &err), 0);
        const json_val *root = json_root(doc), *choice = json_at(json_get(root, "choices"), 0);
        const char *content = json_str(json_get(json_get(choice, "delta"), "content"));
        role |= json_str(json_get(json_get(choice, "delta"), "role")) != NULL;
        finish |= json_str(json_get(choice, "finish_reason")) != NULL;
        usage |= json_num(json_get(json_get(root, "usage"), "completion_tokens")) == (double)quick.tokens;
        if (content && *content) {
            assert_true(json_is_int(json_get(root, "ipw_frame"), &frame) && json_is_int(json_get(root, "ipw_ns"), &ns));
            assert_int_equal(frame, tokens++);
            assert_true(ns >= before && ns >= t0 + quick.first_ns + frame * quick.between_ns);
            assert_in_range(next - f, 200, 280); /* like those of real servers */
            before = ns;
        }
        json_doc_free(doc);
    }
    assert_int_equal(tokens, quick.tokens);
    assert_true(role && finish && usage && done);
    ipw_buf_release(&text);
}

static void test_stream(void **state)
{
    (void)state;
    start(&quick);
    int fd = dial(0);
    for (int i = 0; i < 3; i++) { /* one after the other on one connection */
        struct ipw_buf b = IPW_BUF_INIT;
        int64_t t0 = now_ns();
        ask_body(fd, STREAM);
        assert_true(read_to(fd, &b, "0\r\n\r\n"));
        check_stream(b.s, t0);
        ipw_buf_release(&b);
    }
    close(fd);
}

/* A request in single bytes; two in one piece, the second of which closes. */
static void test_pieces(void **state)
{
    (void)state;
    static const char slow[] = "POST /chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
    struct ipw_buf b = IPW_BUF_INIT;
    start(&quick);
    int fd = dial(0);
    for (size_t i = 0; slow[i]; i++)
        assert_int_equal(send(fd, slow + i, 1, 0), 1);
    assert_true(read_to(fd, &b, "}}"));
    ipw_buf_clear(&b);
    ask(fd, "POST /chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
            "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_false(read_to(fd, &b, "never"));
    assert_non_null(strstr(b.s, "completion_tokens"));
    assert_non_null(strstr(b.s, "\"ok\""));
    ipw_buf_release(&b);
    close(fd);
}

static void test_rude(void **state)
{
    (void)state;
    struct null_schedule much = {0, 0, 20000}; /* 5 MB a stream: more than sockets hold */
    struct null_seen seen;
    start(&much);
    for (int i = 0; i < 20; i++) { /* gone in the middle of an answer, or of a question */
        int fd = dial(0);
        ask(fd, i % 2 ? "POST /chat/completions HTTP/1.1\r\nContent-Length: 80\r\n\r\n{" : "GET /heal");
        close(fd);
        fd = dial(0);
        ask_body(fd, STREAM);
        close(fd);
    }
    int fd = dial(4096);
    ask_body(fd, STREAM);
    usleep(20000); /* reads nothing for a while, then gets every frame */
    struct ipw_buf b = IPW_BUF_INIT;
    assert_true(read_to(fd, &b, "0\r\n\r\n"));
    assert_non_null(strstr(b.s, "\"ipw_frame\":19999 "));
    ipw_buf_release(&b);
    close(fd);
    null_server_seen(server, &seen);
    assert_in_range(seen.requests, 1, 21);
}

static void test_port_taken(void **state)
{
    (void)state;
    struct null_server *second;
    struct ipw_err err;
    start(&quick);
    assert_int_equal(null_server_start(&second, null_server_port(server), &quick, &err), IPW_E_ENV);
    assert_null(second);
    assert_non_null(strstr(err.text, "give another"));
}

/* All at once: each gets its whole answer, no earlier than scheduled, and the lateness is told. */
static void test_many(void **state)
{
    (void)state;
    static struct pollfd fd[STREAMS];
    static struct ipw_buf got[STREAMS];
    struct null_schedule s = {50 * MS, 20 * MS, 8};
    struct null_seen seen;
    start(&s);
    int64_t t0 = now_ns();
    for (int i = 0; i < STREAMS; i++) {
        fd[i] = (struct pollfd){.fd = dial(0), .events = POLLIN};
        ipw_buf_init(&got[i]);
        ask_body(fd[i].fd, STREAM);
    }
    for (int left = STREAMS; left > 0;) {
        assert_true(poll(fd, STREAMS, 20000) > 0);
        for (int i = 0; i < STREAMS; i++) {
            char piece[4096];
            if (!fd[i].revents)
                continue;
            ssize_t k = recv(fd[i].fd, piece, sizeof piece, 0);
            assert_true(k > 0);
            ipw_buf_add(&got[i], piece, (size_t)k);
            if (got[i].len > 5 && !memcmp(got[i].s + got[i].len - 5, "0\r\n\r\n", 5)) {
                close(fd[i].fd);
                fd[i].fd = -1;
                left--;
            }
        }
    }
    assert_true(now_ns() - t0 >= s.first_ns + 7 * s.between_ns);
    for (int i = 0; i < STREAMS; i++) {
        assert_non_null(strstr(got[i].s, "\"ipw_frame\":7 "));
        ipw_buf_release(&got[i]);
    }
    null_server_seen(server, &seen);
    assert_int_equal(seen.requests, STREAMS);
    assert_int_equal(seen.frames, STREAMS * 8);
    assert_true(seen.late_p50_ns >= 0 && seen.late_p50_ns <= seen.late_p99_ns);
    assert_true(seen.cpu_ns > 0);
    print_message("late p50 %.3f ms, p99 %.3f ms, %.1f us CPU a frame\n", (double)seen.late_p50_ns / 1e6,
                  (double)seen.late_p99_ns / 1e6, (double)seen.cpu_ns / 1e3 / (double)seen.frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_answers, stop), cmocka_unit_test_teardown(test_stream, stop),
        cmocka_unit_test_teardown(test_pieces, stop),  cmocka_unit_test_teardown(test_rude, stop),
        cmocka_unit_test_teardown(test_port_taken, stop), cmocka_unit_test_teardown(test_many, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
