#include "check.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "dataset/dataset.h"
#include "score/score.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

static const struct dataset_cfg defaults;

/* ---- reading ---- */

static int read_text(const char *text, struct dataset *d, struct ipw_err *err)
{
    *d = (struct dataset){0};
    return dataset_read_jsonl(d, "q.jsonl", text, strlen(text), err);
}

static void release(struct dataset *d)
{
    free(d->v);
    ipw_arena_release(&d->arena);
}

static void test_accepts(void **state)
{
    (void)state;
    struct dataset d;
    struct ipw_err err;
    assert_int_equal(read_text("\xef\xbb\xbf{\"id\":\"a\",\"question\":\"p\"}\r\n \r\n\n"
                               " {\"id\":\"b\",\"type\":\"numeric\",\"question\":\"q\",\"subject\":\"s\","
                               "\"max_tokens\":5,\"answer\":null,\"extra\":[1]} \n"
                               "{\"id\":\"c\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
                               &d, &err),
                     0);
    assert_int_equal(d.n, 3);
    assert_string_equal(d.v[0].id, "a");
    assert_string_equal(d.v[0].type, "exact");
    assert_null(d.v[0].subject);
    assert_int_equal(d.v[0].max_tokens, 0);
    assert_int_equal(d.v[0].record_len, 25);
    assert_memory_equal(d.v[0].record, "{\"id\":\"a\",\"question\":\"p\"}", 25);
    assert_string_equal(d.v[1].type, "numeric");
    assert_string_equal(d.v[1].subject, "s");
    assert_int_equal(d.v[1].max_tokens, 5);
    assert_int_equal(d.v[1].record[0], '{');
    assert_int_equal(d.v[1].record[d.v[1].record_len - 1], '}');
    release(&d);
    assert_int_equal(read_text("{\"id\":\"a\",\"question\":\"p\"}", &d, &err), 0);
    assert_string_equal(d.sha256, "3c1c1cad46e56e9de2fe972dc5b661d0ed07f12a3bf9c83e03c13e99f219a8b8");
    release(&d);
}

static void test_refuses(void **state)
{
    (void)state;
#define OK "{\"id\":\"a\",\"question\":\"p\"}\n"
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "'q.jsonl' holds no record"},
        {" \n\n", "'q.jsonl' holds no record"},
        {OK "\n{\"id\":\"b\",", "'q.jsonl' line 3: each line must be one JSON object: not JSON"},
        {OK "[1]", "'q.jsonl' line 2: this is an array"},
        {"{\"question\":\"p\"}", "'q.jsonl' line 1: 'id' is missing"},
        {"{\"id\":7,\"question\":\"p\"}", "'id' is a number; a string is needed"},
        {"{\"id\":\"\",\"question\":\"p\"}", "'id' is empty"},
        {"{\"id\":\"a\"}", "'question' is missing"},
        {"{\"id\":\"a\",\"question\":\" \\n\"}", "'question' is empty"},
        {"{\"id\":\"a\",\"question\":[\"p\"]}", "'question' is an array; a string is needed"},
        {"{\"id\":\"a\",\"question\":\"p\",\"answer\":18}", "'answer' is a number; a string is needed"},
        {"{\"id\":\"a\",\"question\":\"p\",\"aliases\":\"x\"}", "'aliases' is a string; an array of strings"},
        {"{\"id\":\"a\",\"question\":\"p\",\"aliases\":[1]}", "'aliases' holds a number; an array of strings"},
        {"{\"id\":\"a\",\"question\":\"p\",\"max_tokens\":0}", "'max_tokens' is not a whole number above 0"},
        {"{\"id\":\"a\",\"question\":\"p\",\"max_tokens\":1.5}", "'max_tokens'"},
        {"{\"id\":\"a\",\"question\":\"p\",\"type\":\"numric\"}", "type 'numric' is unknown, did you mean 'numeric'"},
        {"{\"id\":\"a\",\"messages\":[]}", "'messages' is empty"},
        {"{\"id\":\"a\",\"messages\":[{\"role\":\"user\"}]}", "'messages' element 1 lacks"},
        {"{\"id\":\"a\",\"question\":\"p\",\"type\":\"mcq\",\"answer\":\"A\"}", "'choices' is missing"},
        {"{\"id\":\"a\",\"question\":\"p\",\"type\":\"mcq\",\"choices\":[\"x\"],\"answer\":\"A\"}", "1 elements"},
        {"{\"id\":\"a\",\"question\":\"p\",\"type\":\"mcq\",\"choices\":[\"x\",\"y\"]}", "'answer' is missing"},
        {"{\"id\":\"a\",\"question\":\"p\",\"type\":\"mcq\",\"choices\":[\"x\",\"y\"],\"answer\":\"C\"}",
         "give A to B"},
        {"{\"id\":\"a\",\"question\":\"p\",\"type\":\"mcq\",\"choices\":[\"x\",\"y\"],\"answer\":\"a\"}",
         "give A to B"},
        {OK "{\"id\":\"b\",\"question\":\"p\"}\n\n" OK, "'q.jsonl' line 4: id 'a' is that of line 1 too"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dataset d;
        struct ipw_err err = {0};
        int rc = read_text(rows[i].text, &d, &err);
        if (rc != IPW_E_INPUT || !strstr(err.text, rows[i].want))
            fail_msg("%s gave %d: %s", rows[i].text, rc, err.text);
        release(&d);
    }
}

