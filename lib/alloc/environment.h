/*
 * The environment variables of a preloaded object.
 *
 * Looked up and edited in place, without libc's functions: those allocate and
 * may be the program's own (shells define them).
 */
#ifndef JE_ALLOC_ENVIRONMENT_H
#define JE_ALLOC_ENVIRONMENT_H

#include "base/macros.h"

/* Value of a variable; NULL: not set, or a set-uid program. */
const char *environment_get(const char *name);

/* If this object is listed in LD_PRELOAD: take it out, together with the
 * variables whose names begin with JEPROBE_, so that what the program executes
 * is not profiled, too. */
void environment_clean(void);

#endif
