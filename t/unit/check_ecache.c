/*
 * Free extents under random operations against an array.
 */
#include "alloc/ecache.h"

#include <string.h>

#include "alloc/malloc.h"
#include "t/util.h"

enum { EXTENTS = 300 };

static extent_t extents[EXTENTS];
static bool in[EXTENTS];
static bool loose[EXTENTS];
static uint64_t stamp[EXTENTS]; /* when it was inserted */

static void
setup(void)
{
    ck_assert(je_boot());
}

static void
make_extent(unsigned k, size_t pages)
{
    memset(&extents[k], 0, sizeof(extents[k]));
    /* addresses in an order unrelated to the index */
    extents[k].addr = ((uintptr_t)(k * 7919 % EXTENTS) + 1) << 40;
    extents[k].size = pages << OS_LG_PAGE;
    extents[k].state = EXTENT_MOVING;
}

/* The contract: of the classes that surely serve the lowest that is there, and
 * of that the lowest address; or one of the class below that is large enough.
 */
static void
expect_best(ecache_t *c, size_t pages, unsigned lg_max_fit)
{
    extent_t *e = ecache_best_fit(c, pages, lg_max_fit);
    unsigned need = sz_pind_ceil(pages);
    const extent_t *best = NULL;
    for (unsigned k = 0; k < EXTENTS; k++) {
        if (!in[k] || loose[k] ||
            sz_pind_floor(extent_pages(&extents[k])) < need) {
            continue;
        }
        unsigned have = sz_pind_floor(extent_pages(&extents[k]));
        unsigned of_best =
            best != NULL ? sz_pind_floor(extent_pages(best)) : SZ_NPSIZES;
        if (have < of_best ||
            (have == of_best && extents[k].addr < best->addr)) {
            best = &extents[k];
        }
    }
    if (e == NULL) {
        ck_assert(best == NULL ||
                  sz_pind_pages(sz_pind_floor(extent_pages(best))) >>
                      lg_max_fit > pages);
        return;
    }
    ck_assert_uint_ge(extent_pages(e), pages);
    ck_assert(in[e - extents] && !loose[e - extents]);
    if (sz_pind_floor(extent_pages(e)) >= need) {
        ck_assert_ptr_eq(e, best);
    } else {
        ck_assert_uint_eq(sz_pind_floor(extent_pages(e)) + 1, need);
    }
}

static void
expect_totals(ecache_t *c)
{
    size_t npages = 0;
    const extent_t *oldest = NULL;
    static size_t count[SZ_NPSIZES], pages_in[SZ_NPSIZES];
    memset(count, 0, sizeof(count));
    memset(pages_in, 0, sizeof(pages_in));
    for (unsigned k = 0; k < EXTENTS; k++) {
        if (in[k]) {
            size_t pages = extent_pages(&extents[k]);
            npages += pages;
            count[sz_pind_floor(pages)]++;
            pages_in[sz_pind_floor(pages)] += pages;
            bool is_older = !loose[k] && (oldest == NULL ||
                                          stamp[k] < stamp[oldest - extents]);
            oldest = is_older ? &extents[k] : oldest;
        }
    }
    ck_assert_uint_eq(c->npages, npages);
    ck_assert_ptr_eq(ecache_oldest(c), oldest);
    ck_assert_mem_eq(c->count, count, sizeof(count));
    ck_assert_mem_eq(c->pages_in, pages_in, sizeof(pages_in));
    ck_assert(ecache_is_valid(c));
}

