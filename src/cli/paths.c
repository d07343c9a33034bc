#include "cli/paths.h"

#include <stdio.h>

#include "cli/cli.h"

static const char *join(const char *dir, const char *name, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, *name ? "%s/%s" : "%s", dir, name);
    if (n >= PATH_MAX)
        out[0] = '\0';
    return out;
}

/* A base that is not absolute does not count: the XDG rule. */
static const char *below(const char *base, const char *name, char out[PATH_MAX])
{
    out[0] = '\0';
    return *base == '/' ? join(base, name, out) : out;
}

const char *cli_home(const char *sub, char out[PATH_MAX])
{
    return below(cli_setting("HOME"), sub, out);
}

const char *cli_data_dir(const char *sub, char out[PATH_MAX])
{
    char base[PATH_MAX];
    if (*cli_setting("IPW_DATA"))
        return join(cli_setting("IPW_DATA"), sub, out);
    if (*cli_setting("XDG_DATA_HOME") == '/')
        below(cli_setting("XDG_DATA_HOME"), "ipw", base);
    else
        cli_home(".local/share/ipw", base);
    return below(base, sub, out);
}

const char *cli_config_file(const char *name, char out[PATH_MAX])
{
    char base[PATH_MAX];
    if (*cli_setting("XDG_CONFIG_HOME") == '/')
        below(cli_setting("XDG_CONFIG_HOME"), "ipw", base);
    else
        cli_home(".config/ipw", base);
    return below(base, name, out);
}

const char *cli_cache_file(const char *name, char out[PATH_MAX])
{
    char base[PATH_MAX];
    if (*cli_setting("IPW_CACHE"))
        return join(cli_setting("IPW_CACHE"), name, out);
    if (*cli_setting("XDG_CACHE_HOME") == '/')
        below(cli_setting("XDG_CACHE_HOME"), "ipw", base);
    else
        cli_home(".cache/ipw", base);
    return below(base, name, out);
}
