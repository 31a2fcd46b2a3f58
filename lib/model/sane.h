/* Figures that contradict each other, or anything that can be. */
#ifndef JE_MODEL_SANE_H
#define JE_MODEL_SANE_H

#include "base/macros.h"

#include "model/snapshot.h"

/* Make what cannot be unknown, with a warning each.  Counters of allocators
 * are left alone: what theirs mean is for the analysis to say. */
bool snapshot_sane(struct snapshot *snapshot)
    __attribute__((warn_unused_result));

#endif
