/*
 * Helpers for unit tests: run a suite, random numbers that can be repeated.
 *
 * The seed is fixed unless JE_SEED is set; a test that fails prints it.
 */
#ifndef JE_T_UTIL_H
#define JE_T_UTIL_H

#include "base/macros.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Check writes to a file after each assertion that holds, to say of a crash
 * after which one it was. A test that makes a million of them does little else;
 * a debugger says it too. */
#define _mark_point(file, line) ((void)0)

/* The main() of a unit test. Output and forking follow Check's environment
 * variables: CK_FORK=no for a debugger. */
static inline int
util_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline uint64_t
util_seed(void)
{
    const char *text = getenv("JE_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 20260101;
    printf("# JE_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* splitmix64: any seed is as good as another, and a state is one number. */
static inline uint64_t
util_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number below `limit`, which is small against 2^64. */
static inline uint64_t
util_random_below(uint64_t *state, uint64_t limit)
{
    return util_random(state) % limit;
}

#endif
