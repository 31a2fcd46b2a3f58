/*
 * Caches of processors under load: threads that are moved, interrupted, drained
 * and forked while they allocate.
 */
#include "t/unit/percpu.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

enum { NTHREADS = 6, NKEPT = 64, NSIZES = 12 };

typedef struct worker {
    pthread_t thread;
    pid_t tid;
    uint64_t seed;
    unsigned rounds;
    uint64_t requests[NSIZES]; /* by class of sizes[] */
    object_t kept[NKEPT];
    bool is_done;
} worker_t;

static const size_t sizes[NSIZES] = {16,  32,  48,  64,   96,   128,
                                     256, 512, 896, 1024, 4096, 14336};
static worker_t workers[NTHREADS];
static bool is_over;

static void
worker_round(worker_t *w)
{
    unsigned kind = (unsigned)util_random_below(&w->seed, NSIZES);
    object_t *o = &w->kept[util_random_below(&w->seed, NKEPT)];
    object_free(o);
    *o = object_new(sizes[kind], util_random(&w->seed));
    w->requests[kind]++;
}

static void *
worker_run(void *arg)
{
    worker_t *w = arg;
    atomic_store_rel(&w->tid, (pid_t)syscall(SYS_gettid));
    for (unsigned i = 0; i < w->rounds && !atomic_load_rlx(&is_over); i++) {
        worker_round(w);
    }
    for (unsigned i = 0; i < NKEPT; i++) {
        object_free(&w->kept[i]);
    }
    uint64_t in = bytes_of_thread("thread.allocated");
    if (in != bytes_of_thread("thread.deallocated")) {
        abort();
    }
    atomic_store_rel(&w->is_done, true);
    return NULL;
}

static void
start(unsigned rounds)
{
    uint64_t seed = util_seed();
    is_over = false;
    for (unsigned i = 0; i < NTHREADS; i++) {
        workers[i] = (worker_t){.seed = seed + i, .rounds = rounds};
        ck_assert_int_eq(
            pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]),
            0);
    }
}

static bool
are_done(void)
{
    for (unsigned i = 0; i < NTHREADS; i++) {
        if (!atomic_load_acq(&workers[i].is_done)) {
            return false;
        }
    }
    return true;
}

static void
finish(void)
{
    for (unsigned i = 0; i < NTHREADS; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    }
}

/* ---- exact at rest ----------------------------------------------------- */

typedef struct figures {
    uint64_t nrequests[NSIZES];
    uint64_t curregs[NSIZES];
} figures_t;

static figures_t
figures_now(void)
{
    figures_t f;
    for (unsigned i = 0; i < NSIZES; i++) {
        f.nrequests[i] = figure_of_bin(sz_index(sizes[i]), "nrequests");
        f.curregs[i] = figure_of_bin(sz_index(sizes[i]), "curregs");
    }
    return f;
}

/* Each request was counted once, and every object went back. */
static void
expect_exact(const figures_t *before)
{
    percpu_flush();
    ck_assert_uint_eq(held_by_all(), 0);
    figures_t after = figures_now();
    for (unsigned i = 0; i < NSIZES; i++) {
        uint64_t requests = 0;
        for (unsigned k = 0; k < NTHREADS; k++) {
            requests += workers[k].requests[i];
        }
        ck_assert_uint_eq(after.nrequests[i] - before->nrequests[i], requests);
        ck_assert_uint_eq(after.curregs[i], before->curregs[i]);
    }
}

START_TEST(test_threads_that_are_moved_lose_nothing)
{
    percpu_flush();
    figures_t before = figures_now();
    uint64_t seed = 7;
    start(60000);
    while (!are_done()) {
        worker_t *w = &workers[util_random_below(&seed, NTHREADS)];
        pid_t tid = atomic_load_acq(&w->tid);
        if (tid != 0 && !atomic_load_acq(&w->is_done)) {
            run_on(tid, (unsigned)util_random_below(&seed, 64));
        }
    }
    finish();
    expect_exact(&before);
}

END_TEST

START_TEST(test_drains_while_in_use_lose_nothing)
{
    percpu_flush();
    figures_t before = figures_now();
    uint64_t now = UINT64_C(1) << 60;
    start(60000);
    while (!are_done()) {
        percpu_flush();
        percpu_look(now += UINT64_C(10000000000));
    }
    finish();
    expect_exact(&before);
}

END_TEST

static unsigned nhandled;

static void
handle(int sig)
{
    (void)sig;
    static uint64_t seed;
    object_t o = object_new(sizes[util_random_below(&seed, 6)], 77);
    object_free(&o);
    atomic_add_rlx(&nhandled, 1u);
}

/* A signal sends a sequence back; its handler has sequences of its own, which
 * only those classes have whose bins' locks no handler can wait for: their
 * objects are there before. */
