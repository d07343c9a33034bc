#include "store/pack.h"

#include "base/varint.h"

enum { FIELDS = 4 };

/* Differences wrap like the counters they come from, so that every value survives. */
static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

void store_pack_readings(const struct store_reading *r, size_t n, int64_t t0, struct ipw_buf *out)
{
    int64_t t = t0;
    uint64_t raw = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t p[FIELDS * IPW_VARINT_MAX];
        size_t k = ipw_varint_puts(p, minus(r[i].t_before, t));
        k += ipw_varint_put(p + k, (uint64_t)minus(r[i].t_after, r[i].t_before));
        k += ipw_varint_puts(p + k, (int64_t)(r[i].raw - raw));
        k += ipw_varint_puts(p + k, r[i].status);
        ipw_buf_add(out, p, k);
        t = r[i].t_before;
        raw = r[i].raw;
    }
}

int store_unpack_readings(const void *data, size_t size, size_t n, int64_t t0, struct store_reading *out)
{
    struct ipw_varint_in in = {.p = data, .end = size ? (const uint8_t *)data + size : data};
    int64_t t = t0;
    uint64_t raw = 0;
    for (size_t i = 0; i < n && !in.bad; i++) {
        t = plus(t, ipw_varint_gets(&in));
        int64_t after = plus(t, (int64_t)ipw_varint_get(&in));
        raw += (uint64_t)ipw_varint_gets(&in);
        int64_t status = ipw_varint_gets(&in);
        if (status < INT32_MIN || status > INT32_MAX)
            return -1;
        out[i] = (struct store_reading){t, after, raw, (int32_t)status};
    }
    return in.bad || in.p != in.end ? -1 : 0;
}

void store_pack_stamps(const int64_t *t, size_t n, int64_t t_send, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t p[IPW_VARINT_MAX];
        ipw_buf_add(out, p, ipw_varint_puts(p, minus(t[i], i ? t[i - 1] : t_send)));
    }
}

ptrdiff_t store_unpack_stamps(const void *data, size_t size, int64_t t_send, int64_t *out)
{
    struct ipw_varint_in in = {.p = data, .end = size ? (const uint8_t *)data + size : data};
    ptrdiff_t n = 0;
    for (int64_t t = t_send; in.p != in.end && !in.bad; n++)
        out[n] = t = plus(t, ipw_varint_gets(&in));
    return in.bad ? -1 : n;
}
