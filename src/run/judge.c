#include "run/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "score/judge.h"

struct pass {
    const struct run_judge *c;
    struct judging *judging;
    struct run_judge_sum *sum;
    const char *scorer;
    bool all; /* no question counts by this scorer */
    struct ipw_err *err;
};

const char *run_judge_scorer(const struct judge_form *form)
{
    return form->pairwise ? "pairwise" : "judge";
}

/* ---- verdicts into the run ---- */

static int put(struct pass *p, int64_t query, enum score_status status, double value, const char *extracted, const char *method,
               const struct judgement *v)
{
    struct store *s = p->c->store;
    struct store_score row = {.query = query, .version = p->sum->version, .scorer = p->scorer, .extracted = extracted,
                              .method = method, .status = (int)status, .value = value};
    int rc = store_begin(s, p->err);
    if (!rc)
        rc = store_put_score(s, &row, p->err);
    for (size_t g = 0; v && g < v->games && !rc; g++) {
        struct store_judged j = {query, p->sum->version, p->scorer, v->text[g], (int64_t)g, v->n_in[g], v->n_out[g]};
        rc = store_put_judged(s, &j, p->err);
    }
    if (!rc)
        rc = store_commit(s, p->err);
    p->sum->n++;
    p->sum->right += value;
    p->sum->unscored += status == SCORE_UNSCORED;
    if (status == SCORE_UNSCORED && !p->sum->why)
        p->sum->why = method;
    if (p->c->progress)
        p->c->progress(p->c->ud, p->sum->n);
    return rc;
}

static int unscored(struct pass *p, int64_t query, const char *reason, const struct judgement *v)
{
    return put(p, query, SCORE_UNSCORED, 0, NULL, reason, v);
}

static int on_judgement(void *ud, const struct judgement *v, struct ipw_err *err)
{
    struct pass *p = ud;
    char games[24];
    bool flipped;
    (void)err; /* the pass's own */
    if (v->reason)
        return unscored(p, v->tag, v->reason, v);
    const char *form = p->c->asking.form->id;
    if (!p->c->asking.form->pairwise) {
        bool right = !strcmp(v->verdict, "correct");
        p->sum->not_attempted += !strcmp(v->verdict, "not_attempted");
        return put(p, v->tag, right ? SCORE_CORRECT : SCORE_INCORRECT, right, v->verdict, form, v);
    }
    double value = judge_outcome(v->preference[0], v->preference[1], &flipped);
    judge_games_write(v->preference[0], v->preference[1], games);
    p->sum->wins += value == 1;
    p->sum->ties += value == 0.5;
    p->sum->losses += value == 0;
    p->sum->flips += flipped;
    return put(p, v->tag, value > 0 ? SCORE_CORRECT : SCORE_INCORRECT, value, games, form, v);
}

/* ---- from rows to cases ---- */

/* What the answer is compared with: the record's gold answer, or the other run's. NULL with *why: there is none. */
static char *compared_with(struct pass *p, const struct store_query_row *row, const json_val *record, const char **why)
{
    struct ipw_buf mine = IPW_BUF_INIT, theirs = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    char *answer, *text;
    *why = NULL;
    if (!p->c->other) {
        const char *gold = json_str(json_get(record, "answer"));
        if (gold && *gold)
            return ipw_strdup(gold);
        *why = "the question has no answer to compare with: --against RUN";
        return NULL;
    }
    if (!store_answer(p->c->other, row->q.query_id, row->q.sample, &answer, &text) &&
        !store_answer(p->c->other, row->q.query_id, 0, &answer, &text)) { /* it may have one answer to each question */
        *why = "the other run has no answer to it";
        return NULL;
    }
    judge_question(record, &mine);
    if (!json_read(&doc, text, strlen(text), 0, &ignored))
        judge_question(json_root(doc), &theirs);
    json_doc_free(doc);
    free(text);
    if (strcmp(mine.s, theirs.s) != 0) {
        *why = "the other run asked another question under this id";
        free(answer);
        answer = NULL;
    }
    ipw_buf_release(&mine);
    ipw_buf_release(&theirs);
    return answer;
}

static char *visible(const char *text)
{
    const char *at;
    size_t n;
    score_strip_think(text, strlen(text), &at, &n);
    return ipw_strndup(at, n);
}

static int ask(struct pass *p, const struct store_query_row *row, const json_val *record)
{
    const struct judge_form *f = p->c->asking.form;
    struct ipw_buf question = IPW_BUF_INIT, gold = IPW_BUF_INIT;
    const char *why = NULL;
    char *answer = visible(row->text.answer ? row->text.answer : ""), *with = NULL, *other = NULL;
    bool has_gold = judge_gold(record, &gold);
    int rc;
    judge_question(record, &question);
    if (f->pairwise && (with = compared_with(p, row, record, &why)))
        other = visible(with);
    else if (f->reference && !has_gold)
        why = "the question has no reference answer";
    if (why)
        rc = unscored(p, row->q.id, why, NULL);
    else
        rc = judging_ask(p->judging, row->q.id, &(struct judge_case){question.s, gold.s, answer, other}, p->err);
    free(answer);
    free(with);
    free(other);
    ipw_buf_release(&question);
    ipw_buf_release(&gold);
    return rc;
}

/* Of every question the last attempt, as everywhere. */
static bool counts(const struct pass *p, const struct store_query_row *row)
{
    return row->q.status != QUERY_NOT_SENT && row->question.record && (p->all || ipw_streq(row->question.scorer, p->scorer)) &&
           row->q.attempt == store_last_attempt(p->c->store, row->q.query_id, row->q.sample);
}

static int on_row(const struct store_query_row *row, void *ud)
{
    struct pass *p = ud;
    struct json_doc *doc;
    if (!counts(p, row))
        return 0;
    if (row->q.status != QUERY_OK && row->q.status != QUERY_TRUNCATED) {
        p->sum->unasked++;
        return put(p, row->q.id, SCORE_INCORRECT, 0, NULL, NULL, NULL);
    }
    int rc = json_read(&doc, row->question.record, strlen(row->question.record), 0, p->err);
    if (rc)
        return ipw_err_wrap(p->err, "the stored record of '%s'", row->q.query_id);
    rc = ask(p, row, json_root(doc));
    json_doc_free(doc);
    return rc;
}

static int any_of(const struct store_query_row *row, void *ud)
{
    struct pass *p = ud;
    p->all &= !ipw_streq(row->question.scorer, p->scorer);
    return 0;
}

int run_judge(const struct run_judge *c, struct run_judge_sum *sum, struct ipw_err *err)
{
    struct pass p = {.c = c, .sum = sum, .scorer = run_judge_scorer(c->asking.form), .all = true, .err = err};
    *sum = (struct run_judge_sum){.version = store_score_version(c->store, p.scorer) + 1};
    int rc = store_each_query(c->store, STORE_WITH_QUESTION, any_of, &p, err);
    if (rc)
        return rc;
    p.judging = judging_new(&c->asking, on_judgement, &p);
    rc = store_each_query(c->store, STORE_WITH_TEXT | STORE_WITH_QUESTION, on_row, &p, err);
    if (!rc)
        rc = judging_finish(p.judging, err);
    sum->counts = *judging_counts(p.judging);
    judging_free(p.judging);
    return rc;
}

static int is_compared(const struct store_query_row *row, void *ud)
{
    return *(bool *)ud = ipw_streq(row->question.scorer, "pairwise");
}

bool run_judge_compares(struct store *store)
{
    struct ipw_err ignored;
    bool found = false;
    (void)!store_each_query(store, STORE_WITH_QUESTION, is_compared, &found, &ignored);
    return found;
}
