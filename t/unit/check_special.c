/*
 * Marked objects: exactly they are found, and their pages read class 0.
 */
#include "alloc/special.h"

#include <string.h>

#include "alloc/arena.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "base/bits.h"
#include "t/util.h"

static void
setup(void)
{
    ck_assert(je_boot());
}

/* Every page of the slab: class 0 iff a marked region starts there. */
static void
expect_pages(const extent_t *e, const bool *marked)
{
    const bin_info_t *info = &bin_infos[e->szind];
    for (uintptr_t page = e->addr; page < extent_end(e); page += OS_PAGE) {
        bool any = false;
        for (unsigned r = 0; r < info->nregs; r++) {
            uintptr_t at = e->addr + (uintptr_t)r * info->size;
            any = any || (marked[r] && at >= page && at < page + OS_PAGE);
        }
        ck_assert_uint_eq(emap_class((void *)page), any ? 0 : e->szind + 1u);
    }
}

START_TEST(test_special_random_marks_match_a_set)
{
    unsigned szind = (unsigned)_i;
    const bin_info_t *info = &bin_infos[szind];
    arena_t *arena = arena_create();
    void *p[SC_MAX_REGIONS];
    unsigned n = 0;
    while (n < info->nregs) {
        n += arena_fill(arena, szind, 0, p + n, info->nregs - n);
    }
    extent_t *e = emap_extent((uintptr_t)p[0]);
    bool marked[SC_MAX_REGIONS] = {false};
    unsigned count = 0;
    uint64_t state = util_seed() + szind;
    for (unsigned step = 0; step < 200; step++) {
        unsigned r = (unsigned)util_random_below(&state, info->nregs);
        void *at = (void *)(e->addr + (uintptr_t)r * info->size);
        ck_assert_int_eq(special_is_marked(e, at), marked[r]);
        if (marked[r]) {
            special_unmark(e, at);
            count--;
        } else {
            ck_assert(special_mark(e, at));
            count++;
        }
        marked[r] = !marked[r];
        ck_assert_uint_eq(e->nsampled, count);
        ck_assert(!special_is_marked(e, (char *)at + 1));
        if (step % 10 == 0) {
            expect_pages(e, marked);
        }
    }
    for (unsigned r = 0; r < info->nregs; r++) {
        if (marked[r]) {
            special_unmark(e, (void *)(e->addr + (uintptr_t)r * info->size));
            marked[r] = false;
        }
    }
    expect_pages(e, marked);
}

END_TEST

START_TEST(test_special_object_is_freed_by_the_slow_path_and_used_again)
{
    for (unsigned szind = 0; szind < SC_NBINS; szind++) {
        void *p = je_alloc(sz_size(szind), &(alloc_how_t){.zero = false});
        extent_t *e = emap_extent((uintptr_t)p);
        if (special_is_marked(e, p)) {
            continue; /* it is being sampled in earnest */
        }
        ck_assert_uint_eq(emap_class(p), szind + 1);
        ck_assert(special_mark(e, p));
        ck_assert_uint_eq(emap_class(p), 0);
        ck_assert_uint_eq(je_usable_size(p), sz_size(szind));
        special_unmark(e, p);
        ck_assert_uint_eq(emap_class(p), szind + 1);
        je_free(p, false);
    }
}

END_TEST

START_TEST(test_special_large_object_carries_the_mark_itself)
{
    arena_t *arena = arena_create();
    extent_t *e = arena_large_alloc(arena, sz_size(SC_NBINS), OS_PAGE, false);
    void *p = (void *)e->addr;
    ck_assert(!special_is_marked(e, p));
    ck_assert(special_mark(e, p));
    ck_assert(special_is_marked(e, p));
    special_unmark(e, p);
    ck_assert(!special_is_marked(e, p));
    ck_assert(special_mark(e, p));
    arena_large_dalloc(e);
    e = arena_large_alloc(arena, sz_size(SC_NBINS), OS_PAGE, false);
    ck_assert(!special_is_marked(e, (void *)e->addr));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("special");
    TCase *tc = tcase_create("special");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, test_special_random_marks_match_a_set, 0, SC_NBINS);
    tcase_add_test(
        tc, test_special_object_is_freed_by_the_slow_path_and_used_again);
    tcase_add_test(tc, test_special_large_object_carries_the_mark_itself);
    suite_add_tcase(s, tc);
    return util_run(s);
}
