#include "score/rational.h"

#include <string.h>

#include "base/buf.h"

typedef unsigned __int128 u128;

enum {
    EXP_MAX = 300,    /* exponents are held within +-300 */
    ZEROS_MAX = 600,  /* zeros written out */
    DIGITS_MAX = 999, /* significant digits kept in the text of a number that is too long to be any gold */
};
static const u128 limit = ((u128)1 << 127) - 1;

/* m x 10^e without zeros at either end of m; m as digits, since it may be long. */
struct decimal {
    const char *digits;
    size_t n; /* 0: the number is zero */
    int64_t e;
};

static struct decimal decimal_of(struct span t, struct ipw_arena *arena)
{
    char *d = ipw_arena_alloc(arena, t.n + 1);
    struct decimal out = {d, 0, 0};
    bool point = false;
    for (size_t i = 0; i < t.n; i++) {
        point |= t.s[i] == '.';
        if (!ipw_isdigit((unsigned char)t.s[i]) || (t.s[i] == '0' && !out.n && !point))
            continue;
        out.e -= point;
        if (t.s[i] != '0' || out.n)
            d[out.n++] = t.s[i];
    }
    while (out.n && d[out.n - 1] == '0') {
        out.n--;
        out.e++;
    }
    if (!out.n)
        out.e = 0;
    return out;
}

static bool mantissa(struct decimal d, u128 *m)
{
    *m = 0;
    for (size_t i = 0; i < d.n; i++) {
        u128 digit = (u128)(d.digits[i] - '0');
        if (*m > (limit - digit) / 10)
            return false;
        *m = *m * 10 + digit;
    }
    return true;
}

static void reduce(u128 *a, u128 *b)
{
    u128 x = *a, y = *b;
    while (y) {
        u128 r = x % y;
        x = y;
        y = r;
    }
    *a /= x;
    *b /= x;
}

/* A fraction in lowest terms; p or q stands for itself times a power of ten, which its text shows as zeros. */
struct ratio {
    u128 p, q;
    int64_t p_zeros, q_zeros;
};

/* a/b x 10^e, a and b in lowest terms: each ten cancels what it can below, the last ones become zeros. */
static bool scale(u128 *a, u128 *b, int64_t *zeros, int64_t e)
{
    for (*zeros = 0; e > 0; e--) {
        u128 ten = 10;
        reduce(&ten, b);
        if (ten == 10) {
            *zeros = e;
            return e <= ZEROS_MAX;
        }
        if (*a > limit / ten)
            return false;
        *a *= ten;
    }
    return true;
}

static bool unfold(u128 *x, int64_t *zeros)
{
    for (; *zeros > 0; --*zeros) {
        if (*x > limit / 10)
            return false;
        *x *= 10;
    }
    return true;
}

/* whole + v / d; false beyond the limit. */
static bool ratio_of(struct decimal whole, struct decimal v, struct decimal d, struct ratio *r)
{
    u128 w;
    *r = (struct ratio){0};
    if (!mantissa(v, &r->p) || !mantissa(d, &r->q) || !mantissa(whole, &w))
        return false;
    reduce(&r->p, &r->q);
    int64_t e = r->p ? v.e - d.e : 0;
    if (!scale(&r->p, &r->q, &r->p_zeros, e) || !scale(&r->q, &r->p, &r->q_zeros, -e))
        return false;
    if (!w)
        return true;
    if (!unfold(&w, &whole.e) || !unfold(&r->p, &r->p_zeros) || !unfold(&r->q, &r->q_zeros) || w > limit / r->q ||
        r->p > limit - w * r->q)
        return false;
    r->p += w * r->q;
    return true;
}

static void put_u128(struct ipw_buf *b, u128 x, int64_t zeros)
{
    char s[40];
    size_t i = sizeof s;
    do
        s[--i] = (char)('0' + (int)(x % 10));
    while ((x /= 10) > 0);
    ipw_buf_add(b, s + i, sizeof s - i);
    for (; zeros > 0; zeros--)
        ipw_buf_addc(b, '0');
}

static void put_decimal(struct ipw_buf *b, struct decimal d)
{
    if (!d.n)
        ipw_buf_addc(b, '0');
    ipw_buf_add(b, d.digits, d.n < DIGITS_MAX ? d.n : DIGITS_MAX);
    if (d.n > DIGITS_MAX)
        ipw_buf_adds(b, "...");
    if (d.e < 0 || d.e > ZEROS_MAX)
        ipw_buf_addf(b, "e%lld", (long long)d.e);
    for (int64_t i = 0; i < d.e && d.e <= ZEROS_MAX; i++)
        ipw_buf_addc(b, '0');
}

static int64_t exponent_of(struct span t)
{
    int64_t e = 0;
    for (size_t i = 0; i < t.n; i++)
        if (ipw_isdigit((unsigned char)t.s[i]) && e <= EXP_MAX)
            e = e * 10 + (t.s[i] - '0');
    e = e > EXP_MAX ? EXP_MAX : e;
    return t.n && t.s[0] == '-' ? -e : e;
}

