/* Expressions of answers, evaluated as they are read: + - * / ^ !, products that are not written, fractions, roots, mixed
 * numbers. A variable has the value of the point at which it is asked. */
#include "score/math.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { MAX_DEPTH = 64, MAX_STEPS = 20000, MAX_VARS = 32, POINTS = 5, TRIES = 40 };

struct reader {
    struct span t;
    size_t i;
    int depth, steps;
    bool bad;
    uint64_t point;
    uint64_t vars[MAX_VARS]; /* hashes of the names, in the order they were met */
    size_t n_vars;
};

static struct math_value sum(struct reader *r);

static struct math_value fail(struct reader *r)
{
    r->bad = true;
    return (struct math_value){0};
}

static char peek(struct reader *r)
{
    r->i = scan_ws(r->t, r->i);
    return scan_at(r->t, r->i);
}

static bool take(struct reader *r, const char *word)
{
    peek(r);
    if (!scan_is(r->t, r->i, word))
        return false;
    size_t n = strlen(word);
    if (word[0] == '\\' && ipw_isalpha((unsigned char)word[n - 1]) &&
        ipw_isalpha((unsigned char)scan_at(r->t, r->i + n)))
        return false;
    r->i += n;
    return true;
}

static struct span digits(struct reader *r)
{
    size_t from = r->i;
    bool point = false;
    while (ipw_isdigit((unsigned char)scan_at(r->t, r->i)) ||
           (!point && scan_at(r->t, r->i) == '.' && (r->i > from || ipw_isdigit((unsigned char)scan_at(r->t, r->i + 1))))) {
        point |= r->t.s[r->i] == '.';
        r->i++;
    }
    return scan_sub(r->t, from, r->i);
}

static bool integer(struct span t)
{
    return t.n && !memchr(t.s, '.', t.n);
}

/* "3/4" behind "1 ", or \frac{3}{4} behind "1": the fraction of a mixed number. */
static bool mixed(struct reader *r, struct span head, struct math_value *v)
{
    struct reader at = *r;
    if (!integer(head))
        return false;
    if (peek(&at) == '\\' && (take(&at, "\\frac"))) {
        struct span part[2];
        for (int k = 0; k < 2; k++) {
            bool braced = take(&at, "{");
            peek(&at);
            part[k] = braced ? digits(&at) : scan_sub(at.t, at.i, at.i + (at.i < at.t.n));
            at.i += !braced && part[k].n;
            if (!integer(part[k]) || !ipw_isdigit((unsigned char)part[k].s[0]) || (braced && !take(&at, "}")))
                return false;
        }
        *v = math_add(math_decimal(head), math_div(math_decimal(part[0]), math_decimal(part[1])));
    } else {
        if (at.i == r->i || !ipw_isdigit((unsigned char)peek(&at)))
            return false;
        struct span top = digits(&at);
        if (!integer(top) || !take(&at, "/"))
            return false;
        peek(&at);
        struct span low = digits(&at);
        if (!integer(low))
            return false;
        *v = math_add(math_decimal(head), math_div(math_decimal(top), math_decimal(low)));
    }
    r->i = at.i;
    return true;
}

/* "1.2e5" */
static bool power_of_ten(struct reader *r, struct span head, struct math_value *v)
{
    size_t i = r->i, from;
    if ((scan_at(r->t, i) | 0x20) != 'e' || i != (size_t)(head.s + head.n - r->t.s))
        return false;
    bool minus = scan_at(r->t, ++i) == '-';
    i += minus || scan_at(r->t, i) == '+';
    from = i;
    int64_t n = 0;
    for (; ipw_isdigit((unsigned char)scan_at(r->t, i)) && i - from < 6; i++)
        n = 10 * n + r->t.s[i] - '0';
    if (i == from || ipw_isalnum((unsigned char)scan_at(r->t, i)))
        return false;
    r->i = i;
    *v = math_mul(math_decimal(head), math_pow(math_of(10, 1), math_of(minus ? -n : n, 1)));
    return true;
}

/* "0.1\overline{6}": the head, and the digits that come again and again behind it. */
static struct math_value repeating(struct reader *r, struct span head)
{
    const char *point = memchr(head.s, '.', head.n);
    bool group = take(r, "{");
    peek(r);
    struct span again = digits(r);
    if (!point || !group || !take(r, "}") || !again.n || !integer(again))
        return fail(r);
    struct math_value ten = math_of(10, 1), places = math_of((__int128)(head.s + head.n - point - 1), 1);
    struct math_value nines = math_add(math_pow(ten, math_of((__int128)again.n, 1)), math_of(-1, 1));
    struct math_value tail = math_div(math_decimal(again), math_mul(nines, math_pow(ten, places)));
    return math_add(math_decimal(head), tail);
}

