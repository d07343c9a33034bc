/* Facts about this machine that a run records: host, CPU, kernel, power source. Through the env seam. */
#ifndef IPW_RUN_MACHINE_H
#define IPW_RUN_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"

struct run_power_limit { /* of a CPU package, as RAPL holds it now */
    char package[48];    /* "package-0" */
    double long_w, short_w; /* 0: none */
};

enum { RUN_MAX_PACKAGES = 16 };

struct run_machine { /* "" and 0: not known */
    char host[128], boot_id[64], kernel[160], cpu[128], governor[32], cpu_vendor[32];
    char epp[32];              /* energy_performance_preference: "balance_power" */
    char platform_profile[32]; /* of a laptop's firmware: "low-power", "balanced" */
    const char *turbo;         /* "on", "off", NULL: not known */
    double cpu_max_mhz;        /* the clock that the governor may reach */
    struct run_power_limit limits[RUN_MAX_PACKAGES];
    size_t n_limits;
    int cpus;
    bool hypervisor;
    const char *power_source; /* "mains", "battery", NULL: not known */
};
void run_machine_read(struct run_machine *m, const struct ipw_env *env);

/* Short words for folder names: "epyc", "i7-13700h", "rtx-4070"; "smollm2-135m", "qwen2.5-7b". */
void run_machine_word(const char *name, char *out, size_t size);
void run_model_word(const char *path, char *out, size_t size);

#endif
