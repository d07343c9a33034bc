/* The engine `ollama` against the stub of its dialect (fakes/ollama_stub.h says where its facts come from). */
#include "check.h"

#include "ask.h"
#include "base/json.h"
#include "base/str.h"
#include "fakes/ollama_stub.h"

#define UNKNOWN INT64_MIN

static struct ollama_stub *server;
static const struct engine_ops *ops;
static char base[100];
static struct ipw_buf told = IPW_BUF_INIT; /* what the engine said to the user */

static int start(void **state)
{
    (void)state;
    ops = engine_find("ollama");
    server = ollama_stub_start(0);
    if (!server || !ops)
        return -1;
    http_fake_url(ollama_stub_http(server), base, sizeof base);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ollama_stub_stop(server);
    ipw_buf_release(&told);
    return 0;
}

static struct engine_cfg usual(const char *model)
{
    return (struct engine_cfg){.model = model, .top_p = 1, .seed = 1,
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

static void last_request(struct fake_seen *r)
{
    struct http_fake *http = ollama_stub_http(server);
    assert_true(http_fake_seen(http, http_fake_n(http) - 1, r));
}

/* By chat and by generate, as a stream and whole: the same answer, the same counts and times. */
static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int status;
        const char *reason, *stop, *text, *thinking;
        int64_t n_out;
    } all[] = {
        {"smollm2:135m", QUERY_OK, NULL, "eos", "The answer is B.", "", 4},
        {"thinker", QUERY_OK, NULL, "eos", "The answer is B.", "Let me think.", 6},
        {"short:latest", QUERY_TRUNCATED, "max_tokens", "length", "The answer", "", 2},
        {"silent", QUERY_EMPTY, "no_tokens", "eos", "", "", 0},
    };
    static const char *const endpoints[] = {"chat", "completions"}, *const paths[] = {"/api/chat", "/api/generate"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (int k = 0; k < 4; k++) {
            struct engine_cfg cfg = usual(all[i].model);
            struct fake_seen r;
            struct asked a;
            char prompt[50];
            bool whole = k / 2;
            cfg.http.endpoint = endpoints[k % 2];
            cfg.http.no_stream = whole;
            struct engine *e = open_with(&cfg);
            snprintf(prompt, sizeof prompt, "Which letter? %d", k); /* not the one before: that is cached */
            ask_one(ops, e, prompt, &a);
            last_request(&r);
            assert_string_equal(r.path, paths[k % 2]);
            assert_int_equal(a.end.status, all[i].status);
            if (!ipw_streq(a.end.reason, all[i].reason) || !ipw_streq(a.end.stop, all[i].stop))
                fail_msg("%s: %s, %s", all[i].model, a.end.reason, a.end.stop);
            assert_string_equal(a.text.s, all[i].text);
            assert_string_equal(a.thinking.s, all[i].thinking);
            assert_int_equal(a.firsts, !whole && *all[i].text);
            assert_int_equal(a.end.n_out, all[i].n_out);
            assert_string_equal(a.end.token_source, "usage");
            assert_int_equal(a.end.n_in, OLLAMA_PROMPT_TOKENS);
            assert_int_equal(a.end.prompt_ns, OLLAMA_PROMPT_NS);
            assert_int_equal(a.end.decode_ns, all[i].n_out * OLLAMA_TOKEN_NS);
            assert_true(a.end.load_ns > 0);
            if (a.firsts)
                assert_int_equal(a.first_thinking, *all[i].thinking != '\0');
            asked_release(&a);
            ops->close(e);
        }
    }
}

/* A prompt that the server still knows has no count and no time: unknown, never 0. */
static void test_cached_prompt(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual("smollm2:135m");
    struct engine *e = open_with(&cfg);
    struct asked a;
    for (int i = 0; i < 2; i++) {
        ask_one(ops, e, "The same?", &a);
        assert_int_equal(a.end.status, QUERY_OK);
        assert_int_equal(a.end.n_in, i ? UNKNOWN : OLLAMA_PROMPT_TOKENS);
        assert_int_equal(a.end.prompt_ns, i ? UNKNOWN : OLLAMA_PROMPT_NS);
        assert_int_equal(a.end.n_out, 4);
        asked_release(&a);
    }
    ops->close(e);
}

