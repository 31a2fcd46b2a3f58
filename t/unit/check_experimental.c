/*
 * alloc/ctl_experimental.c: what programs ask that move their objects, batches,
 * figures without a snapshot, and who hears the last words.
 */
#include "alloc/ctl.h"

#include <errno.h>
#include <string.h>

#include "alloc/arena.h"
#include "alloc/malloc.h"
#include "alloc/mallocx.h"
#include "alloc/tsd.h"
#include "base/assert.h"
#include "t/unit/stderr.h"

#define NO_TCACHE 0x100
#define ARENA(a)  ((int)(((unsigned)(a) + 1) << 20))

typedef struct {
    void *current;
    size_t nfree, nregs, size, bin_nfree, bin_nregs;
} query_t;

typedef struct {
    size_t nfree, nregs, size;
} short_query_t;

static const char one_query[] = "experimental.utilization.query";
static const char many_queries[] = "experimental.utilization.batch_query";

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_ptr_nonnull(tsd_get());
}

static query_t
query(const void *p)
{
    query_t q;
    size_t len = sizeof(q);
    memset(&q, 0xee, sizeof(q));
    ck_assert_int_eq(je_mallctl(one_query, &q, &len, &p, sizeof(p)), 0);
    return q;
}

START_TEST(test_utilization_says_how_full_the_slab_is)
{
    enum { SIZE = 1792 };

    unsigned cls = sz_index(SIZE), nregs = bin_infos[cls].nregs;
    arena_t *arena = arena_create();
    char *p[3];
    for (unsigned slab = 0; slab < 3; slab++) {
        for (unsigned i = 0; i < nregs; i++) {
            char *q = je_mallocx(SIZE, ARENA(arena->ind) | NO_TCACHE);
            p[slab] = i == 0 ? q : p[slab];
        }
    }
    query_t q = query(p[0]);
    ck_assert_uint_eq(q.nfree, 0);
    ck_assert_uint_eq(q.nregs, nregs);
    ck_assert_uint_eq(q.size, bin_infos[cls].slab_size);
    ck_assert_uint_eq(q.bin_nfree, 0);
    ck_assert_uint_eq(q.bin_nregs, 3 * nregs);
    je_dallocx(p[1] + SIZE, NO_TCACHE);
    je_dallocx(p[1], NO_TCACHE);
    q = query(p[1] + 2 * SIZE + 100); /* anywhere in a block will do */
    ck_assert_uint_eq(q.nfree, 2);
    ck_assert_uint_eq(q.bin_nfree, 2);
    ck_assert_uint_eq(query(p[0]).nfree, 0);
    ck_assert_ptr_eq(query(p[0]).current, p[2]);
    char *again = je_mallocx(SIZE, ARENA(arena->ind) | NO_TCACHE);
    ck_assert_ptr_eq(query(p[0]).current, p[1]);
    ck_assert_ptr_eq(query(again).current, p[1]);
}

END_TEST

START_TEST(test_utilization_of_others)
{
    void *large = je_mallocx(100000, 0);
    query_t q = query(large);
    ck_assert_ptr_null(q.current);
    ck_assert_uint_eq(q.nfree, 0);
    ck_assert_uint_eq(q.nregs, 1);
    ck_assert_uint_eq(q.size, 114688);
    ck_assert_uint_eq(q.bin_nfree + q.bin_nregs, 0);
    je_dallocx(large, NO_TCACHE);
    const void *foreign[] = {&q, NULL, large, (void *)(uintptr_t)-8};
    for (unsigned i = 0; i < JE_ARRAY_LEN(foreign); i++) {
        q = query(foreign[i]);
        ck_assert_uint_eq(q.nfree + q.nregs + q.size, 0);
    }
}

END_TEST

START_TEST(test_utilization_of_many)
{
    const void *p[] = {je_mallocx(2000, 0), je_mallocx(50000, 0), p};
    short_query_t q[3];
    size_t len = sizeof(q);
    ck_assert_int_eq(je_mallctl(many_queries, q, &len, p, sizeof(p)), 0);
    ck_assert_uint_eq(q[0].nregs, bin_infos[sz_index(2000)].nregs);
    ck_assert_uint_eq(q[0].size, bin_infos[sz_index(2000)].slab_size);
    ck_assert_uint_eq(q[1].nregs, 1);
    ck_assert_uint_eq(q[1].size, 57344);
    ck_assert_uint_eq(q[2].size, 0);
    ck_assert_int_eq(je_mallctl(many_queries, q, &len, p, sizeof(p) - 1),
                     EINVAL);
    ck_assert_int_eq(je_mallctl(many_queries, q, &len, p, 8), EINVAL);
    ck_assert_int_eq(je_mallctl(many_queries, q, &len, NULL, 0), EINVAL);
    ck_assert_int_eq(je_mallctl(many_queries, NULL, NULL, p, sizeof(p)),
                     EINVAL);
    len = 0;
    ck_assert_int_eq(je_mallctl(many_queries, q, &len, p, 0), EINVAL);
    len = sizeof(q[0]);
    ck_assert_int_eq(je_mallctl(one_query, q, &len, p, 8), EINVAL);
    len = sizeof(query_t);
    ck_assert_int_eq(je_mallctl(one_query, q, &len, NULL, 0), EINVAL);
    ck_assert_int_eq(je_mallctl(one_query, q, &len, p, 7), EINVAL);
}

