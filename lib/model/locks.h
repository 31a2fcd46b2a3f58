/* Counters of locks that JSON has under wrong names. */
#ifndef JE_MODEL_LOCKS_H
#define JE_MODEL_LOCKS_H

#include "base/macros.h"

#include "model/snapshot.h"

/* Give them the right ones, and forget those that are not there. */
void locks_align(struct snapshot *snapshot);

#endif
