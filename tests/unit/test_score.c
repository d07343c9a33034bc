#include "check.h"

#include <time.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
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

static struct score_result ask(const char *scorer, const struct score_item *item, const char *text)
{
    struct score_result r;
    scorer_find(scorer)->score(item, text, strlen(text), &arena, &r);
    return r;
}

/* ---- the vectors of the specification ---- */

static int try_line(const char *text, size_t len, size_t line, char **printed, struct ipw_err *err)
{
    struct json_doc *doc;
    if (json_read(&doc, text, len, 0, err))
        return 2;
    struct json_out *o = json_out_new();
    json_node *out = json_new_obj(o);
    int pass = 2, rc = score_vector(json_root(doc), line, NULL, o, out, &pass, err);
    *printed = rc ? NULL : json_write(o, out, false);
    json_out_free(o);
    json_doc_free(doc);
    return rc ? 2 : pass;
}

static void test_shared_vectors(void **state)
{
    (void)state;
    char path[500];
    struct ipw_err err;
    struct ipw_buf b = IPW_BUF_INIT;
    if (!check_shared("data/scorer-vectors.jsonl", path, sizeof path)) {
        print_message("skipped: no %s\n", path);
        skip();
    }
    assert_int_equal(fs_read(path, 1 << 20, &b, &err), 0);
    size_t line = 0, passed = 0, failed = 0;
    for (char *s = b.s, *nl; (nl = strchr(s, '\n')); s = nl + 1) {
        char *printed = NULL;
        int pass = try_line(s, (size_t)(nl - s), ++line, &printed, &err);
        passed += pass == 1;
        failed += pass == 0 || pass == 2;
        if (pass == 0 || pass == 2)
            print_error("%.*s\n  gave %s\n", (int)(nl - s), s, printed ? printed : err.text);
        free(printed);
    }
    ipw_buf_release(&b);
    assert_int_equal(failed, 0);
    assert_true(passed >= 255);
}

/* ---- rules and traps ---- */

static void test_think(void **state)
{
    (void)state;
    static const struct {
        const char *text, *visible, *status;
    } rows[] = {
        {"<THINK>a</Think> b ", "b", "stripped"},
        {"[THINK]a[/THINK]b", "b", "stripped"},
        {"\xe2\x97\x81think\xe2\x96\xb7x\xe2\x97\x81/think\xe2\x96\xb7\xc2\xa0y\xe3\x80\x80", "y", "stripped"},
        {"a</think>b<think>c", "", "unclosed"},
        {"<|channel|>analysis<|message|>no<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>", "yes",
         "stripped"},
        {"<thinker> stays", "<thinker> stays", "none"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *s;
        size_t n;
        enum think_status st = score_strip_think(rows[i].text, strlen(rows[i].text), &s, &n);
        assert_string_equal(think_status_name(st), rows[i].status);
        assert_string_equal(ipw_arena_strndup(&arena, s, n), rows[i].visible);
    }
}

static void test_mcq(void **state)
{
    (void)state;
    static const char *const options[] = {"red", "dark red", "blue", ""};
    static const struct {
        const char *text, *letter, *method;
    } rows[] = {
        {"\\boxed{A} no: \\fbox{\\mathbf{b}}", "B", "boxed"},
        {"\\boxed{(C) blue} and \\boxed{A", "C", "boxed"},
        {"\\boxed{blue}. Answer: C", "C", "statement"},
        {"<answer>A</answer><Answer> (B) dark</Answer>", "B", "tag"},
        {"The answer is not B", NULL, "none"},
        {"Rule out option (A). B is also incorrect. It must be C", "C", "last_letter"},
        {"The answer is A or B. Finally: the answer is B", "B", "statement"},
        {"the answer is a guess", NULL, "none"},
        {"answer: b.", "B", "statement"},
        {"The answer is \xe2\x80\x9c"
         "C",
         "C", "last_letter"},
        {"**Answer: A**ntwort", NULL, "none"},
        {"Answer: A\xe2\x80\x99s", NULL, "none"},
        {"A. red\nB. dark red\nC. blue\nD.", NULL, "none"},
        {"It is dark red.", "B", "option_text"},
        {"red or blue", NULL, "none"},
        {"(A), then [B)", "B", "bracketed"},
        {"\xef\xbc\xa2", "B", "own_line"}, /* fullwidth B */
        {"<think>B", NULL, "unclosed_think"},
        {"A</think>", NULL, "none"},
        {"E", NULL, "none"},
    };
    struct score_item item = {.answer = "B", .choices = options, .n_choices = 4};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct score_result r = ask("mcq", &item, rows[i].text);
        if (!ipw_streq(r.extracted, rows[i].letter) || !ipw_streq(r.method, rows[i].method))
            fail_msg("'%s' gave %s by %s", rows[i].text, r.extracted ? r.extracted : "nothing", r.method);
        assert_int_equal(r.status, !rows[i].letter          ? SCORE_UNPARSED
                                   : *rows[i].letter == 'B' ? SCORE_CORRECT
                                                            : SCORE_INCORRECT);
    }
    item.answer = "E";
    assert_int_equal(ask("mcq", &item, "A").status, SCORE_UNSCORED);
    item.answer = NULL;
    assert_non_null(ask("mcq", &item, "A").reason);
}

