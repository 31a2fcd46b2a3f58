/*
 * Filling, flushing and sizing thread caches: see tcache.h.
 */
#include "alloc/tcache.h"

#include <string.h>

#include "alloc/arena_choice.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/meta.h"
#include "alloc/sz.h"
#include "base/assert.h"
#include "base/bits.h"

/* Bytes that one bin may hold at most, and what a first fill may take. */
#define TCACHE_BIN_BYTES        ((size_t)128 << 10)
#define TCACHE_FIRST_FILL_BYTES ((size_t)4 << 10)

enum { TCACHE_FIRST_FILL_MAX = 8 };

/* Slots that the stack has; no power of two where an option limits them. */
static inline unsigned
bin_slots(const cache_bin_t *bin, const tcache_bin_t *cold)
{
    return (unsigned)(bin->full - cold->base);
}

static inline unsigned
bin_count(const cache_bin_t *bin, const tcache_bin_t *cold)
{
    return (unsigned)(bin->head - cold->base);
}

static uint16_t
tcache_first_fill(size_t size)
{
    size_t n = TCACHE_FIRST_FILL_BYTES / size;
    return (uint16_t)(n < 1                       ? 1
                      : n > TCACHE_FIRST_FILL_MAX ? TCACHE_FIRST_FILL_MAX
                                                  : n);
}

/* Slots that a class may have at most. */
static unsigned
tcache_slots_max(unsigned szind)
{
    if (szind >= SC_NBINS) {
        return (unsigned)conf.tcache_nslots_large;
    }
    int64_t mul = conf.lg_tcache_nslots_mul;
    size_t bytes = TCACHE_BIN_BYTES;
    bytes = mul >= 0 ? bytes << mul : bytes >> -mul;
    size_t slots = bytes / sz_size(szind);
    slots = slots > 0 ? (size_t)1 << bits_lg_floor(slots) : 0;
    slots = JE_MAX(slots, conf.tcache_nslots_small_min);
    return (unsigned)JE_MIN(slots, conf.tcache_nslots_small_max);
}

static void
tcache_bin_init(tsd_t *tsd, unsigned szind)
{
    cache_bin_t *bin = &tsd->bins[szind + 1];
    tcache_bin_t *cold = &tsd->cold[szind + 1];
    size_t size = sz_size(szind);
    unsigned slots = tcache_slots_max(szind);
    unsigned lg = slots > 1 ? bits_lg_ceil(slots) : 0;
    bin->size = (uint32_t)size;
    cold->lg_slots_max = (uint8_t)JE_MAX(lg, META_LG_SLOTS_MIN);
    cold->fill = tcache_first_fill(size);
}

void
tcache_init(tsd_t *tsd)
{
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        tcache_bin_init(tsd, i);
    }
    tsd->is_cache_on = conf.tcache && conf.junk == CONF_JUNK_FALSE;
    tsd->next_gc = tsd->allocated + conf.tcache_gc_incr_bytes;
}

/* ---- slots ------------------------------------------------------------- */

/* Give the bin 2^lg slots, less if an option says so, keeping its objects.
 * errors: false, unchanged. */
static bool
tcache_resize(tsd_t *tsd, unsigned cls, unsigned lg)
{
    cache_bin_t *bin = &tsd->bins[cls];
    tcache_bin_t *cold = &tsd->cold[cls];
    unsigned n = cold->base != NULL ? bin_count(bin, cold) : 0;
    unsigned nslots = JE_MIN(1u << lg, tcache_slots_max(cls - 1));
    je_assert(n <= nslots);
    void **slots = meta_slots_alloc(lg);
    if (slots == NULL) {
        return false;
    }
    size_t low = 0;
    if (cold->base != NULL) {
        memcpy(slots, cold->base, n * sizeof(*slots));
        low = (size_t)(bin->low - cold->base);
        meta_slots_free(cold->base, cold->lg_slots);
        tsd->cache_limit_bytes -= (size_t)bin->size << cold->lg_slots;
    }
    tsd->cache_limit_bytes += (size_t)bin->size << lg;
    cold->base = slots;
    cold->lg_slots = (uint8_t)lg;
    bin->low = slots + low;
    bin->head = slots + n;
    bin->full = slots + nslots;
    return true;
}

