#include "energy/split.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define MS ((int64_t)1000000)
#define PERIOD_MIN_NS (50 * MS)
enum {
    IDLE,
    PREFILL,
    DECODE,
    CLASSES,
    ROUNDS = 12,
    SHRINK = 3,      /* periods: a state so long counts as much as its class */
    NEAR = 8,        /* periods beside a change of state that are a state of their own in a long one */
    MIXED_MIN = 12,  /* intervals that mix states: fewer tell nothing of the sensor */
    LAG_STEP_NS = 2500000,
    LAG_MAX_NS = 40000000,
    SCAN_MAX = 50000 /* pieces that the search for lag and window looks at */
};
#define RESIDUAL_MAX 0.20
#define WINDOW_GAIN 0.01
#define STEP_U (1 / 110.0) /* telemetry 5: (dP U)^2 / 110 for straight lines */
#define FLOOR_SHARE 0.07

struct split_state {
    int64_t t0, t1;
    int cls;
    double power, energy, time; /* W; nJ and ns in good intervals */
};

struct split_piece {
    int64_t t0, t1, e_nj; /* energy at t0 */
    size_t interval;      /* ends at this point of the series */
    size_t state;
    double de, half_ns; /* of the interval: energy (nJ), how well its ends are known; de < 0: unknown */
};

static double len(const struct split_piece *p)
{
    return (double)(p->t1 - p->t0);
}

/* ---- states and pieces ---- */

static void add_state(struct split *s, int64_t t0, int64_t t1, int cls)
{
    if (t1 <= t0)
        return;
    IPW_GROW(s->state, s->n_state, s->cap_state);
    s->state[s->n_state++] = (struct split_state){.t0 = t0, .t1 = t1, .cls = cls};
}

/* A long state changes on its way: what is near its ends says most about what is at its ends. */
static void add_long(struct split *s, int64_t t0, int64_t t1, int cls)
{
    int64_t near = NEAR * s->period_ns;
    if (t1 - t0 <= 3 * near) {
        add_state(s, t0, t1, cls);
        return;
    }
    add_state(s, t0, t0 + near, cls);
    add_state(s, t0 + near, t1 - near, cls);
    add_state(s, t1 - near, t1, cls);
}

static void make_states(struct split *s, const struct energy_mark *m, size_t n, int64_t lag)
{
    int64_t at = s->lo;
    s->n_state = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t a = m[i].t_send + lag, f = m[i].t_first + lag, b = m[i].t_end + lag;
        if (a < at || b > s->hi)
            continue;
        add_long(s, at, a, IDLE);
        if (m[i].t_first >= m[i].t_send && m[i].t_first <= m[i].t_end)
            add_long(s, a, f, PREFILL);
        else
            f = a;
        add_long(s, f, b, DECODE);
        at = b;
    }
    add_long(s, at, s->hi, IDLE);
}

/* How far off a moment may be: where the update was seen, and when in a read its value was taken. */
static double half_of(const struct series_point *p)
{
    return hypot((double)p->half_ns, (double)p->lat_ns / 2);
}

static void make_pieces(struct split *s, const struct series *c)
{
    size_t k = 0;
    s->n_piece = 0;
    for (size_t j = 1; j < c->n; j++) {
        const struct series_point *p = &c->v[j - 1], *q = &c->v[j];
        double de = q->brk ? -1 : (double)((q->e_aj - p->e_aj) / 1000000000);
        for (int64_t t = p->t; t < q->t;) {
            while (k + 1 < s->n_state && s->state[k].t1 <= t)
                k++;
            int64_t to = s->state[k].t1 < q->t && k + 1 < s->n_state ? s->state[k].t1 : q->t;
            IPW_GROW(s->piece, s->n_piece, s->cap_piece);
            s->piece[s->n_piece++] =
                (struct split_piece){.t0 = t, .t1 = to, .interval = j, .state = k, .de = de,
                                     .half_ns = hypot(half_of(p), half_of(q))};
            t = to;
        }
    }
}

/* First piece of the next interval. */
static size_t interval_end(const struct split *s, size_t i, size_t n)
{
    size_t j = s->piece[i].interval;
    while (i < n && s->piece[i].interval == j)
        i++;
    return i;
}

/* ---- powers ---- */

static double weight(const struct split *s, const struct split_piece *p)
{
    return len(p) * s->state[p->state].power;
}

