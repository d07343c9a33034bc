/* Equality of answers (datasets 2.5 c): texts, then forms (tuples, sets, unions, matrices, inequalities), then values. */
#include "score/math.h"

#include <string.h>

enum { MAX_DEPTH = 8, MAX_PARTS = 64 };

struct parts {
    struct span v[MAX_PARTS];
    size_t n;
    bool whole; /* all fitted */
};

static bool equal(struct span a, struct span b, int depth, struct ipw_arena *arena);

/* ---- taking apart ---- */

static int nesting(struct span t, size_t i)
{
    char c = t.s[i];
    return (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
}

/* By a separator outside all brackets; each part trimmed. */
static struct parts split(struct span t, const char *by)
{
    struct parts p = {.whole = true};
    size_t from = 0, n = strlen(by);
    int depth = 0;
    for (size_t i = 0; i <= t.n; i++) {
        bool here = i == t.n || (depth == 0 && scan_is(t, i, by));
        if (!here) {
            depth += nesting(t, i);
            continue;
        }
        if (p.n == MAX_PARTS) {
            p.whole = false;
            break;
        }
        p.v[p.n++] = scan_trim(scan_sub(t, from, i));
        from = i + n;
        i += i < t.n ? n - 1 : 0;
    }
    return p;
}

/* The bracket that opens at 0 closes at the end: what lies between. Set braces are "\{" and "\}". */
static bool enclosed(struct span t, struct span *in, char *open, char *close)
{
    size_t head = scan_is(t, 0, "\\{") ? 2 : 1;
    int depth = 0;
    if (t.n < 2 * head || !(nesting(t, head - 1) > 0))
        return false;
    for (size_t i = 0; i < t.n; i++) {
        depth += nesting(t, i);
        if (depth <= 0 && i >= head && i + 1 < t.n)
            return false;
    }
    *open = head == 2 ? '{' : t.s[0];
    *close = t.s[t.n - 1];
    if (depth || !strchr(")]}", *close) || (head == 2 && t.s[t.n - 2] != '\\') || (head == 1 && *open == '{'))
        return false;
    *in = scan_trim(scan_sub(t, head, t.n - head));
    return true;
}

static bool same_in_order(const struct parts *a, const struct parts *b, int depth, struct ipw_arena *arena)
{
    bool same = a->whole && b->whole && a->n == b->n;
    for (size_t i = 0; i < a->n && same; i++)
        same = equal(a->v[i], b->v[i], depth, arena);
    return same;
}

static bool same_in_any_order(const struct parts *a, const struct parts *b, int depth, struct ipw_arena *arena)
{
    bool taken[MAX_PARTS] = {false}, same = a->whole && b->whole && a->n == b->n;
    for (size_t i = 0; i < a->n && same; i++) {
        same = false;
        for (size_t j = 0; j < b->n && !same; j++)
            if (!taken[j] && equal(a->v[i], b->v[j], depth, arena))
                taken[j] = same = true;
    }
    return same;
}

/* ---- forms ---- */

static struct span joined(struct ipw_arena *arena, struct span a, struct span b, struct span c)
{
    char *s = ipw_arena_alloc(arena, a.n + b.n + c.n + 1);
    memcpy(s, a.s, a.n);
    memcpy(s + a.n, b.s, b.n);
    memcpy(s + a.n + b.n, c.s, c.n);
    return (struct span){s, a.n + b.n + c.n};
}

static struct span of(const char *s)
{
    return (struct span){s, strlen(s)};
}

/* "3 \pm 2" as its two values. */
static bool plus_minus(struct span t, struct parts *p, struct ipw_arena *arena)
{
    size_t i = scan_find(t, 0, "\\pm");
    if (i == t.n)
        return false;
    struct span left = scan_sub(t, 0, i), right = scan_sub(t, i + 3, t.n);
    *p = (struct parts){.n = 2, .whole = true};
    p->v[0] = joined(arena, left, of("+"), right);
    p->v[1] = joined(arena, left, of("-"), right);
    return true;
}

static bool variable(struct span t)
{
    return t.n == 1 && ipw_isalpha((unsigned char)t.s[0]);
}

/* x<3, 3>=x, 2<=x<5 as the interval that it says. */
static bool interval(struct span t, struct span *out, struct ipw_arena *arena)
{
    static const char *const signs[] = {"<", ">", "\\le ", "\\ge "};
    struct span side[3];
    int sign[2] = {0, 0};
    size_t n = 0, from = 0;
    for (size_t i = 0; i < t.n && n < 3; i++)
        for (int k = 0; k < 4; k++)
            if (scan_is(t, i, signs[k])) {
                if (n == 2)
                    return false;
                side[n] = scan_trim(scan_sub(t, from, i));
                sign[n++] = k;
                i += strlen(signs[k]) - 1;
                from = i + 1;
                break;
            }
    if (!n)
        return false;
    side[n] = scan_trim(scan_sub(t, from, t.n));
    bool falls = sign[0] % 2; /* ">" */
    struct span low, high;
    bool low_closed, high_closed;
    if (n == 2) {
        if (!variable(side[1]) || sign[1] % 2 != (int)falls)
            return false;
        low = side[falls ? 2 : 0];
        high = side[falls ? 0 : 2];
        low_closed = sign[falls] > 1;
        high_closed = sign[!falls] > 1;
    } else {
        bool left = variable(side[0]);
        if (left == variable(side[1]))
            return false;
        bool below = left != falls; /* the variable lies below */
        low = below ? of("-\\infty") : side[left];
        high = below ? side[left] : of("\\infty");
        low_closed = !below && sign[0] > 1;
        high_closed = below && sign[0] > 1;
    }
    struct span head = joined(arena, of(low_closed ? "[" : "("), low, of(","));
    *out = joined(arena, head, high, of(high_closed ? "]" : ")"));
    return true;
}

/* The rows of a matrix, each as its cells. */
static bool matrix(struct span t, struct span *in)
{
    static const char *const names[] = {"pmatrix", "bmatrix", "vmatrix", "matrix", "array"};
    if (!scan_is(t, 0, "\\begin{"))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i]), head = strlen("\\begin{") + n + 1, tail = strlen("\\end{") + n + 1;
        if (!scan_is(t, strlen("\\begin{"), names[i]) || t.n < head + tail || t.s[head - 1] != '}' ||
            !scan_is(t, t.n - tail, "\\end{"))
            continue;
        *in = scan_trim(scan_sub(t, head, t.n - tail));
        return true;
    }
    return false;
}