/* More slots, if class, budget and memory allow. */
static bool
tcache_grow(tsd_t *tsd, unsigned cls)
{
    tcache_bin_t *cold = &tsd->cold[cls];
    if (!tsd->is_cache_on) {
        return false;
    }
    size_t size = tsd->bins[cls].size;
    if (cold->base == NULL) {
        return size <= (cls > SC_NBINS ? conf.tcache_max : SIZE_MAX) &&
               tcache_resize(tsd, cls, META_LG_SLOTS_MIN);
    }
    if (cold->lg_slots >= cold->lg_slots_max ||
        tsd->cache_limit_bytes + (size << cold->lg_slots) >
            conf.tcache_thread_max) {
        return false;
    }
    return tcache_resize(tsd, cls, cold->lg_slots + 1u);
}

/* ---- flushing ---------------------------------------------------------- */

/* Return the n objects at the bottom of the stack, which are the coldest. */
static void
tcache_flush_bottom(tsd_t *tsd, unsigned cls, unsigned n)
{
    cache_bin_t *bin = &tsd->bins[cls];
    tcache_bin_t *cold = &tsd->cold[cls];
    unsigned have = bin_count(bin, cold);
    je_assert(n <= have);
    if (cls <= SC_NBINS) {
        arena_flush(cls - 1, cold->base, n);
    } else {
        for (unsigned i = 0; i < n; i++) {
            extent_t *e = emap_extent((uintptr_t)cold->base[i]);
            e->is_cached = false;
            arena_large_dalloc(e);
        }
        atomic_add_rlx(&tsd->arena->large_nflushes, 1u);
    }
    memmove(cold->base, cold->base + n, (have - n) * sizeof(void *));
    bin->head = cold->base + (have - n);
    bin->low = cold->base;
}

/* Make room in a full bin. */
static void
tcache_flush_full(tsd_t *tsd, unsigned cls, uint64_t lg_stay)
{
    unsigned slots = bin_slots(&tsd->bins[cls], &tsd->cold[cls]);
    tcache_flush_bottom(tsd, cls, slots - (slots >> lg_stay));
}

/* While > 0 the bins may be half changed: a fork then leaves them alone. */
static void
tcache_enter(tsd_t *tsd)
{
    atomic_store_rlx(&tsd->nesting, tsd->nesting + 1);
    atomic_fence_compiler();
}

static void
tcache_leave(tsd_t *tsd)
{
    atomic_fence_compiler();
    atomic_store_rlx(&tsd->nesting, tsd->nesting - 1);
}

void
tcache_flush(tsd_t *tsd)
{
    tcache_enter(tsd);
    for (unsigned cls = 1; cls <= SC_NCACHED; cls++) {
        tcache_bin_t *cold = &tsd->cold[cls];
        if (cold->base != NULL && tsd->bins[cls].head != cold->base) {
            tcache_flush_bottom(tsd, cls, bin_count(&tsd->bins[cls], cold));
        }
    }
    tcache_leave(tsd);
}

/* Fold the requests of a thread's bin into the arena's, when the thread ends.
 */
static void
tcache_fold_requests(tsd_t *tsd, unsigned szind)
{
    uint64_t n = tcache_nrequests(tsd, szind);
    if (n == 0) {
        return;
    }
    arena_t *arena = tsd->arena;
    if (szind < SC_NBINS) {
        atomic_add_rlx(&arena->bins[szind].stats.nrequests, n);
    } else {
        atomic_add_rlx(&arena->large[szind - SC_NBINS].nrequests, n);
    }
    tsd->cold[szind + 1].nrequests = 0;
    tsd->cold[szind + 1].nrequests32 = tsd->bins[szind + 1].nrequests;
}

