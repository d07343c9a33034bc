#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/internal.h"

static const char amber[] = "\033[33m", plain[] = "\033[0m";

/* Where the columns of the block begin. */
enum { MARK = 17, QUESTIONS = 32, METER = 53, WORD = 67, WIDTH = 80 };

struct row {
    const char *label, *unit;
    const struct estimate *e;
    bool joules;    /* of joules or watts: takes a unit prefix, and the word of the source at its end */
    bool per_joule; /* of a partial run: "<" where joules have ">" */
    bool plain;     /* no meter has a part in it */
};

static void pad_to(struct ipw_buf *line, int column)
{
    int at = report_width(line->s);
    ipw_buf_addf(line, "%*s", at < column ? column - at : at ? 1 : 0, "");
}

static void num_digits(double x, int digits, char out[24])
{
    report_num(x, out);
    if (digits == 2)
        return;
    size_t n = (size_t)snprintf(out, 24, "%#.*g", digits, x); /* 28.0, not 28 */
    if (out[n - 1] == '.')
        out[n - 1] = '\0';
}

/* How many digits an interval takes: two, more where two would hide that its ends differ. */
static int digits_of(double lo, double hi)
{
    char a[24], b[24];
    int digits = 1;
    do {
        digits++;
        num_digits(lo, digits, a);
        num_digits(hi, digits, b);
    } while (digits < 5 && lo < hi && ipw_streq(a, b));
    return digits;
}

/* "6.3 to 9.1"; one end may be open. */
static void span(double lo, double hi, double scale, const char *unit, struct ipw_buf *line)
{
    char a[24], b[24];
    int digits = digits_of(lo * scale, hi * scale);
    num_digits(lo * scale, digits, a);
    num_digits(hi * scale, digits, b);
    if (isnan(lo) && isnan(hi))
        ipw_buf_addc(line, '-');
    else if (isnan(hi))
        ipw_buf_addf(line, "%s%s or more", a, unit);
    else if (isnan(lo))
        ipw_buf_addf(line, "%s%s or less", b, unit);
    else
        ipw_buf_addf(line, "%s to %s%s", a, b, unit);
}

/* The word at the end of a row of joules: what stands behind them. */
static void source_word(const struct table_run *run, struct ipw_buf *word)
{
    if (ipw_streq(run->energy_source, "partial"))
        ipw_buf_addf(word, "%s not metered", report_unmetered(run));
    else
        ipw_buf_adds(word, run->energy_source);
}

static void no_value(const char *label, const char *reason, struct ipw_buf *out)
{
    ipw_buf_addf(out, "   %-14s -             (", label);
    report_cut(reason ? reason : "not known", 44, out);
    ipw_buf_adds(out, ")\n");
}

/* Decimal points stand below one another: `whole` is the widest whole part. */
static void value(const char *mark, const char *num, int whole, const char *unit, struct ipw_buf *line)
{
    int digits = (int)strcspn(num, ".e");
    ipw_buf_addf(line, "%1s%*s%s %s", mark, digits < whole ? whole - digits : 0, "", num, unit);
}

static void add_row(const struct table_run *run, const struct row *row, int whole, const char *reason, bool color,
                    struct ipw_buf *out)
{
    struct ipw_buf line = IPW_BUF_INIT, word = IPW_BUF_INIT;
    char num[24], unit[16];
    const struct estimate *e = row->e;
    if (isnan(e->est)) {
        no_value(row->label, reason, out);
        return;
    }
    struct report_unit u = row->joules ? report_unit_of(e->est) : (struct report_unit){1, ""};
    const char *mark = row->plain ? "" : report_mark(run, row->per_joule);
    bool partial = ipw_streq(run->energy_source, "partial"), tint = color && *mark;
    num_digits(e->est * u.scale, digits_of(e->lo * u.scale, e->hi * u.scale), num);
    snprintf(unit, sizeof unit, "%s%s", u.prefix, row->unit);
    ipw_buf_addf(&line, "   %s", row->label);
    pad_to(&line, MARK);
    value(mark, num, whole, unit, &line);
    pad_to(&line, QUESTIONS);
    span(e->lo, e->hi, u.scale, "", &line);
    pad_to(&line, METER);
    if (e->est == 0 || row->plain)
        ipw_buf_adds(&line, "the same");
    else if (partial) /* it would meter the rest too: how much that takes, nobody knows */
        ipw_buf_adds(&line, row->per_joule ? "less" : "more");
    else
        span(e->meter_lo, e->meter_hi, u.scale, "", &line);
    if (row->joules) {
        source_word(run, &word);
        pad_to(&line, (int)word.len > WIDTH - WORD ? WIDTH - (int)word.len : WORD);
        ipw_buf_adds(&line, word.s);
    }
    ipw_buf_addf(out, "%.*s%s%s%s\n", MARK, line.s, tint ? amber : "", line.s + MARK, tint ? plain : "");
    ipw_buf_release(&line);
    ipw_buf_release(&word);
}

