#include "run/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "energy/attribute.h"
#include "energy/collector.h"
#include "run/client.h"
#include "run/conditions.h"
#include "run/judge.h"
#include "run/overlap.h"
#include "run/scopes.h"
#include "run/scores.h"
#include "run/settings.h"
#include "stats/stats.h"
#include "store/pack.h"

struct attempt { /* one query row and where it belongs */
    size_t row;
    const struct segment *segment;
    double seconds;
    bool first, last;
    const char *scorer; /* whose verdict counts: the chosen one, else the record's own; NULL unknown */
};

struct segment {
    int64_t id;
    const char **total; /* the channels of its component total */
    size_t n_total;
};

struct member { /* a channel of the component total */
    int64_t id;
    const char *scope, *name, *source;
    double gain_u, joules; /* of the queries whose total is known */
    bool estimated;
};

struct loader {
    struct table_run *t;
    struct segment **segment;
    size_t n_segment, cap_segment;
    bool hole;           /* a segment metered only a part of what its total's name says */
    struct attempt *at; /* by query id */
    size_t n_at, cap_at;
    size_t *slot, n_slots;           /* rows by (query_id, sample) */
    size_t *last, n_last, cap_last;  /* by row: its last attempt's id */
    struct member *member;
    size_t n_member, cap_member;
    struct energy_channel *channels; /* members, for the signature */
    size_t n_channels, cap_channels;
    const char *cpu;
    int64_t threads;
    bool cpu_metered;
    char *gpu;
    const char **unmetered;
    size_t n_unmetered, cap_unmetered;
    /* the values of one (query, phase), in the order the store gives them */
    int64_t query;
    char phase[16];
    struct run_conditions *conditions;
    struct energy_value *v;
    struct member **who; /* of each */
    size_t n_v, cap_v, cap_who;
    double seconds; /* of the queries whose total is known */
    struct stats_hist *itl;
    struct run_flight *flight;
    int64_t *flight_id; /* query of each */
    size_t n_flight, cap_flight, cap_flight_id;
};

/* ---- what is common to the rows ---- */

static const char *keep(struct loader *l, const char *s)
{
    return ipw_arena_strdup(&l->t->arena, s);
}

static void load_meta(struct loader *l, struct store *store)
{
    struct table_run *t = l->t;
    struct json_doc *doc;
    struct ipw_err ignored;
    t->run_id = keep(l, store_meta(store, "run_id"));
    t->complete = store_meta_int(store, "complete", 0) == 1;
    const char *text = store_meta(store, "model");
    if (text && !json_read(&doc, text, strlen(text), 0, &ignored)) {
        const json_val *m = json_root(doc);
        t->model_name = keep(l, json_str(json_get(m, "name")));
        t->model_fingerprint = keep(l, json_str(json_get(m, "fingerprint")));
        t->quant = keep(l, json_str(json_get(m, "quant")));
        if (!json_is_int(json_get(m, "threads"), &l->threads))
            l->threads = 0;
        json_doc_free(doc);
    }
    text = store_meta(store, "dataset");
    if (text && !json_read(&doc, text, strlen(text), 0, &ignored)) {
        const json_val *d = json_root(doc);
        t->dataset_name = keep(l, json_str(json_get(d, "name")));
        t->dataset_sha256 = keep(l, json_str(json_get(d, "sha256")));
        if (!json_is_int(json_get(d, "n"), &t->dataset_n))
            t->dataset_n = 0;
        json_doc_free(doc);
    }
}

static const struct segment *segment_of(const struct loader *l, int64_t id)
{
    for (size_t i = l->n_segment; i-- > 0;) /* nearly always the last */
        if (l->segment[i]->id == id)
            return l->segment[i];
    return NULL;
}

static bool in_segment(const struct segment *s, const char *channel)
{
    for (size_t i = 0; s && i < s->n_total; i++)
        if (!strcmp(s->total[i], channel))
            return true;
    return false;
}

/* What a segment found unmetered (meter_computing decided it then), each device once. A segment that was partial for
 * another reason metered one CPU package of several. */
static void add_unmetered(struct loader *l, const char *name)
{
    for (size_t i = 0; i < l->n_unmetered; i++)
        if (ipw_streq(l->unmetered[i], name))
            return;
    IPW_GROW(l->unmetered, l->n_unmetered, l->cap_unmetered);
    l->unmetered[l->n_unmetered++] = keep(l, name);
}

