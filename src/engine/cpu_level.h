/* A package is built for a level of processors (x86-64-v3, ...), not for the one it will run on. */
#ifndef IPW_ENGINE_CPU_LEVEL_H
#define IPW_ENGINE_CPU_LEVEL_H

#include <stdint.h>

#include "base/err.h"

/* What a processor says of itself, of the level's own architecture. */
struct cpu_words {
    uint32_t ecx1, ebx7; /* x86: cpuid leaves 1 and 7 */
    uint64_t xcr0;       /* x86: registers that the kernel keeps; 0 when it does not use xsave */
    uint64_t hwcap;      /* arm64 */
};

/* The processor that this runs on. */
struct cpu_words cpu_words_here(void);

/* level: as cmake/deps.cmake sets it; "" or one without requirements holds everywhere. IPW_E_ENV says what is missing:
 * without this the first use of the engine would die of SIGILL, that of `ipw doctor` too. */
int cpu_level_check(const struct cpu_words *cpu, const char *level, struct ipw_err *err);

#endif
