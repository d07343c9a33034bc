/* What measuring costs: ipw sensors --cost. */
#ifndef IPW_CLI_COST_H
#define IPW_CLI_COST_H

#include "cli/cli.h"
#include "energy/meter.h"

/* What the sampler takes over some seconds; cpu_share: of one core. */
struct cost_sampling {
    double wakes_s, cpu_share;
    size_t threads;
};
int cost_sampler(const struct cli *cli, struct meter *m, double seconds, struct cost_sampling *out, struct ipw_err *err);

/* Latency of every channel, wakes and CPU time of the sampler over some seconds; with a model, tokens/s with and
 * without the sampler inside one generation, switched every 16 tokens. Text at 80 columns. */
int cost_report(struct cli *cli, struct meter *m, const char *model, int64_t threads, struct ipw_buf *out,
                struct ipw_err *err);

#endif
