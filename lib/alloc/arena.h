/*
 * Arenas: bins over one page layer, shared by some of the threads.
 *
 * The arena knows nothing of thread caches: they ask for batches and bring
 * batches back. Arenas live for ever once made and are found by index; one that
 * was destroyed is not found any more, though what caches still hold of it goes
 * back there.
 *
 * A quarantined arena is one whose lock was held by another thread at the
 * moment of a fork; only a child can have them. Nothing is taken from it and
 * what is freed into it is dropped and counted.
 */
#ifndef JE_ALLOC_ARENA_H
#define JE_ALLOC_ARENA_H

#include "alloc/bin.h"
#include "alloc/pac.h"
#include "alloc/sweep.h"
#include "alloc/sz.h"
#include "alloc/types.h"
#include "base/atomic.h"

/* Counters of one large class; updated atomically, so exact at rest. */
typedef struct large_stats {
    uint64_t nmalloc;
    uint64_t ndalloc;
    uint64_t nrequests;
} large_stats_t;

enum { ARENA_NAME_LEN = 32 };

struct arena {
    uint32_t ind;
    uint32_t nthreads; /* bound threads */
    bool is_quarantined;
    bool is_created;        /* by a program, not automatic */
    bool is_destroyed;      /* not found any more */
    bool is_ended;          /* nor in use by who destroys it */
    uint64_t dropped_frees; /* while quarantined */
    uint64_t created_ns;
    uint64_t large_nflushes; /* by thread caches */
    char name[ARENA_NAME_LEN];
    bin_t *shards; /* second and further bins of classes; NULL if none */
    uint32_t next_turn;
    sweep_t sweep;
    pac_t pac;
    large_stats_t large[SZ_NLARGE];
    bin_t bins[SC_NBINS];
};

/* Published once made; indices below arena_count() may still be NULL. */
extern arena_t *arenas[ARENA_LIMIT];
/* Automatic arenas, at least 1; constant after start-up. */
extern unsigned arenas_auto;

static inline arena_t *
arena_get(unsigned ind)
{
    arena_t *arena = ind < ARENA_LIMIT ? atomic_load_acq(&arenas[ind]) : NULL;
    return arena != NULL && !atomic_load_acq(&arena->is_destroyed) ? arena
                                                                   : NULL;
}

static inline arena_t *
arena_of(const extent_t *e)
{
    return atomic_load_rlx(&arenas[e->arena_ind]);
}

/* One of the arena's bins of a class. */
static inline bin_t *
arena_bin(arena_t *arena, unsigned szind, unsigned shard)
{
    return likely(shard == 0)
               ? &arena->bins[szind]
               : &arena->shards[bin_shards[szind].first + shard - 1];
}

/* All of them, the first ones of classes first. */
static inline unsigned
arena_nbins(void)
{
    return SC_NBINS + bin_nmore;
}

static inline bin_t *
arena_nth_bin(arena_t *arena, unsigned i)
{
    return i < SC_NBINS ? &arena->bins[i] : &arena->shards[i - SC_NBINS];
}

/* That of a slab, which is the arena's. */
static inline bin_t *
arena_bin_of(arena_t *arena, const extent_t *slab)
{
    return arena_bin(arena, slab->szind, slab->shard);
}

/* A number for a new cache: which of several bins it is filled from. */
static inline uint8_t
arena_take_turn(arena_t *arena)
{
    return (uint8_t)atomic_add_rlx(&arena->next_turn, 1u);
}

void arena_boot(unsigned narenas);
/* One more index behind the automatic ones, for arena_get_or_make(). */
void arena_reserve(void);
/* Indices in use or reserved for automatic arenas. */
unsigned arena_count(void);
/* The arena with this automatic or reserved index, made if need be. errors:
 * NULL. */
arena_t *arena_get_or_make(unsigned ind);
/* A further arena beyond the automatic ones, which can be reset and destroyed;
 * with pages from these hooks, or from the system if NULL. errors: NULL. */
