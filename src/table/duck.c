#include "table/duck.h"

#include <dlfcn.h>
#include <duckdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Every function of the library that is used. */
#define DUCK_MAP(XX)                                                                                                   \
    XX(create_config)                                                                                                  \
    XX(set_config)                                                                                                     \
    XX(destroy_config)                                                                                                 \
    XX(open_ext)                                                                                                       \
    XX(close)                                                                                                          \
    XX(connect)                                                                                                        \
    XX(disconnect)                                                                                                     \
    XX(free)                                                                                                           \
    XX(prepare)                                                                                                        \
    XX(prepare_error)                                                                                                  \
    XX(destroy_prepare)                                                                                                \
    XX(pending_prepared_streaming)                                                                                     \
    XX(pending_error)                                                                                                  \
    XX(destroy_pending)                                                                                                \
    XX(execute_pending)                                                                                                \
    XX(result_error)                                                                                                   \
    XX(destroy_result)                                                                                                 \
    XX(fetch_chunk)                                                                                                    \
    XX(column_count)                                                                                                   \
    XX(destroy_data_chunk)                                                                                             \
    XX(data_chunk_get_size)                                                                                            \
    XX(data_chunk_get_vector)                                                                                          \
    XX(vector_get_data)                                                                                                \
    XX(vector_get_validity)                                                                                            \
    XX(validity_row_is_valid)                                                                                          \
    XX(string_t_data)                                                                                                  \
    XX(string_t_length)

struct duck {
    void *so;
#define XX(name) __typeof__(duckdb_##name) *name;
    DUCK_MAP(XX)
#undef XX
    duckdb_database db;
    duckdb_connection con;
    const _Atomic int *stop;
};

static const struct {
    const char *name;
    size_t at;
} symbols[] = {
#define XX(name) {"duckdb_" #name, offsetof(struct duck, name)},
    DUCK_MAP(XX)
#undef XX
};

enum { COLUMNS_MAX = 64 };

static int load(struct duck *d, const struct ipw_env *env, struct ipw_err *err)
{
    static const char *const usual[] = {"libduckdb.so", NULL};
    for (const char *const *path = env->at.duckdb ? env->at.duckdb : usual; *path && !d->so; path++)
        d->so = dlopen(*path, RTLD_NOW | RTLD_LOCAL);
    if (!d->so && env->at.duckdb && *env->at.duckdb && !env->at.duckdb[1])
        return ipw_err_set(err, IPW_E_ENV, "'%s' of IPW_DUCKDB_LIB cannot be loaded (%.200s); name a libduckdb.so of version 1.2 or "
                           "later, or none: 'scripts/deps libduckdb' in the source of ipw fetches one", *env->at.duckdb, dlerror());
    if (!d->so)
        return ipw_err_set(err, IPW_E_ENV, "DuckDB's library is not here, and it reads Parquet, CSV and TSV files; in the source of ipw "
                           "run 'scripts/deps libduckdb'; without it 'npm pack @duckdb/node-bindings-linux-x64@1.5.5-r.5', take "
                           "package/libduckdb.so out of that file, and set IPW_DUCKDB_LIB to its path");
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *p = dlsym(d->so, symbols[i].name);
        if (!p)
            return ipw_err_set(err, IPW_E_ENV, "the DuckDB library has no '%s'; set IPW_DUCKDB_LIB to a libduckdb.so of version "
                               "1.2 or later", symbols[i].name);
        memcpy((char *)d + symbols[i].at, &p, sizeof p);
    }
    return 0;
}

int duck_open(struct duck **out, const struct duck_cfg *cfg, struct ipw_err *err)
{
    struct duck *d = *out = ipw_calloc(1, sizeof *d);
    duckdb_config config = NULL;
    char memory[24], threads[24], *why = NULL;
    d->stop = cfg->stop;
    int rc = load(d, cfg->env, err);
    if (rc)
        goto out;
    snprintf(memory, sizeof memory, "%dMB", cfg->memory_mb);
    snprintf(threads, sizeof threads, "%d", cfg->threads);
    const char *const settings[][2] = {{"memory_limit", memory},
                                       {"threads", threads},
                                       {"temp_directory", cfg->temp_dir},
                                       {"autoinstall_known_extensions", "false"},
                                       {"autoload_known_extensions", "false"}};
    bool ok = !d->create_config(&config);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && ok; i++)
        ok = !d->set_config(config, settings[i][0], settings[i][1]);
    if (!ok || d->open_ext(NULL, &d->db, config, &why) || d->connect(d->db, &d->con))
        rc = ipw_err_set(err, IPW_E_ENV, "DuckDB does not start: %.300s; set IPW_DUCKDB_LIB to a libduckdb.so of version 1.2 or "
                         "later", why ? why : "it refuses a setting");
    if (why)
        d->free(why);
    d->destroy_config(&config);
