/*
 * Caches of small objects by processor, as their options and figures say.
 */
#include "t/unit/percpu.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "alloc/emap.h"
#include "alloc/special.h"
#include "alloc/stats.h"
#include "alloc/tcache.h"
#include "alloc/tcache_count.h"
#include "t/unit/stderr.h"

enum { SIZE = 64, SOME = 10 };

static unsigned
szind(void)
{
    return sz_index(SIZE);
}

/* This thread on the first processor, whose cache holds nothing. */
static void
setup_here(void)
{
    setup();
    run_on(0, 0);
    jea_free(jea_malloc(SIZE));
    percpu_flush();
    ck_assert_uint_eq(held_by_all(), 0);
}

static void
allocate(void **p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        p[i] = jea_malloc(SIZE);
        ck_assert_ptr_nonnull(p[i]);
    }
}

static void
release(void **p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        jea_free(p[i]);
    }
}

static unsigned
held_here(void)
{
    return os_rseq_held(word_of(0, szind()));
}

static void
cache_some_here(void)
{
    void *p[SOME];
    allocate(p, SOME);
    release(p, SOME);
    ck_assert_uint_ge(held_here(), SOME);
}

/* ---- one thread -------------------------------------------------------- */

START_TEST(test_objects_come_back_in_reverse_order)
{
    void *p[SOME], *q[SOME];
    allocate(p, SOME);
    unsigned before = held_here();
    release(p, SOME);
    ck_assert_uint_eq(held_here(), before + SOME);
    allocate(q, SOME);
    for (unsigned i = 0; i < SOME; i++) {
        ck_assert_ptr_eq(q[i], p[SOME - 1 - i]);
    }
    release(q, SOME);
}

END_TEST

START_TEST(test_a_thread_has_no_small_objects_of_its_own)
{
    cache_some_here();
    const tsd_t *tsd = tsd_get();
    for (unsigned cls = 1; cls <= SC_NBINS; cls++) {
        ck_assert_ptr_null(tsd->cold[cls].base);
    }
    jea_free(jea_malloc(sz_size(SC_NBINS)));
    ck_assert_ptr_nonnull(tsd->cold[SC_NBINS + 1].base);
    ck_assert(tcache_is_valid(tsd));
}

END_TEST

START_TEST(test_requests_are_counted_once)
{
    enum { N = 5000 };

    static void *p[N];
    uint64_t before = figure_of_bin(szind(), "nrequests");
    uint64_t words = os_rseq_pops(word_of(0, szind()));
    allocate(p, N);
    ck_assert_uint_eq(figure_of_bin(szind(), "nrequests") - before, N);
    ck_assert_uint_eq(os_rseq_pops(word_of(0, szind())) - words, N);
    release(p, N);
    ck_assert_uint_eq(figure_of_bin(szind(), "nrequests") - before, N);
}

END_TEST

START_TEST(test_bytes_of_a_thread_are_exact)
{
    enum { N = 3000 };

    static void *p[N];
    uint64_t in = bytes_of_thread("thread.allocated");
    uint64_t out = bytes_of_thread("thread.deallocated");
    const tsd_bytes_t *live = NULL;
    if (_i == 1) { /* they are read where they are */
        live = tsd_bytes_live(tsd_get());
        ck_assert_uint_eq(live->allocated, in);
    }
    allocate(p, N);
    ck_assert_uint_eq(bytes_of_thread("thread.allocated") - in, N * SIZE);
    ck_assert_uint_eq(bytes_of_thread("thread.deallocated"), out);
    release(p, N);
    ck_assert_uint_eq(bytes_of_thread("thread.allocated") - in, N * SIZE);
    ck_assert_uint_eq(bytes_of_thread("thread.deallocated") - out, N * SIZE);
    if (live != NULL) {
        ck_assert_uint_eq(live->allocated - in, N * SIZE);
        ck_assert_uint_eq(live->deallocated - out, N * SIZE);
    }
}

END_TEST

