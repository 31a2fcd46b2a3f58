/*
 * Named values that are no statistics, each by what can be seen of it: facts by
 * objects, settings and actions by what they change and nothing else.
 */
#include "t/unit/moves.h"

#include <time.h>
#include <unistd.h>

#include "alloc/meta.h"
#include "os/pages.h"

static void
setup(void)
{
    size_t size = sizeof(arena);
    jea_free(jea_malloc(1)); /* the thread has its state */
    ck_assert_int_eq(jea_mallctl("arenas.create", &arena, &size, NULL, 0), 0);
    refresh();
}

static void
set(const char *name, ssize_t value)
{
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, &value, sizeof(value)), 0);
}

static void
act(const char *name)
{
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
}

/* ---- facts ------------------------------------------------------------- */

/* Does an object of this size stay in the thread's cache? */
static bool
is_cached(size_t size)
{
    void *p = jea_malloc(size);
    act("thread.tcache.flush");
    jea_free(p);
    refresh();
    return figure("stats.arenas.4096.tcache_bytes") == size;
}

START_TEST(test_facts)
{
    char name[FIGURE_BYTES];
    size_t quantum = figure("arenas.quantum"), odd = 0;
    for (size_t size = quantum; size < 40000; size += 8) {
        uintptr_t p = (uintptr_t)jea_malloc(size);
        ck_assert_uint_eq(p % quantum, 0);
        odd += p % (2 * quantum) != 0;
    }
    ck_assert_uint_gt(odd, 0);
    ck_assert_int_eq((long)figure("arenas.page"), sysconf(_SC_PAGESIZE));

    FILE *huge =
        fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "r");
    unsigned long size = 0;
    if (huge != NULL && fscanf(huge, "%lu", &size) == 1) {
        ck_assert_uint_eq(figure("arenas.hugepage"), size);
    }

    size_t most = figure("arenas.tcache_max");
    ck_assert(is_cached(most));
    ck_assert(!is_cached(jea_nallocx(most + 1, 0)));
    /* classes: nbins small ones, nlextents large ones, of which the first few
     * are cached */
    unsigned small = (unsigned)figure("arenas.nbins"), cached = small;
    for (unsigned i = 0; i < figure("arenas.nlextents"); i++) {
        (void)snprintf(name, sizeof(name), "arenas.lextent.%u.size", i);
        size = figure(name);
        ck_assert_uint_eq(jea_nallocx(size, 0), size);
        ck_assert_uint_gt(jea_nallocx(size - 1, 0), size - size / 4);
        cached += size <= most;
    }
    ck_assert_uint_eq(jea_nallocx(size + 1, 0), 0); /* the last one */
    ck_assert_uint_eq(figure("arenas.nhbins"), cached);
}

END_TEST

/* Of each small class: objects in order, and the next one behind the slab. */
START_TEST(test_facts_of_bins)
{
    int flags = JEA_ARENA(arena) | JEA_TCACHE_NONE;
    char name[FIGURE_BYTES];
    for (unsigned i = 0; i < figure("arenas.nbins"); i++) {
        (void)snprintf(name, sizeof(name), "arenas.bin.%u.size", i);
        size_t size = figure(name);
        (void)snprintf(name, sizeof(name), "arenas.bin.%u.nregs", i);
        unsigned nregs = (unsigned)figure(name);
        (void)snprintf(name, sizeof(name), "arenas.bin.%u.slab_size", i);
        size_t slab = figure(name);
        refresh();
        uint64_t slabs = figure_of("bins.%u.nslabs", i);
        uintptr_t first = (uintptr_t)jea_mallocx(size, flags), p = first;
        for (unsigned k = 1; k < nregs; k++) {
            p = (uintptr_t)jea_mallocx(size, flags);
            ck_assert_uint_eq(p, first + k * size);
        }
        ck_assert_uint_le(p + size, first + slab);
        refresh();
        ck_assert_uint_eq(figure_of("bins.%u.nslabs", i), slabs + 1);
        ck_assert_ptr_nonnull(jea_mallocx(size, flags));
        refresh();
        ck_assert_uint_eq(figure_of("bins.%u.nslabs", i), slabs + 2);
    }
}

