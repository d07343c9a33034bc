#include "energy/share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/series.h"
#include "energy/share_fit.h"
#include "energy/share_value.h"
#include "energy/share_work.h"

enum {
    REACH_NS = 5000000, /* as in attribute.c: the curve is continued so far past its ends */
    THIN_NS = 20000000, /* between readings of a fast counter that are used */
    BLOCK_PERIODS = 5,
    BLOCK_NS = 500000000,
    BLOCKS_WANTED = 60,
    BLOCKS_ENOUGH = 300, /* longer ones then: where in its time a prompt was evaluated is not well known */
};
#define PART_WINDOW 0.25 /* as in attribute.c */
#define TIME_MAX_NS ((int64_t)1 << 60)
#define W SHARE_WORKS

struct member { /* of an interval: a request in flight */
    size_t i;
    double flight_s, busy_s; /* its equal part of the seconds */
    double before;           /* of flight_s, relative: until the first token */
    double work[W], prefill[W];
    double weight, prefill_weight; /* once coefficients are known */
};

struct interval {
    int64_t a, b, e_nj;
    double idle_s;      /* with nobody in flight */
    const char *broken; /* reason, or NULL */
    double u_nj;        /* of one end: when the update came, quantum */
    bool by_time;       /* no work is known in it */
    struct member *m;
    size_t n;
};

struct job {
    const struct share_facts *f;
    struct share_request *req; /* as given, with nothing out of range */
    struct series s;
    struct share_item *item;
    struct share_sums *sum;
    bool *sane;
    int64_t t0, t1, e0_nj, e1_nj;
    const char *out0, *out1; /* why nothing is known before the first point, after the last one */
    struct share_result *r;
    double cov[W * W];
    struct share_block *block, growing;
    size_t n_block, cap_block;
    int64_t growing_ns, block_ns;
    double residual_j, rr, ww; /* of the block; over all of them: squared residuals, squared weights of requests */
    __int128 gap_nj, rest_nj;
    double mean_w, gap_s, gap_u2; /* mean_w: above idle */
    struct interval now;
    struct member *member;
    int64_t *lo, *hi;
    double *part;
    size_t *active, n_active;
    size_t first_open; /* requests before it ended in an earlier block */
};

static int64_t round_nj(double x)
{
    return llround(fmax(fmin(x, 4e18), -4e18));
}

static int64_t to_nj(__int128 aj)
{
    return (int64_t)((aj + (aj < 0 ? -500000000 : 500000000)) / 1000000000);
}

static double idle_w(const struct job *j)
{
    return isfinite(j->f->idle_w) ? fmax(j->f->idle_w, 0) : 0;
}

/* ---- the curve at the ends of what was asked ---- */

/* Inside an interval that was idle until x, or is from x on, idle power says how far the curve had come. */
static int64_t end_nj(struct job *j, int64_t x, bool start, const char **why)
{
    const struct series *s = &j->s;
    size_t i = series_after(s, x);
    *why = NULL;
    if (s->n < 2) {
        *why = s->bad_tail ? "counter_unreadable" : "no_readings";
        return 0;
    }
    if (i == s->n && s->v[i - 1].t == x)
        return to_nj(s->v[i - 1].e_aj);
    if (i > 0 && i < s->n) {
        int64_t from = to_nj(s->v[i - 1].e_aj), to = to_nj(s->v[i].e_aj);
        bool known = s->form != SERIES_SAMPLES && isfinite(j->f->idle_w);
        if (!known)
            return to_nj(series_at(s, i, x));
        int64_t idle = round_nj(idle_w(j) * (double)(start ? x - s->v[i - 1].t : s->v[i].t - x));
        idle = idle < to - from ? idle : to - from;
        return start ? from + idle : to - idle;
    }
    const struct series_point *p = &s->v[i ? s->n - 1 : 0];
    int64_t away = llabs(x - p->t), reach = s->form == SERIES_FAST ? REACH_NS : s->period_ns / 2 * 3;
    if (away > (reach > REACH_NS ? reach : REACH_NS))
        *why = (i ? s->bad_tail : p->bad) ? "counter_unreadable" : "no_readings";
    double w = fmax(series_power(s, i ? s->n - 1 : 0, !i, THIN_NS), 0);
    return to_nj(p->e_aj) + (*why ? 0 : round_nj(w * (double)(x - p->t)));
}

/* ---- walking over the intervals ---- */

typedef void visit_fn(struct job *j, const struct interval *v);

