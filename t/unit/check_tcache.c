/*
 * Thread caches: filling, growing, trimming, giving back, and their counts.
 */
#include "alloc/tcache.h"

#include <string.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "alloc/meta.h"
#include "base/bits.h"
#include "jealloc.h"
#include "t/util.h"

static tsd_t *tsd;
static conf_t options;

static void
teardown(void)
{
    conf = options;
}

static void
setup(void)
{
    ck_assert(je_boot());
    options = conf;
    tsd = tsd_get();
    ck_assert_ptr_nonnull(tsd);
    tcache_set_enabled(tsd, true);
    tcache_flush(tsd);
}

static unsigned
cached(unsigned cls)
{
    return (unsigned)(tsd->bins[cls].head - tsd->cold[cls].base);
}

static void
expect_invariants(void)
{
    size_t limit = 0;
    for (unsigned cls = 1; cls <= SC_NCACHED; cls++) {
        const cache_bin_t *bin = &tsd->bins[cls];
        const tcache_bin_t *cold = &tsd->cold[cls];
        if (cold->base == NULL) {
            ck_assert_ptr_eq(bin->head, bin->low);
            ck_assert_ptr_eq(bin->head, bin->full);
            continue;
        }
        ck_assert(cold->base <= bin->low && bin->low <= bin->head &&
                  bin->head <= bin->full);
        ck_assert_ptr_eq(bin->full, cold->base + ((size_t)1 << cold->lg_slots));
        ck_assert_uint_le(cold->lg_slots, cold->lg_slots_max);
        limit += (size_t)bin->size << cold->lg_slots;
    }
    ck_assert_uint_eq(tsd->cache_limit_bytes, limit);
    ck_assert(tsd->bins[0].head == tsd->bins[0].full &&
              tsd->bins[0].head == tsd->bins[0].low);
}

START_TEST(test_tcache_free_then_malloc_returns_the_same_object)
{
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        size_t size = sz_size(i);
        if (size > conf.tcache_max) {
            continue;
        }
        void *p = jea_malloc(size);
        jea_free(p);
        void *q = jea_malloc(size);
        ck_assert_ptr_eq(p, q);
        jea_free(q);
        expect_invariants();
    }
}

END_TEST

START_TEST(test_tcache_random_traffic_keeps_the_invariants)
{
    enum { HELD = 4000 };

    static void *held[HELD];
    uint64_t state = util_seed();
    for (unsigned i = 0; i < 200000; i++) {
        unsigned k = (unsigned)util_random_below(&state, HELD);
        if (held[k] != NULL) {
            jea_free(held[k]);
            held[k] = NULL;
        } else {
            held[k] = jea_malloc(1 + util_random_below(&state, 1 + i % 40000));
        }
        if (i % 1000 == 0) {
            expect_invariants();
            ck_assert_uint_le(tcache_bytes(tsd), tsd->cache_limit_bytes);
        }
    }
    for (unsigned k = 0; k < HELD; k++) {
        jea_free(held[k]);
    }
    expect_invariants();
    tcache_flush(tsd);
    ck_assert_uint_eq(tcache_bytes(tsd), 0);
    expect_invariants();
}

END_TEST

START_TEST(test_tcache_stack_grows_under_load_and_stops_at_its_limit)
{
    enum { MANY = 5000 };

    static void *p[MANY];
    unsigned cls = sz_index(64) + 1;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_malloc(64);
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
    }
    ck_assert_uint_eq(tsd->cold[cls].lg_slots, tsd->cold[cls].lg_slots_max);
    ck_assert_uint_eq(tsd->cold[cls].lg_slots, 10);
    ck_assert_uint_le(cached(cls), 1u << META_LG_SLOTS_MAX);
    expect_invariants();
}

END_TEST

START_TEST(test_tcache_budget_of_a_thread_is_kept)
{
    enum { MANY = 3000 };

    static void *p[MANY];
    conf.tcache_thread_max = 300000;
    tcache_set_enabled(tsd, false);
    tcache_set_enabled(tsd, true);
    for (unsigned szind = 0; szind < SC_NBINS; szind++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_malloc(sz_size(szind));
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
        expect_invariants();
    }
    /* the smallest stacks are outside the budget */
    size_t smallest = 0;
    for (unsigned szind = 0; szind < SC_NBINS; szind++) {
        smallest += sz_size(szind) << META_LG_SLOTS_MIN;
    }
    ck_assert_uint_le(tsd->cache_limit_bytes, 300000 + smallest);
}

END_TEST

