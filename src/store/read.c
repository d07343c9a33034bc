#include <math.h>

#include "base/status.h"
#include "store/internal.h"

static int64_t col_int(sqlite3_stmt *st, int i)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL ? STORE_NULL : sqlite3_column_int64(st, i);
}

static double col_real(sqlite3_stmt *st, int i)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(st, i);
}

static const char *col_text(sqlite3_stmt *st, int i)
{
    return (const char *)sqlite3_column_text(st, i);
}

const char *store_meta(struct store *s, const char *key)
{
    struct ipw_err ignored;
    sqlite3_stmt *st = store_stmt(s, ST_GET_META, &ignored);
    if (!st)
        return NULL;
    sqlite3_reset(st); /* here, not after the step: the text lives until the next call */
    store_bind_text(st, 1, key);
    return sqlite3_step(st) == SQLITE_ROW ? col_text(st, 0) : NULL;
}

int64_t store_meta_int(struct store *s, const char *key, int64_t absent)
{
    struct ipw_err ignored;
    sqlite3_stmt *st = store_stmt(s, ST_GET_META, &ignored);
    int64_t v = absent;
    if (!st)
        return v;
    sqlite3_reset(st);
    store_bind_text(st, 1, key);
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) == SQLITE_INTEGER)
        v = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return v;
}

/* Runs a SELECT; row is called for each of its rows until it returns non-zero. */
static int each(struct store *s, const char *sql, const int64_t *arg, int n_arg, int (*row)(sqlite3_stmt *, void *),
                void *ud, struct ipw_err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = 0, step = SQLITE_DONE;
    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL))
        return store_error(s, "read", err);
    for (int i = 0; i < n_arg; i++)
        sqlite3_bind_int64(st, i + 1, arg[i]);
    while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW)
        rc = row(st, ud);
    if (!rc && step != SQLITE_DONE)
        rc = store_error(s, "read", err);
    sqlite3_finalize(st);
    return rc;
}

/* Each scan pairs the caller's function with the reader of its row. */
struct segment_scan {
    int (*fn)(const struct store_segment *, void *);
    void *ud;
};

static int segment_row(sqlite3_stmt *st, void *arg)
{
    struct segment_scan *c = arg;
    struct store_segment g = {.id = col_int(st, 0), .boot_id = col_text(st, 1), .host = col_text(st, 2),
                              .pid = col_int(st, 3), .started_real_ns = col_int(st, 4),
                              .anchor_raw_ns = col_int(st, 5), .anchor_boot_ns = col_int(st, 6),
                              .ipw_build = col_text(st, 7), .engine = col_text(st, 8),
                              .engine_build = col_text(st, 9), .cpu_variant = col_text(st, 10),
                              .power_source = col_text(st, 11), .env = col_text(st, 12)};
    return c->fn(&g, c->ud);
}

int store_each_segment(struct store *s, int (*fn)(const struct store_segment *, void *), void *ud, struct ipw_err *err)
{
    struct segment_scan c = {fn, ud};
    return each(s, "SELECT * FROM segment ORDER BY id", NULL, 0, segment_row, &c, err);
}

struct device_scan {
    int (*fn)(const struct store_device *, void *);
    void *ud;
};

static int device_row(sqlite3_stmt *st, void *arg)
{
    struct device_scan *c = arg;
    struct store_device d = {col_int(st, 0), col_text(st, 1), col_text(st, 2), col_text(st, 3), col_int(st, 4) == 1};
    return c->fn(&d, c->ud);
}

int store_each_device(struct store *s, int (*fn)(const struct store_device *, void *), void *ud, struct ipw_err *err)
{
    struct device_scan c = {fn, ud};
    return each(s, "SELECT * FROM device ORDER BY id", NULL, 0, device_row, &c, err);
}

struct channel_scan {
    int (*fn)(const struct store_channel *, void *);
    void *ud;
};

