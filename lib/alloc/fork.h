/*
 * Fork without holding anything.
 *
 * No lock is taken before a fork: a thread that holds the allocator's locks
 * while it waits for stdio's deadlocks against one that does the reverse.
 * Instead the child looks at the locks it inherited. Only the forking thread
 * lives there, so a held lock is a dead thread's, and what it guarded may be
 * half changed: that arena is quarantined. Everything global is either a
 * single published store or is started afresh.
 *
 * A handler that forks may return, in the child, into a frame that waited for
 * such a lock. Locks are free there, and who takes one of a quarantined arena
 * looks again: see pac_lock() and arena_bin_lock().
 */
#ifndef JE_ALLOC_FORK_H
#define JE_ALLOC_FORK_H

/* Register the child's handler. May allocate: call with no lock held, once the
 * allocator works. */
void fork_boot_late(void);

/* Forks this process went through since the first; for names of dumps. */
unsigned fork_generation(void);

#endif
