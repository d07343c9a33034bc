#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/internal.h"

static const char amber[] = "\033[33m", plain[] = "\033[0m";

static void span(double lo, double hi, const char *unit, char out[64])
{
    char a[24], b[24];
    report_num(lo, a);
    report_num(hi, b);
    if (isnan(lo) && isnan(hi))
        snprintf(out, 64, "-");
    else
        snprintf(out, 64, "%s to %s%s", a, isnan(hi) ? "no upper end" : b, unit);
}

/* The word at the end of a row of joules: what stands behind them. */
static const char *source_word(const struct table_run *run, char out[64])
{
    if (strcmp(run->energy_source, "partial") != 0 || !run->n_unmetered)
        return run->energy_source;
    snprintf(out, 64, "%.24s not metered", run->unmetered[0]);
    return out;
}

struct row {
    const char *label, *unit;
    const struct estimate *e;
    bool joules;    /* carries the source's word */
    bool per_joule; /* a "<" where the joules have a ">" */
};

static void add_row(const struct table_run *run, const struct row *row, const char *reason, bool color,
                    struct ipw_buf *out)
{
    char value[64], n[24], questions[64], meter[64], word[64];
    if (isnan(row->e->est)) {
        ipw_buf_addf(out, "   %-14s -             (%s)\n", row->label, reason ? reason : "not known");
        return;
    }
    report_num(row->e->est, n);
    snprintf(value, sizeof value, "%s %s", n, row->unit);
    span(row->e->lo, row->e->hi, "", questions);
    span(row->e->meter_lo, row->e->meter_hi, "", meter);
    const char *mark = report_mark(run, row->per_joule);
    bool tint = color && *mark;
    ipw_buf_addf(out, "   %-13s%s%1s%-14s %-20s %-14s%s%s\n", row->label, tint ? amber : "", mark, value, questions,
                 meter, row->joules ? source_word(run, word) : "", tint ? plain : "");
}

static void add_accuracy(const struct accuracy_result *r, struct ipw_buf *out)
{
    char questions[64];
    if (isnan(r->accuracy.est)) {
        ipw_buf_addf(out, "   %-14s -             (%s)\n", "Accuracy", "nothing could be scored");
        return;
    }
    span(100 * r->accuracy.lo, 100 * r->accuracy.hi, " %", questions);
    ipw_buf_addf(out, "   %-14s%.3g %%%*s%-20s %s\n", "Accuracy", 100 * r->accuracy.est,
                 (int)(13 - snprintf((char[24]){0}, 24, "%.3g", 100 * r->accuracy.est)), "", questions, "the same");
}

static void trim_line_ends(struct ipw_buf *out, size_t from)
{
    size_t to = from;
    for (size_t i = from; i < out->len; i++) {
        if (out->s[i] == '\n')
            while (to > from && out->s[to - 1] == ' ')
                to--;
        out->s[to++] = out->s[i];
    }
    out->len = to;
    out->s[to] = '\0';
}

void report_figures(const struct table_run *run, const struct accuracy_result *r, bool color, struct ipw_buf *out)
{
    const struct row rows[] = {
        {"Energy", "J/query", &r->per_query_j, true, false},
        {"Mean power", "W", &r->power_w, true, false},
        {"IPW", "/W", &r->ipw, false, true},
        {"IPJ", "/J", &r->ipj, false, true},
    };
    size_t from = out->len;
    char n[24];
    ipw_buf_adds(out, "                                other questions      a better meter\n"
                      "                                may give (95 %)      may give (95 %)\n");
    add_accuracy(r, out);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        add_row(run, &rows[i], r->energy_reason, color, out);
    if (!isnan(r->ipj.est)) {
        report_num(1000 * r->ipj.est, n);
        ipw_buf_addf(out, "                 = %s%s right answers per kilojoule\n",
                     strcmp(run->energy_source, "partial") ? "" : "<", n);
    }
    trim_line_ends(out, from);
}
