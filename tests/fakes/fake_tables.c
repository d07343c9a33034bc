/* fake_tables LIBDUCKDB: runs the SQL statements of standard input, each ended by a ';' at the end of a line, in the current
 * folder: Parquet, CSV and JSONL files as other people publish them. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "table/duck.h"

int main(int argc, char **argv)
{
    char line[4096];
    struct ipw_env env = ipw_env_host;
    struct ipw_buf sql = IPW_BUF_INIT;
    struct ipw_err err = {0};
    struct duck *d;
    if (argc != 2)
        return 2;
    env.at.duckdb = (const char *const[]){argv[1], NULL};
    int rc = duck_open(&d, &(struct duck_cfg){&env, "", 500, 2, NULL}, &err);
    while (!rc && fgets(line, sizeof line, stdin)) {
        if (ipw_starts(line, "--"))
            continue;
        ipw_buf_adds(&sql, line);
        if (!ipw_ends(line, ";\n"))
            continue;
        if ((rc = duck_each(d, sql.s, NULL, NULL, &err)))
            fprintf(stderr, "%s\nin: %s", err.text, sql.s);
        ipw_buf_clear(&sql);
    }
    duck_close(d);
    ipw_buf_release(&sql);
    return rc != 0;
}
