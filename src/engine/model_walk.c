#include "engine/model_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH = 12, SEEN_MAX = 200000 };

struct level {
    const struct level *up;
    uint64_t dev, ino;
};

struct job {
    struct walk *w;
    bool (*want)(const char *name); /* NULL: folders, one level */
    size_t root; /* length of the folder's path and its slash */
    char path[PATH_MAX];
};

static void add(struct walk *w, const char *path, size_t root, const struct stat *st)
{
    IPW_GROW(w->v, w->n, w->cap);
    const char *p = ipw_arena_strdup(w->arena, path);
    w->v[w->n++] = (struct walk_file){.rel = p + root, .path = p, .bytes = st ? (int64_t)st->st_size : -1,
                                      .dev = st ? (uint64_t)st->st_dev : 0, .ino = st ? (uint64_t)st->st_ino : 0};
}

static bool above(const struct level *l, const struct stat *st)
{
    for (; l; l = l->up)
        if (l->dev == (uint64_t)st->st_dev && l->ino == (uint64_t)st->st_ino)
            return true;
    return false;
}

/* job->path is the folder, with a slash; put back on return. */
static int walk_dir(struct job *job, const struct level *up, int depth)
{
    size_t n = strlen(job->path);
    struct stat st;
    DIR *d = opendir(job->path);
    if (!d || fstat(dirfd(d), &st)) {
        int e = errno;
        if (d)
            closedir(d);
        return e;
    }
    struct level here = {up, (uint64_t)st.st_dev, (uint64_t)st.st_ino};
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        if (++job->w->seen > SEEN_MAX || n + strlen(e->d_name) + 2 >= sizeof job->path) {
            job->w->cut = true;
            break;
        }
        bool wanted = job->want && job->want(e->d_name), plain = e->d_type == DT_REG;
        if (plain && !wanted)
            continue;
        bool there = !fstatat(dirfd(d), e->d_name, &st, 0);
        snprintf(job->path + n, sizeof job->path - n, "%s", e->d_name);
        if (there && S_ISDIR(st.st_mode)) {
            if (!job->want)
                add(job->w, job->path, job->root, &st);
            else if (depth >= DEPTH)
                job->w->cut = true;
            else if (!above(&here, &st)) {
                job->path[strlen(job->path) + 1] = '\0';
                job->path[strlen(job->path)] = '/';
                walk_dir(job, &here, depth + 1); /* a folder of others inside that may not be read holds nothing of ours */
            }
        } else if (wanted && (!there || S_ISREG(st.st_mode))) {
            add(job->w, job->path, job->root, there ? &st : NULL);
        }
        job->path[n] = '\0';
    }
    closedir(d);
    return 0;
}

static int by_rel(const void *a, const void *b)
{
    return strcmp(((const struct walk_file *)a)->rel, ((const struct walk_file *)b)->rel);
}

static int run(struct walk *w, const char *dir, bool (*want)(const char *name))
{
    struct job job = {.w = w, .want = want};
    size_t first = w->n, n = strlen(dir);
    if ((size_t)snprintf(job.path, sizeof job.path, "%s%s", dir, n && dir[n - 1] == '/' ? "" : "/") >= sizeof job.path)
        return ENAMETOOLONG;
    job.root = strlen(job.path);
    int e = walk_dir(&job, NULL, 0);
    if (w->n > first)
        qsort(w->v + first, w->n - first, sizeof *w->v, by_rel);
    return e;
}

int walk_files(struct walk *w, const char *dir, bool (*want)(const char *name))
{
    return run(w, dir, want);
}

int walk_folders(struct walk *w, const char *dir)
{
    return run(w, dir, NULL);
}

void walk_release(struct walk *w)
{
    free(w->v);
    w->v = NULL;
    w->n = w->cap = 0;
}
