#include "energy/attribute.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "energy/series.h"

enum {
    REACH_NS = 5000000, /* the curve is continued so far past its ends: a 1 ms counter's last value is older
                           than the read that follows the last query */
};
#define LOW_SHARE 0.2
#define TIME_MAX_NS ((int64_t)1 << 60)
#define NJ_MAX ((int64_t)4000000000000000000) /* 4 GJ: differences of two stay in range */

/* The curve at one boundary. */
struct edge {
    int64_t t, e_nj;
    double u_nj;
    double blur_ns;     /* how far off in time the worst power step could move the energy here */
    bool bad;           /* a read failed in the interval that holds it */
    const char *reason; /* why there is no value, or NULL */
};

static int64_t clamp_nj(__int128 nj)
{
    return nj > NJ_MAX ? NJ_MAX : nj < -NJ_MAX ? -NJ_MAX : (int64_t)nj;
}

static int64_t round_nj(double nj)
{
    return llround(fmax(fmin(nj, (double)NJ_MAX), -(double)NJ_MAX));
}

static int64_t to_nj(__int128 aj)
{
    return clamp_nj((aj + (aj < 0 ? -500000000 : 500000000)) / 1000000000);
}

/* Past an end of the series: the energy of the end point plus the mean power beside it. */
static void edge_outside(struct edge *e, const struct series *s, const struct energy_channel *ch)
{
    bool right = s->n && e->t > s->v[s->n - 1].t;
    const struct series_point *p = s->n ? &s->v[right ? s->n - 1 : 0] : NULL;
    unsigned bad = right || !p ? s->bad_tail : p->bad;
    int64_t away = p ? llabs(e->t - p->t) : 0;
    if (s->n < 2 || away > REACH_NS) {
        e->reason = bad ? "counter_unreadable" : "no_readings";
        return;
    }
    double w = series_power(s, right ? s->n - 1 : 0, !right);
    e->e_nj = clamp_nj((__int128)to_nj(p->e_aj) + round_nj(w * (double)(e->t - p->t)));
    e->blur_ns = 4.0 * (double)away + (double)ch->period_ns;
    e->u_nj = w * (double)(away + p->lat_ns + ch->period_ns);
}

/* Terms of telemetry 5: a power step of dP at the boundary, met at fraction g of an interval of width w, moves
 * linear interpolation by dP w g(1-g); latency and the counter's update are uniform in time; q^2/12 an end. */
static struct edge edge_at(const struct series *s, const struct energy_channel *ch, int64_t x)
{
    struct edge e = {.t = x};
    size_t i = series_after(s, x);
    if (s->n && i == s->n && s->v[i - 1].t == x)
        i--; /* exactly on the last point */
    if (i == 0 || i == s->n) {
        edge_outside(&e, s, ch);
        return e;
    }
    const struct series_point *p = &s->v[i - 1], *q = &s->v[i];
    double w = (double)(q->t - p->t), g = (double)(x - p->t) / w;
    double before = series_power(s, i - 1, false), after = series_power(s, i, true);
    double here = (double)(q->e_aj - p->e_aj) / w * 1e-9;
    before = i > 1 ? before : here;
    after = i + 1 < s->n ? after : here;
    double lat = (double)(p->lat_ns > q->lat_ns ? p->lat_ns : q->lat_ns);
    double period = (double)ch->period_ns;
    double step = fabs(after - before) * w * g * (1 - g);
    double stamp = fmax(before, after) * sqrt((lat * lat + period * period) / 12);
    e.e_nj = to_nj(series_at(s, i, x));
    e.blur_ns = 4 * w * g * (1 - g) + period;
    e.u_nj = sqrt(step * step + stamp * stamp + (double)ch->quantum_nj * (double)ch->quantum_nj / 12);
    e.bad = q->bad > 0;
    return e;
}

static struct energy_value missing(const struct energy_channel *ch, const char *reason)
{
    return (struct energy_value){
        .u_nj = -1,
        .status = ENERGY_MISSING,
        .method = ch->kind == ENERGY_KIND_COUNTER ? "interpolate" : "trapezoid",
        .reason = reason};
}

static struct energy_value window(const struct series *s, const struct energy_channel *ch,
                                  const struct edge *a, const struct edge *b)
{
    struct energy_value v = missing(ch, NULL);
    if (b->t <= a->t)
        v.reason = "empty_window";
    else if (!(v.reason = series_broken(s, a->t, b->t)))
        v.reason = a->reason ? a->reason : b->reason;
    if (v.reason)
        return v;
    double tau = (double)(b->t - a->t);
    bool low = a->blur_ns + b->blur_ns > LOW_SHARE * tau ||
               (ch->kind == ENERGY_KIND_POWER_AVG && tau < 5 * (double)ch->window_ns);
    if (low && (a->bad || b->bad)) {
        v.reason = "counter_unreadable";
        return v;
    }
    v.nj = b->e_nj - a->e_nj;
    v.u_nj = round_nj(hypot(a->u_nj, b->u_nj));
    v.reason = low ? "low_resolution" : NULL;
    v.status = ch->estimated ? ENERGY_ESTIMATED : low ? ENERGY_LOW_RESOLUTION : ENERGY_MEASURED;
    if (v.nj < 0 || (ch->pmax_w > 0 && (double)v.nj > ch->pmax_w * tau + 2 * (double)v.u_nj)) {
        v.status = ENERGY_IMPLAUSIBLE;
        v.reason = v.nj < 0 ? "negative" : "above_pmax";
    }
    return v;
}

