/* The engine `openai` against every script of the fault server: events, statuses, reasons, counts and where they come from. */
#include "check.h"

#include <unistd.h>

#include "ask.h"
#include "base/json.h"
#include "base/str.h"
#include "fakes/fault_server.h"
#include "openai_outcomes.h"

static struct fault_server *server;
static const struct engine_ops *ops;
static char base[100];

static int start(void **state)
{
    (void)state;
    ops = engine_find("openai");
    server = fault_server_start(0, NULL, "plain");
    if (!server || !ops)
        return -1;
    http_fake_url(fault_server_http(server), base, sizeof base);
    snprintf(base + strlen(base), sizeof base - strlen(base), "/v1");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fault_server_stop(server);
    return 0;
}

static struct engine_cfg usual(void)
{
    return (struct engine_cfg){.model = "tiny", .top_p = 1, .seed = 1,
                               .http = {.base_url = base, .endpoint = "chat", .timeout_s = 5, .connect_timeout_s = 2,
                                        .streams = 1}};
}

static struct engine *open_with(const struct engine_cfg *cfg)
{
    struct engine *e = NULL;
    struct ipw_err err = {0};
    if (ops->open(&e, &ipw_env_host, cfg, &err))
        fail_msg("%s", err.text);
    return e;
}

/* One question to one script, by a new engine. */
static void ask_script(const char *script, struct engine_cfg cfg, struct asked *a)
{
    fault_server_script(server, "plain");
    struct engine *e = open_with(&cfg);
    fault_server_script(server, script);
    ask_one(ops, e, "Which letter?", a);
    ops->close(e);
}

static void last_request(struct fake_seen *r)
{
    struct http_fake *http = fault_server_http(server);
    assert_true(http_fake_seen(http, http_fake_n(http) - 1, r));
}

static int begin(void **state)
{
    (void)state;
    differences = 0;
    return 0;
}

static void test_streams(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct asked a;
        ask_script(streams[i].script, usual(), &a);
        compare(&streams[i], &a, false);
        asked_release(&a);
    }
    assert_int_equal(differences, 0);
}

static void test_wholes(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual();
    cfg.http.no_stream = true;
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        struct asked a;
        struct fake_seen r;
        ask_script(wholes[i].script, cfg, &a);
        compare(&wholes[i], &a, true);
        last_request(&r);
        assert_non_null(strstr(r.body, "\"stream\":false"));
        assert_null(strstr(r.body, "stream_options"));
        asked_release(&a);
    }
    assert_int_equal(differences, 0);
}

/* A script that no row above holds is one that nobody looks at. */
static void test_all_scripts(void **state)
{
    (void)state;
    static const char *const elsewhere[] = {"timed", "role_late", "completions", "huge", "drop_second", "drop_late", "v1_only", "models",
                                            "stall", "mute", "endless", "endless_line", "nul", "404_path_vllm",
                                            "429_date", "think_tags", "think_unclosed"};
    for (const struct fault_script *f = fault_scripts; f->name; f++) {
        bool known = false;
        for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
            known |= ipw_streq(streams[i].script, f->name);
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
            known |= ipw_streq(elsewhere[i], f->name);
        if (!known)
            fail_msg("no test asks the script '%s'", f->name);
    }
}

static void test_counts(void **state)
{
    (void)state;
    struct asked a;
    ask_script("usage_details", usual(), &a);
    assert_int_equal(a.end.n_cached, 32);
    assert_int_equal(a.end.n_reason, 4);
    asked_release(&a);
    ask_script("timings", usual(), &a);
    assert_int_equal(a.end.n_cached, 30);
    assert_int_equal(a.end.prompt_ns, 100500000);
    assert_int_equal(a.end.decode_ns, 50250000);
    assert_int_equal(a.end.load_ns, UNKNOWN);
    asked_release(&a);
    ask_script("plain", usual(), &a);
    assert_int_equal(a.tokens, 4);
    assert_int_equal(a.end.n_cached, UNKNOWN);
    assert_int_equal(a.end.n_reason, UNKNOWN);
    assert_int_equal(a.end.prompt_ns, UNKNOWN);
    assert_string_equal(a.prompt.s, "Which letter?");
    asked_release(&a);
    ask_script("nul", usual(), &a);
    assert_int_equal(a.text.len, 3);
    assert_memory_equal(a.text.s, "a\0b", 3);
    asked_release(&a);
}

