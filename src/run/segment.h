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

/* Inside a transaction. */
int run_segment_begin(struct run_segment *s, struct store *store, const struct ipw_env *env,
                      const struct run_machine *machine, const struct meter *meter, const struct engine_ops *ops,
                      struct engine *engine, const char *ipw_build, struct ipw_err *err);
void run_segment_release(struct run_segment *s);

/* Refuses to resume on another device set or energy signature than the run has (IPW_E_INPUT). */
int run_segment_check(struct store *store, const struct meter *meter, const struct engine_ops *ops,
                      struct engine *engine, struct ipw_err *err);

#endif