static bool same_matrix(struct span a, struct span b, int depth, struct ipw_arena *arena)
{
    struct parts ra = split(a, "\\\\"), rb = split(b, "\\\\");
    ra.n -= ra.n > 1 && !ra.v[ra.n - 1].n; /* a last row may be ended too */
    rb.n -= rb.n > 1 && !rb.v[rb.n - 1].n;
    bool same = ra.whole && rb.whole && ra.n == rb.n;
    for (size_t i = 0; i < ra.n && same; i++) {
        struct parts ca = split(ra.v[i], "&"), cb = split(rb.v[i], "&");
        same = same_in_order(&ca, &cb, depth, arena);
    }
    return same;
}

/* ---- texts ---- */

/* Without spaces, "x^{2}" as "x^2", and a space behind a command where a letter would join it. */
static struct span tight(struct span t, struct ipw_arena *arena)
{
    char *s = ipw_arena_alloc(arena, t.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (scan_space(t.s[i]))
            continue;
        if (t.s[i] == '{' && n && (s[n - 1] == '^' || s[n - 1] == '_') && scan_at(t, i + 2) == '}') {
            s[n++] = t.s[i + 1];
            i += 2;
            continue;
        }
        s[n++] = t.s[i];
    }
    return (struct span){s, n};
}

static bool same_bytes(struct span a, struct span b)
{
    return a.n == b.n && !memcmp(a.s, b.s, a.n);
}

/* Letters, "-" and "'" alone: two or more. */
static bool words(struct span t)
{
    for (size_t i = 0; i < t.n; i++)
        if (!ipw_isalpha((unsigned char)t.s[i]) && t.s[i] != '-' && t.s[i] != '\'')
            return false;
    return t.n > 1;
}

static bool same_words(struct span a, struct span b)
{
    bool same = words(a) && words(b) && a.n == b.n;
    for (size_t i = 0; i < a.n && same; i++)
        same = ipw_tolower(a.s[i]) == ipw_tolower(b.s[i]);
    return same;
}

