/* Where a short answer stands in a text: what the scorers of short answers read. */
#ifndef IPW_SCORE_SHORT_H
#define IPW_SCORE_SHORT_H

#include "score/scan.h"

/* The last <answer> tag, else the last "Answer:" line, else the whole text. Returns "tag", "line" or "text". */
const char *short_answer(struct span t, struct span *in);

/* The part of a result that a person reads, in the arena. */
const char *short_shown(struct span t, struct ipw_arena *arena);

/* The trimmed visible text in *t. False: *out is decided, as there is no gold or nothing to read. */
bool short_begin(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena, struct span *t,
                 struct score_result *out);

/* SQuAD's F1 of two texts: of their tokens as multisets (datasets 2.6). */
double squad_f1(struct span a, struct span b, struct ipw_arena *arena);

/* The official GAIA scorer's verdict (datasets 2.6). */
bool gaia_equal(struct span got, struct span gold, struct ipw_arena *arena);

#endif