static struct math_value number(struct reader *r)
{
    struct span t = digits(r);
    struct math_value v;
    if (!t.n)
        return fail(r);
    if (mixed(r, t, &v))
        return v;
    if (take(r, "\\overline"))
        return repeating(r, t);
    if (power_of_ten(r, t, &v))
        return v;
    if (peek(r) == '_' || ipw_isdigit((unsigned char)peek(r))) /* another base, or two numbers with nothing between */
        return fail(r);
    return math_decimal(t);
}

static struct math_value closed(struct reader *r, const char *close)
{
    struct math_value v = sum(r);
    return take(r, close) ? v : fail(r);
}

/* An argument as TeX takes it: a group, or one character or command. */
static struct math_value argument(struct reader *r)
{
    if (take(r, "{"))
        return closed(r, "}");
    char c = peek(r);
    if (ipw_isdigit((unsigned char)c)) {
        r->i++;
        return math_of(c - '0', 1);
    }
    struct span all = r->t;
    size_t end = r->i + 1;
    if (c == '\\')
        while (ipw_isalpha((unsigned char)scan_at(all, end)))
            end++;
    if (c != '\\' && !ipw_isalpha((unsigned char)c))
        return fail(r);
    r->t = scan_sub(all, 0, end);
    struct math_value v = sum(r);
    r->t = all;
    return r->i == end ? v : fail(r);
}

static struct math_value root(struct reader *r)
{
    struct math_value n = math_of(2, 1);
    if (take(r, "["))
        n = closed(r, "]");
    if (peek(r) == '(') {
        r->i++;
        return math_root(closed(r, ")"), n);
    }
    return math_root(argument(r), n);
}

static struct math_value power(struct reader *r);

/* sin x, \log_2 8, ln(3): of what stands next, or of a whole bracket. */
static struct math_value called(struct reader *r, const char *name)
{
    struct math_value base = {0}, exponent = math_of(1, 1);
    if (!strcmp(name, "log") && take(r, "_"))
        base = argument(r);
    if (take(r, "^"))
        exponent = argument(r);
    struct math_value v = math_call(base.ok ? "ln" : name, power(r));
    return math_pow(base.ok ? math_div(v, math_call("ln", base)) : v, exponent);
}

static struct math_value variable(struct reader *r, size_t from)
{
    size_t end = r->i;
    if (take(r, "_")) {
        bool group = take(r, "{");
        while (ipw_isalnum((unsigned char)scan_at(r->t, r->i)) && r->i < r->t.n) {
            r->i++;
            if (!group)
                break;
        }
        if (group && !take(r, "}"))
            return fail(r);
        end = r->i;
    }
    uint64_t name = ipw_hash64(r->t.s + from, end - from);
    size_t k = 0;
    while (k < r->n_vars && r->vars[k] != name)
        k++;
    if (k == r->n_vars) {
        if (k == MAX_VARS)
            return fail(r);
        r->vars[r->n_vars++] = name;
    }
    double u = (double)(ipw_rng_at(name, r->point) >> 11) * 0x1p-53;
    return math_real((u < 0.5 ? -1 : 1) * (0.5L + 2.5L * (u < 0.5 ? 2 * u : 2 * u - 1)));
}

static struct math_value named(struct reader *r)
{
    static const char *const calls[] = {"\\sin", "\\cos", "\\tan", "\\ln", "\\log", "\\exp", "sin", "cos",
                                        "tan",   "log",   "exp",   "ln"};
    static const struct {
        const char *name;
        long double value;
    } constants[] = {{"\\pi", 3.14159265358979323846264338327950288L}, {"pi", 3.14159265358979323846264338327950288L}};
    size_t from = r->i;
    if (take(r, "\\frac")) {
        struct math_value a = argument(r), b = argument(r);
        return math_div(a, b);
    }
    if (take(r, "\\binom")) {
        struct math_value n = argument(r), k = argument(r);
        return math_binomial(n, k);
    }
    if (take(r, "\\sqrt") || take(r, "sqrt"))
        return root(r);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (take(r, calls[i]))
            return called(r, calls[i] + (calls[i][0] == '\\'));
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (take(r, constants[i].name))
            return math_real(constants[i].value);
    if (take(r, "e"))
        return math_real(2.71828182845904523536028747135266250L);
    if (take(r, "\\infty"))
        return fail(r);
    r->i++;
    if (r->t.s[from] == '\\')
        while (ipw_isalpha((unsigned char)scan_at(r->t, r->i)))
            r->i++;
    return r->i - from == 1 && r->t.s[from] == '\\' ? fail(r) : variable(r, from);
}

