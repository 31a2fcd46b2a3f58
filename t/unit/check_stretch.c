/*
 * Bins of thread caches that stretch beyond their places, what they borrow for
 * it, and when they do not.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/meta.h"
#include "alloc/tcaches.h"
#include "jealloc.h"
#include "os/clock.h"
#include "os/pages.h"
#include "t/unit/tcache.h"

/* Take and give n objects of a class `rounds` times. */
static void
batches(unsigned cls, unsigned n, unsigned rounds)
{
    static void *p[5000];
    ck_assert_uint_le(n, JE_ARRAY_LEN(p));
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < n; i++) {
            p[i] = jea_malloc(sz_size(cls - 1));
        }
        for (unsigned i = 0; i < n; i++) {
            jea_free(p[i]);
        }
        expect_invariants();
    }
}

static unsigned
slots(unsigned cls)
{
    return (unsigned)(tsd->bins[cls].full - tsd->cold[cls].base);
}

START_TEST(test_tcache_bin_stretches_if_it_wants_back_what_it_gave)
{
    static const size_t sizes[] = {512, 4096, 14336, 16384, 32768};
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        unsigned cls = sz_index(sizes[i]) + 1;
        restart();
        unsigned easy = tsd->cold[cls].slots_max;
        batches(cls, 1000, 1); /* given, but not wanted yet */
        ck_assert_uint_le(slots(cls), easy);
        batches(cls, 1000, 4);
        ck_assert_uint_gt(slots(cls), 4 * easy - 1);
        ck_assert_uint_lt(tsd->cold[cls].fill, 2 * easy); /* at once */
        ck_assert_uint_le(slots(cls) * sizes[i], (size_t)4 << 20);
        ck_assert_uint_le(tsd->cache_limit_bytes, (size_t)8 << 20);
    }
}

END_TEST

/* Of the smallest objects a class may hold the bytes, of others the number. */
START_TEST(test_tcache_small_bins_stretch_to_either_limit)
{
    static const struct {
        size_t size;
        unsigned easy, most;
    } cases[] = {
        {8, 1024, 2048},   {64, 1024, 2048}, {80, 1024, 1024},
        {128, 1024, 1024}, {256, 512, 1024}, {2048, 64, 1024},
    };

    for (unsigned i = 0; i < JE_ARRAY_LEN(cases); i++) {
        unsigned cls = sz_index(cases[i].size) + 1;
        restart();
        batches(cls, 3000, 1);
        ck_assert_uint_eq(slots(cls), cases[i].easy);
        batches(cls, 3000, 6);
        ck_assert_uint_eq(slots(cls), cases[i].most);
        batches(cls, cases[i].most, 2); /* the last fills */
        const bin_t *bin = &tsd->arena->bins[cls - 1];
        uint64_t fills = atomic_load_rlx(&bin->stats.nfills);
        batches(cls, cases[i].most, 10);
        ck_assert_uint_eq(atomic_load_rlx(&bin->stats.nfills), fills);
    }
}

END_TEST

START_TEST(test_tcache_stretched_bin_goes_back_when_it_is_idle)
{
    unsigned cls = sz_index(4096) + 1;
    restart();
    batches(cls, 1000, 4);
    ck_assert_uint_eq(slots(cls), 1024);
    ck_assert_uint_gt(tsd->cache_lent_bytes, 0);
    for (unsigned i = 0; i < 20 * SC_NCACHED; i++) {
        tcache_gc(tsd, os_clock_coarse_ns());
        expect_invariants();
    }
    ck_assert_uint_eq(slots(cls), 1u << META_LG_SLOTS_MIN);
    ck_assert_uint_le(cached(cls), 8);
    ck_assert_uint_eq(tsd->cache_lent_bytes, 0);
    batches(cls, 1000, 1); /* as at its start */
    ck_assert_uint_le(slots(cls), tsd->cold[cls].slots_max);
}

END_TEST

/* Who flushes does not want what others may borrow. */
START_TEST(test_tcache_flush_gives_back_what_is_borrowed)
{
    unsigned cls = sz_index(4096) + 1;
    restart();
    batches(cls, 1000, 4);
    ck_assert_uint_gt(tsd->cache_lent_bytes, 0);
    ck_assert_int_eq(jea_mallctl("thread.idle", NULL, NULL, NULL, 0), 0);
    ck_assert_uint_eq(tsd->cache_lent_bytes, 0);
    ck_assert_uint_le(slots(cls), tsd->cold[cls].slots_max);
    ck_assert_uint_eq(cached(cls), 0);
    batches(cls, 1000, 1); /* as at its start */
    ck_assert_uint_le(slots(cls), tsd->cold[cls].slots_max);
}

