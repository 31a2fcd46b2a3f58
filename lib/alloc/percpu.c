/*
 * Caches of small objects by processor: see percpu.h.
 */
#include "alloc/percpu.h"

#include "alloc/arena.h"
#include "alloc/arena_choice.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/meta.h"
#include "alloc/sz.h"
#include "alloc/tcache.h"
#include "alloc/tcache_count.h"
#include "base/assert.h"
#include "base/bits.h"
#include "os/cpu.h"

/* What a first fill may take, and the time between looks at least. */
#define PERCPU_FIRST_BYTES ((size_t)4 << 10)
#define PERCPU_LOOK_MIN_NS ((uint64_t)100 * 1000000)

enum {
    PERCPU_FIRST_FILL = 8,
    PERCPU_BATCH = 256, /* objects on their way at a time */
    PERCPU_TRIES = 8,   /* moves between processors in one request */
};

_Static_assert(SC_NBINS <= 64, "a bit a class");
_Static_assert(1 << META_LG_SLOTS_MAX <= OS_RSEQ_HELD_MAX, "a count of slots");

bool percpu_is_on;

static struct {
    percpu_cache_t **caches; /* by processor; published once made */
    unsigned end;
    uint32_t nslots[SC_NBINS];
    uint64_t next_look_ns;
    os_mutex_t mtx; /* closing stacks: until the mark is sure to be there */
} percpu;

/* ---- start-up ---------------------------------------------------------- */

/* As thread caches, and less of each where they are too much together. */
static void
percpu_limit(void)
{
    size_t sum = 0, most = conf.percpu_cache_max;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        percpu.nslots[i] = tcache_class_slots(i);
        sum += percpu.nslots[i] * sz_size(i);
    }
    for (unsigned i = 0; i < SC_NBINS && sum > most; i++) {
        percpu.nslots[i] = (uint32_t)(percpu.nslots[i] * most / sum);
    }
}

static const char *
percpu_start(void)
{
    const char *why = os_rseq_boot();
    percpu.end = os_cpu_limit();
    if (why == NULL && percpu.end == 0) {
        why = "the number of processors is unknown";
    }
    if (why == NULL) {
        percpu.caches = meta_alloc(percpu.end * sizeof(percpu_cache_t *));
        why = percpu.caches == NULL ? "out of memory" : NULL;
    }
    return why;
}

void
percpu_boot(void)
{
    os_mutex_init(&percpu.mtx, OS_RANK_PERCPU);
    if (!conf.percpu_cache) {
        return;
    }
    const char *why = percpu_start();
    if (why != NULL) {
        percpu.end = 0;
        je_warn("percpu_cache: %s; objects are cached per thread", why);
        return;
    }
    percpu_limit();
    percpu_is_on = true;
}

unsigned
percpu_nslots(unsigned szind)
{
    return percpu.nslots[szind];
}

unsigned
percpu_end(void)
{
    return percpu.end;
}

const percpu_cache_t *
percpu_peek(unsigned cpu)
{
    return atomic_load_acq(&percpu.caches[cpu]);
}

/* ---- caches and their stacks ------------------------------------------- */

static uint32_t
percpu_first_fill(unsigned szind)
{
    size_t n = JE_MIN(PERCPU_FIRST_BYTES / sz_size(szind), PERCPU_FIRST_FILL);
    return (uint32_t)JE_MAX(n, 2); /* one is to be used, one to be cached */
}

static percpu_cache_t *
percpu_make(unsigned cpu, arena_t *home)
{
    percpu_cache_t *cache = meta_alloc(sizeof(*cache)), *there = NULL;
    if (cache == NULL) {
        return NULL;
    }
    cache->home = home;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        cache->stacks[i].hint = percpu_first_fill(i);
    }
    /* of two that are made at once, one is lost */
    return atomic_cas_acqrel(&percpu.caches[cpu], &there, cache) ? cache
                                                                 : there;
}

static inline percpu_cache_t *
percpu_get(unsigned cpu)
{
    return likely(cpu < percpu.end) ? atomic_load_acq(&percpu.caches[cpu])
                                    : NULL;
}

