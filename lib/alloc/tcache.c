/*
 * Filling, flushing and sizing thread caches: see tcache.h.
 */
#include "alloc/tcache.h"

#include <string.h>

#include "alloc/arena_choice.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/meta.h"
#include "alloc/percpu.h"
#include "alloc/sz.h"
#include "alloc/tcache_count.h"
#include "base/assert.h"
#include "base/bits.h"

/* What a first fill may take. */
#define TCACHE_FIRST_FILL_BYTES ((size_t)4 << 10)

enum {
    TCACHE_FIRST_FILL_MAX = 8,
    TCACHE_LOOKS = 8,
    TCACHE_SLOTS_FREEING = 128
};

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

/* One past the last map class for which there are bins. */
static unsigned
tcache_end(const tsd_t *tsd)
{
    return (tsd->more != NULL ? SC_NCACHED_MAX : SC_NCACHED) + 1;
}

static void
tcache_bin_init(tsd_t *tsd, unsigned cls)
{
    size_t size = sz_size(cls - 1);
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    tsd_bin(tsd, cls)->size = (uint32_t)size;
    tcache_limit_bin(cold, cls - 1);
    cold->fill = tcache_first_fill(size);
}

bool
tcache_make_more(tsd_t *tsd)
{
    if (tsd->more == NULL) {
        tcache_more_t *more = meta_alloc(sizeof(*more));
        if (more == NULL) {
            return false;
        }
        atomic_store_rel(&tsd->more, more);
        for (unsigned cls = SC_NCACHED + 1; cls <= SC_NCACHED_MAX; cls++) {
            tcache_bin_init(tsd, cls);
        }
    }
    return true;
}

void
tcache_init(tsd_t *tsd)
{
    for (unsigned cls = 1; cls < tcache_end(tsd); cls++) {
        tcache_bin_init(tsd, cls);
    }
    tsd->ncached = (uint8_t)tcache_classes();
    tsd->is_cache_on = conf.tcache && conf.junk == CONF_JUNK_FALSE;
    tsd->next_gc = tsd->progress + conf.tcache_gc_incr_bytes;
}

/* ---- flushing ---------------------------------------------------------- */

/* Return the n objects at the bottom of the stack, which are the coldest. */
static void
tcache_flush_bottom(tsd_t *tsd, unsigned cls, unsigned n)
{
    cache_bin_t *bin = tsd_bin(tsd, cls);
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    unsigned have = bin_count(bin, cold);
    je_assert(n <= have);
    if (cls <= SC_NBINS) {
        arena_flush(cls - 1, cold->base, n);
    } else {
        arena_large_flush(cls - 1, cold->base, n);
        atomic_add_rlx(&tsd->arena->large_nflushes, 1u);
        if (cls > SC_NCACHED) {
            tsd->more->bytes -= (size_t)n * bin->size;
        }
    }
    memmove(cold->base, cold->base + n, (have - n) * sizeof(void *));
    tcache_count_arena(tsd, cls, -(int64_t)n);
    bin->head = cold->base + (have - n);
    bin->low = cold->base;
}

/* Make room in a full bin. */
static void
tcache_flush_full(tsd_t *tsd, unsigned cls, uint64_t lg_stay)
{
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    unsigned slots = bin_slots(tsd_bin(tsd, cls), cold);
    cold->is_given = true;
    cold->pops_given = (uint32_t)tcache_pops(tsd_bin(tsd, cls), cold);
    tcache_flush_bottom(tsd, cls, slots - (slots >> lg_stay));
}

/* Return at least so many bytes of what is there only because of tcache_max, if
 * there is as much; the largest first. */
static void
tcache_evict(tsd_t *tsd, size_t bytes)
{
    size_t most = tsd->more->bytes;
    size_t stays = most > bytes ? most - bytes : 0;
    for (unsigned cls = SC_NCACHED_MAX; cls > SC_NCACHED; cls--) {
        const cache_bin_t *bin = tsd_bin(tsd, cls);
        size_t over = tsd->more->bytes - JE_MIN(stays, tsd->more->bytes);
        size_t n = (over + bin->size - 1) / bin->size;
        unsigned have = bin_count(bin, tsd_bin_cold(tsd, cls));
        if (n > 0 && have > 0) {
            tcache_flush_bottom(tsd, cls, (unsigned)JE_MIN(n, have));
        }
    }
}

