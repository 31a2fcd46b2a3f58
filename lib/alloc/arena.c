/*
 * Small and large allocation from one arena: see arena.h.
 *
 * Creation and binding of arenas live in arena_set.c.
 */
#include "alloc/arena.h"

#include <string.h>

#include "alloc/balance.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/prof_heap.h"
#include "base/assert.h"
#include "base/bits.h"
#include "os/clock.h"

/* Pointers looked up at once before a flush takes locks. */
enum { ARENA_FLUSH_BATCH = 64, ARENA_FILL_BATCH = 64 };

/* Pages for a slab or a large object; of each `every` of these, which `counter`
 * counts, one lies between guard pages. */
static extent_t *
arena_pages(arena_t *arena, size_t size, size_t align, uint64_t every,
            uint64_t *counter, bool *zeroed)
{
    if (unlikely(every > 0) && align == OS_PAGE &&
        atomic_add_rlx(counter, 1u) % every == every - 1) {
        extent_t *e = pac_alloc_guarded(&arena->pac, size, zeroed);
        if (e != NULL) {
            return e;
        }
    }
    return balance_pages(arena, size, align, zeroed);
}

/* ---- small ------------------------------------------------------------- */

static extent_t *
arena_slab_alloc(arena_t *arena, unsigned szind)
{
    const bin_info_t *info = &bin_infos[szind];
    static uint64_t nslabs;
    bool zeroed;
    extent_t *e = arena_pages(arena, info->slab_size, OS_PAGE,
                              conf.san_guard_small, &nslabs, &zeroed);
    if (e == NULL) {
        return NULL;
    }
    e->is_slab = true;
    e->szind = (uint8_t)szind;
    e->nsampled = 0;
    e->labels = NULL;
    e->bucket = BIN_UNLISTED;
    slab_init_bitmap(info, e);
    emap_set_slab(e);
    return e;
}

bool
arena_bin_lock(arena_t *arena, bin_t *bin)
{
    os_mutex_lock(&bin->mtx);
    if (unlikely(arena->is_quarantined)) {
        os_mutex_unlock(&bin->mtx);
        return false;
    }
    return true;
}

/* `nfills`: what it counts as, 1 if it is for a cache. */
static unsigned
arena_take(arena_t *arena, unsigned szind, unsigned turn, void **out,
           unsigned n, unsigned nfills)
{
    unsigned count = bin_shards[szind].count;
    bin_t *bin = arena_bin(arena, szind, likely(count == 1) ? 0 : turn % count);
    const bin_info_t *info = &bin_infos[szind];
    if (!arena_bin_lock(arena, bin)) {
        return 0;
    }
    unsigned got = bin_take_locked(bin, info, out, n);
    if (unlikely(got == 0)) {
        /* the page layer is slow at times; the bin need not wait for it */
        os_mutex_unlock(&bin->mtx);
        extent_t *slab = arena_slab_alloc(arena, szind);
        if (!arena_bin_lock(arena, bin)) {
            return 0;
        }
        if (slab != NULL) {
            bin_adopt_locked(bin, info, slab);
        }
        got = bin_take_locked(bin, info, out, n);
    }
    if (unlikely(bin->nopened != 0)) {
        pac_gaps_opened(&arena->pac, bin->nopened);
        bin->nopened = 0;
    }
    bin->stats.nfills += got > 0 ? nfills : 0;
    if (je_config_debug > 1) {
        (void)bin_is_valid_locked(bin, info);
    }
    os_mutex_unlock(&bin->mtx);
    return got;
}

unsigned
arena_fill(arena_t *arena, unsigned szind, unsigned turn, void **out,
           unsigned n)
{
    return arena_take(arena, szind, turn, out, n, 1);
}

void *
arena_small_alloc(arena_t *arena, unsigned szind, unsigned turn)
{
    void *p = NULL;
    (void)arena_take(arena, szind, turn, &p, 1, 0);
    return p;
}

void
arena_release_slabs(list_t *surplus)
{
    for (list_t *l; (l = list_first(surplus)) != NULL;) {
        list_remove(l);
        extent_t *slab = list_entry(l, extent_t, link);
        pac_dalloc(&arena_of(slab)->pac, slab);
    }
}

/* The extent of a cached pointer. A pointer gets here by its map class, so only
 * misuse (a second free after the extent went back) can find anything else: a
 * small class in the active state is a slab. */
static inline extent_t *
arena_extent_of(void *p, unsigned szind)
{
    extent_t *e = emap_extent_mapped((uintptr_t)p);
    if (unlikely(e == NULL || e->szind != szind || e->state != EXTENT_ACTIVE)) {
        je_fatal("double free of %p (size class %zu)", p, sz_size(szind));
    }
    return e;
}

