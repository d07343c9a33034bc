#include "analysis/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/told.h"
#include "base/fs.h"
#include "base/str.h"
#include "stats/stats.h"

enum { A, B, SIDES, PERMUTED_UP_TO = 1000 };
static const double enough_overlap = 0.5; /* of the smaller side's questions */

/* What a row gives to its question's means. */
enum column {
    CORRECT,  /* of S */
    CORRECT_E, JOULES, WATTS, /* of S_E */
    SECONDS, TTFT, OUT, STEPS, DECODE,
    COLUMNS,
    ONE = COLUMNS /* the line under a plain mean */
};

static const struct {
    enum column num, den;
} formula[COMPARE_N] = {[COMPARE_IPJ] = {CORRECT_E, JOULES}, [COMPARE_IPW] = {CORRECT_E, WATTS},
                        [COMPARE_J] = {JOULES, ONE},         [COMPARE_W] = {WATTS, ONE},
                        [COMPARE_S] = {SECONDS, ONE},        [COMPARE_TTFT] = {TTFT, ONE},
                        [COMPARE_RATE] = {STEPS, DECODE},    [COMPARE_OUT] = {OUT, ONE}};

struct cell {
    double sum;
    size_t n;
};

struct pair { /* one question */
    const char *id, *domain;
    uint64_t question;
    bool asked[SIDES];
    struct cell cell[SIDES][COLUMNS];
};

struct pairs {
    struct pair *v;
    size_t n, cap;
    size_t *slot, n_slots;
    const char *other; /* id of a question that is another one on the other side */
    bool means;        /* some question has more than one answer on a side */
    bool scored;       /* some question is, on both sides; else joules are told over everything that was sent */
};

static const char *keep(struct compare_result *out, const char *s)
{
    return ipw_arena_strdup(&out->arena, s);
}

static void refuse(struct compare_result *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void refuse(struct compare_result *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(out->refused, sizeof out->refused, fmt, ap);
    va_end(ap);
}

/* ---- pairing ---- */

static struct pair *pair_of(struct pairs *p, const char *id)
{
    if (2 * (p->n + 1) > p->n_slots) {
        p->n_slots = p->n_slots ? 4 * p->n_slots : 1024;
        p->slot = ipw_realloc(p->slot, p->n_slots * sizeof *p->slot);
        memset(p->slot, 0, p->n_slots * sizeof *p->slot);
        for (size_t i = 0; i < p->n; i++) {
            size_t at = ipw_hash64(p->v[i].id, strlen(p->v[i].id));
            while (p->slot[at % p->n_slots])
                at++;
            p->slot[at % p->n_slots] = i + 1;
        }
    }
    size_t at = ipw_hash64(id, strlen(id)), k;
    for (; (k = p->slot[at % p->n_slots]); at++)
        if (!strcmp(p->v[k - 1].id, id))
            return &p->v[k - 1];
    IPW_GROW(p->v, p->n, p->cap);
    p->v[p->n] = (struct pair){.id = id};
    p->slot[at % p->n_slots] = ++p->n;
    return &p->v[p->n - 1];
}

static void give(struct cell *c, double x)
{
    if (!isfinite(x))
        return;
    c->sum += x;
    c->n++;
}

static void take_row(struct pairs *p, int side, const struct table_row *r)
{
    if (r->status == QUERY_NOT_SENT)
        return;
    struct pair *q = pair_of(p, r->query_id);
    struct cell *c = q->cell[side];
    if (q->question && r->question && q->question != r->question)
        p->other = q->id;
    q->question = r->question ? r->question : q->question;
    q->domain = r->domain ? r->domain : q->domain;
    q->asked[side] = true;
    if (row_in_s(r)) {
        give(&c[CORRECT], row_correct(r));
        p->means = p->means || c[CORRECT].n > 1;
    }
    if ((row_in_s(r) || !p->scored) && row_has_energy(r)) {
        give(&c[CORRECT_E], p->scored ? row_correct(r) : (double)NAN);
        give(&c[JOULES], r->energy_j);
        give(&c[WATTS], r->energy_j / r->energy_s);
    }
    give(&c[SECONDS], r->latency_s);
    give(&c[TTFT], r->ttft_s);
    give(&c[OUT], r->n_out);
    if (r->n_out >= 2 && r->decode_s > 0) {
        give(&c[STEPS], r->n_out - 1);
        give(&c[DECODE], r->decode_s);
    }
}

static void take_rows(struct pairs *p, const struct compare_result *out)
{
    for (int s = 0; s < SIDES; s++)
        for (size_t i = 0; i < out->side[s].n; i++)
            for (size_t k = 0; k < out->side[s].runs[i]->n; k++)
                take_row(p, s, &out->side[s].runs[i]->v[k]);
}

/* Of the questions that are scored on both sides, if any. */
static void pair_up(struct pairs *p, const struct compare_result *out)
{
    p->scored = true;
    take_rows(p, out);
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i].cell[A][CORRECT].n && p->v[i].cell[B][CORRECT].n)
            return;
    p->scored = false;
    for (size_t i = 0; i < p->n; i++)
        memset(p->v[i].cell, 0, sizeof p->v[i].cell);
    take_rows(p, out);
}

