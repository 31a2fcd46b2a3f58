/*
 * Every statistic that mallctl has moves by what an action must change: an
 * arena of its own, whose objects are all known, and the named values before
 * and after each step. The figures come from the step's own sizes.
 */
#include "alloc/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "jealloc.h"
#include "t/util.h"

enum { PAGE = 4096, NAMES = 64, NAME_BYTES = 96 };

static unsigned arena;
static int flags; /* that arena, no cache */

/* ---- watching ---------------------------------------------------------- */

/* A figure and by how much the step is to move it. */
typedef struct watch {
    char name[NAME_BYTES];
    uint64_t before;
    int64_t by;
} watch_t;

static watch_t watched[NAMES];
static unsigned nwatched;

static void
refresh(void)
{
    uint64_t epoch = 1;
    ck_assert_int_eq(jea_mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)),
                     0);
}

static uint64_t
figure(const char *name)
{
    uint64_t value = 0;
    size_t size = sizeof(value);
    int error = jea_mallctl(name, &value, &size, NULL, 0);
    if (error == EINVAL) { /* of 32 bits */
        size = sizeof(uint32_t);
        value = 0;
        error = jea_mallctl(name, &value, &size, NULL, 0);
    }
    ck_assert_msg(error == 0, "%s: %d", name, error);
    return value;
}

/* In `name` a * is the arena. */
static void
expect(const char *name, int64_t by)
{
    watch_t *w = &watched[nwatched++];
    ck_assert_uint_le(nwatched, NAMES);
    const char *star = strchr(name, '*');
    if (star != NULL) {
        snprintf(w->name, sizeof(w->name), "stats.arenas.%u%s", arena,
                 star + 1);
    } else {
        snprintf(w->name, sizeof(w->name), "%s", name);
    }
    w->by = by;
}

/* A figure of class `index` of a table: "bins", "curregs". */
static void
expect_of(const char *table, unsigned index, const char *what, int64_t by)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "*.%s.%u.%s", table, index, what);
    expect(name, by);
}

static void
begin(void)
{
    refresh();
    for (unsigned i = 0; i < nwatched; i++) {
        watched[i].before = figure(watched[i].name);
    }
}

static void
end(void)
{
    refresh();
    for (unsigned i = 0; i < nwatched; i++) {
        const watch_t *w = &watched[i];
        int64_t moved = (int64_t)(figure(w->name) - w->before);
        ck_assert_msg(moved == w->by, "%s moved by %lld, not %lld", w->name,
                      (long long)moved, (long long)w->by);
    }
    nwatched = 0;
}

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
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "arena.%u.%s_decay_ms", arena, what);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, &ms, sizeof(ms)), 0);
}

static void
act(const char *what)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "arena.%u.%s", arena, what);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
}

static void
setup(void)
{
    size_t size = sizeof(arena);
    ck_assert_int_eq(jea_mallctl("arenas.create", &arena, &size, NULL, 0), 0);
    flags = JEA_ARENA(arena) | JEA_TCACHE_NONE;
    set_decay("dirty", -1);
    set_decay("muzzy", -1);
    nwatched = 0;
}

/* The small class of a size, and its facts. */
typedef struct small {
    unsigned index;
    size_t size, slab;
    unsigned nregs;
} small_t;

static small_t
small_of(size_t request)
{
    small_t s = {.index = 0};
    char name[NAME_BYTES];
    do {
        snprintf(name, sizeof(name), "arenas.bin.%u.size", s.index);
        s.size = figure(name);
    } while (s.size < request && ++s.index > 0);
    snprintf(name, sizeof(name), "arenas.bin.%u.slab_size", s.index);
    s.slab = figure(name);
    snprintf(name, sizeof(name), "arenas.bin.%u.nregs", s.index);
    s.nregs = (unsigned)figure(name);
    return s;
}

/* The large class, likewise. */
static unsigned
large_of(size_t request, size_t *size)
{
    unsigned index = 0;
    char name[NAME_BYTES];
    for (;; index++) {
        snprintf(name, sizeof(name), "arenas.lextent.%u.size", index);
        *size = figure(name);
        if (*size >= request) {
            return index;
        }
    }
}

/* ---- steps ------------------------------------------------------------- */

