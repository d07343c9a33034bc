/* How two other harnesses normalise mathematical answers, faults included, so that their figures can be compared with
 * (datasets 2.5 a and b). Each line is a step of theirs, in their order. */
#include "score/math.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* ---- texts that steps make of one another ---- */

static void replace(struct ipw_buf *b, const char *from, const char *to)
{
    struct ipw_buf out = IPW_BUF_INIT;
    struct span t = {b->s, b->len};
    size_t n = strlen(from);
    for (size_t i = 0; i < t.n;) {
        size_t at = scan_find(t, i, from);
        ipw_buf_add(&out, t.s + i, at - i);
        if (at < t.n)
            ipw_buf_adds(&out, to);
        i = at < t.n ? at + n : t.n;
    }
    ipw_buf_release(b);
    *b = out;
}

static void set(struct ipw_buf *b, const char *s, size_t n)
{
    struct ipw_buf out = IPW_BUF_INIT;
    ipw_buf_add(&out, s, n);
    ipw_buf_release(b);
    *b = out;
}

static size_t count(const struct ipw_buf *b, const char *what)
{
    size_t n = 0;
    for (const char *p = b->s; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

static const char *kept(struct ipw_buf *b, struct ipw_arena *arena)
{
    const char *s = ipw_arena_strndup(arena, b->s, b->len);
    ipw_buf_release(b);
    return s;
}

static const char *last(const char *s, size_t n, char c)
{
    while (n && s[n - 1] != c)
        n--;
    return n ? s + n - 1 : NULL;
}

/* A character in braces; what is behind it. */
static const char *put_braced(struct ipw_buf *out, const char *p)
{
    size_t len = 1;
    scan_char(p, strlen(p), &len);
    ipw_buf_addf(out, "{%.*s}", (int)len, p);
    return p + len;
}

/* ---- hendrycks_math: strip_string ---- */

static void fix_sqrt(struct ipw_buf *b)
{
    struct ipw_buf out = IPW_BUF_INIT;
    const char *p = b->s, *at;
    while ((at = strstr(p, "\\sqrt"))) {
        ipw_buf_add(&out, p, (size_t)(at - p) + 5);
        p = at + 5;
        if (*p && *p != '{')
            p = put_braced(&out, p);
    }
    ipw_buf_adds(&out, p);
    ipw_buf_release(b);
    *b = out;
}

/* \frac12 and \frac1{72}; a \frac with too little behind it leaves the whole text as it was. */
static void fix_fracs(struct ipw_buf *b)
{
    struct ipw_buf out = IPW_BUF_INIT;
    const char *p = b->s, *at = strstr(p, "\\frac");
    if (!at)
        return;
    ipw_buf_add(&out, p, (size_t)(at - p));
    while (at) {
        p = at + 5;
        at = strstr(p, "\\frac");
        size_t n = at ? (size_t)(at - p) : strlen(p);
        ipw_buf_adds(&out, "\\frac");
        if (n && p[0] == '{') {
            ipw_buf_add(&out, p, n);
        } else if (n < 2) {
            ipw_buf_release(&out);
            return;
        } else {
            const char *rest = put_braced(&out, p), *end = p + n;
            if (rest < end && *rest != '{')
                rest = put_braced(&out, rest);
            ipw_buf_add(&out, rest, (size_t)(end - rest));
        }
    }
    ipw_buf_release(b);
    *b = out;
}

/* An integer as Python's int() reads it; false: it raises. */
static bool to_int(const char *s, size_t n, long long *x)
{
    char text[32], *end;
    struct span t = scan_trim((struct span){s, n});
    if (!t.n || t.n >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)t.n, t.s);
    *x = strtoll(text, &end, 10);
    return *end == '\0';
}

/* "3/4" as \frac{3}{4}; false: their int() raises, and with it the whole. */
static bool fix_slash(struct ipw_buf *b)
{
    long long x, y;
    char same[64];
    const char *slash = strchr(b->s, '/');
    if (!slash || strchr(slash + 1, '/'))
        return true;
    if (!to_int(b->s, (size_t)(slash - b->s), &x) || !to_int(slash + 1, strlen(slash + 1), &y))
        return false;
    snprintf(same, sizeof same, "%lld/%lld", x, y);
    if (!strcmp(same, b->s)) {
        ipw_buf_clear(b);
        ipw_buf_addf(b, "\\frac{%lld}{%lld}", x, y);
    }
    return true;
}

const char *math_hendrycks(struct span t, struct ipw_arena *arena)
{
    static const struct {
        const char *from, *to;
    } first[] = {{"\n", ""},         {"\\!", ""},         {"\\\\", "\\"},      {"tfrac", "frac"}, {"dfrac", "frac"},
                 {"\\left", ""},     {"\\right", ""},     {"^{\\circ}", ""},   {"^\\circ", ""},   {"\\$", ""}},
      then[] = {{"\\%", ""}, {" .", " 0."}, {"{.", "{0."}};
    struct ipw_buf b = IPW_BUF_INIT;
    if (t.n > MATH_MAX)
        return NULL;
    ipw_buf_add(&b, t.s, t.n);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        replace(&b, first[i].from, first[i].to);
    size_t units = count(&b, "\\text{ ");
    if (units > 1) {
        ipw_buf_release(&b);
        return NULL;
    }
    if (units)
        set(&b, b.s, (size_t)(strstr(b.s, "\\text{ ") - b.s));
    for (size_t i = 0; i < sizeof then / sizeof then[0]; i++)
        replace(&b, then[i].from, then[i].to);
    if (!b.len)
        return kept(&b, arena);
    if (b.s[0] == '.') {
        struct ipw_buf zero = IPW_BUF_INIT;
        ipw_buf_addf(&zero, "0%s", b.s);
        ipw_buf_release(&b);
        b = zero;
    }
    const char *eq = strchr(b.s, '=');
    if (eq && !strchr(eq + 1, '=') && eq - b.s <= 2)
        set(&b, eq + 1, strlen(eq + 1));
    fix_sqrt(&b);
    replace(&b, " ", "");
    fix_fracs(&b);
    if (!strcmp(b.s, "0.5"))
        set(&b, "\\frac{1}{2}", strlen("\\frac{1}{2}"));
    if (!fix_slash(&b)) {
        ipw_buf_release(&b);
        return NULL;
    }
    return kept(&b, arena);
}

/* ---- Minerva: normalize_final_answer ---- */

/* Per line, what stands between its first two dollar signs, for the line. */
static void inside_dollars(struct ipw_buf *b)
{
    struct ipw_buf out = IPW_BUF_INIT;
    for (const char *p = b->s, *end = b->s + b->len; p <= end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
        const char *one = memchr(p, '$', (size_t)(stop - p));
        const char *two = one ? memchr(one + 1, '$', (size_t)(stop - one - 1)) : NULL;
        if (two)
            ipw_buf_add(&out, one, (size_t)(two - one) + 1);
        else
            ipw_buf_add(&out, p, (size_t)(stop - p));
        if (nl)
            ipw_buf_addc(&out, '\n');
        p = stop + 1;
    }
    ipw_buf_release(b);
    *b = out;
}

/* \name{x} as x: up to the next brace, or (greedy) to the line's last. */
static void unwrap(struct ipw_buf *b, const char *head, bool greedy)
{
    struct ipw_buf out = IPW_BUF_INIT;
    const char *p = b->s, *at;
    while ((at = strstr(p, head))) {
        const char *in = at + strlen(head), *line = strchr(in, '\n'), *stop = line ? line : b->s + b->len;
        const char *close = greedy ? last(in, (size_t)(stop - in), '}') : memchr(in, '}', (size_t)(stop - in));
        ipw_buf_add(&out, p, (size_t)((close ? at : in) - p));
        p = in;
        if (close) {
            ipw_buf_add(&out, in, (size_t)(close - in));
            p = close + 1;
        }
    }
    ipw_buf_adds(&out, p);
    ipw_buf_release(b);
    *b = out;
}

/* "frac" and then one character that is no brace, and (frac alone) any other: each in braces. */
static void brace_arguments(struct ipw_buf *b, const char *head, bool two)
{
    struct ipw_buf out = IPW_BUF_INIT;
    const char *p = b->s, *at;
    while ((at = strstr(p, head))) {
        const char *in = at + strlen(head);
        ipw_buf_add(&out, p, (size_t)(in - p));
        p = in;
        if (!in[0] || in[0] == '{' || (two && (!in[1] || in[1] == '\n')))
            continue;
        p = put_braced(&out, in);
        if (two && *p)
            p = put_braced(&out, p);
    }
    ipw_buf_adds(&out, p);
    ipw_buf_release(b);
    *b = out;
}

const char *math_minerva(struct span t, struct ipw_arena *arena)
{
    static const struct {
        const char *from, *to;
    } substitutions[] = {{"an ", ""}, {"a ", ""},          {".$", "$"},           {"\\$", ""},         {"\\ ", ""},
                         {" ", ""},   {"mbox", "text"},    {",\\text{and}", ","}, {"\\text{and}", ","}, {"\\text{m}", "\\text{}"}};
    static const char *const removed[] = {
        "square", "ways", "integers", "dollars", "mph", "inches", "ft", "hours", "km", "units", "\\ldots", "sue", "points",
        "feet", "minutes", "digits", "cents", "degrees", "cm", "gm", "pounds", "meters", "meals", "edges", "students",
        "childrentickets", "multiples", "\\text{s}", "\\text{.}", "\\text{\ns}", "\\text{}^2", "\\text{}^3", "\\text{\n}",
        "\\text{}", "\\mathrm{th}", "^\\circ", "^{\\circ}", "\\;", ",\\!", "{,}", "\"", "\\dots"};
    struct ipw_buf b = IPW_BUF_INIT;
    if (t.n > MATH_MAX)
        return NULL;
    const char *eq = last(t.s, t.n, '=');
    ipw_buf_add(&b, eq ? eq + 1 : t.s, eq ? (size_t)(t.s + t.n - eq - 1) : t.n);
    for (size_t i = 0; i < sizeof substitutions / sizeof substitutions[0]; i++)
        replace(&b, substitutions[i].from, substitutions[i].to);
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++)
        replace(&b, removed[i], "");
    inside_dollars(&b);
    unwrap(&b, "\\text{", false);
    unwrap(&b, "\\textbf{", false);
    unwrap(&b, "\\overline{", false);
    unwrap(&b, "\\boxed{", true);
    brace_arguments(&b, "frac", true);
    brace_arguments(&b, "sqrt", false);
    replace(&b, "$", "");
    size_t commas = count(&b, ",");
    if (commas < b.len && strspn(b.s, "0123456789,") == b.len)
        replace(&b, ",", "");
    return kept(&b, arena);
}
