/* GAIA's exact match, as the official scorer does it: numbers as numbers, lists element by element, else letters. */
#include "score/short.h"

#include <stdlib.h>
#include <string.h>

/* A number as Python's float() reads it: no hexadecimal, "_" between digits. */
static bool to_float(struct span t, double *x, struct ipw_arena *arena)
{
    static const char *const words[] = {"inf", "infinity", "nan"};
    t = scan_trim(t);
    char *s = ipw_arena_alloc(arena, t.n + 1), *end;
    size_t n = 0, sign = t.n && strchr("+-", t.s[0]);
    for (size_t i = 0; i < t.n; i++) {
        char c = ipw_tolower(t.s[i]);
        bool joint = c == '_' && i && i + 1 < t.n && ipw_isdigit((unsigned char)t.s[i - 1]) &&
                     ipw_isdigit((unsigned char)t.s[i + 1]);
        if (!joint)
            s[n++] = c;
    }
    bool word = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        word |= !strcmp(s + sign, words[i]);
    if (!n || (!word && strspn(s, "0123456789+-.e") != n))
        return false;
    *x = strtod(s, &end);
    return *end == '\0';
}

/* Without "$", "%" and ",". */
static bool to_number(struct span t, double *x, struct ipw_arena *arena)
{
    char *s = ipw_arena_alloc(arena, t.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++)
        if (!strchr("$%,", t.s[i]))
            s[n++] = t.s[i];
    return to_float((struct span){s, n}, x, arena);
}

static bool same_letters(struct span a, struct span b, bool marks, struct ipw_arena *arena)
{
    struct span in[2] = {a, b};
    char *s[2];
    for (int k = 0; k < 2; k++) {
        size_t n = 0, len;
        s[k] = ipw_arena_alloc(arena, in[k].n + 1);
        for (size_t i = 0; i < in[k].n; i += len) {
            uint32_t c = scan_char(in[k].s + i, in[k].n - i, &len);
            bool mark = c > ' ' && c < 0x7f && !ipw_isalnum((unsigned char)c);
            if ((c < 0x80 && scan_space((char)c)) || (mark && !marks))
                continue;
            if (c == 0xfffd && len == 1)
                s[k][n] = in[k].s[i];
            else
                scan_put(s[k] + n, scan_lower(c), len);
            n += len;
        }
    }
    return !strcmp(s[0], s[1]);
}

/* The elements that "," and ";" part: the next one in *e; false behind the last. *i: 0 at first. */
static bool element(struct span t, size_t *i, struct span *e)
{
    if (*i > t.n)
        return false;
    size_t from = *i;
    while (*i < t.n && t.s[*i] != ',' && t.s[*i] != ';')
        ++*i;
    *e = scan_sub(t, from, (*i)++);
    return true;
}

static bool same_list(struct span got, struct span gold, struct ipw_arena *arena)
{
    size_t i = 0, j = 0;
    for (;;) {
        struct span a, b;
        double x, y;
        bool more = element(got, &i, &a), wanted = element(gold, &j, &b);
        if (!more || !wanted)
            return more == wanted;
        if (to_float(b, &y, arena) ? !to_number(a, &x, arena) || x != y : !same_letters(a, b, true, arena))
            return false;
    }
}

bool gaia_equal(struct span got, struct span gold, struct ipw_arena *arena)
{
    double x, y;
    if (to_float(gold, &y, arena))
        return to_number(got, &x, arena) && x == y;
    if (memchr(gold.s, ',', gold.n) || memchr(gold.s, ';', gold.n))
        return same_list(got, gold, arena);
    return same_letters(got, gold, false, arena);
}

static void score(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                  struct score_result *out)
{
    struct span t, read, gold;
    if (!short_begin(item, text, len, arena, &t, out))
        return;
    out->method = short_answer(t, &read);
    out->extracted = short_shown(read, arena);
    gold.s = score_canon(item->answer, strlen(item->answer), arena, &gold.n);
    out->value = gaia_equal(read, gold, arena);
    out->status = out->value > 0 ? SCORE_CORRECT : SCORE_INCORRECT;
}

const struct scorer_ops scorer_gaia_exact = {
    .name = "gaia_exact",
    .version = 1,
    .what = "GAIA's: numbers as numbers, lists in order, else the same letters",
    .votes = true,
    .score = score,
};