/* Those of k regions that belong to `arena`, which is quarantined, are lost and
 * counted; the rest are moved to the front. Returns how many are left. */
static unsigned
arena_drop_frees(arena_t *arena, void **ptrs, extent_t **slabs, unsigned k)
{
    unsigned left = 0;
    for (unsigned i = 0; i < k; i++) {
        if (slabs[i]->arena_ind != arena->ind) {
            slabs[left] = slabs[i];
            ptrs[left++] = ptrs[i];
        }
    }
    atomic_add_rlx(&arena->dropped_frees, (uint64_t)(k - left));
    return left;
}

/* Return those that belong to one bin, that of the first, otherwise the same.
 */
static unsigned
arena_give_one(arena_t *arena, unsigned szind, void **ptrs, extent_t **slabs,
               unsigned k, unsigned nflushes)
{
    bin_t *bin = arena_bin(arena, szind, slabs[0]->shard);
    const bin_info_t *info = &bin_infos[szind];
    list_t surplus;
    list_init(&surplus);
    if (!arena_bin_lock(arena, bin)) {
        return arena_drop_frees(arena, ptrs, slabs, k);
    }
    unsigned left =
        bin_put_locked(bin, info, arena->ind, ptrs, slabs, k, &surplus);
    bin->stats.nflushes += nflushes;
    if (je_config_debug > 1) {
        (void)bin_is_valid_locked(bin, info);
    }
    os_mutex_unlock(&bin->mtx);
    if (unlikely(!list_is_empty(&surplus))) {
        arena_release_slabs(&surplus);
    }
    return left;
}

/* `nflushes`: what it counts as in each arena, 1 if it is from a cache. */
static void
arena_give(unsigned szind, void **ptrs, unsigned n, unsigned nflushes)
{
    extent_t *slabs[ARENA_FLUSH_BATCH];
    while (n > 0) {
        unsigned k = n < ARENA_FLUSH_BATCH ? n : ARENA_FLUSH_BATCH;
        for (unsigned i = 0; i < k; i++) {
            slabs[i] = arena_extent_of(ptrs[i], szind);
        }
        unsigned left = k;
        while (left > 0) {
            arena_t *arena = arena_of(slabs[0]);
            left =
                unlikely(arena->is_quarantined)
                    ? arena_drop_frees(arena, ptrs, slabs, left)
                    : arena_give_one(arena, szind, ptrs, slabs, left, nflushes);
        }
        ptrs += k;
        n -= k;
    }
}

void
arena_flush(unsigned szind, void **ptrs, unsigned n)
{
    arena_give(szind, ptrs, n, 1);
}

void
arena_small_dalloc(unsigned szind, void *p)
{
    arena_give(szind, &p, 1, 0);
}

/* ---- large ------------------------------------------------------------- */

/* A random multiple of the alignment, and of a line, below a page. Objects at
 * the beginning of pages all compete for the same lines of the processor's
 * caches. */
static uint16_t
large_offset(const extent_t *e, size_t align)
{
    static uint64_t state;
    size_t step = align > CACHELINE ? align : CACHELINE;
    uint64_t n = atomic_add_rlx(&state, BITS_RANDOM_STEP);
    return (uint16_t)(bits_random(n + e->addr) % (OS_PAGE / step) * step);
}

static inline void
large_assert_valid(const extent_t *e)
{
    size_t pad = e->size - sz_size(e->szind);
    je_assert(pad == 0 || pad == OS_PAGE);
    je_assert(e->offset == 0 || e->offset < pad);
    je_assert(e->offset % CACHELINE == 0);
    (void)pad;
}

static unsigned
large_map_class(const extent_t *e)
{
    bool is_plain = e->szind < SC_NCACHED && !e->is_sampled && e->label == 0;
    return is_plain ? e->szind + 1u : 0;
}

void
arena_large_map(const extent_t *e)
{
    emap_set_class((uintptr_t)extent_object(e), large_map_class(e));
}

/* Bytes that every one has beyond its class's, so that active - allocated can
 * be told from counts. */
static inline size_t
large_pad(void)
{
    return conf.cache_oblivious ? OS_PAGE : 0;
}

/* Pages of an arena become a large object. */
static void
large_begin(arena_t *arena, extent_t *e, unsigned szind, size_t align)
{
    e->is_slab = false;
    e->is_cached = false;
    e->is_sampled = false;
    e->label = 0;
    e->szind = (uint8_t)szind;
    e->offset = large_pad() > 0 && align < OS_PAGE ? large_offset(e, align) : 0;
    large_assert_valid(e);
    if (unlikely(arena->pac.lists_large)) {
        pac_list_large(&arena->pac, e);
    }
    if (szind < SC_NCACHED) {
        emap_set_class((uintptr_t)extent_object(e), szind + 1);
    }
}

