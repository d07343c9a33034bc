#include "base/varint.h"

size_t ipw_varint_put(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    return n;
}

size_t ipw_varint_puts(uint8_t *p, int64_t v)
{
    return ipw_varint_put(p, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

uint64_t ipw_varint_get(struct ipw_varint_in *in)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64 && in->p < in->end; shift += 7) {
        uint8_t c = *in->p++;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return v;
    }
    in->bad = true;
    return 0;
}

int64_t ipw_varint_gets(struct ipw_varint_in *in)
{
    uint64_t v = ipw_varint_get(in);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}