/* ---- slots ------------------------------------------------------------- */

/* What the slots of a bin count for in the budget. The few of the largest
 * classes are not reserved: there the objects themselves count. */
static size_t
tcache_slots_bytes(const cache_bin_t *bin, unsigned cls, unsigned lg)
{
    return cls <= SC_NCACHED ? (size_t)bin->size << lg : 0;
}

/* Give the bin 2^lg slots, less if an option says so, keeping its objects.
 * errors: false, unchanged. */
static bool
tcache_resize(tsd_t *tsd, unsigned cls, unsigned lg)
{
    cache_bin_t *bin = tsd_bin(tsd, cls);
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    unsigned n = cold->base != NULL ? bin_count(bin, cold) : 0;
    bool is_stretched = cold->is_missed || n > cold->slots_max;
    unsigned nslots =
        JE_MIN(1u << lg, is_stretched ? tcache_slots_most(bin, cold, cls)
                                      : (unsigned)cold->slots_max);
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
        tsd->cache_limit_bytes -= tcache_slots_bytes(bin, cls, cold->lg_slots);
    }
    tsd->cache_limit_bytes += tcache_slots_bytes(bin, cls, lg);
    cold->base = slots;
    tsd->open[cls / 64] |= UINT64_C(1) << cls % 64;
    cold->lg_slots = lg & 0xf;
    bin->low = slots + low;
    bin->head = slots + n;
    bin->full = slots + nslots;
    tcache_repay(tsd);
    return true;
}

/* May the cache hold so many bytes more? Objects that it holds only because of
 * tcache_max give way to the slots of others. */
static bool
tcache_has_room(tsd_t *tsd, size_t bytes, bool may_evict)
{
    size_t limit = tsd->cache_limit_bytes + bytes;
    size_t budget = tcache_budget(tsd);
    tcache_more_t *more = tsd->more;
    if (limit > budget || more == NULL) {
        return limit <= budget;
    }
    if (may_evict && limit + more->bytes > budget) {
        tcache_evict(tsd, limit + more->bytes - budget);
    }
    return limit + more->bytes <= budget;
}

/* More slots, if class, budget and memory allow. The smallest stacks are
 * outside the budget. */
static bool
tcache_grow(tsd_t *tsd, unsigned cls)
{
    cache_bin_t *bin = tsd_bin(tsd, cls);
    const tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    if (!tsd->is_cache_on || cls > tsd->ncached ||
        (cls <= SC_NBINS && percpu_serves(tsd))) {
        return false;
    }
    if (cold->base == NULL) {
        return cold->slots_max > 0 &&
               tcache_resize(tsd, cls, META_LG_SLOTS_MIN);
    }
    unsigned lg = cold->lg_slots;
    bool is_stretching = cold->is_missed && conf.lg_tcache_stretch > 0;
    unsigned most =
        is_stretching ? tcache_slots_most(bin, cold, cls) : cold->slots_max;
    unsigned slots = bin_slots(bin, cold);
    if (slots < JE_MIN(1u << lg, most)) { /* it limited itself to slots_max */
        bin->full = cold->base + JE_MIN(1u << lg, most);
        return true;
    }
    if (slots >= most || lg == META_LG_SLOTS_MAX) {
        return false;
    }
    size_t bytes = tcache_slots_bytes(bin, cls, lg);
    if (is_stretching && !tcache_borrow(tsd, tsd->cache_limit_bytes + bytes)) {
        return false;
    }
    bool has_grown =
        tcache_has_room(tsd, bytes, true) && tcache_resize(tsd, cls, lg + 1);
    if (!has_grown) {
        tcache_repay(tsd);
    }
    return has_grown;
}

/* ---- the whole cache ---------------------------------------------------- */

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

static void
tcache_flush_all(tsd_t *tsd)
{
    tcache_enter(tsd);
    for (unsigned cls = 1; cls < tcache_end(tsd); cls++) {
        unsigned n = bin_count(tsd_bin(tsd, cls), tsd_bin_cold(tsd, cls));
        if (n > 0) {
            tcache_flush_bottom(tsd, cls, n);
        }
    }
    if (je_config_debug > 1) {
        (void)tcache_is_valid(tsd);
    }
    tcache_leave(tsd);
}

