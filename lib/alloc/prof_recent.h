/*
 * The last sampled allocations, and what became of them: the option
 * prof_recent_alloc_max and experimental.prof_recent.*.
 *
 * Records lie in a ring in the order of their numbers; the table of live
 * samples keeps the number of each. When a record has been displaced its number
 * means nothing any more.
 *
 * invariants: first <= next; next - first <= capacity, which is 0 or a power of
 * two, and <= max unless that is -1, "all"; the record of number n with first
 * <= n < next is at n modulo capacity and has that number, or 0: it is void.
 */
#ifndef JE_ALLOC_PROF_RECENT_H
#define JE_ALLOC_PROF_RECENT_H

#include "alloc/prof_table.h"
#include "alloc/tsd.h"
#include "base/emit.h"

/* When, where and by whom something was done. */
typedef struct prof_moment {
    uint64_t time_ns; /* monotonic */
    const prof_stack_t *stack;
    int32_t tid;
    char name[TSD_NAME_MAX]; /* of the thread, or empty */
} prof_moment_t;

void prof_recent_boot(void);

/* Records to keep: -1 all, 0 none. */
int64_t prof_recent_max(void);
void prof_recent_set_max(int64_t max);

/* A sampled allocation. Returns its number; 0: there is no record. */
uint64_t prof_recent_add(const prof_moment_t *m, uint64_t requested,
                         uint64_t usable);
/* It never became one. */
void prof_recent_void(uint64_t number);
/* It is freed; `m` NULL: it is not known by whom. `is_nested` as in
 * prof_table.h: then it can remain unnoticed. */
void prof_recent_release(uint64_t number, const prof_moment_t *m,
                         bool is_nested);

/* Forget all records. */
void prof_recent_reset(void);

/* Write all of them as JSON, the oldest first. errors: false, no memory. */
JE_NODISCARD bool prof_recent_dump(emit_write_t *write, void *opaque);

os_mutex_t *prof_recent_mutex(void);
void prof_recent_fork_child(void);
bool prof_recent_is_valid(void);

#endif
