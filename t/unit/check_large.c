/*
 * Large objects of the classes that every thread cache has a bin for: the hot
 * path serves them like small ones, by the page map's class.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/arena_choice.h"
#include "alloc/emap.h"
#include "alloc/label.h"
#include "alloc/special.h"
#include "alloc/tcache_count.h"
#include "jealloc.h"
#include "os/clock.h"
#include "t/unit/tcache.h"

enum { SIZE = 20000 };

static unsigned szind;

static void
begin(void)
{
    setup();
    conf.sample = 0; /* nothing is special by chance */
    restart();
    szind = sz_index(SIZE);
}

static unsigned
class_of(size_t size)
{
    void *p = jea_malloc(size);
    ck_assert_ptr_nonnull(p);
    unsigned cls = emap_class(p);
    jea_free(p);
    return cls;
}

START_TEST(test_classes_of_the_page_map)
{
    begin();
    for (unsigned i = SC_NBINS; i < SC_NCACHED; i++) {
        ck_assert_uint_eq(class_of(sz_size(i)), i + 1);
        ck_assert_uint_eq(class_of(sz_size(i) - 1), i + 1);
    }
    ck_assert_uint_eq(class_of(sz_size(SC_NCACHED)), 0);
    char *p = jea_malloc(SIZE);
    ck_assert_uint_eq(emap_class(p + OS_PAGE), 0);
    jea_free(p);
    tcache_flush(tsd);
    ck_assert_uint_eq(emap_class(p), 0);
    /* nor has one that goes back without a cache */
    p = jea_mallocx(SIZE, JEA_TCACHE_NONE);
    ck_assert_uint_eq(emap_class(p), szind + 1);
    jea_dallocx(p, JEA_TCACHE_NONE);
    ck_assert_uint_eq(emap_class(p), 0);
}

END_TEST

START_TEST(test_what_is_special_has_none)
{
    begin();
    void *p = jea_malloc(SIZE);
    extent_t *e = emap_extent((uintptr_t)p);
    ck_assert(special_mark(e, p));
    ck_assert_uint_eq(emap_class(p), 0);
    special_unmark(e, p);
    ck_assert_uint_eq(emap_class(p), szind + 1);
    jea_free(p);
    const char *name = "owner";
    ck_assert_int_eq(
        jea_mallctl("thread.label", NULL, NULL, &name, sizeof(name)), 0);
    p = jea_malloc(SIZE);
    e = emap_extent((uintptr_t)p);
    ck_assert_uint_ne(label_of(e, p), 0);
    ck_assert_uint_eq(emap_class(p), 0);
    ck_assert(special_mark(e, p));
    special_unmark(e, p);
    ck_assert_uint_eq(emap_class(p), 0);
    jea_free(p);
    ck_assert_uint_eq(emap_class(p), szind + 1); /* in the cache */
}

END_TEST

START_TEST(test_class_follows_the_size)
{
    begin();
    static const size_t sizes[] = {16384, 28672, 65536, 32768, 20480, 16384};
    char *p = jea_malloc(sizes[0]);
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        p = jea_realloc(p, sizes[i]);
        ck_assert_ptr_nonnull(p);
        memset(p, (int)i, sizes[i]);
        unsigned want = sizes[i] <= SZ_LOOKUP_MAX ? sz_index(sizes[i]) + 1 : 0;
        ck_assert_uint_eq(emap_class(p), want);
        ck_assert_uint_eq(jea_malloc_usable_size(p), sizes[i]);
    }
    unsigned before = cached(sz_index(16384) + 1);
    jea_free(p);
    ck_assert_uint_eq(cached(sz_index(16384) + 1), before + 1);
}

END_TEST

/* A program's requests are counted whichever way they are served. */
START_TEST(test_counts)
{
    begin();
    tsd_bytes_t before = tsd_bytes(tsd);
    uint64_t served = tcache_nrequests(tsd, szind);
    void *p[40];
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
            p[i] = jea_malloc(SIZE);
        }
        tsd_bytes_t now = tsd_bytes(tsd);
        uint64_t n = (round + 1u) * JE_ARRAY_LEN(p);
        ck_assert_uint_eq(now.allocated - before.allocated, n * sz_size(szind));
        for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
            jea_free(p[i]);
        }
        now = tsd_bytes(tsd);
        ck_assert_uint_eq(now.deallocated - before.deallocated,
                          n * sz_size(szind));
    }
    ck_assert_uint_gt(tcache_nrequests(tsd, szind) - served, 40 * 40);
    expect_invariants();
}

END_TEST

/* Take and give n objects some times, so that the bin gives some back and wants
 * them again. */
static void
waves(unsigned n, unsigned rounds)
{
    static void *p[1000];
    ck_assert_uint_le(n, JE_ARRAY_LEN(p));
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < n; i++) {
            p[i] = jea_malloc(SIZE);
        }
        for (unsigned i = 0; i < n; i++) {
            jea_free(p[i]);
        }
    }
}

