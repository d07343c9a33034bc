#include <stdio.h>

#include "store/internal.h"

/* contract/run.sql without its comments; docs/schema.md says what each column means. */
static const char schema_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE segment("
    "  id INTEGER PRIMARY KEY, boot_id TEXT, host TEXT, pid INT, started_real_ns INT, anchor_raw_ns INT,"
    "  anchor_boot_ns INT, ipw_build TEXT, engine TEXT, engine_build TEXT, cpu_variant TEXT,"
    "  power_source TEXT, env TEXT);"
    "CREATE TABLE device(id INTEGER PRIMARY KEY, key TEXT UNIQUE, name TEXT, kind TEXT, computes INT);"
    "CREATE TABLE channel("
    "  id INTEGER PRIMARY KEY, device INT, name TEXT, scope TEXT, kind TEXT, unit_nj REAL, modulus INT,"
    "  period_ns INT, window_ns INT, quantum_nj INT, latency_ns INT, gain_u REAL, in_total INT, why TEXT,"
    "  source TEXT, verified TEXT);"
    "CREATE TABLE reading("
    "  segment INT, channel INT, t0_ns INT, t1_ns INT, n INT, fmt INT, data BLOB,"
    "  PRIMARY KEY(segment, channel, t0_ns)) WITHOUT ROWID;"
    "CREATE TABLE clock(segment INT, raw_ns INT, boot_ns INT, real_ns INT);"
    "CREATE TABLE baseline(segment INT, kind TEXT, t0_ns INT, t1_ns INT);"
    "CREATE TABLE event(segment INT, t_ns INT, kind TEXT, detail TEXT);"
    "CREATE TABLE query("
    "  id INTEGER PRIMARY KEY, query_id TEXT NOT NULL, sample INT NOT NULL DEFAULT 0,"
    "  attempt INT NOT NULL DEFAULT 1, segment INT NOT NULL, domain TEXT, status TEXT NOT NULL,"
    "  reason TEXT, t_send INT, t_first INT, t_first_answer INT, t_last INT, t_end INT, n_in INT,"
    "  n_cached INT, n_out INT, n_reason INT, token_source TEXT, stop TEXT, in_flight INT,"
    "  logprob_mean REAL, logprob_min REAL, margin_first REAL, UNIQUE(query_id, sample, attempt));"
    "CREATE TABLE text("
    "  query INTEGER PRIMARY KEY, prompt TEXT, answer TEXT, thinking TEXT, stamps BLOB);"
    "CREATE TABLE energy("
    "  version INT, query INT, phase TEXT, channel INT, nj INT, u_nj INT, method TEXT, status TEXT,"
    "  reason TEXT, PRIMARY KEY(version, query, phase, channel)) WITHOUT ROWID;"
    "CREATE TABLE question("
    "  query_id TEXT PRIMARY KEY, type TEXT, scorer TEXT, template TEXT, record TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE score("
    "  query INT, scorer TEXT, version INT, status TEXT, value REAL, extracted TEXT, method TEXT,"
    "  PRIMARY KEY(query, scorer, version)) WITHOUT ROWID;";

/* When a request was due, and what a server said of its own times (docs/adr/0008). */
static const char schema_2[] =
    "CREATE TABLE served("
    "  query INTEGER PRIMARY KEY, t_due INT, load_ns INT, prompt_ns INT, decode_ns INT);";

/* What a judging model wrote (docs/adr/0010). */
static const char schema_3[] =
    "CREATE TABLE judged("
    "  query INT, scorer TEXT, version INT, game INT, text TEXT, n_in INT, n_out INT,"
    "  PRIMARY KEY(query, scorer, version, game)) WITHOUT ROWID;";

/* steps[v] takes a file from schema v to v + 1. */
static const char *const steps[STORE_SCHEMA] = {schema_1, schema_2, schema_3};

int store_schema_migrate(struct store *s, int from, struct ipw_err *err)
{
    char version[64];
    if (from == STORE_SCHEMA)
        return 0;
    snprintf(version, sizeof version, "PRAGMA user_version = %d", STORE_SCHEMA);
    int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int v = from; v < STORE_SCHEMA && !rc; v++)
        rc = sqlite3_exec(s->db, steps[v], NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_exec(s->db, version, NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    if (rc)
        return store_fail(s, err);
    s->schema = STORE_SCHEMA;
    return 0;
}

/* The number that a statement of one row and one column gives. */
static int number(struct store *s, const char *sql, int *out, struct ipw_err *err)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL))
        return store_fail(s, err);
    int rc = sqlite3_step(st) == SQLITE_ROW ? 0 : store_fail(s, err);
    *out = rc ? 0 : sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return rc;
}

int store_schema_check(struct store *s, int *version, struct ipw_err *err)
{
    int tables = 0, rc = number(s, "PRAGMA user_version", version, err);
    if (!rc) /* also tells another program's database, whose user_version may be any */
        rc = number(s, "SELECT count(*) FROM sqlite_schema WHERE name IN ('meta', 'segment', 'query', 'reading')",
                    &tables, err);
    if (rc)
        return rc;
    if (tables != 4 || *version < 1)
        return ipw_err_set(err, IPW_E_INPUT, "'%s/run.db' is a database but not a run; give a folder that "
                           "ipw profile wrote", s->dir);
    if (*version > STORE_SCHEMA)
        return ipw_err_set(err, IPW_E_INPUT, "run '%s' is of schema %d, this ipw reads up to %d; use the ipw that "
                           "wrote it, or a newer one", s->dir, *version, STORE_SCHEMA);
    s->schema = *version;
    return 0;
}
