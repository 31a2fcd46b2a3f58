/*
 * Natural logarithm without libm, which a preloaded object must not pull into
 * every program. For the sampling distance; normal positive arguments only.
 */
#ifndef JE_ALLOC_PROF_LN_H
#define JE_ALLOC_PROF_LN_H

#include "base/macros.h"

#include <stdint.h>
#include <string.h>

/* x = m * 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh((m - 1)/(m + 1)),
 * whose argument s is at most 0.1716. Five terms are short by less than
 * 2 s^11/11 / (1 - s^2) = 8e-10: of a mean of 512 KiB that is 1/2400 byte. */
static inline double
prof_ln(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    int e = (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
    double m;
    memcpy(&m, &bits, sizeof(m));
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1) / (m + 1);
    double s2 = s * s;
    double sum = 0;
    JE_UNROLL
    for (int k = 9; k >= 1; k -= 2) {
        sum = sum * s2 + 1.0 / k;
    }
    return (double)e * 0.6931471805599453 + 2 * s * sum;
}

#endif
