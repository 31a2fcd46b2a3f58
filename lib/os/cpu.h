/*
 * How many processors this process may really use.
 */
#ifndef JE_OS_CPU_H
#define JE_OS_CPU_H

#include "base/macros.h"

/* The smaller of the affinity mask and the cgroup's CPU quota (v2 and v1),
 * rounded up; at least 1. Raw system calls only. */
unsigned os_cpu_count(void);

/* One more than the highest number that a processor can have; 0: unknown. */
unsigned os_cpu_limit(void);

/* The processor that this thread runs on, or did a moment ago. */
unsigned os_cpu_current(void);

#endif
