/*
 * Helper threads that purge on schedule, so that an idle process gives its
 * memory back. At most conf.max_background_threads; thread t serves the arenas
 * whose index is t modulo their number. Off in the child of a fork.
 */
#ifndef JE_ALLOC_BACKGROUND_H
#define JE_ALLOC_BACKGROUND_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/mutex.h"

typedef struct background_stats {
    size_t num_threads;
    uint64_t num_runs;
    uint64_t run_interval_ns; /* mean */
} background_stats_t;

void background_boot(void);
bool background_is_enabled(void);
/* Start or stop, synchronously. No allocator lock held: threads are created by
 * libc, which allocates. errors: false, no thread could be started. */
bool background_set(bool on);
void background_stats(background_stats_t *out);
/* Its lock, for the lock's figures. */
os_mutex_t *background_mutex(void);
void background_fork_child(void);

#endif
