/* What a judging model wrote, read as a verdict (datasets 2.9). No word in prose is a verdict: one that does not keep the
 * form gave none. */
#ifndef IPW_SCORE_JUDGE_H
#define IPW_SCORE_JUDGE_H

#include "score/scan.h"

/* "correct", "incorrect", "not_attempted"; NULL: none. The key "correct" of a JSON object, else the last line that begins with
 * "correct:" and one of yes, no, true, false, not_attempted. */
const char *judge_verdict(struct span t, struct ipw_arena *arena);

/* Of two answers A and B: 2 A>>B, 1 A>B, 0 A=B, -1, -2. The last text in [[..]], else in [..]; false: none, or no such text. */
bool judge_preference(struct span t, int *out);
const char *judge_preference_name(int preference);

/* Arena-Hard's mean over the battles of two games, the candidate first as A, then as B: a clear preference counts as `weight`
 * battles, a tie half. */
double judge_battles(int as_a, int as_b, int weight);
enum { JUDGE_WEIGHT = 3 }; /* of a clear preference */

/* 1 win, 0 loss, 0.5 tie of the candidate. Games that name different winners are a tie, and *flipped: the order decided. */
double judge_outcome(int as_a, int as_b, bool *flipped);

/* `extracted` of scorer pairwise: "win A>B A<B", the outcome and the two games' preferences. False: it is not that. */
void judge_games_write(int as_a, int as_b, char out[24]);
bool judge_games_read(const char *text, int *as_a, int *as_b);

#endif
