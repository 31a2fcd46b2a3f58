/*
 * Allocating and freeing, all cases: see malloc.h. The entry points with their
 * errno rules are in api.c, the hot path in malloc_fast.h.
 */
#include "alloc/malloc.h"

#include <errno.h>
#include <string.h>

#include "alloc/arena_choice.h"
#include "alloc/background.h"
#include "alloc/conf.h"
#include "alloc/deferred.h"
#include "alloc/emap.h"
#include "alloc/label_fast.h"
#include "alloc/malloc_fast.h"
#include "alloc/percpu.h"
#include "alloc/prof.h"
#include "alloc/prof_heap.h"
#include "alloc/special.h"
#include "alloc/stats_interval.h"
#include "alloc/tcache.h"
#include "alloc/tcache_count.h"
#include "alloc/tcaches.h"
#include "base/assert.h"
#include "os/clock.h"

enum {
    JUNK_ALLOC_BYTE = 0xa5,
    JUNK_FREE_BYTE = 0x5a,
    FREES_PER_TICK = 16,
    TICKS_PER_OTHER = 4
};

/* From this size on pages are moved rather than copied: what is moved becomes a
 * mapping of the kernel's own, of which a process may have 65,530 by default.
 */
#define MOVE_MIN OS_HUGE

/* This thread's state after start-up; NULL: work without. */
static inline tsd_t *
malloc_tsd(void)
{
    tsd_t *tsd = tsd_current;
    if (unlikely(tsd == &tsd_none)) {
        /* the end of start-up may have allocated already */
        tsd = je_boot() ? tsd_get() : NULL;
    }
    return tsd;
}

/* While > 0 a fork in a signal handler finds us half way. */
static inline void
malloc_enter(tsd_t *tsd)
{
    if (tsd != NULL) {
        atomic_store_rlx(&tsd->nesting, tsd->nesting + 1);
        atomic_fence_compiler();
    }
}

static inline void
malloc_leave(tsd_t *tsd)
{
    if (tsd != NULL) {
        atomic_fence_compiler();
        atomic_store_rlx(&tsd->nesting, tsd->nesting - 1);
    }
}

/* For a thread without state: an automatic arena, in a hook one without hooks.
 * errors: NULL. */
static arena_t *
malloc_any_arena(void)
{
    bool in_hook = tsd_is_gone == TSD_IN_HOOK;
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = arena_get_or_make(i);
        if (arena != NULL && !arena->is_quarantined &&
            !(in_hook && pac_is_hooked(&arena->pac))) {
            return arena;
        }
    }
    return NULL;
}

static arena_t *
malloc_arena(tsd_t *tsd, const alloc_how_t *how)
{
    if (how->arena != NULL) {
        return how->arena;
    }
    if (tsd != NULL) {
        arena_follow_processor(tsd);
        return tsd->arena;
    }
    return malloc_any_arena();
}

/* The cache to use until cache_leave(), or NULL. */
static tsd_t *
cache_enter(tsd_t *tsd, unsigned cache, const arena_t *arena)
{
    switch (cache) {
    case ALLOC_CACHE_OWN:
        return arena == NULL ? tsd : NULL;
    case ALLOC_CACHE_NONE:
        return NULL;
    default:
        return tcaches_enter(cache - ALLOC_CACHE_CREATED);
    }
}

static inline void
cache_leave(const tsd_t *tsd, tsd_t *cache)
{
    if (unlikely(cache != NULL && cache != tsd)) {
        tcaches_leave(cache);
    }
}

/* ---- misuse ------------------------------------------------------------ */

/* p is not the start of a live object: say what it is, and stop. */
static JE_NORETURN JE_COLD JE_NOINLINE void
malloc_misused(const void *p)
{
    extent_t *e = emap_find_containing((uintptr_t)p);
    if (e == NULL) {
        je_fatal("free of %p, which was not allocated here", p);
    }
    bool has_class = e->szind < SZ_NCLASSES;
    if (e->state == EXTENT_ACTIVE) {
        je_fatal("free of %p, which is inside a block of %zu bytes", p,
                 has_class ? sz_size(e->szind) : e->size);
    }
    if (extent_object(e) == p && has_class) {
        je_fatal("double free of %p (size class %zu)", p, sz_size(e->szind));
    }
    je_fatal("double free of %p (size class unknown)", p);
}

