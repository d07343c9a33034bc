/* Numbers of answers as exact rationals, written as canonical text: "p/q" in lowest terms, "p" for whole numbers.
 * Equal numbers have equal texts. Limit: beyond 127 bits of significant digits (38 decimal ones) the
 * text is the normalised decimal, so two ways of writing such a fraction may differ: whole numbers keep their digits,
 * others are "123e-45", or "a/b" of such. */
#ifndef IPW_SCORE_RATIONAL_H
#define IPW_SCORE_RATIONAL_H

#include "score/scan.h"

/* The parts of a number as it stands in a text; n = 0 for a part that is absent. */
struct number {
    bool neg;
    struct span whole; /* a of "a b/c": digits */
    struct span value; /* digits, commas, one point */
    struct span exp;   /* [+-]digits */
    struct span den;   /* digits, one point; zero counts as absent */
    size_t start, end; /* where it stands */
};

const char *rational_text(const struct number *n, struct ipw_arena *arena);

/* The first number at or after `from`, by the grammar of datasets 2.4. */
bool number_find(struct span t, size_t from, struct number *n);

/* LaTeX's ways of writing "$" and thousands commas undone. In the arena. */
struct span number_text(struct span t, struct ipw_arena *arena);

/* Canonical text of the first number of a text as a person or a file gives it; NULL if there is none. */
const char *number_read(struct span t, struct ipw_arena *arena);

#endif