/* ---- names and paths ---- */

static void test_open(void **state)
{
    (void)state;
    struct dataset *d;
    struct ipw_err err;
    assert_int_equal(dataset_open(&d, "starter", &defaults, &err), 0);
    assert_string_equal(d->name, "starter");
    assert_true(d->n >= 100);
    dataset_close(d);
    assert_int_equal(dataset_open(&d, "startr", &defaults, &err), IPW_E_INPUT);
    assert_null(d);
    assert_string_equal(err.text, "no question set 'startr': did you mean 'starter'? (ipw dataset list)");
    assert_int_equal(dataset_open(&d, "gsm8k", &defaults, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "ipw dataset pull gsm8k"));
    assert_int_equal(dataset_open(&d, "zebra-puzzles", &defaults, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "no question set and no file 'zebra-puzzles'"));
    assert_int_equal(dataset_open(&d, "no/such.jsonl", &defaults, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "cannot read 'no/such.jsonl'"));
    assert_int_equal(dataset_open(&d, "/", &defaults, &err), IPW_E_INPUT);

    char path[] = "/tmp/ipw_test_XXXXXX.jsonl";
    int fd = mkstemps(path, 6);
    assert_true(fd >= 0 && write(fd, "{\"id\":\"a\",\"question\":\"p\"}", 25) == 25);
    close(fd);
    assert_int_equal(dataset_open(&d, path, &defaults, &err), 0);
    assert_int_equal(strlen(d->name), strlen("ipw_test_XXXXXX"));
    dataset_close(d);
    unlink(path);
}

static void test_fixed_length(void **state)
{
    (void)state;
    struct dataset *d;
    struct ipw_err err;
    struct dataset_cfg cfg = {.prompt_length = 400, .num_samples = 40};
    assert_int_equal(dataset_open(&d, "fixed_length", &cfg, &err), 0);
    assert_int_equal(d->n, 40);
    char first[40][12];
    for (size_t i = 0; i < d->n; i++) {
        struct json_doc *doc;
        struct ipw_buf user = IPW_BUF_INIT;
        const char *tmpl;
        assert_int_equal(json_read(&doc, d->v[i].record, d->v[i].record_len, 0, &err), 0);
        dataset_prompt(json_root(doc), &user, &tmpl);
        assert_string_equal(tmpl, "plain/1");
        assert_int_equal(user.len, 400 * 5);
        snprintf(first[i], sizeof first[i], "%s", user.s);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(first[i], first[k]);
        ipw_buf_release(&user);
        json_doc_free(doc);
    }
    dataset_close(d);
    assert_int_equal(dataset_open(&d, "fixed_length", &defaults, &err), 0);
    assert_int_equal(d->n, 8);
    dataset_close(d);
    cfg.prompt_length = 1;
    assert_int_equal(dataset_open(&d, "fixed_length", &cfg, &err), 0);
    dataset_close(d);
    cfg.num_samples = -1;
    assert_int_equal(dataset_open(&d, "fixed_length", &cfg, &err), IPW_E_INPUT);
}

