#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/internal.h"

enum { BUSY_MS = 5000 };

static const char *const store_sql[SQL_N] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_META_PUT] = "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)",
    [SQL_META_GET] = "SELECT value FROM meta WHERE key = ?",
    [SQL_SEGMENT] = "INSERT INTO segment(boot_id, host, pid, started_real_ns, anchor_raw_ns, anchor_boot_ns,"
                    " ipw_build, engine, engine_build, cpu_variant, power_source, env)"
                    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    [SQL_SEGMENT_ENGINE] = "UPDATE segment SET engine_build = ?, cpu_variant = ?, env = ? WHERE id = ?",
    /* A meter may name a device that an engine computes on, in either order: the engine's words win. */
    [SQL_DEVICE] = "INSERT INTO device(key, name, kind, computes) VALUES(?, ?, ?, ?)"
                   " ON CONFLICT(key) DO UPDATE SET"
                   " name = iif(excluded.computes > computes, excluded.name, name),"
                   " kind = iif(excluded.computes > computes, excluded.kind, kind),"
                   " computes = max(computes, excluded.computes) RETURNING id",
    [SQL_CHANNEL_FIND] = "SELECT id, kind, unit_nj, modulus FROM channel WHERE device IS ? AND name IS ?",
    [SQL_CHANNEL] = "INSERT INTO channel(device, name, scope, kind, unit_nj, modulus, period_ns, window_ns,"
                    " quantum_nj, latency_ns, gain_u, in_total, why, source, verified)"
                    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    [SQL_CHANNEL_TOTAL] = "UPDATE channel SET in_total = ?, why = ?, period_ns = coalesce(?, period_ns) WHERE id = ?",
    [SQL_READING] = "INSERT INTO reading(segment, channel, t0_ns, t1_ns, n, fmt, data) VALUES(?, ?, ?, ?, ?, ?, ?)",
    [SQL_CLOCK] = "INSERT INTO clock(segment, raw_ns, boot_ns, real_ns) VALUES(?, ?, ?, ?)",
    [SQL_BASELINE] = "INSERT INTO baseline(segment, kind, t0_ns, t1_ns) VALUES(?, ?, ?, ?)",
    [SQL_EVENT] = "INSERT INTO event(segment, t_ns, kind, detail) VALUES(?, ?, ?, ?)",
    /* Gives no row when a row that was sent is in the way. */
    [SQL_QUERY] = "INSERT INTO query(query_id, sample, attempt, segment, domain, status, reason, t_send, t_first,"
                  " t_first_answer, t_last, t_end, n_in, n_cached, n_out, n_reason, token_source, stop, in_flight,"
                  " logprob_mean, logprob_min, margin_first)"
                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                  " ON CONFLICT(query_id, sample, attempt) DO UPDATE SET segment = excluded.segment,"
                  " domain = excluded.domain, status = excluded.status, reason = excluded.reason,"
                  " t_send = excluded.t_send, t_first = excluded.t_first,"
                  " t_first_answer = excluded.t_first_answer, t_last = excluded.t_last, t_end = excluded.t_end,"
                  " n_in = excluded.n_in, n_cached = excluded.n_cached, n_out = excluded.n_out,"
                  " n_reason = excluded.n_reason, token_source = excluded.token_source, stop = excluded.stop,"
                  " in_flight = excluded.in_flight, logprob_mean = excluded.logprob_mean,"
                  " logprob_min = excluded.logprob_min, margin_first = excluded.margin_first"
                  " WHERE query.status = 'not_sent' RETURNING id",
    [SQL_SERVED] = "INSERT OR REPLACE INTO served(query, t_due, load_ns, prompt_ns, decode_ns) VALUES(?, ?, ?, ?, ?)",
    [SQL_TEXT] = "INSERT OR REPLACE INTO text(query, prompt, answer, thinking, stamps) VALUES(?, ?, ?, ?, ?)",
    [SQL_QUESTION] = "INSERT INTO question(query_id, type, scorer, template, record) VALUES(?, ?, ?, ?, ?)"
                     " ON CONFLICT(query_id) DO NOTHING",
    [SQL_ENERGY_CLEAR] = "DELETE FROM energy WHERE version = ?",
    [SQL_ENERGY] = "INSERT INTO energy(version, query, phase, channel, nj, u_nj, method, status, reason)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_SCORE] = "INSERT OR REPLACE INTO score(query, scorer, version, status, value, extracted, method)"
                  " VALUES(?, ?, ?, ?, ?, ?, ?)",
    [SQL_JUDGED] = "INSERT OR REPLACE INTO judged(query, scorer, version, game, text, n_in, n_out)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?)",
    [SQL_SCORE_VERSION] = "SELECT max(version) FROM score WHERE scorer = ?",
    [SQL_ANSWER] = "SELECT t.answer, r.record FROM query q JOIN text t ON t.query = q.id JOIN question r USING(query_id)"
                   " WHERE q.query_id = ? AND q.sample = ? AND q.status IN ('ok', 'truncated') ORDER BY q.attempt DESC LIMIT 1",
    [SQL_LAST_ATTEMPT] = "SELECT max(attempt) FROM query WHERE query_id = ? AND sample = ?",
    [SQL_EXTRACTED] = "SELECT c.extracted FROM query q JOIN score c ON c.query = q.id WHERE q.query_id = ? AND q.sample = ?"
                      " AND c.scorer = ? AND c.version = ? ORDER BY q.attempt DESC LIMIT 1",
};