/* The same, made if need be. errors: NULL. */
static inline percpu_cache_t *
percpu_need(const tsd_t *tsd, unsigned cpu)
{
    percpu_cache_t *cache = percpu_get(cpu);
    if (likely(cache != NULL) || cpu >= percpu.end || tsd->arena->is_created) {
        return cache;
    }
    return percpu_make(cpu, tsd->arena);
}

/* May a slab's objects be cached? Automatic arenas have the first numbers, and
 * in the child of a fork one more. */
static inline bool
percpu_is_for(const extent_t *slab)
{
    return likely(slab->arena_ind < arenas_auto) || !arena_of(slab)->is_created;
}

/* Give a stack its slots. A fork may have come between the two stores. */
static bool
percpu_make_slots(os_rseq_stack_t *stack, unsigned szind)
{
    unsigned n = percpu.nslots[szind];
    if (n == 0) {
        return false;
    }
    if (atomic_load_acq(&stack->slots) == NULL) {
        unsigned lg = n > 1 ? bits_lg_floor(n - 1u) + 1 : 0;
        lg = JE_MAX(lg, META_LG_SLOTS_MIN);
        void **slots = meta_slots_alloc(lg), **there = NULL;
        if (slots == NULL) {
            return false;
        }
        if (!atomic_cas_acqrel(&stack->slots, &there, slots)) {
            meta_slots_free(slots, lg);
        }
    }
    atomic_store_rel(&stack->nslots, n);
    return true;
}

/* ---- allocating -------------------------------------------------------- */

/* Push to the stack of whichever processor this is by now what it has room for,
 * and count a pop. Returns whether it is counted. */
static bool
percpu_keep(unsigned szind, void **ptrs, unsigned n)
{
    os_rseq_result_t result = OS_RSEQ_MOVED;
    unsigned given = 0;
    for (unsigned i = 0; result == OS_RSEQ_MOVED && i < PERCPU_TRIES; i++) {
        unsigned cpu = os_rseq_cpu();
        percpu_cache_t *cache = percpu_get(cpu);
        if (cache == NULL) {
            break;
        }
        given = n;
        result = os_rseq_give(&cache->stacks[szind], cpu, ptrs, &given, 1);
    }
    if (given < n) {
        arena_flush(szind, ptrs + given, n - given);
    }
    return result == OS_RSEQ_DONE;
}

/* Take objects from the thread's arena and return one of them. */
static void *
percpu_fill(tsd_t *tsd, os_rseq_stack_t *stack, unsigned szind,
            bool *is_counted)
{
    void *got[PERCPU_BATCH];
    uint32_t slots = atomic_load_rlx(&stack->nslots);
    uint32_t n = atomic_load_rlx(&stack->hint);
    if (unlikely(atomic_load_rlx(&tsd_has_orphans))) {
        tsd_reclaim_orphans();
    }
    arena_follow_processor(tsd);
    if (unlikely(tsd->arena->is_created)) {
        return NULL; /* what a child found when it lost all others */
    }
    n = JE_MIN(n, JE_MAX(slots / 2, 1));
    n = arena_fill(tsd->arena, szind, tsd->turn, got, n);
    if (n == 0) {
        return NULL;
    }
    atomic_store_rlx(&stack->hint, JE_MIN(n * 2 + 1, (uint32_t)PERCPU_BATCH));
    if (n > 1) {
        *is_counted = percpu_keep(szind, got, n - 1);
    }
    return got[n - 1];
}

