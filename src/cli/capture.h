/* ipw sensors --capture DIR: this machine's counters as a folder that another machine can replay: its /sys and /proc as
 * far as collectors look at them, 20 readings a second, and the list of channels. Serial numbers and names are hashed. */
#ifndef IPW_CLI_CAPTURE_H
#define IPW_CLI_CAPTURE_H

#include "cli/cli.h"
#include "energy/meter.h"

/* dir is made; it must be new or empty. as_json: what ipw sensors -o json prints. Says on stdout what it wrote. */
int capture(const struct cli *cli, const char *dir, double seconds,
            void (*as_json)(const struct meter *m, struct ipw_buf *out), struct ipw_err *err);

#endif