static void admit(struct job *j, size_t *next, int64_t a, int64_t b)
{
    size_t kept = 0;
    for (size_t k = 0; k < j->n_active; k++)
        if (j->req[j->active[k]].t_end > a)
            j->active[kept++] = j->active[k];
    j->n_active = kept;
    for (; *next < j->f->n_req && j->req[*next].t_send < b; ++*next)
        if (j->sane[*next])
            j->active[j->n_active++] = *next;
}

static double overlap_s(int64_t a, int64_t b, int64_t lo, int64_t hi)
{
    int64_t from = a > lo ? a : lo, to = b < hi ? b : hi;
    return to > from ? (double)(to - from) * 1e-9 : 0;
}

/* Who did what in the interval. */
static void fill(struct job *j, struct interval *v)
{
    double stamps = 0, writing_s = 0;
    v->n = j->n_active;
    for (size_t k = 0; k < v->n; k++) {
        const struct share_request *r = &j->req[j->active[k]];
        j->lo[k] = r->t_send;
        j->hi[k] = r->t_end;
    }
    v->idle_s = share_equally(j->lo, j->hi, v->n, v->a, v->b, j->part);
    for (size_t k = 0; k < v->n; k++) {
        struct share_item *x = &j->item[j->active[k]];
        const struct share_request *r = x->r;
        double all = overlap_s(v->a, v->b, r->t_send, r->t_end);
        v->m[k] = (struct member){.i = j->active[k], .flight_s = j->part[k]};
        v->m[k].before = r->t_first < 0 || !(all > 0) ? 1 : overlap_s(v->a, v->b, r->t_send, r->t_first) / all;
        share_advance(x, v->b < r->t_end ? v->b : r->t_end, v->m[k].work);
        if (r->n_stamps > 1 && x->per_stamp > 0) {
            stamps += v->m[k].work[SHARE_DECODE] / x->per_stamp;
            writing_s += overlap_s(v->a, v->b, x->d0, r->t_end);
        }
        j->lo[k] = x->p0;
        j->hi[k] = x->known ? r->t_end : x->p0;
    }
    share_equally(j->lo, j->hi, v->n, v->a, v->b, j->part);
    double rate = writing_s > 0 ? stamps / writing_s : 0; /* of steps: everybody who writes has a chunk of each */
    for (size_t k = 0; k < v->n; k++) {
        struct member *m = &v->m[k];
        const struct share_item *x = &j->item[m->i];
        double all = overlap_s(v->a, v->b, x->p0, x->r->t_end);
        m->work[SHARE_STEP] = rate * j->part[k];
        m->prefill[SHARE_PREFILL] = m->work[SHARE_PREFILL];
        m->prefill[SHARE_STEP] = all > 0 ? rate * j->part[k] * overlap_s(v->a, v->b, x->p0, x->p1) / all : 0;
    }
}

static void visit(struct job *j, int64_t a, int64_t b, int64_t e_nj, const struct series_point *p, size_t *next, visit_fn *fn)
{
    struct interval *v = &j->now;
    double w = b > a ? (double)e_nj / (double)(b - a) : 0, q = (double)j->s.quantum_nj;
    admit(j, next, a, b);
    *v = (struct interval){.a = a, .b = b, .e_nj = e_nj, .broken = series_broken(&j->s, a, b), .m = j->member};
    if (p)
        v->u_nj = sqrt(w * w * (double)(p->half_ns * p->half_ns + p->lat_ns * p->lat_ns / 4) / 3 + q * q / 12);
    fill(j, v);
    fn(j, v);
}

/* The points of the curve inside what was asked; those of a fast counter not closer than needed while somebody is in flight. */
static void walk(struct job *j, visit_fn *fn)
{
    const struct series *s = &j->s;
    int64_t a = j->t0, e = j->e0_nj;
    size_t next = 0, i = series_after(s, j->t0);
    share_rewind(j->item, j->f->n_req);
    j->n_active = 0;
    if (j->out0 && i < s->n) { /* nothing is known until the first point */
        visit(j, a, s->v[i].t, 0, &s->v[i], &next, fn);
        a = s->v[i].t;
        e = to_nj(s->v[i].e_aj);
    }
    for (; i < s->n && s->v[i].t < j->t1; i++) {
        const struct series_point *p = &s->v[i];
        if (p->t <= a || (s->form != SERIES_EDGES && p->t - a < THIN_NS && j->n_active > 1 && !p->brk))
            continue;
        visit(j, a, p->t, to_nj(p->e_aj) - e, p, &next, fn);
        a = p->t;
        e = to_nj(p->e_aj);
    }
    if (j->t1 > a)
        visit(j, a, j->t1, j->e1_nj - e, s->n ? &s->v[s->n - 1] : NULL, &next, fn);
}

