#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/internal.h"

enum { TEXT = 1, MD = 2, CSV = 4 }; /* formats that show a column */

enum kind {
    NAME,
    ROW,       /* the run's number in the list above the table */
    COUNT,     /* a whole number */
    PLAIN,     /* rounded */
    PERCENT,   /* 13 of 40 is 32.5 */
    JOULES,    /* joules or watts: marked, with a prefix where needed */
    PER_JOULE, /* marked the other way round */
    RANGE,     /* number to hi */
};

/* One column of the table of runs. Numbers are marked and rounded for people, plain and whole in CSV. */
struct column {
    int formats;
    const char *head;
    enum kind kind;
    const char *(*name)(const struct table_run *);
    double (*number)(const struct accuracy_result *), (*hi)(const struct accuracy_result *);
};

static const char *dir(const struct table_run *t)
{
    return t->dir;
}
static const char *model(const struct table_run *t)
{
    return t->model_name;
}
static const char *quant(const struct table_run *t)
{
    return t->quant;
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
NUMBER(unscored, (double)r->n_unscored)
NUMBER(acc_pct, 100 * r->accuracy.est)
NUMBER(acc_lo_pct, 100 * r->accuracy.lo)
NUMBER(acc_hi_pct, 100 * r->accuracy.hi)
NUMBER(macro_pct, 100 * r->accuracy_macro.est)
NUMBER(questions, (double)r->n_questions)
NUMBER(pass_pct, r->samples.n_at ? 100 * r->samples.at[r->samples.n_at - 1].pass.est : (double)NAN)
NUMBER(majority_pct, 100 * r->samples.majority.est)
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

static const struct column columns[] = {
    {TEXT, "#", ROW, NULL, NULL, NULL},
    {MD | CSV, "model", NAME, model, NULL, NULL},
    {MD | CSV, "quant", NAME, quant, NULL, NULL},
    {CSV, "dataset", NAME, dataset, NULL, NULL},
    {TEXT | MD | CSV, "n", COUNT, NULL, n, NULL},
    {CSV, "questions", COUNT, NULL, questions, NULL},
    {CSV, "unscored", COUNT, NULL, unscored, NULL},
    {TEXT | MD, "right %", PERCENT, NULL, acc_pct, NULL},
    {TEXT | MD, "95 %", RANGE, NULL, acc_lo_pct, acc_hi_pct},
    {CSV, "accuracy_pct", PLAIN, NULL, acc_pct, NULL},
    {CSV, "accuracy_lo_pct", PLAIN, NULL, acc_lo_pct, NULL},
    {CSV, "accuracy_hi_pct", PLAIN, NULL, acc_hi_pct, NULL},
    {CSV, "accuracy_macro_pct", PLAIN, NULL, macro_pct, NULL},
    {CSV, "pass_at_k_pct", PLAIN, NULL, pass_pct, NULL},
    {CSV, "majority_pct", PLAIN, NULL, majority_pct, NULL},
    {TEXT | MD, "J/query", JOULES, NULL, per_query_j, NULL},
    {TEXT | MD, "W", JOULES, NULL, watts, NULL},
    {TEXT | MD, "s", PLAIN, NULL, seconds, NULL},
    {TEXT | MD, "IPW /W", PER_JOULE, NULL, ipw, NULL},
    {TEXT | MD, "right/kJ", PER_JOULE, NULL, per_kj, NULL},
    {TEXT | MD, "95 %", RANGE, NULL, per_kj_lo, per_kj_hi},
    {CSV, "j_per_query", PLAIN, NULL, per_query_j, NULL},
    {CSV, "mean_power_w", PLAIN, NULL, watts, NULL},
    {CSV, "s_per_query", PLAIN, NULL, seconds, NULL},
    {CSV, "ipw", PLAIN, NULL, ipw, NULL},
    {CSV, "ipj", PLAIN, NULL, ipj, NULL},
    {CSV, "right_per_kj", PLAIN, NULL, per_kj, NULL},
    {CSV, "right_per_kj_lo", PLAIN, NULL, per_kj_lo, NULL},
    {CSV, "right_per_kj_hi", PLAIN, NULL, per_kj_hi, NULL},
    {CSV, "right_per_kj_meter_lo", PLAIN, NULL, meter_lo, NULL},
    {CSV, "right_per_kj_meter_hi", PLAIN, NULL, meter_hi, NULL},
    {MD | CSV, "energy_source", NAME, source, NULL, NULL},
    {MD | CSV, "signature", NAME, signature, NULL, NULL},
    {MD | CSV, "run", NAME, dir, NULL, NULL},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static void number_cell(const struct column *c, const struct table_run *run, const struct accuracy_result *r,
                        char text[64])
{
    char num[24], hi[24];
    double x = c->number(r);
    struct report_unit u = c->kind == JOULES ? report_unit_of(x) : (struct report_unit){1, ""};
    report_num(x * u.scale, num);
    if (isnan(x))
        snprintf(text, 64, "-");
    else if (c->kind == COUNT)
        snprintf(text, 64, "%.0f", x);
    else if (c->kind == PERCENT)
        snprintf(text, 64, "%.3g", x);
    else if (c->kind == JOULES || c->kind == PER_JOULE)
        snprintf(text, 64, "%s%s%s%s", report_mark(run, c->kind == PER_JOULE), num, *u.prefix ? " " : "", u.prefix);
    else if (c->kind == RANGE) {
        report_num(c->hi(r), hi);
        snprintf(text, 64, "%s-%s", num, isnan(c->hi(r)) ? "" : hi);
    } else
        snprintf(text, 64, "%s", num);
}

static const char *cell(const struct column *c, const struct table_run *const *runs,
                        const struct accuracy_result *const *r, size_t i, int format, struct ipw_arena *arena)
{
    char text[64];
    if (c->kind == NAME)
        return c->name(runs[i]) ? c->name(runs[i]) : "-";
    if (c->kind == ROW)
        snprintf(text, sizeof text, "%zu", i + 1);
    else if (format == CSV && !isnan(c->number(r[i])))
        snprintf(text, sizeof text, "%.9g", c->number(r[i]));
    else
        number_cell(c, runs[i], r[i], text);
    return ipw_arena_strdup(arena, text);
}

/* What the joules of a run cover. */
static void covers(const struct table_run *run, struct ipw_buf *s)
{
    const char *scorer = run->settings[TABLE_SETTING_SCORER].text;
    if (scorer)
        ipw_buf_addf(s, "scored again by %s; ", scorer);
    if (strcmp(table_mode(run), TABLE_ANSWERS) != 0)
        ipw_buf_addf(s, "%s; " REPORT_MODE_NOTE "; ", table_mode(run));
    ipw_buf_addf(s, "energy %s", run->energy_source);
    if (!ipw_streq(run->energy_source, "none"))
        ipw_buf_addf(s, ", %s", run->signature);
    for (size_t i = 0; i < run->n_unmetered; i++) {
        ipw_buf_adds(s, i ? ", " : "; not metered: ");
        report_cut(run->unmetered[i], 40, s);
    }
}

static void name_of(const struct table_run *run, struct ipw_buf *s)
{
    report_cut(run->model_name ? run->model_name : "-", 48, s);
    if (run->quant) {
        ipw_buf_addc(s, ' ');
        report_cut(run->quant, 12, s);
    }
}

static void extras(const struct report_extras *x, const struct table_run *run, struct ipw_buf *s)
{
    for (size_t i = 0; i < x->n; i++) {
        const char *cell = report_extra_cell(&x->v[i], run);
        if (!strcmp(cell, "-"))
            continue;
        ipw_buf_adds(s, "; ");
        report_cut(x->v[i].head, 40, s);
        ipw_buf_addc(s, x->v[i].label ? '=' : ' ');
        report_cut(cell, 60, s);
    }
}

/* The runs by number: what was asked, what the joules cover, what may not be set beside the first. */
static void list(const struct table_run *const *runs, size_t n, const struct report_extras *x, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        struct ipw_buf s = IPW_BUF_INIT;
        ipw_buf_addf(&s, "%zu ", i + 1);
        const char *folder = fs_basename(runs[i]->dir);
        report_cut(*folder ? folder : runs[i]->dir, 60, &s);
        ipw_buf_adds(&s, ": ");
        name_of(runs[i], &s);
        ipw_buf_adds(&s, "; ");
        covers(runs[i], &s);
        extras(x, runs[i], &s);
        if (!ipw_streq(runs[i]->dataset_sha256, runs[0]->dataset_sha256))
            ipw_buf_adds(&s, "; not the questions of 1");
        if (!ipw_streq(table_mode(runs[i]), table_mode(runs[0])))
            ipw_buf_adds(&s, "; neither accuracy nor joules comparable with 1");
        else if (!ipw_streq(runs[i]->signature, runs[0]->signature) ||
            !ipw_streq(runs[i]->energy_source, runs[0]->energy_source))
            ipw_buf_adds(&s, "; joules not comparable with 1");
        report_wrap(s.s, i < 9 ? 1 : 0, 3, out);
        ipw_buf_release(&s);
    }
    ipw_buf_adds(out, "   95 %: other questions of this kind may give\n\n");
}

/* What other scorers make of the answers, and what the verdicts hold beside right and wrong. */
static void beside(const struct table_run *run, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    char n[24];
    if (!run->n_beside)
        return;
    ipw_buf_addf(&s, "%-14s", "Beside it");
    for (size_t i = 0; i < run->n_beside; i++) {
        report_num(100 * run->beside[i].sum / run->beside[i].n, n);
        ipw_buf_addf(&s, "%s %s %s %% of %.0f", i ? "," : "", run->beside[i].name, n, run->beside[i].n);
    }
    report_wrap(s.s, 3, 18, out);
    ipw_buf_release(&s);
}

/* One run: its whole block, with both columns of doubt. */
static void block(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    name_of(run, &s);
    if (r->samples.k > 1)
        ipw_buf_addf(&s, ", %zu answers, %zu to each question of ", r->n_scored, r->samples.k);
    else
        ipw_buf_addf(&s, ", %zu question%s of ", r->n_scored, r->n_scored == 1 ? "" : "s");
    report_cut(run->dataset_name ? run->dataset_name : "-", 48, &s);
    ipw_buf_adds(&s, "; ");
    covers(run, &s);
    report_wrap(s.s, 1, 1, out);
    ipw_buf_addc(out, '\n');
    report_figures(run, r, false, out);
    if (r->samples.k > 1)
        ipw_buf_addc(out, '\n');
    report_samples(r, true, out);
    beside(run, out);
    if (run->judge)
        report_judge(run->judge, out);
    ipw_buf_release(&s);
}

void report_accuracy_table(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n_runs,
                           const char *format, struct ipw_buf *out)
{
    int shown = !strcmp(format, "csv") ? CSV : !strcmp(format, "md") ? MD : TEXT;
    if (shown == TEXT && n_runs == 1) {
        block(runs[0], r[0], out);
        report_domains(runs, r, 1, format, out);
        return;
    }
    struct report_extras x;
    report_extras(runs, n_runs, shown == CSV, &x);
    if (shown == TEXT)
        list(runs, n_runs, &x, out);
    size_t n_extra = shown == TEXT ? 0 : x.n, k = 0;
    const char **head = ipw_calloc(N_COLUMNS + n_extra, sizeof *head);
    const char **cells = ipw_calloc(n_runs * (N_COLUMNS + n_extra) + 1, sizeof *cells);
    struct ipw_arena arena = {0};
    struct report_table t = {.head = head, .n_rows = n_runs, .cells = cells};
    for (size_t c = 0; c < N_COLUMNS; c++) {
        if (!(columns[c].formats & shown))
            continue;
        t.right |= columns[c].kind == NAME ? 0u : 1u << t.n_cols;
        head[t.n_cols++] = columns[c].head;
    }
    for (size_t c = 0; c < n_extra; c++)
        head[t.n_cols++] = x.v[c].head;
    for (size_t i = 0; i < n_runs; i++) {
        for (size_t c = 0; c < N_COLUMNS; c++)
            if (columns[c].formats & shown)
                cells[k++] = cell(&columns[c], runs, r, i, shown, &arena);
        for (size_t c = 0; c < n_extra; c++)
            cells[k++] = report_extra_cell(&x.v[c], runs[i]);
    }
    report_table(&t, format, 80, out);
    if (shown != CSV)
        report_domains(runs, r, n_runs, format, out);
    ipw_arena_release(&arena);
    report_extras_release(&x);
    free(head);
    free(cells);
}
