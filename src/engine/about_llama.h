/* What llama.cpp in this build can compute with, without a model. */
#ifndef IPW_ENGINE_ABOUT_LLAMA_H
#define IPW_ENGINE_ABOUT_LLAMA_H

#include "engine/engine.h"

/* Instruction sets the CPU kernels were built for and use here: greedy text differs between them. */
void about_llama_cpu(char *out, size_t size);

void about_llama_here(struct engine_here *out);

#endif
