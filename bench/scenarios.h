/* The scenarios of bench/fidelity, and of its smaller copy in tests/unit/test_fidelity.c. */
#ifndef IPW_BENCH_SCENARIOS_H
#define IPW_BENCH_SCENARIOS_H

#include "fakes/sim.h"

#define SCENARIO_CPU(pf, dec, gap, n) {20, 90, 65, pf, dec, gap, 0, n}
#define SCENARIO_GPU(pf, dec, gap, n) {60, 400, 250, pf, dec, gap, 0, n}
#define SCENARIO_RAPL                                                                                                  \
    {                                                                                                                  \
        .id = "rapl", .kind = ENERGY_KIND_COUNTER, .period_ns = SIM_MS, .jitter_ns = 20000, .unit_nj = 61035.15625,    \
        .latency_ns = 1000, .pmax_w = 200                                                                              \
    }
#define SCENARIO_NVML                                                                                                  \
    {                                                                                                                  \
        .id = "nvml", .kind = ENERGY_KIND_COUNTER, .period_ns = 100 * SIM_MS, .jitter_ns = SIM_MS, .unit_nj = 1e6,     \
        .latency_ns = 30000, .pmax_w = 800, .period_unknown = true                                                     \
    }
#define SCENARIO_POWER(k, w)                                                                                           \
    {                                                                                                                  \
        .id = "power", .kind = k, .period_ns = 100 * SIM_MS, .jitter_ns = SIM_MS, .window_ns = w, .unit_nj = 1e6,      \
        .latency_ns = 30000, .pmax_w = 800, .period_unknown = true                                                     \
    }

#endif
