/*
 * alloc/bin_gaps.c, alloc/sweep.c: free pages inside slabs go back, when they
 * may and no others, and serve again.
 */
#include "t/unit/holes.h"

#include "alloc/background.h"
#include "alloc/conf.h"
#include "alloc/tsd.h"

/* ---- when -------------------------------------------------------------- */

START_TEST(test_free_pages_of_a_slab_go_after_the_decay_time)
{
    sow(SIZE, SLABS, 0);
    expect_gaps(0);
    figures_t before = figures();
    decay_at(0);
    expect_gaps(0);
    decay_at(QUARTER - 1);
    expect_gaps(0);
    ck_assert_uint_eq(figures().gaps, 0);
    decay_at(QUARTER);
    expect_gaps(0xe);
    figures_t after = figures();
    size_t bytes = SLABS * FREE_PAGES * OS_PAGE;
    ck_assert_uint_eq(after.gaps, bytes); /* ….slab_gaps */
    ck_assert_uint_eq(figure("jeprobe.arenas.4096.slab_gaps"), bytes);
    ck_assert_uint_eq(before.resident - after.resident, bytes);
    ck_assert_uint_eq(before.active - after.active, bytes);
    ck_assert_uint_eq(before.all_resident - after.all_resident, bytes);
    ck_assert_uint_eq(before.all_active - after.all_active, bytes);
    ck_assert_uint_eq(before.mapped, after.mapped);
    ck_assert_uint_eq(after.purged - before.purged, SLABS * FREE_PAGES);
    ck_assert_uint_eq(after.nmadvise - before.nmadvise, SLABS);
    ck_assert_uint_eq(after.npurge - before.npurge,
                      (SLABS - 1) / BIN_MOVING_MAX + 1);
}

END_TEST

START_TEST(test_what_was_taken_from_meanwhile_stays)
{
    void *p[3 * 32];
    unsigned n = bin_infos[sz_index(SIZE)].nregs - 1u;
    sow(SIZE, 1, 0);
    decay_at(0);
    fill(p, n);         /* the current slab is used up */
    fill(p + n, n);     /* and this one */
    fill(p + 2 * n, 1); /* another is the current */
    ck_assert_ptr_eq(emap_extent((uintptr_t)p[n]), field.slabs[0]);
    arena_flush(field.szind, p + n, n);
    decay_at(QUARTER);
    expect_gaps(0);
    decay_at(2 * QUARTER);
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_what_was_freed_meanwhile_waits_as_long)
{
    field.second = 8; /* the first on page 1 */
    sow(SIZE, SLABS, 0);
    decay_at(0);
    decay_at(QUARTER - 1);
    arena_flush(field.szind, field.seconds, field.nseconds);
    decay_at(QUARTER);
    expect_gaps(0xc);
    decay_at(2 * QUARTER - 1);
    expect_gaps(0xc);
    decay_at(2 * QUARTER);
    expect_gaps(0xe);
}

END_TEST

/* Part of the look at the bin, at bin_look_locked()'s pleasure. */
static bool
look_on(void)
{
    bin_moving_t moving;
    os_mutex_lock(&field.bin->mtx);
    bool has_more = bin_look_locked(field.bin, field.info, &moving);
    os_mutex_unlock(&field.bin->mtx);
    ck_assert_uint_eq(moving.n, 0);
    return has_more;
}

/* A slab that goes to a list that is still to be looked at comes by twice. */
START_TEST(test_two_looks_are_not_one)
{
    field.second = 4;
    sow(OS_PAGE, 100, 0);
    ck_assert_uint_eq(field.slabs[0]->bucket, 6);
    os_mutex_lock(&field.bin->mtx);
    bin_look_begin_locked(field.bin, field.now, false);
    os_mutex_unlock(&field.bin->mtx);
    ck_assert(look_on());
    arena_flush(field.szind, field.seconds, field.nseconds);
    ck_assert_uint_eq(field.slabs[0]->bucket, 7);
    while (look_on()) {
        continue;
    }
}

END_TEST

START_TEST(test_never_means_never)
{
    sow(SIZE, SLABS, 0);
    decay_at(0); /* it was looked at when the time was another */
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, -1));
    for (unsigned i = 0; i < 10; i++) {
        decay_at(i * 100 * QUARTER);
    }
    expect_gaps(0);
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now), UINT64_MAX);
}

END_TEST

