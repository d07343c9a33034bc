/* The code in an answer. */
#ifndef IPW_SCORE_CODE_H
#define IPW_SCORE_CODE_H

#include "score/scan.h"

/* The last block marked python, else the last block, else all of it. Blank blocks are none. May be in the arena. */
struct span code_in(struct span t, struct ipw_arena *arena);

#endif