/* The first token is the first with text: a role-only frame is none. */
static void test_times(void **state)
{
    (void)state;
    struct asked a;
    ask_script("role_late", usual(), &a);
    assert_true(a.t_first - a.t_sent >= 40000000);
    asked_release(&a);
    ask_script("timed", usual(), &a);
    assert_true(a.t_first - a.t_sent >= 20000000);
    assert_true(a.t_last - a.t_first >= 3 * 5000000);
    asked_release(&a);
}

static void test_huge(void **state)
{
    (void)state;
    struct asked a;
    ask_script("huge", usual(), &a);
    assert_int_equal(a.end.status, QUERY_OK);
    assert_int_equal(a.text.len, FAULT_HUGE_BYTES);
    asked_release(&a);
}

/* What never ends does: by the time limit, or because it is more than anyone wants to keep. */
static void test_bounds(void **state)
{
    (void)state;
    static const char *const scripts[] = {"stall", "mute", "endless"};
    struct engine_cfg cfg = usual();
    struct asked a;
    cfg.http.timeout_s = 0.3;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        ask_script(scripts[i], cfg, &a);
        assert_int_equal(a.end.status, QUERY_TIMEOUT);
        assert_string_equal(a.end.reason, "timeout");
        assert_true(a.t_last - a.t_sent >= 250000000 && a.t_last - a.t_sent < 5000000000);
        asked_release(&a);
    }
    cfg.http.timeout_s = 10;
    ask_script("endless_line", cfg, &a);
    assert_int_equal(a.end.status, QUERY_ERROR);
    assert_string_equal(a.end.reason, "protocol");
    asked_release(&a);
}

static void test_retry_after(void **state)
{
    (void)state;
    struct asked a;
    ask_script("429", usual(), &a);
    assert_int_equal(a.end.retry_after_s, 7);
    asked_release(&a);
    ask_script("503", usual(), &a);
    assert_int_equal(a.end.retry_after_s, 3);
    assert_non_null(strstr(a.detail.s, "Loading model"));
    asked_release(&a);
    ask_script("429_date", usual(), &a);
    assert_true(a.end.retry_after_s <= 0);
    asked_release(&a);
    ask_script("500", usual(), &a);
    assert_int_equal(a.end.retry_after_s, -1);
    asked_release(&a);
}

/* What a person is told to do. */
static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *script, *says;
    } all[] = {{"error_frame", "the model crashed"}, {"error_word", "the model crashed"},
               {"404_model", "org/other-7b"},        {"404_model_ollama", "org/other-7b"},
               {"400_context", "maximum context length"}, {"400_context_llama", "exceeds the available context"},
               {"404_path_vllm", "404"},             {"500_page", "500"},
               {"html", "a web page"},               {"stall", "timed out"},
               {"403", "may not use this model"}};
    struct engine_cfg cfg = usual();
    cfg.http.timeout_s = 0.3;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct asked a;
        ask_script(all[i].script, cfg, &a);
        if (!strstr(a.detail.s, all[i].says))
            differ(all[i].script, "detail", a.detail.s, all[i].says);
        asked_release(&a);
    }
    assert_int_equal(differences, 0);
}

/* ---- what is sent ---- */

