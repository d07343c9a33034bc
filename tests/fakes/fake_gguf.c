/* fake_gguf FILE [KEY=VALUE...]: a small GGUF file for tests and benches. Keys: arch, type, label, file_type, quant_last,
 * vocab, pooling, parts, elements, cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/gguf_file.h"

int main(int argc, char **argv)
{
    struct gguf_file g = {.arch = "llama"};
    for (int i = 2; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value)
            return 2;
        *value++ = '\0';
        const char *key = argv[i];
        long long n = strtoll(value, NULL, 10);
        if (!strcmp(key, "arch"))
            g.arch = value;
        else if (!strcmp(key, "type"))
            g.type = value;
        else if (!strcmp(key, "label"))
            g.label = value;
        else if (!strcmp(key, "file_type"))
            g.file_type = (int)n;
        else if (!strcmp(key, "quant_last"))
            g.quant_last = n != 0;
        else if (!strcmp(key, "vocab"))
            g.vocab = (int)n;
        else if (!strcmp(key, "pooling"))
            g.pooling = (int)n;
        else if (!strcmp(key, "parts"))
            g.parts = (int)n;
        else if (!strcmp(key, "elements"))
            g.elements = n;
        else if (!strcmp(key, "cut"))
            g.cut = n;
        else
            return 2;
    }
    if (argc < 2)
        return 2;
    gguf_file_write(argv[1], &g);
    return 0;
}