static double mean(const struct pair *q, int side, enum column k)
{
    const struct cell *c = &q->cell[side][k];
    return k == ONE ? 1 : c->n ? c->sum / (double)c->n : (double)NAN;
}

/* ---- may they be compared ---- */

static const struct table_run *first(const struct compare_result *out, int side)
{
    return out->side[side].runs[0];
}

static const char *name(const struct table_run *t)
{
    const char *base = t->dir ? fs_basename(t->dir) : "";
    return *base ? base : t->dir;
}

static bool every(const struct compare_result *out, const char *(*get)(const struct table_run *))
{
    for (int s = 0; s < SIDES; s++)
        for (size_t i = 0; i < out->side[s].n; i++)
            if (!ipw_streq(get(out->side[s].runs[i]), get(first(out, A))))
                return false;
    return true;
}

static const char *source_of(const struct table_run *t)
{
    return t->energy_source;
}
static const char *signature_of(const struct table_run *t)
{
    return t->signature;
}
static const char *host_of(const struct table_run *t)
{
    return t->settings[TABLE_SETTING_HOST].text;
}
static const char *meters_of(const struct table_run *t)
{
    return t->meters;
}

static bool same_run(const struct compare_result *out)
{
    for (size_t i = 0; i < out->side[A].n; i++)
        for (size_t j = 0; j < out->side[B].n; j++) {
            const char *a = out->side[A].runs[i]->run_id, *b = out->side[B].runs[j]->run_id;
            if (a && ipw_streq(a, b))
                return true;
        }
    return false;
}

static bool overlap(const struct pairs *p, struct compare_result *out)
{
    size_t common = 0;
    for (size_t i = 0; i < p->n; i++) {
        common += p->v[i].asked[A] && p->v[i].asked[B];
        for (int s = 0; s < SIDES; s++)
            out->n_asked[s] += p->v[i].asked[s];
    }
    size_t smaller = out->n_asked[A] < out->n_asked[B] ? out->n_asked[A] : out->n_asked[B];
    if (p->other)
        refuse(out, "question '%.80s' is another one in '%.80s' than in '%.80s': the runs were asked different questions; run "
               "both on one question set", p->other, name(first(out, A)), name(first(out, B)));
    else if (!smaller)
        refuse(out, "'%.80s' has no answers; go on with it first: ipw profile --resume", name(first(out, out->n_asked[A] ? B : A)));
    else if ((double)common < enough_overlap * (double)smaller)
        refuse(out, "only %zu questions are in both runs (of %zu and %zu): run both on one question set with the same -n", common,
               out->n_asked[A], out->n_asked[B]);
    return !*out->refused;
}

static void judge_joules(struct compare_result *out, bool allow_scope)
{
    const struct table_run *a = first(out, A), *b = first(out, B);
    char text[300];
    const char *source = a->energy_source;
    bool partial = ipw_streq(source, "partial") || ipw_streq(b->energy_source, "partial");
    if (ipw_streq(source, "none") || ipw_streq(b->energy_source, "none")) {
        bool both = ipw_streq(source, b->energy_source);
        out->joules_reason = both ? "neither run has joules" : ipw_streq(source, "none") ? "A has no joules" : "B has no joules";
    } else if (!every(out, source_of)) {
        snprintf(text, sizeof text, "A's are %s and B's %s, and such are never ranked with one another", source,
                 every(out, source_of) || !ipw_streq(source, b->energy_source) ? b->energy_source : "not all of one kind");
        out->joules_reason = keep(out, text);
    } else if (partial) {
        out->joules_reason = "a device that did the work was not metered, so they are lower bounds";
    } else if (!every(out, signature_of) && !allow_scope) {
        refuse(out, "the joules of the runs cover different things, '%.80s' and '%.80s': measure both alike, or set the figures "
               "beside each other with --allow-scope-mismatch", a->signature, b->signature);
    }
    out->scope_mismatch = !out->joules_reason && !every(out, signature_of);
    out->same_meter = host_of(a) && meters_of(a) && *meters_of(a) && every(out, host_of) && every(out, meters_of) &&
                      !(fabs(a->gain_u - b->gain_u) > 1e-6 * a->gain_u); /* another model of the same CPU is another meter */
}