static void round_once(struct split *s, size_t n, bool last)
{
    double ce[CLASSES] = {0}, cd[CLASSES] = {0};
    for (size_t k = 0; k < s->n_state; k++)
        s->state[k].energy = s->state[k].time = 0;
    for (size_t i = 0, end; i < n; i = end) {
        double sum = 0;
        end = interval_end(s, i, n);
        for (size_t k = i; k < end; k++)
            sum += weight(s, &s->piece[k]);
        for (size_t k = i; k < end && s->piece[i].de >= 0 && sum > 0; k++) {
            struct split_state *st = &s->state[s->piece[k].state];
            double e = s->piece[k].de * weight(s, &s->piece[k]) / sum;
            st->energy += e;
            st->time += len(&s->piece[k]);
            ce[st->cls] += e;
            cd[st->cls] += len(&s->piece[k]);
        }
    }
    for (int c = 0; c < CLASSES; c++)
        s->mean[c] = cd[c] > 0 ? ce[c] / cd[c] : 0;
    for (size_t k = 0; k < s->n_state && !last; k++) {
        struct split_state *st = &s->state[k];
        double w = st->time / (st->time + SHRINK * (double)s->period_ns);
        st->power = (st->time > 0 ? w * st->energy / st->time : 0) + (1 - w) * s->mean[st->cls];
        st->power = fmax(st->power, 1e-6); /* an interval's energy must go somewhere */
    }
}

static void find_powers(struct split *s, size_t n, int rounds)
{
    for (size_t k = 0; k < s->n_state; k++)
        s->state[k].power = 1;
    for (int i = 0; i < rounds; i++)
        round_once(s, n, i == rounds - 1);
}

/* What the interval of pieces [i, end) would take at the means of the classes. */
static double expected(const struct split *s, size_t i, size_t end)
{
    double e = 0;
    for (size_t k = i; k < end; k++)
        e += len(&s->piece[k]) * s->mean[s->state[s->piece[k].state].cls];
    return e;
}

/* Relative residual of intervals that mix states. */
static double residual(struct split *s, size_t n)
{
    double r2 = 0, sum = 0;
    s->n_mixed = 0;
    for (size_t i = 0, end; i < n; i = end) {
        end = interval_end(s, i, n);
        if (end - i < 2 || s->piece[i].de < 0)
            continue;
        double r = s->piece[i].de - expected(s, i, end);
        r2 += r * r;
        sum += s->piece[i].de;
        s->n_mixed++;
    }
    return sum > 0 ? sqrt(r2 * (double)s->n_mixed) / sum : INFINITY;
}

/* ---- lag ---- */

static size_t scan_size(const struct split *s)
{
    size_t n = s->n_piece < SCAN_MAX ? s->n_piece : SCAN_MAX;
    return n;
}

/* Power follows the marks later (capacitors, a sensor's own delay): the delay that explains the intervals best. */
static void find_lag(struct split *s, const struct series *c, const struct energy_mark *m, size_t n_marks)
{
    double best = INFINITY;
    int64_t lag = 0;
    for (int64_t t = 0; t <= LAG_MAX_NS && t <= s->period_ns / 2; t += LAG_STEP_NS) {
        make_states(s, m, n_marks, t);
        make_pieces(s, c);
        size_t n = scan_size(s);
        find_powers(s, n, 4);
        double r = residual(s, n);
        if (r < best * 0.998) {
            best = r;
            lag = t;
        }
    }
    s->lag_ns = lag;
    make_states(s, m, n_marks, lag);
    make_pieces(s, c);
}

/* ---- window ---- */

/* Least squares of three unknowns; false if singular. */
static bool solve3(double a[CLASSES][CLASSES + 1], double x[CLASSES])
{
    for (int i = 0; i < CLASSES; i++) {
        if (!(fabs(a[i][i]) > 1e-12))
            return false;
        for (int r = 0; r < CLASSES; r++) {
            double f = r == i ? 0 : a[r][i] / a[i][i];
            for (int k = i; k <= CLASSES && r != i; k++)
                a[r][k] -= f * a[i][k];
        }
    }
    for (int i = 0; i < CLASSES; i++)
        x[i] = a[i][CLASSES] / a[i][i];
    return true;
}

/* Shares of the classes in the last `window` of the interval of pieces [i, end). */
static void shares(const struct split *s, size_t i, size_t end, double window, double x[CLASSES])
{
    int64_t b = s->piece[end - 1].t1, a = b - (int64_t)(window * (double)(b - s->piece[i].t0));
    for (int c = 0; c < CLASSES; c++)
        x[c] = 0;
    for (size_t k = i; k < end; k++) {
        const struct split_piece *p = &s->piece[k];
        int64_t from = p->t0 > a ? p->t0 : a;
        if (p->t1 > from)
            x[s->state[p->state].cls] += (double)(p->t1 - from) / (double)(b - a);
    }
}

