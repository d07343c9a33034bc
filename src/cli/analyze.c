/* ipw analyze: the figures of runs again. A first argument that is a path means `accuracy`. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/accuracy.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "report/report.h"
#include "run/load.h"

static int load(const char *dir, bool allow_missing, struct table_run *run, struct accuracy_result *figures,
                struct ipw_err *err)
{
    struct store *store;
    int rc = store_open(&store, dir, false, err);
    if (rc)
        return rc;
    rc = run_load(run, store, dir, err);
    store_close(store);
    if (!rc)
        accuracy_of(run, allow_missing, figures);
    return rc;
}

static int accuracy(const char **dirs, size_t n, const char *format, bool allow_missing, struct ipw_err *err)
{
    struct table_run *run = ipw_calloc(n, sizeof *run);
    struct accuracy_result *figures = ipw_calloc(n, sizeof *figures);
    const struct table_run **runs = ipw_calloc(n, sizeof *runs);
    const struct accuracy_result **results = ipw_calloc(n, sizeof *results);
    struct ipw_buf out = IPW_BUF_INIT;
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        rc = load(dirs[i], allow_missing, &run[i], &figures[i], err);
        runs[i] = &run[i];
        results[i] = &figures[i];
        if (!rc && !run[i].complete)
            cli_say("'%s' is not finished; go on with: ipw profile --resume %s", dirs[i],
                    cli_quote(dirs[i], (char[PATH_MAX]){0}, PATH_MAX));
    }
    if (!rc) {
        report_accuracy(runs, results, n, format, &out);
        rc = cli_print(out.s, out.len);
    } else {
        rc = cli_fail(err);
    }
    for (size_t i = 0; i < n; i++)
        table_run_release(&run[i]);
    ipw_buf_release(&out);
    free(run);
    free(figures);
    free(runs);
    free(results);
    return rc;
}

extern const struct command command_analyze;

static int analyze(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", "csv", "md", NULL};
    char *format = ipw_strdup("table");
    bool allow_missing = false;
    struct option opt[] = {
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table, json, csv or md (table)", false},
        {"allow-missing", NULL, 0, OPTION_FLAG, &allow_missing, 0, 0, NULL, "IPJ though many joules are missing", false},
    };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    size_t n_rest = 0;
    int code = 0;
    struct ipw_err err = {0};
    (void)cli;
    if (cli_options(&command_analyze, opt, 2, argc, argv, rest, &n_rest, &code))
        goto out;
    const char **dirs = rest;
    bool named = n_rest && !fs_exists(rest[0]);
    if (named && !ipw_streq(rest[0], "accuracy")) {
        ipw_err_set(&err, IPW_E_USAGE, "no analysis and no run folder '%s': ipw analyze accuracy RUN", rest[0]);
        code = cli_fail(&err);
        goto out;
    }
    dirs += named;
    n_rest -= named;
    if (!n_rest)
        ipw_err_set(&err, IPW_E_USAGE, "which run? give the folder of one or more: ipw analyze accuracy runs/RUN");
    else
        err.code = cli_format(format, formats, &err);
    code = err.code ? cli_fail(&err) : accuracy(dirs, n_rest, format, allow_missing, &err);
out:
    free(format);
    free(rest);
    return code;
}

const struct command command_analyze = {
    .name = "analyze",
    .group = "Understand",
    .summary = "accuracy, joules, watts, IPJ and IPW of runs, with intervals",
    .usage = "ipw analyze [accuracy] RUN... [-o FORMAT]",
    .details = "Computes the figures of finished runs again from their stored facts: accuracy, J per query, mean power, "
               "IPW and IPJ. Each has two intervals: what other questions of this kind would give (95 %), and what a "
               "better meter could change. Several runs become the rows of one table. The figures of a run that is not "
               "finished are of the questions answered so far.\n",
    .examples = "ipw analyze accuracy runs/RUN\n"
                "ipw analyze runs/* -o csv   # many runs, a row each\n",
    .run = analyze,
};