START_TEST(test_a_time_of_zero_waits_for_nothing)
{
    sow(SIZE, SLABS, 0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 0));
    decay_at(0);
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_a_new_time_counts_from_now_on)
{
    sow(SIZE, SLABS, 0);
    decay_at(0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 1000));
    decay_at(QUARTER / 10 - 1);
    expect_gaps(0);
    decay_at(QUARTER / 10);
    expect_gaps(0xe);
}

END_TEST

/* Looks cost something, so there is a least time between two. */
START_TEST(test_a_time_of_nothing_much_is_not_less_than_ten_ms)
{
    sow(SIZE, SLABS, 0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 1));
    decay_at(0);
    decay_at(9999999);
    expect_gaps(0);
    decay_at(10000000);
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_purge_does_it_at_once)
{
    char name[64];
    sow(SIZE, SLABS, 0);
    (void)snprintf(name, sizeof(name), "arena.%u.purge", field.arena->ind);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    expect_gaps(0xe);
    figures_t before = figures();
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    ck_assert_uint_eq(figures().nmadvise, before.nmadvise);
}

END_TEST

START_TEST(test_decay_follows_the_schedule)
{
    char name[64];
    sow(SIZE, SLABS, 0);
    (void)snprintf(name, sizeof(name), "arena.%u.decay", field.arena->ind);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    expect_gaps(0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 40));
    for (unsigned i = 0; i < 500 && field.arena->pac.ngaps == 0; i++) {
        (void)usleep(1000);
        ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    }
    expect_gaps(0xe);
}

END_TEST

/* A tick takes few slabs at a time, but all of them are looked at in time. */
START_TEST(test_ticks_share_the_work)
{
    sow(SIZE, 500, 0);
    uint64_t steps = QUARTER / 1000;
    for (uint64_t i = 0; i < 1000; i++) {
        arena_tick(field.arena, field.now + i * steps);
        ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    }
    arena_tick(field.arena, field.now + QUARTER);
    ck_assert_uint_le(field.arena->pac.ngaps,
                      (size_t)2 * BIN_MOVING_MAX * FREE_PAGES);
    for (uint64_t i = 0; i < 1000; i++) {
        size_t before = field.arena->pac.ngaps;
        arena_tick(field.arena, field.now + QUARTER + i * steps);
        ck_assert_uint_le(field.arena->pac.ngaps - before,
                          (size_t)BIN_MOVING_MAX * FREE_PAGES);
    }
    expect_gaps(0xe);
}

END_TEST

/* Who comes by but rarely does more at once. */
START_TEST(test_rare_ticks_do_more)
{
    sow(SIZE, 250, 0);
    for (uint64_t i = 0; i < 4; i++) {
        arena_tick(field.arena, field.now + i * QUARTER);
    }
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_nobody_wakes_for_nothing)
{
    sow(SIZE, SLABS, 0);
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now), UINT64_MAX);
    decay_at(0);
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now + 1),
                      QUARTER - 1);
    decay_at(QUARTER);
    expect_gaps(0xe);
    decay_at(2 * QUARTER); /* it was the current slab's turn, too */
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now + 2 * QUARTER),
                      UINT64_MAX);
}

END_TEST

/* A bin that is not used any more gives up the slab it would take from, and the
 * one that it has besides. */
START_TEST(test_a_quiet_bin_keeps_no_slab)
{
    sow(SIZE, SLABS, 0);
    arena_flush(field.szind, field.live, SLABS);
    ck_assert_ptr_eq(field.bin->current, field.other);
    ck_assert_ptr_nonnull(field.bin->spare);
    decay_at(0);
    decay_at(QUARTER - 1);
    ck_assert_ptr_eq(field.bin->current, field.other);
    ck_assert_ptr_nonnull(field.bin->spare);
    decay_at(QUARTER);
    ck_assert_ptr_null(field.bin->current);
    ck_assert_ptr_null(field.bin->spare);
    ck_assert_uint_eq(field.bin->stats.curslabs, 1);
    decay_at(2 * QUARTER);
    ck_assert_uint_eq(field.other->gaps, 0xe);
    ck_assert_uint_eq(field.arena->pac.nactive, 1);
    void *p = field.live[SLABS];
    expect_stamp(p);
    arena_flush(field.szind, &p, 1);
    decay_at(3 * QUARTER);
    decay_at(4 * QUARTER);
    ck_assert_uint_eq(field.arena->pac.nactive, 0);
}

END_TEST