END_TEST

/* ---- settings ---------------------------------------------------------- */

/* For arenas to come, and for no other. */
START_TEST(test_default_decay_times)
{
    figures_start();
    expect_one("arenas.dirty_decay_ms",
               4444 - (int64_t)figure("arenas.dirty_decay_ms"));
    expect_one("arenas.muzzy_decay_ms",
               3333 - (int64_t)figure("arenas.muzzy_decay_ms"));
    begin();
    set("arenas.dirty_decay_ms", 4444);
    set("arenas.muzzy_decay_ms", 3333);
    end();
    setup();
    ck_assert_uint_eq(figure_of("dirty_decay_ms"), 4444);
    ck_assert_uint_eq(figure_of("muzzy_decay_ms"), 3333);
}

END_TEST

/* Regions of 2 MiB double until that would be more than the limit. */
START_TEST(test_retain_grow_limit)
{
    static const struct {
        ssize_t limit;
        unsigned left; /* MiB, after two regions of 2 MiB were used */
    } cases[] = {{2 << 20, 0}, {4 << 20, 2}, {64 << 20, 2}};

    char name[FIGURE_BYTES];
    (void)snprintf(name, sizeof(name), "arena.%u.retain_grow_limit", arena);
    set(name, cases[_i].limit);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(
            jea_mallocx(2 << 20, JEA_ARENA(arena) | JEA_TCACHE_NONE));
    }
    refresh();
    ck_assert_uint_eq(figure_of("retained"), (uint64_t)cases[_i].left << 20);
}

END_TEST

/* ---- actions ----------------------------------------------------------- */

/* The caller's cache goes back, and pages of its arena that are due. */
START_TEST(test_thread_idle)
{
    static const struct timespec due = {0, 20000000};
    char name[FIGURE_BYTES];
    void *p[8]; /* of one slab, which stays */
    ck_assert_int_eq(
        jea_mallctl("thread.arena", NULL, NULL, &arena, sizeof(arena)), 0);
    (void)snprintf(name, sizeof(name), "arena.%u.dirty_decay_ms", arena);
    set(name, 1);
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        p[i] = jea_malloc(1000);
    }
    jea_free(jea_mallocx(1 << 20, 0));
    (void)nanosleep(&due, NULL); /* or none would be due yet to look */
    act("thread.idle");          /* seen: their time begins */
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        jea_free(p[i]);
    }
    refresh();
    ck_assert_uint_ge(figure_of("tcache_bytes"), 8 * 1024);
    ck_assert_uint_eq(figure_of("pdirty"), 256);
    (void)nanosleep(&due, NULL);
    act("thread.idle");
    refresh();
    ck_assert_uint_eq(figure_of("tcache_bytes"), 0);
    ck_assert_uint_eq(figure_of("pdirty"), 0);
    ck_assert_uint_eq(figure_of("dirty_purged"), 256);
}

END_TEST

/* ---- labels ------------------------------------------------------------ */