START_TEST(test_a_small_object)
{
    small_t c = small_of(1000);
    int64_t size = (int64_t)c.size, pages = (int64_t)(c.slab / PAGE);
    expect("stats.allocated", size);
    expect("stats.active", (int64_t)c.slab);
    expect("*.pactive", pages);
    expect("*.small.allocated", size);
    expect("*.small.nmalloc", 1);
    expect("*.small.ndalloc", 0);
    expect("*.small.nrequests", 1);
    expect("*.small.nfills", 1);
    expect("*.small.nflushes", 0);
    expect("*.large.allocated", 0);
    expect("*.mapped", (int64_t)c.slab);
    expect("*.resident", (int64_t)c.slab);
    expect_of("bins", c.index, "nmalloc", 1);
    expect_of("bins", c.index, "ndalloc", 0);
    expect_of("bins", c.index, "nrequests", 1);
    expect_of("bins", c.index, "curregs", 1);
    expect_of("bins", c.index, "nfills", 1);
    expect_of("bins", c.index, "nflushes", 0);
    expect_of("bins", c.index, "nslabs", 1);
    expect_of("bins", c.index, "nreslabs", 0);
    expect_of("bins", c.index, "curslabs", 1);
    expect_of("bins", c.index, "nonfull_slabs", 0);
    expect_of("bins", c.index + 1, "nmalloc", 0);
    begin();
    void *p = jea_mallocx(1000, flags);
    end();

    expect("stats.allocated", -size);
    expect("*.small.allocated", -size);
    expect("*.small.nmalloc", 0);
    expect("*.small.ndalloc", 1);
    expect("*.small.nflushes", 1);
    expect_of("bins", c.index, "ndalloc", 1);
    expect_of("bins", c.index, "curregs", -1);
    expect_of("bins", c.index, "nflushes", 1);
    expect_of("bins", c.index, "curslabs", 0);
    begin();
    jea_dallocx(p, flags);
    end();
}

END_TEST

/* Slabs that fill, drain and serve again. */
START_TEST(test_slabs)
{
    small_t c = small_of(1000);
    unsigned n = c.nregs;
    void *p[3 * 512];
    ck_assert_uint_le(3 * n, JE_ARRAY_LEN(p));
    expect_of("bins", c.index, "nslabs", 3);
    expect_of("bins", c.index, "curslabs", 3);
    expect_of("bins", c.index, "curregs", 3 * (int64_t)n);
    expect_of("bins", c.index, "nonfull_slabs", 0);
    begin();
    for (unsigned i = 0; i < 3 * n; i++) {
        p[i] = jea_mallocx(1000, flags);
    }
    end();
    /* one region of a full slab comes back: it is listed, and used again once
     * the current one is full */
    expect_of("bins", c.index, "nonfull_slabs", 1);
    expect_of("bins", c.index, "curregs", -1);
    begin();
    jea_dallocx(p[0], flags);
    end();
    expect_of("bins", c.index, "nonfull_slabs", -1);
    expect_of("bins", c.index, "nreslabs", 1);
    expect_of("bins", c.index, "nslabs", 0);
    begin();
    p[0] = jea_mallocx(1000, flags);
    end();
    /* all of them: one empty slab stays, and purging takes that */
    expect_of("bins", c.index, "curregs", -3 * (int64_t)n);
    begin();
    for (unsigned i = 0; i < 3 * n; i++) {
        jea_dallocx(p[i], flags);
    }
    end();
    expect_of("bins", c.index, "nslabs", 0);
    begin();
    act("purge");
    end();
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "stats.arenas.%u.bins.%u.curslabs", arena,
             c.index);
    ck_assert_uint_le(figure(name), 1); /* the current one */
}

END_TEST

