/*
 * Choosing and recording samples: see prof.h. Stacks come from prof_bt.c or
 * from the program (prof_hook.h), the tables are prof_table.c.
 */
#include "alloc/prof.h"

#include <string.h>

#include "alloc/bin.h"
#include "alloc/conf.h"
#include "alloc/prof_bt.h"
#include "alloc/prof_dump.h"
#include "alloc/prof_heap.h"
#include "alloc/prof_hook.h"
#include "alloc/prof_ln.h"
#include "alloc/prof_log.h"
#include "alloc/prof_recent.h"
#include "alloc/prof_table.h"
#include "alloc/prof_trace.h"
#include "alloc/sz.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/thread.h"

static struct {
    uint64_t taken;
    uint64_t dropped_memory;
    uint64_t dropped_recursion;
    uint64_t no_stack;
    bool is_torn;
    bool is_late; /* prof_boot_late has run */
} prof;

bool prof_is_active = true, prof_thread_is_active = true;

uint64_t
prof_rate_of_lg(uint64_t lg)
{
    return UINT64_C(1) << (lg < PROF_LG_RATE_MAX ? lg : PROF_LG_RATE_MAX);
}

void
prof_boot(void)
{
    prof_table_boot();
    prof_recent_boot();
    conf.prof |= conf.prof_leak;
    if (conf.prof) {
        conf.sample = prof_rate_of_lg(conf.lg_prof_sample);
        prof_is_active = conf.prof_active;
        prof_thread_is_active = conf.prof_thread_active_init;
    }
    prof_heap_boot();
    prof_log_boot();
}

void
prof_reset(uint64_t rate)
{
    atomic_store_rlx(&conf.sample, rate);
    prof_table_reset();
    prof_recent_reset();
}

void
prof_boot_late(void)
{
    if (!je_config_prof || conf.sample == 0 || prof.is_late) {
        return;
    }
    prof.is_late = true;
    tsd_t *tsd = tsd_get();
    if (tsd == NULL) {
        return;
    }
    bool was_sampling = tsd->is_sampling;
    tsd->is_sampling = true;
    prof_bt_boot_late();
    tsd->is_sampling = was_sampling;
}

/* The distance is exponential with mean R, rounded up to whole bytes: then an
 * object of x bytes is hit with exactly 1 - e^(-x/R), and where the last one
 * was does not matter. */
uint64_t
prof_draw(tsd_t *tsd, uint64_t *rate_out)
{
    uint64_t rate = je_config_prof ? atomic_load_rlx(&conf.sample) : 0;
    *rate_out = rate;
    if (rate == 0) {
        return 0;
    }
    double u = (double)((tsd_random(tsd) >> 11) + 1) * 0x1p-53; /* (0, 1] */
    double distance = -prof_ln(u) * (double)rate;
    uint64_t whole = (uint64_t)distance;
    return JE_MAX(whole + ((double)whole < distance), 1);
}

/* ---- recording --------------------------------------------------------- */

static void
prof_locate(prof_sample_t *sample, const extent_t *e, const void *p)
{
    sample->slab = 0;
    sample->slot = PROF_NO_SLOT;
    if (e->is_slab) {
        sample->slab = e->addr;
        sample->slot = (uint16_t)bin_region(&bin_infos[e->szind], e, p);
    }
}

/* When a sample is taken. */
static uint64_t
prof_now(void)
{
    bool by_ticks =
        conf.prof && conf.prof_time_resolution == CONF_PROF_TIME_DEFAULT;
    return by_ticks ? os_clock_coarse_ns() : os_clock_ns();
}

/* A name may be of any bytes; a profile has lines. */
void
prof_fetch_thread_name(tsd_t *tsd)
{
    _Static_assert((int)TSD_NAME_MAX >= (int)OS_THREAD_NAME_MAX,
                   "it is not cut");
    if (likely(!conf.prof_sys_thread_name)) {
        return;
    }
    os_thread_name(tsd->name);
    for (char *c = tsd->name; *c != '\0'; c++) {
        *c = *c < ' ' || *c > '~' ? '?' : *c;
    }
}

static prof_moment_t
prof_moment(const tsd_t *tsd, const prof_stack_t *stack, uint64_t time_ns)
{
    prof_moment_t m = {.time_ns = time_ns, .stack = stack, .tid = tsd->tid};
    memcpy(m.name, tsd->name, sizeof(m.name));
    return m;
}

static JE_NOINLINE prof_stack_t *
prof_walk(const cfi_regs_t *start, uint64_t salt)
{
    uintptr_t frames[PROF_STACK_MAX];
    cfi_trail_t trail;
    prof_trace_t *trace = prof_trace_begin(start, salt, &trail);
    unsigned depth = prof_bt_walk(start, frames, PROF_STACK_MAX,
                                  trace != NULL ? &trail : NULL);
    prof_stack_t *stack = prof_stack_get(frames, depth);
    if (trace != NULL) {
        prof_trace_end(trace, start, &trail, stack);
    }
    return stack;
}

static JE_NOINLINE bool
prof_walk_finds(const cfi_regs_t *start, const prof_stack_t *stack)
{
    uintptr_t frames[PROF_STACK_MAX];
    unsigned depth = prof_bt_walk(start, frames, PROF_STACK_MAX, NULL);
    return prof_stack_get(frames, depth) == stack;
}

