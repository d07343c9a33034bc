#include "run/finish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "run/joules.h"
#include "score/score.h"

/* ---- scores ---- */

struct scoring {
    struct store *store;
    struct ipw_err *err;
};

static int put_score(struct scoring *s, int64_t query, const struct scorer_ops *ops, const char *name,
                     const struct score_result *r)
{
    struct store_score row = {.query = query,
                              .version = ops ? ops->version : 0,
                              .scorer = name,
                              .extracted = r->extracted,
                              .method = r->status == SCORE_UNSCORED ? r->reason : r->method,
                              .status = (int)r->status,
                              .value = r->value};
    return store_put_score(s->store, &row, s->err);
}

/* The record's own scorer, and those whose figures stand beside it. */
static int score_answer(struct scoring *s, const struct store_query_row *row, const json_val *record,
                        struct ipw_arena *arena)
{
    const char *text = row->text.answer ? row->text.answer : "", *name = scorer_name_for(record);
    bool answered = row->q.status == QUERY_OK || row->q.status == QUERY_TRUNCATED;
    struct score_result r;
    const struct scorer_ops *ops = scorer_find(name);
    score_record(record, NULL, text, strlen(text), arena, &r);
    if (!answered && r.status != SCORE_UNSCORED) /* no answer is a wrong answer, whatever came before it broke off */
        r = (struct score_result){.status = SCORE_INCORRECT};
    int rc = put_score(s, row->q.id, ops, name, &r);
    if (!ops || !ops->beside || !answered || r.status == SCORE_UNSCORED)
        return rc;
    struct score_item item;
    score_item_from(record, arena, &item);
    for (const char *const *other = ops->beside; *other && !rc; other++) {
        scorer_find(*other)->score(&item, text, strlen(text), arena, &r);
        rc = put_score(s, row->q.id, scorer_find(*other), *other, &r);
    }
    return rc;
}

static int on_answer(const struct store_query_row *row, void *ud)
{
    struct scoring *s = ud;
    struct json_doc *doc;
    if (row->q.status == QUERY_NOT_SENT || !row->question.record)
        return 0;
    int rc = json_read(&doc, row->question.record, strlen(row->question.record), 0, s->err);
    if (rc)
        return ipw_err_wrap(s->err, "the stored record of '%s'", row->q.query_id);
    struct ipw_arena arena = {0};
    rc = score_answer(s, row, json_root(doc), &arena);
    ipw_arena_release(&arena);
    json_doc_free(doc);
    return rc;
}

/* ---- the whole ---- */

static int on_key(const char *query_id, int64_t sample, int64_t attempt, int status, void *ud)
{
    (void)query_id;
    (void)sample;
    *(int64_t *)ud += status != QUERY_NOT_SENT && attempt == 1;
    return 0;
}

int run_answered(struct store *store, bool *whole, struct ipw_err *err)
{
    int64_t done = 0, n = 0;
    struct json_doc *doc = NULL;
    const char *dataset = store_meta(store, "dataset");
    int rc = dataset ? json_read(&doc, dataset, strlen(dataset), 0, err) : 0;
    *whole = false;
    if (rc)
        return ipw_err_wrap(err, "meta dataset");
    bool counted = json_is_int(json_get(json_root(doc), "n"), &n);
    json_doc_free(doc);
    rc = store_each_key(store, on_key, &done, err);
    *whole = !rc && counted && done >= n;
    return rc;
}

static int set_state(struct store *store, struct ipw_err *err)
{
    bool whole;
    int rc;
    if ((rc = run_answered(store, &whole, err)) ||
        (rc = store_put_meta_int(store, "generation", store_meta_int(store, "generation", 0) + 1, err)))
        return rc;
    return store_put_meta_int(store, "complete", whole, err);
}

int run_finish(struct store *store, struct ipw_err *err)
{
    struct scoring s = {store, err};
    int rc;
    if ((rc = store_begin(store, err)) || (rc = run_joules(store, err)) ||
        (rc = store_each_query(store, STORE_WITH_TEXT | STORE_WITH_QUESTION, on_answer, &s, err)) ||
        (rc = set_state(store, err)))
        return rc; /* store_close or the next begin rolls back */
    return store_commit(store, err);
}
