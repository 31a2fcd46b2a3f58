/*
 * A futex lock with contention counters and, in debug builds, a rank check.
 *
 * A lock may only be taken while every lock already held has a smaller rank;
 * the enum is therefore the lock order of the whole allocator. Two locks of
 * one rank are never held together.
 *
 * Not a pthread mutex: those cannot be inspected, and the child of a fork must
 * be able to ask whether a dead thread held one (see alloc/fork.h).
 */
#ifndef JE_OS_MUTEX_H
#define JE_OS_MUTEX_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

typedef enum {
    OS_RANK_INIT,       /* start-up */
    OS_RANK_CTL,        /* named values, statistics snapshot */
    OS_RANK_BACKGROUND, /* background thread control */
    OS_RANK_DUMP,       /* one dump at a time */
    OS_RANK_DEFERRED,   /* queue of deferred frees */
    OS_RANK_ARENAS,     /* creation of arenas, binding of threads */
    OS_RANK_TSD,        /* list of threads */
    OS_RANK_PROF,       /* sampling tables */
    OS_RANK_LABEL,      /* names of labels */
    OS_RANK_PERCPU,     /* closing stacks of processors */
    OS_RANK_BIN,        /* one size class of one arena */
    OS_RANK_PAGES,      /* one arena's extents */
    OS_RANK_EMAP,       /* page map leaves */
    OS_RANK_META,       /* metadata blocks and pools */
    OS_RANK_BREAK,      /* the program break */
    OS_RANK_COUNT,
} os_rank_t;

/* Counters are written by the holder only; others read them as they are. */
typedef struct os_mutex {
    uint32_t state; /* 0 free, 1 held, 2 held and somebody sleeps */
    uint32_t rank;  /* os_rank_t */
    uintptr_t last_owner;
    uint64_t num_ops;
    uint64_t num_owner_switch;
    uint64_t num_wait;
    uint64_t num_spin_acq;
    uint64_t total_wait_ns;
    uint64_t max_wait_ns;
    uint32_t max_num_thds;
    uint32_t num_waiting;
} os_mutex_t;

/* How often a lock is tried before its taker sleeps; -1: never sleep. */
void os_mutex_set_max_spin(int64_t rounds);

void os_mutex_init(os_mutex_t *m, os_rank_t rank);
void os_mutex_lock_slow(os_mutex_t *m);
void os_mutex_unlock_slow(os_mutex_t *m);
void os_mutex_stats_reset(os_mutex_t *m);

/* Debug builds: abort when a lock of this rank may not be taken now. */
void os_mutex_rank_enter(os_mutex_t *m);
void os_mutex_rank_leave(os_mutex_t *m);
/* After fork, in the child: this thread holds nothing. */
void os_mutex_rank_reset(void);

/* A number that differs between live threads; cheap. */
static inline uintptr_t
os_thread_token(void)
{
    return (uintptr_t)__builtin_thread_pointer();
}

/* Add one to a counter of a lock that is held; it may be read meanwhile. */
static inline void
os_mutex_count(uint64_t *counter)
{
    atomic_store_rlx(counter, *counter + 1);
}

static inline void
os_mutex_note_owner(os_mutex_t *m)
{
    os_mutex_count(&m->num_ops);
    uintptr_t self = os_thread_token();
    if (unlikely(m->last_owner != self)) {
        m->last_owner = self;
        os_mutex_count(&m->num_owner_switch);
    }
}

static inline void
os_mutex_lock(os_mutex_t *m)
{
    if (je_config_debug) {
        os_mutex_rank_enter(m);
    }
    uint32_t expected = 0;
    if (unlikely(!atomic_cas_acq(&m->state, &expected, 1u))) {
        os_mutex_lock_slow(m);
    }
    os_mutex_note_owner(m);
}

/* Takes no part in the lock order: who only tries cannot deadlock, and a signal
 * handler tries whatever the interrupted frame holds. */
static inline bool
os_mutex_trylock(os_mutex_t *m)
{
    uint32_t expected = 0;
    if (!atomic_cas_acq(&m->state, &expected, 1u)) {
        return false;
    }
    os_mutex_note_owner(m);
    return true;
}

static inline void
os_mutex_unlock(os_mutex_t *m)
{
    if (je_config_debug) {
        os_mutex_rank_leave(m);
    }
    if (unlikely(atomic_xchg_rel(&m->state, 0u) == 2)) {
        os_mutex_unlock_slow(m);
    }
}

static inline bool
os_mutex_is_held(const os_mutex_t *m)
{
    return atomic_load_rlx(&m->state) != 0;
}

#endif
