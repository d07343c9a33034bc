#include "energy/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "energy/attribute.h"

enum {
    FAST_PERIOD_NS = 5000000,
    SLOW_READ_NS = 25000000,
    NEIGHBOUR_NS = 1000000000,
    STALL_NS = 1000000000,
    STALL_READS = 5,
    REACH_PERIODS = 20,
    HOLE_NS = 1000000000, /* powers: no sample for so long means nothing is known */
};
#define HOUR_NS ((int64_t)3600000000000)
#define STEP_MAX_NJ ((__int128)5000000000000000000)
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

/* Where the nearest good, quick readings are; next only moves forward, so that a scan stays linear. */
struct neighbours {
    size_t last, next; /* SIZE_MAX, n: none */
};

static bool good_near(struct neighbours *near, const struct energy_reading *r, size_t n, size_t i)
{
    near->next = near->next > i ? near->next : i + 1;
    while (near->next < n && (r[near->next].status || is_slow(&r[near->next])))
        near->next++;
    return near->next < n && near->last != SIZE_MAX && r[near->next].t_before - r[i].t_after <= NEIGHBOUR_NS &&
           r[i].t_before - r[near->last].t_after <= NEIGHBOUR_NS;
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

static void add_break(struct series_breaks *b, int64_t t0, int64_t t1, const char *reason)
{
    IPW_GROW(b->v, b->n, b->cap);
    b->v[b->n++] = (struct series_break){t0, t1, reason};
}

/* A value that stands still too long for anything that is switched on. Coarse counters get the time that 0.1 W needs for
 * one quantum. */
static bool stalled_since(const struct series *s, const struct energy_channel *ch, int64_t from, int64_t to, unsigned reads)
{
    int64_t still = s->quantum_nj < TIME_MAX_NS / 10 ? s->quantum_nj * 10 : TIME_MAX_NS;
    still = still > STALL_NS ? still : STALL_NS;
    still = still > 10 * s->period_ns ? still : 10 * s->period_ns;
    return ch->kind == ENERGY_KIND_COUNTER && !ch->estimated && reads >= STALL_READS && to - from >= still;
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

static const char *const unwrap_reasons[] = {[UNWRAP_RESET] = "counter_reset", [UNWRAP_GAP] = "counter_gap"};

static __int128 counted_aj(const struct series_unwrap *u, const struct energy_channel *ch)
{
    return (__int128)llroundl((long double)u->acc * (long double)ch->unit_nj) * 1000000000;
}

static void build_fast(struct series *s, const struct energy_channel *ch, const struct energy_reading *r, size_t n)
{
    int64_t shift = s->period_ns <= FAST_PERIOD_NS ? s->period_ns / 2 : 0; /* the mean age of a value */
    struct series_unwrap u;
    struct neighbours near = {SIZE_MAX, 0};
    series_unwrap_init(&u, ch);
    const struct energy_reading *last = NULL;
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) {
        if (r[i].status) {
            bad++;
            continue;
        }
        if (is_slow(&r[i]) && good_near(&near, r, n, i))
            continue;
        near.last = is_slow(&r[i]) ? near.last : i;
        if (last && swapped(last, &r[i], ch->modulus))
            continue;
        last = &r[i];
        int64_t t = middle(last) - shift;
        enum unwrap_verdict verdict = series_unwrap_next(&u, last->raw, t);
        struct series_point *p = add_point(s, t, last, &bad);
        p->e_aj = counted_aj(&u, ch);
        if (verdict != UNWRAP_OK)
            p->brk = unwrap_reasons[verdict];
    }
    s->bad_tail = bad;
}

/* ---- updates of slow sources ---- */

static int by_ns(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static int64_t within(int64_t ns)
{
    return ns < 0 ? 0 : ns > HOUR_NS ? HOUR_NS : ns; /* no source is slower */
}

/* Period and step of a slow source from its readings. A gap between two changes counts when both were enclosed well; if
 * every reading brings a new value, all that is known is that the period is shorter than the shortest gap. */
static void infer(struct series *s, const struct energy_channel *ch, const struct energy_reading *r, size_t n)
{
    int64_t *tight = ipw_calloc(2 * n + 2, sizeof *tight), *any = tight + n + 1;
    size_t n_tight = 0, n_any = 0;
    int64_t edge = 0, width = -1;
    uint64_t step = 0;
    const struct energy_reading *last = NULL;
    for (size_t i = 0; i < n; i++) {
        if (r[i].status)
            continue;
        if (last && r[i].raw != last->raw) {
            int64_t w = middle(&r[i]) - middle(last), e = middle(last) + w / 2;
            if (width >= 0 && width + w <= e - edge)
                tight[n_tight++] = e - edge;
            if (width >= 0 && e > edge)
                any[n_any++] = e - edge;
            if (r[i].raw > last->raw)
                step = gcd(r[i].raw - last->raw, step);
            edge = e;
            width = w;
        }
        last = &r[i];
    }
    if (n_tight >= 3) {
        qsort(tight, n_tight, sizeof *tight, by_ns);
        size_t keep = n_tight;
        while (keep > n_tight / 4 + 1 && tight[keep - 1] > tight[n_tight / 4] / 2 * 3) /* updates that brought no new value, or were not seen */
            keep--;
        s->period_ns = tight[keep / 2];
        for (size_t i = 0; i < keep; i++)
            tight[i] = llabs(tight[i] - s->period_ns);
        qsort(tight, keep, sizeof *tight, by_ns);
        s->jitter_ns = tight[keep / 2] / 2 * 3;
    } else if (!s->period_ns && n_any) {
        qsort(any, n_any, sizeof *any, by_ns);
        s->period_ns = any[n_any / 10];
    }
    s->period_ns = within(s->period_ns);
    if (ch->kind == ENERGY_KIND_COUNTER && !s->quantum_nj)
        s->quantum_nj = (double)step * ch->unit_nj < 1e15 ? (int64_t)((double)step * ch->unit_nj) : 0;
    free(tight);
}

/* One update: the first reading of a new value, and when it came. */
struct update {
    size_t i;     /* the reading */
    int64_t lo, hi, t, half;
    bool enclosed; /* the old value was seen less than a period before */
    unsigned same; /* readings that showed the old value again */
    int64_t seen;  /* the last of them */
};

struct updates {
    struct update *v;
    size_t n, cap;
};

static void add_update(struct updates *us, const struct series *s, const struct energy_reading *r, size_t i, size_t last,
                       unsigned same)
{
    int64_t hi = middle(&r[i]), u = s->period_ns, seen = last == SIZE_MAX ? hi - u : middle(&r[last]), lo = seen;
    if (u && hi - lo > u)
        lo = hi - u;
    IPW_GROW(us->v, us->n, us->cap);
    us->v[us->n++] = (struct update){i, lo, hi, lo + (hi - lo) / 2, (hi - lo) / 2, last != SIZE_MAX && lo == seen, same, seen};
}

/* The moment that an update seen well says of another, a whole number of periods away, and how well. */
static double predicted(const struct series *s, const struct update *from, const struct update *to, double *var)
{
    double u = (double)s->period_ns, half = (double)from->half;
    bool later = to->t > from->t;
    double k = fmax(1, ceil((double)(later ? to->lo - from->t : from->t - to->hi) / u - 0.125)) * (later ? 1 : -1);
    double jitter = (double)s->jitter_ns, drift = k * u / 500;
    *var = half * half / 3 + jitter * jitter + drift * drift;
    return (double)from->t + k * u;
}

/* Updates come in step: one that was not enclosed well lies where its neighbours say, inside what was seen of it. */
static void refine(struct updates *us, const struct series *s)
{
    int64_t u = s->period_ns;
    size_t *next = ipw_calloc(us->n + 1, sizeof *next), prev = SIZE_MAX;
    next[us->n] = us->n;
    for (size_t i = us->n; i-- > 0;)
        next[i] = us->v[i].half <= u / 16 ? i : next[i + 1];
    for (size_t i = 0; i < us->n && u > 0; i++) {
        struct update *e = &us->v[i];
        const struct update *near[2] = {prev != SIZE_MAX ? &us->v[prev] : NULL, next[i] < us->n ? &us->v[next[i]] : NULL};
        double t = 0, w = 0;
        if (next[i] == i) {
            prev = i;
            continue;
        }
        for (int k = 0; k < 2; k++) {
            double var;
            if (!near[k] || llabs(near[k]->t - e->t) > REACH_PERIODS * u)
                continue;
            double at = predicted(s, near[k], e, &var);
            if (at < (double)(e->lo - u / 8) || at > (double)(e->hi + u / 8) || !(var > 0))
                continue;
            t += at / var;
            w += 1 / var;
        }
        if (!(w > 0) || sqrt(3 / w) >= (double)e->half)
            continue;
        e->t = llround(fmin(fmax(t / w, (double)e->lo), (double)e->hi));
        e->half = llround(sqrt(3 / w));
    }
    free(next);
}

static void build_edges(struct series *s, const struct energy_channel *ch, const struct energy_reading *r, size_t n)
{
    struct series_unwrap u;
    struct updates us = {0};
    struct {
        enum unwrap_verdict verdict;
        __int128 e_aj;
        unsigned bad;
    } *got = ipw_calloc(n + 1, sizeof *got);
    size_t last = SIZE_MAX;
    unsigned bad = 0, same = 0;
    series_unwrap_init(&u, ch);
    for (size_t i = 0; i < n; i++) {
        if (r[i].status) {
            bad++;
            continue;
        }
        if (last != SIZE_MAX && swapped(&r[last], &r[i], ch->modulus))
            continue;
        enum unwrap_verdict verdict = series_unwrap_next(&u, r[i].raw, middle(&r[i]));
        same++;
        if (last == SIZE_MAX || r[i].raw != r[last].raw || verdict != UNWRAP_OK) {
            got[us.n].verdict = verdict;
            got[us.n].e_aj = counted_aj(&u, ch);
            got[us.n].bad = bad;
            add_update(&us, s, r, i, last, same - 1);
            bad = same = 0;
        }
        last = i;
    }
    refine(&us, s);
    for (size_t i = 0; i < us.n; i++) {
        const struct update *e = &us.v[i];
        struct series_point *p = add_point(s, e->t, &r[e->i], &got[i].bad);
        p->half_ns = e->half;
        p->e_aj = got[i].e_aj;
        if (got[i].verdict != UNWRAP_OK)
            p->brk = unwrap_reasons[got[i].verdict];
        else if (s->n > 1 && stalled_since(s, ch, p[-1].t, e->seen, e->same))
            p->brk = "counter_stalled";
    }
    s->bad_tail = bad;
    if (s->n && stalled_since(s, ch, s->v[s->n - 1].t, middle(&r[last]), same))
        s->still_end = middle(&r[last]);
    free(us.v);
    free(got);
}

/* ---- powers ---- */

/* A point of a power, with the energy since the one before: its own power all the time, or a straight line. */
static void add_power(struct series *s, const struct energy_reading *r, int64_t t, int64_t half, int64_t nw,
                      bool straight, unsigned *bad)
{
    size_t before = s->n;
    struct series_point *p = add_point(s, t, r, bad);
    p->p_nw = nw;
    p->half_ns = half;
    if (s->n > before && before)
        p->e_aj = p[-1].e_aj + ((__int128)nw + (straight ? p[-1].p_nw : nw)) * (p->t - p[-1].t) / 2;
}

/* What lies more than a period before an update belongs to the old value if that was seen to stand, else to something
 * between the two. */
static void add_power_update(struct series *s, const struct energy_reading *r, const struct update *e, int64_t nw,
                             unsigned *bad)
{
    bool samples = s->form == SERIES_SAMPLES;
    int64_t u = s->period_ns, t = samples ? e->t - s->window_ns / 2 : e->t;
    if (s->n && u > 0 && t - s->v[s->n - 1].t > u / 2 * 3) {
        int64_t old = s->v[s->n - 1].p_nw;
        if (e->enclosed)
            add_power(s, r, t - u, e->half, old, samples, bad);
        else if (!samples)
            add_power(s, r, t - u, e->half, old / 2 + nw / 2, false, bad);
    }
    add_power(s, r, t, e->half, nw, samples, bad);
}

static int64_t power_nw(const struct energy_channel *ch, const struct energy_reading *r)
{
    long double nw = (long double)r->raw * (long double)ch->unit_nj;
    return r->status || nw > 1e15L ? -1 : llroundl(nw); /* a megawatt is no reading */
}

static bool above_pmax(const struct energy_channel *ch, int64_t nw)
{
    return ch->pmax_w > 0 && (double)nw > ch->pmax_w * 1e9;
}

/* Moments at which a power changed, or of all its readings. */
static void find_updates(struct updates *us, struct series *s, const struct energy_channel *ch,
                         const struct energy_reading *r, size_t n, bool all)
{
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        int64_t nw = power_nw(ch, &r[i]);
        if (nw < 0 || above_pmax(ch, nw))
            continue;
        if (all || last == SIZE_MAX || r[i].raw != r[last].raw || i + 1 == n)
            add_update(us, s, r, i, last, 0);
        last = i;
    }
    if (!all)
        refine(us, s);
}

static void build_power(struct series *s, const struct energy_channel *ch, const struct energy_reading *r, size_t n)
{
    int64_t hole = 10 * s->period_ns > HOLE_NS ? 10 * s->period_ns : HOLE_NS;
    int64_t span = n ? middle(&r[n - 1]) - middle(&r[0]) : 0;
    bool dense = s->period_ns > 0 && (double)n >= 1.5 * (double)span / (double)s->period_ns;
    bool mean = ch->kind == ENERGY_KIND_POWER_INST && !ch->part_time && ch->window_ns > 0 &&
                (double)ch->window_ns >= 0.9 * (double)s->period_ns;
    struct updates us = {0};
    unsigned bad = 0;
    s->form = mean ? SERIES_EDGES : SERIES_SAMPLES;
    find_updates(&us, s, ch, r, n, !dense && !mean);
    for (size_t k = 0, from = 0; k < us.n; from = us.v[k++].i + 1) {
        const struct update *e = &us.v[k];
        const struct energy_reading *x = &r[e->i];
        const char *brk = e->hi - e->seen > hole ? "counter_gap" : NULL;
        size_t before = s->n;
        for (size_t i = from; i < e->i; i++) {
            int64_t nw = power_nw(ch, &r[i]);
            bad += nw < 0;
            brk = nw >= 0 && above_pmax(ch, nw) ? "above_pmax" : brk;
        }
        if (dense || mean)
            add_power_update(s, x, e, power_nw(ch, x), &bad);
        else
            add_power(s, x, middle(x) - s->window_ns / 2, s->window_ns ? e->half : 0, power_nw(ch, x), true, &bad);
        for (size_t i = before; before && i < s->n; i++)
            s->v[i].brk = brk;
    }
    for (size_t i = us.n ? us.v[us.n - 1].i + 1 : 0; i < n; i++)
        bad += power_nw(ch, &r[i]) < 0;
    s->bad_tail = bad;
    free(us.v);
}

/* ---- breaks ---- */

/* Resets, gaps and stalls that the points name; and stalls of fast counters, whose points repeat while they stand. */
static void find_breaks(struct series *s, const struct energy_channel *ch)
{
    size_t from = 0; /* first point of the run of equal values */
    for (size_t i = 1; i <= s->n; i++) {
        const struct series_point *p = i < s->n ? &s->v[i] : NULL;
        if (p && !p->brk && p->e_aj == s->v[from].e_aj)
            continue;
        if (s->form == SERIES_FAST && stalled_since(s, ch, s->v[from].t, s->v[i - 1].t, (unsigned)(i - from)))
            add_break(&s->brk, s->v[from].t, p && !p->brk ? p->t : s->v[i - 1].t, "counter_stalled");
        if (p && p->brk)
            add_break(&s->brk, s->v[i - 1].t, p->t, p->brk);
        from = i;
    }
    if (s->still_end)
        add_break(&s->brk, s->v[s->n - 1].t, s->still_end, "counter_stalled");
}

void series_build(struct series *s, const struct energy_channel *ch, struct energy_reading *r, size_t n)
{
    *s = (struct series){.period_ns = within(ch->period_ns), .window_ns = within(ch->window_ns), .quantum_nj = ch->quantum_nj};
    if (ch->kind == ENERGY_KIND_GAUGE || !(ch->unit_nj > 0 && ch->unit_nj < 1e15))
        return;
    n = put_in_order(r, n);
    bool counter = ch->kind == ENERGY_KIND_COUNTER;
    if (counter && (ch->estimated || (ch->period_ns > 0 && ch->period_ns <= FAST_PERIOD_NS))) {
        build_fast(s, ch, r, n);
    } else {
        infer(s, ch, r, n);
        s->form = SERIES_EDGES;
        if (counter)
            build_edges(s, ch, r, n);
        else
            build_power(s, ch, r, n);
    }
    find_breaks(s, ch);
}

static int by_t0(const void *a, const void *b)
{
    const struct series_break *x = a, *y = b;
    return (x->t0 > y->t0) - (x->t0 < y->t0);
}

void series_suspended(struct series *s, const struct energy_span *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].t0 <= v[i].t1)
            add_break(&s->asleep, v[i].t0, v[i].t1, "suspended");
    struct series_breaks *b = &s->asleep;
    if (b->n)
        qsort(b->v, b->n, sizeof *b->v, by_t0);
    for (size_t i = 1; i < b->n; i++)
        b->v[i].t1 = b->v[i].t1 > b->v[i - 1].t1 ? b->v[i].t1 : b->v[i - 1].t1;
}