static void test_request(void **state)
{
    (void)state;
    const char *const headers[] = {"X-Team: energy", NULL};
    struct engine_cfg cfg = usual();
    struct json_doc *doc;
    struct ipw_err err;
    struct fake_seen r;
    struct asked a;
    cfg.system = "Be brief.";
    cfg.http.api_key = "sk-secret-1234";
    cfg.http.headers = headers;
    cfg.http.extra_body = "{\"chat_template_kwargs\":{\"enable_thinking\":false},\"stream_options\":{\"more\":1}}";
    ask_script("plain", cfg, &a);
    last_request(&r);
    assert_string_equal(r.method, "POST");
    assert_string_equal(r.path, "/v1/chat/completions");
    assert_non_null(strstr(r.headers, "Authorization: Bearer sk-secret-1234\n"));
    assert_non_null(strstr(r.headers, "X-Team: energy\n"));
    assert_non_null(strcasestr(r.headers, "Content-Type: application/json\n"));
    assert_non_null(strstr(r.headers, "gzip"));
    assert_int_equal(json_read(&doc, r.body, r.body_len, 0, &err), 0);
    const json_val *root = json_root(doc), *m = json_get(root, "messages");
    assert_string_equal(json_str(json_get(root, "model")), "tiny");
    assert_int_equal(json_len(m), 2);
    assert_string_equal(json_str(json_get(json_at(m, 0), "role")), "system");
    assert_string_equal(json_str(json_get(json_at(m, 0), "content")), "Be brief.");
    assert_string_equal(json_str(json_get(json_at(m, 1), "content")), "Which letter?");
    assert_true(json_num(json_get(root, "max_tokens")) == 64);
    assert_true(json_true(json_get(root, "stream")));
    assert_true(json_true(json_get(json_get(root, "stream_options"), "include_usage")));
    assert_true(json_num(json_get(json_get(root, "stream_options"), "more")) == 1);
    assert_int_equal(json_type(json_get(json_get(root, "chat_template_kwargs"), "enable_thinking")), JSON_BOOL);
    json_doc_free(doc);
    asked_release(&a);
}

/* A server that repeats the key in its refusal does not bring it into our words. */
static void test_key_is_kept(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual();
    struct asked a;
    struct engine *e;
    struct ipw_err err = {0};
    cfg.http.api_key = "sk-secret-1234";
    ask_script("401", cfg, &a);
    assert_int_equal(a.end.status, QUERY_NOT_SENT);
    assert_null(strstr(a.detail.s, "sk-secret-1234"));
    asked_release(&a);
    const char *const headers[] = {"api-key:sk-secret-1234", "Authorization: Bearer sk-secret-1234", NULL};
    for (int i = 0; i < 2; i++) {
        cfg.http.api_key = NULL;
        cfg.http.headers = headers + i;
        ask_script("401", cfg, &a);
        assert_null(strstr(a.detail.s, "sk-secret-1234"));
        assert_non_null(strstr(a.detail.s, "Incorrect API key"));
        asked_release(&a);
    }
    assert_int_equal(ops->open(&e, &ipw_env_host, &cfg, &err), IPW_E_ENV); /* the server says 401 to all */
    assert_non_null(strstr(err.text, "--api-key-env"));
    assert_null(strstr(err.text, "sk-secret-1234"));
}

static void test_completions(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual();
    struct fake_seen r;
    struct asked a;
    cfg.http.endpoint = "completions";
    for (int whole = 0; whole < 2; whole++) {
        cfg.http.no_stream = whole;
        ask_script("completions", cfg, &a);
        assert_int_equal(a.end.status, QUERY_OK);
        assert_string_equal(a.text.s, ANSWER);
        assert_int_equal(a.end.n_out, 5);
        last_request(&r);
        assert_string_equal(r.path, "/v1/completions");
        assert_non_null(strstr(r.body, "\"prompt\":\"Which letter?\""));
        asked_release(&a);
    }
}

/* ---- connections ---- */

/* A connection that the server drops between two requests is not the second one's fault; one that is kept is used again. */
static void test_connections(void **state)
{
    (void)state;
    static const char *const scripts[] = {"drop_second", "plain"};
    struct engine_cfg cfg = usual();
    for (int i = 0; i < 2; i++) {
        fault_server_script(server, "plain");
        struct engine *e = open_with(&cfg);
        fault_server_script(server, scripts[i]);
        int before = http_fake_connections(fault_server_http(server));
        for (int k = 0; k < 4; k++) {
            struct asked a;
            ask_one(ops, e, "Which letter?", &a);
            assert_int_equal(a.end.status, QUERY_OK);
            assert_string_equal(a.text.s, ANSWER);
            asked_release(&a);
        }
        int more = http_fake_connections(fault_server_http(server)) - before;
        if (i)
            assert_true(more <= 1);
        ops->close(e);
    }
}

