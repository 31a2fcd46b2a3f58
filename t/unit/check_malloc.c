/*
 * The entry points: results, alignment, zeroes, and errno, which failure sets
 * and success and free leave alone. Holds under every option.
 */
#include "alloc/malloc.h"

#include <errno.h>
#include <string.h>

#include "alloc/conf.h"
#include "alloc/sz.h"
#include "jealloc.h"
#include "t/unit/stderr.h"

enum { MARK = 77 };

/* The compiler knows what is too large and would warn. */
static volatile size_t huge = SIZE_MAX;

static void
setup(void)
{
    ck_assert(je_boot());
    errno = MARK;
}

static void
expect_filled(const unsigned char *p, size_t n, unsigned char value)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        wrong += p[i] != value;
    }
    ck_assert_uint_eq(wrong, 0);
}

START_TEST(test_malloc_every_size_is_usable_and_aligned)
{
    for (size_t size = 0; size < 70000; size += size < 1100 ? 1 : 61) {
        unsigned char *p = jea_malloc(size);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % (size <= 8 ? 8 : 16), 0);
        size_t usable = jea_malloc_usable_size(p);
        ck_assert_uint_ge(usable, size);
        ck_assert_uint_eq(usable, jea_nallocx(size > 0 ? size : 1, 0));
        memset(p, 0xee, usable);
        jea_free(p);
    }
    ck_assert_int_eq(errno, MARK);
}

END_TEST

START_TEST(test_malloc_zero_gives_distinct_blocks)
{
    void *p[100];
    for (unsigned i = 0; i < 100; i++) {
        p[i] = jea_malloc(0);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq(jea_malloc_usable_size(p[i]), 8);
        for (unsigned k = 0; k < i; k++) {
            ck_assert_ptr_ne(p[k], p[i]);
        }
    }
    for (unsigned i = 0; i < 100; i++) {
        jea_free(p[i]);
    }
    void *q = jea_calloc(0, 10);
    ck_assert_ptr_nonnull(q);
    jea_free(q);
    ck_assert_int_eq(jea_posix_memalign(&q, 64, 0), 0);
    ck_assert_ptr_nonnull(q);
    jea_free(q);
    jea_free(NULL);
    ck_assert_uint_eq(jea_malloc_usable_size(NULL), 0);
    ck_assert_int_eq(errno, MARK);
}

END_TEST

#define expect_refused(call, error)                                            \
    do {                                                                       \
        errno = MARK;                                                          \
        ck_assert_ptr_null(call);                                              \
        ck_assert_int_eq(errno, error);                                        \
    } while (0)

START_TEST(test_malloc_of_too_much_is_null_and_enomem)
{
    void *p = jea_malloc(10);
    ck_assert_ptr_nonnull(p);
    memset(p, 9, 10);
    const size_t sizes[] = {huge,         huge / 2,         huge / 2 + 1,
                            SZ_LARGE_MAX, SZ_LARGE_MAX + 1, huge - 4095};
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        expect_refused(jea_malloc(sizes[i]), ENOMEM);
        expect_refused(jea_calloc(1, sizes[i]), ENOMEM);
        expect_refused(jea_calloc(sizes[i], 1), ENOMEM);
        expect_refused(jea_realloc(p, sizes[i]), ENOMEM);
        expect_refused(jea_realloc(NULL, sizes[i]), ENOMEM);
        expect_refused(jea_reallocarray(p, 1, sizes[i]), ENOMEM);
        expect_refused(jea_aligned_alloc(16, sizes[i]), ENOMEM);
        expect_refused(jea_aligned_alloc(1 << 20, sizes[i]), ENOMEM);
        expect_refused(jea_memalign(4096, sizes[i]), ENOMEM);
        expect_refused(jea_valloc(sizes[i]), ENOMEM);
        expect_refused(jea_pvalloc(sizes[i]), ENOMEM);
        void *q = &q;
        errno = MARK;
        ck_assert_int_eq(jea_posix_memalign(&q, 16, sizes[i]), ENOMEM);
        ck_assert_ptr_eq(q, &q);
        ck_assert_int_eq(errno, MARK);
    }
    expect_filled(p, 10, 9);
    jea_free(p);
}

END_TEST

START_TEST(test_malloc_products_that_overflow_are_refused)
{
    void *p = jea_malloc(10);
    ck_assert_ptr_nonnull(p);
    static volatile size_t half = (size_t)1 << 32;
    expect_refused(jea_calloc(half, half), ENOMEM);
    expect_refused(jea_calloc(half + 1, half), ENOMEM);
    expect_refused(jea_calloc(huge, 2), ENOMEM);
    expect_refused(jea_calloc(huge / 3, 4), ENOMEM);
    expect_refused(jea_reallocarray(p, half, half), ENOMEM);
    expect_refused(jea_reallocarray(NULL, huge / 8 + 1, 8), ENOMEM);
    jea_free(p);
}

END_TEST