END_TEST

START_TEST(test_batch_alloc_fills_an_array)
{
    enum { N = 100 };

    static const char name[] = "experimental.batch_alloc";
    char *p[N];

    struct {
        void **ptrs;
        size_t num, size;
        int flags;
    } batch = {(void **)p, N, 100, 0x40 /* zero */ | NO_TCACHE};

    size_t filled = 0, len = sizeof(filled);
    ck_assert_int_eq(je_mallctl(name, &filled, &len, &batch, sizeof(batch)), 0);
    ck_assert_uint_eq(filled, N);
    for (unsigned i = 0; i < N; i++) {
        ck_assert_uint_eq(je_sallocx(p[i], 0), 112);
        ck_assert_int_eq(p[i][0] | p[i][99], 0);
        memset(p[i], 'x', 112);
        je_dallocx(p[i], NO_TCACHE);
    }
    batch.size = SIZE_MAX;
    ck_assert_int_eq(je_mallctl(name, &filled, &len, &batch, sizeof(batch)), 0);
    ck_assert_uint_eq(filled, 0);
    ck_assert_int_eq(je_mallctl(name, &filled, &len, &batch, 16), EINVAL);
    ck_assert_int_eq(je_mallctl(name, &filled, &len, NULL, 0), EINVAL);
    len = 4;
    ck_assert_int_eq(je_mallctl(name, &filled, &len, &batch, sizeof(batch)),
                     EINVAL);
    ck_assert_uint_eq(len, 0);
}

END_TEST

static size_t
active(void)
{
    size_t bytes = 0, len = sizeof(bytes);
    ck_assert_int_eq(
        je_mallctl("approximate_stats.active", &bytes, &len, NULL, 0), 0);
    return bytes;
}

START_TEST(test_active_pages_are_read_without_a_snapshot)
{
    arena_t *arena = arena_create();
    char name[64];
    uint64_t one = 1;
    ck_assert_int_eq(je_mallctl("epoch", NULL, NULL, &one, sizeof(one)), 0);
    (void)snprintf(name, sizeof(name), "experimental.arenas.%u.pactivep",
                   arena->ind);
    size_t *pactive = NULL, len = sizeof(pactive);
    ck_assert_int_eq(je_mallctl(name, &pactive, &len, NULL, 0), 0);
    size_t pages = *pactive, bytes = active();
    void *p = je_mallocx(1 << 20, ARENA(arena->ind) | NO_TCACHE);
    ck_assert_uint_eq(*pactive - pages, (1 << 20) >> OS_LG_PAGE);
    ck_assert_uint_eq(active() - bytes, 1 << 20);
    je_dallocx(p, NO_TCACHE);
    ck_assert_uint_eq(*pactive, pages);
    ck_assert_uint_eq(active(), bytes);
    ck_assert_int_eq(je_mallctl("experimental.arenas.4096.pactivep", &pactive,
                                &len, NULL, 0),
                     EFAULT);
    ck_assert_int_eq(je_mallctl("experimental.arenas.4000.pactivep", &pactive,
                                &len, NULL, 0),
                     ENOENT);
}

END_TEST

static void
answer(const char *line)
{
    if (strncmp(line, "jealloc: double free of ", 24) == 0 &&
        line[strlen(line) - 1] == '\n') {
        (void)!write(STDERR_FILENO, "heard", 5);
    }
}

static void
free_twice(void *hook)
{
    ck_assert_int_eq(je_mallctl("experimental.hooks.safety_check_abort", NULL,
                                NULL, &hook, sizeof(hook)),
                     0);
    void *p = je_mallocx(100000, 0);
    je_dallocx(p, NO_TCACHE);
    je_dallocx(p, NO_TCACHE);
}

START_TEST(test_safety_hook_gets_the_line)
{
    stderr_expect_abort(free_twice, (void *)(uintptr_t)answer, "heard");
    stderr_expect_abort(free_twice, NULL, "jealloc: double free of ");
    ck_assert_int_eq(je_mallctl("experimental.hooks.safety_check_abort", NULL,
                                NULL, NULL, 0),
                     0);
    int four = 4;
    ck_assert_int_eq(je_mallctl("experimental.hooks.safety_check_abort", NULL,
                                NULL, &four, sizeof(four)),
                     EINVAL);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("experimental");
    TCase *tc = tcase_create("experimental");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_utilization_says_how_full_the_slab_is);
    tcase_add_test(tc, test_utilization_of_others);
    tcase_add_test(tc, test_utilization_of_many);
    tcase_add_test(tc, test_batch_alloc_fills_an_array);
    tcase_add_test(tc, test_active_pages_are_read_without_a_snapshot);
    tcase_add_test(tc, test_safety_hook_gets_the_line);
    suite_add_tcase(s, tc);
    return util_run(s);
}