START_TEST(test_ecache_random_operations_match_an_array)
{
    uint64_t state = util_seed();
    ecache_t c;
    ecache_init(&c, EXTENT_DIRTY);
    for (uint64_t step = 0; step < 6000; step++) {
        unsigned k = (unsigned)util_random_below(&state, EXTENTS);
        if (in[k]) {
            ecache_remove(&c, &extents[k]);
        } else {
            unsigned lg = (unsigned)util_random_below(&state, 20);
            make_extent(k, 1 + util_random_below(&state, UINT64_C(1) << lg));
            loose[k] = extent_pages(&extents[k]) <= ECACHE_LOOSE_PAGES &&
                       util_random_below(&state, 2) == 0;
            if (loose[k]) {
                ecache_insert_loose(&c, &(extent_t *){&extents[k]}, 1);
            } else {
                ecache_insert(&c, &extents[k]);
            }
            ck_assert_uint_eq(extents[k].state, EXTENT_DIRTY);
            stamp[k] = step;
        }
        in[k] = !in[k];
        size_t want = 1 + util_random_below(&state, UINT64_C(1) << (step % 20));
        expect_best(&c, want, 64);
        expect_best(&c, want, (unsigned)(step % 8));
        if (step % 20 == 0) {
            expect_totals(&c);
        }
    }
}

END_TEST

START_TEST(test_ecache_loose_ones_serve_their_size_newest_first)
{
    ecache_t c;
    ecache_init(&c, EXTENT_DIRTY);
    extent_t *e[5], *out[5];
    for (unsigned i = 0; i < 5; i++) {
        make_extent(i, i < 4 ? 3 : 4);
        e[i] = &extents[i];
    }
    ecache_insert_loose(&c, e, 4);
    ecache_insert_loose(&c, &e[4], 1);
    ck_assert_ptr_null(ecache_best_fit(&c, 3, 64));
    ck_assert_ptr_null(ecache_loose(&c, 2));
    ck_assert(ecache_may_fit(&c, 4) && !ecache_may_fit(&c, 5));
    ck_assert_ptr_eq(ecache_loose(&c, 3), e[3]);
    ck_assert_ptr_null(ecache_loose(&c, ECACHE_LOOSE_PAGES + 1));
    ck_assert_uint_eq(ecache_remove_loose(&c, 3, out, 3), 3);
    ck_assert_ptr_eq(out[0], e[3]);
    ck_assert_ptr_eq(out[2], e[1]);
    ck_assert(!out[0]->is_loose && !out[1]->is_loose && !out[2]->is_loose);
    ck_assert_uint_eq(c.npages, 3 + 4);
    ck_assert_uint_eq(ecache_remove_loose(&c, 3, out, 3), 1);
    ck_assert_uint_eq(ecache_remove_loose(&c, 3, out, 3), 0);
    ck_assert(ecache_is_valid(&c));
}

END_TEST

/* What was there throughout since the last time, the oldest first. */
START_TEST(test_ecache_only_idle_ones_are_settled)
{
    ecache_t c;
    ecache_init(&c, EXTENT_DIRTY);
    extent_t *e[6], *out[6];
    for (unsigned i = 0; i < 6; i++) {
        make_extent(i, 2);
        e[i] = &extents[i];
    }
    ecache_insert_loose(&c, e, 5);
    ck_assert_ptr_null(ecache_settle(&c, true));
    ck_assert_uint_eq(ecache_remove_loose(&c, 2, out, 3), 3);
    ecache_insert_loose(&c, out, 3);
    ecache_insert_loose(&c, &e[5], 1);
    ck_assert_ptr_eq(ecache_settle(&c, true), e[0]);
    ck_assert_ptr_eq(ecache_settle(&c, true), e[1]);
    ck_assert_ptr_null(ecache_settle(&c, true));
    ck_assert_uint_eq(c.npages, 4 * 2);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_ptr_nonnull(ecache_settle(&c, false));
    }
    ck_assert_ptr_null(ecache_settle(&c, false));
    ck_assert_uint_eq(c.npages, 0);
    ck_assert(ecache_is_valid(&c));
}

END_TEST

