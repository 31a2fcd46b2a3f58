/* Fleets of moments with figures by hand: who is unusual, and what all have in
 * common. */
#include "base/macros.h"

#include "analyse/several.h"

#include "t/util.h"

#include <math.h>
#include <string.h>

enum { MANY = 8 };

#define MIB ((uint64_t)1 << 20)

static struct jep_moment moments[MANY];
static const struct jep_moment *run_moments[MANY];

static struct jep_figure
mib(double value)
{
    return (struct jep_figure){.value = (uint64_t)(value * (double)MIB),
                               .known = true};
}

static void
near(double got, double wanted)
{
    ck_assert_msg(fabs(got - wanted) < 1e-3, "got %f, wanted %f", got, wanted);
}

static void
fleet_new(size_t count)
{
    static const char *const files[MANY] = {"a", "b", "c", "d",
                                            "e", "f", "g", "h"};

    memset(moments, 0, sizeof(moments));
    for (size_t i = 0; i < count; i++) {
        moments[i].index = i;
        moments[i].file = files[i];
        run_moments[i] = &moments[i];
    }
}

static struct fleet
fleet_of(size_t count)
{
    struct fleet fleet = {.members = NULL};

    ck_assert(fleet_fill(run_moments, count, &fleet));
    return fleet;
}

/* Of the RSS if all have it, else of what is resident, else of what there is.
 */
START_TEST(test_size_is_one_figure_for_all)
{
    struct fleet fleet;

    fleet_new(3);
    for (size_t i = 0; i < 3; i++) {
        moments[i].summary.rss = mib(400);
        moments[i].summary.resident = mib(300);
        moments[i].summary.active = mib(200);
        moments[i].summary.allocated = mib(100);
    }
    fleet = fleet_of(3);
    ck_assert_str_eq(fleet.out.figures[JEP_FLEET_SIZE].what, "RSS");
    near(fleet.out.figures[JEP_FLEET_SIZE].median, 400.0 * MIB);
    near(fleet.out.figures[JEP_FLEET_OUTSIDE].median, 100.0 * MIB);
    near(fleet.out.figures[JEP_FLEET_WASTE].median, 100.0 * MIB);
    near(fleet.out.floor, 20.0 * MIB);
    fleet_free(&fleet);
    moments[1].summary.rss.known = false;
    fleet = fleet_of(3);
    ck_assert_str_eq(fleet.out.figures[JEP_FLEET_SIZE].what, "resident");
    near(fleet.out.figures[JEP_FLEET_SIZE].median, 300.0 * MIB);
    ck_assert_uint_eq(fleet.out.figures[JEP_FLEET_OUTSIDE].known, 0);
    fleet_free(&fleet);
    moments[1].summary.resident.known = false;
    fleet = fleet_of(3);
    ck_assert_str_eq(fleet.out.figures[JEP_FLEET_SIZE].what, "size");
    near(fleet.out.figures[JEP_FLEET_SIZE].least, 200.0 * MIB);
    near(fleet.out.figures[JEP_FLEET_SIZE].most, 400.0 * MIB);
    fleet_free(&fleet);
    moments[1].summary.active.known = false;
    moments[1].summary.allocated = mib(90);
    fleet = fleet_of(3);
    near(fleet.out.figures[JEP_FLEET_SIZE].least, 90.0 * MIB);
    ck_assert_uint_eq(fleet.out.figures[JEP_FLEET_WASTE].known, 2);
    fleet_free(&fleet);
}

END_TEST

START_TEST(test_figures_of_a_process)
{
    struct fleet fleet;

    fleet_new(1);
    moments[0].summary.allocated = mib(100);
    moments[0].summary.active = mib(99);
    moments[0].summary.metadata = mib(7);
    moments[0].summary.dirty = mib(5);
    fleet = fleet_of(1);
    near(fleet.members[0].figures[JEP_FLEET_ALLOCATED].value, 100.0 * MIB);
    ck_assert(!fleet.members[0].figures[JEP_FLEET_WASTE].known);
    near(fleet.members[0].figures[JEP_FLEET_METADATA].value, 7.0 * MIB);
    near(fleet.members[0].figures[JEP_FLEET_DIRTY].value, 5.0 * MIB);
    near(fleet.out.floor, 10.0 * MIB);
    fleet_free(&fleet);
    moments[0].summary.active = mib(100);
    moments[0].summary.muzzy = mib(3);
    fleet = fleet_of(1);
    ck_assert(fleet.members[0].figures[JEP_FLEET_WASTE].known);
    near(fleet.members[0].figures[JEP_FLEET_DIRTY].value, 8.0 * MIB);
    fleet_free(&fleet);
}

END_TEST

static size_t
unusual(const double *allocated, size_t count)
{
    struct fleet fleet;
    size_t unusual;

    fleet_new(count);
    for (size_t i = 0; i < count; i++)
        moments[i].summary.allocated = mib(allocated[i]);
    fleet = fleet_of(count);
    unusual = fleet.out.unusual;
    fleet_free(&fleet);
    return unusual;
}

/* All alike: from the floor on, 10 MiB or 5 % of the median. */
START_TEST(test_unusual_is_above_the_floor)
{
    static const double below[] = {100, 100, 109.9};
    static const double above[] = {100, 100, 110.1};
    static const double fewer[] = {100, 130};
    static const double lower[] = {100, 100, 50};
    static const double share[] = {400, 400, 419.9};
    static const double beyond[] = {400, 400, 420.1};

    ck_assert_uint_eq(unusual(below, 3), 0);
    ck_assert_uint_eq(unusual(above, 3), 1);
    ck_assert_uint_eq(unusual(fewer, 2), 0);
    ck_assert_uint_eq(unusual(lower, 3), 0);
    ck_assert_uint_eq(unusual(share, 3), 0);
    ck_assert_uint_eq(unusual(beyond, 3), 1);
}

