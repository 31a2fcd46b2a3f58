/* Lines of the ledger from figures by hand: which of them a dump supports, and
 * that they add up.  Pages have ten bytes here, which is easier to add. */
#include "base/macros.h"

#include "analyse/report.h"

#include "t/unit/figures.h"

#include <string.h>

enum { PAGE = 10, TEXT_MAX = 1024 };

static struct snapshot snapshot;
static struct snapshot_arena subject;
static struct jep_summary summary;

/* Allocated 1000 with 100 cached and 50 of metadata, 300 of holes and 200 of
 * padding, 95 of base metadata, which are ten pages, and 250 dirty. */
static void
start(const char *version)
{
    memset(&snapshot, 0, sizeof(snapshot));
    memset(&subject, 0, sizeof(subject));
    memset(&summary, 0, sizeof(summary));
    snapshot.format = DUMP_FORMAT_JEMALLOC_TEXT;
    snapshot.version = version;
    snapshot.subject = &subject;
    snapshot.constant[CONST_PAGE] = figure(PAGE);
    subject.figures[ARENA_BASE] = figure(95);
    summary.allocated = figure(1000);
    summary.tcache = figure(100);
    summary.internal = figure(50);
    summary.active = figure(1500);
    summary.slab_holes = figure(300);
    summary.padding = figure(200);
    summary.dirty = figure(250);
    summary.resident = figure(1850);
}

/* "resident 1850: objects 850 …", what is below a line with a '>'. */
static void
ledger_is(const char *wanted)
{
    struct ledger ledger;
    struct jep_ledger out;
    char text[TEXT_MAX];
    int at;

    ledger_fill(&snapshot, &summary, &ledger, &out);
    at = snprintf(text, sizeof(text),
                  "%s %llu:", out.total_name != NULL ? out.total_name : "none",
                  (unsigned long long)out.total);
    for (size_t i = 0; i < out.count; i++) {
        const struct jep_ledger_line *line = &out.lines[i];

        at += snprintf(text + at, sizeof(text) - (size_t)at, " %.*s%s %lld",
                       (int)line->depth, ">>>>", line->id,
                       (long long)line->bytes);
        ck_assert_double_eq_tol(line->share * (double)out.total,
                                out.total > 0 ? (double)line->bytes : 0.0,
                                1e-6);
    }
    ck_assert_str_eq(text, wanted);
}

START_TEST(test_all_known_adds_up)
{
    start("5.3.0");
    ledger_is("resident 1850: objects 850 thread_caches 100 metadata_internal "
              "50 slab_holes 300 large_padding 200 metadata_base 100 dirty 250 "
              "unexplained 0");
    summary.resident = figure(1840);
    ledger_is("resident 1840: objects 850 thread_caches 100 metadata_internal "
              "50 slab_holes 300 large_padding 200 metadata_base 100 dirty 250 "
              "unexplained -10");
    summary.padding = figure(0);
    summary.internal = figure(0);
    summary.active = figure(1300);
    summary.resident = figure(1650);
    ledger_is("resident 1650: objects 900 thread_caches 100 slab_holes 300 "
              "metadata_base 100 dirty 250 unexplained 0");
}

END_TEST

/* What is cached or internal is only told where it fits. */
START_TEST(test_objects_are_what_is_left_of_allocated)
{
    start("5.3.0");
    summary.internal.known = false;
    ledger_is("resident 1850: objects 900 thread_caches 100 slab_holes 300 "
              "large_padding 200 metadata_base 100 dirty 250 unexplained 0");
    summary.internal = figure(900);
    ledger_is("resident 1850: objects 0 thread_caches 100 metadata_internal "
              "900 slab_holes 300 large_padding 200 metadata_base 100 dirty "
              "250 unexplained 0");
    summary.internal = figure(901);
    ledger_is("resident 1850: objects 900 thread_caches 100 slab_holes 300 "
              "large_padding 200 metadata_base 100 dirty 250 unexplained 0");
    summary.tcache = figure(1000);
    ledger_is("resident 1850: objects 0 thread_caches 1000 slab_holes 300 "
              "large_padding 200 metadata_base 100 dirty 250 unexplained 0");
    summary.tcache = figure(1001);
    ledger_is("resident 1850: objects_and_caches 1000 slab_holes 300 "
              "large_padding 200 metadata_base 100 dirty 250 unexplained 0");
    summary.tcache.known = false;
    ledger_is("resident 1850: objects_and_caches 1000 slab_holes 300 "
              "large_padding 200 metadata_base 100 dirty 250 unexplained 0");
}

