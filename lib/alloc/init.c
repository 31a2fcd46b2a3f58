/*
 * Start-up, in the order in which things may be used.
 *
 * The first half needs nothing but system calls and runs inside the first
 * allocation, which may come from the dynamic loader. The second half calls
 * libc functions that allocate themselves; by then they are served.
 */
#include "alloc/init.h"
#include "alloc/arena_choice.h"
#include "alloc/background.h"
#include "alloc/bin.h"
#include "alloc/conf.h"
#include "alloc/conf_source.h"
#include "alloc/ctl.h"
#include "alloc/decay.h"
#include "alloc/deferred.h"
#include "alloc/emap.h"
#include "alloc/fork.h"
#include "alloc/label.h"
#include "alloc/malloc.h"
#include "alloc/meta.h"
#include "alloc/percpu.h"
#include "alloc/prof.h"
#include "alloc/stats_interval.h"
#include "alloc/sz.h"
#include "alloc/tcache.h"
#include "alloc/tcaches.h"
#include "alloc/tsd.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/mutex.h"
#include "os/pages.h"
#include "os/thread.h"

enum { INIT_NOT_YET, INIT_RUNNING, INIT_DONE, INIT_FAILED };

static uint32_t init_state = INIT_NOT_YET;
static uintptr_t init_thread; /* who is running it */
static uint64_t start_ns;

static bool
init_early(void)
{
    if (!os_pages_boot()) {
        je_warn("built for pages of %zu bytes, which are larger here", OS_PAGE);
        return false;
    }
    start_ns = os_clock_ns();
    conf_boot();
    os_mutex_set_max_spin(conf.mutex_max_spin);
    if (!conf.trust_madvise) {
        os_pages_test_purge();
    }
    sz_boot();
    bin_boot();
    tcache_boot();
    decay_boot();
    meta_boot();
    if (conf.metadata_thp != CONF_METADATA_THP_DISABLED) {
        meta_use_huge(conf.metadata_thp == CONF_METADATA_THP_ALWAYS);
    }
    meta_use_break(conf.dss != CONF_DSS_DISABLED);
    emap_boot();
    percpu_boot();
    pac_default_dirty_ms = conf.dirty_decay_ms;
    pac_default_muzzy_ms = conf.muzzy_decay_ms;
    pac_default_dss = conf.dss;
    arena_choice_boot();
    background_boot();
    prof_boot();
    label_boot();
    deferred_boot();
    stats_interval_boot();
    tsd_boot();
    tcaches_boot();
    ctl_boot();
    return arena_get_or_make(0) != NULL;
}

static void
init_late(void)
{
    tsd_boot_late();
    fork_boot_late();
}

uint64_t
init_start_ns(void)
{
    return start_ns;
}

static bool
init_wait(void)
{
    if (atomic_load_rlx(&init_thread) == os_thread_token()) {
        return false; /* start-up itself must not allocate */
    }
    uint32_t state;
    while ((state = atomic_load_acq(&init_state)) == INIT_RUNNING) {
        os_thread_wait(&init_state, INIT_RUNNING, 1000000);
    }
    return state == INIT_DONE;
}

bool
je_boot(void)
{
    uint32_t state = atomic_load_acq(&init_state);
    if (likely(state == INIT_DONE)) {
        return true;
    }
    uint32_t expected = INIT_NOT_YET;
    if (!atomic_cas_acqrel(&init_state, &expected, (uint32_t)INIT_RUNNING)) {
        return init_wait();
    }
    atomic_store_rlx(&init_thread, os_thread_token());
    bool ok = init_early();
    atomic_store_rlx(&init_thread, 0u);
    /* out of memory now may be better later */
    atomic_store_rel(&init_state, ok ? (uint32_t)INIT_DONE : INIT_NOT_YET);
    os_thread_wake(&init_state);
    if (ok) {
        init_late();
    }
    return ok;
}