/* How much of the variance of the intervals' mean powers is explained when the sensor looks at so much of each. */
static double explained(const struct split *s, size_t n, double window)
{
    double a[CLASSES][CLASSES + 1] = {{0}}, w[CLASSES], x[CLASSES], sum = 0, sum2 = 0, rest = 0, count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0, end; i < n; i = end) {
            end = interval_end(s, i, n);
            if (s->piece[i].de < 0)
                continue;
            double y = s->piece[i].de / (double)(s->piece[end - 1].t1 - s->piece[i].t0);
            shares(s, i, end, window, x);
            if (pass) {
                double r = y - x[0] * w[0] - x[1] * w[1] - x[2] * w[2];
                rest += r * r;
                continue;
            }
            for (int r = 0; r < CLASSES; r++) {
                for (int k = 0; k < CLASSES; k++)
                    a[r][k] += x[r] * x[k];
                a[r][CLASSES] += x[r] * y;
            }
            sum += y;
            sum2 += y * y;
            count++;
        }
        if (!pass && !solve3(a, w))
            return -1;
    }
    double var = sum2 - sum * sum / count;
    return var > 0 ? 1 - rest / var : -1;
}

static void find_window(struct split *s)
{
    static const double windows[] = {1, 0.75, 0.5, 0.25, 0.1};
    size_t n = scan_size(s);
    double whole = explained(s, n, 1), best = whole + WINDOW_GAIN;
    s->window = 1;
    for (size_t i = 1; i < sizeof windows / sizeof windows[0]; i++) {
        double r2 = explained(s, n, windows[i]);
        if (r2 > best) {
            best = r2;
            s->window = windows[i];
        }
    }
}

/* ---- spread ---- */

/* Power of a state from all intervals but this piece's. */
static double without(const struct split *s, const struct split_piece *p, double share)
{
    const struct split_state *st = &s->state[p->state];
    double time = fmax(st->time - len(p), 0), energy = fmax(st->energy - share, 0);
    double w = time / (time + SHRINK * (double)s->period_ns);
    return (time > 0 ? w * energy / time : 0) + (1 - w) * s->mean[st->cls];
}

/* Parts of the variance of what a piece takes: of its power; of the moments of steps at its ends inside the interval (one
 * ns^2 each). */
static double power_var(const struct split *s, const struct split_piece *p)
{
    double x = weight(s, p);
    return x * x;
}

static double step_w(const struct split *s, size_t i)
{
    return s->state[s->piece[i].state].power - s->state[s->piece[i - 1].state].power;
}

/* The variances are those that explain best how far each mixed interval lies from what all others say of it: expectation
 * maximisation for a sum of independent parts. */
static void find_spread(struct split *s, size_t n)
{
    double var[CLASSES + 1] = {0.01, 0.01, 0.01, 1e12};
    for (int round = 0; round < 30; round++) {
        double up[CLASSES + 1] = {0}, down[CLASSES + 1] = {0};
        for (size_t i = 0, end; i < n; i = end) {
            double sum = 0, r = 0, part[CLASSES + 1] = {0}, known;
            end = interval_end(s, i, n);
            if (end - i < 2 || s->piece[i].de < 0)
                continue;
            for (size_t k = i; k < end; k++)
                sum += weight(s, &s->piece[k]);
            for (size_t k = i; k < end; k++) {
                const struct split_piece *p = &s->piece[k];
                r -= len(p) * without(s, p, p->de * weight(s, p) / sum);
                part[s->state[p->state].cls] += power_var(s, p);
                part[CLASSES] += k > i ? step_w(s, k) * step_w(s, k) : 0;
            }
            r += s->piece[i].de;
            known = sum / (double)(s->piece[end - 1].t1 - s->piece[i].t0) * s->piece[i].half_ns;
            double total = known * known / 3;
            for (int c = 0; c <= CLASSES; c++)
                total += part[c] * var[c];
            for (int c = 0; c <= CLASSES && total > 0; c++) {
                double v = part[c] * var[c], share = v / total;
                up[c] += share * share * r * r + v * (1 - share);
                down[c] += part[c];
            }
        }
        for (int c = 0; c <= CLASSES; c++)
            var[c] = down[c] > 0 ? up[c] / down[c] : 0;
    }
    for (int c = 0; c < CLASSES; c++)
        s->spread[c] = sqrt(var[c]);
    s->ramp_ns = sqrt(var[CLASSES] + (double)LAG_STEP_NS * LAG_STEP_NS / 12);
}

/* ---- the curve ---- */

static void make_curve(struct split *s, const struct series *c)
{
    for (size_t i = 0, end; i < s->n_piece; i = end) {
        end = interval_end(s, i, s->n_piece);
        size_t j = s->piece[i].interval;
        int64_t e0 = (int64_t)(c->v[j - 1].e_aj / 1000000000), e1 = (int64_t)(c->v[j].e_aj / 1000000000);
        double sum = 0, at = 0;
        for (size_t k = i; k < end; k++)
            sum += weight(s, &s->piece[k]);
        for (size_t k = i; k < end; k++) {
            s->piece[k].e_nj = e0 + (int64_t)llround((double)(e1 - e0) * at / sum);
            at += weight(s, &s->piece[k]);
        }
    }
}

