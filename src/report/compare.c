/* Two configurations side by side. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/internal.h"

enum { A, B, SIDES, CELLS = 6, TABLE_FROM = 76 /* columns */ };

static const struct table_run *first(const struct compare_result *r, int side)
{
    return r->side[side].runs[0];
}

static bool is_estimated(const struct compare_result *r)
{
    return ipw_streq(first(r, A)->energy_source, "estimated");
}

/* "could be chance" where 95 % of what other questions would give holds no difference too. */
static const char *chance(bool maybe)
{
    return maybe ? "could be chance" : "hardly chance";
}

static bool holds(const struct estimate *e, double x)
{
    return isnan(e->lo) || isnan(e->hi) || (e->lo <= x && x <= e->hi);
}

static void p_text(double p, char out[32])
{
    if (isnan(p))
        snprintf(out, 32, "no p");
    else if (p < 0.001)
        snprintf(out, 32, "p < 0.001");
    else
        snprintf(out, 32, "p = %.2g", p);
}

enum { AS_READ = -1 }; /* two significant digits */

/* So many decimals that the ends of a narrow interval can be told apart; the value and its interval have the same. */
static int decimals_of(const struct estimate *e)
{
    double width = e->hi - e->lo;
    if (e->hi > 2 * e->lo)
        return AS_READ;
    return !(width > 0) || width >= 0.1 ? 2 : width >= 0.01 ? 3 : 4;
}

static void ratio_num(double x, int decimals, char out[24])
{
    if (decimals == AS_READ || !(fabs(x) >= 0.1 && fabs(x) < 99.5))
        report_num(x, out);
    else
        snprintf(out, 24, "%.*f", decimals, x);
}

static void span(double lo, double hi, int decimals, char out[64])
{
    char a[24], b[24];
    ratio_num(lo, decimals, a);
    ratio_num(hi, decimals, b);
    if (isnan(lo) && isnan(hi))
        snprintf(out, 64, "-");
    else if (isnan(hi))
        snprintf(out, 64, "%s or more", a);
    else if (isnan(lo))
        snprintf(out, 64, "%s or less", b);
    else
        snprintf(out, 64, "%s to %s", a, b);
}

/* ---- in words ---- */

static void points(const struct compare_result *r, struct ipw_buf *s)
{
    char d[24], range[64], p[32];
    const struct estimate *e = &r->difference;
    report_num(100 * e->est, d);
    span(100 * e->lo, 100 * e->hi, AS_READ, range);
    p_text(r->p, p);
    ipw_buf_addf(s, " (difference %s points", d);
    if (isnan(e->lo))
        ipw_buf_adds(s, "; one question tells no interval)");
    else
        ipw_buf_addf(s, ", %s, %s: %s)", range, p, chance(!(r->p < 0.05)));
}

static void rightness(const struct compare_result *r, struct ipw_buf *s)
{
    long more = (long)r->only_b - (long)r->only_a;
    char d[24];
    if (!r->n) {
        ipw_buf_adds(s, "No answer could be scored on both sides");
        return;
    }
    if (r->binary && more)
        ipw_buf_addf(s, "B answered %ld of %zu %s right", labs(more), r->n, more > 0 ? "more" : "fewer");
    else if (r->difference.est == 0)
        ipw_buf_addf(s, "B answered as many of %zu right as A", r->n);
    else {
        report_num(100 * fabs(r->difference.est), d);
        ipw_buf_addf(s, "Of %zu questions B answered %s points %s right", r->n, d, r->difference.est > 0 ? "more" : "fewer");
    }
    points(r, s);
}

static void times(const struct compare_result *r, enum compare_id id, struct ipw_buf *s)
{
    const struct estimate *e = &r->figure[id].ratio;
    char x[24], range[64];
    ratio_num(e->est, decimals_of(e), x);
    span(e->lo, e->hi, decimals_of(e), range);
    ipw_buf_addf(s, "%s%s times", report_mark(first(r, B), false), x);
    if (id == COMPARE_IPJ)
        ipw_buf_adds(s, " the right answers");
    else
        ipw_buf_adds(s, " the joules");
    if (isnan(e->lo))
        ipw_buf_adds(s, " (one question tells no interval)");
    else
        ipw_buf_addf(s, " (%s%s%s)", range, holds(e, 1) ? ": " : "", !holds(e, 1) ? "" : chance(true));
}

