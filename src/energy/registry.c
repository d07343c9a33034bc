#include <string.h>

#include "base/mem.h"
#include "energy/collector.h"

extern const struct energy_collector_ops energy_perf, energy_powercap, energy_nvml, energy_amdgpu, energy_hwmon,
    energy_ioreport, energy_battery, energy_thermal, energy_estimator;

const struct energy_collector_ops *const energy_collectors[] = {
    &energy_perf,
    &energy_powercap,
    &energy_nvml,
    &energy_amdgpu,
    &energy_hwmon,
    &energy_ioreport,
    &energy_battery,
    &energy_thermal,
    &energy_estimator,
    NULL,
};

struct energy_channel *energy_channels_add(struct energy_channels *list)
{
    IPW_GROW(list->v, list->n, list->cap);
    return memset(&list->v[list->n++], 0, sizeof *list->v);
}

const struct energy_collector_ops *energy_collector_find(const char *name)
{
    for (size_t i = 0; name && energy_collectors[i]; i++)
        if (!strcmp(energy_collectors[i]->name, name))
            return energy_collectors[i];
    return NULL;
}