END_TEST

START_TEST(test_tcache_large_batch_is_not_trimmed_between_its_halves)
{
    unsigned cls = sz_index(4096) + 1;
    restart();
    batches(cls, 1000, 4);
    uint64_t fills = atomic_load_rlx(&tsd->arena->bins[cls - 1].stats.nfills);
    batches(cls, 1000, 10);
    ck_assert_uint_eq(atomic_load_rlx(&tsd->arena->bins[cls - 1].stats.nfills),
                      fills);
}

END_TEST

/* What can still be borrowed, by caches of up to 6 MiB beyond their 2. */
static size_t
lendable(void)
{
    enum { MIB = 1 << 20, N = 8, STEP = MIB / 4 };

    static tsd_t others[N];
    size_t sum = 0;
    for (unsigned i = 0; i < N; i++) {
        for (size_t n = STEP; tcache_borrow(&others[i], 2 * MIB + n);
             n += STEP) {
            sum += STEP;
        }
        ck_assert_uint_le(others[i].cache_lent_bytes, 6 * MIB);
        ck_assert_uint_eq(tcache_budget(&others[i]),
                          2 * MIB + others[i].cache_lent_bytes);
    }
    for (unsigned i = 0; i < N; i++) {
        tcache_repay(&others[i]); /* it holds nothing */
        ck_assert_uint_eq(others[i].cache_lent_bytes, 0);
    }
    return sum;
}

START_TEST(test_tcache_loans_are_bounded_and_come_back)
{
    enum { MIB = 1 << 20 };

    restart();
    ck_assert_uint_eq(lendable(), 32 * MIB);
    tsd->cache_limit_bytes += 3 * MIB;
    ck_assert(tcache_borrow(tsd, 3 * MIB));
    ck_assert_uint_eq(lendable(), 31 * MIB);
    tcache_repay(tsd);
    ck_assert_uint_eq(lendable(), 31 * MIB);
    tsd->cache_limit_bytes -= 3 * MIB;
    tcache_repay(tsd);
    ck_assert_uint_eq(lendable(), 32 * MIB);
    conf.tcache_thread_max = 3 * MIB; /* said, so nothing is lent */
    ck_assert_uint_eq(tcache_budget(tsd), 3 * MIB);
    ck_assert(!tcache_borrow(tsd, 4 * MIB));
}

END_TEST

typedef struct holder {
    pthread_barrier_t barrier;
    bool is_inside; /* its thread is in the slow path when the process forks */
} holder_t;

static void *
hold_a_loan(void *arg)
{
    holder_t *holder = arg;
    tsd_t *self = tsd_get();
    ck_assert(tcache_borrow(self, (size_t)5 << 20));
    self->nesting += holder->is_inside;
    pthread_barrier_wait(&holder->barrier);
    pthread_barrier_wait(&holder->barrier);
    self->nesting -= holder->is_inside;
    tcache_repay(self);
    return NULL;
}

