/* Figures that everything else is said in relation to, put together by hand:
 * what follows from which others, and what stays unknown. */
#include "base/macros.h"

#include "t/unit/by_hand.h"

#include <string.h>

/* ---- figures ------------------------------------------------------------- */

START_TEST(test_figures_do_not_overflow)
{
    const struct jep_figure none = {0}, most = figure(UINT64_MAX);

    ck_assert(figure_derived(1).derived);
    is(figure_times(figure(6), 7), 42);
    ck_assert(figure_times(figure(6), 7).derived);
    unknown(figure_times(figure(6), 0));
    unknown(figure_times(most, 2));
    unknown(figure_times(none, 7));
    is(figure_plus(figure(2), figure(3)), 5);
    ck_assert(figure_plus(figure(2), figure(3)).derived);
    unknown(figure_plus(most, figure(1)));
    unknown(figure_plus(none, figure(1)));
    unknown(figure_plus(figure(1), none));
    is(figure_minus(figure(3), figure(3)), 0);
    is(figure_minus(figure(5), figure(3)), 2);
    ck_assert(figure_minus(figure(5), figure(3)).derived);
    unknown(figure_minus(figure(2), figure(3)));
    unknown(figure_minus(none, figure(0)));
    unknown(figure_minus(figure(3), none));
    is(figure_or(figure(1), figure(2)), 1);
    is(figure_or(none, figure(2)), 2);
}

END_TEST

START_TEST(test_whole_is_the_outermost)
{
    struct jep_summary s = {.mapped = figure(1)};

    is(summary_whole(&s), 1);
    s.active = figure(2);
    is(summary_whole(&s), 2);
    s.resident = figure(3);
    is(summary_whole(&s), 3);
    s.rss = figure(4);
    is(summary_whole(&s), 4);
}

END_TEST

/* ---- releases ------------------------------------------------------------ */

START_TEST(test_release_is_three_numbers)
{
    static const struct {
        const char *version;
        unsigned release;
    } cases[] = {{"5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c", 50300},
                 {"3.6.0", 30600},
                 {"5.2.1_0", 50201},
                 {"99.99.99", 999999},
                 {"100.0.0", 0},
                 {"5.100.0", 0},
                 {"5.3.100", 0},
                 {"5.3", 0},
                 {"5.3-0", 0},
                 {"5.3.x", 0},
                 {"5.3.", 0},
                 {"5-3.0", 0},
                 {"0.0.0", 0},
                 {"9.0.9", 90009},
                 {":.0.0", 0},
                 {"/.0.0", 0},
                 {"v5.3.0", 0},
                 {"", 0},
                 {NULL, 0}};

    start();
    for (size_t i = 0; i < JE_ARRAY_LEN(cases); i++) {
        snapshot->version = cases[i].version;
        ck_assert_msg(summary_release(snapshot) == cases[i].release, "%s is %u",
                      cases[i].version, summary_release(snapshot));
    }
    end();
}

END_TEST

static void
releases_are(unsigned wanted_from, unsigned wanted_to)
{
    unsigned from, to;

    summary_releases(snapshot, &from, &to);
    ck_assert_uint_eq(from, wanted_from);
    ck_assert_uint_eq(to, wanted_to);
}