END_TEST

/* One of two parts gives the other, and nothing is left to check them. */
START_TEST(test_gap_without_one_of_its_parts)
{
    start("5.3.0");
    summary.tcache = summary.internal = figure(0);
    summary.padding.known = false;
    ledger_is("resident 1850: objects 1000 thread_caches 0 slab_holes 300 "
              "large_padding 200 metadata_base 100 dirty 250 unexplained 0");
    summary.slab_holes = figure(500);
    ledger_is("resident 1850: objects 1000 thread_caches 0 slab_holes 500 "
              "large_padding 0 metadata_base 100 dirty 250 unexplained 0");
    summary.slab_holes = figure(501);
    ledger_is("resident 1850: objects 1000 thread_caches 0 holes_and_padding "
              "500 metadata_base 100 dirty 250 unexplained 0");
    summary.slab_holes.known = false;
    summary.padding = figure(500);
    ledger_is("resident 1850: objects 1000 thread_caches 0 slab_holes 0 "
              "large_padding 500 metadata_base 100 dirty 250 unexplained 0");
    summary.padding = figure(0);
    ledger_is("resident 1850: objects 1000 thread_caches 0 slab_holes 500 "
              "metadata_base 100 dirty 250 unexplained 0");
    summary.padding = figure(501);
    ledger_is("resident 1850: objects 1000 thread_caches 0 holes_and_padding "
              "500 metadata_base 100 dirty 250 unexplained 0");
}

END_TEST

START_TEST(test_active_alone)
{
    start("5.3.0");
    summary.slab_holes = summary.padding = figure(0);
    summary.allocated = figure(1500);
    ledger_is("resident 1850: objects 1350 thread_caches 100 "
              "metadata_internal 50 slab_holes 0 metadata_base 100 dirty 250 "
              "unexplained 0");
    summary.allocated = figure(1501);
    ledger_is("resident 1850: active 1500 metadata_base 100 dirty 250 "
              "unexplained 0");
    summary.allocated.known = false;
    summary.resident.known = false;
    ledger_is("active 1500: active 1500");
    summary.resident = figure(1499);
    ledger_is("active 1500: active 1500");
    summary.resident = figure(1500);
    ledger_is("resident 1500: active 1500 metadata_and_dirty 0");
    summary.active.known = false;
    ledger_is("none 0:");
    summary.active = figure(SUMMARY_IMPOSSIBLE);
    ledger_is("active 70368744177664: active 70368744177664");
    summary.active.value++;
    ledger_is("none 0:");
}

END_TEST

/* Without resident the gap is checked if both of its parts are known. */
START_TEST(test_active_is_the_total_without_resident)
{
    start("5.3.0");
    summary.resident.known = false;
    ledger_is("active 1500: objects 850 thread_caches 100 metadata_internal "
              "50 slab_holes 300 large_padding 200 unexplained 0");
    summary.padding.known = false;
    ledger_is("active 1500: objects 850 thread_caches 100 metadata_internal "
              "50 slab_holes 300 large_padding 200");
}

END_TEST

START_TEST(test_beyond_active_without_dirty_or_base)
{
    start("5.3.0");
    summary.allocated.known = false;
    summary.dirty.known = false;
    ledger_is("resident 1850: active 1500 metadata_base 100 dirty 250");
    subject.figures[ARENA_BASE] = figure(350);
    ledger_is("resident 1850: active 1500 metadata_base 350 dirty 0");
    subject.figures[ARENA_BASE] = figure(351);
    ledger_is("resident 1850: active 1500 metadata_and_dirty 350");
    summary.dirty = figure(350);
    ledger_is("resident 1850: active 1500 dirty 350 metadata_base 0");
    summary.dirty = figure(351);
    ledger_is("resident 1850: active 1500 metadata_and_dirty 350");
    subject.figures[ARENA_BASE].known = false;
    summary.dirty = figure(50);
    ledger_is("resident 1850: active 1500 dirty 50 metadata_base 300");
}

END_TEST

/* Two parts of an identity check nothing; one that does is enough. */
START_TEST(test_unexplained_is_what_counters_leave)
{
    start("5.3.0");
    summary.dirty.known = false;
    ledger_is("resident 1850: objects 850 thread_caches 100 metadata_internal "
              "50 slab_holes 300 large_padding 200 metadata_base 100 dirty 250 "
              "unexplained 0");
    summary.padding.known = false;
    ledger_is("resident 1850: objects 850 thread_caches 100 metadata_internal "
              "50 slab_holes 300 large_padding 200 metadata_base 100 dirty "
              "250");
}

