/*
 * Counting by bins: what threads allocated and freed, and what that makes due.
 *
 * The hot path only counts a bin's `left` down, and moves its head. All else
 * follows from these two and from what the slow path did:
 *
 *   pops    = pops_due - left
 *   pushes  = pops + objects in the bin - net
 *
 * where pops_due is how many pops there will have been when none is left, and
 * net the objects that the bin got from arenas less those it gave them back.
 * So bytes are exact at any time, without a counter of bytes in the hot path:
 *
 *   allocated   = past + direct + sum of pops * size over the bins
 *   deallocated = past + direct + sum of pushes * size over the bins
 *
 * `direct` is what did not go through a bin of the thread's own cache.
 *
 * Each bin draws its samples by itself: bytes that are hit independently of
 * each other are so however they are divided over bins.
 */
#ifndef JE_ALLOC_TCACHE_COUNT_H
#define JE_ALLOC_TCACHE_COUNT_H

#include "alloc/tsd.h"

/* Bytes of a thread so far. Exact for the calling thread; of another one that
 * runs, off by at most what it allocates and frees meanwhile. */
tsd_bytes_t tsd_bytes(const tsd_t *tsd);

/* The calling thread's bytes, kept up to date where they are from now on. */
tsd_bytes_t *tsd_bytes_live(tsd_t *tsd);

/* Look whether the thread holds more than ever, if it may and has taken enough
 * since it looked last. It is asked for where bins are filled and where
 * something does not come from bins: what comes from bins and goes back there
 * between goes unnoticed. */
void tsd_note_peak(tsd_t *tsd);
void tsd_look_at_peak(tsd_t *tsd);

/* Draw the next sample of what does not come from bins. */
void tsd_draw(tsd_t *tsd);

/* Pops from a bin of any thread since its cache was last switched off. */
uint64_t tcache_pops(const cache_bin_t *bin, const tcache_bin_t *cold);

/* A pop that the hot path did not count, as nothing was left: count it, and say
 * how many are left until something is due. Returns whether the object is to be
 * sampled. */
bool tcache_count_due(tsd_t *tsd, unsigned cls);

/* n objects came to the bin from arenas, or went there: -n. */
static inline void
tcache_count_arena(tsd_t *tsd, unsigned cls, int64_t n)
{
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    atomic_store_rlx(&cold->net, cold->net + n);
    n *= tsd_bin(tsd, cls)->size;
    tsd->from_arenas += n;
    tsd->filled += n > 0 ? (uint64_t)n : 0;
}

/* The bin is empty for now, and its account is closed. Returns the pops. */
uint64_t tcache_count_close(tsd_t *tsd, unsigned cls);

#endif
