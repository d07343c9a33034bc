#include "check.h"

#include "base/str.h"
#include "dataset/catalogue.h"
#include "dataset/dataset.h"
#include "dataset/mapping.h"
#include "score/score.h"

/* Converts one line as the named set does; the record's JSON, or NULL and err. */
static struct json_doc *convert(const char *set, const char *line, struct ipw_err *err)
{
    struct catalogue *c = catalogue_open();
    struct ipw_buf out = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    assert_non_null(catalogue_find(c, set));
    if (!catalogue_convert(catalogue_find(c, set), line, strlen(line), &out, err))
        assert_int_equal(json_read(&doc, out.s, out.len, 0, err), 0);
    ipw_buf_release(&out);
    catalogue_close(c);
    return doc;
}

static const char *text(const struct json_doc *doc, const char *key)
{
    return json_str(json_get(json_root(doc), key));
}

static void test_rows(void **state)
{
    (void)state;
    size_t n;
    struct catalogue *c = catalogue_open();
    const struct catalogue_set *s = catalogue_sets(c, &n);
    assert_int_equal(n, 32);
    for (size_t i = 0; i < n; i++) {
        struct catalogue_package p = catalogue_package(c, s[i].package);
        assert_true(s[i].name && s[i].what && s[i].type && s[i].source && s[i].license && (s[i].n > 0 || s[i].hub));
        assert_null(dataset_find(s[i].name));
        assert_true(s[i].package || s[i].refused || s[i].hub);
        for (const char *const *k = (const char *const[]){"repo", "config", "split", "files", "format", "select", NULL}; s[i].hub && *k; k++)
            assert_non_null(json_str(json_get(s[i].hub, *k)));
        struct catalogue_set shots;
        char name[100];
        if (catalogue_shots(&s[i], name, &shots)) {
            for (const char *const *k = (const char *const[]){"repo", "split", "files", "select", NULL}; *k; k++)
                assert_non_null(json_str(catalogue_hub(&shots, *k)));
            assert_true(ipw_starts(shots.source, json_str(json_get(s[i].hub, "repo"))));
            assert_string_not_equal(json_str(json_get(shots.hub, "split")), json_str(json_get(s[i].hub, "split")));
            assert_false(catalogue_shots(&shots, name, &shots) || json_get(s[i].row, "canary"));
        }
        if (s[i].hub) {
            int64_t counted;
            assert_true(json_len(json_get(s[i].hub, "columns")) > 0);
            assert_int_equal(json_is_int(json_get(s[i].hub, "n"), &counted) + json_is_int(json_get(s[i].hub, "n_said"), &counted) +
                             (json_str(json_get(s[i].hub, "n_unknown")) != NULL), 1);
        }
        if (!s[i].package)
            continue;
        assert_true(s[i].member && s[i].n > 0);
        assert_true(p.name && p.version && p.file && p.sha256 && p.bytes > 0);
        assert_int_equal(strlen(p.sha256), 64);
    }
    catalogue_close(c);
}

static void test_choices(void **state)
{
    (void)state;
    struct ipw_err err;
    struct json_doc *d = convert("arc-challenge", "{\"task_id\":\"ARC/12\",\"question\":\"q\",\"choices\":[\"a\",\"b\",\"c\"],"
                                                  "\"labels\":[\"A\",\"B\",\"C\"],\"answer\":\"C\"}\n", &err);
    assert_string_equal(text(d, "id"), "arc-challenge/12");
    assert_string_equal(text(d, "answer"), "C");
    assert_string_equal(text(d, "license"), "CC-BY-SA-4.0");
    json_doc_free(d);

    d = convert("boolq", "{\"task_id\":\"BoolQ/0\",\"question\":\"is it\",\"passage\":\"p\",\"answer\":\"no\"}", &err);
    assert_string_equal(text(d, "answer"), "B");
    assert_string_equal(text(d, "context"), "p");
    assert_string_equal(json_str(json_at(json_get(json_root(d), "choices"), 0)), "Yes");
    json_doc_free(d);

    d = convert("winogrande", "{\"task_id\":\"W/1\",\"sentence\":\"x _ y\",\"choices\":[\"a\",\"b\"],\"answer\":\"A\"}", &err);
    assert_true(ipw_ends(text(d, "question"), "\n\nx _ y"));
    json_doc_free(d);
}

/* The right one is first in the source; here it stands where sha256("id|i") puts it, with its letter. */
static void test_shuffle(void **state)
{
    (void)state;
    struct ipw_err err;
    size_t first = 0, n = 200;
    for (size_t i = 0; i < n; i++) {
        char line[300];
        snprintf(line, sizeof line, "{\"task_id\":\"T/%zu\",\"question\":\"q\",\"choices\":[\"right\",\"x\",\"y\",\"z\",\"w\"],"
                                    "\"answer\":\"A\"}", i);
        struct json_doc *d = convert("truthfulqa", line, &err), *again = convert("truthfulqa", line, &err);
        const char *answer = text(d, "answer");
        assert_string_equal(json_str(json_at(json_get(json_root(d), "choices"), (size_t)(answer[0] - 'A'))), "right");
        assert_string_equal(answer, text(again, "answer"));
        first += answer[0] == 'A';
        json_doc_free(d);
        json_doc_free(again);
    }
    assert_in_range(first, 20, 65); /* a fifth */
}

