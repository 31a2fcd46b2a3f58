/*
 * The set of arenas: creation, lookup, and which thread uses which.
 */
#include "alloc/arena.h"

#include <string.h>

#include "alloc/meta.h"
#include "base/assert.h"
#include "os/clock.h"

arena_t *arenas[ARENA_LIMIT];
unsigned arenas_auto = 1;

static os_mutex_t arenas_mtx;
static unsigned arenas_end = 1;   /* one past the highest index in use */
static unsigned arenas_fixed = 1; /* automatic and reserved */

void
arena_boot(unsigned narenas)
{
    os_mutex_init(&arenas_mtx, OS_RANK_ARENAS);
    arenas_auto = narenas > 0 && narenas <= ARENA_LIMIT ? narenas : 1;
    arenas_end = arenas_fixed = arenas_auto;
}

void
arena_reserve(void)
{
    arenas_fixed += arenas_fixed < ARENA_LIMIT;
    arenas_end = arenas_fixed;
}

unsigned
arena_count(void)
{
    return atomic_load_acq(&arenas_end);
}

static void
arena_init_bins(arena_t *arena)
{
    for (unsigned i = 0; i < SC_NBINS; i++) {
        for (unsigned k = 0; k < bin_shards[i].count; k++) {
            bin_init(arena_bin(arena, i, k), i, k);
        }
    }
}

static arena_t *
arena_make_locked(unsigned ind)
{
    bin_t *shards =
        bin_nmore > 0 ? meta_alloc(bin_nmore * sizeof(bin_t)) : NULL;
    arena_t *arena =
        bin_nmore == 0 || shards != NULL ? meta_alloc(sizeof(*arena)) : NULL;
    if (arena == NULL) {
        return NULL;
    }
    arena->shards = shards;
    arena->ind = ind;
    arena->created_ns = os_clock_ns();
    je_format(arena->name, sizeof(arena->name), "auto_%u", ind);
    pac_init(&arena->pac, (uint16_t)ind, os_clock_coarse_ns());
    arena_init_bins(arena);
    atomic_store_rel(&arenas[ind], arena);
    if (ind >= arenas_end) {
        atomic_store_rel(&arenas_end, ind + 1);
    }
    return arena;
}

arena_t *
arena_get_or_make(unsigned ind)
{
    arena_t *arena = arena_get(ind);
    if (arena != NULL || ind >= arenas_fixed) {
        return arena;
    }
    os_mutex_lock(&arenas_mtx);
    arena = arenas[ind];
    if (arena == NULL) {
        arena = arena_make_locked(ind);
    }
    os_mutex_unlock(&arenas_mtx);
    return arena;
}

pac_t *
arena_heir(void)
{
    arena_t *first = arenas[0];
    return first != NULL && !first->is_quarantined ? &first->pac : NULL;
}

/* Start a destroyed arena again, unless something of it is left somewhere. */
static bool
arena_reuse_locked(arena_t *arena)
{
    pac_t *pac = &arena->pac;
    if (arena->is_quarantined || arena->nthreads != 0) {
        return false;
    }
    arena_purge(arena);
    if (!pac_end(pac, arena_heir())) {
        return false;
    }
    for (unsigned i = 0; i < arena_nbins(); i++) {
        bin_t *bin = arena_nth_bin(arena, i);
        memset(&bin->stats, 0, sizeof(bin->stats));
    }
    memset(arena->large, 0, sizeof(arena->large));
    arena->large_nflushes = 0;
    arena->created_ns = os_clock_ns();
    pac_reuse(pac, os_clock_coarse_ns());
    return true;
}

static arena_t *
arena_create_locked(void)
{
    for (unsigned i = arenas_auto; i < arenas_end; i++) {
        if (arenas[i] != NULL && atomic_load_acq(&arenas[i]->is_ended) &&
            arena_reuse_locked(arenas[i])) {
            return arenas[i];
        }
    }
    arena_t *arena =
        arenas_end < ARENA_LIMIT ? arena_make_locked(arenas_end) : NULL;
    if (arena != NULL) {
        arena->is_created = true;
        arena->pac.lists_large = true;
        for (unsigned i = 0; i < arena_nbins(); i++) {
            arena_nth_bin(arena, i)->lists_full = true;
        }
    }
    return arena;
}

