/*
 * Statistics every so many allocated bytes, of all threads together.
 *
 * Each thread reports what it has allocated in pieces of 1/64 of the interval,
 * by the same counter that makes its other rare events due. Whose report
 * completes an interval prints, once it has left the allocator: no lock is held
 * and its state is whole.
 */
#ifndef JE_ALLOC_STATS_INTERVAL_H
#define JE_ALLOC_STATS_INTERVAL_H

#include "alloc/tsd.h"

/* Before the first thread state is made. */
void stats_interval_boot(void);

/* Bytes that a thread may keep to itself; UINT64_MAX: all. */
uint64_t stats_interval_piece(void);

/* Set when the thread has to report next, from its `allocated` on. */
void stats_interval_start(tsd_t *tsd);

/* The thread's report: sets tsd->is_stats_due. */
void stats_interval_report(tsd_t *tsd);

/* Print what is due, unless somebody else is printing: then later. */
JE_COLD void stats_interval_print(tsd_t *tsd);

void stats_interval_fork_child(void);

#endif