static void sentence(const struct compare_result *r, struct ipw_buf *s)
{
    const struct compare_figure *j = &r->figure[COMPARE_J], *ipj = &r->figure[COMPARE_IPJ];
    rightness(r, s);
    if (j->reason) {
        ipw_buf_addf(s, ". Joules are not compared: %s.", j->reason);
        return;
    }
    ipw_buf_adds(s, r->n ? " for " : "; B took ");
    times(r, COMPARE_J, s);
    ipw_buf_adds(s, ". ");
    if (!ipj->reason) {
        ipw_buf_adds(s, "For each joule B gives ");
        times(r, COMPARE_IPJ, s);
        ipw_buf_addc(s, '.');
    } else if (r->n) {
        bool none[] = {ipj->a == 0, ipj->b == 0};
        ipw_buf_addf(s, "Right answers per joule have no ratio: %s answered none right.",
                     none[A] && none[B] ? "both" : none[A] ? "A" : "B");
    }
}

static void side_name(const struct compare_result *r, int side, struct ipw_buf *s)
{
    const struct table_run *t = first(r, side);
    const char *folder = t->dir ? fs_basename(t->dir) : "-";
    report_cut(*folder ? folder : t->dir, 60, s);
    if (r->side[side].n > 1)
        ipw_buf_addf(s, " and %zu more", r->side[side].n - 1);
    ipw_buf_adds(s, ": ");
    report_cut(t->model_name ? t->model_name : "-", 48, s);
    if (t->quant) {
        ipw_buf_addc(s, ' ');
        report_cut(t->quant, 12, s);
    }
    for (size_t i = 0; i < r->side[side].n; i++)
        if (!r->side[side].runs[i]->complete) {
            ipw_buf_adds(s, "; not finished");
            break;
        }
    if (r->n_asked[side] != r->n + r->n_unscored)
        ipw_buf_addf(s, "; %zu questions, of which %zu are in both", r->n_asked[side], r->n + r->n_unscored);
}

/* Both kinds of doubt about the joules. */
static void doubts(const struct compare_result *r, struct ipw_buf *s)
{
    ipw_buf_adds(s, "Questions 95 %: what other questions of this kind may give, paired by question. ");
    if (r->joules_reason)
        return;
    ipw_buf_adds(s, "Meter 95 %: what a better meter may give; ");
    if (r->same_meter && is_estimated(r))
        ipw_buf_adds(s, "both joules are estimates by one model of one CPU (~), so a wrong factor cancels, and what the model does not "
                        "see (clocks, memory, instructions) stays.");
    else if (r->same_meter)
        ipw_buf_adds(s, "one meter read both runs, so what it errs by cancels.");
    else
        ipw_buf_adds(s, "two meters read the runs, each with its own error.");
    if (r->scope_mismatch)
        ipw_buf_addf(s, " The joules cover different things (A %s, B %s): not a ranking.", first(r, A)->signature,
                     first(r, B)->signature);
}

static void answers(const struct compare_result *r, struct ipw_buf *s)
{
    char mid[32], exact[32];
    p_text(r->mcnemar_mid, mid);
    p_text(r->mcnemar_exact, exact);
    if (r->binary)
        ipw_buf_addf(s, "Right in both %zu, only in A %zu, only in B %zu, in neither %zu; McNemar %s (mid-p), %s (exact). ", r->both,
                     r->only_a, r->only_b, r->neither, mid, exact);
    else if (r->n)
        ipw_buf_addf(s, "A question counts by the mean of its answers: %zu better in A, %zu better in B; p by Student's t. ", r->only_a,
                     r->only_b);
    if (r->n_unscored)
        ipw_buf_addf(s, "%zu %scould not be scored on both sides. ", r->n_unscored, r->n ? "more " : "");
}

/* ---- tables ---- */

struct rows {
    const char *cell[(COMPARE_N + 1) * CELLS];
    size_t n; /* cells */
    struct ipw_arena arena;
};

static void put(struct rows *t, const char *text)
{
    t->cell[t->n++] = ipw_arena_strdup(&t->arena, text);
}

