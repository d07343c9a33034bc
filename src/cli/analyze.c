/* ipw analyze: the figures of runs again. A first argument that is a path means `accuracy`. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/accuracy.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/runs.h"
#include "report/report.h"

static int accuracy(const char *const *dirs, size_t n, const char *format, bool allow_missing,
                    struct ipw_err *err)
{
    struct table_run *run = ipw_calloc(n, sizeof *run);
    struct accuracy_result *figures = ipw_calloc(n, sizeof *figures);
    const struct table_run **runs = ipw_calloc(n, sizeof *runs);
    const struct accuracy_result **results = ipw_calloc(n, sizeof *results);
    struct ipw_buf out = IPW_BUF_INIT;
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        if (!(rc = cli_load_run(dirs[i], &run[i], err)))
            accuracy_of(&run[i], allow_missing, &figures[i]);
        runs[i] = &run[i];
        results[i] = &figures[i];
    }
    if (!rc) {
        report_accuracy(runs, results, n, format, &out);
        rc = cli_print(out.s, out.len);
    } else {
        rc = cli_fail(err);
    }
    for (size_t i = 0; i < n; i++) {
        table_run_release(&run[i]);
        accuracy_release(&figures[i]);
    }
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
    char *format = ipw_strdup("table"), *output_dir = ipw_strdup("runs"), newest[PATH_MAX];
    bool allow_missing = false;
    struct option opt[] = {
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table, json, csv or md (table)", false},
        {"allow-missing", NULL, 0, OPTION_FLAG, &allow_missing, 0, 0, NULL, "IPJ though many joules are missing", false},
        {"output-dir", "output_path", 0, OPTION_TEXT, &output_dir, 0, 0, "DIR", "where runs are looked for (runs)", false},
    };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    size_t n_rest = 0;
    int code = 0;
    struct ipw_err err = {0};
    struct option_list runs = {0};
    (void)cli;
    if (cli_options(&command_analyze, opt, 3, argc, argv, rest, &n_rest, &code))
        goto out;
    const char **dirs = rest;
    bool named = n_rest && !fs_exists(cli_run_dir(rest[0], output_dir, newest));
    if (named && !ipw_streq(rest[0], "accuracy")) {
        ipw_err_set(&err, IPW_E_USAGE, "no analysis and no run folder '%s': ipw analyze accuracy RUN", rest[0]);
        code = cli_fail(&err);
        goto out;
    }
    dirs += named;
    n_rest -= named;
    const char *only[] = {newest};
    if (!(err.code = cli_format(format, formats, &err)) && !n_rest && !(err.code = cli_newest_run(output_dir, newest, &err))) {
        dirs = only;
        n_rest = 1;
        cli_say("the newest run: %s", newest);
    }
    cli_run_dirs(dirs, n_rest, output_dir, &runs);
    code = err.code ? cli_fail(&err) : accuracy((const char *const *)runs.v, runs.n, format, allow_missing, &err);
out:
    option_list_release(&runs);
    free(format);
    free(output_dir);
    free(rest);
    return code;
}

const struct command command_analyze = {
    .name = "analyze",
    .group = "Understand",
    .summary = "accuracy, joules, watts, IPJ and IPW of runs, with intervals",
    .usage = "ipw analyze [accuracy] [RUN...] [-o FORMAT]",
    .details = "Computes the figures of finished runs (or of a study's) again from their stored facts: accuracy, J per query, mean power, "
               "IPW and IPJ. Each has two intervals: what other questions of this kind would give (95 %), and what a "
               "better meter could change. Several runs become the rows of one table. The figures of a run that is not "
               "finished are of the questions answered so far. Without RUN it takes the newest.\n",
    .examples = "ipw analyze   # the newest run\n"
                "ipw analyze runs/* -o csv   # many runs, a row each\n",
    .run = analyze,
};
