#include "run/todo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/str.h"

void run_index_init(struct run_index *x, const struct question *v, size_t n)
{
    size_t cap = 16;
    while (cap < n * 2)
        cap *= 2;
    *x = (struct run_index){.slot = ipw_calloc(cap, sizeof *x->slot), .mask = cap - 1, .v = v};
    for (size_t i = 0; i < n; i++) {
        size_t at = ipw_hash64(v[i].id, strlen(v[i].id)) & x->mask;
        while (x->slot[at])
            at = (at + 1) & x->mask;
        x->slot[at] = (uint32_t)i + 1;
    }
}

void run_index_release(struct run_index *x)
{
    free(x->slot);
}

int64_t run_index_find(const struct run_index *x, const char *id)
{
    for (size_t at = ipw_hash64(id, strlen(id)) & x->mask; x->slot[at]; at = (at + 1) & x->mask)
        if (!strcmp(x->v[x->slot[at] - 1].id, id))
            return x->slot[at] - 1;
    return -1;
}

/* What the rows of a run say about one question. */
struct done {
    int64_t attempt; /* the last one, 0: no row */
    int status;
};

struct scan {
    struct run_index index;
    struct done *done; /* by sample, then question */
    size_t n, rounds, unknown;
};

static int on_key(const char *query_id, int64_t sample, int64_t attempt, int status, void *ud)
{
    struct scan *s = ud;
    int64_t i = run_index_find(&s->index, query_id);
    if (i < 0 || sample < 0 || (size_t)sample >= s->rounds) {
        s->unknown++;
        return 0;
    }
    struct done *d = &s->done[(size_t)sample * s->n + (size_t)i];
    if (attempt > d->attempt)
        *d = (struct done){attempt, status};
    return 0;
}

static bool owed(const struct done *d, bool retry_errors, int64_t *attempt)
{
    *attempt = d->attempt + 1;
    if (d->attempt == 0)
        return true;
    if (d->status == QUERY_NOT_SENT) {
        *attempt = d->attempt;
        return true;
    }
    return retry_errors && (d->status == QUERY_ERROR || d->status == QUERY_TIMEOUT);
}

/* The questions of the run in the order of asking; n becomes how many. */
static size_t *order_of(const struct run_plan *plan, size_t *n)
{
    size_t *order = ipw_calloc(*n ? *n : 1, sizeof *order), k = 0;
    ipw_rng_shuffle((uint64_t)plan->seed, order, *n);
    for (size_t i = 0; i < *n; i++)
        if (order[i] % (size_t)plan->shards == (size_t)plan->shard)
            order[k++] = order[i];
    *n = k;
    return order;
}

int run_todo_make(struct run_todo *t, const struct dataset *data, const struct run_plan *plan, struct store *store,
                  bool retry_errors, struct ipw_err *err)
{
    size_t n = plan->max_queries > 0 && (size_t)plan->max_queries < data->n ? (size_t)plan->max_queries : data->n;
    size_t *order = order_of(plan, &n);
    size_t total = plan->request_count > 0 && n ? (size_t)plan->request_count : n * (size_t)plan->samples;
    struct scan s = {.n = data->n, .rounds = n ? (total + n - 1) / n : 1};
    int rc = 0;
    *t = (struct run_todo){.v = ipw_calloc(total ? total : 1, sizeof *t->v)};
    if (plan->duration_s > 0 && store)
        goto out;
    s.done = ipw_calloc(data->n * s.rounds + 1, sizeof *s.done);
    run_index_init(&s.index, data->v, data->n);
    if (store && (rc = store_each_key(store, on_key, &s, err)))
        goto out;
    if (s.unknown) {
        rc = ipw_err_set(err, IPW_E_INPUT,
                         "the run holds %zu answers to questions that '%s' does not have; give the question set it was "
                         "begun with",
                         s.unknown, data->name);
        goto out;
    }
    for (size_t i = 0; i < total; i++) {
        struct run_item item = {.question = order[i % n], .sample = (int64_t)(i / n), .at = i};
        if (owed(&s.done[(i / n) * data->n + item.question], retry_errors, &item.attempt))
            t->v[t->n++] = item;
    }
    t->total = plan->duration_s > 0 ? 0 : total;
out:
    run_index_release(&s.index);
    free(s.done);
    free(order);
    return rc;
}

void run_todo_block(struct run_todo *t, int64_t i, int64_t n)
{
    if (!t->total) { /* time ends it: it is not cut */
        t->n = i ? 0 : t->n;
        return;
    }
    size_t from = t->total * (size_t)i / (size_t)n, to = t->total * (size_t)(i + 1) / (size_t)n, k = 0;
    for (size_t j = 0; j < t->n; j++)
        if (t->v[j].at >= from && t->v[j].at < to)
            t->v[k++] = t->v[j];
    t->n = k;
}

void run_todo_release(struct run_todo *t)
{
    free(t->v);
    *t = (struct run_todo){0};
}
