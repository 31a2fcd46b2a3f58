/*
 * Time in nanoseconds. Monotonic, since an arbitrary point; never fails.
 */
#ifndef JE_OS_CLOCK_H
#define JE_OS_CLOCK_H

#include "base/macros.h"

#include <stdint.h>

uint64_t os_clock_ns(void);
/* As above at tick resolution (1 to 10 ms), several times cheaper. */
uint64_t os_clock_coarse_ns(void);
/* Since 1970, CLOCK_REALTIME. */
uint64_t os_clock_wall_ns(void);

#endif