out:
    if (rc) {
        duck_close(d);
        *out = NULL;
    }
    return rc;
}

void duck_close(struct duck *d)
{
    if (!d)
        return;
    if (d->con)
        d->disconnect(&d->con);
    if (d->db)
        d->close(&d->db);
    if (d->so)
        dlclose(d->so);
    free(d);
}

/* Of many lines the first; of a CSV file's also what is wrong there, which stands behind the line itself. */
static int failed(struct ipw_err *err, const char *why)
{
    const char *more = "";
    size_t n = why ? strcspn(why, "\n") : 0;
    if (!n)
        return ipw_err_set(err, IPW_E_INPUT, "DuckDB stopped it");
    if (!strncmp(why, "Out of Memory", strlen("Out of Memory")))
        return ipw_err_set(err, IPW_E_INPUT, "its rows do not fit into memory; take out the columns that are not needed");
    if (strstr(why, "CSV Error on Line")) {
        const char *original = strstr(why, "\nOriginal Line:"), *next = original ? strchr(original + 1, '\n') : NULL;
        more = next ? next + 1 : "";
    }
    return ipw_err_set(err, IPW_E_INPUT, "%.*s%s%.*s", (int)(n < 600 ? n : 600), why, *more ? ": " : "", (int)strcspn(more, "\n"), more);
}

static int give(struct duck *d, duckdb_data_chunk chunk, size_t n,
                int (*row)(void *ud, const struct duck_text *text, size_t n, struct ipw_err *err), void *ud, struct ipw_err *err)
{
    struct duck_text text[COLUMNS_MAX];
    duckdb_string_t *data[COLUMNS_MAX];
    uint64_t *valid[COLUMNS_MAX];
    int rc = 0;
    for (size_t k = 0; k < n; k++) {
        duckdb_vector v = d->data_chunk_get_vector(chunk, k);
        data[k] = d->vector_get_data(v);
        valid[k] = d->vector_get_validity(v);
    }
    idx_t rows = d->data_chunk_get_size(chunk);
    for (idx_t i = 0; i < rows && !rc; i++) {
        for (size_t k = 0; k < n; k++) {
            bool null = valid[k] && !d->validity_row_is_valid(valid[k], i);
            text[k].s = null ? NULL : d->string_t_data(&data[k][i]);
            text[k].n = null ? 0 : d->string_t_length(data[k][i]);
        }
        rc = row(ud, text, n, err);
    }
    return rc;
}

int duck_each(struct duck *d, const char *sql, int (*row)(void *ud, const struct duck_text *text, size_t n, struct ipw_err *err),
              void *ud, struct ipw_err *err)
{
    duckdb_prepared_statement statement = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result;
    duckdb_data_chunk chunk;
    int rc = 0;
    memset(&result, 0, sizeof result);
    if (d->prepare(d->con, sql, &statement))
        rc = failed(err, d->prepare_error(statement));
    else if (d->pending_prepared_streaming(statement, &pending))
        rc = failed(err, d->pending_error(pending));
    else if (d->execute_pending(pending, &result))
        rc = failed(err, d->result_error(&result));
    size_t n = rc ? 0 : d->column_count(&result);
    if (n > COLUMNS_MAX)
        rc = ipw_err_set(err, IPW_E_INPUT, "more than %d columns at once; ask for fewer", COLUMNS_MAX);
    while (!rc && (chunk = d->fetch_chunk(result))) {
        if (row)
            rc = give(d, chunk, n, row, ud, err);
        d->destroy_data_chunk(&chunk);
        if (!rc && d->stop && atomic_load(d->stop))
            rc = ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
    }
    if (!rc && d->result_error(&result))
        rc = failed(err, d->result_error(&result));
    d->destroy_result(&result);
    d->destroy_pending(&pending);
    d->destroy_prepare(&statement);
    return rc;
}

static void quote(struct ipw_buf *sql, const char *text, char mark)
{
    ipw_buf_addc(sql, mark);
    for (; *text; text++) {
        if (*text == mark)
            ipw_buf_addc(sql, mark);
        ipw_buf_addc(sql, *text);
    }
    ipw_buf_addc(sql, mark);
}

void duck_quote(struct ipw_buf *sql, const char *text)
{
    quote(sql, text, '\'');
}

void duck_quote_name(struct ipw_buf *sql, const char *name)
{
    quote(sql, name, '"');
}