static void put_value(struct rows *t, const struct table_run *run, double x, enum compare_kind kind)
{
    char n[24], text[32];
    report_num(x, n);
    snprintf(text, sizeof text, "%s%s", isnan(x) || kind == COMPARE_PLAIN ? "" : report_mark(run, kind == COMPARE_PER_JOULE), n);
    put(t, text);
}

static void accuracy_row(const struct compare_result *r, struct rows *t)
{
    char text[80], d[24], range[64];
    put(t, "Accuracy, %");
    for (int s = 0; s < SIDES; s++) {
        snprintf(text, sizeof text, "%.3g", 100 * r->accuracy[s].est);
        put(t, r->n ? text : "-");
    }
    report_num(100 * r->difference.est, d);
    snprintf(text, sizeof text, "%s%s", r->difference.est > 0 ? "+" : "", d);
    put(t, r->n ? text : "-");
    span(100 * r->difference.lo, 100 * r->difference.hi, AS_READ, range);
    snprintf(text, sizeof text, "%s points", range);
    put(t, isnan(r->difference.lo) ? "-" : text);
    put(t, r->n ? "the same" : "-");
}

static void figure_row(const struct compare_result *r, enum compare_id id, struct rows *t)
{
    const struct compare_figure *f = &r->figure[id];
    const struct compare_info *info = &compare_infos[id];
    char text[64];
    put(t, info->label);
    put_value(t, first(r, A), f->a, info->kind);
    put_value(t, first(r, B), f->b, info->kind);
    ratio_num(f->ratio.est, decimals_of(&f->ratio), text);
    put(t, f->reason ? "-" : text);
    span(f->ratio.lo, f->ratio.hi, decimals_of(&f->ratio), text);
    put(t, f->reason ? f->reason == r->joules_reason ? "-" : f->reason : text);
    span(f->ratio.meter_lo, f->ratio.meter_hi, AS_READ, text);
    put(t, f->reason ? "-" : info->kind == COMPARE_PLAIN ? "the same" : !r->same_meter ? text : is_estimated(r) ? "in part" : "cancels");
}

/* Where the table has no room: a half number is another number. */
static void narrow(const struct rows *t, int columns, struct ipw_buf *out)
{
    for (size_t i = 0; i < t->n; i += CELLS) {
        struct ipw_buf s = IPW_BUF_INIT;
        const char *const *c = t->cell + i;
        ipw_buf_addf(&s, "%s: A %s, B %s", c[0], c[1], c[2]);
        if (strcmp(c[3], "-") != 0)
            ipw_buf_addf(&s, "; %s %s, questions %s, meter %s", i ? "B / A" : "difference", c[3], c[4], c[5]);
        else if (strcmp(c[4], "-") != 0)
            ipw_buf_addf(&s, "; %s", c[4]);
        report_fold(s.s, columns, 0, 2, out);
        ipw_buf_release(&s);
    }
}

static void figures(const struct compare_result *r, const char *format, int columns, struct ipw_buf *out)
{
    static const char *const head[CELLS] = {"", "A", "B", "B / A", "questions 95 %", "meter 95 %"};
    struct rows t = {0};
    accuracy_row(r, &t);
    for (enum compare_id id = 0; id < COMPARE_N; id++)
        if (!(compare_infos[id].kind == COMPARE_PLAIN && isnan(r->figure[id].a)))
            figure_row(r, id, &t);
    struct report_table table = {.head = head, .n_cols = CELLS, .n_rows = t.n / CELLS, .cells = t.cell, .right = 0xe};
    if (columns < TABLE_FROM && !strcmp(format, "table"))
        narrow(&t, columns, out);
    else
        report_table(&table, format, columns, out);
    ipw_arena_release(&t.arena);
}

