/* Estimates and intervals against simulated programs of known size.
 *
 * Each allocation of x bytes is sampled with the chance 1 - exp(-x/R).  The
 * printed 95 % intervals must cover the truth in 94 to 98.5 % of the cases,
 * pooled over sites, and be as wide as theory says:
 * 2 * 1.96 * sqrt(N * (1 - p) / p). */
#include "base/macros.h"

#include "analyse/unbias.h"

#include "t/util.h"

#include <math.h>

#define RATE      524288
#define CLASSES   3
#define TWO_SIGMA (2.0 * 1.959964)

/* A site that allocates `total` objects of `size` bytes and frees all but
 * `live` of them, in up to three sizes. */
struct program {
    const char *name;

    struct {
        uint64_t size, live, total;
    } classes[CLASSES];
};

/* What came out of many runs of one program. */
struct tally {
    unsigned shown, covered;
    double width, estimate;
};

static double
uniform(uint64_t *seed)
{
    return ((double)(util_random(seed) >> 11) + 0.5) / 9007199254740992.0;
}

/* How many of `count` allocations are sampled: skip from one to the next. */
static uint64_t
sampled(uint64_t *seed, uint64_t count, double p)
{
    uint64_t n = 0;
    double at = 0.0;

    if (p >= 1.0)
        return count;
    for (;;) {
        at += 1.0 + floor(log(uniform(seed)) / log1p(-p));
        if (at > (double)count)
            return n;
        n++;
    }
}

static void
tally_add(struct tally *tally, double low, double value, double high,
          double truth)
{
    tally->shown++;
    tally->covered += low <= truth && truth <= high;
    tally->width += high - low;
    tally->estimate += value;
}

enum { LIVE_BYTES, LIVE_OBJECTS, TOTAL_BYTES, TOTAL_OBJECTS, FIGURES };

static const char *const figure_names[] = {"live bytes", "live objects",
                                           "total bytes", "total objects"};

static void
truth_of(const struct program *program, double truth[FIGURES],
         double theory[FIGURES])
{
    for (unsigned i = 0; i < FIGURES; i++)
        truth[i] = theory[i] = 0.0;
    for (unsigned c = 0; c < CLASSES; c++) {
        double size = (double)program->classes[c].size;
        double live = (double)program->classes[c].live;
        double total = (double)program->classes[c].total;
        double p, unit;

        if (size == 0.0)
            continue;
        p = 1.0 - exp(-size / RATE);
        unit = (1.0 - p) / p;
        truth[LIVE_OBJECTS] += live;
        truth[LIVE_BYTES] += live * size;
        truth[TOTAL_OBJECTS] += total;
        truth[TOTAL_BYTES] += total * size;
        theory[LIVE_OBJECTS] += live * unit;
        theory[LIVE_BYTES] += live * unit * size * size;
        theory[TOTAL_OBJECTS] += total * unit;
        theory[TOTAL_BYTES] += total * unit * size * size;
    }
    for (unsigned i = 0; i < FIGURES; i++)
        theory[i] = TWO_SIGMA * sqrt(theory[i]);
}

/* Run a program once.  A site without samples is not printed. */
static void
run_once(const struct program *program, uint64_t *seed,
         const double truth[FIGURES], struct tally tally[FIGURES])
{
    struct unbias_class live[CLASSES], total[CLASSES];
    struct unbias_estimate e;
    unsigned count = 0;

    for (unsigned c = 0; c < CLASSES; c++) {
        uint64_t size = program->classes[c].size;
        double p = 1.0 - exp(-(double)size / RATE);

        if (size == 0)
            continue;
        live[count] = total[count] = (struct unbias_class){0, size, RATE};
        live[count].samples = sampled(seed, program->classes[c].live, p);
        total[count].samples =
            live[count].samples +
            sampled(seed, program->classes[c].total - program->classes[c].live,
                    p);
        count++;
    }
    unbias_sum(live, count, &e);
    if (e.samples > 0) {
        tally_add(&tally[LIVE_BYTES], e.bytes_low, e.bytes, e.bytes_high,
                  truth[LIVE_BYTES]);
        tally_add(&tally[LIVE_OBJECTS], e.objects_low, e.objects,
                  e.objects_high, truth[LIVE_OBJECTS]);
    }
    unbias_sum(total, count, &e);
    if (e.samples > 0) {
        tally_add(&tally[TOTAL_BYTES], e.bytes_low, e.bytes, e.bytes_high,
                  truth[TOTAL_BYTES]);
        tally_add(&tally[TOTAL_OBJECTS], e.objects_low, e.objects,
                  e.objects_high, truth[TOTAL_OBJECTS]);
    }
}

