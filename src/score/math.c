/* Mathematical answers: where they stand in a text, and whether they equal the gold: by our own rules, or as two other
 * harnesses find and compare them. */
#include "score/math.h"

#include <string.h>

#include "score/short.h"

/* Behind the last "final answer is" or "answer is", to the end of the line. */
static bool final_words(struct span t, struct span *in)
{
    static const char words[] = "final answer is";
    size_t at = t.n;
    for (size_t i = scan_find_nocase(t, 0, words); i < t.n; i = scan_find_nocase(t, i + 1, words))
        at = i + strlen(words);
    if (at >= t.n)
        return false;
    at += scan_at(t, at) == ':';
    *in = scan_trim(scan_sub(t, at, scan_line(t, at)));
    size_t hope = scan_find_nocase(*in, 0, "i hope");
    *in = scan_trim(scan_sub(*in, 0, hope));
    return in->n > 0;
}

/* The last text between two dollar signs, single or double. */
static bool between_dollars(struct span t, struct span *in)
{
    size_t end = t.n;
    while (end && t.s[end - 1] != '$')
        end--;
    while (end && t.s[end - 1] == '$')
        end--;
    size_t from = end;
    while (from && t.s[from - 1] != '$')
        from--;
    *in = scan_trim(scan_sub(t, from, end));
    return from > 0 && in->n > 0;
}

static const char *find(struct span t, struct span *in)
{
    struct span line;
    if (score_last_boxed(t.s, t.n, &in->s, &in->n) && in->n)
        return "boxed";
    if (final_words(t, in))
        return "final";
    if (!strcmp(short_answer(t, &line), "line")) {
        *in = line;
        return "line";
    }
    if (between_dollars(t, in))
        return "dollars";
    size_t from = t.n;
    while (from && t.s[from - 1] != '\n')
        from--;
    *in = scan_trim(scan_sub(t, from, t.n));
    return "last_line";
}

/* lm-evaluation-harness' hendrycks_math: all from the first dollar sign to the last. */
static const char *find_hendrycks(struct span t, struct span *in)
{
    const char *first = memchr(t.s, '$', t.n);
    size_t last = t.n;
    while (last && t.s[last - 1] != '$')
        last--;
    *in = t;
    if (first && t.s + last - 1 > first)
        *in = scan_sub(t, (size_t)(first - t.s) + 1, last - 1);
    return "dollars";
}

/* Minerva's form: "Final Answer: The final answer is X. I hope it is correct." */
static const char *find_minerva(struct span t, struct span *in)
{
    static const char head[] = "Final Answer: The final answer is", tail[] = ". I hope it is correct.";
    size_t from = scan_find(t, 0, head);
    if (from == t.n)
        return NULL;
    from += strlen(head);
    size_t to = scan_find(t, from, tail);
    if (to == t.n || memchr(t.s + from, '\n', to - from))
        return NULL;
    *in = scan_trim(scan_sub(t, from, to));
    return "final";
}

static bool same(const char *a, const char *b, struct span x, struct span y)
{
    return a && b ? !strcmp(a, b) : x.n == y.n && !memcmp(x.s, y.s, x.n);
}

static bool equal_hendrycks(struct span gold, struct span got, struct ipw_arena *arena)
{
    return same(math_hendrycks(gold, arena), math_hendrycks(got, arena), gold, got);
}

static bool equal_minerva(struct span gold, struct span got, struct ipw_arena *arena)
{
    return same(math_minerva(gold, arena), math_minerva(got, arena), gold, got);
}

struct way {
    const char *(*find)(struct span t, struct span *in); /* how it was found; NULL: it was not */
    bool (*equal)(struct span gold, struct span got, struct ipw_arena *arena);
};

static void score(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                  struct score_result *out, struct way way)
{
    struct span t, read = {0}, gold;
    if (!short_begin(item, text, len, arena, &t, out) || !(out->method = way.find(t, &read)) || !read.n)
        return;
    out->extracted = short_shown(read, arena);
    for (size_t i = 0; i <= item->n_aliases && out->value == 0; i++) {
        const char *g = i ? item->aliases[i - 1] : item->answer;
        gold.s = score_canon(g, strlen(g), arena, &gold.n);
        out->value = way.equal(gold, read, arena);
    }
    out->status = out->value > 0 ? SCORE_CORRECT : SCORE_INCORRECT;
}

static void score_math(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                       struct score_result *out)
{
    score(item, text, len, arena, out, (struct way){find, math_equal});
}

static void score_hendrycks(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                            struct score_result *out)
{
    score(item, text, len, arena, out, (struct way){find_hendrycks, equal_hendrycks});
}

static void score_minerva(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                          struct score_result *out)
{
    score(item, text, len, arena, out, (struct way){find_minerva, equal_minerva});
}

const struct scorer_ops scorer_math = {
    .name = "math",
    .version = 1,
    .what = "a mathematical answer, equal as a number, expression, tuple, set, interval or matrix",
    .votes = true,
    .score = score_math,
};

const struct scorer_ops scorer_math_hendrycks = {
    .name = "math_hendrycks",
    .version = 1,
    .what = "for comparison: as hendrycks_math of lm-evaluation-harness finds and compares",
    .votes = true,
    .score = score_hendrycks,
};

const struct scorer_ops scorer_math_minerva = {
    .name = "math_minerva",
    .version = 1,
    .what = "for comparison: Minerva's form and normalisation, compared as texts",
    .votes = true,
    .score = score_minerva,
};
