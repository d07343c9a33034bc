/* ipw compare: two runs, or the repeats of two configurations, on the same questions. */
#include <stdlib.h>
#include <string.h>

#include "analysis/compare.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/runs.h"
#include "cli/terminal.h"
#include "report/report.h"

struct compare {
    const char *const *dirs; /* as given; of a study, its runs */
    size_t n;
    char *output_dir, *format;
    bool allow_scope;
    char newest[2][PATH_MAX];
    struct table_run *run;
    const struct table_run **side[2];
    size_t n_side[2];
};

/* Whether two runs look comparable without their rows. */
static bool comparable(const struct run_brief *a, const struct run_brief *b)
{
    return !a->problem && !b->problem && a->complete && b->complete && ipw_streq(a->dataset_sha256, b->dataset_sha256) &&
           ipw_streq(a->energy_source, b->energy_source) && ipw_streq(a->signature, b->signature);
}

/* The two newest, the older one as A. */
static int pick(struct compare *c, struct ipw_err *err)
{
    struct run_briefs list;
    int rc = runs_list(&list, c->output_dir, err);
    if (rc)
        return rc;
    rc = ipw_err_set(err, IPW_E_INPUT, "no two finished runs in '%s' have the same questions and the same kind of joules; name two "
                     "runs (ipw list shows them), or make one more with ipw profile", c->output_dir);
    for (size_t i = 0; i < list.n && rc; i++)
        for (size_t j = i + 1; j < list.n && rc; j++)
            if (comparable(&list.v[i], &list.v[j])) {
                memcpy(c->newest[0], list.v[j].dir, PATH_MAX);
                memcpy(c->newest[1], list.v[i].dir, PATH_MAX);
                rc = 0;
            }
    runs_release(&list);
    if (!rc)
        cli_say("the two newest that can be compared: A %s, B %s", c->newest[0], c->newest[1]);
    return rc;
}

static int load(struct compare *c, struct ipw_err *err)
{
    int rc = 0;
    c->run = ipw_calloc(c->n, sizeof *c->run);
    for (size_t i = 0; i < c->n && !rc; i++) {
        rc = cli_load_run(c->dirs[i], &c->run[i], err);
        for (size_t j = 0; j < i && !rc; j++)
            if (c->run[i].run_id && ipw_streq(c->run[i].run_id, c->run[j].run_id))
                rc = ipw_err_set(err, IPW_E_INPUT, "'%s' is the same run as '%s'; name two different ones", c->run[i].dir,
                                 c->run[j].dir);
    }
    return rc;
}

/* Two runs are a side each; more are the repeats of two configurations. */
static int take_sides(struct compare *c, struct ipw_err *err)
{
    const struct table_run **runs = ipw_calloc(c->n, sizeof *runs);
    size_t *group = ipw_calloc(c->n, sizeof *group), n = 2;
    for (size_t i = 0; i < c->n; i++) {
        runs[i] = &c->run[i];
        group[i] = i;
    }
    if (c->n > 2)
        n = compare_groups(runs, c->n, group);
    int rc = n == 2 ? 0
                    : ipw_err_set(err, IPW_E_USAGE, "%zu runs of %zu configuration%s: more than two runs must be the repeats (label "
                                  "'repeat') of exactly two; %s", c->n, n, n == 1 ? "" : "s",
                                  n == 1 ? "add those of another, or name two runs" : "name the runs of two");
    for (size_t s = 0; s < 2; s++)
        c->side[s] = ipw_calloc(c->n, sizeof *c->side[s]);
    for (size_t i = 0; i < c->n && !rc; i++)
        c->side[group[i]][c->n_side[group[i]]++] = runs[i];
    free(runs);
    free(group);
    return rc;
}

static int compare_runs(struct compare *c, struct ipw_err *err)
{
    const char *pair[] = {c->newest[0], c->newest[1]};
    struct compare_result r;
    int rc;
    if (c->n == 1)
        return ipw_err_set(err, IPW_E_USAGE, "'%s' with which other run? name two, or none for the two newest", c->dirs[0]);
    if (!c->n) {
        if ((rc = pick(c, err)))
            return rc;
        c->dirs = pair;
        c->n = 2;
    }
    if ((rc = load(c, err)) || (rc = take_sides(c, err)))
        return rc;
    compare_of(&(struct compare_side){c->side[0], c->n_side[0]}, &(struct compare_side){c->side[1], c->n_side[1]}, c->allow_scope, &r);
    if (*r.refused) {
        rc = ipw_err_set(err, IPW_E_INPUT, "%s", r.refused);
    } else {
        struct ipw_buf out = IPW_BUF_INIT;
        report_compare(&r, c->format, terminal_text(1), &out);
        rc = cli_print(out.s, out.len) ? IPW_E_IO : 0;
        err->code = rc; /* said already */
        err->text[0] = '\0';
        ipw_buf_release(&out);
    }
    compare_release(&r);
    return rc;
}

extern const struct command command_compare;

static int compare(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", "md", NULL};
    struct compare c = {.output_dir = ipw_strdup("runs"), .format = ipw_strdup("table")};
    struct option opt[] = {
        {"output", NULL, 'o', OPTION_TEXT, &c.format, 0, 0, "FORMAT", "table, json or md (table)", false},
        {"allow-scope-mismatch", NULL, 0, OPTION_FLAG, &c.allow_scope, 0, 0, NULL, "joules that cover different things", false},
        {"output-dir", "output_path", 0, OPTION_TEXT, &c.output_dir, 0, 0, "DIR", "where runs are looked for (runs)", false},
    };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err = {0};
    struct option_list dirs = {0};
    int code = 0, rc;
    (void)cli;
    if (cli_options(&command_compare, opt, 3, argc, argv, rest, &c.n, &code))
        goto out;
    cli_run_dirs(rest, c.n, c.output_dir, &dirs);
    c.dirs = (const char *const *)dirs.v;
    c.n = dirs.n;
    if ((rc = cli_format(c.format, formats, &err)) || (rc = compare_runs(&c, &err)))
        code = *err.text ? cli_fail(&err) : ipw_err_exit_code(rc);
out:
    option_list_release(&dirs);
    for (size_t i = 0; c.run && i < c.n; i++)
        table_run_release(&c.run[i]);
    free(c.run);
    free(c.side[0]);
    free(c.side[1]);
    free(c.output_dir);
    free(c.format);
    free(rest);
    return code;
}

const struct command command_compare = {
    .name = "compare",
    .group = "Understand",
    .summary = "two runs on the same questions: difference, interval, p",
    .usage = "ipw compare [A B | A1 A2 ... B1 B2 ...] [-o FORMAT]",
    .details = "Joins two runs by question and tells what differs: accuracy with McNemar's p, and the ratios of "
               "IPJ, joules, watts, time and tokens with paired intervals, then every setting that is not the "
               "same. Several repeats of two things are pooled; a study's folder stands for its runs. Without RUN it takes the two newest runs that can"
               " be compared, and says which. Runs that cannot be compared (other questions, other counters in "
               "the total) are refused with the reason.\n",
    .examples = "ipw compare   # the two newest\n"
                "ipw compare runs/A runs/B -o json\n",
    .run = compare,
};
