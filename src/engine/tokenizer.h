/* The vocabulary of a GGUF file, to count tokens of texts that a server wrote without counting them. */
#ifndef IPW_ENGINE_TOKENIZER_H
#define IPW_ENGINE_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tokenizer;

/* IPW_E_INPUT when the file has no vocabulary that llama.cpp knows, IPW_E_ENV in a build without llama.cpp. */
int tokenizer_open(struct tokenizer **out, const char *gguf, struct ipw_err *err);
int64_t tokenizer_count(const struct tokenizer *t, const char *text, size_t len); /* -1: cannot be told */
void tokenizer_close(struct tokenizer *t); /* NULL is fine */

#endif
