/* Blocks of a region: where they are, and what is in them. */
#include "base/macros.h"

#include "model/region.h"

#include "t/util.h"

#include <stdint.h>
#include <string.h>

#define BLOCKS 3000

static struct region region;

/* Blocks of all sizes, up to several huge pages, overlap nowhere. */
START_TEST(test_blocks_are_apart)
{
    static unsigned char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];

    for (size_t i = 0; i < BLOCKS; i++) {
        sizes[i] = i % 500 == 499 ? (size_t)i << 11 : i * 7 % 1500;
        blocks[i] = region_alloc(&region, sizes[i]);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % sizeof(uint64_t), 0);
        memset(blocks[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            if (blocks[i][k] != i % 251)
                ck_abort_msg("block %zu, byte %zu", i, k);
        }
    }
    region_free(&region);
    ck_assert_ptr_null(region.pieces);
}

END_TEST

/* The last block grows where it is while there is room, another one moves, and
 * either keeps what is in it. */
START_TEST(test_blocks_grow)
{
    char *first = region_alloc(&region, 100), *second, *moved;

    memset(first, 'a', 100);
    ck_assert_ptr_eq(region_grow(&region, first, 100, 200), first);
    second = region_alloc(&region, 10);
    ck_assert_ptr_eq(second, first + 200);
    moved = region_grow(&region, first, 200, 300);
    ck_assert_ptr_ne(moved, first);
    ck_assert_int_eq(moved[99], 'a');
    memset(moved, 'b', 300);
    /* Further than its piece goes. */
    first = region_grow(&region, moved, 300, (size_t)5 << 20);
    ck_assert_ptr_ne(first, moved);
    ck_assert_int_eq(first[299], 'b');
    first[((size_t)5 << 20) - 1] = 'c';
    ck_assert_ptr_nonnull(region_grow(&region, NULL, 0, 16));
    region_free(&region);
}

END_TEST

/* What a block that moved leaves behind, or what is given back, is used again,
 * also as a smaller block, and no two blocks share a byte. */
START_TEST(test_blocks_are_used_again)
{
    char *block = region_alloc(&region, 1000), *behind, *moved;

    behind = region_alloc(&region, 8);
    memset(behind, 'b', 8);
    moved = region_grow(&region, block, 1000, 5000);
    ck_assert_ptr_ne(moved, block);
    ck_assert_ptr_eq(region_alloc(&region, 500), block);
    ck_assert_ptr_ne(region_alloc(&region, 500), block);
    region_release(&region, moved, 5000);
    ck_assert_ptr_ne(region_alloc(&region, 4097), moved);
    ck_assert_ptr_eq(region_alloc(&region, 4096), moved);
    region_release(&region, NULL, 0);
    memset(moved, 'm', 5000);
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(behind[i], 'b');
    region_free(&region);
    ck_assert_ptr_null(region.unused[9]);
}

END_TEST

/* More than there can be is refused, and nothing is lost. */
START_TEST(test_too_large)
{
    char *block = region_alloc(&region, 8);

    block[0] = 'x';
    ck_assert_ptr_null(region_alloc(&region, SIZE_MAX));
    ck_assert_ptr_null(region_alloc(&region, SIZE_MAX / 4));
    ck_assert_ptr_null(region_grow(&region, block, 8, SIZE_MAX - 3));
    ck_assert_int_eq(block[0], 'x');
    ck_assert_ptr_eq(region_alloc(&region, 8), block + 8);
    region_free(&region);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("region");
    TCase *tcase = tcase_create("region");

    tcase_add_test(tcase, test_blocks_are_apart);
    tcase_add_test(tcase, test_blocks_grow);
    tcase_add_test(tcase, test_blocks_are_used_again);
    tcase_add_test(tcase, test_too_large);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
