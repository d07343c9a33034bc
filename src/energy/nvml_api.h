/* The part of NVIDIA's management library that ipw calls, declared by hand (layouts of nvml.h, API 13) and bound by
 * dlopen: no header or library of NVIDIA is needed to build. Internal to src/energy. */
#ifndef IPW_ENERGY_NVML_API_H
#define IPW_ENERGY_NVML_API_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"

/* nvmlReturn_t, as far as ipw tells the codes apart */
enum {
    NVML_OK = 0,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_GPU_IS_LOST = 15,
    NVML_OPERATING_SYSTEM = 17,
    NVML_MISMATCH = 18,
    NVML_NO_DATA = 21,
};

/* nvmlDeviceArchitecture_t; anything above is newer or unknown */
enum {
    NVML_ARCH_UNKNOWN = 0,
    NVML_ARCH_PASCAL = 4,
    NVML_ARCH_VOLTA = 5,
    NVML_ARCH_TURING = 6,
    NVML_ARCH_AMPERE = 7,
    NVML_ARCH_ADA = 8,
    NVML_ARCH_HOPPER = 9,
};

/* Fields and their scopes (scopeId). nvml.h's comment calls scope 2 "GPU base", its macro says memory: taken as memory. */
enum { NVML_FIELD_POWER_AVERAGE = 185, NVML_FIELD_POWER_INSTANT = 186, NVML_FIELD_ENERGY = 191 };
enum { NVML_SCOPE_GPU = 0, NVML_SCOPE_MODULE = 1, NVML_SCOPE_MEMORY = 2 };

enum nvml_value_type { NVML_DOUBLE, NVML_UINT, NVML_ULONG, NVML_ULL, NVML_SLL, NVML_INT, NVML_USHORT };

typedef struct nvmlDevice_st *nvml_dev;

struct nvml_field {
    unsigned field, scope;
    long long timestamp, latency_us;
    int value_type, result; /* enum nvml_value_type; nvmlReturn_t of this entry */
    union {
        double d;
        int si;
        unsigned ui;
        unsigned long ul;
        unsigned long long ull;
        long long sll;
        unsigned short us;
    } value;
};

/* The first fields are those of every version; bus_id came with _v3. */
struct nvml_pci {
    char bus_id_legacy[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char bus_id[32];
};
struct nvml_utilization {
    unsigned gpu, memory; /* percent */
};
struct nvml_memory {
    unsigned long long total, free, used; /* bytes */
};

/* nvmlProcessInfo_t of _v2 and _v3 (the older function has another, and is not used). */
struct nvml_process {
    unsigned pid;
    unsigned long long memory; /* bytes; all ones: not known */
    unsigned gpu_instance, compute_instance;
};

/* All return nvmlReturn_t. A function that the library does not have is NULL, except init, count and handle. */
struct nvml_api {
    void *so;
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *n);
    int (*handle)(unsigned index, nvml_dev *dev);
    int (*name)(nvml_dev dev, char *out, unsigned size);
    int (*uuid)(nvml_dev dev, char *out, unsigned size);
    int (*pci)(nvml_dev dev, struct nvml_pci *out);
    int (*architecture)(nvml_dev dev, unsigned *arch);
    int (*energy)(nvml_dev dev, unsigned long long *mj);
    int (*power)(nvml_dev dev, unsigned *mw);
    int (*power_limit)(nvml_dev dev, unsigned *mw);
    int (*fields)(nvml_dev dev, int n, struct nvml_field *v);
    int (*utilization)(nvml_dev dev, struct nvml_utilization *out);
    int (*memory)(nvml_dev dev, struct nvml_memory *out);
    int (*clock)(nvml_dev dev, int which, unsigned *mhz);
    int (*temperature)(nvml_dev dev, int which, unsigned *celsius);
    int (*throttle)(nvml_dev dev, unsigned long long *mask);
    int (*mig_mode)(nvml_dev dev, unsigned *current, unsigned *pending);
    int (*driver)(char *out, unsigned size);
    int (*compute)(nvml_dev dev, unsigned *n, struct nvml_process *v);
    int (*graphics)(nvml_dev dev, unsigned *n, struct nvml_process *v);
};

/* Loads env->at.nvml, or the library where drivers put it (at.nvml "": nowhere). False: `why` says what was tried. */
bool nvml_load(struct nvml_api *a, const struct ipw_env *env, char *why, size_t size);
void nvml_unload(struct nvml_api *a);

#endif
