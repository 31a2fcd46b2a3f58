/*
 * No memory: every mapping fails in turn, and programs with little address
 * space. Failure is NULL and ENOMEM, nothing breaks, and what was freed can be
 * had again.
 *
 * The first half needs the hook of debug builds.
 */
#include "t/stress/stress.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "alloc/malloc.h"
#include "jealloc.h"
#include "os/pages.h"

/* ---- every mapping in turn --------------------------------------------- */

enum { SCRIPT_BLOCKS = 400 };

typedef struct block {
    unsigned char *p;
    size_t size;
} block_t;

static block_t blocks[SCRIPT_BLOCKS];
static unsigned failures;

/* A failed request must say so in the one way there is. */
static bool
got(const void *p)
{
    if (p == NULL) {
        stress_check_eq(errno, ENOMEM);
        failures++;
    }
    return p != NULL;
}

static void
keep(unsigned k, void *p, size_t size)
{
    if (got(p)) {
        blocks[k].p = p;
        blocks[k].size = size;
        memset(p, (int)(k & 0xff), size);
    }
}

static void
expect_content(unsigned k, size_t size)
{
    for (size_t i = 0; i < size; i += size / 64 + 1) {
        stress_check_eq(blocks[k].p[i], k & 0xff);
    }
}

static void
grow(unsigned k, size_t size)
{
    errno = 0;
    void *p = jea_realloc(blocks[k].p, size);
    if (got(p)) {
        blocks[k].p = p;
        expect_content(k, blocks[k].size < size ? blocks[k].size : size);
        memset(p, (int)(k & 0xff), size);
        blocks[k].size = size;
    } else {
        expect_content(k, blocks[k].size);
    }
}

static void
allocate_one(unsigned k)
{
    size_t size = (size_t)1 << (k % 22);
    errno = 0;
    if (k % 4 == 0) {
        keep(k, jea_malloc(size), size);
    } else if (k % 4 == 1) {
        keep(k, jea_calloc(1, size), size);
    } else if (k % 4 == 2) {
        keep(k, jea_aligned_alloc((size_t)64 << k % 15, size), size);
    } else {
        void *p = NULL;
        int err = jea_posix_memalign(&p, 4096, size);
        stress_check(err == 0 || (err == ENOMEM && p == NULL));
        errno = err;
        keep(k, p, size);
    }
}

static void *
script_thread(void *unused)
{
    void *p = jea_malloc(100000);
    void *q = jea_malloc(100);
    jea_free(p);
    jea_free(q);
    return unused;
}

/* The same requests each time, and everything freed at the end. */
static void
script(void)
{
    for (unsigned k = 0; k < SCRIPT_BLOCKS; k++) {
        allocate_one(k);
    }
    pthread_t t;
    if (pthread_create(&t, NULL, script_thread, NULL) == 0) {
        (void)pthread_join(t, NULL);
    }
    for (unsigned k = 0; k < SCRIPT_BLOCKS; k += 3) {
        if (blocks[k].p != NULL) {
            grow(k, blocks[k].size * 3 + 1);
        }
    }
    for (unsigned k = 0; k < SCRIPT_BLOCKS; k++) {
        if (blocks[k].p != NULL) {
            expect_content(k, blocks[k].size);
            jea_free(blocks[k].p);
            blocks[k].p = NULL;
        }
    }
}

/* One child a case: the allocator starts from nothing in each. */
static unsigned
case_run(uint64_t n, uint64_t count)
{
    failures = 0;
    os_pages_fail_at(n, count);
    script();
    unsigned failed = failures;
    os_pages_fail_at(0, 0);
    failures = 0;
    script(); /* memory is there again */
    stress_check_eq(failures, 0);
    stress_totals_t t = stress_sum();
    stress_check_eq(t.live_objects, 0);
    stress_check_eq(t.active_bytes, t.expected_bytes);
    return failed;
}

