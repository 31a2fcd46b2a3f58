/*
 * Forks while other threads allocate and use stdio; children allocate, free,
 * print and exit. Nothing may hang, and the parent goes on untouched.
 *
 * usage: forks [--count N] [--threads N]
 */
#include "t/stress/stress.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "alloc/arena_choice.h"
#include "alloc/background.h"
#include "alloc/malloc.h"
#include "jealloc.h"

enum { HELD = 300, STDIO_EVERY = 50, CHILD_SECONDS = 120 };

extern char **environ;

/* What the threads of a parent held is lost in its child: no leak of ours. */
JE_EXPORT const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}

static uint32_t stop;
static FILE *sink; /* shared by all threads: its lock is fought over */

/* ---- work -------------------------------------------------------------- */

static size_t
random_size(uint64_t *r)
{
    uint64_t kind = stress_below(r, 100);
    return kind < 80   ? stress_below(r, 1000)
           : kind < 98 ? stress_below(r, 40000)
                       : stress_below(r, 400000);
}

/* Allocate and free n times over some blocks, checking a mark in each. */
static void
hammer(uint64_t *r, unsigned char **held, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned k = (unsigned)stress_below(r, HELD);
        if (held[k] != NULL) {
            stress_check_eq(held[k][0], k & 0xff);
            jea_free(held[k]);
            held[k] = NULL;
        } else {
            size_t size = 1 + random_size(r);
            held[k] =
                stress_below(r, 4) ? jea_malloc(size) : jea_calloc(1, size);
            stress_check(held[k] != NULL);
            held[k][size - 1] = 0x55;
            held[k][0] = (unsigned char)k;
        }
    }
}

static void
drop(unsigned char **held)
{
    for (unsigned k = 0; k < HELD; k++) {
        jea_free(held[k]);
        held[k] = NULL;
    }
}

static void
use_stdio(FILE *in, char **line, size_t *len)
{
    (void)fprintf(sink, "%d %s\n", 42, "some text that fills the buffer");
    (void)fflush(NULL);
    if (getline(line, len, in) < 0) {
        rewind(in);
    }
}

static void *
worker(void *arg)
{
    uint64_t r = (uintptr_t)arg;
    unsigned char *held[HELD] = {NULL};
    char *line = NULL;
    size_t len = 0;
    FILE *in = fopen("/proc/self/status", "r");
    stress_check(in != NULL);
    while (!atomic_load_rlx(&stop)) {
        hammer(&r, held, STDIO_EVERY);
        use_stdio(in, &line, &len);
    }
    drop(held);
    free(line);
    (void)fclose(in);
    return NULL;
}

/* Threads that come and go, so that forks meet them starting and ending. */
static void *
short_lived(void *arg)
{
    unsigned char *held[HELD] = {NULL};
    uint64_t r = (uintptr_t)arg;
    hammer(&r, held, 60);
    drop(held);
    return NULL;
}

static void *
churner(void *arg)
{
    uintptr_t seed = (uintptr_t)arg;
    while (!atomic_load_rlx(&stop)) {
        pthread_t t;
        if (pthread_create(&t, NULL, short_lived, (void *)++seed) == 0) {
            (void)pthread_join(t, NULL);
        }
    }
    return NULL;
}

/* ---- children ---------------------------------------------------------- */

static unsigned char *inherited[HELD];

static void *
child_thread(void *arg)
{
    return short_lived(arg);
}

/* What a child may do: everything. */
static void
child_work(uint64_t seed)
{
    unsigned char *held[HELD] = {NULL};
    uint64_t r = seed;
    (void)alarm(CHILD_SECONDS);
    hammer(&r, held, 400);
    drop(inherited);
    if (STRESS_SANITIZED) { /* libc's malloc may be locked for ever here */
        drop(held);
        _exit(0);
    }
    (void)fprintf(sink, "child\n");
    (void)fflush(NULL);
    stress_check(!background_is_enabled());
    if (seed % 16 == 0) {
        pthread_t t;
        stress_check_eq(
            pthread_create(&t, NULL, child_thread, (void *)(uintptr_t)seed), 0);
        (void)pthread_join(t, NULL);
    }
    if (seed % 32 == 0) { /* a grandchild */
        pid_t pid = fork();
        if (pid == 0) {
            hammer(&r, held, 50);
            _exit(0);
        }
        int status;
        stress_check_eq(waitpid(pid, &status, 0), pid);
        stress_check_eq(status, 0);
    }
    drop(held);
    if (seed % 64 == 0) { /* nothing may be torn in arenas that are in use */
        for (unsigned i = 0; i < arena_count(); i++) {
            arena_t *arena = arena_get(i);
            if (arena != NULL && !arena->is_quarantined) {
                stress_check(arena_is_valid(arena));
            }
        }
    }
}

