/*
 * Named values below experimental. and what else later versions of jemalloc
 * have: how full the slab of a pointer is, which is what programs that move
 * their objects ask, allocating many at once, and figures without a snapshot.
 */
#include <errno.h>
#include <string.h>

#include "alloc/arena.h"
#include "alloc/ctl_leaf.h"
#include "alloc/emap.h"
#include "alloc/mallocx.h"
#include "base/assert.h"

/* ---- how full a slab is ------------------------------------------------ */

/* The layouts are those of jemalloc 5.3. */
typedef struct utilization {
    size_t nfree; /* free regions of the slab; those in thread caches count
                   * as used */
    size_t nregs; /* regions of the slab, 1 for a large object */
    size_t size;  /* bytes of the slab or large object */
} utilization_t;

typedef struct utilization_verbose {
    void *current; /* the slab that the bin allocates from, or NULL */
    utilization_t slab;
    size_t bin_nfree;
    size_t bin_nregs;
} utilization_verbose_t;

_Static_assert(sizeof(utilization_verbose_t) == 6 * sizeof(size_t),
               "as Valkey and Redis read it");

/* The extent of the block that p points into; inside a large one only the
 * first and the last page lead to it. */
static extent_t *
active_extent(uintptr_t addr)
{
    extent_t *e = emap_extent(addr);
    return e != NULL && e->state == EXTENT_ACTIVE ? e : NULL;
}

/* All zero for what is not ours. */
static utilization_t
utilization_of(const extent_t *e)
{
    if (e == NULL) {
        return (utilization_t){.nfree = 0};
    }
    return (utilization_t){
        .nfree = e->is_slab ? atomic_load_rlx(&e->nfree) : 0,
        .nregs = e->is_slab ? bin_infos[e->szind].nregs : 1,
        .size = e->size,
    };
}

/* The bin's lock is held. */
static void
utilization_add_bin(utilization_verbose_t *u, const bin_t *bin,
                    const extent_t *e)
{
    const bin_stats_t *s = &bin->stats;
    size_t nregs = s->curslabs * bin_infos[bin->szind].nregs;
    u->bin_nregs += nregs;
    u->bin_nfree += nregs - (s->nmalloc - s->ndalloc);
    if (bin->shard == e->shard) {
        u->slab = utilization_of(e);
        u->current = bin->current != NULL ? (void *)bin->current->addr : NULL;
    }
}

static utilization_verbose_t
utilization_verbose(uintptr_t addr)
{
    extent_t *e = active_extent(addr);
    utilization_verbose_t u = {.slab = utilization_of(e)};
    if (e == NULL || !e->is_slab) {
        return u;
    }
    arena_t *arena = arena_of(e);
    for (unsigned i = 0; i < bin_shards[e->szind].count; i++) {
        bin_t *bin = arena_bin(arena, e->szind, i);
        if (!arena_bin_lock(arena, bin)) {
            break;
        }
        utilization_add_bin(&u, bin, e);
        os_mutex_unlock(&bin->mtx);
    }
    return u;
}

int
ctl_exchange_util_query(const ctl_leaf_t *leaf, const size_t *index,
                        const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    uintptr_t addr;
    if (call->oldp == NULL || call->oldlenp == NULL ||
        *call->oldlenp != sizeof(utilization_verbose_t) || call->newp == NULL ||
        call->newlen != sizeof(addr)) {
        return EINVAL;
    }
    memcpy(&addr, call->newp, sizeof(addr));
    utilization_verbose_t u = utilization_verbose(addr);
    return ctl_give(call, &u, sizeof(u));
}

int
ctl_exchange_util_batch_query(const ctl_leaf_t *leaf, const size_t *index,
                              const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    size_t n = call->newlen / sizeof(uintptr_t);
    if (call->oldp == NULL || call->oldlenp == NULL || call->newp == NULL ||
        n == 0 || call->newlen != n * sizeof(uintptr_t) ||
        *call->oldlenp != n * sizeof(utilization_t)) {
        return EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        uintptr_t addr;
        memcpy(&addr, (const char *)call->newp + i * sizeof(addr),
               sizeof(addr));
        utilization_t u = utilization_of(active_extent(addr));
        memcpy((char *)call->oldp + i * sizeof(u), &u, sizeof(u));
    }
    return 0;
}

/* ---- many at once ------------------------------------------------------ */

typedef struct batch {
    void **ptrs;
    size_t num;
    size_t size;
    int flags;
} batch_t;

/* As many calls of mallocx, until one fails: fills do the rest. */
int
ctl_exchange_batch_alloc(const ctl_leaf_t *leaf, const size_t *index,
                         const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    batch_t batch;
    size_t filled = 0;
    int err = ctl_must_take(call, sizeof(filled));
    if (err != 0) {
        return err;
    }
    if (call->newp == NULL || call->newlen != sizeof(batch)) {
        return EINVAL;
    }
    memcpy(&batch, call->newp, sizeof(batch));
    while (filled < batch.num) {
        void *p = je_mallocx(batch.size, batch.flags);
        if (p == NULL) {
            break;
        }
        batch.ptrs[filled++] = p;
    }
    return ctl_give(call, &filled, sizeof(filled));
}

/* ---- figures of now ---------------------------------------------------- */

int
ctl_read_pactivep(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    (void)leaf;
    arena_t *arena =
        index[0] < ARENA_LIMIT ? arena_get((unsigned)index[0]) : NULL;
    if (arena == NULL) {
        return EFAULT;
    }
    out->pointer = &arena->pac.nactive;
    return 0;
}

int
ctl_read_approximate_active(const ctl_leaf_t *leaf, const size_t *index,
                            ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    size_t pages = 0;
    for (unsigned i = 0; i < arena_count(); i++) {
        const arena_t *arena = arena_get(i);
        if (arena != NULL) {
            pages += atomic_load_rlx(&arena->pac.nactive);
        }
    }
    out->size = pages << OS_LG_PAGE;
    return 0;
}

/* ---- the last words ---------------------------------------------------- */

int
ctl_write_safety_abort(const ctl_leaf_t *leaf, const size_t *index,
                       const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    if (in != NULL) {
        je_fatal_hook_t *hook;
        memcpy(&hook, &in->pointer, sizeof(hook));
        je_set_fatal_hook(hook);
    }
    return 0;
}
