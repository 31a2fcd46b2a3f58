/*
 * What every entry point is made of: one way to allocate, one to free.
 *
 * These do the whole job (thread state, cache or arena, sampling, statistics)
 * but leave errno and the choice of message to the caller.
 */
#ifndef JE_ALLOC_MALLOC_H
#define JE_ALLOC_MALLOC_H

#include "alloc/types.h"

/* How to allocate. All zero: like malloc. */
typedef struct alloc_how {
    size_t alignment; /* 0 or a power of two */
    bool zero;
    unsigned cache; /* see below */
    arena_t *arena; /* NULL: this thread's */
} alloc_how_t;

/* Which cache: the thread's (but with an arena given, none), none, or one that
 * was created, by ALLOC_CACHE_CREATED + its id. */
enum { ALLOC_CACHE_OWN, ALLOC_CACHE_NONE, ALLOC_CACHE_CREATED };

/* errors: NULL, errno untouched. */
void *je_alloc(size_t size, const alloc_how_t *how);
/* p != NULL; size of the result in [size, ...]; errors: NULL, p stays. */
void *je_realloc(void *p, size_t size, const alloc_how_t *how);
void je_free(void *p, unsigned cache);
/* The same, by the hot path if the cache is the thread's. */
void je_dalloc(void *p, unsigned cache);
/* As je_free, with the size given by the caller (requested or usable): a size
 * of another class is misuse and does not return. */
void je_free_sized(void *p, size_t size, size_t alignment, unsigned cache);
/* Change the object in place towards [size, size + extra]; its usable size
 * afterwards is returned. */
size_t je_resize_in_place(void *p, size_t size, size_t extra, bool zero);
/* Usable size of a live object; misuse does not return. */
size_t je_usable_size(const void *p);

/* Start-up; true once the allocator works. Cheap when it has been done. */
bool je_boot(void);

#endif
