/* A text cut into pieces, a record's choices as options, a server's list of first tokens, on arbitrary bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset.h"
#include "engine/letters.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void try_pieces(const char *text, size_t len, size_t bytes)
{
    struct ipw_buf jsonl = IPW_BUF_INIT, all = IPW_BUF_INIT;
    struct dataset d = {0};
    struct ipw_err err;
    if (!dataset_text_pieces("t", text, len, bytes, &jsonl, &err)) {
        check(!dataset_read_jsonl(&d, "t", jsonl.s, jsonl.len, &err));
        for (size_t i = 0; i < d.n; i++) {
            struct json_doc *doc;
            check(!json_read(&doc, d.v[i].record, d.v[i].record_len, 0, &err));
            ipw_buf_adds(&all, json_str(json_get(json_root(doc), "question")));
            json_doc_free(doc);
        }
        check(all.len <= len && !memcmp(all.s, text, all.len));
    }
    free(d.v);
    ipw_arena_release(&d.arena);
    ipw_buf_release(&jsonl);
    ipw_buf_release(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_doc *doc;
    struct ipw_err err;
    if (!size)
        return 0;
    try_pieces((const char *)data + 1, size - 1, (size_t)data[0] + 1);
    if (json_read(&doc, (const char *)data, size, 0, &err))
        return 0;
    for (enum dataset_asking how = DATASET_LOGLIK; how < DATASET_ASKING_N; how++) {
        struct ipw_arena arena = {0};
        struct dataset_options o;
        if (dataset_options(json_root(doc), how, &arena, &o))
            check(o.context && o.n && o.n <= DATASET_OPTIONS_MAX && o.v[o.n - 1] && o.tmpl);
        ipw_arena_release(&arena);
    }
    double ll[LETTERS_MAX];
    int first;
    letters_read(json_root(doc), ll, &first);
    check(first >= -1 && first < LETTERS_MAX);
    json_doc_free(doc);
    return 0;
}
