/*
 * What is fuzzed: a table of targets, which libFuzzer drives (fuzz.c) and the
 * tests replay (replay.c).
 */
#ifndef JE_T_FUZZ_FUZZ_H
#define JE_T_FUZZ_FUZZ_H

#include "base/macros.h"

#include <stddef.h>

/* One input. What does not hold ends the program by fuzz_fail(). */
typedef void (*fuzz_one_t)(const char *data, size_t size);

/* Each has seeds in corpus/<name>/ and words in <name>.dict. */
struct fuzz_target {
    const char *name;
    fuzz_one_t one;
};

extern const struct fuzz_target fuzz_targets[];
extern const unsigned fuzz_target_count;

/* NULL = there is none of that name. */
const struct fuzz_target *fuzz_find(const char *name);

JE_NORETURN void fuzz_fail(const char *fmt, ...) JE_PRINTF(1, 2);

/* fuzz_options.c and fuzz_check.c */
void fuzz_options(const char *data, size_t size);
void fuzz_check(const char *data, size_t size);

#endif