static void test_numeric(void **state)
{
    (void)state;
    static const struct {
        const char *text, *number, *method;
    } rows[] = {
        {"10-5", "5", "last"},
        {"10 - 5", "-5", "last"},
        {"In all:\n- 20 dogs\n  - 15 cats", "15", "last"}, /* a list's dash */
        {"In all:\n-15", "-15", "last"},
        {"- 15", "-15", "last"},
        {"mixed 1 3/4", "7/4", "last"},
        {"-2 1/2", "-5/2", "last"},
        {"6/4", "3/2", "last"},
        {"7/0", "7", "last"},
        {"1,2345", "2345", "last"},
        {"1,234,567.50", "2469135/2", "last"},
        {"-$1,000", "-1000", "last"},
        {"\xe2\x82\xac 5", "5", "last"},
        {"2.5e-3", "1/400", "last"},
        {"1e400", NULL, "last"}, /* held at 1e300: 301 digits */
        {"1e-40", "1/10000000000000000000000000000000000000000", "last"},
        {"0.1250000000000000000000000000000000000000000000", "1/8", "last"},
        {"-0.0", "0", "last"},
        {"3.", "3", "last"},
        {"v2 x3 1.2.3", "6/5", "last"},
        {"\xc3\xa9"
         "5",
         NULL, "none"}, /* a letter stands before it */
        {"#### 5\n#### 6", "5", "hash"},
        {"\\boxed{-\\dfrac{-6}{4}}", "3/2", "boxed"},
        {"\\boxed{\\text{12 cm}}", "12", "boxed"},
        {"<answer> 9 </answer> 8", "9", "tag"},
        {"Answer: 3 of 4.\nThe final answer is:\n\n5 of 6\n7", "5", "statement"},
        {"answer is unknown\n7", "7", "last"},
        {"\\$1{,}234{,}567\\,kg", "1234567", "last"},
        {"<think>5", NULL, "unclosed_think"},
        {"\xef\xbc\x95\xef\xbc\x8e\xef\xbc\x95", "11/2", "last"}, /* fullwidth 5.5 */
    };
    struct score_item item = {.answer = "70,000"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct score_result r = ask("numeric", &item, rows[i].text);
        bool same =
            rows[i].number ? ipw_streq(r.extracted, rows[i].number) : !r.extracted || strlen(r.extracted) == 301;
        if (!same || !ipw_streq(r.method, rows[i].method))
            fail_msg("'%s' gave %s by %s", rows[i].text, r.extracted ? r.extracted : "nothing", r.method);
    }
    assert_int_equal(ask("numeric", &item, "7e4 apples").status, SCORE_CORRECT);
    assert_int_equal(ask("numeric", &item, "$70000.00").status, SCORE_CORRECT);
    assert_int_equal(ask("numeric", &item, "70,001").status, SCORE_INCORRECT);
    assert_int_equal(ask("numeric", &item, "many").status, SCORE_UNPARSED);
    item.answer = "-2";
    assert_int_equal(ask("numeric", &item,
                         "x = \xe2\x88\x92"
                         "2")
                         .status,
                     SCORE_CORRECT);
    item.answer = "two";
    assert_int_equal(ask("numeric", &item, "2").status, SCORE_UNSCORED);
    /* beyond 127 bits numbers are compared as text, and never taken for another */
    item.answer = "123456789012345678901234567890123456789012345";
    assert_int_equal(ask("numeric", &item, "123456789012345678901234567890123456789012345.0").status, SCORE_CORRECT);
    assert_int_equal(ask("numeric", &item, "123456789012345678901234567890123456789012346").status, SCORE_INCORRECT);
}

