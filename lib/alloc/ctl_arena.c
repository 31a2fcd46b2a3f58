/*
 * Named values that act on arenas or describe their make-up: arena.<i>.* and
 * arenas.*.
 */
#include <errno.h>
#include <string.h>

#include "alloc/arena.h"
#include "alloc/arena_choice.h"
#include "alloc/conf.h"
#include "alloc/ctl_leaf.h"
#include "alloc/emap.h"
#include "alloc/stats.h"
#include "alloc/tcache.h"
#include "base/assert.h"
#include "jealloc.h"
#include "os/clock.h"

/* All arenas: by the number for it or, as old programs do, by their count. */
static bool
is_all(size_t ind)
{
    return ind == CTL_ALL_ARENAS || ind == arena_count();
}

/* One arena that may be changed, or NULL. */
static arena_t *
usable_arena(size_t ind)
{
    arena_t *arena =
        is_all(ind) || ind >= ARENA_LIMIT ? NULL : arena_get((unsigned)ind);
    return arena != NULL && !arena->is_quarantined ? arena : NULL;
}

/* Also where its threads have large objects, for one. */
static void
each_arena(size_t ind, void (*fn)(arena_t *))
{
    if (!is_all(ind)) {
        arena_t *arena = usable_arena(ind);
        arena_t *group = arena != NULL ? arena_of_group(arena) : NULL;
        if (arena != NULL) {
            fn(arena);
        }
        if (group != arena) {
            fn(group);
        }
        return;
    }
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = usable_arena(i);
        if (arena != NULL) {
            fn(arena);
        }
    }
}

int
ctl_read_arena_initialized(const ctl_leaf_t *leaf, const size_t *index,
                           ctl_value_t *out)
{
    (void)leaf;
    size_t ind = index[0];
    out->flag =
        ind == CTL_DESTROYED_ARENAS
            ? stats_has_destroyed()
            : is_all(ind) || (ind < ARENA_LIMIT && arena_get((unsigned)ind));
    return 0;
}

static void
decay_now(arena_t *arena)
{
    arena_decay(arena, os_clock_ns());
}

int
ctl_write_arena_decay(const ctl_leaf_t *leaf, const size_t *index,
                      const ctl_value_t *in)
{
    (void)leaf;
    (void)in;
    each_arena(index[0], decay_now);
    return 0;
}

/* Who asks for this has freed much, and what its cache kept of that pins a slab
 * an object. */
int
ctl_write_arena_purge(const ctl_leaf_t *leaf, const size_t *index,
                      const ctl_value_t *in)
{
    (void)ctl_write_tcache_flush(leaf, index, in);
    each_arena(index[0], arena_purge);
    return 0;
}

int
ctl_write_arena_reset(const ctl_leaf_t *leaf, const size_t *index,
                      const ctl_value_t *in)
{
    (void)leaf;
    (void)in;
    arena_t *arena = usable_arena(index[0]);
    return arena != NULL && arena_reset(arena) ? 0 : EFAULT;
}

int
ctl_write_arena_destroy(const ctl_leaf_t *leaf, const size_t *index,
                        const ctl_value_t *in)
{
    (void)leaf;
    (void)in;
    arena_t *arena = usable_arena(index[0]);
    return arena != NULL && arena_destroy(arena) ? 0 : EFAULT;
}

/* ---- extent hooks ------------------------------------------------------ */

/* An arena that may not have been needed so far, or NULL. */
static arena_t *
wanted_arena(size_t ind)
{
    if (!is_all(ind) && ind < arenas_auto) {
        (void)arena_get_or_make((unsigned)ind);
    }
    return usable_arena(ind);
}

static bool
hooks_are_valid(const jea_extent_hooks_t *hooks)
{
    return hooks != NULL && hooks->alloc != NULL;
}

int
ctl_read_arena_hooks(const ctl_leaf_t *leaf, const size_t *index,
                     ctl_value_t *out)
{
    (void)leaf;
    arena_t *arena = wanted_arena(index[0]);
    if (arena == NULL) {
        return EFAULT;
    }
    out->pointer = pac_hooks(&arena->pac);
    return 0;
}

int
ctl_write_arena_hooks(const ctl_leaf_t *leaf, const size_t *index,
                      const ctl_value_t *in)
{
    (void)leaf;
    arena_t *arena = wanted_arena(index[0]);
    if (arena == NULL) {
        return EFAULT;
    }
    if (!hooks_are_valid(in->pointer)) {
        return EINVAL;
    }
    pac_set_hooks(&arena->pac, in->pointer);
    sweep_restart(arena);
    return 0;
}