START_TEST(test_a_full_stack_gives_back)
{
    enum { N = 4096 };

    static void *p[N];
    unsigned slots = percpu_nslots(szind());
    ck_assert_uint_gt(slots, SOME);
    ck_assert_uint_lt(slots, N);
    allocate(p, N);
    uint64_t flushes = figure_of_bin(szind(), "nflushes");
    release(p, N);
    ck_assert_uint_le(held_here(), slots);
    ck_assert_uint_ge(held_here(), slots / 2);
    ck_assert_uint_gt(figure_of_bin(szind(), "nflushes"), flushes);
    ck_assert_uint_lt(figure_of_bin(szind(), "nflushes") - flushes, N / 50);
}

END_TEST

START_TEST(test_fills_grow_with_use)
{
    enum { N = 2000 };

    static void *p[N];
    uint64_t fills = figure_of_bin(szind(), "nfills");
    allocate(p, 1);
    ck_assert_uint_ge(held_here(), 1);
    ck_assert_uint_lt(held_here(), 8);
    allocate(p + 1, N - 1);
    fills = figure_of_bin(szind(), "nfills") - fills;
    ck_assert_uint_gt(fills, 2);
    ck_assert_uint_lt(fills, 30);
    ck_assert_uint_lt(held_here(), percpu_nslots(szind()) / 2);
    release(p, N);
}

END_TEST

START_TEST(test_slots_keep_to_the_budget)
{
    size_t sum = 0;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        sum += percpu_nslots(i) * sz_size(i);
        ck_assert_uint_gt(percpu_nslots(i), 1);
    }
    ck_assert_uint_le(sum, conf.percpu_cache_max);
    ck_assert_uint_gt(sum, conf.percpu_cache_max / 4 * 3);
}

END_TEST

/* Without a fill in between. */
START_TEST(test_samples_are_drawn)
{
    enum { N = 256 };

    void *p[N];
    unsigned marked = 0;
    uint64_t rate = conf.sample;
    allocate(p, N);
    release(p, N);
    unsigned before = held_here();
    ck_assert_uint_ge(before, N);
    conf.sample = 512;
    allocate(p, N);
    ck_assert_uint_eq(held_here(), before - N);
    for (unsigned i = 0; i < N; i++) {
        marked += special_is_marked(emap_extent((uintptr_t)p[i]), p[i]);
    }
    ck_assert_uint_gt(marked, N * SIZE / 512 / 3);
    ck_assert_uint_lt(marked, N * SIZE / 512 * 3);
    release(p, N);
    ck_assert_uint_eq(held_here(), before);
    conf.sample = rate;
    for (unsigned i = 0; i < N; i++) {
        ck_assert(!special_is_marked(emap_extent((uintptr_t)p[i]), p[i]));
    }
}

END_TEST

START_TEST(test_labels_are_counted)
{
    const char *name = "someone", *none = "";
    void *p[SOME];
    cache_some_here();
    ck_assert_int_eq(
        jea_mallctl("thread.label", NULL, NULL, &name, sizeof(name)), 0);
    uint64_t before = held_here();
    allocate(p, SOME);
    ck_assert_uint_eq(held_here(), before - SOME);
    ck_assert_int_eq(
        jea_mallctl("thread.label", NULL, NULL, &none, sizeof(none)), 0);
    ck_assert_uint_eq(figure_of("jeprobe.labels.1.live_objects"), SOME);
    ck_assert_uint_eq(figure_of("jeprobe.labels.1.live_bytes"), SOME * SIZE);
    release(p, SOME);
    ck_assert_uint_eq(figure_of("jeprobe.labels.1.live_objects"), 0);
    ck_assert_uint_eq(held_here(), before);
    allocate(p, SOME); /* not labelled any more */
    ck_assert_uint_eq(figure_of("jeprobe.labels.1.total_objects"), SOME);
    release(p, SOME);
}

END_TEST

