/*
 * One bin under random operations against a set of regions.
 *
 * Slabs are descriptors only: a bin never touches the regions themselves.
 */
#include "alloc/bin.h"

#include <string.h>

#include "alloc/malloc.h"
#include "t/unit/stderr.h"

enum { SLABS = 12, ARENA_IND = 3 };

static bin_t bin;
static const bin_info_t *info;
static extent_t slabs[SLABS];
static bool in_bin[SLABS];
static bool taken[SLABS][SC_MAX_REGIONS];

static void
setup(void)
{
    ck_assert(je_boot());
    memset(&bin, 0, sizeof(bin));
    bin_init(&bin, 0, 0);
}

static void
use_class(unsigned szind)
{
    info = &bin_infos[szind];
    for (unsigned i = 0; i < SLABS; i++) {
        memset(&slabs[i], 0, sizeof(slabs[i]));
        slabs[i].addr = (uintptr_t)(i + 1) << 32;
        slabs[i].size = info->slab_size;
        slabs[i].arena_ind = ARENA_IND;
        slabs[i].szind = (uint8_t)szind;
        slabs[i].is_slab = true;
        slabs[i].bucket = BIN_UNLISTED;
    }
}

/* A slab that is in no bin, entirely free, becomes the bin's. */
static bool
add_slab(void)
{
    for (unsigned i = 0; i < SLABS; i++) {
        if (!in_bin[i]) {
            slab_init_bitmap(info, &slabs[i]);
            bin_adopt_locked(&bin, info, &slabs[i]);
            in_bin[i] = true;
            return true;
        }
    }
    return false;
}

static unsigned
slab_number(const void *p)
{
    return (unsigned)((uintptr_t)p >> 32) - 1;
}

static unsigned
region_number(const void *p)
{
    uintptr_t offset = (uintptr_t)p & UINT32_MAX;
    ck_assert_uint_eq(offset % info->size, 0);
    return (unsigned)(offset / info->size);
}

static unsigned
take(unsigned n)
{
    void *out[SC_MAX_REGIONS * 2];
    unsigned got = bin_take_locked(&bin, info, out, n);
    ck_assert_uint_le(got, n);
    for (unsigned i = 0; i < got; i++) {
        unsigned s = slab_number(out[i]), r = region_number(out[i]);
        ck_assert(s < SLABS && r < info->nregs && in_bin[s] && !taken[s][r] &&
                  bin_region_is_live(info, &slabs[s], out[i]));
        taken[s][r] = true;
    }
    return got;
}

static void *
region_at(unsigned s, unsigned r)
{
    return (void *)(slabs[s].addr + (uintptr_t)r * info->size);
}

/* Give back up to n random regions; empty slabs may leave the bin. */
static unsigned
give(uint64_t *state, unsigned n)
{
    void *ptrs[SC_MAX_REGIONS];
    extent_t *of[SC_MAX_REGIONS];
    unsigned k = 0;
    for (unsigned tries = 0; tries < 20 * n && k < n; tries++) {
        unsigned s = (unsigned)util_random_below(state, SLABS);
        unsigned r = (unsigned)util_random_below(state, info->nregs);
        if (taken[s][r]) {
            taken[s][r] = false;
            ptrs[k] = region_at(s, r);
            of[k++] = &slabs[s];
        }
    }
    list_t surplus;
    list_init(&surplus);
    ck_assert_uint_eq(
        bin_put_locked(&bin, info, ARENA_IND, ptrs, of, k, &surplus), 0);
    for (list_t *l; (l = list_first(&surplus)) != NULL;) {
        list_remove(l);
        extent_t *e = list_entry(l, extent_t, link);
        ck_assert_uint_eq(e->nfree, info->nregs);
        in_bin[e - slabs] = false;
        memset(e->bitmap, 0, sizeof(e->bitmap));
    }
    return k;
}

static void
expect_counts(unsigned live)
{
    unsigned count = 0, cur = 0;
    for (unsigned s = 0; s < SLABS; s++) {
        unsigned in_slab = 0;
        cur += in_bin[s];
        for (unsigned r = 0; r < info->nregs; r++) {
            in_slab += taken[s][r];
        }
        count += in_slab;
        if (in_bin[s]) {
            ck_assert_uint_eq(slabs[s].nfree, info->nregs - in_slab);
        }
    }
    ck_assert_uint_eq(count, live);
    ck_assert_uint_eq(bin.stats.nmalloc - bin.stats.ndalloc, live);
    ck_assert_uint_eq(bin.stats.curslabs, cur);
    ck_assert(bin_is_valid_locked(&bin, info));
}

