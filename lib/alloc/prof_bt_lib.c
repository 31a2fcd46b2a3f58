/*
 * libunwind by dlopen: see prof_bt_lib.h.
 *
 * RTLD_LOCAL and no link: its _Unwind_* must not come before libgcc's in the
 * program's search order, or C++ exceptions would go through it.
 */
#include "alloc/prof_bt_lib.h"

#include <dlfcn.h>
#include <stddef.h>
#include <sys/auxv.h>

#include "base/atomic.h"

static int (*backtrace_fn)(void **frames, int max);
/* Walks under way, in all threads. */
static uint32_t walkers;

/* A static program, which has no loader, gets a second C library with what it
 * opens, without what that needs of threads: the first walk would crash. */
static bool
is_static(void)
{
    return getauxval(AT_BASE) == 0;
}

bool
prof_bt_lib_boot(void)
{
    if (is_static()) {
        return false;
    }
    void *lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (lib == NULL) {
        return false;
    }

    union {
        void *data;
        int (*code)(void **, int);
    } found = {.data = dlsym(lib, "unw_backtrace")};

    if (found.code == NULL) {
        return false;
    }
    /* the first walk of all sets up what later ones only read */
    void *frames[8];
    (void)found.code(frames, JE_ARRAY_LEN(frames));
    atomic_store_rel(&backtrace_fn, found.code);
    return true;
}

unsigned
prof_bt_lib_walk(uintptr_t *frames, unsigned max)
{
    int (*walk)(void **, int) = atomic_load_acq(&backtrace_fn);
    _Static_assert(sizeof(void *) == sizeof(uintptr_t), "same array");
    if (walk == NULL) {
        return 0;
    }
    atomic_add_rlx(&walkers, 1u);
    int n = walk((void **)(void *)frames, (int)max);
    atomic_sub_rlx(&walkers, 1u);
    return n > 0 ? (unsigned)n : 0;
}

bool
prof_bt_lib_fork_child(void)
{
    return atomic_xchg_acq(&walkers, 0u) == 0;
}