/* A continuation that is read takes one pass, an answer one for each of its tokens; and they are not scored alike. */
static bool same_mode(struct compare_result *out)
{
    if (every(out, table_mode))
        return true;
    refuse(out, "'%.80s' is a run of %s and '%.80s' of %s: neither the accuracy nor the joules of one say anything about the other; "
           "compare runs of one --scoring", name(first(out, A)), table_mode(first(out, A)), name(first(out, B)),
           table_mode(first(out, B)));
    return false;
}

/* ---- figures ---- */

static struct estimate estimate_of(const struct stats_interval *i)
{
    double hi = i->unbounded ? (double)NAN : i->hi;
    return (struct estimate){i->est, i->lo, hi, NAN, NAN, i->n, isnan(i->est) ? NULL : i->method};
}

/* The questions on which all these columns are known on both sides; v[side][i] has room for every question. */
static size_t gather(const struct pairs *p, enum column num, enum column den, double *n[SIDES], double *d[SIDES])
{
    size_t k = 0;
    for (size_t i = 0; i < p->n; i++) {
        bool known = true;
        for (int s = 0; s < SIDES; s++) {
            n[s][k] = mean(&p->v[i], s, num);
            d[s][k] = mean(&p->v[i], s, den);
            known = known && isfinite(n[s][k]) && isfinite(d[s][k]);
        }
        k += known;
    }
    return k;
}

static void meter_band(struct compare_figure *f, const struct compare_result *out)
{
    double u = hypot(first(out, A)->gain_u, first(out, B)->gain_u);
    if (out->same_meter || !isfinite(u) || isnan(f->ratio.est))
        return;
    f->ratio.meter_lo = f->ratio.est / (1 + 2 * u);
    f->ratio.meter_hi = f->ratio.est * (1 + 2 * u);
}

static void figure(const struct pairs *p, enum compare_id id, double *n[SIDES], double *d[SIDES], struct compare_result *out)
{
    struct compare_figure *f = &out->figure[id];
    bool joules = compare_infos[id].kind != COMPARE_PLAIN;
    *f = (struct compare_figure){NAN, NAN, {NAN, NAN, NAN, NAN, NAN, 0, NULL}, NULL};
    size_t k = gather(p, formula[id].num, formula[id].den, n, d);
    f->ratio.n = k;
    if (joules && !out->joules_reason && (double)k < row_enough_energy * (double)out->n)
        out->joules_reason = "fewer than 90 % of the questions have joules in both runs";
    if (!k || (joules && out->joules_reason)) {
        f->reason = joules && out->joules_reason ? out->joules_reason
                    : formula[id].num == CORRECT_E && !p->scored ? "no answer scored"
                                                                 : "not known";
        return;
    }
    f->a = stats_mean(n[A], k) / stats_mean(d[A], k);
    f->b = stats_mean(n[B], k) / stats_mean(d[B], k);
    if (f->a == 0 || f->b == 0) {
        f->reason = f->a == 0 && f->b == 0 ? "both are 0" : f->a == 0 ? "A's is 0" : "B's is 0";
        return;
    }
    struct stats_interval r = stats_paired_ratio(n[B], d[B], n[A], d[A], k);
    f->ratio = estimate_of(&r);
    f->reason = isnan(r.est) ? "not known" : NULL;
    if (joules)
        meter_band(f, out);
    if (id == COMPARE_IPJ && k <= PERMUTED_UP_TO)
        out->ipj_p = stats_paired_ratio_p(n[B], d[B], n[A], d[A], k, 0);
}

static void accuracy(const struct pairs *p, double *n[SIDES], double *d[SIDES], struct compare_result *out)
{
    out->n = gather(p, CORRECT, ONE, n, d);
    for (size_t i = 0; i < p->n; i++)
        out->n_unscored += p->v[i].asked[A] && p->v[i].asked[B];
    out->n_unscored -= out->n;
    for (int s = 0; s < SIDES; s++) {
        struct stats_interval one = stats_accuracy(n[s], out->n);
        out->accuracy[s] = estimate_of(&one);
        out->right[s] = out->n ? stats_mean(n[s], out->n) * (double)out->n : 0;
    }
    struct stats_paired r = (p->means ? stats_paired_means : stats_paired)(n[A], n[B], out->n);
    out->difference = estimate_of(&r.diff);
    out->binary = r.binary && out->n;
    out->only_b = r.gained;
    out->only_a = r.lost;
    for (size_t i = 0; out->binary && i < out->n; i++) {
        out->both += n[A][i] == 1 && n[B][i] == 1;
        out->neither += n[A][i] == 0 && n[B][i] == 0;
    }
    out->p = r.p;
    out->mcnemar_exact = r.mcnemar.exact;
    out->mcnemar_mid = r.mcnemar.mid;
}

