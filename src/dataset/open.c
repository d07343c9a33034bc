/* From a name or a path to questions. */
#include "dataset/dataset.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "dataset/catalogue.h"

static const size_t copied_max = (size_t)64 << 20; /* of a larger file only what is asked is in memory */

const struct dataset_ops *dataset_find(const char *name)
{
    for (size_t i = 0; datasets[i]; i++)
        if (!strcmp(datasets[i]->name, name))
            return datasets[i];
    return NULL;
}

static bool is_name(const char *spec)
{
    return *spec && !strchr(spec, '/') && !ipw_ends(spec, ".jsonl");
}

void dataset_path(const char *spec, const struct dataset_cfg *cfg, char *out, size_t size)
{
    snprintf(out, size, "%s", spec);
    if (!is_name(spec) || !cfg->dir || !*cfg->dir)
        return;
    char pulled[PATH_MAX];
    int n = snprintf(pulled, sizeof pulled, "%s/%s.jsonl", cfg->dir, spec);
    if (n < (int)sizeof pulled && (size_t)n < size && fs_exists(pulled))
        memcpy(out, pulled, (size_t)n + 1);
}

/* A word that is neither a set that is here nor a file. */
static int unknown(const char *spec, struct ipw_err *err)
{
    struct catalogue *c = catalogue_open();
    const char *names[64];
    size_t n = 0, n_sets;
    const struct catalogue_set *sets = catalogue_sets(c, &n_sets);
    for (size_t i = 0; datasets[i] && n < 64; i++)
        names[n++] = datasets[i]->name;
    for (size_t i = 0; i < n_sets && n < 64; i++)
        names[n++] = sets[i].name;
    const char *near = ipw_nearest(spec, names, n);
    const struct catalogue_set *set = catalogue_find(c, spec);
    if (set && set->refused)
        ipw_err_set(err, IPW_E_INPUT, "question set '%s' cannot be asked: %s", spec, set->refused);
    else if (set)
        ipw_err_set(err, IPW_E_INPUT, "question set '%s' is not here yet; fetch it once with: ipw dataset pull %s", spec, spec);
    else if (near)
        ipw_err_set(err, IPW_E_INPUT, "no question set '%s': did you mean '%s'? (ipw dataset list)", spec, near);
    else
        ipw_err_set(err, IPW_E_INPUT, "no question set and no file '%s'; ipw dataset list tells the names, a path to a "
                                      "JSONL file is fine too", spec);
    catalogue_close(c);
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

static bool large(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode) && (uintmax_t)st.st_size > copied_max;
}

int dataset_open(struct dataset **out, const char *spec, const struct dataset_cfg *cfg, struct ipw_err *err)
{
    struct ipw_buf text = IPW_BUF_INIT;
    struct dataset *d = ipw_calloc(1, sizeof *d);
    const struct dataset_ops *ops = dataset_find(spec);
    ipw_arena_init(&d->arena);
    int rc;
    *out = NULL;
    char path[PATH_MAX];
    dataset_path(spec, cfg, path, sizeof path);
    if (ops)
        rc = ops->text(cfg, &text, err);
    else if (is_name(spec) && !fs_exists(path))
        rc = unknown(spec, err);
    else if (large(path))
        rc = fs_map(path, &d->map, &d->map_len, err);
    else
        rc = fs_read(path, copied_max, &text, err);
    name_of(ops ? ops->name : path, d->name, sizeof d->name);
    if (!rc && d->map)
        rc = dataset_read_in_place(d, path, d->map, d->map_len, err);
    else if (!rc)
        rc = dataset_read_jsonl(d, ops ? spec : path, text.s, text.len, err);
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
    fs_unmap(d->map, d->map_len);
    ipw_arena_release(&d->arena);
    free(d);
}
