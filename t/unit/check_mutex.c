/*
 * The futex lock: exclusion, counters, and the order of ranks.
 */
#include "os/mutex.h"

#include <pthread.h>
#include <stdio.h>

#include "t/unit/stderr.h"

enum { THREADS = 4, ROUNDS = 50000 };

static os_mutex_t shared;
static uint64_t plain; /* guarded by shared */

static void *
count_up(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (arg != NULL && i % 2 == 0) {
            while (!os_mutex_trylock(&shared)) {
            }
        } else {
            os_mutex_lock(&shared);
        }
        plain++;
        os_mutex_unlock(&shared);
    }
    return NULL;
}

START_TEST(test_mutex_excludes_threads_and_counts_exactly)
{
    pthread_t t[THREADS];
    os_mutex_init(&shared, OS_RANK_META);
    plain = 0;
    for (uintptr_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&t[i], NULL, count_up, (void *)(i % 2)),
                         0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(t[i], NULL);
    }
    ck_assert_uint_eq(plain, (uint64_t)THREADS * ROUNDS);
    ck_assert_uint_eq(shared.num_ops, (uint64_t)THREADS * ROUNDS);
    ck_assert_uint_eq(shared.num_waiting, 0);
    ck_assert_uint_le(shared.num_owner_switch, shared.num_ops);
    ck_assert_uint_ge(shared.num_owner_switch, 1);
    ck_assert_uint_le(shared.max_wait_ns, shared.total_wait_ns);
    ck_assert_uint_lt(shared.max_num_thds, THREADS);
    ck_assert(!os_mutex_is_held(&shared));
}

END_TEST

static void *
lock_once(void *unused)
{
    os_mutex_lock(&shared);
    os_mutex_unlock(&shared);
    return unused;
}

START_TEST(test_mutex_sleeper_is_counted_and_woken)
{
    pthread_t t;
    os_mutex_init(&shared, OS_RANK_META);
    os_mutex_lock(&shared);
    ck_assert_int_eq(pthread_create(&t, NULL, lock_once, NULL), 0);
    while (atomic_load_rlx(&shared.num_waiting) == 0) {
    }
    while (atomic_load_rlx(&shared.state) != 2) {
    }
    os_mutex_unlock(&shared);
    (void)pthread_join(t, NULL);
    ck_assert_uint_eq(shared.num_wait, 1);
    ck_assert_uint_eq(shared.max_num_thds, 1);
    ck_assert_uint_gt(shared.max_wait_ns, 0);
    ck_assert_uint_eq(shared.num_owner_switch, 2);
}

END_TEST

START_TEST(test_mutex_trylock_refuses_a_held_lock)
{
    os_mutex_init(&shared, OS_RANK_META);
    ck_assert(os_mutex_trylock(&shared));
    ck_assert(os_mutex_is_held(&shared));
    ck_assert(!os_mutex_trylock(&shared));
    os_mutex_unlock(&shared);
    ck_assert(os_mutex_trylock(&shared));
    os_mutex_unlock(&shared);
}

END_TEST

START_TEST(test_mutex_stats_reset_forgets_the_counters)
{
    os_mutex_init(&shared, OS_RANK_META);
    os_mutex_lock(&shared);
    os_mutex_unlock(&shared);
    os_mutex_stats_reset(&shared);
    ck_assert_uint_eq(shared.num_ops, 0);
    ck_assert_uint_eq(shared.num_owner_switch, 0);
}

END_TEST

static void
lock_backwards(void *second_rank)
{
    os_mutex_t a, b;
    os_mutex_init(&a, OS_RANK_PAGES);
    os_mutex_init(&b, *(os_rank_t *)second_rank);
    os_mutex_lock(&a);
    os_mutex_lock(&b);
}

START_TEST(test_mutex_ranks_may_only_rise)
{
    os_rank_t rank = OS_RANK_META;
    char said[100];
    lock_backwards(&rank); /* allowed */
    os_mutex_rank_reset();
    if (!je_config_debug) {
        return;
    }
    rank = OS_RANK_PAGES;
    snprintf(said, sizeof(said),
             "jealloc: lock order: rank %u taken while ranks 0x%x are held",
             OS_RANK_PAGES, 1u << OS_RANK_PAGES);
    stderr_expect_abort(lock_backwards, &rank, said);
    rank = OS_RANK_BIN;
    snprintf(said, sizeof(said), "jealloc: lock order: rank %u taken",
             OS_RANK_BIN);
    stderr_expect_abort(lock_backwards, &rank, said);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("mutex");
    TCase *tc = tcase_create("mutex");
    tcase_add_test(tc, test_mutex_excludes_threads_and_counts_exactly);
    tcase_add_test(tc, test_mutex_sleeper_is_counted_and_woken);
    tcase_add_test(tc, test_mutex_trylock_refuses_a_held_lock);
    tcase_add_test(tc, test_mutex_stats_reset_forgets_the_counters);
    tcase_add_test(tc, test_mutex_ranks_may_only_rise);
    suite_add_tcase(s, tc);
    return util_run(s);
}