/* The extent of a live object. */
static extent_t *
malloc_extent(const void *p)
{
    extent_t *e = emap_extent((uintptr_t)p);
    if (unlikely(e == NULL || e->state != EXTENT_ACTIVE)) {
        malloc_misused(p);
    }
    if (!e->is_slab) {
        if (unlikely(extent_object(e) != p)) {
            malloc_misused(p);
        }
        if (unlikely(e->is_cached)) {
            je_fatal("double free of %p (size class %zu)", p,
                     sz_size(e->szind));
        }
    } else {
        const bin_info_t *info = &bin_infos[e->szind];
        uint32_t region = bin_region(info, e, p);
        if (unlikely(region >= info->nregs ||
                     e->addr + (uintptr_t)region * info->size !=
                         (uintptr_t)p)) {
            malloc_misused(p);
        }
    }
    return e;
}

/* ---- events ------------------------------------------------------------ */

/* Time passes for the thread's arena, and now and then for one of the others in
 * turn: one that no thread allocates from any more may have got pages back. */
static void
malloc_decay_tick(tsd_t *tsd, uint64_t now)
{
    if (background_is_enabled()) {
        return;
    }
    arena_tick(tsd->arena, now);
    percpu_tick(now);
    if (++tsd->ticks % TICKS_PER_OTHER != 0) {
        return;
    }
    unsigned next = tsd->decay_next + 1u;
    tsd->decay_next = (uint16_t)(next < arenas_auto ? next : 0);
    arena_t *other = arena_get(tsd->decay_next);
    if (other != NULL && other != tsd->arena) {
        arena_tick(other, now);
    }
}

/* Handle what the bytes allocated so far made due. Returns whether the cache
 * was looked at. */
static bool
malloc_due(tsd_t *tsd)
{
    bool is_gc = tsd->progress >= tsd->next_gc;
    if (is_gc) {
        uint64_t now = os_clock_coarse_ns();
        tsd_note_peak(tsd);
        tcache_gc(tsd, now);
        malloc_decay_tick(tsd, now);
        prof_heap_count(tsd->progress - tsd->counted);
        tsd->counted = tsd->progress;
    }
    if (unlikely(tsd->progress >= tsd->next_stats)) {
        stats_interval_report(tsd);
    }
    return is_gc;
}

/* Count an object from a bin of the thread's own cache. Returns whether it is
 * to be sampled. */
static bool
malloc_count_popped(tsd_t *tsd, unsigned cls)
{
    cache_bin_t *bin = tsd_bin(tsd, cls);
    if (bin->left > 0) {
        bin->left--;
        return false;
    }
    bool is_sampled = tcache_count_due(tsd, cls);
    if (malloc_due(tsd)) {
        tcache_lower(tsd, cls);
    }
    return is_sampled;
}

/* The same of one that did not come from there. */
static bool
malloc_count_direct(tsd_t *tsd, size_t usable)
{
    if (unlikely(tsd->sample_rate != atomic_load_rlx(&conf.sample))) {
        tsd_draw(tsd); /* the rate has been set since, and is this one's */
    }
    tsd->direct.allocated += usable;
    tsd->progress += usable;
    tsd_note_peak(tsd);
    bool is_sampled = false;
    if (tsd->direct.allocated >= tsd->next_sample) {
        /* a walk's own is counted as dropped there */
        is_sampled = tsd->sample_rate != 0;
        tsd->hit_rate = tsd->sample_rate;
        tsd_draw(tsd);
    }
    (void)malloc_due(tsd);
    return is_sampled;
}

/* Leave, and do what had to wait for that: statistics are not printed for an
 * allocation inside of something. */
static inline void
malloc_end(tsd_t *tsd)
{
    malloc_leave(tsd);
    if (unlikely(atomic_load_rlx(&prof_heap_due) != 0)) {
        prof_heap_write_due();
    }
    if (unlikely(tsd != NULL && tsd->is_stats_due) && tsd->nesting == 0 &&
        !tsd->is_sampling) {
        stats_interval_print(tsd);
    }
}

