/*
 * Unused pages on their way from one arena to another.
 */
#include "alloc/balance.h"

#include <string.h>

#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "jealloc.h"
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

/* So much at once that address space does not become a patchwork. */
START_TEST(test_balance_takes_a_mebibyte_of_a_longer_run)
{
    arena_t *whole = make_arena(), *arena = make_arena();
    size_t mebibyte = (size_t)1 << (20 - OS_LG_PAGE);
    leave_dirty(whole, 1, 2 * mebibyte);
    bool zeroed;
    ck_assert_ptr_nonnull(
        balance_pages(arena, (size_t)1 << 18, OS_PAGE, &zeroed));
    ck_assert_uint_eq(whole->pac.dirty.npages, mebibyte);
    ck_assert_uint_eq(arena->pac.dirty.npages, mebibyte * 3 / 4);
}

END_TEST

/* Its own run is much too long to be cut; another's is not. */
START_TEST(test_balance_takes_from_another_arena)
{
    arena_t *other = make_arena(), *arena = make_arena();
    size_t npages = 2 << 6;
    uint64_t before = (uint64_t)conf.lg_extent_max_active_fit;
    conf.lg_extent_max_active_fit = 6;
    leave_dirty(arena, 1, 4 * npages);
    leave_dirty(other, 1, npages);
    bool zeroed;
    ck_assert_ptr_nonnull(
        balance_pages(arena, (size_t)2 << OS_LG_PAGE, OS_PAGE, &zeroed));
    ck_assert(!zeroed);
    ck_assert_uint_eq(other->pac.dirty.npages, 0);
    ck_assert_uint_eq(arena->pac.dirty.npages, 5 * npages - 2);
    conf.lg_extent_max_active_fit = before;
}

END_TEST

/* An arena that is lost, or one of whose pages a program takes care. */
START_TEST(test_balance_leaves_some_arenas_alone)
{
    arena_t *whole = make_arena(), *arena = make_arena();
    leave_dirty(whole, 1, 100);
    jea_extent_hooks_t copy = *pac_hooks(&arena->pac);
    if (_i == 0) {
        whole->is_quarantined = true;
    } else {
        pac_set_hooks(_i == 1 ? &whole->pac : &arena->pac, &copy);
    }
    bool zeroed = false;
    ck_assert_ptr_nonnull(
        balance_pages(arena, (size_t)80 << OS_LG_PAGE, OS_PAGE, &zeroed));
    ck_assert(zeroed);
    ck_assert_uint_eq(whole->pac.dirty.npages, 100);
}

END_TEST

/* Where much lies about that does not fit, some of it goes for fresh pages. */
START_TEST(test_balance_purges_for_fresh_pages)
{
    enum { FRESH = 200, RUN = 100 };

    arena_t *pieces = make_arena(), *arena = make_arena();
    pieces->pac.grow_size = (size_t)256 << OS_LG_HUGE; /* all are in there */
    leave_dirty(pieces, PIECES, RUN);
    bool zeroed;
    for (unsigned i = 0; i < 2; i++) {
        size_t before = pieces->pac.dirty.npages;
        ck_assert_ptr_nonnull(balance_pages(arena, (size_t)FRESH << OS_LG_PAGE,
                                            OS_PAGE, &zeroed));
        size_t purged = before - pieces->pac.dirty.npages;
        if (i == 0) { /* its decay time says never */
            ck_assert_uint_eq(purged, 0);
            pieces->pac.decay_dirty.time_ms = 10000;
        } else {
            ck_assert_uint_ge(purged, 2 * FRESH);
            ck_assert_uint_lt(purged, 2 * FRESH + RUN);
        }
    }
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
    tcase_add_test(tc, test_balance_takes_a_mebibyte_of_a_longer_run);
    tcase_add_test(tc, test_balance_takes_from_another_arena);
    tcase_add_loop_test(tc, test_balance_leaves_some_arenas_alone, 0, 3);
    tcase_add_test(tc, test_balance_purges_for_fresh_pages);
    suite_add_tcase(s, tc);
    return util_run(s);
}
