/*
 * Per-thread state.
 *
 * Static TLS holds two pointers and one byte, so that the library can be opened
 * late. The pointer starts at a shared, never-written block in which every
 * cache bin is switched off: the hot path needs no test for "no state yet", its
 * ordinary branch leads to the slow path, which makes the state.
 *
 * After the thread's exit hook the pointer is back at that block and the byte
 * says so: what later destructors allocate and free goes to the arenas
 * directly.
 *
 * Only the owner writes; statistics read other threads' counters as they are.
 */
#ifndef JE_ALLOC_TSD_H
#define JE_ALLOC_TSD_H

#include "alloc/cache_bin.h"
#include "alloc/types.h"
#include "base/list.h"
#include "os/mutex.h"

/* The rarely used part of a cache bin. */
typedef struct tcache_bin {
    void **base;             /* slots, NULL when switched off */
    uint16_t lg_slots : 4;   /* of the memory at base */
    uint16_t slots_max : 12; /* limit of its class; 0: always off */
    uint16_t fill : 12;      /* objects to ask for at the next miss */
    uint16_t is_listed : 1;  /* an option or the thread said slots_max */
    uint16_t is_given : 1;   /* objects were given back for want of slots, */
    uint16_t is_missed : 1;  /* and then had to be fetched */
    uint16_t is_asked : 1;   /* in vain, since trimming last looked */
    uint8_t looks;           /* at it by trimming, without an end */
    uint32_t pops_given;     /* low bits of pops, at the last flush */
    uint32_t turn;           /* odd while pops_due and left change */
    uint32_t until_step;     /* as until_sample, to tell tsd->progress */
    uint64_t pops_due;       /* pops ever, when none will be left */
    uint64_t pops_before;    /* these two changed last */
    int64_t net;             /* objects from arenas less those to arenas */
    uint64_t pops_seen;      /* pops when trimming last looked */
    uint64_t until_sample;   /* pops after those, to a sample; 0: to draw */
    uint64_t sample_rate;    /* in force when that was drawn */
} tcache_bin_t;

enum {
    TSD_NAME_MAX = 16,
    SC_NCACHED_MORE = SC_NCACHED_MAX - SC_NCACHED,
};

/* Bins of the large classes that only tcache_max asks for. A cache gets them
 * with the first object for one of them, and its block keeps them.
 *
 * invariant: bytes == sum of objects * size over the bins */
typedef struct tcache_more {
    size_t bytes;
    cache_bin_t bins[SC_NCACHED_MORE];
    tcache_bin_t cold[SC_NCACHED_MORE];
} tcache_more_t;

/* Usable bytes that were handed out, and taken back. */
typedef struct tsd_bytes {
    uint64_t allocated;
    uint64_t deallocated;
} tsd_bytes_t;

struct tsd {
    /* hot */
    cache_bin_t bins[SC_NCACHED + 1]; /* by map class; [0] is always off */

    /* cold */
    tsd_bytes_t past;     /* by bins up to when they were last emptied */
    tsd_bytes_t direct;   /* not by bins, ever */
    tsd_bytes_t live;     /* see is_counted */
    int64_t from_arenas;  /* bytes by bins, less those given back there */
    uint64_t filled;      /* bytes that bins got from there */
    uint64_t next_look;   /* at the peak: `filled` and `direct` by then */
    uint64_t progress;    /* bytes allocated, of which the bins have told */
    uint64_t next_sample; /* direct.allocated at which an object is sampled */
    uint64_t next_gc;     /* progress at which the cache is trimmed */
    uint64_t last_gc_ns;  /* when it was; 0: never */
    uint64_t next_stats;  /* progress to report to stats_interval.h */
    arena_t *arena;
    uint64_t prng;
    size_t cache_limit_bytes; /* sum of slots * size over the bins */
    size_t cache_lent_bytes;  /* of these, from what all threads share */
    uint64_t open[2];         /* by map class: its bin has a stack */
    uint32_t gc_bin;          /* that trimming looked at last */
    uint32_t nesting;         /* > 0 while in the slow path; see alloc/fork.h */
    int64_t peak;       /* highest allocated - deallocated - peak_base seen */
    uint64_t peak_base; /* allocated - deallocated when it was reset */
    int32_t tid;
    bool is_sampling; /* inside the profiler: do not sample */
    bool is_cache_on;
    bool is_prof_off;           /* thread.prof.active is false */
    bool is_stats_due;          /* statistics are to be printed */
    bool is_slow_always;        /* zero, junk: nothing may take the fast path */
    bool is_counted;            /* `live` is read where it is: keep it */
    bool is_arena_chosen;       /* by thread.arena: it has all its objects */
    bool is_percpu;             /* small ones are its processor's; percpu.h */
    uint8_t ncached;            /* the cache serves the classes below */
    uint8_t turn;               /* which of several bins to fill from */
    uint8_t slow_frees;         /* small ones, to tell time by */
    uint8_t ticks;              /* of its arena's, to tell another's by */
    uint16_t decay_next;        /* arena to look after besides its own */
    uint16_t label;             /* of what it allocates, 0 = none */
    struct label_block *labels; /* its counters, or NULL */
    struct label_stats *label_stats; /* of `label` in there; NULL: look */
    uint64_t sample_rate;    /* in force when the next sample was drawn */
    uint64_t hit_rate;       /* that of the sample being taken */
    uint64_t counted;        /* of `progress`, by prof_heap_count() */
    char name[TSD_NAME_MAX]; /* thread.prof.name, or empty */
    list_t link;             /* all threads, under tsd_list_lock */
    tcache_more_t *more;     /* or NULL */
    tcache_bin_t cold[SC_NCACHED + 1];
} JE_CACHE_ALIGNED;

