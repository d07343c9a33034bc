/* Readings and marks of a run in, rows of joules out. */
#include "run/joules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "energy/attribute.h"
#include "energy/collector.h"
#include "run/joules_shared.h"
#include "run/segment.h"
#include "stats/stats.h"
#include "store/pack.h"

static const int64_t SECOND = 1000000000;
static const char SILENT[] = "not_read"; /* a channel of which a segment has no reading at all */
static const double CHECK_S = 3; /* a counter is checked against power over so many seconds at least */

struct asked { /* a query that was sent */
    int64_t id, segment;
    struct energy_mark mark;
};

struct facts {
    struct ipw_arena arena;
    struct asked *q;
    size_t n_q, cap_q;
    struct {
        int64_t id;
        const char *env;
        struct energy_span *suspended;
        size_t n_suspended, cap_suspended;
        struct ipw_clock_triple clock; /* the last one seen */
    } *segment;
    size_t n_segment, cap_segment;
    struct channel {
        int64_t id, device;
        struct energy_channel ch;
        double *mean_w; /* by segment: over its queries with joules; NAN none */
    } *channel;
    size_t n_channel, cap_channel;
    struct idle *idle;
    size_t n_idle, cap_idle;
    struct joules_shared *shared;
};

/* A baseline: the total's power while nothing was asked, whole and by the second. */
enum { SLICES = 40 };
struct idle {
    int64_t segment;
    const char *kind;
    int64_t t0, t1; /* what is used of it */
    double w, u2;   /* over all of it; NAN: a member has no value there */
    double slice_w[SLICES];
    size_t n_slices, members;
};

static int on_query(const struct store_query_row *row, void *ud)
{
    struct facts *f = ud;
    const struct store_query *q = &row->q;
    if (q->t_send == STORE_NULL || q->t_end == STORE_NULL)
        return 0;
    IPW_GROW(f->q, f->n_q, f->cap_q);
    f->q[f->n_q++] =
        (struct asked){q->id, q->segment, {q->t_send, q->t_first == STORE_NULL ? -1 : q->t_first, q->t_end}};
    return 0;
}

static int on_segment(const struct store_segment *s, void *ud)
{
    struct facts *f = ud;
    IPW_GROW(f->segment, f->n_segment, f->cap_segment);
    memset(&f->segment[f->n_segment], 0, sizeof *f->segment);
    f->segment[f->n_segment].id = s->id;
    f->segment[f->n_segment++].env = ipw_arena_strdup(&f->arena, s->env);
    return 0;
}

/* The machine slept between two triples when boot time went on without raw time. */
static int on_clock(int64_t segment, int64_t raw, int64_t boot, int64_t real, void *ud)
{
    struct facts *f = ud;
    struct ipw_clock_triple now = {raw, boot, real};
    for (size_t i = 0; i < f->n_segment; i++) {
        if (f->segment[i].id != segment)
            continue;
        struct ipw_clock_triple *last = &f->segment[i].clock;
        if (last->real && segment_jump_ns(last, &now, false)) {
            IPW_GROW(f->segment[i].suspended, f->segment[i].n_suspended, f->segment[i].cap_suspended);
            f->segment[i].suspended[f->segment[i].n_suspended++] = (struct energy_span){last->raw, raw};
        }
        *last = now;
    }
    return 0;
}

/* The first seconds of a long one are for settling (telemetry 4.8). */
static int on_baseline(const struct store_baseline *b, void *ud)
{
    struct facts *f = ud;
    IPW_GROW(f->idle, f->n_idle, f->cap_idle);
    struct idle *x = &f->idle[f->n_idle++];
    *x = (struct idle){.segment = b->segment, .kind = ipw_arena_strdup(&f->arena, b->kind), .t1 = b->t1_ns};
    bool load = !strcmp(b->kind, "load");
    x->t0 = !load && b->t1_ns - b->t0_ns > 20 * SECOND ? b->t0_ns + 5 * SECOND : b->t0_ns;
    x->n_slices = (size_t)((x->t1 - x->t0) / SECOND);
    x->n_slices = x->n_slices < SLICES ? x->n_slices : SLICES;
    return 0;
}

static int64_t known(int64_t v)
{
    return v == STORE_NULL ? 0 : v;
}

