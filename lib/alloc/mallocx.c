/*
 * jemalloc's extended functions over the general ones: see mallocx.h.
 */
#include "alloc/mallocx.h"

#include "alloc/arena.h"
#include "alloc/malloc.h"
#include "alloc/sz.h"

enum {
    FLAG_LG_ALIGN_MASK = 0x3f,
    FLAG_ZERO = 0x40,
    FLAG_TCACHE_SHIFT = 8,
    FLAG_TCACHE_MASK = 0xfff,
    FLAG_ARENA_SHIFT = 20,
};

static size_t
flags_alignment(int flags)
{
    unsigned lg = (unsigned)flags & FLAG_LG_ALIGN_MASK;
    return lg == 0 ? 0 : (size_t)1 << lg;
}

/* The flags count caches as ALLOC_CACHE_CREATED does. */
static unsigned
flags_cache(int flags)
{
    return ((unsigned)flags >> FLAG_TCACHE_SHIFT) & FLAG_TCACHE_MASK;
}

/* errors: false, there is no such arena. */
static bool
flags_decode(int flags, alloc_how_t *how)
{
    unsigned arena = (unsigned)flags >> FLAG_ARENA_SHIFT;
    *how = (alloc_how_t){
        .alignment = flags_alignment(flags),
        .zero = (flags & FLAG_ZERO) != 0,
        .cache = flags_cache(flags),
    };
    if (arena == 0) {
        return true;
    }
    how->arena = je_boot() ? arena_get_or_make(arena - 1) : NULL;
    return how->arena != NULL && !how->arena->is_quarantined;
}

void *
je_mallocx(size_t size, int flags)
{
    alloc_how_t how;
    if (flags == 0) {
        static const alloc_how_t plain;
        return je_alloc(size, &plain);
    }
    return flags_decode(flags, &how) ? je_alloc(size, &how) : NULL;
}

void *
je_rallocx(void *p, size_t size, int flags)
{
    alloc_how_t how;
    return flags_decode(flags, &how) ? je_realloc(p, size, &how) : NULL;
}

size_t
je_xallocx(void *p, size_t size, size_t extra, int flags)
{
    size_t alignment = flags_alignment(flags);
    if (size > SZ_LARGE_MAX ||
        (alignment != 0 && ((uintptr_t)p & (alignment - 1)) != 0)) {
        return je_usable_size(p);
    }
    return je_resize_in_place(p, size, extra, (flags & FLAG_ZERO) != 0);
}

size_t
je_sallocx(const void *p, int flags)
{
    (void)flags;
    return je_usable_size(p);
}

void
je_dallocx(void *p, int flags)
{
    je_dalloc(p, flags_cache(flags));
}

void
je_sdallocx(void *p, size_t size, int flags)
{
    je_free_sized(p, size, flags_alignment(flags), flags_cache(flags));
}

size_t
je_nallocx(size_t size, int flags)
{
    if (size > SZ_LARGE_MAX || !je_boot()) {
        return 0;
    }
    return sz_usable(size, flags_alignment(flags));
}