void *
percpu_alloc(tsd_t *tsd, unsigned szind, bool *is_counted)
{
    void *p;
    *is_counted = false;
    for (unsigned i = 0; i < PERCPU_TRIES; i++) {
        unsigned cpu = os_rseq_cpu();
        percpu_cache_t *cache = percpu_need(tsd, cpu);
        if (unlikely(cache == NULL)) {
            return NULL;
        }
        os_rseq_stack_t *stack = &cache->stacks[szind];
        os_rseq_result_t result = os_rseq_pop(stack, cpu, &p);
        if (likely(result == OS_RSEQ_DONE)) {
            *is_counted = true;
            return p;
        }
        if (result == OS_RSEQ_NOT) {
            bool is_closed = os_rseq_is_closed(atomic_load_rlx(&stack->word));
            return !is_closed && (atomic_load_rlx(&stack->nslots) > 0 ||
                                  percpu_make_slots(stack, szind))
                       ? percpu_fill(tsd, stack, szind, is_counted)
                       : NULL;
        }
    }
    return NULL;
}

/* ---- freeing ----------------------------------------------------------- */

/* Give back what makes room in a full stack, unless it is another's by now. */
static void
percpu_spill(os_rseq_stack_t *stack, unsigned cpu, unsigned szind)
{
    void *out[PERCPU_BATCH];
    unsigned slots = atomic_load_rlx(&stack->nslots);
    unsigned n = slots - (slots >> conf.lg_tcache_flush_small_div);
    n = JE_MIN(n, (unsigned)PERCPU_BATCH);
    if (os_rseq_take(stack, cpu, out, &n) == OS_RSEQ_DONE) {
        arena_flush(szind, out, n);
    }
}

/* Make room after a push that failed. errors: false, there is none to make. */
static bool
percpu_make_room(os_rseq_stack_t *stack, unsigned cpu, unsigned szind,
                 bool *is_spilled)
{
    uint32_t slots = atomic_load_acq(&stack->nslots);
    uint64_t word = atomic_load_rlx(&stack->word);
    if (os_rseq_is_closed(word)) {
        return false;
    }
    if (slots == 0) {
        return percpu_make_slots(stack, szind);
    }
    if (os_rseq_held(word) == slots) {
        percpu_spill(stack, cpu, szind);
        *is_spilled = true;
    }
    return true;
}

bool
percpu_free(const tsd_t *tsd, const extent_t *e, void *p, bool *is_spilled)
{
    unsigned szind = e->szind;
    if (unlikely(!percpu_is_for(e))) {
        return false;
    }
    for (unsigned i = 0; i < PERCPU_TRIES; i++) {
        unsigned cpu = os_rseq_cpu();
        percpu_cache_t *cache = percpu_need(tsd, cpu);
        if (unlikely(cache == NULL)) {
            return false;
        }
        os_rseq_stack_t *stack = &cache->stacks[szind];
        os_rseq_result_t result = os_rseq_push(stack, cpu, p);
        if (likely(result == OS_RSEQ_DONE)) {
            return true;
        }
        if (result == OS_RSEQ_NOT &&
            !percpu_make_room(stack, cpu, szind, is_spilled)) {
            return false;
        }
    }
    return false;
}

/* ---- short ways -------------------------------------------------------- */

/* Neither what an allocation of so many bytes makes due, nor a label. */
static inline bool
percpu_is_plain(const tsd_t *tsd, size_t usable)
{
    return percpu_serves(tsd) && tsd->is_cache_on && !tsd->is_slow_always &&
           tsd->label == 0 && !tsd->is_stats_due &&
           tsd->sample_rate == atomic_load_rlx(&conf.sample) &&
           tsd->direct.allocated + usable < tsd->next_sample &&
           tsd->progress + usable < JE_MIN(tsd->next_gc, tsd->next_stats);
}

void *
percpu_alloc_cached(tsd_t *tsd, size_t size)
{
    if (size > SZ_SMALL_MAX) {
        return NULL;
    }
    unsigned szind = sz_index(size), cpu = os_rseq_cpu();
    size_t usable = sz_size(szind);
    percpu_cache_t *cache = percpu_get(cpu);
    void *p;
    if (unlikely(cache == NULL || !percpu_is_plain(tsd, usable) ||
                 szind >= tsd->ncached) ||
        os_rseq_pop(&cache->stacks[szind], cpu, &p) != OS_RSEQ_DONE) {
        return NULL;
    }
    tsd->direct.allocated += usable;
    tsd->live.allocated += usable;
    tsd->progress += usable;
    tsd_note_peak(tsd);
    return p;
}