static void add_accuracy(const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf line = IPW_BUF_INIT;
    char num[24];
    if (isnan(r->accuracy.est)) {
        no_value("Accuracy", "no question could be scored", out);
        return;
    }
    snprintf(num, sizeof num, "%.3g", 100 * r->accuracy.est);
    ipw_buf_adds(&line, "   Accuracy");
    pad_to(&line, MARK);
    value("", num, 2, "%", &line);
    pad_to(&line, QUESTIONS);
    span(r->accuracy.lo, r->accuracy.hi, 100, " %", &line);
    pad_to(&line, METER);
    ipw_buf_addf(out, "%sthe same\n", line.s);
    ipw_buf_release(&line);
}

/* How wide the whole parts of joules and watts are: at least two, so that most screens look alike. */
static int whole_width(const struct row *rows, size_t n)
{
    int width = 2;
    for (size_t i = 0; i < n; i++) {
        char num[24];
        if (!rows[i].joules || isnan(rows[i].e->est))
            continue;
        report_num(rows[i].e->est * report_unit_of(rows[i].e->est).scale, num);
        int digits = (int)strcspn(num, ".e");
        width = digits > width ? digits : width;
    }
    return width;
}

/* IPJ once more as a number that can be spoken. */
static void right_per(const struct table_run *run, double ipj, struct ipw_buf *out)
{
    char num[24];
    bool mega = ipj < 0.95e-4;
    const char *mark = report_mark(run, true);
    report_num(ipj * (mega ? 1e6 : 1e3), num);
    ipw_buf_addf(out, "%*s= %s%s right answers per %sjoule\n", MARK, "", *mark == '<' ? "fewer than " : mark, num,
                 mega ? "mega" : "kilo");
}

void report_figures(const struct table_run *run, const struct accuracy_result *r, bool color, struct ipw_buf *out)
{
    bool perplexity = !strcmp(table_mode(run), TABLE_PERPLEXITY);
    const struct row rows[] = {
        {"Perplexity", "", &r->perplexity.corpus, false, false, true},
        {"Bits per byte", "", &r->perplexity.bits_per_byte, false, false, true},
        {"Energy", perplexity ? "J/piece" : "J/query", &r->per_query_j, true, false, false},
        {"Mean power", "W", &r->power_w, true, false, false},
        {perplexity ? "PPW" : "IPW", "/W", perplexity ? &r->perplexity.ppw : &r->ipw, false, true, false},
        {perplexity ? "PPJ" : "IPJ", "/J", perplexity ? &r->perplexity.ppj : &r->ipj, false, true, false},
    };
    enum { N = sizeof rows / sizeof rows[0], OF_TEXT = 2 };
    int whole = whole_width(rows, N);
    ipw_buf_addf(out, "%*s%-*s%s\n", QUESTIONS, "", METER - QUESTIONS, "other questions", "a better meter");
    ipw_buf_addf(out, "%*s%-*s%s\n", QUESTIONS, "", METER - QUESTIONS, "may give (95 %)", "may give (95 %)");
    if (!perplexity)
        add_accuracy(r, out);
    for (size_t i = perplexity ? 0 : OF_TEXT; i < N; i++)
        add_row(run, &rows[i], rows[i].joules ? whole : 2, perplexity ? run->energy_reason : r->energy_reason, color, out);
    if (r->ipj.est > 0)
        right_per(run, r->ipj.est, out);
}
