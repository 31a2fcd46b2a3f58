/*
 * Sampling: which allocations are sampled, and the table of live samples.
 *
 * Every byte handed out is chosen with probability 1/R, so an object of usable
 * size x is sampled with p = 1 - e^(-x/R), whichever its size class. The object
 * itself stays where it would have been; the caller marks it (special.h) so
 * that its free finds its way back here.
 *
 * No function here calls malloc or takes a lock of lower rank than
 * OS_RANK_PROF; all of them may be called with no allocator lock held.
 */
#ifndef JE_ALLOC_PROF_H
#define JE_ALLOC_PROF_H

#include "alloc/extent.h"
#include "alloc/tsd.h"

/* Before the first thread state is made. */
void prof_boot(void);

/* prof.active and prof.thread_active_init: while the first is false nothing is
 * sampled, and new threads sample if the second is true. Always true while the
 * option `prof` is off. */
extern bool prof_is_active, prof_thread_is_active;

enum { PROF_LG_RATE_MAX = 48 };

/* The mean distance that lg_prof_sample stands for. */
uint64_t prof_rate_of_lg(uint64_t lg);
/* Forget all samples; later ones are drawn at `rate`. */
void prof_reset(uint64_t rate);
/* When libc is up (constructor of the library): prepares stack walks, so that
 * none ever has to. May allocate. Further calls do nothing. */
void prof_boot_late(void);

/* Bytes to the next one to sample, 1 = the next one, and the mean distance that
 * they were drawn with; 0: sampling is off. */
uint64_t prof_draw(tsd_t *tsd, uint64_t *rate);

/* Record that p was just handed out, with its stack. tsd->is_sampling is set by
 * this function while it works. Returns whether a record was made; if not, the
 * drop has been counted and the object must not be marked. */
bool prof_sample_alloc(tsd_t *tsd, const extent_t *e, void *p, size_t requested,
                       size_t usable);
/* The object p, for which prof_sample_alloc returned true, is being freed. */
void prof_sample_free(void *p);

/* With the option prof_sys_thread_name: give the calling thread the name that
 * the system has for it. */
void prof_fetch_thread_name(tsd_t *tsd);

/* In the child of a fork. */
void prof_fork_child(void);

typedef struct prof_stats {
    uint64_t interval;      /* mean bytes between samples now, 0 = off */
    uint64_t samples_taken; /* recorded ones */
    uint64_t dropped_memory;
    uint64_t dropped_recursion; /* in the profiler itself, or in a signal */
    uint64_t no_stack;          /* recorded, but with an empty stack */
    bool is_complete;           /* no fork tore the tables */
} prof_stats_t;

void prof_stats(prof_stats_t *out);

#endif
