/* Subjects: the figures of each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "report/internal.h"

enum { NAME = 32, LINE = 79, COLUMNS = 6, BESIDE = 3 /* runs that fit beside one another */ };

static const char *name_of(const struct domain_figures *d)
{
    return d->name ? d->name : "(none)";
}

static void percent(double x, char out[24])
{
    snprintf(out, 24, isnan(x) ? "-" : "%.3g", 100 * x);
}

/* "20-48", "-" where there is none. */
static void range(const struct estimate *e, char out[56])
{
    char lo[24], hi[24];
    report_num(100 * e->lo, lo);
    report_num(100 * e->hi, hi);
    snprintf(out, 56, isnan(e->lo) ? "-" : "%s-%s", lo, hi);
}

/* ---- the line of the closing screen ---- */

static void add_subject(const struct domain_figures *d, int width, bool with_range, struct ipw_buf *s)
{
    char x[24], span[56];
    percent(d->accuracy.est, x);
    range(&d->accuracy, span);
    report_cut(name_of(d), width, s);
    ipw_buf_addf(s, " %s %% of %zu", x, d->accuracy.n);
    if (with_range && isfinite(d->accuracy.lo))
        ipw_buf_addf(s, " (%s)", span);
}

static void line_of(const struct domain_figures *best, const struct domain_figures *worst, size_t n, int name, bool with_range,
                    struct ipw_buf *s)
{
    ipw_buf_clear(s);
    ipw_buf_addf(s, "   %-14s %zu, from ", "Subjects", n);
    add_subject(best, name, with_range, s);
    ipw_buf_adds(s, " to ");
    add_subject(worst, name, with_range, s);
}

/* Of two alike the larger group, which says more, then the first. */
static bool beats(const struct domain_figures *a, const struct domain_figures *b, bool high)
{
    if (a->accuracy.est != b->accuracy.est)
        return (a->accuracy.est > b->accuracy.est) == high;
    return a->accuracy.n > b->accuracy.n;
}

void report_domains_row(const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    const struct domain_figures *best = NULL, *worst = NULL;
    for (size_t i = 0; i < r->n_domains; i++) {
        const struct domain_figures *d = &r->domain[i];
        if (isnan(d->accuracy.est))
            continue;
        best = !best || beats(d, best, true) ? d : best;
        worst = !worst || beats(d, worst, false) ? d : worst;
    }
    if (!best)
        return;
    line_of(best, worst, r->n_domains, NAME, true, &s);
    for (int name = NAME; report_width(s.s) > LINE && name > 6; name--)
        line_of(best, worst, r->n_domains, name, false, &s);
    ipw_buf_addf(out, "%s\n", s.s);
    ipw_buf_release(&s);
}

/* ---- one run ---- */

static const char *keep(struct ipw_arena *arena, const char *text)
{
    return ipw_arena_strdup(arena, text);
}

static void joule_cell(const struct table_run *run, double x, bool per_joule, char out[64])
{
    char num[24];
    struct report_unit u = per_joule ? (struct report_unit){1, ""} : report_unit_of(x);
    report_num(x * u.scale, num);
    if (isnan(x))
        snprintf(out, 64, "-");
    else
        snprintf(out, 64, "%s%s%s%s", report_mark(run, per_joule), num, *u.prefix ? " " : "", u.prefix);
}

static void one(const struct table_run *run, const struct accuracy_result *r, const char *format, struct ipw_buf *out)
{
    static const char *const head[COLUMNS] = {"subject", "n", "right %", "95 %", "J/query", "right/kJ"};
    const char **cell = ipw_calloc(COLUMNS * r->n_domains, sizeof *cell);
    struct ipw_arena arena = {0};
    for (size_t i = 0; i < r->n_domains; i++) {
        const struct domain_figures *d = &r->domain[i];
        const char **c = cell + COLUMNS * i;
        char text[64];
        c[0] = name_of(d);
        snprintf(text, sizeof text, "%zu", d->accuracy.n);
        c[1] = keep(&arena, text);
        percent(d->accuracy.est, text);
        c[2] = keep(&arena, text);
        range(&d->accuracy, text);
        c[3] = keep(&arena, text);
        joule_cell(run, d->per_query_j.est, false, text);
        c[4] = keep(&arena, text);
        joule_cell(run, 1000 * d->ipj.est, true, text);
        c[5] = keep(&arena, text);
    }
    struct report_table t = {.head = head, .n_cols = COLUMNS, .n_rows = r->n_domains, .cells = cell, .right = 0x3e};
    report_table(&t, format, 80, out);
    ipw_arena_release(&arena);
    free(cell);
}

/* ---- several runs ---- */

