/*
 * Metadata blocks and pools: see meta.h.
 */
#include "alloc/meta.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "os/brk.h"
#include "os/mutex.h"

/* The first block is small, so that a tiny process stays tiny and a small
 * RLIMIT_AS suffices; later ones double up to 2 MiB. */
#define META_BLOCK_FIRST ((size_t)128 << 10)
#define META_BLOCK_MAX   ((size_t)2 << 20)

enum { META_MAPPINGS_MAX = 16384 };

typedef struct meta_block {
    uintptr_t next;  /* bump pointer; a fetch-and-add takes a piece */
    uintptr_t limit; /* one past the last byte */
    struct meta_block *previous;
} meta_block_t;

/* Every mapping, for residency and for tests; in .bss, touched on use. */
typedef struct meta_mapping {
    uintptr_t addr;
    size_t size;
} meta_mapping_t;

static struct {
    os_mutex_t mtx; /* creation of blocks */
    os_mutex_t pool_mtx;
    meta_block_t *current;
    size_t next_block_size;
    size_t base;
    size_t mapped;
    size_t nhuge;
    bool is_huge_first; /* the next block is for huge pages */
    bool is_huge_full;  /* a block of full size is */
    bool may_break;     /* the program break may be used */
    unsigned nmappings;
    void *pool[META_LG_SLOTS_MAX + 1]; /* chained through the first word */
} meta;

static meta_mapping_t mappings[META_MAPPINGS_MAX];

void
meta_boot(void)
{
    os_mutex_init(&meta.mtx, OS_RANK_META);
    os_mutex_init(&meta.pool_mtx, OS_RANK_META);
    meta.next_block_size = META_BLOCK_FIRST;
}

void
meta_fork_child(void)
{
    if (os_mutex_is_held(&meta.pool_mtx)) {
        memset(meta.pool, 0, sizeof(meta.pool));
    }
    os_mutex_init(&meta.mtx, OS_RANK_META);
    os_mutex_init(&meta.pool_mtx, OS_RANK_META);
}

void
meta_use_huge(bool from_first)
{
    bool can = os_pages_thp() != OS_THP_NEVER;
    meta.is_huge_first = can && from_first;
    meta.is_huge_full = can;
}

void
meta_use_break(bool may)
{
    meta.may_break = may;
}

os_mutex_t *
meta_mutex(unsigned i)
{
    return i == 0 ? &meta.mtx : i == 1 ? &meta.pool_mtx : NULL;
}

/* Remember a mapping. The table is append only: publish the count last. */
static void
meta_register(uintptr_t addr, size_t size)
{
    unsigned i = atomic_add_rlx(&meta.nmappings, 1u);
    if (i >= META_MAPPINGS_MAX) {
        atomic_sub_rlx(&meta.nmappings, 1u);
    } else {
        mappings[i].addr = addr;
        atomic_store_rel(&mappings[i].size, size);
    }
    atomic_add_rlx(&meta.mapped, size);
}

/* Map `size` bytes between two inaccessible pages. */
static void *
meta_map_guarded(size_t size)
{
    char *p = os_pages_map(size + 2 * OS_PAGE, OS_PAGE, false);
    if (p == NULL) {
        return NULL;
    }
    if (!os_pages_commit(p + OS_PAGE, size)) {
        (void)os_pages_unmap(p, size + 2 * OS_PAGE);
        return NULL;
    }
    meta_register((uintptr_t)p + OS_PAGE, size);
    return p + OS_PAGE;
}

/* The same, or without those pages where nothing else is to be had. */
static void *
meta_map_any(size_t size)
{
    void *p = meta_map_guarded(size);
    if (unlikely(p == NULL && meta.may_break)) {
        p = os_brk_map(size, OS_PAGE);
        if (p != NULL) {
            meta_register((uintptr_t)p, size);
        }
    }
    return p;
}

void *
meta_map(size_t size)
{
    return meta_map_any(bits_align_up(size, OS_PAGE));
}

void
meta_note_touched(size_t bytes)
{
    atomic_add_rlx(&meta.base, bytes);
}

/* Take `size` bytes from `b`. A failed attempt leaves `next` beyond the limit,
 * which only means that the block is used up. */
static void *
meta_block_take(meta_block_t *b, size_t size)
{
    if (b == NULL) {
        return NULL;
    }
    uintptr_t at = atomic_load_rlx(&b->next);
    do {
        if (size > b->limit - at) {
            return NULL;
        }
    } while (!atomic_cas_acqrel(&b->next, &at, at + size));
    atomic_add_rlx(&meta.base, size);
    return (void *)at;
}

/* A block between inaccessible pages that huge pages can back. The neighbours
 * of a huge page are only address space and are trimmed. */
static void *
meta_map_huge(size_t size)
{
    char *p = os_pages_map(size + 2 * OS_HUGE, OS_HUGE, false);
    if (p == NULL) {
        return NULL;
    }
    char *block = p + OS_HUGE;
    if (!os_pages_commit(block, size)) {
        (void)os_pages_unmap(p, size + 2 * OS_HUGE);
        return NULL;
    }
    (void)os_pages_unmap(p, OS_HUGE - OS_PAGE);
    (void)os_pages_unmap(block + size + OS_PAGE, OS_HUGE - OS_PAGE);
    os_pages_huge(block, size, true);
    meta_register((uintptr_t)block, size);
    atomic_add_rlx(&meta.nhuge, size >> OS_LG_HUGE);
    return block;
}

