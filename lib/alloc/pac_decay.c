/*
 * Purging: dirty -> muzzy -> retained (or unmapped). See pac.h and decay.h.
 *
 * Extents leave their ecache in the state EXTENT_MOVING under the lock, are
 * purged without it, and enter the next ecache under it again.
 */
#include "alloc/background.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/pac.h"
#include "alloc/pac_internal.h"
#include "base/assert.h"
#include "base/bits.h"
#include "os/brk.h"
#include "os/clock.h"
#include "os/thread.h"

/* Take members of `c`, oldest first, until at most `limit` pages stay, or what
 * lies loose. */
static size_t
pac_stash_locked(ecache_t *c, size_t limit, list_t *out)
{
    size_t npages = 0;
    extent_t *e;
    while (c->npages > limit && (e = ecache_oldest(c)) != NULL) {
        ecache_remove(c, e);
        e->state = EXTENT_MOVING;
        npages += extent_pages(e);
        list_push_back(out, &e->link);
    }
    return npages;
}

/* Where one extent went. */
typedef enum { PURGE_TO_MUZZY, PURGE_TO_RETAINED, PURGE_GONE } purge_dest_t;

/* Unmap one extent that is in no ecache; its page map entries go first, since
 * another thread may be given the addresses at once. errors: false, it is as
 * before: too many mappings to cut one, or a hook that refuses. */
static bool
pac_try_unmap(pac_t *pac, extent_t *e)
{
    if (!pac_lock(pac)) {
        return false;
    }
    emap_clear_ends(e->addr, e->size);
    os_mutex_unlock(&pac->mtx);
    bool ok = pac_sys_unmap(pac, e->addr, e->size, e->is_committed);
    if (!pac_lock(pac)) {
        return ok;
    }
    if (ok) {
        pac_descriptor_put_locked(pac, e);
    } else {
        emap_set_ends(e);
    }
    os_mutex_unlock(&pac->mtx);
    return ok;
}

static void
pac_put(pac_t *pac, ecache_t *c, extent_t *e)
{
    if (pac_lock(pac)) {
        (void)pac_insert_locked(pac, c, e);
        os_mutex_unlock(&pac->mtx);
    }
}

/* The same; what cannot be unmapped is retained. */
static bool
pac_unmap_one(pac_t *pac, extent_t *e)
{
    bool ok = pac_try_unmap(pac, e);
    if (!ok) {
        pac_put(pac, &pac->retained, e);
    }
    return ok;
}

/* Runs without the lock; the extent is nobody else's meanwhile. Hooks are asked
 * in the order in which less and less is given back. */
static purge_dest_t
pac_purge_one(pac_t *pac, extent_t *e, bool lazily)
{
    bool is_hooked = pac_is_hooked(pac);
    if (lazily && pac_sys_purge_lazy(pac, e)) {
        return PURGE_TO_MUZZY;
    }
    if ((is_hooked || !conf.retain) && pac_try_unmap(pac, e)) {
        return PURGE_GONE;
    }
    if (pac_sys_decommit(pac, e)) {
        e->is_committed = false;
        e->is_zeroed = true;
        return PURGE_TO_RETAINED;
    }
    e->is_zeroed = pac_sys_purge_forced(pac, e);
    if (is_hooked && !e->is_zeroed) {
        (void)pac_sys_purge_lazy(pac, e);
    }
    return PURGE_TO_RETAINED;
}

static void
pac_purge_list(pac_t *pac, list_t *stash, decay_t *d, bool lazily)
{
    uint64_t nmadvise = 0;
    for (list_t *l; (l = list_first(stash)) != NULL;) {
        list_remove(l);
        extent_t *e = list_entry(l, extent_t, link);
        purge_dest_t dest = pac_purge_one(pac, e, lazily);
        nmadvise++;
        if (dest != PURGE_GONE) {
            pac_put(pac, dest == PURGE_TO_MUZZY ? &pac->muzzy : &pac->retained,
                    e);
        }
    }
    if (!pac_lock(pac)) {
        return;
    }
    d->nmadvise += nmadvise;
    os_mutex_unlock(&pac->mtx);
}