/* Without a version, by the figures that a release was the first to have. */
START_TEST(test_releases_by_what_there_is)
{
    struct jep_figure *total, *f;

    start();
    releases_are(50300, 50300);
    snapshot->version = NULL;
    total = snapshot->total;
    f = arena->figures;
    releases_are(0, 0);
    total[TOTAL_RESIDENT] = figure(1);
    releases_are(40000, 0);
    total[TOTAL_RETAINED] = figure(1);
    releases_are(40200, 0);
    f[ARENA_TCACHE_BYTES] = figure(0);
    releases_are(50000, 0);
    f[ARENA_TCACHE_BYTES].known = false;
    f[ARENA_PMUZZY] = figure(0);
    releases_are(50000, 0);
    f[ARENA_EXTENT_AVAIL] = figure(0);
    releases_are(50200, 0);
    f[ARENA_ABANDONED_VM] = figure(0);
    releases_are(50201, 0);
    f[ARENA_ABANDONED_VM].known = f[ARENA_EXTENT_AVAIL].known = false;
    /* The line of totals is of one release: what it lacks counts, too. */
    total[TOTAL_MAPPED] = figure(1);
    releases_are(50000, 0);
    total[TOTAL_METADATA] = figure(1);
    releases_are(50000, 50001);
    total[TOTAL_METADATA_THP] = figure(0);
    releases_are(50100, 50300);
    total[TOTAL_ZERO_REALLOCS] = figure(0);
    releases_are(50300, 50300);
    total[TOTAL_ZERO_REALLOCS].known = false;
    f[ARENA_TCACHE_STASHED] = figure(0);
    releases_are(50300, 50300);
    total[TOTAL_METADATA_EDATA] = figure(1);
    releases_are(50301, 0);
    total[TOTAL_MAPPED].known = false;
    releases_are(50301, 0);
    total[TOTAL_METADATA_THP].known = false;
    snapshot->format = DUMP_FORMAT_JEMALLOC_JSON;
    total[TOTAL_MAPPED] = figure(1);
    releases_are(50301, 0);
    snapshot->format = DUMP_FORMAT_REDIS;
    releases_are(0, 0);
    snapshot->subject = NULL;
    snapshot->format = DUMP_FORMAT_JEMALLOC_TEXT;
    total[TOTAL_METADATA_EDATA].known = false;
    releases_are(40200, 50001);
    end();
}

END_TEST

/* ---- together ------------------------------------------------------------ */

START_TEST(test_base_is_in_whole_pages)
{
    struct snapshot_arena *arenas[2];

    start();
    for (int i = 0; i < 2; i++)
        arenas[i] = snapshot_arena_new(&snapshot->region, i);
    unknown(summary_base_resident(snapshot));
    arena->figures[ARENA_BASE] = figure(PAGE + 1);
    is(summary_base_resident(snapshot), 2 * PAGE);
    arena->figures[ARENA_BASE] = figure(2 * PAGE);
    is(summary_base_resident(snapshot), 2 * PAGE);
    /* Two arenas, each with a page that is begun. */
    snapshot->arenas = arenas;
    snapshot->arena_count = 2;
    arenas[0]->figures[ARENA_BASE] = figure(PAGE + 1);
    arenas[1]->figures[ARENA_BASE] = figure(PAGE - 1);
    is(summary_base_resident(snapshot), 3 * PAGE);
    ck_assert(summary_base_resident(snapshot).derived);
    arenas[1]->figures[ARENA_BASE] = figure(PAGE);
    arena->figures[ARENA_BASE] = figure(2 * PAGE + 1);
    is(summary_base_resident(snapshot), 3 * PAGE);
    /* Not all of them are there, or more than there can be. */
    arenas[1]->figures[ARENA_BASE].known = false;
    arena->figures[ARENA_BASE] = figure(2 * PAGE + 1);
    is(summary_base_resident(snapshot), 3 * PAGE);
    arenas[1]->figures[ARENA_BASE] = figure(2 * PAGE + 1);
    is(summary_base_resident(snapshot), 3 * PAGE);
    arena->figures[ARENA_BASE] = figure(3 * PAGE);
    is(summary_base_resident(snapshot), 5 * PAGE);
    arenas[1]->id = DUMP_ARENA_DESTROYED;
    is(summary_base_resident(snapshot), 3 * PAGE);
    snapshot->constant[CONST_PAGE].known = false;
    arena->figures[ARENA_BASE] = figure(5);
    is(summary_base_resident(snapshot), 5);
    snapshot->arenas = NULL;
    snapshot->arena_count = 0;
    end();
}

END_TEST

