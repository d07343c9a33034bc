/* What is asked for log-likelihoods, what is read from them, and what the in-process engine makes of a real model. */
#include "check.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/perplexity.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "dataset/dataset.h"
#include "engine/argmax.h"
#include "engine/letters.h"
#include "score/score.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

static struct ipw_arena arena;

static int setup(void **state)
{
    (void)state;
    ipw_arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ipw_arena_release(&arena);
    return 0;
}

static struct json_doc *parse_n(const char *text, size_t len)
{
    struct json_doc *doc;
    struct ipw_err err;
    assert_int_equal(json_read(&doc, text, len, 0, &err), 0);
    return doc;
}

static struct json_doc *parse(const char *text)
{
    return parse_n(text, strlen(text));
}

/* ---- questions ---- */

static void test_options(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        enum dataset_asking how;
        const char *tmpl, *context, *first, *last;
    } cases[] = {
        {"{\"question\":\"Why? \",\"choices\":[\"x y\",\"z\"]}", DATASET_LOGLIK, "question/1", "Question: Why?\nAnswer:", " x y", " z"},
        {"{\"question\":\"Why?\",\"choices\":[\"x y\",\"z\"],\"context\":\"Because.\"}", DATASET_LETTERS, "letters/1",
         "Because.\nWhy?\nA. x y\nB. z\nAnswer:", " A", " B"},
        {"{\"question\":\"A man [header] sits [title] Then he  [b\",\"choices\":[\"[substeps] stands up. \",\"is [a\\n] b\"],"
         "\"source\":\"Rowan/hellaswag validation\"}", DATASET_LOGLIK, "beginning/1", "A man sits. Then he [b", " stands up.", " is [a\n] b"},
        {"{\"question\":\" so it ends\",\"context\":\"It began,\"}", DATASET_PERPLEXITY, "perplexity/1", "It began,", " so it ends", " so it ends"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_doc *doc = parse(cases[i].record);
        struct dataset_options o;
        assert_true(dataset_options(json_root(doc), cases[i].how, &arena, &o));
        assert_string_equal(o.tmpl, cases[i].tmpl);
        assert_string_equal(o.context, cases[i].context);
        assert_string_equal(o.v[0], cases[i].first);
        assert_string_equal(o.v[o.n - 1], cases[i].last);
        json_doc_free(doc);
    }
    struct json_doc *doc = parse("{\"question\":\"How many?\",\"answer\":\"4\"}");
    struct dataset_options o;
    assert_false(dataset_options(json_root(doc), DATASET_LOGLIK, &arena, &o));
    json_doc_free(doc);
    enum dataset_asking how;
    assert_true(dataset_asking_find(NULL, &how) && how == DATASET_ANSWER);
    assert_true(dataset_asking_find("letters", &how) && how == DATASET_LETTERS);
    assert_false(dataset_asking_find("logits", &how));
}

/* Pieces put together are the text, each begins with white space but the first, and stands behind what came before it. */
static void check_pieces(const char *text, size_t bytes, bool spaced)
{
    struct ipw_buf jsonl = IPW_BUF_INIT, all = IPW_BUF_INIT;
    struct dataset d = {0};
    struct ipw_err err;
    assert_int_equal(dataset_text_pieces("t", text, strlen(text), bytes, &jsonl, &err), 0);
    assert_int_equal(dataset_read_jsonl(&d, "t", jsonl.s, jsonl.len, &err), 0);
    for (size_t i = 0; i < d.n; i++) {
        struct json_doc *doc = parse_n(d.v[i].record, d.v[i].record_len);
        const char *context = json_str(json_get(json_root(doc), "context")), *piece = json_str(json_get(json_root(doc), "question"));
        assert_true(i ? context && ipw_ends(all.s, context) && strlen(context) <= bytes + 3 : !context);
        assert_true(!spaced || !i || *piece == ' ');
        ipw_buf_adds(&all, piece);
        json_doc_free(doc);
    }
    assert_string_equal(all.s, text);
    free(d.v);
    ipw_arena_release(&d.arena);
    ipw_buf_release(&jsonl);
    ipw_buf_release(&all);
}

static void test_pieces(void **state)
{
    (void)state;
    struct ipw_buf b = IPW_BUF_INIT;
    struct ipw_err err;
    for (int i = 0; i < 400; i++)
        ipw_buf_addf(&b, "%sword%d", i ? " " : "", i * i);
    check_pieces(b.s, 100, true);
    check_pieces(b.s, 1 << 20, true);
    ipw_buf_clear(&b);
    for (int i = 0; i < 300; i++)
        ipw_buf_adds(&b, "\xe6\xbc\xa2");
    check_pieces(b.s, 100, false);
    ipw_buf_clear(&b);
    ipw_buf_addf(&b, "a%*sb", 1000, "");
    check_pieces(b.s, 10, false);
    ipw_buf_clear(&b);
    assert_int_equal(dataset_text_pieces("t", "a\xff", 2, 10, &b, &err), IPW_E_INPUT);
    assert_int_equal(dataset_text_pieces("t", "a\0b", 3, 10, &b, &err), IPW_E_INPUT);
    assert_int_equal(dataset_text_pieces("t", " \n", 2, 10, &b, &err), IPW_E_INPUT);
    ipw_buf_release(&b);
}

/* ---- verdicts ---- */

