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

#endif
