/*
 * Clocks: see clock.h.
 */
#include "os/clock.h"

#include <time.h>

#include "base/macros.h"

static uint64_t
clock_read(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0) {
        return 0;
    }
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t
os_clock_ns(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

uint64_t
os_clock_coarse_ns(void)
{
    return clock_read(CLOCK_MONOTONIC_COARSE);
}

uint64_t
os_clock_wall_ns(void)
{
    return clock_read(CLOCK_REALTIME);
}