/* Count a request that was served with p, but not from a bin of the thread's
 * own cache: in p's arena. */
static void
malloc_count_request(const void *p, unsigned szind)
{
    arena_t *arena = arena_of(emap_extent((uintptr_t)p));
    if (szind < SC_NBINS) {
        atomic_add_rlx(&arena->bins[szind].stats.nrequests, 1u);
    } else {
        atomic_add_rlx(&arena->large[szind - SC_NBINS].nrequests, 1u);
    }
}

/* Where an object comes from: an arena, a bin of the cache, or a processor's
 * cache, which has counted the request. */
typedef enum source { FROM_ARENA, FROM_BIN, FROM_PROCESSOR } source_t;

/* Count an allocation. Returns whether it is to be sampled. */
static bool
malloc_count(tsd_t *tsd, const void *p, unsigned szind, source_t from)
{
    if (from == FROM_ARENA) {
        malloc_count_request(p, szind);
    }
    if (tsd == NULL) {
        return false;
    }
    size_t usable = sz_size(szind);
    tsd->live.allocated += usable;
    return from == FROM_BIN ? malloc_count_popped(tsd, szind + 1)
                            : malloc_count_direct(tsd, usable);
}

static void
malloc_count_free(tsd_t *tsd, size_t usable, bool is_pushed)
{
    if (tsd != NULL) {
        tsd->live.deallocated += usable;
        tsd->direct.deallocated += is_pushed ? 0 : usable;
    }
}

/* ---- allocation -------------------------------------------------------- */

/* From the cache of this processor. errors: NULL. */
static JE_NOINLINE void *
malloc_percpu(tsd_t *tsd, unsigned szind, source_t *from)
{
    if (!tsd->is_cache_on || szind >= tsd->ncached) {
        return NULL;
    }
    bool is_counted;
    void *p = percpu_alloc(tsd, szind, &is_counted);
    *from = is_counted ? FROM_PROCESSOR : FROM_ARENA;
    return p;
}

static void *
malloc_small(tsd_t *tsd, tsd_t *cache, unsigned szind, const alloc_how_t *how,
             source_t *from)
{
    void *p = NULL;
    if (cache != NULL && !tcache_is_untouched(cache, szind)) {
        p = cache_bin_pop(&cache->bins[szind + 1]);
    }
    *from = p != NULL ? FROM_BIN : FROM_ARENA;
    if (p == NULL && cache != NULL && percpu_serves(cache)) {
        p = malloc_percpu(cache, szind, from);
    }
    if (p != NULL) {
        return p;
    }
    arena_t *arena = malloc_arena(tsd, how);
    if (arena == NULL) {
        return NULL;
    }
    if (cache != NULL && tcache_has_slots(cache, szind)) {
        *from = FROM_BIN;
        return tcache_alloc_small(cache, arena, szind);
    }
    tsd_t *taker = cache != NULL ? cache : tsd;
    return arena_small_alloc(arena, szind, taker != NULL ? taker->turn : 0);
}

static void *
malloc_large_cached(tsd_t *tsd, tsd_t *cache, unsigned szind,
                    const alloc_how_t *how)
{
    /* what lies in a cache begins anywhere under cache_oblivious */
    size_t cached_align = conf.cache_oblivious ? CACHELINE : OS_PAGE;
    if (cache == NULL || szind >= cache->ncached ||
        how->alignment > cached_align) {
        return NULL;
    }
    void *p = tcache_alloc_large(cache, szind);
    if (p != NULL && szind >= SC_NCACHED) {
        emap_extent((uintptr_t)p)->is_cached = false;
    }
    if (p != NULL && how->zero) {
        memset(p, 0, sz_size(szind));
    }
    bool may_fill = p == NULL && !how->zero && cache == tsd &&
                    sz_size(szind) < arena_oversize_min;
    return may_fill ? tcache_fill_large(tsd, malloc_arena(tsd, how), szind) : p;
}

