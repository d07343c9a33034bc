#include "energy/nvml_call.h"

#include <errno.h>
#include <math.h>

#include "energy/channel.h"

int nvml_call_energy(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw)
{
    unsigned long long mj;
    int rc = a->energy ? a->energy(it->dev, &mj) : NVML_FUNCTION_NOT_FOUND;
    if (!rc)
        *raw = mj;
    return rc;
}

int nvml_call_power(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw)
{
    unsigned mw;
    int rc = a->power ? a->power(it->dev, &mw) : NVML_FUNCTION_NOT_FOUND;
    if (!rc)
        *raw = mw;
    return rc;
}

static int field_value(const struct nvml_field *f, uint64_t *raw)
{
    switch ((enum nvml_value_type)f->value_type) {
    case NVML_UINT:
        *raw = f->value.ui;
        return NVML_OK;
    case NVML_ULONG:
        *raw = f->value.ul;
        return NVML_OK;
    case NVML_ULL:
        *raw = f->value.ull;
        return NVML_OK;
    case NVML_USHORT:
        *raw = f->value.us;
        return NVML_OK;
    case NVML_DOUBLE:
        if (!(f->value.d >= 0 && f->value.d < 1e18))
            return NVML_NO_DATA;
        *raw = (uint64_t)llround(f->value.d);
        return NVML_OK;
    case NVML_SLL:
    case NVML_INT: {
        long long v = f->value_type == NVML_INT ? f->value.si : f->value.sll;
        if (v < 0)
            return NVML_NO_DATA;
        *raw = (uint64_t)v;
        return NVML_OK;
    }
    }
    return NVML_NO_DATA;
}

/* The call may succeed where the field fails: each entry has its own result. */
int nvml_call_field(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw)
{
    struct nvml_field f = {.field = it->field, .scope = it->scope, .result = NVML_NO_DATA};
    int rc = a->fields ? a->fields(it->dev, 1, &f) : NVML_FUNCTION_NOT_FOUND;
    rc = rc ? rc : f.result;
    return rc ? rc : field_value(&f, raw);
}

int nvml_call_utilization(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw)
{
    struct nvml_utilization u;
    int rc = a->utilization ? a->utilization(it->dev, &u) : NVML_FUNCTION_NOT_FOUND;
    if (!rc)
        *raw = (uint64_t)u.gpu * 10; /* per mille */
    return rc;
}

int nvml_call_memory(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw)
{
    struct nvml_memory m;
    int rc = a->memory ? a->memory(it->dev, &m) : NVML_FUNCTION_NOT_FOUND;
    if (!rc)
        *raw = m.used;
    return rc;
}

int nvml_call_clock(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw)
{
    unsigned mhz;
    int rc = a->clock ? a->clock(it->dev, 1, &mhz) : NVML_FUNCTION_NOT_FOUND; /* 1: of the SMs */
    if (!rc)
        *raw = (uint64_t)mhz * 1000000;
    return rc;
}

int nvml_call_temperature(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw)
{
    unsigned celsius;
    int rc = a->temperature ? a->temperature(it->dev, 0, &celsius) : NVML_FUNCTION_NOT_FOUND;
    if (!rc)
        *raw = (uint64_t)celsius * 1000;
    return rc;
}

int nvml_call_throttle(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw)
{
    static const struct {
        unsigned nvml;
        enum energy_throttle ours;
    } bits[] = {
        {0x20 | 0x40, ENERGY_THROTTLE_HEAT}, /* thermal, by software and by hardware */
        {0x04, ENERGY_THROTTLE_CAP},         /* power cap by software */
        {0x08 | 0x80, ENERGY_THROTTLE_BRAKE} /* hardware slowdown, power brake */
    };
    unsigned long long mask;
    int rc = a->throttle ? a->throttle(it->dev, &mask) : NVML_FUNCTION_NOT_FOUND;
    if (rc)
        return rc;
    *raw = 0;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        *raw |= mask & bits[i].nvml ? (uint64_t)bits[i].ours : 0;
    return NVML_OK;
}

int nvml_errno(int rc)
{
    switch (rc) {
    case NVML_OK:
        return 0;
    case NVML_GPU_IS_LOST:
        return -ENODEV;
    case NVML_NOT_SUPPORTED:
    case NVML_NO_DATA:
        return -ENODATA;
    case NVML_NO_PERMISSION:
        return -EACCES;
    default:
        return -EIO;
    }
}
