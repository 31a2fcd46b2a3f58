/*
 * The log of freed samples: the option prof_log and prof.log_start, log_stop.
 *
 * While it is on, each sampled object that is freed becomes an event: who
 * allocated and who freed it, where, and when. Events are kept in memory, which
 * counts as that of the tables of samples, and written when the log ends, by
 * prof.log_stop or with the process. A forked child has none.
 *
 * invariant: the threads and stacks of an event are numbers below those of the
 * log's threads and of all interned stacks; an event that would not fit is
 * dropped and counted.
 */
#ifndef JE_ALLOC_PROF_LOG_H
#define JE_ALLOC_PROF_LOG_H

#include "alloc/prof_recent.h"
#include "alloc/prof_table.h"
#include "base/atomic.h"

/* Read without the lock: what comes at the same time as the start or the end is
 * in or not. */
extern bool prof_log_is_on;

void prof_log_boot(void);

/* Begin; into `path`, or into <prefix>.<pid>.<number>.json if that is NULL.
 * Returns an errno; EBUSY: there is one. */
int prof_log_start(const char *path);
/* End it and write the file. A failure is said on stderr. Returns an errno;
 * EINVAL: there is none. */
int prof_log_stop(void);

/* A thread takes a sample: what its name is. */
void prof_log_thread(const prof_moment_t *m);
/* A sampled object is freed. */
void prof_log_free(const prof_sample_t *gone, const prof_moment_t *m);

void prof_log_fork_child(void);

#endif
