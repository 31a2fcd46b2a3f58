/* Statistics that single odd values do not bend: the slope of Theil and Sen,
 * the median and the median absolute deviation. */
#ifndef JE_ANALYSE_TREND_H
#define JE_ANALYSE_TREND_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* More points than this are thinned out evenly: the pairs grow with their
 * square. */
#define TREND_POINTS_MAX 512

/* Fewer points have no interval: any order of four is too likely by chance. */
#define TREND_INTERVAL_MIN 5

struct trend_line {
    double slope;
    double low, high; /* 95 %; only if has_interval */
    bool has_interval;
};

/* Fit a line to (x[i], y[i]); all zero if no two x differ.  False: out of
 * memory. */
bool trend_fit(const double *x, const double *y, size_t count,
               struct trend_line *line) __attribute__((warn_unused_result));

/* Of `count` values, which are sorted by it; 0 of none. */
double trend_median(double *values, size_t count);

/* What a standard deviation would be if the values were normal, from the median
 * of the distances to `median`; `values` are overwritten. */
double trend_deviation(double *values, size_t count, double median);

#endif
