/* The twin of fake_powercap without FUSE: an env whose files come from a fakefs tree, whose energy_uj files may
 * come from a rapl_model, whose calls fail where a test says, and whose clock stands still unless moved.
 * A perf event has the path "perf:TYPE:CONFIG:CPU", for rules too; the model feeds it, else perf_count. */
#ifndef IPW_FAKES_FAKE_IO_H
#define IPW_FAKES_FAKE_IO_H

#include "base/env.h"
#include "fakes/rapl_model.h"

struct fake_rule {
    const char *part;       /* of the path */
    int open_rc, pread_rc;  /* errno, 0: as usual */
};

enum { FAKE_FDS = 64, FAKE_RULES = 4 };

struct fake_io {
    struct ipw_env env; /* give &f->env away */
    char root[256], proc[264];
    struct rapl_model *model; /* NULL: energy_uj as in the tree */
    _Atomic uint64_t perf_count[8]; /* by config */
    struct fake_rule rules[FAKE_RULES];
    bool real_clock;      /* ticks with the machine's clock, from 0 */
    int64_t real_epoch;
    _Atomic int64_t now;  /* ns; moves by step_ns at each look */
    int64_t step_ns;
    _Atomic int64_t cpu;  /* ns of process time */
    _Atomic int64_t slept; /* ns that boot time is ahead of the clock: the machine was suspended */
    _Atomic int open_fds;
    struct {
        _Atomic int real; /* 0: free */
        int64_t opened;
        int zone;         /* enum rapl_zone, -1: a plain file */
        int event;        /* config of a perf event, 0: a file */
        char path[160];
    } fd[FAKE_FDS];       /* the descriptors given out are 1000 + index */
};

void fake_io_init(struct fake_io *f, const char *fixture);
void fake_io_release(struct fake_io *f); /* removes the tree */

#endif