/* Who flushes does not want what others may borrow either. */
void
tcache_flush(tsd_t *tsd)
{
    tcache_enter(tsd);
    tcache_flush_all(tsd);
    if (percpu_serves(tsd)) {
        percpu_flush_here();
    }
    for (unsigned cls = 1; cls <= SC_NCACHED; cls++) {
        tcache_bin_t *cold = &tsd->cold[cls];
        cold->is_given = cold->is_missed = false;
        unsigned lg = JE_MAX(bits_lg_floor(JE_MAX(cold->slots_max, 1u)),
                             (unsigned)META_LG_SLOTS_MIN);
        if (cold->base != NULL && cold->lg_slots > lg) {
            (void)tcache_resize(tsd, cls, lg);
        }
    }
    tcache_leave(tsd);
}

/* Fold the requests of a thread's bin into the arena's, when the thread ends.
 */
static void
tcache_fold_requests(tsd_t *tsd, unsigned cls)
{
    unsigned szind = cls - 1;
    uint64_t n = tcache_count_close(tsd, cls);
    if (n == 0) {
        return;
    }
    arena_t *arena = tsd->arena;
    if (szind < SC_NBINS) {
        atomic_add_rlx(&arena->bins[szind].stats.nrequests, n);
    } else {
        atomic_add_rlx(&arena->large[szind - SC_NBINS].nrequests, n);
    }
}

void
tcache_fini(tsd_t *tsd)
{
    tcache_enter(tsd);
    tcache_flush_all(tsd);
    tsd->is_cache_on = false;
    for (unsigned cls = 1; cls < tcache_end(tsd); cls++) {
        cache_bin_t *bin = tsd_bin(tsd, cls);
        tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
        tcache_fold_requests(tsd, cls);
        if (cold->base != NULL) {
            meta_slots_free(cold->base, cold->lg_slots);
            bin->head = bin->low = bin->full = cold->base = NULL;
        }
    }
    tsd->open[0] = tsd->open[1] = 0;
    tsd->cache_limit_bytes = 0;
    tcache_repay(tsd);
    tcache_leave(tsd);
}

/* ---- small ------------------------------------------------------------- */

/* Pop from a bin that is not empty, only lower than ever since the last GC;
 * lowering the mark in halves makes a long run of pops cost few of these. */
static void *
tcache_pop_lower(cache_bin_t *bin, const tcache_bin_t *cold)
{
    unsigned n = bin_count(bin, cold);
    bin->low = cold->base + (n - 1) / 2;
    bin->head--;
    return *bin->head;
}

/* Take objects from the arena into an empty bin; returns one of them. */
static void *
tcache_fill(tsd_t *tsd, arena_t *arena, unsigned cls)
{
    cache_bin_t *bin = &tsd->bins[cls];
    tcache_bin_t *cold = &tsd->cold[cls];
    unsigned slots = bin_slots(bin, cold);
    if (tsd->tid != 0) {
        tsd_note_peak(tsd);
    }
    cold->is_missed |= cold->is_given;
    if (cold->fill >= slots && tcache_grow(tsd, cls)) {
        slots = bin_slots(bin, cold);
    }
    unsigned n = cold->fill < slots ? cold->fill : slots;
    n = cls <= SC_NBINS ? arena_fill(arena, cls - 1, tsd->turn, cold->base, n)
                        : arena_large_fill(arena, cls - 1, cold->base, n);
    if (n == 0) {
        return NULL;
    }
    if (cold->fill < JE_MIN(slots, cold->slots_max)) {
        cold->fill = (cold->fill * 2u) & 0xfff;
    }
    bin->low = cold->base;
    bin->head = cold->base + n - 1;
    atomic_fence_compiler(); /* a handler must not see more held than is */
    tcache_count_arena(tsd, cls, n);
    return cold->base[n - 1];
}

bool
tcache_has_slots(tsd_t *tsd, unsigned szind)
{
    return tsd->cold[szind + 1].base != NULL || tcache_grow(tsd, szind + 1);
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
    if (tcache_is_untouched(tsd, szind) && bin->head > cold->base) {
        tcache_flush_bottom(tsd, cls, bin_count(bin, cold));
    }
    return bin->head > cold->base ? tcache_pop_lower(bin, cold)
                                  : tcache_fill(tsd, arena, cls);
}

/* A thread that frees what others allocate has no use for what it keeps: it
 * keeps enough to give back some at a time. Pops from explicit caches, which
 * are no thread's, are not counted. */
