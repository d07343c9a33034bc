/* ipw reattribute: the joules of runs again, from their stored readings. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/complete.h"
#include "report/report.h"
#include "run/load.h"

struct redone {
    const char *dir;
    double before_j, after_j;
    size_t before_n, after_n, n;
    bool estimated;
    int64_t version;
};

static double sum(const struct table_run *run, size_t *n)
{
    double j = 0;
    *n = 0;
    for (size_t i = 0; i < run->n; i++)
        if (isfinite(run->v[i].energy_j)) {
            j += run->v[i].energy_j;
            (*n)++;
        }
    return *n ? j : (double)NAN;
}

static int redo(struct redone *r, bool allow_missing, struct ipw_err *err)
{
    struct store *store;
    struct table_run run;
    struct accuracy_result figures = {0};
    int rc = store_open(&store, r->dir, true, err);
    if (rc)
        return rc;
    rc = run_load(&run, store, r->dir, err);
    r->before_j = sum(&run, &r->before_n);
    table_run_release(&run);
    if (!rc && !(rc = cli_complete(store, r->dir, allow_missing, &run, &figures, err))) {
        r->after_j = sum(&run, &r->after_n);
        r->n = run.n;
        r->estimated = !strcmp(run.energy_source, "estimated");
        r->version = store_energy_version(store);
    }
    table_run_release(&run);
    accuracy_release(&figures);
    store_close(store);
    return rc;
}

static void as_json(const struct redone *v, size_t n, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    for (size_t i = 0; i < n; i++) {
        json_node *r = json_put_obj(o, list, NULL);
        json_put_str(o, r, "run", v[i].dir);
        json_put_int(o, r, "queries", (int64_t)v[i].n);
        json_put_num(o, r, "before_j", v[i].before_j);
        json_put_int(o, r, "before_n", (int64_t)v[i].before_n);
        json_put_num(o, r, "after_j", v[i].after_j);
        json_put_int(o, r, "after_n", (int64_t)v[i].after_n);
        json_put_int(o, r, "version", v[i].version);
    }
    char *text = json_write(o, list, true);
    ipw_buf_adds(out, text);
    free(text);
    json_out_free(o);
}

static void add_total(double j, size_t n, size_t of, bool estimated, struct ipw_buf *out)
{
    if (isfinite(j))
        ipw_buf_addf(out, "%s%.6g J (%zu of %zu queries)%s", estimated ? "~" : "", j, n, of, estimated ? ", estimated" : "");
    else
        ipw_buf_adds(out, "no joules");
}

static void as_text(const struct redone *v, size_t n, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        ipw_buf_addf(out, "%s\n  before  ", v[i].dir);
        add_total(v[i].before_j, v[i].before_n, v[i].n, v[i].estimated, out);
        ipw_buf_adds(out, "\n  now     ");
        add_total(v[i].after_j, v[i].after_n, v[i].n, v[i].estimated, out);
        ipw_buf_adds(out, "\n");
    }
}

extern const struct command command_reattribute;

static int reattribute(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *format = ipw_strdup("table");
    bool allow_missing = false;
    struct option opt[] = {
        {"allow-missing", NULL, 0, OPTION_FLAG, &allow_missing, 0, 0, NULL, "IPJ though many joules are missing", false},
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct redone *v = NULL;
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err;
    size_t n = 0;
    int code, rc;
    (void)cli;
    if (cli_options(&command_reattribute, opt, 2, argc, argv, rest, &n, &code))
        goto out;
    rc = n ? cli_format(format, formats, &err)
           : ipw_err_set(&err, IPW_E_USAGE, "which run? ipw reattribute runs/profile_...");
    v = ipw_calloc(n + 1, sizeof *v);
    for (size_t i = 0; i < n && !rc; i++) {
        v[i].dir = rest[i];
        rc = redo(&v[i], allow_missing, &err);
    }
    if (rc) {
        code = cli_fail(&err);
        goto out;
    }
    (strcmp(format, "json") ? as_text : as_json)(v, n, &out);
    code = cli_print(out.s, out.len);
out:
    ipw_buf_release(&out);
    free(v);
    free(format);
    free(rest);
    return code;
}

const struct command command_reattribute = {
    .name = "reattribute",
    .group = "Check and redo, without the model",
    .summary = "compute the joules again from the stored counters",
    .usage = "ipw reattribute RUN... [-o table|json]",
    .details = "A run stores raw counter readings. This computes the joules of every question from them again, with the "
               "rules of this version, stores them beside the old ones, and prints the sums before and now. Nothing is "
               "asked again; doing it twice gives the same.\n",
    .examples = "ipw reattribute runs/RUN\n"
                "ipw reattribute runs/* -o json\n",
    .run = reattribute,
};
