/* What is kept of a dump to see it beside others, and whether one dump is a
 * later one of the same process. */
#include "base/macros.h"

#include "analyse/report.h"

#include "t/unit/figures.h"

#include <string.h>

#define SECOND ((uint64_t)1000000000)

/* ---- of one dump -------------------------------------------------------- */

static struct jep_moment
moment_of(const struct snapshot *snapshot, const struct jep_view *view)
{
    struct jep_moment moment;

    moment_fill(snapshot, view, &moment);
    return moment;
}

static uint64_t
options_of(struct snapshot_setting *settings, size_t count)
{
    struct snapshot snapshot = {.settings = settings, .setting_count = count};
    struct jep_view view = {.follows = false};

    return moment_of(&snapshot, &view).options;
}

/* One number that is the same only for the same options. */
START_TEST(test_options_are_told_apart)
{
    struct snapshot_setting some[] = {{"opt.narenas", "8", 1},
                                      {"opt.retain", "true", 2}};
    struct snapshot_setting moved[] = {{"opt.narenas", "8", 7},
                                       {"opt.retain", "true", 8}};
    struct snapshot_setting value[] = {{"opt.narenas", "8", 1},
                                       {"opt.retain", "false", 2}};
    struct snapshot_setting name[] = {{"opt.narenas", "8", 1},
                                      {"opt.return", "true", 2}};
    struct snapshot_setting border[] = {{"opt.narenas8", "", 1},
                                        {"opt.retain", "true", 2}};
    uint64_t options = options_of(some, 2);

    ck_assert(options != 0);
    ck_assert(options_of(moved, 2) == options);
    ck_assert(options_of(some, 1) != options);
    ck_assert(options_of(value, 2) != options);
    ck_assert(options_of(name, 2) != options);
    ck_assert(options_of(border, 2) != options);
}

END_TEST

/* Values in force change while a process lives. */
START_TEST(test_what_can_change_is_no_option)
{
    struct snapshot_setting live[] = {{"background_thread", "true", 1},
                                      {"arenas.dirty_decay_ms", "5", 2},
                                      {"option", "x", 3}};
    struct snapshot_setting both[] = {{"background_thread", "true", 1},
                                      {"opt.narenas", "8", 2}};
    struct snapshot_setting other[] = {{"background_thread", "false", 1},
                                       {"opt.narenas", "8", 2}};

    ck_assert_uint_eq(options_of(live, 3), 0);
    ck_assert_uint_eq(options_of(NULL, 0), 0);
    ck_assert(options_of(both, 2) == options_of(other, 2));
    ck_assert(options_of(both, 2) == options_of(&both[1], 1));
}

END_TEST

/* Samples say what is allocated where no counter does. */
START_TEST(test_allocated_comes_from_a_profile)
{
    struct snapshot snapshot = {.setting_count = 0};
    struct jep_view view = {.follows = false};

    view.profile.live_bytes.value = 1234.6;
    ck_assert(!moment_of(&snapshot, &view).summary.allocated.known);
    view.profile.known = true;
    ck_assert(moment_of(&snapshot, &view).summary.allocated.known);
    ck_assert(moment_of(&snapshot, &view).summary.allocated.derived);
    ck_assert_uint_eq(moment_of(&snapshot, &view).summary.allocated.value,
                      1235);
    view.summary.allocated = figure(77);
    ck_assert_uint_eq(moment_of(&snapshot, &view).summary.allocated.value, 77);
}

END_TEST

START_TEST(test_uptime_is_the_processs_first)
{
    struct snapshot_arena arena = {.id = 0};
    struct snapshot snapshot = {.setting_count = 0};

    ck_assert(!moment_uptime(&snapshot).known);
    snapshot.subject = &arena;
    ck_assert(!moment_uptime(&snapshot).known);
    arena.figures[ARENA_UPTIME_NS] = figure(3);
    ck_assert_uint_eq(moment_uptime(&snapshot).value, 3);
    snapshot.mimalloc[MIMALLOC_ELAPSED_MS] = figure(2);
    ck_assert_uint_eq(moment_uptime(&snapshot).value, 2000000);
    snapshot.process[PROCESS_UPTIME_NS] = figure(1);
    ck_assert_uint_eq(moment_uptime(&snapshot).value, 1);
}

END_TEST

static size_t
events_known(const struct jep_moment *moment, uint64_t *sum)
{
    size_t count = 0;

    *sum = 0;
    for (size_t i = 0; i < JEP_MOMENT_EVENTS; i++) {
        count += moment->events[i].known;
        *sum += moment->events[i].value;
    }
    return count;
}

