#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "report/internal.h"

/* One column of the table of runs. Numbers are marked and rounded for people, plain and whole in CSV. */
struct column {
    const char *text, *csv; /* heads; text NULL: only in CSV */
    const char *(*word)(const struct table_run *);
    double (*number)(const struct accuracy_result *);
    char mark; /* 'j': joules and watts, 'i': per joule or watt, 0: none */
};

static const char *dir(const struct table_run *t)
{
    return t->dir;
}
static const char *model(const struct table_run *t)
{
    return t->model_name;
}
static const char *dataset(const struct table_run *t)
{
    return t->dataset_name;
}
static const char *source(const struct table_run *t)
{
    return t->energy_source;
}
static const char *signature(const struct table_run *t)
{
    return t->signature;
}

#define NUMBER(name, expr)                                                                                             \
    static double name(const struct accuracy_result *r)                                                                \
    {                                                                                                                  \
        return expr;                                                                                                   \
    }
NUMBER(n, (double)r->n_scored)
NUMBER(acc_pct, 100 * r->accuracy.est)
NUMBER(acc_lo_pct, 100 * r->accuracy.lo)
NUMBER(acc_hi_pct, 100 * r->accuracy.hi)
NUMBER(per_query_j, r->per_query_j.est)
NUMBER(watts, r->power_w.est)
NUMBER(seconds, r->e2e_s.mean)
NUMBER(ipw, r->ipw.est)
NUMBER(ipj, r->ipj.est)
NUMBER(per_kj, 1000 * r->ipj.est)
NUMBER(per_kj_lo, 1000 * r->ipj.lo)
NUMBER(per_kj_hi, 1000 * r->ipj.hi)
NUMBER(meter_lo, 1000 * r->ipj.meter_lo)
NUMBER(meter_hi, 1000 * r->ipj.meter_hi)
NUMBER(unscored, (double)r->n_unscored)

static const struct column columns[] = {
    {NULL, "run", dir, NULL, 0},
    {"model", "model", model, NULL, 0},
    {NULL, "dataset", dataset, NULL, 0},
    {"n", "n", NULL, n, 0},
    {NULL, "unscored", NULL, unscored, 0},
    {"right %", "accuracy_pct", NULL, acc_pct, 0},
    {"from", "accuracy_lo_pct", NULL, acc_lo_pct, 0},
    {"to", "accuracy_hi_pct", NULL, acc_hi_pct, 0},
    {"J/query", "j_per_query", NULL, per_query_j, 'j'},
    {"W", "mean_power_w", NULL, watts, 'j'},
    {"s", "s_per_query", NULL, seconds, 0},
    {"IPW /W", "ipw", NULL, ipw, 'i'},
    {NULL, "ipj", NULL, ipj, 'i'},
    {"right/kJ", "right_per_kj", NULL, per_kj, 'i'},
    {"from", "right_per_kj_lo", NULL, per_kj_lo, 0},
    {"to", "right_per_kj_hi", NULL, per_kj_hi, 0},
    {NULL, "right_per_kj_meter_lo", NULL, meter_lo, 0},
    {NULL, "right_per_kj_meter_hi", NULL, meter_hi, 0},
    {NULL, "energy_source", source, NULL, 0},
    {NULL, "signature", signature, NULL, 0},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static const char *cell(const struct column *c, const struct table_run *run, const struct accuracy_result *r, bool csv,
                        struct ipw_arena *arena)
{
    char text[48], num[24];
    if (c->word)
        return c->word(run) ? c->word(run) : "-";
    double x = c->number(r);
    if (isnan(x))
        return "-";
    if (csv) {
        snprintf(text, sizeof text, "%.9g", x);
    } else {
        report_num(x, num);
        snprintf(text, sizeof text, "%s%s", c->mark ? report_mark(run, c->mark == 'i') : "", num);
    }
    return ipw_arena_strdup(arena, text);
}

/* What the joules of a run cover. */
static void covers(const struct table_run *run, struct ipw_buf *s)
{
    ipw_buf_addf(s, "energy %s", run->energy_source);
    if (!ipw_streq(run->energy_source, "none"))
        ipw_buf_addf(s, ", %s", run->signature);
    for (size_t i = 0; i < run->n_unmetered; i++) {
        ipw_buf_adds(s, i ? ", " : "; not metered: ");
        report_cut(run->unmetered[i], 40, s);
    }
}

/* One line where the runs agree, one more for each that does not. */
static void heading(const struct table_run *const *runs, size_t n, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        struct ipw_buf s = IPW_BUF_INIT;
        if (i && ipw_streq(runs[i]->signature, runs[0]->signature) &&
            ipw_streq(runs[i]->energy_source, runs[0]->energy_source))
            continue;
        if (i) {
            ipw_buf_adds(&s, "not comparable with the first: ");
            report_cut(runs[i]->model_name ? runs[i]->model_name : runs[i]->dir, 48, &s);
            ipw_buf_adds(&s, ", ");
        }
        covers(runs[i], &s);
        report_wrap(s.s, 0, 2, out);
        ipw_buf_release(&s);
    }
    ipw_buf_adds(out, "from, to: 95 % over other questions of this kind\n\n");
}

/* One run: its whole block, with both columns of doubt. */
static void block(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    report_cut(run->model_name ? run->model_name : "-", 48, &s);
    ipw_buf_addf(&s, ", %zu questions of ", r->n_scored);
    report_cut(run->dataset_name ? run->dataset_name : "-", 48, &s);
    ipw_buf_adds(&s, "; ");
    covers(run, &s);
    report_wrap(s.s, 1, 1, out);
    ipw_buf_addc(out, '\n');
    report_figures(run, r, false, out);
    ipw_buf_release(&s);
}

void report_accuracy_table(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n_runs,
                           const char *format, struct ipw_buf *out)
{
    bool csv = !strcmp(format, "csv");
    if (n_runs == 1 && !strcmp(format, "table")) {
        block(runs[0], r[0], out);
        return;
    }
    if (!csv)
        heading(runs, n_runs, out);
    const char *head[N_COLUMNS];
    const char **cells = ipw_calloc(n_runs * N_COLUMNS + 1, sizeof *cells);
    struct ipw_arena arena = {0};
    struct report_table t = {.head = head, .n_rows = n_runs, .cells = cells};
    size_t k = 0;
    for (size_t c = 0; c < N_COLUMNS; c++) {
        if (!csv && !columns[c].text)
            continue;
        t.right |= columns[c].word ? 0u : 1u << t.n_cols;
        head[t.n_cols++] = csv ? columns[c].csv : columns[c].text;
    }
    for (size_t i = 0; i < n_runs; i++)
        for (size_t c = 0; c < N_COLUMNS; c++)
            if (csv || columns[c].text)
                cells[k++] = cell(&columns[c], runs[i], r[i], csv, &arena);
    report_table(&t, format, 80, out);
    ipw_arena_release(&arena);
    free(cells);
}
