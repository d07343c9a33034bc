/* Which questions are asked, in which order, and which attempts a resumed run still owes. */
#ifndef IPW_RUN_TODO_H
#define IPW_RUN_TODO_H

#include "dataset/dataset.h"
#include "run/plan.h"
#include "store/store.h"

struct run_item {
    size_t question; /* index in the dataset */
    int64_t sample;  /* from 0: how often the question was asked before (plan->samples, request_count, duration_s) */
    int64_t attempt; /* from 1 */
    int64_t retries; /* how many of these attempts were made without being asked to */
    size_t at;       /* its place in the order of the whole run, 0 to total - 1 */
};

struct run_todo {
    struct run_item *v; /* in the order of asking */
    size_t n;
    size_t total; /* requests of this run, asked or not; 0 when time ends it (plan->duration_s) */
};
void run_todo_release(struct run_todo *t);

/* Of the first max_queries questions (0: all) those of the shard, in the seeded order: each once, then each again, up to
 * plan->samples times or request_count requests (what is cut off has asked all of them alike). Of a run that time ends: each
 * question once, to be gone through again, or nothing when store is given. store: NULL for a new run; else what already has
 * a row is left out (but not_sent; and, with retry_errors, error and timeout, with the next attempt). */
int run_todo_make(struct run_todo *t, const struct dataset *data, const struct run_plan *plan, struct store *store,
                  bool retry_errors, struct ipw_err *err);

/* Leaves in only what lies in block i of n, equal parts of the run's order from its beginning to its end: asking block after
 * block is asking the run. total stays. */
void run_todo_block(struct run_todo *t, int64_t i, int64_t n);

/* Index of questions by id; the resume scan uses it. */
struct run_index {
    uint32_t *slot; /* question + 1; 0: free */
    size_t mask;
    const struct question *v;
};
void run_index_init(struct run_index *x, const struct question *v, size_t n);
void run_index_release(struct run_index *x);
int64_t run_index_find(const struct run_index *x, const char *id); /* -1: none */

#endif
