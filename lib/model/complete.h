/* What dumps leave to the reader: sums, and what is the same for all arenas. */
#ifndef JE_MODEL_COMPLETE_H
#define JE_MODEL_COMPLETE_H

#include "base/macros.h"

#include "model/snapshot.h"

/* Everything was read: leave out what cannot be, derive what is missing, choose
 * the arena that stands for the process.  False: out of memory. */
bool snapshot_complete(struct snapshot *snapshot)
    __attribute__((warn_unused_result));

#endif
