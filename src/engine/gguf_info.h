/* What a GGUF file says about its model, read from the header alone (no weights are loaded). */
#ifndef IPW_ENGINE_GGUF_INFO_H
#define IPW_ENGINE_GGUF_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Counts are -1 when the file does not tell, words "". */
struct gguf_info {
    char name[128]; /* general.name, else the file's base name */
    char arch[64], quant[24], license[64];
    int64_t params_total;
    int64_t params_active; /* expert tensors counted by experts used / experts */
    int64_t bytes;         /* of the file, of all its parts */
    int64_t n_layer, n_expert, n_expert_used, n_ctx_train;
    int64_t parts;         /* of a split file, told by its header; 1: whole */
    bool chat_template;
    /* The memory of a context, 16 bits a number: each token costs kv_token bytes, and kv_window_token more as long as
     * there are fewer than `window` (layers that look back only so far); kv_token -1: not known. */
    int64_t kv_token, kv_window_token, window;
    char fingerprint[65]; /* decisions.md: header, tensor table, size, three 1 MiB samples */
};

/* IPW_E_INPUT, naming the file and the way out, when it is absent, not GGUF, truncated, or not a text model
 * (an adapter, a projector, a vocabulary, an encoder). */
int gguf_info_read(struct gguf_info *info, const char *path, struct ipw_err *err);

/* Of one file, for lists: no fingerprint, and absent parts are no error. *problem: why it cannot be asked, as what follows
 * "it is" ("an adapter (LoRA)", "truncated: ..."), NULL: it can. whole: the tensor table too. Without it the reading stops
 * where the vocabulary begins: params come then from what the file says of itself, the quantisation may stay unknown, and
 * a truncated file is not noticed. Returns the bytes of header that were gone through. */
int64_t gguf_info_peek(struct gguf_info *info, const char *path, bool whole, const char **problem);

/* Bytes of a context of n tokens; -1: not known. */
int64_t gguf_info_context_bytes(const struct gguf_info *info, int64_t n);

/* The most tokens (a multiple of 256, at most what the model was made for) whose context fits into `bytes`. */
int64_t gguf_info_context_in(const struct gguf_info *info, int64_t bytes);

#endif
