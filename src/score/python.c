/* Answers that are Python code: run with the question's tests, each in a fresh sandbox. `python_tests` calls the question's
 * check(entry_point), `python_asserts` runs its asserts, `python_stdio` compares what the program prints with what each of its
 * inputs asks for. Tests and answer run apart, so that an answer cannot see or change what finds it right (share/answer.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "score/code.h"
#include "score/sandbox.h"

static const double TESTS_S = 10, INPUT_S = 6;

/* ---- the answer's code ---- */

/* The line "def NAME(" without indentation; the end if there is none. */
static size_t defined_at(struct span code, const char *name)
{
    for (size_t i = 0; i < code.n; i = scan_line(code, i) + 1) {
        size_t j = i;
        if (scan_is(code, j, "async "))
            j = scan_ws(code, j + 6);
        if (!scan_is(code, j, "def "))
            continue;
        j = scan_ws(code, j + 4);
        if (scan_is(code, j, name) && scan_at(code, scan_ws(code, j + strlen(name))) == '(')
            return i;
    }
    return code.n;
}

/* A whole function stands behind what the prompt has before it: imports, and helpers that tests may call. A body goes on where
 * the prompt stops. A prompt without the function is words. */
static void add_code(const char *entry, struct span prompt, struct span code, struct ipw_buf *out)
{
    size_t at = entry ? defined_at(prompt, entry) : prompt.n;
    if (at < prompt.n)
        ipw_buf_add(out, prompt.s, defined_at(code, entry) == code.n ? prompt.n : at);
    ipw_buf_add(out, code.s, code.n);
    ipw_buf_addc(out, '\n');
}

/* ---- the program ---- */

static void add_literal(struct ipw_buf *out, const char *s, size_t n)
{
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    json_put_strn(o, list, NULL, s, n);
    char *text = json_write(o, list, false);
    ipw_buf_addf(out, "%.*s", (int)(strlen(text) - 2), text + 1);
    free(text);
    json_out_free(o);
}

static void add_exec(struct ipw_buf *out, const char *name, const char *s, size_t n)
{
    ipw_buf_adds(out, "exec(compile(");
    add_literal(out, s, n);
    ipw_buf_addf(out, ", '%s', 'exec'), _g)\n", name);
}

/* ---- verdicts ---- */

static struct span span_of(const struct ipw_buf *b)
{
    return (struct span){b->s, b->len};
}

/* What Python says of the exception that ended it, the line behind its last traceback; else the last line that was printed. */
static struct span last_words(const struct sandbox_result *r)
{
    static const char head[] = "Traceback (most recent call last):\n";
    struct span t = span_of(&r->err);
    size_t found = t.n;
    for (size_t at = scan_find(t, 0, head); at < t.n; at = scan_find(t, at + 1, head))
        found = at;
    for (size_t i = found; i < t.n; i = scan_line(t, i) + 1)
        if (i > found && t.s[i] != ' ')
            return scan_sub(t, i, scan_line(t, i));
    t = scan_trim(t.n ? t : span_of(&r->out));
    size_t from = t.n;
    while (from && t.s[from - 1] != '\n')
        from--;
    return scan_sub(t, from, t.n);
}

static const char *how(const struct sandbox_result *r)
{
    static const char *const ends[] = {[SANDBOX_KILLED] = "killed",
                                       [SANDBOX_TIMEOUT] = "timeout",
                                       [SANDBOX_FLOOD] = "output",
                                       [SANDBOX_MEMORY] = "memory"};
    struct span line = last_words(r);
    if (r->end != SANDBOX_EXITED)
        return ends[r->end];
    if (!r->code)
        return "passed";
    return scan_is(line, 0, "AssertionError")                                ? "failed"
           : scan_is(line, 0, "MemoryError")                                 ? "memory"
           : scan_find(line, 0, "Resource temporarily unavailable") < line.n ? "processes"
                                                                             : "error";
}

/* The same of the side with the tests, which says LEFT of share/answer.py when the answer's side has ended. */
static const char *how_tested(const struct sandbox_result *tests, const struct sandbox_result *answer)
{
    enum { LEFT = 3 };
    if (tests->end != SANDBOX_EXITED || tests->code != LEFT)
        return how(tests);
    return answer->end == SANDBOX_KILLED ? "killed" : "left_early";
}