START_TEST(test_bin_random_operations_match_the_set)
{
    use_class((unsigned)_i);
    uint64_t state = util_seed() + (uint64_t)_i;
    unsigned live = 0;
    for (unsigned step = 0; step < 800; step++) {
        unsigned n = 1 + (unsigned)util_random_below(&state, 60);
        bool growing = (step / 50) % 2 == 0;
        if (util_random_below(&state, 10) < (growing ? 7 : 3)) {
            unsigned got = take(n);
            if (got < n) { /* nothing is left: then only may a slab be made */
                ck_assert_uint_eq(live + got, bin.stats.curslabs * info->nregs);
                (void)add_slab();
            }
            live += got;
        } else {
            live -= give(&state, n);
        }
        if (util_random_below(&state, 100) == 0) {
            extent_t *e = bin_drop_spare_locked(&bin, info);
            if (e != NULL) {
                ck_assert_uint_eq(e->nfree, info->nregs);
                in_bin[e - slabs] = false;
            }
        }
        if (step % 4 == 0) {
            expect_counts(live);
        }
    }
    expect_counts(live);
}

END_TEST

/* Take everything, then free `free_in[i]` regions of slab i. */
static void
prepare(const unsigned *free_in, unsigned n)
{
    use_class(4); /* 64 bytes, so many regions */
    for (unsigned i = 0; i < n; i++) {
        ck_assert(add_slab());
        ck_assert_uint_eq(take(info->nregs), info->nregs);
    }
    (void)take(1);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned r = 0; r < free_in[i]; r++) {
            void *p = region_at(i, r * 3 % info->nregs);
            extent_t *e = &slabs[i];
            list_t surplus;
            list_init(&surplus);
            taken[i][r * 3 % info->nregs] = false;
            ck_assert_uint_eq(
                bin_put_locked(&bin, info, ARENA_IND, &p, &e, 1, &surplus), 0);
            ck_assert(list_is_empty(&surplus));
        }
    }
}

START_TEST(test_bin_take_prefers_the_fullest_slab)
{
    const unsigned nregs = bin_infos[4].nregs;
    const unsigned free_in[] = {nregs / 2, nregs * 7 / 8, nregs / 16 + 1,
                                nregs * 3 / 4};
    prepare(free_in, 4);
    static const unsigned order[] = {2, 0, 3, 1};
    for (unsigned i = 0; i < 4; i++) {
        unsigned s = order[i];
        while (slabs[s].nfree > 0) {
            void *p = NULL;
            ck_assert_uint_eq(bin_take_locked(&bin, info, &p, 1), 1);
            ck_assert_uint_eq(slab_number(p), s);
        }
    }
}

END_TEST

START_TEST(test_bin_take_pops_ascending_addresses)
{
    use_class(2);
    ck_assert(add_slab());
    void *out[40];
    ck_assert_uint_eq(bin_take_locked(&bin, info, out, 40), 40);
    for (unsigned i = 0; i < 40; i++) { /* a stack: the last is popped first */
        ck_assert_ptr_eq(out[39 - i], region_at(0, i));
    }
}

END_TEST

START_TEST(test_bin_take_of_fewer_than_asked_fills_the_front)
{
    use_class(20);
    ck_assert(add_slab());
    void *out[SC_MAX_REGIONS + 9];
    memset(out, 0, sizeof(out));
    unsigned got = bin_take_locked(&bin, info, out, info->nregs + 9u);
    ck_assert_uint_eq(got, info->nregs);
    for (unsigned i = 0; i < got; i++) {
        ck_assert_ptr_nonnull(out[i]);
    }
}

END_TEST

START_TEST(test_bin_keeps_one_empty_slab_and_gives_up_the_next)
{
    const unsigned nregs = bin_infos[4].nregs;
    const unsigned none[] = {0, 0, 0};
    prepare(none, 3);
    unsigned surplus_count = 0;
    for (unsigned s = 0; s < 3; s++) {
        for (unsigned r = 0; r < nregs; r++) {
            void *p = region_at(s, r);
            extent_t *e = &slabs[s];
            list_t surplus;
            list_init(&surplus);
            (void)bin_put_locked(&bin, info, ARENA_IND, &p, &e, 1, &surplus);
            surplus_count += !list_is_empty(&surplus);
        }
    }
    ck_assert_uint_eq(surplus_count, 2);
    ck_assert_uint_eq(bin.stats.curslabs, 1);
    ck_assert_ptr_nonnull(bin_drop_spare_locked(&bin, info));
    ck_assert_ptr_null(bin_drop_spare_locked(&bin, info));
    ck_assert_uint_eq(bin.stats.curslabs, 0);
}