static int on_channel(const struct store_channel *c, void *ud)
{
    struct facts *f = ud;
    int scope = energy_scope_of(c->scope), kind = energy_kind_of(c->kind);
    if (scope < 0 || kind < 0)
        return 0; /* of a newer ipw: its readings stay, its joules are unknown here */
    IPW_GROW(f->channel, f->n_channel, f->cap_channel);
    struct energy_channel ch = {.scope = (enum energy_scope)scope,
                                .kind = (enum energy_kind)kind,
                                .unit_nj = c->unit_nj,
                                .modulus = c->modulus,
                                .period_ns = known(c->period_ns),
                                .window_ns = known(c->window_ns),
                                .quantum_nj = known(c->quantum_nj),
                                .latency_ns = known(c->latency_ns),
                                .gain_u = c->gain_u,
                                .in_total = c->in_total};
    snprintf(ch.id, sizeof ch.id, "%s", c->name);
    snprintf(ch.source, sizeof ch.source, "%s", c->source);
    const struct energy_collector_ops *ops = energy_collector_find(c->source);
    ch.estimated = ops && ops->estimated;
    memset(&f->channel[f->n_channel], 0, sizeof *f->channel);
    f->channel[f->n_channel].id = c->id;
    f->channel[f->n_channel].device = c->device;
    f->channel[f->n_channel].mean_w = ipw_calloc(f->n_segment + 1, sizeof(double));
    f->channel[f->n_channel++].ch = ch;
    return 0;
}

static int by_send(const void *a, const void *b)
{
    const struct asked *x = a, *y = b;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->mark.t_send < y->mark.t_send ? -1 : x->mark.t_send > y->mark.t_send;
}

struct readings {
    struct energy_reading *v;
    size_t n, cap;
    bool damaged;
};

static int on_block(const struct store_reading_block *b, void *ud)
{
    struct readings *r = ud;
    struct store_reading *in = ipw_calloc(b->n > 0 ? (size_t)b->n : 1, sizeof *in);
    if (b->fmt != 1 || b->n < 0 || store_unpack_readings(b->data, b->size, (size_t)b->n, b->t0_ns, in))
        r->damaged = true;
    else
        for (int64_t i = 0; i < b->n; i++) {
            IPW_GROW(r->v, r->n, r->cap);
            r->v[r->n++] = (struct energy_reading){.t_before = in[i].t_before, .t_after = in[i].t_after,
                                                   .raw = in[i].raw, .status = in[i].status};
        }
    free(in);
    return 0;
}

static int put_value(struct store *store, int64_t query, int64_t channel, const char *phase,
                     const struct energy_value *v, struct ipw_err *err)
{
    bool valued = v->status == ENERGY_MEASURED || v->status == ENERGY_ESTIMATED || v->status == ENERGY_LOW_RESOLUTION;
    struct store_energy e = {.version = ENERGY_ATTRIBUTION_VERSION,
                             .query = query,
                             .channel = channel,
                             .nj = valued ? v->nj : STORE_NULL,
                             .u_nj = valued && v->u_nj >= 0 ? v->u_nj : STORE_NULL,
                             .phase = phase,
                             .method = v->method,
                             .reason = v->reason,
                             .status = (int)v->status};
    return store_put_energy(store, &e, err);
}

static double pmax_of(const char *env, const char *channel)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    if (!env || json_read(&doc, env, strlen(env), 0, &ignored))
        return 0;
    double w = json_num(json_get(json_get(json_root(doc), "pmax_w"), channel));
    json_doc_free(doc);
    return w > 0 ? w : 0;
}

static bool valued(const struct energy_value *v)
{
    return v->status == ENERGY_MEASURED || v->status == ENERGY_LOW_RESOLUTION;
}

/* The readings of a span, of readings that are in order. */
static struct energy_reading *near(const struct energy_facts *e, int64_t t0, int64_t t1, size_t *n)
{
    size_t from = 0, to = e->n;
    while (from < to && e->readings[from].t_before < t0)
        from++;
    while (to > from && e->readings[to - 1].t_after > t1)
        to--;
    *n = to - from;
    return e->readings + from;
}

