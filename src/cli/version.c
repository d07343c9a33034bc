#include "cli/cli.h"
#include "cli/version.h"

const char *const cli_version = "ipw " IPW_VERSION " (C)";

extern const struct command command_version;

static int version(struct cli *cli, int argc, char **argv)
{
    const char *rest[1 + 64];
    size_t n;
    int rc;
    (void)cli;
    if (cli_options(&command_version, NULL, 0, argc < 64 ? argc : 64, argv, rest, &n, &rc))
        return rc;
    if ((rc = cli_extra(rest, n)))
        return rc;
    char text[64];
    int len = snprintf(text, sizeof text, "%s\n", cli_version);
    return cli_print(text, (size_t)len);
}

const struct command command_version = {
    .name = "version", .summary = "this program's version", .usage = "ipw version", .run = version};
