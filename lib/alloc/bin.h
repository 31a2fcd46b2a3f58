/*
 * Bins: the slabs of one small size class in one arena. With the option
 * bin_shards an arena has several of a class, among which its threads are
 * divided; a slab stays with one of them.
 *
 * Allocation takes regions from the current slab, and when that is used up
 * from one of the fullest others, so that the rest drain and go back whole.
 * Exact order would need a priority queue on every free; instead non-full slabs
 * sit in BIN_BUCKETS lists by occupancy, and a slab moves only when its count
 * of free regions crosses the border of its list (`trigger`).
 *
 * invariants (bin lock held):
 *   curregs == curslabs * nregs - sum of nfree over the bin's slabs
 *   slab->shard == shard for all of them
 *   a slab is in exactly one place: current, spare (empty, at most one), a
 *   bucket (0 < nfree < nregs), or nowhere (nfree == 0); in an arena that can
 *   be reset, in `full` instead of nowhere; or it is one of the `nmoving` whose
 *   pages are being given back
 *   ngaps == number of set bits in `gaps`, over the slabs in these places but
 *   for those that are moving
 */
#ifndef JE_ALLOC_BIN_H
#define JE_ALLOC_BIN_H

#include "alloc/extent.h"
#include "alloc/types.h"
#include "base/list.h"
#include "os/mutex.h"

enum {
    BIN_BUCKETS = 8,
    BIN_FULL = 0xfe, /* in the list of slabs without free regions */
    BIN_UNLISTED = 0xff,
    BIN_NO_TRIGGER = 0xffff,
    BIN_SHARDS_MAX = 64,
    BIN_MOVING_MAX = 8, /* slabs taken at a time to give back pages */
};

/* Constant facts of a small class. */
typedef struct bin_info {
    uint32_t size;  /* bytes of a region */
    uint32_t magic; /* ceil(2^32 / size), for exact division */
    uint32_t slab_size;
    uint16_t nregs;
    /* bucket b holds slabs with least_free[b] <= nfree < least_free[b + 1] */
    uint16_t least_free[BIN_BUCKETS + 1];
} bin_info_t;

extern bin_info_t bin_infos[SC_NBINS];

/* Bins of a class in each arena. */
typedef struct bin_shards {
    uint16_t count;
    uint16_t first; /* place of the second among all but the first ones */
} bin_shards_t;

extern bin_shards_t bin_shards[SC_NBINS];
/* Sum of count - 1 over the classes. */
extern unsigned bin_nmore;

/* Counters since the arena's start; written under the bin's lock. */
typedef struct bin_stats {
    uint64_t nmalloc; /* regions handed out, to caches or threads */
    uint64_t ndalloc;
    uint64_t nrequests; /* requests of threads that are gone */
    uint64_t nfills;
    uint64_t nflushes;
    uint64_t nslabs;
    uint64_t nreslabs; /* a listed slab became current */
    uint64_t curslabs;
    uint64_t nonfull_slabs;
} bin_stats_t;

/* How far a look at the slabs in a bin's lists has come. */
typedef struct bin_look {
    bool is_on;
    bool at_once;    /* all free pages go, else those that are idle */
    uint8_t bucket;  /* the next */
    uint32_t left;   /* slabs of the one before that */
    uint32_t round;  /* 0 or SLAB_ROUND in turns */
    uint64_t now_ns; /* when it began, and figures of then */
    uint64_t nmalloc;
    uint64_t ndalloc;
    const extent_t *spare;
} bin_look_t;

struct bin {
    os_mutex_t mtx;
    extent_t *current;
    extent_t *spare;
    list_t buckets[BIN_BUCKETS]; /* 0 = fewest free regions */
    list_t full;
    bool lists_full; /* `full` is kept */
    uint8_t szind;
    uint8_t shard;
    bool has_idle;                /* what the next look may find due */
    uint32_t ngaps;               /* pages given back */
    uint32_t nopened;             /* in use again and not reported yet */
    uint32_t nmoving;             /* slabs taken by bin_look_locked() */
    uint32_t listed[BIN_BUCKETS]; /* lengths of the lists */
    bin_look_t look;              /* the last one */
    bin_stats_t stats;
} JE_CACHE_ALIGNED;

/* Does a slab end with less than a region? That piece's bit is always set, so
 * that its free is told as a double one; there are no more bits than regions
 * only in slabs without it, since 512 regions always fill their pages. */
static inline bool
slab_has_rest(const bin_info_t *info)
{
    return (uint32_t)info->nregs * info->size != info->slab_size;
}

/* Slabs with so many regions have no room for marks of pages; those of the
 * smallest classes, whose pages are hardly ever free. */
#define SLAB_UNMARKED_FROM (SC_MAX_REGIONS - 64)
/* No more pages of a slab have marks; the bit above them says in which of two
 * alternating rounds `idle` was written. */
#define SLAB_MARKED_MAX 31u
#define SLAB_ROUND      (UINT32_C(1) << SLAB_MARKED_MAX)

/* How many of a slab's first pages can be given back one by one. What is left
 * over at the end is not used: a full slab has no free page. */