/* Adds one member's power to the baselines of a segment. */
static void add_idle(const struct facts *f, size_t seg, const struct energy_facts *e)
{
    for (size_t k = 0; k < f->n_idle; k++) {
        struct idle *x = &f->idle[k];
        struct energy_mark marks[SLICES], whole = {x->t0, -1, x->t1};
        struct energy_query_value out[SLICES], all;
        struct energy_value gap;
        if (x->segment != f->segment[seg].id)
            continue;
        for (size_t i = 0; i < x->n_slices; i++)
            marks[i] = (struct energy_mark){x->t0 + (int64_t)i * SECOND, -1, x->t0 + (int64_t)(i + 1) * SECOND};
        struct energy_facts one = *e, slices;
        one.readings = near(e, x->t0 - 3 * SECOND, x->t1 + 3 * SECOND, &one.n);
        slices = one;
        slices.marks = marks;
        slices.n_marks = x->n_slices;
        one.marks = &whole;
        one.n_marks = 1;
        energy_attribute(&one, &all, &gap);
        energy_attribute(&slices, out, &gap);
        double s = (double)(x->t1 - x->t0) * 1e-9;
        x->w += valued(&all.total) ? (double)all.total.nj * 1e-9 / s : (double)NAN;
        x->u2 += pow((double)all.total.u_nj * 1e-9 / s, 2);
        for (size_t i = 0; i < x->n_slices; i++)
            x->slice_w[i] += valued(&out[i].total) ? (double)out[i].total.nj * 1e-9 : (double)NAN;
        x->members++;
    }
}

/* The median of the seconds where all have one, else the mean over the whole. */
static void put_idle(struct json_out *o, json_node *list, const struct idle *x)
{
    bool sliced = x->n_slices >= 5 && isfinite(stats_mean(x->slice_w, x->n_slices));
    double w = sliced ? stats_quantile(x->slice_w, x->n_slices, 0.5) : x->w;
    json_node *n = json_put_obj(o, list, NULL);
    json_put_int(o, n, "segment", x->segment);
    json_put_str(o, n, "kind", x->kind);
    json_put_num(o, n, "w", x->members ? w : (double)NAN);
    json_put_num(o, n, "u_w", x->members ? sqrt(x->u2) : (double)NAN);
    json_put_num(o, n, "cv", sliced && w > 0 ? sqrt(stats_var(x->slice_w, x->n_slices)) / w : (double)NAN);
    json_put_int(o, n, "t_ns", x->t0 + (x->t1 - x->t0) / 2);
    json_put_num(o, n, "seconds", (double)(x->t1 - x->t0) * 1e-9);
}

/* meta.idle: the baselines in watts of the component total; computed with the joules, so never a fact. */
static int put_idles(struct store *store, const struct facts *f, struct ipw_err *err)
{
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    for (size_t i = 0; i < f->n_idle; i++)
        put_idle(o, list, &f->idle[i]);
    char *text = json_write(o, list, false);
    json_out_free(o);
    int rc = store_put_meta(store, "idle", text, err);
    free(text);
    return rc;
}

/* What is between and inside queries and of none of them; rest only where queries overlap. */
struct others {
    struct energy_value gap, rest;
};

static void share(const struct facts *f, size_t seg, const struct energy_facts *e, const struct asked *q,
                  struct energy_query_value *out, struct others *o)
{
    struct joules_idle *idle = ipw_calloc(f->n_idle + 1, sizeof *idle);
    int64_t *id = ipw_calloc(e->n_marks + 1, sizeof *id);
    size_t n_idle = 0;
    for (size_t i = 0; i < e->n_marks; i++)
        id[i] = q[i].id;
    for (size_t k = 0; k < f->n_idle; k++)
        if (f->idle[k].segment == f->segment[seg].id)
            idle[n_idle++] = (struct joules_idle){f->idle[k].kind, f->idle[k].t0, f->idle[k].t1};
    joules_shared_attribute(f->shared, f->segment[seg].id, e, id, idle, n_idle, out, &o->gap, &o->rest);
    free(idle);
    free(id);
}

