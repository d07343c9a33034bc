/* The scorers of short and mathematical answers: rules and traps beyond the specification's vectors. */
#include "check.h"

#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "score/math.h"
#include "score/short.h"

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

static struct span of(const char *s)
{
    return (struct span){s, strlen(s)};
}

static void test_equal(void **state)
{
    (void)state;
    static const struct {
        const char *gold, *got;
        bool equal;
    } rows[] = {
        {"x \\in [-2,7]", "-2\\le x\\le 7", true},
        {"3\\sqrt{13}", "\\sqrt{117}", true},
        {"\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\pi/2)", true},
        {"p - q", "-q+p", true},
        {"\\frac{14}{3}", "4\\frac{2}{3}", true},
        {"1 \\pm \\sqrt{19}", "1+\\sqrt{19}, 1-\\sqrt{19}", true},
        {"1,-2", "x=1 \\text{ or } x=-2", true},
        {"1,-2", "x=1 and x=-2", true},
        {"70 \\sqrt{2}", "70\\sqrt2", true},
        {"6 - 5i", "-5i + 6", true},
        {"\\text{June 20}", "June 20", true},
        {"11\\sqrt2", "11 \\sqrt{2}", true},
        {"\\$18.90", "18.9", true},
        {"58,500", "58500", true},
        {"5.4 \\text{ cents}", "5.4", true},
        {"10\\%", "0.10", false},
        {"(3,4]", "3<x\\leq 4", true},
        {"(-\\infty,-1)\\cup(3,\\infty)", "x<-1 \\text{ or } x>3", true},
        {"\\frac{3 \\sqrt{3}}{4}", "\\frac{3}{4}\\sqrt{3}", true},
        {"2k+2", "2(k+1)", true},
        {"\\frac{1}{576}", "1/576", true},
        {"0.333333", "\\frac13", true},
        {"\\sqrt{2}", "1.414214", true},
        {"\\sqrt{2}", "1.41", false},
        {"1.5\\times 10^{-3}", "0.0015", true},
        {"5", "5 apples", false},
        {"12", "12 square units", true},
        {"30", "30 miles per hour", true},
        {"\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}", true},
        {"\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&5\\end{bmatrix}", false},
        {"\\log_2 8", "3", true},
        {"\\binom{5}{2}", "10", true},
        {"2^{100}", "1267650600228229401496703205376", true},
        {"2^{100}", "1267650600228229401496703205377", false},
        {"\\sin 30^\\circ", "\\sin(30)", true},
        {"e^{i\\pi}", "e^{\\pi i}", true},
        {"y = 2x + 3", "2x+3", true},
        {"A", "a", false},
        {"\\frac{x+2}{7}", "\\frac{x}{7} + \\frac{2}{7}", true},
        {"(x+1)^2", "x^2+2x+1", true},
        {"-\\frac{1}{2}", "\\frac{-1}{2}", true},
        {"\\{1,2,3\\}", "1, 2, 3", true},
        {"(1,2)", "(2,1)", false},
        {"52_8", "52_{8}", true},
        {"52_8", "42_{10}", false},
        {"\\frac{\\sqrt{5}-1}{2}", "\\frac{2}{1+\\sqrt5}", true},
        {"\\infty", "infinity", true},
        {"\\text{no solution}", "No Solution", true},
        {"1000000", "1,000,000", true},
        {"2\\pi", "2\xcf\x80", true},
        {"\\sqrt[3]{8}", "2", true},
        {"|x|", "\\left|x\\right|", true},
        {"3+4", "7", true},
        {"x^{10}", "x^10", true},
        {"\\frac{a}{b}", "a/b", true},
        {"100", "1e2", true},
        {"x=5", "y=5", false},
        {"x\\in[1,2]", "[1,2]", true},
        {"1.2 \\times 10^{5}", "1.2e5", true},
        {"6.02\\cdot 10^{23}", "6.02e23", true},
        {"1.5\\times 10^{-3}", "1.5E-3", true},
        {"0.\\overline{3}", "\\frac{1}{3}", true},
        {"0.1\\overline{6}", "1/6", true},
        {"\xc2\xbd", "0.5", true},
        {"n!", "n(n-1)!", true},
        {"\\frac{(n+1)!}{n!}", "n+1", true},
        {"4", "4\\text{ apples}", true},
        {"4\\text{ apples}", "4\\text{ pears}", false},
        {"12:30\\text{ a.m.}", "12:30\\text{ p.m.}", false},
        {"f(x)=2x", "2x", true},
        {"2ex", "2xe", true},
        {"7:30", "7:30", true},
        {"\\text{Friday}", "friday.", true},
        {"5", "", false},
        {"9\\text{ m}^2", "9", true},
        {"15\\mbox{ cm}^2", "15", true},
        {"\\dfrac{9}{7}", "\\frac97", true},
        {"(2,\\infty)", "x>2", true},
        {"4210_5", "4210_{5}", true},
        {"864 \\mbox{ inches}^2", "864", true},
        {"\\frac{4}{3}, -3", "-3, 4/3", true},
        {"[-1,1]", "(-1,1)", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (math_equal(of(rows[i].gold), of(rows[i].got), &arena) != rows[i].equal)
            fail_msg("'%s' and '%s' are %s", rows[i].gold, rows[i].got, rows[i].equal ? "equal" : "not equal");
        if (math_equal(of(rows[i].got), of(rows[i].gold), &arena) != rows[i].equal)
            fail_msg("'%s' and '%s' the other way round", rows[i].gold, rows[i].got);
    }
}

/* Where an answer stands in a text, and what is made of it. */
static void test_scorers(void **state)
{
    (void)state;
    static const char *const names[] = {"Robert Smith", "Bob Smith"};
    static const struct {
        const char *scorer, *gold, *text;
        enum score_status status;
        const char *method;
        double value;
    } rows[] = {
        {"math", "\\frac{1}{2}", "So $x = \\boxed{0.5}$.", SCORE_CORRECT, "boxed", 1},
        {"math", "5", "The final answer is $5$. I hope it is correct.", SCORE_CORRECT, "final", 1},
        {"math", "12", "First $7$ then\n**Answer:** 12 cm", SCORE_CORRECT, "line", 1},
        {"math", "12", "We get $11$, no: $12$. That is it.", SCORE_CORRECT, "dollars", 1},
        {"math", "12", "Let me see.\n\n12", SCORE_CORRECT, "last_line", 1},
        {"math", "12", "<think>12</think> I do not know", SCORE_INCORRECT, "last_line", 0},
        {"math", "12", "<think>12", SCORE_UNPARSED, NULL, 0},
        {"math_hendrycks", "\\frac{1}{2}", "so $\\frac12$ it is", SCORE_CORRECT, "dollars", 1},
        {"math_hendrycks", "\\frac{1}{2}", "so $a$ and $\\frac12$", SCORE_INCORRECT, "dollars", 0},
        {"math_minerva", "3", "Final Answer: The final answer is $3$. I hope it is correct.", SCORE_CORRECT, "final", 1},
        {"math_minerva", "3", "The answer is 3", SCORE_UNPARSED, NULL, 0},
        {"squad", "Bob Smith", "Answer: The Robert Smith.", SCORE_CORRECT, "line", 1},
        {"squad", "Bob Smith", "Robert Smith it was", SCORE_INCORRECT, "text", 0},
        {"squad_f1", "Bob Smith", "Robert Smith it was", SCORE_CORRECT, "text", 2.0 / 3},
        {"gaia_exact", "3,4", "FINAL ANSWER: 3; 4.0", SCORE_CORRECT, "line", 1},
        {"gaia_exact", "17", "17 apples", SCORE_INCORRECT, "text", 0},
        {"exact_tag", "a b", "<answer>x</answer><answer> a b </answer>", SCORE_CORRECT, "tag", 1},
        {"exact_tag", "a b", "<answer>A b</answer>", SCORE_INCORRECT, "tag", 0},
        {"exact_tag", "a b", "a b", SCORE_UNPARSED, NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct score_item item = {.answer = rows[i].gold, .aliases = names, .n_aliases = strstr(rows[i].gold, "Bob") ? 2 : 0};
        struct score_result r;
        scorer_find(rows[i].scorer)->score(&item, rows[i].text, strlen(rows[i].text), &arena, &r);
        if (r.status != rows[i].status || !ipw_streq(r.method, rows[i].method) || r.value != rows[i].value)
            fail_msg("%s: '%s' is %s by %s, %g", rows[i].scorer, rows[i].text, score_status_name((int)r.status),
                     r.method ? r.method : "nothing", r.value);
    }
}

/* Deep nesting, long chains and huge powers end at once. */
static void test_hostile(void **state)
{
    (void)state;
    enum { N = MATH_MAX - 16 };
    static const char *const units[] = {"(", "{", "\\sqrt", "x+", "9^", "1^(x+", "-", "\\frac", "|", "2!", "99999^", "x,",
                                        "\\cup", "\\pm", "{,}", "\\begin{pmatrix}", "<", "a_{"};
    static char text[N + 40], other[N + 40];
    clock_t t0 = clock();
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t n = 0, k = strlen(units[i]);
        for (; n + k < N; n += k)
            memcpy(text + n, units[i], k);
        memcpy(text + n, "1", 2);
        memcpy(other, text, n + 2);
        other[n] = '2';
        math_equal(of(text), of(other), &arena);
        math_hendrycks(of(text), &arena);
        math_minerva(of(text), &arena);
    }
    assert_true(clock() - t0 < 20 * CLOCKS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_scorers),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
