/* Series of moments with figures by hand: what grows, what is noise, and what
 * has stopped. */
#include "base/macros.h"

#include "analyse/several.h"

#include "t/util.h"

#include <math.h>
#include <string.h>

enum { MANY = 8 };

#define MIB    ((uint64_t)1 << 20)
#define SECOND ((uint64_t)1000000000)

static struct jep_moment moments[MANY];
static const struct jep_moment *run_moments[MANY];

static struct jep_figure
mib(double value)
{
    return (struct jep_figure){.value = (uint64_t)(value * (double)MIB),
                               .known = true};
}

/* Dumps that are ten seconds apart; -1 = not known. */
static struct several_run
run_of(const double *allocated, size_t count)
{
    memset(moments, 0, sizeof(moments));
    for (size_t i = 0; i < count; i++) {
        moments[i].index = i;
        moments[i].uptime_ns = (struct jep_figure){
            .value = (100 + 10 * i) * SECOND, .known = true};
        if (allocated[i] >= 0)
            moments[i].summary.allocated = mib(allocated[i]);
        run_moments[i] = &moments[i];
    }
    return (struct several_run){
        .moments = run_moments, .count = count, .clock = JEP_CLOCK_UPTIME};
}

/* One at a time: it holds addresses of its own parts. */
static struct series *
series_of(const struct several_run *run)
{
    static struct series series;

    memset(&series, 0, sizeof(series));
    ck_assert(series_fill(run, &series));
    return &series;
}

static void
near(double got, double wanted)
{
    ck_assert_msg(fabs(got - wanted) < 1e-3, "got %f, wanted %f", got, wanted);
}

static const struct jep_trend *
trend_find(const struct jep_series *out, const char *id)
{
    for (size_t i = 0; i < out->trend_count; i++) {
        if (strcmp(out->trends[i].id, id) == 0)
            return &out->trends[i];
    }
    return NULL;
}

START_TEST(test_series_has_times_of_its_clock)
{
    static const double flat[] = {100, 100, 100};
    struct several_run run = run_of(flat, 3);
    struct series *series = series_of(&run);

    near(series->out.at[0], 0);
    near(series->out.at[2], 20);
    near(series->out.seconds, 20);
    ck_assert_int_eq(series->out.clock, JEP_CLOCK_UPTIME);
    series_free(series);
    for (size_t i = 0; i < 3; i++)
        moments[i].wall_ns = (struct jep_figure){.value = 7 * i * SECOND};
    run.clock = JEP_CLOCK_WALL;
    series = series_of(&run);
    near(series->out.seconds, 14);
    series_free(series);
    run.clock = JEP_CLOCK_NONE;
    series = series_of(&run);
    ck_assert(series->out.at == NULL);
    near(series->out.seconds, 0);
    series_free(series);
}

END_TEST

/* Without a clock, or with one that stands still, dumps are equally far apart:
 * the change is what lies between the first and the last. */
START_TEST(test_series_without_time)
{
    static const double grows[] = {100, 120, 140, 160};
    struct several_run run = run_of(grows, 4);
    struct series *series;

    run.clock = JEP_CLOCK_NONE;
    series = series_of(&run);
    near(trend_find(&series->out, "allocated")->change, 60.0 * MIB);
    series_free(series);
    run.clock = JEP_CLOCK_UPTIME;
    for (size_t i = 0; i < 4; i++)
        moments[i].uptime_ns.value = SECOND;
    series = series_of(&run);
    ck_assert_int_eq(series->out.clock, JEP_CLOCK_NONE);
    ck_assert(series->out.at == NULL);
    near(trend_find(&series->out, "allocated")->change, 60.0 * MIB);
    series_free(series);
}

END_TEST

START_TEST(test_series_is_what_its_run_is)
{
    static const double flat[] = {1, 1};
    struct several_run run = run_of(flat, 2);
    struct series *series;

    run.is_restart = run.is_reordered = true;
    series = series_of(&run);
    ck_assert(series->out.is_restart && series->out.is_reordered);
    ck_assert(!series->out.is_assumed);
    ck_assert_uint_eq(series->out.count, 2);
    ck_assert_uint_eq(series->out.floor, 10 * MIB);
    ck_assert_ptr_eq(series->out.moments, run_moments);
    series_free(series);
    run.is_assumed = true;
    run.is_restart = run.is_reordered = false;
    moments[0].summary.rss = mib(2000);
    series = series_of(&run);
    ck_assert(!series->out.is_restart && !series->out.is_reordered);
    ck_assert(series->out.is_assumed);
    ck_assert_uint_eq(series->out.floor, 20 * MIB);
    series_free(series);
}

END_TEST

