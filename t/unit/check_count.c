/*
 * Counting by bins: bytes, requests and samples, against what the test itself
 * did.
 */
#include "alloc/tcache_count.h"

#include <math.h>
#include <pthread.h>

#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/label.h"
#include "alloc/malloc.h"
#include "alloc/prof.h"
#include "alloc/prof_heap.h"
#include "alloc/prof_table.h"
#include "alloc/special.h"
#include "alloc/sz.h"
#include "alloc/tcache.h"
#include "jealloc.h"
#include "t/util.h"

enum { SLOTS = 1000, STEPS = 200000 };

/* What the thread holds, and what it did. */
typedef struct shadow {
    uint64_t random;
    void *blocks[SLOTS];
    tsd_bytes_t bytes;
} shadow_t;

/* Sizes of all kinds: of slabs, that caches hold, and that none does. */
static size_t
any_size(uint64_t *random)
{
    size_t most = (size_t)1 << util_random_below(random, 18);
    return 1 + util_random_below(random, most);
}

static void
release(shadow_t *s, unsigned i)
{
    if (s->blocks[i] != NULL) {
        s->bytes.deallocated += jea_malloc_usable_size(s->blocks[i]);
        jea_free(s->blocks[i]);
        s->blocks[i] = NULL;
    }
}

static void
step(shadow_t *s)
{
    unsigned i = (unsigned)util_random_below(&s->random, SLOTS);
    void *p = s->blocks[i];
    size_t size = any_size(&s->random);
    switch (util_random_below(&s->random, 8)) {
    case 0: /* in place it is a free and a malloc, too */
        if (p != NULL) {
            size_t old = jea_malloc_usable_size(p);
            s->blocks[i] = jea_realloc(p, size);
            size_t usable = jea_malloc_usable_size(s->blocks[i]);
            if (usable != old) {
                s->bytes.deallocated += old;
                s->bytes.allocated += usable;
            }
            return;
        }
        break;
    case 1:
        release(s, i);
        s->blocks[i] = jea_mallocx(size, JEA_TCACHE_NONE);
        s->bytes.allocated += jea_malloc_usable_size(s->blocks[i]);
        return;
    case 2:
        release(s, i);
        return;
    default:
        break;
    }
    release(s, i);
    s->blocks[i] = jea_malloc(size);
    s->bytes.allocated += jea_malloc_usable_size(s->blocks[i]);
}

static void
check_bytes(const tsd_bytes_t *before, const shadow_t *s)
{
    tsd_bytes_t now = tsd_bytes(tsd_current);
    ck_assert_uint_eq(now.allocated - before->allocated, s->bytes.allocated);
    ck_assert_uint_eq(now.deallocated - before->deallocated,
                      s->bytes.deallocated);
}

/* Every few steps, and while the cache is switched off, on and emptied. */
START_TEST(test_bytes_are_exact)
{
    static shadow_t s;
    s.random = util_seed();
    tsd_t *tsd = tsd_get();
    tsd_bytes_t before = tsd_bytes(tsd);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&s);
        if (i % 7 == 0) {
            check_bytes(&before, &s);
        }
        if (i % 5000 == 0) {
            tcache_set_enabled(tsd, i % 10000 == 0);
        }
        if (i % 3000 == 0) {
            tcache_flush(tsd);
        }
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        release(&s, i);
    }
    check_bytes(&before, &s);
    tcache_set_enabled(tsd, true);
    check_bytes(&before, &s);
}

END_TEST

/* Where `thread.allocatedp` points, at every step. */
START_TEST(test_live_bytes_are_up_to_date)
{
    static shadow_t s;
    s.random = util_seed();
    tsd_t *tsd = tsd_get();
    const tsd_bytes_t *live = tsd_bytes_live(tsd);
    tsd_bytes_t before = *live;
    int error;
    ck_assert_ptr_ne(tsd_hot, tsd->bins);
    for (unsigned i = 0; i < STEPS / 4; i++) {
        step(&s);
        ck_assert_uint_eq(live->allocated - before.allocated,
                          s.bytes.allocated);
        ck_assert_uint_eq(live->deallocated - before.deallocated,
                          s.bytes.deallocated);
        if (i % 1000 == 0) {
            (void)label_swap(i % 2000 == 0 ? label_number("one", &error) : 0);
        }
    }
    check_bytes(&before, &s);
    (void)label_swap(0);
    for (unsigned i = 0; i < SLOTS; i++) {
        release(&s, i);
    }
}