START_TEST(test_ecache_largest_extent_beyond_the_fit_is_left_alone)
{
    ecache_t c;
    ecache_init(&c, EXTENT_RETAINED);
    make_extent(0, 1024);
    ecache_insert(&c, &extents[0]);
    ck_assert_ptr_null(ecache_best_fit(&c, 1, 6));
    ck_assert_ptr_eq(ecache_best_fit(&c, 16, 6), &extents[0]);
    ck_assert_ptr_eq(ecache_best_fit(&c, 1, 64), &extents[0]);
}

END_TEST

START_TEST(test_ecache_request_between_classes_takes_one_of_the_class_below)
{
    ecache_t c;
    ecache_init(&c, EXTENT_RETAINED);
    make_extent(0, 9); /* class 8 */
    ecache_insert(&c, &extents[0]);
    ck_assert_ptr_eq(ecache_best_fit(&c, 9, 64), &extents[0]);
    ck_assert_ptr_null(ecache_best_fit(&c, 10, 64));
}

END_TEST

START_TEST(test_ecache_below_goes_down_from_class_to_class)
{
    static const size_t pages[] = {900, 3, 130, 1, 130, 20};
    static const unsigned down[] = {0, 4, 5, 1, 3};
    ecache_t c;
    ecache_init(&c, EXTENT_DIRTY);
    for (unsigned k = 0; k < JE_ARRAY_LEN(pages); k++) {
        make_extent(k, pages[k]);
        ecache_insert(&c, &extents[k]);
    }
    unsigned end = SZ_NPSIZES;
    for (unsigned i = 0; i < JE_ARRAY_LEN(down); i++) {
        ck_assert_ptr_eq(ecache_below(&c, &end), &extents[down[i]]);
        ck_assert_uint_eq(end, sz_pind_floor(pages[down[i]]));
    }
    ck_assert_ptr_null(ecache_below(&c, &end));
    end = sz_pind_floor(130); /* those are not below */
    ck_assert_ptr_eq(ecache_below(&c, &end), &extents[5]);
    end = sz_pind_floor(130) + 1;
    ck_assert_ptr_eq(ecache_below(&c, &end), &extents[4]);
}

END_TEST

START_TEST(test_ecache_may_fit_knows_the_largest)
{
    ecache_t c;
    ecache_init(&c, EXTENT_DIRTY);
    ck_assert(!ecache_may_fit(&c, 1));
    make_extent(0, 640);
    ecache_insert(&c, &extents[0]);
    make_extent(1, 5);
    ecache_insert(&c, &extents[1]);
    ck_assert(ecache_may_fit(&c, 1) && ecache_may_fit(&c, 640));
    ck_assert(!ecache_may_fit(&c, 641));
    ecache_remove(&c, &extents[0]);
    ck_assert(ecache_may_fit(&c, 5) && !ecache_may_fit(&c, 6));
}

END_TEST

START_TEST(test_ecache_empty_has_nothing)
{
    ecache_t c;
    ecache_init(&c, EXTENT_MUZZY);
    ck_assert_ptr_null(ecache_best_fit(&c, 1, 64));
    ck_assert_ptr_null(ecache_oldest(&c));
    unsigned end = SZ_NPSIZES;
    ck_assert_ptr_null(ecache_below(&c, &end));
    ck_assert(ecache_is_valid(&c));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("ecache");
    TCase *tc = tcase_create("ecache");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_ecache_random_operations_match_an_array);
    tcase_add_test(tc, test_ecache_loose_ones_serve_their_size_newest_first);
    tcase_add_test(tc, test_ecache_only_idle_ones_are_settled);
    tcase_add_test(tc, test_ecache_largest_extent_beyond_the_fit_is_left_alone);
    tcase_add_test(
        tc, test_ecache_request_between_classes_takes_one_of_the_class_below);
    tcase_add_test(tc, test_ecache_below_goes_down_from_class_to_class);
    tcase_add_test(tc, test_ecache_may_fit_knows_the_largest);
    tcase_add_test(tc, test_ecache_empty_has_nothing);
    suite_add_tcase(s, tc);
    return util_run(s);
}
