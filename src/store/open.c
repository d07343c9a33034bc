#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "store/internal.h"

static const char *const sql[ST_N] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_PUT_META] = "INSERT OR REPLACE INTO meta VALUES(?,?)",
    [ST_GET_META] = "SELECT value FROM meta WHERE key=?",
    [ST_ADD_SEGMENT] = "INSERT INTO segment VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?)",
    [ST_ADD_DEVICE] = "INSERT INTO device VALUES(NULL,?,?,?,?)"
                      " ON CONFLICT(key) DO UPDATE SET computes = computes OR excluded.computes",
    [ST_GET_DEVICE] = "SELECT id FROM device WHERE key=?",
    [ST_ADD_CHANNEL] = "INSERT INTO channel VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [ST_GET_CHANNEL] = "SELECT id FROM channel WHERE device=? AND name=?",
    [ST_ADD_READINGS] = "INSERT INTO reading VALUES(?,?,?,?,?,?,?)",
    [ST_ADD_CLOCK] = "INSERT INTO clock VALUES(?,?,?,?)",
    [ST_ADD_EVENT] = "INSERT INTO event VALUES(?,?,?,?)",
    [ST_DROP_NOT_SENT] = "DELETE FROM query WHERE query_id=? AND sample=? AND attempt=? AND status='not_sent'"
                         " RETURNING id",
    [ST_ADD_QUERY] = "INSERT INTO query VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [ST_ADD_TEXT] = "INSERT OR REPLACE INTO text VALUES(?,?,?,?,?)",
    [ST_ADD_QUESTION] = "INSERT OR IGNORE INTO question VALUES(?,?,?,?,?)",
    [ST_CLEAR_ENERGY] = "DELETE FROM energy WHERE version=?",
    [ST_ADD_ENERGY] = "INSERT INTO energy VALUES(?,?,?,?,?,?,?,?,?)",
    [ST_PUT_SCORE] = "INSERT OR REPLACE INTO score VALUES(?,?,?,?,?,?,?)",
};

int store_error(struct store *s, const char *what, struct ipw_err *err)
{
    int code = sqlite3_extended_errcode(s->db), system = sqlite3_system_errno(s->db);
    if ((code & 0xff) == SQLITE_FULL || (((code & 0xff) == SQLITE_IOERR) && (system == ENOSPC || system == EFBIG)))
        return ipw_err_set(err, IPW_E_IO,
                           "the disk is full under '%s'; free space, then go on with: ipw profile --resume %s", s->dir,
                           s->dir);
    if ((code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_CORRUPT)
        return ipw_err_set(err, IPW_E_INPUT, "'%s/run.db' is not a run of ipw, or was damaged", s->dir);
    return ipw_err_set(err, IPW_E_IO, "cannot %s '%s/run.db': %s", what, s->dir, sqlite3_errmsg(s->db));
}

sqlite3_stmt *store_stmt(struct store *s, enum statement id, struct ipw_err *err)
{
    if (!s->st[id] && sqlite3_prepare_v3(s->db, sql[id], -1, SQLITE_PREPARE_PERSISTENT, &s->st[id], NULL)) {
        store_error(s, "use", err);
        return NULL;
    }
    return s->st[id];
}

int store_run(struct store *s, sqlite3_stmt *st, struct ipw_err *err)
{
    int rc = sqlite3_step(st) == SQLITE_DONE ? 0 : store_error(s, "write", err);
    sqlite3_reset(st);
    return rc;
}

void store_bind_int(sqlite3_stmt *st, int i, int64_t v)
{
    if (v == STORE_NULL)
        sqlite3_bind_null(st, i);
    else
        sqlite3_bind_int64(st, i, v);
}

void store_bind_text(sqlite3_stmt *st, int i, const char *s)
{
    sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
}

void store_bind_real(sqlite3_stmt *st, int i, double v)
{
    sqlite3_bind_double(st, i, v); /* SQLite stores NAN as NULL */
}

int store_lock(const char *dir, struct ipw_err *err)
{
    char path[PATH_MAX], pid[32] = "";
    fs_join(path, sizeof path, dir, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        ipw_err_set(err, IPW_E_ENV, "cannot write in run folder '%s': %s", dir, fs_reason(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        close(fd);
        ipw_err_set(err, IPW_E_LOCKED, "run '%s' is being written by process %s; wait for it, or stop it", dir,
                    *pid ? pid : "(unknown)");
        return -1;
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)n, 0) != n) {
        ipw_err_set(err, IPW_E_IO, "cannot write in run folder '%s': %s", dir, fs_reason(errno));
        close(fd);
        return -1;
    }
    return fd;
}

static int exec(struct store *s, const char *text, struct ipw_err *err)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) ? store_error(s, "prepare", err) : 0;
}

static struct store *new_store(const char *dir)
{
    struct store *s = ipw_calloc(1, sizeof *s);
    s->dir = ipw_strdup(dir);
    s->lock_fd = -1;
    return s;
}

