#include "score/math.h"

#include <math.h>
#include <string.h>

typedef __int128 wide;

static const struct math_value none;

static wide gcd(wide a, wide b)
{
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    while (b) {
        wide r = a % b;
        a = b;
        b = r;
    }
    return a;
}

struct math_value math_of(wide p, wide q)
{
    if (!q)
        return none;
    wide g = gcd(p, q);
    g = g ? g : 1;
    p /= g;
    q /= g;
    if (q < 0) {
        p = -p;
        q = -q;
    }
    struct math_value v = {.ok = true, .exact = true, .p = p, .q = q, .sign = (p > 0) - (p < 0)};
    if (p)
        v.log = logl(fabsl((long double)p)) - logl((long double)q);
    return v;
}

static struct math_value scaled(int sign, long double log)
{
    return (struct math_value){.ok = !isnan(log) && log < 1e15L, .sign = log == -INFINITY ? 0 : sign, .log = log};
}

struct math_value math_real(long double x)
{
    return isnan(x) || isinf(x) ? none : x == 0 ? math_of(0, 1) : scaled(x < 0 ? -1 : 1, logl(fabsl(x)));
}

struct math_value math_decimal(struct span t)
{
    wide p = 0, q = 1;
    long double x = 0, unit = 1;
    bool point = false, fits = true;
    for (size_t i = 0; i < t.n; i++) {
        if (t.s[i] == '.') {
            point = true;
            continue;
        }
        int d = t.s[i] - '0';
        fits = fits && !__builtin_mul_overflow(p, (wide)10, &p) && !__builtin_add_overflow(p, (wide)d, &p) &&
               (!point || !__builtin_mul_overflow(q, (wide)10, &q));
        x = point ? x + d * (unit /= 10) : x * 10 + d;
    }
    return fits ? math_of(p, q) : math_real(x);
}

long double math_number(struct math_value a)
{
    return !a.ok ? (long double)NAN : !a.sign ? 0 : a.exact ? (long double)a.p / (long double)a.q : a.sign * expl(a.log);
}

struct math_value math_neg(struct math_value a)
{
    a.p = -a.p;
    a.sign = -a.sign;
    return a;
}

struct math_value math_add(struct math_value a, struct math_value b)
{
    wide x, y, p, q;
    if (!a.ok || !b.ok)
        return none;
    if (a.exact && b.exact && !__builtin_mul_overflow(a.p, b.q, &x) && !__builtin_mul_overflow(b.p, a.q, &y) &&
        !__builtin_add_overflow(x, y, &p) && !__builtin_mul_overflow(a.q, b.q, &q))
        return math_of(p, q);
    if (!a.sign || !b.sign)
        return a.sign ? a : b;
    if (a.log < b.log) {
        struct math_value c = a;
        a = b;
        b = c;
    }
    long double ratio = expl(b.log - a.log), sum = a.sign == b.sign ? log1pl(ratio) : log1pl(-ratio);
    if (sum < -36) /* nothing is left but rounding */
        return math_of(0, 1);
    return scaled(a.sign, a.log + sum);
}

struct math_value math_mul(struct math_value a, struct math_value b)
{
    wide p, q;
    if (!a.ok || !b.ok)
        return none;
    if (!a.sign || !b.sign)
        return math_of(0, 1);
    if (a.exact && b.exact && !__builtin_mul_overflow(a.p, b.p, &p) && !__builtin_mul_overflow(a.q, b.q, &q))
        return math_of(p, q);
    return scaled(a.sign * b.sign, a.log + b.log);
}

struct math_value math_div(struct math_value a, struct math_value b)
{
    if (!b.ok || !b.sign)
        return none;
    struct math_value inverse = {.ok = true, .sign = b.sign, .log = -b.log};
    return math_mul(a, b.exact ? math_of(b.q, b.p) : inverse);
}

static bool whole(struct math_value a)
{
    return a.ok && a.exact && a.q == 1;
}

struct math_value math_pow(struct math_value a, struct math_value b)
{
    enum { EXACT_POWER = 1 << 20 };
    if (!a.ok || !b.ok)
        return none;
    if (!b.sign)
        return math_of(1, 1);
    if (!a.sign)
        return b.sign > 0 ? math_of(0, 1) : none;
    if (a.sign < 0 && !whole(b))
        return none;
    if (a.exact && whole(b) && b.p <= EXACT_POWER && b.p >= -EXACT_POWER) {
        struct math_value r = math_of(1, 1), square = a;
        for (wide i = b.p < 0 ? -b.p : b.p; i > 0 && r.exact; i /= 2) {
            r = i % 2 ? math_mul(r, square) : r;
            square = math_mul(square, square);
        }
        if (r.exact)
            return b.p < 0 ? math_div(math_of(1, 1), r) : r;
    }
    return scaled(a.sign > 0 || b.p % 2 == 0 ? 1 : -1, a.log * math_number(b));
}

struct math_value math_root(struct math_value a, struct math_value n)
{
    if (!a.ok || !whole(n) || n.p < 1 || (a.sign < 0 && n.p % 2 == 0))
        return none;
    return a.sign ? scaled(a.sign, a.log / (long double)n.p) : a;
}

struct math_value math_factorial(struct math_value a)
{
    enum { EXACT = 33, LARGEST = 1000000 };
    if (a.ok && !a.exact && a.sign > 0 && a.log < 13) /* at the points of a variable */
        return scaled(1, lgammal(math_number(a) + 1));
    if (!whole(a) || a.p < 0 || a.p > LARGEST)
        return none;
    if (a.p > EXACT)
        return scaled(1, lgammal((long double)a.p + 1));
    wide f = 1;
    for (wide i = 2; i <= a.p; i++)
        f *= i;
    return math_of(f, 1);
}

struct math_value math_binomial(struct math_value n, struct math_value k)
{
    if (!whole(n) || !whole(k) || k.p < 0 || n.p < k.p)
        return none;
    struct math_value rest = math_of(n.p - k.p, 1);
    if (n.p <= 1000) {
        struct math_value r = math_of(1, 1);
        wide least = k.p < rest.p ? k.p : rest.p;
        for (wide i = 1; i <= least; i++)
            r = math_div(math_mul(r, math_of(n.p - least + i, 1)), math_of(i, 1));
        return r;
    }
    return math_div(math_factorial(n), math_mul(math_factorial(k), math_factorial(rest)));
}

struct math_value math_call(const char *name, struct math_value a)
{
    static const struct {
        const char *name;
        long double (*of)(long double);
    } calls[] = {{"sin", sinl}, {"cos", cosl}, {"tan", tanl}, {"ln", logl}, {"log", log10l}, {"exp", expl}};
    if (!strcmp(name, "sqrt"))
        return math_root(a, math_of(2, 1));
    if (!strcmp(name, "abs"))
        return a.sign < 0 ? math_neg(a) : a;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0] && a.ok; i++)
        if (!strcmp(name, calls[i].name)) {
            long double y = calls[i].of(math_number(a));
            return fabsl(y) < 1e-17L ? math_of(0, 1) : math_real(y);
        }
    return none;
}

bool math_same(struct math_value a, struct math_value b)
{
    if (!a.ok || !b.ok)
        return false;
    if (a.exact && b.exact)
        return a.p == b.p && a.q == b.q;
    return a.sign == b.sign && (!a.sign || fabsl(a.log - b.log) <= 1e-9L);
}
