#include "fakes/gguf_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"

static void put(FILE *f, uint64_t v, int size)
{
    for (int i = 0; i < size; i++)
        fputc((int)(v >> (8 * i)) & 0xff, f);
}

static void put_text(FILE *f, const char *s)
{
    put(f, strlen(s), 8);
    fwrite(s, 1, strlen(s), f);
}

static int put_str(FILE *f, const char *key, const char *s)
{
    if (!s)
        return 0;
    put_text(f, key);
    put(f, 8, 4);
    put_text(f, s);
    return 1;
}

static int put_int(FILE *f, const char *arch, const char *key, int64_t v)
{
    char whole[200];
    if (!v)
        return 0;
    snprintf(whole, sizeof whole, "%s%s%s", arch ? arch : "", arch ? "." : "", key);
    put_text(f, whole);
    put(f, 4, 4);
    put(f, (uint64_t)v, 4);
    return 1;
}

static int put_vocab(FILE *f, const char *key, int n, const char *form)
{
    char word[64];
    if (!n)
        return 0;
    put_text(f, key);
    put(f, 9, 4);
    put(f, 8, 4);
    put(f, (uint64_t)n, 8);
    for (int i = 0; i < n; i++) {
        snprintf(word, sizeof word, form, i, i);
        put_text(f, word);
    }
    return 1;
}

void gguf_file_write(const char *path, const struct gguf_file *g)
{
    char dir[4096];
    struct ipw_err err;
    snprintf(dir, sizeof dir, "%.*s", (int)(fs_basename(path) - path), path);
    FILE *f = fs_mkdirs(dir, &err) ? NULL : fopen(path, "wb");
    if (!f)
        IPW_BUG("cannot write '%s'", path);
    const char *arch = g->arch ? g->arch : "llama";
    int64_t elements = g->elements ? g->elements : 1024;
    int n = 0;
    fwrite("GGUF", 1, 4, f);
    put(f, 3, 4);
    put(f, 1, 8);
    put(f, 0, 8); /* the number of keys, when it is known */
    n += put_str(f, "general.architecture", g->arch);
    n += put_str(f, "general.type", g->type);
    n += put_str(f, "general.size_label", g->label);
    n += put_str(f, "general.license", "mit");
    n += put_int(f, arch, "block_count", 4);
    n += put_int(f, arch, "context_length", 2048);
    n += put_int(f, arch, "embedding_length", 64);
    n += put_int(f, arch, "attention.head_count", 4);
    n += put_int(f, arch, "attention.head_count_kv", 2);
    n += put_int(f, arch, "pooling_type", g->pooling);
    n += put_int(f, NULL, "split.count", g->parts);
    if (!g->quant_last)
        n += put_int(f, NULL, "general.file_type", g->file_type);
    n += put_vocab(f, "tokenizer.ggml.tokens", g->vocab, "tok%d");
    n += put_vocab(f, "tokenizer.ggml.merges", g->vocab, "a%d b%d");
    n += put_str(f, "tokenizer.chat_template", "{{ messages }}");
    if (g->quant_last)
        n += put_int(f, NULL, "general.file_type", g->file_type);
    put_text(f, "output.weight");
    put(f, 1, 4);
    put(f, (uint64_t)elements, 8);
    put(f, 1, 4); /* F16 */
    put(f, 0, 8);
    long end = (ftell(f) + 31) / 32 * 32;
    fseek(f, 16, SEEK_SET);
    put(f, (uint64_t)n, 8);
    if (fclose(f) || truncate(path, end + elements * 2 - g->cut))
        IPW_BUG("cannot write '%s'", path);
}
