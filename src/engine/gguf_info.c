#include "engine/gguf_info.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gguf.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

static const char *kv_str(const struct gguf_context *g, const char *key)
{
    int64_t id = gguf_find_key(g, key);
    return id >= 0 && gguf_get_kv_type(g, id) == GGUF_TYPE_STRING ? gguf_get_val_str(g, id) : NULL;
}

/* Integer under "<arch>.<suffix>"; arrays (per layer) give their largest element. -1: absent. */
static int64_t kv_arch_int(const struct gguf_context *g, const char *arch, const char *suffix)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", arch, suffix);
    int64_t id = gguf_find_key(g, key), best = -1;
    if (id < 0)
        return -1;
    switch (gguf_get_kv_type(g, id)) {
    case GGUF_TYPE_UINT32:
        return gguf_get_val_u32(g, id);
    case GGUF_TYPE_INT32:
        return gguf_get_val_i32(g, id);
    case GGUF_TYPE_UINT64:
        return (int64_t)gguf_get_val_u64(g, id);
    case GGUF_TYPE_ARRAY:
        if (gguf_get_arr_type(g, id) != GGUF_TYPE_UINT32 && gguf_get_arr_type(g, id) != GGUF_TYPE_INT32)
            return -1;
        for (size_t i = 0; i < gguf_get_arr_n(g, id); i++) {
            int32_t v = ((const int32_t *)gguf_get_arr_data(g, id))[i];
            best = v > best ? v : best;
        }
        return best;
    default:
        return -1;
    }
}

static void count_params(struct gguf_info *info, const struct gguf_context *g)
{
    double share = info->n_expert > 0 && info->n_expert_used > 0
                       ? (double)info->n_expert_used / (double)info->n_expert
                       : 1.0;
    for (int64_t i = 0; i < gguf_get_n_tensors(g); i++) {
        const int64_t *ne = gguf_get_tensor_ne(g, i);
        int64_t n = ne[0] * ne[1] * ne[2] * ne[3];
        info->params_total += n;
        bool experts = strstr(gguf_get_tensor_name(g, i), "_exps.") != NULL;
        info->params_active += experts ? (int64_t)((double)n * share) : n;
    }
}

static int fingerprint(struct gguf_info *info, int fd, size_t data_offset, struct ipw_err *err)
{
    const int64_t sample = 1 << 20;
    int64_t size = info->bytes;
    int64_t data = (int64_t)data_offset < size ? (int64_t)data_offset : size;
    const struct {
        int64_t from, len;
    } part[] = {{0, data}, {data, sample}, {data + (size - data) / 2, sample}, {size - sample, sample}};
    struct fs_sha256 *h = fs_sha256_new();
    char *buf = ipw_malloc((size_t)sample);
    int rc = 0;
    fs_sha256_add(h, &size, sizeof size);
    for (size_t i = 0; i < sizeof part / sizeof part[0] && !rc; i++) {
        int64_t at = part[i].from > 0 ? part[i].from : 0;
        int64_t end = at + part[i].len < size ? at + part[i].len : size;
        while (at < end) {
            int64_t want = end - at < sample ? end - at : sample;
            ssize_t n = pread(fd, buf, (size_t)want, at);
            if (n <= 0) {
                rc = ipw_err_set(err, IPW_E_IO, "cannot read the model: %s", n ? strerror(errno) : "it shrank");
                break;
            }
            fs_sha256_add(h, buf, (size_t)n);
            at += n;
        }
    }
    free(buf);
    fs_sha256_end(h, info->fingerprint);
    return rc;
}

/* Other things that come as GGUF files, and what to tell their owner. */
static const char *not_text(const struct gguf_context *g, const char *arch)
{
    static const struct {
        const char *word, *what;
    } types[] = {{"adapter", "an adapter (LoRA)"}, {"mmproj", "a vision projector"}, {"vocab", "a vocabulary"},
                 {"imatrix", "an importance matrix"}},
      archs[] = {{"clip", "an image encoder"},         {"bert", "an embedding model"},
                 {"nomic-bert", "an embedding model"}, {"jina-bert-v2", "an embedding model"},
                 {"t5encoder", "an encoder"},          {"wavtokenizer-dec", "an audio decoder"}};
    const char *type = kv_str(g, "general.type");
    for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++)
        if (!strcmp(type, types[i].word))
            return types[i].what;
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
        if (!strcmp(arch, archs[i].word))
            return archs[i].what;
    return gguf_get_n_tensors(g) == 0 ? "a file without weights" : NULL;
}

static int fill(struct gguf_info *info, const struct gguf_context *g, const char *path, struct ipw_err *err)
{
    const char *arch = kv_str(g, "general.architecture"), *name = kv_str(g, "general.name");
    if (!arch)
        return ipw_err_set(err, IPW_E_INPUT,
                           "'%s' is a GGUF file without an architecture; use the GGUF of a language model", path);
    const char *what = not_text(g, arch);
    if (what)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is %s, not a text model; use the GGUF of a language model",
                           path, what);
    snprintf(info->arch, sizeof info->arch, "%s", arch);
    snprintf(info->name, sizeof info->name, "%s", name && *name ? name : fs_basename(path));
    info->n_layer = kv_arch_int(g, arch, "block_count");
    info->n_expert = kv_arch_int(g, arch, "expert_count");
    info->n_expert_used = kv_arch_int(g, arch, "expert_used_count");
    count_params(info, g);

    size_t end = gguf_get_data_offset(g);
    for (int64_t i = 0; i < gguf_get_n_tensors(g); i++) {
        size_t e = gguf_get_data_offset(g) + gguf_get_tensor_offset(g, i) + gguf_get_tensor_size(g, i);
        end = e > end ? e : end;
    }
    if ((int64_t)end > info->bytes)
        return ipw_err_set(err, IPW_E_INPUT,
                           "'%s' is truncated: %lld of at least %zu bytes are there; download it again", path,
                           (long long)info->bytes, end);
    return 0;
}

int gguf_info_read(struct gguf_info *info, const char *path, struct ipw_err *err)
{
    struct stat st;
    char magic[4] = "";
    struct gguf_context *g = NULL;
    *info = (struct gguf_info){0};
    int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "cannot open model '%s': %s; give -m the path of a GGUF file", path,
                         strerror(errno));
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "model '%s' is a folder; give -m the path of a GGUF file", path);
        goto out;
    }
    info->bytes = st.st_size;
    if (pread(fd, magic, 4, 0) != 4 || memcmp(magic, "GGUF", 4) != 0) {
        rc = ipw_err_set(err, IPW_E_INPUT, "'%s' is not a GGUF file; give -m a model in GGUF format", path);
        goto out;
    }
    g = gguf_init_from_file(path, (struct gguf_init_params){.no_alloc = true});
    if (!g) {
        rc = ipw_err_set(err, IPW_E_INPUT,
                         "the header of '%s' cannot be read: the file is truncated or damaged; download it again",
                         path);
        goto out;
    }
    rc = fill(info, g, path, err);
    if (!rc)
        rc = fingerprint(info, fd, gguf_get_data_offset(g), err);
out:
    if (g)
        gguf_free(g);
    if (fd >= 0)
        close(fd);
    return rc;
}
