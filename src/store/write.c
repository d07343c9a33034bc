#include "base/status.h"
#include "store/internal.h"

int store_put_meta(struct store *s, const char *key, const char *value, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_PUT_META, err);
    if (!st)
        return err->code;
    store_bind_text(st, 1, key);
    store_bind_text(st, 2, value);
    return store_run(s, st, err);
}

int store_put_meta_int(struct store *s, const char *key, int64_t value, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_PUT_META, err);
    if (!st)
        return err->code;
    store_bind_text(st, 1, key);
    store_bind_int(st, 2, value);
    return store_run(s, st, err);
}

int store_add_segment(struct store *s, struct store_segment *g, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_ADD_SEGMENT, err);
    if (!st)
        return err->code;
    store_bind_text(st, 1, g->boot_id);
    store_bind_text(st, 2, g->host);
    store_bind_int(st, 3, g->pid);
    store_bind_int(st, 4, g->started_real_ns);
    store_bind_int(st, 5, g->anchor_raw_ns);
    store_bind_int(st, 6, g->anchor_boot_ns);
    store_bind_text(st, 7, g->ipw_build);
    store_bind_text(st, 8, g->engine);
    store_bind_text(st, 9, g->engine_build);
    store_bind_text(st, 10, g->cpu_variant);
    store_bind_text(st, 11, g->power_source);
    store_bind_text(st, 12, g->env);
    int rc = store_run(s, st, err);
    g->id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

/* Runs a SELECT of one id: *id = 0 when there is no row. */
static int get_id(struct store *s, sqlite3_stmt *st, int64_t *id, struct ipw_err *err)
{
    int step = sqlite3_step(st);
    *id = step == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    int rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : store_error(s, "read", err);
    sqlite3_reset(st);
    return rc;
}

int store_put_device(struct store *s, struct store_device *d, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_ADD_DEVICE, err);
    if (!st)
        return err->code;
    store_bind_text(st, 1, d->key);
    store_bind_text(st, 2, d->name);
    store_bind_text(st, 3, d->kind);
    store_bind_int(st, 4, d->computes);
    int rc = store_run(s, st, err);
    if (rc || !(st = store_stmt(s, ST_GET_DEVICE, err)))
        return err->code;
    store_bind_text(st, 1, d->key);
    return get_id(s, st, &d->id, err);
}

int store_put_channel(struct store *s, struct store_channel *c, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_GET_CHANNEL, err);
    if (!st)
        return err->code;
    store_bind_int(st, 1, c->device);
    store_bind_text(st, 2, c->name);
    int rc = get_id(s, st, &c->id, err);
    if (rc || c->id)
        return rc;
    if (!(st = store_stmt(s, ST_ADD_CHANNEL, err)))
        return err->code;
    store_bind_int(st, 1, c->device);
    store_bind_text(st, 2, c->name);
    store_bind_text(st, 3, c->scope);
    store_bind_text(st, 4, c->kind);
    store_bind_real(st, 5, c->unit_nj);
    store_bind_int(st, 6, (int64_t)c->modulus);
    store_bind_int(st, 7, c->period_ns);
    store_bind_int(st, 8, c->window_ns);
    store_bind_int(st, 9, c->quantum_nj);
    store_bind_int(st, 10, c->latency_ns);
    store_bind_real(st, 11, c->gain_u);
    store_bind_int(st, 12, c->in_total);
    store_bind_text(st, 13, c->why);
    store_bind_text(st, 14, c->source);
    store_bind_text(st, 15, c->verified);
    rc = store_run(s, st, err);
    c->id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

int store_add_readings(struct store *s, const struct store_reading_block *b, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_ADD_READINGS, err);
    if (!st)
        return err->code;
    store_bind_int(st, 1, b->segment);
    store_bind_int(st, 2, b->channel);
    store_bind_int(st, 3, b->t0_ns);
    store_bind_int(st, 4, b->t1_ns);
    store_bind_int(st, 5, b->n);
    store_bind_int(st, 6, b->fmt);
    sqlite3_bind_blob64(st, 7, b->data, b->size, SQLITE_STATIC);
    return store_run(s, st, err);
}

int store_add_clock(struct store *s, int64_t segment, int64_t raw, int64_t boot, int64_t real, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_ADD_CLOCK, err);
    if (!st)
        return err->code;
    store_bind_int(st, 1, segment);
    store_bind_int(st, 2, raw);
    store_bind_int(st, 3, boot);
    store_bind_int(st, 4, real);
    return store_run(s, st, err);
}

int store_add_event(struct store *s, int64_t segment, int64_t t_ns, const char *kind, const char *detail,
                    struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_ADD_EVENT, err);
    if (!st)
        return err->code;
    store_bind_int(st, 1, segment);
    store_bind_int(st, 2, t_ns);
    store_bind_text(st, 3, kind);
    store_bind_text(st, 4, detail);
    return store_run(s, st, err);
}

