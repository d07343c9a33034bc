#include "table/rows.h"

#include <stdlib.h>

#include "base/str.h"

const char *table_label_of(const struct table_run *t, const char *key)
{
    for (size_t i = 0; i < t->n_labels; i++)
        if (ipw_streq(t->labels[i].key, key))
            return t->labels[i].value;
    return NULL;
}

void table_run_release(struct table_run *t)
{
    free(t->v);
    ipw_arena_release(&t->arena);
    *t = (struct table_run){0};
}