static void
take_all_cached(void)
{
    while (cached(szind + 1) > 0) {
        ck_assert_ptr_nonnull(jea_malloc(SIZE));
    }
}

/* A bin that wants back what it gave gets some at a time, newest first. */
START_TEST(test_bins_are_filled_with_what_was_given_back)
{
    begin();
    const arena_t *arena = tsd->arena;
    waves(1000, 3);
    take_all_cached();
    uint64_t before = atomic_load_rlx(&arena->large[szind - SC_NBINS].nmalloc);
    size_t active = arena->pac.nactive;
    const extent_t *newest =
        ecache_loose(&tsd->arena->pac.dirty, sz_size(szind) >> OS_LG_PAGE);
    void *p = jea_malloc(SIZE);
    ck_assert_ptr_eq(p, extent_object(newest));
    memset(p, 1, SIZE);
    uint64_t got =
        atomic_load_rlx(&arena->large[szind - SC_NBINS].nmalloc) - before;
    ck_assert_uint_gt(got, 1);
    ck_assert_uint_eq(cached(szind + 1), got - 1);
    ck_assert_uint_eq(arena->pac.nactive,
                      active + got * (sz_size(szind) >> OS_LG_PAGE));
    expect_invariants();
}

END_TEST

/* One is no fill. */
START_TEST(test_first_fill_is_of_two)
{
    begin();
    waves(20, 1);
    take_all_cached();
    ck_assert_ptr_nonnull(jea_malloc(SIZE));
    ck_assert_uint_eq(cached(szind + 1), 1);
}

END_TEST

/* For objects that are guarded, are not this arena's or shall be zero, and for
 * a bin that does not want anything back, there is just the one. */
START_TEST(test_bins_are_filled_with_nothing_else)
{
    begin();
    size_t before = arena_oversize_min;
    waves(1000, 3);
    if (_i == 3) {
        tcache_flush(tsd);
    }
    take_all_cached();
    if (_i == 0) {
        conf.san_guard_large = UINT64_C(1) << 40;
    } else if (_i == 1) {
        arena_oversize_min = sz_size(szind);
    }
    ck_assert_ptr_nonnull(_i == 2 ? jea_calloc(1, SIZE) : jea_malloc(SIZE));
    ck_assert_uint_eq(cached(szind + 1), 0);
    arena_oversize_min = before;
}

END_TEST

/* Who asks in vain uses the bin, too. */
START_TEST(test_bin_that_is_asked_in_vain_is_not_idle)
{
    begin();
    conf.tcache_gc_incr_bytes = UINT64_C(1) << 40; /* only when the test says */
    restart();
    waves(1000, 3);
    take_all_cached();
    arena_purge(tsd->arena);
    const cache_bin_t *bin = &tsd->bins[szind + 1];
    tcache_bin_t *cold = &tsd->cold[szind + 1];
    cold->pops_seen = tcache_pops(bin, cold);
    ck_assert_ptr_nonnull(jea_malloc(SIZE));
    ck_assert_uint_eq(tcache_pops(bin, cold), cold->pops_seen);
    ck_assert(cold->is_missed);
    for (unsigned i = 0; i < 2; i++) {
        tsd->gc_bin = szind;
        tcache_gc(tsd, os_clock_coarse_ns());
        ck_assert_int_eq(cold->is_missed, i == 0);
    }
}

END_TEST

/* The guards of those that were cached are pages like others again. */
START_TEST(test_guards_go_with_what_they_guard)
{
    begin();
    conf.san_guard_large = 1;
    pac_t *pac = &tsd->arena->pac;
    jea_free(jea_malloc(SIZE));
    ck_assert_uint_eq(cached(szind + 1), 1);
    size_t dirty = pac->dirty.npages;
    tcache_flush(tsd);
    ck_assert_uint_eq(pac->dirty.npages - dirty,
                      (sz_size(szind) >> OS_LG_PAGE) + 2);
    ck_assert(arena_is_valid(tsd->arena));
}

END_TEST

/* The mark of what was in use since the last look only falls. */
START_TEST(test_slow_pops_do_not_raise_the_mark)
{
    begin();
    void *p[8];
    for (unsigned i = 0; i < 8; i++) {
        p[i] = jea_malloc(SIZE);
    }
    for (unsigned i = 0; i < 8; i++) {
        jea_free(p[i]);
    }
    cache_bin_t *bin = &tsd->bins[szind + 1];
    void **base = tsd->cold[szind + 1].base;
    ck_assert_ptr_eq(bin->low, base);
    jea_free(jea_calloc(1, SIZE));
    ck_assert_ptr_eq(bin->low, base);
}

END_TEST

