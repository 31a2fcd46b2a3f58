/*
 * Named values: mallctl and its two companions, as jemalloc defines them.
 *
 * One table has every name with its type, its rights and the functions behind
 * it (ctl_table.c). The figures under `stats.` are those of a snapshot that is
 * taken at the first use and whenever `epoch` is written.
 *
 * errors of the three functions:
 *   ENOENT  unknown name or index, or the feature is off
 *   EINVAL  wrong size of the old or new value (of the old one as much as fits
 *           has been copied), or a new value that is not allowed
 *   EPERM   reading what is write-only, writing what is read-only
 *   EFAULT  the action could not be done
 *   EAGAIN  no memory
 */
#ifndef JE_ALLOC_CTL_H
#define JE_ALLOC_CTL_H

#include "alloc/stats.h"
#include "alloc/types.h"
#include "base/emit.h"

enum {
    CTL_ALL_ARENAS = 4096,
    CTL_DESTROYED_ARENAS = 4097,
    CTL_DEPTH_MAX = 7,
};

int je_mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp,
               size_t newlen);
int je_mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp);
int je_mallctlbymib(const size_t *mib, size_t miblen, void *oldp,
                    size_t *oldlenp, void *newp, size_t newlen);

/* What start-up and a fork owe this module. */
void ctl_boot(void);
void ctl_fork_child(void);

/* A new epoch: refresh the snapshot and hold it for the caller, who gives it
 * back by stats_release. errors: NULL, no memory. */
stats_t *ctl_refresh_and_hold(void);

/* The value of a name without an index that is no statistic: opt., config.,
 * arenas., prof., version. Takes no lock. errors: false, no such name. */
bool ctl_read_constant(const char *name, emit_value_t *out);

/* The lock of the snapshot, for the lock's figures. */
os_mutex_t *ctl_mutex(void);

/* What `version` says: which jemalloc's behaviour this is. */
#define CTL_VERSION "5.3.0-0-gjeprobe"

#endif
