/* Quantiles against values computed by direct summation elsewhere. */
#include "base/macros.h"

#include "analyse/interval.h"

#include "t/util.h"

#include <math.h>

static void
near(double got, double wanted, double tolerance)
{
    ck_assert_msg(fabs(got - wanted) <= tolerance, "got %.9g, wanted %.9g", got,
                  wanted);
}

/* P(Gamma(k, 1) <= x) for whole k is P(Poisson(x) >= k). */
START_TEST(test_gamma_whole_shape_is_poisson_tail)
{
    static const struct {
        int k;
        double x;
    } cases[] = {{1, 0.5},  {1, 3.0},   {5, 1.6},
                 {5, 11.7}, {30, 20.2}, {150, 160}};

    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        double term = exp(-cases[i].x), below = 0.0;

        for (int k = 0; k < cases[i].k; k++) {
            below += term;
            term *= cases[i].x / (k + 1);
        }
        near(interval_gamma_cdf(cases[i].k, cases[i].x), 1.0 - below, 1e-9);
    }
}

END_TEST

START_TEST(test_gamma_half_shape_is_error_function)
{
    near(interval_gamma_cdf(0.5, 0.25), erf(0.5), 1e-9);
    near(interval_gamma_cdf(0.5, 4.0), erf(2.0), 1e-9);
}

END_TEST

START_TEST(test_gamma_large_shape_joins_small)
{
    for (double z = -2.5; z <= 2.5; z += 0.5) {
        double below = interval_gamma_cdf(199.9, 199.9 + z * sqrt(199.9));
        double above = interval_gamma_cdf(200.1, 200.1 + z * sqrt(200.1));

        near(above, below, 1e-3);
    }
}

END_TEST

START_TEST(test_gamma_edges)
{
    near(interval_gamma_cdf(2.0, 0.0), 0.0, 0.0);
    near(interval_gamma_cdf(0.0, 0.0), 1.0, 0.0);
    near(interval_gamma_cdf(0.0, 1.0), 1.0, 0.0);
}

END_TEST

START_TEST(test_binomial_tail_is_sum)
{
    double p = 0.3, sum = 0.0;

    for (int k = 4; k <= 10; k++)
        sum += exp(lgamma(11) - lgamma(k + 1) - lgamma(11 - k) + k * log(p) +
                   (10 - k) * log1p(-p));
    near(interval_binomial_tail(10, 4, p), sum, 1e-9);
    near(interval_binomial_tail(10, 0, p), 1.0, 0.0);
    near(interval_binomial_tail(10, 11, p), 0.0, 0.0);
    near(interval_binomial_tail(10, 10, p), pow(p, 10), 1e-12);
}

END_TEST

/* Exact mid-P limits by summing binomial probabilities in another program. */
START_TEST(test_draws_have_exact_limits)
{
    static const struct {
        uint64_t n;
        double p, low, high;
    } cases[] = {{1, 0.9, 1, 2},
                 {1, 0.5, 1, 7},
                 {5, 0.1, 20, 107},
                 {29, 0.5, 45, 75},
                 {200, 0.3, 594, 747}};

    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        struct interval d = interval_draws(cases[i].n, cases[i].p);

        near(d.low, cases[i].low, 0.0);
        near(d.high, cases[i].high, 0.0);
    }
}

END_TEST

START_TEST(test_draws_of_small_chance_are_poisson)
{
    static const struct {
        uint64_t n;
        double p, low, high;
    } cases[] = {{5, 0.01, 185, 1105},
                 {10, 0.001, 5082, 17820},
                 {25, 0.007782061739756437, 2130, 4666},
                 {100, 0.007782061739756437, 10520, 15551},
                 {3, 0.00012, 6360, 68034}};

    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        struct interval d = interval_draws(cases[i].n, cases[i].p);

        near(d.low, cases[i].low, 0.005 * cases[i].low);
        near(d.high, cases[i].high, 0.005 * cases[i].high);
    }
}

END_TEST

START_TEST(test_draws_that_are_certain_are_exact)
{
    struct interval d = interval_draws(7, 1.0);

    near(d.low, 7, 0.0);
    near(d.high, 7, 0.0);
    d = interval_draws(1, 0.9997);
    near(d.low, 1, 0.0);
    near(d.high, 1, 0.0);
}

END_TEST

START_TEST(test_draws_never_fewer_than_seen)
{
    for (uint64_t n = 1; n < 2000; n = n * 3 + 1) {
        for (double p = 1e-6; p < 1.0; p *= 3.7) {
            struct interval d = interval_draws(n, p);

            ck_assert(d.low >= (double)n);
            ck_assert(d.high >= d.low);
            ck_assert(d.low <= ceil((double)n / p));
            ck_assert(d.high >= floor((double)n / p));
        }
    }
}

END_TEST

/* The chance that nothing is unseen counts half from each distribution: where
 * the mean of both is 2.5 % or more, the limit is nothing; below, it is not. */
START_TEST(test_unseen_may_be_nothing)
{
    struct interval_unseen unseen = {.mean_low = 5.0,
                                     .var_low = 5.0,
                                     .zero_low = 0.04,
                                     .mean_high = 6.0,
                                     .var_high = 6.0,
                                     .zero_high = 0.01};

    near(interval_unseen(&unseen).low, 0.0, 0.0);
    unseen.zero_high = 0.0099;
    ck_assert(interval_unseen(&unseen).low > 0.5);
    ck_assert(interval_unseen(&unseen).high > 6.0);
    unseen.zero_low = 1.0;
    unseen.zero_high = 0.95;
    near(interval_unseen(&unseen).high, 0.0, 0.0);
    unseen.zero_high = 0.94;
    ck_assert(interval_unseen(&unseen).high > 6.0);
}

END_TEST

/* Little is not nothing. */
START_TEST(test_unseen_of_a_small_mean)
{
    struct interval_unseen unseen = {.mean_low = 0.1,
                                     .var_low = 0.1,
                                     .zero_low = 0.5,
                                     .mean_high = 0.2,
                                     .var_high = 0.2,
                                     .zero_high = 0.5};

    ck_assert(interval_unseen(&unseen).high > 0.2);
    near(interval_unseen(&unseen).low, 0.0, 0.0);
    unseen.mean_high = 0.0;
    near(interval_unseen(&unseen).high, 0.0, 0.0);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("interval");
    TCase *tcase = tcase_create("interval");

    tcase_add_test(tcase, test_gamma_whole_shape_is_poisson_tail);
    tcase_add_test(tcase, test_gamma_half_shape_is_error_function);
    tcase_add_test(tcase, test_gamma_large_shape_joins_small);
    tcase_add_test(tcase, test_gamma_edges);
    tcase_add_test(tcase, test_binomial_tail_is_sum);
    tcase_add_test(tcase, test_draws_have_exact_limits);
    tcase_add_test(tcase, test_draws_of_small_chance_are_poisson);
    tcase_add_test(tcase, test_draws_that_are_certain_are_exact);
    tcase_add_test(tcase, test_draws_never_fewer_than_seen);
    tcase_add_test(tcase, test_unseen_may_be_nothing);
    tcase_add_test(tcase, test_unseen_of_a_small_mean);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
