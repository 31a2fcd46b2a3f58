/*
 * The extent descriptor: one run of pages.
 *
 * A descriptor belongs to one arena for ever (ext->arena_ind never changes),
 * so that whoever finds it through the page map may read that field without a
 * lock; every other field is read and written under that arena's pages lock,
 * except a slab's region state, which its bin's lock guards.
 *
 * invariants, checked by extent_is_valid():
 *   addr and size are multiples of the page; size > 0
 *   the page map's entries of the first and the last page are this extent, and
 *   no inner page of an extent that is not a slab maps to any extent
 *   slab:  nfree == number of set bits in bitmap, but for the bit of a rest
 *          (slab_has_rest()); nfree <= nregs of the class; no page of `gaps`
 *          has a live region (slab_free_pages()), nor has one of `idle` while
 *          the slab is in a list
 *   large: size == size of the class + pad, and offset < pad or both are 0; pad
 *          is 0 or, under the option cache_oblivious, one page
 *   free:  pages of a dirty or muzzy extent are accessible
 */
#ifndef JE_ALLOC_EXTENT_H
#define JE_ALLOC_EXTENT_H

#include "alloc/types.h"
#include "base/heap.h"
#include "base/list.h"

typedef enum {
    EXTENT_ACTIVE,
    EXTENT_DIRTY,
    EXTENT_MUZZY,
    EXTENT_RETAINED,
    EXTENT_GUARD,  /* an inaccessible page beside another extent */
    EXTENT_MOVING, /* between two ecaches, its pages being purged */
    EXTENT_UNUSED, /* a spare descriptor, describes no pages */
} extent_state_t;

enum { EXTENT_NO_CLASS = 0xff };

struct extent {
    uintptr_t addr;
    size_t size; /* bytes */

    uint16_t arena_ind;
    uint8_t state; /* extent_state_t */
    uint8_t szind; /* class of the slab or large object */
    bool is_slab;
    bool is_committed; /* accessible */
    bool is_zeroed;    /* reads as zero throughout; active: has no pages, and is
                        * to be given back (pac_move) */
    bool is_cached;    /* large object lying in a thread cache; of classes that
                        * all have, only while that is being asked */

    union {
        uint16_t nfree;  /* slab: free regions */
        uint16_t offset; /* large object: bytes from addr to it */
    };

    uint16_t trigger; /* slab: when nfree reaches this, its list changes */
    uint8_t bucket;   /* slab: occupancy list, or BIN_UNLISTED */

    union {
        bool is_sampled; /* large object: in the profiler's table */
        uint8_t shard;   /* slab: which of its arena's bins it belongs to */
    };

    uint16_t nsampled; /* slab: live sampled regions */

    list_t link; /* slab: occupancy list; free: oldest first; spare: chain */
    uint64_t *sampled; /* slab: regions in the profiler's table, or NULL */

    union {
        uint16_t *labels; /* slab: of each region, or NULL; see label.h */
        uint16_t label;   /* large object */
    };

    union {
        /* slab: set bit = free region; in a line of its own */
        _Alignas(CACHELINE) uint64_t bitmap[SC_MAX_REGIONS / 64];

        struct { /* slab whose class has slab_marked_pages(), see bin.h */
            uint64_t marked_bitmap[SC_MAX_REGIONS / 64 - 1]; /* as above */
            uint32_t gaps; /* pages that were given back */
            uint32_t idle; /* free when looked at; SLAB_ROUND: in which round */
        };

        struct {
            heap_node_t node; /* free: position among extents of its class */
            bool is_loose;    /* free: or beside them; see ecache.h */
        };
    };
} JE_CACHE_ALIGNED;

_Static_assert(sizeof(struct extent) == 2 * CACHELINE, "two cache lines");

static inline uintptr_t
extent_end(const extent_t *e)
{
    return e->addr + e->size;
}

static inline size_t
extent_pages(const extent_t *e)
{
    return e->size >> OS_LG_PAGE;
}

/* The large object. */
static inline void *
extent_object(const extent_t *e)
{
    return (void *)(e->addr + e->offset);
}

static inline uintptr_t
extent_last_page(const extent_t *e)
{
    return e->addr + e->size - OS_PAGE;
}

#endif
