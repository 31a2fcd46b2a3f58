/*
 * alloc/mallocx.c and alloc/mallinfo.c: jemalloc's extended functions and
 * glibc's questions about the heap.
 */
#include "alloc/mallocx.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/ctl.h"
#include "alloc/emap.h"
#include "alloc/mallinfo.h"
#include "alloc/malloc.h"
#include "alloc/tcache.h"
#include "t/util.h"

/* The flags as jemalloc's header has them. */
#define LG_ALIGN(la) ((int)(la))
#define ZERO         0x40
#define NO_TCACHE    0x100
#define ARENA(a)     ((int)(((unsigned)(a) + 1) << 20))

static void
setup(void)
{
    ck_assert(je_boot());
}

static bool
is_filled(const unsigned char *p, size_t n, unsigned char byte)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != byte) {
            return false;
        }
    }
    return true;
}

static bool
is_zero(const unsigned char *p, size_t n)
{
    return is_filled(p, n, 0);
}

START_TEST(test_mallocx_gives_what_nallocx_says)
{
    uint64_t seed = util_seed();
    for (int i = 0; i < 3000; i++) {
        int lg = (int)util_random_below(&seed, 17);
        size_t size =
            1 + util_random_below(&seed, i % 10 == 0 ? 3000000 : 9000);
        int flags = LG_ALIGN(lg) | (i % 3 == 0 ? ZERO : 0) |
                    (i % 5 == 0 ? NO_TCACHE : 0);
        size_t usable = je_nallocx(size, flags);
        unsigned char *p = je_mallocx(size, flags);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_ge(usable, size);
        ck_assert_uint_eq(je_sallocx(p, flags), usable);
        ck_assert_uint_eq((uintptr_t)p & (((size_t)1 << lg) - 1), 0);
        if (flags & ZERO) {
            ck_assert(is_zero(p, size));
        }
        memset(p, 0xc3, usable);
        if (i % 2 == 0) {
            je_dallocx(p, flags);
        } else {
            je_sdallocx(p, i % 4 == 1 ? size : usable, flags);
        }
    }
}

END_TEST

START_TEST(test_mallocx_refuses_what_cannot_be)
{
    ck_assert_ptr_null(je_mallocx(SZ_LARGE_MAX + 1, 0));
    ck_assert_ptr_null(je_mallocx(SIZE_MAX, ZERO));
    ck_assert_ptr_null(je_mallocx(1, LG_ALIGN(63)));
    ck_assert_ptr_null(je_mallocx(100, ARENA(4000)));
    ck_assert_uint_eq(je_nallocx(SZ_LARGE_MAX, 0), SZ_LARGE_MAX);
    ck_assert_uint_eq(je_nallocx(SZ_LARGE_MAX + 1, 0), 0);
    ck_assert_uint_eq(je_nallocx(1, LG_ALIGN(63)), 0);
    ck_assert_uint_eq(je_nallocx(1, LG_ALIGN(16)), 16384);
}

END_TEST

START_TEST(test_mallocx_arena_decides_where_it_lies)
{
    arena_t *arena = arena_create();
    static const size_t sizes[] = {8, 500, 14336, 16384, 1000000};
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        void *p = je_mallocx(sizes[i], ARENA(arena->ind));
        ck_assert_uint_eq(emap_extent((uintptr_t)p)->arena_ind, arena->ind);
        void *q = je_rallocx(p, sizes[i] * 3, ARENA(arena->ind) | NO_TCACHE);
        ck_assert_uint_eq(emap_extent((uintptr_t)q)->arena_ind, arena->ind);
        je_dallocx(q, NO_TCACHE);
    }
    for (unsigned i = 0; i < SC_NBINS; i++) {
        ck_assert_uint_eq(arena->bins[i].stats.nmalloc,
                          arena->bins[i].stats.ndalloc);
    }
}

END_TEST

