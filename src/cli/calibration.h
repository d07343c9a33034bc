/* What ipw calibrate found, in $XDG_CONFIG_HOME/ipw/calibration.json. */
#ifndef IPW_CLI_CALIBRATION_H
#define IPW_CLI_CALIBRATION_H

#include <limits.h>

#include "cli/cli.h"
#include "energy/meter.h"

/* Loads what is stored for this machine's processor; *found is false when nothing is, or it is for another processor.
 * IPW_E_INPUT names a file that is damaged. */
int calibration_load(const struct cli *cli, struct energy_calibration *out, bool *found, struct ipw_err *err);

/* Stores it as this processor's. source: "given" or the collector's name. *json (may be NULL) gets the file's text, the
 * caller frees; path the file's name. */
int calibration_store(const struct cli *cli, const struct energy_calibration *k, const char *source, char path[PATH_MAX],
                      char **json, struct ipw_err *err);

#endif
