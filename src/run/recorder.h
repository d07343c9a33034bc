/* The recorder: everything that runs beside the questions of a segment (sampler lanes, writer), from before the model is
 * loaded until after the last answer, so that one time line holds baselines, loading, warm-up and queries. */
#ifndef IPW_RUN_RECORDER_H
#define IPW_RUN_RECORDER_H

#include "run/writer.h"

enum { RECORDER_BOUNDARY = 64 };

struct recorder {
    const struct ipw_env *env;
    struct meter *meter;
    const struct run_segment *segment;
    struct sampler sampler;
    struct energy_ring *boundary; /* the work thread's readings */
    size_t boundary_ch[RECORDER_BOUNDARY], n_boundary;
    struct writer writer;
    bool running;
};

/* The segment is in the store; from here on only the writer thread touches the store, until recorder_stop. done of
 * total questions are answered already. */
int recorder_start(struct recorder *r, const struct ipw_env *env, struct store *store, struct meter *meter,
                   const struct run_segment *segment, size_t done, size_t total, struct ipw_err *err);

/* Reads the fast counters now: the work thread at a query's boundary. No allocation, no lock. */
void recorder_boundary(struct recorder *r);

/* Lets `seconds` pass without a question and notes them as a baseline of that kind ("cold", "loaded", "after").
 * IPW_E_INTERRUPTED when *signals rises meanwhile: then it is not noted. */
int recorder_baseline(struct recorder *r, const char *kind, double seconds, const _Atomic int *signals,
                      struct ipw_err *err);

/* Notes a span of time that has passed: "load" is a server that was being started. */
int recorder_span(struct recorder *r, const char *kind, int64_t from_ns, int64_t to_ns, struct ipw_err *err);

/* Ends both threads and writes what waits; the store is the caller's again. Twice is once. */
int recorder_stop(struct recorder *r, struct ipw_err *err);

#endif
