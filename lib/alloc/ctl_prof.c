/*
 * Named values of profiling as jemalloc has it: prof.* and thread.prof.*. They
 * are there while the option `prof` is on; without it reads say "off" and
 * writes are ENOENT.
 */
#include <errno.h>
#include <string.h>

#include "alloc/conf.h"
#include "alloc/ctl_leaf.h"
#include "alloc/prof.h"
#include "alloc/prof_heap.h"
#include "alloc/prof_hook.h"
#include "alloc/prof_log.h"
#include "alloc/prof_recent.h"
#include "alloc/prof_table.h"
#include "alloc/sz.h"
#include "base/assert.h"
#include "base/bits.h"

int
ctl_read_prof_active(const ctl_leaf_t *leaf, const size_t *index,
                     ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->flag = conf.prof && atomic_load_rlx(&prof_is_active);
    return 0;
}

int
ctl_write_prof_active(const ctl_leaf_t *leaf, const size_t *index,
                      const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    if (!conf.prof) {
        return in->flag ? ENOENT : 0; /* it is off */
    }
    atomic_store_rlx(&prof_is_active, in->flag);
    return 0;
}

int
ctl_read_prof_thread_init(const ctl_leaf_t *leaf, const size_t *index,
                          ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->flag = conf.prof && atomic_load_rlx(&prof_thread_is_active);
    return 0;
}

int
ctl_write_prof_thread_init(const ctl_leaf_t *leaf, const size_t *index,
                           const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    if (!conf.prof) {
        return ENOENT;
    }
    atomic_store_rlx(&prof_thread_is_active, in->flag);
    return 0;
}

int
ctl_read_thread_prof_active(const ctl_leaf_t *leaf, const size_t *index,
                            ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    const tsd_t *tsd = tsd_get();
    out->flag = conf.prof && tsd != NULL && !tsd->is_prof_off;
    return 0;
}

int
ctl_write_thread_prof_active(const ctl_leaf_t *leaf, const size_t *index,
                             const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd = tsd_get();
    if (!conf.prof) {
        return ENOENT;
    }
    if (tsd == NULL) {
        return EAGAIN;
    }
    tsd->is_prof_off = !in->flag;
    return 0;
}

int
ctl_read_thread_prof_name(const ctl_leaf_t *leaf, const size_t *index,
                          ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd = tsd_get();
    if (tsd != NULL) {
        prof_fetch_thread_name(tsd);
    }
    out->text = tsd != NULL ? tsd->name : "";
    return 0;
}

/* Printable characters and blanks; what is longer is cut. */
int
ctl_write_thread_prof_name(const ctl_leaf_t *leaf, const size_t *index,
                           const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    tsd_t *tsd = tsd_get();
    if (conf.prof_sys_thread_name) {
        return ENOENT;
    }
    if (in == NULL || in->text == NULL) {
        return EFAULT;
    }
    if (tsd == NULL) {
        return EAGAIN;
    }
    for (const char *c = in->text; *c != '\0'; c++) {
        if ((*c < ' ' || *c > '~') && *c != '\t') {
            return EFAULT;
        }
    }
    size_t n = strnlen(in->text, TSD_NAME_MAX - 1);
    memcpy(tsd->name, in->text, n);
    tsd->name[n] = '\0';
    return 0;
}

int
ctl_read_prof_gdump(const ctl_leaf_t *leaf, const size_t *index,
                    ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->flag = conf.prof && prof_heap_gdump();
    return 0;
}

int
ctl_write_prof_gdump(const ctl_leaf_t *leaf, const size_t *index,
                     const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    if (!conf.prof) {
        return ENOENT;
    }
    prof_heap_set_gdump(in->flag);
    return 0;
}

int
ctl_write_prof_dump(const ctl_leaf_t *leaf, const size_t *index,
                    const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    const char *path = in != NULL ? in->text : NULL;
    return prof_heap_dump(path, PROF_HEAP_MANUAL) == 0 ? 0 : EFAULT;
}

int
ctl_write_prof_prefix(const ctl_leaf_t *leaf, const size_t *index,
                      const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    if (in == NULL || in->text == NULL || !prof_heap_set_prefix(in->text)) {
        return EFAULT;
    }
    return 0;
}

/* Forget all samples; the new value, if any, is the new lg_sample. */
int
ctl_write_prof_reset(const ctl_leaf_t *leaf, const size_t *index,
                     const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    prof_reset(in != NULL ? prof_rate_of_lg(in->size)
                          : atomic_load_rlx(&conf.sample));
    return 0;
}

int
ctl_read_prof_interval(const ctl_leaf_t *leaf, const size_t *index,
                       ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->u64 = conf.prof && conf.lg_prof_interval >= 0
                   ? UINT64_C(1) << conf.lg_prof_interval
                   : 0;
    return 0;
}

