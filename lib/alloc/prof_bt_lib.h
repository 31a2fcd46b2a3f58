/*
 * Stack walks by libunwind, loaded at run time.
 *
 * Its fast walk costs 256 KiB for each thread that uses it, two descriptors of
 * a pipe, and, where it meets a new address, the dynamic loader's lock. So it
 * is used where nothing better is there, or when it is asked for.
 */
#ifndef JE_ALLOC_PROF_BT_LIB_H
#define JE_ALLOC_PROF_BT_LIB_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

/* Load and prime it. May allocate. errors: false, it is not there. */
bool prof_bt_lib_boot(void);

/* Return addresses from the caller on; the allocator's own are included. */
unsigned prof_bt_lib_walk(uintptr_t *frames, unsigned max);

/* In the child of a fork. errors: false, a thread of the parent was inside and
 * may have held its locks: it must not be used. */
bool prof_bt_lib_fork_child(void);

#endif
