/*
 * The child of a fork: see fork.h.
 */
#include "alloc/fork.h"

#include <pthread.h>

#include "alloc/arena.h"
#include "alloc/background.h"
#include "alloc/ctl.h"
#include "alloc/deferred.h"
#include "alloc/emap.h"
#include "alloc/label.h"
#include "alloc/meta.h"
#include "alloc/percpu.h"
#include "alloc/prof.h"
#include "alloc/prof_signal.h"
#include "alloc/stats.h"
#include "alloc/stats_interval.h"
#include "alloc/tcaches.h"
#include "alloc/tsd.h"
#include "os/brk.h"
#include "os/mutex.h"

static unsigned generation;

static void
fork_child(void)
{
    generation++;
    os_mutex_rank_reset();
    os_brk_fork_child();
    meta_fork_child();
    emap_fork_child();
    arena_fork_child();
    background_fork_child();
    ctl_fork_child();
    stats_fork_child();
    stats_interval_fork_child();
    prof_fork_child();
    label_fork_child();
    deferred_fork_child();
    percpu_fork_child();
    tsd_fork_child();
    tcaches_fork_child();
    prof_signal_fork_child();
}

void
fork_boot_late(void)
{
    (void)pthread_atfork(NULL, NULL, fork_child);
}

unsigned
fork_generation(void)
{
    return generation;
}
