/* Templates of the user's own, and answered examples before a question. */
#include "check.h"

#include "base/str.h"
#include "dataset/wording.h"

static struct ipw_err err;

static struct dataset *set_of(const char *jsonl)
{
    struct dataset *d = calloc(1, sizeof *d);
    assert_int_equal(dataset_read_jsonl(d, "shots", jsonl, strlen(jsonl), &err), 0);
    snprintf(d->name, sizeof d->name, "shots");
    memset(d->sha256, 'a', 64);
    return d;
}

static void wording_of(struct dataset_wording *w, const char *text, const char *shots, size_t n)
{
    *w = (struct dataset_wording){0};
    if (text)
        assert_int_equal(dataset_wording_text(w, "a/mine.txt", text, strlen(text), &err), 0);
    if (shots)
        assert_int_equal(dataset_wording_shots(w, set_of(shots), n, &err), 0);
}

/* Messages as "role: content" with '|' between them, and the id behind '#', its hash as '*'. */
static void asked_as(const struct dataset_wording *w, const char *record, const char *want)
{
    struct ipw_arena arena = {0};
    struct dataset_message *m;
    struct json_doc *doc;
    const char *id;
    struct ipw_buf b = IPW_BUF_INIT;
    assert_int_equal(json_read(&doc, record, strlen(record), 0, &err), 0);
    size_t n = dataset_messages(w, json_root(doc), &arena, &m, &id);
    for (size_t i = 0; i < n; i++)
        ipw_buf_addf(&b, "%s%s: %s", i ? "|" : "", m[i].role, m[i].content);
    ipw_buf_addc(&b, '#');
    for (; *id; id++) {
        ipw_buf_addc(&b, *id);
        if (*id == '@') {
            assert_int_equal(strspn(id + 1, "0123456789abcdef"), 12);
            ipw_buf_addc(&b, '*');
            id += 12;
        }
    }
    assert_string_equal(b.s, want);
    ipw_buf_release(&b);
    json_doc_free(doc);
    ipw_arena_release(&arena);
}

/* How the first example is answered. */
static void shows_first(const struct dataset_wording *w, const char *record, const char *want)
{
    struct ipw_arena arena = {0};
    struct dataset_message *m;
    struct json_doc *doc;
    const char *id;
    assert_int_equal(json_read(&doc, record, strlen(record), 0, &err), 0);
    assert_int_equal(dataset_messages(w, json_root(doc), &arena, &m, &id), 3);
    assert_string_equal(m[1].content, want);
    json_doc_free(doc);
    ipw_arena_release(&arena);
}

static const char examples[] =
    "{\"id\":\"1\",\"type\":\"numeric\",\"question\":\"1+1?\",\"answer\":\"2\",\"subject\":\"plus\"}\n"
    "{\"id\":\"2\",\"type\":\"numeric\",\"question\":\"2-1?\",\"answer\":\"1\",\"subject\":\"minus\",\"solution\":\"Take one.\"}\n"
    "{\"id\":\"3\",\"type\":\"mcq\",\"question\":\"B?\",\"answer\":\"B\",\"choices\":[\"x\",\"y\"]}\n"
    "{\"id\":\"4\",\"type\":\"numeric\",\"question\":\"3-1?\",\"answer\":\"2\",\"subject\":\"minus\"}\n"
    "{\"id\":\"5\",\"type\":\"short\",\"question\":\"Who?\",\"answer\":\"Ada\"}\n"
    "{\"id\":\"6\",\"type\":\"math\",\"question\":\"x?\",\"answer\":\"1/2\"}\n"
    "{\"id\":\"7\",\"type\":\"exact\",\"question\":\"y?\",\"answer\":\"z\"}\n";

#define NUMBER "\n\nYou may reason first; end with one line of the form \"Answer: <number>\"."

