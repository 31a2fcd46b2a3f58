/*
 * What a thread with a label takes instead of the hot path, as short as can be.
 */
#ifndef JE_ALLOC_LABEL_FAST_H
#define JE_ALLOC_LABEL_FAST_H

#include "alloc/emap.h"
#include "alloc/label.h"
#include "alloc/special.h"
#include "alloc/sz.h"
#include "base/assert.h"

/* This thread's counters, if it has them already. */
static inline label_stats_t *
label_ready_stats(const tsd_t *tsd, unsigned label)
{
    label_stats_t *chunk = tsd->labels != NULL
                               ? tsd->labels->chunks[label >> LABEL_LG_CHUNK]
                               : NULL;
    return chunk != NULL ? &chunk[label & (LABEL_CHUNK - 1)] : NULL;
}

/* malloc of an object that lies in its cache while nothing else is due; NULL:
 * go the long way. */
JE_INLINE void *
label_alloc_cached(tsd_t *tsd, size_t size)
{
    label_stats_t *stats = tsd->label_stats;
    if (unlikely(size > SZ_SMALL_MAX || stats == NULL || tsd->is_slow_always)) {
        return NULL;
    }
    size_t cls = sz_index(size) + 1;
    cache_bin_t *bin = &tsd->bins[cls];
    void **head = bin->head;
    if (unlikely(bin->left <= 0 || head <= bin->low)) {
        return NULL;
    }
    void *p = head[-1];
    const extent_t *e = emap_extent_mapped((uintptr_t)p);
    uint16_t *labels = atomic_load_acq(&e->labels);
    if (unlikely(labels == NULL)) {
        return NULL;
    }
    bin->head = head - 1;
    bin->left--;
    tsd->live.allocated += bin->size;
    je_assert_op((size_t)e->szind + 1, ==, cls);
    atomic_store_rlx(&labels[bin_region(&bin_infos[cls - 1], e, p)],
                     tsd->label);
    atomic_bump_rlx(&stats->nmalloc, 1u);
    atomic_bump_rlx(&stats->allocated, bin->size);
    return p;
}

/* free of one in a slab with labels that its cache has room for and that is not
 * sampled; false: go the long way. */
JE_INLINE bool
label_free_cached(tsd_t *tsd, void *p)
{
    const extent_t *e = emap_extent((uintptr_t)p);
    if (e == NULL || e->state != EXTENT_ACTIVE || !e->is_slab) {
        return false;
    }
    size_t szind = e->szind;
    const bin_info_t *info = &bin_infos[szind];
    cache_bin_t *bin = &tsd->bins[szind + 1];
    uint32_t region = bin_region(info, e, p), size = info->size;
    uint16_t *labels = atomic_load_acq(&e->labels);
    const uint64_t *sampled = atomic_load_acq(&e->sampled);
    void **head = bin->head;
    if (unlikely(labels == NULL || head >= bin->full || tsd->is_slow_always ||
                 region >= info->nregs ||
                 e->addr + (uintptr_t)region * size != (uintptr_t)p)) {
        return false;
    }
    if (unlikely(sampled != NULL && special_bit(sampled, region))) {
        return false;
    }
    unsigned label = atomic_load_rlx(&labels[region]);
    if (label != 0) {
        label_stats_t *stats = label == tsd->label
                                   ? tsd->label_stats
                                   : label_ready_stats(tsd, label);
        if (unlikely(stats == NULL)) {
            return false;
        }
        atomic_store_rlx(&labels[region], 0);
        atomic_bump_rlx(&stats->ndalloc, 1u);
        atomic_bump_rlx(&stats->deallocated, size);
    }
    *head = p;
    atomic_fence_compiler(); /* a forked child flushes what it finds */
    bin->head = head + 1;
    tsd->live.deallocated += size;
    return true;
}

#endif