/* What two dumps tell is a trend, from the first of them to the last. */
START_TEST(test_trend_skips_what_is_unknown)
{
    static const double some[] = {-1, 100, -1, 140, -1};
    static const double one[] = {-1, 100, -1};
    struct several_run run = run_of(some, 5);
    struct series *series = series_of(&run);
    const struct jep_trend *trend = trend_find(&series->out, "allocated");

    ck_assert_uint_eq(series->out.trend_count, 1);
    ck_assert_uint_eq(trend->first.value, 100 * MIB);
    ck_assert_uint_eq(trend->last.value, 140 * MIB);
    /* 2 MiB a second for 40 s. */
    near(trend->change, 80.0 * MIB);
    ck_assert(!trend->has_interval);
    ck_assert_uint_eq(trend->values[1].value, 100 * MIB);
    ck_assert_ptr_eq(series->out.deciding, trend);
    ck_assert_str_eq(series->out.verdict.id, "live-growth");
    series_free(series);
    run = run_of(one, 3);
    series = series_of(&run);
    ck_assert_uint_eq(series->out.trend_count, 0);
    ck_assert_str_eq(series->out.verdict.id, "unknown");
    ck_assert(series->out.deciding == NULL);
    series_free(series);
}

END_TEST

static bool
is_steady(const double *values, size_t count)
{
    struct several_run run = run_of(values, count);
    struct series *series = series_of(&run);
    bool is_steady = trend_find(&series->out, "allocated")->is_steady;

    ck_assert(is_steady == (strcmp(series->out.verdict.id, "same") == 0));
    series_free(series);
    return is_steady;
}

START_TEST(test_trend_is_steady_below_the_floor)
{
    static const double at[] = {100, 110}, below[] = {100, 109.9};
    static const double falls[] = {110, 100}, little[] = {110, 100.1};

    ck_assert(!is_steady(at, 2));
    ck_assert(is_steady(below, 2));
    ck_assert(!is_steady(falls, 2));
    ck_assert(is_steady(little, 2));
}

END_TEST

/* Of fifteen slopes the interval ends at the second and the fourteenth: of two
 * levels nine slopes are of one sign and six are none, so that it touches 0. */
START_TEST(test_trend_is_steady_if_chance_turns_it)
{
    static const double up[] = {100, 100, 100, 120, 120, 120};
    static const double down[] = {120, 120, 120, 100, 100, 100};
    static const double noise[] = {100, 160, 90, 170, 95, 180};

    ck_assert(!is_steady(up, 6));
    ck_assert(!is_steady(down, 6));
    ck_assert(is_steady(noise, 6));
}

END_TEST

START_TEST(test_trend_has_an_interval)
{
    static const double up[] = {100, 100, 100, 120, 120, 120};
    static const double down[] = {120, 120, 120, 100, 100, 100};
    struct several_run run = run_of(up, 6);
    struct series *series = series_of(&run);
    const struct jep_trend *trend = trend_find(&series->out, "allocated");

    /* The fourteenth slope is 1 MiB a second, the eighth half of it. */
    ck_assert(trend->has_interval);
    near(trend->low, 0);
    near(trend->change, 25.0 * MIB);
    near(trend->high, 50.0 * MIB);
    series_free(series);
    run = run_of(down, 6);
    series = series_of(&run);
    near(trend_find(&series->out, "allocated")->low, -50.0 * MIB);
    series_free(series);
}

END_TEST

static bool
has_levelled(const double *values, size_t count)
{
    struct several_run run = run_of(values, count);
    struct series *series = series_of(&run);
    bool has_levelled = series->out.has_levelled;

    ck_assert_str_eq(series->out.verdict.id, "live-growth");
    series_free(series);
    return has_levelled;
}

/* The slopes of 0, 44, 88, 132, 140, 148 have the median 32, of which the last
 * three have a quarter. */
START_TEST(test_growth_has_levelled_below_a_quarter)
{
    static const double quarter[] = {0, 44, 88, 132, 140, 148};
    static const double less[] = {0, 44, 88, 132, 139.9, 147.8};
    static const double unknown[] = {0, 44, 88, 132, -1, 132};
    static const double few[] = {0, 44, 88, 88, 88};

    ck_assert(!has_levelled(quarter, 6));
    ck_assert(has_levelled(less, 6));
    ck_assert(!has_levelled(unknown, 6));
    ck_assert(!has_levelled(few, 5));
}

END_TEST

/* What falls, and faster and faster, has not grown. */
START_TEST(test_what_falls_has_not_levelled)
{
    static const double falls[] = {148, 140, 132, 88, 44, 0};
    struct several_run run = run_of(falls, 6);
    struct series *series = series_of(&run);

    ck_assert_str_eq(series->out.verdict.id, "less");
    ck_assert(series->out.deciding != NULL);
    ck_assert(!series->out.has_levelled);
    series_free(series);
}

END_TEST

