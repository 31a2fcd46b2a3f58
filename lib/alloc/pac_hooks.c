/*
 * Where the pages of an arena come from: its extent hooks, or the system.
 *
 * A hook is the program's code and may allocate. No lock is held while it runs
 * and the thread goes without its state, so that what the hook allocates comes
 * from another arena and no cache is changed below the frame that is changing
 * it. The child of a fork in a hook keeps the state that the fork gave it.
 */
#include "alloc/pac.h"

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/fork.h"
#include "alloc/pac_internal.h"
#include "alloc/tsd.h"
#include "base/assert.h"
#include "jealloc.h"
#include "os/brk.h"
#include "os/pages.h"

/* ---- the system as hooks ----------------------------------------------- */

static void *
default_map(size_t size, size_t align, bool *zero, bool *commit)
{
    bool wants = *commit || os_pages_overcommits();
    void *p = os_pages_map(size, align, wants);
    if (p != NULL) {
        *zero = true;
        *commit = wants;
    }
    return p;
}

/* Called by a program's hooks, for an arena of which they only have the number;
 * the allocator itself asks for the break where it knows the arena. */
static void *
default_alloc(jea_extent_hooks_t *hooks, void *new_addr, size_t size,
              size_t alignment, bool *zero, bool *commit, unsigned arena)
{
    (void)hooks;
    if (new_addr != NULL) {
        return NULL; /* no address is ever insisted on */
    }
    const arena_t *of = arena_get(arena);
    unsigned dss = of != NULL ? of->pac.dss : CONF_DSS_DISABLED;
    void *p = NULL;
    if (dss != CONF_DSS_PRIMARY) {
        p = default_map(size, alignment, zero, commit);
    }
    if (p == NULL && dss != CONF_DSS_DISABLED &&
        (p = os_brk_map(size, alignment)) != NULL) {
        *zero = *commit = true;
    }
    if (p == NULL && dss == CONF_DSS_PRIMARY) {
        p = default_map(size, alignment, zero, commit);
    }
    return p;
}

static bool
default_dalloc(jea_extent_hooks_t *hooks, void *addr, size_t size,
               bool committed, unsigned arena)
{
    (void)hooks;
    (void)committed;
    (void)arena;
    return conf.retain || !os_pages_unmap(addr, size);
}

static void
default_destroy(jea_extent_hooks_t *hooks, void *addr, size_t size,
                bool committed, unsigned arena)
{
    (void)hooks;
    (void)committed;
    (void)arena;
    if (!os_pages_unmap(addr, size)) {
        (void)os_pages_purge_forced(addr, size);
    }
}

static bool
default_commit(jea_extent_hooks_t *hooks, void *addr, size_t size,
               size_t offset, size_t length, unsigned arena)
{
    (void)hooks;
    (void)size;
    (void)arena;
    return !os_pages_commit((char *)addr + offset, length);
}

/* With overcommit nothing would be saved by it. */
static bool
default_decommit(jea_extent_hooks_t *hooks, void *addr, size_t size,
                 size_t offset, size_t length, unsigned arena)
{
    (void)hooks;
    (void)size;
    (void)arena;
    return os_pages_overcommits() ||
           !os_pages_decommit((char *)addr + offset, length);
}

static bool
default_purge_lazy(jea_extent_hooks_t *hooks, void *addr, size_t size,
                   size_t offset, size_t length, unsigned arena)
{
    (void)hooks;
    (void)size;
    (void)arena;
    return !os_pages_purge_lazy((char *)addr + offset, length);
}

static bool
default_purge_forced(jea_extent_hooks_t *hooks, void *addr, size_t size,
                     size_t offset, size_t length, unsigned arena)
{
    (void)hooks;
    (void)size;
    (void)arena;
    return !os_pages_purge_forced((char *)addr + offset, length);
}

/* Mappings are cut and joined by the kernel as it likes, but what is from the
 * program break is not unmapped with others. */