/* What it metered is known once its engine was open; before that nothing was asked. */
static int on_segment(const struct store_segment *s, void *ud)
{
    struct loader *l = ud;
    struct json_doc *doc;
    struct ipw_err ignored;
    if (!s->engine_build || !s->env || json_read(&doc, s->env, strlen(s->env), 0, &ignored))
        return 0;
    const json_val *env = json_root(doc), *total = json_get(env, "total");
    struct segment *seg = ipw_arena_alloc(&l->t->arena, sizeof *seg);
    *seg = (struct segment){s->id, ipw_arena_alloc(&l->t->arena, (json_len(total) + 1) * sizeof *seg->total), 0};
    for (struct json_iter it = json_iter(total); json_next(&it);)
        if (json_str(it.val))
            seg->total[seg->n_total++] = keep(l, json_str(it.val));
    IPW_GROW(l->segment, l->n_segment, l->cap_segment);
    l->segment[l->n_segment++] = seg;
    l->cpu = l->cpu ? l->cpu : keep(l, json_str(json_get(env, "cpu")));
    l->hole |= ipw_streq(json_str(json_get(env, "energy_source")), "partial");
    for (struct json_iter it = json_iter(json_get(env, "unmetered")); json_next(&it);)
        add_unmetered(l, json_str(it.val));
    json_doc_free(doc);
    return 0;
}

static int on_device(const struct store_device *d, void *ud)
{
    struct loader *l = ud;
    if (!d->computes)
        return 0;
    if (ipw_streq(d->kind, "cpu"))
        return 0;
    free(l->gpu);
    l->gpu = ipw_strdup(d->name);
    return 0;
}

