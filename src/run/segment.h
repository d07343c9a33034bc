/* A segment: one process that writes a run. Registers it, its devices and its channels in run.db. */
#ifndef IPW_RUN_SEGMENT_H
#define IPW_RUN_SEGMENT_H

#include "energy/meter.h"
#include "engine/engine.h"
#include "run/machine.h"
#include "store/store.h"

struct run_segment {
    int64_t id;
    int64_t anchor_ns;   /* ipw_now() of its time zero */
    int64_t *channel_id; /* in run.db, by the meter's channel index; 0: not recorded (could not be read) */
};

/* Inside a transaction, before the model is loaded. */
int run_segment_begin(struct run_segment *s, struct store *store, const struct ipw_env *env,
                      const struct run_machine *machine, const struct meter *meter, const struct engine_ops *ops,
                      const char *ipw_build, struct ipw_err *err);

/* Tells the meter what computes, once the engine is open. On the writer's thread, if there is one: it reads what this
 * changes. */
void run_segment_computing(struct meter *meter, const struct engine_ops *ops, struct engine *engine);

/* Inside a transaction, after that: the devices, and what they make of the total. */
int run_segment_engine(const struct run_segment *s, struct store *store, const struct run_machine *machine,
                       const struct meter *meter, const struct engine_ops *ops, struct engine *engine, struct ipw_err *err);
void run_segment_release(struct run_segment *s);

/* Refuses to resume on another device set or energy signature than the run has (IPW_E_INPUT). After
 * run_segment_computing. */
int run_segment_check(struct store *store, const struct meter *meter, const struct engine_ops *ops,
                      struct engine *engine, struct ipw_err *err);

/* How far boot (real: false) or wall time went beyond raw time between two triples, ns; 0 when it is within what
 * steering of the clocks explains. Boot: the machine was suspended. Real: somebody set the clock. */
int64_t segment_jump_ns(const struct ipw_clock_triple *a, const struct ipw_clock_triple *b, bool real);

#endif