static void test_gold_with_comma(void **state)
{
    (void)state;
    struct ipw_err err;
    struct ipw_arena arena;
    struct score_result r;
    struct json_doc *d = convert("gsm8k", "{\"task_id\":\"GSM8K/3\",\"question\":\"q\",\"answer\":\"70,000\"}", &err);
    assert_string_equal(text(d, "answer"), "70,000");
    ipw_arena_init(&arena);
    score_record(json_root(d), NULL, "Answer: 70000", 13, &arena, &r);
    assert_int_equal(r.status, SCORE_CORRECT);
    ipw_arena_release(&arena);
    json_doc_free(d);
}

static void test_code_and_instructions(void **state)
{
    (void)state;
    struct ipw_err err;
    struct json_doc *d = convert("humaneval", "{\"task_id\":\"HumanEval/0\",\"prompt\":\"def f():\",\"entry_point\":\"f\","
                                              "\"canonical_solution\":\"s\",\"test\":\"t\"}", &err);
    assert_string_equal(scorer_name_for(json_root(d)), "python_tests");
    assert_null(text(d, "canonical_solution")); /* the solution does not travel with the question */
    json_doc_free(d);
    d = convert("mbpp", "{\"task_id\":\"MBPP/11\",\"prompt\":\"p\",\"test\":\"assert f()\"}", &err);
    struct ipw_buf user = IPW_BUF_INIT;
    const char *tmpl;
    dataset_prompt(json_root(d), &user, &tmpl);
    assert_non_null(strstr(user.s, "assert f()"));
    ipw_buf_release(&user);
    json_doc_free(d);
    d = convert("ifeval", "{\"task_id\":\"IFEval/1000\",\"prompt\":\"p\",\"instruction_id_list\":[\"a:b\"],\"kwargs\":[{}]}", &err);
    assert_int_equal(json_len(json_get(json_root(d), "kwargs")), 1);
    json_doc_free(d);

    /* what a set leaves out: a list's element, or the field of one */
    static const char *const lines[] = {
        "{\"task_id\":\"I/1\",\"prompt\":\"p\",\"instruction_id_list\":[\"language:response_language\"],\"kwargs\":[{}]}",
        "{\"task_id\":\"I/2\",\"prompt\":\"p\",\"instruction_id_list\":[\"a:b\"],\"kwargs\":[{\"letter\":\"#\"}]}",
        "{\"task_id\":\"I/3\",\"prompt\":\"p\",\"instruction_id_list\":[\"a:b\"],\"kwargs\":[{\"letter\":\"a\"}]}"};
    struct catalogue *c = catalogue_open();
    for (size_t i = 0; i < 3; i++) {
        struct ipw_buf out = IPW_BUF_INIT;
        assert_int_equal(catalogue_convert(catalogue_find(c, "ifeval-exact"), lines[i], strlen(lines[i]), &out, &err), 0);
        assert_int_equal(out.len > 0, i == 2);
        ipw_buf_release(&out);
    }
    catalogue_close(c);
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *set, *line, *want;
    } rows[] = {
        {"gsm8k", "{\"task_id\":\"G/1\",\"question\":\"q\"}", "'gsm8k.jsonl' line 1: 'answer' is missing"},
        {"gsm8k", "\n{\"task_id\":\"G/1\",\"answer\":\"1\"}", "'gsm8k.jsonl' line 2: 'question' is missing"},
        {"gsm8k", "{\"question\":\"q\",\"answer\":\"1\"}", "'task_id' is missing"},
        {"gsm8k", "[1]", "an object is needed"},
        {"gsm8k", "{", "'gsm8k.jsonl' line 1"},
        {"piqa", "{\"task_id\":\"P/1\",\"goal\":\"q\",\"choices\":[\"a\"],\"answer\":\"A\"}", "no 2 to 26 choices"},
        {"piqa", "{\"task_id\":\"P/1\",\"goal\":\"q\",\"choices\":[\"a\",\"b\"],\"answer\":\"C\"}", "none of the 2 choices"},
        {"piqa", "{\"task_id\":\"P/1\",\"goal\":\"q\",\"choices\":[\"a\",3],\"answer\":\"A\"}", "choice B is no text"},
        {"piqa", "{\"task_id\":\"P/1\",\"goal\":\"q\",\"choices\":[\"a\",\"b\"]}", "the answer is missing"},
        {"piqa", "{\"task_id\":\"P/1\",\"goal\":\"q\\u0000r\",\"choices\":[\"a\",\"b\"],\"answer\":\"A\"}", "'goal' holds a NUL"},
        {"mbpp", "{\"task_id\":\"M/1\",\"prompt\":\"q\"}", "'test' is missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ipw_err err = {0};
        assert_null(convert(rows[i].set, rows[i].line, &err));
        assert_int_equal(err.code, IPW_E_INPUT);
        if (!strstr(err.text, rows[i].want))
            fail_msg("row %zu: %s", i, err.text);
    }
}

