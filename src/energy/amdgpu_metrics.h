/* The binary file gpu_metrics of amdgpu: sizes and offsets of kgd_pp_interface.h (telemetry 3.5). Pure. */
#ifndef IPW_ENERGY_AMDGPU_METRICS_H
#define IPW_ENERGY_AMDGPU_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GPU_METRICS_MAX = 4096 }; /* the kernel gives at most a page */

struct gpu_metrics {
    uint8_t format, content; /* the revision, also when the rest is unknown */
    bool apu;                /* a processor with graphics: its power includes the CPU's */
    bool energy_u32;         /* the firmware of this family counts in 32 bits */
    bool has_energy, has_power;
    bool power_average; /* else: of this moment */
    uint64_t energy;    /* 2^-16 J; has_energy is false for 0 and for all ones, which counters that work do not show */
    uint64_t power_mw;  /* of the socket */
};

/* 0; -EINVAL: cut off or no such file; -ENOTSUP: a revision that is not known. */
int gpu_metrics_parse(const uint8_t *buf, size_t n, struct gpu_metrics *out);

#endif
