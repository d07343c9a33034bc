/* Files below a folder, found within bounds: symbolic links are followed, but into no loop, not for ever and not deep. */
#ifndef IPW_ENGINE_MODEL_WALK_H
#define IPW_ENGINE_MODEL_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct walk_file {
    const char *rel, *path; /* below the folder walked; whole */
    int64_t bytes;          /* -1: a link to nothing */
    uint64_t dev, ino;      /* of what a link leads to */
};

struct walk {
    struct ipw_arena *arena; /* owns the strings */
    struct walk_file *v;     /* freed by walk_release */
    size_t n, cap;
    size_t seen; /* names looked at, over all walks */
    bool cut;    /* more was there than is looked at */
};

/* Appends the files below dir whose name `want` accepts, sorted by rel. 0, or the errno of dir itself. */
int walk_files(struct walk *w, const char *dir, bool (*want)(const char *name));

/* Appends the folders right in dir, by name. */
int walk_folders(struct walk *w, const char *dir);
void walk_release(struct walk *w);

#endif
