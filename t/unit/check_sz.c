/*
 * Size classes against the published table: 8, then four per doubling.
 *
 * The expected sizes are built here from that sentence, not from the code.
 */
#include "alloc/sz.h"

#include "t/util.h"

static size_t expected[300];
static unsigned expected_count;

/* jemalloc's small classes with 4 KiB pages, as its manual lists them. */
static const size_t published_small[] = {
    8,    16,   32,   48,   64,   80,   96,   112,  128,  160,   192,   224,
    256,  320,  384,  448,  512,  640,  768,  896,  1024, 1280,  1536,  1792,
    2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240, 12288, 14336};

static void
setup(void)
{
    sz_boot();
    expected_count = 0;
    expected[expected_count++] = 8;
    for (size_t s = 16; s <= 64; s += 16) {
        expected[expected_count++] = s;
    }
    for (size_t base = 64; base < (size_t)1 << 62; base *= 2) {
        for (size_t k = 1; k <= 4; k++) {
            expected[expected_count++] = base + k * (base / 4);
        }
    }
    for (size_t k = 1; k <= 3; k++) {
        expected[expected_count++] = ((size_t)1 << 62) + (k << 60);
    }
}

START_TEST(test_sz_table_is_the_published_one)
{
    ck_assert_uint_eq(SZ_NCLASSES, 232);
    ck_assert_uint_eq(expected_count, SZ_NCLASSES);
    for (unsigned i = 0; i < expected_count; i++) {
        ck_assert_uint_eq(sz_size(i), expected[i]);
        ck_assert_uint_eq(sz_size_compute(i), expected[i]);
    }
    ck_assert_uint_eq(sz_size(SZ_NCLASSES - 1), 0x7000000000000000u);
    if (OS_LG_PAGE == 12) {
        ck_assert_uint_eq(SC_NBINS, 36);
        for (unsigned i = 0; i < SC_NBINS; i++) {
            ck_assert_uint_eq(sz_size(i), published_small[i]);
        }
        ck_assert_uint_eq(sz_size(36), 16384);
        ck_assert_uint_eq(sz_size(37), 20480);
    }
}

END_TEST

START_TEST(test_sz_small_classes_end_below_four_pages)
{
    ck_assert_uint_eq(sz_size(SC_NBINS), 4 * OS_PAGE);
    ck_assert_uint_lt(sz_size(SC_NBINS - 1), 4 * OS_PAGE);
    for (unsigned i = SC_NBINS; i < SZ_NCLASSES; i++) {
        ck_assert_uint_eq(sz_size(i) % OS_PAGE, 0);
    }
}

END_TEST

START_TEST(test_sz_index_of_every_small_request_is_the_least_that_fits)
{
    unsigned want = 0;
    size_t wrong = 0;
    for (size_t size = 0; size <= (size_t)1 << 20; size++) {
        while (expected[want] < size) {
            want++;
        }
        wrong += sz_index(size) != want || sz_index_compute(size) != want ||
                 sz_round(size) != expected[want];
    }
    ck_assert_uint_eq(wrong, 0);
}

END_TEST

START_TEST(test_sz_index_changes_right_behind_every_class)
{
    for (unsigned i = 0; i < SZ_NCLASSES; i++) {
        ck_assert_uint_eq(sz_index(expected[i]), i);
        ck_assert_uint_eq(sz_index(expected[i] - 1),
                          i > 0 && expected[i] - 1 <= expected[i - 1] ? i - 1
                                                                      : i);
        if (i + 1 < SZ_NCLASSES) {
            ck_assert_uint_eq(sz_index(expected[i] + 1), i + 1);
        }
    }
}

END_TEST

