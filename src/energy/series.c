#include "energy/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    FAST_PERIOD_NS = 5000000,
    SLOW_READ_NS = 25000000,
    NEIGHBOUR_NS = 1000000000,
    STALL_NS = 1000000000,
    STALL_READS = 5,
    HOLE_NS = 1000000000, /* powers: no sample for so long means nothing is known */
    SLOPE_NS = 20000000,
};
#define TIME_MAX_NS ((int64_t)1 << 60) /* 36 years: keeps differences of stamps in range */

/* ---- unwrap ---- */

void series_unwrap_init(struct series_unwrap *u, const struct energy_channel *ch)
{
    *u = (struct series_unwrap){.unit_nj = ch->unit_nj,
                                .pmax_w = ch->pmax_w > 0 ? ch->pmax_w : 2000,
                                .modulus = ch->modulus,
                                .quantum_nj = ch->quantum_nj};
}

enum unwrap_verdict series_unwrap_next(struct series_unwrap *u, uint64_t cur, int64_t t)
{
    double dt = (double)(t - u->t) * 1e-9, unit_j = u->unit_nj * 1e-9;
    uint64_t d = cur - u->last;
    bool up = cur >= u->last, possible = up || u->modulus > u->last;
    if (!up && possible)
        d += u->modulus;
    bool first = !u->have;
    u->have = true;
    u->last = cur;
    u->t = t;
    if (first)
        return UNWRAP_OK;
    if (u->modulus && dt * u->pmax_w > (double)u->modulus * unit_j)
        return UNWRAP_GAP;
    /* 1 s of full power is allowed on top: a counter that updates rarely jumps by a whole period at once. */
    double limit = 1.5 * u->pmax_w * (dt + 1) + 2e-9 * (double)u->quantum_nj + 1;
    if (!possible || (double)d * unit_j > limit || (double)(u->acc + d) * u->unit_nj > 4e18 ||
        u->acc + d < d)
        return UNWRAP_RESET;
    u->acc += d;
    return UNWRAP_OK;
}

/* ---- order ---- */

static int64_t middle(const struct energy_reading *r)
{
    return r->t_before + (r->t_after - r->t_before) / 2;
}

static int by_middle(const void *a, const void *b)
{
    const struct energy_reading *x = a, *y = b;
    int64_t p = middle(x), q = middle(y);
    if (p != q)
        return p < q ? -1 : 1;
    if (x->t_before != y->t_before)
        return x->t_before < y->t_before ? -1 : 1;
    return (x->raw > y->raw) - (x->raw < y->raw);
}

/* Only sane stamps, sorted; returns how many. */
static size_t put_in_order(struct energy_reading *r, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (r[i].t_before <= r[i].t_after && r[i].t_before > -TIME_MAX_NS &&
            r[i].t_after < TIME_MAX_NS)
            r[kept++] = r[i];
    if (kept)
        qsort(r, kept, sizeof *r, by_middle);
    return kept;
}

static bool is_slow(const struct energy_reading *r)
{
    return r->t_after - r->t_before > SLOW_READ_NS;
}

static bool good_near(const struct energy_reading *r, size_t n, size_t i, int step)
{
    for (size_t k = i + (size_t)step; k < n; k += (size_t)step) { /* step -1 ends by wrapping past 0 */
        int64_t away = step > 0 ? r[k].t_before - r[i].t_after : r[i].t_before - r[k].t_after;
        if (away > NEIGHBOUR_NS)
            return false;
        if (!r[k].status && !is_slow(&r[k]))
            return true;
    }
    return false;
}

/* Two threads read the same counter: when their reads overlap, the order of the middles need not be the order
 * of the values. A step that is shorter backwards than forwards is then such a swap, not a reset. */
static bool swapped(const struct energy_reading *last, const struct energy_reading *r,
                    uint64_t modulus)
{
    if (r->t_before > last->t_after || r->raw == last->raw)
        return false;
    bool up = r->raw > last->raw;
    uint64_t d = up ? r->raw - last->raw : last->raw - r->raw;
    if (!modulus || d >= modulus)
        return !up;
    return up ? modulus - d < d : d < modulus - d;
}

/* ---- points ---- */

static struct series_point *add_point(struct series *s, int64_t t, const struct energy_reading *r,
                                      unsigned *bad)
{
    int64_t lat = r->t_after - r->t_before;
    if (s->n && s->v[s->n - 1].t >= t) { /* same moment read twice: the later value stands */
        struct series_point *p = &s->v[s->n - 1];
        p->lat_ns = p->lat_ns > lat ? p->lat_ns : lat;
        return p;
    }
    IPW_GROW(s->v, s->n, s->cap);
    s->v[s->n] = (struct series_point){.t = t, .lat_ns = lat, .bad = *bad};
    *bad = 0;
    return &s->v[s->n++];
}

