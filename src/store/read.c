#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/status.h"
#include "store/internal.h"

/* ---- meta ---- */

/* The row of a key, or NULL; the caller resets it. */
static sqlite3_stmt *meta_row(struct store *s, const char *key)
{
    struct ipw_err ignored;
    sqlite3_stmt *st = store_stmt(s, SQL_META_GET, &ignored);
    if (st && !sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC) && sqlite3_step(st) == SQLITE_ROW)
        return st;
    sqlite3_reset(st);
    return NULL;
}

const char *store_meta(struct store *s, const char *key)
{
    sqlite3_stmt *st = meta_row(s, key);
    free(s->meta);
    s->meta = st ? ipw_strdup((const char *)sqlite3_column_text(st, 0)) : NULL;
    sqlite3_reset(st);
    return s->meta;
}

int64_t store_meta_int(struct store *s, const char *key, int64_t absent)
{
    sqlite3_stmt *st = meta_row(s, key);
    bool known = st && sqlite3_column_type(st, 0) == SQLITE_INTEGER;
    int64_t v = known ? sqlite3_column_int64(st, 0) : absent;
    sqlite3_reset(st);
    return v;
}

int64_t store_score_version(struct store *s, const char *scorer)
{
    struct ipw_err ignored;
    sqlite3_stmt *st = store_stmt(s, SQL_SCORE_VERSION, &ignored);
    int64_t v = st && !sqlite3_bind_text(st, 1, scorer, -1, SQLITE_STATIC) && sqlite3_step(st) == SQLITE_ROW
                    ? sqlite3_column_int64(st, 0)
                    : 0;
    sqlite3_reset(st);
    return v;
}

/* A statement whose first two parameters are a question and a sample; NULL: it cannot be had. */
static sqlite3_stmt *of_question(struct store *s, enum store_sql sql, const char *query_id, int64_t sample)
{
    struct ipw_err ignored;
    sqlite3_stmt *st = store_stmt(s, sql, &ignored);
    return st && !sqlite3_bind_text(st, 1, query_id, -1, SQLITE_STATIC) && !sqlite3_bind_int64(st, 2, sample) ? st : NULL;
}

bool store_answer(struct store *s, const char *query_id, int64_t sample, char **answer, char **record)
{
    sqlite3_stmt *st = of_question(s, SQL_ANSWER, query_id, sample);
    bool found = st && sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0) && sqlite3_column_text(st, 1);
    *answer = found ? ipw_strdup((const char *)sqlite3_column_text(st, 0)) : NULL;
    *record = found ? ipw_strdup((const char *)sqlite3_column_text(st, 1)) : NULL;
    sqlite3_reset(st);
    return found;
}

int64_t store_last_attempt(struct store *s, const char *query_id, int64_t sample)
{
    sqlite3_stmt *st = of_question(s, SQL_LAST_ATTEMPT, query_id, sample);
    int64_t v = st && sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_reset(st);
    return v;
}

char *store_extracted(struct store *s, const char *query_id, int64_t sample, const char *scorer, int64_t version)
{
    sqlite3_stmt *st = of_question(s, SQL_EXTRACTED, query_id, sample);
    bool found = st && !sqlite3_bind_text(st, 3, scorer, -1, SQLITE_STATIC) && !sqlite3_bind_int64(st, 4, version) &&
                 sqlite3_step(st) == SQLITE_ROW;
    char *text = found ? ipw_strdup((const char *)sqlite3_column_text(st, 0)) : NULL;
    sqlite3_reset(st);
    return text;
}

/* ---- scans ---- */

/* Prepared anew for each scan, so that a callback may scan and write. */
struct cursor {
    struct store *s;
    sqlite3_stmt *st;
    int rc; /* SQLite's, of the last step */
};

static int cursor_open(struct cursor *c, struct store *s, const char *sql, struct ipw_err *err)
{
    *c = (struct cursor){.s = s};
    return sqlite3_prepare_v2(s->db, sql, -1, &c->st, NULL) ? store_fail(s, err) : 0;
}

static bool cursor_next(struct cursor *c)
{
    c->rc = sqlite3_step(c->st);
    return c->rc == SQLITE_ROW;
}

/* rc: the callback's. */
static int cursor_close(struct cursor *c, int rc, struct ipw_err *err)
{
    if (!rc && c->rc != SQLITE_DONE)
        rc = store_fail(c->s, err);
    sqlite3_finalize(c->st);
    return rc;
}

static int64_t get_i(const struct cursor *c, int i)
{
    return sqlite3_column_type(c->st, i) == SQLITE_NULL ? STORE_NULL : sqlite3_column_int64(c->st, i);
}

