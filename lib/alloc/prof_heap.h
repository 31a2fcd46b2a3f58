/*
 * Heap profiles in jemalloc's format heap_v2, which jeprof and pprof read.
 *
 * There are some when the option `prof` is on. Readers scale what a stack's
 * samples say by 1 - e^-(mean / R), which is biased where a stack allocates
 * several sizes. With `prof_unbias` each sample is therefore scaled by its own
 * size here, and what is written is what the reader's formula turns into those
 * sums.
 */
#ifndef JE_ALLOC_PROF_HEAP_H
#define JE_ALLOC_PROF_HEAP_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROF_PREFIX_MAX = 1024 };

/* Why a profile is written: the letter in its name, and its counter. */
typedef enum {
    PROF_HEAP_FINAL,
    PROF_HEAP_INTERVAL,
    PROF_HEAP_MANUAL,
    PROF_HEAP_GDUMP,
    PROF_HEAP_REASONS
} prof_heap_reason_t;

void prof_heap_boot(void);

/* Write one to `path`, or to <prefix>.<pid>.<number>.<letter>[<n>].heap if that
 * is NULL; nothing is written then if the prefix is empty. A failure is said on
 * stderr. Returns an errno; EINVAL: there is no prefix. */
int prof_heap_dump(const char *path, prof_heap_reason_t reason);

/* The name "<prefix>.<pid>.<number>.json". Returns an errno; EINVAL: there is
 * no prefix. */
int prof_heap_name_log(char *out, size_t size, uint64_t number);

/* errors: false, it is too long. */
JE_NODISCARD bool prof_heap_set_prefix(const char *prefix);

/* At exit: the profile of the option prof_final and the summary of prof_leak.
 * Returns whether there are leaks that the option prof_leak_error is about. */
bool prof_heap_exit(void);

/* ---- profiles that come by themselves ---------------------------------- */

/* prof.gdump: one at each new high of the active pages. */
bool prof_heap_gdump(void);
void prof_heap_set_gdump(bool on);

/* So many bytes were allocated: for lg_prof_interval. */
void prof_heap_count(size_t bytes);
/* Pages became active: for prof.gdump. Locks may be held. */
void prof_heap_grown(void);

/* What the two found to be due is written here, with no lock held. */
extern unsigned prof_heap_due;
void prof_heap_write_due(void);

void prof_heap_fork_child(void);

#endif
