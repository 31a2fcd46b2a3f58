/* Quantiles of the distributions behind a sampled count.
 *
 * Pure arithmetic without state: it knows nothing of stacks or dumps, so that
 * a test can hold it against simulated programs.  analyse/unbias.c is its only
 * caller outside the tests. */
#ifndef JE_ANALYSE_INTERVAL_H
#define JE_ANALYSE_INTERVAL_H

#include "base/macros.h"

#include <stdint.h>

/* What is not known about a weighted count: the part that was not sampled, as
 * its mean and variance, under the lower and the upper confidence
 * distribution. */
struct interval_unseen {
    double mean_low, var_low,
        zero_low; /* zero: chance that nothing is unseen */
    double mean_high, var_high, zero_high;
};

struct interval {
    double low, high;
};

/* Regularised lower incomplete gamma function: P(X <= x), X ~ Gamma(shape, 1).
 * A shape of 0 is the constant 0. */
double interval_gamma_cdf(double shape, double x);

/* P(at least `n` of `total` independent draws of probability `p` succeed). */
double interval_binomial_tail(double total, double n, double p);

/* 95 % mid-P interval for how many draws there were when `n` of them, each
 * of probability `p`, succeeded.  Whole numbers; low >= n.
 * pre: 0 < p <= 1, n >= 1. */
struct interval interval_draws(uint64_t n, double p);

/* 95 % mid-P interval for the unseen part, by matched gamma distributions. */
struct interval interval_unseen(const struct interval_unseen *unseen);

#endif
