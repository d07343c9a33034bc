/* Attribution of any readings and marks: no crash, no overflow, and prefill + decode = total when all three are. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "energy/attribute.h"
#include "energy/cpuinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_READINGS = 200, MAX_MARKS = 20 };

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
    uint64_t raw = 0;
    for (t = 0; n < MAX_READINGS && p < end; n++) {
        r[n].t_before = t = take_time(t);
        r[n].t_after = take_time(t);
        uint64_t how = take(1);
        raw = how == 255 ? take(8) : raw + how * how;
        r[n] = (struct energy_reading){r[n].t_before, r[n].t_after, raw, 0, how == 254 ? -5 : 0};
    }
    energy_attribute(&(struct energy_facts){&ch, r, n, m, n_marks, NULL, 0}, out, &gap);
    for (size_t i = 0; i < n_marks; i++) {
        const struct energy_query_value *q = &out[i];
        bool all = q->total.status != ENERGY_MISSING && q->prefill.status != ENERGY_MISSING &&
                   q->decode.status != ENERGY_MISSING;
        if (all && q->prefill.nj + q->decode.nj != q->total.nj)
            abort();
        if (q->total.status == ENERGY_MISSING && !q->total.reason)
            abort();
    }
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
