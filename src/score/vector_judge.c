/* Kinds of `ipw score --try` for what judges write: `judge` is their text. */
#include <math.h>
#include <string.h>

#include "score/judge.h"
#include "score/vector.h"
#include "stats/stats.h"

static struct span text_of(const json_val *v)
{
    return (struct span){json_str(v) ? json_str(v) : "", json_str(v) ? json_len(v) : 0};
}

void try_judge_yesno(struct trial *t)
{
    trial_str(t, "expected", judge_verdict((struct span){t->text, t->len}, &t->arena));
}

void try_judge_pairwise(struct trial *t)
{
    int preference;
    bool found = judge_preference((struct span){t->text, t->len}, &preference);
    trial_str(t, "expected", found ? judge_preference_name(preference) : NULL);
}

/* A preference by its name, in brackets so that the same reader reads it. */
static bool named(struct trial *t, const char *key, int *out)
{
    struct span in = text_of(json_get(t->vec, key));
    char *s = ipw_arena_alloc(&t->arena, in.n + 3);
    s[0] = '[';
    memcpy(s + 1, in.s, in.n);
    s[in.n + 1] = ']';
    return judge_preference((struct span){s, in.n + 2}, out);
}

void try_two_games(struct trial *t)
{
    int a = 0, b = 0;
    double weight = json_num(json_get(t->vec, "weight"));
    bool both = named(t, "cand_as_A", &a) && named(t, "cand_as_B", &b);
    trial_real(t, "battle_mean", both ? judge_battles(a, b, weight >= 1 && weight <= 100 ? (int)weight : 3) : (double)NAN);
}

const char *check_labels(struct trial *t)
{
    struct span a = text_of(json_get(t->vec, "a")), b = text_of(json_get(t->vec, "b"));
    return a.n && a.n == b.n ? NULL : "'a' and 'b' are not labels of the same items, one character each";
}

void try_kappa(struct trial *t)
{
    trial_real(t, "expected", stats_kappa(json_str(json_get(t->vec, "a")), json_str(json_get(t->vec, "b")),
                                          json_len(json_get(t->vec, "a"))));
}
