/* Kinds of `ipw score --try` that try steps of the scorers of short and mathematical answers. */
#include <string.h>

#include "score/math.h"
#include "score/short.h"
#include "score/vector.h"

static struct span text_of(const struct trial *t)
{
    return (struct span){t->text, t->len};
}

static struct span other_of(const struct trial *t)
{
    const json_val *gold = json_get(t->vec, "gold"), *b = json_get(t->vec, "b"), *v = json_str(gold) ? gold : b;
    return (struct span){json_str(v), json_len(v)};
}

const char *check_pair(struct trial *t)
{
    return other_of(t).s ? NULL : "'gold' (or 'b') is missing or not a string";
}

static struct span canonical(struct trial *t, struct span in)
{
    struct span out;
    out.s = score_canon(in.s, in.n, &t->arena, &out.n);
    return out;
}

void try_squad_norm(struct trial *t)
{
    trial_str(t, "expected", score_squad_norm(t->text, t->len, &t->arena));
}

void try_squad_f1(struct trial *t)
{
    trial_real(t, "expected", squad_f1(text_of(t), other_of(t), &t->arena));
}

void try_gaia(struct trial *t)
{
    trial_bool(t, "expected", gaia_equal(canonical(t, text_of(t)), canonical(t, other_of(t)), &t->arena));
}

void try_last_boxed(struct trial *t)
{
    struct span in;
    bool found = score_last_boxed(t->text, t->len, &in.s, &in.n);
    trial_str(t, "expected", found ? ipw_arena_strndup(&t->arena, in.s, in.n) : NULL);
}

void try_math_equal(struct trial *t)
{
    trial_bool(t, "expected", math_equal(canonical(t, other_of(t)), canonical(t, text_of(t)), &t->arena));
}

void try_hendrycks(struct trial *t)
{
    trial_str(t, "expected", math_hendrycks(text_of(t), &t->arena));
}

void try_hendrycks_equal(struct trial *t)
{
    const char *a = math_hendrycks(text_of(t), &t->arena), *b = math_hendrycks(other_of(t), &t->arena);
    trial_bool(t, "expected", a && b ? !strcmp(a, b) : t->len == other_of(t).n && !memcmp(t->text, other_of(t).s, t->len));
}

void try_minerva(struct trial *t)
{
    trial_str(t, "expected", math_minerva(text_of(t), &t->arena));
}
