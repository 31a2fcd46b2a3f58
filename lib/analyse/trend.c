/* Statistics that single odd values do not bend.
 *
 * source: Sen, "Estimates of the regression coefficient based on Kendall's
 * tau", 1968, for the slope and for its interval, whose ends are slopes at
 * ranks that follow from the variance of Kendall's statistic. */
#include "analyse/trend.h"

#include <math.h>
#include <stdlib.h>

#define Z95 1.959964 /* standard deviations on each side of 95 % */

/* Of a normal distribution, by its median absolute deviation. */
#define DEVIATIONS_PER_MAD 1.482602

static int
value_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
middle(const double *sorted, size_t count)
{
    if (count == 0)
        return 0.0;
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2.0;
}

double
trend_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), value_order);
    return middle(values, count);
}

double
trend_deviation(double *values, size_t count, double median)
{
    for (size_t i = 0; i < count; i++)
        values[i] = fabs(values[i] - median);
    return trend_median(values, count) * DEVIATIONS_PER_MAD;
}

/* The rank, from 0, cut to what there is. */
static size_t
rank(double at, size_t count)
{
    if (at < 0.0)
        return 0;
    return at < (double)count ? (size_t)at : count - 1;
}

static void
interval(struct trend_line *line, const double *slopes, size_t count, size_t n)
{
    double points = (double)n;
    double spread =
        Z95 * sqrt(points * (points - 1.0) * (2.0 * points + 5.0) / 18.0);

    line->low = slopes[rank(floor(((double)count - spread) / 2.0) - 1, count)];
    line->high = slopes[rank(ceil(((double)count + spread) / 2.0), count)];
    line->has_interval = true;
}

bool
trend_fit(const double *x, const double *y, size_t count,
          struct trend_line *line)
{
    size_t n = count < TREND_POINTS_MAX ? count : TREND_POINTS_MAX, pairs = 0;
    double *slopes;

    *line = (struct trend_line){0};
    if (n < 2)
        return true;
    slopes = malloc(n * (n - 1) / 2 * sizeof(*slopes));
    if (slopes == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t a = i * (count - 1) / (n - 1);

        for (size_t j = i + 1; j < n; j++) {
            size_t b = j * (count - 1) / (n - 1);

            if (x[a] != x[b])
                slopes[pairs++] = (y[b] - y[a]) / (x[b] - x[a]);
        }
    }
    line->slope = trend_median(slopes, pairs);
    if (n >= TREND_INTERVAL_MIN && pairs > 0)
        interval(line, slopes, pairs, n);
    free(slopes);
    return true;
}