END_TEST

static const char *
dirty_is_called(const char *version)
{
    static struct ledger ledger;
    struct jep_ledger out;

    snapshot.version = version;
    ledger_fill(&snapshot, &summary, &ledger, &out);
    for (size_t i = 0; i < out.count; i++) {
        if (strcmp(out.lines[i].id, "dirty") == 0)
            return out.lines[i].what;
    }
    return "not there";
}

/* What an identity gives holds muzzy pages, too, in releases that have them in
 * resident; without a version, where the dump can be of one. */
START_TEST(test_dirty_by_identity_may_be_muzzy)
{
    static const char both[] = "dirty pages (muzzy too, up to 5.2.1)";

    start(NULL);
    summary.dirty.known = false;
    ck_assert_str_eq(dirty_is_called("5.2.1"), both);
    ck_assert_str_eq(dirty_is_called("5.0.0"), both);
    ck_assert_str_eq(dirty_is_called("5.3.0"), "dirty pages");
    ck_assert_str_eq(dirty_is_called("4.5.0"), "dirty pages");
    ck_assert_str_eq(dirty_is_called(NULL), both);
    subject.figures[ARENA_ABANDONED_VM] = figure(0);
    ck_assert_str_eq(dirty_is_called(NULL), both);
    subject.figures[ARENA_TCACHE_STASHED] = figure(0);
    ck_assert_str_eq(dirty_is_called(NULL), "dirty pages");
}

END_TEST

/* Where the kernel's account stands beside the allocator's. */
START_TEST(test_rss_by_the_kernels_account)
{
    start("5.3.0");
    summary.allocated.known = false;
    summary.rss = figure(2000);
    snapshot.rollup[ROLLUP_RSS] = figure(2000);
    summary.muzzy = figure(30);
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 muzzy 30 "
              "unexplained 120");
    snapshot.rollup[ROLLUP_LAZY_FREE] = figure(20);
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 muzzy 20 "
              "unexplained 130");
    snapshot.rollup[ROLLUP_SWAP] = figure(7);
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 muzzy 20 "
              "swapped_out -7 unexplained 137");
    /* They are in resident there, and not beside it. */
    snapshot.rollup[ROLLUP_SWAP].known = false;
    snapshot.version = "5.2.1";
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 muzzy 30 "
              "unexplained 120");
    summary.muzzy.known = false;
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 unexplained "
              "150");
    /* Without a version that cannot be told where a figure is missing. */
    snapshot.version = NULL;
    snapshot.rollup[ROLLUP_LAZY_FREE].known = false;
    summary.muzzy = figure(30);
    summary.dirty.known = false;
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 muzzy 30 "
              "unexplained 120");
    summary.dirty = figure(250);
    subject.figures[ARENA_BASE].known = false;
    ledger_is("RSS 2000: active 1500 dirty 250 metadata_base 100 muzzy 30 "
              "unexplained 120");
    subject.figures[ARENA_BASE] = figure(95);
    summary.muzzy.known = false;
    snapshot.version = "5.3.0";
    summary.dirty.known = false;
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 unexplained "
              "150");
}

END_TEST

/* In 5.0.0 to 5.2.1; without a version if half of them at least is there. */
START_TEST(test_muzzy_is_resident_in_some_releases)
{
    static const char with[] =
        "resident 1890: active 1500 metadata_base 100 dirty 250 muzzy 40 "
        "unexplained 0";
    static const char without[] =
        "resident 1890: active 1500 metadata_base 100 dirty 250 unexplained 40";

    start("5.2.1");
    summary.allocated.known = false;
    summary.muzzy = figure(40);
    summary.resident = figure(1890);
    ledger_is(with);
    snapshot.version = "5.0.0";
    ledger_is(with);
    snapshot.version = "5.3.0";
    ledger_is(without);
    snapshot.version = "4.5.0";
    ledger_is(without);
    snapshot.version = NULL;
    ledger_is(with);
    summary.resident = figure(1870);
    ledger_is("resident 1870: active 1500 metadata_base 100 dirty 250 muzzy "
              "40 unexplained -20");
    summary.resident = figure(1869);
    ledger_is("resident 1869: active 1500 metadata_base 100 dirty 250 "
              "unexplained 19");
    summary.muzzy = figure(1);
    summary.resident = figure(1850);
    ledger_is("resident 1850: active 1500 metadata_base 100 dirty 250 "
              "unexplained 0");
    summary.muzzy = figure(0);
    ledger_is("resident 1850: active 1500 metadata_base 100 dirty 250 "
              "unexplained 0");
}

