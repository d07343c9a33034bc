#include "energy/attribute.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "energy/split.h"

enum {
    REACH_NS = 5000000, /* the curve is continued so far past its ends: a 1 ms counter's last value is older
                           than the read that follows the last query */
    SLOPE_NS = 20000000,
    SWING = 2, /* updates */
    NEAR_POINTS = 1000,
};
#define LOW_SHARE 0.2
#define LOW_U 0.15  /* telemetry 5: of the value */
#define NULL_U 0.5
#define PHASE_PERIODS 5 /* shorter phases of slow counters have no joules of their own */
#define AVERAGE_WINDOWS 5
#define CROWDED 1.75
#define PART_U 0.178
#define SAMPLES_U 0.135
#define PART_WINDOW 0.25 /* what is known of such sensors: A100, H100 (telemetry 3.4) */
#define TIME_MAX_NS ((int64_t)1 << 60)
#define NJ_MAX ((int64_t)4000000000000000000) /* 4 GJ: differences of two stay in range */

/* One channel being attributed. */
struct job {
    const struct energy_channel *ch;
    struct series s;
    struct split split;
    enum split_verdict verdict;
    int64_t shift_ns; /* the curve runs so late */
    const char *method;
};

/* The curve at one boundary. */
struct edge {
    int64_t t, e_nj;
    double u_nj;
    double stamp_nj;    /* part of u_nj: when in a read the value was taken */
    double blur_ns;     /* how far off in time the worst power step could move the energy here */
    bool bad;           /* a read failed in the interval that holds it */
    bool split;         /* the split knows better than u_nj */
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

static bool is_slow(const struct job *j)
{
    return j->s.form != SERIES_FAST;
}

/* Time over which the power beside a boundary is taken: a period, and long against what is not known of its ends. */
static int64_t slope_ns(const struct job *j, const struct series_point *p)
{
    int64_t u = is_slow(j) ? j->s.period_ns / 10 * 9 : 0;
    u = u > 4 * p->half_ns ? u : 4 * p->half_ns;
    return u > SLOPE_NS ? u : SLOPE_NS;
}

/* Past an end of the series: the energy of the end point plus the mean power beside it. */
static void edge_outside(struct edge *e, const struct job *j, int64_t x)
{
    const struct series *s = &j->s;
    bool right = s->n && x > s->v[s->n - 1].t;
    const struct series_point *p = s->n ? &s->v[right ? s->n - 1 : 0] : NULL;
    unsigned bad = right || !p ? s->bad_tail : p->bad;
    int64_t away = p ? llabs(x - p->t) : 0, reach = is_slow(j) ? s->period_ns / 2 * 3 : 0;
    if (s->n < 2 || away > (reach > REACH_NS ? reach : REACH_NS)) {
        e->reason = bad ? "counter_unreadable" : "no_readings";
        return;
    }
    double w = fmax(series_power(s, right ? s->n - 1 : 0, !right, slope_ns(j, p)), 0);
    e->e_nj = clamp_nj((__int128)to_nj(p->e_aj) + round_nj(w * (double)(x - p->t)));
    e->blur_ns = 4.0 * (double)away + (double)s->period_ns;
    e->u_nj = w * (double)(away + p->lat_ns + s->period_ns);
}

/* The largest step that the updates around show: phases shorter than a period hide how large one truly is. */
static double swing(const struct series *s, size_t i)
{
    double least = INFINITY, most = 0;
    for (size_t k = i > SWING ? i - SWING : 1; k < s->n && k <= i + SWING; k++) {
        double p = (double)(s->v[k].e_aj - s->v[k - 1].e_aj) / (double)(s->v[k].t - s->v[k - 1].t) * 1e-9;
        least = fmin(least, p);
        most = fmax(most, p);
    }
    return most - least;
}

/* The step that samples show across x, with its sign: their extremes within a window (or period) on both sides. */
static double sampled_step(const struct series *s, size_t i, int64_t x)
{
    int64_t reach = s->window_ns > s->period_ns ? s->window_ns : s->period_ns;
    double least = INFINITY, most = -INFINITY, left = 0, right = 0;
    size_t lo = i - 1, hi = i, n_left = 0, n_right = 0;
    while (lo > 0 && i - lo < NEAR_POINTS && x - s->v[lo].t < reach)
        lo--;
    while (hi + 1 < s->n && hi - i < NEAR_POINTS && s->v[hi].t - x < reach)
        hi++;
    for (size_t k = lo; k <= hi; k++) {
        double p = (double)s->v[k].p_nw * 1e-9;
        least = fmin(least, p);
        most = fmax(most, p);
        *(k < i ? &left : &right) += p;
        *(k < i ? &n_left : &n_right) += 1;
    }
    return right / (double)n_right > left / (double)n_left ? most - least : least - most;
}

/* Straight lines across a step of dP at fraction g of an interval of width w are wrong by dP w g(1-g), whose mean and
 * scatter over g telemetry 5 gives. */
static double step_u(const struct job *j, double dp, double w, double g, bool crossed)
{
    double u = (double)j->s.period_ns, window = (double)j->s.window_ns;
    dp = fabs(dp);
    switch (j->s.form) {
    case SERIES_FAST:
        return dp * w * g * (1 - g) * (crossed ? 0.5 : 1);
    case SERIES_EDGES:
        if (j->verdict == SPLIT_PART_TIME)
            return dp * w * PART_U;
        return dp * w * sqrt(1 / 180.0);
    default:
        return dp * fmax(u, window) * SAMPLES_U;
    }
}

/* A boundary is where the power changes, so straight lines take from the busy side. What ran before went on until here,
 * what ran after began here: each side says where the curve is, the nearer one better. */
static int64_t across_step(int64_t e0, int64_t e1, double before_nj, double after_nj, double g)
{
    double near = (1 - g) * (1 - g), far = g * g;
    double gain = (near * before_nj + far * ((double)(e1 - e0) - after_nj)) / (near + far);
    return e0 + round_nj(fmin(fmax(gain, 0), (double)(e1 - e0)));
}

/* Terms of telemetry 5: the step; latency and a counter's update are uniform in time; how well the moments of slow
 * updates are known; q^2/12 an end. */
static struct edge edge_at(const struct job *j, int64_t at)
{
    const struct series *s = &j->s;
    int64_t x = at + j->shift_ns;
    struct edge e = {.t = at};
    size_t i = series_after(s, x);
    if (s->n && i == s->n && s->v[i - 1].t == x)
        i--; /* exactly on the last point */
    if (i == 0 || i == s->n) {
        edge_outside(&e, j, x);
        return e;
    }
    const struct series_point *p = &s->v[i - 1], *q = &s->v[i];
    double w = (double)(q->t - p->t), g = (double)(x - p->t) / w;
    double before = series_power(s, i - 1, false, slope_ns(j, p)), after = series_power(s, i, true, slope_ns(j, q));
    double here = (double)(q->e_aj - p->e_aj) / w * 1e-9;
    before = i > 1 && before >= 0 ? before : here;
    after = i + 1 < s->n && after >= 0 ? after : here;
    double lat = (double)(p->lat_ns > q->lat_ns ? p->lat_ns : q->lat_ns);
    double period = is_slow(j) ? 0 : (double)s->period_ns;
    double dp = s->form == SERIES_FAST ? after - before : s->form == SERIES_EDGES ? swing(s, i) : sampled_step(s, i, x);
    /* A fast counter says what ran before only where it was read at the boundary itself. */
    bool crossed = s->form == SERIES_EDGES || (s->form == SERIES_FAST && x - p->t <= 2 * s->period_ns);
    double step = step_u(j, dp, w, g, crossed);
    double stamp = ((1 - g) * before + g * after) * sqrt((lat * lat + period * period) / 12);
    double ends = here * hypot((1 - g) * (double)p->half_ns, g * (double)q->half_ns);
    e.split = j->verdict == SPLIT_ON && x >= j->split.lo && x <= j->split.hi;
    if (e.split) {
        e.e_nj = split_at(&j->split, x);
    } else {
        e.e_nj = to_nj(series_at(s, i, x));
        if (crossed && j->verdict == SPLIT_OFF)
            e.e_nj = across_step(to_nj(p->e_aj), to_nj(q->e_aj), before * g * w, after * (1 - g) * w, g);
        if (s->form == SERIES_SAMPLES)
            e.e_nj = round_nj((double)e.e_nj - dp * (double)(s->window_ns > s->period_ns ? s->window_ns : s->period_ns) / 8);
    }
    e.blur_ns = 4 * w * g * (1 - g) + period;
    e.stamp_nj = stamp;
    e.u_nj = sqrt(step * step + stamp * stamp + ends * ends / 3 +
                  (double)s->quantum_nj * (double)s->quantum_nj / 12);
    e.bad = q->bad > 0;
    return e;
}

static struct energy_value missing(const struct job *j, const char *reason)
{
    return (struct energy_value){.u_nj = -1, .status = ENERGY_MISSING, .method = j->method, .reason = reason};
}

static double u_of(const struct job *j, const struct edge *a, const struct edge *b)
{
    if (!a->split || !b->split)
        return hypot(a->u_nj, b->u_nj);
    double q = (double)j->s.quantum_nj;
    return sqrt(pow(split_u(&j->split, a->t, b->t), 2) + a->stamp_nj * a->stamp_nj + b->stamp_nj * b->stamp_nj + q * q / 6);
}

/* Too short for what the source can tell apart. */
static bool is_short(const struct job *j, const struct edge *a, const struct edge *b)
{
    double tau = (double)(b->t - a->t);
    if (j->s.form == SERIES_FAST || a->bad || b->bad)
        return a->blur_ns + b->blur_ns > LOW_SHARE * tau;
    if (a->split && b->split)
        return false;
    return tau < PHASE_PERIODS * (double)j->s.period_ns ||
           (j->ch->kind == ENERGY_KIND_POWER_AVG && tau < AVERAGE_WINDOWS * (double)j->s.window_ns);
}

static struct energy_value window(const struct job *j, const struct edge *a, const struct edge *b, bool phase)
{
    struct energy_value v = missing(j, NULL);
    if (b->t <= a->t)
        v.reason = "empty_window";
    else if (!(v.reason = series_broken(&j->s, a->t, b->t)))
        v.reason = a->reason ? a->reason : b->reason;
    if (v.reason && ipw_streq(v.reason, "above_pmax"))
        v.status = ENERGY_IMPLAUSIBLE;
    if (v.reason)
        return v;
    double tau = (double)(b->t - a->t), u = u_of(j, a, b), nj = (double)(b->e_nj - a->e_nj);
    bool is_low = is_short(j, a, b);
    if (is_low && is_slow(j)) /* several steps fall between two updates: what is lost at them adds up */
        u *= CROWDED;
    if (is_low && (a->bad || b->bad)) {
        v.reason = "counter_unreadable";
        return v;
    }
    if ((phase && is_low && is_slow(j)) || (!j->ch->estimated && u > NULL_U * nj && u > 0)) {
        v.reason = "low_resolution";
        return v;
    }
    if (!j->ch->estimated && nj <= 0 && !(u > 0)) { /* a sensor that only says 0: nothing that runs takes nothing */
        v.reason = "reads_zero";
        return v;
    }
    is_low = is_low || u > LOW_U * nj;
    v.nj = b->e_nj - a->e_nj;
    v.u_nj = round_nj(u);
    v.reason = is_low ? "low_resolution" : NULL;
    v.status = j->ch->estimated ? ENERGY_ESTIMATED : is_low ? ENERGY_LOW_RESOLUTION : ENERGY_MEASURED;
    if (v.nj < 0 || (j->ch->pmax_w > 0 && (double)v.nj > j->ch->pmax_w * tau + 2 * u)) {
        v.status = ENERGY_IMPLAUSIBLE;
        v.reason = v.nj < 0 ? "negative" : "above_pmax";
    }
    return v;
}

/* Energy never runs back from one boundary to the next. */
static void keep_order(struct edge *e, const struct edge *before)
{
    if (e->t >= before->t && e->e_nj < before->e_nj && !e->reason && !before->reason)
        e->e_nj = before->e_nj;
}

static void query_value(struct energy_query_value *out, const struct job *j, const struct energy_mark *m,
                        const struct edge *a, struct edge *b)
{
    bool phases = m->t_first >= m->t_send && m->t_first <= m->t_end;
    bool averaged = j->ch->kind == ENERGY_KIND_POWER_AVG;
    struct edge f = {0};
    if (phases && !averaged) {
        f = edge_at(j, m->t_first);
        keep_order(&f, a);
        keep_order(b, &f);
    }
    keep_order(b, a);
    out->total = window(j, a, b, false);
    out->prefill = out->decode = missing(j, phases ? "averaged_power" : "no_first_token");
    if (phases && !averaged) { /* the same three energies: prefill + decode = total to the nJ */
        out->prefill = window(j, a, &f, true);
        out->decode = window(j, &f, b, true);
    }
}

static bool sane(const struct energy_mark *m)
{
    return m->t_send > -TIME_MAX_NS && m->t_end < TIME_MAX_NS && m->t_send < m->t_end;
}

static bool in_order(const struct energy_mark *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!sane(&m[i]) || (i && m[i].t_send < m[i - 1].t_end))
            return false;
    return n > 0;
}

