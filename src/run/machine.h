/* Facts about this machine that a run records: host, CPU, kernel, power source. Through the env seam. */
#ifndef IPW_RUN_MACHINE_H
#define IPW_RUN_MACHINE_H

#include <stdbool.h>

#include "base/env.h"

struct run_machine {
    char host[128], boot_id[64], kernel[160], cpu[128], governor[32], cpu_vendor[32];
    int cpus;
    bool hypervisor;
    double cpu_max_mhz; /* what the governor may go up to; NAN unknown */
    char driver[64];    /* of the NVIDIA GPUs; "" without one */
    const char *power_source; /* "mains", "battery", NULL: not known */
};
void run_machine_read(struct run_machine *m, const struct ipw_env *env);

/* Short words for folder names: "epyc", "i7-13700h", "rtx-4070"; "smollm2-135m", "qwen2.5-7b". */
void run_machine_word(const char *name, char *out, size_t size);
void run_model_word(const char *path, char *out, size_t size);

#endif