static void test_breaks(void **state)
{
    (void)state;
    static const struct {
        const char *model, *reason, *says;
    } all[] = {{"breaks", "server_error", "unexpected EOF"}, {"dies", "aborted_stream", ""}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct engine_cfg cfg = usual(all[i].model);
        struct engine *e = open_with(&cfg);
        struct asked a;
        ask_one(ops, e, "Which letter?", &a);
        assert_int_equal(a.end.status, QUERY_ERROR);
        assert_string_equal(a.end.reason, all[i].reason);
        assert_string_equal(a.text.s, "The answer");
        assert_non_null(strstr(a.detail.s, all[i].says));
        assert_true(a.detail.len > 0);
        asked_release(&a);
        ops->close(e);
    }
}

static void test_request(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual("smollm2:135m");
    struct json_doc *doc;
    struct ipw_err err;
    struct fake_seen r;
    struct asked a;
    char keep[40];
    cfg.system = "Be brief.";
    cfg.ctx = 2048;
    cfg.http.keep_alive = "10m";
    cfg.http.extra_body = "{\"think\":false,\"options\":{\"num_thread\":3}}";
    struct engine *e = open_with(&cfg);
    ask_one(ops, e, "Which letter?", &a);
    last_request(&r);
    assert_int_equal(json_read(&doc, r.body, r.body_len, 0, &err), 0);
    const json_val *root = json_root(doc), *options = json_get(root, "options");
    assert_string_equal(json_str(json_get(root, "model")), "smollm2:135m");
    assert_int_equal(json_len(json_get(root, "messages")), 2);
    assert_true(json_num(json_get(options, "num_predict")) == 64);
    assert_true(json_num(json_get(options, "num_ctx")) == 2048);
    assert_true(json_num(json_get(options, "temperature")) == 0);
    assert_true(json_num(json_get(options, "num_thread")) == 3);
    assert_int_equal(json_type(json_get(root, "think")), JSON_BOOL);
    json_doc_free(doc);
    ollama_stub_keep_alive(server, keep, sizeof keep);
    assert_string_equal(keep, "\"10m\"");
    asked_release(&a);
    ops->close(e);
}

static void test_model_facts(void **state)
{
    (void)state;
    struct engine_cfg cfg = usual("smollm2:135m");
    struct engine *e = open_with(&cfg);
    const struct engine_model *m = ops->model(e);
    assert_string_equal(m->name, "smollm2:135m");
    assert_string_equal(m->arch, "llama");
    assert_string_equal(m->quant, "F16");
    assert_int_equal(m->params_total, 134515008);
    assert_int_equal(m->n_layer, 30);
    assert_int_equal(m->n_ctx_train, 8192);
    assert_int_equal(m->n_vocab, 49152);
    assert_int_equal(m->bytes, 270898672);
    assert_int_equal(m->n_expert, -1);
    assert_int_equal(strlen(m->fingerprint), 64);
    assert_string_equal(ops->build(e), "ollama 0.12.0");
    ops->close(e);
}

static void tell(const struct ipw_env *env, const char *text)
{
    (void)env;
    ipw_buf_addf(&told, "%s\n", text);
}

/* Nothing is pulled that nobody asked for; what is pulled tells how far it is. */
static void test_pull(void **state)
{
    (void)state;
    struct ipw_env env = ipw_env_host;
    struct engine_cfg cfg = usual("pullable");
    struct engine *e = NULL;
    struct ipw_err err = {0};
    struct fake_seen r;
    env.log = tell;
    assert_int_equal(ops->open(&e, &env, &cfg, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "smollm2:135m"));
    assert_non_null(strstr(err.text, "--pull"));
    last_request(&r);
    assert_string_not_equal(r.path, "/api/pull");
    cfg.http.pull = true;
    assert_int_equal(ops->open(&e, &env, &cfg, &err), 0);
    assert_non_null(strstr(told.s, "50 %"));
    assert_string_equal(ops->model(e)->arch, "llama");
    ops->close(e);
    cfg.model = "no-such-model";
    assert_int_equal(ops->open(&e, &env, &cfg, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "pull model manifest: file does not exist"));
    cfg.model = NULL;
    assert_int_equal(ops->open(&e, &env, &cfg, &err), IPW_E_USAGE);
    assert_non_null(strstr(err.text, "thinker:latest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers), cmocka_unit_test(test_cached_prompt), cmocka_unit_test(test_breaks),
        cmocka_unit_test(test_request), cmocka_unit_test(test_model_facts),   cmocka_unit_test(test_pull),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