/* The bin of a map class; NULL: the cache has none. */
static inline cache_bin_t *
tsd_bin(tsd_t *tsd, unsigned cls)
{
    if (likely(cls <= SC_NCACHED)) {
        return &tsd->bins[cls];
    }
    tcache_more_t *more = atomic_load_acq(&tsd->more);
    return more != NULL && cls <= SC_NCACHED_MAX
               ? &more->bins[cls - SC_NCACHED - 1]
               : NULL;
}

/* The rest of the same bin, which exists. */
static inline tcache_bin_t *
tsd_bin_cold(tsd_t *tsd, unsigned cls)
{
    return likely(cls <= SC_NCACHED) ? &tsd->cold[cls]
                                     : &tsd->more->cold[cls - SC_NCACHED - 1];
}

extern JE_TLS tsd_t *tsd_current;
/* Its bins, or bins that are all switched off: then the hot path does nothing.
 */
extern JE_TLS cache_bin_t *tsd_hot;

/* Why there is no state, if there is none: it will not be made. */
enum {
    TSD_GONE = 1 /* the exit hook has run */,
    TSD_IN_HOOK /* of an arena */
};

extern JE_TLS uint8_t tsd_is_gone;
extern tsd_t tsd_none;

void tsd_boot(void);
/* After start-up: hooks that may allocate. */
void tsd_boot_late(void);

JE_NOINLINE tsd_t *tsd_make(void);

/* This thread's state, made if need be; NULL when it is gone already or memory
 * is out: go without a cache. */
static inline tsd_t *
tsd_get(void)
{
    tsd_t *tsd = tsd_current;
    return likely(tsd != &tsd_none) ? tsd : tsd_make();
}

/* Work with this state from now on; tsd_none: without. */
void tsd_set(tsd_t *tsd);
/* This thread's label, or what else keeps it from the hot path, has changed. */
void tsd_set_hot(tsd_t *tsd);

/* Uniform 64 bits from this thread's own stream. */
uint64_t tsd_random(tsd_t *tsd);

/* Walk all threads' states: lock, then follow the list from the head. */
list_t *tsd_list_lock(void);
/* For signal handlers: NULL instead of waiting. */
list_t *tsd_list_trylock(void);
void tsd_list_unlock(void);
/* The lock itself, for its figures. */
os_mutex_t *tsd_list_mutex(void);

/* Counters of threads that are gone. */
typedef struct tsd_past {
    tsd_bytes_t bytes;
    uint64_t nthreads;
} tsd_past_t;

extern tsd_past_t tsd_past;

/* In the child of a fork. */
void tsd_fork_child(void);
/* Bind the thread to another arena if its own is quarantined. Returns whether
 * that was done. */
bool tsd_leave_quarantine(tsd_t *tsd);
/* Flush the caches of threads that the fork left behind, if any. */
void tsd_reclaim_orphans(void);
extern bool tsd_has_orphans;

#endif