/* The child of a fork by a hook has forgotten who purged. */
static void
pac_purge_ends_locked(decay_t *d)
{
    d->npurging -= d->npurging > 0;
}

/* Never where pages are to stay for ever, and with helper threads there is no
 * hurry. */
bool
pac_take_oversize_locked(pac_t *pac, extent_t *e)
{
    decay_t *d = &pac->decay_dirty;
    if (likely(e->size < pac->oversize_threshold) || d->time_ms < 0 ||
        pac->decay_muzzy.time_ms < 0 || pac->is_torn ||
        background_is_enabled()) {
        return false;
    }
    ecache_remove(&pac->dirty, e);
    e->state = EXTENT_MOVING;
    d->npurging++;
    d->npurge++;
    d->purged += extent_pages(e);
    return true;
}

void
pac_purge_taken(pac_t *pac, extent_t *e)
{
    list_t one;
    list_init(&one);
    list_push_back(&one, &e->link);
    pac_purge_list(pac, &one, &pac->decay_dirty, false);
    if (pac_lock(pac)) {
        pac_purge_ends_locked(&pac->decay_dirty);
        os_mutex_unlock(&pac->mtx);
    }
}

/* How many pages a round leaves. */
typedef enum {
    LIMIT_SCHEDULE, /* what the decay curve says */
    LIMIT_NONE,     /* nothing stays, and nothing becomes muzzy */
    LIMIT_NEW_TIME, /* nothing stays */
    LIMIT_COUNT,    /* all but `count` */
} limit_kind_t;

typedef struct limit {
    limit_kind_t kind;
    uint64_t now_ns; /* for the schedule */
    size_t count;
} limit_t;

static size_t
pac_limit_locked(const ecache_t *c, decay_t *d, limit_t limit)
{
    switch (limit.kind) {
    case LIMIT_SCHEDULE:
        return decay_limit(d, limit.now_ns, c->npages);
    case LIMIT_COUNT:
        return c->npages > limit.count ? c->npages - limit.count : 0;
    case LIMIT_NONE:
    case LIMIT_NEW_TIME:
        break;
    }
    return 0;
}

/* Should dirty pages become muzzy? What is freed while dirty pages do not stay
 * is returned for good. */
static bool
pac_purges_lazily_locked(const pac_t *pac, limit_kind_t kind)
{
    bool is_wanted = kind == LIMIT_NEW_TIME ||
                     (kind == LIMIT_SCHEDULE && pac->decay_dirty.time_ms != 0);
    return is_wanted && pac->decay_muzzy.time_ms != 0;
}

/* One state: how much may stay, stash the rest, purge it. */
static void
pac_decay_one(pac_t *pac, ecache_t *c, decay_t *d, limit_t limit)
{
    list_t stash;
    list_init(&stash);
    if (!pac_lock(pac)) {
        return;
    }
    if (d->npurging > 0 && limit.kind != LIMIT_NONE &&
        limit.kind != LIMIT_NEW_TIME) {
        os_mutex_unlock(&pac->mtx);
        return;
    }
    if (c == &pac->dirty) {
        bool is_fresh =
            limit.kind == LIMIT_SCHEDULE && !decay_is_long_ago(d, limit.now_ns);
        (void)pac_settle_locked(pac, is_fresh);
    }
    size_t npages = pac_stash_locked(c, pac_limit_locked(c, d, limit), &stash);
    bool lazily = c == &pac->dirty && pac_purges_lazily_locked(pac, limit.kind);
    if (npages > 0) {
        d->npurging++;
        d->npurge++;
        d->purged += npages;
    }
    os_mutex_unlock(&pac->mtx);
    if (npages > 0) {
        pac_purge_list(pac, &stash, d, lazily);
        if (pac_lock(pac)) {
            pac_purge_ends_locked(d);
            os_mutex_unlock(&pac->mtx);
        }
    }
}