START_TEST(test_totals_come_first_then_the_arena)
{
    struct jep_summary s;

    start();
    arena->small[SMALL_ALLOCATED] = figure(100);
    arena->large[SMALL_ALLOCATED] = figure(200);
    arena->figures[ARENA_PACTIVE] = figure(3);
    arena->figures[ARENA_BASE] = figure(10);
    arena->figures[ARENA_INTERNAL] = figure(20);
    arena->figures[ARENA_RESIDENT] = figure(5);
    arena->figures[ARENA_MAPPED] = figure(6);
    arena->figures[ARENA_RETAINED] = figure(7);
    arena->figures[ARENA_PDIRTY] = figure(2);
    arena->figures[ARENA_PMUZZY] = figure(1);
    s = summary();
    is(s.allocated, 300);
    is(s.active, 3 * PAGE);
    is(s.metadata, 30);
    is(s.resident, 5);
    is(s.mapped, 6);
    is(s.retained, 7);
    is(s.dirty, 2 * PAGE);
    is(s.dirty_pages, 2);
    is(s.muzzy, PAGE);
    is(s.base, 10);
    is(s.internal, 20);
    is(s.page, PAGE);
    arena->figures[ARENA_ACTIVE] = figure(50);
    is(summary().active, 50);
    for (int i = 0; i < TOTAL_COUNT; i++)
        snapshot->total[i] = figure(1000);
    s = summary();
    is(s.allocated, 1000);
    is(s.active, 1000);
    is(s.metadata, 1000);
    is(s.resident, 1000);
    is(s.mapped, 1000);
    is(s.retained, 1000);
    snapshot->status[STATUS_VM_RSS] = figure(8);
    is(summary().rss, 8);
    snapshot->rollup[ROLLUP_RSS] = figure(9);
    is(summary().rss, 9);
    snapshot->constant[CONST_PAGE].known = false;
    unknown(summary().page);
    unknown(summary().dirty);
    end();
}

END_TEST

static void
ratio_is(struct jep_ratio got, double wanted)
{
    ck_assert(got.known);
    ck_assert_double_eq_tol(got.value, wanted, 1e-12);
}

START_TEST(test_ratios)
{
    start();
    snapshot->total[TOTAL_ALLOCATED] = figure(400);
    snapshot->total[TOTAL_ACTIVE] = figure(500);
    snapshot->total[TOTAL_RESIDENT] = figure(800);
    snapshot->total[TOTAL_METADATA] = figure(100);
    ratio_is(summary().internal_fragmentation, 0.25);
    ratio_is(summary().external_fragmentation, 0.6);
    ratio_is(summary().metadata_per_allocated, 0.25);
    ratio_is(summary().metadata_per_resident, 0.125);
    snapshot->total[TOTAL_ALLOCATED] = figure(0);
    ck_assert(!summary().internal_fragmentation.known);
    ck_assert(!summary().metadata_per_allocated.known);
    snapshot->total[TOTAL_ALLOCATED] = figure(1);
    ratio_is(summary().internal_fragmentation, 499);
    snapshot->total[TOTAL_ACTIVE].known = false;
    ck_assert(!summary().internal_fragmentation.known);
    ck_assert(!summary().external_fragmentation.known);
    end();
}

END_TEST

/* Equal ones lie in one another, and so do unknown ones. */
START_TEST(test_what_is_not_nested_says_why)
{
    struct jep_summary s = {.allocated = figure(5),
                            .active = figure(5),
                            .resident = figure(5),
                            .mapped = figure(5)};

    ck_assert(summary_not_nested(&s) == NULL);
    s.mapped = figure(4);
    ck_assert(strstr(summary_not_nested(&s), "mapped is below active"));
    s.active = figure(4);
    s.allocated = figure(4);
    ck_assert(strstr(summary_not_nested(&s), "resident is above mapped"));
    s.mapped.known = false;
    ck_assert(summary_not_nested(&s) == NULL);
    s.allocated = figure(5);
    ck_assert(strstr(summary_not_nested(&s), "active is below allocated"));
    s.active = figure(6);
    ck_assert(strstr(summary_not_nested(&s), "resident is below active"));
    s.active.known = false;
    s.allocated = figure(6);
    ck_assert(strstr(summary_not_nested(&s), "resident is below allocated"));
    s.resident.known = false;
    ck_assert(summary_not_nested(&s) == NULL);
    s.active = figure(SUMMARY_IMPOSSIBLE);
    ck_assert(summary_not_nested(&s) == NULL);
    s.active.value++;
    ck_assert(strstr(summary_not_nested(&s), "went below zero"));
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("summary");
    TCase *tcase = tcase_create("summary");

    tcase_add_test(tcase, test_figures_do_not_overflow);
    tcase_add_test(tcase, test_whole_is_the_outermost);
    tcase_add_test(tcase, test_release_is_three_numbers);
    tcase_add_test(tcase, test_releases_by_what_there_is);
    tcase_add_test(tcase, test_base_is_in_whole_pages);
    tcase_add_test(tcase, test_totals_come_first_then_the_arena);
    tcase_add_test(tcase, test_ratios);
    tcase_add_test(tcase, test_what_is_not_nested_says_why);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
