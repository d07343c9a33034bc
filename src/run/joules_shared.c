#include "run/joules_shared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/pack.h"

struct worked { /* what is known of a query */
    int64_t id, n_eval, n_cached, n_out, prompt_ns;
    int64_t *stamps;
    size_t n_stamps;
};

struct shared_of { /* a channel of a segment */
    int64_t segment;
    char channel[96];
    double idle_w, u_idle_w;
    struct share_result r;
};

struct joules_shared {
    struct worked *v; /* by id */
    size_t n, cap;
    bool sorted;
    struct shared_of *of;
    size_t n_of, cap_of;
};

bool joules_overlap(const struct energy_mark *m, size_t n)
{
    int64_t end = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        if (m[i].t_send < end)
            return true;
        end = m[i].t_end > end ? m[i].t_end : end;
    }
    return false;
}

struct joules_shared *joules_shared_new(void)
{
    return ipw_calloc(1, sizeof(struct joules_shared));
}

void joules_shared_free(struct joules_shared *j)
{
    if (!j)
        return;
    for (size_t i = 0; i < j->n; i++)
        free(j->v[i].stamps);
    free(j->v);
    free(j->of);
    free(j);
}

static int64_t count(int64_t v)
{
    return v == STORE_NULL || v < 0 ? -1 : v;
}

void joules_shared_query(struct joules_shared *j, const struct store_query_row *row)
{
    const struct store_query *q = &row->q;
    int64_t n_in = count(q->n_in), cached = count(q->n_cached);
    IPW_GROW(j->v, j->n, j->cap);
    struct worked *x = &j->v[j->n++];
    *x = (struct worked){.id = q->id, .n_cached = cached, .n_out = count(q->n_out), .prompt_ns = -1};
    x->n_eval = n_in < 0 ? -1 : cached > 0 ? (n_in > cached ? n_in - cached : 0) : n_in;
    if (q->served)
        x->prompt_ns = count(q->served->prompt_ns);
    j->sorted = false;
    if (!row->text.stamps_size || q->t_send == STORE_NULL)
        return;
    x->stamps = ipw_malloc(row->text.stamps_size * sizeof *x->stamps);
    ptrdiff_t n = store_unpack_stamps(row->text.stamps, row->text.stamps_size, q->t_send, x->stamps);
    x->n_stamps = n > 0 ? (size_t)n : 0; /* damaged: not known */
    x->stamps = ipw_realloc(x->stamps, (x->n_stamps + 1) * sizeof *x->stamps);
}

