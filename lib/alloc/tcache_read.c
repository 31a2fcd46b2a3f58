/*
 * What others read of thread caches, without a lock: see tcache.h.
 *
 * A block is never unmapped, so that figures of a thread that ends or changes
 * them meanwhile are at worst wrong by that.
 */
#include "alloc/meta.h"
#include "alloc/sz.h"
#include "alloc/tcache.h"
#include "alloc/tcache_count.h"
#include "base/assert.h"

/* A bin of any thread's cache. false: the cache has none. */
typedef struct tcache_view {
    const cache_bin_t *bin;
    const tcache_bin_t *cold;
} tcache_view_t;

static bool
tcache_look_up(const tsd_t *tsd, unsigned cls, tcache_view_t *out)
{
    if (cls <= SC_NCACHED) {
        *out = (tcache_view_t){&tsd->bins[cls], &tsd->cold[cls]};
        return true;
    }
    const tcache_more_t *more = atomic_load_acq(&tsd->more);
    unsigned i = cls - SC_NCACHED - 1;
    if (more == NULL) {
        return false;
    }
    *out = (tcache_view_t){&more->bins[i], &more->cold[i]};
    return true;
}

uint64_t
tcache_nrequests(const tsd_t *tsd, unsigned szind)
{
    tcache_view_t v;
    if (!tcache_look_up(tsd, szind + 1, &v)) {
        return 0;
    }
    return tcache_pops(v.bin, v.cold);
}

/* Objects in a bin of any thread; those are at *base, which is never unmapped.
 */
static size_t
tcache_look(const tsd_t *tsd, unsigned cls, void ***base)
{
    tcache_view_t v;
    if (!tcache_look_up(tsd, cls, &v)) {
        return 0;
    }
    *base = atomic_load_rlx(&v.cold->base);
    void **head = atomic_load_rlx(&v.bin->head);
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
    for (unsigned cls = 1; cls <= SC_NCACHED_MAX; cls++) {
        bytes += tcache_look(tsd, cls, &base) * sz_size(cls - 1);
    }
    return bytes;
}

/* ---- checks ------------------------------------------------------------ */

static bool
tcache_bin_is_valid(const tcache_view_t *v, unsigned cls)
{
    const cache_bin_t *bin = v->bin;
    const tcache_bin_t *cold = v->cold;
    size_t most = tcache_slots_most(bin, cold, cls);
    if (cold->base == NULL) {
        return bin->head == NULL && bin->low == NULL && bin->full == NULL;
    }
    size_t slots = (size_t)(bin->full - cold->base);
    return cold->base <= bin->low && bin->low <= bin->head &&
           bin->head <= bin->full &&
           (slots == JE_MIN((size_t)1 << cold->lg_slots, most) ||
            slots == JE_MIN((size_t)1 << cold->lg_slots, cold->slots_max));
}

bool
tcache_is_valid(const tsd_t *tsd)
{
    size_t limit = 0, more = 0;
    int64_t held = (int64_t)(tsd->past.allocated - tsd->past.deallocated);
    bool ok = tsd->bins[0].head == NULL && tsd->bins[0].full == NULL;
    for (unsigned cls = 1; cls <= SC_NCACHED_MAX; cls++) {
        tcache_view_t v;
        if (!tcache_look_up(tsd, cls, &v)) {
            break;
        }
        ok = ok && tcache_bin_is_valid(&v, cls);
        ok = ok &&
             (v.cold->base != NULL) == (tsd->open[cls / 64] >> cls % 64 & 1);
        je_assert(ok);
        held += v.cold->net * v.bin->size;
        if (v.cold->base != NULL && cls <= SC_NCACHED) {
            limit += (size_t)v.bin->size << v.cold->lg_slots;
        } else if (v.cold->base != NULL) {
            more += (size_t)(v.bin->head - v.cold->base) * v.bin->size;
        }
    }
    ok = ok && tsd->cache_limit_bytes == limit && tsd->from_arenas == held &&
         (tsd->more == NULL || tsd->more->bytes == more);
    je_assert(ok);
    return ok;
}
