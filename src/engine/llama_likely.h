/* Log-probabilities of options behind a context, in a llama.cpp context whose cache holds two sequences: what all have in
 * common is evaluated once, the rest of each on a copy of its state. */
#ifndef IPW_ENGINE_LLAMA_LIKELY_H
#define IPW_ENGINE_LLAMA_LIKELY_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

struct llama_context;
struct likely;

struct likely *likely_new(struct llama_context *ctx); /* borrowed */
void likely_free(struct likely *l);                   /* NULL is fine */

/* What is to be found out; the cache is clear when the first step comes. Returns how many tokens that takes. Context and option
 * are made tokens of together, as the model would read them; white space at the context's end belongs to the option. */
size_t likely_ask(struct likely *l, const char *context, const char *const *options, size_t n);
bool likely_fits(const struct likely *l); /* the longest of them has room; nothing is ever cut off */

/* One batch. 1: there is more to do; 0: done; else what llama_decode said. */
int likely_step(struct likely *l);

/* Of each option, when done; valid until the next likely_ask. */
const struct engine_likely *likely_result(const struct likely *l, size_t *n);

#endif