/* Make an arena for the caller, with hooks or NULL. */
static int
create_arena(const ctl_call_t *call, jea_extent_hooks_t *hooks)
{
    arena_t *arena = arena_create_with(hooks);
    if (arena == NULL) {
        return EAGAIN;
    }
    unsigned ind = arena->ind;
    return ctl_give(call, &ind, sizeof(ind));
}

/* The new value, if there is one, is the hooks. */
int
ctl_exchange_arenas_create(const ctl_leaf_t *leaf, const size_t *index,
                           const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    jea_extent_hooks_t *hooks = NULL;
    int err = ctl_must_take(call, sizeof(unsigned));
    if (err != 0) {
        return err;
    }
    if (call->newp != NULL) {
        if (call->newlen != sizeof(hooks)) {
            return EINVAL;
        }
        memcpy(&hooks, call->newp, sizeof(hooks));
        if (!hooks_are_valid(hooks)) {
            return EINVAL;
        }
    }
    return create_arena(call, hooks);
}

/* jemalloc's arena_config_t. Metadata never comes from hooks here. */
typedef struct arena_config {
    jea_extent_hooks_t *hooks;
    bool metadata_use_hooks;
} arena_config_t;

int
ctl_exchange_arenas_create_ext(const ctl_leaf_t *leaf, const size_t *index,
                               const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    arena_config_t config = {.hooks = NULL};
    int err = ctl_must_take(call, sizeof(unsigned));
    if (err != 0) {
        return err;
    }
    if (call->newp != NULL) {
        if (call->newlen != sizeof(config)) {
            return EINVAL;
        }
        memcpy(&config, call->newp, sizeof(config));
        if (config.hooks != NULL && !hooks_are_valid(config.hooks)) {
            return EINVAL;
        }
    }
    return create_arena(call, config.hooks);
}

int
ctl_read_arena_dss(const ctl_leaf_t *leaf, const size_t *index,
                   ctl_value_t *out)
{
    (void)leaf;
    arena_t *arena = usable_arena(index[0]);
    if (arena == NULL && !is_all(index[0])) {
        return EFAULT;
    }
    out->text =
        pac_dss_names[arena != NULL ? atomic_load_rlx(&arena->pac.dss)
                                    : atomic_load_rlx(&pac_default_dss)];
    return 0;
}

/* For all of them means for those to come. */
int
ctl_write_arena_dss(const ctl_leaf_t *leaf, const size_t *index,
                    const ctl_value_t *in)
{
    (void)leaf;
    const char *text = in->text != NULL ? in->text : "";
    unsigned dss = 0;
    while (dss <= CONF_DSS_SECONDARY && strcmp(text, pac_dss_names[dss]) != 0) {
        dss++;
    }
    if (dss > CONF_DSS_SECONDARY) {
        return EINVAL;
    }
    if (is_all(index[0])) {
        atomic_store_rlx(&pac_default_dss, dss);
        return 0;
    }
    arena_t *arena = usable_arena(index[0]);
    if (arena == NULL) {
        return EFAULT;
    }
    atomic_store_rlx(&arena->pac.dss, (uint8_t)dss);
    return 0;
}

int
ctl_read_arena_decay_ms(const ctl_leaf_t *leaf, const size_t *index,
                        ctl_value_t *out)
{
    arena_t *arena = usable_arena(index[0]);
    if (arena == NULL) {
        return EFAULT;
    }
    out->ssize = pac_decay_ms(&arena->pac, (pac_which_t)leaf->constant);
    return 0;
}

int
ctl_write_arena_decay_ms(const ctl_leaf_t *leaf, const size_t *index,
                         const ctl_value_t *in)
{
    arena_t *arena = usable_arena(index[0]);
    bool ok = arena != NULL &&
              arena_set_decay_ms(arena, (pac_which_t)leaf->constant, in->ssize);
    return ok ? 0 : EFAULT;
}

int
ctl_read_arena_grow_limit(const ctl_leaf_t *leaf, const size_t *index,
                          ctl_value_t *out)
{
    (void)leaf;
    arena_t *arena = usable_arena(index[0]);
    if (arena == NULL) {
        return EFAULT;
    }
    os_mutex_lock(&arena->pac.mtx);
    out->size = arena->pac.retain_grow_limit;
    os_mutex_unlock(&arena->pac.mtx);
    return 0;
}

int
ctl_write_arena_grow_limit(const ctl_leaf_t *leaf, const size_t *index,
                           const ctl_value_t *in)
{
    (void)leaf;
    arena_t *arena = usable_arena(index[0]);
    if (arena == NULL || in->size < OS_PAGE || in->size > SZ_LARGE_MAX) {
        return EFAULT;
    }
    size_t pages = sz_pind_pages(sz_pind_floor(in->size >> OS_LG_PAGE));
    os_mutex_lock(&arena->pac.mtx);
    arena->pac.retain_grow_limit = pages << OS_LG_PAGE;
    os_mutex_unlock(&arena->pac.mtx);
    return 0;
}