static void test_shots(void **state)
{
    (void)state;
    struct dataset_wording w;
    wording_of(&w, NULL, examples, 1);
    /* of the question's subject, the first one that is not the question itself */
    asked_as(&w, "{\"type\":\"numeric\",\"question\":\"9-1?\",\"subject\":\"minus\"}",
             "user: 2-1?" NUMBER "|assistant: Take one.\nAnswer: 1|user: 9-1?" NUMBER "#numeric/1+1@*");
    asked_as(&w, "{\"type\":\"numeric\",\"question\":\"2-1?\",\"subject\":\"minus\"}",
             "user: 3-1?" NUMBER "|assistant: Answer: 2|user: 2-1?" NUMBER "#numeric/1+1@*");
    /* of no such subject: the first of its type */
    asked_as(&w, "{\"type\":\"numeric\",\"question\":\"2*2?\",\"subject\":\"times\"}",
             "user: 1+1?" NUMBER "|assistant: Answer: 2|user: 2*2?" NUMBER "#numeric/1+1@*");
    asked_as(&w, "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", "user: hi#messages/1");
    dataset_wording_release(&w);
    asked_as(NULL, "{\"type\":\"none\",\"question\":\"q\",\"context\":\"c\"}", "user: c\n\nq#plain/1");
    /* the same question with the same choices is the question itself, with others it is another one */
    wording_of(&w, NULL, "{\"id\":\"1\",\"type\":\"mcq\",\"question\":\"True?\",\"choices\":[\"a\",\"b\"],\"answer\":\"A\"}\n"
                         "{\"id\":\"2\",\"type\":\"mcq\",\"question\":\"True?\",\"choices\":[\"a\",\"c\"],\"answer\":\"B\"}\n", 1);
    shows_first(&w, "{\"type\":\"mcq\",\"question\":\"True?\",\"choices\":[\"b\",\"a\"]}", "Answer: B");
    shows_first(&w, "{\"type\":\"mcq\",\"question\":\"True?\",\"choices\":[\"c\",\"b\"]}", "Answer: A");
    dataset_wording_release(&w);
    /* each type's answer in the form that its template asks for */
    wording_of(&w, "{question}", examples, 1);
    asked_as(&w, "{\"type\":\"mcq\",\"question\":\"q\"}", "user: B?|assistant: Answer: B|user: q#mine.txt@*+1@*");
    asked_as(&w, "{\"type\":\"short\",\"question\":\"q\"}", "user: Who?|assistant: Answer: Ada|user: q#mine.txt@*+1@*");
    asked_as(&w, "{\"type\":\"math\",\"question\":\"q\"}", "user: x?|assistant: \\boxed{1/2}|user: q#mine.txt@*+1@*");
    asked_as(&w, "{\"type\":\"exact\",\"question\":\"q\"}", "user: y?|assistant: <answer>z</answer>|user: q#mine.txt@*+1@*");
    dataset_wording_release(&w);
}

static void test_template(void **state)
{
    (void)state;
    struct dataset_wording w;
    wording_of(&w, "{subject}: {context} Q {question}\n{choices}\nOne of {letters}. {\"json\": 1} {test}", NULL, 0);
    asked_as(&w, "{\"type\":\"mcq\",\"question\":\"{context}?\",\"context\":\"C\",\"choices\":[\"x\",\"y\",\"z\"],\"subject\":\"s\"}",
             "user: s: C Q {context}?\nA. x\nB. y\nC. z\nOne of A-C. {\"json\": 1} #mine.txt@*");
    asked_as(&w, "{\"type\":\"none\",\"question\":\"q\"}", "user: :  Q q\n\nOne of . {\"json\": 1} #mine.txt@*");
    dataset_wording_release(&w);
    static const char *const ends[] = {"{question} =\n", "{question} =\r\n", "{question} ="};
    for (int i = 0; i < 3; i++) {
        wording_of(&w, ends[i], NULL, 0);
        asked_as(&w, "{\"type\":\"none\",\"question\":\"q\"}", "user: q =#mine.txt@*");
        dataset_wording_release(&w);
    }
    wording_of(&w, "{question}\n\n", NULL, 0);
    asked_as(&w, "{\"type\":\"none\",\"question\":\"q\"}", "user: q\n#mine.txt@*");
    dataset_wording_release(&w);
}