START_TEST(test_memory_can_be_zero)
{
    static const char zero[SIZE];
    void *p[SOME];
    allocate(p, SOME);
    for (unsigned i = 0; i < SOME; i++) {
        memset(p[i], 1, SIZE);
    }
    release(p, SOME);
    p[0] = jea_calloc(1, SIZE);
    ck_assert_mem_eq(p[0], zero, SIZE);
    conf.zero = tsd_get()->is_slow_always = true;
    tsd_set_hot(tsd_get());
    p[1] = jea_malloc(SIZE);
    ck_assert_mem_eq(p[1], zero, SIZE);
    release(p, 2);
    conf.zero = tsd_get()->is_slow_always = false;
    tsd_set_hot(tsd_get());
}

END_TEST

static void
free_twice(void *p)
{
    jea_free(p);
    jea_free(p);
    percpu_flush();
}

START_TEST(test_a_double_free_is_told_when_it_goes_back)
{
    void *p = jea_malloc(SIZE);
    char text[80];
    snprintf(text, sizeof(text), "jealloc: double free of %p", p);
    stderr_expect_abort(free_twice, p, text);
    jea_free(p);
}

END_TEST

/* ---- what is not for it ------------------------------------------------ */

START_TEST(test_objects_of_created_arenas_stay_out)
{
    arena_t *arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    int flags = JEA_ARENA(arena->ind);
    cache_some_here();
    uint64_t before = word_of(0, szind());
    void *p = jea_mallocx(SIZE, flags);
    ck_assert_uint_eq(emap_extent((uintptr_t)p)->arena_ind, arena->ind);
    jea_free(p);
    p = jea_mallocx(SIZE, flags);
    jea_dallocx(p, 0);
    ck_assert_uint_eq(word_of(0, szind()), before);
    p = jea_mallocx(SIZE, JEA_TCACHE_NONE);
    jea_dallocx(p, JEA_TCACHE_NONE);
    ck_assert_uint_eq(word_of(0, szind()), before);
    ck_assert(arena_reset(arena));
    ck_assert_uint_eq(arena->bins[szind()].stats.curslabs, 0);
    ck_assert(arena_destroy(arena));
}

END_TEST

/* As in a child in which all automatic ones are quarantined. */
START_TEST(test_nothing_is_filled_from_created_arenas)
{
    arena_t *arena = arena_create(), *own = tsd_get()->arena;
    void *p[SOME];
    tsd_get()->arena = arena;
    percpu_flush();
    allocate(p, SOME);
    ck_assert_uint_eq(held_by_all(), 0);
    ck_assert_uint_eq(emap_extent((uintptr_t)p[0])->arena_ind, arena->ind);
    release(p, SOME);
    ck_assert_uint_eq(held_by_all(), 0);
    tsd_get()->arena = own;
    ck_assert(arena_destroy(arena));
}

END_TEST

START_TEST(test_explicit_caches_have_their_own)
{
    unsigned id;
    size_t len = sizeof(id);
    ck_assert_int_eq(jea_mallctl("tcache.create", &id, &len, NULL, 0), 0);
    cache_some_here();
    uint64_t before = word_of(0, szind());
    void *p = jea_mallocx(SIZE, JEA_TCACHE(id));
    jea_dallocx(p, JEA_TCACHE(id));
    ck_assert_ptr_eq(jea_mallocx(SIZE, JEA_TCACHE(id)), p);
    jea_dallocx(p, JEA_TCACHE(id));
    ck_assert_uint_eq(word_of(0, szind()), before);
    ck_assert_int_eq(jea_mallctl("tcache.destroy", NULL, NULL, &id, len), 0);
}

END_TEST

START_TEST(test_a_thread_with_an_arena_has_its_own)
{
    unsigned own = tsd_get()->arena->ind;
    cache_some_here();
    uint64_t before = word_of(0, szind());
    ck_assert_int_eq(jea_mallctl("thread.arena", NULL, NULL, &own, sizeof(own)),
                     0);
    void *p = jea_malloc(SIZE);
    jea_free(p);
    ck_assert_ptr_eq(jea_malloc(SIZE), p);
    jea_free(p);
    ck_assert_uint_eq(word_of(0, szind()), before);
    ck_assert_ptr_nonnull(tsd_get()->cold[szind() + 1].base);
}

END_TEST

