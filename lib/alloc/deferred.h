/*
 * Deferred free: large objects whose pages somebody else gives back.
 *
 * What is handed over waits in a bounded queue for a helper thread that is
 * started by the first call. Small objects, those that find the queue full, and
 * all of them where no thread can be had are freed at once by the caller, so
 * that no more than the queue's room ever waits.
 *
 *   queued objects == handed over - freed by the helper or a flush
 *
 * A fork leaves the queue to both processes; the child starts a helper of its
 * own when it next defers.
 */
#ifndef JE_ALLOC_DEFERRED_H
#define JE_ALLOC_DEFERRED_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/mutex.h"

enum {
    DEFERRED_SLOTS = 1024,
    DEFERRED_LEAST = 64 << 10, /* smaller objects are not worth a queue */
};

/* p is a live object. May allocate, at the first call. */
void deferred_free(void *p);
/* Free all that waits, in the calling thread. Returns how many objects. */
size_t deferred_flush(void);

typedef struct deferred_stats {
    uint64_t queued_objects; /* that wait now */
    uint64_t queued_bytes;   /* of usable size */
    uint64_t deferred;       /* handed over, ever */
    uint64_t inlined;        /* freed by the caller at once */
} deferred_stats_t;

void deferred_stats(deferred_stats_t *out);
os_mutex_t *deferred_mutex(void);

void deferred_boot(void);
void deferred_fork_child(void);

#endif
