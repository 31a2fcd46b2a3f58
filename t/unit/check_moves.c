/*
 * Every statistic that mallctl has moves by what an action must change: an
 * arena of its own, whose objects are all known, and all named values before
 * and after each step. The figures come from the step's own sizes; what is not
 * named must not move.
 */
#include "t/unit/moves.h"

#include <time.h>

#include "alloc/meta.h"
#include "alloc/tsd.h"

static int flags; /* that arena, no cache */

static void
nap(long ns)
{
    const struct timespec t = {0, ns};
    nanosleep(&t, NULL);
}

/* ---- the arena --------------------------------------------------------- */

static void
set_decay(const char *what, ssize_t ms)
{
    char name[FIGURE_BYTES];
    snprintf(name, sizeof(name), "arena.%u.%s_decay_ms", arena, what);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, &ms, sizeof(ms)), 0);
}

static void
act(const char *what)
{
    char name[FIGURE_BYTES];
    snprintf(name, sizeof(name), "arena.%u.%s", arena, what);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
}

/* Address space in one retained extent, and descriptors enough that no step
 * needs metadata. */
static void
warm_up(void)
{
    void *p[40];
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        p[i] = jea_mallocx(16384, flags);
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        jea_dallocx(p[i], flags);
    }
    jea_dallocx(jea_mallocx(1, flags), flags); /* the map of slabs */
    act("reset");
    act("purge");
    refresh();
}

static void
setup(void)
{
    size_t size = sizeof(arena);
    ck_assert_int_eq(jea_mallctl("arenas.create", &arena, &size, NULL, 0), 0);
    flags = JEA_ARENA(arena) | JEA_TCACHE_NONE;
    set_decay("dirty", -1);
    set_decay("muzzy", -1);
    warm_up();
    figures_start();
}

/* Pages are cut off the retained extent: what stays of it is smaller. */
static void
expect_cut(int64_t pages)
{
    uint64_t retained = figure_of("retained") / PAGE;
    expect_extent("retained", retained, -1);
    expect_extent("retained", retained - (uint64_t)pages, 1);
}

/* The small class of a size, and its facts. */
typedef struct small {
    unsigned index;
    size_t size, pages;
    unsigned nregs;
} small_t;

static small_t
small_of(size_t request)
{
    small_t s = {.index = 0};
    char name[FIGURE_BYTES];
    do {
        snprintf(name, sizeof(name), "arenas.bin.%u.size", s.index);
        s.size = figure(name);
    } while (s.size < request && ++s.index > 0);
    snprintf(name, sizeof(name), "arenas.bin.%u.slab_size", s.index);
    s.pages = figure(name) / PAGE;
    snprintf(name, sizeof(name), "arenas.bin.%u.nregs", s.index);
    s.nregs = (unsigned)figure(name);
    return s;
}

/* The large class, likewise. */
static unsigned
large_of(size_t request, size_t *size)
{
    unsigned index = 0;
    char name[FIGURE_BYTES];
    for (;; index++) {
        snprintf(name, sizeof(name), "arenas.lextent.%u.size", index);
        *size = figure(name);
        if (*size >= request) {
            return index;
        }
    }
}

/* ---- steps ------------------------------------------------------------- */

/* Past all caches: neither a fill nor a flush. */
START_TEST(test_small_objects)
{
    static const size_t sizes[] = {8, 100, 1000, 4096, 14336};
    small_t c = small_of(sizes[_i]);
    int64_t k = c.nregs < 5 ? c.nregs : 5;
    void *p[5];
    expect_of("bins", c.index, "nmalloc", k);
    expect_of("bins", c.index, "nrequests", k);
    expect_of("bins", c.index, "curregs", k);
    expect_of("bins", c.index, "nslabs", 1);
    expect_of("bins", c.index, "curslabs", 1);
    expect_cut((int64_t)c.pages);
    expect("extent_avail", -1);
    expect_one("thread.allocated", k * (int64_t)c.size);
    begin();
    for (int i = 0; i < k; i++) {
        p[i] = jea_mallocx(sizes[_i], flags);
    }
    end();

    expect_of("bins", c.index, "ndalloc", k);
    expect_of("bins", c.index, "curregs", -k);
    expect_one("thread.deallocated", k * (int64_t)c.size);
    begin();
    for (int i = 0; i < k; i++) {
        jea_dallocx(p[i], flags);
    }
    end();
}

END_TEST