/* The records that a user's file with these columns becomes, one line; err.text when none. */
static void user_file(const char *map, const char *names, size_t names_len, const char *line, const char *want)
{
    struct mapping m = {0};
    struct ipw_err err = {0};
    struct ipw_buf columns = IPW_BUF_INIT, out = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    char *row = NULL;
    bool gold;
    ipw_buf_add(&columns, names, names_len);
    if (!mapping_parse(&m, map, &err) && !mapping_complete(&m, "f", &columns, &err)) {
        row = mapping_row(&m);
        assert_int_equal(json_read(&doc, row, strlen(row), 0, &err), 0);
        struct catalogue_set set = {.name = "f", .type = mapping_type(&m), .row = json_root(doc)};
        catalogue_record(&set, 1, line, strlen(line), &out, &gold, &err);
    }
    if (!strstr(err.code ? err.text : out.s, want))
        fail_msg("%s %s: %s, not %s", map, line, err.code ? err.text : out.s, want);
    json_doc_free(doc);
    free(row);
    ipw_buf_release(&columns);
    ipw_buf_release(&out);
}

#define USER_FILE(map, names, line, want) user_file(map, names, sizeof names - 1, line, want)

static void test_user_files(void **state)
{
    (void)state;
    USER_FILE("question=problem,answer=gold", "problem\0gold\0", "{\"problem\":\"1+1?\",\"gold\":2}",
              "{\"id\":\"f/1\",\"type\":\"exact\",\"question\":\"1+1?\",\"answer\":\"2\"}");
    USER_FILE("", "question\0answer\0", "{\"question\":\"q\",\"answer\":123456789012345678901234567890}", "\"answer\":\"123456789012345678901234567890\"");
    USER_FILE("", "question\0answer\0", "{\"question\":\"q\",\"answer\":NaN}", "\"question\":\"q\"}"); /* no gold */
    USER_FILE("", "question\0answer\0", "{\"question\":\"q\",\"answer\":true}", "\"answer\":\"true\"");
    USER_FILE("question=a=b", "a=b\0", "{\"a=b\":\"q\"}", "\"question\":\"q\"");
    USER_FILE("", "question\0choices\0", "{\"question\":\"q\",\"choices\":[\"x\",\"y\"]}",
              "\"type\":\"none\",\"question\":\"q\\n\\nA. x\\nB. y\"}"); /* no gold: they are shown all the same */
    USER_FILE("", "question\0choices\0answer\0", "{\"question\":\"q\",\"choices\":[\"1\",\"0\"],\"answer\":\"1\"}", "\"answer\":\"A\"");
    USER_FILE("", "question\0choices\0answer\0", "{\"question\":\"q\",\"choices\":[\"x\",\"y\"],\"answer\":\"1\"}", "\"answer\":\"B\"");
    USER_FILE("", "question\0choices\0answer\0", "{\"question\":\"q\",\"choices\":[\"x\",\"y\"],\"answer\":[\"Y\"]}", "\"answer\":\"B\"");
    USER_FILE("", "question\0choices\0answer\0", "{\"question\":\"q\",\"choices\":[\"x\",\"y\"],\"answer\":-1}", "is none of the 2 choices");
    USER_FILE("", "question\0choices\0answer\0", "{\"question\":\"q\",\"choices\":[\"x\",\"y\"],\"answer\":2}", "is none of the 2 choices");
    USER_FILE("", "question\0choices\0answer\0", "{\"question\":\"q\",\"choices\":[\"x\",\"X\"],\"answer\":\"x\"}", "more than one of the 2");
    USER_FILE("", "question\0canary\0", "{\"question\":\"q\",\"canary\":\"no\"}", "\"canary\":\"no\"");
    USER_FILE("question=a,question=b", "a\0b\0", "", "names two columns for 'question', 'a' and 'b'; give one");
    USER_FILE("question", "question\0", "", "is not KEY=COLUMN");
    USER_FILE("question=", "question\0", "", "is not KEY=COLUMN");
    USER_FILE("=question", "question\0", "", "is not KEY=COLUMN");
    USER_FILE("question=c", "a\nquestion\0b\0", "", "'f' has no column 'c'; there are: a\nquestion b");
    USER_FILE("", "a\nquestion\0b\0", "", "say which is meant, --map question=COLUMN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_choices),
        cmocka_unit_test(test_shuffle),        cmocka_unit_test(test_gold_with_comma),
        cmocka_unit_test(test_code_and_instructions), cmocka_unit_test(test_refuses), cmocka_unit_test(test_user_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
