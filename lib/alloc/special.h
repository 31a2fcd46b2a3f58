/*
 * Marking objects whose free must take the slow path.
 *
 * A marked small object has its bit set in its slab's `sampled` bitmap, and the
 * page where it starts reads map class 0 while any object that starts there is
 * marked. A marked large object has is_sampled set. Unmarked neighbours on a
 * page of class 0 only take the longer way to the same cache bin.
 */
#ifndef JE_ALLOC_SPECIAL_H
#define JE_ALLOC_SPECIAL_H

#include "alloc/extent.h"
#include "base/atomic.h"

/* The caller owns p, a live object of e. errors: false, out of memory. */
bool special_mark(extent_t *e, void *p);
void special_unmark(extent_t *e, void *p);
/* Called by the owner of p, so no lock is needed. */
bool special_is_marked(const extent_t *e, const void *p);

/* A region's bit of its slab's `sampled`. */
static inline bool
special_bit(const uint64_t *sampled, uint32_t region)
{
    return ((atomic_load_rlx(&sampled[region >> 6]) >> (region & 63)) & 1) != 0;
}

#endif