enum split_verdict split_fit(struct split *s, const struct series *c, const struct energy_mark *marks, size_t n)
{
    *s = (struct split){.period_ns = c->period_ns, .window = 1};
    if (c->form != SERIES_EDGES || c->period_ns < PERIOD_MIN_NS || c->n < MIXED_MIN || n < 2)
        return SPLIT_OFF;
    s->lo = c->v[0].t;
    s->hi = c->v[c->n - 1].t;
    find_lag(s, c, marks, n);
    find_powers(s, s->n_piece, ROUNDS);
    s->residual = residual(s, s->n_piece);
    if (s->n_mixed < MIXED_MIN)
        return SPLIT_OFF;
    find_window(s);
    if (s->window < 1)
        return SPLIT_PART_TIME;
    if (s->residual > RESIDUAL_MAX)
        return SPLIT_OFF;
    find_spread(s, s->n_piece);
    make_curve(s, c);
    return SPLIT_ON;
}

void split_release(struct split *s)
{
    free(s->piece);
    free(s->state);
    *s = (struct split){0};
}

/* ---- asking ---- */

static size_t piece_at(const struct split *s, int64_t x)
{
    size_t lo = 0, hi = s->n_piece;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->piece[mid].t0 <= x)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static int64_t end_nj(const struct split *s, size_t i)
{
    if (i + 1 < s->n_piece)
        return s->piece[i + 1].e_nj;
    return s->piece[i].e_nj + (int64_t)fmax(s->piece[i].de, 0);
}

int64_t split_at(const struct split *s, int64_t x)
{
    size_t i = piece_at(s, x);
    const struct split_piece *p = &s->piece[i];
    __int128 de = end_nj(s, i) - p->e_nj;
    return p->e_nj + (int64_t)(de * (x - p->t0) / (p->t1 - p->t0));
}

/* Variance of what is given to [a, b] of the interval that holds x. With shares A inside and B outside, a deviation v of
 * one of them moves the division by v B / (A + B) or v A / (A + B). */
static double interval_var(const struct split *s, size_t i, int64_t a, int64_t b)
{
    double in = 0, out = 0, var_in = 0, var_out = 0;
    size_t end = interval_end(s, i, s->n_piece);
    for (size_t k = i; k < end; k++) {
        const struct split_piece *p = &s->piece[k];
        int64_t t0 = p->t0 > a ? p->t0 : a, t1 = p->t1 < b ? p->t1 : b;
        double part = t1 > t0 ? (double)(t1 - t0) / len(p) : 0, x = weight(s, p);
        double sigma = s->spread[s->state[p->state].cls], var = x * x * sigma * sigma;
        if (k > i)
            var += step_w(s, k) * step_w(s, k) * s->ramp_ns * s->ramp_ns;
        if (k == i || k + 1 == end) {
            double edge = s->state[p->state].power * p->half_ns;
            var += edge * edge / 6;
        }
        in += part * x;
        out += (1 - part) * x;
        var_in += part * part * var;
        var_out += (1 - part) * (1 - part) * var;
    }
    double sum = in + out;
    return sum > 0 ? (out * out * var_in + in * in * var_out) / (sum * sum) : 0;
}

static size_t interval_begin(const struct split *s, size_t i)
{
    while (i > 0 && s->piece[i - 1].interval == s->piece[i].interval)
        i--;
    return i;
}

/* One interval of the counter holds so many queries that none of them can be told; looking through all of it for each of
 * them would take quadratic time. */
static bool crowded(const struct split *s, size_t i)
{
    enum { PIECES_MAX = 256 };
    size_t n = 1, k = i;
    for (; k > 0 && s->piece[k - 1].interval == s->piece[i].interval && n < PIECES_MAX; k--)
        n++;
    for (k = i; k + 1 < s->n_piece && s->piece[k + 1].interval == s->piece[i].interval && n < PIECES_MAX; k++)
        n++;
    return n >= PIECES_MAX;
}

/* Never better than a share of what straight lines could do. */
static double floor_var(const struct split *s, int64_t x)
{
    size_t i = piece_at(s, x + s->lag_ns);
    if (i == 0 || s->piece[i].t0 != x + s->lag_ns)
        return 0;
    double step = step_w(s, i) * (double)s->period_ns * FLOOR_SHARE;
    return step * step * STEP_U;
}

double split_u(const struct split *s, int64_t a, int64_t b)
{
    size_t i = piece_at(s, a), j = piece_at(s, b);
    if (crowded(s, i) || crowded(s, j))
        return INFINITY;
    i = interval_begin(s, i);
    j = interval_begin(s, j);
    double var = interval_var(s, i, a, b) + floor_var(s, a) + floor_var(s, b);
    if (j != i)
        var += interval_var(s, j, a, b);
    return sqrt(var);
}
