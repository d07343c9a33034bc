/* The statuses of decisions.md: one list each, so that every level uses the same words. NULL text is never a
 * status: unknown is ..._NONE and prints as null. */
#ifndef IPW_BASE_STATUS_H
#define IPW_BASE_STATUS_H

/* query: how asking went */
#define QUERY_STATUS_MAP(XX)                                                                       \
    XX(OK, "ok")                                                                                   \
    XX(ERROR, "error")                                                                             \
    XX(TIMEOUT, "timeout")                                                                         \
    XX(TRUNCATED, "truncated")                                                                     \
    XX(EMPTY, "empty")                                                                             \
    XX(REFUSED, "refused")                                                                         \
    XX(NOT_SENT, "not_sent")

/* score: what the answer was worth */
#define SCORE_STATUS_MAP(XX)                                                                       \
    XX(CORRECT, "correct")                                                                         \
    XX(INCORRECT, "incorrect")                                                                     \
    XX(UNPARSED, "unparsed")                                                                       \
    XX(UNSCORED, "unscored")                                                                       \
    XX(PENDING, "pending")

/* energy: what a joule value is worth */
#define ENERGY_STATUS_MAP(XX)                                                                      \
    XX(MEASURED, "measured")                                                                       \
    XX(PARTIAL, "partial")                                                                         \
    XX(ESTIMATED, "estimated")                                                                     \
    XX(LOW_RESOLUTION, "low_resolution")                                                           \
    XX(MISSING, "missing")                                                                         \
    XX(IMPLAUSIBLE, "implausible")

#define XX(id, word) QUERY_##id,
enum query_status { QUERY_STATUS_MAP(XX) QUERY_STATUS_N };
#undef XX
#define XX(id, word) SCORE_##id,
enum score_status { SCORE_STATUS_MAP(XX) SCORE_STATUS_N };
#undef XX
#define XX(id, word) ENERGY_##id,
enum energy_status { ENERGY_STATUS_MAP(XX) ENERGY_STATUS_N };
#undef XX

const char *query_status_name(int s);
const char *score_status_name(int s);
const char *energy_status_name(int s);

/* The value of a word, -1 for a word that is none. */
int query_status_of(const char *word);
int score_status_of(const char *word);
int energy_status_of(const char *word);

#endif