/* One that the server has worked on is not sent again behind our back. */
static void test_no_hidden_retry(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual();
    struct asked a;
    fault_server_script(server, "plain");
    struct engine *e = open_with(&cfg);
    ask_one(ops, e, "Which letter?", &a);
    asked_release(&a);
    size_t before = http_fake_n(fault_server_http(server));
    fault_server_script(server, "drop_late");
    ask_one(ops, e, "Which letter?", &a);
    assert_int_equal(a.end.status, QUERY_ERROR);
    assert_string_equal(a.end.reason, "aborted_stream");
    assert_non_null(strstr(a.detail.s, "without an answer"));
    assert_int_equal(http_fake_n(fault_server_http(server)) - before, 1);
    asked_release(&a);
    ops->close(e);
}

static void test_version_path(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual();
    struct asked a;
    char bare[100];
    http_fake_url(fault_server_http(server), bare, sizeof bare);
    cfg.http.base_url = bare;
    ask_script("v1_only", cfg, &a);
    assert_int_equal(a.end.status, QUERY_OK);
    asked_release(&a);
    enum { AT_ONCE = 8 };
    struct asked many[AT_ONCE];
    cfg.http.streams = AT_ONCE;
    struct engine *e = open_with(&cfg);
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        asked_init(&many[i]);
        ask_submit(ops, e, i, "Which letter?");
    }
    ask_wait(ops, e, many, 0, AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        assert_int_equal(many[i].end.status, QUERY_OK);
        asked_release(&many[i]);
    }
    ops->close(e);
}

/* By a proxy, which is asked for the whole URL; never for a server on this machine. */
static void test_proxy(void **state)
{
    (void)state;
    char proxy[100];
    struct engine_cfg cfg = usual();
    struct fake_seen r;
    struct asked a;
    http_fake_url(fault_server_http(server), proxy, sizeof proxy);
    setenv("http_proxy", proxy, 1);
    cfg.http.base_url = "http://models.invalid/v1";
    ask_script("plain", cfg, &a);
    assert_int_equal(a.end.status, QUERY_OK);
    last_request(&r);
    assert_string_equal(r.target, "http://models.invalid/v1/chat/completions");
    asked_release(&a);
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    cfg.http.base_url = base;
    ask_script("plain", cfg, &a);
    assert_int_equal(a.end.status, QUERY_OK);
    asked_release(&a);
    unsetenv("http_proxy");
}

static void test_models(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual();
    struct asked a;
    struct engine *e;
    struct ipw_err err = {0};
    cfg.model = "nosuch";
    ask_script("models", cfg, &a);
    assert_string_equal(a.end.reason, "http_404");
    assert_non_null(strstr(a.detail.s, "tiny, org/other-7b"));
    asked_release(&a);
    cfg.model = NULL;
    assert_int_equal(ops->open(&e, &ipw_env_host, &cfg, &err), IPW_E_USAGE);
    assert_non_null(strstr(err.text, "tiny, org/other-7b"));
}

static void test_tls(void **state)
{
    (void)state;
    char cert[] = "/tmp/ipw-cert-XXXXXX", url[100];
    struct engine_cfg cfg = usual();
    struct engine *e = NULL;
    struct ipw_err err = {0};
    close(mkstemp(cert));
    struct fault_server *s = fault_server_start(0, cert, "plain");
    http_fake_url(fault_server_http(s), url, sizeof url);
    snprintf(url + strlen(url), sizeof url - strlen(url), "/v1");
    cfg.http.base_url = url;
    assert_int_equal(ops->open(&e, &ipw_env_host, &cfg, &err), IPW_E_ENV);
    assert_non_null(strstr(err.text, "certificate"));
    assert_non_null(strstr(err.text, "--cacert"));
    cfg.http.ca_file = cert;
    e = open_with(&cfg);
    struct asked a;
    ask_one(ops, e, "Which letter?", &a);
    assert_string_equal(a.text.s, ANSWER);
    asked_release(&a);
    ops->close(e);
    fault_server_stop(s);
    unlink(cert);
}

