#include "cli/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/paths.h"

enum { ROOTS_MAX = 24 };

/* Where programs keep models: the folder a variable names and, unless the variable is set and takes its place, those below
 * the home folder (or from the root). */
static const struct place {
    const char *prefix;
    enum model_layout layout;
    const char *variable, *below; /* below: of the folder that the variable names */
    const char *usual[4];
} places[] = {
    {"ollama", MODEL_OLLAMA, "OLLAMA_MODELS", "",
     {".ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama", "/var/lib/ollama/.ollama/models"}},
    {"lmstudio", MODEL_FILES, NULL, NULL, {".lmstudio/models", ".cache/lm-studio/models"}},
    {"hub", MODEL_HUB, "HF_HUB_CACHE", "", {NULL}},
    {"hub", MODEL_HUB, "HF_HOME", "/hub", {".cache/huggingface/hub"}},
    {"llamacpp", MODEL_FILES, "LLAMA_CACHE", "", {".cache/llama.cpp", "Library/Caches/llama.cpp"}},
};

static void add_root(struct model_root *roots, size_t *n, const char *prefix, enum model_layout layout, const char *dir,
                     struct ipw_arena *a)
{
    if (dir && *dir && *n < ROOTS_MAX)
        roots[(*n)++] = (struct model_root){prefix, layout, ipw_arena_strdup(a, dir)};
}

static void add_place(const struct place *p, struct model_root *roots, size_t *n, struct ipw_arena *a)
{
    char path[PATH_MAX];
    const char *set = p->variable ? cli_setting(p->variable) : "";
    if (*set && snprintf(path, sizeof path, "%s%s", set, p->below) < PATH_MAX)
        add_root(roots, n, p->prefix, p->layout, path, a);
    /* Ollama's service has its own folder, whatever this user's variable says. */
    for (size_t i = 0; i < sizeof p->usual / sizeof p->usual[0] && p->usual[i]; i++)
        if (*p->usual[i] == '/')
            add_root(roots, n, p->prefix, p->layout, p->usual[i], a);
        else if (!*set)
            add_root(roots, n, p->prefix, p->layout, cli_home(p->usual[i], path), a);
}

int cli_models(const struct cli *cli, const char *dir, struct local_models *out, struct ipw_err *err)
{
    struct model_root roots[ROOTS_MAX];
    struct ipw_arena a;
    char path[PATH_MAX];
    size_t n = 0;
    (void)cli;
    ipw_arena_init(&a);
    add_root(roots, &n, "", MODEL_PULLED, cli_data_dir("models", path), &a);
    add_root(roots, &n, "cache", MODEL_FILES, cli_cache_file("models", path), &a); /* quickstart.sh's */
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        add_place(&places[i], roots, &n, &a);
    add_root(roots, &n, NULL, MODEL_FILES, dir, &a);
    int rc = local_models_find(out, roots, n, err);
    ipw_arena_release(&a);
    return rc;
}

/* A name as it is printed, in any case, and "ollama:qwen3" for "ollama:qwen3:latest" as Ollama itself has it. */
static const struct local_model *named(const struct local_models *all, const char *spec)
{
    char *latest = ipw_malloc(strlen(spec) + sizeof ":latest");
    memcpy(latest, spec, strlen(spec) + 1);
    memcpy(latest + strlen(spec), ":latest", sizeof ":latest");
    const struct local_model *m = NULL;
    for (size_t i = 0; i < all->n && !m; i++)
        if (!strcmp(all->v[i].name, spec) || (ipw_starts(spec, "ollama:") && !strcmp(all->v[i].name, latest)))
            m = &all->v[i];
    free(latest);
    return m;
}

/* The name that was perhaps meant: one that differs in case or a letter, else one that holds the word. */
static const char *nearest(const struct local_models *all, const char *spec)
{
    const char **names = ipw_calloc(all->n + 1, sizeof *names), *near;
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        if (!all->v[i].problem)
            names[n++] = all->v[i].name;
    near = ipw_nearest(spec, names, n);
    for (size_t i = 0; i < n && !near && strlen(spec) > 2; i++)
        if (strcasestr(names[i], spec))
            near = names[i];
    free(names);
    return near;
}

int cli_model_find(const struct local_models *all, const char *spec, const struct local_model **m, struct ipw_err *err)
{
    *m = named(all, spec);
    if (*m)
        return 0;
    const char *near = nearest(all, spec);
    size_t usable = 0;
    for (size_t i = 0; i < all->n; i++)
        usable += !all->v[i].problem;
    if (near)
        return ipw_err_set(err, IPW_E_INPUT, "no model '%s' here: did you mean '%s'? ipw model list shows all", spec, near);
    if (usable)
        return ipw_err_set(err, IPW_E_INPUT, "no file and no model '%s' here; ipw model list shows the %zu there are", spec,
                           usable);
    return ipw_err_set(err, IPW_E_INPUT, "no file '%s', and no models are here yet; ipw model pull smollm2-135m gets a small "
                       "one", spec);
}

int cli_model_path(const struct cli *cli, const char *spec, char **path, struct ipw_err *err)
{
    struct local_models all;
    const struct local_model *m;
    *path = NULL;
    if (!access(spec, F_OK)) {
        *path = ipw_strdup(spec);
        return 0;
    }
    int e = errno;
    size_t n = strlen(spec);
    if (e != ENOENT || *spec == '/' || *spec == '.' || (n > 5 && !strcmp(spec + n - 5, ".gguf")))
        return ipw_err_set(err, IPW_E_INPUT, "cannot open model '%s': %s; ipw model list shows the models here", spec,
                           strerror(e));
    int rc = cli_models(cli, NULL, &all, err);
    if (!rc && !(rc = cli_model_find(&all, spec, &m, err))) {
        if (m->problem)
            rc = ipw_err_set(err, IPW_E_INPUT, "model '%s' cannot be asked: it is %s%s%s", m->name, m->problem,
                             m->remedy ? "; this mends it: " : "; ipw model list shows the others",
                             m->remedy ? m->remedy : "");
        else
            *path = ipw_strdup(m->path);
    }
    local_models_release(&all);
    return rc;
}