/* Even if it never had another one. */
START_TEST(test_a_quiet_bin_gives_up_its_only_slab)
{
    sow(SIZE, 1, 0);
    arena_flush(field.szind, field.live, 1);
    arena_purge(field.arena);
    arena_purge(field.arena); /* by now only that one can be idle */
    ck_assert_ptr_eq(field.bin->current, field.other);
    ck_assert_ptr_null(field.bin->spare);
    ck_assert_uint_eq(field.bin->stats.nonfull_slabs, 0);
    /* what was freed is no reason to look any more */
    decay_at(4 * QUARTER);
    ck_assert(field.bin->has_idle);
    for (unsigned i = 5; i < 8 && field.bin->current != NULL; i++) {
        decay_at(i * QUARTER);
    }
    ck_assert_ptr_null(field.bin->current);
}

END_TEST

/* While it takes regions it keeps both that it uses. */
START_TEST(test_a_bin_in_use_keeps_its_slab)
{
    void *p;
    sow(SIZE, 1, 0);
    for (unsigned i = 0; i < 10; i++) {
        fill(&p, 1);
        extent_t *current = field.bin->current;
        decay_at(i * QUARTER);
        ck_assert_ptr_eq(field.bin->current, current);
    }
}

END_TEST

START_TEST(test_helper_threads_do_it)
{
    background_stats_t stats;
    sow(SIZE, SLABS, 0);
    conf.max_background_threads = 1;
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 400));
    ck_assert(background_set(true));
    for (unsigned i = 0; i < 5000 && figures().gaps == 0; i++) {
        (void)usleep(1000);
    }
    background_stats(&stats);
    ck_assert(background_set(false));
    expect_gaps(0xe);
    /* it woke up for that, sooner than it does in any case */
    ck_assert_uint_le(stats.run_interval_ns, 900000000);
}

END_TEST

/* ---- which ------------------------------------------------------------- */

/* Whatever a page has of a live region, it stays. */
START_TEST(test_no_page_of_a_live_region_goes)
{
    static const size_t sizes[] = {64, 320, 448, 896, 3584, 5120, 14336};
    size_t size = sizes[_i];
    for (unsigned survivor = 0; survivor < bin_infos[sz_index(size)].nregs;
         survivor++) {
        sow(size, 2, survivor);
        size_t first = survivor * size / OS_PAGE;
        size_t last = (survivor * size + size - 1) / OS_PAGE;
        uint32_t live = (UINT32_C(2) << last) - (UINT32_C(1) << first);
        uint32_t all = (UINT32_C(1) << extent_pages(field.slabs[0])) - 1;
        arena_purge(field.arena);
        expect_gaps(all & ~live);
    }
}

END_TEST

/* To the slab, what a cache has is in use. */
START_TEST(test_what_caches_hold_stays)
{
    enum { N = 256 };

    static void *p[N];
    arena_t *arena = tsd_get()->arena;
    bin_t *bin = &arena->bins[sz_index(SIZE)];
    for (unsigned i = 0; i < N; i++) {
        p[i] = jea_malloc(SIZE);
    }
    for (unsigned i = 0; i < N / 2; i++) {
        jea_free(p[i]);
    }
    arena_purge(arena);
    ck_assert_uint_eq(bin->ngaps, 0);
    ck_assert_int_eq(jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0),
                     0);
    arena_purge(arena);
    for (unsigned i = 0; i < N / 2; i++) {
        ck_assert_ptr_nonnull(p[i] = jea_malloc(SIZE));
        memset(p[i], 1, SIZE);
    }
    ck_assert(arena_is_valid(arena));
}

END_TEST

/* There is no room for marks. */
START_TEST(test_the_smallest_classes_have_none)
{
    sow(16, 4, 0);
    ck_assert_uint_gt(field.info->slab_size, OS_PAGE);
    arena_purge(field.arena);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    decay_at(0);
    decay_at(QUARTER);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    expect_live_is_intact();
}

END_TEST

/* ---- in use again ------------------------------------------------------ */

START_TEST(test_pages_in_memory_are_used_up_first)
{
    static void *p[SIZE];
    sow(SIZE, 1, 0);
    fill(p, field.info->nregs - 1u); /* of the current slab */
    arena_purge(field.arena);
    expect_gaps(0xe);
    size_t active = field.arena->pac.nactive;
    fill(p, 7); /* the rest of the first page */
    expect_gaps(0xe);
    ck_assert_uint_eq(field.arena->pac.nactive, active);
    for (unsigned page = 1; page < 4; page++) {
        fill(p, 8); /* a page has as many */
        ck_assert_uint_eq(field.slabs[0]->gaps, 0xeu & (0xeu << page));
        ck_assert_uint_eq(field.arena->pac.nactive, active + page);
        for (unsigned i = 0; i < 8; i++) {
            ck_assert_uint_eq(
                ((uintptr_t)p[i] - field.slabs[0]->addr) / OS_PAGE, page);
            ck_assert_uint_eq(*(char *)p[i], 0);
            stamp(p[i]);
        }
        expect_gaps(0xeu & (0xeu << page));
    }
}