void
pac_decay(pac_t *pac, uint64_t now_ns)
{
    decay_t *dirty = &pac->decay_dirty;
    decay_t *muzzy = &pac->decay_muzzy;
    limit_t limit = {.kind = LIMIT_SCHEDULE, .now_ns = now_ns};
    if (decay_is_due(dirty, now_ns) ||
        (atomic_load_rlx(&dirty->time_ms) == 0 &&
         atomic_load_rlx(&pac->dirty.npages) != 0)) {
        pac_decay_one(pac, &pac->dirty, dirty, limit);
    }
    if (atomic_load_rlx(&muzzy->time_ms) == 0 || decay_is_due(muzzy, now_ns)) {
        if (atomic_load_rlx(&pac->muzzy.npages) != 0) {
            pac_decay_one(pac, &pac->muzzy, muzzy, limit);
        }
    }
}

void
pac_purge_all(pac_t *pac)
{
    limit_t limit = {.kind = LIMIT_NONE};
    pac_decay_one(pac, &pac->dirty, &pac->decay_dirty, limit);
    pac_decay_one(pac, &pac->muzzy, &pac->decay_muzzy, limit);
}

void
pac_purge_oldest(pac_t *pac, size_t npages)
{
    limit_t limit = {.kind = LIMIT_COUNT, .count = npages};
    if (atomic_load_rlx(&pac->decay_dirty.time_ms) < 0) {
        return;
    }
    pac_decay_one(pac, &pac->dirty, &pac->decay_dirty, limit);
}

/* ---- pages inside slabs ------------------------------------------------ */

bool
pac_gaps_begin(pac_t *pac)
{
    if (!pac_lock(pac)) {
        return false;
    }
    bool ok = !pac->is_abandoned;
    pac->decay_dirty.npurging += ok; /* pac_end() waits */
    os_mutex_unlock(&pac->mtx);
    return ok;
}

/* One call for each run of pages, so that hooks are not asked for others. */
uint32_t
pac_gaps_make(pac_t *pac, extent_t *slab, uint32_t pages, uint64_t *ncalls)
{
    uint32_t done = 0;
    while (pages != 0) {
        unsigned first = bits_ctz(pages);
        unsigned n = bits_ctz(~((uint64_t)pages >> first));
        uint32_t run = (uint32_t)(((UINT64_C(1) << n) - 1) << first);
        if (pac_sys_purge_part(pac, slab, (size_t)first << OS_LG_PAGE,
                               (size_t)n << OS_LG_PAGE)) {
            done |= run;
        } else {
            atomic_store_rlx(&pac->refuses_gaps, true);
        }
        (*ncalls)++;
        pages &= ~run;
    }
    return done;
}

void
pac_gaps_end(pac_t *pac, size_t npages, uint64_t ncalls)
{
    decay_t *d = &pac->decay_dirty;
    if (!pac_lock(pac)) {
        return;
    }
    atomic_bump_rlx(&pac->nactive, -npages);
    pac->ngaps += npages;
    d->npurge += npages > 0;
    d->nmadvise += ncalls;
    d->purged += npages;
    pac_purge_ends_locked(d);
    os_mutex_unlock(&pac->mtx);
}

void
pac_gaps_opened(pac_t *pac, size_t npages)
{
    if (pac_lock(pac)) {
        atomic_bump_rlx(&pac->nactive, npages);
        pac->ngaps -= npages;
        os_mutex_unlock(&pac->mtx);
    }
}

/* Wait until nobody is between two ecaches with extents of ours. */
static bool
pac_wait_for_purges(pac_t *pac)
{
    static uint32_t never;
    for (;;) {
        if (!pac_lock(pac)) {
            return false;
        }
        if (pac->decay_dirty.npurging + pac->decay_muzzy.npurging == 0) {
            return true;
        }
        os_mutex_unlock(&pac->mtx);
        os_thread_wait(&never, 0, 1000000);
    }
}

