/* The servers that clients are tested against do what their tests believe: seen with a socket, and with curl's own eyes. */
#include "check.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "fakes/fault_server.h"
#include "fakes/ollama_stub.h"

static struct fault_server *server;

static int start(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    server = fault_server_start(0, NULL, "plain");
    return server ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    fault_server_stop(server);
    return 0;
}

/* Everything that a server sends to one POST, as bytes; the errno that ended it. */
static int ask_raw(struct http_fake *http, const char *path, const char *body, struct ipw_buf *got)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_fake_port(http)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ipw_buf b = IPW_BUF_INIT;
    char piece[65536];
    int fd = socket(AF_INET, SOCK_STREAM, 0), ended;
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    ipw_buf_addf(&b, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", path, strlen(body), body);
    assert_int_equal(send(fd, b.s, b.len, 0), b.len);
    ipw_buf_clear(got);
    ssize_t n;
    while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
        ipw_buf_add(got, piece, (size_t)n);
    ended = n ? errno : 0;
    close(fd);
    ipw_buf_release(&b);
    return ended;
}

static int ask_script(const char *name, struct ipw_buf *got)
{
    fault_server_script(server, name);
    return ask_raw(fault_server_http(server), "/v1/chat/completions", "{\"model\":\"tiny\",\"stream\":true}", got);
}

static size_t keep(char *p, size_t size, size_t n, void *ud)
{
    ipw_buf_add(ud, p, size * n);
    return size * n;
}

/* By curl: the decoded body. 0 or its CURLE_. */
static int ask_curl(const char *url, const char *body, const char *ca, long *status, struct ipw_buf *got)
{
    CURL *c = curl_easy_init();
    ipw_buf_clear(got);
    curl_easy_setopt(c, CURLOPT_URL, url);
    if (body)
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 500L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, got);
    if (ca)
        curl_easy_setopt(c, CURLOPT_CAINFO, ca);
    int rc = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(c);
    return rc;
}

static void test_shapes(void **state)
{
    (void)state;
    struct ipw_buf b = IPW_BUF_INIT;
    assert_int_equal(ask_script("plain", &b), 0);
    assert_non_null(strstr(b.s, "Transfer-Encoding: chunked\r\n\r\n"));
    assert_non_null(strstr(b.s, "data: [DONE]\n\n\r\n0\r\n\r\n"));
    assert_int_equal(ask_script("split", &b), 0);
    const char *body = strstr(b.s, "\r\n\r\n") + 4;
    for (const char *p = body; !ipw_starts(p, "0\r\n\r\n"); p += 6) /* "1\r\nX\r\n", whatever X is */
        assert_true(ipw_starts(p, "1\r\n") && p[4] == '\r');
    assert_int_equal(ask_script("crlf", &b), 0);
    assert_non_null(strstr(b.s, "}\r\n\r\n\r\n")); /* of the frame, and of the chunk */
    assert_int_equal(ask_script("abrupt", &b), 0);
    assert_non_null(strstr(b.s, "data: [DONE]\r\n0\r\n"));
    assert_int_equal(ask_script("huge", &b), 0);
    assert_true(b.len > FAULT_HUGE_BYTES);
    assert_int_equal(ask_script("until_close", &b), 0);
    assert_null(strstr(b.s, "chunked"));
    assert_int_equal(ask_script("429", &b), 0);
    assert_non_null(strstr(b.s, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_non_null(strstr(b.s, "\r\nRetry-After: 7\r\n"));
    ipw_buf_release(&b);
}

static void test_cuts(void **state)
{
    (void)state;
    struct ipw_buf b = IPW_BUF_INIT;
    assert_int_equal(ask_script("cut_reset", &b), ECONNRESET);
    assert_non_null(strstr(b.s, "answer"));
    assert_int_equal(ask_script("cut_close", &b), 0);
    assert_null(strstr(b.s, "\r\n0\r\n\r\n"));
    assert_int_equal(ask_script("cut_clean", &b), 0);
    assert_true(ipw_ends(b.s, "\r\n0\r\n\r\n"));
    assert_null(strstr(b.s, "DONE"));
    assert_int_equal(ask_script("shut", &b), 0);
    assert_int_equal(b.len, 0);
    ipw_buf_release(&b);
}

/* By a client of its own mind: what is gzip is gzip, what has an end ends, and a kept connection is dropped. */
static void test_curl(void **state)
{
    (void)state;
    static const char *const same[] = {"plain", "gzip", "gzip_split", "until_close"};
    static const struct {
        const char *script;
        int rc;
    } breaks[] = {{"cut_reset", CURLE_RECV_ERROR}, {"cut_close", CURLE_PARTIAL_FILE}, {"cut_clean", 0},
                  {"mute", CURLE_OPERATION_TIMEDOUT}, {"stall", CURLE_OPERATION_TIMEDOUT},
                  {"endless", CURLE_OPERATION_TIMEDOUT}, {"shut", CURLE_GOT_NOTHING}};
    char url[100], body[100], first[4000] = "";
    struct ipw_buf b = IPW_BUF_INIT;
    long status;
    http_fake_url(fault_server_http(server), url, sizeof url);
    snprintf(url + strlen(url), sizeof url - strlen(url), "/v1/chat/completions");
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        snprintf(body, sizeof body, "{\"stream\": true, \"fault:%s\":1}", same[i]);
        assert_int_equal(ask_curl(url, body, NULL, &status, &b), 0);
        if (!i)
            snprintf(first, sizeof first, "%s", b.s);
        assert_string_equal(b.s, first);
    }
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        snprintf(body, sizeof body, "{\"stream\": true, \"fault:%s\":1}", breaks[i].script);
        assert_int_equal(ask_curl(url, body, NULL, &status, &b), breaks[i].rc);
    }
    ipw_buf_release(&b);
}