START_TEST(test_a_thread_without_a_cache_goes_without)
{
    bool off = false;
    cache_some_here();
    uint64_t before = word_of(0, szind());
    if (_i == 0) {
        ck_assert_int_eq(
            jea_mallctl("thread.tcache.enabled", NULL, NULL, &off, sizeof(off)),
            0);
    } else {
        size_t max = SIZE / 2;
        ck_assert_int_eq(
            jea_mallctl("thread.tcache.max", NULL, NULL, &max, sizeof(max)), 0);
    }
    jea_free(jea_malloc(SIZE));
    ck_assert_uint_eq(word_of(0, szind()), before);
}

END_TEST

/* ---- draining ---------------------------------------------------------- */

START_TEST(test_flush_of_a_thread_is_that_of_its_processor)
{
    cache_some_here();
    ck_assert_int_eq(jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0),
                     0);
    ck_assert_uint_eq(held_by_all(), 0);
}

END_TEST

START_TEST(test_want_of_memory_empties_all)
{
    cache_some_here();
    run_on(0, 1);
    ck_assert_ptr_null(jea_malloc((size_t)1 << 60));
    ck_assert_uint_eq(held_by_all(), 0);
}

END_TEST

START_TEST(test_closed_stacks_are_done_without)
{
    cache_some_here();
    os_rseq_stack_t *stack = (os_rseq_stack_t *)(uintptr_t)stack_of(0, szind());
    os_rseq_mark(stack);
    uint64_t word = word_of(0, szind());
    ck_assert(os_rseq_is_closed(word));
    ck_assert(os_rseq_fence(usable_cpu(0)));
    uint64_t before = figure_of_bin(szind(), "nrequests");
    void *p[SOME * 10];
    allocate(p, SOME * 10);
    release(p, SOME * 10);
    ck_assert_uint_eq(word_of(0, szind()), word);
    ck_assert_uint_eq(figure_of_bin(szind(), "nrequests") - before, SOME * 10);
    pid_t child = fork();
    if (child == 0) { /* who closed it is not there */
        jea_free(jea_malloc(SIZE));
        _exit(os_rseq_is_closed(word_of(0, szind())) ? 1
              : os_rseq_pops(word_of(0, szind())) == os_rseq_pops(word) + 1
                  ? 0
                  : 2);
    }
    int status = -1;
    (void)waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    ck_assert(os_rseq_open(stack, word));
    ck_assert(!os_rseq_open(stack, word));
    allocate(p, 1);
    release(p, 1);
    ck_assert_uint_eq(os_rseq_pops(word_of(0, szind())),
                      os_rseq_pops(word) + 1);
}

END_TEST

START_TEST(test_what_is_not_used_goes_back)
{
    enum { N = 400 };

    void *p[N];
    uint64_t second = UINT64_C(1000000000);
    uint64_t now = UINT64_C(1) << 60; /* later than any look before */
    allocate(p, N);
    release(p, N);
    unsigned first = held_here();
    percpu_look(now); /* all of it was used since the last look */
    ck_assert_uint_gt(held_here(), first / 2);
    unsigned held = held_here();
    percpu_look(now + 1); /* not yet */
    ck_assert_uint_eq(held_here(), held);
    allocate(p, JE_MIN(held, (unsigned)N));
    release(p, JE_MIN(held, (unsigned)N));
    percpu_look(now += 10 * second); /* all but a few were used */
    ck_assert_uint_ge(held_here(), held - held / 4);
    held = held_here();
    jea_free(jea_malloc(SIZE));
    percpu_look(now += 10 * second); /* one of it was used */
    ck_assert_uint_ge(held_here(), held / 4);
    ck_assert_uint_le(held_here(), held / 4 + 2);
    percpu_look(now += 10 * second);
    ck_assert_uint_eq(held_by_all(), 0);
}

END_TEST