bool
pac_end(pac_t *pac, pac_t *heir)
{
    list_t stash;
    list_init(&stash);
    if (!pac_wait_for_purges(pac)) {
        return false;
    }
    (void)pac_stash_locked(&pac->retained, 0, &stash);
    os_mutex_unlock(&pac->mtx);
    for (list_t *l; (l = list_first(&stash)) != NULL;) {
        list_remove(l);
        extent_t *e = list_entry(l, extent_t, link);
        if (!pac_is_hooked(pac)) {
            if (os_brk_contains(e->addr)) {
                (void)pac_break_hand_over(pac, e, heir);
            } else {
                (void)pac_unmap_one(pac, e);
            }
            continue;
        }
        if (pac_lock(pac)) {
            emap_clear_ends(e->addr, e->size);
            os_mutex_unlock(&pac->mtx);
        }
        pac_sys_destroy(pac, e);
        if (pac_lock(pac)) {
            pac_descriptor_put_locked(pac, e);
            os_mutex_unlock(&pac->mtx);
        }
    }
    if (!pac_lock(pac)) {
        return false;
    }
    pac->is_abandoned |= pac->hooks != NULL && pac->nactive > 0;
    pac->hooks = NULL;
    bool is_empty = pac->nactive == 0 && pac->retained.npages == 0;
    os_mutex_unlock(&pac->mtx);
    return is_empty;
}

size_t
pac_unmap_retained(pac_t *pac, pac_t *heir)
{
    list_t stash;
    list_init(&stash);
    if (!pac_lock(pac)) {
        return 0;
    }
    (void)pac_stash_locked(&pac->retained, 0, &stash);
    pac->grow_size = OS_HUGE;
    os_mutex_unlock(&pac->mtx);
    size_t bytes = 0;
    for (list_t *l; (l = list_first(&stash)) != NULL;) {
        list_remove(l);
        extent_t *e = list_entry(l, extent_t, link);
        size_t size = e->size;
        bool is_gone = os_brk_contains(e->addr) && !pac_is_hooked(pac)
                           ? pac_break_hand_over(pac, e, heir)
                           : pac_unmap_one(pac, e);
        bytes += is_gone ? size : 0;
    }
    return bytes;
}

int64_t
pac_decay_ms(pac_t *pac, pac_which_t which)
{
    os_mutex_lock(&pac->mtx);
    int64_t ms = which == PAC_DIRTY ? pac->decay_dirty.time_ms
                                    : pac->decay_muzzy.time_ms;
    os_mutex_unlock(&pac->mtx);
    return ms;
}

bool
pac_set_decay_ms(pac_t *pac, pac_which_t which, int64_t ms)
{
    if (ms < -1 || ms > DECAY_MS_MAX) {
        return false;
    }
    decay_t *d = which == PAC_DIRTY ? &pac->decay_dirty : &pac->decay_muzzy;
    ecache_t *c = which == PAC_DIRTY ? &pac->dirty : &pac->muzzy;
    os_mutex_lock(&pac->mtx);
    decay_set_time(d, ms, os_clock_coarse_ns());
    os_mutex_unlock(&pac->mtx);
    if (ms >= 0) {
        pac_decay_one(pac, c, d, (limit_t){.kind = LIMIT_NEW_TIME});
    }
    return true;
}

uint64_t
pac_ns_until_decay(pac_t *pac, uint64_t now_ns)
{
    os_mutex_lock(&pac->mtx);
    uint64_t a =
        decay_ns_until_due(&pac->decay_dirty, now_ns, pac->dirty.npages);
    uint64_t b =
        decay_ns_until_due(&pac->decay_muzzy, now_ns, pac->muzzy.npages);
    os_mutex_unlock(&pac->mtx);
    return a < b ? a : b;
}
