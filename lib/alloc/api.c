/*
 * Public entry points under their jea_ names: argument checks and errno.
 *
 * errno: ENOMEM on every failure to allocate, EINVAL for a bad alignment;
 * otherwise untouched. The functions of jemalloc's family promise no errno.
 */
#include "jealloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "alloc/malloc_fast.h"
#include "alloc/stats.h"
#include "base/assert.h"
#include "base/bits.h"

/* Report a failed allocation in the manner of libc. */
static JE_COLD void *
api_no_memory(size_t size)
{
    if (conf.xmalloc) {
        je_fatal("out of memory for %zu bytes", size);
    }
    errno = ENOMEM;
    return NULL;
}

static void *
api_alloc(size_t size, const alloc_how_t *how)
{
    int saved = errno;
    void *p = je_alloc(size, how);
    if (unlikely(p == NULL)) {
        return api_no_memory(size);
    }
    errno = saved;
    return p;
}

void *
jea_malloc(size_t size)
{
    return malloc_fast(size);
}

void
jea_free(void *p)
{
    free_fast(p);
}

void *
jea_calloc(size_t count, size_t size)
{
    size_t total;
    if (unlikely(__builtin_mul_overflow(count, size, &total))) {
        return api_no_memory(SIZE_MAX);
    }
    if (total <= SZ_SMALL_MAX) {
        void *p = malloc_fast(total);
        return p != NULL ? memset(p, 0, total) : NULL;
    }
    return api_alloc(total, &(alloc_how_t){.zero = true});
}

/* realloc(p, 0), as the option zero_realloc has it. */
static void *
api_realloc_zero(void *p)
{
    stats_count_zero_realloc();
    switch (conf.zero_realloc) {
    case CONF_ZERO_REALLOC_ALLOC: {
        void *q = jea_malloc(0);
        if (q != NULL) {
            jea_free(p);
        }
        return q;
    }
    case CONF_ZERO_REALLOC_ABORT:
        je_fatal("realloc of %p to size 0", p);
    default:
        jea_free(p);
        return NULL;
    }
}

void *
jea_realloc(void *p, size_t size)
{
    static const alloc_how_t plain;
    if (p == NULL) {
        return jea_malloc(size);
    }
    if (unlikely(size == 0)) {
        return api_realloc_zero(p);
    }
    void *q = je_realloc(p, size, &plain);
    return likely(q != NULL) ? q : api_no_memory(size);
}

void *
jea_reallocarray(void *p, size_t count, size_t size)
{
    size_t total;
    if (unlikely(__builtin_mul_overflow(count, size, &total))) {
        return api_no_memory(SIZE_MAX);
    }
    return jea_realloc(p, total);
}

void
jea_free_sized(void *p, size_t size)
{
    if (p != NULL) {
        je_free_sized(p, size, 0, ALLOC_CACHE_OWN);
    }
}

void
jea_free_aligned_sized(void *p, size_t alignment, size_t size)
{
    if (p != NULL) {
        je_free_sized(p, size, alignment, ALLOC_CACHE_OWN);
    }
}

int
jea_posix_memalign(void **p, size_t alignment, size_t size)
{
    if (!bits_is_pow2(alignment) || alignment < sizeof(void *)) {
        return EINVAL;
    }
    int saved = errno;
    void *q = je_alloc(size, &(alloc_how_t){.alignment = alignment});
    errno = saved;
    if (q == NULL) {
        return ENOMEM;
    }
    *p = q;
    return 0;
}

void *
jea_aligned_alloc(size_t alignment, size_t size)
{
    if (!bits_is_pow2(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return api_alloc(size, &(alloc_how_t){.alignment = alignment});
}

/* As glibc: an alignment that is no power of two is rounded up to one. */
void *
jea_memalign(size_t alignment, size_t size)
{
    if (alignment > SZ_LARGE_MAX) {
        errno = EINVAL;
        return NULL;
    }
    if (!bits_is_pow2(alignment)) {
        alignment = alignment == 0 ? 1 : (size_t)1 << bits_lg_ceil(alignment);
    }
    return api_alloc(size, &(alloc_how_t){.alignment = alignment});
}

void *
jea_valloc(size_t size)
{
    return api_alloc(size, &(alloc_how_t){.alignment = OS_PAGE});
}

void *
jea_pvalloc(size_t size)
{
    if (size > SZ_LARGE_MAX) {
        return api_no_memory(size);
    }
    size_t pages = size > 0 ? bits_align_up(size, OS_PAGE) : OS_PAGE;
    return api_alloc(pages, &(alloc_how_t){.alignment = OS_PAGE});
}

size_t
jea_malloc_usable_size(const void *p)
{
    return p != NULL ? je_usable_size(p) : 0;
}
