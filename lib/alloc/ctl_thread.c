/*
 * Named values of the calling thread, and those of the helper threads:
 * thread.*, background_thread, epoch.
 */
#include <errno.h>
#include <string.h>

#include "alloc/arena.h"
#include "alloc/background.h"
#include "alloc/conf.h"
#include "alloc/ctl_leaf.h"
#include "alloc/percpu.h"
#include "alloc/tcache.h"
#include "alloc/tcache_count.h"
#include "alloc/tcaches.h"
#include "alloc/tsd.h"
#include "os/clock.h"

/* Begin to change this thread's cache: a fork in a signal handler must see it.
 * Returns an errno; `without` where there is no state, or no memory for it. */
static int
thread_enter(tsd_t **tsd, int without)
{
    *tsd = tsd_get();
    if (*tsd == NULL) {
        return without;
    }
    atomic_store_rlx(&(*tsd)->nesting, (*tsd)->nesting + 1);
    return 0;
}

static void
thread_leave(tsd_t *tsd)
{
    atomic_store_rlx(&tsd->nesting, tsd->nesting - 1);
}

int
ctl_read_thread_arena(const ctl_leaf_t *leaf, const size_t *index,
                      ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd = tsd_get();
    if (tsd == NULL) {
        return EAGAIN;
    }
    out->number = tsd->arena->ind;
    return 0;
}

/* The cache is emptied: what it counted belongs to the arena so far. */
int
ctl_write_thread_arena(const ctl_leaf_t *leaf, const size_t *index,
                       const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    arena_t *arena =
        in->number < arena_count() ? arena_get_or_make(in->number) : NULL;
    if (arena == NULL || arena->is_quarantined) {
        return EFAULT;
    }
    if (conf.percpu_arena != CONF_PERCPU_DISABLED && arena->ind < arenas_auto) {
        return EPERM; /* the thread's processor decides */
    }
    tsd_t *tsd;
    int error = thread_enter(&tsd, EAGAIN);
    if (error != 0) {
        return error;
    }
    if (arena != tsd->arena) {
        bool was_on = tsd->is_cache_on;
        tcache_fini(tsd);
        arena_unbind(tsd->arena);
        atomic_add_rlx(&arena->nthreads, 1u);
        atomic_store_rel(&tsd->arena, arena);
        tsd->is_cache_on = was_on;
    }
    tsd->is_arena_chosen = true;
    thread_leave(tsd);
    return 0;
}

/* allocated and deallocated are told apart by their offset. */
static uint64_t *
thread_counter(const ctl_leaf_t *leaf, tsd_bytes_t *bytes)
{
    return (void *)((char *)bytes + leaf->offset);
}

int
ctl_read_thread_bytes(const ctl_leaf_t *leaf, const size_t *index,
                      ctl_value_t *out)
{
    (void)index;
    const tsd_t *tsd = tsd_get();
    if (tsd == NULL) {
        return EAGAIN;
    }
    tsd_bytes_t bytes = tsd_bytes(tsd);
    out->u64 = *thread_counter(leaf, &bytes);
    return 0;
}

int
ctl_read_thread_bytes_at(const ctl_leaf_t *leaf, const size_t *index,
                         ctl_value_t *out)
{
    (void)index;
    tsd_t *tsd = tsd_get();
    if (tsd == NULL) {
        return EAGAIN;
    }
    out->pointer = thread_counter(leaf, tsd_bytes_live(tsd));
    return 0;
}

int
ctl_read_tcache_enabled(const ctl_leaf_t *leaf, const size_t *index,
                        ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd = tsd_get();
    out->flag = tsd != NULL && tsd->is_cache_on;
    return 0;
}

int
ctl_write_tcache_enabled(const ctl_leaf_t *leaf, const size_t *index,
                         const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd;
    int error = thread_enter(&tsd, EAGAIN);
    if (error == 0) {
        tcache_set_enabled(tsd, in->flag);
        thread_leave(tsd);
    }
    return error;
}

int
ctl_write_tcache_flush(const ctl_leaf_t *leaf, const size_t *index,
                       const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    (void)in;
    tsd_t *tsd;
    int error = thread_enter(&tsd, EFAULT);
    if (error != 0) {
        return error;
    }
    if (tsd->is_cache_on) {
        tcache_flush(tsd);
    } else {
        error = EFAULT;
    }
    thread_leave(tsd);
    return error;
}

int
ctl_read_percpu_active(const ctl_leaf_t *leaf, const size_t *index,
                       ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->flag = percpu_is_on;
    return 0;
}

/* The largest size that a cache can be told to hold. */
static size_t
cache_size_max(void)
{
    return sz_size(SC_NCACHED_MAX - 1);
}

int
ctl_read_thread_tcache_max(const ctl_leaf_t *leaf, const size_t *index,
                           ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd = tsd_get();
    if (tsd == NULL) {
        return EAGAIN;
    }
    out->size = sz_size(tsd->ncached - 1u);
    return 0;
}

