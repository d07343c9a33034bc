/* An answer in plain form: what LaTeX and prose put around the mathematics is taken off (datasets 2.5 c, steps 1 and 2). */
#include "score/math.h"

#include <string.h>

struct rewrite {
    const char *from, *to;
};

/* By whole names: what is not listed stays. */
static const struct rewrite commands[] = {
    {"left", ""},        {"right", ""},      {"bigl", ""},        {"bigr", ""},     {"big", ""},        {"Big", ""},
    {"Bigl", ""},        {"Bigr", ""},       {"displaystyle", ""}, {"limits", ""},  {"dfrac", "\\frac"}, {"tfrac", "\\frac"},
    {"cfrac", "\\frac"}, {"dbinom", "\\binom"}, {"tbinom", "\\binom"}, {"cdot", "*"}, {"times", "*"},   {"div", "/"},
    {"leq", "\\le "},    {"leqslant", "\\le "}, {"le", "\\le "},  {"geq", "\\ge "}, {"geqslant", "\\ge "}, {"ge", "\\ge "},
    {"lt", "<"},         {"gt", ">"},        {"quad", " "},       {"qquad", " "},   {"degree", ""},     {"circ", ""},
    {"dots", "..."},     {"ldots", "..."},   {"cdots", "..."},    {"lbrace", "\\{"}, {"rbrace", "\\}"}, {"lvert", "|"},
    {"rvert", "|"},      {"vert", "|"},      {"mid", "|"},        {"varnothing", "\\emptyset"},
};

static const struct rewrite signs[] = {
    {"\\$", ""},          {"\\%", ""},       {"\\!", ""},      {"\\,", " "},   {"\\;", " "},       {"\\:", " "},
    {"\\ ", " "},         {"\\(", ""},       {"\\)", ""},      {"\\[", ""},    {"\\]", ""},        {"$", ""},
    {"%", ""},            {"~", " "},        {"{,}", ""},      {"**", "^"},    {"^{\\circ}", ""},  {"^\\circ", ""},
    {"infinity", "\\infty "}, {"^{\\degree}", ""},  {"^\\degree", ""}, {"<=", "\\le "},  {">=", "\\ge "}, {"\xc2\xb0", ""},  {"\xcf\x80", "\\pi "},
    {"\xe2\x88\x9a", "\\sqrt"}, {"\xe2\x88\x9e", "\\infty "}, {"\xc3\x97", "*"}, {"\xc3\xb7", "/"}, {"\xc2\xb7", "*"},
    {"\xe2\x8b\x85", "*"}, {"\xe2\x89\xa4", "\\le "}, {"\xe2\x89\xa5", "\\ge "}, {"\xe2\x88\xaa", "\\cup "},
    {"\xc2\xb1", "\\pm "}, {"\xc2\xb2", "^2"}, {"\xc2\xb3", "^3"}, {"\xe2\x80\x93", "-"}, {"\xc2\xbd", "\\frac12"}, {"\xc2\xbc", "\\frac14"},
    {"\xc2\xbe", "\\frac34"}, {"\xe2\x85\x93", "\\frac13"}, {"\xe2\x85\x94", "\\frac23"},
};

static const char *const units[] = {
    "degree", "deg", "cm", "centimeter", "centimetre", "mm", "millimeter", "meter", "metre", "km", "kilometer", "kilometre",
    "mile", "second", "sec", "minute", "min", "hour", "hr", "day", "week", "month", "year", "foot", "feet", "ft", "inch",
    "inche", "yard", "square", "cubic", "unit", "dollar", "cent", "point", "gram", "kg", "kilogram", "mg", "pound", "lb",
    "ounce", "oz", "liter", "litre", "ml", "gallon", "mph", "per", "percent", "way", "people", "student", "radian", "rad",
    "time", "sq", "m", "s", "g", "h", "l", "usd", "euro", NULL};

static size_t name_end(struct span t, size_t i)
{
    while (ipw_isalpha((unsigned char)scan_at(t, i)))
        i++;
    return i;
}

/* What stands at i as its table says; NULL: it stays. */
static const struct rewrite *rewrite_at(struct span t, size_t i, size_t *len)
{
    for (size_t k = 0; k < sizeof signs / sizeof signs[0]; k++)
        if (signs[k].from[0] == t.s[i] && scan_is(t, i, signs[k].from)) {
            *len = strlen(signs[k].from);
            return &signs[k];
        }
    *len = name_end(t, i + 1) - i;
    for (size_t k = 0; t.s[i] == '\\' && k < sizeof commands / sizeof commands[0]; k++)
        if (*len - 1 == strlen(commands[k].from) && !memcmp(t.s + i + 1, commands[k].from, *len - 1))
            return &commands[k];
    return NULL;
}

static struct span rewritten(struct span t, struct ipw_arena *arena)
{
    char *s = ipw_arena_alloc(arena, 7 * t.n + 1); /* the longest row makes seven bytes of one */
    size_t n = 0, len;
    for (size_t i = 0; i < t.n; i += len) {
        const struct rewrite *w = rewrite_at(t, i, &len);
        const char *to = w ? w->to : t.s + i;
        size_t k = w ? strlen(w->to) : (len = t.s[i] == '\\' && i + 1 < t.n && !ipw_isalpha((unsigned char)t.s[i + 1]) ? 2 : 1);
        memcpy(s + n, to, k);
        n += k;
    }
    return (struct span){s, n};
}

