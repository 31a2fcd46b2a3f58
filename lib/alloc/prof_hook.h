/*
 * Functions of the program that profiling calls while the option `prof` is on:
 * its own walk of the stack, and one that is told of each heap profile. They
 * may allocate; what they allocate is not sampled.
 */
#ifndef JE_ALLOC_PROF_HOOK_H
#define JE_ALLOC_PROF_HOOK_H

#include <stdbool.h>
#include <stdint.h>

/* Put at most `max` return addresses, leaf first, into frames[], and how many
 * into *depth. */
typedef void prof_backtrace_t(void **frames, unsigned *depth, unsigned max);
/* A heap profile was written to `path`. */
typedef void prof_dumped_t(const char *path);

/* Never NULL: the allocator's own if the program has none. */
prof_backtrace_t *prof_hook_backtrace(void);
void prof_hook_set_backtrace(prof_backtrace_t *hook);
/* NULL: none. */
prof_dumped_t *prof_hook_dumped(void);
void prof_hook_set_dumped(prof_dumped_t *hook);

bool prof_hook_is_set(void);
/* The stack of a sample by the program's function. errors: false, it has none.
 */
bool prof_hook_capture(uintptr_t *frames, unsigned max, unsigned *depth);

#endif
