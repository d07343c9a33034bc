/* The JSONL reader and the prompt of every record it accepts, on arbitrary bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset d = {0};
    struct ipw_err err = {0};
    int rc = dataset_read_jsonl(&d, "fuzz", (const char *)data, size, &err);
    if (rc ? rc != IPW_E_INPUT || strncmp(err.text, "'fuzz' ", 7) : !d.n)
        abort();
    for (size_t i = 0; !rc && i < d.n; i++) {
        struct json_doc *doc;
        struct ipw_buf user = IPW_BUF_INIT;
        const char *tmpl = NULL;
        if (json_read(&doc, d.v[i].record, d.v[i].record_len, 0, &err))
            abort();
        dataset_prompt(json_root(doc), &user, &tmpl);
        if (!tmpl || !d.v[i].id || !d.v[i].type || d.v[i].max_tokens < 0)
            abort();
        ipw_buf_release(&user);
        json_doc_free(doc);
    }
    free(d.v);
    ipw_arena_release(&d.arena);
    return 0;
}