/* ---- prompts ---- */

static void prompt_of(const char *record, struct ipw_buf *user, const char **tmpl)
{
    struct json_doc *doc;
    struct ipw_err err;
    assert_int_equal(json_read(&doc, record, strlen(record), 0, &err), 0);
    dataset_prompt(json_root(doc), user, tmpl);
    json_doc_free(doc);
}

static void test_prompts(void **state)
{
    (void)state;
    static const struct {
        const char *record, *tmpl, *start, *end;
    } rows[] = {
        {"{\"type\":\"mcq\",\"context\":\"c\",\"question\":\"q\",\"choices\":[\"x\",\"y\",\"z\"]}", "mcq/1",
         "c\n\nq\n\nA. x\nB. y\nC. z\n\n", "one of A-C."},
        {"{\"type\":\"numeric\",\"question\":\"q\"}", "numeric/1", "q\n\n", "\"Answer: <number>\"."},
        {"{\"question\":\"q\"}", "exact/1", "q\n\n", "<answer>your answer</answer>"},
        {"{\"type\":\"exact\",\"scorer\":\"exact_tag\",\"question\":\"q\"}", "exact/1", "q\n\n", "</answer>"},
        {"{\"type\":\"exact\",\"scorer\":\"contains\",\"question\":\"q\"}", "contains/1", "q\n\n", "short answer."},
        {"{\"scorer\":\"numeric\",\"question\":\"q\"}", "numeric/1", "q\n\n", "\"Answer: <number>\"."},
        {"{\"type\":\"math\",\"question\":\"q\"}", "math/1", "q\n\n", "\\boxed{...}."},
        {"{\"type\":\"short\",\"question\":\"q\"}", "short/1", "q\n\n", "<a few words>\"."},
        {"{\"type\":\"code\",\"question\":\"q\",\"test\":\"assert f\"}", "code/1", "q\n\n", "one Python code block."},
        {"{\"type\":\"instruction\",\"question\":\" q \"}", "plain/1", " q ", " q "},
        {"{\"type\":\"judge\",\"question\":\"q\"}", "plain/1", "q", "q"},
        {"{\"type\":\"mcq\",\"messages\":[{}],\"question\":\"q\"}", "messages/1", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ipw_buf user = IPW_BUF_INIT;
        const char *tmpl;
        prompt_of(rows[i].record, &user, &tmpl);
        if (strcmp(tmpl, rows[i].tmpl) || !ipw_starts(user.s, rows[i].start) || !ipw_ends(user.s, rows[i].end))
            fail_msg("%s gave %s: %s", rows[i].record, tmpl, user.s);
        ipw_buf_release(&user);
    }
    struct ipw_buf user = IPW_BUF_INIT;
    const char *tmpl;
    prompt_of("{\"type\":\"code\",\"question\":\"q\",\"test\":\"assert f\"}", &user, &tmpl);
    assert_non_null(strstr(user.s, "assert f")); /* only the asserts name the function */
    ipw_buf_clear(&user);
    prompt_of("{\"type\":\"code\",\"question\":\"q\",\"test\":\"secret\",\"entry_point\":\"f\"}", &user, &tmpl);
    assert_null(strstr(user.s, "secret"));
    ipw_buf_release(&user);
}

/* ---- real questions, phrased as models phrase answers ---- */

static void check_phrased(const json_val *r, const char *phrase, const char *answer, int want)
{
    struct ipw_buf text = IPW_BUF_INIT;
    struct ipw_arena arena;
    struct score_result s;
    const char *hole = strchr(phrase, '@');
    ipw_arena_init(&arena);
    ipw_buf_addf(&text, "%.*s%s%s", (int)(hole - phrase), phrase, answer, hole + 1);
    score_record(r, NULL, text.s, text.len, &arena, &s);
    if ((int)s.status != want)
        fail_msg("%s: '%s' is %s (%s)", json_str(json_get(r, "id")), text.s, score_status_name((int)s.status),
                 s.extracted ? s.extracted : "nothing");
    ipw_arena_release(&arena);
    ipw_buf_release(&text);
}

static const char *const letter_phrases[] = {
    "@",
    "Answer: @",
    "The answer is (@).",
    "**Answer: @**",
    "<think>Is it A? No, B is wrong.</think>\n\\boxed{@}",
    "Let me look at each option.\n\nA. no\nB. no\n\nSo the correct option is **@**",
    "<answer>@</answer>",
};
static const char *const number_phrases[] = {
    "@",
    "Answer: @",
    "She has 3 + 4 of them, so the answer is $@.",
    "#### @",
    "\\boxed{@}",
    "<think>12?</think>First 5, then 7: **@** apples",
    "<answer>@</answer>",
};

static void check_question(const struct question *q, size_t *checked)
{
    struct json_doc *doc;
    struct ipw_err err;
    char wrong[64];
    assert_int_equal(json_read(&doc, q->record, q->record_len, 0, &err), 0);
    const json_val *r = json_root(doc);
    const char *gold = json_str(json_get(r, "answer")), *scorer = scorer_name_for(r);
    bool mcq = !strcmp(scorer, "mcq"), numeric = !strcmp(scorer, "numeric");
    if (mcq)
        snprintf(wrong, sizeof wrong, "%c", gold[0] == 'A' ? 'B' : 'A');
    else
        snprintf(wrong, sizeof wrong, "%.50s1", gold);
    for (size_t i = 0; (mcq || numeric) && i < ARRAY_LEN(letter_phrases); i++) {
        const char *phrase = mcq ? letter_phrases[i] : number_phrases[i];
        check_phrased(r, phrase, gold, SCORE_CORRECT);
        check_phrased(r, phrase, wrong, SCORE_INCORRECT);
    }
    *checked += mcq || numeric;
    json_doc_free(doc);
}

static void test_real_questions(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t n, checked;
    } files[] = {{"data/real-questions.jsonl", 501, 375}, {"data/reasoning-gym.jsonl", 150, 80}};
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        char path[500];
        struct dataset *d;
        struct ipw_err err;
        size_t checked = 0;
        if (!check_shared(files[f].path, path, sizeof path)) {
            print_message("skipped: no %s\n", path);
            skip();
        }
        if (dataset_open(&d, path, &defaults, &err))
            fail_msg("%s", err.text);
        assert_int_equal(d->n, files[f].n);
        for (size_t i = 0; i < d->n; i++)
            check_question(&d->v[i], &checked);
        assert_int_equal(checked, files[f].checked);
        dataset_close(d);
    }
}