/* "4\text{ apples}" as 4 where the other side names nothing: whatever is counted. */
static struct span without_counted(struct span t, struct span other)
{
    size_t open = t.n;
    if (!t.n || t.s[t.n - 1] != '}' || scan_find(other, 0, "\\text") < other.n)
        return t;
    while (open && t.s[open - 1] != '{')
        open--;
    for (size_t i = open; i + 1 < t.n; i++)
        if (!ipw_isalpha((unsigned char)t.s[i]) && t.s[i] != ' ')
            return t;
    struct span head = scan_sub(t, 0, open ? open - 1 : 0);
    if (head.n < 5 || !scan_is(head, head.n - 5, "\\text"))
        return t;
    struct span rest = scan_trim(scan_sub(head, 0, head.n - 5));
    return rest.n && ipw_isdigit((unsigned char)rest.s[rest.n - 1]) ? rest : t;
}

/* A space before each font command: "5\text{m}" is five metres, 5m five times m. */
static struct span apart(struct span t, struct ipw_arena *arena)
{
    static const char *const fonts[] = {"\\text", "\\mathrm", "\\mbox", "\\rm", NULL};
    char *s = ipw_arena_alloc(arena, 2 * t.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (t.s[i] == '\\' && scan_any(t, i, fonts))
            s[n++] = ' ';
        s[n++] = t.s[i];
    }
    return scan_unwrap((struct span){s, n}, arena);
}

static bool open_bracket(char c)
{
    return c == '(' || c == '[' || c == '{';
}

static bool close_bracket(char c)
{
    return c == ')' || c == ']' || c == '}';
}

/* "12,345,678" is one number; within brackets only where the other side has none, for there it is a tuple's comma. */
static struct span without_thousands(struct span t, struct span other, struct ipw_arena *arena)
{
    char *s = ipw_arena_alloc(arena, t.n + 1);
    bool inside = !memchr(other.s, '(', other.n) && !memchr(other.s, '[', other.n) && !memchr(other.s, '{', other.n);
    size_t n = 0;
    int depth = 0;
    for (size_t i = 0; i < t.n; i++) {
        depth += open_bracket(t.s[i]) - close_bracket(t.s[i]);
        bool three = t.s[i] == ',' && i && ipw_isdigit((unsigned char)t.s[i - 1]);
        for (size_t k = 1; k <= 3 && three; k++)
            three = ipw_isdigit((unsigned char)scan_at(t, i + k));
        if (!three || ipw_isdigit((unsigned char)scan_at(t, i + 4)) || (depth > 0 && !inside))
            s[n++] = t.s[i];
    }
    return (struct span){s, n};
}

static bool is_unit(struct span w)
{
    for (size_t i = 0; units[i]; i++) {
        size_t n = strlen(units[i]);
        bool plural = w.n == n + 1 && ipw_tolower(w.s[n]) == 's' && n > 1;
        if ((w.n == n || plural) && scan_is_nocase(w, 0, units[i]))
            return true;
    }
    return false;
}

/* Units at the end, as words: "5 cm^2", "3 square units", "12 miles per hour". One that is all there is stays. */
static struct span without_units(struct span t)
{
    for (int k = 0; k < 6; k++) {
        t = scan_trim(t);
        size_t end = t.n;
        if (end > 2 && t.s[end - 2] == '^' && (t.s[end - 1] == '2' || t.s[end - 1] == '3'))
            end -= 2;
        else if (end > 4 && t.s[end - 4] == '^' && t.s[end - 3] == '{' && t.s[end - 1] == '}')
            end -= 4;
        size_t from = end;
        while (from && ipw_isalpha((unsigned char)t.s[from - 1]))
            from--;
        struct span word = scan_sub(t, from, end), rest = scan_trim(scan_sub(t, 0, from));
        char before = rest.n ? rest.s[rest.n - 1] : '\0';
        bool stands = from < t.n && from && (word.n > 1 || scan_space(t.s[from - 1]));
        bool counts = ipw_isdigit((unsigned char)before) || close_bracket(before) || before == '/' ||
                      (ipw_isalpha((unsigned char)before) && scan_space(t.s[from - 1]));
        if (!stands || !counts || (before && from && t.s[from - 1] == '\\') || !is_unit(word))
            break;
        t = rest;
        if (t.n && t.s[t.n - 1] == '/')
            t.n--;
    }
    return t;
}

struct span math_left_side(struct span t)
{
    const char *eq = memchr(t.s, '=', t.n);
    struct span none = {t.s, 0};
    if (!eq || memchr(eq + 1, '=', (size_t)(t.s + t.n - eq - 1)))
        return none;
    struct span left = scan_trim(scan_sub(t, 0, (size_t)(eq - t.s)));
    if (!left.n)
        return none;
    size_t end = left.s[0] == '\\' ? name_end(left, 1) : ipw_isalpha((unsigned char)left.s[0]) ? 1 : 0;
    bool symbol = end && (end == left.n || left.s[end] == '_');
    bool function = end == 1 && left.n == 4 && left.s[1] == '(' && left.s[3] == ')' && ipw_isalpha((unsigned char)left.s[2]);
    return symbol || function ? left : none;
}

struct span math_right_side(struct span t)
{
    struct span left = math_left_side(t);
    return left.n ? scan_trim(scan_sub(t, (size_t)((const char *)memchr(t.s, '=', t.n) - t.s) + 1, t.n)) : t;
}

static struct span without_ends(struct span t)
{
    t = scan_trim(t);
    while (t.n && strchr(".,;:", t.s[t.n - 1]))
        t = scan_trim(scan_sub(t, 0, t.n - 1));
    return t;
}

struct span math_plain(struct span t, struct span other, struct ipw_arena *arena)
{
    struct span in;
    for (int k = 0; k < 4 && score_last_boxed(t.s, t.n, &in.s, &in.n); k++)
        t = in;
    t = rewritten(apart(without_counted(scan_trim(t), other), arena), arena);
    t = without_ends(t);
    t = without_thousands(t, other, arena);
    return without_ends(without_units(without_ends(t)));
}
