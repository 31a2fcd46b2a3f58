/*
 * Named values out of the snapshot: stats.*. Which figure is meant is an
 * offset in the row.
 */
#include <errno.h>
#include <string.h>

#include "alloc/ctl_leaf.h"
#include "alloc/residency.h"
#include "alloc/stats.h"

/* Copy the figure of `leaf` at `offset` of a record; NULL: no such record. */
static int
give_figure(const ctl_leaf_t *leaf, const void *record, size_t offset,
            ctl_value_t *out)
{
    if (record == NULL) {
        return ENOENT;
    }
    memcpy(out, (const char *)record + offset, ctl_type_size(leaf->type));
    return 0;
}

int
ctl_read_stats_total(const ctl_leaf_t *leaf, const size_t *index,
                     ctl_value_t *out)
{
    (void)index;
    const stats_t *s = ctl_snapshot_lock();
    int err = s == NULL ? EAGAIN : give_figure(leaf, s, leaf->offset, out);
    ctl_snapshot_unlock();
    return err;
}

/* A record of one arena, at `at` bytes of its figures. */
static int
give_arena_figure(const ctl_leaf_t *leaf, size_t ind, size_t at,
                  ctl_value_t *out)
{
    const stats_t *s = ctl_snapshot_lock();
    int err = EAGAIN;
    if (s != NULL) {
        err = give_figure(leaf, ctl_snapshot_arena(s, ind), at, out);
    }
    ctl_snapshot_unlock();
    return err;
}

int
ctl_read_stats_arena(const ctl_leaf_t *leaf, const size_t *index,
                     ctl_value_t *out)
{
    return give_arena_figure(leaf, index[0], leaf->offset, out);
}

int
ctl_read_stats_bin(const ctl_leaf_t *leaf, const size_t *index,
                   ctl_value_t *out)
{
    size_t at = offsetof(stats_arena_t, bins) + index[1] * sizeof(stats_bin_t);
    return give_arena_figure(leaf, index[0], at + leaf->offset, out);
}

int
ctl_read_stats_lextent(const ctl_leaf_t *leaf, const size_t *index,
                       ctl_value_t *out)
{
    size_t at =
        offsetof(stats_arena_t, lextents) + index[1] * sizeof(stats_lextent_t);
    return give_arena_figure(leaf, index[0], at + leaf->offset, out);
}

int
ctl_read_stats_extent(const ctl_leaf_t *leaf, const size_t *index,
                      ctl_value_t *out)
{
    size_t at =
        offsetof(stats_arena_t, extents) + index[1] * sizeof(stats_extent_t);
    return give_arena_figure(leaf, index[0], at + leaf->offset, out);
}

/* Figures of what this allocator does not have. */
int
ctl_read_stats_zero(const ctl_leaf_t *leaf, const size_t *index,
                    ctl_value_t *out)
{
    (void)index;
    ctl_set_number(out, (ctl_type_t)leaf->type, 0);
    return 0;
}

int
ctl_write_stats_mutexes_reset(const ctl_leaf_t *leaf, const size_t *index,
                              const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    (void)in;
    stats_reset_mutexes();
    return 0;
}

/* Measured now, not at the last epoch. */
int
ctl_read_residency(const ctl_leaf_t *leaf, const size_t *index,
                   ctl_value_t *out)
{
    (void)index;
    residency_t measured;
    if (!residency_measure(&measured)) {
        return EFAULT;
    }
    return give_figure(leaf, &measured, leaf->offset, out);
}