START_TEST(test_labels)
{
    uint64_t count = figure("jeprobe.labels.count");
    char name[FIGURE_BYTES];
    const char *text = NULL;
    size_t size = sizeof(text);
    unsigned first = jea_label("one"), second = jea_label("two");
    ck_assert_uint_eq(jea_label("one"), first);
    ck_assert_uint_eq(figure("jeprobe.labels.count"), count + 2);
    (void)snprintf(name, sizeof(name), "jeprobe.labels.%u.name", second);
    ck_assert_int_eq(jea_mallctl(name, &text, &size, NULL, 0), 0);
    ck_assert_str_eq(text, "two");

    ck_assert_uint_eq(figure("jeprobe.labels.dropped"), 0);
    if (!je_config_debug) {
        return; /* mappings can be made to fail in debug builds */
    }
    /* objects lie in the cache, in a slab that has no array of labels yet */
    void *p = jea_malloc(3000);
    (void)jea_label_swap(first);
    os_pages_fail_at(1, UINT64_MAX);
    while (meta_alloc(1) != NULL) {
    }
    void *q = jea_malloc(3000);
    os_pages_fail_at(0, 0);
    (void)jea_label_swap(0);
    ck_assert_ptr_nonnull(q);
    ck_assert_uint_eq(figure("jeprobe.labels.dropped"), 1);
    jea_free(q);
    jea_free(p);
}

END_TEST

/* ---- no memory --------------------------------------------------------- */

START_TEST(test_no_memory_is_eagain)
{
    static const char *const names[] = {"arenas.create",
                                        "experimental.arenas_create_ext"};
    uint64_t count = figure("arenas.narenas");
    if (!je_config_debug) {
        return; /* mappings can be made to fail in debug builds */
    }
    os_pages_fail_at(1, UINT64_MAX);
    while (meta_alloc(1) != NULL) {
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(names); i++) {
        unsigned made = 77;
        size_t size = sizeof(made);
        ck_assert_int_eq(jea_mallctl(names[i], &made, &size, NULL, 0), EAGAIN);
        ck_assert_uint_eq(made, 77);
    }
    os_pages_fail_at(0, 0);
    ck_assert_uint_eq(figure("arenas.narenas"), count);
}

END_TEST

/* ---- what is lost ------------------------------------------------------ */

static void *
give_pages(jea_extent_hooks_t *hooks, void *new_addr, size_t size,
           size_t alignment, bool *zero, bool *commit, unsigned ind)
{
    static _Alignas(2 << 20) char pages[16 << 20];
    static size_t used;
    (void)hooks;
    (void)ind;
    used = (used + alignment - 1) / alignment * alignment;
    if (new_addr != NULL || size > sizeof(pages) - used) {
        return NULL;
    }
    *zero = used == 0;
    *commit = true;
    used += size;
    return pages + used - size;
}

/* A hook's pages that there is no memory to describe, and that it does not
 * take back. */
START_TEST(test_abandoned_vm)
{
    static jea_extent_hooks_t hooks = {.alloc = give_pages};
    jea_extent_hooks_t *at = &hooks;
    size_t size = sizeof(arena);
    if (!je_config_debug) {
        return; /* mappings can be made to fail in debug builds */
    }
    ck_assert_int_eq(
        jea_mallctl("arenas.create", &arena, &size, &at, sizeof(at)), 0);
    refresh();
    ck_assert_uint_eq(figure_of("abandoned_vm"), 0);
    os_pages_fail_at(1, UINT64_MAX);
    while (meta_alloc(1) != NULL) {
    }
    ck_assert_ptr_null(
        jea_mallocx(1 << 20, JEA_ARENA(arena) | JEA_TCACHE_NONE));
    os_pages_fail_at(0, 0);
    refresh();
    ck_assert_uint_eq(figure_of("abandoned_vm") % (1 << 20), 0);
    ck_assert_uint_ge(figure_of("abandoned_vm"), 1 << 20);
    ck_assert_uint_eq(figure_of("pactive"), 0);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("leaves");
    TCase *tc = tcase_create("leaves");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_facts);
    tcase_add_test(tc, test_facts_of_bins);
    tcase_add_test(tc, test_default_decay_times);
    tcase_add_loop_test(tc, test_retain_grow_limit, 0, 3);
    tcase_add_test(tc, test_thread_idle);
    tcase_add_test(tc, test_labels);
    tcase_add_test(tc, test_no_memory_is_eagain);
    tcase_add_test(tc, test_abandoned_vm);
    suite_add_tcase(s, tc);
    return figures_run(s);
}
