#include "engine/gguf_info.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/model_name.h"
#include "base/str.h"
#include "engine/gguf.h"

/* Integers under "<arch>.": arrays (one number for each layer) keep their items in `layers`, their largest as the value. */
enum { LAYERS, EXPERTS, EXPERTS_USED, CONTEXT, WIDTH, HEADS, HEADS_KV, KEY_LENGTH, VALUE_LENGTH, WINDOW, PATTERN,
       INTERVAL, LATENT, POOLING, N_NUMBERS };
static const char *const suffixes[N_NUMBERS] = {
    "block_count",           "expert_count",           "expert_used_count",        "context_length",
    "embedding_length",      "attention.head_count",   "attention.head_count_kv",  "attention.key_length",
    "attention.value_length", "attention.sliding_window", "attention.sliding_window_pattern",
    "full_attention_interval", "attention.key_length_mla", "pooling_type"};

struct layers {
    size_t n; /* 0: not an array */
    int64_t v[GGUF_ITEMS_MAX];
};

struct facts {
    struct gguf_info *info;
    bool quick;
    bool vocab;            /* a quick reading has come to the vocabulary */
    int64_t file_type, parameter_count, split_no;
    char type[32], size_label[32];
    int64_t number[N_NUMBERS];
    struct layers heads_kv, pattern;
    int64_t n_plain, n_experts; /* elements of the tensors */
};

static void keep_text(const struct gguf_value *v, char *out, size_t size)
{
    if (v->kind == GGUF_STR)
        snprintf(out, size, "%s", v->s);
}

static void general(struct facts *f, const char *key, const struct gguf_value *v)
{
    const struct {
        const char *key;
        char *to;
        size_t size;
    } texts[] = {{"architecture", f->info->arch, sizeof f->info->arch}, {"name", f->info->name, sizeof f->info->name},
                 {"license", f->info->license, sizeof f->info->license}, {"type", f->type, sizeof f->type},
                 {"size_label", f->size_label, sizeof f->size_label}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!strcmp(key, texts[i].key))
            keep_text(v, texts[i].to, texts[i].size);
    if (v->kind == GGUF_INT && !strcmp(key, "file_type"))
        f->file_type = v->i;
    if (v->kind == GGUF_INT && !strcmp(key, "parameter_count"))
        f->parameter_count = v->i;
}

static void keep_layers(struct layers *to, const struct gguf_value *v)
{
    if (v->kind != GGUF_ARR || !v->items)
        return;
    to->n = (size_t)v->n;
    memcpy(to->v, v->items, to->n * sizeof *to->v);
}

static void of_arch(struct facts *f, const char *key, const struct gguf_value *v)
{
    size_t n = strlen(f->info->arch);
    if (n && (strncmp(key, f->info->arch, n) != 0 || key[n] != '.'))
        return;
    const char *suffix = n ? key + n + 1 : strchr(key, '.') ? strchr(key, '.') + 1 : "";
    for (int i = 0; i < N_NUMBERS; i++) {
        if (strcmp(suffix, suffixes[i]) != 0)
            continue;
        if (v->kind == GGUF_INT)
            f->number[i] = v->i;
        for (size_t k = 0; v->kind == GGUF_ARR && v->items && k < v->n; k++)
            f->number[i] = v->items[k] > f->number[i] ? v->items[k] : f->number[i];
        if (i == HEADS_KV)
            keep_layers(&f->heads_kv, v);
        if (i == PATTERN)
            keep_layers(&f->pattern, v);
    }
}

static bool on_value(void *ud, const char *key, const struct gguf_value *v)
{
    struct facts *f = ud;
    if (ipw_starts(key, "general."))
        general(f, key + strlen("general."), v);
    else if (!strcmp(key, "tokenizer.chat_template"))
        f->info->chat_template = v->len > 0;
    else if (!strcmp(key, "split.count") && v->kind == GGUF_INT)
        f->info->parts = v->i > 0 && v->i < 100000 ? v->i : 1;
    else if (!strcmp(key, "split.no") && v->kind == GGUF_INT)
        f->split_no = v->i;
    else if (!ipw_starts(key, "tokenizer."))
        of_arch(f, key, v);
    f->vocab = f->vocab || ipw_starts(key, "tokenizer.");
    return !f->quick || !f->vocab || !*f->info->arch;
}