arena_t *
arena_create_with(struct jea_extent_hooks *hooks)
{
    os_mutex_lock(&arenas_mtx);
    arena_t *arena = arena_create_locked();
    if (arena != NULL) {
        pac_set_hooks(&arena->pac, hooks);
        je_format(arena->name, sizeof(arena->name), "manual_%u", arena->ind);
        arena->is_ended = false;
        atomic_store_rel(&arena->is_destroyed, false);
    }
    os_mutex_unlock(&arenas_mtx);
    return arena;
}

/* Index of the automatic arena to use next: a healthy one without threads,
 * else one not made yet, else the one with the fewest threads; arenas_auto when
 * all are quarantined. */
static unsigned
arena_pick_locked(void)
{
    unsigned best = arenas_auto, unmade = arenas_auto;
    for (unsigned i = 0; i < arenas_auto; i++) {
        arena_t *arena = arenas[i];
        if (arena == NULL) {
            unmade = unmade == arenas_auto ? i : unmade;
        } else if (!arena->is_quarantined &&
                   (best == arenas_auto ||
                    atomic_load_rlx(&arena->nthreads) <
                        atomic_load_rlx(&arenas[best]->nthreads))) {
            best = i;
        }
    }
    if (unmade != arenas_auto &&
        (best == arenas_auto || atomic_load_rlx(&arenas[best]->nthreads) > 0)) {
        return unmade;
    }
    return best;
}

arena_t *
arena_bind(void)
{
    os_mutex_lock(&arenas_mtx);
    unsigned ind = arena_pick_locked();
    arena_t *arena = NULL;
    if (ind < arenas_auto) {
        arena = arenas[ind] != NULL ? arenas[ind] : arena_make_locked(ind);
        for (unsigned i = 0; arena == NULL && i < arenas_auto; i++) {
            if (arenas[i] != NULL && !arenas[i]->is_quarantined) {
                arena = arenas[i]; /* out of memory: share one */
            }
        }
    } else if (arenas_end < ARENA_LIMIT) {
        /* a forked child in which every arena is quarantined */
        for (unsigned i = arenas_auto; i < arenas_end && arena == NULL; i++) {
            arena = arenas[i] != NULL && !arenas[i]->is_quarantined ? arenas[i]
                                                                    : NULL;
        }
        arena = arena != NULL ? arena : arena_make_locked(arenas_end);
    }
    if (arena != NULL) {
        atomic_add_rlx(&arena->nthreads, 1u);
    }
    os_mutex_unlock(&arenas_mtx);
    return arena;
}

void
arena_unbind(arena_t *arena)
{
    atomic_sub_rlx(&arena->nthreads, 1u);
}

static bool
arena_has_held_lock(arena_t *arena)
{
    if (os_mutex_is_held(&arena->pac.mtx)) {
        return true;
    }
    for (unsigned i = 0; i < arena_nbins(); i++) {
        if (os_mutex_is_held(&arena_nth_bin(arena, i)->mtx)) {
            return true;
        }
    }
    return false;
}

/* Nobody uses it any more. The locks are free again for a frame that waited
 * for one when it was interrupted by the handler that forked. */
static void
arena_quarantine(arena_t *arena)
{
    arena->is_quarantined = true;
    arena->pac.is_torn = true;
    os_mutex_init(&arena->pac.mtx, OS_RANK_PAGES);
    for (unsigned i = 0; i < arena_nbins(); i++) {
        os_mutex_init(&arena_nth_bin(arena, i)->mtx, OS_RANK_BIN);
    }
}

void
arena_fork_child(void)
{
    os_mutex_init(&arenas_mtx, OS_RANK_ARENAS);
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = arenas[i];
        if (arena == NULL) {
            continue;
        }
        arena->nthreads = 0;
        /* who was purging is gone; the pages on its list stay with it */
        arena->pac.decay_dirty.npurging = 0;
        arena->pac.decay_muzzy.npurging = 0;
        arena->sweep.is_busy = 0;
        for (unsigned b = 0; b < arena_nbins(); b++) {
            arena_nth_bin(arena, b)->nmoving = 0;
        }
        if (arena_has_held_lock(arena)) {
            arena_quarantine(arena);
        }
    }
}