static const struct domain_figures *find(const struct accuracy_result *r, const char *name)
{
    for (size_t lo = 0, hi = r->n_domains; lo < hi;) { /* they are by name */
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(r->domain[mid].name ? r->domain[mid].name : "", name);
        if (!order)
            return &r->domain[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every run's subjects, each once, by name. */
static const char **names_of(const struct accuracy_result *const *r, size_t n, size_t *count)
{
    size_t all = 0, k = 0;
    for (size_t i = 0; i < n; i++)
        all += r[i]->n_domains;
    const char **name = ipw_calloc(all + 1, sizeof *name);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < r[i]->n_domains; j++)
            name[k++] = r[i]->domain[j].name ? r[i]->domain[j].name : "";
    qsort(name, all, sizeof *name, by_text);
    *count = 0;
    for (size_t i = 0; i < all; i++)
        if (!*count || strcmp(name[i], name[*count - 1]) != 0)
            name[(*count)++] = name[i];
    return name;
}

/* "62 (44-77) 40": right %, its interval, questions. */
static const char *beside_cell(const struct domain_figures *d, struct ipw_arena *arena)
{
    char x[24], span[56], text[128];
    if (!d || isnan(d->accuracy.est))
        return "-";
    percent(d->accuracy.est, x);
    range(&d->accuracy, span);
    snprintf(text, sizeof text, "%s (%s) %zu", x, span, d->accuracy.n);
    return keep(arena, text);
}

/* Runs from to before to, by their numbers in the list of runs. */
static void beside(const struct accuracy_result *const *r, size_t from, size_t to, const char *const *name, size_t n_names,
                   const char *format, struct ipw_buf *out)
{
    size_t n = to - from, cols = n + 1;
    const char **head = ipw_calloc(cols, sizeof *head), **cell = ipw_calloc(cols * n_names, sizeof *cell);
    struct ipw_arena arena = {0};
    head[0] = "right % (95 %) of n";
    for (size_t k = 0; k < n; k++) {
        char text[24];
        snprintf(text, sizeof text, "%zu", from + k + 1);
        head[k + 1] = keep(&arena, text);
    }
    for (size_t i = 0; i < n_names; i++) {
        cell[cols * i] = *name[i] ? name[i] : "(none)";
        for (size_t k = 0; k < n; k++)
            cell[cols * i + k + 1] = beside_cell(find(r[from + k], name[i]), &arena);
    }
    struct report_table t = {.head = head, .n_cols = cols, .n_rows = n_names, .cells = cell, .right = ~1u};
    report_table(&t, format, 80, out);
    ipw_arena_release(&arena);
    free(head);
    free(cell);
}

/* ---- both ---- */

/* A set's own mean of subjects, where they are of several sizes. */
static void macro(const struct accuracy_result *r, const char *prefix, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    char x[24], span[56];
    if (isnan(r->accuracy_macro.est))
        return;
    percent(r->accuracy_macro.est, x);
    range(&r->accuracy_macro, span);
    ipw_buf_addf(&s, "%s%s %%", prefix, x);
    if (isfinite(r->accuracy_macro.lo))
        ipw_buf_addf(&s, " (%s)", span);
    report_wrap(s.s, 3, 3, out);
    ipw_buf_release(&s);
}

void report_domains(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n, const char *format,
                    struct ipw_buf *out)
{
    size_t n_names;
    const char **name = names_of(r, n, &n_names);
    if (n_names)
        ipw_buf_addc(out, '\n');
    if (n_names && n == 1)
        one(runs[0], r[0], format, out);
    for (size_t from = 0; n_names && n > 1 && from < n; from += BESIDE) {
        ipw_buf_adds(out, from ? "\n" : "");
        beside(r, from, from + BESIDE < n ? from + BESIDE : n, name, n_names, format, out);
    }
    if (n_names && !strcmp(format, "table"))
        ipw_buf_addc(out, '\n');
    for (size_t i = 0; n_names && i < n && !strcmp(format, "table"); i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, n == 1 ? "Each subject counting alike: " : "%zu, each subject counting alike: ", i + 1);
        macro(r[i], prefix, out);
    }
    free(name);
}

void report_put_domains(struct json_out *o, json_node *to, const struct accuracy_result *r)
{
    json_node *list = json_put_arr(o, to, "domains");
    for (size_t i = 0; i < r->n_domains; i++) {
        const struct domain_figures *d = &r->domain[i];
        json_node *n = json_put_obj(o, list, NULL);
        json_put_str(o, n, "domain", d->name);
        json_put_int(o, n, "questions", (int64_t)d->n_questions);
        json_put_int(o, n, "scored", (int64_t)d->n_scored);
        json_put_int(o, n, "unscored", (int64_t)d->n_unscored);
        report_put_estimate(o, n, "accuracy", &d->accuracy);
        report_put_scoped(o, n, "per_query_j", &d->per_query_j, NULL, NULL);
        report_put_scoped(o, n, "power_w", &d->power_w, NULL, NULL);
        report_put_scoped(o, n, "ipj", &d->ipj, NULL, NULL);
        report_put_scoped(o, n, "ipw", &d->ipw, NULL, NULL);
    }
    report_put_estimate(o, to, "accuracy_macro", &r->accuracy_macro);
}
