/*
 * Deferred frees: what waits, who frees it, and that nothing is lost.
 */
#include "alloc/deferred.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jealloc.h"
#include "t/util.h"

/* Sanitizers need address space of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

static uint64_t
figure(const char *name)
{
    uint64_t value;
    size_t size = sizeof(value);
    ck_assert_int_eq(jea_mallctl(name, &value, &size, NULL, 0), 0);
    return value;
}

static size_t
allocated(void)
{
    uint64_t epoch = 1;
    size_t value, size = sizeof(value);
    ck_assert_int_eq(jea_mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)),
                     0);
    ck_assert_int_eq(jea_mallctl("stats.allocated", &value, &size, NULL, 0), 0);
    return value;
}

/* Until the helper has nothing left to do; it has half a minute. */
static void
wait_for_helper(void)
{
    const struct timespec nap = {0, 1000000};
    for (unsigned i = 0; i < 30000; i++) {
        if (figure("jeprobe.deferred.queued_bytes") == 0) {
            return;
        }
        nanosleep(&nap, NULL);
    }
    ck_abort_msg("the helper does not free");
}

START_TEST(test_small_ones_are_freed_at_once)
{
    uint64_t before = figure("jeprobe.deferred.inlined");
    void *p = jea_malloc(DEFERRED_LEAST / 2);
    jea_free_deferred(p);
    jea_free_deferred(NULL);
    ck_assert_uint_eq(figure("jeprobe.deferred.inlined"), before + 1);
    ck_assert_uint_eq(figure("jeprobe.deferred.deferred"), 0);
}

END_TEST

START_TEST(test_large_ones_are_freed_by_the_helper)
{
    enum { OBJECTS = 3000 };

    size_t before = allocated();
    uint64_t by_us = 0, ours;
    size_t size = sizeof(ours);
    for (unsigned i = 0; i < OBJECTS; i++) {
        char *p = jea_malloc(DEFERRED_LEAST);
        ck_assert_ptr_nonnull(p);
        memset(p, 1, 16);
        jea_free_deferred(p);
    }
    ck_assert_uint_eq(figure("jeprobe.deferred.deferred") +
                          figure("jeprobe.deferred.inlined"),
                      OBJECTS);
    ck_assert_uint_gt(figure("jeprobe.deferred.deferred"), 0);
    wait_for_helper();
    ck_assert_uint_eq(allocated(), before);
    ck_assert_int_eq(jea_mallctl("thread.deallocated", &ours, &size, NULL, 0),
                     0);
    by_us = figure("jeprobe.deferred.inlined") * DEFERRED_LEAST;
    /* what the helper freed is not ours; libc's own frees are small */
    ck_assert_uint_ge(ours, by_us);
    ck_assert_uint_lt(ours, by_us + DEFERRED_LEAST);
}

END_TEST

/* ---- with the helper held back ----------------------------------------- */

/* The library's call comes here: a helper that is created and does not run yet
 * shows what waits. */
typedef int create_t(pthread_t *thread, const pthread_attr_t *attr,
                     void *(*run)(void *), void *arg);

static struct {
    bool is_on;
    void *(*run)(void *);
    void *arg;
} held;

static int
create_really(pthread_t *thread, const pthread_attr_t *attr,
              void *(*run)(void *), void *arg)
{
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    create_t *create;
    memcpy(&create, &found, sizeof(create));
    return create(thread, attr, run, arg);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attr,
               void *(*run)(void *), void *arg)
{
    if (!held.is_on) {
        return create_really(thread, attr, run, arg);
    }
    held.run = run;
    held.arg = arg;
    *thread = pthread_self();
    return 0;
}

static void
let_helper_run(void)
{
    pthread_t thread;
    held.is_on = false;
    ck_assert_ptr_nonnull(held.run);
    ck_assert_int_eq(create_really(&thread, NULL, held.run, held.arg), 0);
}

