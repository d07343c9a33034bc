/* What the files of the IFEval scorer share (datasets 2.7): a table of instructions, each a function of the text and of its
 * parameters. */
#ifndef IPW_SCORE_IFEVAL_H
#define IPW_SCORE_IFEVAL_H

#include "score/scan.h"

/* One instruction of a prompt. */
struct ifeval_ask {
    const json_val *kwargs;
    const char *lacks; /* set to the name of a parameter that is missing or of the wrong type */
    struct ipw_arena *arena;
};

struct ifeval_instruction {
    const char *id;
    bool (*holds)(struct span text, struct ifeval_ask *ask);
    bool approx; /* the reference uses a trained model here: sentences, tokens, languages */
};
extern const struct ifeval_instruction ifeval_instructions[]; /* the last row has no id */

const struct ifeval_instruction *ifeval_find(const char *id); /* NULL: unknown */

/* Parameters. Absent, null, empty or zero: sets lacks and returns 0 or an empty span. */
int64_t ifeval_int(struct ifeval_ask *ask, const char *key);
struct span ifeval_text(struct ifeval_ask *ask, const char *key);
/* n stands to the parameter as `relation` (less than, at least) says. */
bool ifeval_relation(struct ifeval_ask *ask, const char *relation, const char *key, int64_t n);

/* The text in small letters, as str.lower() for Latin, Greek and Cyrillic. */
struct span ifeval_lower(struct span t, struct ipw_arena *arena);

/* ifeval_lang.c. The language by its code ("en", "hi"); NULL: it cannot be told. */
const char *ifeval_language(struct span t, struct ipw_arena *arena);
int64_t ifeval_sentences(struct span t);
/* Words all in capitals, by the tokens of the Penn Treebank. */
int64_t ifeval_capital_words(struct span t);
bool ifeval_upper(struct span t); /* str.isupper() */
bool ifeval_small(struct span t); /* str.islower() */

#endif