void series_release(struct series *s)
{
    free(s->v);
    free(s->brk.v);
    free(s->asleep.v);
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
    __int128 de = (q->e_aj - p->e_aj) / 1000000000;
    if (s->form != SERIES_SAMPLES && de < STEP_MAX_NJ) /* in nJ, so that the product stays in range */
        return p->e_aj + de * dx / dt * 1000000000;
    if (s->form != SERIES_SAMPLES)
        return p->e_aj + (__int128)((long double)(q->e_aj - p->e_aj) * dx / dt);
    __int128 p_x = p->p_nw + ((__int128)q->p_nw - p->p_nw) * dx / dt;
    return p->e_aj + (p->p_nw + p_x) * dx / 2;
}

double series_power(const struct series *s, size_t i, bool right, int64_t span)
{
    size_t k = i;
    while (llabs(s->v[k].t - s->v[i].t) < span && (right ? k + 1 < s->n && !s->v[k + 1].brk : k > 0 && !s->v[k].brk))
        k = right ? k + 1 : k - 1;
    if (k == i)
        return -1;
    return (double)(s->v[k].e_aj - s->v[i].e_aj) / (double)(s->v[k].t - s->v[i].t) * 1e-9;
}

static const char *first_break(const struct series_breaks *s, int64_t a, int64_t b)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->v[mid].t1 > a)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo < s->n && s->v[lo].t0 < b ? s->v[lo].reason : NULL;
}

const char *series_broken(const struct series *s, int64_t a, int64_t b)
{
    const char *reason = first_break(&s->asleep, a, b);
    return reason ? reason : first_break(&s->brk, a, b);
}