START_TEST(test_calloc_is_zero_on_used_memory)
{
    for (size_t size = 1; size < (size_t)6 << 20; size = size * 3 / 2 + 7) {
        for (unsigned round = 0; round < 3; round++) {
            unsigned char *p = jea_calloc(1, size);
            ck_assert_ptr_nonnull(p);
            expect_filled(p, size, 0);
            memset(p, 0xff, jea_malloc_usable_size(p));
            jea_free(p);
        }
    }
    ck_assert_int_eq(errno, MARK);
}

END_TEST

START_TEST(test_realloc_keeps_the_content_between_all_sizes)
{
    static const size_t sizes[] = {1,     8,     100,    1000,    14336,  14337,
                                   20000, 70000, 300000, 2000000, 9000000};
    for (unsigned a = 0; a < JE_ARRAY_LEN(sizes); a++) {
        for (unsigned b = 0; b < JE_ARRAY_LEN(sizes); b++) {
            unsigned char *p = jea_malloc(sizes[a]);
            ck_assert_ptr_nonnull(p);
            memset(p, 0x3c, sizes[a]);
            p = jea_realloc(p, sizes[b]);
            ck_assert_ptr_nonnull(p);
            expect_filled(p, JE_MIN(sizes[a], sizes[b]), 0x3c);
            memset(p, 0x3d, jea_malloc_usable_size(p));
            jea_free(p);
        }
    }
    ck_assert_int_eq(errno, MARK);
}

END_TEST

START_TEST(test_realloc_within_its_class_stays)
{
    for (size_t size = 1; size < 2000000; size = size * 2 + 1) {
        void *p = jea_malloc(size);
        ck_assert_ptr_eq(jea_realloc(p, jea_malloc_usable_size(p)), p);
        ck_assert_ptr_eq(jea_realloc(p, size), p);
        jea_free(p);
    }
    void *p = jea_malloc((size_t)4 << 20);
    void *q = jea_realloc(p, (size_t)1 << 20);
    /* what lies between guard pages is not cut */
    ck_assert(q == p || conf.san_guard_large > 0);
    ck_assert_uint_eq(jea_malloc_usable_size(q), (size_t)1 << 20);
    jea_free(q);
}

END_TEST

START_TEST(test_realloc_to_zero_frees_by_default)
{
    void *p = jea_malloc(100);
    ck_assert_ptr_null(jea_realloc(p, 0));
    ck_assert_int_eq(errno, MARK);
    conf.zero_realloc = CONF_ZERO_REALLOC_ALLOC;
    p = jea_realloc(jea_malloc(100), 0);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(jea_malloc_usable_size(p), 8);
    jea_free(p);
}

END_TEST

static void
realloc_to_zero(void *p)
{
    p = jea_realloc(p, 0);
    (void)p;
}

START_TEST(test_realloc_to_zero_can_be_fatal)
{
    conf.zero_realloc = CONF_ZERO_REALLOC_ABORT;
    stderr_expect_abort(realloc_to_zero, jea_malloc(100), " to size 0\n");
}

END_TEST

START_TEST(test_memalign_family_aligns_up_to_32_mib)
{
    for (size_t align = 1; align <= (size_t)32 << 20; align *= 2) {
        for (size_t size = 1; size < 3000000; size = size * 7 + 3) {
            /* the first region of a slab is aligned by chance */
            void *before = jea_aligned_alloc(align, size);
            unsigned char *p = jea_aligned_alloc(align, size);
            ck_assert_ptr_nonnull(p);
            ck_assert_uint_eq((uintptr_t)p % align, 0);
            jea_free(before);
            ck_assert_uint_ge(jea_malloc_usable_size(p), size);
            p[0] = p[size - 1] = 1;
            jea_free_aligned_sized(p, align, size);
            if (align >= sizeof(void *)) {
                void *q = NULL;
                ck_assert_int_eq(jea_posix_memalign(&q, align, size), 0);
                ck_assert_uint_eq((uintptr_t)q % align, 0);
                jea_free(q);
            }
        }
    }
    ck_assert_int_eq(errno, MARK);
}

END_TEST

START_TEST(test_memalign_bad_alignments)
{
    void *q = &q;
    static const size_t bad[] = {0, 3, 24, 4095, SIZE_MAX};
    for (unsigned i = 0; i < JE_ARRAY_LEN(bad); i++) {
        expect_refused(jea_aligned_alloc(bad[i], 10), EINVAL);
        errno = MARK;
        ck_assert_int_eq(jea_posix_memalign(&q, bad[i], 10), EINVAL);
        ck_assert_ptr_eq(q, &q);
        ck_assert_int_eq(errno, MARK);
    }
    ck_assert_int_eq(jea_posix_memalign(&q, 4, 10), EINVAL);
    expect_refused(jea_memalign(huge, 10), EINVAL);
    void *p = jea_memalign(24, 10); /* rounds up, as libc's does */
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq((uintptr_t)p % 32, 0);
    jea_free(p);
    expect_refused(jea_aligned_alloc((size_t)1 << 62, 10), ENOMEM);
}

END_TEST

