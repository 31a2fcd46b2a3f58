/*
 * Discarding what an arena has, for arenas that were created: see arena.h.
 *
 * Objects of the arena may lie in caches of other threads, which cannot be
 * emptied from here. Their regions and extents stay allocated, so that what
 * such a thread pops is never handed out twice. A cache that changes while it
 * is looked at may be misjudged; flushing before is the program's duty.
 */
#include "alloc/arena.h"

#include "alloc/emap.h"
#include "alloc/label.h"
#include "alloc/prof.h"
#include "alloc/special.h"
#include "alloc/stats.h"
#include "alloc/tcache.h"
#include "alloc/tcaches.h"
#include "base/bits.h"
#include "os/thread.h"

/* Marked regions that are looked up at once. */
enum { RESET_BATCH = 32 };

/* The profiler and the owner's account forget a live object. */
static void
reset_marks(extent_t *e, void *p)
{
    if (special_is_marked(e, p)) {
        prof_sample_free(p);
        special_unmark(e, p);
    }
    unsigned label = label_of(e, p);
    if (label != 0) {
        label_unmark(tsd_get(), e, p, sz_size(e->szind), label);
    }
}

static void
reset_own_cache(void)
{
    if (atomic_load_rlx(&tsd_has_orphans)) {
        tsd_reclaim_orphans();
    }
    tsd_t *tsd = tsd_get();
    if (tsd != NULL) {
        tcache_flush(tsd);
    }
}

/* Call fn for every object of a class in any cache. */
static void
foreach_cached(unsigned szind, list_t *threads, void (*fn)(void *arg, void *p),
               void *arg)
{
    for (list_t *l = threads->next; l != threads; l = l->next) {
        tcache_foreach(list_entry(l, tsd_t, link), szind, fn, arg);
    }
    for (unsigned i = 0; i < tcaches_end(); i++) {
        const tsd_t *cache = tcaches_peek(i);
        if (cache != NULL) {
            tcache_foreach(cache, szind, fn, arg);
        }
    }
}

/* ---- large ------------------------------------------------------------- */

typedef struct marker {
    const arena_t *arena;
    bool is_cached;
} marker_t;

static void
mark_cached(void *arg, void *p)
{
    const marker_t *m = arg;
    extent_t *e = emap_extent((uintptr_t)p);
    if (e != NULL && e->arena_ind == m->arena->ind &&
        e->state == EXTENT_ACTIVE && !e->is_slab) {
        e->is_cached = m->is_cached;
    }
}

/* Of the classes that the hot path puts into caches and takes from there
 * without a mark. */
static void
mark_all_cached(const arena_t *arena, bool is_cached, list_t *threads)
{
    marker_t m = {.arena = arena, .is_cached = is_cached};
    for (unsigned szind = SC_NBINS; szind < SC_NCACHED; szind++) {
        foreach_cached(szind, threads, mark_cached, &m);
    }
}

static void
reset_large(arena_t *arena)
{
    list_t taken;
    list_init(&taken);
    list_t *threads = tsd_list_lock();
    mark_all_cached(arena, true, threads);
    pac_take_large(&arena->pac, &taken);
    mark_all_cached(arena, false, threads);
    tsd_list_unlock();
    for (list_t *l; (l = list_first(&taken)) != NULL;) {
        list_remove(l);
        extent_t *e = list_entry(l, extent_t, link);
        reset_marks(e, extent_object(e));
        arena_large_dalloc(e);
    }
}

/* ---- samples and labels ------------------------------------------------ */

static unsigned
slab_marked(const bin_info_t *info, const extent_t *slab, void **out,
            unsigned n)
{
    bool has_marks = slab->nsampled > 0 || slab->labels != NULL;
    for (unsigned i = 0; has_marks && i < info->nregs; i++) {
        void *p = (void *)(slab->addr + (uintptr_t)i * info->size);
        if (n < RESET_BATCH &&
            (special_is_marked(slab, p) || label_of(slab, p) != 0)) {
            out[n++] = p;
        }
    }
    return n;
}

