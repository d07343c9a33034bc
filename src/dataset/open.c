/* From a name or a path to questions. */
#include "dataset/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

/* A buffer holds at most 1 GiB and grows by doubling: half of it is what a file may always have. */
static const size_t file_max = (size_t)500 << 20;

const struct dataset_ops *dataset_find(const char *name)
{
    for (size_t i = 0; datasets[i]; i++)
        if (!strcmp(datasets[i]->name, name))
            return datasets[i];
    return NULL;
}

/* A word that is neither a built-in set nor a file. */
static int unknown(const char *spec, struct ipw_err *err)
{
    const char *names[32];
    size_t n = 0;
    struct ipw_buf list = IPW_BUF_INIT;
    for (; datasets[n] && n < sizeof names / sizeof names[0]; n++) {
        names[n] = datasets[n]->name;
        ipw_buf_addf(&list, "%s%s", n ? ", " : "", names[n]);
    }
    const char *near = ipw_nearest(spec, names, n);
    ipw_err_set(err, IPW_E_INPUT, "no dataset '%s'%s%s%s built in: %s; or give the path of a JSONL file", spec,
                near ? ": did you mean '" : ";", near ? near : "", near ? "'?" : "", list.s);
    ipw_buf_release(&list);
    return err->code;
}

/* The file's base name without .jsonl, cut at a whole character. */
static void name_of(const char *path, char *out, size_t size)
{
    const char *base = fs_basename(path);
    size_t n = strlen(base) - (ipw_ends(base, ".jsonl") ? strlen(".jsonl") : 0);
    if (n >= size)
        n = size - 1 - ipw_utf8_tail(base, size - 1);
    memcpy(out, base, n);
    out[n] = '\0';
}

int dataset_open(struct dataset **out, const char *spec, const struct dataset_cfg *cfg, struct ipw_err *err)
{
    struct ipw_buf text = IPW_BUF_INIT;
    struct dataset *d = ipw_calloc(1, sizeof *d);
    const struct dataset_ops *ops = dataset_find(spec);
    ipw_arena_init(&d->arena);
    int rc;
    *out = NULL;
    if (ops)
        rc = ops->text(cfg, &text, err);
    else if (!fs_exists(spec) && !strchr(spec, '/') && !ipw_ends(spec, ".jsonl"))
        rc = unknown(spec, err);
    else
        rc = fs_read(spec, file_max, &text, err);
    name_of(ops ? ops->name : spec, d->name, sizeof d->name);
    if (!rc)
        rc = dataset_read_jsonl(d, spec, text.s, text.len, err);
    ipw_buf_release(&text);
    if (rc)
        dataset_close(d);
    else
        *out = d;
    return rc;
}

void dataset_close(struct dataset *d)
{
    if (!d)
        return;
    free(d->v);
    ipw_arena_release(&d->arena);
    free(d);
}
