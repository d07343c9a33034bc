/* What the files of the mcq scorer share: tests of a letter's surroundings, and statements ("the answer is B"). */
#ifndef IPW_SCORE_LETTER_H
#define IPW_SCORE_LETTER_H

#include "score/scan.h"

static inline bool letter_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool letter_opens(char c)
{
    return c == '(' || c == '[';
}

static inline bool letter_closes(char c)
{
    return c == ')' || c == ']';
}

/* A letter that ends at i stands alone: no letter, digit or apostrophe follows. */
static inline bool letter_alone(struct span t, size_t i)
{
    return !ipw_isalnum((unsigned char)scan_at(t, i)) && scan_at(t, i) != '\'' && !scan_is(t, i, "\xe2\x80\x99");
}

/* White space and then a small letter within three characters: prose goes on, so a bare I or A is a word. */
static inline bool letter_prose(struct span t, size_t i)
{
    size_t j = scan_ws(t, i);
    char c = scan_at(t, j);
    return j > i && j <= i + 2 && c >= 'a' && c <= 'z';
}

struct statement {
    size_t start, letter, end; /* of the whole, of its letter, behind the whole */
    bool bracketed;            /* the letter stands between two brackets or quotes */
};

/* A statement that begins at i, whatever its letter. */
bool statement_at(struct span t, size_t i, struct statement *st);

/* The statement says that the letter is the answer: not denied, bound by a verb or a sign, not a word of prose. */
bool statement_holds(struct span t, const struct statement *st);

#endif
