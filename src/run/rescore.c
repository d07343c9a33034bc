#include "run/rescore.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "score/sandbox.h"
#include "score/score.h"

struct scoring {
    struct store *store;
    struct sandbox *sandbox; /* opened for the first answer that needs one */
    const char *chosen; /* meta `scorer`; NULL: none */
    struct ipw_err *err;
};

struct answer {
    const struct store_query_row *row;
    bool likely; /* log-likelihoods are stored, which only their own scorers read */
    const json_val *record;
    const char *text;
    bool answered; /* there is a text to read; else no scorer may find it right */
    struct ipw_arena arena;
};

static int put_score(struct scoring *s, const struct answer *a, const char *name, const struct score_result *r)
{
    const struct scorer_ops *ops = scorer_find(name);
    struct store_score row = {.query = a->row->q.id,
                              .version = ops ? ops->version : 0,
                              .scorer = name,
                              .extracted = r->extracted,
                              .method = r->status == SCORE_UNSCORED ? r->reason : r->method,
                              .status = (int)r->status,
                              .value = r->value};
    return store_put_score(s->store, &row, s->err);
}

/* No answer is a wrong answer, whatever came before it broke off. */
static int score_and_put(struct scoring *s, struct answer *a, const char *name, struct score_result *r)
{
    const struct scorer_ops *ops = scorer_find(name);
    if (ops && ops->slow && !a->likely && !s->sandbox)
        s->sandbox = sandbox_open();
    if (a->likely && ops && !ops->likely)
        *r = (struct score_result){.status = SCORE_UNSCORED, .reason = "the run holds log-likelihoods, no answers"};
    else
        score_by(name, a->record, s->sandbox, a->text, strlen(a->text), &a->arena, r);
    if (!a->answered && r->status != SCORE_UNSCORED)
        *r = (struct score_result){.status = SCORE_INCORRECT};
    return put_score(s, a, name, r);
}

static int score_answer(struct scoring *s, struct answer *a)
{
    const char *own = a->likely ? a->row->question.scorer : scorer_name_for(a->record);
    const struct scorer_ops *ops = scorer_find(own);
    struct score_result r, other;
    int rc = score_and_put(s, a, own, &r);
    if (ops && ops->beside && a->answered && r.status != SCORE_UNSCORED)
        for (const char *const *name = ops->beside; *name && !rc; name++)
            rc = score_and_put(s, a, *name, &other);
    if (!rc && scorer_find(s->chosen) && strcmp(s->chosen, own) != 0)
        rc = score_and_put(s, a, s->chosen, &other);
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
    const struct scorer_ops *asked = scorer_find(row->question.scorer);
    struct answer a = {.row = row,
                       .likely = asked && asked->likely,
                       .record = json_root(doc),
                       .text = row->text.answer ? row->text.answer : "",
                       .answered = row->q.status == QUERY_OK || row->q.status == QUERY_TRUNCATED};
    rc = score_answer(s, &a);
    ipw_arena_release(&a.arena);
    json_doc_free(doc);
    return rc;
}

int run_score(struct store *store, struct ipw_err *err)
{
    char *chosen = ipw_strdup(store_meta(store, "scorer"));
    struct scoring s = {.store = store, .chosen = chosen, .err = err};
    int rc = store_each_query(store, STORE_WITH_TEXT | STORE_WITH_QUESTION, on_answer, &s, err);
    sandbox_close(s.sandbox);
    free(chosen);
    return rc;
}