extent_t *
arena_large_alloc(arena_t *arena, size_t usable, size_t align, bool zero)
{
    static uint64_t nlarge;
    bool zeroed;
    extent_t *e =
        arena_pages(arena, usable + large_pad(), JE_MAX(align, OS_PAGE),
                    conf.san_guard_large, &nlarge, &zeroed);
    if (e == NULL) {
        return NULL;
    }
    unsigned szind = sz_index(usable);
    large_begin(arena, e, szind, align);
    if (zero && !zeroed) {
        memset(extent_object(e), 0, usable);
    }
    atomic_add_rlx(&arena->large[szind - SC_NBINS].nmalloc, 1u);
    return e;
}

unsigned
arena_large_fill(arena_t *arena, unsigned szind, void **out, unsigned n)
{
    extent_t *extents[ARENA_FILL_BATCH];
    if (conf.san_guard_large > 0) {
        return 0;
    }
    n = pac_alloc_many(&arena->pac, sz_size(szind) + large_pad(), extents,
                       JE_MIN(n, ARENA_FILL_BATCH));
    for (unsigned i = 0; i < n; i++) {
        large_begin(arena, extents[i], szind, 0);
        out[n - 1 - i] = extent_object(extents[i]);
    }
    atomic_add_rlx(&arena->large[szind - SC_NBINS].nmalloc, n);
    return n;
}

/* Return those that belong to one arena, that of the first. The others are
 * moved to the front; returns how many are left. */
static unsigned
large_give_one(unsigned szind, extent_t **extents, unsigned k)
{
    extent_t *mine[ARENA_FLUSH_BATCH];
    arena_t *arena = arena_of(extents[0]);
    unsigned n = 0, left = 0;
    for (unsigned i = 0; i < k; i++) {
        extent_t *e = extents[i];
        if (e->arena_ind != arena->ind) {
            extents[left++] = e;
            continue;
        }
        e->is_cached = false;
        large_assert_valid(e);
        mine[n++] = e;
    }
    if (unlikely(arena->is_quarantined)) {
        atomic_add_rlx(&arena->dropped_frees, n);
        return left;
    }
    for (unsigned i = 0; i < n && szind < SC_NCACHED; i++) {
        emap_set_class((uintptr_t)extent_object(mine[i]), 0);
    }
    atomic_add_rlx(&arena->large[szind - SC_NBINS].ndalloc, n);
    pac_dalloc_many(&arena->pac, mine, n);
    return left;
}

/* The extent of one that leaves a cache. It is marked until it is given back,
 * so that a second one of it among others is noticed. */
static extent_t *
large_leaving(void *p, unsigned szind)
{
    extent_t *e = arena_extent_of(p, szind);
    if (unlikely(extent_object(e) != p)) {
        je_fatal("free of %p, which is inside a block of %zu bytes", p,
                 sz_size(szind));
    }
    if (unlikely(e->is_cached && szind < SC_NCACHED)) {
        je_fatal("double free of %p (size class %zu)", p, sz_size(szind));
    }
    e->is_cached = true;
    return e;
}

void
arena_large_flush(unsigned szind, void **ptrs, unsigned n)
{
    extent_t *extents[ARENA_FLUSH_BATCH];
    while (n > 0) {
        unsigned k = JE_MIN(n, ARENA_FLUSH_BATCH);
        for (unsigned i = 0; i < k; i++) {
            extents[i] = large_leaving(ptrs[i], szind);
        }
        for (unsigned left = k; left > 0;) {
            left = large_give_one(szind, extents, left);
        }
        ptrs += k;
        n -= k;
    }
}

void
arena_large_dalloc(extent_t *e)
{
    arena_t *arena = arena_of(e);
    large_assert_valid(e);
    if (unlikely(arena->is_quarantined)) {
        atomic_add_rlx(&arena->dropped_frees, 1u);
        return;
    }
    atomic_add_rlx(&arena->large[e->szind - SC_NBINS].ndalloc, 1u);
    if (e->szind < SC_NCACHED) {
        emap_set_class((uintptr_t)extent_object(e), 0);
    }
    pac_dalloc(&arena->pac, e);
}

