/* What /proc/cpuinfo says about the processor, for drivers and models of energy. */
#ifndef IPW_ENERGY_CPUINFO_H
#define IPW_ENERGY_CPUINFO_H

#include <stdbool.h>

#include "base/env.h"

struct energy_cpuinfo {
    int n_cpus;       /* "processor" lines: hardware threads; 0 when the file cannot be read */
    int n_cores;      /* physical cores; n_cpus where the file does not tell them apart */
    char vendor[32];  /* "GenuineIntel", "AuthenticAMD"; "arm:0x41" from "CPU implementer" */
    char name[96];    /* "model name", "" if none */
    int family, model, stepping; /* ARM: model = "CPU part"; -1 unknown */
    bool hypervisor, sgx;
};

void energy_cpuinfo_read(struct energy_cpuinfo *out, const struct ipw_env *env);
void energy_cpuinfo_parse(struct energy_cpuinfo *out, const char *text); /* the file's content */

/* Busy CPU time of the whole machine, ns, from an open /proc/stat; 0 or -errno. In estimator.c. */
int energy_cpu_busy(const struct ipw_env *env, int fd, uint64_t *raw);

#endif
