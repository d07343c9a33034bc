/* Memory: allocation that aborts when there is none (one handler), and an arena for things that die together. */
#ifndef IPW_BASE_MEM_H
#define IPW_BASE_MEM_H

#include <stddef.h>

void *ipw_malloc(size_t size);
void *ipw_calloc(size_t n, size_t size);
void *ipw_realloc(void *p, size_t size);
char *ipw_strdup(const char *s);                 /* NULL gives NULL */
char *ipw_strndup(const char *s, size_t n);

/* Grows *items so that one more fits: IPW_GROW(v->items, v->n, v->cap). */
#define IPW_GROW(items, n, cap)                                                                    \
    ((n) < (cap) ? (void)0 : (void)((items) = ipw_grow((items), &(cap), sizeof *(items))))
void *ipw_grow(void *items, size_t *cap, size_t size);

/* Arena: one per question, or per file read. Everything in it is freed by ipw_arena_release. */
struct ipw_arena {
    struct ipw_arena_block *head;
};
void ipw_arena_init(struct ipw_arena *a);
void ipw_arena_release(struct ipw_arena *a);
void *ipw_arena_alloc(struct ipw_arena *a, size_t size);      /* zeroed, aligned for any type */
char *ipw_arena_strndup(struct ipw_arena *a, const char *s, size_t n);
char *ipw_arena_strdup(struct ipw_arena *a, const char *s);   /* NULL gives NULL */

#endif
