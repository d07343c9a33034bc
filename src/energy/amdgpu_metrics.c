#include "energy/amdgpu_metrics.h"

#include <errno.h>

/* Offsets in bytes, little-endian; energy 0: none. 1.0 has another order of fields and is not read. */
static const struct layout {
    uint8_t format, content_lo, content_hi;
    uint8_t power, power_bytes;
    uint16_t power_mw; /* mW per unit */
    bool average, energy_u32;
    uint8_t energy;
} layouts[] = {
    {1, 1, 3, 22, 2, 1000, true, true, 24},   {1, 4, 4, 10, 2, 1000, false, false, 24},
    {1, 5, 6, 10, 2, 1000, false, false, 88}, {2, 1, 3, 40, 2, 1000, true, false, 0},
    {2, 4, 4, 40, 2, 1, true, false, 0},      {3, 0, 0, 112, 4, 1, true, false, 0},
};

enum { HEADER = 4 };

static uint64_t field(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;
    while (bytes--)
        v = v << 8 | p[bytes];
    return v;
}

static uint64_t all_ones(size_t bytes)
{
    return UINT64_MAX >> (64 - 8 * bytes);
}

int gpu_metrics_parse(const uint8_t *buf, size_t n, struct gpu_metrics *out)
{
    *out = (struct gpu_metrics){0};
    if (n < HEADER)
        return -EINVAL;
    size_t size = (size_t)field(buf, 2);
    out->format = buf[2];
    out->content = buf[3];
    out->apu = out->format == 2 || out->format == 3;
    if (size < HEADER || size > n)
        return -EINVAL;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        const struct layout *l = &layouts[i];
        if (l->format != out->format || out->content < l->content_lo || out->content > l->content_hi)
            continue;
        if (size < (size_t)l->power + l->power_bytes || size < (size_t)l->energy + 8)
            return -EINVAL;
        uint64_t power = field(buf + l->power, l->power_bytes);
        out->has_power = power != all_ones(l->power_bytes);
        out->power_mw = out->has_power ? power * l->power_mw : 0;
        out->power_average = l->average;
        out->energy_u32 = l->energy_u32;
        if (l->energy)
            out->energy = field(buf + l->energy, 8);
        out->has_energy = out->energy && out->energy != UINT64_MAX && !(l->energy_u32 && out->energy == UINT32_MAX);
        return 0;
    }
    return -ENOTSUP;
}
