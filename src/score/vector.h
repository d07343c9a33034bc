/* What the kinds of `ipw score --try` share: a line that is tried, and how a kind reports what it found. A kind is a row in
 * vector.c; its functions stand there, or beside the scorer they try. */
#ifndef IPW_SCORE_VECTOR_H
#define IPW_SCORE_VECTOR_H

#include "score/score.h"

struct trial {
    const json_val *vec; /* the line */
    const char *kind, *text; /* text: what the kind's text key holds; NULL: the kind has none */
    size_t len;
    struct score_item item; /* read as from a record */
    struct sandbox **sandbox;
    struct ipw_arena arena;
    struct json_out *o;
    json_node *result;
    bool same; /* every expectation so far holds */
    int expected;
};

/* What the line expects under this key, counted; NULL: nothing. */
const json_val *trial_expects(struct trial *t, const char *key);

/* What was found, beside what the line expects of it. */
void trial_str(struct trial *t, const char *key, const char *got); /* NULL: null */
void trial_bool(struct trial *t, const char *key, bool got);
void trial_number(struct trial *t, const char *key, const char *got); /* a number as text: "29", "29.0", 29 and "58/2" are equal */
void trial_real(struct trial *t, const char *key, double got);        /* to 1e-9 */

/* Kinds that stand in files of their own. A check says what is wrong with the line, or NULL. */
const char *check_pair(struct trial *t); /* vector_math.c: what is compared is a text: `gold` or `b` */
void try_gaia(struct trial *t);
void try_squad_norm(struct trial *t);
void try_squad_f1(struct trial *t);
void try_last_boxed(struct trial *t);
void try_math_equal(struct trial *t);
void try_hendrycks(struct trial *t);
void try_hendrycks_equal(struct trial *t);
void try_minerva(struct trial *t);
void try_code(struct trial *t); /* vector_code.c */
const char *check_counts(struct trial *t);
void try_pass_at_k(struct trial *t);
void try_judge_yesno(struct trial *t); /* vector_judge.c */
void try_judge_pairwise(struct trial *t);
void try_two_games(struct trial *t);
const char *check_labels(struct trial *t);
void try_kappa(struct trial *t);
const char *check_ifeval(struct trial *t); /* vector_ifeval.c */
void try_ifeval(struct trial *t);

#endif
