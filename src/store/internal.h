/* What the files of src/store share: the connection, its cached statements, error texts. */
#ifndef IPW_STORE_INTERNAL_H
#define IPW_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/store.h"

/* Statements that are prepared once per store. Scans are not here: they may be nested. */
enum store_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_META_PUT,
    SQL_META_GET,
    SQL_SEGMENT,
    SQL_SEGMENT_ENGINE,
    SQL_DEVICE,
    SQL_CHANNEL_FIND,
    SQL_CHANNEL,
    SQL_CHANNEL_TOTAL,
    SQL_READING,
    SQL_CLOCK,
    SQL_BASELINE,
    SQL_EVENT,
    SQL_QUERY,
    SQL_SERVED,
    SQL_TEXT,
    SQL_QUESTION,
    SQL_ENERGY_CLEAR,
    SQL_ENERGY,
    SQL_SCORE,
    SQL_JUDGED,
    SQL_SCORE_VERSION,
    SQL_ANSWER,
    SQL_LAST_ATTEMPT,
    SQL_EXTRACTED,
    SQL_N
};

struct store {
    sqlite3 *db;
    char *dir;
    int schema; /* of the file as it is now */
    char *meta;  /* what store_meta gave last */
    int lock_fd; /* -1: read-only */
    sqlite3_stmt *stmt[SQL_N];
};

/* The cached statement, ready to be bound, or NULL with *err filled. */
sqlite3_stmt *store_stmt(struct store *s, enum store_sql id, struct ipw_err *err);

/* Turns the connection's last error into *err and gives its code. */
int store_fail(struct store *s, struct ipw_err *err);

/* schema.c: makes an empty file a run, brings an older one up to STORE_SCHEMA; refuses what is not a run. */
int store_schema_migrate(struct store *s, int from, struct ipw_err *err);
int store_schema_check(struct store *s, int *version, struct ipw_err *err);

#endif