static void differences(const struct compare_result *r, const char *format, int columns, struct ipw_buf *out)
{
    static const char *const head[] = {"What else differs", "A", "B"};
    if (!r->n_differs) {
        ipw_buf_adds(out, "Nothing else that ipw records differs between them.\n");
        return;
    }
    if (columns < TABLE_FROM && !strcmp(format, "table")) {
        ipw_buf_addf(out, "%s\n", head[0]);
        for (size_t i = 0; i < r->n_differs; i++) {
            struct ipw_buf s = IPW_BUF_INIT;
            ipw_buf_addf(&s, "%s: A %s, B %s", r->differs[i].label, r->differs[i].a, r->differs[i].b);
            report_fold(s.s, columns, 0, 2, out);
            ipw_buf_release(&s);
        }
        return;
    }
    const char **cell = ipw_calloc(3 * r->n_differs, sizeof *cell);
    for (size_t i = 0; i < r->n_differs; i++) {
        cell[3 * i] = r->differs[i].label;
        cell[3 * i + 1] = r->differs[i].a;
        cell[3 * i + 2] = r->differs[i].b;
    }
    struct report_table table = {.head = head, .n_cols = 3, .n_rows = r->n_differs, .cells = cell};
    report_table(&table, format, columns, out);
    free(cell);
}

/* Few questions of a subject: hardly one tells them apart, and the interval says so. */
static void domains(const struct compare_result *r, const char *format, int columns, struct ipw_buf *out)
{
    static const char *const head[CELLS] = {"subject", "n", "A %", "B %", "B - A", "points, 95 %"};
    const char **cell = ipw_calloc(CELLS * r->n_domains + 1, sizeof *cell);
    struct ipw_arena arena = {0};
    for (size_t i = 0; i < r->n_domains; i++) {
        const struct compare_domain *d = &r->domain[i];
        const double x[] = {100 * d->a, 100 * d->b};
        char text[64], num[24];
        cell[CELLS * i] = d->name ? d->name : "(none)";
        snprintf(text, sizeof text, "%zu", d->n);
        cell[CELLS * i + 1] = ipw_arena_strdup(&arena, text);
        for (int s = 0; s < SIDES; s++) {
            snprintf(text, sizeof text, "%.3g", x[s]);
            cell[CELLS * i + 2 + (size_t)s] = ipw_arena_strdup(&arena, text);
        }
        report_num(100 * d->difference.est, num);
        snprintf(text, sizeof text, "%s%s", d->difference.est > 0 ? "+" : "", num);
        cell[CELLS * i + 4] = ipw_arena_strdup(&arena, text);
        span(100 * d->difference.lo, 100 * d->difference.hi, AS_READ, text);
        cell[CELLS * i + 5] = ipw_arena_strdup(&arena, text);
    }
    struct report_table table = {.head = head, .n_cols = CELLS, .n_rows = r->n_domains, .cells = cell, .right = 0x3e};
    double by_chance = 0.05 * (double)r->n_domains;
    if (r->n_domains) {
        report_table(&table, format, columns, out);
        ipw_buf_addc(out, '\n');
    }
    if (by_chance >= 1)
        ipw_buf_addf(out, " Of %zu subjects about %.0f look different by chance alone.\n\n", r->n_domains, by_chance);
    ipw_arena_release(&arena);
    free(cell);
}

static void as_text(const struct compare_result *r, const char *format, int columns, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    bool md = !strcmp(format, "md");
    int width = md ? 10000 : columns;
    sentence(r, &s);
    report_fold(s.s, width, !md, !md, out);
    ipw_buf_addc(out, '\n');
    for (int side = 0; side < SIDES; side++) {
        ipw_buf_clear(&s);
        ipw_buf_addf(&s, "%s%c  ", md ? "- " : "", "AB"[side]);
        side_name(r, side, &s);
        report_fold(s.s, width, !md, 4, out);
    }
    ipw_buf_addc(out, '\n');
    figures(r, format, columns, out);
    ipw_buf_addc(out, '\n');
    ipw_buf_clear(&s);
    answers(r, &s);
    if (s.len) {
        report_fold(s.s, width, !md, !md, out);
        ipw_buf_addc(out, '\n');
    }
    domains(r, format, columns, out);
    ipw_buf_clear(&s);
    doubts(r, &s);
    report_fold(s.s, width, !md, !md, out);
    ipw_buf_addc(out, '\n');
    differences(r, format, columns, out);
    ipw_buf_release(&s);
}

/* ---- JSON ---- */