static bool
default_split(jea_extent_hooks_t *hooks, void *addr, size_t size, size_t size_a,
              size_t size_b, bool committed, unsigned arena)
{
    (void)hooks;
    (void)addr;
    (void)size;
    (void)size_a;
    (void)size_b;
    (void)committed;
    (void)arena;
    return false;
}

static bool
default_merge(jea_extent_hooks_t *hooks, void *addr_a, size_t size_a,
              void *addr_b, size_t size_b, bool committed, unsigned arena)
{
    (void)hooks;
    (void)size_a;
    (void)size_b;
    (void)committed;
    (void)arena;
    return !pac_break_is_alike((uintptr_t)addr_a, (uintptr_t)addr_b);
}

static jea_extent_hooks_t default_hooks = {
    .alloc = default_alloc,
    .dalloc = default_dalloc,
    .destroy = default_destroy,
    .commit = default_commit,
    .decommit = default_decommit,
    .purge_lazy = default_purge_lazy,
    .purge_forced = default_purge_forced,
    .split = default_split,
    .merge = default_merge,
};

jea_extent_hooks_t *
pac_hooks(const pac_t *pac)
{
    jea_extent_hooks_t *hooks = atomic_load_acq(&pac->hooks);
    return hooks != NULL ? hooks : &default_hooks;
}

void
pac_set_hooks(pac_t *pac, jea_extent_hooks_t *hooks)
{
    atomic_store_rel(&pac->hooks, hooks != &default_hooks ? hooks : NULL);
}

/* ---- calling them ------------------------------------------------------ */

typedef struct hook_frame {
    tsd_t *tsd;
    unsigned forks;
    uint8_t was_gone;
} hook_frame_t;

static hook_frame_t
hook_enter(void)
{
    hook_frame_t f = {.tsd = tsd_current,
                      .forks = fork_generation(),
                      .was_gone = tsd_is_gone};
    tsd_is_gone = TSD_IN_HOOK;
    tsd_set(&tsd_none);
    return f;
}

static void
hook_leave(const hook_frame_t *f)
{
    tsd_is_gone = f->was_gone;
    if (f->forks == fork_generation()) {
        tsd_set(f->tsd);
    }
}

/* The same around a lock. It is taken back even in the child of a fork that
 * found it held by another thread; who goes on asks is_torn before it touches
 * anything but the extents that it has. */
static hook_frame_t
hook_enter_locked(pac_t *pac)
{
    os_mutex_unlock(&pac->mtx);
    return hook_enter();
}

static void
hook_leave_locked(pac_t *pac, const hook_frame_t *f)
{
    hook_leave(f);
    os_mutex_lock(&pac->mtx);
}

void *
pac_sys_map_locked(pac_t *pac, size_t size, size_t align, bool *zeroed,
                   bool *committed)
{
    jea_extent_hooks_t *hooks = atomic_load_acq(&pac->hooks);
    *zeroed = false;
    *committed = false;
    if (hooks == NULL) {
        void *p = default_map(size, align, zeroed, committed);
        if (p != NULL && conf.thp != CONF_THP_DEFAULT) {
            os_pages_huge(p, size, conf.thp == CONF_THP_ALWAYS);
        }
        return p;
    }
    hook_frame_t f = hook_enter_locked(pac);
    void *p = hooks->alloc(hooks, NULL, size, align, zeroed, committed,
                           pac->arena_ind);
    hook_leave_locked(pac, &f);
    if (((uintptr_t)p & (align - 1)) != 0) {
        je_fatal("extent hook alloc returned %p, which is not aligned to %zu",
                 p, align);
    }
    return p;
}

/* A hook that changes the state of an extent, or of a part of it. */
typedef bool extent_hook_t(jea_extent_hooks_t *, void *, size_t, size_t, size_t,
                           unsigned);

static bool
hook_call_part(pac_t *pac, jea_extent_hooks_t *hooks, extent_hook_t *hook,
               const extent_t *e, size_t offset, size_t length)
{
    if (hook == NULL) {
        return false;
    }
    if (hooks == &default_hooks) {
        return !hook(hooks, (void *)e->addr, e->size, offset, length, 0);
    }
    hook_frame_t f = hook_enter();
    bool refused =
        hook(hooks, (void *)e->addr, e->size, offset, length, pac->arena_ind);
    hook_leave(&f);
    return !refused;
}

