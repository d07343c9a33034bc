#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/internal.h"

bool report_setting_differs(const struct table_run *const *runs, size_t n, enum table_setting_id id)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (table_setting_differs(id, &runs[i]->settings[id], &runs[j]->settings[id]))
                return true;
    return false;
}

/* A study labels what it changes by the setting's own name, and repeats have their seeds by their number. */
static bool told_by_label(const struct table_run *const *runs, size_t n, enum table_setting_id id)
{
    const char *key = id == TABLE_SETTING_SEED ? "repeat" : table_settings[id].key;
    for (size_t i = 0; i < n; i++)
        if (table_label_of(runs[i], key))
            return true;
    return false;
}

static void add(struct report_extras *x, const char *head, const char *label, int setting)
{
    IPW_GROW(x->v, x->n, x->cap);
    x->v[x->n++] = (struct report_extra){head, label, setting};
}

void report_extras(const struct table_run *const *runs, size_t n, bool all, struct report_extras *out)
{
    char head[128];
    *out = (struct report_extras){0};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i]->n_labels; k++) {
            const char *key = runs[i]->labels[k].key;
            bool seen = false;
            for (size_t j = 0; j < out->n && !seen; j++)
                seen = ipw_streq(out->v[j].label, key);
            snprintf(head, sizeof head, "%s%.110s", all ? "label_" : "", key);
            if (!seen)
                add(out, ipw_arena_strdup(&out->arena, head), key, 0);
        }
    for (enum table_setting_id id = 0; id < TABLE_SETTING_N; id++)
        if (all || (report_setting_differs(runs, n, id) && !told_by_label(runs, n, id)))
            add(out, all ? table_settings[id].key : table_settings[id].label, NULL, (int)id);
}

const char *report_extra_cell(const struct report_extra *x, const struct table_run *run)
{
    const char *s = x->label ? table_label_of(run, x->label) : run->settings[x->setting].text;
    return s ? s : "-";
}

void report_extras_release(struct report_extras *x)
{
    free(x->v);
    ipw_arena_release(&x->arena);
}
