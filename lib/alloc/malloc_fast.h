/*
 * The hot path of malloc and free, whole.
 *
 * malloc: class from a byte table, pop from this thread's stack, count. free:
 * class from the page map's byte, push. Everything rare is folded into the
 * three branches that are there anyway:
 *   - a stack that cannot be popped or pushed: no thread state yet, cache off,
 *     refill, flush, large, sampled, foreign and misused pointers (class 0's
 *     stack is always full);
 *   - `allocated` reaching the threshold: sampling, trimming, zero and junk;
 *   - sizes beyond the table.
 *
 * Measured: malloc 23 instructions and three branches, free 22 and one, both
 * never taken on a hit (gcc 12.2 -O2, x86-64, November 2026); `make bench
 * BENCH_FLAGS=--instructions` counts them again.
 */
#ifndef JE_ALLOC_MALLOC_FAST_H
#define JE_ALLOC_MALLOC_FAST_H

#include "alloc/cache_bin.h"
#include "alloc/emap.h"
#include "alloc/sz.h"
#include "alloc/tsd.h"

/* Slow paths, in malloc.c: complete by themselves. Threads with a label take
 * them always. */
void *malloc_slow(size_t size);
void free_slow(void *p);

JE_INLINE void *
malloc_fast(size_t size)
{
    if (unlikely(size > SZ_LOOKUP_MAX)) {
        return malloc_slow(size);
    }
    tsd_t *tsd = tsd_current;
    cache_bin_t *bin = &tsd->bins[sz_lookup_tab[(size + 7) >> 3]];
    void **head = bin->head;
    uint64_t allocated = tsd->allocated + bin->size;
    if (unlikely(head <= bin->low) ||
        unlikely(allocated >= tsd->alloc_threshold)) {
        return malloc_slow(size);
    }
    tsd->allocated = allocated;
    bin->nrequests++;
    bin->head = head - 1;
    return head[-1];
}

JE_INLINE void
free_fast(void *p)
{
    tsd_t *tsd = tsd_current;
    cache_bin_t *bin = &tsd->bins[emap_class(p)];
    void **head = bin->head;
    if (unlikely(head >= bin->full)) {
        free_slow(p);
        return;
    }
    *head = p;
    atomic_fence_compiler(); /* a forked child flushes what it finds */
    bin->head = head + 1;
    tsd->deallocated += bin->size;
}

#endif
