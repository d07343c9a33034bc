/* The runner: asks what is owed and hands finished queries to the writer. One loop for one or many in flight. */
#ifndef IPW_RUN_RUNNER_H
#define IPW_RUN_RUNNER_H

#include <stdatomic.h>

#include "dataset/wording.h"
#include "run/client.h"
#include "run/todo.h"
#include "run/recorder.h"

struct run_ctx {
    const struct ipw_env *env;
    const struct run_plan *plan;
    const struct dataset *data;
    const struct dataset_wording *wording; /* NULL: our templates, no examples */
    const struct run_todo *todo;
    struct recorder *recorder; /* running */
    const struct run_segment *segment;
    const struct engine_ops *ops;
    struct engine *engine;
    bool steady; /* warm up until speed and temperature stand still, not a number of times */
    _Atomic int *signals; /* raised by the signal handler; > 0 asks for an orderly end */
    void (*progress)(const struct run_progress *, void *ud); /* from the writer thread, 4 times a second */
    void *ud;
};

/* Asks everything in todo. IPW_E_ENV when requests do not reach a server: ten in a row, or all. IPW_E_INTERRUPTED after a signal: what was finished is committed, the run can be
 * resumed. When the store cannot be written any more it ends, and recorder_stop says why. */
int run_execute(const struct run_ctx *ctx, struct run_load *load, struct ipw_err *err);

#endif
