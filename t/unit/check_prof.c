/*
 * Sampling: the logarithm, the distances, the tables.
 */
#include "alloc/prof.h"

#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "alloc/prof.h"
#include "alloc/prof_exp.h"
#include "alloc/prof_hook.h"
#include "alloc/prof_ln.h"
#include "alloc/prof_table.h"
#include "alloc/tcache_count.h"
#include "jealloc.h"

#include "t/util.h"

#include <math.h>
#include <string.h>

START_TEST(test_ln_agrees_with_libm)
{
    uint64_t state = util_seed();
    for (int i = 0; i < 200000; i++) {
        double x = (double)((util_random(&state) >> 11) + 1) * 0x1p-53;
        double want = log(x);
        ck_assert_double_le(fabs(prof_ln(x) - want), 8e-10);
    }
    ck_assert_double_eq(prof_ln(1), 0);
    ck_assert_double_eq_tol(prof_ln(0x1p-53), -53 * M_LN2, 1e-13);
}

END_TEST

START_TEST(test_chance_agrees_with_libm)
{
    uint64_t state = util_seed();
    for (int i = 0; i < 200000; i++) {
        /* from 2^-40 to 2^7 */
        double x =
            exp2((double)(util_random(&state) >> 11) * 0x1p-53 * 47 - 40);
        double want = -expm1(-x);
        ck_assert_double_le(fabs(prof_chance(x) - want), 4e-15 * want);
    }
    ck_assert_double_eq(prof_chance(0), 0);
    ck_assert_double_eq(prof_chance(1e300), 1);
}

END_TEST

START_TEST(test_reset_forgets)
{
    ck_assert(je_boot());
    void *p = jea_malloc(1000);
    uintptr_t frame = 1;
    prof_site_t *site = prof_site_get(prof_stack_get(&frame, 1), 1024, 512);
    ck_assert_ptr_nonnull(site);
    site->total_samples = 7;
    const prof_sample_t sample = {.addr = (uintptr_t)p, .site = site};
    ck_assert(prof_table_add(&sample));
    uint64_t rate = conf.sample;
    prof_reset(4096);
    ck_assert_uint_eq(prof_table_live(), 0);
    ck_assert_uint_eq(site->total_samples, 0);
    ck_assert_uint_eq(conf.sample, 4096);
    prof_reset(rate);
    prof_sample_free(p); /* which is not there any more */
    ck_assert(prof_table_add(&sample));
    ck_assert_uint_eq(prof_table_live(), 1);
    prof_sample_free(p);
    ck_assert_uint_eq(prof_table_live(), 0);
    jea_free(p);
}

END_TEST

static int
compare_times(const void *a, const void *b)
{
    uint64_t x = ((const prof_sample_t *)a)->time_ns;
    uint64_t y = ((const prof_sample_t *)b)->time_ns;
    return x < y ? -1 : x > y;
}

/* Of samples taken as fast as can be, how many have a time of their own. */
START_TEST(test_time_is_that_of_ticks_by_default)
{
    enum { N = 200 };

    static prof_sample_t copy[2 * N];
    static const char *const conf_of[] = {
        "prof:true,lg_prof_sample:0",
        "prof:true,lg_prof_sample:0,prof_time_resolution:high", "sample:1"};
    (void)setenv("MALLOC_CONF", conf_of[_i], 1);
    for (unsigned i = 0; i < N; i++) {
        ck_assert_ptr_nonnull(jea_malloc(100));
    }
    size_t n = prof_table_copy(copy, 2 * N), distinct = n > 0;
    ck_assert_uint_ge(n, N / 2); /* the first are drawn by the default rate */
    qsort(copy, n, sizeof(*copy), compare_times);
    for (size_t i = 1; i < n; i++) {
        distinct += copy[i].time_ns != copy[i - 1].time_ns;
    }
    if (_i == 0) {
        ck_assert_uint_le(distinct, n / 4);
    } else {
        ck_assert_uint_ge(distinct, n - n / 4);
    }
}

END_TEST

/* Counts of an event with probability p in n trials are this far off at most,
 * but for one test in 15,000. */
static void
assert_share(uint64_t count, double p, double n)
{
    double sigma = sqrt(n * p * (1 - p));
    ck_assert_double_le(fabs((double)count - n * p), 4 * sigma);
}