static double get_f(const struct cursor *c, int i)
{
    return sqlite3_column_type(c->st, i) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(c->st, i);
}

static const char *get_t(const struct cursor *c, int i)
{
    return (const char *)sqlite3_column_text(c->st, i);
}

static bool get_b(const struct cursor *c, int i)
{
    return sqlite3_column_int(c->st, i) != 0;
}

static size_t get_size(const struct cursor *c, int i)
{
    return (size_t)sqlite3_column_bytes(c->st, i);
}

/* *status of a word; a word that is none is an error, not a guess. */
static int get_status(const struct cursor *c, int i, int (*of)(const char *), int *status, struct ipw_err *err)
{
    const char *word = get_t(c, i);
    *status = of(word);
    if (*status >= 0)
        return 0;
    return ipw_err_set(err, IPW_E_INPUT, "run '%s' holds the status '%s', which this ipw does not know; use the ipw "
                       "that wrote it", c->s->dir, word ? word : "NULL");
}

int store_each_segment(struct store *s, int (*fn)(const struct store_segment *, void *), void *ud,
                       struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s,
                         "SELECT id, boot_id, host, pid, started_real_ns, anchor_raw_ns, anchor_boot_ns, ipw_build,"
                         " engine, engine_build, cpu_variant, power_source, env FROM segment ORDER BY id",
                         err);
    while (!rc && cursor_next(&c)) {
        struct store_segment seg = {.id = get_i(&c, 0),
                                    .boot_id = get_t(&c, 1),
                                    .host = get_t(&c, 2),
                                    .pid = get_i(&c, 3),
                                    .started_real_ns = get_i(&c, 4),
                                    .anchor_raw_ns = get_i(&c, 5),
                                    .anchor_boot_ns = get_i(&c, 6),
                                    .ipw_build = get_t(&c, 7),
                                    .engine = get_t(&c, 8),
                                    .engine_build = get_t(&c, 9),
                                    .cpu_variant = get_t(&c, 10),
                                    .power_source = get_t(&c, 11),
                                    .env = get_t(&c, 12)};
        rc = fn(&seg, ud);
    }
    return cursor_close(&c, rc, err);
}

int store_each_device(struct store *s, int (*fn)(const struct store_device *, void *), void *ud, struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s, "SELECT id, key, name, kind, computes FROM device ORDER BY id", err);
    while (!rc && cursor_next(&c)) {
        struct store_device d = {.id = get_i(&c, 0),
                                 .key = get_t(&c, 1),
                                 .name = get_t(&c, 2),
                                 .kind = get_t(&c, 3),
                                 .computes = get_b(&c, 4)};
        rc = fn(&d, ud);
    }
    return cursor_close(&c, rc, err);
}

int store_each_channel(struct store *s, int (*fn)(const struct store_channel *, void *), void *ud,
                       struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s,
                         "SELECT id, device, name, scope, kind, unit_nj, modulus, period_ns, window_ns, quantum_nj,"
                         " latency_ns, gain_u, in_total, why, source, verified FROM channel ORDER BY id",
                         err);
    while (!rc && cursor_next(&c)) {
        struct store_channel ch = {.id = get_i(&c, 0),
                                   .device = get_i(&c, 1),
                                   .name = get_t(&c, 2),
                                   .scope = get_t(&c, 3),
                                   .kind = get_t(&c, 4),
                                   .unit_nj = get_f(&c, 5),
                                   .modulus = (uint64_t)sqlite3_column_int64(c.st, 6),
                                   .period_ns = get_i(&c, 7),
                                   .window_ns = get_i(&c, 8),
                                   .quantum_nj = get_i(&c, 9),
                                   .latency_ns = get_i(&c, 10),
                                   .gain_u = get_f(&c, 11),
                                   .in_total = get_b(&c, 12),
                                   .why = get_t(&c, 13),
                                   .source = get_t(&c, 14),
                                   .verified = get_t(&c, 15)};
        rc = fn(&ch, ud);
    }
    return cursor_close(&c, rc, err);
}

/* A caller makes room for n readings, so a damaged n must not get out: a packed reading has 4 bytes or more. */
static int check_block(const struct store *s, const struct store_reading_block *b, struct ipw_err *err)
{
    if (b->n >= 0 && (b->fmt != 1 || (uint64_t)b->n <= b->size / 4))
        return 0;
    return ipw_err_set(err, IPW_E_INPUT, "run '%s' is damaged: a block of readings says %lld and holds %zu bytes; take "
                       "a copy of it that is whole", s->dir, (long long)b->n, b->size);
}