START_TEST(test_time_passes_as_others_allocate)
{
    int64_t soon = 800;
    ck_assert_int_eq(
        jea_mallctl("arenas.dirty_decay_ms", NULL, NULL, &soon, sizeof(soon)),
        0);
    cache_some_here();
    for (unsigned i = 0; i < 100 && held_here() > 0; i++) {
        struct timespec pause = {.tv_nsec = 50000000};
        nanosleep(&pause, NULL);
        for (size_t n = 0; n <= conf.tcache_gc_incr_bytes; n += 2048) {
            jea_free(jea_malloc(2048));
        }
    }
    ck_assert_uint_eq(held_here(), 0);
}

END_TEST

START_TEST(test_helpers_look_too)
{
    bool on = true;
    int64_t soon = 800;
    ck_assert_int_eq(
        jea_mallctl("arenas.dirty_decay_ms", NULL, NULL, &soon, sizeof(soon)),
        0);
    cache_some_here();
    ck_assert_int_eq(
        jea_mallctl("background_thread", NULL, NULL, &on, sizeof(on)), 0);
    for (unsigned i = 0; i < 100 && held_here() > 0; i++) {
        struct timespec pause = {.tv_nsec = 100000000};
        nanosleep(&pause, NULL);
    }
    ck_assert_uint_eq(held_here(), 0);
    on = false;
    ck_assert_int_eq(
        jea_mallctl("background_thread", NULL, NULL, &on, sizeof(on)), 0);
}

END_TEST

/* ---- hooks of an arena -------------------------------------------------- */

static struct {
    jea_extent_hooks_t mine, *system;
    unsigned calls;
} hooks;

/* A hook may allocate, in vain, and empty caches by that. */
static bool
purge_hook(jea_extent_hooks_t *self, void *addr, size_t size, size_t offset,
           size_t length, unsigned arena)
{
    (void)self;
    hooks.calls++;
    ck_assert_ptr_null(jea_malloc((size_t)1 << 60));
    jea_free(jea_malloc(SIZE));
    return hooks.system->purge_forced(hooks.system, addr, size, offset, length,
                                      arena);
}

static int
set_of_arena(const char *what, void *out, void *in)
{
    char name[80];
    size_t len = sizeof(void *);
    snprintf(name, sizeof(name), "arena.%u.%s", tsd_get()->arena->ind, what);
    return jea_mallctl(name, out, out != NULL ? &len : NULL, in,
                       in != NULL ? len : 0);
}

START_TEST(test_hooks_may_want_memory)
{
    enum { N = 500, LARGER = 1024 };

    static void *p[N];
    ssize_t at_once = 0;
    void *mine = &hooks.mine;
    ck_assert_int_eq(set_of_arena("extent_hooks", &hooks.system, NULL), 0);
    hooks.mine = *hooks.system;
    hooks.mine.purge_lazy = NULL;
    hooks.mine.purge_forced = purge_hook;
    ck_assert_int_eq(set_of_arena("extent_hooks", NULL, &mine), 0);
    ck_assert_int_eq(set_of_arena("dirty_decay_ms", NULL, &at_once), 0);
    for (unsigned i = 0; i < N; i++) {
        ck_assert_ptr_nonnull(p[i] = jea_malloc(LARGER));
    }
    release(p, N);
    hooks.calls = 0;
    percpu_flush();
    ck_assert_uint_gt(hooks.calls, 0);
    ck_assert_uint_eq(held_by_all(), 0);
}

END_TEST

/* ---- figures ----------------------------------------------------------- */

typedef struct text {
    char at[1 << 18];
    size_t n;
} text_t;

static void
text_add(void *opaque, const char *piece)
{
    text_t *t = opaque;
    size_t n = strlen(piece);
    ck_assert_uint_lt(t->n + n, sizeof(t->at));
    memcpy(t->at + t->n, piece, n + 1);
    t->n += n;
}