void
tcache_fini(tsd_t *tsd)
{
    tcache_enter(tsd);
    tcache_flush(tsd);
    tsd->is_cache_on = false;
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        cache_bin_t *bin = &tsd->bins[i + 1];
        tcache_bin_t *cold = &tsd->cold[i + 1];
        if (cold->base != NULL) {
            meta_slots_free(cold->base, cold->lg_slots);
            bin->head = bin->low = bin->full = cold->base = NULL;
        }
        tcache_fold_requests(tsd, i);
    }
    tsd->cache_limit_bytes = 0;
    tcache_leave(tsd);
}

void
tcache_set_enabled(tsd_t *tsd, bool on)
{
    if (!on) {
        tcache_fini(tsd);
    }
    tsd->is_cache_on = on && conf.junk == CONF_JUNK_FALSE;
}

/* ---- small ------------------------------------------------------------- */

/* Take objects from the arena into an empty bin; returns one of them. */
static void *
tcache_fill(tsd_t *tsd, arena_t *arena, unsigned cls)
{
    cache_bin_t *bin = &tsd->bins[cls];
    tcache_bin_t *cold = &tsd->cold[cls];
    unsigned slots = bin_slots(bin, cold);
    if (cold->fill >= slots && tcache_grow(tsd, cls)) {
        slots = bin_slots(bin, cold);
    }
    unsigned n = cold->fill < slots ? cold->fill : slots;
    n = arena_fill(arena, cls - 1, cold->base, n);
    if (n == 0) {
        return NULL;
    }
    if (cold->fill < slots) {
        cold->fill = (uint16_t)(cold->fill * 2);
    }
    bin->low = cold->base;
    bin->head = cold->base + n - 1;
    return cold->base[n - 1];
}

void *
tcache_alloc_small(tsd_t *tsd, arena_t *arena, unsigned szind)
{
    unsigned cls = szind + 1;
    cache_bin_t *bin = &tsd->bins[cls];
    tcache_bin_t *cold = &tsd->cold[cls];
    if (unlikely(atomic_load_rlx(&tsd_has_orphans))) {
        tsd_reclaim_orphans();
    }
    if (cold->base == NULL && !tcache_grow(tsd, cls)) {
        void *p = NULL;
        (void)arena_fill(arena, szind, &p, 1);
        return p;
    }
    if (bin->head > cold->base) {
        /* not empty, only lower than ever since the last GC; lowering the mark
         * in halves makes a long run of pops cost few of these */
        unsigned n = bin_count(bin, cold);
        bin->low = cold->base + (n - 1) / 2;
        bin->head--;
        return *bin->head;
    }
    return tcache_fill(tsd, arena, cls);
}

void
tcache_free_small(tsd_t *tsd, unsigned szind, void *p)
{
    unsigned cls = szind + 1;
    cache_bin_t *bin = &tsd->bins[cls];
    if (!cache_bin_push(bin, p)) {
        if (!tcache_grow(tsd, cls)) {
            tcache_bin_t *cold = &tsd->cold[cls];
            if (cold->base == NULL) {
                arena_flush(szind, &p, 1);
                return;
            }
            tcache_flush_full(tsd, cls, conf.lg_tcache_flush_small_div);
        }
        (void)cache_bin_push(bin, p);
    }
}

/* ---- large ------------------------------------------------------------- */

void *
tcache_alloc_large(tsd_t *tsd, unsigned szind)
{
    cache_bin_t *bin = &tsd->bins[szind + 1];
    tcache_bin_t *cold = &tsd->cold[szind + 1];
    if (cold->base == NULL || bin->head == cold->base) {
        return NULL;
    }
    void *p = *--bin->head;
    if (bin->low > bin->head) {
        bin->low = bin->head;
    }
    return p;
}