static void
make_foreign(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        moments[i].is_foreign = true;
        moments[i].allocator = JEP_ALLOCATOR_GPERFTOOLS;
        moments[i].whole = "mapped";
        moments[i].parts[JEP_PART_OBJECTS] = mib(50);
    }
}

/* A part that some dumps have no line of is nothing there. */
START_TEST(test_parts_of_another_allocator_are_trends)
{
    static const double flat[] = {50, 50, 50};
    struct several_run run = run_of(flat, 3);
    struct series *series;
    const struct jep_trend *trend;

    make_foreign(3);
    moments[1].parts[JEP_PART_HOLES] = mib(20);
    moments[2].parts[JEP_PART_HOLES] = mib(40);
    series = series_of(&run);
    trend = trend_find(&series->out, "holes");
    ck_assert(trend != NULL && trend->first.known);
    ck_assert_uint_eq(trend->first.value, 0);
    near(trend->change, 40.0 * MIB);
    ck_assert_str_eq(series->out.verdict.id, "fragmentation");
    ck_assert_str_eq(series->out.verdict.rule, "tcmalloc-central");
    ck_assert_ptr_eq(series->out.deciding, trend);
    ck_assert(trend_find(&series->out, "caches") == NULL);
    ck_assert_uint_eq(series->out.trend_count, 2);
    series_free(series);
    /* Parts of different wholes do not compare, nor do those of others. */
    moments[1].whole = "RSS";
    series = series_of(&run);
    ck_assert(trend_find(&series->out, "holes") == NULL);
    ck_assert_str_eq(series->out.verdict.id, "same");
    series_free(series);
    moments[1].allocator = JEP_ALLOCATOR_GLIBC;
    moments[2].summary.allocated = mib(150);
    moments[1].summary.allocated = mib(100);
    series = series_of(&run);
    ck_assert_str_eq(series->out.verdict.id, "not-comparable");
    series_free(series);
}

END_TEST

/* Each figure keeps its own values. */
START_TEST(test_parts_stand_beside_totals)
{
    static const double flat[] = {50, 50, 50};
    struct several_run run = run_of(flat, 3);
    struct series *series;

    make_foreign(3);
    for (size_t i = 0; i < 3; i++) {
        moments[i].summary.rss = mib(70 + i);
        moments[i].summary.retained = mib(80 + i);
    }
    moments[0].parts[JEP_PART_CACHES] = mib(3);
    moments[1].parts[JEP_PART_HOLES] = mib(4);
    moments[2].parts[JEP_PART_PAGES] = mib(5);
    series = series_of(&run);
    for (size_t i = 0; i < 3; i++) {
        const struct jep_series *out = &series->out;

        ck_assert_uint_eq(trend_find(out, "rss")->values[i].value,
                          (70 + i) * MIB);
        ck_assert_uint_eq(trend_find(out, "retained")->values[i].value,
                          (80 + i) * MIB);
        ck_assert_uint_eq(trend_find(out, "caches")->values[i].value,
                          i == 0 ? 3 * MIB : 0);
        ck_assert_uint_eq(trend_find(out, "holes")->values[i].value,
                          i == 1 ? 4 * MIB : 0);
        ck_assert_uint_eq(trend_find(out, "free_pages")->values[i].value,
                          i == 2 ? 5 * MIB : 0);
    }
    series_free(series);
}

END_TEST

START_TEST(test_parts_that_are_noise_have_not_grown)
{
    static const double holes[] = {0, 60, 5, 50, 1, 80};
    static const double flat[] = {50, 50, 50, 50, 50, 50};
    struct several_run run = run_of(flat, 6);
    struct series *series;

    make_foreign(6);
    for (size_t i = 0; i < 6; i++)
        moments[i].parts[JEP_PART_HOLES] = mib(holes[i]);
    series = series_of(&run);
    ck_assert(trend_find(&series->out, "holes")->change > 10.0 * MIB);
    ck_assert_str_eq(series->out.verdict.id, "same");
    series_free(series);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("series");
    TCase *tcase = tcase_create("series");

    tcase_add_test(tcase, test_series_has_times_of_its_clock);
    tcase_add_test(tcase, test_series_without_time);
    tcase_add_test(tcase, test_series_is_what_its_run_is);
    tcase_add_test(tcase, test_trend_skips_what_is_unknown);
    tcase_add_test(tcase, test_trend_is_steady_below_the_floor);
    tcase_add_test(tcase, test_trend_is_steady_if_chance_turns_it);
    tcase_add_test(tcase, test_trend_has_an_interval);
    tcase_add_test(tcase, test_growth_has_levelled_below_a_quarter);
    tcase_add_test(tcase, test_parts_of_another_allocator_are_trends);
    tcase_add_test(tcase, test_what_falls_has_not_levelled);
    tcase_add_test(tcase, test_parts_stand_beside_totals);
    tcase_add_test(tcase, test_parts_that_are_noise_have_not_grown);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
