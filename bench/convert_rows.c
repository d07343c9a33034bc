/* bench_convert_rows LIBDUCKDB FILE.parquet ROWS: a made-up mcq set for bench/convert. */
#include <stdio.h>

#include "table/duck.h"

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const char *const libs[] = {argv[1], NULL};
    struct ipw_env env = ipw_env_host;
    struct ipw_buf sql = IPW_BUF_INIT;
    struct ipw_err err = {0};
    struct duck *d;
    env.at.duckdb = libs;
    ipw_buf_addf(&sql, "COPY (SELECT 'Question '||i||'? '||repeat('word ', 20) AS problem, ['alpha '||i, 'beta '||i, 'gamma '||i, "
                       "'delta '||i] AS options, i %% 4 AS gold, 'subject '||(i %% 14) AS subject FROM range(%s) t(i)) TO ", argv[3]);
    duck_quote(&sql, argv[2]);
    ipw_buf_adds(&sql, " (FORMAT parquet)");
    int rc = duck_open(&d, &(struct duck_cfg){&env, "", 500, 2, NULL}, &err);
    if (!rc)
        rc = duck_each(d, sql.s, NULL, NULL, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    duck_close(d);
    ipw_buf_release(&sql);
    return rc != 0;
}
