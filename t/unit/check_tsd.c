/*
 * The state of a thread: made once, counted, used again, and gone at the end.
 */
#include "alloc/tsd.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/malloc.h"
#include "alloc/meta.h"
#include "alloc/tcache.h"
#include "jealloc.h"
#include "t/util.h"

static void
setup(void)
{
    ck_assert(je_boot());
}

static unsigned
threads_listed(void)
{
    unsigned n = 0;
    list_t *head = tsd_list_lock();
    for (list_t *l = head->next; l != head; l = l->next) {
        n++;
    }
    tsd_list_unlock();
    return n;
}

static void
run_thread(void *(*fn)(void *), void *arg)
{
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, fn, arg), 0);
    (void)pthread_join(t, NULL);
}

static void *
allocate_some(void *arg)
{
    tsd_t **seen = arg;
    jea_free(jea_malloc(100));
    void *p = jea_malloc(50000);
    jea_free(p);
    *seen = tsd_current;
    return NULL;
}

START_TEST(test_tsd_is_made_by_the_first_allocation_and_listed)
{
    jea_free(jea_malloc(1));
    tsd_t *tsd = tsd_current;
    ck_assert_ptr_ne(tsd, &tsd_none);
    ck_assert_ptr_eq(tsd_get(), tsd);
    ck_assert_ptr_nonnull(tsd->arena);
    ck_assert_uint_ge(tsd->arena->nthreads, 1);
    ck_assert_uint_ge(threads_listed(), 1);
}

END_TEST

START_TEST(test_tsd_of_a_thread_that_ended_is_folded_and_used_again)
{
    tsd_t *first = NULL, *second = NULL;
    jea_free(jea_malloc(1));
    unsigned listed = threads_listed();
    tsd_past_t before = tsd_past;
    run_thread(allocate_some, &first);
    ck_assert_ptr_ne(first, &tsd_none);
    ck_assert_uint_eq(threads_listed(), listed);
    uint64_t bytes = jea_nallocx(100, 0) + jea_nallocx(50000, 0);
    ck_assert_uint_eq(tsd_past.bytes.allocated - before.bytes.allocated, bytes);
    ck_assert_uint_eq(tsd_past.bytes.deallocated - before.bytes.deallocated,
                      bytes);
    ck_assert_uint_eq(tsd_past.nthreads - before.nthreads, 1);
    meta_stats_t stats[2];
    meta_stats(&stats[0]);
    for (unsigned i = 0; i < 50; i++) {
        run_thread(allocate_some, &second);
        ck_assert_ptr_eq(second, first);
    }
    meta_stats(&stats[1]);
    ck_assert_uint_le(stats[1].base - stats[0].base, 4096);
}

END_TEST

START_TEST(test_tsd_end_leaves_nothing_cached_and_nobody_bound)
{
    unsigned bound[2] = {0, 0};
    tsd_t *seen = NULL;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < arena_count(); i++) {
            bound[round] += arena_get(i) != NULL ? arena_get(i)->nthreads : 0;
        }
        run_thread(allocate_some, &seen);
    }
    ck_assert_uint_eq(bound[0], bound[1]);
    ck_assert_uint_eq(tcache_bytes(seen), 0);
}

END_TEST

/* ---- destructors ------------------------------------------------------- */

static pthread_key_t early_key, late_key;
static unsigned late_runs;

/* Arms itself again, so that it also runs after the allocator's own hook. */
static void
late_destructor(void *value)
{
    unsigned char *p = value;
    size_t wrong = 0;
    for (unsigned i = 0; i < 3000; i++) {
        wrong += p[i] != 7;
    }
    ck_assert_uint_eq(wrong, 0);
    jea_free(p);
    late_runs++;
    for (size_t size = 1; size < 300000; size = size * 3 + 1) {
        unsigned char *q = jea_malloc(size);
        ck_assert_ptr_nonnull(q);
        q[0] = q[size - 1] = 1;
        q = jea_realloc(q, size * 2);
        ck_assert_ptr_nonnull(q);
        ck_assert_uint_eq(q[size - 1], 1);
        jea_free(q);
    }
    if (late_runs < 4 && pthread_getspecific(late_key) == NULL) {
        p = jea_calloc(1, 3000);
        memset(p, 7, 3000);
        (void)pthread_setspecific(late_key, p);
    }
}

