#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "store/internal.h"

/* ---- binding, in the order of the columns ---- */

struct binder {
    sqlite3_stmt *st; /* NULL: could not be prepared */
    int i, rc;
};

static struct binder bind(struct store *s, enum store_sql id, struct ipw_err *err)
{
    return (struct binder){.st = store_stmt(s, id, err)};
}

static void keep(struct binder *b, int rc)
{
    if (!b->rc)
        b->rc = rc;
}

static void put_bits(struct binder *b, int64_t v)
{
    keep(b, sqlite3_bind_int64(b->st, ++b->i, v));
}

static void put_i(struct binder *b, int64_t v)
{
    if (v == STORE_NULL)
        keep(b, sqlite3_bind_null(b->st, ++b->i));
    else
        put_bits(b, v);
}

static void put_f(struct binder *b, double v)
{
    keep(b, isnan(v) ? sqlite3_bind_null(b->st, ++b->i) : sqlite3_bind_double(b->st, ++b->i, v));
}

/* The caller's text outlives the step, so SQLite need not copy it. */
static void put_t(struct binder *b, const char *s)
{
    keep(b, sqlite3_bind_text(b->st, ++b->i, s, -1, SQLITE_STATIC));
}

static void put_blob(struct binder *b, const void *p, size_t n)
{
    keep(b, sqlite3_bind_blob64(b->st, ++b->i, p, n, SQLITE_STATIC));
}

/* Runs the statement; *id gets what RETURNING gives, and stays if it gives no row. */
static int run(struct store *s, struct binder *b, int64_t *id, struct ipw_err *err)
{
    int rc = b->rc;
    errno = 0;
    while (!rc && (rc = sqlite3_step(b->st)) == SQLITE_ROW) {
        *id = sqlite3_column_int64(b->st, 0);
        rc = 0;
    }
    rc = rc == SQLITE_DONE ? 0 : store_fail(s, err);
    sqlite3_reset(b->st);
    return rc;
}

/* ---- what a run knows before the first question ---- */

int store_put_meta(struct store *s, const char *key, const char *value, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_META_PUT, err);
    if (!b.st)
        return err->code;
    put_t(&b, key);
    put_t(&b, value);
    return run(s, &b, NULL, err);
}

int store_put_meta_int(struct store *s, const char *key, int64_t value, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_META_PUT, err);
    if (!b.st)
        return err->code;
    put_t(&b, key);
    put_i(&b, value);
    return run(s, &b, NULL, err);
}

int store_add_segment(struct store *s, struct store_segment *seg, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_SEGMENT, err);
    if (!b.st)
        return err->code;
    put_t(&b, seg->boot_id);
    put_t(&b, seg->host);
    put_i(&b, seg->pid);
    put_i(&b, seg->started_real_ns);
    put_i(&b, seg->anchor_raw_ns);
    put_i(&b, seg->anchor_boot_ns);
    put_t(&b, seg->ipw_build);
    put_t(&b, seg->engine);
    put_t(&b, seg->engine_build);
    put_t(&b, seg->cpu_variant);
    put_t(&b, seg->power_source);
    put_t(&b, seg->env);
    return run(s, &b, &seg->id, err);
}

int store_set_segment_engine(struct store *s, const struct store_segment *seg, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_SEGMENT_ENGINE, err);
    if (!b.st)
        return err->code;
    put_t(&b, seg->engine_build);
    put_t(&b, seg->cpu_variant);
    put_t(&b, seg->env);
    put_i(&b, seg->id);
    return run(s, &b, NULL, err);
}

int store_put_device(struct store *s, struct store_device *d, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_DEVICE, err);
    if (!b.st)
        return err->code;
    put_t(&b, d->key);
    put_t(&b, d->name);
    put_t(&b, d->kind);
    put_i(&b, d->computes);
    return run(s, &b, &d->id, err);
}