static void begin(struct job *j, const struct energy_facts *f, bool plain)
{
    *j = (struct job){.ch = f->ch, .verdict = SPLIT_OFF};
    series_build(&j->s, f->ch, f->readings, f->n);
    series_suspended(&j->s, f->suspended, f->n_suspended);
    if (j->s.form == SERIES_EDGES && f->ch->part_time)
        j->verdict = SPLIT_PART_TIME;
    else if (!plain && in_order(f->marks, f->n_marks))
        j->verdict = split_fit(&j->split, &j->s, f->marks, f->n_marks);
    if (j->verdict == SPLIT_PART_TIME)
        j->shift_ns = -(int64_t)((1 - PART_WINDOW) / 2 * (double)j->s.period_ns);
    j->method = j->s.form == SERIES_FAST                    ? "interpolate"
                : f->ch->kind == ENERGY_KIND_POWER_AVG      ? "average"
                : j->s.form == SERIES_SAMPLES               ? "trapezoid"
                : j->verdict == SPLIT_ON                    ? "split"
                : j->verdict == SPLIT_PART_TIME             ? "edges_part_time"
                                                            : "edges";
}

static void run(const struct energy_facts *f, struct energy_query_value *out, struct energy_value *gap, bool plain)
{
    const struct energy_mark *marks = f->marks;
    struct job j;
    begin(&j, f, plain);
    struct edge prev = {0};
    *gap = missing(&j, f->n_marks ? NULL : "no_readings");
    __int128 gap_nj = 0;
    double u2 = 0;
    bool any = false;
    for (size_t i = 0; i < f->n_marks; i++) {
        if (!sane(&marks[i])) {
            out[i].total = out[i].prefill = out[i].decode = missing(&j, "empty_window");
            continue;
        }
        struct edge a = edge_at(&j, marks[i].t_send), b = edge_at(&j, marks[i].t_end);
        if (any)
            keep_order(&a, &prev);
        query_value(&out[i], &j, &marks[i], &a, &b);
        const char *reason = a.reason ? a.reason : b.reason;
        if (any && !reason)
            reason = series_broken(&j.s, prev.t, a.t);
        if (reason && !gap->reason)
            gap->reason = reason;
        if (any) {
            double u = u_of(&j, &prev, &a);
            gap_nj += a.e_nj - prev.e_nj;
            u2 += u * u;
        }
        any = true;
        prev = b;
    }
    if (!gap->reason && !any)
        gap->reason = "no_readings";
    if (!gap->reason) {
        gap->status = f->ch->estimated ? ENERGY_ESTIMATED : ENERGY_MEASURED;
        gap->nj = clamp_nj(gap_nj);
        gap->u_nj = round_nj(sqrt(u2));
    }
    split_release(&j.split);
    series_release(&j.s);
}

void energy_attribute(const struct energy_facts *f, struct energy_query_value *out, struct energy_value *gap)
{
    run(f, out, gap, false);
}

void energy_attribute_plain(const struct energy_facts *f, struct energy_query_value *out, struct energy_value *gap)
{
    run(f, out, gap, true);
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