static void test_short_answers(void **state)
{
    (void)state;
    static const char *const aliases[] = {"City of Light"};
    static const struct {
        const char *text;
        bool equal, contained;
        const char *method;
    } rows[] = {
        {"I say <answer>Lyon</answer> but <answer> the PARIS! </answer>", true, true, "tag"},
        {"Paris? No. <answer>Lyon</answer>", false, true, "contained"},
        {"<answer>Lyon</answer>", false, false, NULL},
        {"Answer: Lyon\n**Final answer:** Paris.", true, true, "line"},
        {"Answer:\n\nParis", true, true, "line"},
        {"The answer: it is Paris", false, true, "contained"},
        {"the city of light", true, true, "equal"},
        {"\xe2\x80\x9cParis\xe2\x80\x9d\xe2\x80\x94"
         "capital",
         false, true, "contained"},
        {"Parisian", false, false, NULL},
        {"<think>Paris</think>Lyon", false, false, NULL},
    };
    struct score_item item = {.answer = "Paris", .aliases = aliases, .n_aliases = 1};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct score_result e = ask("exact", &item, rows[i].text), c = ask("contains", &item, rows[i].text);
        if ((e.status == SCORE_CORRECT) != rows[i].equal || (c.status == SCORE_CORRECT) != rows[i].contained ||
            !ipw_streq(e.method, rows[i].method))
            fail_msg("'%s' gave %s, %s by %s", rows[i].text, score_status_name((int)e.status),
                     score_status_name((int)c.status), e.method ? e.method : "nothing");
    }
    assert_int_equal(ask("contains", &item, "<think>Paris").status, SCORE_UNPARSED);
    assert_int_equal(ask("exact", &item, " \n").status, SCORE_UNPARSED);
    item.n_aliases = 0;
    item.answer = "\xc3\x85ngstr\xc3\xb6m"; /* capitals beyond ASCII */
    assert_int_equal(ask("exact", &item, "\xc3\xa5NGSTR\xc3\x96M").status, SCORE_CORRECT);
    item.answer = "A"; /* SQuAD's rules leave nothing of it, nor of "the" */
    assert_int_equal(ask("exact", &item, "a.").status, SCORE_CORRECT);
    assert_int_equal(ask("exact", &item, "the").status, SCORE_INCORRECT);
    item.answer = "+";
    assert_int_equal(ask("exact", &item, "+").status, SCORE_CORRECT);
    assert_int_equal(ask("exact", &item, "-").status, SCORE_INCORRECT);
    item.answer = NULL;
    assert_int_equal(ask("contains", &item, "x").status, SCORE_UNSCORED);
}

static void test_squad_norm(void **state)
{
    (void)state;
    const char *s = "  The \xe2\x80\x98"
                    "cat\xe2\x80\x99 sat\ton an A-1, a  theatre. ";
    assert_string_equal(score_squad_norm(s, strlen(s), &arena), "cat sat on a1 theatre");
}

/* ---- records ---- */

static void score_text(const char *record, const char *text, struct score_result *r)
{
    struct ipw_err err;
    struct json_doc *doc;
    assert_int_equal(json_read(&doc, record, strlen(record), 0, &err), 0);
    score_record(json_root(doc), NULL, text, strlen(text), &arena, r);
    json_doc_free(doc);
}

static void test_records(void **state)
{
    (void)state;
    static const struct {
        const char *record, *reason;
    } unscored[] = {
        {"{\"type\":\"code\",\"entry_point\":\"f\"}", "there is no sandbox to run it in"},
        {"{\"type\":\"code\"}", "there is no sandbox to run it in"},
        {"{\"type\":\"short\"}", "the record has no answer"},
        {"{\"type\":\"instruction\"}", "the record has no instruction_id_list"},
        {"{\"type\":\"none\"}", "the record asks for no score"},
        {"{\"answer\":\"\"}", "the record has no answer"},
    };
    struct score_result r;
    for (size_t i = 0; i < ARRAY_LEN(unscored); i++) {
        score_text(unscored[i].record, "x", &r);
        assert_int_equal(r.status, SCORE_UNSCORED);
        assert_string_equal(r.reason, unscored[i].reason);
    }
    score_text("{\"type\":\"mcq\",\"choices\":[\"p\",\"q\",\"r\"],\"answer\":\"C\"}", "So: C", &r);
    assert_int_equal(r.status, SCORE_CORRECT);
    score_text("{\"type\":\"exact\",\"scorer\":\"contains\",\"answer\":\"x\",\"aliases\":[\"y z\"]}", "it is Y z now",
               &r);
    assert_int_equal(r.status, SCORE_CORRECT);
    for (size_t i = 0; scorers[i]; i++)
        assert_ptr_equal(scorer_find(scorers[i]->name), scorers[i]);
}

