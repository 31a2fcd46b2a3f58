/*
 * Size classes: four per doubling.
 *
 * 8, then multiples of 16 up to 64, then 80 96 112 128, 160 192 224 256, ...
 * up to SZ_LARGE_MAX. Classes below SC_NBINS are served from slabs. Pure
 * arithmetic plus two small tables filled by sz_boot().
 */
#ifndef JE_ALLOC_SZ_H
#define JE_ALLOC_SZ_H

#include "alloc/types.h"
#include "base/bits.h"

#define SZ_QUANTUM   ((size_t)16)
#define SZ_LARGE_MAX ((size_t)0x7000000000000000)
#define SZ_SMALL_MAX ((size_t)7 << (OS_LG_PAGE - 1))
/* Largest request that the byte table answers: all classes that every thread
 * cache has bins for. */
#define SZ_LOOKUP_MAX ((size_t)8 << OS_LG_PAGE)

enum { SZ_NCLASSES = 232, SZ_NPSIZES = 199 };

#define SZ_NLARGE (SZ_NCLASSES - SC_NBINS)

/* Request in units of 8 bytes, rounded up -> map class (szind + 1), times what
 * the hot path would multiply it by. */
enum { SZ_LOOKUP_SCALE = 32 };

extern uint16_t sz_lookup_tab[SZ_LOOKUP_MAX / 8 + 1];
/* szind -> bytes. */
extern size_t sz_size_tab[SZ_NCLASSES];

void sz_boot(void);

/* Bytes of class `szind` by arithmetic; sz_size() reads the table. */
static inline size_t
sz_size_compute(unsigned szind)
{
    if (szind == 0) {
        return 8;
    }
    unsigned group = (szind - 1) >> 2;
    size_t step = (szind - 1) & 3;
    if (group == 0) {
        return (step + 1) << 4;
    }
    return ((size_t)64 << (group - 1)) + ((step + 1) << (group + 3));
}

static inline size_t
sz_size(unsigned szind)
{
    return sz_size_tab[szind];
}

/* The smallest request of a class. */
static inline size_t
sz_least(unsigned szind)
{
    return szind > 0 ? sz_size(szind - 1) + 1 : 0;
}

/* Class of a request; size <= SZ_LARGE_MAX. */
static inline unsigned
sz_index_compute(size_t size)
{
    if (size <= 8) {
        return 0;
    }
    if (size <= 64) {
        return (unsigned)((size + 15) >> 4);
    }
    size_t x = size - 1;
    unsigned lg = bits_lg_floor(x);
    return 1 + ((lg - 5) << 2) + ((x >> (lg - 2)) & 3);
}

static inline unsigned
sz_index(size_t size)
{
    if (likely(size <= SZ_LOOKUP_MAX)) {
        return sz_lookup_tab[(size + 7) >> 3] / SZ_LOOKUP_SCALE - 1u;
    }
    return sz_index_compute(size);
}

/* Smallest class >= a request, in bytes; size <= SZ_LARGE_MAX. */
static inline size_t
sz_round(size_t size)
{
    return sz_size(sz_index(size));
}

/* Usable size of an aligned request, 0 when it cannot be represented.
 * alignment is a power of two. A small class serves an alignment up to a page
 * when its size is a multiple of it, because slabs are page aligned. */
size_t sz_round_aligned(size_t size, size_t alignment);

/* Usable size of a request with or without (alignment <= 8) an alignment. */
static inline size_t
sz_usable(size_t size, size_t alignment)
{
    return likely(alignment <= 8) ? sz_round(size)
                                  : sz_round_aligned(size, alignment);
}

/* Page-size classes: the same series in pages, 1 2 3 4 5 6 7 8 10 12 ...
 * Index of the smallest class of at least `npages`. */
static inline unsigned
sz_pind_ceil(size_t npages)
{
    if (npages <= 4) {
        return (unsigned)npages - 1;
    }
    size_t x = npages - 1;
    unsigned lg = bits_lg_floor(x);
    return ((lg - 1) << 2) + ((x >> (lg - 2)) & 3);
}

/* Pages of page-size class `pind`. */
static inline size_t
sz_pind_pages(unsigned pind)
{
    unsigned group = pind >> 2;
    size_t step = (pind & 3) + 1;
    return group == 0 ? step
                      : ((size_t)4 << (group - 1)) + (step << (group - 1));
}

/* Index of the largest class of at most `npages`. */
static inline unsigned
sz_pind_floor(size_t npages)
{
    if (npages <= 8) {
        return (unsigned)npages - 1;
    }
    unsigned pind = sz_pind_ceil(npages);
    return sz_pind_pages(pind) > npages ? pind - 1 : pind;
}

#endif