static void test_seen(void **state)
{
    (void)state;
    struct ipw_buf b = IPW_BUF_INIT;
    struct http_fake *http = fault_server_http(server);
    size_t n = http_fake_n(http);
    struct fake_seen r;
    fault_server_script(server, "v1_only");
    assert_int_equal(ask_raw(http, "/chat/completions?a=1", "{}", &b), 0);
    assert_non_null(strstr(b.s, " 404 "));
    assert_int_equal(ask_raw(http, "http://far/v1/chat/completions", "{\"stream\":false}", &b), 0);
    assert_non_null(strstr(b.s, "The answer is B."));
    assert_true(http_fake_seen(http, n, &r));
    assert_string_equal(r.path, "/chat/completions");
    assert_non_null(strstr(r.headers, "Host: x\n"));
    assert_true(http_fake_seen(http, n + 1, &r));
    assert_string_equal(r.path, "/v1/chat/completions");
    assert_string_equal(r.target, "http://far/v1/chat/completions");
    assert_string_equal(r.body, "{\"stream\":false}");
    assert_false(http_fake_seen(http, n + 2, &r));
    ipw_buf_release(&b);
}

static void test_tls(void **state)
{
    (void)state;
    char url[100], cert[] = "/tmp/ipw-cert-XXXXXX";
    struct ipw_buf b = IPW_BUF_INIT;
    long status;
    close(mkstemp(cert));
    struct fault_server *s = fault_server_start(0, cert, "plain");
    assert_non_null(s);
    http_fake_url(fault_server_http(s), url, sizeof url);
    snprintf(url + strlen(url), sizeof url - strlen(url), "/v1/models");
    assert_int_equal(ask_curl(url, NULL, NULL, &status, &b), CURLE_PEER_FAILED_VERIFICATION);
    assert_int_equal(ask_curl(url, NULL, cert, &status, &b), 0);
    assert_non_null(strstr(b.s, "\"tiny\""));
    fault_server_stop(s);
    unlink(cert);
    ipw_buf_release(&b);
}

static void test_ollama(void **state)
{
    (void)state;
    static const char hi[] = "{\"model\":\"smollm2:135m\",\"keep_alive\":\"10m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    struct ollama_stub *s = ollama_stub_start(0);
    struct http_fake *http = ollama_stub_http(s);
    struct ipw_buf b = IPW_BUF_INIT;
    char keep_alive[40];
    assert_int_equal(ask_raw(http, "/api/chat", hi, &b), 0);
    assert_non_null(strstr(b.s, "\"prompt_eval_count\":26"));
    assert_non_null(strstr(b.s, "\"load_duration\":30000000"));
    assert_int_equal(ask_raw(http, "/api/chat", hi, &b), 0);
    assert_null(strstr(b.s, "prompt_eval_count"));
    assert_non_null(strstr(b.s, "\"eval_count\":4"));
    ollama_stub_keep_alive(s, keep_alive, sizeof keep_alive);
    assert_string_equal(keep_alive, "\"10m\"");
    assert_int_equal(ask_raw(http, "/api/show", "{\"model\":\"pullable\"}", &b), 0);
    assert_non_null(strstr(b.s, "404 Not Found"));
    assert_non_null(strstr(b.s, "{\"error\":\"model 'pullable' not found\"}"));
    assert_int_equal(ask_raw(http, "/api/pull", "{\"model\":\"pullable\"}", &b), 0);
    assert_non_null(strstr(b.s, "{\"status\":\"success\"}"));
    assert_int_equal(ask_raw(http, "/api/show", "{\"model\":\"pullable\"}", &b), 0);
    assert_non_null(strstr(b.s, "general.parameter_count"));
    ollama_stub_stop(s);
    ipw_buf_release(&b);
}

/* A client that stays connected does not keep the server from stopping, and every script has its own name. */
static void test_stop(void **state)
{
    (void)state;
    struct fault_server *s = fault_server_start(0, NULL, "mute");
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_fake_port(fault_server_http(s))),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), idle = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(connect(idle, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(send(fd, "GET /v1/x HTTP/1.1\r\n\r\n", 22, 0), 22);
    while (!http_fake_n(fault_server_http(s)))
        usleep(1000);
    fault_server_stop(s);
    close(fd);
    close(idle);
    assert_null(fault_server_start(0, NULL, "no such script"));
    for (const struct fault_script *f = fault_scripts; f->name; f++)
        assert_ptr_equal(fault_script(f->name), f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_cuts),   cmocka_unit_test(test_curl),
        cmocka_unit_test(test_seen),   cmocka_unit_test(test_tls),    cmocka_unit_test(test_ollama),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
