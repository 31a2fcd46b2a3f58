/*
 * Free extents of one arena in one state (dirty, muzzy or retained).
 *
 * Best fit by page-size class, the lowest address among equals; besides, all
 * extents hang on one list, oldest first, which is the order of purging.
 * Everything is guarded by the arena's pages lock.
 *
 * Small ones may lie loose: beside all this, for whoever asks for just as many
 * pages, the one that came last first. Its neighbours have not been asked yet
 * whether it merges with them; that is for the page layer to make up for before
 * it does without them, and before it purges.
 *
 * invariants: npages == sum of the pages of all extents; bit i of `occupied` is
 * set exactly when heaps[i] is not empty; an extent of n pages sits in
 * heaps[sz_pind_floor(n)], a loose one in loose[n]; idle <= n.
 */
#ifndef JE_ALLOC_ECACHE_H
#define JE_ALLOC_ECACHE_H

#include "alloc/extent.h"
#include "alloc/sz.h"

enum { ECACHE_LOOSE_PAGES = 8 };

/* Loose extents of one size. */
typedef struct loose {
    list_t newest_first;
    size_t n;
    size_t idle; /* of the oldest: not taken since ecache_settle(c, true) */
} loose_t;

typedef struct ecache {
    uint8_t state; /* extent_state_t of all members */
    size_t npages;
    list_t oldest_first;
    loose_t loose[ECACHE_LOOSE_PAGES + 1]; /* by pages */
    uint64_t occupied[(SZ_NPSIZES + 63) / 64];
    heap_t heaps[SZ_NPSIZES];
    size_t count[SZ_NPSIZES];    /* extents by class, for statistics */
    size_t pages_in[SZ_NPSIZES]; /* pages by class, for statistics */
} ecache_t;

void ecache_init(ecache_t *c, extent_state_t state);
void ecache_insert(ecache_t *c, extent_t *e);
void ecache_remove(ecache_t *c, extent_t *e);

/* n of the same size, at most ECACHE_LOOSE_PAGES, become loose members. */
void ecache_insert_loose(ecache_t *c, extent_t **extents, unsigned n);
/* Up to n of a size are members no more. Returns how many. */
unsigned ecache_remove_loose(ecache_t *c, size_t npages, extent_t **out,
                             unsigned n);
/* A loose one of that size, still a member; NULL. */
extent_t *ecache_loose(ecache_t *c, size_t npages);
/* Take out one that shall lie loose no longer: any, or until there is none only
 * of those that have lain there since it was last so. NULL: no more. */
extent_t *ecache_settle(ecache_t *c, bool only_idle);

/* The best extent of at least `npages`, still a member; at most
 * `npages << lg_max_fit` pages unless lg_max_fit is 64. NULL when none fits. */
extent_t *ecache_best_fit(ecache_t *c, size_t npages, unsigned lg_max_fit);

/* The lowest member of the largest class below class *end, which becomes *end;
 * NULL when there is none. */
extent_t *ecache_below(const ecache_t *c, unsigned *end);

/* Whether there is one that ecache_best_fit() would find by class, or a loose
 * one. Asks without the lock, so it is a guess. */
bool ecache_may_fit(const ecache_t *c, size_t npages);

/* The member that has been there longest, or NULL. */
extent_t *ecache_oldest(ecache_t *c);

/* Walks everything; debug builds. */
bool ecache_is_valid(ecache_t *c);

#endif
