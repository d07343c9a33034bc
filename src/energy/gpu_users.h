/* Which GPUs processes use: what computes of a server that is not ours. By NVML's lists of processes, and for drivers of the
 * kernel's DRM by /proc/PID/fdinfo (drm-usage-stats: amdgpu, i915, xe). */
#ifndef IPW_ENERGY_GPU_USERS_H
#define IPW_ENERGY_GPU_USERS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/env.h"

struct energy_gpu {
    char key[64]; /* PCI id as energy_pci_id writes it */
    char name[96];
};

/* Each GPU that holds memory of any of these processes, once; how many, at most cap. Other users' processes cannot be
 * looked into by fdinfo; NVML tells them. */
size_t energy_gpus_of(const struct ipw_env *env, const pid_t *pid, size_t n, struct energy_gpu *out, size_t cap);

#endif