static void test_scorers(void **state)
{
    (void)state;
    static const char two[] = "{\"of\":\"options\",\"loglik\":[-6,-4,-9],\"chars\":[6,2,9],\"bytes\":[6,2,18]}";
    static const struct {
        const char *scorer, *text, *extracted;
        enum score_status status;
    } cases[] = {
        {"loglik", two, "B", SCORE_CORRECT},
        {"loglik_norm_char", two, "A", SCORE_INCORRECT}, /* a tie: the first */
        {"loglik_norm_byte", two, "C", SCORE_INCORRECT},
        {"loglik", "{\"of\":\"letters\",\"loglik\":[null,-2,null]}", "B", SCORE_CORRECT},
        {"loglik_norm_char", "{\"of\":\"letters\",\"loglik\":[-1,-2],\"chars\":[1,1]}", NULL, SCORE_UNSCORED},
        {"loglik", "{\"of\":\"letters\",\"loglik\":[null,null]}", NULL, SCORE_UNPARSED},
        {"loglik", "", NULL, SCORE_UNPARSED},
        {"loglik", "The answer is B.", NULL, SCORE_UNSCORED},
        {"perplexity", "{\"loglik\":[-12.5],\"tokens\":[4],\"bytes\":[20]}", "nll 12.5 tokens 4 bytes 20", SCORE_UNSCORED},
        {"perplexity", "{\"loglik\":[null],\"tokens\":[4],\"bytes\":[20]}", NULL, SCORE_UNSCORED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct score_item item = {.answer = "B"};
        struct score_result r;
        scorer_find(cases[i].scorer)->score(&item, cases[i].text, strlen(cases[i].text), &arena, &r);
        assert_int_equal(r.status, cases[i].status);
        assert_true(ipw_streq(r.extracted, cases[i].extracted));
    }
}

static void test_letters(void **state)
{
    (void)state;
    double ll[LETTERS_MAX];
    int first;
    struct json_doc *doc = parse("{\"content\":[{\"token\":\"A\",\"top_logprobs\":[{\"token\":\"A\",\"logprob\":-1},{\"token\":\" A\","
                                 "\"logprob\":-1},{\"token\":\"(C\",\"logprob\":-0.5},{\"token\":\"Because\",\"logprob\":-3}]}]}");
    assert_true(letters_read(json_root(doc), ll, &first));
    assert_true(fabs(ll[0] - (log(2) - 1)) < 1e-12 && isinf(ll[1]) && ll[2] == -0.5);
    assert_int_equal(first, 2);
    json_doc_free(doc);
    doc = parse("{\"tokens\":[\" The\"],\"top_logprobs\":[{\" The\":-0.1,\" B\":-2,\"b\":-1}]}");
    assert_true(letters_read(json_root(doc), ll, &first));
    assert_true(isinf(ll[0]) && ll[1] == -2);
    assert_int_equal(first, -1);
    json_doc_free(doc);
    assert_false(letters_read(NULL, ll, &first));
}

static void test_sum_exp(void **state)
{
    (void)state;
    enum { N = 10007 };
    float *x = malloc(N * sizeof *x);
    for (int round = 0; round < 50; round++) {
        int n = 1 + (int)(ipw_rng_at(3, (uint64_t)round) % N);
        double want = 0;
        for (int i = 0; i < n; i++)
            x[i] = (float)(ipw_rng_at(4 + (uint64_t)round, (uint64_t)i) % 300000) * -1e-4f;
        float top = x[engine_argmax(x, n)];
        for (int i = 0; i < n; i++)
            want += exp((double)x[i] - (double)top);
        assert_true(fabs(engine_sum_exp(x, n, top) / want - 1) < 1e-6);
    }
    assert_true(engine_sum_exp((float[]){0, -INFINITY, -200}, 3, 0) == 1);
    free(x);
}

/* ---- figures ---- */

/* Three pieces of 100 tokens and 400 bytes: 3, 2, 4 nats a token at 10, 20, 30 W for 1, 2, 1 s. */
static void test_perplexity(void **state)
{
    (void)state;
    struct table_row rows[3];
    const double nats[] = {3, 2, 4}, watts[] = {10, 20, 30}, seconds[] = {1, 2, 1};
    for (size_t i = 0; i < 3; i++)
        rows[i] = (struct table_row){.status = QUERY_OK, .nll = 100 * nats[i], .nll_tokens = 100, .nll_bytes = 400,
                                     .energy_j = watts[i] * seconds[i], .energy_s = seconds[i]};
    struct table_run run = {.v = rows, .n = 3, .gain_u = NAN, .energy_source = "measured"};
    struct perplexity_figures p;
    analysis_perplexity(&run, &p);
    double mean = (exp(3) + exp(2) + exp(4)) / 3;
    assert_true(fabs(p.mean.est - mean) < 1e-9 && fabs(p.corpus.est - exp(3)) < 1e-9);
    assert_true(fabs(p.bits_per_byte.est - 900 / log(2) / 1200) < 1e-12);
    assert_true(fabs(p.ppw.est - 1 / (mean * 20)) < 1e-12 && fabs(p.ppj.est - 1 / (mean * 80 / 3)) < 1e-12);
    assert_true(p.tokens == 300 && p.bytes == 1200);
    rows[0].energy_j = NAN; /* a third without joules is too much */
    analysis_perplexity(&run, &p);
    assert_true(isnan(p.ppw.est) && isfinite(p.corpus.est));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_options), T(test_pieces),  T(test_scorers),
                                       T(test_letters), T(test_sum_exp), T(test_perplexity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