static bool
hook_call(pac_t *pac, jea_extent_hooks_t *hooks, extent_hook_t *hook,
          const extent_t *e)
{
    return hook_call_part(pac, hooks, hook, e, 0, e->size);
}

bool
pac_sys_commit_locked(pac_t *pac, extent_t *e)
{
    jea_extent_hooks_t *hooks = atomic_load_acq(&pac->hooks);
    if (hooks == NULL) {
        return os_pages_commit((void *)e->addr, e->size);
    }
    os_mutex_unlock(&pac->mtx);
    bool ok = hook_call(pac, hooks, hooks->commit, e);
    os_mutex_lock(&pac->mtx);
    return ok;
}

bool
pac_sys_split_locked(pac_t *pac, extent_t *e, size_t size)
{
    jea_extent_hooks_t *hooks = atomic_load_acq(&pac->hooks);
    if (hooks == NULL || hooks->split == NULL) {
        return hooks == NULL;
    }
    hook_frame_t f = hook_enter_locked(pac);
    bool refused =
        hooks->split(hooks, (void *)e->addr, e->size, size, e->size - size,
                     e->is_committed, pac->arena_ind);
    hook_leave_locked(pac, &f);
    return !refused;
}

bool
pac_sys_merge_locked(pac_t *pac, extent_t *a, extent_t *b)
{
    jea_extent_hooks_t *hooks = atomic_load_acq(&pac->hooks);
    if (hooks == NULL || hooks->merge == NULL) {
        return hooks == NULL && pac_break_is_alike(a->addr, b->addr);
    }
    hook_frame_t f = hook_enter_locked(pac);
    bool refused =
        hooks->merge(hooks, (void *)a->addr, a->size, (void *)b->addr, b->size,
                     a->is_committed, pac->arena_ind);
    hook_leave_locked(pac, &f);
    return !refused;
}

bool
pac_sys_unmap(pac_t *pac, uintptr_t addr, size_t size, bool committed)
{
    jea_extent_hooks_t *hooks = atomic_load_acq(&pac->hooks);
    if (hooks == NULL || hooks->dalloc == NULL) {
        return hooks == NULL && os_pages_unmap((void *)addr, size);
    }
    hook_frame_t f = hook_enter();
    bool refused =
        hooks->dalloc(hooks, (void *)addr, size, committed, pac->arena_ind);
    hook_leave(&f);
    return !refused;
}

bool
pac_sys_decommit(pac_t *pac, extent_t *e)
{
    jea_extent_hooks_t *hooks = pac_hooks(pac);
    return hook_call(pac, hooks, hooks->decommit, e);
}

bool
pac_sys_purge_lazy(pac_t *pac, extent_t *e)
{
    jea_extent_hooks_t *hooks = pac_hooks(pac);
    return hook_call(pac, hooks, hooks->purge_lazy, e);
}

bool
pac_sys_purge_forced(pac_t *pac, extent_t *e)
{
    jea_extent_hooks_t *hooks = pac_hooks(pac);
    return hook_call(pac, hooks, hooks->purge_forced, e);
}

bool
pac_sys_purge_part(pac_t *pac, extent_t *e, size_t offset, size_t length)
{
    jea_extent_hooks_t *hooks = pac_hooks(pac);
    return hook_call_part(pac, hooks, hooks->purge_forced, e, offset, length);
}

void
pac_sys_destroy(pac_t *pac, extent_t *e)
{
    jea_extent_hooks_t *hooks = pac_hooks(pac);
    if (hooks->destroy != NULL) {
        hook_frame_t f = hook_enter();
        hooks->destroy(hooks, (void *)e->addr, e->size, e->is_committed,
                       pac->arena_ind);
        hook_leave(&f);
    }
}