int store_each_readings(struct store *s, int64_t segment, int64_t channel,
                        int (*fn)(const struct store_reading_block *, void *), void *ud, struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s,
                         "SELECT t0_ns, t1_ns, n, fmt, data FROM reading WHERE segment = ? AND channel = ?"
                         " ORDER BY t0_ns",
                         err);
    if (!rc && (sqlite3_bind_int64(c.st, 1, segment) || sqlite3_bind_int64(c.st, 2, channel)))
        rc = store_fail(s, err);
    while (!rc && cursor_next(&c)) {
        struct store_reading_block b = {.segment = segment,
                                        .channel = channel,
                                        .t0_ns = get_i(&c, 0),
                                        .t1_ns = get_i(&c, 1),
                                        .n = get_i(&c, 2),
                                        .fmt = get_i(&c, 3),
                                        .data = sqlite3_column_blob(c.st, 4),
                                        .size = get_size(&c, 4)};
        if (!(rc = check_block(s, &b, err)))
            rc = fn(&b, ud);
    }
    return cursor_close(&c, rc, err);
}

static struct store_query query_of(const struct cursor *c, int status)
{
    return (struct store_query){.id = get_i(c, 0),
                                .query_id = get_t(c, 1),
                                .sample = get_i(c, 2),
                                .attempt = get_i(c, 3),
                                .segment = get_i(c, 4),
                                .domain = get_t(c, 5),
                                .status = status,
                                .reason = get_t(c, 7),
                                .t_send = get_i(c, 8),
                                .t_first = get_i(c, 9),
                                .t_first_answer = get_i(c, 10),
                                .t_last = get_i(c, 11),
                                .t_end = get_i(c, 12),
                                .n_in = get_i(c, 13),
                                .n_cached = get_i(c, 14),
                                .n_out = get_i(c, 15),
                                .n_reason = get_i(c, 16),
                                .token_source = get_t(c, 17),
                                .stop = get_t(c, 18),
                                .in_flight = get_i(c, 19),
                                .logprob_mean = get_f(c, 20),
                                .logprob_min = get_f(c, 21),
                                .margin_first = get_f(c, 22)};
}

int store_each_query(struct store *s, int with, int (*fn)(const struct store_query_row *, void *), void *ud,
                     struct ipw_err *err)
{
    bool text = with & (STORE_WITH_TEXT | STORE_WITH_STAMPS), question = with & STORE_WITH_QUESTION, served = s->schema >= 2;
    char sql[1200];
    struct cursor c;
    snprintf(sql, sizeof sql,
             "SELECT q.id, q.query_id, q.sample, q.attempt, q.segment, q.domain, q.status, q.reason, q.t_send,"
             " q.t_first, q.t_first_answer, q.t_last, q.t_end, q.n_in, q.n_cached, q.n_out, q.n_reason,"
             " q.token_source, q.stop, q.in_flight, q.logprob_mean, q.logprob_min, q.margin_first, %s, %s, %s"
             " FROM query q %s %s %s ORDER BY q.id",
             with & STORE_WITH_TEXT ? "t.prompt, t.answer, t.thinking, t.stamps"
             : text                 ? "NULL, NULL, NULL, t.stamps"
                                    : "NULL, NULL, NULL, NULL",
             question ? "u.query_id, u.type, u.scorer, u.template, u.record" : "NULL, NULL, NULL, NULL, NULL",
             served ? "v.query, v.t_due, v.load_ns, v.prompt_ns, v.decode_ns" : "NULL, NULL, NULL, NULL, NULL",
             text ? "LEFT JOIN text t ON t.query = q.id" : "",
             question ? "LEFT JOIN question u ON u.query_id = q.query_id" : "",
             served ? "LEFT JOIN served v ON v.query = q.id" : "");
    int rc = cursor_open(&c, s, sql, err);
    while (!rc && cursor_next(&c)) {
        int status;
        if ((rc = get_status(&c, 6, query_status_of, &status, err)))
            break;
        struct store_query_row row = {.q = query_of(&c, status),
                                      .text = {.prompt = get_t(&c, 23),
                                               .answer = get_t(&c, 24),
                                               .thinking = get_t(&c, 25),
                                               .stamps = sqlite3_column_blob(c.st, 26),
                                               .stamps_size = get_size(&c, 26)},
                                      .question = {.query_id = get_t(&c, 27),
                                                   .type = get_t(&c, 28),
                                                   .scorer = get_t(&c, 29),
                                                   .tmpl = get_t(&c, 30),
                                                   .record = get_t(&c, 31)}};
        struct store_served v = {get_i(&c, 33), get_i(&c, 34), get_i(&c, 35), get_i(&c, 36)};
        row.q.served = get_i(&c, 32) == STORE_NULL ? NULL : &v;
        rc = fn(&row, ud);
    }
    return cursor_close(&c, rc, err);
}

