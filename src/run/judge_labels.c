/* A judge beside people: their labels of answers, and what it makes of the same ones. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "run/judge.h"
#include "score/judge.h"
#include "stats/stats.h"

struct labels {
    const struct run_judge *c;
    char *theirs, *ours; /* a letter each; ours 0: not judged */
    size_t n, cap_theirs, cap_ours;
};

/* The letter of a label: c or i, of a comparison w, t or l; 0: it is none. */
static char letter_of(const json_val *v, bool pairwise)
{
    static const struct {
        const char *word;
        char letter;
        bool pairwise;
    } words[] = {{"correct", 'c', false}, {"yes", 'c', false}, {"true", 'c', false}, {"1", 'c', false},
                 {"incorrect", 'i', false}, {"no", 'i', false}, {"false", 'i', false}, {"0", 'i', false},
                 {"not_attempted", 'i', false}, {"win", 'w', true}, {"tie", 't', true}, {"loss", 'l', true}};
    const char *text = json_type(v) == JSON_BOOL ? json_true(v) ? "true" : "false"
                       : json_num(v) == 1        ? "1"
                       : json_num(v) == 0        ? "0"
                                                 : json_str(v);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].pairwise == pairwise && ipw_streq(words[i].word, text))
            return words[i].letter;
    return 0;
}

static int on_judgement(void *ud, const struct judgement *v, struct ipw_err *err)
{
    struct labels *l = ud;
    bool flipped;
    (void)err;
    if (v->reason)
        return 0;
    char *to = &l->ours[v->tag];
    if (l->c->asking.form->pairwise)
        *to = "ltw"[(int)(2 * judge_outcome(v->preference[0], v->preference[1], &flipped))];
    else
        *to = !strcmp(v->verdict, "correct") ? 'c' : 'i';
    return 0;
}

/* The run's own answer: the verdict is there already. */
static int of_the_run(struct labels *l, const json_val *line, int64_t version, struct ipw_err *err)
{
    int64_t sample = 0;
    const char *id = json_str(json_get(line, "query_id"));
    json_is_int(json_get(line, "sample"), &sample);
    if (!l->c->store || !store_last_attempt(l->c->store, id, sample))
        return ipw_err_set(err, IPW_E_INPUT, "the run has no answer to '%s'; a label of another answer has 'question', 'answer' "
                           "and 'response' instead of 'query_id'", id);
    char *found = store_extracted(l->c->store, id, sample, run_judge_scorer(l->c->asking.form), version);
    if (found)
        l->ours[l->n - 1] = l->c->asking.form->pairwise ? found[0] : !strcmp(found, "correct") ? 'c' : 'i';
    free(found);
    return 0;
}

static int on_line(struct labels *l, struct judging *judging, const json_val *line, int64_t version, struct ipw_err *err)
{
    const struct judge_form *f = l->c->asking.form;
    char letter = letter_of(json_get(line, "label"), f->pairwise);
    if (!letter)
        return ipw_err_set(err, IPW_E_INPUT, "'label' is no verdict; %s is needed",
                           f->pairwise ? "win, tie or loss" : "correct or incorrect");
    IPW_GROW(l->theirs, l->n, l->cap_theirs);
    IPW_GROW(l->ours, l->n, l->cap_ours);
    l->theirs[l->n] = letter;
    l->ours[l->n++] = 0;
    if (json_str(json_get(line, "query_id")))
        return of_the_run(l, line, version, err);
    struct ipw_buf question = IPW_BUF_INIT, gold = IPW_BUF_INIT;
    const char *response = json_str(json_get(line, "response")), *other = json_str(json_get(line, "other"));
    bool has_gold = judge_gold(line, &gold);
    int rc;
    judge_question(line, &question);
    if (!question.len || !response || (f->pairwise ? !other : f->reference && !has_gold))
        rc = ipw_err_set(err, IPW_E_INPUT, "a label of an answer that is no run's needs 'question', 'response' and '%s'; one of "
                         "the run's needs 'query_id'", f->pairwise ? "other" : "answer");
    else
        rc = judging_ask(judging, (int64_t)l->n - 1, &(struct judge_case){question.s, gold.s, response, other}, err);
    ipw_buf_release(&question);
    ipw_buf_release(&gold);
    return rc;
}

static void sum_up(const struct labels *l, struct run_judge_labels *out)
{
    size_t same = 0, k = 0;
    *out = (struct run_judge_labels){0};
    for (size_t i = 0; i < l->n; i++) {
        char a = l->theirs[i], b = l->ours[i];
        if (!b) {
            out->unjudged++;
            continue;
        }
        l->theirs[k] = a;
        l->ours[k++] = b;
        same += a == b;
        out->right += a == 'c';
        out->judged_right += a == 'c' && b == 'c';
        out->wrong += a == 'i';
        out->judged_wrong += a == 'i' && b == 'i';
    }
    out->n = k;
    out->agreement = k ? (double)same / (double)k : (double)NAN;
    out->kappa = stats_kappa(l->theirs, l->ours, k);
}

int run_judge_labels(const struct run_judge *c, int64_t version, const char *name, const char *text, size_t len,
                     struct run_judge_labels *out, struct ipw_err *err)
{
    struct labels l = {.c = c};
    struct judging *judging = judging_new(&c->asking, on_judgement, &l);
    const char *end = text + len;
    size_t number = 0;
    int rc = 0;
    for (const char *p = text; p < end && !rc;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((eol ? eol : end) - p);
        struct json_doc *doc = NULL;
        bool blank = true;
        for (size_t i = 0; i < n && blank; i++)
            blank = ipw_isspace((unsigned char)p[i]);
        number++;
        if (!blank && !(rc = json_read(&doc, p, n, 0, err)))
            rc = on_line(&l, judging, json_root(doc), version, err);
        json_doc_free(doc);
        if (rc && rc != IPW_E_INTERRUPTED)
            ipw_err_wrap(err, "'%s' line %zu", name, number);
        p = eol ? eol + 1 : end;
    }
    if (!rc && !(rc = judging_finish(judging, err))) {
        if (!l.n)
            rc = ipw_err_set(err, IPW_E_INPUT, "'%s' holds no labels", name);
        sum_up(&l, out);
    }
    judging_free(judging);
    free(l.theirs);
    free(l.ours);
    return rc;
}