const char *rational_text(const struct number *n, struct ipw_arena *arena)
{
    struct decimal v = decimal_of(n->value, arena), w = decimal_of(n->whole, arena);
    struct decimal d = decimal_of(n->den, arena);
    if (v.n)
        v.e += exponent_of(n->exp);
    if (!d.n)
        d = (struct decimal){"1", 1, 0};
    if (!v.n && !w.n)
        return "0";

    struct ratio r;
    struct ipw_buf b = IPW_BUF_INIT;
    if (n->neg)
        ipw_buf_addc(&b, '-');
    if (ratio_of(w, v, d, &r)) {
        put_u128(&b, r.p, r.p_zeros);
        if (r.q != 1 || r.q_zeros) {
            ipw_buf_addc(&b, '/');
            put_u128(&b, r.q, r.q_zeros);
        }
    } else {
        if (w.n) {
            put_decimal(&b, w);
            ipw_buf_addc(&b, ' ');
        }
        put_decimal(&b, v);
        if (n->den.n) {
            ipw_buf_addc(&b, '/');
            put_decimal(&b, d);
        }
    }
    const char *text = ipw_arena_strndup(arena, b.s, b.len);
    ipw_buf_release(&b);
    return text;
}

/* ---- the grammar: [+-]? [$€£]? (a b/c | d,ddd.d | .d) (e[+-]d)? (/ d)? ---- */

static size_t digits(struct span t, size_t i)
{
    while (i < t.n && ipw_isdigit((unsigned char)t.s[i]))
        i++;
    return i;
}

/* End of ".ddd" at i, or i. */
static size_t fraction(struct span t, size_t i)
{
    size_t e = scan_at(t, i) == '.' ? digits(t, i + 1) : i;
    return e > i + 1 ? e : i;
}

/* End of the comma groups behind the first run of digits [from, i), or i: "1,234" but of "1,2345" only the 1. */
static size_t groups(struct span t, size_t from, size_t i)
{
    if (i - from > 3)
        return i;
    for (;;) {
        size_t e = scan_at(t, i) == ',' ? digits(t, i + 1) : i;
        if (e - i != 4)
            return i;
        i = e;
    }
}

/* "a b/c": the end of a's digits when a fraction follows them. */
static bool mixed(struct span t, size_t i, size_t *end, size_t *next)
{
    *end = digits(t, i);
    if (*end == i)
        return false; /* also keeps a run of white space from being read from each of its positions */
    *next = scan_ws(t, *end);
    size_t slash = digits(t, *next);
    return *next > *end && slash > *next && scan_at(t, slash) == '/' &&
           ipw_isdigit((unsigned char)scan_at(t, slash + 1));
}

static size_t prefix(struct span t, size_t i, bool *neg)
{
    static const char *const currency[] = {"$", "\xe2\x82\xac", "\xc2\xa3", NULL};
    *neg = scan_at(t, i) == '-';
    i += *neg || scan_at(t, i) == '+';
    i += i < t.n && scan_space(t.s[i]);
    i += scan_any(t, i, currency);
    return i + (i < t.n && scan_space(t.s[i]));
}

static bool number_at(struct span t, size_t start, struct number *n)
{
    *n = (struct number){.start = start};
    size_t i = prefix(t, start, &n->neg), e, next;
    if (mixed(t, i, &e, &next)) {
        n->whole = scan_sub(t, i, e);
        i = next;
    }
    e = digits(t, i);
    if (e > i)
        e = groups(t, i, e);
    size_t end = fraction(t, e);
    if (end == i)
        return false;
    n->value = scan_sub(t, i, end);

    if (ipw_tolower(scan_at(t, end)) == 'e') {
        size_t sign = end + 1 + (scan_at(t, end + 1) == '-' || scan_at(t, end + 1) == '+');
        e = digits(t, sign);
        if (e > sign) {
            n->exp = scan_sub(t, end + 1, e);
            end = e;
        }
    }
    size_t slash = scan_ws(t, end);
    if (scan_at(t, slash) == '/') {
        i = scan_ws(t, slash + 1);
        e = digits(t, i);
        if (e > i) {
            end = fraction(t, e);
            n->den = scan_sub(t, i, end);
        }
    }
    n->end = end;
    return true;
}

struct span number_text(struct span t, struct ipw_arena *arena)
{
    static const char *const from[] = {"\\$", "\\,", "{,}"}, *const to[] = {"$", "", ","};
    char *s = ipw_arena_strndup(arena, t.s, t.n);
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++)
        t.n = scan_replace(s, t.n, from[i], to[i]);
    t.s = s;
    return t;
}

bool number_find(struct span t, size_t from, struct number *n)
{
    for (size_t i = from; i < t.n; i++) {
        char c = t.s[i];
        bool may = ipw_isdigit((unsigned char)c) || scan_space(c) || strchr("+-$.\xe2\xc2", c);
        if (may && c && !(i && t.s[i - 1] == '.') && !scan_word_before(t, i) && number_at(t, i, n))
            return true;
    }
    return false;
}

const char *number_read(struct span t, struct ipw_arena *arena)
{
    struct number n;
    t = number_text(t, arena);
    return number_find(t, 0, &n) ? rational_text(&n, arena) : NULL;
}