static void
wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        stress_check_eq(errno, EINTR);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        stress_fail(__FILE__, __LINE__, "a child ended with status 0x%x",
                    (unsigned)status);
    }
}

static void *from_handler[3];

static void
fork_many(unsigned count, unsigned nthreads)
{
    pthread_t t[64];
    uint64_t r = 7;
    atomic_store_rlx(&stop, 0u);
    for (uintptr_t i = 0; i < nthreads; i++) {
        stress_check_eq(pthread_create(&t[i], NULL,
                                       i + 1 == nthreads ? churner : worker,
                                       (void *)(i + 1)),
                        0);
    }
    for (unsigned i = 0; i < count; i++) {
        hammer(&r, inherited, 20);
        (void)alarm(CHILD_SECONDS);
        pid_t pid = fork();
        stress_check(pid >= 0);
        if (pid == 0) {
            child_work(i);
            exit(0); /* runs handlers and flushes stdio, too */
        }
        wait_for(pid);
    }
    (void)alarm(0);
    atomic_store_rlx(&stop, 1u);
    for (unsigned i = 0; i < nthreads; i++) {
        (void)pthread_join(t[i], NULL);
    }
    drop(inherited);
    for (unsigned i = 0; i < JE_ARRAY_LEN(from_handler); i++) {
        jea_free(from_handler[i]);
        from_handler[i] = NULL;
    }
    stress_totals_t totals = stress_sum();
    stress_check_eq(totals.live_objects, 0);
    stress_check_eq(totals.active_bytes, totals.expected_bytes);
}

/* ---- fork in a signal handler ------------------------------------------ */

static uint32_t handled;

static void
on_signal(int sig)
{
    (void)sig;
    int saved = errno;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
        _exit(3);
    }
    atomic_add_rlx(&handled, 1u);
    errno = saved;
}

static void
fork_from_handler(unsigned count)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct itimerval timer = {{0, 3000}, {0, 3000}}, off = {{0, 0}, {0, 0}};
    unsigned char *held[HELD] = {NULL};
    uint64_t r = 99;
    stress_check_eq(sigaction(SIGVTALRM, &action, NULL), 0);
    stress_check_eq(setitimer(ITIMER_VIRTUAL, &timer, NULL), 0);
    uint32_t before, now = 0;
    do {
        (void)alarm(CHILD_SECONDS); /* for each fork, however many there are */
        before = now;
        while ((now = atomic_load_rlx(&handled)) == before) {
            hammer(&r, held, 100);
        }
    } while (now < count);
    stress_check_eq(setitimer(ITIMER_VIRTUAL, &off, NULL), 0);
    (void)alarm(0);
    drop(held);
}

/* ---- fork in the handler of a signal that interrupts a wait ------------ */

/* The child returns from the handler into the wait for a lock that a thread of
 * the parent holds. It must come out of it, and its heap work. */
typedef enum wait_in {
    IN_FILL,
    IN_FILL_OF_CACHE,
    IN_FLUSH,
    IN_LARGE_ALLOC,
    IN_LARGE_FREE,
    IN_EXPAND,
    IN_SHRINK,
    IN_TRIM,
    IN_COUNT
} wait_in_t;

enum { BLOCK = 3072, LARGE_BLOCK = 1 << 20 };

static pthread_t waiter;
static os_mutex_t *held_lock;
static uint32_t is_held, may_release;
static uint32_t is_child_of_wait;
static int wait_status;

static void
on_wait(int sig)
{
    (void)sig;
    int saved = errno;
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(CHILD_SECONDS);
        atomic_store_rlx(&is_child_of_wait, 1u);
    } else {
        while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) {
        }
        atomic_store_rel(&may_release, 1u);
    }
    errno = saved;
}

static void *
hold_lock(void *arg)
{
    os_mutex_lock(held_lock);
    atomic_store_rel(&is_held, 1u);
    while (atomic_load_acq(&held_lock->num_waiting) == 0) {
        (void)sched_yield();
    }
    (void)pthread_kill(waiter, SIGUSR1);
    while (atomic_load_acq(&may_release) == 0) {
        (void)sched_yield();
    }
    os_mutex_unlock(held_lock);
    return arg;
}

/* The thing that waits. Returns a block to free, or NULL. */
static void *
do_and_wait(wait_in_t in, void *p)
{
    switch (in) {
    case IN_FILL:
        return jea_mallocx(BLOCK, JEA_TCACHE_NONE);
    case IN_FILL_OF_CACHE:
        return jea_malloc(BLOCK);
    case IN_LARGE_ALLOC:
        return jea_mallocx(LARGE_BLOCK, JEA_TCACHE_NONE);
    case IN_EXPAND:
        return jea_rallocx(p, 2 * LARGE_BLOCK, JEA_TCACHE_NONE);
    case IN_SHRINK:
        return jea_rallocx(p, LARGE_BLOCK / 2, JEA_TCACHE_NONE);
    case IN_FLUSH:
    case IN_LARGE_FREE:
        jea_dallocx(p, JEA_TCACHE_NONE);
        return NULL;
    case IN_TRIM:
        (void)jea_malloc_trim(0);
        return p;
    case IN_COUNT:
        break;
    }
    abort();
}