END_TEST

static void *
work_and_end(void *arg)
{
    shadow_t *s = arg;
    for (unsigned i = 0; i < STEPS / 4; i++) {
        step(s);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        release(s, i);
    }
    return NULL;
}

START_TEST(test_bytes_outlive_the_thread)
{
    static shadow_t s;
    s.random = util_seed();
    tsd_bytes_t before = tsd_past.bytes;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, work_and_end, &s), 0);
    pthread_join(thread, NULL);
    /* what libc does for a thread is in it as well, and given back */
    uint64_t allocated = tsd_past.bytes.allocated - before.allocated;
    uint64_t deallocated = tsd_past.bytes.deallocated - before.deallocated;
    ck_assert_uint_ge(allocated, s.bytes.allocated);
    ck_assert_uint_le(allocated, s.bytes.allocated + 65536);
    ck_assert_uint_eq(allocated - deallocated, 0);
}

END_TEST

/* ---- other threads' counters ------------------------------------------- */

enum { READS = 100000 };

static tsd_t *watched;
static uint64_t popped;
static bool is_over;

static void *
pop_and_push(void *arg)
{
    (void)arg;
    jea_free(jea_malloc(64));
    atomic_store_rlx(&popped, 1u);
    atomic_store_rel(&watched, tsd_current);
    while (!atomic_load_acq(&is_over)) {
        jea_free(jea_malloc(64));
        atomic_store_rel(&popped, popped + 1);
    }
    return NULL;
}

/* Never less than there were, never more than there are: the two numbers that a
 * due event changes are read as a pair. */
START_TEST(test_requests_of_others_are_theirs)
{
    pthread_t thread;
    unsigned szind = sz_index(64);
    ck_assert_int_eq(pthread_create(&thread, NULL, pop_and_push, NULL), 0);
    tsd_t *tsd;
    while ((tsd = atomic_load_acq(&watched)) == NULL) {
    }
    for (unsigned i = 0; i < READS; i++) {
        uint64_t before = atomic_load_acq(&popped);
        uint64_t now = tcache_nrequests(tsd, szind);
        ck_assert_uint_ge(now, before);
        ck_assert_uint_le(now, atomic_load_acq(&popped) + 1);
    }
    atomic_store_rel(&is_over, true);
    pthread_join(thread, NULL);
}

END_TEST

/* While the two numbers change, which may be for long, what they were. */
START_TEST(test_readers_see_what_there_was_before_a_change)
{
    cache_bin_t bin = {.left = 40};
    tcache_bin_t cold = {.pops_due = 100, .turn = 2, .pops_before = 7};
    ck_assert_uint_eq(tcache_pops(&bin, &cold), 60);
    cold.turn = 3;
    ck_assert_uint_eq(tcache_pops(&bin, &cold), 7);
    cold.turn = 4;
    bin.left = -1; /* one was refused */
    ck_assert_uint_eq(tcache_pops(&bin, &cold), 100);
    bin.left = 101; /* seen between two stores: not less than none */
    ck_assert_uint_eq(tcache_pops(&bin, &cold), 0);
}

END_TEST

/* ---- samples ----------------------------------------------------------- */

/* Objects of `size` are hit with 1 - e^(-size/R) each, whatever was allocated
 * between; five standard deviations around that. */
static void
check_samples(size_t size, unsigned n, uint64_t rate)
{
    double chance = -expm1(-(double)sz_round(size) / (double)rate);
    double expected = chance * n, deviation = sqrt(expected * (1 - chance));
    unsigned hits = 0;
    for (unsigned i = 0; i < n; i++) {
        size_t before = prof_table_live();
        void *p = jea_malloc(size);
        hits += prof_table_live() != before;
        void *other = jea_malloc(200);
        jea_free(other);
        jea_free(p);
    }
    ck_assert_msg(fabs(hits - expected) <= 5 * deviation + 1,
                  "%u of %u of %zu bytes, expected %.0f", hits, n, size,
                  expected);
}

