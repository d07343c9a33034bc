#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static void *checked(void *p, size_t size)
{
    if (!p && size)
        IPW_BUG("out of memory asking for %zu bytes", size);
    return p;
}

void *ipw_malloc(size_t size)
{
    return checked(malloc(size), size);
}

void *ipw_calloc(size_t n, size_t size)
{
    return checked(calloc(n, size), n * size);
}

void *ipw_realloc(void *p, size_t size)
{
    return checked(realloc(p, size), size);
}

char *ipw_strdup(const char *s)
{
    return s ? ipw_strndup(s, strlen(s)) : NULL;
}

char *ipw_strndup(const char *s, size_t n)
{
    char *p = ipw_malloc(n + 1);
    if (n)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

void *ipw_grow(void *items, size_t *cap, size_t size)
{
    size_t want = *cap ? *cap * 2 : 16;
    if (want > SIZE_MAX / 2 / size)
        IPW_BUG("array of %zu items of %zu bytes", want, size);
    *cap = want;
    return ipw_realloc(items, want * size);
}

struct ipw_arena_block {
    struct ipw_arena_block *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

void ipw_arena_init(struct ipw_arena *a)
{
    a->head = NULL;
}

void ipw_arena_release(struct ipw_arena *a)
{
    while (a->head) {
        struct ipw_arena_block *next = a->head->next;
        free(a->head);
        a->head = next;
    }
}

void *ipw_arena_alloc(struct ipw_arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    size = (size + align - 1) / align * align;
    if (!a->head || a->head->size - a->head->used < size) {
        size_t room = size > 4096 ? size : 4096;
        struct ipw_arena_block *b = ipw_malloc(sizeof *b + room);
        b->next = a->head;
        b->used = 0;
        b->size = room;
        a->head = b;
    }
    void *p = a->head->data + a->head->used;
    a->head->used += size;
    return memset(p, 0, size);
}

char *ipw_arena_strndup(struct ipw_arena *a, const char *s, size_t n)
{
    char *p = ipw_arena_alloc(a, n + 1);
    if (n)
        memcpy(p, s, n);
    return p;
}

char *ipw_arena_strdup(struct ipw_arena *a, const char *s)
{
    return s ? ipw_arena_strndup(a, s, strlen(s)) : NULL;
}
