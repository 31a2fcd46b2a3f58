/*
 * Statistics: a snapshot of every counter, and its two printed forms.
 *
 * A snapshot is a copy that belongs to whoever holds it, so that printing needs
 * no lock and the callback that receives the text may allocate and call
 * mallctl. Each lock of an arena is taken once and everything it guards is
 * copied in that one section; figures under different locks can differ by what
 * other threads did in between, and at rest all of them are exact.
 *
 * identities at rest, with page-rounded base:
 *   active - allocated == sum over bins of (curslabs * nregs - curregs) * size
 *                         - slab_gaps
 *   resident - active  == dirty + base
 *   mapped - active    == dirty + muzzy + slab_gaps + base_mapped
 *
 * Memory for snapshots comes from meta_map and is counted as metadata.
 */
#ifndef JE_ALLOC_STATS_H
#define JE_ALLOC_STATS_H

#include "alloc/background.h"
#include "alloc/bin.h"
#include "alloc/sz.h"
#include "alloc/types.h"
#include "os/mutex.h"

/* Receives pieces of text, each terminated by a NUL. */
typedef void stats_write_t(void *opaque, const char *text);

typedef struct stats_mutex {
    uint64_t num_ops;
    uint64_t num_wait;
    uint64_t num_spin_acq;
    uint64_t num_owner_switch;
    uint64_t total_wait_time; /* ns */
    uint64_t max_wait_time;   /* ns */
    uint32_t max_num_thds;
} stats_mutex_t;

/* Locks of an arena by the names that jemalloc's have. This allocator has one
 * lock for all of an arena's pages; its figures stand at extents_dirty. Those
 * of metadata (base) and of the list of threads (tcache_list) belong to no
 * arena and stand in the first one, as metadata itself does. What has no
 * counterpart stays 0. */
#define STATS_ARENA_MUTEXES(X)                                                 \
    X(large)                                                                   \
    X(extent_avail)                                                            \
    X(extents_dirty)                                                           \
    X(extents_muzzy)                                                           \
    X(extents_retained)                                                        \
    X(decay_dirty)                                                             \
    X(decay_muzzy)                                                             \
    X(base)                                                                    \
    X(tcache_list)                                                             \
    X(hpa_shard)                                                               \
    X(hpa_shard_grow)                                                          \
    X(hpa_sec)

/* Those of the tables of samples are added up at prof. */
#define STATS_GLOBAL_MUTEXES(X)                                                \
    X(background_thread)                                                       \
    X(max_per_bg_thd)                                                          \
    X(ctl)                                                                     \
    X(prof)                                                                    \
    X(prof_thds_data)                                                          \
    X(prof_dump)                                                               \
    X(prof_recent_alloc)                                                       \
    X(prof_recent_dump)                                                        \
    X(prof_stats)

#define STATS_MUTEX_INDEX(name) STATS_MUTEX_##name,

enum { STATS_ARENA_MUTEXES(STATS_MUTEX_INDEX) STATS_ARENA_NMUTEXES };

#undef STATS_MUTEX_INDEX
#define STATS_MUTEX_INDEX(name) STATS_GLOBAL_MUTEX_##name,

enum { STATS_GLOBAL_MUTEXES(STATS_MUTEX_INDEX) STATS_GLOBAL_NMUTEXES };

#undef STATS_MUTEX_INDEX

typedef struct stats_bin {
    uint64_t nmalloc; /* regions handed out, to caches as well */
    uint64_t ndalloc;
    uint64_t nrequests; /* asked for by the program */
    size_t curregs;
    uint64_t nfills;
    uint64_t nflushes;
    uint64_t nslabs;
    uint64_t nreslabs;
    size_t curslabs;
    size_t nonfull_slabs;
    stats_mutex_t mutex;
} stats_bin_t;

typedef struct stats_lextent {
    uint64_t nmalloc;
    uint64_t ndalloc;
    uint64_t nrequests;
    size_t curlextents;
} stats_lextent_t;

typedef struct stats_extent {
    size_t ndirty;
    size_t dirty_bytes;
    size_t nmuzzy;
    size_t muzzy_bytes;
    size_t nretained;
    size_t retained_bytes;
} stats_extent_t;