/* Live: 5, 25 and 200 expected samples, and one object above the interval. */
static const struct program single_class[] = {
    {"5 samples of 64 bytes", {{64, 40960, 122880}}},
    {"5 samples of 4 KiB", {{4096, 640, 960}}},
    {"25 samples of 64 bytes", {{64, 204800, 409600}}},
    {"25 samples of 4 KiB", {{4096, 3200, 6400}}},
    {"200 samples of 64 bytes", {{64, 1638400, 2000000}}},
    {"200 samples of 4 KiB", {{4096, 25600, 51200}}},
    {"one of 1 MiB", {{1048576, 1, 1}}},
    {"one of 4 MiB", {{4194304, 1, 1}}},
};

START_TEST(test_single_class_covers_and_is_as_wide_as_theory)
{
    uint64_t seed = util_seed();
    struct tally pooled[FIGURES] = {{0}};
    double theory_pooled[FIGURES] = {0.0};

    for (size_t i = 0; i < JE_ARRAY_LEN(single_class); i++) {
        struct tally tally[FIGURES] = {{0}};
        double truth[FIGURES], theory[FIGURES];

        truth_of(&single_class[i], truth, theory);
        for (unsigned run = 0; run < 1000; run++)
            run_once(&single_class[i], &seed, truth, tally);
        for (unsigned f = 0; f < FIGURES; f++) {
            double width = tally[f].width / tally[f].shown / theory[f];

            printf("# %-24s %-13s covered %.3f, width %.3f of theory\n",
                   single_class[i].name, figure_names[f],
                   (double)tally[f].covered / tally[f].shown, width);
            pooled[f].shown += tally[f].shown;
            pooled[f].covered += tally[f].covered;
            pooled[f].width += tally[f].width;
            theory_pooled[f] += theory[f] * tally[f].shown;
            /* One object has a whole number of neighbours, not a width. */
            if (single_class[i].classes[0].total > 1)
                ck_assert_msg(width > 0.9 && width < 1.1,
                              "%s, %s: width %.3f of theory",
                              single_class[i].name, figure_names[f], width);
        }
    }
    for (unsigned f = 0; f < FIGURES; f++) {
        double share = (double)pooled[f].covered / pooled[f].shown;
        double width = pooled[f].width / theory_pooled[f];

        printf("# pooled %s: covered %.4f of %u, width %.3f of theory\n",
               figure_names[f], share, pooled[f].shown, width);
        ck_assert_msg(share > 0.94 && share < 0.985, "%s: covered %.4f",
                      figure_names[f], share);
        ck_assert_msg(width > 0.9 && width < 1.1, "%s: width %.3f",
                      figure_names[f], width);
    }
}

END_TEST

static const struct program mixed[] = {
    {"16 bytes and 4 KiB", {{16, 163840, 163840}, {4096, 640, 1280}}},
    {"64, 1 K, 16 K",
     {{64, 40960, 81920}, {1024, 2560, 2560}, {16384, 160, 320}}},
    {"64 bytes and 1 MiB", {{64, 40960, 81920}, {1048576, 3, 6}}},
    {"three large ones", {{655360, 1, 1}, {1048576, 1, 1}, {2097152, 1, 1}}},
};

START_TEST(test_mixed_classes_cover_in_bytes)
{
    uint64_t seed = util_seed();

    for (size_t i = 0; i < JE_ARRAY_LEN(mixed); i++) {
        struct tally tally[FIGURES] = {{0}};
        double truth[FIGURES], theory[FIGURES];

        truth_of(&mixed[i], truth, theory);
        for (unsigned run = 0; run < 2000; run++)
            run_once(&mixed[i], &seed, truth, tally);
        for (unsigned f = 0; f < FIGURES; f++) {
            double share = (double)tally[f].covered / tally[f].shown;
            double width = tally[f].width / tally[f].shown / theory[f];

            printf("# %-24s %-13s covered %.3f, width %.3f of theory\n",
                   mixed[i].name, figure_names[f], share, width);
            ck_assert_msg(share > 0.92 && share < 0.99, "%s, %s: %.3f",
                          mixed[i].name, figure_names[f], share);
            ck_assert_msg(width > 0.9 && width < 1.15, "%s, %s: width %.3f",
                          mixed[i].name, figure_names[f], width);
        }
    }
}

END_TEST