START_TEST(test_signals_lose_nothing)
{
    struct sigaction action = {.sa_handler = SIG_IGN, .sa_flags = SA_RESTART};
    struct itimerval often = {.it_value.tv_usec = 50,
                              .it_interval.tv_usec = 50};
    static const struct itimerval never;

    enum { N = 400000 };

    run_on(0, 0);
    unsigned szind = sz_index(64);
    for (unsigned i = 0; i < 6; i++) {
        object_t some[8];
        for (unsigned k = 0; k < 8; k++) {
            some[k] = object_new(sizes[i], k);
        }
        for (unsigned k = 0; k < 8; k++) {
            object_free(&some[k]);
        }
    }
    action.sa_handler = handle;
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    uint64_t before = figure_of_bin(szind, "nrequests");
    uint64_t handled = 0;
    ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (unsigned i = 0; i < N; i++) {
        object_t o = object_new(64, i);
        object_free(&o);
    }
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    handled = atomic_load_rlx(&nhandled);
    ck_assert_uint_gt(handled, 10);
    uint64_t counted = figure_of_bin(szind, "nrequests") - before;
    ck_assert_uint_ge(counted, N);
    ck_assert_uint_le(counted, N + handled);
    uint64_t in = bytes_of_thread("thread.allocated");
    ck_assert_uint_ge(in, bytes_of_thread("thread.deallocated"));
}

END_TEST

/* ---- fork -------------------------------------------------------------- */

static void
child_run(unsigned n)
{
    static object_t o[200];
    uint64_t seed = n;
    for (unsigned i = 0; i < 200; i++) {
        o[i] = object_new(sizes[util_random_below(&seed, NSIZES)], i);
    }
    for (unsigned i = 0; i < 200; i++) {
        object_free(&o[i]);
    }
    percpu_flush();
    for (unsigned cpu = 0; cpu < percpu_end(); cpu++) {
        const percpu_cache_t *cache = percpu_peek(cpu);
        for (unsigned i = 0; cache != NULL && i < SC_NBINS; i++) {
            if ((cache->stacks[i].word & 0xffff) != 0) {
                _exit(3);
            }
        }
    }
    _exit(0);
}

static void *
drain(void *arg)
{
    (void)arg;
    while (!atomic_load_rlx(&is_over)) {
        percpu_flush();
    }
    return NULL;
}

/* Wherever the threads are, and whatever is being drained. */
START_TEST(test_children_find_whole_stacks)
{
    pthread_t drainer;
    start(UINT32_MAX);
    ck_assert_int_eq(pthread_create(&drainer, NULL, drain, NULL), 0);
    for (unsigned i = 0; i < 150; i++) {
        pid_t child = fork();
        if (child == 0) {
            child_run(i);
        }
        int status = -1;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(status == 0, "child %u: status 0x%x", i,
                      (unsigned)status);
    }
    atomic_store_rlx(&is_over, true);
    finish();
    ck_assert_int_eq(pthread_join(drainer, NULL), 0);
    percpu_flush();
    ck_assert_uint_eq(held_by_all(), 0);
}

END_TEST

/* ---- many threads ------------------------------------------------------ */

enum { MANY = 200 };

static pthread_barrier_t all_are_idle, all_may_end;

static void *
use_and_wait(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < NSIZES; i++) {
        object_t o[40];
        for (unsigned k = 0; k < 40; k++) {
            o[k] = object_new(sizes[i], k);
        }
        for (unsigned k = 0; k < 40; k++) {
            object_free(&o[k]);
        }
    }
    pthread_barrier_wait(&all_are_idle);
    pthread_barrier_wait(&all_may_end);
    return NULL;
}

/* Each of them had 0.9 MB, and frees it. */
START_TEST(test_what_is_cached_is_bounded_by_processors)
{
    static pthread_t threads[MANY];
    pthread_attr_t small;
    ck_assert_int_eq(pthread_attr_init(&small), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&small, 256 << 10), 0);
    pthread_barrier_init(&all_are_idle, NULL, MANY + 1);
    pthread_barrier_init(&all_may_end, NULL, MANY + 1);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(
            pthread_create(&threads[i], &small, use_and_wait, NULL), 0);
    }
    pthread_barrier_wait(&all_are_idle);
    uint64_t cpus = figure_of("jeprobe.percpu_cache.caches");
    uint64_t bytes = figure_of("stats.arenas.4096.tcache_bytes");
    ck_assert_uint_ge(cpus, 1);
    ck_assert_uint_le(cpus, (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
    ck_assert_uint_le(figure_of("jeprobe.percpu_cache.bytes"),
                      cpus * conf.percpu_cache_max);
    /* nothing but large objects may lie elsewhere, and none are used */
    ck_assert_uint_le(bytes, cpus * conf.percpu_cache_max + (64 << 10));
    ck_assert_uint_gt(bytes, 100000);
    pthread_barrier_wait(&all_may_end);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}

END_TEST

int
main(void)
{
    if (!je_boot() || !percpu_is_on) {
        puts("1..0 # SKIP no restartable sequences here");
        return 0;
    }
    Suite *s = suite_create("percpu_load");
    TCase *tc = tcase_create("percpu_load");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_threads_that_are_moved_lose_nothing);
    tcase_add_test(tc, test_drains_while_in_use_lose_nothing);
    tcase_add_test(tc, test_signals_lose_nothing);
    tcase_add_test(tc, test_children_find_whole_stacks);
    tcase_add_test(tc, test_what_is_cached_is_bounded_by_processors);
    suite_add_tcase(s, tc);
    return util_run(s);
}