/* Each counter that only grows, once. */
START_TEST(test_events_are_all_counters)
{
    struct snapshot_arena arena = {.id = 0};
    struct snapshot snapshot = {.subject = &arena};
    struct jep_view view = {.follows = false};
    struct jep_moment moment;
    uint64_t sum;

    arena.small[SMALL_NMALLOC] = figure(1);
    arena.large[SMALL_NMALLOC] = figure(2);
    arena.small[SMALL_NDALLOC] = figure(4);
    arena.large[SMALL_NDALLOC] = figure(8);
    arena.figures[ARENA_DIRTY_NPURGE] = figure(16);
    arena.figures[ARENA_DIRTY_NMADVISE] = figure(32);
    arena.figures[ARENA_DIRTY_PURGED] = figure(64);
    /* What goes up and down is none. */
    arena.small[SMALL_ALLOCATED] = figure(1u << 20);
    arena.figures[ARENA_PDIRTY] = figure(1u << 20);
    moment = moment_of(&snapshot, &view);
    ck_assert_uint_eq(events_known(&moment, &sum), 7);
    ck_assert_uint_eq(sum, 127);

    snapshot.subject = NULL;
    snapshot.mimalloc[MIMALLOC_MMAPS] = figure(1);
    snapshot.mimalloc[MIMALLOC_COMMITS] = figure(2);
    snapshot.mimalloc[MIMALLOC_RESETS] = figure(4);
    snapshot.mimalloc[MIMALLOC_PURGES] = figure(8);
    snapshot.mimalloc[MIMALLOC_FAULTS] = figure(16);
    snapshot.mimalloc[MIMALLOC_USER_MS] = figure(32);
    snapshot.mimalloc[MIMALLOC_PURGED] = figure(64);
    snapshot.glibc[GLIBC_HEAPS] = figure(128);
    snapshot.glibc[GLIBC_HEAP_SYSTEM_MAX] = figure(256);
    snapshot.glibc[GLIBC_MMAP_MAX] = figure(512);
    snapshot.glibc[GLIBC_MMAP_MAX_COUNT] = figure(1024);
    moment = moment_of(&snapshot, &view);
    ck_assert_uint_eq(events_known(&moment, &sum), 11);
    ck_assert_uint_eq(sum, 2047);
}

END_TEST

/* The ledger of jemalloc has other lines, which are no parts. */
START_TEST(test_parts_are_another_allocators)
{
    static const struct jep_ledger_line line = {.id = "metadata", .bytes = 5};
    struct snapshot snapshot = {.format = DUMP_FORMAT_GLIBC};
    struct jep_view view = {
        .ledger = {.lines = &line, .count = 1, .total_name = "mapped"}};
    struct jep_moment moment = moment_of(&snapshot, &view);

    ck_assert(moment.is_foreign);
    ck_assert_str_eq(moment.whole, "mapped");
    ck_assert_uint_eq(moment.parts[JEP_PART_METADATA].value, 5);
    snapshot.format = DUMP_FORMAT_JEMALLOC_TEXT;
    moment = moment_of(&snapshot, &view);
    ck_assert(!moment.is_foreign);
    ck_assert(!moment.parts[JEP_PART_METADATA].known);
}

END_TEST

/* ---- of two dumps ------------------------------------------------------- */

/* A moment of a process without a number: 100 s old, and `count` calls. */
static struct jep_moment
moment_at(const char *file, uint64_t uptime_s, uint64_t count)
{
    struct jep_moment moment = {.file = file};

    moment.uptime_ns = figure(uptime_s * SECOND);
    moment.events[3] = figure(count);
    return moment;
}

START_TEST(test_follows_by_what_only_grows)
{
    struct jep_moment before = moment_at("a", 100, 7);
    struct jep_moment now = moment_at("b", 200, 8);

    ck_assert(moment_follows(&before, &now));
    ck_assert(!moment_follows(&now, &before));
    /* One of them alone is too little, unless the file is the same. */
    now.events[3].known = false;
    ck_assert(!moment_follows(&before, &now));
    now.file = "a";
    ck_assert(moment_follows(&before, &now));
    now = moment_at("b", 200, 7);
    ck_assert(moment_follows(&before, &now));
    now.uptime_ns.known = false;
    ck_assert(!moment_follows(&before, &now));
    now = moment_at("b", 200, 6);
    ck_assert(!moment_follows(&before, &now));
    now = moment_at("b", 99, 8);
    ck_assert(!moment_follows(&before, &now));
    now = moment_at("b", 100, 7);
    ck_assert(moment_follows(&before, &now));
}

END_TEST