int
ctl_write_thread_tcache_max(const ctl_leaf_t *leaf, const size_t *index,
                            const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd;
    int error = thread_enter(&tsd, EAGAIN);
    if (error == 0) {
        size_t size = JE_MIN(in->size, cache_size_max());
        tcache_set_classes(tsd, sz_index(size) + 1);
        thread_leave(tsd);
    }
    return error;
}

/* The new value is the size that is asked about. */
int
ctl_exchange_tcache_ncached_max(const ctl_leaf_t *leaf, const size_t *index,
                                const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    size_t size;
    if (call->newp == NULL || call->newlen != sizeof(size)) {
        return EINVAL;
    }
    memcpy(&size, call->newp, sizeof(size));
    if (size > cache_size_max()) {
        return EINVAL;
    }
    tsd_t *tsd = tsd_get();
    size_t n = tsd != NULL ? tcache_nslots(tsd, sz_index(size)) : 0;
    return ctl_give(call, &n, sizeof(n));
}

int
ctl_write_tcache_ncached_max(const ctl_leaf_t *leaf, const size_t *index,
                             const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    if (in == NULL) {
        return 0;
    }
    tsd_t *tsd;
    int error = thread_enter(&tsd, ENOENT);
    if (error != 0) {
        return error;
    }
    if (!tsd->is_cache_on) {
        error = ENOENT;
    } else if (in->text == NULL || !conf_is_list(in->text, 0, UINT64_MAX)) {
        error = EINVAL;
    } else if (!tcache_set_nslots(tsd, in->text)) {
        error = EAGAIN;
    }
    thread_leave(tsd);
    return error;
}

/* The thread will not allocate for a while: its cache serves nobody. */
int
ctl_write_thread_idle(const ctl_leaf_t *leaf, const size_t *index,
                      const ctl_value_t *in)
{
    (void)ctl_write_tcache_flush(leaf, index, in);
    tsd_t *tsd = tsd_get();
    if (tsd != NULL) {
        arena_decay(tsd->arena, os_clock_ns());
    }
    return 0;
}

/* ---- high water -------------------------------------------------------- */

int
ctl_read_thread_peak(const ctl_leaf_t *leaf, const size_t *index,
                     ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd = tsd_get();
    if (tsd == NULL) {
        return EAGAIN;
    }
    tsd_look_at_peak(tsd);
    out->u64 = (uint64_t)tsd->peak;
    return 0;
}

int
ctl_write_thread_peak_reset(const ctl_leaf_t *leaf, const size_t *index,
                            const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    (void)in;
    tsd_t *tsd = tsd_get();
    if (tsd == NULL) {
        return EAGAIN;
    }
    tsd_bytes_t bytes = tsd_bytes(tsd);
    tsd->peak = 0;
    tsd->next_look = 0;
    tsd->peak_base = bytes.allocated - bytes.deallocated;
    return 0;
}

/* ---- caches that are created ------------------------------------------- */

int
ctl_exchange_tcache_create(const ctl_leaf_t *leaf, const size_t *index,
                           const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    if (call->newp != NULL || call->newlen != 0) {
        return EPERM;
    }
    unsigned id;
    int err = ctl_must_take(call, sizeof(id));
    if (err != 0) {
        return err;
    }
    return tcaches_create(&id) ? ctl_give(call, &id, sizeof(id)) : EFAULT;
}

int
ctl_write_tcaches_flush(const ctl_leaf_t *leaf, const size_t *index,
                        const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    return in == NULL ? EINVAL : tcaches_flush(in->number) ? 0 : EFAULT;
}

int
ctl_write_tcaches_destroy(const ctl_leaf_t *leaf, const size_t *index,
                          const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    return in == NULL ? EINVAL : tcaches_destroy(in->number) ? 0 : EFAULT;
}

/* ---- helper threads ---------------------------------------------------- */

int
ctl_read_background(const ctl_leaf_t *leaf, const size_t *index,
                    ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->flag = background_is_enabled();
    return 0;
}

int
ctl_write_background(const ctl_leaf_t *leaf, const size_t *index,
                     const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    return background_set(in->flag) ? 0 : EFAULT;
}

int
ctl_read_max_background(const ctl_leaf_t *leaf, const size_t *index,
                        ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->size = atomic_load_rlx(&conf.max_background_threads);
    return 0;
}

/* At most what the option allowed. Running threads are started afresh. */
int
ctl_write_max_background(const ctl_leaf_t *leaf, const size_t *index,
                         const ctl_value_t *in)
{
    ctl_value_t most;
    (void)ctl_read_max_background_opt(leaf, index, &most);
    if (in->size == 0 || in->size > most.size) {
        return EINVAL;
    }
    atomic_store_rlx(&conf.max_background_threads, in->size);
    if (!background_is_enabled()) {
        return 0;
    }
    return background_set(false) && background_set(true) ? 0 : EFAULT;
}

/* ---- epoch ------------------------------------------------------------- */

int
ctl_read_epoch(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->u64 = ctl_epoch();
    return 0;
}

int
ctl_write_epoch(const ctl_leaf_t *leaf, const size_t *index,
                const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    (void)in;
    return ctl_advance_epoch();
}