static inline unsigned
slab_marked_pages(const bin_info_t *info)
{
    uint32_t used = info->nregs * info->size;
    uint32_t npages = (used + (uint32_t)OS_PAGE - 1) >> OS_LG_PAGE;
    return info->nregs >= SLAB_UNMARKED_FROM ? 0
                                             : JE_MIN(npages, SLAB_MARKED_MAX);
}

static inline uint32_t
slab_gaps(const bin_info_t *info, const extent_t *slab)
{
    return info->nregs >= SLAB_UNMARKED_FROM ? 0 : slab->gaps;
}

/* All regions are free, no page has a mark. */
void slab_init_bitmap(const bin_info_t *info, extent_t *slab);

void bin_boot(void);
void bin_init(bin_t *bin, unsigned szind, unsigned shard);

/* Region number of p in slab e, exact only if p is the start of a region. */
static inline uint32_t
bin_region(const bin_info_t *info, const extent_t *e, const void *p)
{
    uint64_t offset = (uintptr_t)p - e->addr;
    return (uint32_t)((offset * info->magic) >> 32);
}

/* Take up to n regions into out[0..], lowest address last, so that a stack
 * filled with them pops ascending addresses. Uses existing slabs only.
 * locks: bin->mtx held. Returns how many. */
unsigned bin_take_locked(bin_t *bin, const bin_info_t *info, void **out,
                         unsigned n);

/* Make a fresh slab the current one. locks: bin->mtx held. */
void bin_adopt_locked(bin_t *bin, const bin_info_t *info, extent_t *slab);

/* Return those of n regions whose slab belongs to this bin, which is one of
 * arena `arena_ind`; slabs[i] is that of ptrs[i]. The others are moved to the
 * front of both arrays, and their number is returned. Misuse (double free, no
 * region's start) does not return. Slabs that became empty and that the bin has
 * no use for are chained to `surplus` and no longer belong to it. locks:
 * bin->mtx held. */
unsigned bin_put_locked(bin_t *bin, const bin_info_t *info, unsigned arena_ind,
                        void **ptrs, extent_t **slabs, unsigned n,
                        list_t *surplus);

/* Give up the spare slab, or NULL. locks: bin->mtx held. */
extent_t *bin_drop_spare_locked(bin_t *bin, const bin_info_t *info);

/* Discard all objects: begin by making all regions free and chaining all slabs
 * to `slabs`, keep some by marking them, and end by putting the slabs back in
 * their places; those without an object go to `surplus` and no longer belong to
 * the bin. `full` must have been kept. locks: bin->mtx held throughout. */
void bin_reset_begin_locked(bin_t *bin, const bin_info_t *info, list_t *slabs);
void bin_reset_keep(const bin_info_t *info, extent_t *slab, const void *p);
void bin_reset_end_locked(bin_t *bin, const bin_info_t *info, list_t *slabs,
                          list_t *surplus);

/* ---- pages inside slabs, bin_gaps.c ------------------------------------- */

/* Of the pages that can have marks, those without a live region. */
uint32_t slab_free_pages(const bin_info_t *info, const extent_t *slab);
/* Does it touch a page that was given back? Then no cache can have it. */
bool slab_region_is_gone(const bin_info_t *info, const extent_t *slab,
                         uint32_t region);
/* As slab_take() in bin.c for a slab of which pages may have been given back:
 * first of the others, then as few as will do are taken into use again, which
 * the bin's nopened counts. locks: bin->mtx held. */
unsigned slab_take_around(bin_t *bin, const bin_info_t *info, extent_t *slab,
                          void **end, unsigned n);

/* Slabs that are in no list while pages of theirs are given back. Regions may
 * be freed into them meanwhile; none is taken. */
typedef struct bin_moving {
    unsigned n;
    extent_t *slabs[BIN_MOVING_MAX];
    uint32_t pages[BIN_MOVING_MAX];
} bin_moving_t;

/* Could a look find anything new? Only what is freed makes pages free. */
bool bin_has_changed_locked(const bin_t *bin);
/* Look at all listed slabs from now on: for pages to give back, which are all
 * free ones if `at_once`, else those that were so at the look before, if
 * nothing was taken from their slab since. locks: bin->mtx held. */
void bin_look_begin_locked(bin_t *bin, uint64_t now_ns, bool at_once);
/* Before: the spare slab goes if it was that at the last look, too, and the
 * current one into a list if nothing was taken since. locks: bin->mtx held. */
void bin_retire_locked(bin_t *bin, const bin_info_t *info, list_t *surplus);
/* Go on with it, by a bounded number of slabs; take those with such pages.
 * Returns false at the end. locks: bin->mtx held. */
bool bin_look_locked(bin_t *bin, const bin_info_t *info, bin_moving_t *out);
/* Put back a slab that it took, with `pages` given back. Returns how many that
 * are. locks: bin->mtx held. */
unsigned bin_moved_locked(bin_t *bin, const bin_info_t *info, extent_t *slab,
                          uint32_t pages, list_t *surplus);

/* Is the region allocated, as far as the slab knows? locks: bin->mtx held. */
bool bin_region_is_live(const bin_info_t *info, const extent_t *slab,
                        const void *p);

/* Walks everything; debug builds. locks: bin->mtx held. */
bool bin_is_valid_locked(bin_t *bin, const bin_info_t *info);

#endif