START_TEST(test_rallocx_keeps_content_and_zeroes_the_rest)
{
    uint64_t seed = util_seed();
    for (int i = 0; i < 1000; i++) {
        size_t most = i % 8 == 0 ? 400000 : 3000;
        size_t old = 1 + util_random_below(&seed, most);
        size_t size = 1 + util_random_below(&seed, most);
        int flags = i % 2 == 0 ? ZERO : 0;
        if (i % 3 == 0) {
            flags |= LG_ALIGN(8);
        }
        unsigned char *p = je_mallocx(old, flags);
        size_t real = je_sallocx(p, 0);
        memset(p, 0x5c, real);
        unsigned char *q = je_rallocx(p, size, flags);
        ck_assert_ptr_nonnull(q);
        size_t now = je_sallocx(q, 0), kept = old < size ? old : size;
        ck_assert_uint_ge(now, size);
        ck_assert(is_filled(q, kept, 0x5c));
        if ((flags & ZERO) != 0 && now > real) {
            ck_assert(is_zero(q + real, now - real));
        }
        if ((flags & LG_ALIGN(8)) != 0) {
            ck_assert_uint_eq((uintptr_t)q & 255, 0);
        }
        je_dallocx(q, flags);
    }
    void *p = je_mallocx(100, 0);
    ck_assert_ptr_null(je_rallocx(p, SZ_LARGE_MAX + 1, 0));
    ck_assert_uint_eq(je_sallocx(p, 0), 112);
    je_dallocx(p, 0);
}

END_TEST

START_TEST(test_xallocx_stays_and_says_how_large)
{
    void *small = je_mallocx(100, 0);
    ck_assert_uint_eq(je_xallocx(small, 100, 0, 0), 112);
    ck_assert_uint_eq(je_xallocx(small, 5000, 0, 0), 112);
    ck_assert_uint_eq(je_xallocx(small, 1, 0, 0), 112);
    ck_assert_uint_eq(je_xallocx(small, SIZE_MAX, 0, 0), 112);
    je_dallocx(small, 0);

    unsigned char *p = je_mallocx(1 << 20, 0);
    memset(p, 0x77, 1 << 20);
    ck_assert_uint_eq(je_xallocx(p, 1 << 18, 0, 0), 1 << 18);
    ck_assert_uint_eq(je_sallocx(p, 0), 1 << 18);
    /* what was cut off is free and next to it: it can be had again */
    ck_assert_uint_eq(je_xallocx(p, 1 << 20, 0, ZERO), 1 << 20);
    ck_assert(is_filled(p, 1 << 18, 0x77));
    ck_assert(is_zero(p + (1 << 18), (1 << 20) - (1 << 18)));
    /* less than `extra` when all of it is not to be had */
    size_t most = je_xallocx(p, 1 << 20, SZ_LARGE_MAX, 0);
    ck_assert_uint_ge(most, 1 << 20);
    ck_assert_uint_eq(je_sallocx(p, 0), most);
    je_dallocx(p, 0);
}

END_TEST

START_TEST(test_frees_around_the_cache_leave_it_alone)
{
    static const size_t sizes[] = {8, 512, 14336, 16384};
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        void *p[3];
        for (unsigned k = 0; k < JE_ARRAY_LEN(p); k++) {
            p[k] = je_mallocx(sizes[i], NO_TCACHE);
        }
        size_t before = tcache_bytes(tsd_get());
        je_dallocx(p[0], NO_TCACHE);
        je_sdallocx(p[1], sizes[i], NO_TCACHE);
        ck_assert_uint_eq(tcache_bytes(tsd_get()), before);
        je_sdallocx(p[2], sizes[i], 0);
        ck_assert_uint_eq(tcache_bytes(tsd_get()), before + sizes[i]);
    }
}

END_TEST

START_TEST(test_sdallocx_of_another_class_aborts)
{
    void *p = je_mallocx(100, 0);
    je_sdallocx(p, 200, 0);
}

END_TEST

/* ---- glibc's questions ------------------------------------------------- */

START_TEST(test_mallinfo_adds_up)
{
    void *keep[100];
    for (unsigned i = 0; i < JE_ARRAY_LEN(keep); i++) {
        keep[i] = je_mallocx(i < 90 ? 1000 : 100000, NO_TCACHE);
    }
    struct jea_mallinfo2 m = je_mallinfo2();
    ck_assert_uint_eq(m.uordblks, 90 * 1024);
    ck_assert_uint_eq(m.hblks, 10);
    ck_assert_uint_eq(m.hblkhd, 10 * 114688);
    ck_assert_uint_eq(m.arena, m.uordblks + m.fordblks);
    ck_assert_uint_gt(m.ordblks, 0);
    ck_assert_uint_eq(m.keepcost, 0);
    struct jea_mallinfo old = je_mallinfo();
    ck_assert_int_eq(old.uordblks, (int)m.uordblks);
    ck_assert_int_eq(old.hblks, 10);
    for (unsigned i = 0; i < JE_ARRAY_LEN(keep); i++) {
        je_dallocx(keep[i], NO_TCACHE);
    }
    m = je_mallinfo2();
    ck_assert_uint_eq(m.uordblks, 0);
    ck_assert_uint_eq(m.hblks, 0);
    ck_assert_uint_ge(m.keepcost, 10 * 114688);
}