static int compute(struct store *store, const struct facts *f, size_t seg, const struct channel *c,
                   const struct asked *q, size_t n, struct energy_query_value *out, struct others *others,
                   bool in_total, struct ipw_err *err)
{
    struct energy_value *gap = &others->gap;
    struct energy_channel ch = c->ch;
    struct readings r = {0};
    int rc = store_each_readings(store, f->segment[seg].id, c->id, on_block, &r, err);
    if (!rc && r.damaged)
        rc = ipw_err_set(err, IPW_E_INPUT, "the stored readings of '%s' are damaged", ch.id);
    struct energy_mark *marks = ipw_calloc(n, sizeof *marks);
    for (size_t i = 0; i < n; i++) {
        marks[i] = q[i].mark;
        out[i].total = out[i].prefill = out[i].decode = *gap;
    }
    if (!rc && r.n) {
        ch.pmax_w = pmax_of(f->segment[seg].env, ch.id);
        struct energy_facts e = {&ch, r.v, r.n, marks, n, f->segment[seg].suspended, f->segment[seg].n_suspended};
        if (joules_overlap(marks, n))
            share(f, seg, &e, q, out, others);
        else
            energy_attribute(&e, out, gap);
        if (in_total && !ch.estimated)
            add_idle(f, seg, &e);
    }
    free(marks);
    free(r.v);
    return rc;
}

static double mean_w(const struct asked *q, const struct energy_query_value *out, size_t n)
{
    double j = 0, s = 0;
    for (size_t i = 0; i < n; i++)
        if (valued(&out[i].total)) {
            j += (double)out[i].total.nj * 1e-9;
            s += (double)(q[i].mark.t_end - q[i].mark.t_send) * 1e-9;
        }
    return s >= CHECK_S ? j / s : (double)NAN;
}

/* The power sensor of what a counter counts, NULL if none. */
static const struct channel *power_of(const struct facts *f, const struct channel *c)
{
    for (size_t i = 0; i < f->n_channel; i++) {
        const struct channel *p = &f->channel[i];
        if (p->device == c->device && p->ch.scope == c->ch.scope &&
            (p->ch.kind == ENERGY_KIND_POWER_INST || p->ch.kind == ENERGY_KIND_POWER_AVG))
            return p;
    }
    return NULL;
}

static struct others silent(void)
{
    struct energy_value none = {.status = ENERGY_MISSING, .u_nj = -1, .reason = SILENT};
    return (struct others){none, none};
}

/* Counters are known that stand still, run backwards or count in another unit than they say (telemetry 3.4, 3.5): one
 * that is ten times off its own power sensor is not believed, and the sensor's joules take its place. */
static int attribute_channel(struct store *store, struct facts *f, size_t seg, size_t chan, const struct asked *q,
                             size_t n, struct others *others, struct ipw_err *err)
{
    struct energy_value *gap = &others->gap;
    struct channel *c = &f->channel[chan];
    int64_t id = c->id;
    struct energy_query_value *out = ipw_calloc(n, sizeof *out);
    int rc = compute(store, f, seg, c, q, n, out, others, c->ch.in_total, err);
    double w = c->mean_w[seg] = mean_w(q, out, n);
    const struct channel *p = c->ch.kind == ENERGY_KIND_COUNTER ? power_of(f, c) : NULL;
    double ratio = p ? w / p->mean_w[seg] : (double)NAN;
    if (!rc && (ratio < 0.1 || ratio > 10)) {
        *others = silent();
        rc = compute(store, f, seg, p, q, n, out, others, false, err);
        for (size_t k = 0; k < f->n_idle; k++) /* the counter's idle watts are not believed either */
            if (f->idle[k].segment == f->segment[seg].id)
                f->idle[k].w = f->idle[k].slice_w[0] = NAN;
        for (size_t i = 0; i < n; i++) {
            struct energy_value *const all[] = {&out[i].total, &out[i].prefill, &out[i].decode};
            for (size_t k = 0; k < 3; k++)
                all[k]->reason = all[k]->reason ? all[k]->reason : "counter_disagrees";
        }
    }
    bool silent = gap->status == ENERGY_MISSING && ipw_streq(gap->reason, SILENT); /* not a channel of that segment */
    for (size_t i = 0; i < n && !rc && !silent; i++) {
        rc = put_value(store, q[i].id, id, "total", &out[i].total, err);
        if (!rc)
            rc = put_value(store, q[i].id, id, "prefill", &out[i].prefill, err);
        if (!rc)
            rc = put_value(store, q[i].id, id, "decode", &out[i].decode, err);
    }
    free(out);
    return rc;
}

