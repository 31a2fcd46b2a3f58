/*
 * Making, finding and ending per-thread state: see tsd.h.
 */
#include "alloc/tsd.h"

#include <sys/random.h>

#include "alloc/arena_choice.h"
#include "alloc/conf.h"
#include "alloc/label.h"
#include "alloc/meta.h"
#include "alloc/percpu.h"
#include "alloc/prof.h"
#include "alloc/prof_heap.h"
#include "alloc/stats_interval.h"
#include "alloc/tcache.h"
#include "alloc/tcache_count.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/mutex.h"
#include "os/thread.h"

tsd_t tsd_none;
JE_TLS tsd_t *tsd_current = &tsd_none;
JE_TLS cache_bin_t *tsd_hot = tsd_none.bins;
JE_TLS uint8_t tsd_is_gone;
tsd_past_t tsd_past;
bool tsd_has_orphans;

static os_mutex_t tsd_mtx;
static list_t tsd_all;     /* live threads */
static list_t tsd_spare;   /* blocks to use again */
static list_t tsd_orphans; /* after fork: threads of the parent */
static bool tsd_can_arm;

void
tsd_boot(void)
{
    os_mutex_init(&tsd_mtx, OS_RANK_TSD);
    list_init(&tsd_all);
    list_init(&tsd_spare);
    list_init(&tsd_orphans);
}

os_mutex_t *
tsd_list_mutex(void)
{
    return &tsd_mtx;
}

list_t *
tsd_list_lock(void)
{
    os_mutex_lock(&tsd_mtx);
    return &tsd_all;
}

list_t *
tsd_list_trylock(void)
{
    /* a try takes part in no lock order: a signal can come anywhere */
    uint32_t expected = 0;
    return atomic_cas_acq(&tsd_mtx.state, &expected, 1u) ? &tsd_all : NULL;
}

void
tsd_list_unlock(void)
{
    os_mutex_unlock(&tsd_mtx);
}

uint64_t
tsd_random(tsd_t *tsd)
{
    return bits_random(tsd->prng += BITS_RANDOM_STEP);
}

void
tsd_set_hot(tsd_t *tsd)
{
    bool is_off = tsd->is_slow_always || tsd->label != 0 || tsd->is_counted;
    tsd_hot = is_off ? tsd_none.bins : tsd->bins;
}

/* A signal between two of these stores finds a state, or does without. */
void
tsd_set(tsd_t *tsd)
{
    tsd_hot = tsd_none.bins;
    atomic_fence_compiler();
    tsd_current = tsd;
    atomic_fence_compiler();
    tsd_set_hot(tsd);
}

/* ---- end of a thread --------------------------------------------------- */

/* What it allocated since it last told of it. */
static void
tsd_tell(tsd_t *tsd)
{
    prof_heap_count(tsd->progress - tsd->counted);
    tsd->counted = tsd->progress;
    stats_interval_report(tsd);
    if (tsd->is_stats_due) {
        stats_interval_print(tsd);
    }
}

static void
tsd_end(tsd_t *tsd)
{
    tcache_fini(tsd);
    tsd_tell(tsd);
    tsd_bytes_t bytes = tsd_bytes(tsd);
    label_thread_end(tsd);
    arena_unbind(tsd->arena);
    os_mutex_lock(&tsd_mtx);
    list_remove(&tsd->link);
    tsd_past.bytes.allocated += bytes.allocated;
    tsd_past.bytes.deallocated += bytes.deallocated;
    tsd_past.nthreads++;
    list_push_front(&tsd_spare, &tsd->link);
    os_mutex_unlock(&tsd_mtx);
}

/* The pthread key's destructor. Destructors that run later still allocate and
 * free; with no cache there is nothing to clean up after them. */
static void
tsd_exit_hook(void *value)
{
    tsd_t *tsd = value;
    if (tsd == tsd_current) {
        tsd_is_gone = TSD_GONE;
        tsd_end(tsd);
        tsd_set(&tsd_none);
    }
}

/* ---- start of a thread ------------------------------------------------- */

static uint64_t
tsd_seed(const tsd_t *tsd)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed)) {
        seed = os_clock_ns() ^ ((uintptr_t)tsd << 16) ^ os_thread_token();
    }
    return seed;
}