static void test_no_server(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual();
    struct engine *e = NULL;
    struct ipw_err err = {0};
    char url[100];
    struct fault_server *s = fault_server_start(0, NULL, "plain");
    http_fake_url(fault_server_http(s), url, sizeof url);
    cfg.http.base_url = url;
    e = open_with(&cfg);
    fault_server_stop(s); /* dies in the middle of a run */
    struct asked a;
    ask_one(ops, e, "Which letter?", &a);
    assert_int_equal(a.end.status, QUERY_NOT_SENT);
    assert_string_equal(a.end.reason, "connect");
    assert_int_equal(a.sent, 0);
    asked_release(&a);
    ops->close(e);
    assert_int_equal(ops->open(&e, &ipw_env_host, &cfg, &err), IPW_E_ENV);
    assert_non_null(strstr(err.text, url));
    cfg.http.base_url = "ftp://127.0.0.1/";
    assert_int_not_equal(ops->open(&e, &ipw_env_host, &cfg, &err), 0);
}

/* ---- many at once ---- */

/* Streams of every kind side by side: none has anything of another. */
static void test_together(void **state)
{
    (void)state;
    enum { AT_ONCE = 16, N = sizeof streams / sizeof *streams };
    struct engine_cfg cfg = usual();
    cfg.http.streams = AT_ONCE;
    fault_server_script(server, "plain");
    struct engine *e = open_with(&cfg);
    for (size_t from = 0; from < N; from += AT_ONCE) {
        struct asked a[AT_ONCE];
        size_t n = from + AT_ONCE < N ? AT_ONCE : N - from;
        for (size_t i = 0; i < n; i++) {
            char prompt[100];
            snprintf(prompt, sizeof prompt, "fault:%s", streams[from + i].script);
            asked_init(&a[i]);
            ask_submit(ops, e, (uint32_t)(1000 + i), prompt);
        }
        ask_wait(ops, e, a, 1000, n);
        for (size_t i = 0; i < n; i++) {
            compare(&streams[from + i], &a[i], false);
            asked_release(&a[i]);
        }
    }
    ops->close(e);
    assert_int_equal(differences, 0);
}

static void test_interrupted(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual();
    struct asked a[2];
    cfg.http.streams = 2;
    struct engine *e = open_with(&cfg);
    asked_init(&a[0]);
    asked_init(&a[1]);
    ask_submit(ops, e, 1, "fault:mute");
    ask_submit(ops, e, 2, "fault:plain");
    ops->cancel(e, 1);
    ask_wait(ops, e, a, 1, 2);
    assert_string_equal(a[0].end.reason, "interrupted");
    assert_int_equal(a[1].end.status, QUERY_OK);
    asked_release(&a[0]);
    asked_release(&a[1]);
    asked_init(&a[0]);
    ask_submit(ops, e, 1, "fault:stall");
    ops->abort(e);
    ask_wait(ops, e, a, 1, 1);
    assert_string_equal(a[0].end.reason, "interrupted");
    asked_release(&a[0]);
    ops->close(e);
    cfg.http.streams = 1; /* closed while one is under way */
    e = open_with(&cfg);
    ask_submit(ops, e, 1, "fault:mute");
    ops->close(e);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_streams),      TEST(test_wholes),     TEST(test_all_scripts),
        TEST(test_counts),       TEST(test_times),      TEST(test_huge),
        TEST(test_bounds),       TEST(test_retry_after), TEST(test_words),
        TEST(test_request),      TEST(test_key_is_kept), TEST(test_completions),
        TEST(test_connections),  TEST(test_no_hidden_retry), TEST(test_version_path), TEST(test_proxy), TEST(test_models),
        TEST(test_tls),          TEST(test_no_server),  TEST(test_together),
        TEST(test_interrupted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
