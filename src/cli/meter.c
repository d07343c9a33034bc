#include "cli/meter.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/calibration.h"

static const char *const names[] = {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                    "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"};
enum { N_NAMES = sizeof names / sizeof names[0] };

bool cli_devices_given(void)
{
    for (size_t i = 0; i < N_NAMES; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

/* What a job was given, in the words of the runtime that would use it. NULL: everything; "": nothing. */
static const char *visible_devices(void)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        const char *v = getenv(names[i]);
        if (!v)
            continue;
        if (ipw_streq(v, "all") || strstr(v, "MIG-")) /* a MIG slice has no meter of its own: the whole GPU counts */
            return NULL;
        return ipw_streq(v, "none") || ipw_streq(v, "void") ? "" : v;
    }
    return NULL;
}

int cli_meter_open(struct meter **out, const struct cli *cli, const struct cli_meter *opt, struct ipw_err *err)
{
    int mode = meter_mode_of(opt->energy ? opt->energy : "auto");
    if (mode < 0)
        return ipw_err_set(err, IPW_E_USAGE, "'--energy %s': auto, measured, estimated or none is needed", opt->energy);
    struct meter_cfg cfg = {.mode = (enum meter_mode)mode, .devices = opt->devices, .include = opt->include};
    struct energy_calibration k;
    bool found = false;
    *out = NULL;
    bool model = cfg.mode == METER_AUTO || cfg.mode == METER_ESTIMATED; /* a damaged file is nothing to the others */
    int rc = model ? calibration_load(cli, &k, &found, err) : 0;
    if (rc)
        return rc;
    cfg.calibration = found ? &k : NULL;
    if (!cfg.devices) {
        cfg.devices = visible_devices();
        cfg.stop_at_unknown = true;
    }
    return meter_open(out, &cli->env, &cfg, err);
}

int cli_meter_look(struct meter **out, const struct cli *cli, struct ipw_err *trouble, struct ipw_err *err)
{
    if (!cli_meter_open(out, cli, &(struct cli_meter){0}, trouble)) {
        *trouble = (struct ipw_err){0}; /* what was looked for and is not needed may have left its text */
        return 0;
    }
    return meter_open(out, &cli->env, &(struct meter_cfg){.mode = METER_AUTO}, err);
}