static void *
meta_block_map_locked(size_t *want)
{
    if (meta.is_huge_first || (meta.is_huge_full && *want >= META_BLOCK_MAX)) {
        size_t size = bits_align_up(*want, OS_HUGE);
        void *block = meta_map_huge(size);
        if (block != NULL) {
            *want = size;
            return block;
        }
    }
    return meta_map_guarded(*want);
}

/* A new block that can hold `size` bytes; caller holds meta.mtx. When the
 * preferred size is not to be had, the smallest that serves is tried. */
static bool
meta_block_new_locked(size_t size)
{
    size_t least = bits_align_up(size + CACHELINE, OS_PAGE);
    size_t want = least > meta.next_block_size ? least : meta.next_block_size;
    meta_block_t *b = meta_block_map_locked(&want);
    if (b == NULL) {
        want = least;
        b = meta_map_any(want);
    }
    if (b == NULL) {
        return false;
    }
    if (meta.next_block_size < META_BLOCK_MAX) {
        meta.next_block_size *= 2;
    }
    _Static_assert(sizeof(*b) <= CACHELINE, "block header is one line");
    b->next = (uintptr_t)b + CACHELINE;
    b->limit = (uintptr_t)b + want;
    b->previous = meta.current;
    atomic_add_rlx(&meta.base, (size_t)CACHELINE);
    atomic_store_rel(&meta.current, b);
    return true;
}

void *
meta_alloc(size_t size)
{
    size = bits_align_up(size, CACHELINE);
    void *p = meta_block_take(atomic_load_acq(&meta.current), size);
    if (likely(p != NULL)) {
        return p;
    }
    os_mutex_lock(&meta.mtx);
    p = meta_block_take(meta.current, size);
    if (p == NULL && meta_block_new_locked(size)) {
        p = meta_block_take(meta.current, size);
    }
    os_mutex_unlock(&meta.mtx);
    return p;
}

void **
meta_slots_alloc(unsigned lg)
{
    je_assert(lg >= META_LG_SLOTS_MIN && lg <= META_LG_SLOTS_MAX);
    os_mutex_lock(&meta.pool_mtx);
    void **p = meta.pool[lg];
    if (p != NULL) {
        meta.pool[lg] = *p;
    }
    os_mutex_unlock(&meta.pool_mtx);
    return p != NULL ? p : meta_alloc(sizeof(void *) << lg);
}

void
meta_slots_free(void **slots, unsigned lg)
{
    os_mutex_lock(&meta.pool_mtx);
    *slots = meta.pool[lg];
    meta.pool[lg] = slots;
    os_mutex_unlock(&meta.pool_mtx);
}

void
meta_stats(meta_stats_t *out)
{
    out->base = atomic_load_rlx(&meta.base);
    out->mapped = atomic_load_rlx(&meta.mapped);
    out->nhuge = atomic_load_rlx(&meta.nhuge);
}

void
meta_foreach_mapping(void (*fn)(void *arg, uintptr_t addr, size_t size),
                     void *arg)
{
    unsigned n = atomic_load_acq(&meta.nmappings);
    for (unsigned i = 0; i < n && i < META_MAPPINGS_MAX; i++) {
        size_t size = atomic_load_acq(&mappings[i].size);
        if (size != 0) {
            fn(arg, mappings[i].addr, size);
        }
    }
}

typedef struct resident_sum {
    unsigned char *vec;
    size_t vec_size;
    size_t bytes;
    bool ok;
} resident_sum_t;

static void
meta_add_resident(void *arg, uintptr_t addr, size_t size)
{
    resident_sum_t *sum = arg;
    for (size_t done = 0; done < size;) {
        size_t step = size - done;
        if (step > sum->vec_size << OS_LG_PAGE) {
            step = sum->vec_size << OS_LG_PAGE;
        }
        if (!os_pages_resident((void *)(addr + done), step, sum->vec)) {
            sum->ok = false;
            return;
        }
        for (size_t i = 0; i < step >> OS_LG_PAGE; i++) {
            sum->bytes += (sum->vec[i] & 1u) << OS_LG_PAGE;
        }
        done += step;
    }
}

bool
meta_resident(unsigned char *vec, size_t vec_size, size_t *bytes)
{
    resident_sum_t sum = {.vec = vec, .vec_size = vec_size, .ok = true};
    meta_foreach_mapping(meta_add_resident, &sum);
    *bytes = sum.bytes;
    return sum.ok;
}

typedef struct contains_query {
    uintptr_t addr;
    bool found;
} contains_query_t;

static void
meta_match(void *arg, uintptr_t addr, size_t size)
{
    contains_query_t *q = arg;
    if (q->addr >= addr - OS_PAGE && q->addr < addr + size + OS_PAGE) {
        q->found = true;
    }
}

bool
meta_contains(uintptr_t addr)
{
    contains_query_t q = {.addr = addr};
    meta_foreach_mapping(meta_match, &q);
    return q.found;
}
