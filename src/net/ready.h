/* Which descriptors can be read or written now: epoll where there is one, else poll(2). One thread. */
#ifndef IPW_NET_READY_H
#define IPW_NET_READY_H

#include <stdbool.h>
#include <stdint.h>

enum { READY_IN = 1, READY_OUT = 2, READY_ERR = 4 };
struct ready_fd {
    int fd;
    int what;
};

struct ready;
struct ready *ready_new(void); /* NULL: errno says why */
void ready_free(struct ready *r);
bool ready_set(struct ready *r, int fd, int what); /* READY_IN, READY_OUT; 0 forgets it. False: errno says why */

/* Waits timeout_ns at most (0: looks, negative: for ever); how many, 0 also after a signal. */
int ready_wait(struct ready *r, int64_t timeout_ns, struct ready_fd *out, int cap);

#endif
