#include "net/null_wait.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define SEC ((int64_t)1000000000)

int64_t null_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SEC + t.tv_nsec;
}

#if defined(__linux__) && !defined(NULL_WAIT_POLL)

#include <sys/epoll.h>
#include <sys/timerfd.h>

struct null_wait {
    int epoll, timer;
    int64_t armed;
};

struct null_wait *null_wait_open(void)
{
    struct null_wait *w = ipw_calloc(1, sizeof *w);
    w->armed = INT64_MAX;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->epoll >= 0 && w->timer >= 0 && null_wait_add(w, w->timer, NULL))
        return w;
    int e = errno;
    null_wait_close(w);
    errno = e;
    return NULL;
}

void null_wait_close(struct null_wait *w)
{
    if (w->timer >= 0)
        close(w->timer);
    if (w->epoll >= 0)
        close(w->epoll);
    free(w);
}

bool null_wait_add(struct null_wait *w, int fd, void *ud)
{
    return !epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = ud});
}

void null_wait_change(struct null_wait *w, int fd, void *ud, bool write)
{
    uint32_t events = write ? EPOLLIN | EPOLLOUT : EPOLLIN;
    epoll_ctl(w->epoll, EPOLL_CTL_MOD, fd, &(struct epoll_event){.events = events, .data.ptr = ud});
}

void null_wait_remove(struct null_wait *w, int fd)
{
    epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Setting the timer also takes back that it has run out, so it is never read. */
static void arm(struct null_wait *w, int64_t until)
{
    struct itimerspec t = {.it_value = {0, 0}};
    if (until == w->armed)
        return;
    w->armed = until;
    if (until != INT64_MAX)
        t.it_value = (struct timespec){until / SEC, until % SEC};
    timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

int null_wait(struct null_wait *w, int64_t until, struct null_ready *ready, int cap)
{
    struct epoll_event ev[512];
    bool past = until <= null_now();
    int n, out = 0, most = cap < 512 ? cap : 512;
    if (!past)
        arm(w, until);
    n = epoll_wait(w->epoll, ev, most, past ? 0 : -1);
    for (int i = 0; i < n; i++) {
        bool gone = ev[i].events & (EPOLLERR | EPOLLHUP);
        if (ev[i].data.ptr)
            ready[out++] = (struct null_ready){ev[i].data.ptr, gone || ev[i].events & EPOLLIN, gone || ev[i].events & EPOLLOUT};
        else
            w->armed = -1; /* the next moment is set even when it is the same */
    }
    return out;
}

#else

struct null_wait {
    struct pollfd *fd;
    void **ud;
    size_t n, fd_cap, ud_cap, from; /* from: where the last look ended, so that all get their turn */
};

struct null_wait *null_wait_open(void)
{
    return ipw_calloc(1, sizeof(struct null_wait));
}

void null_wait_close(struct null_wait *w)
{
    free(w->fd);
    free(w->ud);
    free(w);
}

bool null_wait_add(struct null_wait *w, int fd, void *ud)
{
    IPW_GROW(w->fd, w->n, w->fd_cap);
    IPW_GROW(w->ud, w->n, w->ud_cap);
    w->fd[w->n] = (struct pollfd){.fd = fd, .events = POLLIN};
    w->ud[w->n++] = ud;
    return true;
}

static size_t index_of(const struct null_wait *w, int fd)
{
    size_t i = 0;
    while (i < w->n && w->fd[i].fd != fd)
        i++;
    return i;
}

void null_wait_change(struct null_wait *w, int fd, void *ud, bool write)
{
    size_t i = index_of(w, fd);
    if (i == w->n)
        return;
    w->ud[i] = ud;
    w->fd[i].events = write ? POLLIN | POLLOUT : POLLIN;
}

void null_wait_remove(struct null_wait *w, int fd)
{
    size_t i = index_of(w, fd);
    if (i == w->n)
        return;
    w->fd[i] = w->fd[--w->n];
    w->ud[i] = w->ud[w->n];
}

int null_wait(struct null_wait *w, int64_t until, struct null_ready *ready, int cap)
{
    int64_t left = until == INT64_MAX ? INT64_MAX : until - null_now();
    int ms = left == INT64_MAX || left > 1000 * SEC ? 1000000 : left > 0 ? (int)(left / 1000000) : 0, out = 0;
    if (poll(w->fd, (nfds_t)w->n, ms) <= 0 && ms == 0 && left > 0) {
        /* what poll cannot wait for: less than a millisecond */
        nanosleep(&(struct timespec){0, (long)left}, NULL);
        poll(w->fd, (nfds_t)w->n, 0);
    }
    for (size_t i = 0; i < w->n && out < cap; i++) {
        size_t at = (w->from + i) % w->n;
        short got = w->fd[at].revents;
        bool gone = got & (POLLERR | POLLHUP | POLLNVAL);
        if (!got)
            continue;
        ready[out++] = (struct null_ready){w->ud[at], gone || got & POLLIN, gone || got & POLLOUT};
        if (out == cap)
            w->from = at + 1;
    }
    return out;
}

#endif
