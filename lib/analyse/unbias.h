/* From sampled allocations to what the program really holds.
 *
 * An allocation of x bytes is sampled with the chance p = 1 - exp(-x/R), R the
 * mean distance between samples in bytes.  Each size class of a stack is
 * therefore corrected on its own and summed afterwards; correcting a mean size
 * would be biased, because p is not linear in x. */
#ifndef JE_ANALYSE_UNBIAS_H
#define JE_ANALYSE_UNBIAS_H

#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

/* Samples of one size taken at one rate. */
struct unbias_class {
    uint64_t samples;
    uint64_t size; /* bytes an object */
    uint64_t rate; /* bytes between samples; 0: every allocation is sampled */
};

struct unbias_estimate {
    uint64_t samples;
    double bytes, bytes_low, bytes_high;       /* 95 % */
    double objects, objects_low, objects_high; /* 95 % */
};

/* Probability that an allocation of `size` bytes is sampled. */
double unbias_probability(uint64_t size, uint64_t rate);

/* Estimate what all `count` classes stand for together.  Classes of equal
 * size and rate must be merged by the caller.  Classes without samples are
 * allowed and add nothing. */
void unbias_sum(const struct unbias_class *classes, size_t count,
                struct unbias_estimate *out);

#endif
