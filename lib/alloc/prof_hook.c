/*
 * The program's functions for profiling: see prof_hook.h.
 */
#include "alloc/prof_hook.h"

#include <stddef.h>

#include "alloc/prof_bt.h"
#include "base/atomic.h"

static struct {
    prof_backtrace_t *backtrace; /* NULL: our own */
    prof_dumped_t *dumped;
} hooks;

static void
own_backtrace(void **frames, unsigned *depth, unsigned max)
{
    *depth = prof_bt_capture((uintptr_t *)frames, max);
}

prof_backtrace_t *
prof_hook_backtrace(void)
{
    prof_backtrace_t *hook = atomic_load_acq(&hooks.backtrace);
    return hook != NULL ? hook : own_backtrace;
}

void
prof_hook_set_backtrace(prof_backtrace_t *hook)
{
    atomic_store_rel(&hooks.backtrace, hook);
}

prof_dumped_t *
prof_hook_dumped(void)
{
    return atomic_load_acq(&hooks.dumped);
}

void
prof_hook_set_dumped(prof_dumped_t *hook)
{
    atomic_store_rel(&hooks.dumped, hook);
}

bool
prof_hook_is_set(void)
{
    return atomic_load_acq(&hooks.backtrace) != NULL;
}

bool
prof_hook_capture(uintptr_t *frames, unsigned max, unsigned *depth)
{
    prof_backtrace_t *hook = atomic_load_acq(&hooks.backtrace);
    if (likely(hook == NULL)) {
        return false;
    }
    *depth = 0;
    hook((void **)frames, depth, max);
    *depth = JE_MIN(*depth, max);
    return true;
}