/* Marked objects of a bin, up to RESET_BATCH. */
static unsigned
bin_marked(arena_t *arena, bin_t *bin, void **out)
{
    const bin_info_t *info = &bin_infos[bin->szind];
    unsigned n = 0;
    if (!arena_bin_lock(arena, bin)) {
        return 0;
    }
    if (bin->current != NULL) {
        n = slab_marked(info, bin->current, out, n);
    }
    for (unsigned b = 0; b <= BIN_BUCKETS; b++) {
        list_t *head = b < BIN_BUCKETS ? &bin->buckets[b] : &bin->full;
        for (list_t *l = head->next; l != head; l = l->next) {
            n = slab_marked(info, list_entry(l, extent_t, link), out, n);
        }
    }
    os_mutex_unlock(&bin->mtx);
    return n;
}

/* What is marked is live, so nothing but this forgets it. The table of samples
 * is never asked while a bin is locked. */
static void
reset_all_marks(arena_t *arena, bin_t *bin)
{
    void *p[RESET_BATCH];
    for (unsigned n; (n = bin_marked(arena, bin, p)) > 0;) {
        for (unsigned i = 0; i < n; i++) {
            reset_marks(emap_extent((uintptr_t)p[i]), p[i]);
        }
    }
}

/* ---- small ------------------------------------------------------------- */

typedef struct keeper {
    const arena_t *arena;
    const bin_t *bin;
} keeper_t;

static void
keep_cached(void *arg, void *p)
{
    const keeper_t *k = arg;
    extent_t *e = emap_extent((uintptr_t)p);
    if (e != NULL && e->arena_ind == k->arena->ind &&
        e->state == EXTENT_ACTIVE && e->is_slab && e->szind == k->bin->szind &&
        e->shard == k->bin->shard) {
        bin_reset_keep(&bin_infos[e->szind], e, p);
    }
}

/* Lock the list of threads, which is returned, and the bin, at a time when no
 * slab of it is being purged. errors: NULL, nothing is locked. */
static list_t *
reset_lock(arena_t *arena, bin_t *bin)
{
    static uint32_t never;
    for (;;) {
        list_t *threads = tsd_list_lock();
        bool ok = arena_bin_lock(arena, bin);
        if (ok && bin->nmoving == 0) {
            return threads;
        }
        if (ok) {
            os_mutex_unlock(&bin->mtx);
        }
        tsd_list_unlock();
        if (!ok) {
            return NULL;
        }
        os_thread_wait(&never, 0, 1000000);
    }
}

static void
reset_bin(arena_t *arena, bin_t *bin)
{
    const bin_info_t *info = &bin_infos[bin->szind];
    list_t slabs, surplus;
    list_init(&slabs);
    list_init(&surplus);
    reset_all_marks(arena, bin);
    list_t *threads = reset_lock(arena, bin);
    if (threads != NULL) {
        bin_reset_begin_locked(bin, info, &slabs);
        foreach_cached(bin->szind, threads, keep_cached,
                       &(keeper_t){.arena = arena, .bin = bin});
        bin_reset_end_locked(bin, info, &slabs, &surplus);
        if (je_config_debug > 1) {
            (void)bin_is_valid_locked(bin, info);
        }
        os_mutex_unlock(&bin->mtx);
        tsd_list_unlock();
    }
    arena_release_slabs(&surplus);
}

/* ---- the whole --------------------------------------------------------- */

bool
arena_reset(arena_t *arena)
{
    if (!arena->is_created || arena->is_quarantined) {
        return false;
    }
    reset_own_cache();
    reset_large(arena);
    for (unsigned i = 0; i < arena_nbins(); i++) {
        reset_bin(arena, arena_nth_bin(arena, i));
    }
    return true;
}

bool
arena_destroy(arena_t *arena)
{
    if (atomic_load_rlx(&arena->nthreads) != 0 || !arena_reset(arena)) {
        return false;
    }
    arena_purge(arena);
    stats_note_destroyed(arena);
    atomic_store_rel(&arena->is_destroyed, true);
    (void)pac_end(&arena->pac, arena_heir());
    atomic_store_rel(&arena->is_ended, true);
    return true;
}
