/* What RAPL makes of the curve: 1 ms ticks, a quantum, a register that starts again; and faults. A pure function of
 * time, used by the FUSE tree and by its twin behind struct ipw_io. */
#ifndef IPW_FAKES_RAPL_MODEL_H
#define IPW_FAKES_RAPL_MODEL_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fakes/curve.h"

struct fault {
    int64_t at, len; /* ns since the start; at < 0: never */
};

struct rapl_model {
    struct curve curve;
    int64_t tick_ns;
    uint64_t quantum_uj, range_uj;
    double start_j; /* what the counters stand at when the fake starts */
    int64_t reset_at; /* ns since the start, < 0: never */
    struct fault stall, vanish, eacces;
    int64_t slow_ns;
    uint64_t eio_every; /* every n-th read fails; 0: none */
    _Atomic uint64_t reads;
};

#define RAPL_MODEL_DEFAULT                                                                         \
    {                                                                                              \
        .curve = CURVE_DEFAULT, .tick_ns = 1000000, .quantum_uj = 61, .range_uj = 262143328850u,   \
        .start_j = 1000, .reset_at = -1, .stall = {-1, 0}, .vanish = {-1, 0}, .eacces = {-1, 0}    \
    }

enum rapl_zone { RAPL_PACKAGE, RAPL_DRAM, RAPL_PSYS, RAPL_CORE };

static inline bool rapl_in(const struct fault *f, int64_t t)
{
    return f->at >= 0 && t >= f->at && t - f->at < f->len;
}

/* Values run from 0 to range; real registers have 2^32 steps, of which one is the step back to 0. */
static inline uint64_t rapl_modulus(const struct rapl_model *m)
{
    uint64_t unit = (m->range_uj + 2147483647u) / 4294967295u;
    return m->range_uj + (unit ? unit : 1);
}

/* What the zone has used by t, in whole quanta, uJ. */
static inline uint64_t rapl_used_uj(const struct rapl_model *m, enum rapl_zone zone, int64_t t)
{
    const struct curve *c = &m->curve;
    if (rapl_in(&m->stall, t))
        t = m->stall.at;
    t = t / m->tick_ns * m->tick_ns;
    int64_t from = m->reset_at >= 0 && t >= m->reset_at ? m->reset_at : 0;
    double j = curve_package_j(c, t) - curve_package_j(c, from);
    double d = curve_dram_j(c, t) - curve_dram_j(c, from);
    if (zone == RAPL_DRAM)
        j = d;
    else if (zone == RAPL_PSYS)
        j = 1.2 * (j + d);
    else if (zone == RAPL_CORE)
        j *= 0.75;
    if (!from)
        j += m->start_j;
    uint64_t q = zone == RAPL_PSYS ? 1000000 : m->quantum_uj;
    return (uint64_t)(j * 1e6 / (double)q) * q;
}

/* The register's value at t. */
static inline uint64_t rapl_value_uj(const struct rapl_model *m, enum rapl_zone zone, int64_t t)
{
    return rapl_used_uj(m, zone, t) % rapl_modulus(m);
}

/* Opening at t: 0 or an errno. */
static inline int rapl_open(const struct rapl_model *m, int64_t t)
{
    return rapl_in(&m->vanish, t) ? ENOENT : rapl_in(&m->eacces, t) ? EACCES : 0;
}

/* Reading at t what was opened at `opened`: 0 or an errno. A file of a zone that went stays dead. */
static inline int rapl_read(struct rapl_model *m, enum rapl_zone zone, int64_t opened, int64_t t,
                            uint64_t *uj)
{
    uint64_t k = atomic_fetch_add(&m->reads, 1) + 1;
    if (m->vanish.at >= 0 && opened < m->vanish.at && t >= m->vanish.at)
        return ENODEV;
    if (rapl_in(&m->eacces, t))
        return EACCES;
    if (m->eio_every && k % m->eio_every == 0)
        return EIO;
    *uj = rapl_value_uj(m, zone, t);
    return 0;
}

/* What a perf event opened at `opened` has counted by t, in 2^-32 J; a reset is none, the kernel adds up. */
static inline uint64_t rapl_count(const struct rapl_model *m, enum rapl_zone zone, int64_t opened, int64_t t)
{
    return (uint64_t)((double)(rapl_used_uj(m, zone, t) - rapl_used_uj(m, zone, opened)) * 4294.967296);
}

#endif