START_TEST(test_valloc_and_pvalloc_give_pages)
{
    for (size_t size = 0; size < 100000; size = size * 2 + 1) {
        void *p = jea_valloc(size);
        ck_assert_uint_eq((uintptr_t)p % OS_PAGE, 0);
        jea_free(p);
        p = jea_pvalloc(size);
        ck_assert_uint_eq((uintptr_t)p % OS_PAGE, 0);
        ck_assert_uint_ge(jea_malloc_usable_size(p),
                          (size + OS_PAGE - 1) / OS_PAGE * OS_PAGE);
        jea_free(p);
    }
    ck_assert_int_eq(errno, MARK);
}

END_TEST

START_TEST(test_free_sized_takes_every_size_of_the_class)
{
    for (size_t size = 1; size < 100000; size = size * 5 / 4 + 1) {
        jea_free_sized(jea_malloc(size), size);
        void *p = jea_malloc(size);
        jea_free_sized(p, jea_malloc_usable_size(p));
    }
    jea_free_sized(jea_malloc(0), 0);
    jea_free_sized(NULL, 100);
    jea_free_aligned_sized(NULL, 16, 100);
    ck_assert_int_eq(errno, MARK);
}

END_TEST

START_TEST(test_resize_in_place_never_moves_nor_lies)
{
    uint64_t state = util_seed();
    for (unsigned i = 0; i < 3000; i++) {
        size_t size = 1 + util_random_below(&state, 500000);
        unsigned char *p = jea_malloc(size);
        size_t before = jea_malloc_usable_size(p);
        memset(p, 0x77, before);
        size_t want = 1 + util_random_below(&state, 600000);
        size_t extra = util_random_below(&state, 100000);
        size_t now = je_resize_in_place(p, want, extra, true);
        ck_assert_uint_eq(now, jea_malloc_usable_size(p));
        ck_assert(now == before || now <= sz_round(want + extra));
        expect_filled(p, JE_MIN(before, now), 0x77);
        if (now > before) {
            expect_filled(p + before, now - before, 0);
        }
        jea_free(p);
    }
}

END_TEST

START_TEST(test_zero_option_zeroes_all_of_every_block)
{
    if (!conf.zero) {
        return;
    }
    for (size_t size = 1; size < 3000000; size = size * 2 + 5) {
        for (unsigned round = 0; round < 3; round++) {
            unsigned char *p = jea_malloc(size);
            expect_filled(p, jea_malloc_usable_size(p), 0);
            memset(p, 0xff, jea_malloc_usable_size(p));
            jea_free(p);
        }
    }
}

END_TEST

START_TEST(test_junk_option_fills_what_is_handed_out)
{
    if (conf.zero ||
        (conf.junk != CONF_JUNK_TRUE && conf.junk != CONF_JUNK_ALLOC)) {
        return;
    }
    for (size_t size = 1; size < 300000; size = size * 2 + 5) {
        unsigned char *p = jea_malloc(size);
        expect_filled(p, jea_malloc_usable_size(p), 0xa5);
        jea_free(p);
        p = jea_calloc(1, size);
        expect_filled(p, size, 0);
        jea_free(p);
    }
}

END_TEST

START_TEST(test_zeroed_block_of_mallocx_is_zero_to_its_end)
{
    for (size_t size = 1; size < 100000; size = size * 2 + 1) {
        for (unsigned round = 0; round < 2; round++) {
            unsigned char *p = jea_mallocx(size, JEA_ZERO);
            ck_assert_ptr_nonnull(p);
            size_t usable = jea_sallocx(p, 0);
            expect_filled(p, usable, 0);
            memset(p, 0xff, usable);
            jea_dallocx(p, 0);
        }
    }
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("malloc");
    TCase *tc = tcase_create("malloc");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_malloc_every_size_is_usable_and_aligned);
    tcase_add_test(tc, test_malloc_zero_gives_distinct_blocks);
    tcase_add_test(tc, test_malloc_of_too_much_is_null_and_enomem);
    tcase_add_test(tc, test_malloc_products_that_overflow_are_refused);
    tcase_add_test(tc, test_calloc_is_zero_on_used_memory);
    tcase_add_test(tc, test_realloc_keeps_the_content_between_all_sizes);
    tcase_add_test(tc, test_realloc_within_its_class_stays);
    tcase_add_test(tc, test_realloc_to_zero_frees_by_default);
    tcase_add_test(tc, test_realloc_to_zero_can_be_fatal);
    tcase_add_test(tc, test_memalign_family_aligns_up_to_32_mib);
    tcase_add_test(tc, test_memalign_bad_alignments);
    tcase_add_test(tc, test_valloc_and_pvalloc_give_pages);
    tcase_add_test(tc, test_free_sized_takes_every_size_of_the_class);
    tcase_add_test(tc, test_resize_in_place_never_moves_nor_lies);
    tcase_add_test(tc, test_zero_option_zeroes_all_of_every_block);
    tcase_add_test(tc, test_junk_option_fills_what_is_handed_out);
    tcase_add_test(tc, test_zeroed_block_of_mallocx_is_zero_to_its_end);
    suite_add_tcase(s, tc);
    return util_run(s);
}