START_TEST(test_tcache_loans_of_lost_threads_end_in_the_child)
{
    enum { MIB = 1 << 20 };

    holder_t holder = {.is_inside = _i != 0};
    pthread_t thread;
    restart();
    pthread_barrier_init(&holder.barrier, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, hold_a_loan, &holder), 0);
    pthread_barrier_wait(&holder.barrier);
    ck_assert_uint_eq(lendable(), 29 * MIB);
    pid_t pid = fork();
    if (pid == 0) {
        size_t rest = (holder.is_inside ? 32u : 29u) * MIB;
        bool ok = lendable() == rest;
        pid = fork();
        if (pid == 0) { /* its child has them as well */
            _exit(lendable() == rest ? 0 : 1);
        }
        int of_child = -1;
        ok = ok && waitpid(pid, &of_child, 0) == pid && of_child == 0;
        tsd_reclaim_orphans();
        _exit(ok && lendable() == 32u * MIB ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    pthread_barrier_wait(&holder.barrier);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(lendable(), 32 * MIB);
}

END_TEST

/* An explicit cache is whole in the child, and so is that of the thread that
 * forked, whatever became of the list of threads. */
START_TEST(test_tcache_loans_of_what_is_whole_go_on_in_the_child)
{
    enum { MIB = 1 << 20 };

    unsigned id;
    size_t len = sizeof(id);
    tsd_t *cache = tsd;
    restart();
    if (_i == 0) {
        ck_assert_int_eq(jea_mallctl("tcache.create", &id, &len, NULL, 0), 0);
        jea_dallocx(jea_malloc(64), JEA_TCACHE(id)); /* makes it */
        cache = tcaches_peek(id);
        ck_assert_ptr_nonnull(cache);
    }
    ck_assert(tcache_borrow(cache, 5 * MIB));
    pid_t pid = fork();
    if (pid == 0) {
        if (_i == 1) {
            (void)tsd_list_lock(); /* as by a thread that is not here */
            tsd_fork_child();
        }
        _exit(lendable() == 29 * MIB ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    tcache_repay(cache);
    ck_assert_uint_eq(lendable(), 32 * MIB);
}

END_TEST

/* Of a cache that may be half changed nobody knows what it holds. */
START_TEST(test_tcache_that_is_lost_borrows_no_more)
{
    enum { MIB = 1 << 20 };

    static tsd_t kept = {.is_cache_on = true}, lost = {.is_cache_on = true};
    restart();
    ck_assert(tcache_borrow(&kept, 4 * MIB));
    ck_assert(tcache_borrow(&lost, 5 * MIB));
    tcache_lent_restart();
    tcache_lent_keep(&kept, true);
    tcache_lent_keep(&lost, false);
    ck_assert(kept.is_cache_on && !lost.is_cache_on);
    ck_assert_uint_eq(kept.cache_lent_bytes, 2 * MIB);
    ck_assert_uint_eq(lost.cache_lent_bytes, 0);
    ck_assert_uint_eq(lendable(), 30 * MIB);
    tcache_repay(&kept);
    ck_assert_uint_eq(lendable(), 32 * MIB);
}

END_TEST

/* What was borrowed for slots that are not to be had. */
START_TEST(test_tcache_loan_goes_back_without_memory)
{
    if (!je_config_debug) {
        return; /* mappings can be made to fail in debug builds */
    }
    unsigned cls = sz_index(32768) + 1;
    conf.tcache_gc_incr_bytes = UINT64_C(1) << 40;
    restart();
    batches(sz_index(28672) + 1, 200, 4);
    batches(cls, 1000, 1); /* given, and now there are pages for that many */
    os_pages_fail_at(1, UINT64_MAX);
    for (unsigned lg = META_LG_SLOTS_MAX; lg >= META_LG_SLOTS_MIN; lg--) {
        while (meta_slots_alloc(lg) != NULL) {
        }
    }
    while (meta_alloc(1) != NULL) {
    }
    ck_assert_uint_gt(tsd->cache_lent_bytes, 0);
    batches(cls, 1000, 3);
    ck_assert_uint_le(slots(cls), tsd->cold[cls].slots_max);
    ck_assert_uint_eq(tcache_budget(tsd), tsd->cache_limit_bytes);
    os_pages_fail_at(0, 0);
}

END_TEST

START_TEST(test_tcache_limits_hold_for_what_does_not_stretch)
{
    static const unsigned limits[] = {1, 5, 12, 20};
    for (unsigned i = 0; i < JE_ARRAY_LEN(limits); i++) {
        conf.tcache_nslots_large = limits[i];
        restart();
        unsigned cls = sz_index(16384) + 1;
        unsigned n = 2 * limits[i];
        batches(cls, n, 1);
        ck_assert_uint_le(slots(cls), limits[i]);
        batches(cls, n, 3);
        ck_assert_uint_gt(slots(cls), limits[i]);
        for (unsigned k = 0; k < 20 * SC_NCACHED; k++) {
            tcache_gc(tsd, os_clock_coarse_ns());
            expect_invariants();
        }
        ck_assert_uint_le(slots(cls), JE_MIN(limits[i], 8));
    }
}

END_TEST

START_TEST(test_tcache_peak_is_looked_at_when_bins_are_filled)
{
    enum { MANY = 6000 };

    static void *p[MANY];
    uint64_t peak;
    size_t len = sizeof(peak);
    ck_assert_int_eq(jea_mallctl("thread.peak.reset", NULL, NULL, NULL, 0), 0);
    for (unsigned i = 0; i < MANY; i++) {
        p[i] = jea_malloc(64);
    }
    for (unsigned i = 0; i < MANY; i++) {
        jea_free(p[i]);
    }
    ck_assert_int_eq(jea_mallctl("thread.peak.read", &peak, &len, NULL, 0), 0);
    ck_assert_uint_le(peak, MANY * 64);
    ck_assert_uint_ge(peak, (MANY - 1024) * 64);
}

END_TEST

/* The most that was held at once is what was held when it was looked at; that
 * is missed by no more than a look is apart from the last, and by what comes
 * from the cache. */
START_TEST(test_tcache_peak_of_what_is_past_the_cache)
{
    enum { MANY = 300, SIZE = 65536 };

    static void *p[MANY];
    uint64_t peak;
    size_t len = sizeof(peak);
    ck_assert_int_eq(jea_mallctl("thread.peak.reset", NULL, NULL, NULL, 0), 0);
    for (unsigned most = MANY / 3; most <= MANY; most += MANY / 3) {
        for (unsigned i = 0; i < most; i++) {
            p[i] = jea_mallocx(SIZE, JEA_TCACHE_NONE);
        }
        for (unsigned i = 0; i < most; i++) {
            jea_dallocx(p[i], JEA_TCACHE_NONE);
        }
        ck_assert_uint_ge(tsd->peak, (most - most / 64 - 2) * SIZE);
        ck_assert_uint_le(tsd->peak, most * SIZE);
    }
    ck_assert_int_eq(jea_mallctl("thread.peak.read", &peak, &len, NULL, 0), 0);
    ck_assert_uint_eq(peak, (uint64_t)tsd->peak);
}

END_TEST

static uint64_t
read_peak(void)
{
    uint64_t peak = 0;
    size_t len = sizeof(peak);
    ck_assert_int_eq(jea_mallctl("thread.peak.read", &peak, &len, NULL, 0), 0);
    return peak;
}

/* However little of what was there before that is, and whoever asks is told of
 * what was not looked at yet. */
START_TEST(test_tcache_peak_is_looked_for_anew_after_a_reset)
{
    enum { MUCH = 64 << 20, LITTLE = 1 << 19, PIECE = 16384 };

    void *p = jea_mallocx(MUCH, JEA_TCACHE_NONE);
    ck_assert_uint_ge(read_peak(), MUCH);
    jea_dallocx(p, JEA_TCACHE_NONE);
    ck_assert_int_eq(jea_mallctl("thread.peak.reset", NULL, NULL, NULL, 0), 0);
    jea_dallocx(jea_mallocx(LITTLE, JEA_TCACHE_NONE), JEA_TCACHE_NONE);
    ck_assert_uint_eq(read_peak(), LITTLE);
    ck_assert_int_eq(jea_mallctl("thread.peak.reset", NULL, NULL, NULL, 0), 0);
    for (unsigned i = 1; i <= 3; i++) {
        ck_assert_ptr_nonnull(jea_mallocx(PIECE, JEA_TCACHE_NONE));
    }
    ck_assert_uint_eq(read_peak(), 3 * PIECE);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("stretch");
    TCase *tc = tcase_create("stretch");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_tcache_bin_stretches_if_it_wants_back_what_it_gave);
    tcase_add_test(tc, test_tcache_small_bins_stretch_to_either_limit);
    tcase_add_test(tc, test_tcache_stretched_bin_goes_back_when_it_is_idle);
    tcase_add_test(tc, test_tcache_flush_gives_back_what_is_borrowed);
    tcase_add_test(tc,
                   test_tcache_large_batch_is_not_trimmed_between_its_halves);
    tcase_add_test(tc, test_tcache_loans_are_bounded_and_come_back);
    tcase_add_loop_test(tc, test_tcache_loans_of_lost_threads_end_in_the_child,
                        0, 2);
    tcase_add_loop_test(
        tc, test_tcache_loans_of_what_is_whole_go_on_in_the_child, 0, 2);
    tcase_add_test(tc, test_tcache_that_is_lost_borrows_no_more);
    tcase_add_test(tc, test_tcache_loan_goes_back_without_memory);
    tcase_add_test(tc, test_tcache_limits_hold_for_what_does_not_stretch);
    tcase_add_test(tc, test_tcache_peak_is_looked_at_when_bins_are_filled);
    tcase_add_test(tc, test_tcache_peak_of_what_is_past_the_cache);
    tcase_add_test(tc, test_tcache_peak_is_looked_for_anew_after_a_reset);
    suite_add_tcase(s, tc);
    return util_run(s);
}
