#include "energy/nvml_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct nvml_field) == 40 && offsetof(struct nvml_field, result) == 28 &&
                   offsetof(struct nvml_field, value) == 32,
               "nvmlFieldValue_t");
_Static_assert(sizeof(struct nvml_pci) == 68, "nvmlPciInfo_t");
_Static_assert(sizeof(struct nvml_process) == 24, "nvmlProcessInfo_v2_t");

static const char *const usual[] = {"libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1", "libnvidia-ml.so"};

#define AT(member) offsetof(struct nvml_api, member)

/* Newest name first: an older driver has only the older ones, with the same arguments. */
static const struct {
    size_t at;
    bool required;
    const char *names[3];
} symbols[] = {
    {AT(init), true, {"nvmlInit_v2", "nvmlInit"}},
    {AT(count), true, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"}},
    {AT(handle), true, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"}},
    {AT(shutdown), false, {"nvmlShutdown"}},
    {AT(name), false, {"nvmlDeviceGetName"}},
    {AT(uuid), false, {"nvmlDeviceGetUUID"}},
    {AT(pci), false, {"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo"}},
    {AT(architecture), false, {"nvmlDeviceGetArchitecture"}},
    {AT(energy), false, {"nvmlDeviceGetTotalEnergyConsumption"}},
    {AT(power), false, {"nvmlDeviceGetPowerUsage"}},
    {AT(power_limit), false, {"nvmlDeviceGetEnforcedPowerLimit"}},
    {AT(fields), false, {"nvmlDeviceGetFieldValues"}},
    {AT(utilization), false, {"nvmlDeviceGetUtilizationRates"}},
    {AT(memory), false, {"nvmlDeviceGetMemoryInfo"}},
    {AT(clock), false, {"nvmlDeviceGetClockInfo"}},
    {AT(temperature), false, {"nvmlDeviceGetTemperature"}},
    {AT(throttle), false, {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"}},
    {AT(mig_mode), false, {"nvmlDeviceGetMigMode"}},
    {AT(driver), false, {"nvmlSystemGetDriverVersion"}},
    {AT(compute), false, {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"}},
    {AT(graphics), false, {"nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"}},
};

static bool bind_symbols(struct nvml_api *a, char *why, size_t size)
{
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *p = NULL;
        for (int k = 0; k < 3 && symbols[i].names[k] && !p; k++)
            p = dlsym(a->so, symbols[i].names[k]);
        memcpy((char *)a + symbols[i].at, &p, sizeof p);
        if (!p && symbols[i].required) {
            snprintf(why, size, "it has no '%s'", symbols[i].names[0]);
            return false;
        }
    }
    return true;
}

bool nvml_load(struct nvml_api *a, const struct ipw_env *env, char *why, size_t size)
{
    const char *const *paths = env->at.nvml ? &env->at.nvml : usual;
    size_t n = env->at.nvml ? *env->at.nvml != '\0' : sizeof usual / sizeof usual[0];
    memset(a, 0, sizeof *a);
    snprintf(why, size, "none was looked for");
    for (size_t i = 0; i < n && !a->so; i++) {
        a->so = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
        const char *text = a->so ? NULL : dlerror();
        if (text && i == 0) /* the first name is the one that should be there */
            snprintf(why, size, "%s", text);
    }
    if (a->so && !bind_symbols(a, why, size))
        nvml_unload(a);
    return a->so;
}

void nvml_unload(struct nvml_api *a)
{
    if (a->so)
        dlclose(a->so);
    memset(a, 0, sizeof *a);
}