END_TEST

START_TEST(test_malloc_trim_says_whether_memory_went_back)
{
    (void)je_malloc_trim(0);
    ck_assert_int_eq(je_malloc_trim(0), 0);
    je_dallocx(je_mallocx(1 << 20, 0), 0);
    void *p = je_mallocx(5000, 0);
    je_dallocx(p, 0);
    errno = 7;
    ck_assert_int_eq(je_malloc_trim(0), 1);
    ck_assert_int_eq(errno, 7);
    ck_assert_uint_eq(je_mallinfo2().keepcost, 0);
    ck_assert_int_eq(je_malloc_trim(0), 0);
}

END_TEST

/* Every tag is closed, in order. */
static void
check_xml(char *text)
{
    const char *open[8];
    unsigned depth = 0, tags = 0;
    for (char *at = strchr(text, '<'); at != NULL; at = strchr(at + 1, '<')) {
        char *end = strchr(at, '>');
        ck_assert_ptr_nonnull(end);
        tags++;
        if (at[1] == '/') {
            size_t n = (size_t)(end - at) - 2;
            ck_assert_uint_gt(depth, 0);
            depth--;
            ck_assert_int_eq(strncmp(at + 2, open[depth], n), 0);
        } else if (end[-1] != '/') {
            ck_assert_uint_lt(depth, JE_ARRAY_LEN(open));
            open[depth++] = at + 1;
        }
    }
    ck_assert_uint_eq(depth, 0);
    ck_assert_uint_gt(tags, 10);
}

START_TEST(test_malloc_info_is_well_formed)
{
    void *p = je_mallocx(1000, 0);
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    ck_assert_int_eq(je_malloc_info(0, f), 0);
    fclose(f);
    ck_assert_int_eq(strncmp(text, "<malloc version=\"1\">\n", 21), 0);
    check_xml(text);
    free(text);
    ck_assert_int_eq(je_malloc_info(1, stdout), EINVAL);
    FILE *full = fopen("/dev/full", "w");
    if (full != NULL) {
        setvbuf(full, NULL, _IONBF, 0);
        ck_assert_int_eq(je_malloc_info(0, full), EIO);
        fclose(full);
    }
    je_dallocx(p, 0);
}

END_TEST

START_TEST(test_malloc_stats_writes_to_stderr)
{
    int ends[2], kept = dup(STDERR_FILENO);
    char text[4096] = "";
    ck_assert_int_eq(pipe(ends), 0);
    void *p = je_mallocx(100000, 0);
    dup2(ends[1], STDERR_FILENO);
    je_malloc_stats();
    dup2(kept, STDERR_FILENO);
    ck_assert_int_gt(read(ends[0], text, sizeof(text) - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, "Arena 0:\nsystem bytes     = "));
    ck_assert_ptr_nonnull(strstr(text, "mmap regions     =          1\n"));
    ck_assert_ptr_nonnull(strstr(text, "mmap bytes       =     114688\n"));
    je_dallocx(p, 0);
}

END_TEST

START_TEST(test_mallopt_knows_glibc_parameters)
{
    for (int p = -8; p <= 1; p++) {
        ck_assert_int_eq(je_mallopt(p, 100), p != 0);
    }
    ck_assert_int_eq(je_mallopt(2, 1), 0);
    ck_assert_int_eq(je_mallopt(INT_MIN, 1), 0);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("mallocx");
    TCase *tc = tcase_create("mallocx");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_mallocx_gives_what_nallocx_says);
    tcase_add_test(tc, test_mallocx_refuses_what_cannot_be);
    tcase_add_test(tc, test_mallocx_arena_decides_where_it_lies);
    tcase_add_test(tc, test_rallocx_keeps_content_and_zeroes_the_rest);
    tcase_add_test(tc, test_xallocx_stays_and_says_how_large);
    tcase_add_test(tc, test_frees_around_the_cache_leave_it_alone);
    tcase_add_test_raise_signal(tc, test_sdallocx_of_another_class_aborts,
                                SIGABRT);
    tcase_add_test(tc, test_mallinfo_adds_up);
    tcase_add_test(tc, test_malloc_trim_says_whether_memory_went_back);
    tcase_add_test(tc, test_malloc_info_is_well_formed);
    tcase_add_test(tc, test_malloc_stats_writes_to_stderr);
    tcase_add_test(tc, test_mallopt_knows_glibc_parameters);
    suite_add_tcase(s, tc);
    return util_run(s);
}