END_TEST

START_TEST(test_bin_put_leaves_other_arenas_regions)
{
    const unsigned none[] = {0, 0};
    prepare(none, 2);
    slabs[1].arena_ind = ARENA_IND + 1;
    void *ptrs[] = {region_at(1, 5), region_at(0, 1), region_at(1, 6),
                    region_at(0, 2)};
    extent_t *of[] = {&slabs[1], &slabs[0], &slabs[1], &slabs[0]};
    list_t surplus;
    list_init(&surplus);
    ck_assert_uint_eq(
        bin_put_locked(&bin, info, ARENA_IND, ptrs, of, 4, &surplus), 2);
    ck_assert_ptr_eq(ptrs[0], region_at(1, 5));
    ck_assert_ptr_eq(ptrs[1], region_at(1, 6));
    ck_assert_ptr_eq(of[0], &slabs[1]);
    ck_assert_ptr_eq(of[1], &slabs[1]);
    ck_assert_uint_eq(slabs[0].nfree, 2);
    ck_assert_uint_eq(slabs[1].nfree, 0);
}

END_TEST

START_TEST(test_bin_infos_leave_no_waste_and_divide_exactly)
{
    for (unsigned i = 0; i < SC_NBINS; i++) {
        const bin_info_t *b = &bin_infos[i];
        ck_assert_uint_eq(b->slab_size % OS_PAGE, 0);
        ck_assert_uint_eq((uint64_t)b->nregs * b->size, b->slab_size);
        ck_assert_uint_le(b->nregs, SC_MAX_REGIONS);
        ck_assert_uint_ge(b->nregs, 1);
        extent_t e = {.addr = (uintptr_t)1 << 40};
        for (uintptr_t r = 0; r < b->nregs; r++) {
            ck_assert_uint_eq(bin_region(b, &e, (void *)(e.addr + r * b->size)),
                              r);
        }
        for (unsigned k = 1; k <= BIN_BUCKETS; k++) {
            ck_assert_uint_ge(b->least_free[k], b->least_free[k - 1]);
        }
    }
}

END_TEST

static void
put_twice(void *unused)
{
    (void)unused;
    void *ptrs[] = {region_at(0, 1), region_at(0, 1)};
    extent_t *of[] = {&slabs[0], &slabs[0]};
    list_t surplus;
    list_init(&surplus);
    (void)bin_put_locked(&bin, info, ARENA_IND, ptrs, of, 2, &surplus);
}

static void
put_interior(void *unused)
{
    (void)unused;
    void *p = (char *)region_at(0, 1) + 8;
    extent_t *of = &slabs[0];
    list_t surplus;
    list_init(&surplus);
    (void)bin_put_locked(&bin, info, ARENA_IND, &p, &of, 1, &surplus);
}

START_TEST(test_bin_put_of_a_free_region_or_inside_one_aborts)
{
    const unsigned none[] = {0};
    prepare(none, 1);
    stderr_expect_abort(put_twice, NULL,
                        "jealloc: double free of 0x100000040 (size class 64)");
    stderr_expect_abort(put_interior, NULL,
                        "jealloc: free of 0x100000048, which is inside a block "
                        "of 64 bytes");
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("bin");
    TCase *tc = tcase_create("bin");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, test_bin_random_operations_match_the_set, 0,
                        SC_NBINS);
    tcase_add_test(tc, test_bin_take_prefers_the_fullest_slab);
    tcase_add_test(tc, test_bin_take_pops_ascending_addresses);
    tcase_add_test(tc, test_bin_take_of_fewer_than_asked_fills_the_front);
    tcase_add_test(tc, test_bin_keeps_one_empty_slab_and_gives_up_the_next);
    tcase_add_test(tc, test_bin_put_leaves_other_arenas_regions);
    tcase_add_test(tc, test_bin_infos_leave_no_waste_and_divide_exactly);
    tcase_add_test(tc, test_bin_put_of_a_free_region_or_inside_one_aborts);
    suite_add_tcase(s, tc);
    return util_run(s);
}