START_TEST(test_queue_is_bounded)
{
    enum { MORE = 10 };

    static void *objects[DEFERRED_SLOTS + MORE];
    size_t before = allocated();
    held.is_on = true;
    for (unsigned i = 0; i < JE_ARRAY_LEN(objects); i++) {
        objects[i] = jea_malloc(DEFERRED_LEAST);
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(objects); i++) {
        jea_free_deferred(objects[i]);
    }
    ck_assert_uint_eq(figure("jeprobe.deferred.queued_objects"),
                      DEFERRED_SLOTS);
    ck_assert_uint_eq(figure("jeprobe.deferred.queued_bytes"),
                      (uint64_t)DEFERRED_SLOTS * DEFERRED_LEAST);
    ck_assert_uint_eq(figure("jeprobe.deferred.deferred"), DEFERRED_SLOTS);
    ck_assert_uint_eq(figure("jeprobe.deferred.inlined"), MORE);
    ck_assert_uint_eq(allocated() - before,
                      (size_t)DEFERRED_SLOTS * DEFERRED_LEAST);
    let_helper_run();
    wait_for_helper();
    ck_assert_uint_eq(figure("jeprobe.deferred.queued_objects"), 0);
    ck_assert_uint_eq(allocated(), before);
}

END_TEST

START_TEST(test_flush_frees_what_waits)
{
    size_t before = allocated();
    held.is_on = true;
    for (unsigned i = 0; i < 100; i++) {
        jea_free_deferred(jea_malloc(DEFERRED_LEAST));
    }
    ck_assert_uint_eq(figure("jeprobe.deferred.queued_objects"), 100);
    ck_assert_int_eq(jea_mallctl("jeprobe.deferred.flush", NULL, NULL, NULL, 0),
                     0);
    ck_assert_uint_eq(figure("jeprobe.deferred.queued_objects"), 0);
    ck_assert_uint_eq(figure("jeprobe.deferred.queued_bytes"), 0);
    ck_assert_uint_eq(allocated(), before);
}

END_TEST

/* Both processes have the queue, and each frees its own. */
START_TEST(test_fork_leaves_it_to_both)
{
    size_t before = allocated();
    int status = 1;
    held.is_on = true;
    for (unsigned i = 0; i < 10; i++) {
        jea_free_deferred(jea_malloc(DEFERRED_LEAST));
    }
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        bool ok = figure("jeprobe.deferred.queued_bytes") ==
                  UINT64_C(10) * DEFERRED_LEAST;
        held.is_on = false;
        jea_free_deferred(jea_malloc(DEFERRED_LEAST)); /* a new helper */
        wait_for_helper();
        _exit(ok && allocated() == before ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(figure("jeprobe.deferred.queued_objects"), 10);
    let_helper_run();
    wait_for_helper();
    ck_assert_uint_eq(allocated(), before);
}

END_TEST

/* What waits is memory that a request without memory can have. */
START_TEST(test_a_failing_request_flushes)
{
    const size_t much = (size_t)1 << 30;
    struct rlimit limit = {much + much / 2, much + much / 2};
    held.is_on = true;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    void *p = jea_malloc(much);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_null(jea_malloc(much));
    jea_free_deferred(p);
    p = jea_malloc(much);
    ck_assert_ptr_nonnull(p);
    jea_free(p);
}

END_TEST

START_TEST(test_twice_is_found)
{
    void *p = jea_malloc(DEFERRED_LEAST);
    held.is_on = true;
    jea_free_deferred(p);
    jea_free_deferred(p);
    (void)jea_mallctl("jeprobe.deferred.flush", NULL, NULL, NULL, 0);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("deferred");
    TCase *tc = tcase_create("deferred");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_small_ones_are_freed_at_once);
    tcase_add_test(tc, test_large_ones_are_freed_by_the_helper);
    tcase_add_test(tc, test_queue_is_bounded);
    tcase_add_test(tc, test_flush_frees_what_waits);
    tcase_add_test(tc, test_fork_leaves_it_to_both);
    if (!IS_SANITIZED) {
        tcase_add_test(tc, test_a_failing_request_flushes);
    }
    tcase_add_test_raise_signal(tc, test_twice_is_found, SIGABRT);
    suite_add_tcase(s, tc);
    return util_run(s);
}