static void test_options(void **state)
{
    (void)state;
    static const char record[] = "{\"type\":\"mcq\",\"question\":\"A?\",\"answer\":\"A\",\"choices\":[\"p\",\"q\"]}";
    struct dataset_wording w;
    struct dataset_options o;
    struct ipw_arena arena = {0};
    struct json_doc *doc;
    assert_int_equal(json_read(&doc, record, strlen(record), 0, &err), 0);
    wording_of(&w, NULL, examples, 1);
    assert_true(dataset_wording_options(&w, json_root(doc), DATASET_LOGLIK, &arena, &o));
    assert_string_equal(o.context, "Question: B?\nAnswer: y\n\nQuestion: A?\nAnswer:");
    assert_string_equal(o.v[1], " q");
    assert_int_equal(strncmp(o.tmpl, "question/1+1@", 13), 0);
    assert_true(dataset_wording_options(&w, json_root(doc), DATASET_LETTERS, &arena, &o));
    assert_string_equal(o.context, "B?\nA. x\nB. y\nAnswer: B\n\nA?\nA. p\nB. q\nAnswer:");
    dataset_wording_release(&w);
    wording_of(&w, "{question} {choices} =", NULL, 0);
    assert_true(dataset_wording_options(&w, json_root(doc), DATASET_LETTERS, &arena, &o));
    assert_string_equal(o.context, "A? A. p\nB. q =");
    dataset_wording_release(&w);
    json_doc_free(doc);
    static const char untyped[] = "{\"type\":\"exact\",\"question\":\"A?\",\"answer\":\"A\",\"choices\":[\"p\",\"q\"]}";
    assert_int_equal(json_read(&doc, untyped, strlen(untyped), 0, &err), 0);
    wording_of(&w, NULL, examples, 1); /* that has none of its type with choices */
    assert_true(dataset_wording_options(&w, json_root(doc), DATASET_LOGLIK, &arena, &o));
    assert_string_equal(o.context, "Question: A?\nAnswer:");
    dataset_wording_release(&w);
    json_doc_free(doc);
    ipw_arena_release(&arena);
}

static void refused(const char *text, const char *shots, size_t n, const char *set, const char *says)
{
    struct dataset_wording w = {0};
    struct dataset *data = set_of(set);
    int rc = text ? dataset_wording_text(&w, "t.txt", text, strlen(text), &err) : 0;
    if (!rc && n)
        rc = dataset_wording_shots(&w, set_of(shots), n, &err);
    if (!rc)
        rc = dataset_wording_check(&w, data, DATASET_ANSWER, &err);
    if (!rc || !strstr(err.text, says)) {
        print_error("'%s' in: %s\n", says, rc ? err.text : "(no error)");
        fail();
    }
    dataset_close(data);
    dataset_wording_release(&w);
}

static void test_refused(void **state)
{
    (void)state;
    static const char one[] = "{\"id\":\"q\",\"type\":\"numeric\",\"question\":\"2-1?\",\"answer\":\"1\",\"subject\":\"minus\"}\n";
    static const char mcq[] = "{\"id\":\"m\",\"type\":\"mcq\",\"question\":\"q\",\"answer\":\"A\",\"choices\":[\"x\",\"y\"]}\n";
    static const char passage[] = "{\"id\":\"p\",\"type\":\"short\",\"question\":\"q\",\"context\":\"c\",\"answer\":\"A\"}\n";
    refused("Q:\n{qestion}", examples, 0, one, "line 2: '{qestion}' is no placeholder; there are {question} {context}");
    refused("only this", examples, 0, one, "has {question}");
    refused("{question}", examples, 0, mcq, "question 'm' has 'choices', which the template 't.txt@");
    refused("{question}", examples, 0, passage, "put {context} into it");
    refused(NULL, examples, 3, one, "'shots' has 2 examples of its type, --shots 3 are asked for");
    refused(NULL, "{\"id\":\"i\",\"type\":\"instruction\",\"question\":\"q\",\"instruction_id_list\":[],\"kwargs\":[]}\n", 1, one,
            "example 'i' of 'shots'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shots), cmocka_unit_test(test_template),
                                       cmocka_unit_test(test_options), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