static bool
tcache_only_frees(const tsd_t *tsd, const cache_bin_t *bin,
                  const tcache_bin_t *cold)
{
    if (tsd->tid == 0) {
        return false;
    }
    unsigned slots = bin_slots(bin, cold);
    uint32_t pops = (uint32_t)tcache_pops(bin, cold) - cold->pops_given;
    return slots >= TCACHE_SLOTS_FREEING && pops < slots / 2;
}

bool
tcache_free_small(tsd_t *tsd, unsigned szind, void *p)
{
    unsigned cls = szind + 1;
    cache_bin_t *bin = &tsd->bins[cls];
    if (!cache_bin_push(bin, p)) {
        tcache_bin_t *cold = &tsd->cold[cls];
        if (tcache_only_frees(tsd, bin, cold) || !tcache_grow(tsd, cls)) {
            if (cold->base == NULL) {
                return false;
            }
            tcache_flush_full(tsd, cls, conf.lg_tcache_flush_small_div);
        }
        (void)cache_bin_push(bin, p);
    }
    return true;
}

/* ---- large ------------------------------------------------------------- */

void *
tcache_alloc_large(tsd_t *tsd, unsigned szind)
{
    unsigned cls = szind + 1;
    cache_bin_t *bin = tsd_bin(tsd, cls);
    if (bin == NULL) {
        return NULL;
    }
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    if (bin->head == cold->base) {
        cold->is_missed |= cold->is_given;
        cold->is_asked = true;
        return NULL;
    }
    if (cls > SC_NCACHED) {
        tsd->more->bytes -= bin->size;
    }
    if (bin->head > bin->low || cls > SC_NCACHED) {
        bin->head--;
        bin->low = bin->low < bin->head ? bin->low : bin->head;
        return *bin->head;
    }
    return tcache_pop_lower(bin, cold);
}

void
tcache_lower(tsd_t *tsd, unsigned cls)
{
    cache_bin_t *bin = tsd_bin(tsd, cls);
    const tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    if (bin->head == bin->low && bin->head > cold->base) {
        bin->low = cold->base + bin_count(bin, cold) / 2;
    }
}

void *
tcache_fill_large(tsd_t *tsd, arena_t *arena, unsigned szind)
{
    tcache_bin_t *cold = &tsd->cold[szind + 1];
    if (szind >= SC_NCACHED || !cold->is_missed || cold->base == NULL) {
        return NULL;
    }
    cold->fill = JE_MAX(cold->fill, 2) & 0xfff; /* one is no fill */
    return tcache_fill(tsd, arena, szind + 1);
}

/* Make room for one object in a full stack. errors: false. */
static bool
tcache_make_room(tsd_t *tsd, unsigned cls)
{
    if (!tcache_grow(tsd, cls)) {
        if (tsd_bin_cold(tsd, cls)->base == NULL) {
            return false;
        }
        tcache_flush_full(tsd, cls, conf.lg_tcache_flush_large_div);
    }
    return true;
}

/* Of the classes that only tcache_max asks for. */
static bool
tcache_free_more(tsd_t *tsd, unsigned cls, void *p)
{
    if (!tsd->is_cache_on || !tcache_make_more(tsd)) {
        return false;
    }
    cache_bin_t *bin = tsd_bin(tsd, cls);
    if (!tcache_has_room(tsd, bin->size, false) ||
        (bin->head == bin->full && !tcache_make_room(tsd, cls))) {
        return false;
    }
    (void)cache_bin_push(bin, p);
    tsd->more->bytes += bin->size;
    return true;
}