/* Slabs that fill, drain and serve again. */
START_TEST(test_slabs)
{
    small_t c = small_of(1000);
    int64_t n = c.nregs, size = (int64_t)c.size;
    void *p[3 * 512];
    ck_assert_uint_le(3 * (unsigned)n, JE_ARRAY_LEN(p));
    expect_of("bins", c.index, "nslabs", 3);
    expect_of("bins", c.index, "curslabs", 3);
    expect_of("bins", c.index, "curregs", 3 * n);
    expect_of("bins", c.index, "nmalloc", 3 * n);
    expect_of("bins", c.index, "nrequests", 3 * n);
    expect_cut(3 * (int64_t)c.pages);
    expect("extent_avail", -3);
    expect_one("thread.allocated", 3 * n * size);
    begin();
    for (unsigned i = 0; i < 3 * n; i++) {
        p[i] = jea_mallocx(1000, flags);
    }
    end();
    /* one region of a full slab comes back: it is listed, and used again once
     * the current one is full */
    expect_of("bins", c.index, "nonfull_slabs", 1);
    expect_of("bins", c.index, "curregs", -1);
    expect_of("bins", c.index, "ndalloc", 1);
    expect_one("thread.deallocated", size);
    begin();
    jea_dallocx(p[0], flags);
    end();
    expect_of("bins", c.index, "nonfull_slabs", -1);
    expect_of("bins", c.index, "curregs", 1);
    expect_of("bins", c.index, "nmalloc", 1);
    expect_of("bins", c.index, "nrequests", 1);
    expect_of("bins", c.index, "nreslabs", 1);
    expect_one("thread.allocated", size);
    begin();
    p[0] = jea_mallocx(1000, flags);
    end();
    /* all of them: the current slab and one more stay, the third goes */
    expect_of("bins", c.index, "curregs", -3 * n);
    expect_of("bins", c.index, "ndalloc", 3 * n);
    expect_of("bins", c.index, "curslabs", -1);
    expect_extent("dirty", c.pages, 1);
    expect_one("thread.deallocated", 3 * n * size);
    begin();
    for (unsigned i = 0; i < 3 * n; i++) {
        jea_dallocx(p[i], flags);
    }
    end();
    /* purging takes that one, and all that is unused */
    uint64_t retained = figure_of("retained") / PAGE;
    expect_of("bins", c.index, "curslabs", -1);
    begin();
    act("purge");
    refresh();
    ck_assert_uint_eq(figure_of("bins.%u.curslabs", c.index), 1);
    ck_assert_uint_eq(figure_of("pdirty"), 0);
    ck_assert_uint_eq(figure_of("dirty_purged"),
                      40 * 4 + 2 * c.pages); /* the warm-up's, too */
    ck_assert_uint_eq(figure_of("retained") / PAGE, retained + 2 * c.pages);
}

END_TEST

START_TEST(test_a_large_object)
{
    size_t size;
    unsigned k = large_of(100000, &size);
    int64_t bytes = (int64_t)size;
    uint64_t pages = size / PAGE;
    set_decay("dirty", 1);
    refresh();
    uint64_t whole = figure_of("retained") / PAGE;
    expect_of("lextents", k, "nmalloc", 1);
    expect_of("lextents", k, "nrequests", 1);
    expect_of("lextents", k, "curlextents", 1);
    expect_cut((int64_t)pages);
    expect("extent_avail", -1);
    expect_one("thread.allocated", bytes);
    begin();
    void *p = jea_mallocx(100000, flags);
    end();

    expect_of("lextents", k, "ndalloc", 1);
    expect_of("lextents", k, "curlextents", -1);
    expect_extent("dirty", pages, 1);
    expect_one("thread.deallocated", bytes);
    begin();
    jea_dallocx(p, flags);
    end();

    /* dirty to muzzy */
    expect("dirty_npurge", 1);
    expect("dirty_nmadvise", 1);
    expect("dirty_purged", (int64_t)pages);
    expect_extent("dirty", pages, -1);
    expect_extent("muzzy", pages, 1);
    begin();
    act("decay"); /* seen: their time begins */
    nap(20000000);
    act("decay");
    end();

    /* muzzy to retained, where it joins what lies beside it */
    char name[FIGURE_BYTES];
    snprintf(name, sizeof(name), "arena.%u.muzzy_decay_ms", arena);
    expect_one(name, 1);
    snprintf(name, sizeof(name), "stats.arenas.%u.muzzy_decay_ms", arena);
    expect_one(name, 1); /* from -1 to 0 */
    expect("muzzy_npurge", 1);
    expect("muzzy_nmadvise", 1);
    expect("muzzy_purged", (int64_t)pages);
    expect_extent("muzzy", pages, -1);
    expect_extent("retained", whole - pages, -1);
    expect_extent("retained", whole, 1);
    expect("extent_avail", 1);
    begin();
    set_decay("muzzy", 0);
    end();
}

END_TEST

