/* What servers tell about the token that they would write first: the letters of choices in it. */
#ifndef IPW_ENGINE_LETTERS_H
#define IPW_ENGINE_LETTERS_H

#include <stdbool.h>

#include "base/json.h"

enum { LETTERS_MAX = 26 };

/* logprobs: of a choice of the answer, in the form of chat/completions (content[0].top_logprobs: a list of {token, logprob}) or
 * of completions (top_logprobs[0]: {token: logprob}). ll[i]: of letter A + i, its ways of being written ("A", " A", "(A")
 * together; -INFINITY where the list has none. first: the letter that the likeliest token is, -1: it is none. False: there is no
 * such list. */
bool letters_read(const json_val *logprobs, double ll[LETTERS_MAX], int *first);

#endif