static void *
arm_destructors(void *unused)
{
    void *p = jea_malloc(3000);
    memset(p, 7, 3000);
    (void)pthread_setspecific(late_key, p);
    p = jea_malloc(3000);
    memset(p, 7, 3000);
    (void)pthread_setspecific(early_key, p);
    return unused;
}

START_TEST(test_tsd_destructors_that_run_later_allocate_and_free)
{
    /* one key from before the allocator's, one from after */
    ck_assert_int_eq(pthread_key_create(&early_key, late_destructor), 0);
    ck_assert(je_boot());
    ck_assert_int_eq(pthread_key_create(&late_key, late_destructor), 0);
    run_thread(arm_destructors, NULL);
    ck_assert_uint_ge(late_runs, 4);
    for (unsigned i = 0; i < arena_count(); i++) {
        if (arena_get(i) != NULL) {
            ck_assert(arena_is_valid(arena_get(i)));
        }
    }
}

END_TEST

START_TEST(test_tsd_late_frees_leave_no_live_object)
{
    uint64_t live[2] = {0, 0};
    ck_assert_int_eq(pthread_key_create(&late_key, late_destructor), 0);
    jea_free(jea_malloc(1));
    for (unsigned round = 0; round < 2; round++) {
        tcache_flush(tsd_get());
        for (unsigned i = 0; i < arena_count(); i++) {
            const arena_t *arena = arena_get(i);
            for (unsigned b = 0; arena != NULL && b < SC_NBINS; b++) {
                live[round] +=
                    arena->bins[b].stats.nmalloc - arena->bins[b].stats.ndalloc;
            }
        }
        ck_assert_int_eq(pthread_key_create(&early_key, late_destructor), 0);
        run_thread(arm_destructors, NULL);
        late_runs = 0;
    }
    ck_assert_uint_eq(live[0], live[1]);
}

END_TEST

/* ---- fork -------------------------------------------------------------- */

typedef struct sleeper {
    pthread_barrier_t ready, done;
    uint32_t nesting;
    tsd_t *tsd;
} sleeper_t;

/* Lies there with a filled cache, in or out of the slow path. */
static void *
sleep_with_cache(void *arg)
{
    sleeper_t *s = arg;
    jea_free(jea_malloc(100));
    s->tsd = tsd_current;
    s->tsd->nesting += s->nesting;
    (void)pthread_barrier_wait(&s->ready);
    (void)pthread_barrier_wait(&s->done);
    s->tsd->nesting -= s->nesting;
    return NULL;
}