END_TEST

/* 50 pages of address space are 400 bytes of tree; structures have 128. */
START_TEST(test_metadata_is_broken_down_where_it_fits)
{
    start("5.3.0");
    summary.allocated.known = false;
    summary.mapped = figure(300);
    summary.retained = figure(200);
    subject.figures[ARENA_BASE] = figure(1000);
    summary.resident = figure(2750);
    ledger_is("resident 2750: active 1500 metadata_base 1000 >metadata_tree "
              "400 >metadata_rest 600 dirty 250 unexplained 0");
    subject.figures[ARENA_EXTENT_AVAIL] = figure(3);
    ledger_is("resident 2750: active 1500 metadata_base 1000 >metadata_tree "
              "400 >metadata_extents_idle 384 >metadata_rest 216 dirty 250 "
              "unexplained 0");
    summary.retained = figure(470);
    ledger_is("resident 2750: active 1500 metadata_base 1000 >metadata_tree "
              "616 >metadata_extents_idle 384 >metadata_rest 0 dirty 250 "
              "unexplained 0");
    summary.retained = figure(480);
    ledger_is("resident 2750: active 1500 metadata_base 1000 dirty 250 "
              "unexplained 0");
    /* Read rather than counted. */
    snapshot.total[TOTAL_METADATA_RTREE] = figure(700);
    snapshot.total[TOTAL_METADATA_EDATA] = figure(200);
    ledger_is("resident 2750: active 1500 metadata_base 1000 >metadata_tree "
              "700 >metadata_extents 200 >metadata_rest 100 dirty 250 "
              "unexplained 0");
    /* Another structure, before 5.0, and ours. */
    snapshot.version = "4.5.0";
    ledger_is("resident 2750: active 1500 metadata_base 1000 dirty 250 "
              "unexplained 0");
    snapshot.version = "5.3.0-0-gjeprobe";
    ledger_is("resident 2750: active 1500 metadata_base 1000 dirty 250 "
              "unexplained 0");
}

END_TEST

/* Our own dumps looked at each page. */
START_TEST(test_rss_of_pages_that_were_looked_at)
{
    start("5.3.0-0-gjeprobe");
    summary.allocated.known = false;
    summary.rss = figure(2000);
    snapshot.rollup[ROLLUP_RSS] = figure(2000);
    snapshot.residency[RESIDENCY_ACTIVE] = figure(1400);
    snapshot.residency[RESIDENCY_DIRTY] = figure(240);
    snapshot.residency[RESIDENCY_METADATA] = figure(90);
    snapshot.residency[RESIDENCY_MUZZY] = figure(5);
    snapshot.residency[RESIDENCY_RETAINED] = figure(25);
    snapshot.residency[RESIDENCY_OTHER_ANONYMOUS] = figure(70);
    snapshot.rollup[ROLLUP_FILE] = figure(100);
    snapshot.rollup[ROLLUP_SHMEM] = figure(60);
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 muzzy 5 "
              "not_resident -120 huge_page_fill 25 other_anonymous 70 file "
              "100 shmem 60 unexplained 10");
    snapshot.residency[RESIDENCY_ACTIVE] = figure(1520);
    ledger_is("RSS 2000: active 1500 metadata_base 100 dirty 250 muzzy 5 "
              "huge_page_fill 25 other_anonymous 70 file 100 shmem 60 "
              "unexplained -110");
    snapshot.residency[RESIDENCY_ACTIVE].known = false;
    snapshot.rollup[ROLLUP_RSS].known = false;
    summary.rss = figure(0);
    ledger_is("resident 1850: active 1500 metadata_base 100 dirty 250 "
              "unexplained 0");
}

END_TEST