static void judge(const struct sandbox_result *r, const char *method, struct ipw_arena *arena, struct score_result *out)
{
    bool right = !strcmp(method, "passed");
    out->status = right ? SCORE_CORRECT : SCORE_INCORRECT;
    out->value = right;
    out->method = method;
    if (right)
        return;
    struct span line = last_words(r);
    size_t n = line.n < 200 ? line.n : 200;
    char *s = ipw_arena_strndup(arena, line.s, n);
    for (size_t i = 0; i < n; i++) /* nothing that a terminal would obey */
        s[i] = s[i] >= ' ' && s[i] < 0x7f ? s[i] : '?';
    out->extracted = n ? s : NULL;
}

static bool ready(const struct score_item *item, const char *key, const char *text, size_t len, struct ipw_arena *arena,
                  struct span *code, struct score_result *out)
{
    const char *refusal = item->sandbox ? sandbox_refusal(item->sandbox) : "there is no sandbox to run it in";
    *out = (struct score_result){.status = SCORE_UNSCORED, .reason = refusal};
    if (refusal)
        return false;
    out->reason = json_get(item->record, key) ? NULL : "the record has no tests";
    if (out->reason)
        return false;
    struct span t;
    out->status = SCORE_UNPARSED;
    score_strip_think(text, len, &t.s, &t.n);
    while (t.n && t.s > text && (t.s[-1] == ' ' || t.s[-1] == '\t')) /* a body's own indentation */
        t = (struct span){t.s - 1, t.n + 1};
    char *s = ipw_arena_strndup(arena, t.s, t.n);
    t = (struct span){s, scan_replace(s, t.n, "\r\n", "\n")};
    *code = code_in(t, arena);
    return scan_trim(*code).n > 0;
}

/* ---- scorers ---- */

static struct span question_of(const struct score_item *item)
{
    const json_val *question = json_get(item->record, "question");
    return json_str(question) ? (struct span){json_str(question), json_len(question)} : (struct span){"", 0};
}

static void score_with(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                       struct score_result *out, bool call)
{
    extern const unsigned char ipw_embed_answer_py[];
    extern const size_t ipw_embed_answer_py_len;
    struct span code, question = question_of(item);
    struct ipw_buf answer = IPW_BUF_INIT, tests = IPW_BUF_INIT, whole = IPW_BUF_INIT;
    const json_val *test = json_get(item->record, "test");
    const char *entry = json_str(json_get(item->record, "entry_point"));
    if (!ready(item, "test", text, len, arena, &code, out))
        return;
    if (!json_str(test) || (call && !entry)) {
        *out = (struct score_result){.status = SCORE_UNSCORED, .reason = "the record's tests are not as its scorer needs them"};
        return;
    }
    size_t before = entry ? defined_at(question, entry) : question.n;
    before = before < question.n ? before : 0; /* words about a function are no code */
    add_code(entry, question, code, &whole);
    ipw_buf_add(&answer, ipw_embed_answer_py, ipw_embed_answer_py_len);
    ipw_buf_add(&tests, ipw_embed_answer_py, ipw_embed_answer_py_len);
    ipw_buf_adds(&answer, "\nanswer(_channel, ");
    add_literal(&answer, whole.s, whole.len);
    ipw_buf_adds(&tests, "\ntests(_channel, ");
    add_literal(&tests, question.s, before);
    ipw_buf_adds(&tests, ", ");
    add_literal(&tests, json_str(test), json_len(test));
    ipw_buf_adds(&tests, ", ");
    if (call)
        add_literal(&tests, entry, strlen(entry));
    ipw_buf_adds(&tests, call ? ")\n" : "None)\n");
    ipw_buf_adds(&answer, ")\n");
    struct sandbox_result r, r2;
    sandbox_pair(item->sandbox, &tests, &answer, TESTS_S, &r, &r2);
    judge(&r, how_tested(&r, &r2), arena, out);
    sandbox_result_release(&r);
    sandbox_result_release(&r2);
    ipw_buf_release(&answer);
    ipw_buf_release(&tests);
    ipw_buf_release(&whole);
}