static const char *broken(const struct job *j, const struct interval *v)
{
    const struct series *s = &j->s;
    if (s->n < 2 || (j->out0 && v->a < s->v[0].t))
        return j->out0;
    if (j->out1 && v->b > s->v[s->n - 1].t && v->b == j->t1)
        return j->out1;
    return v->broken;
}

/* Of an interval: what it took while nobody was in flight, and idle power of those who were. */
static void accounts(const struct job *j, const struct interval *v, double *gap_nj, double *idle_nj)
{
    double s = (double)(v->b - v->a) * 1e-9, e = (double)v->e_nj, w = idle_w(j);
    bool known = isfinite(j->f->idle_w);
    *gap_nj = v->n == 0 ? e : known ? fmin(w * v->idle_s * 1e9, e) : s > 0 ? e * v->idle_s / s : 0;
    *idle_nj = fmin(w * (s - v->idle_s) * 1e9, e - *gap_nj);
}

/* ---- fitting ---- */

static void add_to_block(struct job *j, const struct interval *v)
{
    struct share_block *b = &j->growing;
    double gap, idle;
    if (broken(j, v)) {
        *b = (struct share_block){0};
        j->growing_ns = 0;
        return;
    }
    accounts(j, v, &gap, &idle);
    b->j += ((double)v->e_nj - gap - idle) * 1e-9;
    for (size_t k = 0; k < v->n; k++)
        for (int i = 0; i < W; i++)
            b->work[i] += v->m[k].work[i];
    j->growing_ns += v->b - v->a;
    if (j->growing_ns < j->block_ns)
        return;
    IPW_GROW(j->block, j->n_block, j->cap_block);
    j->block[j->n_block++] = *b;
    *b = (struct share_block){0};
    j->growing_ns = 0;
}

/* ---- sharing ---- */

static double weight(const double coef[W], const double work[W])
{
    double w = 0;
    for (int i = 0; i < W; i++)
        w += coef[i] > 0 ? coef[i] * work[i] : 0;
    return w;
}

/* Weights of the members, and their sum. Where no work is known in an interval, those in flight share alike. */
static double weigh(const struct job *j, struct interval *v)
{
    double sum = 0;
    for (size_t k = 0; k < v->n && !j->r->by_time; k++) {
        v->m[k].weight = weight(j->r->coef, v->m[k].work);
        v->m[k].prefill_weight = weight(j->r->coef, v->m[k].prefill);
        sum += v->m[k].weight;
    }
    v->by_time = !(sum > 0);
    for (size_t k = 0; k < v->n && v->by_time; k++) {
        v->m[k].weight = v->m[k].flight_s;
        v->m[k].prefill_weight = v->m[k].flight_s * v->m[k].before;
        sum += v->m[k].weight;
    }
    return sum;
}

/* What the energy above idle of an interval adds to a member, and to what is known of its error. */
static void add_active(const struct job *j, const struct interval *v, const struct member *m, double active, double sum,
                       const double total[W], double squares)
{
    struct share_sums *s = &j->sum[m->i];
    double pi = m->weight / sum, got = active * pi, prefill = active * m->prefill_weight / sum;
    s->active += got;
    s->prefill += prefill;
    s->free += got * (1 - pi);
    s->free_prefill += prefill * (1 - pi);
    s->others += got * fmax(squares - pi * pi, 0);
    for (int i = 0; i < W && !v->by_time; i++) {
        s->d[i] += active / sum * (m->work[i] - pi * total[i]);
        s->dp[i] += active / sum * (m->prefill[i] - m->prefill_weight / sum * total[i]);
    }
    const struct share_request *r = &j->req[m->i];
    if ((r->t_send > v->a && r->t_send < v->b) || (r->t_end > v->a && r->t_end < v->b))
        s->u2 += pi * pi * v->u_nj * v->u_nj;
}

/* Whole nanojoules whose sum is the interval's, whatever is rounded. */
static int64_t next_nj(double *so_far, int64_t *given, double add)
{
    *so_far += add;
    int64_t upto = round_nj(*so_far), nj = upto - *given;
    *given = upto;
    return nj;
}