START_TEST(test_figures_are_printed)
{
    static text_t text, json;
    cache_some_here();
    size_t bytes = held_by_all();
    uint64_t objects = figure_of("jeprobe.percpu_cache.objects");
    uint64_t caches = figure_of("jeprobe.percpu_cache.caches");
    ck_assert_uint_eq(figure_of("jeprobe.percpu_cache.bytes"), bytes);
    bool active = false, asked = false;
    size_t len = sizeof(bool);
    ck_assert_int_eq(
        jea_mallctl("jeprobe.percpu_cache.active", &active, &len, NULL, 0), 0);
    ck_assert_int_eq(jea_mallctl("opt.percpu_cache", &asked, &len, NULL, 0), 0);
    ck_assert(active && asked);
    ck_assert_uint_ge(figure_of("stats.arenas.4096.tcache_bytes"), bytes);
    ck_assert_uint_ge(objects, SOME);
    ck_assert_uint_ge(caches, 1);
    je_stats_print(text_add, &text, "");
    je_stats_print(text_add, &json, "J");
    char line[200];
    snprintf(line, sizeof(line),
             "\nPer-CPU caches: %u, objects: %u, bytes: %zu\n",
             (unsigned)caches, (unsigned)objects, bytes);
    ck_assert_ptr_nonnull(strstr(text.at, line));
    ck_assert_ptr_nonnull(strstr(text.at, "\n  opt.percpu_cache: true\n"));
    ck_assert_ptr_nonnull(
        strstr(text.at, "\n  opt.percpu_cache_max: 1048576\n"));
    snprintf(line, sizeof(line),
             "\"percpu_cache\":{\"caches\":%u,\"objects\":%u,\"bytes\":%zu}",
             (unsigned)caches, (unsigned)objects, bytes);
    ck_assert_msg(strstr(json.at, line) != NULL, "%s not in %s", line, json.at);
}

END_TEST

START_TEST(test_slots_of_a_class_are_told)
{
    size_t size = SIZE, n = 0, len = sizeof(n);
    ck_assert_int_eq(jea_mallctl("thread.tcache.ncached_max.read_sizeclass", &n,
                                 &len, &size, sizeof(size)),
                     0);
    ck_assert_uint_eq(n, percpu_nslots(szind()));
}

END_TEST

int
main(void)
{
    if (!je_boot() || !percpu_is_on) {
        puts("1..0 # SKIP no restartable sequences here");
        return 0;
    }
    Suite *s = suite_create("percpu");
    TCase *tc = tcase_create("percpu");
    tcase_add_checked_fixture(tc, setup_here, NULL);
    tcase_add_test(tc, test_objects_come_back_in_reverse_order);
    tcase_add_test(tc, test_a_thread_has_no_small_objects_of_its_own);
    tcase_add_test(tc, test_requests_are_counted_once);
    tcase_add_loop_test(tc, test_bytes_of_a_thread_are_exact, 0, 2);
    tcase_add_test(tc, test_a_full_stack_gives_back);
    tcase_add_test(tc, test_fills_grow_with_use);
    tcase_add_test(tc, test_slots_keep_to_the_budget);
    tcase_add_test(tc, test_samples_are_drawn);
    tcase_add_test(tc, test_labels_are_counted);
    tcase_add_test(tc, test_memory_can_be_zero);
    tcase_add_test(tc, test_a_double_free_is_told_when_it_goes_back);
    tcase_add_test(tc, test_objects_of_created_arenas_stay_out);
    tcase_add_test(tc, test_nothing_is_filled_from_created_arenas);
    tcase_add_test(tc, test_explicit_caches_have_their_own);
    tcase_add_test(tc, test_a_thread_with_an_arena_has_its_own);
    tcase_add_loop_test(tc, test_a_thread_without_a_cache_goes_without, 0, 2);
    tcase_add_test(tc, test_flush_of_a_thread_is_that_of_its_processor);
    tcase_add_test(tc, test_want_of_memory_empties_all);
    tcase_add_test(tc, test_closed_stacks_are_done_without);
    tcase_add_test(tc, test_what_is_not_used_goes_back);
    tcase_add_test(tc, test_time_passes_as_others_allocate);
    tcase_add_test(tc, test_helpers_look_too);
    tcase_add_test(tc, test_hooks_may_want_memory);
    tcase_add_test(tc, test_figures_are_printed);
    tcase_add_test(tc, test_slots_of_a_class_are_told);
    suite_add_tcase(s, tc);
    return util_run(s);
}
