/*
 * Helpers of the stress programs: TAP, failures that name the seed, and the
 * sum of the allocator's counters at rest.
 */
#ifndef JE_T_STRESS_H
#define JE_T_STRESS_H

#include "base/macros.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/bin.h"
#include "alloc/conf.h"
#include "alloc/sz.h"
#include "alloc/tcache.h"
#include "alloc/tsd.h"

/* With these sanitizers libc's malloc is theirs, and ends the program when it
 * finds no memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define STRESS_SANITIZED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define STRESS_SANITIZED 1
#    endif
#endif
#ifndef STRESS_SANITIZED
#    define STRESS_SANITIZED 0
#endif

static unsigned stress_ntests;
static pid_t stress_pid;

__attribute__((constructor)) static void
stress_start(void)
{
    stress_pid = getpid();
}

JE_PRINTF(1, 2)

static inline void
stress_ok(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("ok %u - ", ++stress_ntests);
    (void)vprintf(fmt, ap);
    printf("\n");
    (void)fflush(stdout);
    va_end(ap);
}

static inline int
stress_done(void)
{
    printf("1..%u\n", stress_ntests);
    return 0;
}

/* End the program as a failed test. A child says why on stderr; the parent
 * counts it when it sees the status. */
JE_NORETURN JE_PRINTF(3, 4) static inline void stress_fail(const char *file,
                                                           int line,
                                                           const char *fmt, ...)
{
    va_list ap;
    char text[512];
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (getpid() != stress_pid) {
        (void)dprintf(STDERR_FILENO, "# child: %s:%d: %s\n", file, line, text);
    } else {
        stress_ntests++;
        (void)dprintf(STDOUT_FILENO, "not ok %u - %s:%d: %s\n1..%u\n",
                      stress_ntests, file, line, text, stress_ntests);
    }
    _exit(1);
}

#define stress_check(cond)                                                     \
    do {                                                                       \
        if (!(cond)) {                                                         \
            stress_fail(__FILE__, __LINE__, "%s", #cond);                      \
        }                                                                      \
    } while (0)

#define stress_check_eq(a, b)                                                  \
    do {                                                                       \
        uint64_t stress_a_ = (uint64_t)(a), stress_b_ = (uint64_t)(b);         \
        if (stress_a_ != stress_b_) {                                          \
            stress_fail(__FILE__, __LINE__, "%s (%llu) == %s (%llu)", #a,      \
                        (unsigned long long)stress_a_, #b,                     \
                        (unsigned long long)stress_b_);                        \
        }                                                                      \
    } while (0)

/* splitmix64 */
static inline uint64_t
stress_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t
stress_below(uint64_t *state, uint64_t limit)
{
    return stress_random(state) % limit;
}

/* What all arenas say, while nobody else runs and no cache holds anything. */
typedef struct stress_totals {
    uint64_t live_bytes;
    uint64_t live_objects;
    uint64_t nrequests;
    size_t active_bytes;   /* as the page layer counts */
    size_t expected_bytes; /* pages of large objects and of slabs, but gaps */
} stress_totals_t;

static inline void
stress_sum_arena(stress_totals_t *t, arena_t *arena)
{
    size_t pad = conf.cache_oblivious ? OS_PAGE : 0;
    t->active_bytes += arena->pac.nactive << OS_LG_PAGE;
    for (unsigned i = 0; i < arena_nbins(); i++) {
        const bin_t *bin = arena_nth_bin(arena, i);
        const bin_stats_t *s = &bin->stats;
        t->live_objects += s->nmalloc - s->ndalloc;
        t->live_bytes += (s->nmalloc - s->ndalloc) * sz_size(bin->szind);
        t->nrequests += s->nrequests;
        t->expected_bytes += s->curslabs * bin_infos[bin->szind].slab_size;
    }
    t->expected_bytes -= arena->pac.ngaps << OS_LG_PAGE;
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        const large_stats_t *s = &arena->large[i];
        uint64_t live = s->nmalloc - s->ndalloc;
        t->live_objects += live;
        t->live_bytes += live * sz_size(SC_NBINS + i);
        t->nrequests += s->nrequests;
        t->expected_bytes += live * (sz_size(SC_NBINS + i) + pad);
    }
}

/* Check every arena and add up; the caller's own cache is emptied first. */
static inline stress_totals_t
stress_sum(void)
{
    stress_totals_t t = {0};
    tsd_t *tsd = tsd_current;
    if (tsd != &tsd_none) {
        tcache_flush(tsd);
        for (unsigned i = 0; i < SC_NCACHED_MAX; i++) {
            t.nrequests += tcache_nrequests(tsd, i);
        }
    }
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = arena_get(i);
        if (arena != NULL) {
            stress_check(arena_is_valid(arena));
            stress_sum_arena(&t, arena);
        }
    }
    return t;
}

#endif
