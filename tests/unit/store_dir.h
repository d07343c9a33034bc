/* What the tests of the run store share: a folder per test, a look past the store, rows to put. */
#ifndef IPW_TESTS_STORE_DIR_H
#define IPW_TESTS_STORE_DIR_H

#include "check.h"

#include <dirent.h>
#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/status.h"
#include "store/store.h"

static struct ipw_err err;

#define ok(call) ok_at((call), #call, __LINE__)
static inline void ok_at(int rc, const char *what, int line)
{
    if (rc) {
        print_error("%s: code %d: %s\n", what, rc, err.text);
        _fail(__FILE__, line);
    }
}

#define says(words) assert_non_null(strstr(err.text, words))

static inline int make_dir(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = malloc(PATH_MAX);
    snprintf(dir, PATH_MAX, "%s/test_store.XXXXXX", tmp ? tmp : "/tmp");
    *state = dir;
    return mkdtemp(dir) && !chmod(dir, 0755) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
    char path[PATH_MAX];
    DIR *d = opendir(*state);
    for (struct dirent *e; d && (e = readdir(d));) {
        fs_join(path, sizeof path, *state, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    int rc = rmdir(*state);
    free(*state);
    return rc;
}

static inline const char *in(const char *dir, const char *name)
{
    static char path[PATH_MAX];
    fs_join(path, sizeof path, dir, name);
    return path;
}

/* Rows of a statement as text, '|' and newline between: a look past the store. */
static inline char *rows(const char *file, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    struct ipw_buf out = IPW_BUF_INIT;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW)
        for (int i = 0, n = sqlite3_column_count(st); i < n; i++) {
            const char *s = (const char *)sqlite3_column_text(st, i);
            ipw_buf_addf(&out, "%s%c", s ? s : "NULL", i + 1 < n ? '|' : '\n');
        }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return ipw_buf_take(&out);
}

static inline void check_rows(const char *dir, const char *sql, const char *want)
{
    char *got = rows(in(dir, "run.db"), sql);
    assert_string_equal(got, want);
    free(got);
}

static inline void write_raw(const char *file, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static inline struct store_query a_query(const char *id, int64_t attempt, int status)
{
    return (struct store_query){.query_id = id, .attempt = attempt, .segment = 1, .status = status,
                                .t_send = STORE_NULL, .t_first = STORE_NULL, .t_first_answer = STORE_NULL,
                                .t_last = STORE_NULL, .t_end = STORE_NULL, .n_in = STORE_NULL,
                                .n_cached = STORE_NULL, .n_out = STORE_NULL, .n_reason = STORE_NULL,
                                .in_flight = STORE_NULL, .logprob_mean = NAN, .logprob_min = NAN,
                                .margin_first = NAN};
}

static inline int put(struct store *s, struct store_query *q, const char *answer)
{
    struct store_text t = {.answer = answer};
    struct store_question u = {.query_id = q->query_id, .record = "{}"};
    return store_put_query(s, q, &t, &u, &err);
}

static inline int count_key(const char *query_id, int64_t sample, int64_t attempt, int status, void *ud)
{
    (void)query_id;
    (void)sample;
    (void)attempt;
    (void)status;
    ++*(int *)ud;
    return 0;
}

static inline int keys(struct store *s)
{
    int n = 0;
    ok(store_each_key(s, count_key, &n, &err));
    return n;
}

#define with_dir(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

#endif