static JE_NOINLINE prof_stack_t *
prof_hooked_stack(void)
{
    uintptr_t frames[PROF_STACK_MAX];
    unsigned depth;
    return prof_hook_capture(frames, PROF_STACK_MAX, &depth)
               ? prof_stack_get(frames, depth)
               : NULL;
}

/* The stack that this function is called on, for something of some size class.
 * errors: NULL, no memory. */
static JE_NOINLINE prof_stack_t *
prof_stack_here(unsigned szind)
{
    prof_stack_t *stack = NULL;
    if (unlikely(prof_hook_is_set()) && (stack = prof_hooked_stack()) != NULL) {
        return stack;
    }
    cfi_regs_t start;
    prof_bt_here(&start);
    stack = prof_trace_find(&start, szind);
    if (unlikely(stack == NULL)) {
        return prof_walk(&start, szind);
    }
    je_assert(je_config_debug < 2 || prof_walk_finds(&start, stack));
    return stack;
}

/* Whether anything but the tables hears of samples. */
static bool
prof_is_told(void)
{
    return prof_recent_max() != 0 || atomic_load_rlx(&prof_log_is_on);
}

static bool
prof_record(tsd_t *tsd, const extent_t *e, void *p, size_t requested,
            size_t usable)
{
    prof_fetch_thread_name(tsd);
    /* a sample without a stack still counts: without it sums would be short */
    prof_stack_t *stack = prof_stack_here(e->szind);
    if (unlikely(stack != NULL && stack->depth == 0)) {
        atomic_add_rlx(&prof.no_stack, 1u);
    }
    prof_sample_t sample = {
        .addr = (uintptr_t)p,
        .requested = requested,
        .time_ns = prof_now(),
        .site = prof_site_get(stack, usable, tsd->hit_rate),
        .tid = tsd->tid,
        .label = tsd->label,
    };
    prof_locate(&sample, e, p);
    if (unlikely(prof_is_told()) && sample.site != NULL) {
        prof_moment_t m = prof_moment(tsd, sample.site->stack, sample.time_ns);
        sample.recent = prof_recent_add(&m, requested, usable);
        if (atomic_load_rlx(&prof_log_is_on)) {
            prof_log_thread(&m);
        }
    }
    if (sample.site == NULL || !prof_table_add(&sample)) {
        atomic_add_rlx(&prof.dropped_memory, 1u);
        prof_recent_void(sample.recent);
        return false;
    }
    atomic_add_rlx(&sample.site->total_samples, 1u);
    atomic_add_rlx(&sample.site->total_requested, requested);
    atomic_add_rlx(&prof.taken, 1u);
    return true;
}

bool
prof_sample_alloc(tsd_t *tsd, const extent_t *e, void *p, size_t requested,
                  size_t usable)
{
    if (unlikely(!atomic_load_rlx(&prof_is_active) || tsd->is_prof_off)) {
        return false;
    }
    if (unlikely(tsd->is_sampling)) {
        atomic_add_rlx(&prof.dropped_recursion, 1u);
        return false;
    }
    tsd->is_sampling = true;
    bool ok = prof_record(tsd, e, p, requested, usable);
    tsd->is_sampling = false;
    return ok;
}

/* Who keeps account of frees hears of this one. */
static JE_NOINLINE void
prof_note_free(tsd_t *tsd, const prof_sample_t *gone)
{
    prof_fetch_thread_name(tsd);
    prof_stack_t *stack = prof_stack_here(sz_index(gone->site->usable));
    prof_moment_t m = prof_moment(tsd, stack, prof_now());
    prof_recent_release(gone->recent, &m, false);
    if (atomic_load_rlx(&prof_log_is_on)) {
        prof_log_free(gone, &m);
    }
}

/* A signal may interrupt this thread while it holds a lock of the tables, and
 * its handler may free: is_sampling says so. */
void
prof_sample_free(void *p)
{
    tsd_t *tsd = tsd_current;
    prof_sample_t gone;
    if (unlikely(tsd == &tsd_none)) {
        if (prof_table_remove((uintptr_t)p, false, &gone)) {
            prof_recent_release(gone.recent, NULL, false);
        }
        return;
    }
    bool was_sampling = tsd->is_sampling;
    tsd->is_sampling = true;
    if (prof_table_remove((uintptr_t)p, was_sampling, &gone) &&
        unlikely(gone.recent != 0 || atomic_load_rlx(&prof_log_is_on))) {
        if (was_sampling) {
            prof_recent_release(gone.recent, NULL, true);
        } else {
            prof_note_free(tsd, &gone);
        }
    }
    tsd->is_sampling = was_sampling;
}

void
prof_fork_child(void)
{
    if (!prof_table_fork_child()) {
        prof.is_torn = true;
    }
    prof_recent_fork_child();
    prof_log_fork_child();
    prof_bt_fork_child();
    prof_trace_fork_child();
    prof_dump_fork_child();
    prof_heap_fork_child();
}

void
prof_stats(prof_stats_t *out)
{
    *out = (prof_stats_t){
        .interval = je_config_prof ? atomic_load_rlx(&conf.sample) : 0,
        .samples_taken = atomic_load_rlx(&prof.taken),
        .dropped_memory = atomic_load_rlx(&prof.dropped_memory),
        .dropped_recursion = atomic_load_rlx(&prof.dropped_recursion),
        .no_stack = atomic_load_rlx(&prof.no_stack),
        .is_complete = !prof.is_torn,
    };
}
