/* A server that computes nothing: it answers POST .../chat/completions with a stream whose frames leave at known times, so
 * that what a client adds can be told apart. For `ipw selftest` (in a thread) and bench/ (as a program). It speaks enough
 * HTTP/1.1 for clients of every kind: keep-alive, chunked, GET /v1/models and /health; no TLS. A frame with the role alone
 * comes at once, as from servers that do so; a client must not take it for a token. */
#ifndef IPW_NET_NULL_SERVER_H
#define IPW_NET_NULL_SERVER_H

#include <stdint.h>

#include "base/err.h"

struct null_schedule {
    int64_t first_ns;  /* from the request's last byte to the first token */
    int64_t between_ns;
    int64_t tokens;    /* per answer, at least 1 */
};

/* What it saw. requests: answered whole; frames: with a token. late: how much after their times frames were written, to
 * 3 %. cpu: of its thread, up to the last whole answer. first: CLOCK_MONOTONIC at the end of the first question, 0: none. */
struct null_seen {
    int64_t requests, frames, late_p50_ns, late_p99_ns, cpu_ns, first_ns;
};

struct null_server;

/* Listens on 127.0.0.1 (port 0: any), one thread. Every frame carries its number and the CLOCK_MONOTONIC ns at which it was
 * written: {"ipw_frame": N, "ipw_ns": ...} beside "choices". IPW_E_ENV when the port is taken. */
int null_server_start(struct null_server **out, int port, const struct null_schedule *schedule, struct ipw_err *err);
int null_server_port(const struct null_server *s);
void null_server_seen(struct null_server *s, struct null_seen *seen);
void null_server_stop(struct null_server *s); /* NULL is fine */

#endif
