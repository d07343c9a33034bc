/* A collector is a driver for one kind of energy source. To add one: write src/energy/<name>.c ending in one
 * `const struct energy_collector_ops`, add a row in registry.c, a fixture and a row in the conformance test
 * (docs/add-a-collector.md). */
#ifndef IPW_ENERGY_COLLECTOR_H
#define IPW_ENERGY_COLLECTOR_H

#include "base/env.h"
#include "base/err.h"
#include "energy/channel.h"

struct energy_channels {
    struct energy_channel *v;
    size_t n, cap;
};
struct energy_channel *energy_channels_add(struct energy_channels *list); /* a zeroed row */

struct energy_collector; /* each driver's own state */

/* What ipw calibrate knows about this machine's processors together. */
struct energy_calibration {
    double idle_w, max_w; /* nothing to do; all cores busy */
};

struct energy_collector_ops {
    const char *name;
    const char *what;     /* one line for `ipw list` and the docs */
    const char *verified; /* "hw: ...", "fixture", "stub" */
    bool estimated;       /* a model: used only when no counter can be read */

    /* Appends every channel that exists here, readable or not (status, remedy). Where there is none: one ABSENT row
     * that says why, if the machine shows signs of the hardware (every machine has a CPU), else nothing. Opens what
     * can be read and keeps it in *out (NULL when nothing was opened). Cheap, no side effects. Never fails: trouble
     * is a status. */
    void (*open)(struct energy_collector **out, const struct ipw_env *env,
                 struct energy_channels *list);

    /* Reads channel `local` (its order of appending among this driver's rows) into raw. Returns 0 or -errno.
     * Called from several threads at once; does not allocate, lock or format. */
    int (*read)(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw);

    /* (optional) Tries to get back sources that vanished while running. Called by one thread only, at most once
     * a second, while other threads read; so it never closes what a reader may hold. */
    void (*mend)(struct energy_collector *c, const struct ipw_env *env);

    void (*close)(struct energy_collector *c, const struct ipw_env *env);

    /* (optional, models only) Replaces the coefficients in this driver's own rows. */
    void (*calibrate)(struct energy_collector *c, const struct energy_calibration *k, struct energy_channel *rows, size_t n);
};

extern const struct energy_collector_ops *const energy_collectors[]; /* NULL-terminated, in order of trust */
const struct energy_collector_ops *energy_collector_find(const char *name); /* NULL: none of that name */

#endif
