/* A helper program that answers over a socket pair and may hand over descriptors: ipw-meter. */
#ifndef IPW_BASE_HELPER_H
#define IPW_BASE_HELPER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/env.h"

struct ipw_helper {
    pid_t pid;
    int sock; /* our end of the pair */
};

enum { IPW_HELPER_FD = 3 }; /* the child's end */

/* Starts the program `path` without arguments or environment, in a process group of its own, its standard streams on
 * /dev/null, one end of a new Unix socket pair (messages keep their bounds) as descriptor IPW_HELPER_FD. Returns 0 or
 * -errno; each started child needs ipw_helper_end. */
int ipw_helper_start(struct ipw_helper *p, const char *path);

/* The next message of the child, NUL-terminated, and the descriptor that came with it in *fd (-1: none; the caller
 * closes it). Returns its length, 0 when the child has closed its end, -ETIMEDOUT when nothing comes until
 * `deadline` (a time of env's clock), or another -errno. What does not fit in text is cut. */
ssize_t ipw_helper_receive(struct ipw_helper *p, const struct ipw_env *env, int64_t deadline, char *text, size_t size,
                         int *fd);

/* Kills what is left of the child's group and waits until it is gone. */
void ipw_helper_end(struct ipw_helper *p);

#endif