int
ctl_read_arena_oversize(const ctl_leaf_t *leaf, const size_t *index,
                        ctl_value_t *out)
{
    (void)leaf;
    arena_t *arena = usable_arena(index[0]);
    if (arena == NULL) {
        return EFAULT;
    }
    out->size = atomic_load_rlx(&arena->pac.oversize_threshold);
    return 0;
}

int
ctl_write_arena_oversize(const ctl_leaf_t *leaf, const size_t *index,
                         const ctl_value_t *in)
{
    (void)leaf;
    arena_t *arena = usable_arena(index[0]);
    if (arena == NULL) {
        return EFAULT;
    }
    atomic_store_rlx(&arena->pac.oversize_threshold, in->size);
    return 0;
}

/* Both values are pointers to text; the old one to a buffer of ARENA_NAME_LEN
 * bytes, into which the name is copied. */
int
ctl_exchange_arena_name(const ctl_leaf_t *leaf, const size_t *index,
                        const ctl_call_t *call)
{
    (void)leaf;
    arena_t *arena = usable_arena(index[0]);
    char *text;
    if (arena == NULL) {
        return EFAULT;
    }
    if ((call->oldp != NULL &&
         (call->oldlenp == NULL || *call->oldlenp != sizeof(text))) ||
        (call->newp != NULL && call->newlen != sizeof(text))) {
        return EINVAL;
    }
    if (call->oldp != NULL) {
        memcpy(&text, call->oldp, sizeof(text));
        if (text == NULL) {
            return EINVAL;
        }
        memcpy(text, arena->name, ARENA_NAME_LEN);
    }
    if (call->newp != NULL) {
        memcpy(&text, call->newp, sizeof(text));
        if (text == NULL) {
            return EINVAL;
        }
        je_format(arena->name, ARENA_NAME_LEN, "%s", text);
    }
    return 0;
}

/* ---- arenas.* ---------------------------------------------------------- */

int
ctl_read_narenas(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->number = arena_count();
    return 0;
}

static int64_t *
default_ms(const ctl_leaf_t *leaf)
{
    return leaf->constant == PAC_DIRTY ? &pac_default_dirty_ms
                                       : &pac_default_muzzy_ms;
}

int
ctl_read_default_decay_ms(const ctl_leaf_t *leaf, const size_t *index,
                          ctl_value_t *out)
{
    (void)index;
    out->i64 = atomic_load_rlx(default_ms(leaf));
    return 0;
}

int
ctl_write_default_decay_ms(const ctl_leaf_t *leaf, const size_t *index,
                           const ctl_value_t *in)
{
    (void)index;
    if (in->i64 < -1 || in->i64 > DECAY_MS_MAX) {
        return EFAULT;
    }
    atomic_store_rlx(default_ms(leaf), in->i64);
    return 0;
}

int
ctl_read_tcache_max(const ctl_leaf_t *leaf, const size_t *index,
                    ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->size = sz_size(tcache_classes() - 1);
    return 0;
}

int
ctl_read_nhbins(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->number = tcache_classes();
    return 0;
}

int
ctl_read_bin_info(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    const char *at = (const char *)&bin_infos[index[0]] + leaf->offset;
    if (leaf->offset == offsetof(bin_info_t, nregs)) {
        out->u32 = bin_infos[index[0]].nregs;
    } else {
        uint32_t bytes;
        memcpy(&bytes, at, sizeof(bytes));
        out->size = bytes;
    }
    return 0;
}

int
ctl_read_bin_shards(const ctl_leaf_t *leaf, const size_t *index,
                    ctl_value_t *out)
{
    (void)leaf;
    out->u32 = bin_shards[index[0]].count;
    return 0;
}

int
ctl_read_lextent_size(const ctl_leaf_t *leaf, const size_t *index,
                      ctl_value_t *out)
{
    (void)leaf;
    out->size = sz_size(SC_NBINS + (unsigned)index[0]);
    return 0;
}

/* The arena of the address that is the new value. */
int
ctl_exchange_arenas_lookup(const ctl_leaf_t *leaf, const size_t *index,
                           const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    uintptr_t addr;
    if (call->newp == NULL || call->newlen != sizeof(addr)) {
        return EINVAL;
    }
    memcpy(&addr, call->newp, sizeof(addr));
    extent_t *e = emap_extent(addr);
    if (e == NULL || e->state != EXTENT_ACTIVE) {
        return EINVAL;
    }
    unsigned ind = e->arena_ind;
    return ctl_give(call, &ind, sizeof(ind));
}
