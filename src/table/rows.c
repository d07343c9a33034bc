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

const char *table_mode(const struct table_run *t)
{
    const char *how = t->settings[TABLE_SETTING_MODE].text;
    if (!how || ipw_streq(how, TABLE_ANSWERS))
        return TABLE_ANSWERS;
    return ipw_streq(how, TABLE_PERPLEXITY) ? TABLE_PERPLEXITY : TABLE_LIKELY;
}

void table_run_release(struct table_run *t)
{
    free(t->v);
    ipw_arena_release(&t->arena);
    *t = (struct table_run){0};
}