static void query_value(struct energy_query_value *out, const struct series *s,
                        const struct energy_channel *ch, const struct energy_mark *m,
                        const struct edge *a, const struct edge *b)
{
    out->total = window(s, ch, a, b);
    if (m->t_first < m->t_send || m->t_first > m->t_end) {
        out->prefill = out->decode = missing(ch, "no_first_token");
        return;
    }
    if (ch->kind == ENERGY_KIND_POWER_AVG) {
        out->prefill = out->decode = missing(ch, "averaged_power");
        return;
    }
    struct edge f = edge_at(s, ch, m->t_first);
    out->prefill = window(s, ch, a, &f);
    out->decode = window(s, ch, &f, b); /* the same three energies: prefill + decode = total to the nJ */
}

static bool sane(const struct energy_mark *m)
{
    return m->t_send > -TIME_MAX_NS && m->t_end < TIME_MAX_NS && m->t_send < m->t_end;
}

void energy_attribute(const struct energy_facts *f, struct energy_query_value *out, struct energy_value *gap)
{
    const struct energy_channel *ch = f->ch;
    const struct energy_mark *marks = f->marks;
    size_t n_marks = f->n_marks;
    struct series s;
    series_build(&s, ch, f->readings, f->n);
    struct edge prev = {0};
    *gap = missing(ch, n_marks ? NULL : "no_readings");
    __int128 gap_nj = 0;
    double u2 = 0;
    bool any = false;
    for (size_t i = 0; i < n_marks; i++) {
        if (!sane(&marks[i])) {
            out[i].total = out[i].prefill = out[i].decode = missing(ch, "empty_window");
            continue;
        }
        struct edge a = edge_at(&s, ch, marks[i].t_send), b = edge_at(&s, ch, marks[i].t_end);
        query_value(&out[i], &s, ch, &marks[i], &a, &b);
        const char *reason = a.reason ? a.reason : b.reason;
        if (any && !reason)
            reason = series_broken(&s, prev.t, a.t);
        if (reason && !gap->reason)
            gap->reason = reason;
        if (any) {
            gap_nj += a.e_nj - prev.e_nj;
            u2 += a.u_nj * a.u_nj + prev.u_nj * prev.u_nj;
        }
        any = true;
        prev = b;
    }
    if (!gap->reason && !any)
        gap->reason = "no_readings";
    if (!gap->reason) {
        gap->status = ch->estimated ? ENERGY_ESTIMATED : ENERGY_MEASURED;
        gap->nj = clamp_nj(gap_nj);
        gap->u_nj = round_nj(sqrt(u2));
    }
    series_release(&s);
}

/* ---- totals ---- */

static int badness(enum energy_status s)
{
    static const int order[ENERGY_STATUS_N] = {
        [ENERGY_MEASURED] = 0,       [ENERGY_PARTIAL] = 1,     [ENERGY_ESTIMATED] = 2,
        [ENERGY_LOW_RESOLUTION] = 3, [ENERGY_IMPLAUSIBLE] = 4, [ENERGY_MISSING] = 5};
    return order[s];
}

struct energy_value energy_sum(const struct energy_value *v, size_t n)
{
    struct energy_value sum = {.status = ENERGY_MISSING, .u_nj = -1, .reason = "no_channel"};
    if (!n)
        return sum;
    sum = v[0];
    __int128 nj = 0;
    double u2 = 0;
    bool u_known = true;
    for (size_t i = 0; i < n; i++) {
        nj += v[i].nj;
        u_known = u_known && v[i].u_nj >= 0;
        u2 += (double)v[i].u_nj * (double)v[i].u_nj;
        if (badness(v[i].status) > badness(sum.status)) {
            sum.status = v[i].status;
            sum.reason = v[i].reason;
        }
        if (!ipw_streq(v[i].method, sum.method))
            sum.method = "mixed";
    }
    bool fits = nj <= INT64_MAX && nj >= INT64_MIN;
    sum.nj = sum.status == ENERGY_MISSING || !fits ? 0 : (int64_t)nj;
    sum.u_nj = u_known && sum.status != ENERGY_MISSING ? round_nj(sqrt(u2)) : -1;
    if (!fits) {
        sum.status = ENERGY_IMPLAUSIBLE;
        sum.reason = "above_pmax";
    }
    return sum;
}
