/* Robust statistics against values worked out by hand. */
#include "base/macros.h"

#include "analyse/trend.h"

#include "t/util.h"

#include <math.h>

static void
near(double got, double wanted)
{
    ck_assert_msg(fabs(got - wanted) <= 1e-9, "got %.12g, wanted %.12g", got,
                  wanted);
}

START_TEST(test_median_of_odd_even_none)
{
    double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};

    near(trend_median(odd, 3), 5);
    near(trend_median(even, 4), 2.5);
    near(trend_median(even, 0), 0);
}

END_TEST

/* Distances from 3 are 2 1 0 1 97: their median is 1. */
START_TEST(test_deviation_ignores_one_far_value)
{
    double values[] = {1, 2, 3, 4, 100};

    near(trend_deviation(values, 5, 3), 1.482602);
}

END_TEST

/* Slopes between all pairs of (0,0) (1,2) (2,3) (4,100): 2 1.5 25 1 98/3 97/2;
 * sorted 1 1.5 2 25 32.67 48.5, so the median is 13.5. */
START_TEST(test_fit_is_median_of_pair_slopes)
{
    const double x[] = {0, 1, 2, 4}, y[] = {0, 2, 3, 100};
    struct trend_line line;

    ck_assert(trend_fit(x, y, 4, &line));
    near(line.slope, 13.5);
    ck_assert(!line.has_interval);
}

END_TEST

/* One wild value of nine does not bend a line of slope 3. */
START_TEST(test_fit_resists_one_wild_value)
{
    double x[9], y[9];
    struct trend_line line;

    for (int i = 0; i < 9; i++) {
        x[i] = i;
        y[i] = 7 + 3 * i;
    }
    y[4] = 1e6;
    ck_assert(trend_fit(x, y, 9, &line));
    near(line.slope, 3);
    ck_assert(line.has_interval);
    ck_assert(line.low > 0);
}

END_TEST

/* Five points: n(n-1)(2n+5)/18 = 16.67, 1.96 times its root is 8.002, of 10
 * slopes: ranks 0.999 and 9.001, so the interval is all of them. */
START_TEST(test_fit_interval_of_five_is_all_slopes)
{
    const double x[] = {0, 1, 2, 3, 4}, y[] = {0, 1, 3, 6, 10};
    struct trend_line line;

    ck_assert(trend_fit(x, y, 5, &line));
    near(line.slope, 2.5);
    near(line.low, 1);
    near(line.high, 4);
}

END_TEST

/* Ten points on y = x but for two swapped ones: 45 slopes; variance
 * 10 * 9 * 25 / 18 = 125, 1.96 times its root 21.91: ranks 11.54 and 33.46.
 * All slopes there are 1, but for those of the swapped points. */
START_TEST(test_fit_interval_narrows)
{
    double x[10], y[10];
    struct trend_line line;

    for (int i = 0; i < 10; i++)
        x[i] = y[i] = i;
    y[4] = 5;
    y[5] = 4;
    ck_assert(trend_fit(x, y, 10, &line));
    near(line.slope, 1);
    near(line.low, 1);
    near(line.high, 1);
}

END_TEST

/* The same of y = x^3, whose slopes are x^2 + xz + z^2: sorted, and counted
 * from 1, the 23rd is 67, the ends are the 11th from below and from above. */
START_TEST(test_fit_interval_is_by_rank)
{
    double x[10], y[10];
    struct trend_line line;

    for (int i = 0; i < 10; i++) {
        x[i] = i;
        y[i] = i * i * i;
    }
    ck_assert(trend_fit(x, y, 10, &line));
    near(line.slope, 67);
    near(line.low, 31);
    near(line.high, 112);
}

END_TEST

START_TEST(test_fit_of_noise_includes_zero)
{
    const double x[] = {0, 1, 2, 3, 4, 5}, y[] = {5, 3, 6, 2, 7, 4};
    struct trend_line line;

    ck_assert(trend_fit(x, y, 6, &line));
    ck_assert(line.has_interval);
    ck_assert(line.low < 0 && line.high > 0);
}

END_TEST

START_TEST(test_fit_of_too_few_is_flat)
{
    const double x[] = {2, 2}, y[] = {1, 9};
    struct trend_line line;

    ck_assert(trend_fit(x, y, 1, &line));
    near(line.slope, 0);
    ck_assert(trend_fit(x, y, 2, &line));
    near(line.slope, 0);
}

END_TEST

START_TEST(test_fit_of_two_is_their_slope)
{
    const double x[] = {1, 3}, y[] = {1, 11};
    struct trend_line line;

    ck_assert(trend_fit(x, y, 2, &line));
    near(line.slope, 5);
    ck_assert(!line.has_interval);
}

END_TEST

START_TEST(test_fit_of_one_time_has_no_interval)
{
    const double x[] = {1, 1, 1, 1, 1}, y[] = {1, 2, 3, 4, 5};
    struct trend_line line;

    ck_assert(trend_fit(x, y, 5, &line));
    near(line.slope, 0);
    ck_assert(!line.has_interval);
}

END_TEST

/* More points than are paired: the ends stay, the slope is the same. */
START_TEST(test_fit_thins_many_points)
{
    enum { MANY = 4 * TREND_POINTS_MAX };

    static double x[MANY], y[MANY];
    struct trend_line line;

    for (int i = 0; i < MANY; i++) {
        x[i] = i;
        y[i] = 2.0 * i;
    }
    ck_assert(trend_fit(x, y, MANY, &line));
    near(line.slope, 2);
}

END_TEST

/* Of twice as many less one, every other one is taken: what lies between is
 * not seen, however far from the line it is. */
START_TEST(test_fit_takes_so_many_points_evenly)
{
    enum { MANY = 2 * TREND_POINTS_MAX - 1 };

    static double x[MANY], y[MANY];
    struct trend_line line;

    for (int i = 0; i < MANY; i++) {
        x[i] = i;
        y[i] = i % 2 == 0 ? 2.0 * i : 1e6;
    }
    ck_assert(trend_fit(x, y, MANY, &line));
    near(line.slope, 2);
    near(line.low, 2);
    near(line.high, 2);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("trend");
    TCase *tcase = tcase_create("trend");

    tcase_add_test(tcase, test_median_of_odd_even_none);
    tcase_add_test(tcase, test_deviation_ignores_one_far_value);
    tcase_add_test(tcase, test_fit_is_median_of_pair_slopes);
    tcase_add_test(tcase, test_fit_resists_one_wild_value);
    tcase_add_test(tcase, test_fit_interval_of_five_is_all_slopes);
    tcase_add_test(tcase, test_fit_interval_narrows);
    tcase_add_test(tcase, test_fit_interval_is_by_rank);
    tcase_add_test(tcase, test_fit_of_noise_includes_zero);
    tcase_add_test(tcase, test_fit_of_too_few_is_flat);
    tcase_add_test(tcase, test_fit_of_two_is_their_slope);
    tcase_add_test(tcase, test_fit_of_one_time_has_no_interval);
    tcase_add_test(tcase, test_fit_thins_many_points);
    tcase_add_test(tcase, test_fit_takes_so_many_points_evenly);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
