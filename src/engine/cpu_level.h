/* A package is built for a level of processors (x86-64-v3, ...), not for the one it will run on. */
#ifndef IPW_ENGINE_CPU_LEVEL_H
#define IPW_ENGINE_CPU_LEVEL_H

#include "base/env.h"
#include "base/err.h"

/* level: as cmake/deps.cmake sets it; "" or one without requirements holds everywhere. IPW_E_ENV says what is missing:
 * without this the first multiplication would die of SIGILL. */
int cpu_level_check(const struct ipw_env *env, const char *level, struct ipw_err *err);

#endif
