/* Between the files of src/engine that find models: what one place holds, before names are unique and headers read. */
#ifndef IPW_ENGINE_MODEL_FOUND_H
#define IPW_ENGINE_MODEL_FOUND_H

#include "engine/model_walk.h"
#include "engine/models.h"

struct found {
    struct local_model m; /* name: the short one that people like */
    const char *whole;    /* the name that is taken when the short one is not unique */
    bool known_quant;     /* m.quant is what its owner calls it: the header is not asked */
    size_t order;         /* as found */
};

struct finder {
    struct ipw_arena *arena;
    struct found *v;
    size_t n, cap;
    struct walk walk; /* of the folder in hand; its bounds are of all folders together */
};

struct found *found_add(struct finder *f); /* unknown everything; valid until the next */
const char *found_text(struct finder *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One root each: 0, or the errno of the folder. */
int found_files(struct finder *f, const struct model_root *root);  /* MODEL_FILES, MODEL_PULLED */
int found_hub(struct finder *f, const struct model_root *root);    /* MODEL_HUB */
int found_ollama(struct finder *f, const struct model_root *root); /* MODEL_OLLAMA */

#endif
