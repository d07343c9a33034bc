#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/internal.h"

enum { WIDTH = 79 };

/* Words of `text` in lines of WIDTH columns, each after `indent` spaces. */
static void wrap(const char *text, int indent, struct ipw_buf *out)
{
    int column = 0;
    for (const char *p = text; *p;) {
        int n = (int)strcspn(p, " ");
        if (column && column + 1 + n > WIDTH) {
            ipw_buf_addc(out, '\n');
            column = 0;
        }
        ipw_buf_addf(out, "%*s", column ? 1 : indent, "");
        column += column ? 1 : indent;
        ipw_buf_add(out, p, (size_t)n);
        column += n;
        p += n + (p[n] == ' ');
    }
    ipw_buf_addc(out, '\n');
}

static void right_of(double right, size_t n, char out[64])
{
    if (right == floor(right))
        snprintf(out, 64, "%.0f of %zu", right, n);
    else
        snprintf(out, 64, "%.1f of %zu", right, n);
}

/* The answer in words. */
static void sentence(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    char right[64], cost[32];
    bool partial = !strcmp(run->energy_source, "partial"), estimated = !strcmp(run->energy_source, "estimated");
    report_text(run->model_name ? run->model_name : "the model", &s);
    if (run->quant) {
        ipw_buf_addc(&s, ' ');
        report_text(run->quant, &s);
    }
    right_of(r->n_correct, r->n_scored, right);
    ipw_buf_addf(&s, " answered %s questions right on this machine (", right);
    report_text(run->device, &s);
    ipw_buf_adds(&s, ").");
    if (r->ipj.est > 0) {
        report_joules(1 / r->ipj.est, cost);
        if (partial)
            ipw_buf_addf(&s, " One right answer cost more than %s; the GPU that did the work was not metered.", cost);
        else
            ipw_buf_addf(&s, " One right answer cost %s%s%s.", estimated ? "~" : "", cost, estimated ? ", estimated" : "");
    } else if (r->n_scored && r->n_correct == 0 && r->ipj.est == 0) {
        report_joules(r->total_j, cost);
        ipw_buf_addf(&s, " No answer was right, for %s%s%s in all.", report_mark(run, false), cost,
                     estimated ? " (estimated)" : "");
    }
    wrap(s.s, 1, out);
    ipw_buf_release(&s);
}

static void add_if(struct ipw_buf *s, size_t n, const char *what)
{
    if (n)
        ipw_buf_addf(s, ", %zu %s", n, what);
}

static const char *missing_reason(const struct table_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        if (isnan(run->v[i].energy_j) && run->v[i].energy_reason)
            return run->v[i].energy_reason;
    return "not known";
}

static void speed(const struct accuracy_result *r, struct ipw_buf *out)
{
    char a[24], b[24], c[24], d[24];
    if (!r->e2e_s.n)
        return;
    report_num(r->ttft_s.mean, a);
    report_num(r->ttft_s.p90, b);
    report_num(r->decode_tok_s, c);
    report_num(r->e2e_s.mean, d);
    ipw_buf_addf(out, "   %-14sTTFT %s s (p90 %s)   %s tokens/s   %s s a question\n", "Speed", a, b, c, d);
    if (r->interactive)
        ipw_buf_addf(out, "   %-14sfast enough to talk to (first token < 2 s, > 10 tokens/s)\n", "");
}

static void phases(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    char a[24], b[24];
    const char *mark = report_mark(run, false);
    if (isnan(r->prefill.j_per_token) && isnan(r->decode.j_per_token))
        return;
    report_num(r->prefill.j_per_token, a);
    report_num(r->decode.j_per_token, b);
    ipw_buf_addf(out, "   %-13s%1s%s J per prompt token   %s%s J per output token\n", "Phases", mark, a, mark, b);
}