static void put_side(struct json_out *o, json_node *to, const char *key, const struct compare_result *r, int side)
{
    const struct table_run *t = first(r, side);
    json_node *n = json_put_obj(o, to, key), *runs = json_put_arr(o, n, "runs");
    for (size_t i = 0; i < r->side[side].n; i++)
        json_put_str(o, runs, NULL, r->side[side].runs[i]->dir);
    json_put_str(o, n, "model", t->model_name);
    json_put_str(o, n, "quant", t->quant);
    json_put_str(o, n, "energy_source", t->energy_source);
    json_put_str(o, n, "signature", t->signature);
    json_put_int(o, n, "asked", (int64_t)r->n_asked[side]);
    report_put_estimate(o, n, "accuracy", &r->accuracy[side]);
}

static void put_accuracy(struct json_out *o, json_node *top, const struct compare_result *r)
{
    json_node *n = json_put_obj(o, top, "accuracy");
    report_put_estimate(o, n, "difference", &r->difference);
    json_put_num(o, n, "p", r->p);
    json_put_str(o, n, "p_method", !r->n ? NULL : r->binary ? "mcnemar mid-p" : "paired t");
    json_put_num(o, n, "mcnemar_mid_p", r->mcnemar_mid);
    json_put_num(o, n, "mcnemar_exact_p", r->mcnemar_exact);
    const struct {
        const char *key;
        size_t n;
    } counts[] = {{"both", r->both}, {"only_a", r->only_a}, {"only_b", r->only_b}, {"neither", r->neither}};
    for (size_t i = 0; i < 4; i++)
        report_put_count(o, n, counts[i].key, r->binary ? (double)counts[i].n : (double)NAN);
}

static void as_json(const struct compare_result *r, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    struct ipw_buf s = IPW_BUF_INIT;
    sentence(r, &s);
    json_put_str(o, top, "analysis", "compare");
    json_put_str(o, top, "sentence", s.s);
    put_side(o, top, "a", r, A);
    put_side(o, top, "b", r, B);
    json_put_int(o, top, "n", (int64_t)r->n);
    json_put_int(o, top, "unscored", (int64_t)r->n_unscored);
    put_accuracy(o, top, r);
    json_node *ratios = json_put_obj(o, top, "ratios");
    for (enum compare_id id = 0; id < COMPARE_N; id++) {
        const struct compare_figure *f = &r->figure[id];
        json_node *n = json_put_obj(o, ratios, compare_infos[id].key);
        json_put_num(o, n, "a", f->a);
        json_put_num(o, n, "b", f->b);
        report_put_estimate(o, n, "ratio", &f->ratio);
        json_put_str(o, n, "reason", f->reason);
    }
    json_put_num(o, top, "ipj_permutation_p", r->ipj_p);
    json_put_str(o, top, "joules_reason", r->joules_reason);
    json_put_bool(o, top, "same_meter", r->same_meter);
    json_put_bool(o, top, "scope_mismatch", r->scope_mismatch);
    json_node *list = json_put_arr(o, top, "domains");
    for (size_t i = 0; i < r->n_domains; i++) {
        json_node *n = json_put_obj(o, list, NULL);
        json_put_str(o, n, "domain", r->domain[i].name);
        json_put_int(o, n, "n", (int64_t)r->domain[i].n);
        json_put_num(o, n, "accuracy_a", r->domain[i].a);
        json_put_num(o, n, "accuracy_b", r->domain[i].b);
        report_put_estimate(o, n, "difference", &r->domain[i].difference);
    }
    list = json_put_arr(o, top, "differs");
    for (size_t i = 0; i < r->n_differs; i++) {
        json_node *n = json_put_obj(o, list, NULL);
        json_put_str(o, n, "key", r->differs[i].key);
        json_put_str(o, n, "label", r->differs[i].label);
        json_put_str(o, n, "a", strcmp(r->differs[i].a, "-") ? r->differs[i].a : NULL);
        json_put_str(o, n, "b", strcmp(r->differs[i].b, "-") ? r->differs[i].b : NULL);
    }
    char *text = json_write(o, top, true);
    ipw_buf_adds(out, text);
    free(text);
    json_out_free(o);
    ipw_buf_release(&s);
}

void report_compare(const struct compare_result *r, const char *format, int columns, struct ipw_buf *out)
{
    if (!strcmp(format, "json"))
        as_json(r, out);
    else
        as_text(r, format, columns, out);
}
