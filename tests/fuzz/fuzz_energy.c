/* Attribution of any readings, marks and suspends, of every kind of source: no crash, no overflow, no negative value, every
 * null has a reason, and prefill + decode = total when all three are. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "energy/attribute.h"
#include "energy/cpuinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_READINGS = 400, MAX_MARKS = 20, MAX_SPANS = 3 };

static const uint8_t *p, *end;

static uint64_t take(size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes && p < end; i++)
        v = v << 8 | *p++;
    return v;
}

/* Mostly near each other, sometimes anything. */
static int64_t take_time(int64_t last)
{
    uint64_t how = take(1);
    if (how == 255)
        return (int64_t)take(8);
    return (int64_t)((uint64_t)last + (take(2) << (how % 32)));
}

static bool valued(const struct energy_value *v)
{
    bool is = v->status == ENERGY_MEASURED || v->status == ENERGY_ESTIMATED || v->status == ENERGY_LOW_RESOLUTION;
    if ((is && (v->nj < 0 || v->u_nj < 0)) || (!is && !v->reason) || !v->method)
        abort();
    return is;
}

static void check(const struct energy_query_value *out, size_t n, const struct energy_value *gap)
{
    for (size_t i = 0; i < n; i++) {
        const struct energy_query_value *q = &out[i];
        bool all = valued(&q->total), prefill = valued(&q->prefill), decode = valued(&q->decode);
        if (all && prefill && decode && q->prefill.nj + q->decode.nj != q->total.nj)
            abort();
    }
    if (gap->status != ENERGY_MISSING && gap->status != ENERGY_MEASURED && gap->status != ENERGY_ESTIMATED)
        abort();
}

/* Readings of a source that updates in step, read before and after most updates: what the split is for. */
static size_t steady(struct energy_reading *r, size_t cap)
{
    int64_t period = (int64_t)(take(1) + 1) * 2000000, t = 0;
    uint64_t raw = 0;
    size_t n = 0;
    while (n + 1 < cap && p < end) {
        uint64_t how = take(1);
        for (int k = 0; k < 2; k++) {
            int64_t at = t + (int64_t)(how % 16) * 100000 + (k ? period - period / 8 : 0);
            if (how != 250 || k)
                r[n++] = (struct energy_reading){at, at + 1000, raw, 0, how == 254 ? -5 : 0};
        }
        raw += how == 253 ? take(5) : how * 1000;
        t += period;
    }
    return n;
}

static void attribute(void)
{
    struct energy_channel ch = {
        .kind = (enum energy_kind)(take(1) % ENERGY_KIND_N),
        .unit_nj = (double)take(4) / 1000,
        .modulus = take(1) & 1 ? take(5) : 0,
        .period_ns = (int64_t)take(4),
        .window_ns = (int64_t)take(4),
        .quantum_nj = (int64_t)take(4),
        .pmax_w = (double)take(2),
        .estimated = take(1) & 1,
        .part_time = take(1) % 8 == 0,
    };
    struct energy_reading r[MAX_READINGS];
    struct energy_mark m[MAX_MARKS];
    struct energy_query_value out[MAX_MARKS];
    struct energy_value gap;
    size_t n_marks = take(1) % MAX_MARKS, n = 0;
    int64_t t = 0;
    for (size_t i = 0; i < n_marks; i++) {
        m[i].t_send = t = take_time(t);
        m[i].t_first = t = take_time(t);
        m[i].t_end = t = take_time(t);
    }
    struct energy_span span[MAX_SPANS];
    size_t n_span = take(1) % (MAX_SPANS + 1);
    t = 0;
    for (size_t i = 0; i < n_span; i++) {
        span[i].t0 = t = take_time(t);
        span[i].t1 = t = take_time(t);
    }
    uint64_t raw = 0;
    if (take(1) & 1)
        n = steady(r, MAX_READINGS);
    for (t = 0; n < MAX_READINGS && p < end; n++) {
        r[n].t_before = t = take_time(t);
        r[n].t_after = take_time(t);
        uint64_t how = take(1);
        raw = how == 255 ? take(8) : raw + how * how;
        r[n] = (struct energy_reading){r[n].t_before, r[n].t_after, raw, 0, how == 254 ? -5 : 0};
    }
    struct energy_facts f = {&ch, r, n, m, n_marks, span, n_span};
    energy_attribute(&f, out, &gap);
    check(out, n_marks, &gap);
    energy_attribute_plain(&f, out, &gap);
    check(out, n_marks, &gap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    p = data;
    end = data + size;
    if (take(1) & 1) {
        char *text = ipw_strndup((const char *)p, (size_t)(end - p));
        struct energy_cpuinfo c;
        energy_cpuinfo_parse(&c, text);
        free(text);
    } else {
        attribute();
    }
    return 0;
}