static int channel_row(sqlite3_stmt *st, void *arg)
{
    struct channel_scan *c = arg;
    struct store_channel h = {.id = col_int(st, 0), .device = col_int(st, 1), .name = col_text(st, 2),
                              .scope = col_text(st, 3), .kind = col_text(st, 4), .unit_nj = col_real(st, 5),
                              .modulus = (uint64_t)sqlite3_column_int64(st, 6), .period_ns = col_int(st, 7),
                              .window_ns = col_int(st, 8), .quantum_nj = col_int(st, 9), .latency_ns = col_int(st, 10),
                              .gain_u = col_real(st, 11), .in_total = col_int(st, 12) == 1, .why = col_text(st, 13),
                              .source = col_text(st, 14), .verified = col_text(st, 15)};
    return c->fn(&h, c->ud);
}

int store_each_channel(struct store *s, int (*fn)(const struct store_channel *, void *), void *ud, struct ipw_err *err)
{
    struct channel_scan c = {fn, ud};
    return each(s, "SELECT * FROM channel ORDER BY id", NULL, 0, channel_row, &c, err);
}

struct reading_scan {
    int (*fn)(const struct store_reading_block *, void *);
    void *ud;
};

static int reading_row(sqlite3_stmt *st, void *arg)
{
    struct reading_scan *c = arg;
    struct store_reading_block b = {.segment = col_int(st, 0), .channel = col_int(st, 1), .t0_ns = col_int(st, 2),
                                    .t1_ns = col_int(st, 3), .n = col_int(st, 4), .fmt = col_int(st, 5),
                                    .data = sqlite3_column_blob(st, 6), .size = (size_t)sqlite3_column_bytes(st, 6)};
    return c->fn(&b, c->ud);
}

int store_each_readings(struct store *s, int64_t segment, int64_t channel,
                        int (*fn)(const struct store_reading_block *, void *), void *ud, struct ipw_err *err)
{
    struct reading_scan c = {fn, ud};
    const int64_t arg[] = {segment, channel};
    return each(s, "SELECT * FROM reading WHERE segment=? AND channel=? ORDER BY t0_ns", arg, 2, reading_row, &c, err);
}

struct query_scan {
    int (*fn)(const struct store_query_row *, void *);
    void *ud;
    int with;
};

static int query_row(sqlite3_stmt *st, void *arg)
{
    struct query_scan *c = arg;
    struct store_query_row r = {
        .q = {.id = col_int(st, 0), .query_id = col_text(st, 1), .sample = col_int(st, 2), .attempt = col_int(st, 3),
              .segment = col_int(st, 4), .domain = col_text(st, 5), .status = query_status_of(col_text(st, 6)),
              .reason = col_text(st, 7), .t_send = col_int(st, 8), .t_first = col_int(st, 9),
              .t_first_answer = col_int(st, 10), .t_last = col_int(st, 11), .t_end = col_int(st, 12),
              .n_in = col_int(st, 13), .n_cached = col_int(st, 14), .n_out = col_int(st, 15),
              .n_reason = col_int(st, 16), .token_source = col_text(st, 17), .stop = col_text(st, 18),
              .in_flight = col_int(st, 19), .logprob_mean = col_real(st, 20), .logprob_min = col_real(st, 21),
              .margin_first = col_real(st, 22)}};
    int i = 23;
    if (c->with & STORE_WITH_TEXT) {
        r.text = (struct store_text){col_text(st, i), col_text(st, i + 1), col_text(st, i + 2),
                                     sqlite3_column_blob(st, i + 3), (size_t)sqlite3_column_bytes(st, i + 3)};
        i += 4;
    }
    if (c->with & STORE_WITH_QUESTION)
        r.question = (struct store_question){r.q.query_id, col_text(st, i), col_text(st, i + 1), col_text(st, i + 2),
                                             col_text(st, i + 3)};
    if (r.q.status < 0)
        r.q.status = QUERY_ERROR; /* a word of a newer ipw */
    return c->fn(&r, c->ud);
}

