/* DuckDB, loaded when something needs it (a Parquet file, an analysis): one table of the functions used, a database in
 * memory with its limits stated, queries whose rows come one after another. */
#ifndef IPW_TABLE_DUCK_H
#define IPW_TABLE_DUCK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

struct duck;

struct duck_cfg {
    const struct ipw_env *env;
    const char *temp_dir; /* what does not fit into memory goes there */
    int memory_mb, threads;
    const _Atomic int *stop; /* ends with IPW_E_INTERRUPTED once this is not 0; NULL: never */
};

/* IPW_E_ENV when there is no library: the text says how to get one. */
int duck_open(struct duck **out, const struct duck_cfg *cfg, struct ipw_err *err);
void duck_close(struct duck *d); /* NULL is fine */

/* The text columns of one row; s is NULL for a null and not NUL-terminated. */
struct duck_text {
    const char *s;
    size_t n;
};

/* Runs a query all of whose columns are VARCHAR; row is called with each row in order until it does not return 0. Errors
 * of DuckDB are IPW_E_INPUT, its first line. row may be NULL. */
int duck_each(struct duck *d, const char *sql, int (*row)(void *ud, const struct duck_text *text, size_t n, struct ipw_err *err),
              void *ud, struct ipw_err *err);

/* A text and a name as SQL has them: 'it''s', "a ""b""". */
void duck_quote(struct ipw_buf *sql, const char *text);
void duck_quote_name(struct ipw_buf *sql, const char *name);

#endif