bool
tcache_free_large(tsd_t *tsd, unsigned szind, void *p)
{
    unsigned cls = szind + 1;
    cache_bin_t *bin = &tsd->bins[cls];
    if (!cache_bin_push(bin, p)) {
        if (!tcache_grow(tsd, cls)) {
            tcache_bin_t *cold = &tsd->cold[cls];
            if (cold->base == NULL) {
                return false;
            }
            tcache_flush_full(tsd, cls, conf.lg_tcache_flush_large_div);
        }
        (void)cache_bin_push(bin, p);
    }
    return true;
}

/* ---- trimming ---------------------------------------------------------- */

/* `unused`: no request came to this bin since its last turn. */
static void
tcache_gc_bin(tsd_t *tsd, unsigned cls, bool unused)
{
    cache_bin_t *bin = &tsd->bins[cls];
    tcache_bin_t *cold = &tsd->cold[cls];
    unsigned idle = (unsigned)(bin->low - cold->base);
    unsigned slots = 1u << cold->lg_slots;
    unsigned stays = (unsigned)JE_MIN(conf.tcache_gc_delay_bytes / bin->size,
                                      (uint64_t)idle);
    stays = JE_MAX(stays, idle / 4);
    if (idle > stays) {
        tcache_flush_bottom(tsd, cls, idle - stays);
        if (cold->fill > tcache_first_fill(bin->size)) {
            cold->fill /= 2;
        }
    }
    if ((unused || idle > slots / 2) && cold->lg_slots > META_LG_SLOTS_MIN &&
        bin_count(bin, cold) <= slots / 2) {
        (void)tcache_resize(tsd, cls, cold->lg_slots - 1u);
    }
    bin->low = bin->head;
}

void
tcache_gc(tsd_t *tsd)
{
    tsd->next_gc = tsd->allocated + conf.tcache_gc_incr_bytes;
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        unsigned cls = tsd->gc_next_bin + 1;
        tsd->gc_next_bin = cls < SC_NCACHED ? cls : 0;
        cache_bin_t *bin = &tsd->bins[cls];
        tcache_bin_t *cold = &tsd->cold[cls];
        uint32_t requests = bin->nrequests - cold->nrequests32;
        atomic_store_rlx(&cold->nrequests, cold->nrequests + requests);
        atomic_store_rlx(&cold->nrequests32, bin->nrequests);
        bool can_shrink = requests == 0 && cold->lg_slots > META_LG_SLOTS_MIN;
        if (cold->base != NULL && (bin->head != cold->base || can_shrink)) {
            tcache_gc_bin(tsd, cls, requests == 0);
            return;
        }
    }
}

/* ---- statistics -------------------------------------------------------- */

uint64_t
tcache_nrequests(const tsd_t *tsd, unsigned szind)
{
    const tcache_bin_t *cold = &tsd->cold[szind + 1];
    uint32_t now = atomic_load_rlx(&tsd->bins[szind + 1].nrequests);
    return atomic_load_rlx(&cold->nrequests) +
           (uint32_t)(now - atomic_load_rlx(&cold->nrequests32));
}

/* Objects in a bin of any thread; those are at *base, which is never unmapped.
 */
static size_t
tcache_look(const tsd_t *tsd, unsigned cls, void ***base)
{
    *base = atomic_load_rlx(&tsd->cold[cls].base);
    void **head = atomic_load_rlx(&tsd->bins[cls].head);
    bool is_sane = *base != NULL && head > *base &&
                   (size_t)(head - *base) <= 1u << META_LG_SLOTS_MAX;
    return is_sane ? (size_t)(head - *base) : 0;
}

void
tcache_foreach(const tsd_t *tsd, unsigned szind, void (*fn)(void *arg, void *p),
               void *arg)
{
    void **base;
    size_t n = tcache_look(tsd, szind + 1, &base);
    for (size_t i = 0; i < n; i++) {
        fn(arg, atomic_load_rlx(&base[i]));
    }
}

size_t
tcache_bytes(const tsd_t *tsd)
{
    size_t bytes = 0;
    void **base;
    for (unsigned cls = 1; cls <= SC_NCACHED; cls++) {
        bytes += tcache_look(tsd, cls, &base) * tsd->bins[cls].size;
    }
    return bytes;
}
