/* GGUF files that other programs have already put on this machine: where each keeps them, and the names people know them
 * by. Only headers are read, no weights, and nothing is written. */
#ifndef IPW_ENGINE_MODELS_H
#define IPW_ENGINE_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

/* How a program lays its models out below one folder. */
enum model_layout {
    MODEL_FILES,  /* NAME.gguf, folders within folders: LM Studio, llama.cpp's cache, any folder */
    MODEL_OLLAMA, /* manifests/HOST/NAMESPACE/NAME/TAG names blobs/sha256-HEX */
    MODEL_HUB,    /* models--ORG--REPO/snapshots/REVISION/FILE.gguf */
    MODEL_PULLED, /* ORG/REPO/FILE.gguf, FILE.gguf beside it with FILE.gguf.json: what ipw pulled or imported */
};

/* prefix: "ollama" makes names like ollama:qwen3:4b; "": names have none (ipw's own); NULL: a name is the path. An absent
 * folder is an empty one, one that cannot be read an entry with that problem, unless prefix is NULL. */
struct model_root {
    const char *prefix;
    enum model_layout layout;
    const char *dir;
};

struct local_model {
    const char *name;         /* unique in its list; what `-m` takes */
    const char *path;         /* of the file, of the first part of a split one; NULL: there is none */
    int64_t bytes;            /* of all parts; -1: not known */
    char arch[32], quant[24]; /* "": not known */
    int64_t params;           /* -1: not known */
    const char *problem;      /* why it cannot be asked, in words; NULL: it can */
    const char *remedy;       /* the command that mends it; NULL: none is known */
};

struct local_models {
    struct local_model *v; /* by root, in each by name */
    size_t n, cap;
    bool cut; /* there was more than is looked at: very many files, or folders very deep */
    struct ipw_arena arena;
};

/* IPW_E_INPUT only for a root without prefix that is absent or cannot be read. Release after an error too. */
int local_models_find(struct local_models *out, const struct model_root *roots, size_t n, struct ipw_err *err);
void local_models_release(struct local_models *m);

/* What the source of a file says its sha256 is: the name of Ollama's or the hub's blob, or the note that `ipw model pull`
 * left beside it. False: it says nothing. */
bool local_model_sha256(const char *path, char hex[65]);

#endif
