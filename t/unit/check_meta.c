/*
 * Metadata memory: zero, aligned, disjoint, guarded, counted to the byte.
 */
#include "alloc/meta.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/malloc.h"
#include "base/bits.h"
#include "t/unit/stderr.h"

static void
setup(void)
{
    ck_assert(je_boot());
}

static void
expect_all(const unsigned char *p, size_t n, unsigned char value)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        wrong += p[i] != value;
    }
    ck_assert_uint_eq(wrong, 0);
}

START_TEST(test_meta_alloc_is_zero_aligned_and_disjoint)
{
    enum { PIECES = 600 };

    uint64_t state = util_seed();
    unsigned char *p[PIECES];
    size_t size[PIECES];
    for (unsigned i = 0; i < PIECES; i++) {
        size[i] = 1 + (size_t)util_random_below(&state, i % 50 ? 9000 : 700000);
        p[i] = meta_alloc(size[i]);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq((uintptr_t)p[i] % CACHELINE, 0);
        ck_assert(meta_contains((uintptr_t)p[i]));
        ck_assert(meta_contains((uintptr_t)p[i] + size[i] - 1));
        expect_all(p[i], size[i], 0);
        memset(p[i], (int)(i % 251), size[i]);
    }
    for (unsigned i = 0; i < PIECES; i++) {
        expect_all(p[i], size[i], (unsigned char)(i % 251));
    }
}

END_TEST

START_TEST(test_meta_alloc_counts_what_it_hands_out)
{
    meta_stats_t before, after;
    (void)meta_alloc(1); /* a block exists */
    meta_stats(&before);
    ck_assert_ptr_nonnull(meta_alloc(1));
    ck_assert_ptr_nonnull(meta_alloc(65));
    meta_stats(&after);
    ck_assert_uint_eq(after.base - before.base, 64 + 128);
    ck_assert_uint_le(after.base, after.mapped);
}

END_TEST

static void
write_at(void *p)
{
    *(volatile char *)p = 1;
}

static void
find_blocks(void *arg, uintptr_t addr, size_t size)
{
    uintptr_t *guards = arg;
    guards[0] = addr - 1;
    guards[1] = addr + size;
}

START_TEST(test_meta_block_has_inaccessible_pages_around_it)
{
    uintptr_t guards[2] = {0, 0};
    (void)meta_alloc(1);
    meta_foreach_mapping(find_blocks, guards);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_ne(guards[i], 0);
        ck_assert(meta_contains(guards[i]));
        pid_t child = fork();
        if (child == 0) {
            (void)signal(SIGSEGV, SIG_DFL);
            write_at((void *)guards[i]);
            _exit(0);
        }
        int status = 0;
        (void)waitpid(child, &status, 0);
        /* sanitizers turn the signal into an exit status of their own */
        ck_assert_int_ne(status, 0);
    }
}

END_TEST

START_TEST(test_meta_slots_are_used_again_by_size)
{
    void **first[META_LG_SLOTS_MAX + 1];
    for (unsigned lg = META_LG_SLOTS_MIN; lg <= META_LG_SLOTS_MAX; lg++) {
        first[lg] = meta_slots_alloc(lg);
        ck_assert_ptr_nonnull(first[lg]);
        memset(first[lg], 0x5a, sizeof(void *) << lg);
    }
    for (unsigned lg = META_LG_SLOTS_MIN; lg <= META_LG_SLOTS_MAX; lg++) {
        meta_slots_free(first[lg], lg);
    }
    meta_stats_t before, after;
    meta_stats(&before);
    for (unsigned lg = META_LG_SLOTS_MIN; lg <= META_LG_SLOTS_MAX; lg++) {
        ck_assert_ptr_eq(meta_slots_alloc(lg), first[lg]);
    }
    meta_stats(&after);
    ck_assert_uint_eq(after.base, before.base);
}

END_TEST

START_TEST(test_meta_map_is_not_counted_until_touched)
{
    meta_stats_t before, after;
    meta_stats(&before);
    unsigned char *p = meta_map(64 * OS_PAGE);
    meta_stats(&after);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(after.mapped - before.mapped, 64 * OS_PAGE);
    ck_assert_uint_eq(after.base, before.base);
    meta_note_touched(3 * OS_PAGE);
    meta_stats(&after);
    ck_assert_uint_eq(after.base - before.base, 3 * OS_PAGE);
    expect_all(p, 64 * OS_PAGE, 0);
}

END_TEST

START_TEST(test_meta_resident_grows_with_the_pages_written)
{
    static unsigned char vec[64];
    size_t before = 0, after = 0;
    char *p = meta_map(32 * OS_PAGE);
    ck_assert(meta_resident(vec, sizeof(vec), &before));
    for (unsigned i = 0; i < 10; i++) {
        p[2 * i * OS_PAGE] = 1;
    }
    ck_assert(meta_resident(vec, sizeof(vec), &after));
    ck_assert_uint_eq(after - before, 10 * OS_PAGE);
}

END_TEST

enum { RACE_THREADS = 4, RACE_PIECES = 3000 };

static void *
race_run(void *arg)
{
    unsigned char me = (unsigned char)(uintptr_t)arg;
    static __thread unsigned char *mine[RACE_PIECES];
    for (unsigned i = 0; i < RACE_PIECES; i++) {
        mine[i] = meta_alloc(192);
        if (mine[i] == NULL) {
            return (void *)1;
        }
        memset(mine[i], me, 192);
    }
    for (unsigned i = 0; i < RACE_PIECES; i++) {
        for (unsigned k = 0; k < 192; k++) {
            if (mine[i][k] != me) {
                return (void *)2;
            }
        }
    }
    return NULL;
}

START_TEST(test_meta_alloc_from_many_threads_is_disjoint)
{
    pthread_t t[RACE_THREADS];
    for (uintptr_t i = 0; i < RACE_THREADS; i++) {
        ck_assert_int_eq(pthread_create(&t[i], NULL, race_run, (void *)(i + 1)),
                         0);
    }
    for (unsigned i = 0; i < RACE_THREADS; i++) {
        void *result;
        (void)pthread_join(t[i], &result);
        ck_assert_ptr_null(result);
    }
}

END_TEST

START_TEST(test_meta_contains_no_foreign_address)
{
    int here;
    ck_assert(!meta_contains((uintptr_t)&here));
    ck_assert(!meta_contains(0));
    ck_assert(!meta_contains((uintptr_t)&setup));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("meta");
    TCase *tc = tcase_create("meta");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_meta_alloc_is_zero_aligned_and_disjoint);
    tcase_add_test(tc, test_meta_alloc_counts_what_it_hands_out);
    tcase_add_test(tc, test_meta_block_has_inaccessible_pages_around_it);
    tcase_add_test(tc, test_meta_slots_are_used_again_by_size);
    tcase_add_test(tc, test_meta_map_is_not_counted_until_touched);
    tcase_add_test(tc, test_meta_resident_grows_with_the_pages_written);
    tcase_add_test(tc, test_meta_alloc_from_many_threads_is_disjoint);
    tcase_add_test(tc, test_meta_contains_no_foreign_address);
    suite_add_tcase(s, tc);
    return util_run(s);
}
