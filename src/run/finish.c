#include "run/finish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "energy/attribute.h"
#include "energy/collector.h"
#include "score/score.h"
#include "store/pack.h"

/* ---- joules ---- */

struct asked { /* a query that was sent */
    int64_t id, segment;
    struct energy_mark mark;
};

struct facts {
    struct ipw_arena arena;
    struct asked *q;
    size_t n_q, cap_q;
    struct {
        int64_t id;
        const char *env;
    } *segment;
    size_t n_segment, cap_segment;
    struct {
        int64_t id;
        struct energy_channel ch;
    } *channel;
    size_t n_channel, cap_channel;
};

static int on_query(const struct store_query_row *row, void *ud)
{
    struct facts *f = ud;
    const struct store_query *q = &row->q;
    if (q->t_send == STORE_NULL || q->t_end == STORE_NULL)
        return 0;
    IPW_GROW(f->q, f->n_q, f->cap_q);
    f->q[f->n_q++] =
        (struct asked){q->id, q->segment, {q->t_send, q->t_first == STORE_NULL ? -1 : q->t_first, q->t_end}};
    return 0;
}

static int on_segment(const struct store_segment *s, void *ud)
{
    struct facts *f = ud;
    IPW_GROW(f->segment, f->n_segment, f->cap_segment);
    f->segment[f->n_segment].id = s->id;
    f->segment[f->n_segment++].env = ipw_arena_strdup(&f->arena, s->env);
    return 0;
}

static int64_t known(int64_t v)
{
    return v == STORE_NULL ? 0 : v;
}

static int on_channel(const struct store_channel *c, void *ud)
{
    struct facts *f = ud;
    int scope = energy_scope_of(c->scope), kind = energy_kind_of(c->kind);
    if (scope < 0 || kind < 0)
        return 0; /* of a newer ipw: its readings stay, its joules are unknown here */
    IPW_GROW(f->channel, f->n_channel, f->cap_channel);
    struct energy_channel ch = {.scope = (enum energy_scope)scope,
                                .kind = (enum energy_kind)kind,
                                .unit_nj = c->unit_nj,
                                .modulus = c->modulus,
                                .period_ns = known(c->period_ns),
                                .window_ns = known(c->window_ns),
                                .quantum_nj = known(c->quantum_nj),
                                .latency_ns = known(c->latency_ns),
                                .gain_u = c->gain_u,
                                .in_total = c->in_total};
    snprintf(ch.id, sizeof ch.id, "%s", c->name);
    snprintf(ch.source, sizeof ch.source, "%s", c->source);
    const struct energy_collector_ops *ops = energy_collector_find(c->source);
    ch.estimated = ops && ops->estimated;
    f->channel[f->n_channel].id = c->id;
    f->channel[f->n_channel++].ch = ch;
    return 0;
}

static int by_send(const void *a, const void *b)
{
    const struct asked *x = a, *y = b;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->mark.t_send < y->mark.t_send ? -1 : x->mark.t_send > y->mark.t_send;
}

struct readings {
    struct energy_reading *v;
    size_t n, cap;
    bool damaged;
};

static int on_block(const struct store_reading_block *b, void *ud)
{
    struct readings *r = ud;
    struct store_reading *in = ipw_calloc(b->n > 0 ? (size_t)b->n : 1, sizeof *in);
    if (b->fmt != 1 || b->n < 0 || store_unpack_readings(b->data, b->size, (size_t)b->n, b->t0_ns, in))
        r->damaged = true;
    else
        for (int64_t i = 0; i < b->n; i++) {
            IPW_GROW(r->v, r->n, r->cap);
            r->v[r->n++] = (struct energy_reading){.t_before = in[i].t_before, .t_after = in[i].t_after,
                                                   .raw = in[i].raw, .status = in[i].status};
        }
    free(in);
    return 0;
}

static int put_value(struct store *store, int64_t query, int64_t channel, const char *phase,
                     const struct energy_value *v, struct ipw_err *err)
{
    bool valued = v->status == ENERGY_MEASURED || v->status == ENERGY_ESTIMATED || v->status == ENERGY_LOW_RESOLUTION;
    struct store_energy e = {.version = ENERGY_ATTRIBUTION_VERSION,
                             .query = query,
                             .channel = channel,
                             .nj = valued ? v->nj : STORE_NULL,
                             .u_nj = valued && v->u_nj >= 0 ? v->u_nj : STORE_NULL,
                             .phase = phase,
                             .method = v->method,
                             .reason = v->reason,
                             .status = (int)v->status};
    return store_put_energy(store, &e, err);
}

static double pmax_of(const char *env, const char *channel)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    if (!env || json_read(&doc, env, strlen(env), 0, &ignored))
        return 0;
    double w = json_num(json_get(json_get(json_root(doc), "pmax_w"), channel));
    json_doc_free(doc);
    return w > 0 ? w : 0;
}