static void score_tests(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                        struct score_result *out)
{
    score_with(item, text, len, arena, out, true);
}

static void score_asserts(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                          struct score_result *out)
{
    score_with(item, text, len, arena, out, false);
}

/* Equal but for white space at the ends of lines and of the whole. */
static bool same_output(struct span a, struct span b)
{
    a = scan_trim(a);
    b = scan_trim(b);
    for (size_t i = 0, j = 0;;) {
        size_t to_a = scan_line(a, i), to_b = scan_line(b, j);
        struct span x = scan_sub(a, i, to_a), y = scan_sub(b, j, to_b);
        while (x.n && scan_space(x.s[x.n - 1]))
            x.n--;
        while (y.n && scan_space(y.s[y.n - 1]))
            y.n--;
        if (x.n != y.n || memcmp(x.s, y.s, x.n) != 0)
            return false;
        if (to_a == a.n || to_b == b.n)
            return to_a == a.n && to_b == b.n;
        i = to_a + 1;
        j = to_b + 1;
    }
}

/* The answer as a program of its own that finds `in` as its input. Leaving early is its right: what counts is what it prints. */
static void add_program(struct ipw_buf *out, struct span code, const json_val *in)
{
    ipw_buf_adds(out, "_g = globals()\nimport os as _o, sys as _s\n_f = _o.open('/tmp/.in', _o.O_RDWR | _o.O_CREAT)\n_o.unlink('/tmp/.in')\n"
                      "_o.write(_f, ");
    add_literal(out, json_str(in), json_len(in));
    ipw_buf_adds(out, ".encode())\n_o.lseek(_f, 0, 0)\n_o.dup2(_f, 0)\n_o.close(_f)\n_s.stdin = open(0)\ntry:\n    ");
    add_exec(out, "answer", code.s, code.n);
    ipw_buf_adds(out, "except SystemExit:\n    pass\n");
}

/* Runs one input; NULL: the record's test is not as it has to be, and nothing was run. */
static const char *run_input(struct sandbox *s, struct span code, const json_val *test, struct sandbox_result *r)
{
    const json_val *in = json_get(test, "input"), *want = json_get(test, "output");
    if (!json_str(in) || !json_str(want))
        return NULL;
    struct ipw_buf program = IPW_BUF_INIT;
    add_program(&program, code, in);
    sandbox_python(s, &program, INPUT_S, 2 * json_len(want), r); /* right output may have blanks at its lines' ends */
    ipw_buf_release(&program);
    const char *method = how(r);
    if (!strcmp(method, "passed") && !(r->whole && same_output(span_of(&r->out), (struct span){json_str(want), json_len(want)})))
        method = "failed";
    return method;
}

static void score_stdio(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                        struct score_result *out)
{
    struct span code;
    if (!ready(item, "tests", text, len, arena, &code, out))
        return;
    const char *method = NULL;
    for (struct json_iter it = json_iter(json_get(item->record, "tests")); json_next(&it);) {
        struct sandbox_result r = {.out = IPW_BUF_INIT, .err = IPW_BUF_INIT};
        method = run_input(item->sandbox, code, it.val, &r);
        if (method)
            judge(&r, method, arena, out);
        sandbox_result_release(&r);
        if (!method || strcmp(method, "passed") != 0)
            break;
    }
    if (!method)
        *out = (struct score_result){.status = SCORE_UNSCORED, .reason = "the record's tests are not as its scorer needs them"};
}

const struct scorer_ops scorer_python_tests = {
    .name = "python_tests",
    .version = 2,
    .what = "Python code against the question's check(), in a sandbox",
    .slow = true,
    .score = score_tests,
};

const struct scorer_ops scorer_python_asserts = {
    .name = "python_asserts",
    .version = 2,
    .what = "Python code against the question's asserts, in a sandbox",
    .slow = true,
    .score = score_asserts,
};

const struct scorer_ops scorer_python_stdio = {
    .name = "python_stdio",
    .version = 2,
    .what = "a Python program against inputs and what it has to print, in a sandbox",
    .slow = true,
    .score = score_stdio,
};
