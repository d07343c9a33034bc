/* How commands open a meter: modes, devices and calibration by flag and environment. */
#ifndef IPW_CLI_METER_H
#define IPW_CLI_METER_H

#include "cli/cli.h"
#include "energy/meter.h"

struct cli_meter { /* texts of flags, NULL: not given */
    const char *energy, *devices, *include;
};

/* Whether the environment says which GPUs take part (CUDA_VISIBLE_DEVICES and its relatives). */
bool cli_devices_given(void);

/* --energy, --devices (else CUDA_VISIBLE_DEVICES and its relatives, which may name what is not here), --include; a model takes what ipw calibrate
 * stored. Every command opens its meter here. */
int cli_meter_open(struct meter **out, const struct cli *cli, const struct cli_meter *opt, struct ipw_err *err);

/* For commands that only look: as a run without flags would open it; where that fails (a damaged calibration) *trouble says
 * why, its code is not 0, and the meter is the one without. */
int cli_meter_look(struct meter **out, const struct cli *cli, struct ipw_err *trouble, struct ipw_err *err);

#endif
