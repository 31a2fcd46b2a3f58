/*
 * The page layer of one arena: where extents come from and where they go.
 *
 * Reuse order is dirty, muzzy, retained, fresh address space. Freed extents
 * merge with free neighbours of the same state and arena. Decay moves dirty to
 * muzzy or retained, muzzy to retained, and without `retain` unmaps.
 *
 * Lock: pac->mtx guards all of it. Functions take it themselves unless named
 * _locked. System calls that purge run without it, on extents in the state
 * EXTENT_MOVING.
 *
 * invariants:
 *   nactive + ngaps == sum of the pages of all active extents of the arena
 *   ngaps == set bits in `gaps` of its slabs, at rest: pages of slabs that were
 *            given back (bin.h) are not active
 */
#ifndef JE_ALLOC_PAC_H
#define JE_ALLOC_PAC_H

#include "alloc/decay.h"
#include "alloc/ecache.h"
#include "alloc/extent.h"
#include "alloc/sz.h"
#include "base/atomic.h"
#include "os/mutex.h"

struct jea_extent_hooks;

typedef struct pac {
    os_mutex_t mtx;
    bool is_torn;      /* by a fork: see pac_lock() */
    bool lists_large;  /* `large` is kept */
    bool is_abandoned; /* what is given back is not touched any more */
    bool refuses_gaps; /* the last time that some were to be made */
    uint8_t dss;       /* CONF_DSS_*: use of the program break */
    uint16_t arena_ind;
    /* where its pages are from; NULL: the system itself */
    struct jea_extent_hooks *hooks;
    list_t large; /* active large extents */
    list_t spare; /* descriptors without pages */
    size_t nspare;
    size_t nactive;   /* pages */
    size_t ngaps;     /* pages */
    size_t grow_size; /* bytes of the next region */
    size_t retain_grow_limit;
    size_t oversize_threshold; /* bytes; extents from this size on are purged
                                * when they become unused */
    size_t abandoned_vm; /* bytes that could not be unmapped or described */
    ecache_t dirty;
    ecache_t muzzy;
    ecache_t retained;
    decay_t decay_dirty;
    decay_t decay_muzzy;
} pac_t;

void pac_init(pac_t *pac, uint16_t arena_ind, uint64_t now_ns);
/* Start again, for an arena that has no extents any more. */
void pac_reuse(pac_t *pac, uint64_t now_ns);

/* The functions that pages come from; never NULL. See jealloc.h. */
struct jea_extent_hooks *pac_hooks(const pac_t *pac);
void pac_set_hooks(pac_t *pac, struct jea_extent_hooks *hooks);

static inline bool
pac_is_hooked(const pac_t *pac)
{
    return atomic_load_rlx(&pac->hooks) != NULL;
}

/* Whether it makes no difference which of two arenas has some pages: none has
 * hooks or settings of its own. */
bool pac_is_alike(const pac_t *a, const pac_t *b);

/* An active extent of exactly `size` bytes at a multiple of `align`; both
 * multiples of the page. It is a large object until the caller says otherwise.
 * *zeroed says whether it reads as zero. errors: NULL, nothing changed. */
extent_t *pac_alloc(pac_t *pac, size_t size, size_t align, bool *zeroed);
/* The same from dirty and muzzy pages only. */
extent_t *pac_alloc_used(pac_t *pac, size_t size, size_t align, bool *zeroed);

/* Up to n of these, of those that were given back lately. Returns how many. */
unsigned pac_alloc_many(pac_t *pac, size_t size, extent_t **out, unsigned n);

/* An active extent with an inaccessible page before and after it, which go when
 * it is given back; it does not resize. errors: NULL. */
extent_t *pac_alloc_guarded(pac_t *pac, size_t size, bool *zeroed);

/* A run of pages on its way from one arena to another; nobody's meanwhile. */
typedef struct pac_run {
    uintptr_t addr;
    size_t size;
} pac_run_t;