/* How far true energies of requests lie from their work: each block's residual is the sum of its requests' deviations. */
static void add_residual(struct job *j, const struct interval *v, double residual_j)
{
    j->growing_ns += v->b - v->a;
    j->residual_j += residual_j;
    if (j->growing_ns < j->block_ns)
        return;
    double ww = 0;
    for (size_t i = j->first_open; i < j->f->n_req && j->req[i].t_send < v->b; i++) {
        ww += j->sum[i].block_w * j->sum[i].block_w;
        j->sum[i].block_w = 0;
        if (i == j->first_open && j->req[i].t_end <= v->b)
            j->first_open++;
    }
    if (isfinite(j->residual_j)) {
        j->rr += j->residual_j * j->residual_j;
        j->ww += ww;
    }
    j->growing_ns = 0;
    j->residual_j = 0;
}

static void give(struct job *j, const struct interval *seen)
{
    struct interval *v = &j->now;
    const char *why = broken(j, seen);
    double gap, idle, total[W] = {0}, squares = 0, so_far = 0, flight = 0;
    int64_t given = 0;
    if (why) {
        for (size_t k = 0; k < v->n; k++)
            if (!j->sum[v->m[k].i].broken)
                j->sum[v->m[k].i].broken = why;
        *(v->n ? &j->rest_nj : &j->gap_nj) += v->e_nj;
        const char **reason = v->n ? &j->r->rest.reason : &j->r->gap.reason;
        *reason = *reason ? *reason : why;
        return;
    }
    accounts(j, v, &gap, &idle);
    double sum = weigh(j, v), active = (double)v->e_nj - gap - idle;
    for (size_t k = 0; k < v->n; k++) {
        for (int i = 0; i < W; i++)
            total[i] += v->m[k].work[i];
        squares += pow(v->m[k].weight / sum, 2);
        flight += v->m[k].flight_s;
    }
    j->gap_nj += next_nj(&so_far, &given, gap);
    j->gap_s += v->n ? v->idle_s : 0;
    j->gap_u2 += isfinite(j->f->idle_w) ? 0 : pow(v->n ? gap * (1 - v->idle_s * 1e9 / (double)(v->b - v->a)) : 0, 2);
    for (size_t k = 0; k < v->n; k++) {
        const struct member *m = &v->m[k];
        struct share_sums *s = &j->sum[m->i];
        double on = flight > 0 ? idle * m->flight_s / flight : 0;
        int64_t prefill = next_nj(&so_far, &given, on * m->before + active * m->prefill_weight / sum);
        s->prefill_nj += prefill;
        s->nj += prefill + next_nj(&so_far, &given, on * (1 - m->before) + active * (m->weight - m->prefill_weight) / sum);
        s->flight_s += m->flight_s;
        s->flight_before_s += m->flight_s * m->before;
        add_active(j, v, m, active, sum, total, squares);
        if (!v->by_time)
            s->block_w += m->weight;
    }
    if (given != v->e_nj) /* rounding of the last digit */
        *(v->n ? &j->sum[v->m[0].i].nj : &j->gap_nj) += v->e_nj - given;
    add_residual(j, v, v->by_time ? NAN : active * 1e-9 - sum);
}

/* ---- values ---- */

static void put_values(const struct job *j, size_t i, struct energy_query_value *out)
{
    const struct share_context c = {j->f->ch, j->r, j->cov, j->s.window_ns, j->mean_w, j->f->u_idle_w};
    const char *why = j->sane[i] ? j->sum[i].broken : "empty_window";
    share_values(out, &c, &j->req[i], &j->sum[i], j->item[i].known, why);
}

static void account(const struct job *j, struct energy_value *v, __int128 nj, double u)
{
    v->nj = (int64_t)nj;
    v->method = j->r->by_time ? "shared_time" : "shared";
    v->status = v->reason ? ENERGY_MISSING : j->f->ch->estimated ? ENERGY_ESTIMATED : ENERGY_MEASURED;
    v->u_nj = v->reason ? -1 : round_nj(u);
}

/* ---- all of it ---- */

static bool in_order(const struct share_request *r)
{
    for (size_t i = 0; i < r->n_stamps; i++)
        if (r->stamps[i] < (i ? r->stamps[i - 1] : r->t_send) || r->stamps[i] > r->t_end)
            return false;
    return r->n_stamps > 0;
}