START_TEST(test_samples_come_at_their_rate)
{
    if (!je_config_prof) {
        return;
    }
    ck_assert_uint_eq(conf.sample, 4096);
    check_samples(16, 200000, 4096);
    check_samples(1000, 20000, 4096);
    check_samples(20000, 5000, 4096);
    check_samples(100000, 300, 4096);
}

END_TEST

/* What was left to the hot path when a cache is switched off was not served. */
START_TEST(test_samples_come_at_their_rate_where_caches_end)
{
    enum { ROUNDS = 2000, N = 100, SIZE = 64 };

    if (!je_config_prof) {
        return;
    }
    double chance = -expm1(-(double)SIZE / 4096);
    double expected = chance * ROUNDS * N;
    unsigned hits = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < N; i++) {
            void *p = jea_malloc(SIZE);
            hits += prof_table_live() != 0;
            jea_free(p);
        }
        tcache_set_enabled(tsd_current, false);
        tcache_set_enabled(tsd_current, true);
    }
    ck_assert_double_le(fabs(hits - expected), 5 * sqrt(expected));
}

END_TEST

/* At the latest when so many were served that somebody wants to hear of it. */
START_TEST(test_bytes_are_told_of_in_time)
{
    enum { N = 10000 };

    tsd_t *tsd = tsd_get();
    for (unsigned szind = 0; szind < SC_NCACHED; szind++) {
        size_t size = sz_size(szind);
        jea_free(jea_malloc(size)); /* now it has a bin */
        uint64_t before = tsd->progress, most = conf.tcache_gc_incr_bytes;
        for (unsigned i = 0; i < N; i++) {
            jea_free(jea_malloc(size));
        }
        ck_assert_uint_ge(tsd->progress - before + most, N * size);
        ck_assert_uint_le(tsd->progress - before, N * size + most);
    }
    /* what comes from no bin at once */
    uint64_t before = tsd->progress;
    jea_free(jea_mallocx(98304, JEA_TCACHE_NONE));
    ck_assert_uint_eq(tsd->progress - before, 98304);
}

END_TEST

static void *
allocate_little(void *unused)
{
    for (unsigned i = 0; i < 20; i++) {
        jea_free(jea_malloc(1024)); /* less than trimming wants to hear of */
    }
    return unused;
}

/* Not one of them lives for long enough that anything becomes due. */
START_TEST(test_threads_that_end_tell_of_their_bytes)
{
    conf.prof = true;
    conf.lg_prof_interval = 20;
    prof_heap_boot();
    ck_assert_uint_eq(prof_heap_due, 0);
    for (unsigned i = 0; i < (1 << 20) / (20 * 1024) + 1; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, allocate_little, NULL),
                         0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    ck_assert_uint_ne(prof_heap_due, 0);
    prof_heap_due = 0; /* nobody wants the profile */
}

END_TEST

/* Of what was served before a cache was switched off, too. */
START_TEST(test_all_bytes_are_told_of)
{
    tsd_t *tsd = tsd_get();
    bool on = true, off = false;
    uint64_t before = tsd->progress;
    for (unsigned i = 0; i < 1000; i++) {
        for (unsigned k = 0; k < 10; k++) {
            jea_free(jea_malloc(2048));
        }
        (void)jea_mallctl("thread.tcache.enabled", NULL, NULL, &off, 1);
        (void)jea_mallctl("thread.tcache.enabled", NULL, NULL, &on, 1);
    }
    ck_assert_uint_ge(tsd->progress - before, 1000 * 10 * 2048);
    ck_assert_uint_le(tsd->progress - before, 1001 * 10 * 2048);
}

END_TEST

/* Classes that are far from their next sample do not go on at the old rate. */
START_TEST(test_a_new_rate_holds_at_once)
{
    if (!je_config_prof) {
        return;
    }
    prof_reset(UINT64_C(1) << 40);
    for (unsigned szind = 10; szind < SC_NCACHED; szind++) {
        jea_free(jea_malloc(sz_size(szind)));
    }
    prof_reset(4096);
    double expected = 0;
    unsigned hits = 0;
    for (unsigned szind = 10; szind < 26; szind++) {
        size_t size = sz_size(szind);
        for (size_t bytes = 0; bytes < 400000; bytes += size) {
            void *p = jea_malloc(size);
            hits += prof_table_live() != 0;
            jea_free(p);
            expected += 1 - exp(-(double)size / 4096);
        }
    }
    /* less what each class serves before it hears of the new rate: a step */
    double least = expected * (1 - 16 * 32768 / (16 * 400000.0));
    ck_assert_double_ge(hits, least - 6 * sqrt(expected));
    ck_assert_double_le(hits, expected + 6 * sqrt(expected));
}