typedef struct stats_sum {
    size_t allocated;
    uint64_t nmalloc;
    uint64_t ndalloc;
    uint64_t nrequests;
    uint64_t nfills;
    uint64_t nflushes;
} stats_sum_t;

typedef struct stats_decay {
    uint64_t npurge;
    uint64_t nmadvise;
    uint64_t purged;
} stats_decay_t;

/* One arena, or all of them added up. */
typedef struct stats_arena {
    bool is_present;
    unsigned nthreads;
    uint64_t uptime_ns;
    const char *dss;
    int64_t dirty_decay_ms; /* -1 in the sum */
    int64_t muzzy_decay_ms;
    size_t pactive;
    size_t pdirty;
    size_t pmuzzy;
    size_t slab_gaps; /* bytes of slabs that were given back: not active */
    stats_decay_t dirty;
    stats_decay_t muzzy;
    stats_sum_t small;
    stats_sum_t large;
    size_t mapped;
    size_t retained;
    size_t base;
    size_t base_mapped;
    size_t internal;
    size_t metadata_thp;
    size_t tcache_bytes;
    size_t tcache_stashed_bytes;
    size_t resident;
    size_t abandoned_vm;
    size_t extent_avail;
    size_t sec_bytes;
    stats_mutex_t mutexes[STATS_ARENA_NMUTEXES];
    stats_bin_t bins[SC_NBINS];
    stats_lextent_t lextents[SZ_NLARGE];
    stats_extent_t extents[SZ_NPSIZES];
} stats_arena_t;

/* Caches of processors, of which thread caches' figures above have their part.
 */
typedef struct stats_percpu {
    size_t caches;
    size_t objects;
    size_t bytes;
} stats_percpu_t;

enum {
    STATS_LG_CHUNK = 4,
    STATS_NCHUNKS = (ARENA_LIMIT >> STATS_LG_CHUNK) + 1
};

typedef struct stats {
    uint32_t refs;
    bool is_complete; /* every figure was read under its lock */
    unsigned narenas; /* indices in use at that time */
    unsigned npresent;
    size_t allocated;
    size_t active;
    size_t metadata;
    size_t metadata_thp;
    size_t resident;
    size_t mapped;
    size_t retained;
    size_t zero_reallocs;
    background_stats_t background;
    stats_percpu_t percpu;
    stats_mutex_t mutexes[STATS_GLOBAL_NMUTEXES];
    stats_arena_t merged;
    stats_arena_t destroyed;     /* counts of arenas that are no more */
    char *chunks[STATS_NCHUNKS]; /* room for 2^STATS_LG_CHUNK arenas each */
} stats_t;

extern const char *const stats_arena_mutex_names[STATS_ARENA_NMUTEXES];
extern const char *const stats_global_mutex_names[STATS_GLOBAL_NMUTEXES];

/* An unfilled snapshot, held once. Takes no lock. errors: NULL, no memory or
 * too many at once. */
stats_t *stats_new(void);
void stats_hold(stats_t *s);
void stats_release(stats_t *s);

/* Copy everything. With `nonblocking` a lock that is taken is not waited for:
 * its figures are read as they are and is_complete says so; this is usable in a
 * signal handler. errors: false, no memory for one of the arenas. */
JE_NODISCARD bool stats_fill(stats_t *s, bool nonblocking);

/* The arena's part of the snapshot, or NULL if it did not exist. */
const stats_arena_t *stats_arena(const stats_t *s, size_t ind);

/* In the child of a fork. */
void stats_fork_child(void);

/* Forget what all locks counted. */
void stats_reset_mutexes(void);

/* An arena is about to end: its counts are kept in a sum. */
void stats_note_destroyed(arena_t *arena);
bool stats_has_destroyed(void);

/* A call of realloc(p, 0). */
void stats_count_zero_realloc(void);

/* malloc_stats_print: text, or JSON if `opts` has a J. The other letters leave
 * a part out: g m d a b l x e h. `write` NULL means file descriptor 2. */
void je_stats_print(stats_write_t *write, void *opaque, const char *opts);

/* The value that jemalloc's JSON has under "jemalloc". Takes no lock but those
 * of stats_fill. *is_complete may be NULL. errors: false, nothing written. */
bool je_stats_emit_json(stats_write_t *write, void *opaque, bool nonblocking,
                        bool *is_complete);

#endif