END_TEST

START_TEST(test_a_region_opens_all_pages_it_touches)
{
    static void *p[SIZE];
    sow(14336, 1, 0);
    fill(p, field.info->nregs - 1u);
    arena_purge(field.arena);
    expect_gaps(0xffffff0);
    fill(p, 1); /* 3.5 pages, the first of which the survivor ends on */
    ck_assert_uint_eq(region_of(p[0]), 1);
    stamp(p[0]);
    expect_gaps(0xfffff80);
    fill(p, 6);
    for (unsigned i = 0; i < 6; i++) {
        stamp(p[i]);
    }
    expect_gaps(0);
}

END_TEST

/* What is left over at the end of a slab is no region. */
START_TEST(test_what_is_left_over_is_not_taken)
{
    enum { REGION = 448, NREGS = 27 };

    static void *p[SLABS * NREGS];
    (void)setenv("MALLOC_CONF", "slab_sizes:448-448:3", 1);
    setup();
    sow(REGION, SLABS, NREGS - 1);
    ck_assert_uint_eq(field.info->nregs, NREGS);
    ck_assert_uint_lt(NREGS * REGION, field.info->slab_size);
    fill(p, NREGS - 1); /* of the current slab */
    arena_purge(field.arena);
    expect_gaps(0x3);
    fill(p, SLABS * (NREGS - 1));
    for (unsigned i = 0; i < SLABS * (NREGS - 1); i++) {
        ck_assert_uint_lt(region_of(p[i]), NREGS - 1);
        stamp(p[i]);
    }
    expect_gaps(0);
}

END_TEST

START_TEST(test_a_slab_that_goes_takes_its_gaps_along)
{
    sow(SIZE, SLABS, 0);
    arena_purge(field.arena);
    expect_gaps(0xe);
    arena_flush(field.szind, field.live, field.nlive);
    ck_assert(arena_is_valid(field.arena));
    ck_assert_uint_eq(field.bin->spare->gaps, 0xe);
    ck_assert_uint_eq(field.arena->pac.ngaps, FREE_PAGES);
    arena_purge(field.arena);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    ck_assert_uint_eq(field.arena->pac.nactive << OS_LG_PAGE,
                      field.info->slab_size); /* the current one */
    sow_in(field.arena, SIZE, SLABS, 0);
    expect_gaps(0);
}

END_TEST

START_TEST(test_reset_and_destroy_leave_none)
{
    sow(SIZE, SLABS, 0);
    arena_purge(field.arena);
    expect_gaps(0xe);
    ck_assert(arena_reset(field.arena));
    ck_assert(arena_is_valid(field.arena));
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    ck_assert_uint_eq(field.arena->pac.nactive, 0);
    sow_in(field.arena, SIZE, SLABS, 0);
    arena_purge(field.arena);
    ck_assert(arena_destroy(field.arena));
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    ck_assert_uint_eq(field.arena->pac.nactive, 0);
    ck_assert_ptr_eq(arena_create(), field.arena);
}

END_TEST

/* What is seen in a cache while its thread changes it may have gone back. */
START_TEST(test_reset_keeps_nothing_that_is_gone)
{
    list_t slabs, surplus;
    list_init(&slabs);
    list_init(&surplus);
    sow(SIZE, 1, 0);
    arena_purge(field.arena);
    expect_gaps(0xe);
    os_mutex_lock(&field.bin->mtx);
    bin_reset_begin_locked(field.bin, field.info, &slabs);
    char *first = (char *)field.slabs[0]->addr;
    bin_reset_keep(field.info, field.slabs[0], first + OS_PAGE);
    ck_assert_uint_eq(field.slabs[0]->nfree, field.info->nregs);
    bin_reset_keep(field.info, field.slabs[0], first);
    ck_assert_uint_eq(field.slabs[0]->nfree, field.info->nregs - 1u);
    bin_reset_end_locked(field.bin, field.info, &slabs, &surplus);
    ck_assert(bin_is_valid_locked(field.bin, field.info));
    os_mutex_unlock(&field.bin->mtx);
    arena_release_slabs(&surplus);
    ck_assert(arena_is_valid(field.arena));
}

END_TEST

/* ---- anything ---------------------------------------------------------- */

