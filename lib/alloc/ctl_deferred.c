/*
 * Named values of deferred frees: jeprobe.deferred.*.
 */
#include <string.h>

#include "alloc/ctl_leaf.h"
#include "alloc/deferred.h"

int
ctl_read_deferred(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    (void)index;
    deferred_stats_t stats;
    deferred_stats(&stats);
    memcpy(&out->u64, (const char *)&stats + leaf->offset, sizeof(out->u64));
    return 0;
}

int
ctl_write_deferred_flush(const ctl_leaf_t *leaf, const size_t *index,
                         const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    (void)in;
    (void)deferred_flush();
    return 0;
}
