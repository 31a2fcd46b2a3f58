/*
 * Purging helper threads: see background.h.
 */
#include "alloc/background.h"

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/label.h"
#include "alloc/percpu.h"
#include "alloc/tsd.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/mutex.h"
#include "os/thread.h"

enum { BACKGROUND_MAX = 64 };

/* Shorter sleeps only cost wake-ups; longer ones would oversleep arenas that
 * become dirty while we sleep. */
#define BACKGROUND_MIN_NS UINT64_C(100000000)
#define BACKGROUND_MAX_NS UINT64_C(1000000000)

static struct {
    os_mutex_t mtx;
    bool enabled;
    uint32_t stop; /* futex word, 1 = end */
    unsigned nthreads;
    uint64_t handle[BACKGROUND_MAX];
    uint64_t runs;
    uint64_t slept_ns;
} background;

void
background_boot(void)
{
    os_mutex_init(&background.mtx, OS_RANK_BACKGROUND);
}

os_mutex_t *
background_mutex(void)
{
    return &background.mtx;
}

bool
background_is_enabled(void)
{
    return atomic_load_rlx(&background.enabled);
}

/* One round over the arenas of thread `t`; returns how long to sleep. */
static uint64_t
background_round(unsigned t, unsigned nthreads)
{
    uint64_t now = os_clock_ns();
    uint64_t sleep = BACKGROUND_MAX_NS;
    for (unsigned i = t; i < arena_count(); i += nthreads) {
        arena_t *arena = arena_get(i);
        if (arena == NULL || arena->is_quarantined) {
            continue;
        }
        arena_decay(arena, now);
        uint64_t due = arena_ns_until_decay(arena, now);
        sleep = due < sleep ? due : sleep;
    }
    if (t == 0) {
        percpu_tick(now);
    }
    return sleep < BACKGROUND_MIN_NS ? BACKGROUND_MIN_NS : sleep;
}

static void *
background_run(void *arg)
{
    unsigned t = (unsigned)(uintptr_t)arg;
    while (atomic_load_acq(&background.stop) == 0) {
        unsigned n = atomic_load_rlx(&background.nthreads);
        uint64_t sleep = background_round(t, n > 0 ? n : 1);
        atomic_add_rlx(&background.runs, 1u);
        atomic_add_rlx(&background.slept_ns, sleep);
        os_thread_wait(&background.stop, 0, sleep);
    }
    return NULL;
}

static bool
background_start(void)
{
    unsigned want = (unsigned)conf.max_background_threads;
    want = want < arenas_auto ? want : arenas_auto;
    atomic_store_rlx(&background.nthreads, want);
    unsigned made = 0;
    tsd_t *tsd = tsd_get();
    if (tsd != NULL) {
        tsd->nesting++; /* locks are held: nothing may be printed */
    }
    unsigned label = label_swap(0); /* what libc allocates is nobody's */
    while (made < want &&
           os_thread_start(&background.handle[made], "jealloc_bg",
                           background_run, (void *)(uintptr_t)made)) {
        made++;
    }
    (void)label_swap(label);
    if (tsd != NULL) {
        tsd->nesting--;
    }
    atomic_store_rlx(&background.nthreads, made);
    return made > 0;
}

static void
background_end(void)
{
    atomic_store_rel(&background.stop, 1u);
    os_thread_wake(&background.stop);
    for (unsigned t = 0; t < background.nthreads; t++) {
        os_thread_join(background.handle[t]);
    }
    atomic_store_rlx(&background.nthreads, 0u);
}

/* The lock is held throughout, or one caller would join threads that another
 * is still creating. The helpers never take it, and what libc allocates for a
 * thread takes locks of higher rank only. */
bool
background_set(bool on)
{
    bool ok = true;
    os_mutex_lock(&background.mtx);
    if (on && !background.enabled) {
        atomic_store_rel(&background.stop, 0u);
        atomic_store_rlx(&background.enabled, true);
        ok = background_start();
        atomic_store_rlx(&background.enabled, ok);
    } else if (!on && background.enabled) {
        atomic_store_rlx(&background.enabled, false);
        background_end();
    }
    os_mutex_unlock(&background.mtx);
    return ok;
}

void
background_stats(background_stats_t *out)
{
    out->num_threads =
        background_is_enabled() ? atomic_load_rlx(&background.nthreads) : 0;
    out->num_runs = atomic_load_rlx(&background.runs);
    out->run_interval_ns =
        out->num_runs > 0
            ? atomic_load_rlx(&background.slept_ns) / out->num_runs
            : 0;
}

void
background_fork_child(void)
{
    os_mutex_init(&background.mtx, OS_RANK_BACKGROUND);
    background.enabled = false;
    background.nthreads = 0;
    background.stop = 0;
}
