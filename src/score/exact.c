/* Short answers (decisions, "Scorers of short answers"): `exact` wants the answer or an alias and nothing else,
 * `contains` is content when the text holds it as whole words. */
#include "score/short.h"

#include <string.h>

struct found {
    struct span read;  /* what was taken for the answer */
    const char *where; /* "tag", "line" or "equal" */
    bool equal, contained;
};

static bool mark(char c)
{
    return scan_space(c) || (c > ' ' && c < 0x7f && !ipw_isalnum((unsigned char)c));
}

/* Normal form. A text that SQuAD's rules would empty ("A", "The", "+") keeps its letters, or else its marks. */
static const char *normal(struct span t, struct ipw_arena *arena)
{
    const char *squad = score_squad_norm(t.s, t.n, arena);
    if (*squad)
        return squad;
    struct span in = scan_trim(t);
    while (in.n && mark(in.s[in.n - 1]))
        in.n--;
    while (in.n && mark(in.s[0]))
        in = scan_sub(in, 1, in.n);
    in = in.n ? in : scan_trim(t);
    char *s = ipw_arena_strndup(arena, in.s, in.n);
    for (size_t i = 0; i < in.n; i++)
        s[i] = ipw_tolower(s[i]);
    return s;
}

/* Normal text with the <answer> tags themselves out of the way. */
static const char *normal_all(struct span t, struct ipw_arena *arena)
{
    char *s = ipw_arena_strndup(arena, t.s, t.n);
    for (size_t i = 0; i < t.n; i++) {
        static const char *const tags[] = {"<answer>", "</answer>", NULL};
        size_t k = s[i] == '<' ? scan_any_nocase(t, i, tags) : 0;
        memset(s + i, ' ', k);
    }
    t.s = s;
    return normal(t, arena);
}

/* Whole words: white space, the ends, or characters that belong to no word stand on both sides. */
static bool holds(const char *text, const char *gold)
{
    struct span t = {text, strlen(text)};
    size_t n = strlen(gold);
    for (size_t i = n ? scan_find(t, 0, gold) : t.n; i < t.n; i = scan_find(t, i + 1, gold))
        if (!(scan_word_at(t, i) && scan_word_before(t, i)) && !(scan_word_before(t, i + n) && scan_word_at(t, i + n)))
            return true;
    return false;
}

static struct found compare(const struct score_item *item, struct span t, struct ipw_arena *arena)
{
    struct found f = {t, NULL, false, false};
    f.where = short_answer(t, &f.read);
    if (!strcmp(f.where, "text"))
        f.where = "equal";
    const char *read = normal(f.read, arena), *all = normal_all(t, arena);
    for (size_t i = 0; i <= item->n_aliases; i++) {
        const char *g = i ? item->aliases[i - 1] : item->answer;
        struct span gold;
        gold.s = score_canon(g, strlen(g), arena, &gold.n);
        const char *want = normal(gold, arena);
        f.equal |= *want && !strcmp(read, want);
        f.contained |= holds(all, want);
    }
    f.contained |= f.equal;
    return f;
}

static void score(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                  struct score_result *out, bool lenient)
{
    struct span t;
    if (!short_begin(item, text, len, arena, &t, out))
        return;
    struct found f = compare(item, t, arena);
    out->extracted = short_shown(f.read, arena);
    out->method = f.equal ? f.where : f.contained ? "contained" : NULL;
    out->status = (lenient ? f.contained : f.equal) ? SCORE_CORRECT : SCORE_INCORRECT;
    out->value = out->status == SCORE_CORRECT;
}

static void score_exact(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                        struct score_result *out)
{
    score(item, text, len, arena, out, false);
}

static void score_contains(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                           struct score_result *out)
{
    score(item, text, len, arena, out, true);
}

const struct scorer_ops scorer_exact = {
    .name = "exact",
    .version = 1,
    .what = "the answer or an alias, and nothing else",
    .votes = true,
    .beside = (const char *const[]){"contains", NULL},
    .score = score_exact,
};

const struct scorer_ops scorer_contains = {
    .name = "contains",
    .version = 1,
    .what = "a text that holds the answer or an alias as whole words",
    .beside = (const char *const[]){"exact", NULL},
    .score = score_contains,
};