static bool on_tensor(void *ud, const struct gguf_tensor *t)
{
    struct facts *f = ud;
    int64_t *sum = strstr(t->name, "_exps.") ? &f->n_experts : &f->n_plain;
    *sum = t->elements > INT64_MAX / 4 - *sum ? *sum : *sum + t->elements;
    return !f->quick;
}

static void begin(struct facts *f, struct gguf_info *info)
{
    *info = (struct gguf_info){.params_total = -1, .params_active = -1, .n_layer = -1, .n_expert = -1,
                               .n_expert_used = -1, .n_ctx_train = -1, .parts = 1, .kv_token = -1};
    *f = (struct facts){.info = info, .file_type = -1, .parameter_count = -1};
    for (int i = 0; i < N_NUMBERS; i++)
        f->number[i] = -1;
}

/* ---- what the numbers mean ---- */

/* Layers with a sliding window, where the file tells none of them: every n-th layer looks at everything (llama.cpp). */
static int64_t window_period(const struct facts *f)
{
    static const struct {
        const char *arch;
        int period;
    } known[] = {{"gemma2", 2}, {"gemma3", 6}, {"gemma3n", 5}, {"cohere2", 4}, {"gpt-oss", 2}, {"exaone4", 4}};
    if (f->number[PATTERN] > 1 && !f->pattern.n)
        return f->number[PATTERN];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(f->info->arch, known[i].arch))
            return known[i].period;
    return 0;
}

static void kv_cache(const struct facts *f)
{
    const int64_t *n = f->number;
    int64_t layers = n[LAYERS], heads = n[HEADS_KV] >= 0 ? n[HEADS_KV] : n[HEADS], key = n[KEY_LENGTH];
    int64_t period = n[WINDOW] > 0 ? window_period(f) : 0, full = 0, windowed = 0;
    if (key < 0 && n[WIDTH] > 0 && n[HEADS] > 0)
        key = n[WIDTH] / n[HEADS];
    int64_t value = n[LATENT] >= 0 ? 0 : n[VALUE_LENGTH] >= 0 ? n[VALUE_LENGTH] : key; /* latent: values lie in the keys */
    if (layers <= 0 || layers > GGUF_ITEMS_MAX || heads < 0 || heads > 1 << 16 || key <= 0 || key > 1 << 16 || value < 0 ||
        value > 1 << 16)
        return;
    for (int64_t l = 0; l < layers; l++) {
        int64_t h = f->heads_kv.n == (size_t)layers ? f->heads_kv.v[l] : heads;
        bool recurrent = n[INTERVAL] > 1 && (l + 1) % n[INTERVAL] != 0;
        bool window = n[WINDOW] > 0 && (f->pattern.n == (size_t)layers ? f->pattern.v[l] != 0
                                                                         : period > 1 && (l + 1) % period != 0);
        if (h < 0 || h > 1 << 16)
            return;
        *(window ? &windowed : &full) += recurrent ? 0 : 2 * h * (key + value);
    }
    f->info->kv_token = full;
    f->info->kv_window_token = windowed;
    f->info->window = windowed ? n[WINDOW] : 0;
}

/* "4B", "135M", "1.7B"; "8x7B" tells experts and is no sum. */
static int64_t params_of_label(const char *label)
{
    char *end;
    double x = strtod(label, &end), unit = *end == 'T' ? 1e12 : *end == 'B' ? 1e9 : *end == 'M' ? 1e6 : *end == 'K' ? 1e3 : 0;
    return x > 0 && x < 1e4 && unit > 0 && !end[1] ? (int64_t)(x * unit) : -1;
}