START_TEST(test_a_large_object)
{
    size_t size;
    unsigned k = large_of(100000, &size);
    int64_t bytes = (int64_t)size, pages = bytes / PAGE;
    char extents[NAME_BYTES];
    set_decay("dirty", 1);
    expect("stats.allocated", bytes);
    expect("stats.active", bytes);
    expect("*.pactive", pages);
    expect("*.large.allocated", bytes);
    expect("*.large.nmalloc", 1);
    expect("*.large.ndalloc", 0);
    expect("*.large.nrequests", 1);
    expect("*.small.nmalloc", 0);
    expect_of("lextents", k, "nmalloc", 1);
    expect_of("lextents", k, "ndalloc", 0);
    expect_of("lextents", k, "nrequests", 1);
    expect_of("lextents", k, "curlextents", 1);
    begin();
    void *p = jea_mallocx(100000, flags);
    end();

    /* page classes below a large class: 1 to 4 pages and four to a doubling,
     * of which the large ones are those from four pages on */
    unsigned e = k + 3;
    expect("stats.allocated", -bytes);
    expect("*.pactive", -pages);
    expect("*.pdirty", pages);
    expect("*.large.ndalloc", 1);
    expect("*.mapped", 0);
    expect("*.resident", 0);
    expect_of("lextents", k, "ndalloc", 1);
    expect_of("lextents", k, "curlextents", -1);
    expect_of("extents", e, "ndirty", 1);
    expect_of("extents", e, "dirty_bytes", bytes);
    begin();
    jea_dallocx(p, flags);
    end();

    /* dirty to muzzy */
    snprintf(extents, sizeof(extents), "*.extents.%u.nmuzzy", e);
    expect("*.pdirty", -pages);
    expect("*.pmuzzy", pages);
    expect("*.dirty_npurge", 1);
    expect("*.dirty_nmadvise", 1);
    expect("*.dirty_purged", pages);
    expect("*.muzzy_purged", 0);
    expect("*.retained", 0);
    expect_of("extents", e, "ndirty", -1);
    expect_of("extents", e, "dirty_bytes", -bytes);
    expect(extents, 1);
    expect_of("extents", e, "muzzy_bytes", bytes);
    begin();
    act("decay"); /* seen: their time begins */
    nap(20000000);
    act("decay");
    end();

    /* muzzy to retained, where it joins what lies beside it */
    expect("*.pmuzzy", -pages);
    expect("*.muzzy_npurge", 1);
    expect("*.muzzy_nmadvise", 1);
    expect("*.muzzy_purged", pages);
    expect("*.retained", bytes);
    expect("stats.retained", bytes);
    expect("*.mapped", -bytes);
    expect("stats.mapped", -bytes);
    expect(extents, -1);
    expect_of("extents", e, "muzzy_bytes", -bytes);
    begin();
    set_decay("muzzy", 0);
    end();
}

END_TEST

START_TEST(test_settings_and_threads)
{
    unsigned before;
    size_t size = sizeof(before);
    char name[NAME_BYTES];
    ck_assert_int_eq(jea_mallctl("thread.arena", &before, &size, NULL, 0), 0);
    snprintf(name, sizeof(name), "stats.arenas.%u.nthreads", before);
    expect("*.nthreads", 1);
    expect(name, -1);
    expect("*.dirty_decay_ms", 1234 - -1);
    expect("*.muzzy_decay_ms", 4321 - -1);
    begin();
    ck_assert_int_eq(
        jea_mallctl("thread.arena", NULL, NULL, &arena, sizeof(arena)), 0);
    set_decay("dirty", 1234);
    set_decay("muzzy", 4321);
    end();
    expect("*.nthreads", -1);
    begin();
    ck_assert_int_eq(
        jea_mallctl("thread.arena", NULL, NULL, &before, sizeof(before)), 0);
    end();
    const char *dss = NULL;
    size = sizeof(dss);
    snprintf(name, sizeof(name), "stats.arenas.%u.dss", arena);
    ck_assert_int_eq(jea_mallctl(name, &dss, &size, NULL, 0), 0);
    ck_assert_ptr_nonnull(dss);

    snprintf(name, sizeof(name), "stats.arenas.%u.uptime", arena);
    refresh();
    uint64_t up = figure(name);
    nap(20000000);
    refresh();
    ck_assert_uint_ge(figure(name) - up, 20000000);
}

END_TEST

/* What a thread's cache holds, and the thread's own counters. */
START_TEST(test_caches)
{
    void *p[8];
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        p[i] = jea_malloc(1000);
    }
    ck_assert_int_eq(jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0),
                     0);
    expect("stats.arenas.4096.tcache_bytes", 8 * 1024);
    expect("thread.deallocated", 8 * 1024);
    expect("thread.allocated", 0);
    expect("stats.allocated", 0);
    begin();
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        jea_free(p[i]);
    }
    end();
    expect("stats.arenas.4096.tcache_bytes", -8 * 1024);
    expect("stats.allocated", -8 * 1024);
    begin();
    ck_assert_int_eq(jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0),
                     0);
    end();
}

END_TEST

START_TEST(test_the_rest)
{
    small_t c = small_of(1000);
    char ops[NAME_BYTES];
    uint64_t epoch = figure("epoch");
    refresh();
    ck_assert_uint_eq(figure("epoch"), epoch + 1);

    expect("stats.zero_reallocs", 1);
    begin();
    (void)!jea_realloc(jea_malloc(1), 0);
    end();

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
    tcase_add_test(tc, test_a_small_object);
    tcase_add_test(tc, test_slabs);
    tcase_add_test(tc, test_a_large_object);
    tcase_add_test(tc, test_settings_and_threads);
    tcase_add_test(tc, test_caches);
    tcase_add_test(tc, test_the_rest);
    suite_add_tcase(s, tc);
    return util_run(s);
}
