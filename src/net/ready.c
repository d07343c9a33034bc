#include "net/ready.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#ifdef __linux__
#include <sys/epoll.h>

struct ready {
    int fd;
    bool coarse; /* the kernel has no epoll_pwait2: milliseconds */
    unsigned char *known;
    size_t cap;
};

struct ready *ready_new(void)
{
    struct ready *r = ipw_calloc(1, sizeof *r);
    r->fd = epoll_create1(EPOLL_CLOEXEC);
    if (r->fd >= 0)
        return r;
    free(r);
    return NULL;
}

void ready_free(struct ready *r)
{
    if (!r)
        return;
    close(r->fd);
    free(r->known);
    free(r);
}

bool ready_set(struct ready *r, int fd, int what)
{
    struct epoll_event ev = {.events = (what & READY_IN ? EPOLLIN : 0u) | (what & READY_OUT ? EPOLLOUT : 0u),
                             .data.fd = fd};
    if ((size_t)fd >= r->cap) {
        size_t cap = (size_t)fd * 2 + 64;
        r->known = ipw_realloc(r->known, cap);
        for (size_t i = r->cap; i < cap; i++)
            r->known[i] = 0;
        r->cap = cap;
    }
    int op = !what ? EPOLL_CTL_DEL : r->known[fd] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (op == EPOLL_CTL_DEL && !r->known[fd])
        return true;
    r->known[fd] = what != 0;
    int rc = epoll_ctl(r->fd, op, fd, &ev);
    if (rc && op == EPOLL_CTL_MOD && errno == ENOENT) /* it was closed, and another took its number */
        rc = epoll_ctl(r->fd, EPOLL_CTL_ADD, fd, &ev);
    return !rc || op == EPOLL_CTL_DEL;
}

static int wait_for(struct ready *r, int64_t timeout_ns, struct epoll_event *ev, int cap)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
    if (!r->coarse) {
        struct timespec ts = {timeout_ns / 1000000000, timeout_ns % 1000000000};
        int n = epoll_pwait2(r->fd, ev, cap, timeout_ns < 0 ? NULL : &ts, NULL);
        if (n >= 0 || errno != ENOSYS)
            return n;
        r->coarse = true;
    }
#endif
    int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
    return epoll_wait(r->fd, ev, cap, ms > INT_MAX ? INT_MAX : (int)ms);
}

int ready_wait(struct ready *r, int64_t timeout_ns, struct ready_fd *out, int cap)
{
    struct epoll_event ev[256];
    int n = wait_for(r, timeout_ns, ev, cap < 256 ? cap : 256);
    for (int i = 0; i < n; i++)
        out[i] = (struct ready_fd){ev[i].data.fd, (ev[i].events & EPOLLIN ? READY_IN : 0) |
                                                      (ev[i].events & EPOLLOUT ? READY_OUT : 0) |
                                                      (ev[i].events & (EPOLLERR | EPOLLHUP) ? READY_ERR : 0)};
    return n < 0 ? 0 : n;
}

#else
#include <poll.h>

struct ready {
    struct pollfd *v;
    size_t n, cap;
};

struct ready *ready_new(void)
{
    return ipw_calloc(1, sizeof(struct ready));
}

void ready_free(struct ready *r)
{
    if (r)
        free(r->v);
    free(r);
}

bool ready_set(struct ready *r, int fd, int what)
{
    size_t i = 0;
    while (i < r->n && r->v[i].fd != fd)
        i++;
    if (!what) {
        if (i < r->n)
            r->v[i] = r->v[--r->n];
        return true;
    }
    if (i == r->n) {
        IPW_GROW(r->v, r->n, r->cap);
        r->n++;
    }
    r->v[i] = (struct pollfd){fd, (short)((what & READY_IN ? POLLIN : 0) | (what & READY_OUT ? POLLOUT : 0)), 0};
    return true;
}

int ready_wait(struct ready *r, int64_t timeout_ns, struct ready_fd *out, int cap)
{
    int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
    int n = 0;
    if (poll(r->v, (nfds_t)r->n, ms > INT_MAX ? INT_MAX : (int)ms) <= 0)
        return 0;
    for (size_t i = 0; i < r->n && n < cap; i++)
        if (r->v[i].revents)
            out[n++] = (struct ready_fd){r->v[i].fd, (r->v[i].revents & POLLIN ? READY_IN : 0) |
                                                         (r->v[i].revents & POLLOUT ? READY_OUT : 0) |
                                                         (r->v[i].revents & (POLLERR | POLLHUP) ? READY_ERR : 0)};
    return n;
}
#endif
