/*
 * The page map at the borders of its windows and of the address space.
 *
 * Addresses are only looked up, never touched, so any will do.
 */
#include "alloc/emap.h"

#include <string.h>

#include "alloc/malloc.h"
#include "alloc/meta.h"
#include "t/util.h"

#define WINDOW ((uintptr_t)1 << EMAP_LG_LEAF)
/* A place where the kernel put nothing of ours. */
#define FAR (WINDOW * 3000)

static void
setup(void)
{
    ck_assert(je_boot());
}

static extent_t
extent_at(uintptr_t addr, size_t pages, bool is_slab)
{
    extent_t e;
    memset(&e, 0, sizeof(e));
    e.addr = addr;
    e.size = pages << OS_LG_PAGE;
    e.is_slab = is_slab;
    e.szind = 7;
    return e;
}

START_TEST(test_emap_foreign_addresses_read_class_zero_and_no_extent)
{
    int here;
    const uintptr_t addrs[] = {0,
                               1,
                               OS_PAGE,
                               FAR,
                               (uintptr_t)&here,
                               (uintptr_t)&setup,
                               ((uintptr_t)1 << EMAP_LG_ADDRESS) - 1};
    for (unsigned i = 0; i < JE_ARRAY_LEN(addrs); i++) {
        ck_assert_uint_eq(emap_class((void *)addrs[i]), 0);
        ck_assert_ptr_null(emap_extent(addrs[i]));
        ck_assert_ptr_null(emap_find_containing(addrs[i]));
    }
    ck_assert_ptr_null(emap_extent(UINTPTR_MAX));
    ck_assert_ptr_null(emap_find_containing((uintptr_t)1 << EMAP_LG_ADDRESS));
}

END_TEST

START_TEST(test_emap_reserve_refuses_what_lies_beyond_the_map)
{
    uintptr_t end = (uintptr_t)1 << EMAP_LG_ADDRESS;
    ck_assert(!emap_reserve(end, OS_PAGE));
    ck_assert(!emap_reserve(end - OS_PAGE, 2 * OS_PAGE));
    ck_assert(emap_reserve(end - OS_PAGE, OS_PAGE));
}

END_TEST

START_TEST(test_emap_ends_are_set_and_cleared_and_nothing_else)
{
    extent_t e = extent_at(FAR + 5 * OS_PAGE, 10, false);
    ck_assert(emap_reserve(e.addr, e.size));
    emap_set_ends(&e);
    for (unsigned i = 0; i < 12; i++) {
        uintptr_t page = FAR + (4 + i) * OS_PAGE;
        bool is_end = i == 1 || i == 10;
        ck_assert_ptr_eq(emap_extent(page), is_end ? &e : NULL);
        ck_assert_ptr_eq(emap_extent(page + OS_PAGE - 1), is_end ? &e : NULL);
        ck_assert_uint_eq(emap_class((void *)page), 0);
    }
    emap_clear_ends(e.addr, e.size);
    for (unsigned i = 0; i < 12; i++) {
        ck_assert_ptr_null(emap_extent(FAR + (4 + i) * OS_PAGE));
    }
}

END_TEST

START_TEST(test_emap_slab_across_a_window_border_is_found_on_every_page)
{
    uintptr_t border = FAR + WINDOW;
    extent_t e = extent_at(border - 3 * OS_PAGE, 7, true);
    ck_assert(emap_reserve(e.addr, e.size));
    emap_set_slab(&e);
    for (int i = -4; i <= 4; i++) {
        uintptr_t page = border + (uintptr_t)(i * (intptr_t)OS_PAGE);
        bool in = i >= -3 && i < 4;
        ck_assert_ptr_eq(emap_extent(page), in ? &e : NULL);
        ck_assert_uint_eq(emap_class((void *)(page + 17)), in ? 8 : 0);
        ck_assert_ptr_eq(emap_find_containing(page + 17), in ? &e : NULL);
    }
    emap_unset_slab(&e);
    for (int i = -3; i < 4; i++) {
        uintptr_t page = border + (uintptr_t)(i * (intptr_t)OS_PAGE);
        bool is_end = i == -3 || i == 3;
        ck_assert_ptr_eq(emap_extent(page), is_end ? &e : NULL);
        ck_assert_uint_eq(emap_class((void *)page), 0);
    }
}

