/* Inside src/store only. */
#ifndef IPW_STORE_INTERNAL_H
#define IPW_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/store.h"

enum statement {
    ST_BEGIN, ST_COMMIT, ST_ROLLBACK, ST_PUT_META, ST_GET_META, ST_ADD_SEGMENT, ST_ADD_DEVICE, ST_GET_DEVICE,
    ST_ADD_CHANNEL, ST_GET_CHANNEL, ST_ADD_READINGS, ST_ADD_CLOCK, ST_ADD_EVENT, ST_DROP_NOT_SENT, ST_ADD_QUERY,
    ST_ADD_TEXT, ST_ADD_QUESTION, ST_CLEAR_ENERGY, ST_ADD_ENERGY, ST_PUT_SCORE, ST_N
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *st[ST_N];
    char *dir;
    int lock_fd; /* -1: read-only */
    bool in_transaction;
};

/* Prepares (once) and returns a statement ready for binding; NULL with err. */
sqlite3_stmt *store_stmt(struct store *s, enum statement id, struct ipw_err *err);

/* Runs a statement that returns no rows, and resets it. */
int store_run(struct store *s, sqlite3_stmt *st, struct ipw_err *err);

/* The error of the last SQLite call as ours: names the run, and the disk when it is full. */
int store_error(struct store *s, const char *what, struct ipw_err *err);

/* Binds: INT64_MIN, NULL and NAN become NULL. */
void store_bind_int(sqlite3_stmt *st, int i, int64_t v);
void store_bind_text(sqlite3_stmt *st, int i, const char *s);
void store_bind_real(sqlite3_stmt *st, int i, double v);

/* dir/lock; -1 with err (IPW_E_LOCKED names the holder). */
int store_lock(const char *dir, struct ipw_err *err);

extern const char store_schema[];

#endif
