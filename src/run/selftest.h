/* How much this client adds to what it measures, here and now: it asks a server that computes nothing (net/null_server.h)
 * through the engine `openai`, whose every part a run uses, and holds what it sees against that server's schedule. */
#ifndef IPW_RUN_SELFTEST_H
#define IPW_RUN_SELFTEST_H

#include <stdatomic.h>

#include "base/env.h"
#include "base/err.h"

/* At one number of streams. Delays are of tokens against the schedule, seconds; the server's own lateness is in them, and
 * beside them. Unknown: NAN. */
struct selftest {
    int64_t streams;
    double seconds;
    uint64_t pieces;
    double delay_p50_s, delay_p99_s;
    double server_p50_s, server_p99_s; /* how late that server was */
    double cpu_ns_per_piece;           /* of the asking thread, everything included */
    double cpu_share;
};

/* For so many seconds, at least one answer per stream. IPW_E_INTERRUPTED when *stop rises. */
int selftest_run(const struct ipw_env *env, int64_t streams, double seconds, const _Atomic int *stop, struct selftest *out,
                 struct ipw_err *err);

#endif
