/* Descriptors that become ready, or a moment that comes: epoll and a timer of ns resolution where the kernel has them,
 * else poll(2). One thread. */
#ifndef IPW_NET_NULL_WAIT_H
#define IPW_NET_NULL_WAIT_H

#include <stdbool.h>
#include <stdint.h>

struct null_ready {
    void *ud;
    bool readable, writable; /* both when the other end is gone */
};

struct null_wait;

struct null_wait *null_wait_open(void); /* NULL: errno tells why */
void null_wait_close(struct null_wait *w);

/* A descriptor is watched for bytes to read, and for room to write while write is true. False: errno tells why. */
bool null_wait_add(struct null_wait *w, int fd, void *ud);
void null_wait_change(struct null_wait *w, int fd, void *ud, bool write);
void null_wait_remove(struct null_wait *w, int fd); /* before it is closed */

/* Waits until the CLOCK_MONOTONIC time `until` at most (INT64_MAX: for ever); how many are ready. */
int null_wait(struct null_wait *w, int64_t until, struct null_ready *ready, int cap);

int64_t null_now(void); /* CLOCK_MONOTONIC, ns */

#endif
