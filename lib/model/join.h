/* Answers of one process to several questions, in one file. */
#ifndef JE_MODEL_JOIN_H
#define JE_MODEL_JOIN_H

#include "base/macros.h"

#include "model/snapshot.h"

/* Whether `next`, which follows `first` in its file, says of the same process
 * what `first` does not: the allocator's statistics, the program's account, or
 * the kernel's.  Two of a kind never belong together. */
bool join_fits(const struct snapshot *first, const struct snapshot *next);

/* Move what `next` has into `first`, or the other way round where `next` is the
 * allocator's.  Returns the one that has all; the other one is freed.  NULL =
 * out of memory, and both are still there. */
struct snapshot *join(struct snapshot *first, struct snapshot *next)
    __attribute__((warn_unused_result));

#endif