END_TEST

/* Nor does what comes from no bin, and it is not taken for the old one's. */
START_TEST(test_a_new_rate_holds_for_what_no_bin_has)
{
    enum { SIZE = 100000, N = 20 };

    if (!je_config_prof) {
        return;
    }
    prof_sample_t samples[N];
    void *p[N];
    prof_reset(UINT64_C(1) << 40);
    jea_free(jea_malloc(SIZE));
    prof_reset(4096);
    for (unsigned i = 0; i < N; i++) {
        p[i] = jea_malloc(SIZE);
    }
    ck_assert_uint_eq(prof_table_copy(samples, N), N);
    for (unsigned i = 0; i < N; i++) {
        ck_assert_uint_eq(samples[i].site->rate, 4096);
        jea_free(p[i]);
    }
}

END_TEST

/* Whoever was hit last is no matter. */
START_TEST(test_samples_tell_the_rate_they_were_drawn_by)
{
    static const size_t sizes[] = {16, 20000, 100000};
    if (!je_config_prof) {
        return;
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        prof_sample_t sample;
        uint64_t rate = 1000 + i;
        prof_reset(rate);
        for (unsigned k = 0; k < 10000; k++) { /* it has heard of the rate */
            jea_free(jea_malloc(sizes[i]));
        }
        void *p;
        while (p = jea_malloc(sizes[i]), prof_table_live() == 0) {
            jea_free(p);
        }
        ck_assert_uint_eq(prof_table_copy(&sample, 1), 1);
        ck_assert_uint_eq(sample.site->rate, rate);
        jea_free(p);
    }
}

END_TEST

/* What is sampled stands for all, however often the rate changes meanwhile. */
START_TEST(test_rates_that_change_are_unbiased)
{
    enum { SIZE = 1024, N = 300000, PER_RATE = 32 };

    if (!je_config_prof) {
        return;
    }
    tsd_t *tsd = tsd_get();
    double estimate = 0;
    for (unsigned i = 0; i < N; i++) {
        uint64_t rate = UINT64_C(16384) << (i / PER_RATE % 2);
        atomic_store_rlx(&conf.sample, rate);
        void *p = jea_malloc(SIZE);
        if (special_is_marked(emap_extent((uintptr_t)p), p)) {
            estimate += 1 / -expm1(-SIZE / (double)tsd->hit_rate);
        }
        jea_free(p);
    }
    ck_assert_double_gt(estimate, 0.95 * N);
    ck_assert_double_lt(estimate, 1.05 * N);
}

END_TEST

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_ptr_nonnull(tsd_get());
}

int
main(void)
{
    Suite *s = suite_create("count");
    TCase *tc = tcase_create("count");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_bytes_are_exact);
    tcase_add_test(tc, test_live_bytes_are_up_to_date);
    tcase_add_test(tc, test_bytes_outlive_the_thread);
    tcase_add_test(tc, test_requests_of_others_are_theirs);
    tcase_add_test(tc, test_readers_see_what_there_was_before_a_change);
    tcase_add_test(tc, test_samples_come_at_their_rate);
    tcase_add_test(tc, test_samples_come_at_their_rate_where_caches_end);
    tcase_add_test(tc, test_bytes_are_told_of_in_time);
    tcase_add_test(tc, test_threads_that_end_tell_of_their_bytes);
    tcase_add_test(tc, test_all_bytes_are_told_of);
    tcase_add_test(tc, test_a_new_rate_holds_at_once);
    tcase_add_test(tc, test_a_new_rate_holds_for_what_no_bin_has);
    tcase_add_test(tc, test_samples_tell_the_rate_they_were_drawn_by);
    tcase_add_test(tc, test_rates_that_change_are_unbiased);
    suite_add_tcase(s, tc);
    return util_run(s);
}
