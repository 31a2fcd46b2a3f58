/*
 * One class of a thread cache: a stack of free regions.
 *
 * The only thing that the hot path and the thread cache share; the arena needs
 * no knowledge of it.
 *
 *   slots  base          low            head           full
 *          | idle since  | in use since | free slots   |
 *          | the last GC | the last GC  |              |
 *
 * invariant: base <= low <= head <= full. Popping needs head > low, pushing
 * head < full; both failing lead to the slow path, where `low` is lowered, the
 * stack filled, grown or flushed. A bin that is switched off has all four
 * equal, so that the ordinary branch leads there as well.
 *
 * Each pop by the hot path counts `left` down. What its bytes make due (a
 * sample, trimming, statistics) is due when nothing is left; and as the cold
 * part knows how many pops there were up to then, that one number is also all
 * that the hot path does for the statistics. See tcache_count.h.
 */
#ifndef JE_ALLOC_CACHE_BIN_H
#define JE_ALLOC_CACHE_BIN_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

typedef struct cache_bin {
    void **head;   /* one past the top of the stack */
    void **low;    /* lowest position since the last GC, roughly */
    void **full;   /* end of the slots */
    int32_t left;  /* pops until something is due; < 0: one was refused */
    uint32_t size; /* bytes of an object */
} cache_bin_t;

_Static_assert(sizeof(void *) != 8 || sizeof(cache_bin_t) == 32,
               "two bins a cache line");

/* NULL when the slow path has to decide. */
static inline void *
cache_bin_pop(cache_bin_t *bin)
{
    void **head = bin->head;
    if (unlikely(head <= bin->low)) {
        return NULL;
    }
    bin->head = head - 1;
    return head[-1];
}

/* false when the slow path has to make room. */
static inline bool
cache_bin_push(cache_bin_t *bin, void *p)
{
    void **head = bin->head;
    if (unlikely(head >= bin->full)) {
        return false;
    }
    *head = p;
    atomic_fence_compiler(); /* a forked child flushes what it finds */
    bin->head = head + 1;
    return true;
}

#endif
