/* The writer thread: the only one that touches the store while a run is going. It drains the rings every 250 ms and
 * at query end, and commits one transaction per finished query (or a group when several wait). */
#ifndef IPW_RUN_WRITER_H
#define IPW_RUN_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "energy/ring.h"
#include "energy/sampler.h"
#include "engine/tokenizer.h"
#include "run/segment.h"

/* A finished query on its way to the store; strings live in its arena. */
struct run_record {
    struct run_record *next;
    struct ipw_arena arena;
    struct store_query q;
    struct store_text text;
    struct store_question question;
    struct store_served served;
    char detail[300]; /* of a failure, for people; "": none */
};
struct run_record *run_record_new(void);
void run_record_free(struct run_record *r);

/* What is known so far; watts is an approximation that is never stored (NAN unknown). */
struct run_progress {
    size_t done, total, right, scored, failed;
    double watts;
    bool estimated;
    uint64_t tokens;  /* written so far by this process, warm-up included */
    int64_t question; /* index in the question set of the one that was asked last; -1: none yet */
};

struct writer {
    const struct ipw_env *env;
    struct store *store;
    const struct meter *meter;
    const struct run_segment *segment;
    struct sampler *sampler;
    struct energy_ring *boundary; /* the work thread's */
    const struct tokenizer *tokenizer; /* counts what a server did not; NULL: none. Before anything is put */
    /* private */
    void (*tick)(const struct run_progress *, void *ud); /* under lock: after every round, from the writer thread */
    void *ud;
    struct writer_job {
        int (*fn)(struct store *, void *, struct ipw_err *);
        void *ud;
        struct ipw_err *err;
        int rc;
    } *job; /* under lock: waits to be done */
    pthread_cond_t job_done;
    struct pending *pending; /* per channel */
    size_t n_channels;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct run_record *head, **tail; /* under lock */
    bool stop;                       /* under lock */
    _Atomic bool failed;
    struct ipw_err err; /* valid when failed, after writer_stop */
    struct run_progress progress;
    int64_t last_clock_ns, last_readings_ns;
    struct ipw_clock_triple clock; /* the last one written */
    struct throttle *throttle;     /* changes that wait for a transaction */
    size_t n_throttle, cap_throttle;
    size_t n_failures;
    char first_failure[300]; /* "": none; valid after writer_stop */
};

/* The caller has set env .. boundary and progress.total. */
int writer_start(struct writer *w, struct ipw_err *err);
void writer_put(struct writer *w, struct run_record *r); /* takes r */
/* From now on fn is called after every round; NULL ends it (and waits for one that is going on). */
void writer_on_tick(struct writer *w, void (*fn)(const struct run_progress *, void *ud), void *ud);
/* Does fn in a transaction of the writer thread, and waits for it. */
int writer_call(struct writer *w, int (*fn)(struct store *, void *ud, struct ipw_err *), void *ud, struct ipw_err *err);
bool writer_failed(struct writer *w);                    /* the store cannot be written: stop asking */
int writer_stop(struct writer *w, struct ipw_err *err);  /* writes what waits, joins; the first error */

#endif
