#include "cli/complete.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/accuracy.h"
#include "base/fs.h"
#include "report/report.h"
#include "run/finish.h"
#include "run/load.h"

static int write_file(const char *dir, const char *name, const char *text, struct ipw_err *err)
{
    char path[PATH_MAX];
    fs_join(path, sizeof path, dir, name);
    return fs_write_atomic(path, text, strlen(text), err);
}

static int write_files(const char *dir, const struct table_run *run, const struct accuracy_result *figures,
                       struct ipw_err *err)
{
    char path[PATH_MAX];
    struct ipw_buf lines = IPW_BUF_INIT;
    char *summary = report_summary_json(run, figures), *accuracy = report_accuracy_json(run, figures);
    report_queries_jsonl(run, &lines);
    fs_join(path, sizeof path, dir, "analysis");
    int rc;
    if (!(rc = fs_mkdirs(path, err)) && !(rc = write_file(path, "accuracy.json", accuracy, err)) &&
        !(rc = write_file(dir, "queries.jsonl", lines.s, err)))
        rc = write_file(dir, "summary.json", summary, err);
    free(summary);
    free(accuracy);
    ipw_buf_release(&lines);
    return rc;
}

int cli_complete(struct store *store, const char *dir, bool allow_missing, struct table_run *run,
                 struct accuracy_result *figures, struct ipw_err *err)
{
    *run = (struct table_run){0};
    *figures = (struct accuracy_result){0};
    int rc = run_finish(store, err);
    return rc ? rc : cli_figures(store, dir, allow_missing, run, figures, err);
}

int cli_figures(struct store *store, const char *dir, bool allow_missing, struct table_run *run,
                struct accuracy_result *figures, struct ipw_err *err)
{
    int rc = run_load(run, store, dir, err);
    if (rc)
        return rc;
    accuracy_of(run, allow_missing, figures);
    return write_files(dir, run, figures, err);
}