/* What a program counts itself stands below its objects, if it fits. */
START_TEST(test_account_of_the_program)
{
    start("5.3.0");
    summary.resident.known = false;
    summary.tcache = figure(100);
    summary.internal.known = false;
    snapshot.skynet[SKYNET_LUA] = figure(500);
    snapshot.skynet[SKYNET_C] = figure(400);
    ledger_is("active 1500: objects 900 >skynet_lua 500 >skynet_c 400 "
              ">uncounted 0 thread_caches 100 slab_holes 300 large_padding 200 "
              "unexplained 0");
    snapshot.skynet[SKYNET_C] = figure(401);
    ledger_is("active 1500: objects 900 thread_caches 100 slab_holes 300 "
              "large_padding 200 unexplained 0");
    snapshot.skynet[SKYNET_C].known = false;
    ledger_is("active 1500: objects 900 thread_caches 100 slab_holes 300 "
              "large_padding 200 unexplained 0");
    snapshot.skynet[SKYNET_C] = figure(300);
    summary.tcache.known = false;
    ledger_is("active 1500: objects_and_caches 1000 >skynet_lua 500 >skynet_c "
              "300 >uncounted 200 slab_holes 300 large_padding 200 "
              "unexplained 0");
}

END_TEST

static void
account_is(uint64_t objects, const char *wanted)
{
    struct ledger ledger = {.count = 0};
    char text[TEXT_MAX] = "";
    size_t at = 0;

    account_ledger(&snapshot, objects, &ledger);
    for (size_t i = 0; i < ledger.count; i++) {
        ck_assert_uint_eq(ledger.lines[i].depth, 1);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %lld",
                               i > 0 ? " " : "", ledger.lines[i].id,
                               (long long)ledger.lines[i].bytes);
    }
    ck_assert_str_eq(text, wanted);
}

/* Redis counts finely or roughly. */
START_TEST(test_account_of_redis)
{
    start("5.3.0");
    snapshot.redis[REDIS_USED_MEMORY] = figure(800);
    account_is(1000, "redis_used 800 uncounted 200");
    account_is(800, "redis_used 800 uncounted 0");
    account_is(799, "");
    snapshot.redis[REDIS_DATASET] = figure(600);
    account_is(1000, "redis_used 800 uncounted 200");
    snapshot.redis[REDIS_OVERHEAD] = figure(150);
    account_is(1000, "redis_dataset 600 redis_overhead 150 uncounted 250");
    account_is(750, "redis_dataset 600 redis_overhead 150 uncounted 0");
    account_is(749, "");
}

END_TEST

/* What does not fit in is left out. */
START_TEST(test_ledger_has_room_for_so_many)
{
    struct ledger ledger = {.count = 0};
    struct jep_ledger out = {.total = 100};

    for (int i = 0; i < LEDGER_LINES_MAX + 2; i++)
        ledger_add(&ledger, "line", "a line", 1, NULL, i > 10);
    ck_assert_uint_eq(ledger.count, LEDGER_LINES_MAX);
    ck_assert_int_eq(ledger.lines[LEDGER_LINES_MAX - 1].bytes, 1);
    ledger.count = 20;
    ledger_close(&ledger, &out, false);
    ck_assert_uint_eq(out.count, 21);
    ck_assert(!out.has_unexplained);
    /* Eleven of the lines are not below another. */
    ck_assert_int_eq(out.lines[20].bytes, 89);
    ledger.count = 11;
    out.total = 11;
    ledger_close(&ledger, &out, false);
    ck_assert_uint_eq(out.count, 11);
    ledger_close(&ledger, &out, true);
    ck_assert_uint_eq(out.count, 12);
    ck_assert(out.has_unexplained);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tcase = tcase_create("ledger");

    tcase_add_test(tcase, test_all_known_adds_up);
    tcase_add_test(tcase, test_objects_are_what_is_left_of_allocated);
    tcase_add_test(tcase, test_gap_without_one_of_its_parts);
    tcase_add_test(tcase, test_active_alone);
    tcase_add_test(tcase, test_active_is_the_total_without_resident);
    tcase_add_test(tcase, test_beyond_active_without_dirty_or_base);
    tcase_add_test(tcase, test_unexplained_is_what_counters_leave);
    tcase_add_test(tcase, test_dirty_by_identity_may_be_muzzy);
    tcase_add_test(tcase, test_rss_by_the_kernels_account);
    tcase_add_test(tcase, test_muzzy_is_resident_in_some_releases);
    tcase_add_test(tcase, test_metadata_is_broken_down_where_it_fits);
    tcase_add_test(tcase, test_rss_of_pages_that_were_looked_at);
    tcase_add_test(tcase, test_account_of_the_program);
    tcase_add_test(tcase, test_account_of_redis);
    tcase_add_test(tcase, test_ledger_has_room_for_so_many);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
