/*
 * Glossary, limits and forward declarations of the allocator.
 *
 *   page        the kernel's page, OS_PAGE bytes.
 *   size class  one of the sizes that requests are rounded up to; `szind` is
 *               its index. The first SC_NBINS are small, the rest large.
 *   extent      a run of pages with one descriptor: a slab, a large object or
 *               free pages in one of three states.
 *   slab        an extent cut into regions of one small class.
 *   region      the place of one small object in a slab.
 *   bin         the slabs of one small class in one arena, under one lock.
 *   arena       a set of bins and extents that some threads share.
 *   tcache      per-thread stacks of free regions in front of the bins.
 *   ecache      free extents of one arena in one state: dirty (was written),
 *               muzzy (lazily purged), retained (no memory behind it).
 *   tsd         everything that belongs to one thread.
 *   map class   what the page map's byte says: 0 "ask the extent", otherwise
 *               szind + 1 of a slab's page without special objects, or of the
 *               page on which a large object begins that is nothing special
 *               and that every thread cache has a bin for.
 */
#ifndef JE_ALLOC_TYPES_H
#define JE_ALLOC_TYPES_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/pages.h"

enum {
    SC_NBINS = OS_LG_PAGE == 12   ? 36
               : OS_LG_PAGE == 14 ? 44
                                  : 52,
    SC_NCACHED_LARGE = 5, /* large classes in every thread cache */
    SC_NCACHED = SC_NBINS + SC_NCACHED_LARGE,
    SC_NCACHED_MAX = 73,  /* classes that one may hold, up to 8 MiB */
    SC_MAX_REGIONS = 512, /* regions of one slab; the bitmap's bits */
    ARENA_LIMIT = 4094,   /* arenas that can exist */
    CACHELINE = 64,
};

#define JE_CACHE_ALIGNED __attribute__((aligned(CACHELINE)))

typedef struct arena arena_t;
typedef struct bin bin_t;
typedef struct extent extent_t;
typedef struct tsd tsd_t;

#endif
