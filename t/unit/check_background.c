/*
 * Helper threads: started and stopped at will, and they do purge.
 */
#include "alloc/background.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "os/clock.h"
#include "t/util.h"

/* A sanitizer whose own locks a child inherits as they were: a thread that the
 * child starts waits for them for ever, or is refused. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#    define UTIL_NO_THREADS_IN_CHILD 1
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#        define UTIL_NO_THREADS_IN_CHILD 1
#    endif
#endif
#ifndef UTIL_NO_THREADS_IN_CHILD
#    define UTIL_NO_THREADS_IN_CHILD 0
#endif

static void
setup(void)
{
    ck_assert(je_boot());
    (void)background_set(false);
}

/* Sanitizers have threads of their own: count ours by their name. One that was
 * joined may be listed for a moment longer, which on a busy machine is a long
 * one; the kernel's flags say that it is leaving (PF_EXITING). */
static bool
is_helper(const char *task)
{
    char path[300], line[512] = "";
    unsigned flags = 4;
    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/stat", task);
    FILE *f = fopen(path, "r");
    if (f != NULL) {
        (void)!fgets(line, sizeof(line), f);
        (void)fclose(f);
    }
    const char *at = strstr(line, " (jealloc_bg) ");
    return at != NULL &&
           sscanf(at, " (jealloc_bg) %*c %*d %*d %*d %*d %*d %u", &flags) ==
               1 &&
           (flags & 4) == 0;
}

static unsigned
helpers_listed(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        n += is_helper(d->d_name);
    }
    (void)closedir(dir);
    return n;
}

/* The list is cut short where a thread goes from it at that moment. */
static unsigned
helpers(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 3; i++) {
        unsigned listed = helpers_listed();
        n = JE_MAX(n, listed);
    }
    return n;
}

START_TEST(test_background_starts_and_stops_synchronously)
{
    background_stats_t stats;
    unsigned want = JE_MIN((unsigned)conf.max_background_threads, arenas_auto);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert(background_set(true));
        ck_assert(background_set(true));
        ck_assert(background_is_enabled());
        background_stats(&stats);
        ck_assert_uint_eq(stats.num_threads, want);
        ck_assert_uint_eq(helpers(), want);
        ck_assert(background_set(false));
        ck_assert(background_set(false));
        ck_assert(!background_is_enabled());
        background_stats(&stats);
        ck_assert_uint_eq(stats.num_threads, 0);
        ck_assert_uint_eq(helpers(), 0);
    }
}

END_TEST

static void *
toggle(void *arg)
{
    for (uintptr_t i = 0; i < 60; i++) {
        (void)background_set((i + (uintptr_t)arg) % 2 == 0);
    }
    return NULL;
}

START_TEST(test_background_toggled_by_many_threads_ends_as_told)
{
    pthread_t t[4];
    for (uintptr_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&t[i], NULL, toggle, (void *)i), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        (void)pthread_join(t[i], NULL);
    }
    ck_assert(background_set(false));
    ck_assert_uint_eq(helpers(), 0);
}

END_TEST

START_TEST(test_background_purges_what_nobody_touches)
{
    arena_t *arena = arena_get_or_make(0);
    ck_assert(pac_set_decay_ms(&arena->pac, PAC_DIRTY, 20));
    ck_assert(pac_set_decay_ms(&arena->pac, PAC_MUZZY, 0));
    extent_t *e =
        arena_large_alloc(arena, sz_size(SC_NBINS + 12), OS_PAGE, false);
    memset((void *)e->addr, 1, e->size);
    ck_assert(background_set(true));
    arena_large_dalloc(e);
    uint64_t end = os_clock_ns() + 60000000000u;
    while (atomic_load_rlx(&arena->pac.dirty.npages) != 0 &&
           os_clock_ns() < end) {
        (void)sched_yield();
    }
    ck_assert_uint_eq(atomic_load_rlx(&arena->pac.dirty.npages), 0);
    background_stats_t stats;
    background_stats(&stats);
    ck_assert_uint_ge(stats.num_runs, 1);
    ck_assert_uint_gt(stats.run_interval_ns, 0);
    ck_assert(background_set(false));
}

END_TEST

/* /proc shows the mask of each helper. */
static bool
blocks_all_signals(const char *task)
{
    char path[300], line[256];
    unsigned long long mask = 0;
    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
    FILE *f = fopen(path, "r");
    bool found = false;
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        found = found || sscanf(line, "SigBlk: %llx", &mask) == 1;
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    /* libc keeps two signals of its own, SIGKILL and SIGSTOP cannot be */
    return found && (mask & (1ull << (SIGTERM - 1))) != 0 &&
           (mask & (1ull << (SIGINT - 1))) != 0 &&
           (mask & (1ull << (SIGPROF - 1))) != 0;
}

START_TEST(test_background_threads_block_signals)
{
    ck_assert(background_set(true));
    unsigned seen = 0;
    DIR *dir = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        if (is_helper(d->d_name)) {
            seen++;
            ck_assert_msg(blocks_all_signals(d->d_name), "%s", d->d_name);
        }
    }
    (void)closedir(dir);
    ck_assert_uint_ge(seen, 1);
    ck_assert(background_set(false));
}

END_TEST

START_TEST(test_background_is_off_in_the_child_and_can_be_started)
{
    ck_assert(background_set(true));
    pid_t child = fork();
    if (child == 0) {
        background_stats_t stats;
        background_stats(&stats);
        bool ok = !background_is_enabled() && stats.num_threads == 0;
        if (!UTIL_NO_THREADS_IN_CHILD) {
            ok = ok && background_set(true) && background_is_enabled() &&
                 background_set(false);
        }
        _exit(ok ? 0 : 1);
    }
    int status = 1;
    (void)waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    ck_assert(background_is_enabled());
    ck_assert(background_set(false));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("background");
    TCase *tc = tcase_create("background");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_background_starts_and_stops_synchronously);
    tcase_add_test(tc, test_background_toggled_by_many_threads_ends_as_told);
    tcase_add_test(tc, test_background_purges_what_nobody_touches);
    tcase_add_test(tc, test_background_threads_block_signals);
    tcase_add_test(tc, test_background_is_off_in_the_child_and_can_be_started);
    suite_add_tcase(s, tc);
    return util_run(s);
}
