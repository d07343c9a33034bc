/* Numbers (datasets 2.4): which number of an answer is meant, compared with the gold as exact rationals. */
#include "score/rational.h"

#include <string.h>

/* "-\frac{1}{2}" as the whole of a box; a zero below is none. */
static const char *boxed_fraction(struct span t, struct ipw_arena *arena)
{
    static const char *const heads[] = {"\\frac{", "\\dfrac{", "\\tfrac{", NULL};
    struct number n = {0};
    bool minus = scan_at(t = scan_trim(t), 0) == '-';
    size_t i = scan_ws(t, minus), head = scan_any(t, i, heads);
    bool inner = scan_at(t, i + head) == '-';
    size_t a = i + head + inner, ae = a;
    while (ipw_isdigit((unsigned char)scan_at(t, ae)))
        ae++;
    size_t b = ae + 2, be = b;
    while (ipw_isdigit((unsigned char)scan_at(t, be)))
        be++;
    if (!head || ae == a || !scan_is(t, ae, "}{") || be == b || scan_at(t, be) != '}' || be + 1 != t.n)
        return NULL;
    n.neg = minus != inner;
    n.value = scan_sub(t, a, ae);
    n.den = scan_sub(t, b, be);
    for (size_t k = b; k < be; k++)
        if (t.s[k] != '0')
            return rational_text(&n, arena);
    return NULL;
}

static const char *after_hashes(struct span t, struct ipw_arena *arena)
{
    size_t i = scan_find(t, 0, "####");
    if (i == t.n)
        return NULL;
    i = scan_ws(t, i + 4);
    return number_read(scan_sub(t, i, scan_line(t, i)), arena);
}

static const char *in_box(struct span t, struct ipw_arena *arena)
{
    struct span in;
    if (!score_last_boxed(t.s, t.n, &in.s, &in.n))
        return NULL;
    const char *x = boxed_fraction(in, arena);
    return x ? x : number_read(scan_unwrap(in, arena), arena);
}

static const char *in_tag(struct span t, struct ipw_arena *arena)
{
    struct span in;
    return scan_tag(t, &in) ? number_read(in, arena) : NULL;
}

/* The last "answer is|:|=" with a number behind it on its line. */
static const char *stated(struct span t, struct ipw_arena *arena)
{
    static const char *const links[] = {"is", ":", "=", NULL};
    const char *found = NULL;
    for (size_t i = 0; i < t.n; i++) {
        size_t k, j = i + strlen("answer");
        if (!scan_is_nocase(t, i, "answer") || scan_word_before(t, i) || scan_word_at(t, j))
            continue;
        j = scan_ws(t, j);
        if (!(k = scan_any_nocase(t, j, links)))
            continue;
        j = scan_ws(t, j + k);
        j = scan_ws(t, j + (scan_at(t, j) == ':'));
        size_t end = scan_line(t, j);
        const char *x = number_read(scan_sub(t, j, end), arena);
        found = x ? x : found;
        i = end;
    }
    return found;
}

/* The dash of a list's item, "- 15 classes", is no minus. On the first line it may be one. */
static bool bulleted(struct span t, size_t i)
{
    bool apart = scan_at(t, i) == '-' && scan_space(scan_at(t, i + 1));
    while (apart && i && (t.s[i - 1] == ' ' || t.s[i - 1] == '\t'))
        i--;
    return apart && i && t.s[i - 1] == '\n';
}

static const char *last_number(struct span t, struct ipw_arena *arena)
{
    struct number n, last;
    bool any = false;
    for (size_t i = 0; number_find(t, i, &n); i = n.end) {
        last = n;
        any = true;
    }
    if (!any)
        return NULL;
    last.neg &= !bulleted(t, last.start);
    return rational_text(&last, arena);
}

static const struct {
    const char *name;
    const char *(*read)(struct span t, struct ipw_arena *arena);
} rules[] = {
    {"hash", after_hashes}, {"boxed", in_box}, {"tag", in_tag}, {"statement", stated}, {"last", last_number},
};

static const char *extract(const char *text, size_t len, struct ipw_arena *arena, const char **method)
{
    enum think_status think;
    struct span t = scan_visible(text, len, arena, &think);
    *method = "none";
    if (think == THINK_UNCLOSED && !t.n) {
        *method = "unclosed_think";
        return NULL;
    }
    t = number_text(t, arena);
    char *s = ipw_arena_strndup(arena, t.s, t.n);
    t = (struct span){s, scan_replace(s, t.n, "**", "")};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const char *x = rules[i].read(t, arena);
        if (x) {
            *method = rules[i].name;
            return x;
        }
    }
    return NULL;
}

static const char *gold(const char *text, struct ipw_arena *arena)
{
    struct span t;
    t.s = score_canon(text, strlen(text), arena, &t.n);
    return number_read(t, arena);
}

static void score(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                  struct score_result *out)
{
    *out = (struct score_result){.status = SCORE_UNPARSED};
    out->extracted = extract(text, len, arena, &out->method);
    const char *g = item->answer ? gold(item->answer, arena) : NULL;
    if (!g) {
        out->status = SCORE_UNSCORED;
        out->reason = item->answer ? "the record's answer is not a number" : "the record has no answer";
        return;
    }
    if (!out->extracted)
        return;
    bool right = ipw_streq(out->extracted, g);
    for (size_t i = 0; i < item->n_aliases && !right; i++)
        right = ipw_streq(out->extracted, gold(item->aliases[i], arena));
    out->status = right ? SCORE_CORRECT : SCORE_INCORRECT;
    out->value = right;
}

const struct scorer_ops scorer_numeric = {
    .name = "numeric",
    .version = 2,
    .what = "the number the answer ends on, equal as an exact fraction",
    .votes = true,
    .score = score,
};
