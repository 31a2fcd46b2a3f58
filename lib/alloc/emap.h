/*
 * Page map: address -> map class (one byte) and address -> extent.
 *
 * Two levels. The root is indexed by address / 1 GiB; a leaf holds one byte
 * and one pointer for each page of its 1 GiB and is mapped when the first
 * extent appears there, untouched pages of it costing nothing. Reading takes no
 * lock and at most two dependent loads. The root stores leaves relative to an
 * all-zero one, so that an address in no leaf needs no test of its own: it
 * reads class 0 and extent NULL.
 *
 * Writes are single aligned stores of published values, so a fork sees each
 * entry old or new, never torn. Entries of an extent's pages are written under
 * its arena's pages lock.
 */
#ifndef JE_ALLOC_EMAP_H
#define JE_ALLOC_EMAP_H

#include "alloc/extent.h"
#include "alloc/types.h"
#include "base/atomic.h"
#include "os/mutex.h"

enum {
    EMAP_LG_ADDRESS = 48,
    EMAP_LG_LEAF = 30,
    EMAP_LEAF_PAGES = 1 << (EMAP_LG_LEAF - OS_LG_PAGE),
    EMAP_ROOT_SLOTS = 1 << (EMAP_LG_ADDRESS - EMAP_LG_LEAF),
};

typedef struct emap_leaf {
    uint8_t cls[EMAP_LEAF_PAGES];
    extent_t *ext[EMAP_LEAF_PAGES];
} emap_leaf_t;

/* One object, so that the hot path needs one base address, and what follows
 * the root is zero: it is what addresses from 2^48 to 2^49 read there. */
typedef struct emap {
    uintptr_t root[EMAP_ROOT_SLOTS]; /* leaf minus &none; 0: there is none */
    emap_leaf_t none;                /* never written, so never in memory */
} emap_t;

extern emap_t emap;

enum { EMAP_CLS_OFFSET = offsetof(emap_t, none.cls) };

_Static_assert(offsetof(emap_t, root) == 0, "emap_class() takes it for that");
_Static_assert(sizeof(((emap_t *)0)->none) >= sizeof(((emap_t *)0)->root),
               "zero up to 2^49");

static inline emap_leaf_t *
emap_leaf(uintptr_t addr)
{
    uintptr_t delta = atomic_load_rlx(&emap.root[addr >> EMAP_LG_LEAF]);
    return (emap_leaf_t *)((uintptr_t)&emap.none + delta);
}

static inline size_t
emap_slot(uintptr_t addr)
{
    return (addr >> OS_LG_PAGE) & (EMAP_LEAF_PAGES - 1);
}

/* Map class of the page; 0 for addresses below 2^49 that are not ours. What is
 * above must not be asked for; a test of it would cost every free. */
static inline unsigned
emap_class(const void *p)
{
    uintptr_t addr = (uintptr_t)p, base = (uintptr_t)&emap;
    /* emap_leaf(addr)->cls[slot] in the terms that make it one operand */
    JE_OPAQUE(base);
    uintptr_t at = atomic_load_rlx(&((uintptr_t *)base)[addr >> EMAP_LG_LEAF]);
    at += emap_slot(addr);
    JE_OPAQUE(at);
    return atomic_load_rlx((uint8_t *)(base + EMAP_CLS_OFFSET + at));
}

/* Extent of the page of a live object, whose owner asks. */
static inline extent_t *
emap_extent_mapped(uintptr_t addr)
{
    return atomic_load_rlx(&emap_leaf(addr)->ext[emap_slot(addr)]);
}

/* Extent of the page: for slabs of any page, for others of the first and last
 * page; NULL elsewhere. Addresses above 2^48 are not ours either. */
static inline extent_t *
emap_extent(uintptr_t addr)
{
    if (unlikely(addr >> EMAP_LG_ADDRESS != 0)) {
        return NULL;
    }
    /* acquire: it may be another arena's, which no lock shows us whole */
    return atomic_load_acq(&emap_leaf(addr)->ext[emap_slot(addr)]);
}

void emap_boot(void);

/* Make sure that leaves exist for [addr, addr + size).
 * errors: false, nothing is lost; leaves made stay. */
JE_NODISCARD bool emap_reserve(uintptr_t addr, size_t size);

/* Enter or remove an extent's first and last page; class bytes stay 0. */
void emap_set_ends(extent_t *e);
void emap_clear_ends(uintptr_t addr, size_t size);
/* Extent a, entered, is about to grow by b, entered and just behind it. */
void emap_join(extent_t *a, const extent_t *b);
/* Enter a slab: every page gets the extent and the class. Undo: inner pages
 * and all bytes are cleared, the ends stay. */
void emap_set_slab(extent_t *e);
void emap_unset_slab(extent_t *e);
/* One page's byte, for pages that hold special objects. */
void emap_set_class(uintptr_t addr, unsigned cls);

/* Call fn for every extent, free ones too, by ascending address. Takes no lock:
 * what others change meanwhile is seen before or after, or missed. */
typedef void emap_visit_t(void *arg, uintptr_t addr, size_t size,
                          extent_state_t state);
void emap_foreach(emap_visit_t *fn, void *arg);

/* The extent whose pages contain addr, or NULL; walks, for diagnostics. */
extent_t *emap_find_containing(uintptr_t addr);

/* The lock under which leaves are made, for its figures. */
os_mutex_t *emap_mutex(void);

void emap_fork_child(void);

#endif
