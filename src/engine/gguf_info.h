/* What a GGUF file says about its model, read from the header alone (no weights are loaded). */
#ifndef IPW_ENGINE_GGUF_INFO_H
#define IPW_ENGINE_GGUF_INFO_H

#include <stdint.h>

#include "base/err.h"

struct gguf_info {
    char name[128]; /* general.name, else the file's base name */
    char arch[64];
    int64_t params_total;
    int64_t params_active; /* expert tensors counted by experts used / experts */
    int64_t bytes;         /* of the file */
    int64_t n_layer, n_expert, n_expert_used; /* -1 unknown */
    char fingerprint[65];  /* decisions.md: header, tensor table, size, three 1 MiB samples */
};

/* IPW_E_INPUT, naming the file and the way out, when it is absent, not GGUF, truncated, or not a text model
 * (an adapter, a projector, a vocabulary, an encoder). */
int gguf_info_read(struct gguf_info *info, const char *path, struct ipw_err *err);

#endif
