/* The joules of a segment whose requests overlapped: what run/joules.c asks of energy/share.h, and what the run keeps of how
 * they were shared (meta.weights). */
#ifndef IPW_RUN_JOULES_SHARED_H
#define IPW_RUN_JOULES_SHARED_H

#include "energy/share.h"
#include "store/store.h"

struct joules_shared;

/* True when a request was sent before one of those before it had ended. In order of t_send. */
bool joules_overlap(const struct energy_mark *m, size_t n);

struct joules_shared *joules_shared_new(void);
void joules_shared_free(struct joules_shared *j); /* NULL is fine */

/* What of a query was done when; adds to what is known, text must be at hand for stamps. */
void joules_shared_query(struct joules_shared *j, const struct store_query_row *row);

/* One baseline of the segment, without the seconds for settling. */
struct joules_idle {
    const char *kind;
    int64_t t0, t1;
};

/* Shares what one channel took among the queries `id` with these facts (marks in order of t_send). Adds a row to weights. */
void joules_shared_attribute(struct joules_shared *j, int64_t segment, const struct energy_facts *f, const int64_t *id,
                             const struct joules_idle *idle, size_t n_idle, struct energy_query_value *out,
                             struct energy_value *gap, struct energy_value *rest);

/* meta.weights; nothing where nothing was shared (an earlier one goes). */
int joules_shared_put(struct joules_shared *j, struct store *store, struct ipw_err *err);

#endif