/* "(B)" is B. */
static struct span letter(struct span t)
{
    return t.n == 3 && t.s[0] == '(' && t.s[2] == ')' && ipw_isalpha((unsigned char)t.s[1]) ? scan_sub(t, 1, 2) : t;
}

/* " or " and " and " as commas; "x \in S" as S. */
static struct span listed(struct span t, struct ipw_arena *arena)
{
    size_t in = scan_find(t, 0, "\\in");
    if (in < t.n && !ipw_isalpha((unsigned char)scan_at(t, in + 3)) && variable(scan_trim(scan_sub(t, 0, in))))
        t = scan_trim(scan_sub(t, in + 3, t.n));
    char *s = ipw_arena_strndup(arena, t.s, t.n);
    size_t n = scan_replace(s, t.n, " or ", ",");
    n = scan_replace(s, n, " and ", ",");
    n = scan_replace(s, n, ",,", ",");
    return (struct span){s, n};
}

static bool same_forms(struct span a, struct span b, int depth, struct ipw_arena *arena, bool *decided)
{
    struct span in_a, in_b;
    struct parts x, y;
    char open[2] = {0}, close[2] = {0};
    *decided = true;
    bool ma = matrix(a, &in_a), mb = matrix(b, &in_b);
    if (ma || mb)
        return ma && mb && same_matrix(in_a, in_b, depth, arena);
    x = split(a, "\\cup");
    y = split(b, "\\cup");
    if (x.n > 1 && y.n == 1) /* "x<-1 or x>3" */
        y = split(b, ",");
    else if (y.n > 1 && x.n == 1)
        x = split(a, ",");
    if (scan_find(a, 0, "\\cup") < a.n || scan_find(b, 0, "\\cup") < b.n)
        return same_in_any_order(&x, &y, depth, arena);
    if (!plus_minus(a, &x, arena))
        x = split(a, ",");
    if (!plus_minus(b, &y, arena))
        y = split(b, ",");
    bool ea = enclosed(a, &in_a, &open[0], &close[0]), eb = enclosed(b, &in_b, &open[1], &close[1]);
    if (ea && open[0] == '{' && x.n == 1)
        x = split(in_a, ",");
    if (eb && open[1] == '{' && y.n == 1)
        y = split(in_b, ",");
    bool set_a = ea && open[0] == '{', set_b = eb && open[1] == '{';
    if (x.n > 1 || y.n > 1 || set_a || set_b)
        return same_in_any_order(&x, &y, depth, arena);
    if (ea && eb) {
        x = split(in_a, ",");
        y = split(in_b, ",");
        if (x.n > 1 || y.n > 1)
            return open[0] == open[1] && close[0] == close[1] && same_in_order(&x, &y, depth, arena);
    }
    *decided = false;
    return false;
}

static bool equal(struct span a, struct span b, int depth, struct ipw_arena *arena)
{
    struct span bound, ta, tb;
    bool decided;
    if (depth > MAX_DEPTH || !a.n || !b.n)
        return a.n == b.n && depth <= MAX_DEPTH;
    struct span left = math_left_side(a), other = math_left_side(b);
    if (left.n && other.n && !same_bytes(tight(left, arena), tight(other, arena)))
        return false;
    a = listed(math_right_side(a), arena);
    b = listed(math_right_side(b), arena);
    if (interval(a, &bound, arena))
        a = bound;
    if (interval(b, &bound, arena))
        b = bound;
    ta = letter(tight(a, arena));
    tb = letter(tight(b, arena));
    if (same_bytes(ta, tb) || same_words(ta, tb))
        return true;
    bool same = same_forms(a, b, depth + 1, arena, &decided);
    return decided ? same : math_same_expression(a, b);
}

bool math_equal(struct span gold, struct span got, struct ipw_arena *arena)
{
    gold = scan_trim(gold);
    got = scan_trim(got);
    if (gold.n > MATH_MAX || got.n > MATH_MAX)
        return same_bytes(gold, got);
    struct span a = math_plain(gold, got, arena), b = math_plain(got, gold, arena);
    return a.n && b.n && equal(a, b, 0, arena);
}
