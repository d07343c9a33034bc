#include "energy/live_fd.h"

#include <errno.h>

int live_fd_hold(struct live_fd *l)
{
    atomic_fetch_add(&l->readers, 1); /* before fd is looked at: see drop_retired */
    return atomic_load(&l->fd);
}

void live_fd_let_go(struct live_fd *l, int fd, int rc)
{
    atomic_fetch_sub(&l->readers, 1);
    if (fd >= 0 && (rc == -ENODEV || rc == -ENXIO || rc == -ENOENT))
        atomic_store(&l->gone, true);
}

int live_fd_read(struct live_fd *l, const struct ipw_env *env, live_fd_reader *read, uint64_t *raw)
{
    int fd = live_fd_hold(l), rc = fd < 0 ? -ENODEV : read(env, fd, raw);
    live_fd_let_go(l, fd, rc);
    return rc;
}

/* A reader counts itself before it loads fd; so once fd holds the new descriptor and no reader is counted,
 * nobody can use the old one. */
static void drop_retired(struct live_fd *l, const struct ipw_env *env)
{
    if (l->retired >= 0 && !atomic_load(&l->readers)) {
        env->io->close(env, l->retired);
        l->retired = -1;
    }
}

bool live_fd_wants(struct live_fd *l, const struct ipw_env *env)
{
    if (!atomic_load(&l->gone))
        return false;
    drop_retired(l, env);
    return l->retired < 0;
}

void live_fd_replace(struct live_fd *l, const struct ipw_env *env, int fd)
{
    atomic_store(&l->gone, false);
    l->retired = atomic_exchange(&l->fd, fd);
    drop_retired(l, env);
}

void live_fd_close(struct live_fd *l, const struct ipw_env *env)
{
    int fd = atomic_exchange(&l->fd, -1);
    if (fd >= 0)
        env->io->close(env, fd);
    drop_retired(l, env);
}
