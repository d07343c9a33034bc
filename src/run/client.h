/* What the client itself did while it measured: without it nobody can tell whether the server was slow or we were. */
#ifndef IPW_RUN_CLIENT_H
#define IPW_RUN_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "run/selftest.h"
#include "store/store.h"
#include "table/rows.h"

/* From the first measured request on. */
struct run_load {
    int64_t t0_ns, t1_ns;              /* ipw_now(): the first was due, the last had ended; 0: nothing was measured */
    int64_t t_full_ns, t_last_ask_ns;  /* the load was full between these: steady window; 0: it never was */
    int64_t cpu_ns;                    /* of the work thread; -1 unknown */
    uint64_t pieces;                   /* tokens, or pieces of a stream */
    size_t requests;                   /* that were sent */
};

/* Inside a transaction: meta.client (JSON; test NULL: none was made) and the steady window as events, of a segment whose time zero is anchor_ns. */
int run_client_put(struct store *store, int64_t segment, int64_t anchor_ns, const struct run_load *load,
                   const struct selftest *test, struct ipw_err *err);

/* Its figures as members of `to`. */
void run_selftest_put(struct json_out *o, json_node *to, const struct selftest *t);

/* The same read back, and how joules were shared among requests (meta.weights). */
int run_client_load(struct table_run *t, struct store *store, struct ipw_err *err);

#endif