/* Whether a child of a fork empties the sleeper's cache. */
static bool
child_reclaims(uint32_t nesting)
{
    sleeper_t s = {.nesting = nesting};
    pthread_t t;
    (void)pthread_barrier_init(&s.ready, NULL, 2);
    (void)pthread_barrier_init(&s.done, NULL, 2);
    jea_free(jea_malloc(1));
    ck_assert_int_eq(pthread_create(&t, NULL, sleep_with_cache, &s), 0);
    (void)pthread_barrier_wait(&s.ready);
    ck_assert_uint_gt(tcache_bytes(s.tsd), 0);
    pid_t child = fork();
    if (child == 0) {
        tsd_reclaim_orphans();
        _exit(tcache_bytes(s.tsd) == 0 ? 10 : 11);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    (void)pthread_barrier_wait(&s.done);
    (void)pthread_join(t, NULL);
    ck_assert(WIFEXITED(status));
    ck_assert_int_ge(WEXITSTATUS(status), 10);
    return WEXITSTATUS(status) == 10;
}

START_TEST(test_tsd_child_takes_over_idle_caches_and_leaves_busy_ones)
{
    ck_assert(child_reclaims(0));
    ck_assert(!child_reclaims(1));
}

END_TEST

static pthread_key_t restless_key;
static unsigned restless_runs;

/* Never content: libc gives up after its last round. */
static void
restless_destructor(void *value)
{
    restless_runs++;
    jea_free(value);
    (void)pthread_setspecific(restless_key,
                              restless_runs < 100 ? jea_malloc(100) : NULL);
}

static void *
arm_restless(void *unused)
{
    (void)pthread_setspecific(restless_key, jea_malloc(100));
    return unused;
}

START_TEST(test_tsd_is_not_made_again_by_a_thread_that_ends)
{
    jea_free(jea_malloc(1));
    unsigned listed = threads_listed();
    uint64_t ended = tsd_past.nthreads;
    ck_assert_int_eq(pthread_key_create(&restless_key, restless_destructor), 0);
    run_thread(arm_restless, NULL);
    ck_assert_uint_ge(restless_runs, 4);
    ck_assert_uint_eq(threads_listed(), listed);
    ck_assert_uint_eq(tsd_past.nthreads, ended + 1);
}

END_TEST

START_TEST(test_tsd_random_streams_of_threads_differ)
{
    tsd_t a = {.prng = 1}, b = {.prng = 2};
    unsigned same = 0;
    for (unsigned i = 0; i < 1000; i++) {
        same += tsd_random(&a) == tsd_random(&b);
    }
    ck_assert_uint_eq(same, 0);
}

END_TEST

/* What keeps a thread from the hot path, one by one. */
START_TEST(test_tsd_is_hot_unless_something_is_to_be_done)
{
    tsd_t *tsd = tsd_get();
    ck_assert_ptr_eq(tsd_hot, tsd->bins);
    bool *flags[] = {&tsd->is_slow_always, &tsd->is_counted};
    for (unsigned i = 0; i < JE_ARRAY_LEN(flags); i++) {
        *flags[i] = true;
        tsd_set_hot(tsd);
        ck_assert_ptr_eq(tsd_hot, tsd_none.bins);
        *flags[i] = false;
        tsd_set_hot(tsd);
        ck_assert_ptr_eq(tsd_hot, tsd->bins);
    }
    tsd->label = 1;
    tsd_set_hot(tsd);
    ck_assert_ptr_eq(tsd_hot, tsd_none.bins);
    tsd->label = 0;
    tsd_set(&tsd_none);
    ck_assert_ptr_eq(tsd_current, &tsd_none);
    ck_assert_ptr_eq(tsd_hot, tsd_none.bins);
    tsd_set(tsd);
    ck_assert_ptr_eq(tsd_current, tsd);
    ck_assert_ptr_eq(tsd_hot, tsd->bins);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("tsd");
    TCase *tc = tcase_create("tsd");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_tsd_is_made_by_the_first_allocation_and_listed);
    tcase_add_test(tc,
                   test_tsd_of_a_thread_that_ended_is_folded_and_used_again);
    tcase_add_test(tc, test_tsd_end_leaves_nothing_cached_and_nobody_bound);
    tcase_add_test(tc, test_tsd_late_frees_leave_no_live_object);
    tcase_add_test(tc,
                   test_tsd_child_takes_over_idle_caches_and_leaves_busy_ones);
    tcase_add_test(tc, test_tsd_is_not_made_again_by_a_thread_that_ends);
    tcase_add_test(tc, test_tsd_random_streams_of_threads_differ);
    tcase_add_test(tc, test_tsd_is_hot_unless_something_is_to_be_done);
    suite_add_tcase(s, tc);
    tc = tcase_create("before start-up");
    tcase_add_test(tc, test_tsd_destructors_that_run_later_allocate_and_free);
    suite_add_tcase(s, tc);
    return util_run(s);
}