static int by_id(const void *a, const void *b)
{
    const struct worked *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static const struct worked *find(struct joules_shared *j, int64_t id)
{
    if (!j->sorted && j->n)
        qsort(j->v, j->n, sizeof *j->v, by_id);
    j->sorted = true;
    return j->n ? bsearch(&(struct worked){.id = id}, j->v, j->n, sizeof *j->v, by_id) : NULL;
}

/* Of one channel: the mean of its loaded and after baselines, else of the cold ones. Two of them say more of how well idle
 * power is known than the readings at their ends. */
static void idle_power(const struct energy_facts *f, const struct joules_idle *idle, size_t n, double *w, double *u)
{
    double sum[2] = {0}, s[2] = {0}, u2[2] = {0}, least[2] = {INFINITY, INFINITY}, most[2] = {0};
    *w = *u = NAN;
    for (size_t i = 0; i < n; i++) {
        struct energy_mark mark = {idle[i].t0, -1, idle[i].t1};
        struct energy_query_value v;
        struct energy_value gap;
        struct energy_facts one = *f;
        int cold = ipw_streq(idle[i].kind, "cold");
        one.marks = &mark;
        one.n_marks = 1;
        energy_attribute(&one, &v, &gap);
        if (v.total.status != ENERGY_MEASURED && v.total.status != ENERGY_ESTIMATED && v.total.status != ENERGY_LOW_RESOLUTION)
            continue;
        double seconds = (double)(mark.t_end - mark.t_send) * 1e-9, watts = (double)v.total.nj * 1e-9 / seconds;
        sum[cold] += watts * seconds;
        s[cold] += seconds;
        u2[cold] += pow((double)v.total.u_nj * 1e-9, 2);
        least[cold] = fmin(least[cold], watts);
        most[cold] = fmax(most[cold], watts);
    }
    int use = s[0] > 0 ? 0 : 1;
    if (!(s[use] > 0))
        return;
    *w = sum[use] / s[use];
    *u = hypot(sqrt(u2[use]) / s[use], (most[use] - least[use]) / sqrt(12));
}

void joules_shared_attribute(struct joules_shared *j, int64_t segment, const struct energy_facts *f, const int64_t *id,
                             const struct joules_idle *idle, size_t n_idle, struct energy_query_value *out,
                             struct energy_value *gap, struct energy_value *rest)
{
    struct share_request *req = ipw_calloc(f->n_marks + 1, sizeof *req);
    struct shared_of of = {.segment = segment};
    for (size_t i = 0; i < f->n_marks; i++) {
        const struct energy_mark *m = &f->marks[i];
        const struct worked *x = find(j, id[i]);
        req[i] = (struct share_request){.t_send = m->t_send, .t_first = m->t_first, .t_end = m->t_end, .prompt_ns = -1,
                                        .n_eval = -1, .n_cached = -1, .n_out = -1};
        if (!x)
            continue;
        req[i].prompt_ns = x->prompt_ns;
        req[i].n_eval = x->n_eval;
        req[i].n_cached = x->n_cached;
        req[i].n_out = x->n_out;
        req[i].stamps = x->stamps;
        req[i].n_stamps = x->n_stamps;
    }
    idle_power(f, idle, n_idle, &of.idle_w, &of.u_idle_w);
    struct share_facts facts = {.ch = f->ch, .readings = f->readings, .n = f->n, .req = req, .n_req = f->n_marks,
                                .suspended = f->suspended, .n_suspended = f->n_suspended, .idle_w = of.idle_w,
                                .u_idle_w = of.u_idle_w};
    energy_share(&facts, out, &of.r);
    *gap = of.r.gap;
    *rest = of.r.rest;
    snprintf(of.channel, sizeof of.channel, "%s", f->ch->id);
    free(req);
    for (size_t i = 0; i < j->n_of; i++) /* a sensor that took its counter's place was asked before */
        if (j->of[i].segment == segment && !strcmp(j->of[i].channel, of.channel))
            return;
    IPW_GROW(j->of, j->n_of, j->cap_of);
    j->of[j->n_of++] = of;
}

static void put_coefficient(struct json_out *o, json_node *to, const char *name, const struct share_result *r, int work)
{
    json_node *n = json_put_obj(o, to, name);
    json_put_num(o, n, "j", r->coef[work]);
    json_put_num(o, n, "u_j", r->u_coef[work]);
}

static void put_one(struct json_out *o, json_node *list, const struct shared_of *of)
{
    const struct share_result *r = &of->r;
    json_node *n = json_put_obj(o, list, NULL);
    json_put_int(o, n, "segment", of->segment);
    json_put_str(o, n, "channel", of->channel);
    json_put_str(o, n, "method", r->by_time ? "shared_time" : "shared");
    json_put_str(o, n, "reason", r->why);
    json_put_str(o, n, "idle", isfinite(of->idle_w) ? "in_flight" : "none");
    json_put_num(o, n, "idle_w", of->idle_w);
    json_put_num(o, n, "idle_u_w", of->u_idle_w);
    put_coefficient(o, n, "prefill", r, SHARE_PREFILL);
    put_coefficient(o, n, "decode", r, SHARE_DECODE);
    put_coefficient(o, n, "step", r, SHARE_STEP);
    put_coefficient(o, n, "context", r, SHARE_CONTEXT);
    json_put_num(o, n, "condition", isfinite(r->condition) ? r->condition : (double)NAN);
    json_put_num(o, n, "residual", r->residual);
    json_put_num(o, n, "spread", r->spread);
    json_put_int(o, n, "blocks", (int64_t)r->blocks);
    json_put_num(o, n, "block_s", r->block_s);
}

int joules_shared_put(struct joules_shared *j, struct store *store, struct ipw_err *err)
{
    if (!j->n_of)
        return store_meta(store, "weights") ? store_put_meta(store, "weights", NULL, err) : 0;
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    for (size_t i = 0; i < j->n_of; i++)
        put_one(o, list, &j->of[i]);
    char *text = json_write(o, list, false);
    json_out_free(o);
    int rc = store_put_meta(store, "weights", text, err);
    free(text);
    return rc;
}