/* A large file is not read into memory: records lie in the file, and end where their line does. */
static void test_large(void **state)
{
    (void)state;
    enum { RECORDS = 66, FILLER = 1 << 20 };
    char path[] = "/tmp/ipw_large_XXXXXX.jsonl";
    int fd = mkstemps(path, 6);
    char *filler = ipw_malloc(FILLER + 1);
    struct dataset *d;
    struct ipw_err err;
    memset(filler, 'x', FILLER);
    filler[FILLER] = '\0';
    FILE *f = fdopen(fd, "w");
    for (int i = 0; i < RECORDS; i++)
        fprintf(f, "{\"id\":\"r%d\",\"question\":\"q\",\"answer\":\"a\",\"context\":\"%s\"}%s", i, filler,
                i < RECORDS - 1 ? "\r\n" : "");
    fclose(f);
    assert_int_equal(dataset_open(&d, path, &defaults, &err), 0);
    assert_non_null(d->map);
    assert_int_equal(d->n, RECORDS);
    assert_string_equal(d->v[RECORDS - 1].id, "r65");
    for (int i = 0; i < RECORDS; i++) {
        assert_true(d->v[i].record >= d->map && d->v[i].record + d->v[i].record_len <= d->map + d->map_len);
        assert_int_equal(d->v[i].record[d->v[i].record_len - 1], '}');
    }
    dataset_close(d);
    unlink(path);
    free(filler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),      cmocka_unit_test(test_refuses), cmocka_unit_test(test_open),
        cmocka_unit_test(test_fixed_length), cmocka_unit_test(test_prompts), cmocka_unit_test(test_real_questions),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