static int on_channel(const struct store_channel *c, void *ud)
{
    struct loader *l = ud;
    bool member = false;
    for (size_t i = 0; i < l->n_segment && !member; i++)
        member = in_segment(l->segment[i], c->name);
    if (!member)
        return 0;
    const struct energy_collector_ops *ops = energy_collector_find(c->source);
    IPW_GROW(l->member, l->n_member, l->cap_member);
    l->member[l->n_member++] = (struct member){c->id, keep(l, c->scope), keep(l, c->name), keep(l, c->source),
                                               c->gain_u, 0, ops && ops->estimated};
    int scope = energy_scope_of(c->scope);
    IPW_GROW(l->channels, l->n_channels, l->cap_channels);
    l->channels[l->n_channels++] = (struct energy_channel){
        .scope = scope < 0 ? ENERGY_SCOPE_RAIL : (enum energy_scope)scope, .in_total = true, .status = ENERGY_CHANNEL_OK};
    l->cpu_metered |= scope == ENERGY_SCOPE_CPU_PACKAGE || scope == ENERGY_SCOPE_MODULE || scope == ENERGY_SCOPE_SOC_IN;
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *meters(struct loader *l)
{
    const char **names = ipw_calloc(l->n_member + 1, sizeof *names);
    struct ipw_buf all = IPW_BUF_INIT;
    for (size_t i = 0; i < l->n_member; i++)
        names[i] = l->member[i].name;
    qsort(names, l->n_member, sizeof *names, by_text);
    for (size_t i = 0; i < l->n_member; i++)
        ipw_buf_addf(&all, "%s%s", i ? "," : "", names[i]);
    const char *text = keep(l, all.s);
    ipw_buf_release(&all);
    free(names);
    return text;
}

static void describe(struct loader *l)
{
    struct table_run *t = l->t;
    char text[400];
    if (l->n_member && l->hole && !l->n_unmetered)
        add_unmetered(l, l->cpu_metered ? "a CPU package" : "CPU package");
    if (l->gpu)
        snprintf(text, sizeof text, "%s", l->gpu);
    else if (!l->threads) /* a server's: it does not say */
        snprintf(text, sizeof text, "%s", l->cpu ? l->cpu : "CPU");
    else if (l->cpu)
        snprintf(text, sizeof text, "%s, %lld thread%s, no GPU", l->cpu, (long long)l->threads, l->threads == 1 ? "" : "s");
    else
        snprintf(text, sizeof text, "%lld thread%s, no GPU", (long long)l->threads, l->threads == 1 ? "" : "s");
    t->device = keep(l, text);
    energy_signature(l->channels, l->n_channels, text, sizeof text);
    t->signature = keep(l, text);
    t->meters = meters(l);
    bool estimated = false;
    for (size_t i = 0; i < l->n_member; i++)
        estimated |= l->member[i].estimated;
    t->energy_source = !l->n_member ? "none" : l->n_unmetered ? "partial" : estimated ? "estimated" : "measured";
    t->energy_reason = !l->n_member ? "no energy counter was read" : NULL;
    t->n_unmetered = l->n_unmetered;
    const char **list = ipw_arena_alloc(&t->arena, (l->n_unmetered + 1) * sizeof *list);
    for (size_t i = 0; i < l->n_unmetered; i++)
        list[i] = l->unmetered[i];
    t->unmetered = list;
}

/* ---- rows ---- */

static double count(int64_t v)
{
    return v == STORE_NULL ? (double)NAN : (double)v;
}

static double span_s(int64_t from, int64_t to)
{
    return from == STORE_NULL || to == STORE_NULL ? (double)NAN : (double)(to - from) * 1e-9;
}

static void fill_row(struct loader *l, struct table_row *r, const struct store_query_row *in)
{
    const struct store_query *q = &in->q;
    const char *record = in->question.record;
    *r = (struct table_row){.query_id = keep(l, q->query_id),
                            .question = record ? ipw_hash64(record, strlen(record)) : 0,
                            .dataset = l->t->dataset_name,
                            .domain = keep(l, q->domain),
                            .sample = q->sample,
                            .attempt = q->attempt,
                            .status = (enum query_status)q->status,
                            .reason = keep(l, q->reason),
                            .score = SCORE_PENDING,
                            .correct = NAN,
                            .n_in = count(q->n_in),
                            .n_cached = count(q->n_cached),
                            .n_out = count(q->n_out),
                            .n_reason = count(q->n_reason),
                            .ttft_s = span_s(q->t_send, q->t_first),
                            .latency_s = span_s(q->t_send, q->t_end),
                            .decode_s = span_s(q->t_first, q->t_last),
                            .ttfa_s = span_s(q->t_send, q->t_first_answer),
                            .think_j = NAN,
                            .unclosed = q->n_reason > 0 && q->t_first_answer == STORE_NULL &&
                                        q->status != QUERY_ERROR && q->status != QUERY_TIMEOUT,
                            .energy_j = NAN,
                            .u_j = NAN,
                            .prefill_j = NAN,
                            .decode_j = NAN,
                            .net_j = NAN,
                            .nll = NAN, .nll_tokens = NAN, .nll_bytes = NAN,
                            .idle_u_j = NAN,
                            .delay_s = q->served ? span_s(q->served->t_due, q->t_send) : (double)NAN,
                            .segment = q->segment,
                            .send_s = span_s(0, q->t_send),
                            .end_s = span_s(0, q->t_end),
                            .in_flight = count(q->in_flight),
                            .token_source = keep(l, q->token_source),
                            .energy_status = ENERGY_MISSING,
                            .energy_reason = "no_readings"};
}

/* The times between the pieces of an answer. */
static void add_itl(struct loader *l, const struct store_query_row *in)
{
    size_t size = in->text.stamps_size;
    if (in->q.served && !l->t->itl)
        l->t->itl = l->itl = ipw_arena_alloc(&l->t->arena, sizeof *l->itl);
    if (!in->q.served || !size || in->q.t_send == STORE_NULL)
        return;
    int64_t *t = ipw_malloc(size * sizeof *t);
    ptrdiff_t n = store_unpack_stamps(in->text.stamps, size, in->q.t_send, t);
    for (ptrdiff_t i = 1; i < n; i++)
        stats_hist_add(l->itl, (double)(t[i] - t[i - 1]) * 1e-9);
    free(t);
}

/* net_j holds the idle joules until the gross ones are known. */
static void add_conditions(struct loader *l, struct table_row *r, const struct store_query *q)
{
    double u_w, s = span_s(q->t_send, q->t_end);
    unsigned bits = run_throttle_in(l->conditions, q->segment, q->t_send, q->t_end);
    r->slowed = bits & (ENERGY_THROTTLE_HEAT | ENERGY_THROTTLE_BRAKE);
    r->capped = bits & ENERGY_THROTTLE_CAP;
    r->net_j = run_idle_at(l->conditions, q->segment, q->t_send + (q->t_end - q->t_send) / 2, &u_w) * s;
    r->idle_u_j = u_w * s;
}

/* The row of a question's sample, by an open hash over the rows; SIZE_MAX: none yet. Only second attempts look. */
static size_t *row_slot(struct loader *l, const char *query_id, int64_t sample)
{
    const struct table_run *t = l->t;
    if (2 * (t->n + 1) > l->n_slots) {
        free(l->slot);
        l->n_slots = l->n_slots ? 4 * l->n_slots : 1024;
        l->slot = ipw_malloc(l->n_slots * sizeof *l->slot);
        memset(l->slot, 0xff, l->n_slots * sizeof *l->slot);
        for (size_t i = 0; i < t->n; i++)
            *row_slot(l, t->v[i].query_id, t->v[i].sample) = i;
    }
    size_t at = ipw_hash64(query_id, strlen(query_id)) + (size_t)sample;
    for (;; at++) {
        size_t *slot = &l->slot[at % l->n_slots];
        if (*slot == SIZE_MAX || (t->v[*slot].sample == sample && !strcmp(t->v[*slot].query_id, query_id)))
            return slot;
    }
}

static int on_query(const struct store_query_row *in, void *ud)
{
    struct loader *l = ud;
    struct table_run *t = l->t;
    const struct store_query *q = &in->q;
    size_t *slot = row_slot(l, q->query_id, q->sample);
    size_t id = (size_t)q->id, i = *slot == SIZE_MAX ? t->n : *slot;
    *slot = i;
    double before_s = i < t->n && isfinite(t->v[i].energy_s) ? t->v[i].energy_s : 0;
    if (i == t->n) {
        IPW_GROW(t->v, t->n, t->cap);
        t->n++;
    }
    size_t before = i < l->n_last ? l->last[i] : SIZE_MAX; /* the attempt before this one */
    if (i == l->n_last) {
        IPW_GROW(l->last, l->n_last, l->cap_last);
        l->n_last++;
    }
    l->last[i] = id;
    const char *chosen = t->settings[TABLE_SETTING_SCORER].text, *scorer = chosen ? chosen : in->question.scorer;
    fill_row(l, &t->v[i], in);
    add_itl(l, in);
    run_settings_query(t, in->question.tmpl, q->in_flight);
    if (q->t_send != STORE_NULL && q->t_end != STORE_NULL)
        add_conditions(l, &t->v[i], q);
    t->v[i].energy_s = isfinite(t->v[i].latency_s) ? before_s + t->v[i].latency_s : before_s > 0 ? before_s : (double)NAN;
    if (q->t_send == STORE_NULL)
        t->v[i].energy_reason = keep(l, q->reason ? q->reason : "not_sent");
    while (l->n_at <= id) {
        IPW_GROW(l->at, l->n_at, l->cap_at);
        l->at[l->n_at++] = (struct attempt){.row = SIZE_MAX};
    }
    if (before != SIZE_MAX)
        l->at[before].last = false;
    l->at[id] = (struct attempt){i, segment_of(l, q->segment), span_s(q->t_send, q->t_end), q->attempt == 1, true,
                                 keep(l, scorer)};
    if (q->t_send != STORE_NULL && q->t_end != STORE_NULL) {
        IPW_GROW(l->flight, l->n_flight, l->cap_flight);
        IPW_GROW(l->flight_id, l->n_flight, l->cap_flight_id);
        l->flight_id[l->n_flight] = q->id;
        l->flight[l->n_flight++] = (struct run_flight){.segment = q->segment, .t0 = q->t_send, .t1 = q->t_end};
    }
    return 0;
}

/* A second that several were in flight is none of theirs whole: each has its part of the idle joules, and of the time over
 * which watts are a mean: so these stay the machine's. */
static void share_overlaps(struct loader *l)
{
    run_share_seconds(l->flight, l->n_flight);
    for (size_t i = 0; i < l->n_flight; i++) {
        struct attempt *a = &l->at[l->flight_id[i]];
        double whole = span_s(l->flight[i].t0, l->flight[i].t1), part = l->flight[i].seconds;
        if (part > whole * (1 - 1e-6) || a->row == SIZE_MAX)
            continue;
        a->seconds = part;
        l->t->v[a->row].energy_s -= whole - part;
        if (a->last) {
            l->t->v[a->row].net_j *= part / whole;
            l->t->v[a->row].idle_u_j *= part / whole;
        }
    }
}

/* ---- joules ---- */

static bool valued(const struct energy_value *v)
{
    return v->status == ENERGY_MEASURED || v->status == ENERGY_ESTIMATED || v->status == ENERGY_LOW_RESOLUTION;
}

static double joules(const struct energy_value *v)
{
    return valued(v) ? (double)v->nj * 1e-9 : (double)NAN;
}

static void flush(struct loader *l)
{
    if (!l->n_v)
        return;
    bool known = l->query > 0 && (size_t)l->query < l->n_at;
    /* a member of its segment without a row is missing, not zero */
    const struct segment *seg = known ? l->at[l->query].segment : NULL;
    while (seg && l->n_v < seg->n_total) {
        IPW_GROW(l->v, l->n_v, l->cap_v);
        l->v[l->n_v++] = (struct energy_value){.status = ENERGY_MISSING, .u_nj = -1, .reason = "no_readings"};
    }
    struct energy_value sum = energy_sum(l->v, l->n_v);
    size_t n = l->n_v;
    l->n_v = 0;
    if (l->query == 0) {
        l->t->gap_j = valued(&sum) ? (double)sum.nj * 1e-9 : (double)NAN;
        return;
    }
    if (!known || l->at[l->query].row == SIZE_MAX)
        return;
    struct table_row *r = &l->t->v[l->at[l->query].row];
    bool first = l->at[l->query].first;
    if (!strcmp(l->phase, "total")) {
        bool count = valued(&sum) && isfinite(l->at[l->query].seconds);
        for (size_t i = 0; i < n && count; i++)
            l->who[i]->joules += (double)l->v[i].nj * 1e-9;
        l->seconds += count ? l->at[l->query].seconds : 0;
        r->energy_j = first ? joules(&sum) : r->energy_j + joules(&sum); /* one missing attempt makes it missing */
        r->u_j = sum.u_nj >= 0 ? first ? (double)sum.u_nj * 1e-9 : hypot(r->u_j, (double)sum.u_nj * 1e-9) : (double)NAN;
        r->energy_status = sum.status;
        r->energy_reason = sum.reason ? keep(l, sum.reason) : NULL;
    } else { /* phases belong to the tokens and seconds of the last attempt */
        *(!strcmp(l->phase, "prefill") ? &r->prefill_j : &r->decode_j) = joules(&sum);
    }
}

static int on_energy(const struct store_energy *e, void *ud)
{
    struct loader *l = ud;
    struct member *m = NULL;
    for (size_t i = 0; i < l->n_member; i++)
        if (l->member[i].id == e->channel)
            m = &l->member[i];
    bool of_query = e->query > 0 && (size_t)e->query < l->n_at;
    if (!m || (of_query && !in_segment(l->at[e->query].segment, m->name)))
        return 0;
    if (e->query != l->query || strcmp(e->phase, l->phase) != 0) {
        flush(l);
        l->query = e->query;
        snprintf(l->phase, sizeof l->phase, "%s", e->phase);
    }
    IPW_GROW(l->v, l->n_v, l->cap_v);
    IPW_GROW(l->who, l->n_v, l->cap_who);
    l->who[l->n_v] = m;
    l->v[l->n_v++] = (struct energy_value){.nj = e->nj == STORE_NULL ? 0 : e->nj,
                                           .u_nj = e->u_nj == STORE_NULL ? -1 : e->u_nj,
                                           .status = (enum energy_status)e->status,
                                           .reason = keep(l, e->reason)};
    return 0;
}

/* Power hardly changes while tokens are written: reasoning has the part of the joules that it has of the time. */
static void part_thinking(struct table_row *r)
{
    double writing_s = r->latency_s - r->ttft_s;
    if (r->n_reason > 0 && writing_s > 0)
        r->think_j = r->decode_j * (r->unclosed ? 1 : (r->ttfa_s - r->ttft_s) / writing_s);
}

/* The members by scope and source, and what is left of the joules without idle. */
static void finish_joules(struct loader *l)
{
    struct table_run *t = l->t;
    struct table_member *m = ipw_arena_alloc(&t->arena, (l->n_member + 1) * sizeof *m);
    for (size_t i = 0; i < l->n_member; i++) {
        const struct member *x = &l->member[i];
        size_t k = 0;
        while (k < t->n_members && !(!strcmp(m[k].scope, x->scope) && !strcmp(m[k].source, x->source)))
            k++;
        if (k == t->n_members)
            m[t->n_members++] = (struct table_member){x->scope, x->source, 0};
        m[k].w += l->seconds > 0 ? x->joules / l->seconds : (double)NAN;
    }
    t->members = m;
    for (size_t i = 0; i < t->n; i++)
        part_thinking(&t->v[i]);
    for (size_t i = 0; i < t->n; i++)
        t->v[i].net_j = t->v[i].attempt == 1 ? t->v[i].energy_j - t->v[i].net_j : (double)NAN;
    t->idle_cold_w = run_idle_w(l->conditions, "cold");
    t->idle_w = run_idle_w(l->conditions, "loaded");
    t->idle_after_w = run_idle_w(l->conditions, "after");
    t->load_j = run_load_j(l->conditions);
    t->idle_quick = run_idle_quick(l->conditions);
    t->idle_drifts = run_idle_drifts(l->conditions);
}

/* Gains of the members weighted by their joules: one maker's sensors err together, so they add. */
static double total_gain(const struct loader *l)
{
    double num = 0, den = 0;
    for (size_t i = 0; i < l->n_member; i++) {
        num += l->member[i].gain_u * l->member[i].joules;
        den += l->member[i].joules;
    }
    return den > 0 ? num / den : (double)NAN;
}

static int load_scopes(struct loader *l, struct store *store, struct ipw_err *err)
{
    size_t *row_of = ipw_calloc(l->n_at + 1, sizeof *row_of);
    for (size_t i = 0; i < l->n_at; i++)
        row_of[i] = l->at[i].row;
    int rc = run_scopes_load(l->t, store, row_of, l->n_at, err);
    free(row_of);
    return rc;
}

static int load_scores(struct loader *l, struct store *store, struct ipw_err *err)
{
    struct run_counted *v = ipw_calloc(l->n_at + 1, sizeof *v);
    for (size_t i = 0; i < l->n_at; i++)
        v[i] = (struct run_counted){l->at[i].last ? l->at[i].row : SIZE_MAX, l->at[i].scorer};
    int rc = run_scores_load(l->t, store, v, l->n_at, err);
    free(v);
    return rc;
}

int run_load(struct table_run *t, struct store *store, const char *dir, struct ipw_err *err)
{
    struct loader l = {.t = t, .query = INT64_MIN};
    int rc;
    *t = (struct table_run){.gap_j = NAN, .gain_u = NAN, .load_j = NAN};
    t->dir = keep(&l, dir);
    load_meta(&l, store);
    if ((rc = run_conditions_load(&l.conditions, store, err)) ||
        (rc = store_each_segment(store, on_segment, &l, err)) || (rc = store_each_device(store, on_device, &l, err)) ||
        (rc = store_each_channel(store, on_channel, &l, err)))
        goto out;
    describe(&l);
    if ((rc = run_settings_load(t, store, err)) || (rc = run_judge_load(t, store, err)) || (rc = run_client_load(t, store, err)) ||
        (rc = store_each_query(store, STORE_WITH_QUESTION | STORE_WITH_STAMPS, on_query, &l, err)) ||
        (share_overlaps(&l), rc = store_each_energy(store, store_energy_version(store), on_energy, &l, err)))
        goto out;
    flush(&l);
    finish_joules(&l);
    if ((rc = load_scopes(&l, store, err)))
        goto out;
    t->gain_u = total_gain(&l);
    rc = load_scores(&l, store, err);
out:
    run_conditions_free(l.conditions);
    free(l.at);
    free(l.slot);
    free(l.last);
    free(l.segment);
    free(l.member);
    free(l.channels);
    free(l.gpu);
    free(l.unmetered);
    free(l.v);
    free(l.who);
    free(l.flight);
    free(l.flight_id);
    return rc;
}