/* One channel of one segment: readings and marks in, rows out. */
static int attribute_channel(struct store *store, const struct facts *f, size_t seg, size_t chan,
                             const struct asked *q, size_t n, struct energy_value *gap, struct ipw_err *err)
{
    struct energy_channel ch = f->channel[chan].ch;
    struct readings r = {0};
    int64_t id = f->channel[chan].id;
    int rc = store_each_readings(store, f->segment[seg].id, id, on_block, &r, err);
    if (!rc && r.damaged)
        rc = ipw_err_set(err, IPW_E_INPUT, "the stored readings of '%s' are damaged", ch.id);
    struct energy_mark *marks = ipw_calloc(n, sizeof *marks);
    struct energy_query_value *out = ipw_calloc(n, sizeof *out);
    if (rc || ch.kind == ENERGY_KIND_GAUGE || !r.n)
        goto out;
    for (size_t i = 0; i < n; i++)
        marks[i] = q[i].mark;
    ch.pmax_w = pmax_of(f->segment[seg].env, ch.id);
    energy_attribute(&(struct energy_facts){&ch, r.v, r.n, marks, n, NULL, 0}, out, gap);
    for (size_t i = 0; i < n && !rc; i++) {
        rc = put_value(store, q[i].id, id, "total", &out[i].total, err);
        if (!rc)
            rc = put_value(store, q[i].id, id, "prefill", &out[i].prefill, err);
        if (!rc)
            rc = put_value(store, q[i].id, id, "decode", &out[i].decode, err);
    }
out:
    free(marks);
    free(out);
    free(r.v);
    return rc;
}

/* query 0: energy between queries, per channel over all segments. */
static int attribute(struct store *store, struct facts *f, struct ipw_err *err)
{
    struct energy_value *gaps = ipw_calloc(f->n_segment + 1, sizeof *gaps);
    int rc = 0;
    if (f->n_q)
        qsort(f->q, f->n_q, sizeof *f->q, by_send);
    for (size_t c = 0; c < f->n_channel && !rc; c++) {
        size_t n_gaps = 0;
        for (size_t s = 0, from = 0, to; s < f->n_segment && !rc; s++, from = to) {
            for (to = from; to < f->n_q && f->q[to].segment == f->segment[s].id;)
                to++;
            if (to == from)
                continue;
            gaps[n_gaps] = (struct energy_value){.status = ENERGY_MISSING, .u_nj = -1, .reason = "no_readings"};
            rc = attribute_channel(store, f, s, c, f->q + from, to - from, &gaps[n_gaps++], err);
        }
        if (rc || !n_gaps || f->channel[c].ch.kind == ENERGY_KIND_GAUGE)
            continue;
        struct energy_value gap = energy_sum(gaps, n_gaps);
        rc = put_value(store, 0, f->channel[c].id, "total", &gap, err);
    }
    free(gaps);
    return rc;
}

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

/* The record's own scorer, and its lenient or strict twin: both figures are stored. */
static const char *twin(const char *name)
{
    return !strcmp(name, "exact") ? "contains" : !strcmp(name, "contains") ? "exact" : NULL;
}

static int score_answer(struct scoring *s, const struct store_query_row *row, const json_val *record,
                        struct ipw_arena *arena)
{
    const char *text = row->text.answer ? row->text.answer : "", *name = scorer_name_for(record);
    bool answered = row->q.status == QUERY_OK || row->q.status == QUERY_TRUNCATED;
    struct score_result r;
    score_record(record, text, strlen(text), arena, &r);
    if (!answered && r.status != SCORE_UNSCORED) /* no answer is a wrong answer, whatever came before it broke off */
        r = (struct score_result){.status = SCORE_INCORRECT};
    int rc = put_score(s, row->q.id, scorer_find(name), name, &r);
    const struct scorer_ops *other = twin(name) ? scorer_find(twin(name)) : NULL;
    if (rc || !other || !answered || r.status == SCORE_UNSCORED)
        return rc;
    struct score_item item;
    score_item_from(record, arena, &item);
    other->score(&item, text, strlen(text), arena, &r);
    return put_score(s, row->q.id, other, other->name, &r);
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
    struct facts f = {0};
    struct scoring s = {store, err};
    int rc;
    if ((rc = store_each_segment(store, on_segment, &f, err)) ||
        (rc = store_each_channel(store, on_channel, &f, err)) ||
        (rc = store_each_query(store, 0, on_query, &f, err)) || (rc = store_begin(store, err)))
        goto out;
    if ((rc = store_clear_energy(store, ENERGY_ATTRIBUTION_VERSION, err)) || (rc = attribute(store, &f, err)) ||
        (rc = store_each_query(store, STORE_WITH_TEXT | STORE_WITH_QUESTION, on_answer, &s, err)) ||
        (rc = set_state(store, err)))
        goto out; /* store_close or the next begin rolls back */
    rc = store_commit(store, err);
out:
    ipw_arena_release(&f.arena);
    free(f.q);
    free(f.segment);
    free(f.channel);
    return rc;
}