START_TEST(test_draw_is_exponential)
{
    enum { N = 400000, RATE = 1000 };

    ck_assert(je_boot());
    conf.sample = RATE;
    tsd_t tsd = {.prng = util_seed()};
    uint64_t below_tenth = 0, below_one = 0, below_three = 0;
    for (int i = 0; i < N; i++) {
        uint64_t rate, d = prof_draw(&tsd, &rate);
        ck_assert_uint_ge(d, 1);
        ck_assert_uint_eq(rate, RATE);
        below_tenth += d <= RATE / 10;
        below_one += d <= RATE;
        below_three += d <= 3 * RATE;
    }
    assert_share(below_tenth, 1 - exp(-0.1), N);
    assert_share(below_one, 1 - exp(-1), N);
    assert_share(below_three, 1 - exp(-3), N);
}

END_TEST

START_TEST(test_draw_is_never_when_off)
{
    conf.sample = 0;
    tsd_t tsd = {.prng = 1};
    uint64_t rate = 1;
    ck_assert_uint_eq(prof_draw(&tsd, &rate), 0);
    ck_assert_uint_eq(rate, 0);
}

END_TEST

static prof_sample_t
sample_at(uintptr_t addr)
{
    uintptr_t frames[2] = {0x1000 + addr % 7, 0x2000};
    prof_sample_t s = {
        .addr = addr,
        .requested = 10,
        .site = prof_site_get(prof_stack_get(frames, 2), 16, 4096),
    };
    ck_assert_ptr_nonnull(s.site);
    return s;
}

/* What failed was not allocated: it must not put off what is due next. */
START_TEST(test_draw_outlives_a_failed_request)
{
    conf.sample = 4096;
    void *p = jea_malloc(100);
    tsd_t *tsd = tsd_current;
    uint64_t sample = tsd->next_sample, gc = tsd->next_gc;
    uint64_t allocated = tsd_bytes(tsd).allocated, progress = tsd->progress;
    ck_assert_ptr_null(jea_malloc((size_t)1 << 62));
    ck_assert_ptr_null(jea_calloc((size_t)1 << 31, (size_t)1 << 31));
    ck_assert_ptr_null(jea_memalign(64, (size_t)1 << 62));
    ck_assert_ptr_null(jea_realloc(p, (size_t)1 << 62));
    ck_assert_uint_eq(tsd_bytes(tsd).allocated, allocated);
    ck_assert_uint_eq(tsd->progress, progress);
    ck_assert_uint_eq(tsd->next_sample, sample);
    ck_assert_uint_eq(tsd->next_gc, gc);
    jea_free(p);
}

END_TEST

START_TEST(test_site_is_interned)
{
    ck_assert(je_boot());
    uintptr_t frames[3] = {1, 2, 3};
    uint32_t stacks = prof_stack_count();
    const prof_site_t *a = prof_site_get(prof_stack_get(frames, 3), 64, 1000);
    ck_assert_ptr_eq(prof_site_get(prof_stack_get(frames, 3), 64, 1000), a);
    const prof_site_t *b = prof_site_get(prof_stack_get(frames, 3), 80, 1000);
    ck_assert_ptr_ne(b, a);
    ck_assert_ptr_eq(b->stack, a->stack);
    ck_assert_ptr_eq(prof_site_get(prof_stack_get(frames, 3), 64, 1000), a);
    ck_assert_ptr_ne(prof_site_get(prof_stack_get(frames, 3), 64, 2000), a);
    ck_assert_ptr_ne(prof_site_get(prof_stack_get(frames, 2), 64, 1000)->stack,
                     a->stack);
    ck_assert_uint_eq(prof_stack_count(), stacks + 2);
    ck_assert_ptr_eq(prof_site_at(a->id), a);
    ck_assert_ptr_eq(prof_stack_at(a->stack->id), a->stack);
    ck_assert_uint_eq(a->stack->frames[2], 3);
}

END_TEST

static void
walk_too_far(void **frames, unsigned *depth, unsigned max)
{
    for (unsigned i = 0; i < max; i++) {
        frames[i] = &frames[i];
    }
    *depth = max + 5;
}