sqlite3_stmt *store_stmt(struct store *s, enum store_sql id, struct ipw_err *err)
{
    if (!s->stmt[id] &&
        sqlite3_prepare_v3(s->db, store_sql[id], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[id], NULL))
        store_fail(s, err);
    return s->stmt[id];
}

int store_fail(struct store *s, struct ipw_err *err)
{
    int rc = sqlite3_errcode(s->db), e = sqlite3_system_errno(s->db);
    const char *text = sqlite3_errmsg(s->db), *dir = s->dir;
    e = e ? e : errno; /* a failed COMMIT leaves it only there */
    switch (rc) {
    case SQLITE_FULL:
        e = ENOSPC; /* SQLite forgets the errno of this one */
        /* fallthrough */
    case SQLITE_IOERR:
        if (e == ENOSPC || e == EDQUOT)
            return ipw_err_set(err, IPW_E_IO, "cannot write run '%s': %s; free space, then resume with ipw profile "
                               "--resume %s", dir, fs_reason(e), dir);
        return ipw_err_set(err, IPW_E_IO, "cannot read or write run '%s': %s (%s); check the disk, then resume with "
                           "ipw profile --resume %s", dir, text, e ? strerror(e) : "no reason given", dir);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ipw_err_set(err, IPW_E_IO, "cannot open run '%s': %s; check the folder and its permissions", dir,
                           e ? strerror(e) : text);
    case SQLITE_READONLY:
        return ipw_err_set(err, IPW_E_IO, "cannot write run '%s': %s; check the folder and its permissions", dir,
                           text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ipw_err_set(err, IPW_E_LOCKED, "run '%s' is held by another program; wait for it or stop it", dir);
    case SQLITE_NOTADB:
        return ipw_err_set(err, IPW_E_INPUT, "'%s/run.db' is not a run: %s; give a folder that ipw profile wrote",
                           dir, text);
    case SQLITE_CORRUPT:
        return ipw_err_set(err, IPW_E_INPUT, "run '%s' is damaged: %s; take a copy of it that is whole, or see what "
                           "sqlite3 run.db .recover saves", dir, text);
    default:
        return ipw_err_set(err, IPW_E_BUG, "run '%s': %s (SQLite code %d); please report it", dir, text,
                           sqlite3_extended_errcode(s->db));
    }
}

static int exec(struct store *s, const char *sql, struct ipw_err *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) ? store_fail(s, err) : 0;
}

static int connect_db(struct store *s, const char *name, int flags, struct ipw_err *err)
{
    int rc = sqlite3_open_v2(name, &s->db, flags, NULL);
    if (!s->db)
        IPW_BUG("out of memory");
    if (rc)
        return store_fail(s, err);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    return exec(s, "PRAGMA trusted_schema = 0", err); /* a run may come from someone else */
}

static void disconnect(struct store *s)
{
    for (int i = 0; i < SQL_N; i++)
        sqlite3_finalize(s->stmt[i]);
    memset(s->stmt, 0, sizeof s->stmt);
    sqlite3_close(s->db);
    s->db = NULL;
}

static struct store *new_store(const char *dir)
{
    struct store *s = ipw_calloc(1, sizeof *s);
    s->dir = ipw_strdup(dir);
    s->lock_fd = -1;
    return s;
}

static int give(struct store **out, struct store *s, int rc)
{
    if (rc) {
        store_close(s);
        s = NULL;
    }
    *out = s;
    return rc;
}

/* NORMAL: a kill loses nothing; power loss may cost the last seconds, never consistency. A WAL of up to 8000 pages
 * (32 MB, SQLite's default is 4) and a cache that holds them halve the cost of a commit: question ids have no order,
 * so each touches other pages, and a checkpoint writes and syncs each page once (bench/store_rate.c). */
static int set_up_writer(struct store *s, struct ipw_err *err)
{
    return exec(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000;"
                   " PRAGMA cache_size = -2000", err);
}