START_TEST(test_settings_and_threads)
{
    static const char *const set[] = {
        "arena.%u.dirty_decay_ms", "stats.arenas.%u.dirty_decay_ms",
        "arena.%u.muzzy_decay_ms", "stats.arenas.%u.muzzy_decay_ms"};
    unsigned before;
    size_t size = sizeof(before);
    char name[FIGURE_BYTES];
    ck_assert_int_eq(jea_mallctl("thread.arena", &before, &size, NULL, 0), 0);
    for (unsigned i = 0; i < JE_ARRAY_LEN(set); i++) {
        snprintf(name, sizeof(name), i / 2 == 0 ? set[i] : set[i], arena);
        expect_one(name, (i < 2 ? 1234 : 4321) - -1);
    }
    snprintf(name, sizeof(name), "stats.arenas.%u.nthreads", arena);
    expect_one(name, 1); /* and none more in all */
    expect_one("thread.arena", (int64_t)arena - before);
    begin();
    ck_assert_int_eq(
        jea_mallctl("thread.arena", NULL, NULL, &arena, sizeof(arena)), 0);
    set_decay("dirty", 1234);
    set_decay("muzzy", 4321);
    end();
    ck_assert_uint_eq(figure("stats.arenas.4096.nthreads"), 1);
    expect_one(name, -1);
    expect_one("thread.arena", (int64_t)before - arena);
    begin();
    ck_assert_int_eq(
        jea_mallctl("thread.arena", NULL, NULL, &before, sizeof(before)), 0);
    end();
    const char *dss = NULL;
    size = sizeof(dss);
    snprintf(name, sizeof(name), "stats.arenas.%u.dss", arena);
    ck_assert_int_eq(jea_mallctl(name, &dss, &size, NULL, 0), 0);
    ck_assert_ptr_nonnull(dss);

    refresh();
    uint64_t up = figure_of("uptime");
    nap(20000000);
    refresh();
    ck_assert_uint_ge(figure_of("uptime") - up, 20000000);
}

END_TEST

/* How many objects the next fill of a class brings. */
static int64_t
next_fill(unsigned index)
{
    const tcache_bin_t *cold = &tsd_current->cold[index + 1];
    const cache_bin_t *bin = &tsd_current->bins[index + 1];
    return JE_MIN(cold->fill, bin->full - cold->base);
}

static void
flush(void)
{
    ck_assert_int_eq(jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0),
                     0);
}

/* What goes into and out of a thread's cache, one object of a small class and
 * of a large one. */
START_TEST(test_caches)
{
    small_t c = small_of(1000);
    size_t bytes;
    unsigned k = large_of(20000, &bytes);
    int64_t size = (int64_t)c.size, large = (int64_t)bytes;
    ck_assert_int_eq(
        jea_mallctl("thread.arena", NULL, NULL, &arena, sizeof(arena)), 0);
    void *p, *some[16]; /* one slab; the stacks have room */
    for (unsigned i = 0; i < JE_ARRAY_LEN(some); i++) {
        some[i] = jea_mallocx(1000, flags);
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(some); i++) {
        jea_free(some[i]);
    }
    jea_free(jea_malloc(20000));
    flush();
    act("purge"); /* but for the current slab of the class */
    refresh();

    int64_t n = next_fill(c.index);
    ck_assert_int_le(n, c.nregs);
    expect_of("bins", c.index, "nfills", 1);
    expect_of("bins", c.index, "nmalloc", n);
    expect_of("bins", c.index, "nrequests", 1);
    expect_of("bins", c.index, "curregs", n);
    expect("tcache_bytes", (n - 1) * size);
    expect_one("thread.allocated", size);
    begin();
    p = jea_malloc(1000);
    end();
    expect("tcache_bytes", size);
    expect_one("thread.deallocated", size);
    begin();
    jea_free(p);
    end();
    expect_of("bins", c.index, "nflushes", 1);
    expect_of("bins", c.index, "ndalloc", n);
    expect_of("bins", c.index, "curregs", -n);
    expect("tcache_bytes", -n * size);
    begin();
    flush();
    end();

    expect_of("lextents", k, "nmalloc", 1);
    expect_of("lextents", k, "nrequests", 1);
    expect_of("lextents", k, "curlextents", 1);
    expect_cut(large / PAGE);
    expect("extent_avail", -1);
    expect_one("thread.allocated", large);
    begin();
    p = jea_malloc(20000);
    end();
    expect("tcache_bytes", large);
    expect_one("thread.deallocated", large);
    begin();
    jea_free(p);
    end();
    expect_of("lextents", k, "nrequests", 1); /* served by the cache */
    expect("tcache_bytes", -large);
    expect_one("thread.allocated", large);
    begin();
    p = jea_malloc(20000);
    end();
    jea_free(p);
    expect("large.nflushes", 1);
    expect_of("lextents", k, "ndalloc", 1);
    expect_of("lextents", k, "curlextents", -1);
    expect_extent("dirty", (uint64_t)large / PAGE, 1);
    expect("tcache_bytes", -large);
    begin();
    flush();
    end();
}

