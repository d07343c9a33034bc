/* What one NVML row reads. Internal to src/energy. */
#ifndef IPW_ENERGY_NVML_CALL_H
#define IPW_ENERGY_NVML_CALL_H

#include "energy/nvml_api.h"

struct nvml_item;
typedef int nvml_call(const struct nvml_api *a, const struct nvml_item *it, uint64_t *raw); /* nvmlReturn_t */

struct nvml_item {
    nvml_dev dev; /* NULL: a row that cannot be read */
    nvml_call *call;
    unsigned field, scope; /* of nvml_call_field */
};

/* Energy in mJ, power in mW, gauges in the units of channel.h. A function that the library lacks is
 * NVML_FUNCTION_NOT_FOUND. */
nvml_call nvml_call_energy, nvml_call_power, nvml_call_field;
nvml_call nvml_call_utilization, nvml_call_memory, nvml_call_clock, nvml_call_temperature, nvml_call_throttle;

int nvml_errno(int rc); /* 0 or -errno */

#endif