/* WAL with synchronous=NORMAL: kill -9 loses nothing that was committed, power loss perhaps the last seconds. */
static int configure_writer(struct store *s, struct ipw_err *err)
{
    return exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000;", err);
}

int store_create(struct store **out, const char *dir, struct ipw_err *err)
{
    char path[PATH_MAX];
    struct store *s = new_store(dir);
    int rc;
    *out = NULL;
    fs_join(path, sizeof path, dir, "run.db");
    s->lock_fd = store_lock(dir, err);
    if (s->lock_fd < 0) {
        rc = err->code;
        goto fail;
    }
    if (fs_exists(path)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "'%s' already holds a run; go on with it by --resume", dir);
        goto fail;
    }
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)) {
        rc = store_error(s, "make", err);
        goto fail;
    }
    sqlite3_extended_result_codes(s->db, 1);
    if ((rc = configure_writer(s, err)) || (rc = exec(s, "BEGIN IMMEDIATE", err)) ||
        (rc = exec(s, store_schema, err)) || (rc = exec(s, "COMMIT", err)))
        goto fail;
    *out = s;
    return 0;
fail:
    store_close(s);
    return rc;
}

/* The schema number of an open file; IPW_E_INPUT when it is none of ours. */
static int check_version(struct store *s, struct ipw_err *err)
{
    sqlite3_stmt *st = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) || sqlite3_step(st) != SQLITE_ROW) {
        sqlite3_finalize(st);
        return store_error(s, "read", err);
    }
    version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    if (version > STORE_SCHEMA)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' was written by a newer ipw (schema %d, this one reads %d); update ipw",
                           s->dir, version, STORE_SCHEMA);
    if (version < 1)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' was cut off before anything was asked; start again with ipw profile",
                           s->dir);
    return 0;
}

static int open_db(struct store *s, const char *path, bool write, struct ipw_err *err)
{
    char uri[PATH_MAX * 3 + 32];
    int rc;
    if (write) {
        if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE, NULL))
            return store_error(s, "open", err);
        sqlite3_extended_result_codes(s->db, 1);
        return (rc = configure_writer(s, err)) ? rc : check_version(s, err);
    }
    if (!sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY, NULL)) {
        sqlite3_extended_result_codes(s->db, 1);
        sqlite3_busy_timeout(s->db, 5000);
        if (!(rc = check_version(s, err)) || rc == IPW_E_INPUT)
            return rc;
    }
    /* a read-only folder: WAL needs to make files there; a finished run can be read without them */
    sqlite3_close(s->db);
    s->db = NULL;
    size_t n = (size_t)snprintf(uri, sizeof uri, "file:");
    for (const char *p = path; *p && n + 24 < sizeof uri; p++)
        n += (size_t)snprintf(uri + n, sizeof uri - n, strchr("?#%", *p) ? "%%%02x" : "%c", *p);
    snprintf(uri + n, sizeof uri - n, "?immutable=1");
    if (sqlite3_open_v2(uri, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL))
        return store_error(s, "open", err);
    sqlite3_extended_result_codes(s->db, 1);
    return check_version(s, err);
}

int store_open(struct store **out, const char *dir, bool write, struct ipw_err *err)
{
    char path[PATH_MAX];
    struct store *s = new_store(dir);
    int rc = 0;
    *out = NULL;
    if (strlen(dir) + 16 > sizeof path) {
        rc = ipw_err_set(err, IPW_E_INPUT, "path '%s' is too long", dir);
        goto fail;
    }
    fs_join(path, sizeof path, dir, "run.db");
    if (!fs_exists(path)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "no run in '%s': there is no run.db; give the folder of a run", dir);
        goto fail;
    }
    if (write && (s->lock_fd = store_lock(dir, err)) < 0)
        rc = err->code;
    if (rc || (rc = open_db(s, path, write, err)))
        goto fail;
    *out = s;
    return 0;
fail:
    store_close(s);
    return rc;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < ST_N; i++)
        sqlite3_finalize(s->st[i]);
    sqlite3_close(s->db); /* rolls back an open transaction */
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->dir);
    free(s);
}

static int simple(struct store *s, enum statement id, struct ipw_err *err)
{
    sqlite3_stmt *st = store_stmt(s, id, err);
    return st ? store_run(s, st, err) : err->code;
}

int store_begin(struct store *s, struct ipw_err *err)
{
    if (s->in_transaction) { /* the last one failed half way */
        struct ipw_err ignored;
        if (!sqlite3_get_autocommit(s->db))
            simple(s, ST_ROLLBACK, &ignored);
        s->in_transaction = false;
    }
    int rc = simple(s, ST_BEGIN, err);
    s->in_transaction = !rc;
    return rc;
}

int store_commit(struct store *s, struct ipw_err *err)
{
    int rc = simple(s, ST_COMMIT, err);
    if (!rc)
        s->in_transaction = false;
    return rc;
}
