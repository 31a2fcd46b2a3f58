/*
 * When unused pages go back: the smooth decay schedule.
 *
 * Time is cut into DECAY_STEPS steps of time_ms / DECAY_STEPS. `backlog` holds
 * how many pages became unused in each of the last steps. The number allowed to
 * stay is sum(backlog[i] * h(i)), h(x) = 6x^5 - 15x^4 + 10x^3 rising from the
 * oldest step (0) to the newest (1). So a burst is returned gently over
 * time_ms, and a steady reuse keeps its pages.
 *
 * Pure bookkeeping: whoever holds pages asks for the limit and purges. Guarded
 * by the arena's pages lock.
 */
#ifndef JE_ALLOC_DECAY_H
#define JE_ALLOC_DECAY_H

#include "alloc/types.h"
#include "base/atomic.h"

enum { DECAY_STEPS = 200, DECAY_LG_FIXED = 24 };

/* Largest settable time: nanoseconds must fit 64 bits. */
#define DECAY_MS_MAX INT64_C(18446744072000)

typedef struct decay {
    int64_t time_ms; /* -1 never, 0 at once */
    uint64_t step_ns;
    uint64_t epoch_ns; /* start of the newest step */
    uint64_t jitter;   /* state of the jitter's generator */
    uint64_t deadline_ns;
    size_t npages_seen; /* unused pages at the last step */
    uint32_t npurging;  /* threads that purge without the lock */
    size_t backlog[DECAY_STEPS];
    uint64_t npurge;   /* rounds that purged something */
    uint64_t nmadvise; /* system calls for it */
    uint64_t purged;   /* pages */
} decay_t;

void decay_boot(void);
void decay_init(decay_t *d, int64_t time_ms, uint64_t now_ns);
/* A new time forgets the backlog. */
void decay_set_time(decay_t *d, int64_t time_ms, uint64_t now_ns);

/* Has a step passed, so that decay_limit has something new to say? May be asked
 * without the lock. */
static inline bool
decay_is_due(const decay_t *d, uint64_t now_ns)
{
    return atomic_load_rlx(&d->time_ms) > 0 &&
           now_ns >= atomic_load_rlx(&d->deadline_ns);
}

/* Has the whole time passed since a step was last looked at? */
static inline bool
decay_is_long_ago(const decay_t *d, uint64_t now_ns)
{
    return now_ns >= d->epoch_ns &&
           now_ns - d->epoch_ns >= (uint64_t)d->time_ms * 1000000;
}

/* Advance to `now_ns` with `npages` unused pages; returns how many may stay. */
size_t decay_limit(decay_t *d, uint64_t now_ns, size_t npages);

/* Nanoseconds until the next step, UINT64_MAX when none is needed. */
uint64_t decay_ns_until_due(const decay_t *d, uint64_t now_ns, size_t npages);

#endif