bool
percpu_free_cached(tsd_t *tsd, void *p)
{
    unsigned cls = emap_class(p);
    if (cls == 0 || cls > SC_NBINS || cls > tsd->ncached ||
        !percpu_serves(tsd) || !tsd->is_cache_on || tsd->is_slow_always) {
        return false;
    }
    unsigned cpu = os_rseq_cpu();
    percpu_cache_t *cache = percpu_get(cpu);
    if (unlikely(cache == NULL ||
                 !percpu_is_for(emap_extent_mapped((uintptr_t)p))) ||
        os_rseq_push(&cache->stacks[cls - 1], cpu, p) != OS_RSEQ_DONE) {
        return false;
    }
    size_t usable = sz_size(cls - 1);
    tsd->direct.deallocated += usable;
    tsd->live.deallocated += usable;
    return true;
}

/* ---- draining ---------------------------------------------------------- */

/* What is in a closed stack can be nothing else. */
static void
percpu_check(const os_rseq_stack_t *stack, unsigned szind)
{
    uint64_t word = atomic_load_acq(&stack->word);
    je_assert_op(os_rseq_held(word), <=, stack->nslots);
    for (unsigned i = 0; je_config_debug > 1 && i < os_rseq_held(word); i++) {
        uintptr_t p = (uintptr_t)stack->slots[i];
        const extent_t *e = emap_extent(p);
        je_assert_slow(e != NULL && e->is_slab && e->state == EXTENT_ACTIVE);
        je_assert_slow_op(e->szind, ==, szind);
        je_assert_slow(percpu_is_for(e));
        je_assert_slow_op((p - e->addr) % sz_size(szind), ==, 0);
    }
}

/* Take up to n objects out of a closed stack and give them back, then open it.
 * They are out of it before they are given back: a child opens it as it is.
 */
static void
percpu_empty(percpu_cache_t *cache, unsigned szind, unsigned n)
{
    void *out[PERCPU_BATCH];
    os_rseq_stack_t *stack = &cache->stacks[szind];
    uint64_t word = atomic_load_acq(&stack->word);
    for (n = JE_MIN(n, os_rseq_held(word)); n > 0;) {
        unsigned k = JE_MIN(n, (unsigned)PERCPU_BATCH);
        unsigned rest = os_rseq_held(word) - k;
        for (unsigned i = 0; i < k; i++) {
            out[i] = stack->slots[rest + i];
        }
        if (!os_rseq_is_closed(word) || !os_rseq_hold(stack, &word, rest)) {
            return;
        }
        arena_flush(szind, out, k);
        n -= k;
    }
    uint32_t hint = atomic_load_rlx(&stack->hint) / 2;
    atomic_store_rlx(&stack->hint, JE_MAX(hint, percpu_first_fill(szind)));
    cache->seen[szind] = word & ~(uint64_t)OS_RSEQ_CLOSED;
    (void)os_rseq_open(stack, word);
}

/* Objects that a stack could do without since `seen`: as many as there were
 * then, less those popped since, lay there all the time. Most of these, or all
 * if nothing happened. */
static unsigned
percpu_idle(uint64_t seen, uint64_t word)
{
    uint64_t held = os_rseq_held(seen);
    uint64_t popped = os_rseq_pops(word) - os_rseq_pops(seen);
    if (seen == word) {
        return (unsigned)held;
    }
    uint64_t idle = held - JE_MIN(held, popped);
    return (unsigned)JE_MIN(idle - idle / 4, (uint64_t)os_rseq_held(word));
}

/* How many objects of a class are to go. */
static unsigned
percpu_excess(const percpu_cache_t *cache, unsigned szind, bool is_all)
{
    uint64_t word = atomic_load_rlx(&cache->stacks[szind].word);
    return is_all ? os_rseq_held(word) : percpu_idle(cache->seen[szind], word);
}