static int by_domain(const void *a, const void *b)
{
    const struct pair *const *x = a, *const *y = b;
    int order = strcmp((*x)->domain ? (*x)->domain : "", (*y)->domain ? (*y)->domain : "");
    return order ? order : *x < *y ? -1 : *x > *y;
}

static bool same_domain(const struct pair *a, const struct pair *b)
{
    return ipw_streq(a->domain, b->domain) || (!a->domain && !b->domain);
}

static void domains(const struct pairs *p, double *n[SIDES], struct compare_result *out)
{
    const struct pair **v = ipw_calloc(p->n + 1, sizeof *v);
    size_t k = 0, kinds = 0;
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i].cell[A][CORRECT].n && p->v[i].cell[B][CORRECT].n)
            v[k++] = &p->v[i];
    qsort(v, k, sizeof *v, by_domain);
    for (size_t i = 0; i < k; i++)
        kinds += !i || !same_domain(v[i - 1], v[i]);
    out->domain = ipw_calloc(kinds + 1, sizeof *out->domain);
    for (size_t i = 0, end; i < k && kinds > 1; i = end) {
        struct compare_domain *d = &out->domain[out->n_domains++];
        for (end = i; end < k && same_domain(v[i], v[end]); end++)
            for (int s = 0; s < SIDES; s++)
                n[s][end - i] = mean(v[end], s, CORRECT);
        struct stats_paired r = (p->means ? stats_paired_means : stats_paired)(n[A], n[B], end - i);
        *d = (struct compare_domain){v[i]->domain, end - i, stats_mean(n[A], end - i), stats_mean(n[B], end - i),
                                     estimate_of(&r.diff)};
    }
    free(v);
}

/* ---- what else differs ---- */

static const char *side_text(struct compare_result *out, int side, const char *(*get)(const struct table_run *, const void *),
                             const void *key)
{
    struct ipw_buf all = IPW_BUF_INIT;
    for (size_t i = 0; i < out->side[side].n; i++) {
        const char *s = get(out->side[side].runs[i], key);
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = ipw_streq(get(out->side[side].runs[j], key), s);
        if (!seen)
            ipw_buf_addf(&all, "%s%s", all.len ? ", " : "", s ? s : "-");
    }
    const char *text = keep(out, all.s);
    ipw_buf_release(&all);
    return text;
}

static void add_difference(struct compare_result *out, const char *key, const char *label,
                           const char *(*get)(const struct table_run *, const void *), const void *arg)
{
    IPW_GROW(out->differs, out->n_differs, out->cap_differs);
    out->differs[out->n_differs++] = (struct compare_difference){keep(out, key), keep(out, label), side_text(out, A, get, arg),
                                                                 side_text(out, B, get, arg)};
}

#define FIELD(field)                                                                                                   \
    static const char *get_##field(const struct table_run *t, const void *key)                                         \
    {                                                                                                                  \
        (void)key;                                                                                                     \
        return t->field;                                                                                               \
    }
FIELD(model_name)
FIELD(quant)
FIELD(model_fingerprint)
FIELD(dataset_name)
FIELD(energy_source)
FIELD(signature)
#undef FIELD

static const char *get_label(const struct table_run *t, const void *key)
{
    return table_label_of(t, key);
}

static const char *get_setting(const struct table_run *t, const void *id)
{
    return t->settings[*(const enum table_setting_id *)id].text;
}

/* A run of one side whose setting no run of the other has. Repeats of both sides may have the same two seeds. */
static bool side_differs(const struct compare_result *out, int side, enum table_setting_id id)
{
    for (size_t i = 0; i < out->side[side].n; i++) {
        bool met = false;
        for (size_t j = 0; j < out->side[!side].n && !met; j++)
            met = !table_setting_differs(id, &out->side[side].runs[i]->settings[id], &out->side[!side].runs[j]->settings[id]);
        if (!met)
            return true;
    }
    return false;
}

static bool is_told(const struct compare_result *out, const char *key)
{
    for (size_t i = 0; i < out->n_differs; i++)
        if (ipw_streq(out->differs[i].key, key))
            return true;
    return false;
}