END_TEST

START_TEST(test_emap_first_and_last_page_of_a_window_are_apart)
{
    extent_t a = extent_at(FAR + WINDOW - OS_PAGE, 1, false);
    extent_t b = extent_at(FAR + WINDOW, 1, false);
    extent_t c = extent_at(FAR + 2 * WINDOW - OS_PAGE, 1, false);
    ck_assert(emap_reserve(a.addr, 2 * OS_PAGE));
    ck_assert(emap_reserve(c.addr, c.size));
    emap_set_ends(&a);
    emap_set_ends(&b);
    emap_set_ends(&c);
    ck_assert_ptr_eq(emap_extent(a.addr), &a);
    ck_assert_ptr_eq(emap_extent(b.addr), &b);
    ck_assert_ptr_eq(emap_extent(c.addr), &c);
    ck_assert_ptr_null(emap_extent(b.addr + OS_PAGE));
    ck_assert_ptr_null(emap_extent(FAR));
}

END_TEST

START_TEST(test_emap_reserve_of_several_windows_makes_each)
{
    uintptr_t at = FAR + 10 * WINDOW - OS_PAGE;
    size_t size = 3 * WINDOW;
    ck_assert(emap_reserve(at, size));
    for (uintptr_t slot = at >> EMAP_LG_LEAF;
         slot <= (at + size - 1) >> EMAP_LG_LEAF; slot++) {
        ck_assert_uint_ne(emap.root[slot], 0);
    }
    meta_stats_t before, after;
    meta_stats(&before);
    ck_assert(emap_reserve(at, size));
    meta_stats(&after);
    ck_assert_uint_eq(before.mapped, after.mapped);
}

END_TEST

START_TEST(test_emap_counts_a_page_of_a_leaf_as_metadata_once)
{
    extent_t e = extent_at(FAR + 20 * WINDOW, 1, false);
    ck_assert(emap_reserve(e.addr, e.size));
    meta_stats_t before, after;
    meta_stats(&before);
    emap_set_ends(&e);
    meta_stats(&after);
    ck_assert_uint_eq(after.base - before.base, OS_PAGE);
    emap_clear_ends(e.addr, e.size);
    emap_set_ends(&e);
    meta_stats(&after);
    ck_assert_uint_eq(after.base - before.base, OS_PAGE);
}

END_TEST

START_TEST(test_emap_find_containing_sees_inner_pages_and_gaps)
{
    extent_t e = extent_at(FAR + 30 * WINDOW, 100, false);
    ck_assert(emap_reserve(e.addr, e.size));
    emap_set_ends(&e);
    ck_assert_ptr_eq(emap_find_containing(e.addr + 50 * OS_PAGE + 9), &e);
    ck_assert_ptr_eq(emap_find_containing(e.addr + e.size - 1), &e);
    ck_assert_ptr_null(emap_find_containing(e.addr + e.size));
    ck_assert_ptr_null(emap_find_containing(e.addr - 1));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("emap");
    TCase *tc = tcase_create("emap");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc,
                   test_emap_foreign_addresses_read_class_zero_and_no_extent);
    tcase_add_test(tc, test_emap_reserve_refuses_what_lies_beyond_the_map);
    tcase_add_test(tc, test_emap_ends_are_set_and_cleared_and_nothing_else);
    tcase_add_test(
        tc, test_emap_slab_across_a_window_border_is_found_on_every_page);
    tcase_add_test(tc, test_emap_first_and_last_page_of_a_window_are_apart);
    tcase_add_test(tc, test_emap_reserve_of_several_windows_makes_each);
    tcase_add_test(tc, test_emap_counts_a_page_of_a_leaf_as_metadata_once);
    tcase_add_test(tc, test_emap_find_containing_sees_inner_pages_and_gaps);
    suite_add_tcase(s, tc);
    return util_run(s);
}
