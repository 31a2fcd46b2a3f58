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
#include "alloc/prof.h"
#include "alloc/special.h"
#include "alloc/stats.h"
#include "alloc/tcache.h"
#include "alloc/tcaches.h"
#include "base/bits.h"

/* Sampled regions that are looked up at once. */
enum { RESET_BATCH = 32 };

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

/* ---- large ------------------------------------------------------------- */

static void
reset_large(arena_t *arena)
{
    list_t taken;
    list_init(&taken);
    pac_take_large(&arena->pac, &taken);
    for (list_t *l; (l = list_first(&taken)) != NULL;) {
        list_remove(l);
        extent_t *e = list_entry(l, extent_t, link);
        if (special_is_marked(e, (void *)e->addr)) {
            prof_sample_free((void *)e->addr);
            special_unmark(e, (void *)e->addr);
        }
        arena_large_dalloc(e);
    }
}

/* ---- samples ----------------------------------------------------------- */

static unsigned
slab_sampled(const bin_info_t *info, const extent_t *slab, void **out,
             unsigned n)
{
    for (unsigned i = 0; slab->nsampled > 0 && i < info->nregs; i++) {
        if (((slab->sampled[i >> 6] >> (i & 63)) & 1) && n < RESET_BATCH) {
            out[n++] = (void *)(slab->addr + (uintptr_t)i * info->size);
        }
    }
    return n;
}

/* Sampled objects of a bin, up to RESET_BATCH. */
static unsigned
bin_sampled(arena_t *arena, unsigned szind, void **out)
{
    bin_t *bin = &arena->bins[szind];
    const bin_info_t *info = &bin_infos[szind];
    unsigned n = 0;
    if (!arena_bin_lock(arena, bin)) {
        return 0;
    }
    if (bin->current != NULL) {
        n = slab_sampled(info, bin->current, out, n);
    }
    for (unsigned b = 0; b <= BIN_BUCKETS; b++) {
        list_t *head = b < BIN_BUCKETS ? &bin->buckets[b] : &bin->full;
        for (list_t *l = head->next; l != head; l = l->next) {
            n = slab_sampled(info, list_entry(l, extent_t, link), out, n);
        }
    }
    os_mutex_unlock(&bin->mtx);
    return n;
}

/* They are live, so nothing but this forgets them. The table of samples is
 * never asked while a bin is locked. */
static void
reset_samples(arena_t *arena, unsigned szind)
{
    void *p[RESET_BATCH];
    for (unsigned n; (n = bin_sampled(arena, szind, p)) > 0;) {
        for (unsigned i = 0; i < n; i++) {
            prof_sample_free(p[i]);
            special_unmark(emap_extent((uintptr_t)p[i]), p[i]);
        }
    }
}

/* ---- small ------------------------------------------------------------- */

typedef struct keeper {
    const arena_t *arena;
    unsigned szind;
} keeper_t;

static void
keep_cached(void *arg, void *p)
{
    const keeper_t *k = arg;
    extent_t *e = emap_extent((uintptr_t)p);
    if (e != NULL && e->arena_ind == k->arena->ind &&
        e->state == EXTENT_ACTIVE && e->is_slab && e->szind == k->szind) {
        bin_reset_keep(&bin_infos[k->szind], e, p);
    }
}

static void
keep_all_cached(arena_t *arena, unsigned szind, list_t *threads)
{
    keeper_t k = {.arena = arena, .szind = szind};
    for (list_t *l = threads->next; l != threads; l = l->next) {
        tcache_foreach(list_entry(l, tsd_t, link), szind, keep_cached, &k);
    }
    for (unsigned i = 0; i < tcaches_end(); i++) {
        const tsd_t *cache = tcaches_peek(i);
        if (cache != NULL) {
            tcache_foreach(cache, szind, keep_cached, &k);
        }
    }
}

static void
reset_bin(arena_t *arena, unsigned szind)
{
    bin_t *bin = &arena->bins[szind];
    const bin_info_t *info = &bin_infos[szind];
    list_t slabs, surplus;
    list_init(&slabs);
    list_init(&surplus);
    reset_samples(arena, szind);
    list_t *threads = tsd_list_lock();
    if (arena_bin_lock(arena, bin)) {
        bin_reset_begin_locked(bin, info, &slabs);
        keep_all_cached(arena, szind, threads);
        bin_reset_end_locked(bin, info, &slabs, &surplus);
        if (je_config_debug > 1) {
            (void)bin_is_valid_locked(bin, info);
        }
        os_mutex_unlock(&bin->mtx);
    }
    tsd_list_unlock();
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
    for (unsigned i = 0; i < SC_NBINS; i++) {
        reset_bin(arena, i);
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
    (void)pac_end(&arena->pac);
    return true;
}