/* Readings are raw counts, so a channel keeps its meaning for the whole run. */
static int find_channel(struct store *s, struct store_channel *c, bool *found, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_CHANNEL_FIND, err);
    *found = false;
    if (!b.st)
        return err->code;
    put_i(&b, c->device);
    put_t(&b, c->name);
    int rc = b.rc ? b.rc : sqlite3_step(b.st);
    if (rc == SQLITE_ROW) {
        const char *kind = (const char *)sqlite3_column_text(b.st, 1);
        double unit = sqlite3_column_double(b.st, 2); /* NULL, unknown: 0 */
        bool same = kind && c->kind && !strcmp(kind, c->kind) && unit == (isnan(c->unit_nj) ? 0 : c->unit_nj) &&
                    (uint64_t)sqlite3_column_int64(b.st, 3) == c->modulus;
        *found = true;
        c->id = sqlite3_column_int64(b.st, 0);
        rc = same ? 0 : ipw_err_set(err, IPW_E_INPUT, "channel '%s' counts in another unit than when run '%s' was "
                                    "begun (another machine, or ipw calibrate since); resume it where it was begun, "
                                    "with the calibration of then, or begin a new run", c->name,
                                    s->dir);
    } else
        rc = rc == SQLITE_DONE ? 0 : store_fail(s, err);
    sqlite3_reset(b.st);
    return rc;
}

/* What a later segment, or a run's end, knows better. */
static int update_channel(struct store *s, const struct store_channel *c, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_CHANNEL_TOTAL, err);
    if (!b.st)
        return err->code;
    put_i(&b, c->in_total);
    put_t(&b, c->why);
    put_i(&b, c->period_ns);
    put_i(&b, c->id);
    return run(s, &b, NULL, err);
}

int store_put_channel(struct store *s, struct store_channel *c, struct ipw_err *err)
{
    bool found;
    int rc = find_channel(s, c, &found, err);
    if (rc || found)
        return rc ? rc : update_channel(s, c, err);
    struct binder b = bind(s, SQL_CHANNEL, err);
    if (!b.st)
        return err->code;
    put_i(&b, c->device);
    put_t(&b, c->name);
    put_t(&b, c->scope);
    put_t(&b, c->kind);
    put_f(&b, c->unit_nj);
    put_bits(&b, (int64_t)c->modulus);
    put_i(&b, c->period_ns);
    put_i(&b, c->window_ns);
    put_i(&b, c->quantum_nj);
    put_i(&b, c->latency_ns);
    put_f(&b, c->gain_u);
    put_i(&b, c->in_total);
    put_t(&b, c->why);
    put_t(&b, c->source);
    put_t(&b, c->verified);
    return run(s, &b, &c->id, err);
}

/* ---- what a run adds while it goes ---- */

int store_add_readings(struct store *s, const struct store_reading_block *r, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_READING, err);
    if (!b.st)
        return err->code;
    put_i(&b, r->segment);
    put_i(&b, r->channel);
    put_i(&b, r->t0_ns);
    put_i(&b, r->t1_ns);
    put_i(&b, r->n);
    put_i(&b, r->fmt);
    put_blob(&b, r->data, r->size);
    return run(s, &b, NULL, err);
}

int store_add_clock(struct store *s, int64_t segment, int64_t raw, int64_t boot, int64_t real, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_CLOCK, err);
    if (!b.st)
        return err->code;
    put_i(&b, segment);
    put_i(&b, raw);
    put_i(&b, boot);
    put_i(&b, real);
    return run(s, &b, NULL, err);
}

int store_add_baseline(struct store *s, const struct store_baseline *l, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_BASELINE, err);
    if (!b.st)
        return err->code;
    put_i(&b, l->segment);
    put_t(&b, l->kind);
    put_i(&b, l->t0_ns);
    put_i(&b, l->t1_ns);
    return run(s, &b, NULL, err);
}

int store_add_event(struct store *s, int64_t segment, int64_t t_ns, const char *kind, const char *detail,
                    struct ipw_err *err)
{
    struct binder b = bind(s, SQL_EVENT, err);
    if (!b.st)
        return err->code;
    put_i(&b, segment);
    put_i(&b, t_ns);
    put_t(&b, kind);
    put_t(&b, detail);
    return run(s, &b, NULL, err);
}