bool
arena_large_resize(extent_t *e, size_t usable, bool zero)
{
    arena_t *arena = arena_of(e);
    size_t old = sz_size(e->szind);
    size_t pad = e->size - old;
    unsigned szind = sz_index(usable);
    if (arena->is_quarantined) {
        return false;
    }
    if (usable > old) {
        bool zeroed;
        if (!pac_expand(&arena->pac, e, usable + pad, &zeroed)) {
            return false;
        }
        if (zero) {
            /* what lay behind the object in its own pages is not new */
            size_t rest = pad - e->offset;
            memset((char *)extent_object(e) + old, 0,
                   zeroed ? rest : usable - old);
        }
    } else if (usable < old && !pac_shrink(&arena->pac, e, usable + pad)) {
        return false;
    }
    atomic_add_rlx(&arena->large[e->szind - SC_NBINS].ndalloc, 1u);
    atomic_add_rlx(&arena->large[szind - SC_NBINS].nmalloc, 1u);
    e->szind = (uint8_t)szind;
    arena_large_map(e);
    large_assert_valid(e);
    return true;
}

extent_t *
arena_large_move(extent_t *from, size_t usable, bool zero)
{
    arena_t *arena = arena_of(from);
    size_t old = sz_size(from->szind);
    bool zeroed;
    if (arena->is_quarantined || conf.san_guard_large > 0) {
        return NULL;
    }
    extent_t *e = pac_move(&arena->pac, from, usable + large_pad(), &zeroed);
    if (e == NULL) {
        return NULL;
    }
    unsigned szind = sz_index(usable);
    large_begin(arena, e, szind, OS_PAGE);
    e->offset = from->offset;
    large_assert_valid(e);
    if (zero) {
        /* what lay behind the object in its own pages is not new */
        size_t rest = from->size - from->offset - old;
        memset((char *)extent_object(e) + old, 0, zeroed ? rest : usable - old);
    }
    atomic_add_rlx(&arena->large[szind - SC_NBINS].nmalloc, 1u);
    if (unlikely(prof_heap_gdump())) {
        prof_heap_grown();
    }
    return e;
}

/* ---- giving back ------------------------------------------------------- */

void
arena_decay(arena_t *arena, uint64_t now_ns)
{
    if (!arena->is_quarantined) {
        sweep_decay(arena, now_ns);
        pac_decay(&arena->pac, now_ns);
    }
}

void
arena_tick(arena_t *arena, uint64_t now_ns)
{
    if (!arena->is_quarantined) {
        sweep_tick(arena, now_ns);
        pac_decay(&arena->pac, now_ns);
    }
}

uint64_t
arena_ns_until_decay(arena_t *arena, uint64_t now_ns)
{
    uint64_t pages = pac_ns_until_decay(&arena->pac, now_ns);
    uint64_t slabs = sweep_ns_until_due(arena, now_ns);
    return JE_MIN(pages, slabs);
}

bool
arena_set_decay_ms(arena_t *arena, pac_which_t which, int64_t ms)
{
    bool ok = pac_set_decay_ms(&arena->pac, which, ms);
    sweep_restart(arena);
    return ok;
}

/* Spare slabs, and what is no slab's. */
static void
arena_purge_unused(arena_t *arena)
{
    for (unsigned i = 0; i < arena_nbins(); i++) {
        bin_t *bin = arena_nth_bin(arena, i);
        if (!arena_bin_lock(arena, bin)) {
            return;
        }
        extent_t *slab = bin_drop_spare_locked(bin, &bin_infos[bin->szind]);
        os_mutex_unlock(&bin->mtx);
        if (slab != NULL) {
            pac_dalloc(&arena->pac, slab);
        }
    }
    pac_purge_all(&arena->pac);
}

void
arena_purge(arena_t *arena)
{
    if (!arena->is_quarantined) {
        sweep_all(arena);
        arena_purge_unused(arena);
    }
}

bool
arena_reclaim_address_space(arena_t *arena)
{
    size_t bytes = 0;
    pac_t *heir = arena != NULL ? &arena->pac : NULL;
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *from = arena_get(i);
        if (from != NULL && !from->is_quarantined) {
            arena_purge_unused(from);
            bytes += pac_unmap_retained(&from->pac, heir);
        }
    }
    return bytes > 0;
}

bool
arena_is_valid(arena_t *arena)
{
    bool ok = pac_is_valid(&arena->pac);
    size_t ngaps = 0, nmoving = 0;
    for (unsigned i = 0; i < arena_nbins(); i++) {
        bin_t *bin = arena_nth_bin(arena, i);
        os_mutex_lock(&bin->mtx);
        ok = bin_is_valid_locked(bin, &bin_infos[bin->szind]) && ok;
        ngaps += bin->ngaps;
        nmoving += bin->nmoving;
        os_mutex_unlock(&bin->mtx);
    }
    ok = ok && (nmoving > 0 || ngaps == arena->pac.ngaps);
    je_assert(ok);
    return ok;
}