END_TEST

/* What belongs to no arena is shown in the first. */
START_TEST(test_metadata)
{
    unsigned own = arena;
    arena = 0;
    figures_start();
    expect("base", 3 * PAGE);
    expect("resident", 3 * PAGE);
    expect("mapped", 5 * PAGE);
    begin();
    ck_assert_ptr_nonnull(meta_map(5 * PAGE));
    meta_note_touched(3 * PAGE);
    end();
    arena = own;
}

END_TEST

START_TEST(test_the_rest)
{
    small_t c = small_of(1000);
    char ops[FIGURE_BYTES];
    uint64_t epoch = figure("epoch");
    refresh();
    ck_assert_uint_eq(figure("epoch"), epoch + 1);

    (void)!jea_realloc(jea_malloc(1000), 0); /* the cache has a stack */
    void *p = jea_malloc(1000);
    expect("stats.zero_reallocs", 1);
    expect_one("stats.arenas.4096.tcache_bytes", (int64_t)c.size);
    expect_one("thread.deallocated", (int64_t)c.size);
    begin();
    (void)!jea_realloc(p, 0);
    end();

    /* of all arenas, this one being the last of them */
    ck_assert_ptr_nonnull(jea_mallocx(1000, flags));
    refresh();
    ck_assert_uint_gt(figure("stats.active"), figure_of("pactive") * PAGE);
    ck_assert_uint_eq(figure("approximate_stats.active"),
                      figure("stats.active"));

    /* a lock, once to give and once to take back; reading takes it, too */
    snprintf(ops, sizeof(ops), "stats.arenas.%u.bins.%u.mutex.num_ops", arena,
             c.index);
    refresh();
    uint64_t before = figure(ops);
    refresh();
    uint64_t by_reading = figure(ops) - before;
    before += by_reading;
    jea_dallocx(jea_mallocx(1000, flags), flags);
    refresh();
    uint64_t taken = figure(ops) - before - by_reading;
    ck_assert_uint_ge(taken, 2); /* twice for a bin that has no slab */
    ck_assert_uint_le(taken, 3);
    ck_assert_int_eq(jea_mallctl("stats.mutexes.reset", NULL, NULL, NULL, 0),
                     0);
    refresh();
    ck_assert_uint_le(figure(ops), by_reading);

    /* an arena costs metadata, which is resident */
    unsigned other;
    size_t size = sizeof(other);
    refresh();
    uint64_t metadata = figure("stats.metadata");
    uint64_t resident = figure("stats.resident");
    uint64_t arenas = figure("arenas.narenas");
    ck_assert_int_eq(jea_mallctl("arenas.create", &other, &size, NULL, 0), 0);
    refresh();
    uint64_t more = figure("stats.metadata") - metadata;
    ck_assert_uint_gt(more, 10000); /* its bins alone are 36 of 256 bytes */
    ck_assert_uint_le(figure("stats.resident") - resident, more + 2 * PAGE);
    ck_assert_uint_eq(figure("arenas.narenas"), arenas + 1);

    bool on = true;
    ck_assert_int_eq(
        jea_mallctl("background_thread", NULL, NULL, &on, sizeof(on)), 0);
    for (unsigned i = 0; i < 10000; i++) {
        nap(1000000);
        refresh();
        if (figure("stats.background_thread.num_runs") > 0) {
            break;
        }
    }
    ck_assert_uint_gt(figure("stats.background_thread.num_runs"), 0);
    ck_assert_uint_ge(figure("stats.background_thread.run_interval"),
                      100000000);
    ck_assert_uint_eq(figure("stats.background_thread.num_threads"),
                      figure("max_background_threads") < figure("opt.narenas")
                          ? figure("max_background_threads")
                          : figure("opt.narenas"));
    on = false;
    ck_assert_int_eq(
        jea_mallctl("background_thread", NULL, NULL, &on, sizeof(on)), 0);
    refresh();
    ck_assert_uint_eq(figure("stats.background_thread.num_threads"), 0);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("moves");
    TCase *tc = tcase_create("moves");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_small_objects, 0, 5);
    tcase_add_test(tc, test_slabs);
    tcase_add_test(tc, test_a_large_object);
    tcase_add_test(tc, test_settings_and_threads);
    tcase_add_test(tc, test_caches);
    tcase_add_test(tc, test_metadata);
    tcase_add_test(tc, test_the_rest);
    suite_add_tcase(s, tc);
    return figures_run(s);
}