static void labels(struct compare_result *out)
{
    for (int s = 0; s < SIDES; s++)
        for (size_t i = 0; i < first(out, s)->n_labels; i++) {
            const char *key = first(out, s)->labels[i].key;
            bool told = s == B && table_label_of(first(out, A), key);
            if (!told && !ipw_streq(table_label_of(first(out, A), key), table_label_of(first(out, B), key)))
                add_difference(out, key, key, get_label, key);
        }
}

static void differences(struct compare_result *out)
{
    static const struct {
        const char *key, *label;
        const char *(*get)(const struct table_run *, const void *);
    } fields[] = {{"model", "model", get_model_name},          {"quant", "quantisation", get_quant},
                  {"dataset", "question set", get_dataset_name}, {"energy_source", "joules are", get_energy_source},
                  {"signature", "joules cover", get_signature}};
    const struct table_run *a = first(out, A), *b = first(out, B);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!ipw_streq(fields[i].get(a, NULL), fields[i].get(b, NULL)))
            add_difference(out, fields[i].key, fields[i].label, fields[i].get, NULL);
    if (ipw_streq(a->model_name, b->model_name) && ipw_streq(a->quant, b->quant) &&
        !ipw_streq(a->model_fingerprint, b->model_fingerprint))
        add_difference(out, "model_fingerprint", "model file", get_model_fingerprint, NULL);
    labels(out);
    for (enum table_setting_id id = 0; id < TABLE_SETTING_N; id++)
        if ((side_differs(out, A, id) || side_differs(out, B, id)) && !is_told(out, table_settings[id].key))
            add_difference(out, table_settings[id].key, table_settings[id].label, get_setting, &id);
}

/* ---- the whole ---- */

void compare_of(const struct compare_side *a, const struct compare_side *b, bool allow_scope, struct compare_result *out)
{
    struct pairs p = {0};
    *out = (struct compare_result){.side = {*a, *b}, .ipj_p = NAN};
    if (same_run(out)) {
        refuse(out, "'%.200s' is given on both sides: it is one run; name two", name(first(out, A)));
        return;
    }
    pair_up(&p, out);
    if (same_mode(out) && overlap(&p, out))
        judge_joules(out, allow_scope);
    if (!*out->refused) {
        double *all = ipw_calloc(4 * p.n + 1, sizeof *all), *n[] = {all, all + p.n}, *d[] = {all + 2 * p.n, all + 3 * p.n};
        accuracy(&p, n, d, out);
        domains(&p, n, out);
        for (enum compare_id id = 0; id < COMPARE_N; id++)
            figure(&p, id, n, d, out);
        differences(out);
        free(all);
    }
    free(p.v);
    free(p.slot);
}

/* ---- repeats ---- */

static bool same_labels(const struct table_run *a, const struct table_run *b)
{
    for (int turn = 0; turn < 2; turn++) {
        const struct table_run *x = turn ? b : a, *y = turn ? a : b;
        for (size_t i = 0; i < x->n_labels; i++)
            if (strcmp(x->labels[i].key, "repeat") != 0 && !ipw_streq(x->labels[i].value, table_label_of(y, x->labels[i].key)))
                return false;
    }
    return true;
}

/* A limit that was set is a choice too, though ipw only finds it. */
static bool decides(enum table_setting_id id)
{
    static const enum table_setting_id set[] = {TABLE_SETTING_HOST, TABLE_SETTING_POWER_SOURCE, TABLE_SETTING_GOVERNOR,
                                                TABLE_SETTING_CPU_LIMIT, TABLE_SETTING_GPU_LIMIT};
    if (table_settings[id].kind == TABLE_CHOSEN)
        return id != TABLE_SETTING_SEED;
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        if (set[i] == id)
            return true;
    return false;
}

static bool alike(const struct table_run *a, const struct table_run *b)
{
    if (!ipw_streq(a->model_fingerprint, b->model_fingerprint) || !ipw_streq(a->dataset_sha256, b->dataset_sha256) ||
        !same_labels(a, b))
        return false;
    for (enum table_setting_id id = 0; id < TABLE_SETTING_N; id++)
        if (decides(id) && table_setting_differs(id, &a->settings[id], &b->settings[id]))
            return false;
    return true;
}

size_t compare_groups(const struct table_run *const *runs, size_t n, size_t *group)
{
    size_t n_groups = 0;
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < i && !alike(runs[i], runs[j]))
            j++;
        group[i] = j < i ? group[j] : n_groups++;
    }
    return n_groups;
}