/* What does not fit together is not known. */
static struct share_request checked(const struct share_request *r, bool *sane, int64_t t_before)
{
    struct share_request q = *r;
    *sane = q.t_send > -TIME_MAX_NS && q.t_end < TIME_MAX_NS && q.t_send < q.t_end;
    if (!*sane)
        return (struct share_request){.t_send = t_before, .t_first = -1, .t_end = t_before, .prompt_ns = -1, .n_eval = -1,
                                      .n_cached = -1, .n_out = -1};
    if (q.t_first < q.t_send || q.t_first > q.t_end)
        q.t_first = -1;
    if (q.t_first < 0 || !in_order(&q)) {
        q.stamps = NULL;
        q.n_stamps = 0;
    }
    return q;
}

static void begin(struct job *j, const struct share_facts *f, struct share_result *r)
{
    size_t n = f->n_req + 1;
    *j = (struct job){.f = f, .r = r, .t0 = INT64_MAX, .t1 = INT64_MIN};
    *r = (struct share_result){.by_time = true};
    series_build(&j->s, f->ch, f->readings, f->n);
    series_suspended(&j->s, f->suspended, f->n_suspended);
    for (size_t i = 0; i < j->s.n && f->ch->part_time && j->s.form == SERIES_EDGES; i++) /* what it says is of its looks */
        j->s.v[i].t += (int64_t)((1 - PART_WINDOW) / 2 * (double)j->s.period_ns);
    j->item = ipw_calloc(n, sizeof *j->item);
    j->sum = ipw_calloc(n, sizeof *j->sum);
    j->sane = ipw_calloc(n, sizeof *j->sane);
    j->member = ipw_calloc(n, sizeof *j->member);
    j->lo = ipw_calloc(n, sizeof *j->lo);
    j->hi = ipw_calloc(n, sizeof *j->hi);
    j->part = ipw_calloc(n, sizeof *j->part);
    j->active = ipw_calloc(n, sizeof *j->active);
    j->req = ipw_calloc(n, sizeof *j->req);
    for (size_t i = 0; i < f->n_req; i++) {
        j->req[i] = checked(&f->req[i], &j->sane[i], i ? j->req[i - 1].t_send : -TIME_MAX_NS);
        const struct share_request *q = &j->req[i];
        if (!j->sane[i])
            continue;
        j->t0 = j->t0 < q->t_send ? j->t0 : q->t_send;
        j->t1 = j->t1 > q->t_end ? j->t1 : q->t_end;
    }
    share_items(j->item, j->req, f->n_req);
}

static void finish(struct job *j)
{
    series_release(&j->s);
    free(j->req);
    free(j->item);
    free(j->sum);
    free(j->sane);
    free(j->member);
    free(j->lo);
    free(j->hi);
    free(j->part);
    free(j->active);
    free(j->block);
}

static void share(struct job *j)
{
    struct share_result *r = j->r;
    int64_t span = j->t1 - j->t0, block = BLOCK_PERIODS * j->s.period_ns;
    block = block > BLOCK_NS ? block : BLOCK_NS;
    block = block < span / BLOCKS_WANTED ? block : span / BLOCKS_WANTED;
    j->e0_nj = end_nj(j, j->t0, true, &j->out0);
    j->e1_nj = end_nj(j, j->t1, false, &j->out1);
    j->e1_nj = j->e1_nj > j->e0_nj ? j->e1_nj : j->e0_nj;
    j->block_ns = block > span / BLOCKS_ENOUGH ? block : span / BLOCKS_ENOUGH;
    r->block_s = (double)j->block_ns * 1e-9;
    walk(j, add_to_block);
    share_fit(r, j->block, j->n_block, j->cov);
    j->growing_ns = 0;
    j->block_ns = block;
    walk(j, give);
    r->spread = j->ww > 0 ? sqrt(j->rr / j->ww) : (double)NAN;
    for (size_t b = 0; b < j->n_block; b++)
        j->mean_w += j->block[b].j / (r->block_s * (double)j->n_block);
    double q = (double)j->s.quantum_nj, idle_u = isfinite(j->f->u_idle_w) ? j->gap_s * j->f->u_idle_w * 1e9 : 0;
    account(j, &r->gap, j->gap_nj, sqrt(idle_u * idle_u + j->gap_u2 + q * q / 6));
    account(j, &r->rest, j->rest_nj, 0);
}

void energy_share(const struct share_facts *f, struct energy_query_value *out, struct share_result *r)
{
    struct job j;
    begin(&j, f, r);
    if (j.t0 < j.t1) {
        share(&j);
    } else {
        r->gap.reason = r->rest.reason = "no_readings";
        account(&j, &r->gap, 0, 0);
        account(&j, &r->rest, 0, 0);
    }
    for (size_t i = 0; i < f->n_req; i++)
        put_values(&j, i, &out[i]);
    finish(&j);
}
