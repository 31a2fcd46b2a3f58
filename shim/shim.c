/*
 * The preload object's entry points: libc's names and jemalloc's, over the
 * functions of jealloc.h. malloc and free are the hot path itself.
 *
 * Everything else that a preloaded object does (sampling, dumps, cleaning up
 * the environment) happens in the library's constructor and destructor.
 */
#include "base/macros.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/malloc_fast.h"
#include "base/assert.h"
#include "jealloc.h"

/* Not in the headers of every libc. */
JE_EXPORT void free_sized(void *p, size_t size);
JE_EXPORT void free_aligned_sized(void *p, size_t alignment, size_t size);

/* ---- libc -------------------------------------------------------------- */

JE_EXPORT void *
malloc(size_t size)
{
    return malloc_fast(size);
}

JE_EXPORT void
free(void *p)
{
    free_fast(p);
}

JE_EXPORT void *
calloc(size_t count, size_t size)
{
    return jea_calloc(count, size);
}

JE_EXPORT void *
realloc(void *p, size_t size)
{
    return jea_realloc(p, size);
}

JE_EXPORT void *
reallocarray(void *p, size_t count, size_t size)
{
    return jea_reallocarray(p, count, size);
}

JE_EXPORT void
free_sized(void *p, size_t size)
{
    jea_free_sized(p, size);
}

JE_EXPORT void
free_aligned_sized(void *p, size_t alignment, size_t size)
{
    jea_free_aligned_sized(p, alignment, size);
}

JE_EXPORT int
posix_memalign(void **p, size_t alignment, size_t size)
{
    return jea_posix_memalign(p, alignment, size);
}

JE_EXPORT void *
aligned_alloc(size_t alignment, size_t size)
{
    return jea_aligned_alloc(alignment, size);
}

JE_EXPORT void *
memalign(size_t alignment, size_t size)
{
    return jea_memalign(alignment, size);
}

JE_EXPORT void *
valloc(size_t size)
{
    return jea_valloc(size);
}

JE_EXPORT void *
pvalloc(size_t size)
{
    return jea_pvalloc(size);
}

JE_EXPORT size_t
malloc_usable_size(void *p)
{
    return jea_malloc_usable_size(p);
}

JE_EXPORT int
malloc_trim(size_t pad)
{
    return jea_malloc_trim(pad);
}

JE_EXPORT int
mallopt(int parameter, int value)
{
    return jea_mallopt(parameter, value);
}

JE_EXPORT int
malloc_info(int options, FILE *out)
{
    return jea_malloc_info(options, out);
}

JE_EXPORT void
malloc_stats(void)
{
    jea_malloc_stats();
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

JE_EXPORT struct mallinfo
mallinfo(void)
{
    struct jea_mallinfo own = jea_mallinfo();
    struct mallinfo libc;
    _Static_assert(sizeof(own) == sizeof(libc), "the same members");
    memcpy(&libc, &own, sizeof(libc));
    return libc;
}

#pragma GCC diagnostic pop

#if __GLIBC_PREREQ(2, 33)
JE_EXPORT struct mallinfo2
mallinfo2(void)
{
    struct jea_mallinfo2 own = jea_mallinfo2();
    struct mallinfo2 libc;
    _Static_assert(sizeof(own) == sizeof(libc), "the same members");
    memcpy(&libc, &own, sizeof(libc));
    return libc;
}
#else
JE_EXPORT struct jea_mallinfo2 mallinfo2(void);

JE_EXPORT struct jea_mallinfo2
mallinfo2(void)
{
    return jea_mallinfo2();
}
#endif

/* ---- jemalloc ---------------------------------------------------------- */

/* Weak: those of the program are the ones that count. */
JE_EXPORT const char *malloc_conf __attribute__((weak));
JE_EXPORT je_message_t *malloc_message __attribute__((weak));

JE_EXPORT void *mallocx(size_t size, int flags);
JE_EXPORT void *rallocx(void *p, size_t size, int flags);
JE_EXPORT size_t xallocx(void *p, size_t size, size_t extra, int flags);
JE_EXPORT size_t sallocx(const void *p, int flags);
JE_EXPORT void dallocx(void *p, int flags);
JE_EXPORT void sdallocx(void *p, size_t size, int flags);
JE_EXPORT size_t nallocx(size_t size, int flags);
JE_EXPORT int mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp,
                      size_t newlen);
JE_EXPORT int mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp);
JE_EXPORT int mallctlbymib(const size_t *mib, size_t miblen, void *oldp,
                           size_t *oldlenp, void *newp, size_t newlen);
JE_EXPORT void malloc_stats_print(void (*write_cb)(void *, const char *),
                                  void *opaque, const char *opts);

void *
mallocx(size_t size, int flags)
{
    return jea_mallocx(size, flags);
}

void *
rallocx(void *p, size_t size, int flags)
{
    return jea_rallocx(p, size, flags);
}

size_t
xallocx(void *p, size_t size, size_t extra, int flags)
{
    return jea_xallocx(p, size, extra, flags);
}

size_t
sallocx(const void *p, int flags)
{
    return jea_sallocx(p, flags);
}

void
dallocx(void *p, int flags)
{
    jea_dallocx(p, flags);
}

void
sdallocx(void *p, size_t size, int flags)
{
    jea_sdallocx(p, size, flags);
}

size_t
nallocx(size_t size, int flags)
{
    return jea_nallocx(size, flags);
}

int
mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp,
        size_t newlen)
{
    return jea_mallctl(name, oldp, oldlenp, newp, newlen);
}

int
mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp)
{
    return jea_mallctlnametomib(name, mibp, miblenp);
}

int
mallctlbymib(const size_t *mib, size_t miblen, void *oldp, size_t *oldlenp,
             void *newp, size_t newlen)
{
    return jea_mallctlbymib(mib, miblen, oldp, oldlenp, newp, newlen);
}

void
malloc_stats_print(void (*write_cb)(void *, const char *), void *opaque,
                   const char *opts)
{
    jea_malloc_stats_print(write_cb, opaque, opts);
}
