/*
 * Caches of small objects by processor, with the option percpu_cache.
 *
 * A thread whose small objects come from here has no stacks of its own for
 * them: its hot path's ordinary branch leads to the slow path, which pops from
 * and pushes to the stack of the processor that it runs on. What is cached is
 * bounded by processors then, however many threads there are.
 *
 * Only objects of automatic arenas are here, so that an arena that can be reset
 * never has any in these caches; and a thread that chose its arena, which is to
 * have all its objects, does as if there were none of this. Large objects
 * remain with threads.
 *
 * A stack has a fixed number of slots. All of a processor together hold
 * percpu_cache_max bytes at most. A cache and its stacks are made when first
 * used and stay. What a stack did not need from one look to the next goes back:
 * as thread caches are trimmed, every eighth of dirty_decay_ms.
 *
 * To the accounts of a thread these objects did not come from a bin. Requests
 * are counted by the pops of a stack and, as what it holds, belong to `home`.
 */
#ifndef JE_ALLOC_PERCPU_H
#define JE_ALLOC_PERCPU_H

#include "alloc/tsd.h"
#include "alloc/types.h"
#include "os/rseq.h"

typedef struct percpu_cache {
    os_rseq_stack_t stacks[SC_NBINS]; /* hint: what the next fill asks for */
    arena_t *home;                    /* that of its first user */
    uint64_t seen[SC_NBINS];          /* words when last looked at */
} percpu_cache_t;

extern bool percpu_is_on;

/* After conf_boot(), meta_boot() and tcache_boot(). Warns and leaves it off
 * where it is asked for and cannot be had. */
void percpu_boot(void);
void percpu_fork_child(void);

/* Does the thread have its small objects from here? */
static inline bool
percpu_serves(const tsd_t *tsd)
{
    return tsd->is_percpu && !tsd->is_arena_chosen;
}

/* Slots of a class in each processor's cache. */
unsigned percpu_nslots(unsigned szind);

/* Pop, filling the stack if need be. *is_counted: the request is counted here.
 * errors: NULL, go without. */
void *percpu_alloc(tsd_t *tsd, unsigned szind, bool *is_counted);
/* Push; `e` is the slab. *is_spilled: some went back to arenas to make room.
 * errors: false, go without. */
bool percpu_free(const tsd_t *tsd, const extent_t *e, void *p,
                 bool *is_spilled);

/* The same while nothing else is due, counting and all. errors: NULL or false,
 * nothing was done: go the long way. */
void *percpu_alloc_cached(tsd_t *tsd, size_t size);
bool percpu_free_cached(tsd_t *tsd, void *p);

/* Give back what the cache of this thread's processor holds; that of each. */
void percpu_flush_here(void);
void percpu_flush(void);

/* Look for what is not needed, if it is time to. */
void percpu_look(uint64_t now_ns);

static inline void
percpu_tick(uint64_t now_ns)
{
    if (unlikely(percpu_is_on)) {
        percpu_look(now_ns);
    }
}

/* Caches that there are, by the numbers of processors below percpu_end(); NULL:
 * none yet. For figures. */
unsigned percpu_end(void);
const percpu_cache_t *percpu_peek(unsigned cpu);

#endif