/* And that of the largest only as far as it must. */
START_TEST(test_mark_of_the_largest_is_exact)
{
    begin();
    conf.tcache_max = 8 << 20;
    restart();
    void *p[6];
    for (unsigned i = 0; i < 6; i++) {
        p[i] = jea_malloc(65536);
    }
    for (unsigned i = 0; i < 6; i++) {
        jea_free(p[i]);
    }
    cache_bin_t *bin = tsd_bin(tsd, sz_index(65536) + 1);
    bin->low = bin->head; /* as trimming leaves it */
    ck_assert_ptr_eq(jea_malloc(65536), p[5]);
    ck_assert_ptr_eq(bin->low, bin->head);
}

END_TEST

/* Waves of what only tcache_max lets caches hold stay in the cache. */
START_TEST(test_waves_of_the_largest_are_not_trimmed)
{
    begin();
    conf.tcache_max = 8 << 20;
    restart();
    void *p[6];
    const arena_t *arena = tsd->arena;
    uint64_t flushes = 0;
    for (unsigned wave = 0; wave < 300; wave++) {
        for (unsigned i = 0; i < 6; i++) {
            p[i] = jea_malloc(65536);
        }
        for (unsigned i = 0; i < 6; i++) {
            jea_free(p[i]);
        }
        flushes = wave == 20 ? arena->large_nflushes : flushes;
    }
    ck_assert_uint_le(arena->large_nflushes - flushes, 2);
}

END_TEST

START_TEST(test_calloc_is_zero_from_everywhere)
{
    begin();

    enum { MANY = 400 };

    static char *p[MANY];
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_calloc(1, SIZE);
            for (unsigned at = 0; at < SIZE; at++) {
                ck_assert_int_eq(p[i][at], 0);
            }
            memset(p[i], 1, SIZE);
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
    }
}

END_TEST

/* What lies in a cache when its arena is reset is not given to anybody else. */
START_TEST(test_reset_keeps_what_is_cached)
{
    begin();
    unsigned ind;
    size_t len = sizeof(ind);
    char name[64];
    ck_assert_int_eq(jea_mallctl("arenas.create", &ind, &len, NULL, 0), 0);
    void *p[4], *kept;
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        p[i] = jea_mallocx(SIZE, JEA_ARENA(ind) | JEA_TCACHE_NONE);
        ck_assert_ptr_nonnull(p[i]);
    }
    kept = p[0];
    unsigned cache;
    len = sizeof(cache);
    ck_assert_int_eq(jea_mallctl("tcache.create", &cache, &len, NULL, 0), 0);
    jea_dallocx(kept, JEA_TCACHE(cache));
    snprintf(name, sizeof(name), "arena.%u.reset", ind);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    arena_t *arena = arena_get(ind);
    ck_assert_uint_eq(arena->pac.nactive, sz_size(szind) >> OS_LG_PAGE);
    ck_assert(!emap_extent((uintptr_t)kept)->is_cached);
    ck_assert_ptr_eq(jea_mallocx(SIZE, JEA_ARENA(ind) | JEA_TCACHE(cache)),
                     kept);
    jea_free(kept);
}

END_TEST

/* As with small ones, when they go back. */
START_TEST(test_double_free_is_told)
{
    begin();
    void *p = jea_malloc(SIZE);
    jea_free(p);
    jea_free(p);
    tcache_flush(tsd);
}

END_TEST

START_TEST(test_free_inside_is_told)
{
    begin();
    jea_free(jea_malloc(SIZE)); /* now the hot path has room */
    char *p = jea_malloc(SIZE);
    jea_free(p + 64);
    ck_assert_uint_eq(cached(szind + 1), 1);
    tcache_flush(tsd);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("large");
    TCase *tc = tcase_create("large");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, test_classes_of_the_page_map);
    tcase_add_test(tc, test_what_is_special_has_none);
    tcase_add_test(tc, test_class_follows_the_size);
    tcase_add_test(tc, test_counts);
    tcase_add_test(tc, test_bins_are_filled_with_what_was_given_back);
    tcase_add_test(tc, test_first_fill_is_of_two);
    tcase_add_loop_test(tc, test_bins_are_filled_with_nothing_else, 0, 4);
    tcase_add_test(tc, test_bin_that_is_asked_in_vain_is_not_idle);
    tcase_add_test(tc, test_guards_go_with_what_they_guard);
    tcase_add_test(tc, test_slow_pops_do_not_raise_the_mark);
    tcase_add_test(tc, test_mark_of_the_largest_is_exact);
    tcase_add_test(tc, test_waves_of_the_largest_are_not_trimmed);
    tcase_add_test(tc, test_calloc_is_zero_from_everywhere);
    tcase_add_test(tc, test_reset_keeps_what_is_cached);
    tcase_add_test_raise_signal(tc, test_double_free_is_told, SIGABRT);
    tcase_add_test_raise_signal(tc, test_free_inside_is_told, SIGABRT);
    suite_add_tcase(s, tc);
    return util_run(s);
}
