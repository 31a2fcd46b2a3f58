/*
 * Unused pages on their way from one arena to another.
 */
#include "alloc/balance.h"

#include <string.h>

#include "alloc/malloc.h"
#include "os/pages.h"
#include "t/util.h"

enum { PIECES = 64 };

static void
setup(void)
{
    ck_assert(je_boot());
}

static arena_t *
make_arena(void)
{
    arena_t *arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    ck_assert(pac_set_decay_ms(&arena->pac, PAC_DIRTY, -1));
    return arena;
}

static extent_t *
take(arena_t *arena, size_t pages)
{
    bool zeroed;
    extent_t *e = pac_alloc(&arena->pac, pages << OS_LG_PAGE, OS_PAGE, &zeroed);
    ck_assert_ptr_nonnull(e);
    return e;
}

/* Leave the arena `n` dirty runs of so many pages that do not touch. */
static void
leave_dirty(arena_t *arena, unsigned n, size_t pages)
{
    static extent_t *runs[PIECES];
    for (unsigned i = 0; i < n; i++) {
        runs[i] = take(arena, pages);
        (void)take(arena, 1);
    }
    for (unsigned i = 0; i < n; i++) {
        pac_dalloc(&arena->pac, runs[i]);
    }
    ck_assert_uint_eq(arena->pac.dirty.npages, n * pages);
}

START_TEST(test_balance_takes_from_an_arena_that_has_such_a_run)
{
    arena_t *pieces = make_arena(), *whole = make_arena();
    arena_t *arena = make_arena();
    leave_dirty(pieces, PIECES, 4); /* more, but none as long */
    leave_dirty(whole, 1, 100);
    bool zeroed;
    extent_t *e =
        balance_pages(arena, (size_t)80 << OS_LG_PAGE, OS_PAGE, &zeroed);
    ck_assert_ptr_nonnull(e);
    ck_assert(!zeroed);
    ck_assert_uint_eq(whole->pac.dirty.npages + arena->pac.dirty.npages, 20);
    ck_assert_uint_eq(pieces->pac.dirty.npages, PIECES * 4);
    e = balance_pages(arena, (size_t)3 << OS_LG_PAGE, OS_PAGE, &zeroed);
    ck_assert_ptr_nonnull(e);
    ck_assert(!zeroed);
}

END_TEST

START_TEST(test_balance_takes_fresh_pages_where_no_run_is_as_long)
{
    arena_t *pieces = make_arena(), *arena = make_arena();
    leave_dirty(pieces, PIECES, 4);
    bool zeroed = false;
    ck_assert_ptr_nonnull(
        balance_pages(arena, (size_t)80 << OS_LG_PAGE, OS_PAGE, &zeroed));
    ck_assert(zeroed);
    ck_assert_uint_eq(pieces->pac.dirty.npages, PIECES * 4);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("balance");
    TCase *tc = tcase_create("balance");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_balance_takes_from_an_arena_that_has_such_a_run);
    tcase_add_test(tc, test_balance_takes_fresh_pages_where_no_run_is_as_long);
    suite_add_tcase(s, tc);
    return util_run(s);
}
