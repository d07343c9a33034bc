/* Scoring: an answer's text against a record's gold. A scorer is a function of (item, text), pure but for those that
 * run the answer's code; it never guesses: no readable answer is UNPARSED. To add one: write src/score/<name>.c, add a
 * row in registry.c (docs/add-a-scorer.md). */
#ifndef IPW_SCORE_SCORE_H
#define IPW_SCORE_SCORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/status.h"

struct sandbox;

struct score_item {
    const json_val *record; /* all that the question says, for what the fields below do not hold; may be NULL */
    struct sandbox *sandbox; /* where an answer's code may run; NULL: nowhere, and what needs it is UNSCORED */
    const char *answer; /* gold; NULL: the item cannot be scored */
    const char *const *aliases;
    size_t n_aliases;
    const char *const *choices; /* option texts; may be NULL */
    size_t n_choices;           /* letters A.. */
};

/* Strings are static or in the arena. */
struct score_result {
    enum score_status status;
    double value;          /* 0..1 when status is CORRECT or INCORRECT; 0 for UNPARSED */
    const char *extracted; /* what was read: a letter, "p/q", a text; NULL: nothing */
    const char *method;    /* which rule read it; NULL: none */
    const char *reason;    /* why UNSCORED; NULL otherwise */
};

struct scorer_ops {
    const char *name;
    int version; /* stored with each score; raise it when a result can change */
    const char *what;
    bool slow; /* runs programs or asks a model: only at the end, never while joules are metered */
    bool likely; /* reads log-likelihoods, not an answer */
    bool votes;  /* `extracted` is the answer itself: samples of a question that have the same there agree */
    const char *const *beside; /* NULL-terminated names of scorers whose figures are stored beside this one's; NULL: none */
    void (*score)(const struct score_item *item, const char *text, size_t len,
                  struct ipw_arena *arena, struct score_result *out);
};

/* `extracted` of scorer perplexity: negative log-likelihood, tokens, bytes. */
#define SCORE_SUMS "nll %.9g tokens %.0f bytes %.0f"

extern const struct scorer_ops *const scorers[]; /* NULL-terminated */
const struct scorer_ops *scorer_find(const char *name); /* NULL: not built */

/* A record's scorer: the one it names, else its type's own (datasets 1.0): "mcq", "squad", ...; never NULL. */
const char *scorer_name_for(const json_val *record);

/* Fills the item from a record (contract: question.example.jsonl); strings borrowed from it or in the arena. */
void score_item_from(const json_val *record, struct ipw_arena *arena, struct score_item *item);

/* Scores text for a record by the scorer of this name. Not built: UNSCORED, reason "scorer 'x' is not built". */
void score_by(const char *name, const json_val *record, struct sandbox *sandbox, const char *text, size_t len,
              struct ipw_arena *arena, struct score_result *out);

/* The same by the record's own scorer. */
void score_record(const json_val *record, struct sandbox *sandbox, const char *text, size_t len,
                  struct ipw_arena *arena, struct score_result *out);

/* ---- shared by scorers (text.c) ---- */

/* Thinking removed (datasets 2.1). The result points into text or is static. */
enum think_status { THINK_NONE, THINK_STRIPPED, THINK_UNCLOSED };
const char *think_status_name(enum think_status s);
enum think_status score_strip_think(const char *text, size_t len, const char **visible, size_t *n);

/* Pre-step of every scorer: CRLF to LF, the NFKC subset of datasets 2.0, U+2212 to '-'. In the arena. */
char *score_canon(const char *text, size_t len, struct ipw_arena *arena, size_t *n);

/* SQuAD normalisation: lower case, no ASCII punctuation, no articles, single spaces. In the arena. Also strips
 * the typographic quotes around words. */
char *score_squad_norm(const char *text, size_t len, struct ipw_arena *arena);

/* Content of the last balanced \boxed{..} or \fbox{..} or "\boxed 5"; false if there is none. */
bool score_last_boxed(const char *text, size_t len, const char **in, size_t *n);

/* ---- `ipw score --try` (vector.c) ---- */

/* Tries one line of the vector form: {"kind", "response", what the kind needs, and any of expected, method,
 * visible, status, contained, battle_mean}. Puts {"line", "kind", "result", "pass", ["reason"]} into out. Returns 0,
 * or IPW_E_INPUT when the line is not such an object. *sandbox is opened for the first kind that needs one, and the
 * caller's to close; sandbox NULL: there is none. *pass: 1 true, 0 false, -1 null. */
int score_vector(const json_val *vec, size_t line, struct sandbox **sandbox, struct json_out *o, json_node *out, int *pass,
                 struct ipw_err *err);

#endif