START_TEST(test_follows_not_if_something_else_differs)
{
    struct jep_moment before = moment_at("a", 100, 7), now;

    before.version = "5.3.0";
    before.exe = "/bin/a";
    before.options = 5;
    now = before;
    now.file = "b";
    ck_assert(moment_follows(&before, &now));
    now.version = NULL;
    now.exe = NULL;
    now.options = 0;
    ck_assert(moment_follows(&before, &now));
    ck_assert(moment_follows(&now, &before));
    now.options = 6;
    ck_assert(!moment_follows(&before, &now));
    now.options = 5;
    now.version = "5.2.1";
    ck_assert(!moment_follows(&before, &now));
    now.version = "5.3.0";
    now.exe = "/bin/b";
    ck_assert(!moment_follows(&before, &now));
    now.exe = NULL;
    now.allocator = JEP_ALLOCATOR_JEALLOC;
    ck_assert(!moment_follows(&before, &now));
}

END_TEST

START_TEST(test_follows_by_number)
{
    struct jep_moment before = {.file = "a", .pid = figure(1)};
    struct jep_moment now = {.file = "b", .pid = figure(1)};

    ck_assert(moment_follows(&before, &now));
    now.pid = figure(2);
    ck_assert(!moment_follows(&before, &now));
    now.pid = (struct jep_figure){.value = 1};
    ck_assert(!moment_follows(&before, &now));
    ck_assert(!moment_follows(&now, &before));
    now.pid = figure(1);
    before.wall_ns = figure(9);
    now.wall_ns = figure(8);
    ck_assert(!moment_follows(&before, &now));
    now.wall_ns = figure(9);
    ck_assert(moment_follows(&before, &now));
}

END_TEST

/* Two clocks may disagree by five seconds. */
START_TEST(test_start_is_told_apart)
{
    struct jep_moment a = {.file = "a"}, b = {.file = "b"};

    ck_assert(!moment_start(&a).known);
    a.wall_ns = figure(1000 * SECOND);
    ck_assert(!moment_start(&a).known);
    a.uptime_ns = figure(100 * SECOND);
    ck_assert_uint_eq(moment_start(&a).value, 900 * SECOND);
    b.wall_ns = figure(1200 * SECOND);
    ck_assert(!moment_has_other_start(&a, &b));
    b.uptime_ns = figure(295 * SECOND);
    ck_assert(!moment_has_other_start(&a, &b));
    ck_assert(!moment_has_other_start(&b, &a));
    ck_assert(!moment_is_restart(&a, &b));
    b.uptime_ns = figure(295 * SECOND - 1);
    ck_assert(moment_has_other_start(&a, &b));
    ck_assert(moment_has_other_start(&b, &a));
    ck_assert(moment_is_restart(&a, &b));
    a.pid = b.pid = figure(1);
    ck_assert(!moment_follows(&a, &b));
    /* A process is not older than time. */
    a.uptime_ns = figure(1001 * SECOND);
    ck_assert(!moment_start(&a).known);
    a.uptime_ns = figure(1000 * SECOND);
    ck_assert(moment_start(&a).known);
    ck_assert_uint_eq(moment_start(&a).value, 0);
}

END_TEST

/* Time decides where it is known, else the counters. */
START_TEST(test_restart_lets_something_fall)
{
    struct jep_moment a = moment_at("a", 100, 7), b = moment_at("b", 100, 6);

    ck_assert(!moment_is_restart(&a, &b));
    b.uptime_ns = figure(99 * SECOND);
    ck_assert(moment_is_restart(&a, &b));
    b.uptime_ns.known = false;
    ck_assert(moment_is_restart(&a, &b));
    b.events[3] = figure(7);
    ck_assert(!moment_is_restart(&a, &b));
    b.events[3] = figure(0);
    b.events[3].known = false;
    ck_assert(!moment_is_restart(&a, &b));
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("moment");
    TCase *tcase = tcase_create("moment");

    tcase_add_test(tcase, test_options_are_told_apart);
    tcase_add_test(tcase, test_what_can_change_is_no_option);
    tcase_add_test(tcase, test_allocated_comes_from_a_profile);
    tcase_add_test(tcase, test_uptime_is_the_processs_first);
    tcase_add_test(tcase, test_events_are_all_counters);
    tcase_add_test(tcase, test_parts_are_another_allocators);
    tcase_add_test(tcase, test_follows_by_what_only_grows);
    tcase_add_test(tcase, test_follows_not_if_something_else_differs);
    tcase_add_test(tcase, test_follows_by_number);
    tcase_add_test(tcase, test_start_is_told_apart);
    tcase_add_test(tcase, test_restart_lets_something_fall);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