/* Close the stacks of a processor's cache that hold too much; the processor
 * does without them for a moment. One whose mark is lost is in use: it is left
 * alone, as is one that another thread has closed. Returns a bit for each that
 * is closed now, by this thread: nobody else changes those. */
static uint64_t
percpu_close_locked(percpu_cache_t *cache, unsigned cpu, bool is_all,
                    uint16_t *excess)
{
    uint64_t marked = 0, closed = 0;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        os_rseq_stack_t *stack = &cache->stacks[i];
        bool is_other = os_rseq_is_closed(atomic_load_acq(&stack->word));
        excess[i] = is_other ? 0 : (uint16_t)percpu_excess(cache, i, is_all);
        if (excess[i] > 0) {
            os_rseq_mark(stack);
            marked |= UINT64_C(1) << i;
        }
    }
    bool is_fenced = marked != 0 && os_rseq_fence(cpu);
    for (unsigned i = 0; i < SC_NBINS; i++) {
        uint64_t word = atomic_load_acq(&cache->stacks[i].word);
        if (!os_rseq_is_closed(word)) {
            cache->seen[i] = word;
        } else if ((marked >> i & 1) != 0) {
            closed |= UINT64_C(1) << i;
            excess[i] = is_fenced ? excess[i] : 0;
        }
    }
    return closed;
}

/* Nothing is locked while objects are given back: that can call an arena's
 * hooks, which may allocate, and want memory. */
static void
percpu_drain(unsigned cpu, bool is_all)
{
    percpu_cache_t *cache = percpu_get(cpu);
    if (cache == NULL) {
        return;
    }
    uint16_t excess[SC_NBINS];
    os_mutex_lock(&percpu.mtx);
    uint64_t closed = percpu_close_locked(cache, cpu, is_all, excess);
    os_mutex_unlock(&percpu.mtx);
    for (; closed != 0; closed &= closed - 1) {
        unsigned i = bits_ctz(closed);
        if (excess[i] > 0) {
            percpu_check(&cache->stacks[i], i);
        }
        percpu_empty(cache, i, excess[i]);
    }
}

void
percpu_flush_here(void)
{
    percpu_drain(os_rseq_cpu(), true);
}

void
percpu_flush(void)
{
    for (unsigned cpu = 0; cpu < percpu.end; cpu++) {
        percpu_drain(cpu, true);
    }
}

/* ---- looking ----------------------------------------------------------- */

/* UINT64_MAX: pages never go back, and neither does what lies here. */
static uint64_t
percpu_look_ns(void)
{
    int64_t ms = atomic_load_rlx(&pac_default_dirty_ms);
    uint64_t ns = (uint64_t)JE_MAX(ms, 0) * (1000000 / 8);
    return ms < 0 ? UINT64_MAX : JE_MAX(ns, PERCPU_LOOK_MIN_NS);
}

void
percpu_look(uint64_t now_ns)
{
    uint64_t due = atomic_load_rlx(&percpu.next_look_ns);
    uint64_t ns = percpu_look_ns();
    if (now_ns < due || ns == UINT64_MAX ||
        !atomic_cas_acq(&percpu.next_look_ns, &due, now_ns + ns)) {
        return;
    }
    for (unsigned cpu = 0; cpu < percpu.end; cpu++) {
        percpu_drain(cpu, false);
    }
}

/* ---- fork -------------------------------------------------------------- */

/* Who had closed a stack is no more, and it holds what its word says. */
void
percpu_fork_child(void)
{
    os_mutex_init(&percpu.mtx, OS_RANK_PERCPU);
    if (!percpu_is_on) {
        return;
    }
    os_rseq_fork_child();
    for (unsigned cpu = 0; cpu < percpu.end; cpu++) {
        percpu_cache_t *cache = percpu_get(cpu);
        for (unsigned i = 0; cache != NULL && i < SC_NBINS; i++) {
            uint64_t word = atomic_load_rlx(&cache->stacks[i].word);
            if (os_rseq_is_closed(word)) { /* a write would copy the page */
                (void)os_rseq_open(&cache->stacks[i], word);
            }
        }
    }
}