/* query 0: energy between queries, -1: inside but of none; per channel over all segments. Powers first: they check the
 * counters. */
static int attribute(struct store *store, struct facts *f, bool counters, struct ipw_err *err)
{
    struct energy_value *gaps = ipw_calloc(2 * (f->n_segment + 1), sizeof *gaps), *rests = gaps + f->n_segment + 1;
    int rc = 0;
    for (size_t c = 0; c < f->n_channel && !rc; c++) {
        size_t n_gaps = 0, n_rests = 0;
        if (f->channel[c].ch.kind == ENERGY_KIND_GAUGE || (f->channel[c].ch.kind == ENERGY_KIND_COUNTER) != counters)
            continue;
        for (size_t s = 0, from = 0, to; s < f->n_segment && !rc; s++, from = to) {
            for (to = from; to < f->n_q && f->q[to].segment == f->segment[s].id;)
                to++;
            if (to == from)
                continue;
            struct others others = silent();
            rc = attribute_channel(store, f, s, c, f->q + from, to - from, &others, err);
            gaps[n_gaps] = others.gap;
            rests[n_rests] = others.rest;
            n_gaps += !ipw_streq(others.gap.reason, SILENT);
            n_rests += !ipw_streq(others.rest.reason, SILENT);
        }
        struct energy_value gap = energy_sum(gaps, n_gaps), rest = energy_sum(rests, n_rests);
        if (!rc && n_gaps)
            rc = put_value(store, 0, f->channel[c].id, "total", &gap, err);
        if (!rc && n_rests)
            rc = put_value(store, -1, f->channel[c].id, "total", &rest, err);
    }
    free(gaps);
    return rc;
}

/* What of each query was done when is asked for only where some overlap. */
static int on_work(const struct store_query_row *row, void *ud)
{
    struct facts *f = ud;
    joules_shared_query(f->shared, row);
    return 0;
}

static bool any_overlap(const struct facts *f)
{
    bool any = false;
    for (size_t from = 0, to; from < f->n_q && !any; from = to) {
        for (to = from + 1; to < f->n_q && f->q[to].segment == f->q[from].segment;)
            to++;
        struct energy_mark *m = ipw_calloc(to - from, sizeof *m);
        for (size_t i = from; i < to; i++)
            m[i - from] = f->q[i].mark;
        any = joules_overlap(m, to - from);
        free(m);
    }
    return any;
}

static int load_queries(struct store *store, struct facts *f, struct ipw_err *err)
{
    int rc = store_each_query(store, 0, on_query, f, err);
    if (f->n_q)
        qsort(f->q, f->n_q, sizeof *f->q, by_send);
    f->shared = joules_shared_new();
    return !rc && any_overlap(f) ? store_each_query(store, STORE_WITH_TEXT, on_work, f, err) : rc;
}

int run_joules(struct store *store, struct ipw_err *err)
{
    struct facts f = {0};
    int rc;
    if (!(rc = store_each_segment(store, on_segment, &f, err)) && !(rc = store_each_clock(store, on_clock, &f, err)) &&
        !(rc = store_each_baseline(store, on_baseline, &f, err)) &&
        !(rc = store_each_channel(store, on_channel, &f, err)) && !(rc = load_queries(store, &f, err)) &&
        !(rc = store_clear_energy(store, ENERGY_ATTRIBUTION_VERSION, err)) && !(rc = attribute(store, &f, false, err)) &&
        !(rc = attribute(store, &f, true, err)) && !(rc = put_idles(store, &f, err)))
        rc = joules_shared_put(f.shared, store, err);
    for (size_t i = 0; i < f.n_segment; i++)
        free(f.segment[i].suspended);
    for (size_t i = 0; i < f.n_channel; i++)
        free(f.channel[i].mean_w);
    ipw_arena_release(&f.arena);
    joules_shared_free(f.shared);
    free(f.q);
    free(f.segment);
    free(f.channel);
    free(f.idle);
    return rc;
}