/* Part with dirty pages: about `want` bytes if there is such a run, at least
 * `least`. errors: false, nothing changed. */
bool pac_part(pac_t *pac, size_t least, size_t want, pac_run_t *run);
/* Take over what another arena parted with. */
void pac_adopt_dirty(pac_t *pac, const pac_run_t *run);

/* Give an active extent back. A slab's page map entries are cleared here. */
void pac_dalloc(pac_t *pac, extent_t *e);
/* The same of n >= 1 large ones of one size. */
void pac_dalloc_many(pac_t *pac, extent_t **extents, unsigned n);

/* Enter an extent just made into the list of large ones, which is kept. */
void pac_list_large(pac_t *pac, extent_t *e);
/* Take all large extents but those in thread caches off the list. */
void pac_take_large(pac_t *pac, list_t *out);

/* Resize an active large extent in place; sizes are multiples of the page.
 * expand: *zeroed says whether the new tail reads as zero. errors: false,
 * nothing changed. */
bool pac_expand(pac_t *pac, extent_t *e, size_t new_size, bool *zeroed);
bool pac_shrink(pac_t *pac, extent_t *e, size_t new_size);

/* Give back pages of a slab that is in no list of its bin (bin_look_locked), in
 * as many calls as they are runs, which are counted. Returns which are gone.
 * Between begin and end, and without locks; the end may be told under that of
 * the bin. begin: false, not now. */
JE_NODISCARD bool pac_gaps_begin(pac_t *pac);
uint32_t pac_gaps_make(pac_t *pac, extent_t *slab, uint32_t pages,
                       uint64_t *ncalls);
void pac_gaps_end(pac_t *pac, size_t npages, uint64_t ncalls);
/* So many are in use again. */
void pac_gaps_opened(pac_t *pac, size_t npages);

/* An active extent of `size` bytes, at least those of `from`, with the pages of
 * that, an active large one: that has none afterwards, and is to be given back
 * before anything is written there. *zeroed says whether it reads as zero
 * behind them. errors: NULL, nothing changed. */
extent_t *pac_move(pac_t *pac, extent_t *from, size_t size, bool *zeroed);

/* Purge what the schedule says; returns at once when somebody else does. */
void pac_decay(pac_t *pac, uint64_t now_ns);
/* Purge everything dirty and muzzy. */
void pac_purge_all(pac_t *pac);
/* Purge at least `npages` dirty pages, the oldest first, if there are as many
 * and they may be purged at all. */
void pac_purge_oldest(pac_t *pac, size_t npages);
/* The end of the arena: wait for those who purge, and get rid of what is
 * retained. What cannot be unmapped, since it is from the program break, goes
 * to `heir`, which may be NULL. What is still active stays so; returns whether
 * nothing is. */
bool pac_end(pac_t *pac, pac_t *heir);
/* Unmap retained extents, to get address space back, or let `heir` have them as
 * above. Returns bytes. */
size_t pac_unmap_retained(pac_t *pac, pac_t *heir);

/* Decay times; setting one purges what it now forbids. */
typedef enum { PAC_DIRTY, PAC_MUZZY } pac_which_t;

int64_t pac_decay_ms(pac_t *pac, pac_which_t which);
bool pac_set_decay_ms(pac_t *pac, pac_which_t which, int64_t ms);
uint64_t pac_ns_until_decay(pac_t *pac, uint64_t now_ns);

/* Defaults for arenas to come. */
extern int64_t pac_default_dirty_ms;
extern int64_t pac_default_muzzy_ms;
extern size_t pac_default_oversize;

/* No extent is so large. */
#define PAC_OVERSIZE_NONE (SZ_LARGE_MAX + OS_PAGE)
extern unsigned pac_default_dss;
/* Of CONF_DSS_*. */
extern const char *const pac_dss_names[];

/* Walks everything; debug=full builds. */
bool pac_is_valid(pac_t *pac);

#endif
