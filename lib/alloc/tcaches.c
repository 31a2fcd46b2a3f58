/*
 * Explicit thread caches: see tcaches.h.
 */
#include "alloc/tcaches.h"

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/meta.h"
#include "alloc/tcache.h"
#include "base/assert.h"
#include "os/mutex.h"

/* NULL: not in use; &tsd_none: in use, not made yet. */
static tsd_t *caches[TCACHES_MAX];
static unsigned caches_end;
static os_mutex_t caches_mtx;
static list_t caches_spare; /* blocks to use again */

void
tcaches_boot(void)
{
    os_mutex_init(&caches_mtx, OS_RANK_TSD);
    list_init(&caches_spare);
}

os_mutex_t *
tcaches_mutex(void)
{
    return &caches_mtx;
}

bool
tcaches_create(unsigned *id)
{
    unsigned i = 0;
    os_mutex_lock(&caches_mtx);
    while (i < TCACHES_MAX && caches[i] != NULL) {
        i++;
    }
    if (i < TCACHES_MAX) {
        atomic_store_rel(&caches[i], &tsd_none);
        if (i >= caches_end) {
            atomic_store_rel(&caches_end, i + 1);
        }
    }
    os_mutex_unlock(&caches_mtx);
    *id = i;
    return i < TCACHES_MAX;
}

/* Its arena only says where its bytes are counted: one that cannot go away. */
static arena_t *
tcaches_home(void)
{
    tsd_t *self = tsd_get();
    return self != NULL && !self->arena->is_created ? self->arena
                                                    : arena_get_or_make(0);
}

static tsd_t *
tcaches_make(void)
{
    arena_t *home = tcaches_home();
    if (home == NULL) {
        return NULL;
    }
    os_mutex_lock(&caches_mtx);
    list_t *l = list_first(&caches_spare);
    if (l != NULL) {
        list_remove(l);
    }
    os_mutex_unlock(&caches_mtx);
    tsd_t *cache =
        l != NULL ? list_entry(l, tsd_t, link) : meta_alloc(sizeof(*cache));
    if (cache == NULL) {
        return NULL;
    }
    *cache = (tsd_t){.arena = home, .more = cache->more};
    cache->turn = arena_take_turn(home);
    tcache_init(cache);
    cache->is_cache_on = conf.junk == CONF_JUNK_FALSE;
    return cache;
}

tsd_t *
tcaches_enter(unsigned id)
{
    tsd_t *cache = id < TCACHES_MAX ? atomic_load_acq(&caches[id]) : NULL;
    if (unlikely(cache == NULL)) {
        je_fatal("thread cache %u was not created", id);
    }
    if (unlikely(cache == &tsd_none)) {
        cache = tcaches_make();
        if (cache == NULL) {
            return NULL;
        }
        atomic_store_rel(&caches[id], cache);
    }
    atomic_store_rlx(&cache->nesting, cache->nesting + 1);
    atomic_fence_compiler();
    return cache;
}

void
tcaches_leave(tsd_t *cache)
{
    atomic_fence_compiler();
    atomic_store_rlx(&cache->nesting, cache->nesting - 1);
}

tsd_t *
tcaches_peek(unsigned id)
{
    tsd_t *cache = atomic_load_acq(&caches[id]);
    return cache != &tsd_none ? cache : NULL;
}

unsigned
tcaches_end(void)
{
    return atomic_load_acq(&caches_end);
}

bool
tcaches_flush(unsigned id)
{
    if (id >= TCACHES_MAX || atomic_load_acq(&caches[id]) == NULL) {
        return false;
    }
    tsd_t *cache = tcaches_peek(id);
    if (cache != NULL) {
        tcache_flush(cache);
    }
    return true;
}

bool
tcaches_destroy(unsigned id)
{
    if (id >= TCACHES_MAX || atomic_load_acq(&caches[id]) == NULL) {
        return false;
    }
    tsd_t *cache = tcaches_peek(id);
    if (cache != NULL) {
        tcache_fini(cache);
    }
    os_mutex_lock(&caches_mtx);
    atomic_store_rel(&caches[id], NULL);
    if (cache != NULL) {
        list_push_front(&caches_spare, &cache->link);
    }
    os_mutex_unlock(&caches_mtx);
    return true;
}

/* A cache that somebody was changing is left to a frame that may return into
 * it; the id gets a new one, and what lay in the old one stays allocated. */
void
tcaches_fork_child(void)
{
    if (os_mutex_is_held(&caches_mtx)) {
        list_init(&caches_spare);
    }
    os_mutex_init(&caches_mtx, OS_RANK_TSD);
    for (unsigned i = 0; i < caches_end; i++) {
        tsd_t *cache = tcaches_peek(i);
        if (cache == NULL) {
            continue;
        }
        bool is_whole = atomic_load_rlx(&cache->nesting) == 0;
        tcache_lent_keep(cache, is_whole);
        if (!is_whole) {
            atomic_store_rel(&caches[i], &tsd_none);
        }
    }
}
