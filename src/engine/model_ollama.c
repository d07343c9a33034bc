/* Ollama's store: manifests/HOST/NAMESPACE/NAME/TAG is JSON that names layers by digest, blobs/sha256-HEX holds them. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/model_found.h"

enum { MANIFEST_MAX = 1 << 20 };

static bool any(const char *name)
{
    (void)name;
    return true;
}

/* "registry.ollama.ai/library/qwen3/4b" is qwen3:4b to people; "" for what is no manifest's place. */
static const char *manifest_name(struct finder *f, const char *prefix, const char *rel)
{
    char part[4][256];
    if (sscanf(rel, "%255[^/]/%255[^/]/%255[^/]/%255[^/]", part[0], part[1], part[2], part[3]) != 4 ||
        strlen(part[0]) + strlen(part[1]) + strlen(part[2]) + strlen(part[3]) + 3 != strlen(rel))
        return "";
    bool own = !strcmp(part[0], "registry.ollama.ai");
    if (own && !strcmp(part[1], "library"))
        return found_text(f, "%s:%s:%s", prefix, part[2], part[3]);
    return own ? found_text(f, "%s:%s/%s:%s", prefix, part[1], part[2], part[3])
               : found_text(f, "%s:%s/%s/%s:%s", prefix, part[0], part[1], part[2], part[3]);
}

/* The layer's digest as 64 hex digits; NULL for anything else: it becomes a path. */
static const char *hex_digest(const json_val *layer)
{
    const char *d = json_str(json_get(layer, "digest"));
    if (!d || !ipw_starts(d, "sha256:"))
        return NULL;
    d += strlen("sha256:");
    return strlen(d) == 64 && strspn(d, "0123456789abcdef") == 64 ? d : NULL;
}

static const json_val *layer_of(const json_val *manifest, const char *type)
{
    for (struct json_iter it = json_iter(json_get(manifest, "layers")); json_next(&it);)
        if (ipw_streq(json_str(json_get(it.val, "mediaType")), type))
            return it.val;
    return NULL;
}

/* The quantisation as Ollama's own description of the model has it: cheaper than a header with its vocabulary. */
static void config_quant(struct found *e, const char *dir, const json_val *manifest)
{
    char path[PATH_MAX];
    struct ipw_buf text = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    struct ipw_err err;
    const char *hex = hex_digest(json_get(manifest, "config"));
    if (!hex || (size_t)snprintf(path, sizeof path, "%s/blobs/sha256-%s", dir, hex) >= sizeof path)
        return;
    if (!fs_read(path, MANIFEST_MAX, &text, &err) && !json_read(&doc, text.s, text.len, 0, &err)) {
        const char *type = json_str(json_get(json_root(doc), "file_type"));
        if (type && strcmp(type, "unknown") != 0)
            snprintf(e->m.quant, sizeof e->m.quant, "%s", type);
        e->known_quant = *e->m.quant;
    }
    json_doc_free(doc);
    ipw_buf_release(&text);
}

static void read_manifest(struct finder *f, struct found *e, const char *dir, const json_val *manifest)
{
    const json_val *model = layer_of(manifest, "application/vnd.ollama.image.model");
    const char *hex = hex_digest(model);
    int64_t bytes = -1;
    struct stat st;
    if (!model || !hex) {
        e->m.problem = !model ? "no GGUF file: a model that Ollama runs elsewhere, or keeps in another format"
                              : "damaged: its manifest makes no sense";
        return;
    }
    json_is_int(json_get(model, "size"), &bytes);
    e->m.bytes = bytes;
    e->m.path = found_text(f, "%s/blobs/sha256-%s", dir, hex);
    config_quant(e, dir, manifest);
    const char *again = found_text(f, "ollama pull %s", strchr(e->m.name, ':') + 1);
    if (stat(e->m.path, &st)) {
        e->m.problem = errno == ENOENT ? "its weights are gone (no blob for the manifest)"
                                       : "its weights cannot be read (permissions)";
        e->m.remedy = errno == ENOENT ? again : NULL;
        e->m.path = NULL;
    } else if (bytes >= 0 && bytes != st.st_size) {
        e->m.problem = found_text(f, "truncated: %lld of %lld bytes are there", (long long)st.st_size, (long long)bytes);
        e->m.remedy = again;
    } else if (layer_of(manifest, "application/vnd.ollama.image.adapter")) {
        e->m.problem = "a model with an adapter (LoRA), which ipw does not apply";
    }
}

int found_ollama(struct finder *f, const struct model_root *root)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/manifests", root->dir) >= sizeof path)
        return ENAMETOOLONG;
    int e = walk_files(&f->walk, path, any);
    for (size_t i = 0; i < f->walk.n; i++) {
        const char *name = manifest_name(f, root->prefix, f->walk.v[i].rel);
        struct ipw_buf text = IPW_BUF_INIT;
        struct json_doc *doc = NULL;
        struct ipw_err err;
        if (!*name)
            continue;
        struct found *m = found_add(f);
        m->m.name = m->whole = name;
        if (fs_read(f->walk.v[i].path, MANIFEST_MAX, &text, &err) || json_read(&doc, text.s, text.len, 0, &err))
            m->m.problem = "damaged: its manifest cannot be read";
        else
            read_manifest(f, m, root->dir, json_root(doc));
        json_doc_free(doc);
        ipw_buf_release(&text);
    }
    return e;
}
