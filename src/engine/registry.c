#include "engine/engine.h"

#include <string.h>

extern const struct engine_ops engine_llama, engine_ollama, engine_openai;

const struct engine_ops *const engines[] = {
#ifdef IPW_HAVE_LLAMA
    &engine_llama,
#endif
    &engine_openai,
    &engine_ollama,
    NULL,
};

const struct engine_ops *engine_find(const char *name)
{
    for (size_t i = 0; engines[i]; i++)
        if (!strcmp(engines[i]->name, name))
            return engines[i];
    return NULL;
}
