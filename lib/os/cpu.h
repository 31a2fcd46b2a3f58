/*
 * How many processors this process may really use.
 */
#ifndef JE_OS_CPU_H
#define JE_OS_CPU_H

#include "base/macros.h"

/* The smaller of the affinity mask and the cgroup's CPU quota (v2 and v1),
 * rounded up; at least 1. Raw system calls only. */
unsigned os_cpu_count(void);

#endif