static void *
malloc_large(tsd_t *tsd, tsd_t *cache, unsigned szind, const alloc_how_t *how,
             source_t *from)
{
    size_t usable = sz_size(szind);
    void *p = malloc_large_cached(tsd, cache, szind, how);
    *from = p != NULL ? FROM_BIN : FROM_ARENA;
    if (p != NULL) {
        return p;
    }
    /* one that others use as well may be torn by a fork that came meanwhile */
    arena_t *arena = how->arena == NULL ? arena_for_large(tsd, usable) : NULL;
    arena_t *own = malloc_arena(tsd, how);
    extent_t *e = NULL;
    if (arena != NULL) {
        e = arena_large_alloc(arena, usable, how->alignment, how->zero);
    }
    if (e == NULL && own != NULL && own != arena) {
        e = arena_large_alloc(own, usable, how->alignment, how->zero);
    }
    return e != NULL ? extent_object(e) : NULL;
}

static void *
malloc_by_class(tsd_t *tsd, tsd_t *cache, unsigned szind,
                const alloc_how_t *how, source_t *from)
{
    return szind < SC_NBINS ? malloc_small(tsd, cache, szind, how, from)
                            : malloc_large(tsd, cache, szind, how, from);
}

static void
malloc_sample(tsd_t *tsd, void *p, size_t size, size_t usable)
{
    extent_t *e = emap_extent((uintptr_t)p);
    if (prof_sample_alloc(tsd, e, p, size, usable) && !special_mark(e, p)) {
        prof_sample_free(p);
    }
}

/* Only what succeeded is counted: a request of exabytes that fails must not
 * move what is due next out of reach. */
static void
malloc_account(tsd_t *tsd, void *p, size_t size, unsigned szind, source_t from)
{
    size_t usable = sz_size(szind);
    bool sampled = malloc_count(tsd, p, szind, from);
    if (tsd != NULL && tsd->label != 0) {
        label_mark(tsd, emap_extent((uintptr_t)p), p, usable);
    }
    if (unlikely(sampled)) {
        malloc_sample(tsd, p, size, usable);
    }
}

static void
malloc_fill(void *p, size_t usable, unsigned szind, bool zero)
{
    if (conf.zero || (zero && szind < SC_NBINS)) {
        memset(p, 0, usable); /* a later rallocx relies on all of it */
    } else if (!zero &&
               (conf.junk == CONF_JUNK_TRUE || conf.junk == CONF_JUNK_ALLOC)) {
        memset(p, JUNK_ALLOC_BYTE, usable);
    }
}

/* Get address space back: that of free objects in the cache, too. */
static JE_NOINLINE bool
malloc_reclaim(tsd_t *tsd, tsd_t *cache, const alloc_how_t *how)
{
    if (cache != NULL) {
        tcache_flush(cache);
    }
    percpu_flush();
    return arena_reclaim_address_space(malloc_arena(tsd, how));
}

void *
je_alloc(size_t size, const alloc_how_t *how)
{
    tsd_t *tsd = malloc_tsd();
    if (unlikely(size > SZ_LARGE_MAX || (tsd == NULL && !je_boot()))) {
        return NULL;
    }
    size_t usable = sz_usable(size, how->alignment);
    if (usable == 0) {
        return NULL;
    }
    unsigned szind = sz_index(usable);
    malloc_enter(tsd);
    tsd_t *cache = cache_enter(tsd, how->cache, how->arena);
    source_t from;
    void *p = malloc_by_class(tsd, cache, szind, how, &from);
    if (unlikely(p == NULL) &&
        ((tsd != NULL && tsd_leave_quarantine(tsd)) || deferred_flush() > 0 ||
         malloc_reclaim(tsd, cache, how))) {
        p = malloc_by_class(tsd, cache, szind, how, &from);
    }
    if (from == FROM_BIN && cache != tsd) {
        from = FROM_ARENA; /* no thread's own cache counts it */
    }
    cache_leave(tsd, cache);
    if (likely(p != NULL)) {
        malloc_fill(p, usable, szind, how->zero);
        malloc_account(tsd, p, size, szind, from);
    }
    malloc_end(tsd);
    return p;
}

/* ---- deallocation ------------------------------------------------------ */