static void build_counter(struct series *s, const struct energy_channel *ch,
                          const struct energy_reading *r, size_t n)
{
    static const char *const reasons[] = {
        [UNWRAP_RESET] = "counter_reset", [UNWRAP_GAP] = "counter_gap"};
    bool fast = ch->period_ns > 0 && ch->period_ns <= FAST_PERIOD_NS;
    int64_t shift = fast ? ch->period_ns / 2 : 0; /* the mean age of a value */
    struct series_unwrap u;
    series_unwrap_init(&u, ch);
    const struct energy_reading *last = NULL;
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) {
        if (r[i].status) {
            bad++;
            continue;
        }
        if (fast && is_slow(&r[i]) && good_near(r, n, i, -1) && good_near(r, n, i, 1))
            continue;
        if (last && swapped(last, &r[i], ch->modulus))
            continue;
        last = &r[i];
        int64_t t = middle(last) - shift;
        enum unwrap_verdict verdict = series_unwrap_next(&u, last->raw, t);
        struct series_point *p = add_point(s, t, last, &bad);
        p->e_aj = (__int128)llroundl((long double)u.acc * (long double)ch->unit_nj) * 1000000000;
        if (verdict != UNWRAP_OK)
            p->brk = reasons[verdict];
    }
    s->bad_tail = bad;
}

static void build_power(struct series *s, const struct energy_channel *ch,
                        const struct energy_reading *r, size_t n)
{
    int64_t shift = ch->kind == ENERGY_KIND_POWER_AVG ? ch->window_ns / 2 : 0;
    int64_t hole = 3 * ch->period_ns > HOLE_NS ? 3 * ch->period_ns : HOLE_NS;
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) {
        long double nw = (long double)r[i].raw * (long double)ch->unit_nj;
        if (r[i].status || nw > 1e15L) { /* a megawatt is no reading */
            bad++;
            continue;
        }
        struct series_point *p = add_point(s, middle(&r[i]) - shift, &r[i], &bad);
        p->p_nw = llroundl(nw);
        if (p == s->v)
            continue;
        int64_t dt = p->t - p[-1].t;
        p->e_aj = p[-1].e_aj + ((__int128)p[-1].p_nw + p->p_nw) * dt / 2;
        p->brk = dt > hole ? "counter_gap" : NULL;
    }
    s->bad_tail = bad;
}

/* ---- breaks ---- */

static void add_break(struct series *s, int64_t t0, int64_t t1, const char *reason)
{
    IPW_GROW(s->brk, s->n_brk, s->cap_brk);
    s->brk[s->n_brk++] = (struct series_break){t0, t1, reason};
}

/* Resets and gaps; and stalls: values that stand still too long for anything that is switched on. Coarse
 * counters get the time that 0.1 W needs for one quantum. */
static void find_breaks(struct series *s, const struct energy_channel *ch)
{
    bool can_stall = ch->kind == ENERGY_KIND_COUNTER && !ch->estimated && ch->period_ns > 0 &&
                     ch->period_ns <= FAST_PERIOD_NS;
    int64_t quantum = ch->quantum_nj < TIME_MAX_NS / 10 ? ch->quantum_nj * 10 : TIME_MAX_NS;
    int64_t still = quantum > STALL_NS ? quantum : STALL_NS;
    size_t from = 0; /* first point of the run of equal values */
    for (size_t i = 1; i <= s->n; i++) {
        const struct series_point *p = i < s->n ? &s->v[i] : NULL;
        if (p && !p->brk && p->e_aj == s->v[from].e_aj)
            continue;
        if (can_stall && i - from >= STALL_READS && s->v[i - 1].t - s->v[from].t >= still)
            add_break(s, s->v[from].t, p && !p->brk ? p->t : s->v[i - 1].t, "counter_stalled");
        if (p && p->brk)
            add_break(s, s->v[i - 1].t, p->t, p->brk);
        from = i;
    }
}

void series_build(struct series *s, const struct energy_channel *ch, struct energy_reading *r, size_t n)
{
    *s = (struct series){.kind = ch->kind};
    if (ch->kind == ENERGY_KIND_GAUGE || !(ch->unit_nj > 0 && ch->unit_nj < 1e15))
        return;
    n = put_in_order(r, n);
    if (ch->kind == ENERGY_KIND_COUNTER)
        build_counter(s, ch, r, n);
    else
        build_power(s, ch, r, n);
    find_breaks(s, ch);
}

void series_release(struct series *s)
{
    free(s->v);
    free(s->brk);
    *s = (struct series){0};
}

/* ---- asking ---- */

size_t series_after(const struct series *s, int64_t x)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->v[mid].t > x)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

__int128 series_at(const struct series *s, size_t i, int64_t x)
{
    const struct series_point *p = &s->v[i - 1], *q = &s->v[i];
    int64_t dt = q->t - p->t, dx = x - p->t;
    if (s->kind == ENERGY_KIND_COUNTER) /* in nJ, so that the product stays in range */
        return p->e_aj + (q->e_aj - p->e_aj) / 1000000000 * dx / dt * 1000000000;
    __int128 p_x = p->p_nw + ((__int128)q->p_nw - p->p_nw) * dx / dt;
    return p->e_aj + (p->p_nw + p_x) * dx / 2;
}

double series_power(const struct series *s, size_t i, bool right)
{
    size_t k = i;
    while (llabs(s->v[k].t - s->v[i].t) < SLOPE_NS && (right ? k + 1 < s->n : k > 0))
        k = right ? k + 1 : k - 1;
    if (k == i)
        return 0;
    return (double)(s->v[k].e_aj - s->v[i].e_aj) / (double)(s->v[k].t - s->v[i].t) * 1e-9;
}

const char *series_broken(const struct series *s, int64_t a, int64_t b)
{
    size_t lo = 0, hi = s->n_brk;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->brk[mid].t1 > a)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo < s->n_brk && s->brk[lo].t0 < b ? s->brk[lo].reason : NULL;
}
