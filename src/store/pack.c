#include "store/pack.h"

#include "base/varint.h"

static void put(struct ipw_buf *out, int64_t v)
{
    uint8_t p[IPW_VARINT_MAX];
    ipw_buf_add(out, p, ipw_varint_puts(p, v));
}

/* Differences wrap around 2^64, so that any two values have one. */
static int64_t diff(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b);
}

void store_pack_readings(const struct store_reading *v, size_t n, int64_t t0, struct ipw_buf *out)
{
    struct store_reading last = {.t_before = t0};
    for (size_t i = 0; i < n; i++) {
        put(out, diff((uint64_t)v[i].t_before, (uint64_t)last.t_before));
        put(out, diff((uint64_t)v[i].t_after, (uint64_t)v[i].t_before));
        put(out, diff(v[i].raw, last.raw));
        put(out, v[i].status);
        last = v[i];
    }
}

int store_unpack_readings(const void *data, size_t size, size_t n, int64_t t0, struct store_reading *out)
{
    struct ipw_varint_in in = {data, (const uint8_t *)data + size, false};
    struct store_reading last = {.t_before = t0};
    for (size_t i = 0; i < n; i++) {
        out[i].t_before = diff((uint64_t)last.t_before + (uint64_t)ipw_varint_gets(&in), 0);
        out[i].t_after = diff((uint64_t)out[i].t_before + (uint64_t)ipw_varint_gets(&in), 0);
        out[i].raw = last.raw + (uint64_t)ipw_varint_gets(&in);
        out[i].status = (int32_t)ipw_varint_gets(&in);
        last = out[i];
    }
    return in.bad || in.p != in.end ? -1 : 0;
}

void store_pack_stamps(const int64_t *t, size_t n, int64_t t_send, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++)
        put(out, diff((uint64_t)t[i], (uint64_t)(i ? t[i - 1] : t_send)));
}

int64_t store_unpack_stamps(const void *data, size_t size, int64_t t_send, int64_t *out, size_t cap)
{
    struct ipw_varint_in in = {data, (const uint8_t *)data + size, false};
    int64_t n = 0, last = t_send;
    for (; in.p < in.end && !in.bad; n++) {
        last = diff((uint64_t)last + (uint64_t)ipw_varint_gets(&in), 0);
        if ((size_t)n < cap)
            out[n] = last;
    }
    return in.bad ? -1 : n;
}
