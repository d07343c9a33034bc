/* Who judged a run, in its meta `judges`: one object a judging, the last one counts. */
#include <stdlib.h>
#include <string.h>

#include "run/judge.h"

/* NULL: nobody judged. */
static struct json_doc *judges(struct store *store, struct ipw_err *err)
{
    struct json_doc *doc = NULL;
    const char *text = store_meta(store, "judges");
    if (text && json_read(&doc, text, strlen(text), 0, err))
        ipw_err_wrap(err, "meta judges");
    return doc;
}

int run_judge_put(struct store *store, const struct table_judge *j, struct ipw_err *err)
{
    err->code = 0;
    struct json_doc *doc = judges(store, err);
    if (err->code)
        return err->code;
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);)
        json_put_val(o, list, NULL, it.val);
    table_judge_put(o, json_put_obj(o, list, NULL), j);
    char *text = json_write(o, list, false);
    int rc = store_put_meta(store, "judges", text, err);
    if (!rc)
        rc = store_put_meta_int(store, "generation", store_meta_int(store, "generation", 0) + 1, err);
    free(text);
    json_out_free(o);
    json_doc_free(doc);
    return rc;
}

int run_judge_load(struct table_run *t, struct store *store, struct ipw_err *err)
{
    err->code = 0;
    struct json_doc *doc = judges(store, err);
    if (err->code || !doc)
        return err->code;
    const json_val *last = json_at(json_root(doc), json_len(json_root(doc)) - 1);
    if (json_type(last) == JSON_OBJ) {
        struct table_judge *j = ipw_arena_alloc(&t->arena, sizeof *j);
        table_judge_read(j, last, &t->arena);
        t->judge = j;
    }
    json_doc_free(doc);
    return 0;
}