bool
tcache_free_large(tsd_t *tsd, unsigned szind, void *p)
{
    unsigned cls = szind + 1;
    if (unlikely(cls > SC_NCACHED)) {
        return tcache_free_more(tsd, cls, p);
    }
    cache_bin_t *bin = &tsd->bins[cls];
    if (!cache_bin_push(bin, p)) {
        if (!tcache_make_room(tsd, cls)) {
            return false;
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
    cache_bin_t *bin = tsd_bin(tsd, cls);
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    unsigned idle = (unsigned)(bin->low - cold->base);
    unsigned slots = 1u << cold->lg_slots;
    unsigned stays = (unsigned)JE_MIN(conf.tcache_gc_delay_bytes / bin->size,
                                      (uint64_t)idle);
    stays = JE_MAX(stays, idle / 4);
    if (idle > stays) {
        tcache_flush_bottom(tsd, cls, idle - stays);
        if (cold->fill > tcache_first_fill(bin->size)) {
            cold->fill = cold->fill / 2 & 0xfff;
        }
    }
    if (unused) {
        cold->is_given = cold->is_missed = false;
    }
    if ((unused || idle > slots / 2) && cold->lg_slots > META_LG_SLOTS_MIN &&
        bin_count(bin, cold) <= slots / 2) {
        (void)tcache_resize(tsd, cls, cold->lg_slots - 1u);
    }
    unsigned easy = JE_MIN(1u << cold->lg_slots, (unsigned)cold->slots_max);
    if (!cold->is_missed && bin_count(bin, cold) <= easy) {
        bin->full = cold->base + easy; /* it stretches no more */
    }
    bin->low = bin->head;
    cold->looks = 0;
}

/* A bin that was asked for less than it may hold has not shown yet what of that
 * it can do without; after some looks it has. */
static bool
tcache_gc_is_early(const cache_bin_t *bin, tcache_bin_t *cold, uint64_t pops)
{
    return pops != 0 && pops < bin_slots(bin, cold) &&
           ++cold->looks < TCACHE_LOOKS;
}

/* The next bin with a stack after that of a map class, in a ring; 0: none. */
static unsigned
tcache_next_open(const tsd_t *tsd, unsigned cls)
{
    unsigned from = cls + 1;
    uint64_t ahead = tsd->open[from / 64] & ~UINT64_C(0) << from % 64;
    for (unsigned word = from / 64; ahead == 0 && ++word < 2;) {
        ahead = tsd->open[word];
        from = word * 64;
    }
    if (ahead != 0) {
        return from / 64 * 64 + bits_ctz(ahead);
    }
    return tsd->open[0] != 0   ? bits_ctz(tsd->open[0])
           : tsd->open[1] != 0 ? 64 + bits_ctz(tsd->open[1])
                               : 0;
}

/* Returns whether there was something to look at. */
static bool
tcache_gc_look(tsd_t *tsd, unsigned cls)
{
    const cache_bin_t *bin = tsd_bin(tsd, cls);
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    uint64_t pops = tcache_pops(bin, cold);
    if (tcache_gc_is_early(bin, cold, pops - cold->pops_seen)) {
        return false;
    }
    bool is_unused = pops == cold->pops_seen && !cold->is_asked;
    cold->pops_seen = pops;
    cold->is_asked = false;
    bool can_shrink = is_unused && cold->lg_slots > META_LG_SLOTS_MIN;
    if (bin->head == cold->base && !can_shrink) {
        return false;
    }
    tcache_gc_bin(tsd, cls, is_unused);
    return true;
}

/* Bins to look at: one, and more the longer ago that was, as one by one they
 * would all be looked at in an eighth of dirty_decay_ms. A thread that has
 * little to do any more does not keep what it needed when it had much. */
static unsigned
tcache_gc_looks(tsd_t *tsd, uint64_t now_ns)
{
    unsigned n = tcache_end(tsd) - 1;
    uint64_t before = tsd->last_gc_ns;
    int64_t time_ms = atomic_load_rlx(&tsd->arena->pac.decay_dirty.time_ms);
    tsd->last_gc_ns = now_ns;
    if (before == 0 || time_ms <= 0) {
        return 1;
    }
    uint64_t each_ns = (uint64_t)time_ms * (1000000 / 8) / n + 1;
    return 1 + (unsigned)JE_MIN((now_ns - before) / each_ns, n);
}

void
tcache_gc(tsd_t *tsd, uint64_t now_ns)
{
    if (je_config_debug > 1) {
        (void)tcache_is_valid(tsd);
    }
    tsd->next_gc = tsd->progress + conf.tcache_gc_incr_bytes;
    unsigned looks = tcache_gc_looks(tsd, now_ns);
    unsigned first = tcache_next_open(tsd, tsd->gc_bin);
    for (unsigned cls = first; cls != 0;) {
        tsd->gc_bin = cls;
        looks -= tcache_gc_look(tsd, cls);
        unsigned next = looks > 0 ? tcache_next_open(tsd, cls) : first;
        cls = next != first ? next : 0;
    }
}