END_TEST

/* The median of 100 110 120 130 140 is 120, the distances 20 10 0 10 20 have
 * the median 10: a deviation of 14.826, of which 3.5 are 51.9. */
START_TEST(test_unusual_is_beyond_the_spread)
{
    static const double wide[] = {100, 110, 120, 130, 171};
    static const double wider[] = {100, 110, 120, 130, 172};
    struct fleet fleet;

    ck_assert_uint_eq(unusual(wide, 5), 0);
    ck_assert_uint_eq(unusual(wider, 5), 1);
    fleet_new(5);
    for (size_t i = 0; i < 5; i++)
        moments[i].summary.allocated = mib(wider[4 - i]);
    fleet = fleet_of(5);
    ck_assert_ptr_eq(fleet.members[0].moment, &moments[0]);
    ck_assert_uint_eq(fleet.members[0].unusual, 2);
    near(fleet.members[0].excess, 52.0 * MIB);
    near(fleet.members[0].figures[JEP_FLEET_ALLOCATED].z, 52.0 / 14.82602);
    ck_assert(fleet.members[0].figures[JEP_FLEET_ALLOCATED].is_unusual);
    near(fleet.out.figures[JEP_FLEET_ALLOCATED].deviation,
         10.0 * 1.482602 * MIB);
    ck_assert_uint_eq(fleet.out.figures[JEP_FLEET_ALLOCATED].unusual, 1);
    ck_assert_uint_eq(fleet.out.figures[JEP_FLEET_ALLOCATED].known, 5);
    near(fleet.out.figures[JEP_FLEET_ALLOCATED].least, 100.0 * MIB);
    near(fleet.out.figures[JEP_FLEET_ALLOCATED].most, 172.0 * MIB);
    fleet_free(&fleet);
}

END_TEST

/* Unusual ones by how much, then all others by size, then as they were read. */
START_TEST(test_members_are_in_order)
{
    static const double rss[] = {100, 100, 100, 103, 100, 130, 100};
    static const size_t order[] = {5, 6, 3, 0, 1, 2, 4};
    struct fleet fleet;

    fleet_new(7);
    for (size_t i = 0; i < 7; i++) {
        moments[i].summary.rss = mib(rss[i]);
        moments[i].summary.metadata = mib(i == 6 ? 31 : i == 5 ? 40 : 1);
    }
    fleet = fleet_of(7);
    for (size_t i = 0; i < 7; i++)
        ck_assert_uint_eq(fleet.members[i].moment->index, order[i]);
    ck_assert_uint_eq(fleet.out.unusual, 2);
    ck_assert_uint_eq(fleet.members[0].unusual, 2);
    near(fleet.members[0].excess, 39.0 * MIB);
    near(fleet.members[1].excess, 30.0 * MIB);
    fleet_free(&fleet);
}

END_TEST

START_TEST(test_common_findings_are_added_up)
{
    const struct jep_moment_finding first[] = {{"b", JEP_LOW, mib(10)},
                                               {"a", JEP_INFO, mib(500)}};
    const struct jep_moment_finding second[] = {{"b", JEP_MEDIUM, mib(20)},
                                                {"a", JEP_LOW, mib(5)},
                                                {"c", JEP_LOW, mib(5)},
                                                {"d", JEP_LOW, mib(6)}};

    static const struct {
        const char *rule;
        enum jep_severity severity;
        size_t count;
        uint64_t mib;
    } wanted[] = {{"b", JEP_MEDIUM, 2, 30},
                  {"d", JEP_LOW, 1, 6},
                  {"a", JEP_LOW, 1, 5},
                  {"c", JEP_LOW, 1, 5},
                  {"a", JEP_INFO, 1, 500}};
    struct fleet fleet;

    fleet_new(3);
    moments[0].findings = first;
    moments[0].finding_count = 2;
    moments[2].findings = second;
    moments[2].finding_count = 4;
    fleet = fleet_of(3);
    ck_assert_uint_eq(fleet.out.common_count, JE_ARRAY_LEN(wanted));
    for (size_t i = 0; i < JE_ARRAY_LEN(wanted); i++) {
        ck_assert_str_eq(fleet.out.common[i].rule, wanted[i].rule);
        ck_assert_int_eq(fleet.out.common[i].severity, wanted[i].severity);
        ck_assert_uint_eq(fleet.out.common[i].count, wanted[i].count);
        ck_assert_uint_eq(fleet.out.common[i].bytes, wanted[i].mib * MIB);
    }
    fleet_free(&fleet);
    moments[0].finding_count = moments[2].finding_count = 0;
    fleet = fleet_of(3);
    ck_assert_uint_eq(fleet.out.common_count, 0);
    ck_assert(fleet.out.common == NULL);
    fleet_free(&fleet);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("fleet");
    TCase *tcase = tcase_create("fleet");

    tcase_add_test(tcase, test_size_is_one_figure_for_all);
    tcase_add_test(tcase, test_figures_of_a_process);
    tcase_add_test(tcase, test_unusual_is_above_the_floor);
    tcase_add_test(tcase, test_unusual_is_beyond_the_spread);
    tcase_add_test(tcase, test_members_are_in_order);
    tcase_add_test(tcase, test_common_findings_are_added_up);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
