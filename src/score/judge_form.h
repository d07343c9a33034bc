/* What a judging model is asked (datasets 2.9): a form's text with a question and its answers put in. */
#ifndef IPW_SCORE_JUDGE_FORM_H
#define IPW_SCORE_JUDGE_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

/* Text in which {question}, {reference} and {answer}, or {question}, {answer_a} and {answer_b}, are replaced. {mark} becomes
 * letters and digits that stand in none of them, so that no answer can close its own fence. */
struct judge_form {
    char id[80];       /* "reference/1"; of a file "NAME@" and 12 digits of its SHA-256: stored with every verdict */
    const char *text;
    bool pairwise;     /* two answers are compared, in both orders */
    bool reference;    /* it shows the reference answer: a question without one cannot be judged by it */
};

extern const struct judge_form judge_form_reference, judge_form_pairwise;

/* A form of the user's own; text stays the caller's. IPW_E_INPUT names the line of what is no placeholder, or what is
 * missing. */
int judge_form_read(struct judge_form *out, const char *name, const char *text, size_t len, struct ipw_err *err);

struct judge_case {
    const char *question, *reference, *answer; /* reference: NULL where the form shows none */
    const char *other;                         /* pairwise: what the answer is compared with */
};

enum { JUDGE_HEAD = 12288, JUDGE_TAIL = 4096 }; /* of a longer answer these many bytes are shown, and how many were left out */

/* swapped: the answer is B. again: how often the judge has missed the form of its reply; it is reminded then. */
void judge_form_fill(const struct judge_form *f, const struct judge_case *c, bool swapped, int again, struct ipw_buf *out);

/* A record's question as text: with its context; of `messages` each with its role. */
void judge_question(const json_val *record, struct ipw_buf *out);

/* Gold answer and rubric of a record. False: it has neither. */
bool judge_gold(const json_val *record, struct ipw_buf *out);

#endif