START_TEST(test_random_traffic_keeps_contents)
{
    static void *p[REGIONS_MAX];

    enum { LIVE = 3000 };

    uint64_t state = util_seed();
    sow(SIZE, 1, 0);
    field.szind = (unsigned)_i;
    field.info = &bin_infos[field.szind];
    unsigned live = 0;
    for (unsigned i = 0; i < 300; i++) {
        unsigned n = 1 + (unsigned)util_random_below(&state, 100);
        unsigned what = (unsigned)util_random_below(&state, 4);
        if (what == 0) {
            arena_purge(field.arena);
        } else if (what == 1 && live < LIVE) {
            fill(p + live, n);
            for (unsigned k = live; k < live + n; k++) {
                stamp(p[k]);
            }
            live += n;
        } else {
            for (; n > 0 && live > 0; n--) {
                unsigned k = (unsigned)util_random_below(&state, live);
                void *q = p[k];
                expect_stamp(q);
                p[k] = p[--live];
                arena_flush(field.szind, &q, 1);
            }
        }
        ck_assert(arena_is_valid(field.arena));
    }
    for (unsigned k = 0; k < live; k++) {
        expect_stamp(p[k]);
    }
}

END_TEST

/* ---- shown ------------------------------------------------------------- */

static char shown[1 << 20];

static void
collect(void *opaque, const char *text)
{
    size_t at = strlen(shown), n = strlen(text) + 1;
    (void)opaque;
    ck_assert_uint_le(at + n, sizeof(shown));
    memcpy(shown + at, text, n);
}

START_TEST(test_printed_statistics_say_so)
{
    char line[64];
    sow(SIZE, SLABS, 0);
    jea_malloc_stats_print(collect, NULL, "");
    ck_assert_ptr_null(strstr(shown, "slab_gaps"));
    arena_purge(field.arena);
    shown[0] = '\0';
    jea_malloc_stats_print(collect, NULL, "J");
    (void)snprintf(line, sizeof(line), "\"slab_gaps\":%zu",
                   SLABS * FREE_PAGES * OS_PAGE);
    ck_assert_ptr_nonnull(strstr(shown, line));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("holes");
    TCase *tc = tcase_create("holes");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_free_pages_of_a_slab_go_after_the_decay_time);
    tcase_add_test(tc, test_what_was_taken_from_meanwhile_stays);
    tcase_add_test(tc, test_what_was_freed_meanwhile_waits_as_long);
    tcase_add_test(tc, test_two_looks_are_not_one);
    tcase_add_test(tc, test_never_means_never);
    tcase_add_test(tc, test_a_time_of_zero_waits_for_nothing);
    tcase_add_test(tc, test_a_new_time_counts_from_now_on);
    tcase_add_test(tc, test_a_time_of_nothing_much_is_not_less_than_ten_ms);
    tcase_add_test(tc, test_purge_does_it_at_once);
    tcase_add_test(tc, test_decay_follows_the_schedule);
    tcase_add_test(tc, test_ticks_share_the_work);
    tcase_add_test(tc, test_rare_ticks_do_more);
    tcase_add_test(tc, test_nobody_wakes_for_nothing);
    tcase_add_test(tc, test_a_quiet_bin_keeps_no_slab);
    tcase_add_test(tc, test_a_quiet_bin_gives_up_its_only_slab);
    tcase_add_test(tc, test_a_bin_in_use_keeps_its_slab);
    tcase_add_test(tc, test_helper_threads_do_it);
    tcase_add_loop_test(tc, test_no_page_of_a_live_region_goes, 0, 7);
    tcase_add_test(tc, test_what_caches_hold_stays);
    tcase_add_test(tc, test_the_smallest_classes_have_none);
    tcase_add_test(tc, test_pages_in_memory_are_used_up_first);
    tcase_add_test(tc, test_a_region_opens_all_pages_it_touches);
    tcase_add_test(tc, test_a_slab_that_goes_takes_its_gaps_along);
    tcase_add_test(tc, test_reset_and_destroy_leave_none);
    tcase_add_test(tc, test_reset_keeps_nothing_that_is_gone);
    tcase_add_loop_test(tc, test_random_traffic_keeps_contents, 0, SC_NBINS);
    tcase_add_test(tc, test_printed_statistics_say_so);
    suite_add_tcase(s, tc);
    tc = tcase_create("option"); /* which is set before all else */
    tcase_add_test(tc, test_what_is_left_over_is_not_taken);
    suite_add_tcase(s, tc);
    return util_run(s);
}
