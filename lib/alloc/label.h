/*
 * Owner labels: who an object belongs to, as the program says.
 *
 * A thread has at most one label at a time; what it allocates meanwhile
 * carries it until it is freed, by whichever thread. Labels are numbers from 1
 * on that stand for names; 0 is "no label".
 *
 * A large object's label is in its extent. A slab with labelled objects has an
 * array of them, one entry a region, and from then on all of its pages read map
 * class 0, so that every free of it comes by the slow path and looks there. An
 * entry is written only by who owns its region. Threads without a label take
 * the hot path as ever; slabs without labelled objects know nothing of this.
 *
 * Each thread counts for itself, in a block of counters that outlives it and is
 * handed on to a later thread with what it has counted: sums over the blocks
 * need no lock and lose nothing.
 *
 *   live bytes of a label == sum over blocks of allocated - deallocated
 *
 * at rest; while others work, a figure can be off by what they are doing.
 */
#ifndef JE_ALLOC_LABEL_H
#define JE_ALLOC_LABEL_H

#include "alloc/bin.h"
#include "alloc/extent.h"
#include "alloc/tsd.h"
#include "os/mutex.h"

enum {
    LABEL_LG_CHUNK = 7,
    LABEL_CHUNK = 1 << LABEL_LG_CHUNK,
    LABEL_NCHUNKS = 512,
    LABEL_LIMIT = LABEL_NCHUNKS << LABEL_LG_CHUNK, /* 65,536 with "none" */
    LABEL_NAME_MAX = 255,                          /* bytes of a name */
};

/* The number of `name`, made if it is new; 0 for NULL and "". Names are never
 * forgotten. errors: 0 with *error ENAMETOOLONG, ENOSPC or ENOMEM. */
unsigned label_number(const char *name, int *error);
/* NULL if there is none of that number. */
const char *label_name(unsigned label);
/* Numbers in use are below this. */
unsigned label_end(void);

/* Make it this thread's label; returns the one before. A number that is not in
 * use, or a thread without a state, means none. */
unsigned label_swap(unsigned label);
unsigned label_current(void);

/* p of `usable` bytes, a live object of e, was handed to this thread, which
 * has a label. */
void label_mark(tsd_t *tsd, extent_t *e, void *p, size_t usable);
/* p is being freed, and label_of(e, p) is `label`, not 0. */
void label_unmark(tsd_t *tsd, extent_t *e, void *p, size_t usable,
                  unsigned label);

/* Called by the owner of p, so no lock is needed. */
static inline unsigned
label_of(const extent_t *e, const void *p)
{
    if (!e->is_slab) {
        return e->label;
    }
    const uint16_t *labels = atomic_load_acq(&e->labels);
    if (likely(labels == NULL)) {
        return 0;
    }
    return atomic_load_rlx(&labels[bin_region(&bin_infos[e->szind], e, p)]);
}

/* The slab goes back: it has no labelled object any more. */
void label_slab_end(extent_t *e);

/* The thread ends. */
void label_thread_end(tsd_t *tsd);

typedef struct label_stats {
    uint64_t nmalloc; /* objects that got the label */
    uint64_t ndalloc;
    uint64_t allocated; /* usable bytes of them */
    uint64_t deallocated;
} label_stats_t;

/* Counters of one thread, or of those that have none of their own. Written by
 * the thread that has taken it, read by everybody. */
typedef struct label_block {
    struct label_block *next;
    uint32_t is_taken;
    label_stats_t *chunks[LABEL_NCHUNKS];
} label_block_t;

void label_stats(unsigned label, label_stats_t *out);

/* What is live of two sums. They are read one after the other, so that what
 * others free meanwhile can make the second one larger: that is none. */
static inline uint64_t
label_live(uint64_t in, uint64_t out)
{
    return in > out ? in - out : 0;
}

/* Objects that went without their label for want of memory. */
uint64_t label_dropped(void);
/* Lock of the names, for its figures. */
os_mutex_t *label_mutex(void);

void label_boot(void);
void label_fork_child(void);

/* label_name.c: after a fork; label.c: make sure that the label can be counted
 * without memory. */
void label_name_fork_child(void);
JE_NODISCARD bool label_reserve(unsigned label);

#endif