/* A bin that takes a freed object only by the slow path was most often full,
 * and was flushed. A thread that only frees comes by no other tick. */
static void
free_tick(tsd_t *tsd, bool is_often)
{
    if (tsd != NULL && (!is_often || ++tsd->slow_frees % FREES_PER_TICK == 0)) {
        malloc_decay_tick(tsd, os_clock_coarse_ns());
    }
}

/* Returns whether it is in the cache now. */
static bool
free_large(tsd_t *cache, extent_t *e, void *p)
{
    if (cache != NULL && e->szind < cache->ncached &&
        !arena_of(e)->is_quarantined) {
        e->is_cached = e->szind >= SC_NCACHED; /* others are pushed unmarked */
        if (tcache_free_large(cache, e->szind, p)) {
            return true;
        }
        e->is_cached = false;
    }
    arena_large_dalloc(e);
    return false;
}

/* Into the cache of this processor. errors: false. */
static JE_NOINLINE bool
free_percpu(tsd_t *tsd, const extent_t *e, void *p)
{
    if (!tsd->is_cache_on || e->szind >= tsd->ncached) {
        return false;
    }
    bool is_spilled = false, ok = percpu_free(tsd, e, p, &is_spilled);
    if (is_spilled) {
        free_tick(tsd, true);
    }
    return ok;
}

static bool
free_small(tsd_t *cache, unsigned szind, void *p)
{
    bool is_pushed = cache != NULL && tcache_free_small(cache, szind, p);
    if (!is_pushed) {
        arena_small_dalloc(szind, p);
    }
    return is_pushed;
}

static void
free_checked(tsd_t *tsd, tsd_t *cache, extent_t *e, void *p)
{
    if (unlikely(special_is_marked(e, p))) {
        prof_sample_free(p);
        special_unmark(e, p);
    }
    size_t usable = sz_size(e->szind);
    unsigned label = label_of(e, p);
    if (label != 0) {
        label_unmark(tsd, e, p, usable, label);
    }
    if (unlikely(conf.junk == CONF_JUNK_TRUE || conf.junk == CONF_JUNK_FREE)) {
        memset(p, JUNK_FREE_BYTE, usable);
    }
    bool is_slab = e->is_slab;
    bool is_percpu = is_slab && cache != NULL && percpu_serves(cache) &&
                     free_percpu(cache, e, p);
    bool is_pushed = false;
    if (likely(!is_percpu)) {
        is_pushed =
            is_slab ? free_small(cache, e->szind, p) : free_large(cache, e, p);
        free_tick(tsd, is_slab || is_pushed);
    }
    malloc_count_free(tsd, usable, is_pushed && cache == tsd);
}

void
je_free(void *p, unsigned cache)
{
    int saved = errno;
    tsd_t *tsd = malloc_tsd();
    extent_t *e = malloc_extent(p);
    malloc_enter(tsd);
    tsd_t *to = cache_enter(tsd, cache, NULL);
    free_checked(tsd, to, e, p);
    cache_leave(tsd, to);
    malloc_leave(tsd);
    errno = saved;
}

void
je_dalloc(void *p, unsigned cache)
{
    if (cache != ALLOC_CACHE_OWN) {
        je_free(p, cache);
    } else {
        free_fast(p);
    }
}

size_t
je_usable_size(const void *p)
{
    bool is_mapped = (uintptr_t)p >> EMAP_LG_ADDRESS == 0;
    unsigned cls = likely(is_mapped) ? emap_class(p) : 0;
    if (likely(cls != 0)) {
        return sz_size(cls - 1);
    }
    return sz_size(malloc_extent(p)->szind);
}

void
je_free_sized(void *p, size_t size, size_t alignment, unsigned cache)
{
    size_t usable = je_usable_size(p);
    size_t expected = size <= SZ_LARGE_MAX ? sz_usable(size, alignment) : 0;
    if (unlikely(usable != expected)) {
        je_fatal("sized free of %p with size %zu, which is not of its size "
                 "class %zu",
                 p, size, usable);
    }
    je_dalloc(p, cache);
}

/* ---- resizing ---------------------------------------------------------- */

/* The object was resized in place: to the accounts it is a free and a malloc,
 * sampled anew. */
