/* A template of the user's own, a record and an example, on arbitrary bytes divided by 0. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/wording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void ask(struct dataset_wording *w, struct dataset *d)
{
    struct ipw_err err;
    for (size_t i = 0; i < d->n; i++) {
        struct ipw_arena arena = {0};
        struct dataset_options o;
        struct dataset_message *m;
        struct json_doc *doc;
        const char *id;
        check(!json_read(&doc, d->v[i].record, d->v[i].record_len, 0, &err));
        size_t n = dataset_messages(w, json_root(doc), &arena, &m, &id);
        check(n && id && m[n - 1].content);
        for (enum dataset_asking how = DATASET_LOGLIK; how < DATASET_ASKING_N; how++)
            check(!dataset_wording_options(w, json_root(doc), how, &arena, &o) || (o.context && o.n && o.tmpl));
        json_doc_free(doc);
        ipw_arena_release(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset_wording w = {0};
    struct dataset set = {0}, *shots = calloc(1, sizeof *shots);
    struct ipw_err err;
    char *text = malloc(size + 1), *jsonl;
    memcpy(text, data, size);
    text[size] = '\0';
    size_t n = strlen(text);
    jsonl = n < size ? text + n + 1 : text + n;
    bool usable = !dataset_wording_text(&w, "t", text, n, &err);
    if (!dataset_read_jsonl(&set, "s", jsonl, (size_t)(text + size - jsonl), &err) &&
        !dataset_read_jsonl(shots, "s", jsonl, (size_t)(text + size - jsonl), &err)) {
        if (usable)
            ask(&w, &set);
        if (!dataset_wording_shots(&w, shots, size % 4, &err))
            ask(&w, &set);
        shots = NULL;
    }
    if (shots)
        dataset_close(shots);
    dataset_wording_release(&w);
    free(set.v);
    ipw_arena_release(&set.arena);
    free(text);
    return 0;
}