/* A program's function may say anything. */
START_TEST(test_stack_of_the_programs_own_is_cut)
{
    uintptr_t frames[4];
    unsigned depth = 0;
    ck_assert(!prof_hook_capture(frames, 4, &depth));
    prof_hook_set_backtrace(walk_too_far);
    ck_assert(prof_hook_capture(frames, 4, &depth));
    ck_assert_uint_eq(depth, 4);
    prof_hook_set_backtrace(NULL);
}

END_TEST

START_TEST(test_table_keeps_what_is_added)
{
    enum { N = 50000 };

    prof_sample_t gone;
    ck_assert(je_boot());
    for (uintptr_t i = 1; i <= N; i++) {
        prof_sample_t s = sample_at(i * 16);
        ck_assert(prof_table_add(&s));
    }
    ck_assert_uint_eq(prof_table_live(), N);
    for (uintptr_t i = 1; i <= N; i += 2) {
        (void)prof_table_remove(i * 16, false, &gone);
    }
    ck_assert(!prof_table_remove(12345678, false, &gone));
    ck_assert_uint_eq(prof_table_live(), N / 2);
    prof_sample_t *copy = calloc(N, sizeof(*copy));
    ck_assert_uint_eq(prof_table_copy(copy, N), N / 2);
    uint64_t sum = 0;
    for (int i = 0; i < N / 2; i++) {
        ck_assert_uint_eq(copy[i].addr % 32, 0);
        sum += copy[i].addr / 16;
    }
    ck_assert_uint_eq(sum, (uint64_t)(N / 2) * (N / 2 + 1));
    ck_assert_uint_eq(prof_table_copy(copy, 10), 10);
    free(copy);
}

END_TEST

START_TEST(test_table_replaces_same_address)
{
    ck_assert(je_boot());
    prof_sample_t s = sample_at(640), copy[2];
    ck_assert(prof_table_add(&s));
    s.requested = 12;
    ck_assert(prof_table_add(&s));
    ck_assert_uint_eq(prof_table_copy(copy, 2), 1);
    ck_assert_uint_eq(copy[0].requested, 12);
}

END_TEST

START_TEST(test_table_is_bounded)
{
    ck_assert(je_boot());
    uintptr_t n = 1;
    prof_sample_t s = sample_at(16);
    while (prof_table_add(&s)) {
        s.addr = ++n * 16;
    }
    ck_assert_uint_le(prof_table_bytes(), PROF_MEMORY_MAX);
    ck_assert_uint_ge(n, PROF_MEMORY_MAX / (3 * sizeof(s)));
    /* what is given back can be used again */
    size_t live = prof_table_live();
    prof_sample_t gone;
    ck_assert(prof_table_remove(16, false, &gone));
    ck_assert_uint_eq(gone.addr, 16);
    s.addr = 16;
    ck_assert(prof_table_add(&s));
    ck_assert_uint_eq(prof_table_live(), live);
}

END_TEST

START_TEST(test_fork_child_keeps_whole_tables)
{
    ck_assert(je_boot());
    prof_sample_t s = sample_at(64);
    ck_assert(prof_table_add(&s));
    ck_assert(prof_table_fork_child());
    ck_assert_uint_eq(prof_table_live(), 1);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("prof");
    TCase *tc = tcase_create("prof");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_ln_agrees_with_libm);
    tcase_add_test(tc, test_chance_agrees_with_libm);
    tcase_add_test(tc, test_reset_forgets);
    tcase_add_loop_test(tc, test_time_is_that_of_ticks_by_default, 0, 3);
    tcase_add_test(tc, test_draw_is_exponential);
    tcase_add_test(tc, test_draw_is_never_when_off);
    tcase_add_test(tc, test_draw_outlives_a_failed_request);
    tcase_add_test(tc, test_site_is_interned);
    tcase_add_test(tc, test_stack_of_the_programs_own_is_cut);
    tcase_add_test(tc, test_table_keeps_what_is_added);
    tcase_add_test(tc, test_table_replaces_same_address);
    tcase_add_test(tc, test_table_is_bounded);
    tcase_add_test(tc, test_fork_child_keeps_whole_tables);
    suite_add_tcase(suite, tc);
    return util_run(suite);
}
