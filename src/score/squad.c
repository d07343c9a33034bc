/* SQuAD's two figures: `squad` is exact match, `squad_f1` how many words are shared; the best over the aliases. */
#include "score/short.h"

#include <stdlib.h>
#include <string.h>

struct words {
    const char **v;
    size_t n;
};

static int by_word(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of a normal text, whose words single spaces part; sorted. */
static struct words words_of(char *s, struct ipw_arena *arena)
{
    struct words w = {0};
    size_t most = 1;
    for (const char *p = s; *p; p++)
        most += *p == ' ';
    w.v = ipw_arena_alloc(arena, most * sizeof *w.v);
    for (char *save, *p = strtok_r(s, " ", &save); p; p = strtok_r(NULL, " ", &save))
        w.v[w.n++] = p;
    qsort(w.v, w.n, sizeof *w.v, by_word);
    return w;
}

double squad_f1(struct span a, struct span b, struct ipw_arena *arena)
{
    struct words x = words_of(score_squad_norm(a.s, a.n, arena), arena);
    struct words y = words_of(score_squad_norm(b.s, b.n, arena), arena);
    size_t shared = 0;
    if (!x.n || !y.n)
        return x.n == y.n;
    for (size_t i = 0, j = 0; i < x.n && j < y.n;) {
        int order = strcmp(x.v[i], y.v[j]);
        shared += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return 2.0 * (double)shared / (double)(x.n + y.n);
}

static double exact(struct span a, struct span b, struct ipw_arena *arena)
{
    return !strcmp(score_squad_norm(a.s, a.n, arena), score_squad_norm(b.s, b.n, arena));
}

static void score(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                  struct score_result *out, double (*of)(struct span, struct span, struct ipw_arena *))
{
    struct span t, read;
    if (!short_begin(item, text, len, arena, &t, out))
        return;
    out->method = short_answer(t, &read);
    out->extracted = short_shown(read, arena);
    for (size_t i = 0; i <= item->n_aliases; i++) {
        const char *g = i ? item->aliases[i - 1] : item->answer;
        struct span gold;
        gold.s = score_canon(g, strlen(g), arena, &gold.n);
        double value = of(read, gold, arena);
        out->value = value > out->value ? value : out->value;
    }
    out->status = out->value > 0.5 ? SCORE_CORRECT : SCORE_INCORRECT;
}

static void score_exact(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                        struct score_result *out)
{
    score(item, text, len, arena, out, exact);
}

static void score_f1(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                     struct score_result *out)
{
    score(item, text, len, arena, out, squad_f1);
}

const struct scorer_ops scorer_squad = {
    .name = "squad",
    .version = 1,
    .what = "SQuAD's exact match: the answer or an alias but for case, marks and articles",
    .votes = true,
    .beside = (const char *const[]){"squad_f1", NULL},
    .score = score_exact,
};

const struct scorer_ops scorer_squad_f1 = {
    .name = "squad_f1",
    .version = 1,
    .what = "SQuAD's F1: how many words the answer shares with the best alias",
    .beside = (const char *const[]){"squad", NULL},
    .score = score_f1,
};
