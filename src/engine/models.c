#include "engine/models.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "engine/gguf_info.h"
#include "engine/model_found.h"

/* Headers are read to their end, with the tensor table, until so many bytes of them have been gone through: that tells
 * the parameters, and a file that was cut off. Of what comes after that only the first pages are read. */
static const int64_t whole_headers = 256 << 20;

struct found *found_add(struct finder *f)
{
    IPW_GROW(f->v, f->n, f->cap);
    struct found *e = &f->v[f->n];
    *e = (struct found){.m = {.bytes = -1, .params = -1}, .order = f->n};
    f->n++;
    return e;
}

const char *found_text(struct finder *f, const char *fmt, ...)
{
    struct ipw_buf b = IPW_BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    ipw_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    const char *s = ipw_arena_strdup(f->arena, b.s);
    ipw_buf_release(&b);
    return s;
}

static int by_name(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int c = strcmp(x->m.name, y->m.name);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* A short name that two have is nobody's: both take their whole one. Those that are still equal are numbered. */
static void make_unique(struct finder *f)
{
    for (int round = 0; round < 2; round++) {
        if (f->n)
            qsort(f->v, f->n, sizeof *f->v, by_name);
        for (size_t i = 0, k; i < f->n; i += k) {
            const char *name = f->v[i].m.name;
            for (k = 1; i + k < f->n && !strcmp(f->v[i + k].m.name, name);)
                k++;
            for (size_t j = 0; k > 1 && j < k; j++)
                if (round == 0)
                    f->v[i + j].m.name = f->v[i + j].whole;
                else if (j)
                    f->v[i + j].m.name = found_text(f, "%s#%zu", name, j + 1);
        }
    }
    if (f->n)
        qsort(f->v, f->n, sizeof *f->v, by_order);
}

static void read_headers(struct finder *f)
{
    int64_t gone = 0;
    for (size_t i = 0; i < f->n; i++) {
        struct local_model *m = &f->v[i].m;
        struct gguf_info info;
        const char *problem;
        if (m->problem || !m->path)
            continue;
        gone += gguf_info_peek(&info, m->path, gone < whole_headers, &problem);
        snprintf(m->arch, sizeof m->arch, "%.31s", info.arch);
        if (!f->v[i].known_quant)
            snprintf(m->quant, sizeof m->quant, "%s", info.quant);
        m->params = info.params_total;
        m->problem = problem;
    }
}

static int find(struct finder *f, const struct model_root *root)
{
    f->walk.n = 0;
    switch (root->layout) {
    case MODEL_OLLAMA:
        return found_ollama(f, root);
    case MODEL_HUB:
        return found_hub(f, root);
    case MODEL_FILES:
    case MODEL_PULLED:
        break;
    }
    return found_files(f, root);
}

/* Someone's models are there and cannot be seen: that is told too. */
static void unreadable(struct finder *f, const struct model_root *root, int e)
{
    struct found *m = found_add(f);
    m->m.name = m->whole = found_text(f, *root->prefix ? "%s:%s" : "%s%s", root->prefix, root->dir);
    m->m.problem = found_text(f, "a folder that cannot be read: %s", strerror(e));
}

int local_models_find(struct local_models *out, const struct model_root *roots, size_t n, struct ipw_err *err)
{
    struct finder f = {.arena = &out->arena, .walk = {.arena = &out->arena}};
    struct stat *known = ipw_calloc(n + 1, sizeof *known);
    size_t n_known = 0;
    int rc = 0;
    *out = (struct local_models){0};
    ipw_arena_init(&out->arena);
    for (size_t i = 0; i < n && !rc; i++) {
        struct stat st;
        bool again = false;
        int e = stat(roots[i].dir, &st) ? errno : 0;
        if (e == ENOENT && roots[i].prefix)
            continue;
        for (size_t k = 0; k < n_known && !e; k++)
            again |= known[k].st_dev == st.st_dev && known[k].st_ino == st.st_ino;
        if (again)
            continue;
        if (!e) {
            known[n_known++] = st;
            e = find(&f, &roots[i]);
        }
        if (e && !roots[i].prefix)
            rc = ipw_err_set(err, IPW_E_INPUT, "cannot look for models in '%s': %s; name a folder that you may read",
                             roots[i].dir, strerror(e));
        else if (e && e != ENOENT)
            unreadable(&f, &roots[i], e);
    }
    make_unique(&f);
    read_headers(&f);
    for (size_t i = 0; i < f.n; i++) {
        IPW_GROW(out->v, out->n, out->cap);
        out->v[out->n++] = f.v[i].m;
    }
    out->cut = f.walk.cut;
    walk_release(&f.walk);
    free(f.v);
    free(known);
    return rc;
}

void local_models_release(struct local_models *m)
{
    free(m->v);
    ipw_arena_release(&m->arena);
    *m = (struct local_models){0};
}