static struct math_value primary(struct reader *r)
{
    char c = peek(r);
    if (ipw_isdigit((unsigned char)c) || c == '.')
        return number(r);
    if (c == '(' || c == '[' || c == '{') {
        r->i++;
        return closed(r, c == '(' ? ")" : c == '[' ? "]" : "}");
    }
    if (c == '|') {
        r->i++;
        return math_call("abs", closed(r, "|"));
    }
    return c == '\\' || ipw_isalpha((unsigned char)c) ? named(r) : fail(r);
}

static struct math_value unary(struct reader *r);

static struct math_value power(struct reader *r)
{
    struct math_value v = primary(r);
    while (!r->bad && take(r, "!"))
        v = math_factorial(v);
    if (r->bad || !take(r, "^"))
        return v;
    char c = peek(r);
    return math_pow(v, ipw_isdigit((unsigned char)c) || c == '-' || c == '(' ? unary(r) : argument(r));
}

static struct math_value unary(struct reader *r)
{
    bool minus = false;
    if (++r->depth > MAX_DEPTH || ++r->steps > MAX_STEPS)
        return fail(r);
    for (char c = peek(r); c == '+' || c == '-'; c = peek(r)) {
        minus ^= c == '-';
        r->i++;
    }
    struct math_value v = power(r);
    r->depth--;
    return minus ? math_neg(v) : v;
}

static struct math_value product(struct reader *r)
{
    struct math_value v = unary(r);
    while (!r->bad) {
        char c = peek(r);
        if (c == '*' || c == '/') {
            r->i++;
            struct math_value b = unary(r);
            v = c == '*' ? math_mul(v, b) : math_div(v, b);
        } else if (c == '(' || c == '{' || ipw_isalnum((unsigned char)c) || (c == '\\' && !scan_is(r->t, r->i, "\\}"))) {
            v = math_mul(v, power(r)); /* nothing written between */
        } else {
            break;
        }
        if (++r->steps > MAX_STEPS)
            return fail(r);
    }
    return v;
}

static struct math_value sum(struct reader *r)
{
    if (++r->depth > MAX_DEPTH)
        return fail(r);
    struct math_value v = product(r);
    while (!r->bad && (peek(r) == '+' || peek(r) == '-')) {
        bool minus = r->t.s[r->i++] == '-';
        struct math_value b = product(r);
        v = math_add(v, minus ? math_neg(b) : b);
    }
    r->depth--;
    return v;
}

static bool evaluate(struct span t, uint64_t point, struct reader *r, struct math_value *v)
{
    *r = (struct reader){.t = t, .point = point};
    *v = sum(r);
    return !r->bad && scan_ws(t, r->i) == t.n;
}

/* Digits behind the point of a decimal with six significant digits or more, -1: it is none. */
static int precise_decimal(struct span t)
{
    size_t i = scan_at(t, 0) == '-', from = i, point = t.n;
    int significant = 0;
    for (; i < t.n; i++) {
        if (t.s[i] == '.' && point == t.n)
            point = i;
        else if (!ipw_isdigit((unsigned char)t.s[i]))
            return -1;
        else
            significant += significant || t.s[i] != '0';
    }
    return point < t.n && point + 1 < t.n && t.n > from && significant >= 6 ? (int)(t.n - point - 1) : -1;
}

/* A long enough decimal may stand for an irrational number or a fraction, rounded at its own last digit. */
static bool rounded(struct span a, struct math_value x, struct span b, struct math_value y)
{
    int da = precise_decimal(a), db = precise_decimal(b);
    if ((da < 0) == (db < 0) || !x.ok || !y.ok)
        return false;
    return fabsl(math_number(x) - math_number(y)) <= 0.5000001L * powl(10, -(da < 0 ? db : da));
}

static bool same_vars(const struct reader *a, const struct reader *b)
{
    size_t found = 0;
    for (size_t i = 0; i < a->n_vars; i++)
        for (size_t j = 0; j < b->n_vars; j++)
            found += a->vars[i] == b->vars[j];
    return a->n_vars == b->n_vars && found == a->n_vars;
}

bool math_same_expression(struct span a, struct span b)
{
    struct reader ra, rb;
    struct math_value x, y;
    a = scan_trim(a);
    b = scan_trim(b);
    if (!evaluate(a, 0, &ra, &x) || !evaluate(b, 0, &rb, &y) || !same_vars(&ra, &rb))
        return false;
    if (!ra.n_vars)
        return math_same(x, y) || rounded(a, x, b, y);
    int agreed = 0;
    for (uint64_t point = 0; point < TRIES && agreed < POINTS; point++) {
        evaluate(a, point, &ra, &x);
        evaluate(b, point, &rb, &y);
        if (x.ok && y.ok && !math_same(x, y))
            return false;
        agreed += x.ok && y.ok;
    }
    return agreed == POINTS;
}