static int put_attempt(struct store *s, struct store_query *q, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_QUERY, err);
    if (!b.st)
        return err->code;
    put_t(&b, q->query_id);
    put_i(&b, q->sample);
    put_i(&b, q->attempt);
    put_i(&b, q->segment);
    put_t(&b, q->domain);
    put_t(&b, query_status_name(q->status));
    put_t(&b, q->reason);
    put_i(&b, q->t_send);
    put_i(&b, q->t_first);
    put_i(&b, q->t_first_answer);
    put_i(&b, q->t_last);
    put_i(&b, q->t_end);
    put_i(&b, q->n_in);
    put_i(&b, q->n_cached);
    put_i(&b, q->n_out);
    put_i(&b, q->n_reason);
    put_t(&b, q->token_source);
    put_t(&b, q->stop);
    put_i(&b, q->in_flight);
    put_f(&b, q->logprob_mean);
    put_f(&b, q->logprob_min);
    put_f(&b, q->margin_first);
    int64_t id = STORE_NULL;
    int rc = run(s, &b, &id, err);
    if (!rc && id == STORE_NULL)
        rc = ipw_err_set(err, IPW_E_BUG, "question '%s' (sample %lld, attempt %lld) is in run '%s' already; please "
                         "report it", q->query_id, (long long)q->sample, (long long)q->attempt, s->dir);
    q->id = rc ? q->id : id;
    return rc;
}

static int put_served(struct store *s, int64_t query, const struct store_served *v, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_SERVED, err);
    if (!b.st)
        return err->code;
    put_i(&b, query);
    put_i(&b, v->t_due);
    put_i(&b, v->load_ns);
    put_i(&b, v->prompt_ns);
    put_i(&b, v->decode_ns);
    return run(s, &b, NULL, err);
}

static int put_text(struct store *s, int64_t query, const struct store_text *t, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_TEXT, err);
    if (!b.st)
        return err->code;
    put_i(&b, query);
    put_t(&b, t->prompt);
    put_t(&b, t->answer);
    put_t(&b, t->thinking);
    put_blob(&b, t->stamps, t->stamps_size);
    return run(s, &b, NULL, err);
}

static int put_question(struct store *s, const struct store_question *q, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_QUESTION, err);
    if (!b.st)
        return err->code;
    put_t(&b, q->query_id);
    put_t(&b, q->type);
    put_t(&b, q->scorer);
    put_t(&b, q->tmpl);
    put_t(&b, q->record);
    return run(s, &b, NULL, err);
}

int store_put_query(struct store *s, struct store_query *q, const struct store_text *t,
                    const struct store_question *question, struct ipw_err *err)
{
    int rc = put_attempt(s, q, err);
    if (!rc && q->served)
        rc = put_served(s, q->id, q->served, err);
    if (!rc)
        rc = put_text(s, q->id, t, err);
    return rc ? rc : put_question(s, question, err);
}

/* ---- what finish derives ---- */

int store_clear_energy(struct store *s, int64_t version, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_ENERGY_CLEAR, err);
    if (!b.st)
        return err->code;
    put_i(&b, version);
    return run(s, &b, NULL, err);
}

int store_put_energy(struct store *s, const struct store_energy *e, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_ENERGY, err);
    if (!b.st)
        return err->code;
    put_i(&b, e->version);
    put_i(&b, e->query);
    put_t(&b, e->phase);
    put_i(&b, e->channel);
    put_i(&b, e->nj);
    put_i(&b, e->u_nj);
    put_t(&b, e->method);
    put_t(&b, energy_status_name(e->status));
    put_t(&b, e->reason);
    return run(s, &b, NULL, err);
}

int store_put_score(struct store *s, const struct store_score *sc, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_SCORE, err);
    if (!b.st)
        return err->code;
    put_i(&b, sc->query);
    put_t(&b, sc->scorer);
    put_i(&b, sc->version);
    put_t(&b, score_status_name(sc->status));
    put_f(&b, sc->value);
    put_t(&b, sc->extracted);
    put_t(&b, sc->method);
    return run(s, &b, NULL, err);
}

int store_put_judged(struct store *s, const struct store_judged *j, struct ipw_err *err)
{
    struct binder b = bind(s, SQL_JUDGED, err);
    if (!b.st)
        return err->code;
    put_i(&b, j->query);
    put_t(&b, j->scorer);
    put_i(&b, j->version);
    put_i(&b, j->game);
    put_t(&b, j->text);
    put_i(&b, j->n_in);
    put_i(&b, j->n_out);
    return run(s, &b, NULL, err);
}
