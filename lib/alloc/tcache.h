/*
 * Thread caches: how many objects of each class a thread keeps.
 *
 * A bin starts with few slots and doubles them while it misses or overflows,
 * within its class's limit and the thread's budget (tcache_thread_max). If it
 * wants back what it gave for want of slots, it stretches beyond both, as far
 * as what all threads share of that suffices. Objects of the classes from
 * SC_NCACHED on are so large that each of them, not the slots, is weighed
 * against what the other bins leave of the budget. Fills double from a few
 * objects to the whole stack. Every tcache_gc_incr_bytes of allocation one bin
 * is looked at, and more of them the longer that took: what lay unused since
 * its last turn is mostly given back, and a mostly unused stack halves.
 */
#ifndef JE_ALLOC_TCACHE_H
#define JE_ALLOC_TCACHE_H

#include "alloc/tsd.h"

/* Work out the limits that the options set. */
void tcache_boot(void);
/* Slots of a class by them. */
unsigned tcache_class_slots(unsigned szind);
/* Limit the bin of a class by them. */
void tcache_limit_bin(tcache_bin_t *cold, unsigned szind);
/* Classes that caches serve, as options say: those below this index. */
unsigned tcache_classes(void);
void tcache_init(tsd_t *tsd);
/* Give back everything, objects and slots; the cache is off afterwards. */
void tcache_fini(tsd_t *tsd);
/* Give back all objects; the cache stays on. */
void tcache_flush(tsd_t *tsd);
/* thread.tcache.enabled */
void tcache_set_enabled(tsd_t *tsd, bool on);
/* Serve the classes below n from now on; the cache is emptied. */
void tcache_set_classes(tsd_t *tsd, unsigned n);
/* Objects of a class that it may hold, 0 if it does not serve it; and to set
 * that for the classes of a list of ranges (conf.h), until the cache is
 * switched off: it is emptied. errors: false, not all could be set. */
unsigned tcache_nslots(tsd_t *tsd, unsigned szind);
JE_NODISCARD bool tcache_set_nslots(tsd_t *tsd, const char *list);
/* Slots that a bin may have at most: more than slots_max, unless a list set
 * that. */
unsigned tcache_slots_most(const cache_bin_t *bin, const tcache_bin_t *cold,
                           unsigned cls);
/* The largest sum of slots that the cache may hold. It can borrow what it needs
 * to hold `limit` from what all share, if there is as much, and repays when it
 * holds less. What all have borrowed is the sum of cache_lent_bytes: a forked
 * child sums up anew, over the caches that it keeps. errors: false. */
size_t tcache_budget(const tsd_t *tsd);
JE_NODISCARD bool tcache_borrow(tsd_t *tsd, size_t limit);
void tcache_repay(tsd_t *tsd);
void tcache_lent_restart(void);
void tcache_lent_keep(tsd_t *tsd, bool is_kept);
/* Bins for the classes beyond those that every cache has. errors: false. */
bool tcache_make_more(tsd_t *tsd);

/* Whether a thread never took anything from a small bin: what it freed to there
 * other threads allocated, and they may use what shares cache lines with it.
 * Pops from explicit caches, which are no thread's, are not counted. */
static inline bool
tcache_is_untouched(const tsd_t *tsd, unsigned szind)
{
    return tsd->cold[szind + 1].pops_due == 0 && tsd->tid != 0;
}

/* Whether a small bin has a stack, or can have one now. */
bool tcache_has_slots(tsd_t *tsd, unsigned szind);
/* Pop from such a bin on which cache_bin_pop failed, filling it from `arena` if
 * need be. errors: NULL. */
void *tcache_alloc_small(tsd_t *tsd, arena_t *arena, unsigned szind);
/* Push to a small bin. errors: false, it has no stack. */
bool tcache_free_small(tsd_t *tsd, unsigned szind, void *p);

/* Large objects of a class below tsd->ncached; the pointers are extents'
 * addresses. NULL / false when the cache has none / does not take it. */
void *tcache_alloc_large(tsd_t *tsd, unsigned szind);
/* Fill a bin that has none from dirty pages, if it wants back what it gave, and
 * pop from it. errors: NULL. */
void *tcache_fill_large(tsd_t *tsd, arena_t *arena, unsigned szind);
bool tcache_free_large(tsd_t *tsd, unsigned szind, void *p);

/* The bin is in use: its next pop need not be what lowers the mark. */
void tcache_lower(tsd_t *tsd, unsigned cls);

/* The GC event: look at the next bin. */
void tcache_gc(tsd_t *tsd, uint64_t now_ns);

/* Requests served from a bin since the thread's start. */
uint64_t tcache_nrequests(const tsd_t *tsd, unsigned szind);
/* Call fn for every object in the bin of a small class, of any thread: what its
 * owner changes meanwhile is seen before or after, or missed. */
void tcache_foreach(const tsd_t *tsd, unsigned szind,
                    void (*fn)(void *arg, void *p), void *arg);
/* Bytes of free objects lying in this cache. */
size_t tcache_bytes(const tsd_t *tsd);

/* Walks the own cache; debug builds. */
bool tcache_is_valid(const tsd_t *tsd);

#endif
