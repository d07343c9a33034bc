/* Where things of the user lie, by the environment and the XDG rules. */
#ifndef IPW_CLI_PATHS_H
#define IPW_CLI_PATHS_H

#include <limits.h>

/* Question sets and models that were pulled: $IPW_DATA, else $XDG_DATA_HOME/ipw, else ~/.local/share/ipw. With sub, that
 * folder in it. Nothing is made. Returns out, "" when there is no home. */
const char *cli_data_dir(const char *sub, char out[PATH_MAX]);

/* Settings: $XDG_CONFIG_HOME/ipw/name, else ~/.config/ipw/name. Returns out, "" when there is no home. */
const char *cli_config_file(const char *name, char out[PATH_MAX]);

/* What can be made again: $IPW_CACHE/name, else $XDG_CACHE_HOME/ipw/name, else ~/.cache/ipw/name. Returns out, "" when
 * there is no home. */
const char *cli_cache_file(const char *name, char out[PATH_MAX]);

/* A path under the home folder ("" when there is none). Returns out. */
const char *cli_home(const char *sub, char out[PATH_MAX]);

#endif
