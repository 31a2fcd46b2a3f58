/*
 * Integer arithmetic against loops that count.
 */
#include "base/bits.h"

#include "t/util.h"

static unsigned
slow_lg_floor(uint64_t x)
{
    unsigned n = 0;
    while (x >>= 1) {
        n++;
    }
    return n;
}

START_TEST(test_bits_lg_floor_and_ceil_match_a_loop)
{
    uint64_t state = util_seed();
    for (int i = 0; i < 20000; i++) {
        uint64_t x = util_random(&state) >> (util_random(&state) & 63);
        x = x > 0 ? x : 1;
        unsigned lg = slow_lg_floor(x);
        bool exact = x == UINT64_C(1) << lg;
        ck_assert_uint_eq(bits_lg_floor(x), lg);
        ck_assert_uint_eq(bits_lg_ceil(x), lg + !exact);
        ck_assert_int_eq(bits_is_pow2(x), exact);
    }
}

END_TEST

START_TEST(test_bits_powers_of_two_at_their_borders)
{
    ck_assert(!bits_is_pow2(0));
    for (unsigned lg = 0; lg < 64; lg++) {
        uint64_t x = UINT64_C(1) << lg;
        ck_assert(bits_is_pow2(x));
        ck_assert_uint_eq(bits_ctz(x), lg);
        ck_assert_uint_eq(bits_lg_floor(x), lg);
        ck_assert_uint_eq(bits_lg_ceil(x), lg);
        if (lg > 1) {
            ck_assert(!bits_is_pow2(x - 1));
            ck_assert_uint_eq(bits_lg_floor(x - 1), lg - 1);
            ck_assert_uint_eq(bits_lg_ceil(x - 1), lg);
        }
        if (lg > 0 && lg < 63) {
            ck_assert_uint_eq(bits_lg_ceil(x + 1), lg + 1);
        }
    }
}

END_TEST

START_TEST(test_bits_popcount_and_ctz_count_bits)
{
    uint64_t state = util_seed();
    for (int i = 0; i < 1000; i++) {
        uint64_t x = util_random(&state) | 1u << (i & 31);
        unsigned n = 0, lowest = 64;
        for (unsigned b = 0; b < 64; b++) {
            if ((x >> b) & 1) {
                n++;
                lowest = lowest == 64 ? b : lowest;
            }
        }
        ck_assert_uint_eq(bits_popcount(x), n);
        ck_assert_uint_eq(bits_ctz(x), lowest);
    }
}

END_TEST

START_TEST(test_bits_align_rounds_to_the_next_multiple)
{
    for (size_t align = 1; align <= 1024; align *= 2) {
        for (uintptr_t x = 0; x < 3000; x++) {
            ck_assert_uint_eq(bits_align_up(x, align),
                              (x + align - 1) / align * align);
            ck_assert_uint_eq(bits_align_down(x, align), x / align * align);
        }
    }
    uintptr_t high = (UINT64_C(1) << 47) + 1;
    ck_assert_uint_eq(bits_align_up(high, 4096), high + 4095);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("bits");
    TCase *tc = tcase_create("bits");
    tcase_add_test(tc, test_bits_lg_floor_and_ceil_match_a_loop);
    tcase_add_test(tc, test_bits_powers_of_two_at_their_borders);
    tcase_add_test(tc, test_bits_popcount_and_ctz_count_bits);
    tcase_add_test(tc, test_bits_align_rounds_to_the_next_multiple);
    suite_add_tcase(s, tc);
    return util_run(s);
}