/* Exit status: 0 no request failed, 1 some did, anything else is a bug. */
static int
case_in_child(uint64_t n, uint64_t count)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(60);
        _exit(case_run(n, count) > 0 ? 10 : 0);
    }
    int status = 0;
    stress_check_eq(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) ||
        (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 10)) {
        stress_fail(
            __FILE__, __LINE__, "mapping %llu failing %llu times: status 0x%x",
            (unsigned long long)n, (unsigned long long)count, (unsigned)status);
    }
    return WEXITSTATUS(status);
}

/* How many mappings the script makes when none fails. */
static uint64_t
mappings_needed(void)
{
    uint64_t n = 1;
    while (case_in_child(n, UINT64_MAX) != 0) {
        n++;
        stress_check(n < 1000);
    }
    return n;
}

static void
fail_in_turn(void)
{
    uint64_t n = mappings_needed();
    stress_check(n > 1);
    stress_ok("each of %llu mappings failed for ever", (unsigned long long)n);
    static const uint64_t counts[] = {1, 2, 5};
    for (unsigned i = 0; i < JE_ARRAY_LEN(counts); i++) {
        for (uint64_t at = 1; at <= n; at++) {
            (void)case_in_child(at, counts[i]);
        }
        stress_ok("each of %llu mappings failed %llu times",
                  (unsigned long long)n, (unsigned long long)counts[i]);
    }
}

/* ---- little address space ---------------------------------------------- */

static size_t
address_space_in_use(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    stress_check(f != NULL);
    stress_check_eq(fscanf(f, "%lu", &pages), 1);
    (void)fclose(f);
    return pages * (size_t)getpagesize();
}

static void
limit_address_space(size_t bytes)
{
    struct rlimit r = {address_space_in_use() + bytes, RLIM_INFINITY};
    stress_check_eq(setrlimit(RLIMIT_AS, &r), 0);
}

enum { FILL_MAX = 1 << 20 };

/* Allocate until nothing is left; returns the bytes. The blocks are chained
 * through themselves. */
static size_t
fill(size_t size, void **chain)
{
    size_t bytes = 0;
    *chain = NULL;
    for (;;) {
        errno = 0;
        void **p = jea_malloc(size);
        if (p == NULL) {
            stress_check_eq(errno, ENOMEM);
            return bytes;
        }
        *p = *chain;
        *chain = p;
        bytes += sz_round(size);
    }
}

static void
empty(void *chain)
{
    while (chain != NULL) {
        void *next = *(void **)chain;
        jea_free(chain);
        chain = next;
    }
}

static int
fill_twice(size_t first, size_t second)
{
    void *chain;
    size_t got_first = fill(first, &chain);
    stress_check(got_first > (size_t)16 << 20);
    /* full: each of these fails the same way, and says so */
    errno = 0;
    stress_check(jea_calloc(1, (size_t)8 << 20) == NULL && errno == ENOMEM);
    errno = 0;
    stress_check(jea_realloc(chain, (size_t)8 << 20) == NULL &&
                 errno == ENOMEM);
    empty(chain);
    size_t got_second = fill(second, &chain);
    if (got_second < got_first / 10 * 9) {
        stress_fail(__FILE__, __LINE__,
                    "%zu bytes by %zu, freed, then only %zu by %zu", got_first,
                    first, got_second, second);
    }
    empty(chain);
    size_t got_third = fill(first, &chain);
    stress_check(got_third >= got_first / 10 * 9);
    empty(chain);
    return 0;
}

static void
in_little_space(size_t first, size_t second)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(120);
        limit_address_space((size_t)48 << 20);
        _exit(fill_twice(first, second));
    }
    int status = 0;
    stress_check_eq(waitpid(pid, &status, 0), pid);
    stress_check_eq(status, 0);
}

static void *
thread_when_full(void *arg)
{
    void **out = arg;
    out[0] = jea_malloc(64);
    out[1] = jea_malloc(100000);
    jea_free(out[0]);
    jea_free(out[1]);
    return NULL;
}