START_TEST(test_tcache_idle_objects_go_back)
{
    enum { MANY = 500 };

    static void *p[MANY];
    unsigned cls = sz_index(100) + 1;
    for (unsigned i = 0; i < MANY; i++) {
        p[i] = jea_malloc(100);
    }
    for (unsigned i = 0; i < MANY; i++) {
        jea_free(p[i]);
    }
    unsigned before = cached(cls);
    ck_assert_uint_gt(before, 100);
    for (unsigned i = 0; i < 20 * SC_NCACHED; i++) {
        tcache_gc(tsd);
        expect_invariants();
    }
    ck_assert_uint_le(cached(cls), 8);
    ck_assert_uint_eq(tsd->cold[cls].lg_slots, META_LG_SLOTS_MIN);
}

END_TEST

START_TEST(test_tcache_objects_in_use_between_rounds_stay)
{
    enum { MANY = 60 };

    void *p[MANY];
    unsigned cls = sz_index(100) + 1;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_malloc(100);
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
        if (round > 10) {
            ck_assert_uint_ge(cached(cls), MANY);
        }
        for (unsigned i = 0; i < SC_NCACHED; i++) {
            tcache_gc(tsd);
        }
    }
}

END_TEST

START_TEST(test_tcache_disabled_keeps_nothing)
{
    void *p = jea_malloc(100);
    jea_free(p);
    tcache_set_enabled(tsd, false);
    ck_assert_uint_eq(tcache_bytes(tsd), 0);
    ck_assert_uint_eq(tsd->cache_limit_bytes, 0);
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        jea_free(jea_malloc(sz_size(i)));
        ck_assert_ptr_null(tsd->cold[i + 1].base);
    }
    expect_invariants();
    tcache_set_enabled(tsd, true);
    jea_free(jea_malloc(100));
    ck_assert_uint_gt(tcache_bytes(tsd), 0);
}

END_TEST

START_TEST(test_tcache_max_zero_caches_no_large_object)
{
    conf.tcache_max = 0;
    jea_free(jea_malloc(sz_size(SC_NBINS)));
    ck_assert_ptr_null(tsd->cold[SC_NBINS + 1].base);
}

END_TEST

START_TEST(test_tcache_bytes_counts_free_objects)
{
    size_t before = tcache_bytes(tsd);
    ck_assert_uint_eq(before, 0);
    void *p = jea_malloc(sz_size(SC_NBINS));
    jea_free(p);
    ck_assert_uint_eq(tcache_bytes(tsd), sz_size(SC_NBINS));
    void *q = jea_malloc(1000); /* fills several */
    jea_free(q);
    ck_assert_uint_eq(tcache_bytes(tsd),
                      sz_size(SC_NBINS) + cached(sz_index(1000) + 1) * 1024);
}

END_TEST

START_TEST(test_tcache_requests_are_exact_across_the_wrap)
{
    unsigned szind = sz_index(48);
    uint64_t before = tcache_nrequests(tsd, szind);
    tsd->bins[szind + 1].nrequests = UINT32_MAX - 5;
    tsd->cold[szind + 1].nrequests32 = UINT32_MAX - 5;
    for (unsigned i = 0; i < 20; i++) {
        jea_free(jea_malloc(48));
    }
    ck_assert_uint_eq(
        tcache_nrequests(tsd, szind) - tsd->cold[szind + 1].nrequests, 20);
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        tcache_gc(tsd);
    }
    ck_assert_uint_ge(tcache_nrequests(tsd, szind), before);
    ck_assert_uint_le(tcache_nrequests(tsd, szind), before + 20);
}

END_TEST

START_TEST(test_tcache_refused_request_is_not_counted)
{
    uint64_t allocated = tsd->allocated;
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_ptr_null(
            je_alloc(SZ_LARGE_MAX, &(alloc_how_t){.zero = false}));
        tcache_gc(tsd);
    }
    ck_assert_uint_eq(tsd->allocated, allocated);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("tcache");
    TCase *tc = tcase_create("tcache");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_tcache_free_then_malloc_returns_the_same_object);
    tcase_add_test(tc, test_tcache_random_traffic_keeps_the_invariants);
    tcase_add_test(tc,
                   test_tcache_stack_grows_under_load_and_stops_at_its_limit);
    tcase_add_test(tc, test_tcache_budget_of_a_thread_is_kept);
    tcase_add_test(tc, test_tcache_idle_objects_go_back);
    tcase_add_test(tc, test_tcache_objects_in_use_between_rounds_stay);
    tcase_add_test(tc, test_tcache_disabled_keeps_nothing);
    tcase_add_test(tc, test_tcache_max_zero_caches_no_large_object);
    tcase_add_test(tc, test_tcache_bytes_counts_free_objects);
    tcase_add_test(tc, test_tcache_requests_are_exact_across_the_wrap);
    tcase_add_test(tc, test_tcache_refused_request_is_not_counted);
    suite_add_tcase(s, tc);
    return util_run(s);
}
