/* What the files of the math scorers share: values, expressions, the forms of an answer (datasets 2.5). */
#ifndef IPW_SCORE_MATH_H
#define IPW_SCORE_MATH_H

#include "score/scan.h"

enum { MATH_MAX = 4096 }; /* bytes of an answer; a longer one equals nothing but itself */

/* ---- values (math_value.c): exact as p/q where 127 bits hold it, else sign and logarithm, so that 1/2004! is no 0 ---- */
struct math_value {
    bool ok;    /* false: no real number, or too large to tell */
    bool exact; /* p/q in lowest terms, q > 0 */
    __int128 p, q;
    int sign;        /* -1, 0, 1 */
    long double log; /* of the magnitude; unset when sign is 0 */
};
struct math_value math_of(__int128 p, __int128 q);
struct math_value math_real(long double x);
struct math_value math_decimal(struct span digits); /* digits and at most one point */
struct math_value math_neg(struct math_value a);
struct math_value math_add(struct math_value a, struct math_value b);
struct math_value math_mul(struct math_value a, struct math_value b);
struct math_value math_div(struct math_value a, struct math_value b);
struct math_value math_pow(struct math_value a, struct math_value b);
struct math_value math_root(struct math_value a, struct math_value n);
struct math_value math_factorial(struct math_value a);
struct math_value math_binomial(struct math_value n, struct math_value k);
struct math_value math_call(const char *name, struct math_value a); /* sin cos tan ln log exp sqrt abs */
bool math_same(struct math_value a, struct math_value b);            /* equal, or to 1e-9 where one is not exact */
long double math_number(struct math_value a);

/* ---- expressions (math_expr.c) ---- */
/* Two expressions in plain form (math_plain): equal as numbers, or at random points where they have the same variables. */
bool math_same_expression(struct span a, struct span b);

/* ---- forms (math_text.c) ---- */
/* LaTeX and prose around an answer taken off: fonts, spacing, units, "x =", thousands commas. In the arena. other: what it
 * is compared with. */
struct span math_plain(struct span t, struct span other, struct ipw_arena *arena);

/* "x = 5", "\theta=5", "f(x)=2x": what stands left and right of the only "=", where left is one symbol; else nothing, and t. */
struct span math_left_side(struct span t);
struct span math_right_side(struct span t);

/* ---- the whole (math_equal.c) ---- */
bool math_equal(struct span gold, struct span got, struct ipw_arena *arena);

/* ---- as other harnesses do it (math_compat.c), in the arena ---- */
const char *math_hendrycks(struct span t, struct ipw_arena *arena); /* strip_string; NULL where that raises */
const char *math_minerva(struct span t, struct ipw_arena *arena);   /* normalize_final_answer */

#endif
