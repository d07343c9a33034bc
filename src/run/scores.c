#include "run/scores.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "score/judge.h"
#include "score/score.h"

enum { MAX_BESIDE = 32 };

struct loader {
    struct table_run *t;
    const struct run_counted *of;
    size_t n;
    int64_t *version; /* by row: of the verdict so far */
    struct table_beside *beside;
    /* the newest score of one (query, scorer), until the next pair comes */
    int64_t query;
    char scorer[64];
    struct table_beside pending[2];
    size_t n_pending;
};

static void add(struct loader *l, const struct table_beside *b)
{
    size_t i = 0;
    while (i < l->t->n_beside && strcmp(l->beside[i].name, b->name) != 0)
        i++;
    if (i == MAX_BESIDE)
        return;
    if (i == l->t->n_beside)
        l->beside[l->t->n_beside++] = (struct table_beside){.name = b->name};
    l->beside[i].n += b->n;
    l->beside[i].sum += b->sum;
}

static void flush(struct loader *l)
{
    for (size_t i = 0; i < l->n_pending; i++)
        add(l, &l->pending[i]);
    l->n_pending = 0;
}

static void put(struct loader *l, const char *name, double n, double sum)
{
    l->pending[l->n_pending++] = (struct table_beside){ipw_arena_strdup(&l->t->arena, name), n, sum};
}

/* A figure that a verdict holds beside its value: the rule that read a letter, how many instructions held. */
static void derived(struct loader *l, const struct store_score *s)
{
    static const char *const strict[] = {"boxed", "tag", "statement", "own_line"};
    char name[80];
    unsigned held, of;
    int as_a, as_b;
    if (!strcmp(s->scorer, "mcq")) {
        bool read = false;
        for (size_t i = 0; i < sizeof strict / sizeof strict[0]; i++)
            read |= ipw_streq(s->method, strict[i]);
        put(l, "mcq strict", 1, read && s->value > 0 ? s->value : 0);
    } else if (ipw_starts(s->scorer, "ifeval") && s->extracted && sscanf(s->extracted, "%u/%u", &held, &of) == 2) {
        snprintf(name, sizeof name, "%s instructions", s->scorer);
        put(l, name, of, held);
    } else if (!strcmp(s->scorer, "judge") && s->extracted && strcmp(s->extracted, "not_attempted") != 0) {
        put(l, "judge, of those attempted", 1, s->value);
    } else if (!strcmp(s->scorer, "pairwise") && judge_games_read(s->extracted, &as_a, &as_b)) {
        put(l, "pairwise battles", 1, judge_battles(as_a, as_b, JUDGE_WEIGHT));
    }
}

static int on_score(const struct store_score *s, void *ud)
{
    struct loader *l = ud;
    if (s->query < 0 || (size_t)s->query >= l->n || l->of[s->query].row == SIZE_MAX)
        return 0;
    const struct run_counted *c = &l->of[s->query];
    struct table_row *r = &l->t->v[c->row];
    bool scored = s->status != SCORE_UNSCORED && s->status != SCORE_PENDING;
    double value = isnan(s->value) ? 0 : s->value;
    if (s->query != l->query || strcmp(s->scorer, l->scorer) != 0)
        flush(l);
    l->query = s->query;
    snprintf(l->scorer, sizeof l->scorer, "%s", s->scorer);
    l->n_pending = 0; /* an older version of the same */
    if (scored)
        derived(l, s);
    if (!ipw_streq(c->scorer, s->scorer)) {
        if (scored)
            put(l, s->scorer, 1, value);
        return 0;
    }
    if (s->version < l->version[c->row])
        return 0;
    l->version[c->row] = s->version;
    r->score = (enum score_status)s->status;
    r->correct = scored ? value : (double)NAN;
    r->score_reason = r->score == SCORE_UNSCORED ? ipw_arena_strdup(&l->t->arena, s->method) : NULL;
    if (!strcmp(s->scorer, "perplexity") && s->extracted &&
        sscanf(s->extracted, "nll %lf tokens %lf bytes %lf", &r->nll, &r->nll_tokens, &r->nll_bytes) != 3)
        r->nll = NAN;
    const struct scorer_ops *ops = scorer_find(s->scorer);
    r->votes = ops && ops->votes;
    r->extracted = ipw_arena_strdup(&l->t->arena, s->extracted);
    return 0;
}

int run_scores_load(struct table_run *t, struct store *store, const struct run_counted *of, size_t n, struct ipw_err *err)
{
    struct loader l = {.t = t, .of = of, .n = n, .query = -1};
    l.version = ipw_calloc(t->n + 1, sizeof *l.version);
    for (size_t i = 0; i < t->n; i++)
        l.version[i] = -1;
    t->beside = l.beside = ipw_arena_alloc(&t->arena, MAX_BESIDE * sizeof *l.beside);
    int rc = store_each_score(store, on_score, &l, err);
    flush(&l);
    free(l.version);
    return rc;
}