int store_create(struct store **out, const char *dir, struct ipw_err *err)
{
    struct store *s = new_store(dir);
    char path[PATH_MAX];
    struct stat st;
    int rc = 0;
    fs_join(path, sizeof path, dir, "run.db");
    if ((s->lock_fd = store_lock(dir, err)) < 0)
        return give(out, s, err->code);
    if (!stat(path, &st) && st.st_size > 0) /* empty: its maker was killed before the schema was in it */
        rc = ipw_err_set(err, IPW_E_INPUT, "folder '%s' holds a run already; resume it with ipw profile --resume %s, "
                         "or choose another with --output-dir", dir, dir);
    if (!rc && !(rc = connect_db(s, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err)) &&
        !(rc = store_schema_migrate(s, 0, err)))
        rc = set_up_writer(s, err);
    return give(out, s, rc);
}

static int open_write(struct store *s, const char *path, struct ipw_err *err)
{
    int version, rc;
    if ((s->lock_fd = store_lock(s->dir, err)) < 0)
        return err->code;
    if ((rc = connect_db(s, path, SQLITE_OPEN_READWRITE, err)) || (rc = store_schema_check(s, &version, err)) ||
        (rc = set_up_writer(s, err)))
        return rc;
    return store_schema_migrate(s, version, err);
}

/* SQLite's URI form of a path: what has a meaning in a URI is escaped. */
static void immutable_uri(const char *path, struct ipw_buf *uri)
{
    ipw_buf_adds(uri, "file:");
    for (; *path; path++)
        if (strchr("?#%", *path))
            ipw_buf_addf(uri, "%%%02x", (unsigned char)*path);
        else
            ipw_buf_addc(uri, *path);
    ipw_buf_adds(uri, "?immutable=1");
}

/* A WAL database needs its -shm file even to be read, and a read-only folder cannot take one. A run that was
 * closed is whole in run.db alone. */
static int open_immutable(struct store *s, const char *path, struct ipw_err *err)
{
    struct ipw_buf name = IPW_BUF_INIT;
    struct stat st;
    int version;
    ipw_buf_addf(&name, "%s-wal", path);
    bool whole = stat(name.s, &st) || st.st_size == 0;
    int rc = IPW_E_IO;
    if (!whole)
        ipw_err_set(err, rc, "run '%s' was not closed and its folder cannot be written, so the last answers cannot be "
                    "read; copy it to a folder of yours", s->dir);
    else {
        disconnect(s);
        ipw_buf_clear(&name);
        immutable_uri(path, &name);
        if (!(rc = connect_db(s, name.s, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err)))
            rc = store_schema_check(s, &version, err);
    }
    ipw_buf_release(&name);
    return rc;
}

/* One read transaction for the life of the store: every scan sees the same moment of the run. A read-only connection
 * would leave run.db-wal and -shm behind, so this one may write but does not; SQLite makes it a reader where the
 * file is write-protected. */
static int open_read(struct store *s, const char *path, struct ipw_err *err)
{
    int version, rc;
    if ((rc = connect_db(s, path, SQLITE_OPEN_READWRITE, err)) || (rc = exec(s, "PRAGMA query_only = 1; BEGIN", err)))
        return rc;
    rc = store_schema_check(s, &version, err);
    int why = sqlite3_errcode(s->db);
    return rc == IPW_E_IO && (why == SQLITE_CANTOPEN || why == SQLITE_READONLY) ? open_immutable(s, path, err) : rc;
}

int store_open(struct store **out, const char *dir, bool write, struct ipw_err *err)
{
    char path[PATH_MAX];
    *out = NULL;
    if (!fs_exists(dir))
        return ipw_err_set(err, IPW_E_INPUT, "there is no run folder '%s'; give the folder of a run", dir);
    fs_join(path, sizeof path, dir, "run.db");
    if (!fs_exists(path))
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is not a run: it holds no run.db; give a folder that ipw profile "
                           "wrote", dir);
    struct store *s = new_store(dir);
    return give(out, s, write ? open_write(s, path, err) : open_read(s, path, err));
}

void store_close(struct store *s)
{
    if (!s)
        return;
    disconnect(s); /* rolls back; the last one to leave checkpoints the WAL */
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->meta);
    free(s->dir);
    free(s);
}

static void roll_back(struct store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static int step(struct store *s, enum store_sql id, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, id, err);
    if (!st)
        return err->code;
    errno = 0;
    int rc = sqlite3_step(st) == SQLITE_DONE ? 0 : store_fail(s, err);
    sqlite3_reset(st);
    return rc;
}

int store_begin(struct store *s, struct ipw_err *err)
{
    if (s->lock_fd < 0)
        return ipw_err_set(err, IPW_E_BUG, "run '%s' was opened only to be read; please report it", s->dir);
    roll_back(s); /* what a failed writer left */
    return step(s, SQL_BEGIN, err);
}

int store_commit(struct store *s, struct ipw_err *err)
{
    int rc = step(s, SQL_COMMIT, err);
    if (rc)
        roll_back(s);
    return rc;
}
