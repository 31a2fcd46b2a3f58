/*
 * Which arena serves whom, as far as options have a say: how many automatic
 * ones there are, the one for oversize requests, and arenas by processor.
 */
#ifndef JE_ALLOC_ARENA_CHOICE_H
#define JE_ALLOC_ARENA_CHOICE_H

#include "alloc/arena.h"
#include "alloc/tsd.h"

/* Make the arenas that the options ask for. What they cannot have is said and
 * switched off. After conf_boot(). */
void arena_choice_boot(void);

/* Requests of at least so many bytes go to an arena of their own; SIZE_MAX when
 * none do. */
extern size_t arena_oversize_min;

/* The arena for a large object that the thread's own arena would serve. NULL:
 * the thread's own. */
arena_t *arena_oversize(const tsd_t *tsd);

/* An arena for a new thread: that of its processor, or as arena_bind(). */
arena_t *arena_bind_here(void);

/* The thread may run on another processor by now. */
void arena_move_thread(tsd_t *tsd);

extern bool arena_is_by_processor;

static inline void
arena_follow_processor(tsd_t *tsd)
{
    if (unlikely(arena_is_by_processor)) {
        arena_move_thread(tsd);
    }
}

#endif
