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

/* From this size on the automatic arenas share what they take and leave, in
 * groups: objects are kept in the first arena of the thread's group. Each
 * arena's unused pages alone seldom have a run as long as these objects, and
 * together they would not, either, lying between objects of other arenas.
 *
 * So large an object is 64 pages, which take ten microseconds to be used once,
 * against half of one under the lock of the group's pages. There are four
 * arenas a processor by default, so a group of eight is used by two processors
 * and the lock is free at most times, however many of both there are. */
#define ARENA_SHARED_MIN ((size_t)256 << 10)

enum { ARENA_GROUP = 8 };

/* The arena where the threads of an automatic one have such objects, which may
 * be itself: also where the group has no first one to share. */
arena_t *arena_of_group(arena_t *arena);

/* The arena for a large object that the thread's own arena would serve. NULL:
 * the thread's own. */
arena_t *arena_for_large(const tsd_t *tsd, size_t usable);

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
