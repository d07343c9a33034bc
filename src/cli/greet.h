/* Bare `ipw`: this machine, how its joules are measured, the models that are here, the newest run, and what to try. */
#ifndef IPW_CLI_GREET_H
#define IPW_CLI_GREET_H

#include "cli/cli.h"
#include "energy/meter.h"
#include "engine/models.h"
#include "run/runs.h"

/* What is greeted with. */
struct greeting {
    const struct ipw_env *env;
    const struct meter *meter;         /* NULL: could not be opened */
    const char *trouble;               /* why, or what a run would stop at; NULL: nothing */
    const struct local_models *models;
    const struct run_brief *newest;    /* NULL: none yet */
    int64_t now_real_ns;
};

void greeting_text(const struct greeting *g, int columns, struct ipw_buf *out);

/* Prints it; the exit code. */
int greet(struct cli *cli);

#endif