static void answers(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    size_t errors = r->by_query[QUERY_ERROR] + r->by_query[QUERY_TIMEOUT];
    size_t read = r->by_score[SCORE_CORRECT] + r->by_score[SCORE_INCORRECT] - r->n_failed;
    ipw_buf_addf(&s, "%zu read, %zu unreadable%s", read, r->by_score[SCORE_UNPARSED],
                 r->by_score[SCORE_UNPARSED] ? " (counted wrong)" : "");
    add_if(&s, r->by_query[QUERY_TRUNCATED], "cut off");
    add_if(&s, r->by_query[QUERY_EMPTY], "empty");
    add_if(&s, r->by_query[QUERY_REFUSED], "refused");
    ipw_buf_addf(&s, ", %zu error%s", errors, errors == 1 ? "" : "s");
    ipw_buf_addf(out, "   %-14s%s\n", "Answers", s.s);
    if (r->n_unscored)
        ipw_buf_addf(out, "   %-14s%zu cannot be scored here; with them %.0f to %.0f %% are right\n", "", r->n_unscored,
                     100 * r->all_wrong, 100 * r->all_right);
    if (r->n_energy && r->n_energy < r->n_scored) {
        ipw_buf_addf(out, "   %-14sfor %zu of %zu questions (the rest: ", "Joules", r->n_energy, r->n_scored);
        report_text(missing_reason(run), out);
        ipw_buf_adds(out, ")\n");
    }
    ipw_buf_release(&s);
}

/* "component(cpu_package+dram)" in words. */
static void members(const char *signature, struct ipw_buf *s)
{
    static const struct {
        const char *scope, *words;
    } names[] = {{"cpu_package", "CPU package"}, {"dram", "DRAM"},   {"gpu_board", "GPU board"},
                 {"gpu_chip", "GPU chip"},       {"ane", "ANE"},     {"module", "module"},
                 {"soc_in", "SoC input"},        {"rail", "a rail"}, {"igpu", "integrated GPU"}};
    const char *p = strchr(signature, '(');
    for (p = p ? p + 1 : signature; *p && *p != ')';) {
        size_t n = strcspn(p, "+)"), i = 0;
        while (i < sizeof names / sizeof names[0] && (strlen(names[i].scope) != n || strncmp(names[i].scope, p, n) != 0))
            i++;
        if (i < sizeof names / sizeof names[0])
            ipw_buf_adds(s, names[i].words);
        else
            ipw_buf_add(s, p, n);
        p += n;
        if (*p == '+') {
            ipw_buf_adds(s, " + ");
            p++;
        }
    }
}

static void joules(const struct table_run *run, const char *why, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    if (!strcmp(run->energy_source, "estimated")) {
        ipw_buf_addf(&s,
                     "~ estimated: a CPU load model, because %s. It can be off by a factor of two; never ranked with "
                     "measured runs. To measure, run where counters are; what is missing here: ipw sensors",
                     why ? why : "no energy counter can be read here");
    } else if (!strcmp(run->energy_source, "none")) {
        ipw_buf_adds(&s, "No joules: none were asked for, or no counter could be read. What is there: ipw sensors");
    } else {
        ipw_buf_adds(&s, "Joules: ");
        members(run->signature, &s);
        ipw_buf_adds(&s, " (counters). Not metered: ");
        for (size_t i = 0; i < run->n_unmetered; i++) {
            report_text(run->unmetered[i], &s);
            ipw_buf_adds(&s, ", ");
        }
        ipw_buf_adds(&s, "display, board, power supply.");
    }
    wrap(s.s, 1, out);
    ipw_buf_release(&s);
}

void report_screen(const struct table_run *run, const struct accuracy_result *r, const struct report_screen *opt,
                   struct ipw_buf *out)
{
    sentence(run, r, out);
    ipw_buf_addc(out, '\n');
    report_figures(run, r, opt->color, out);
    ipw_buf_addc(out, '\n');
    speed(r, out);
    phases(run, r, out);
    answers(run, r, out);
    ipw_buf_addc(out, '\n');
    joules(run, opt->why, out);
    ipw_buf_adds(out, "\n Saved  ");
    report_text(run->dir, out);
    ipw_buf_adds(out, strlen(run->dir) > 46 ? "\n        summary.json, run.db, queries.jsonl\n"
                                            : "    summary.json, run.db\n");
    for (size_t i = 0; opt->next && opt->next[i]; i++)
        ipw_buf_addf(out, " %-6s %s\n", i ? "" : "Next", opt->next[i]);
}
