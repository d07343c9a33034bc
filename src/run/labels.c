#include "run/labels.h"

#include <string.h>

#include "base/json.h"

void run_labels_load(struct table_run *t, struct store *store)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    const char *text = store_meta(store, "labels");
    if (!text || json_read(&doc, text, strlen(text), 0, &ignored))
        return;
    struct table_label *out = ipw_arena_alloc(&t->arena, (json_len(json_root(doc)) + 1) * sizeof *out);
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);)
        if (it.key && json_str(it.val))
            out[t->n_labels++] = (struct table_label){ipw_arena_strdup(&t->arena, it.key),
                                                      ipw_arena_strdup(&t->arena, json_str(it.val))};
    t->labels = out;
    json_doc_free(doc);
}