/* ---- the vector form ---- */

static void test_vector_form(void **state)
{
    (void)state;
    static const struct {
        const char *vec;
        int pass; /* 2: bad input */
        const char *text;
    } rows[] = {
        {"{\"kind\":\"numeric\",\"response\":\"29\",\"expected\":29.0}", 1,
         "{\"line\":7,\"kind\":\"numeric\",\"result\":{\"expected\":\"29\",\"method\":\"last\"},\"pass\":true}"},
        {"{\"kind\":\"numeric\",\"response\":\"1/2\",\"expected\":\"0.50\",\"method\":\"hash\"}", 0, "\"pass\":false"},
        {"{\"kind\":\"numeric\",\"response\":\"x\",\"expected\":\"1\"}", 0, "\"expected\":null"},
        {"{\"kind\":\"mcq\",\"response\":\"B\",\"n_choices\":4}", -1, "\"pass\":null,\"reason\":\"the line expects"},
        {"{\"kind\":\"exact\",\"response\":\"c b\",\"answer\":\"b\",\"expected\":false,\"contained\":false}", 0,
         "{\"expected\":false,\"contained\":true,\"method\":\"contained\"}"},
        {"{\"kind\":\"strip_think\",\"response\":\"a</think>b\\u0000\",\"visible\":\"b\\u0000\"}", 1, "\"stripped\""},
        {"{\"kind\":\"magic\",\"expected\":true}", -1,
         "\"result\":null,\"pass\":null,\"reason\":\"kind 'magic' is not built\""},
        {"{\"kind\":\"ifeval\",\"id\":\"no:such\",\"response\":\"x\"}", 2, "'id' names no instruction"},
        {"[]", 2, "line 7: not an object"},
        {"{\"response\":\"x\"}", 2, "'kind'"},
        {"{\"kind\":\"numeric\",\"response\":3}", 2, "'response'"},
        {"{\"kind\":\"mcq\",\"response\":\"\",\"n_choices\":\"4\"}", 2, "'n_choices'"},
        {"{\"kind\":\"mcq\",\"response\":\"\",\"n_choices\":27}", 2, "'n_choices'"},
        {"{\"kind\":\"mcq\",\"response\":\"\",\"n_choices\":2,\"choices\":[1,2]}", 2, "'choices'"},
        {"{\"kind\":\"exact\",\"response\":\"\"}", 2, "'answer'"},
        {"{\"kind\":\"exact\",\"response\":\"\",\"answer\":\"x\",\"aliases\":\"y\"}", 2, "'aliases'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ipw_err err = {0};
        char *printed = NULL;
        int pass = try_line(rows[i].vec, strlen(rows[i].vec), 7, &printed, &err);
        const char *got = printed ? printed : err.text;
        if (pass != rows[i].pass || !strstr(got, rows[i].text))
            fail_msg("%s gave %d: %s", rows[i].vec, pass, got);
        free(printed);
    }
}

/* A megabyte that invites backtracking must not cost more than a megabyte. */
static void test_hostile_size(void **state)
{
    (void)state;
    static const char *const units[] = {"answer", "\\boxed{", "\\text{", "<answer>", "A ",
                                        "1 ",     "1,000,",   " ",       "not  "};
    struct score_item item = {.answer = "1", .choices = (const char *const[]){"x", "y"}, .n_choices = 2};
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        struct ipw_buf text = IPW_BUF_INIT;
        ipw_buf_adds(&text, "answer B");
        while (text.len < 1 << 20)
            ipw_buf_adds(&text, units[i]);
        ipw_buf_adds(&text, "x");
        for (size_t k = 0; scorers[k]; k++)
            ask(scorers[k]->name, &item, text.s);
        ipw_buf_release(&text);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    double s = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    print_message("%zu answers of 1 MiB in %.2f s\n", ARRAY_LEN(units) * 4, s);
    assert_true(s < 60); /* takes 1 s; minutes when a scan is quadratic; sanitizers cost a factor of ten */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_shared_vectors), T(test_think),   T(test_mcq),         T(test_numeric),      T(test_short_answers),
        T(test_squad_norm),     T(test_records), T(test_vector_form), T(test_hostile_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
