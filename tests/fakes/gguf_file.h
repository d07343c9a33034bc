/* Small GGUF files of every kind, written by hand so that they can be wrong; the weights are a hole in the file. */
#ifndef IPW_TESTS_GGUF_FILE_H
#define IPW_TESTS_GGUF_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct gguf_file {
    const char *arch;  /* NULL: not told */
    const char *type;  /* general.type; NULL: not told */
    const char *label; /* general.size_label; NULL: not told */
    int file_type;     /* general.file_type; 0: not told (F32) */
    bool quant_last;   /* file_type stands behind the vocabulary, as llama-quantize leaves it */
    int vocab;         /* tokens and as many merges */
    int pooling;       /* ARCH.pooling_type; 0: not told */
    int parts;         /* split.count; 0: not told */
    int64_t elements;  /* of its one tensor, F16; 0: 1024 */
    int64_t cut;       /* bytes that are missing at the end */
};

/* Makes path, and the folders above it. */
void gguf_file_write(const char *path, const struct gguf_file *f);

#endif
