/*
 * The hot path of malloc and free, whole.
 *
 * malloc: bin from a table, pop from this thread's stack, count. free: class
 * from the page map's byte, push. Everything rare is folded into the branches
 * that are there anyway:
 *   - a stack that cannot be popped or pushed: no thread state yet, cache off,
 *     refill, flush, sampled, large beyond 32 KiB, foreign and misused pointers
 *     (class 0's stack is always full), and threads that are kept from here
 *     (tsd.h);
 *   - nothing left to pop until something is due: sampling, trimming;
 *   - sizes beyond the table.
 *
 * Measured: malloc 17 instructions and three branches, free 19 and one, all
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

_Static_assert(sizeof(cache_bin_t) == SZ_LOOKUP_SCALE, "an offset of bins");

JE_INLINE void *
malloc_fast(size_t size)
{
    if (unlikely(size > SZ_LOOKUP_MAX)) {
        return malloc_slow(size);
    }
    size_t offset = sz_lookup_tab[(size + 7) >> 3];
    cache_bin_t *bin = (void *)((char *)tsd_hot + offset);
    void **head = bin->head;
    if (unlikely(head <= bin->low) || unlikely(--bin->left < 0)) {
        return malloc_slow(size);
    }
    bin->head = head - 1;
    return head[-1];
}

JE_INLINE void
free_fast(void *p)
{
    cache_bin_t *bin = &tsd_hot[emap_class(p)];
    void **head = bin->head;
    if (unlikely(head >= bin->full)) {
        free_slow(p);
        return;
    }
    *head = p;
    atomic_fence_compiler(); /* a forked child flushes what it finds */
    bin->head = head + 1;
}

#endif