arena_t *arena_create_with(struct jea_extent_hooks *hooks);

static inline arena_t *
arena_create(void)
{
    return arena_create_with(NULL);
}

/* Discard all objects of an arena that was created, whoever has them. What lies
 * in a thread cache stays until that is flushed. errors: false, it is an
 * automatic one or quarantined. */
JE_NODISCARD bool arena_reset(arena_t *arena);
/* The same, and the arena ends; its index is given to another when nothing of
 * it is left in caches. errors: false, also while threads are bound to it. */
JE_NODISCARD bool arena_destroy(arena_t *arena);
/* Who gets what an arena that ends cannot unmap; NULL: nobody. */
pac_t *arena_heir(void);
/* Give slabs that no bin has back to their arenas' page layers. */
void arena_release_slabs(list_t *surplus);

/* An arena for a new thread: the one with the fewest. Binding counts it.
 * errors: NULL when none can be made and none exists. */
arena_t *arena_bind(void);
void arena_unbind(arena_t *arena);
/* Take the lock of one of its bins. errors: false, it is not taken: the arena
 * is quarantined, as with pac_lock(). */
JE_NODISCARD bool arena_bin_lock(arena_t *arena, bin_t *bin);

/* In the child of a fork: quarantine, and reset locks and thread counts. */
void arena_fork_child(void);

/* Fill a cache: take up to n >= 1 regions of a small class into out[0..];
 * lowest address last. Makes a slab when there is nothing else. `turn` chooses
 * one of several bins. Returns 0 on failure. */
unsigned arena_fill(arena_t *arena, unsigned szind, unsigned turn, void **out,
                    unsigned n);
/* Flush one: return n regions of a small class, whichever arenas they come
 * from. */
void arena_flush(unsigned szind, void **ptrs, unsigned n);
/* One object, past all caches; NULL on failure. Neither fill nor flush. */
void *arena_small_alloc(arena_t *arena, unsigned szind, unsigned turn);
void arena_small_dalloc(unsigned szind, void *p);

/* A large object of a class's size at a multiple of `align`, a power of two or
 * 0. When `zero`, it reads as zero. errors: NULL. */
extent_t *arena_large_alloc(arena_t *arena, size_t usable, size_t align,
                            bool zero);
void arena_large_dalloc(extent_t *e);
/* Fill a cache: up to n objects of a class from what was given back lately.
 * Returns how many. */
unsigned arena_large_fill(arena_t *arena, unsigned szind, void **out,
                          unsigned n);
/* Flush one: return n objects of a class, whichever arenas they come from. */
void arena_large_flush(unsigned szind, void **ptrs, unsigned n);
/* What is special about a large object, or its size, has changed: let the page
 * map say so. */
void arena_large_map(const extent_t *e);
/* A larger one with the pages of another, at the same place within a page; that
 * has none any more and is to be given back. errors: NULL, nothing changed. */
extent_t *arena_large_move(extent_t *from, size_t usable, bool zero);
/* In place, to the size of another large class. errors: false. */
bool arena_large_resize(extent_t *e, size_t usable, bool zero);

/* Give back memory: spare slabs, then purge everything unused, also inside
 * slabs. */
void arena_purge(arena_t *arena);
/* Purge what the schedule says; a tick leaves some of it to the next ones. */
void arena_decay(arena_t *arena, uint64_t now_ns);
void arena_tick(arena_t *arena, uint64_t now_ns);
/* Is some of it to come? UINT64_MAX: not as far as is known. */
uint64_t arena_ns_until_decay(arena_t *arena, uint64_t now_ns);
/* errors: false, no such time. */
bool arena_set_decay_ms(arena_t *arena, pac_which_t which, int64_t ms);
/* Address space ran out for `arena`: unmap whatever no one uses, everywhere,
 * and let it have what cannot be. It may be NULL. Returns whether there was
 * any. */
bool arena_reclaim_address_space(arena_t *arena);

/* Full check of one arena, for debug=full and tests. */
bool arena_is_valid(arena_t *arena);

#endif