/* Threads start while memory is out: they get NULL, not a signal. */
static int
threads_when_full(void)
{
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, 65536);
    void *large, *small, *out[2];
    pthread_t t;
    limit_address_space((size_t)48 << 20);
    (void)fill(1 << 20, &large);
    (void)fill(4096, &small);
    void *tiny;
    (void)fill(16, &tiny);
    for (unsigned i = 0; i < 50; i++) {
        if (pthread_create(&t, &attr, thread_when_full, out) == 0) {
            (void)pthread_join(t, NULL);
        }
    }
    empty(tiny);
    empty(small);
    empty(large);
    /* what is kept of the address space is not libc's to take for stacks */
    stress_check(arena_reclaim_address_space(NULL));
    for (unsigned i = 0; i < 50; i++) {
        stress_check_eq(pthread_create(&t, &attr, thread_when_full, out), 0);
        (void)pthread_join(t, NULL);
        stress_check(out[0] != NULL && out[1] != NULL);
    }
    return 0;
}

static void *
fill_and_purge(void *out)
{
    void *chain;
    *(size_t *)out = fill(1 << 20, &chain);
    empty(chain);
    arena_purge(tsd_get()->arena);
    return NULL;
}

/* Another thread had all of the address space and keeps it, unused. */
static int
space_of_another_arena(void)
{
    void *chain;
    size_t theirs = 0;
    pthread_t t;
    jea_free(jea_malloc(1));
    limit_address_space((size_t)64 << 20);
    stress_check_eq(pthread_create(&t, NULL, fill_and_purge, &theirs), 0);
    (void)pthread_join(t, NULL);
    size_t ours = fill(1 << 20, &chain);
    stress_check(theirs > (size_t)16 << 20);
    stress_check(ours >= theirs / 10 * 9);
    empty(chain);
    return 0;
}

static void
in_child(int (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(120);
        _exit(fn());
    }
    int status = 0;
    stress_check_eq(waitpid(pid, &status, 0), pid);
    stress_check_eq(status, 0);
}

/* Pages are there but nothing to describe their pieces with: what cannot be cut
 * must not get lost on the way. */
static int
no_descriptors(void)
{
    static void *p[4096];
    size_t pool = (size_t)64 << 20;
    jea_free(jea_malloc(pool / 2));
    jea_free(jea_malloc(1));
    (void)arena_reclaim_address_space(NULL);
    size_t before = address_space_in_use();
    jea_free(jea_malloc(pool));
    os_pages_fail_at(1, UINT64_MAX);
    unsigned n = 0;
    while (n < JE_ARRAY_LEN(p) &&
           (p[n] = jea_aligned_alloc(32768, 16384)) != NULL) {
        n++;
    }
    stress_check(n > 100 && n < pool / 32768);
    os_pages_fail_at(0, 0);
    stress_totals_t t = stress_sum();
    stress_check_eq(t.active_bytes, t.expected_bytes);
    while (n > 0) {
        jea_free(p[--n]);
    }
    tcache_flush(tsd_get());
    (void)arena_reclaim_address_space(NULL);
    size_t after = address_space_in_use();
    if (after > before + ((size_t)3 << 20)) {
        stress_fail(__FILE__, __LINE__, "%zu bytes stay mapped",
                    after - before);
    }
    return 0;
}

int
main(void)
{
    if (je_config_debug) {
        fail_in_turn();
        in_child(no_descriptors);
        stress_ok("no memory to describe memory with");
    } else {
        stress_ok("failing mappings are for debug builds");
    }
    if (STRESS_SANITIZED) { /* shadow memory needs more than there is */
        return stress_done();
    }
    static const size_t sizes[][2] = {
        {1 << 20, 1 << 20}, {100, 100},   {1 << 20, 100},
        {100, 1 << 20},     {20000, 333},
    };
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        in_little_space(sizes[i][0], sizes[i][1]);
        stress_ok("48 MiB filled by %zu, then by %zu bytes", sizes[i][0],
                  sizes[i][1]);
    }
    in_child(space_of_another_arena);
    stress_ok("address space that another arena keeps");
    in_child(threads_when_full);
    stress_ok("threads that start without memory");
    return stress_done();
}