int store_each_query(struct store *s, int with, int (*fn)(const struct store_query_row *, void *), void *ud,
                     struct ipw_err *err)
{
#define TEXT_COLS ", t.prompt, t.answer, t.thinking, t.stamps"
#define QUESTION_COLS ", o.type, o.scorer, o.template, o.record"
#define TEXT_JOIN " LEFT JOIN text t ON t.query = q.id"
#define QUESTION_JOIN " LEFT JOIN question o ON o.query_id = q.query_id"
    static const char *const sql[] = {
        [0] = "SELECT q.* FROM query q ORDER BY q.id",
        [STORE_WITH_TEXT] = "SELECT q.*" TEXT_COLS " FROM query q" TEXT_JOIN " ORDER BY q.id",
        [STORE_WITH_QUESTION] = "SELECT q.*" QUESTION_COLS " FROM query q" QUESTION_JOIN " ORDER BY q.id",
        [STORE_WITH_TEXT | STORE_WITH_QUESTION] =
            "SELECT q.*" TEXT_COLS QUESTION_COLS " FROM query q" TEXT_JOIN QUESTION_JOIN " ORDER BY q.id",
    };
    struct query_scan c = {fn, ud, with};
    return each(s, sql[with], NULL, 0, query_row, &c, err);
}

struct key_scan {
    int (*fn)(const char *, int64_t, int64_t, int, void *);
    void *ud;
};

static int key_row(sqlite3_stmt *st, void *arg)
{
    struct key_scan *c = arg;
    return c->fn(col_text(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2),
                 query_status_of(col_text(st, 3)), c->ud);
}

int store_each_key(struct store *s,
                   int (*fn)(const char *query_id, int64_t sample, int64_t attempt, int status, void *), void *ud,
                   struct ipw_err *err)
{
    struct key_scan c = {fn, ud};
    return each(s, "SELECT query_id, sample, attempt, status FROM query", NULL, 0, key_row, &c, err);
}

struct energy_scan {
    int (*fn)(const struct store_energy *, void *);
    void *ud;
};

static int energy_row(sqlite3_stmt *st, void *arg)
{
    struct energy_scan *c = arg;
    struct store_energy e = {.version = col_int(st, 0), .query = col_int(st, 1), .phase = col_text(st, 2),
                             .channel = col_int(st, 3), .nj = col_int(st, 4), .u_nj = col_int(st, 5),
                             .method = col_text(st, 6), .status = energy_status_of(col_text(st, 7)),
                             .reason = col_text(st, 8)};
    if (e.status < 0)
        e.status = ENERGY_MISSING;
    return c->fn(&e, c->ud);
}

int store_each_energy(struct store *s, int64_t version, int (*fn)(const struct store_energy *, void *), void *ud,
                      struct ipw_err *err)
{
    struct energy_scan c = {fn, ud};
    return each(s, "SELECT * FROM energy WHERE version=? ORDER BY query, phase, channel", &version, 1, energy_row, &c,
                err);
}

struct score_scan {
    int (*fn)(const struct store_score *, void *);
    void *ud;
};

static int score_row(sqlite3_stmt *st, void *arg)
{
    struct score_scan *c = arg;
    struct store_score r = {.query = col_int(st, 0), .scorer = col_text(st, 1), .version = col_int(st, 2),
                            .status = score_status_of(col_text(st, 3)), .value = col_real(st, 4),
                            .extracted = col_text(st, 5), .method = col_text(st, 6)};
    if (r.status < 0)
        r.status = SCORE_PENDING;
    return c->fn(&r, c->ud);
}

int store_each_score(struct store *s, int (*fn)(const struct store_score *, void *), void *ud, struct ipw_err *err)
{
    struct score_scan c = {fn, ud};
    return each(s, "SELECT * FROM score ORDER BY query, scorer, version", NULL, 0, score_row, &c, err);
}

struct event_scan {
    int (*fn)(int64_t, int64_t, const char *, const char *, void *);
    void *ud;
};

static int event_row(sqlite3_stmt *st, void *arg)
{
    struct event_scan *c = arg;
    return c->fn(col_int(st, 0), col_int(st, 1), col_text(st, 2), col_text(st, 3), c->ud);
}

int store_each_event(struct store *s, int (*fn)(int64_t segment, int64_t t_ns, const char *kind, const char *detail, void *),
                     void *ud, struct ipw_err *err)
{
    struct event_scan c = {fn, ud};
    return each(s, "SELECT * FROM event ORDER BY segment, t_ns", NULL, 0, event_row, &c, err);
}