START_TEST(test_estimates_are_unbiased)
{
    uint64_t seed = util_seed();

    for (size_t i = 0; i < JE_ARRAY_LEN(mixed); i++) {
        struct tally tally[FIGURES] = {{0}};
        double truth[FIGURES], theory[FIGURES];
        unsigned runs = 2000;

        truth_of(&mixed[i], truth, theory);
        for (unsigned run = 0; run < runs; run++)
            run_once(&mixed[i], &seed, truth, tally);
        for (unsigned f = 0; f < FIGURES; f++) {
            /* Five standard errors; nothing printed counts as zero. */
            double error = 5.0 * theory[f] / TWO_SIGMA / sqrt((double)runs);

            ck_assert_msg(fabs(tally[f].estimate / runs - truth[f]) < error,
                          "%s, %s: mean %.0f, truth %.0f", mixed[i].name,
                          figure_names[f], tally[f].estimate / runs, truth[f]);
        }
    }
}

END_TEST

START_TEST(test_rate_zero_means_all_are_seen)
{
    const struct unbias_class class = {3, 100, 0};
    struct unbias_estimate e;

    unbias_sum(&class, 1, &e);
    ck_assert_double_eq(e.objects, 3.0);
    ck_assert_double_eq(e.bytes_low, 300.0);
    ck_assert_double_eq(e.bytes_high, 300.0);
}

END_TEST

START_TEST(test_no_samples_is_nothing)
{
    const struct unbias_class classes[] = {{0, 64, RATE}, {0, 128, RATE}};
    struct unbias_estimate e;

    unbias_sum(classes, 2, &e);
    ck_assert_double_eq(e.objects, 0.0);
    ck_assert_double_eq(e.bytes_high, 0.0);
    unbias_sum(NULL, 0, &e);
    ck_assert_uint_eq(e.samples, 0);
}

END_TEST

START_TEST(test_what_is_certain_is_added_up)
{
    const struct unbias_class classes[] = {{3, 100, 0}, {2, 50, 0}};
    struct unbias_estimate e;

    unbias_sum(classes, 2, &e);
    ck_assert_uint_eq(e.samples, 5);
    ck_assert_double_eq(e.objects_low, 5.0);
    ck_assert_double_eq(e.objects_high, 5.0);
    ck_assert_double_eq(e.bytes_low, 400.0);
    ck_assert_double_eq(e.bytes_high, 400.0);
}

END_TEST

/* Where two classes are alike they are one: the interval is the same, but for
 * bytes that are no multiple of the size. */
START_TEST(test_alike_classes_are_as_one)
{
    const struct unbias_class two[] = {{2, 64, RATE}, {3, 64, RATE}};
    const struct unbias_class one = {5, 64, RATE};
    struct unbias_estimate sum, e;

    unbias_sum(two, 2, &sum);
    unbias_sum(&one, 1, &e);
    ck_assert_uint_eq(sum.samples, 5);
    ck_assert_double_eq(sum.objects_low, e.objects_low);
    ck_assert_double_eq(sum.objects_high, e.objects_high);
    ck_assert_double_eq_tol(sum.bytes_low, e.bytes_low, 64.0);
    ck_assert_double_eq_tol(sum.bytes_high, e.bytes_high, 64.0);
}

END_TEST

/* Correcting the mean size would give another figure: sizes are corrected one
 * by one and summed afterwards. */
START_TEST(test_classes_are_corrected_before_they_are_summed)
{
    const struct unbias_class classes[] = {{1, 64, RATE}, {1, 1048576, RATE}};
    struct unbias_estimate e;
    double wanted =
        64.0 / (1.0 - exp(-64.0 / RATE)) + 1048576.0 / (1.0 - exp(-2.0));

    unbias_sum(classes, 2, &e);
    ck_assert_double_eq_tol(e.bytes, wanted, 1e-3);
    ck_assert(e.bytes_low >= 64.0 + 1048576.0);
    ck_assert(e.bytes_low <= e.bytes && e.bytes <= e.bytes_high);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("unbias");
    TCase *tcase = tcase_create("unbias");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_single_class_covers_and_is_as_wide_as_theory);
    tcase_add_test(tcase, test_mixed_classes_cover_in_bytes);
    tcase_add_test(tcase, test_estimates_are_unbiased);
    tcase_add_test(tcase, test_rate_zero_means_all_are_seen);
    tcase_add_test(tcase, test_no_samples_is_nothing);
    tcase_add_test(tcase, test_what_is_certain_is_added_up);
    tcase_add_test(tcase, test_alike_classes_are_as_one);
    tcase_add_test(tcase, test_classes_are_corrected_before_they_are_summed);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
