/* A descriptor that one thread replaces while other threads read it: what was given to a reader is closed only when no
 * reader can hold it. */
#ifndef IPW_ENERGY_LIVE_FD_H
#define IPW_ENERGY_LIVE_FD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

struct live_fd {
    _Atomic int fd; /* -1: never opened */
    _Atomic unsigned readers;
    _Atomic bool gone; /* the last read said that the source vanished */
    int retired;       /* what fd was before */
};
#define LIVE_FD_INIT {.fd = -1, .retired = -1}

typedef int live_fd_reader(const struct ipw_env *env, int fd, uint64_t *raw); /* 0 or -errno */

/* Any thread, around a read: the descriptor, -1 when nothing is open; then what the read gave. -ENODEV, -ENXIO, -ENOENT
 * mean gone. */
int live_fd_hold(struct live_fd *l);
void live_fd_let_go(struct live_fd *l, int fd, int rc);

/* Both in one. -ENODEV when nothing is open; */
int live_fd_read(struct live_fd *l, const struct ipw_env *env, live_fd_reader *read, uint64_t *raw);

/* The rest: one thread. True when the source is gone and a new descriptor can be taken. */
bool live_fd_wants(struct live_fd *l, const struct ipw_env *env);
void live_fd_replace(struct live_fd *l, const struct ipw_env *env, int fd);
void live_fd_close(struct live_fd *l, const struct ipw_env *env); /* nobody reads any more; twice is once */

#endif
