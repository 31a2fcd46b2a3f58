/*
 * When pages inside slabs go back.
 *
 * Nobody counts them as they become free: that would cost every free. Instead
 * each bin's listed slabs are looked at every quarter of dirty_decay_ms, and
 * what was free at two looks, its slab not taken from meanwhile, goes: after a
 * quarter of that time at least and half of it at most, if somebody comes by as
 * often. Half is when most dirty pages go, too (decay.h); and they may serve
 * anybody, while a page in a slab waits for a request of its size alone. With 0
 * each look gives back all that is free, with -1 there is none.
 *
 *   resident = active + dirty + metadata, and what went is not active (pac.h)
 *
 * Where the system or a hook refuses, nobody asks again on schedule until a
 * purge, a new decay time or new hooks.
 *
 * A look goes on in small pieces, which allocating and freeing threads do by
 * the way, like other decay, or helper threads at one go.
 */
#ifndef JE_ALLOC_SWEEP_H
#define JE_ALLOC_SWEEP_H

#include "alloc/types.h"

/* Written by the one thread at a time that sweeps, and read by others. */
typedef struct sweep {
    uint32_t is_busy;
    uint32_t bin;     /* the next to be looked at */
    bool has_idle;    /* the next looks may find something */
    uint64_t due_ns;  /* nothing is to be done before */
    uint64_t last_ns; /* when a piece was done last */
} sweep_t;

/* Do what is due, or a small piece of it. */
void sweep_decay(arena_t *arena, uint64_t now_ns);
void sweep_tick(arena_t *arena, uint64_t now_ns);
/* Give back all free pages inside listed slabs. */
void sweep_all(arena_t *arena);
/* dirty_decay_ms or the hooks have changed. */
void sweep_restart(arena_t *arena);
/* UINT64_MAX if nothing waits. */
uint64_t sweep_ns_until_due(const arena_t *arena, uint64_t now_ns);

#endif
