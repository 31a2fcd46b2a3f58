/*
 * The objects whose code is in this process, with their build ids, so that
 * addresses in a dump can be resolved later and elsewhere.
 *
 * Read from /proc/self/maps and, for the build ids, from the objects' headers
 * in memory by a system call that cannot fault: taking the dynamic loader's
 * lock instead could wait for a thread that waits for us.
 */
#ifndef JE_ALLOC_PROF_MAPS_H
#define JE_ALLOC_PROF_MAPS_H

#include "base/emit.h"

/* The member "mappings". errors: false, it is empty. One call at a time. */
bool prof_maps_emit(emit_t *e);

#endif