/* ---- queries ---- */

/* A row that was never sent makes room; *id is its id, 0 if there was none. */
static int drop_not_sent(struct store *s, const struct store_query *q, int64_t *id, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_DROP_NOT_SENT, err);
    if (!st)
        return err->code;
    store_bind_text(st, 1, q->query_id);
    store_bind_int(st, 2, q->sample);
    store_bind_int(st, 3, q->attempt);
    return get_id(s, st, id, err);
}

static int add_query(struct store *s, struct store_query *q, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_ADD_QUERY, err);
    if (!st)
        return err->code;
    store_bind_text(st, 1, q->query_id);
    store_bind_int(st, 2, q->sample);
    store_bind_int(st, 3, q->attempt);
    store_bind_int(st, 4, q->segment);
    store_bind_text(st, 5, q->domain);
    store_bind_text(st, 6, query_status_name(q->status));
    store_bind_text(st, 7, q->reason);
    const int64_t ints[] = {q->t_send, q->t_first,  q->t_first_answer, q->t_last,  q->t_end,
                            q->n_in,   q->n_cached, q->n_out,          q->n_reason};
    for (int i = 0; i < 9; i++)
        store_bind_int(st, 8 + i, ints[i]);
    store_bind_text(st, 17, q->token_source);
    store_bind_text(st, 18, q->stop);
    store_bind_int(st, 19, q->in_flight);
    store_bind_real(st, 20, q->logprob_mean);
    store_bind_real(st, 21, q->logprob_min);
    store_bind_real(st, 22, q->margin_first);
    int step = sqlite3_step(st), rc = 0;
    if ((step & 0xff) == SQLITE_CONSTRAINT)
        rc = ipw_err_set(err, IPW_E_BUG, "attempt %lld of question '%s' is stored twice", (long long)q->attempt,
                         q->query_id);
    else if (step != SQLITE_DONE)
        rc = store_error(s, "write", err);
    sqlite3_reset(st);
    q->id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

static int add_text(struct store *s, int64_t query, const struct store_text *t, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_ADD_TEXT, err);
    if (!st)
        return err->code;
    store_bind_int(st, 1, query);
    store_bind_text(st, 2, t->prompt);
    store_bind_text(st, 3, t->answer);
    store_bind_text(st, 4, t->thinking);
    sqlite3_bind_blob64(st, 5, t->stamps, t->stamps_size, SQLITE_STATIC);
    return store_run(s, st, err);
}

int store_put_query(struct store *s, struct store_query *q, const struct store_text *t,
                    const struct store_question *question, struct ipw_err *err)
{
    int64_t old = 0;
    int rc;
    if ((rc = drop_not_sent(s, q, &old, err)) || (rc = add_query(s, q, err)) || (rc = add_text(s, q->id, t, err)))
        return rc;
    sqlite3_stmt *st = store_stmt(s, ST_ADD_QUESTION, err);
    if (!st)
        return err->code;
    store_bind_text(st, 1, question->query_id);
    store_bind_text(st, 2, question->type);
    store_bind_text(st, 3, question->scorer);
    store_bind_text(st, 4, question->tmpl);
    store_bind_text(st, 5, question->record);
    return store_run(s, st, err);
}

/* ---- what is derived ---- */

int store_clear_energy(struct store *s, int64_t version, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_CLEAR_ENERGY, err);
    if (!st)
        return err->code;
    store_bind_int(st, 1, version);
    return store_run(s, st, err);
}

int store_put_energy(struct store *s, const struct store_energy *e, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_ADD_ENERGY, err);
    if (!st)
        return err->code;
    store_bind_int(st, 1, e->version);
    store_bind_int(st, 2, e->query);
    store_bind_text(st, 3, e->phase);
    store_bind_int(st, 4, e->channel);
    store_bind_int(st, 5, e->nj);
    store_bind_int(st, 6, e->u_nj);
    store_bind_text(st, 7, e->method);
    store_bind_text(st, 8, energy_status_name(e->status));
    store_bind_text(st, 9, e->reason);
    return store_run(s, st, err);
}

int store_put_score(struct store *s, const struct store_score *sc, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, ST_PUT_SCORE, err);
    if (!st)
        return err->code;
    store_bind_int(st, 1, sc->query);
    store_bind_text(st, 2, sc->scorer);
    store_bind_int(st, 3, sc->version);
    store_bind_text(st, 4, score_status_name(sc->status));
    store_bind_real(st, 5, sc->value);
    store_bind_text(st, 6, sc->extracted);
    store_bind_text(st, 7, sc->method);
    return store_run(s, st, err);
}