int
ctl_read_prof_lg_sample(const ctl_leaf_t *leaf, const size_t *index,
                        ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    uint64_t rate = atomic_load_rlx(&conf.sample);
    out->size = conf.prof && rate > 0 ? bits_lg_floor(rate) : 0;
    return 0;
}

int
ctl_write_prof_log_start(const ctl_leaf_t *leaf, const size_t *index,
                         const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    return prof_log_start(in != NULL ? in->text : NULL) == 0 ? 0 : EFAULT;
}

int
ctl_write_prof_log_stop(const ctl_leaf_t *leaf, const size_t *index,
                        const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    (void)in;
    return prof_log_stop() == 0 ? 0 : EFAULT;
}

/* ---- recent samples ---------------------------------------------------- */

int
ctl_read_prof_recent_max(const ctl_leaf_t *leaf, const size_t *index,
                         ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->ssize = (ssize_t)prof_recent_max();
    return 0;
}

int
ctl_write_prof_recent_max(const ctl_leaf_t *leaf, const size_t *index,
                          const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    if (in->ssize < -1) {
        return EINVAL;
    }
    prof_recent_set_max(in->ssize);
    return 0;
}

/* Who is given the text; NULL: as other messages. */
typedef struct recent_target {
    emit_write_t *write;
    void *opaque;
} recent_target_t;

static void
recent_message(void *opaque, const char *text)
{
    (void)opaque;
    je_message(text);
}

int
ctl_exchange_prof_recent_dump(const ctl_leaf_t *leaf, const size_t *index,
                              const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    recent_target_t to;
    if (call->oldp != NULL || call->oldlenp != NULL) {
        return EPERM;
    }
    if (call->newp == NULL || call->newlen != sizeof(to)) {
        return EINVAL;
    }
    memcpy(&to, call->newp, sizeof(to));
    if (to.write == NULL) {
        to.write = recent_message;
    }
    return prof_recent_dump(to.write, to.opaque) ? 0 : EAGAIN;
}

/* ---- samples by size class --------------------------------------------- */

/* As jemalloc lays them out: bytes that were asked for, and how many. */
_Static_assert(sizeof(prof_sum_t) == 2 * sizeof(uint64_t), "as programs read");

static int
give_sum(const ctl_leaf_t *leaf, const size_t *index, const ctl_call_t *call,
         prof_sum_t (*sum_of)(size_t usable))
{
    if (!conf.prof_stats) {
        return ENOENT;
    }
    if (call->newp != NULL) {
        return EPERM;
    }
    prof_sum_t sum = sum_of(sz_size((unsigned)(leaf->constant + index[0])));
    return ctl_give(call, &sum, sizeof(sum));
}

int
ctl_exchange_prof_live(const ctl_leaf_t *leaf, const size_t *index,
                       const ctl_call_t *call)
{
    return give_sum(leaf, index, call, prof_table_sum_live);
}

int
ctl_exchange_prof_accum(const ctl_leaf_t *leaf, const size_t *index,
                        const ctl_call_t *call)
{
    return give_sum(leaf, index, call, prof_table_sum_all);
}

/* ---- functions of the program ------------------------------------------ */

/* The old one, which reads NULL while profiling is off, and whether a new one
 * may be taken from the call; nothing at all is a mistake here. Returns an
 * errno. */
static int
exchange_hook(const ctl_call_t *call, const void *before)
{
    if (call->oldp == NULL && call->newp == NULL) {
        return EINVAL;
    }
    const void *old = conf.prof ? before : NULL;
    int err = call->oldp != NULL ? ctl_give(call, &old, sizeof(old)) : 0;
    if (err != 0 || call->newp == NULL) {
        return err;
    }
    return !conf.prof ? ENOENT : call->newlen != sizeof(old) ? EINVAL : 0;
}

int
ctl_exchange_prof_backtrace(const ctl_leaf_t *leaf, const size_t *index,
                            const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    prof_backtrace_t *hook = prof_hook_backtrace();
    int err = exchange_hook(call, (const void *)(uintptr_t)hook);
    if (err == 0 && call->newp != NULL) {
        memcpy(&hook, call->newp, sizeof(hook));
        if (hook == NULL) {
            return EINVAL;
        }
        prof_hook_set_backtrace(hook);
    }
    return err;
}

int
ctl_exchange_prof_dumped(const ctl_leaf_t *leaf, const size_t *index,
                         const ctl_call_t *call)
{
    (void)leaf;
    (void)index;
    prof_dumped_t *hook = prof_hook_dumped();
    int err = exchange_hook(call, (const void *)(uintptr_t)hook);
    if (err == 0 && call->newp != NULL) {
        memcpy(&hook, call->newp, sizeof(hook));
        prof_hook_set_dumped(hook);
    }
    return err;
}