static tsd_t *
tsd_block(void)
{
    os_mutex_lock(&tsd_mtx);
    list_t *l = list_first(&tsd_spare);
    if (l != NULL) {
        list_remove(l);
    }
    os_mutex_unlock(&tsd_mtx);
    if (l != NULL) {
        tsd_t *tsd = list_entry(l, tsd_t, link);
        *tsd = (tsd_t){.more = tsd->more};
        return tsd;
    }
    return meta_alloc(sizeof(tsd_t));
}

tsd_t *
tsd_make(void)
{
    if (tsd_is_gone) {
        return NULL;
    }
    arena_t *arena = arena_bind_here();
    if (arena == NULL) {
        return NULL;
    }
    tsd_t *tsd = tsd_block();
    if (tsd == NULL) {
        arena_unbind(arena);
        return NULL;
    }
    tsd->arena = arena;
    tsd->turn = arena_take_turn(arena);
    tsd->prng = tsd_seed(tsd);
    tsd->tid = (int32_t)os_thread_id();
    tsd->is_slow_always = conf.zero || conf.junk != CONF_JUNK_FALSE;
    tcache_init(tsd);
    tsd->is_percpu = percpu_is_on;
    tsd->is_prof_off = !atomic_load_rlx(&prof_thread_is_active);
    tsd_draw(tsd);
    stats_interval_start(tsd);
    os_mutex_lock(&tsd_mtx);
    list_push_back(&tsd_all, &tsd->link);
    os_mutex_unlock(&tsd_mtx);
    tsd_set(tsd);
    if (tsd_can_arm) {
        (void)os_thread_exit_arm(tsd); /* may allocate: we are ready for it */
    }
    return tsd;
}

void
tsd_boot_late(void)
{
    tsd_can_arm = os_thread_exit_boot(tsd_exit_hook);
    if (tsd_can_arm && tsd_current != &tsd_none) {
        (void)os_thread_exit_arm(tsd_current);
    }
}

bool
tsd_leave_quarantine(tsd_t *tsd)
{
    arena_t *arena = tsd->arena->is_quarantined ? arena_bind() : NULL;
    if (arena != NULL) {
        atomic_store_rel(&tsd->arena, arena);
        tsd->is_arena_chosen = false;
    }
    return arena != NULL;
}

/* ---- fork -------------------------------------------------------------- */

void
tsd_fork_child(void)
{
    bool list_torn = os_mutex_is_held(&tsd_mtx);
    os_mutex_init(&tsd_mtx, OS_RANK_TSD);
    tsd_t *self = tsd_current;
    tcache_lent_restart();
    if (list_torn) {
        list_init(&tsd_spare);
        list_init(&tsd_orphans);
        atomic_store_rlx(&tsd_has_orphans, false);
        if (self != &tsd_none) {
            tcache_lent_keep(self, self->nesting == 0);
        }
    } else {
        for (list_t *l = tsd_orphans.next; l != &tsd_orphans; l = l->next) {
            tcache_lent_keep(list_entry(l, tsd_t, link), true);
        }
        /* threads inside the slow path may have a bin half changed */
        for (list_t *l = tsd_all.next; l != &tsd_all;) {
            tsd_t *tsd = list_entry(l, tsd_t, link);
            l = l->next;
            list_remove(&tsd->link);
            bool is_whole = atomic_load_rlx(&tsd->nesting) == 0;
            tcache_lent_keep(tsd, is_whole);
            if (tsd != self && is_whole) {
                list_push_back(&tsd_orphans, &tsd->link);
                atomic_store_rlx(&tsd_has_orphans, true);
            }
        }
    }
    list_init(&tsd_all);
    if (self == &tsd_none) {
        return;
    }
    if (self->nesting != 0) {
        /* fork in a signal handler that interrupted our slow path: the
         * interrupted frame goes on with the old state, all else anew */
        tsd_set(&tsd_none);
        return;
    }
    list_init(&self->link);
    list_push_back(&tsd_all, &self->link);
    self->tid = (int32_t)os_thread_id();
    if (!tsd_leave_quarantine(self)) {
        atomic_add_rlx(&self->arena->nthreads, 1u);
    }
}

void
tsd_reclaim_orphans(void)
{
    for (;;) {
        os_mutex_lock(&tsd_mtx);
        list_t *l = list_first(&tsd_orphans);
        if (l != NULL) {
            list_remove(l);
        }
        atomic_store_rlx(&tsd_has_orphans, l != NULL);
        os_mutex_unlock(&tsd_mtx);
        if (l == NULL) {
            return;
        }
        tcache_fini(list_entry(l, tsd_t, link));
    }
}
