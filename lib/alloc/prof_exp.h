/*
 * The chance that an object is sampled, without libm: see prof_ln.h for why.
 */
#ifndef JE_ALLOC_PROF_EXP_H
#define JE_ALLOC_PROF_EXP_H

#include "base/macros.h"

/* 1 - e^-x for x >= 0. Below 2^-7 the series is exact to the last bit but one;
 * e^-x = (e^-(x/2))^2 brings larger arguments there, and
 * 1 - (1 - y)^2 = y (2 - y) loses nothing on the way back. */
static inline double
prof_chance(double x)
{
    unsigned halvings = 0;
    if (!(x < 50)) {
        return 1; /* to 2^-53 */
    }
    for (; x > 0x1p-7; x /= 2) {
        halvings++;
    }
    double sum = 0, term = x;
    for (int k = 2; k <= 9; k++) {
        sum += term;
        term *= -x / k;
    }
    for (; halvings > 0; halvings--) {
        sum *= 2 - sum;
    }
    return sum;
}

#endif