static void
resize_account(tsd_t *tsd, extent_t *e, size_t old, size_t size)
{
    void *p = extent_object(e);
    if (special_is_marked(e, p)) {
        prof_sample_free(p);
        special_unmark(e, p);
    }
    unsigned label = label_of(e, p);
    if (label != 0) {
        label_unmark(tsd, e, p, old, label);
    }
    malloc_count_free(tsd, old, false);
    malloc_account(tsd, p, size, e->szind, FROM_ARENA);
}

/* Try to give a large object the usable size `usable` where it is. */
static bool
resize_large(extent_t *e, size_t size, size_t usable, bool zero)
{
    tsd_t *tsd = malloc_tsd();
    size_t old = sz_size(e->szind);
    malloc_enter(tsd);
    bool ok = arena_large_resize(e, usable, zero || conf.zero);
    if (ok) {
        resize_account(tsd, e, old, size);
    }
    malloc_leave(tsd);
    return ok;
}

size_t
je_resize_in_place(void *p, size_t size, size_t extra, bool zero)
{
    extent_t *e = malloc_extent(p);
    if (e->is_slab) {
        return sz_size(e->szind);
    }
    size_t most = extra > SZ_LARGE_MAX - size ? SZ_LARGE_MAX : size + extra;
    size_t least = sz_round(size);
    size_t large_min = sz_size(SC_NBINS);
    least = least > large_min ? least : large_min;
    for (size_t usable = sz_round(most); usable >= least;
         usable = sz_size(sz_index(usable) - 1)) {
        if (usable == sz_size(e->szind) ||
            resize_large(e, size, usable, zero)) {
            break;
        }
    }
    return sz_size(e->szind);
}

/* Whether the arena of an object would also serve one of that size. */
static bool
move_may_stay(const tsd_t *tsd, const extent_t *e, size_t usable,
              const alloc_how_t *how)
{
    const arena_t *arena = arena_of(e);
    if (usable >= arena_oversize_min) {
        return false;
    }
    if (how->arena != NULL || (tsd != NULL && tsd->is_arena_chosen)) {
        return arena == (how->arena != NULL ? how->arena : tsd->arena);
    }
    return arena->ind < arenas_auto;
}

/* A larger block with the pages of one. errors: NULL, copy it. */
static void *
move_large(void *p, size_t size, size_t usable, const alloc_how_t *how)
{
    tsd_t *tsd = malloc_tsd();
    extent_t *e = malloc_extent(p);
    if (conf.junk != CONF_JUNK_FALSE || !move_may_stay(tsd, e, usable, how)) {
        return NULL;
    }
    malloc_enter(tsd);
    extent_t *to = arena_large_move(e, usable, how->zero || conf.zero);
    void *q = to != NULL ? extent_object(to) : NULL;
    if (q != NULL) {
        malloc_account(tsd, q, size, to->szind, FROM_ARENA);
    }
    malloc_end(tsd);
    if (q != NULL) {
        je_free(p, ALLOC_CACHE_NONE);
    }
    return q;
}

/* A block to move to: by the hot path if nothing special is asked for. */
static void *
malloc_like(size_t size, const alloc_how_t *how)
{
    if (how->alignment <= 8 && how->cache == ALLOC_CACHE_OWN &&
        how->arena == NULL) {
        return malloc_fast(size);
    }
    alloc_how_t fresh = *how;
    fresh.zero = false;
    return je_alloc(size, &fresh);
}

void *
je_realloc(void *p, size_t size, const alloc_how_t *how)
{
    int saved = errno;
    size_t old = je_usable_size(p);
    if (unlikely(size > SZ_LARGE_MAX)) {
        return NULL;
    }
    size_t usable = sz_usable(size, how->alignment);
    bool is_aligned =
        how->alignment <= 1 || ((uintptr_t)p & (how->alignment - 1)) == 0;
    if (usable == old && is_aligned) {
        return p;
    }
    size_t large_min = sz_size(SC_NBINS);
    if (old >= large_min && usable >= large_min && is_aligned &&
        resize_large(malloc_extent(p), size, usable, how->zero)) {
        errno = saved;
        return p;
    }
    void *q = NULL;
    if (old >= MOVE_MIN && usable > old && is_aligned &&
        how->alignment <= OS_PAGE &&
        (q = move_large(p, size, usable, how)) != NULL) {
        errno = saved;
        return q;
    }
    q = malloc_like(size, how);
    if (q == NULL) {
        return NULL;
    }
    memcpy(q, p, old < size ? old : size);
    if (how->zero && usable > old) {
        memset((char *)q + old, 0, usable - old);
    }
    je_dalloc(p, how->cache);
    errno = saved;
    return q;
}