START_TEST(test_sz_page_classes_follow_the_same_series)
{
    /* page classes are the classes that are multiples of the page, plus the
     * small numbers of pages between them */
    size_t before = 0;
    for (unsigned pind = 0; pind < SZ_NPSIZES; pind++) {
        size_t pages = sz_pind_pages(pind);
        ck_assert_uint_gt(pages, before);
        if (pages > 0 && pages < (size_t)1 << (62 - OS_LG_PAGE)) {
            ck_assert_uint_eq(sz_pind_ceil(pages), pind);
            ck_assert_uint_eq(sz_pind_floor(pages), pind);
        }
        before = pages;
    }
    static const size_t first[] = {1,  2,  3,  4,  5,  6,  7,  8, 10,
                                   12, 14, 16, 20, 24, 28, 32, 40};
    for (unsigned i = 0; i < JE_ARRAY_LEN(first); i++) {
        ck_assert_uint_eq(sz_pind_pages(i), first[i]);
    }
}

END_TEST

START_TEST(test_sz_page_class_floor_and_ceil_enclose)
{
    unsigned below = 0;
    for (size_t pages = 1; pages < 100000; pages++) {
        while (sz_pind_pages(below + 1) <= pages) {
            below++;
        }
        bool exact = sz_pind_pages(below) == pages;
        ck_assert_uint_eq(sz_pind_floor(pages), below);
        ck_assert_uint_eq(sz_pind_ceil(pages), exact ? below : below + 1);
    }
}

END_TEST

/* First small class that is a multiple of the alignment, else large. */
static size_t
expected_aligned(size_t size, size_t alignment)
{
    size = size > 0 ? size : 1;
    if (alignment <= OS_PAGE) {
        for (unsigned i = 0; i < SC_NBINS; i++) {
            if (expected[i] >= size && expected[i] % alignment == 0) {
                return expected[i];
            }
        }
    }
    for (unsigned i = SC_NBINS;; i++) {
        if (expected[i] >= size) {
            return expected[i];
        }
    }
}

START_TEST(test_sz_aligned_requests_get_the_first_class_that_is_a_multiple)
{
    for (size_t alignment = 1; alignment <= (size_t)32 << 20; alignment *= 2) {
        for (size_t size = 0; size < 40000; size += size < 300 ? 1 : 331) {
            ck_assert_uint_eq(sz_round_aligned(size, alignment),
                              expected_aligned(size, alignment));
        }
    }
    if (OS_LG_PAGE == 12) {
        ck_assert_uint_eq(sz_round_aligned(1, 65536), 16384);
    }
}

END_TEST

START_TEST(test_sz_aligned_requests_beyond_the_largest_class_are_zero)
{
    size_t most = SZ_LARGE_MAX;
    ck_assert_uint_eq(sz_round_aligned(most, 16), most);
    ck_assert_uint_eq(sz_round_aligned(most + 1, 16), 0);
    ck_assert_uint_eq(sz_round_aligned(SIZE_MAX, 16), 0);
    ck_assert_uint_eq(sz_round_aligned(most, 2 * OS_PAGE), 0);
    ck_assert_uint_eq(sz_round_aligned(1, (size_t)1 << 63), 0);
    ck_assert_uint_ne(sz_round_aligned(1, (size_t)1 << 40), 0);
    ck_assert_uint_eq(sz_usable(100, 0), 112);
    ck_assert_uint_eq(sz_usable(100, 64), 128);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("sz");
    TCase *tc = tcase_create("sz");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_sz_table_is_the_published_one);
    tcase_add_test(tc, test_sz_small_classes_end_below_four_pages);
    tcase_add_test(tc,
                   test_sz_index_of_every_small_request_is_the_least_that_fits);
    tcase_add_test(tc, test_sz_index_changes_right_behind_every_class);
    tcase_add_test(tc, test_sz_page_classes_follow_the_same_series);
    tcase_add_test(tc, test_sz_page_class_floor_and_ceil_enclose);
    tcase_add_test(
        tc, test_sz_aligned_requests_get_the_first_class_that_is_a_multiple);
    tcase_add_test(tc,
                   test_sz_aligned_requests_beyond_the_largest_class_are_zero);
    suite_add_tcase(s, tc);
    return util_run(s);
}
