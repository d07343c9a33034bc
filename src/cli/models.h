/* The models of this user, by name. */
#ifndef IPW_CLI_MODELS_H
#define IPW_CLI_MODELS_H

#include "cli/cli.h"
#include "engine/models.h"

/* All that is here: ipw's own, Ollama's, LM Studio's, the hub's and llama.cpp's caches, and dir unless NULL. Releases with
 * local_models_release, also after an error. cli may be NULL. */
int cli_models(const struct cli *cli, const char *dir, struct local_models *out, struct ipw_err *err);

/* The one of that name; IPW_E_INPUT names the nearest. It may have a problem. */
int cli_model_find(const struct local_models *all, const char *spec, const struct local_model **m, struct ipw_err *err);

/* The file that spec means: a path, or a name that `ipw model list` prints (ollama:qwen3:4b). *path is the caller's to
 * free. IPW_E_INPUT names the nearest, or the problem of a model that cannot be asked. */
int cli_model_path(const struct cli *cli, const char *spec, char **path, struct ipw_err *err);

#endif