/* ---- slow halves of the hot path --------------------------------------- */

static JE_COLD void *
malloc_long(size_t size)
{
    static const alloc_how_t plain;
    tsd_t *tsd = tsd_current;
    void *p = tsd->is_percpu ? percpu_alloc_cached(tsd, size) : NULL;
    if (p != NULL) {
        return p;
    }
    int saved = errno;
    p = je_alloc(size, &plain);
    if (unlikely(p == NULL)) {
        if (conf.xmalloc) {
            je_fatal("out of memory for %zu bytes", size);
        }
        errno = ENOMEM;
        return NULL;
    }
    errno = saved;
    return p;
}

static JE_COLD void
free_long(void *p)
{
    if (p != NULL) {
        je_free(p, ALLOC_CACHE_OWN);
    }
}

/* A pop that the hot path left, as something is due with it: do that, and it is
 * as any other. NULL: it was left for another reason. */
static void *
malloc_popped_due(tsd_t *tsd, size_t size)
{
    if (unlikely(size > SZ_LOOKUP_MAX)) {
        return NULL;
    }
    unsigned szind = sz_index(size);
    cache_bin_t *bin = &tsd_hot[szind + 1];
    if (bin->left >= 0 || bin->head <= bin->low ||
        tcache_is_untouched(tsd, szind)) {
        return NULL;
    }
    int saved = errno;
    malloc_enter(tsd);
    void *p = *--bin->head;
    if (unlikely(malloc_count_popped(tsd, szind + 1))) {
        malloc_sample(tsd, p, size, bin->size);
    }
    malloc_end(tsd);
    errno = saved;
    return p;
}

/* The hot path's work for a thread that is kept from it because its bytes are
 * read where they are. NULL: there is more to do. */
static inline void *
malloc_counted(tsd_t *tsd, size_t size)
{
    if (!tsd->is_counted || tsd->is_slow_always || size > SZ_LOOKUP_MAX) {
        return NULL;
    }
    cache_bin_t *bin = &tsd->bins[sz_index(size) + 1];
    void *p = bin->left > 0 ? cache_bin_pop(bin) : NULL;
    if (p != NULL) {
        bin->left--;
        tsd->live.allocated += bin->size;
    }
    return p;
}

/* And for one that is because of that, or of its label. A map class says that
 * there is nothing special about the object. */
static inline bool
free_counted(tsd_t *tsd, void *p)
{
    cache_bin_t *bin = &tsd->bins[emap_class(p)];
    if (tsd->is_slow_always || !cache_bin_push(bin, p)) {
        return false;
    }
    tsd->live.deallocated += bin->size;
    return true;
}

void *
malloc_slow(size_t size)
{
    tsd_t *tsd = tsd_current;
    void *p = malloc_popped_due(tsd, size);
    if (p == NULL) {
        p = tsd->label != 0 ? label_alloc_cached(tsd, size)
                            : malloc_counted(tsd, size);
    }
    return p != NULL ? p : malloc_long(size);
}

/* Apart, so that others need not save registers for it. */
static JE_NOINLINE void
free_of_processor(tsd_t *tsd, void *p)
{
    if (!percpu_free_cached(tsd, p) && !label_free_cached(tsd, p)) {
        free_long(p);
    }
}

void
free_slow(void *p)
{
    tsd_t *tsd = tsd_current;
    if (free_counted(tsd, p)) {
        return;
    }
    if (unlikely(tsd->is_percpu)) {
        free_of_processor(tsd, p);
    } else if (!label_free_cached(tsd, p)) {
        free_long(p);
    }
}