static void finish(struct facts *f, bool tensors)
{
    struct gguf_info *info = f->info;
    const char *type = gguf_file_type(f->file_type);
    snprintf(info->quant, sizeof info->quant, "%s", type ? type : "");
    info->n_layer = f->number[LAYERS];
    info->n_expert = f->number[EXPERTS];
    info->n_expert_used = f->number[EXPERTS_USED];
    info->n_ctx_train = f->number[CONTEXT];
    double share = info->n_expert > 0 && info->n_expert_used > 0 ? (double)info->n_expert_used / (double)info->n_expert : 1;
    if (tensors) {
        info->params_total = f->n_plain + f->n_experts;
        info->params_active = f->n_plain + (int64_t)((double)f->n_experts * share);
    } else {
        info->params_total = f->parameter_count > 0 ? f->parameter_count : params_of_label(f->size_label);
    }
    kv_cache(f);
}

/* Other things that come as GGUF files, and what to tell their owner. */
static const char *not_text(const struct facts *f, uint64_t n_tensors)
{
    static const struct {
        const char *word, *what;
    } kinds[] = {{"adapter", "an adapter (LoRA)"}, {"mmproj", "a vision projector"}, {"vocab", "a vocabulary"},
                 {"imatrix", "an importance matrix"}},
      archs[] = {{"clip", "an image encoder"},         {"bert", "an embedding model"},
                 {"nomic-bert", "an embedding model"}, {"nomic-bert-moe", "an embedding model"},
                 {"jina-bert-v2", "an embedding model"}, {"jina-bert-v3", "an embedding model"},
                 {"modern-bert", "an embedding model"}, {"neo-bert", "an embedding model"},
                 {"gemma-embedding", "an embedding model"}, {"t5encoder", "an encoder"},
                 {"wavtokenizer-dec", "an audio decoder"}, {"flux", "an image generator"},
                 {"sd1", "an image generator"}, {"sdxl", "an image generator"}, {"sd3", "an image generator"},
                 {"qwen_image", "an image generator"}, {"wan", "a video generator"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!strcmp(f->type, kinds[i].word))
            return kinds[i].what;
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
        if (!strcmp(f->info->arch, archs[i].word))
            return archs[i].what;
    if (f->number[POOLING] > 0)
        return f->number[POOLING] == 4 ? "a model that ranks texts" : "an embedding model";
    return n_tensors ? NULL : "a file without weights";
}

/* ---- reading ---- */

static int scan(struct facts *f, struct gguf_header *h, int fd)
{
    static const struct gguf_visitor visitor = {on_value, on_tensor};
    return gguf_scan(h, fd, f->info->bytes, &visitor, f);
}

static int fingerprint(struct gguf_info *info, int fd, int64_t size, int64_t data_offset, struct ipw_err *err)
{
    const int64_t sample = 1 << 20;
    int64_t data = data_offset < size ? data_offset : size;
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

static int64_t peek(struct gguf_info *info, const char *path, bool whole, const char **problem)
{
    struct facts f;
    struct gguf_header h;
    struct stat st;
    begin(&f, info);
    f.quick = !whole;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe of that name must not stop us */
    *problem = "a file that cannot be read (its permissions)";
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    info->bytes = st.st_size;
    int rc = scan(&f, &h, fd);
    close(fd);
    finish(&f, h.whole);
    *problem = rc == IPW_E_IO                     ? "a file that cannot be read (the disk fails)"
               : rc                               ? h.fault
               : h.whole && h.end > info->bytes   ? "truncated: not all of its weights are there"
               : !*info->arch                     ? "a GGUF file without an architecture"
                                                  : not_text(&f, h.n_tensors);
    return h.whole ? h.data_offset : 0;
}

/* Adds up what the other parts of a split file hold. */
static int other_parts(struct gguf_info *info, const char *path, struct ipw_err *err)
{
    int part, parts;
    size_t stem;
    const char *base = fs_basename(path);
    if (info->parts <= 1)
        return 0;
    if (!model_part(base, &part, &parts, &stem) || part != 1 || parts != info->parts)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is one part of a model of %lld files; give the first, whose name ends in "
                           "-00001-of-%05lld.gguf", path, (long long)info->parts, (long long)info->parts);
    for (int i = 2; i <= parts; i++) {
        char other[PATH_MAX];
        struct gguf_info more;
        const char *problem;
        if ((size_t)snprintf(other, sizeof other, "%.*s-%05d-of-%05d.gguf", (int)((size_t)(base - path) + stem), path, i,
                             parts) >= sizeof other)
            return ipw_err_set(err, IPW_E_INPUT, "path '%s' is too long", path);
        if (access(other, R_OK))
            return ipw_err_set(err, IPW_E_INPUT, "part %d of %d of '%s' is missing: download '%s' too", i, parts, path,
                               fs_basename(other));
        peek(&more, other, true, &problem);
        if (problem && more.params_total < 0)
            return ipw_err_set(err, IPW_E_INPUT, "'%s' is %s; download it again", other, problem);
        info->bytes += more.bytes;
        info->params_total += more.params_total;
        info->params_active += more.params_active;
    }
    return 0;
}

int64_t gguf_info_peek(struct gguf_info *info, const char *path, bool whole, const char **problem)
{
    struct ipw_err err;
    int64_t n = peek(info, path, whole, problem);
    if (whole && !*problem && other_parts(info, path, &err))
        *problem = "not whole, or not the first of its parts";
    return n;
}

static int read_header(struct gguf_info *info, struct gguf_header *h, int fd, const char *path, struct ipw_err *err)
{
    struct facts f;
    int64_t size = info->bytes;
    begin(&f, info);
    info->bytes = size;
    int rc = scan(&f, h, fd);
    if (rc == IPW_E_IO)
        return ipw_err_set(err, rc, "cannot read the model '%s': %s", path, strerror(errno));
    if (rc)
        return ipw_err_set(err, rc, "'%s' is %s; give -m a whole model in GGUF format", path, h->fault);
    finish(&f, true);
    if (!*info->arch)
        return ipw_err_set(err, IPW_E_INPUT,
                           "'%s' is a GGUF file without an architecture; use the GGUF of a language model", path);
    const char *what = not_text(&f, h->n_tensors);
    if (what)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is %s, not a text model; use the GGUF of a language model", path, what);
    if (!*info->name)
        snprintf(info->name, sizeof info->name, "%s", fs_basename(path));
    if (h->end > size)
        return ipw_err_set(err, IPW_E_INPUT,
                           "'%s' is truncated: %lld of at least %lld bytes are there; download it again", path,
                           (long long)size, (long long)h->end);
    return 0;
}

int gguf_info_read(struct gguf_info *info, const char *path, struct ipw_err *err)
{
    struct gguf_header h;
    struct stat st;
    int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe of that name must not stop us */
    *info = (struct gguf_info){0};
    if (fd < 0 || fstat(fd, &st)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "cannot open model '%s': %s; ipw model list shows the models here", path,
                         strerror(errno));
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "model '%s' is a folder; give -m the path of a GGUF file", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        rc = ipw_err_set(err, IPW_E_INPUT, "model '%s' is not a regular file; give -m the path of a GGUF file", path);
        goto out;
    }
    info->bytes = st.st_size;
    if (!(rc = read_header(info, &h, fd, path, err)) &&
        !(rc = fingerprint(info, fd, st.st_size, h.data_offset, err)))
        rc = other_parts(info, path, err);
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

/* ---- how much memory a context takes ---- */

int64_t gguf_info_context_bytes(const struct gguf_info *info, int64_t n)
{
    return info->kv_token < 0 ? -1 : info->kv_token * n + info->kv_window_token * (n < info->window ? n : info->window);
}

int64_t gguf_info_context_in(const struct gguf_info *info, int64_t bytes)
{
    int64_t most = info->n_ctx_train > 0 ? info->n_ctx_train : 1 << 20, step = 256;
    if (info->kv_token < 0 || bytes <= 0)
        return info->kv_token < 0 ? -1 : 0;
    if (gguf_info_context_bytes(info, most) <= bytes)
        return most;
    int64_t lo = 0, hi = most / step; /* lo fits, hi does not */
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        *(gguf_info_context_bytes(info, mid * step) <= bytes ? &lo : &hi) = mid;
    }
    return lo * step;
}