static void
fork_in_wait(wait_in_t in)
{
    bool is_small = in <= IN_FLUSH;
    bool has_block = in == IN_FLUSH || in == IN_LARGE_FREE || in == IN_EXPAND ||
                     in == IN_SHRINK;
    pthread_t holder;
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    void *p = has_block
                  ? jea_mallocx(is_small ? BLOCK : LARGE_BLOCK, JEA_TCACHE_NONE)
                  : NULL;
    arena_t *arena = tsd_get()->arena;
    waiter = pthread_self();
    held_lock = is_small ? &arena->bins[sz_index(BLOCK)].mtx
                         : &arena_of_group(arena)->pac.mtx;
    is_held = may_release = 0;
    stress_check_eq(pthread_create(&holder, NULL, hold_lock, NULL), 0);
    while (atomic_load_acq(&is_held) == 0) {
        (void)sched_yield();
    }
    unsigned char *q = do_and_wait(in, p);
    stress_check(q != NULL || in == IN_FLUSH || in == IN_LARGE_FREE ||
                 in == IN_TRIM);
    if (q != NULL) {
        q[0] = 1;
        jea_free(q);
    }
    if (is_child_of_wait) {
        unsigned char *held[HELD] = {NULL};
        uint64_t r = 5;
        hammer(&r, held, 2000);
        drop(held);
        _exit(0);
    }
    (void)pthread_join(holder, NULL);
    stress_check_eq(wait_status, 0);
}

static void
fork_in_waits(void)
{
    struct sigaction action = {.sa_handler = on_wait, .sa_flags = SA_RESTART};
    stress_check_eq(sigaction(SIGUSR1, &action, NULL), 0);
    for (wait_in_t in = IN_FILL; in < IN_COUNT; in++) {
        fork_in_wait(in);
    }
}

/* ---- handlers of the application, vfork, posix_spawn ------------------- */

static uint32_t handlers_on;

static void
app_handler(unsigned k)
{
    if (atomic_load_rlx(&handlers_on)) {
        jea_free(from_handler[k]);
        from_handler[k] = jea_malloc(1 + k * 5000);
        stress_check(from_handler[k] != NULL);
    }
}

static void
app_prepare(void)
{
    app_handler(0);
}

static void
app_parent(void)
{
    app_handler(1);
}

static void
app_child(void)
{
    app_handler(2);
}

static JE_NOINLINE pid_t
vfork_and_end(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        _exit(0);
    }
    return pid;
}

static void
spawn_many(unsigned count)
{
    static char name[] = "true";
    static char *argv[] = {name, NULL};
    unsigned char *held[HELD] = {NULL};
    uint64_t r = 5;
    for (unsigned i = 0; i < count; i++) {
        pid_t pid = 0;
        hammer(&r, held, 50);
        stress_check_eq(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ),
                        0);
        wait_for(pid);
        wait_for(vfork_and_end());
    }
    drop(held);
}

static unsigned
option(int argc, char **argv, const char *name, unsigned fallback)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return (unsigned)strtoul(argv[i + 1], NULL, 10);
        }
    }
    return fallback;
}

int
main(int argc, char **argv)
{
    unsigned count = option(argc, argv, "--count", 200);
    unsigned nthreads = option(argc, argv, "--threads", 4);
    stress_check(nthreads <= 64);
    stress_check(je_boot());
    stress_check_eq(pthread_atfork(app_prepare, app_parent, app_child), 0);
    sink = fopen("/dev/null", "w");
    stress_check(sink != NULL);
    fork_many(count, nthreads);
    stress_ok("%u forks beside threads that allocate and use stdio", count);
    atomic_store_rlx(&handlers_on, 1u);
    fork_many(count / 4, nthreads);
    atomic_store_rlx(&handlers_on, 0u);
    stress_ok("%u forks with handlers that allocate", count / 4);
    if (background_set(true)) {
        fork_many(count / 8, nthreads);
        stress_check(background_is_enabled());
        (void)background_set(false);
    }
    stress_ok("%u forks with background threads", count / 8);
    fork_from_handler(count / 2);
    stress_ok("%u forks from a signal handler", count / 2);
    fork_in_waits();
    stress_ok("forks from a handler that returns into a wait for a lock");
    spawn_many(20);
    stress_ok("posix_spawn and vfork");
    return stress_done();
}