/* The table itself, in the order of its pages: its rows are narrow (text is elsewhere), and the unique index, which
 * has no status, would cost a look-up per row. */
int store_each_key(struct store *s,
                   int (*fn)(const char *query_id, int64_t sample, int64_t attempt, int status, void *), void *ud,
                   struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s, "SELECT query_id, sample, attempt, status FROM query NOT INDEXED", err);
    while (!rc && cursor_next(&c)) {
        int status;
        if (!(rc = get_status(&c, 3, query_status_of, &status, err)))
            rc = fn(get_t(&c, 0), get_i(&c, 1), get_i(&c, 2), status, ud);
    }
    return cursor_close(&c, rc, err);
}

int64_t store_energy_version(struct store *s)
{
    struct cursor c;
    struct ipw_err ignored;
    int64_t v = STORE_NULL;
    if (cursor_open(&c, s, "SELECT max(version) FROM energy", &ignored))
        return 0;
    if (cursor_next(&c))
        v = get_i(&c, 0);
    sqlite3_finalize(c.st);
    return v == STORE_NULL ? 0 : v;
}

int store_each_energy(struct store *s, int64_t version, int (*fn)(const struct store_energy *, void *), void *ud,
                      struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s,
                         "SELECT query, phase, channel, nj, u_nj, method, status, reason FROM energy"
                         " WHERE version = ? ORDER BY query, phase, channel",
                         err);
    if (!rc && sqlite3_bind_int64(c.st, 1, version))
        rc = store_fail(s, err);
    while (!rc && cursor_next(&c)) {
        struct store_energy e = {.version = version,
                                 .query = get_i(&c, 0),
                                 .phase = get_t(&c, 1),
                                 .channel = get_i(&c, 2),
                                 .nj = get_i(&c, 3),
                                 .u_nj = get_i(&c, 4),
                                 .method = get_t(&c, 5),
                                 .reason = get_t(&c, 7)};
        if (!(rc = get_status(&c, 6, energy_status_of, &e.status, err)))
            rc = fn(&e, ud);
    }
    return cursor_close(&c, rc, err);
}

int store_each_score(struct store *s, int (*fn)(const struct store_score *, void *), void *ud, struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s,
                         "SELECT query, scorer, version, status, value, extracted, method FROM score"
                         " ORDER BY query, scorer, version",
                         err);
    while (!rc && cursor_next(&c)) {
        struct store_score sc = {.query = get_i(&c, 0),
                                 .scorer = get_t(&c, 1),
                                 .version = get_i(&c, 2),
                                 .value = get_f(&c, 4),
                                 .extracted = get_t(&c, 5),
                                 .method = get_t(&c, 6)};
        if (!(rc = get_status(&c, 3, score_status_of, &sc.status, err)))
            rc = fn(&sc, ud);
    }
    return cursor_close(&c, rc, err);
}

int store_each_clock(struct store *s, int (*fn)(int64_t segment, int64_t raw, int64_t boot, int64_t real, void *),
                     void *ud, struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s, "SELECT segment, raw_ns, boot_ns, real_ns FROM clock ORDER BY segment, raw_ns", err);
    while (!rc && cursor_next(&c))
        rc = fn(get_i(&c, 0), get_i(&c, 1), get_i(&c, 2), get_i(&c, 3), ud);
    return cursor_close(&c, rc, err);
}

int store_each_baseline(struct store *s, int (*fn)(const struct store_baseline *, void *), void *ud,
                        struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s, "SELECT segment, kind, t0_ns, t1_ns FROM baseline ORDER BY segment, t0_ns", err);
    while (!rc && cursor_next(&c)) {
        struct store_baseline b = {get_i(&c, 0), get_t(&c, 1), get_i(&c, 2), get_i(&c, 3)};
        rc = fn(&b, ud);
    }
    return cursor_close(&c, rc, err);
}

int store_each_event(struct store *s,
                     int (*fn)(int64_t segment, int64_t t_ns, const char *kind, const char *detail, void *), void *ud,
                     struct ipw_err *err)
{
    struct cursor c;
    int rc = cursor_open(&c, s, "SELECT segment, t_ns, kind, detail FROM event ORDER BY segment, t_ns, rowid", err);
    while (!rc && cursor_next(&c))
        rc = fn(get_i(&c, 0), get_i(&c, 1), get_t(&c, 2), get_t(&c, 3), ud);
    return cursor_close(&c, rc, err);
}
