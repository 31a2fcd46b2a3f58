/*
 * alloc/arena_reset.c: arenas whose objects are discarded and that end, as
 * mallctl asks for it.
 */
#include "alloc/arena.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "alloc/ctl.h"
#include "alloc/emap.h"
#include "alloc/label.h"
#include "alloc/malloc.h"
#include "alloc/malloc_fast.h"
#include "alloc/mallocx.h"
#include "alloc/prof_table.h"
#include "alloc/stats.h"
#include "alloc/tcache.h"
#include "alloc/tcaches.h"
#include "t/unit/stderr.h"

#define NO_TCACHE 0x100
#define TCACHE(t) ((int)(((t) + 2) << 8))
#define ARENA(a)  ((int)(((unsigned)(a) + 1) << 20))

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_ptr_nonnull(tsd_get());
}

static unsigned
created(void)
{
    unsigned ind = 0;
    size_t len = sizeof(ind);
    ck_assert_int_eq(je_mallctl("arenas.create", &ind, &len, NULL, 0), 0);
    return ind;
}

static int
act(unsigned ind, const char *action)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "arena.%u.%s", ind, action);
    return je_mallctl(name, NULL, NULL, NULL, 0);
}

static uint64_t
figure(unsigned ind, const char *what)
{
    char name[96];
    uint64_t one = 1, value = 0;
    size_t len = sizeof(value);
    (void)snprintf(name, sizeof(name), "stats.arenas.%u.%s", ind, what);
    ck_assert_int_eq(je_mallctl("epoch", NULL, NULL, &one, sizeof(one)), 0);
    ck_assert_msg(je_mallctl(name, &value, &len, NULL, 0) == 0, "%s", name);
    return value;
}

static bool
is_initialized(unsigned ind)
{
    char name[64];
    bool is = false;
    size_t len = sizeof(is);
    (void)snprintf(name, sizeof(name), "arena.%u.initialized", ind);
    ck_assert_int_eq(je_mallctl(name, &is, &len, NULL, 0), 0);
    return is;
}

/* Objects of many classes, so that slabs are full, partly used and empty. */
static unsigned
populate(unsigned ind)
{
    unsigned n = 0;
    for (unsigned cls = 0; cls < SC_NBINS + 8; cls++) {
        unsigned many = cls < SC_NBINS ? bin_infos[cls].nregs * 2u + cls : 2;
        for (unsigned i = 0; i < many; i++) {
            char *p = je_mallocx(sz_size(cls), ARENA(ind) | NO_TCACHE);
            ck_assert_ptr_nonnull(p);
            p[0] = 'x';
            n++;
        }
    }
    return n;
}

START_TEST(test_reset_discards_everything_and_the_arena_goes_on)
{
    unsigned ind = created();
    for (unsigned round = 0; round < 3; round++) {
        (void)populate(ind);
        ck_assert_uint_gt(figure(ind, "small.allocated"), 0);
        ck_assert_uint_gt(figure(ind, "large.allocated"), 0);
        ck_assert_int_eq(act(ind, "reset"), 0);
        ck_assert(arena_is_valid(arena_get(ind)));
        ck_assert_uint_eq(figure(ind, "small.allocated"), 0);
        ck_assert_uint_eq(figure(ind, "large.allocated"), 0);
        ck_assert_uint_eq(figure(ind, "pactive"), 0);
        ck_assert_uint_eq(figure(ind, "small.nmalloc"),
                          figure(ind, "small.ndalloc"));
        ck_assert_uint_eq(figure(ind, "large.nmalloc"),
                          figure(ind, "large.ndalloc"));
    }
}

END_TEST

START_TEST(test_reset_is_for_arenas_that_were_created)
{
    ck_assert_int_eq(act(0, "reset"), EFAULT);
    ck_assert_int_eq(act(0, "destroy"), EFAULT);
    ck_assert_int_eq(act(4096, "reset"), EFAULT);
    ck_assert_int_eq(act(4096, "destroy"), EFAULT);
    ck_assert_int_eq(act(4097, "destroy"), EFAULT);
}

END_TEST

/* ---- objects in caches ------------------------------------------------- */

typedef struct other {
    pthread_barrier_t step;
    void *given;
    void *taken;
} other_t;

static void *
other_main(void *arg)
{
    other_t *o = arg;
    (void)malloc_fast(112); /* has a state and a cache */
    je_dalloc(o->given, ALLOC_CACHE_OWN);
    (void)pthread_barrier_wait(&o->step); /* it lies in this cache */
    (void)pthread_barrier_wait(&o->step); /* the arena is reset */
    o->taken = malloc_fast(112);
    (void)pthread_barrier_wait(&o->step);
    (void)pthread_barrier_wait(&o->step); /* looked at */
    je_dalloc(o->taken, ALLOC_CACHE_OWN);
    return NULL;
}

static void
start_other(other_t *o, pthread_t *t, void *given)
{
    (void)pthread_barrier_init(&o->step, NULL, 2);
    o->given = given;
    ck_assert_int_eq(pthread_create(t, NULL, other_main, o), 0);
    (void)pthread_barrier_wait(&o->step);
}

START_TEST(test_reset_leaves_what_lies_in_another_threads_cache)
{
    enum { MANY = 500 };

    unsigned ind = created();
    other_t o;
    pthread_t t;
    char *p = je_mallocx(112, ARENA(ind) | NO_TCACHE);
    start_other(&o, &t, p);
    (void)populate(ind);
    ck_assert_int_eq(act(ind, "reset"), 0);
    ck_assert_uint_eq(figure(ind, "small.allocated"), 112);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_ptr_ne(je_mallocx(112, ARENA(ind) | NO_TCACHE), p);
    }
    (void)pthread_barrier_wait(&o.step);
    (void)pthread_barrier_wait(&o.step);
    ck_assert_ptr_eq(o.taken, p);
    (void)pthread_barrier_wait(&o.step);
    (void)pthread_join(t, NULL);
    ck_assert_int_eq(act(ind, "reset"), 0);
    ck_assert_uint_eq(figure(ind, "pactive"), 0);
    ck_assert(arena_is_valid(arena_get(ind)));
}

END_TEST

START_TEST(test_reset_leaves_what_lies_in_a_created_cache)
{
    static const size_t sizes[] = {8, 112, 14336, 16384, 32768};
    unsigned ind = created(), cache = 0;
    size_t len = sizeof(cache);
    ck_assert_int_eq(je_mallctl("tcache.create", &cache, &len, NULL, 0), 0);
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        void *p = je_mallocx(sizes[i], ARENA(ind) | NO_TCACHE);
        (void)je_mallocx(sizes[i], ARENA(ind) | NO_TCACHE);
        size_t usable = je_sallocx(p, 0);
        je_dallocx(p, TCACHE(cache));
        ck_assert_int_eq(act(ind, "reset"), 0);
        ck_assert_uint_eq(figure(ind, "small.allocated") +
                              figure(ind, "large.allocated"),
                          usable);
        ck_assert_ptr_eq(je_mallocx(sizes[i], TCACHE(cache)), p);
        je_dallocx(p, NO_TCACHE);
        ck_assert_int_eq(act(ind, "reset"), 0);
        ck_assert_uint_eq(figure(ind, "pactive"), 0);
    }
    ck_assert_int_eq(
        je_mallctl("tcache.destroy", NULL, NULL, &cache, sizeof(cache)), 0);
}

END_TEST

START_TEST(test_reset_empties_the_callers_own_cache)
{
    unsigned ind = created();
    void *p = je_mallocx(112, ARENA(ind) | NO_TCACHE);
    je_dalloc(p, ALLOC_CACHE_OWN);
    ck_assert_int_eq(act(ind, "reset"), 0);
    ck_assert_uint_eq(figure(ind, "small.allocated"), 0);
}

END_TEST

START_TEST(test_reset_forgets_samples)
{
    unsigned ind = created();
    tsd_t *tsd = tsd_get();
    unsigned marked = 0;
    size_t before = prof_table_live();
    for (unsigned i = 0; i < 200; i++) {
        tsd->next_sample = 0; /* the next one is sampled */
        char *p = je_mallocx(i % 7 == 0 ? 20000 : 1000, ARENA(ind) | NO_TCACHE);
        extent_t *e = emap_extent((uintptr_t)p);
        marked += e->is_slab ? e->nsampled > 0 : e->is_sampled;
    }
    ck_assert(!je_config_prof || marked > 100);
    ck_assert_int_eq(act(ind, "reset"), 0);
    ck_assert_uint_eq(prof_table_live(), before);
    ck_assert_uint_eq(figure(ind, "pactive"), 0);
    /* the same addresses again: a sample that stayed would be found twice */
    for (unsigned i = 0; i < 200; i++) {
        char *p = je_mallocx(i % 7 == 0 ? 20000 : 1000, ARENA(ind) | NO_TCACHE);
        extent_t *e = emap_extent((uintptr_t)p);
        ck_assert(e->is_slab ? e->nsampled <= 1 : true);
        je_dallocx(p, NO_TCACHE);
    }
}

END_TEST

START_TEST(test_reset_forgets_owner_labels)
{
    enum { SMALL = 300, LARGE = 3 };

    unsigned ind = created();
    int error = 0;
    unsigned label = label_number("reset", &error);
    label_stats_t s;
    (void)label_swap(label);
    for (unsigned i = 0; i < SMALL; i++) {
        (void)je_mallocx(100, ARENA(ind) | NO_TCACHE);
    }
    for (unsigned i = 0; i < LARGE; i++) {
        (void)je_mallocx(20000, ARENA(ind) | NO_TCACHE);
    }
    (void)label_swap(0);
    label_stats(label, &s);
    ck_assert_uint_eq(s.nmalloc - s.ndalloc, SMALL + LARGE);
    ck_assert_uint_eq(s.allocated - s.deallocated, SMALL * 112 + LARGE * 20480);
    ck_assert_int_eq(act(ind, "reset"), 0);
    label_stats(label, &s);
    ck_assert_uint_eq(s.nmalloc, s.ndalloc);
    ck_assert_uint_eq(s.allocated, s.deallocated);
    ck_assert_uint_eq(figure(ind, "pactive"), 0);
}

END_TEST

static void
free_again(void *p)
{
    je_free(p, ALLOC_CACHE_NONE);
}

START_TEST(test_reset_makes_a_later_free_misuse)
{
    unsigned ind = created();
    void *p = je_mallocx(1 << 20, ARENA(ind) | NO_TCACHE);
    ck_assert_int_eq(act(ind, "reset"), 0);
    stderr_expect_abort(free_again, p, "double free of");
}

END_TEST

/* ---- the end of an arena ----------------------------------------------- */

START_TEST(test_destroy_sums_what_the_arena_counted)
{
    enum { SMALL = 50, LARGE = 3 };

    ck_assert(!is_initialized(4097));
    uint64_t value;
    size_t len = sizeof(value);
    ck_assert_int_eq(
        je_mallctl("stats.arenas.4097.small.nmalloc", &value, &len, NULL, 0),
        ENOENT);
    for (unsigned round = 1; round < 4; round++) {
        unsigned ind = created();
        for (unsigned i = 0; i < SMALL; i++) {
            (void)je_mallocx(100, ARENA(ind) | NO_TCACHE);
        }
        for (unsigned i = 0; i < LARGE; i++) {
            (void)je_mallocx(100000, ARENA(ind) | NO_TCACHE);
        }
        size_t total = figure(4096, "small.nmalloc");
        ck_assert_int_eq(act(ind, "destroy"), 0);
        ck_assert(is_initialized(4097));
        ck_assert_uint_eq(figure(4097, "small.nmalloc"), round * SMALL);
        ck_assert_uint_eq(figure(4097, "small.ndalloc"), round * SMALL);
        ck_assert_uint_eq(figure(4097, "small.nrequests"), round * SMALL);
        ck_assert_uint_eq(figure(4097, "large.nmalloc"), round * LARGE);
        ck_assert_uint_eq(figure(4097, "pactive"), 0);
        ck_assert_uint_eq(figure(4097, "mapped"), 0);
        ck_assert_uint_eq(figure(4096, "small.nmalloc"), total - SMALL);
    }
    const char *dss = NULL;
    ck_assert_int_eq(je_mallctl("stats.arenas.4097.dss", &dss, &len, NULL, 0),
                     0);
    ck_assert_str_eq(dss, "N/A");
}

END_TEST

START_TEST(test_destroy_ends_the_index_until_it_is_given_again)
{
    unsigned ind = created(), count = arena_count();
    (void)populate(ind);
    ck_assert(is_initialized(ind));
    ck_assert_int_eq(act(ind, "destroy"), 0);
    ck_assert(!is_initialized(ind));
    ck_assert_int_eq(act(ind, "destroy"), EFAULT);
    ck_assert_int_eq(act(ind, "reset"), EFAULT);
    ck_assert_int_eq(act(ind, "purge"), 0);
    ck_assert_ptr_null(je_mallocx(100, ARENA(ind)));
    ck_assert_int_eq(je_mallctl("thread.arena", NULL, NULL, &ind, sizeof(ind)),
                     EFAULT);
    char name[64];
    size_t value, len = sizeof(value);
    uint64_t one = 1;
    (void)je_mallctl("epoch", NULL, NULL, &one, sizeof(one));
    (void)snprintf(name, sizeof(name), "stats.arenas.%u.pactive", ind);
    ck_assert_int_eq(je_mallctl(name, &value, &len, NULL, 0), ENOENT);
    (void)snprintf(name, sizeof(name), "arena.%u.dirty_decay_ms", ind);
    ck_assert_int_eq(je_mallctl(name, &value, &len, NULL, 0), EFAULT);
    ck_assert_uint_eq(created(), ind);
    ck_assert_uint_eq(arena_count(), count);
    ck_assert_uint_eq(figure(ind, "small.nmalloc"), 0);
    ck_assert_uint_eq(figure(ind, "retained"), 0);
    (void)populate(ind);
    ck_assert(arena_is_valid(arena_get(ind)));
    ck_assert_int_eq(act(ind, "destroy"), 0);
}

END_TEST

START_TEST(test_destroy_refuses_while_threads_are_bound)
{
    unsigned ind = created(), home;
    size_t len = sizeof(home);
    ck_assert_int_eq(je_mallctl("thread.arena", &home, &len, &ind, sizeof(ind)),
                     0);
    (void)malloc_fast(100);
    ck_assert_int_eq(act(ind, "destroy"), EFAULT);
    ck_assert(is_initialized(ind));
    ck_assert_int_eq(act(ind, "reset"), 0);
    ck_assert_int_eq(
        je_mallctl("thread.arena", NULL, NULL, &home, sizeof(home)), 0);
    ck_assert_int_eq(act(ind, "destroy"), 0);
}

END_TEST

START_TEST(test_destroy_keeps_the_index_while_objects_lie_in_caches)
{
    unsigned ind = created();
    other_t o;
    pthread_t t;
    start_other(&o, &t, je_mallocx(112, ARENA(ind) | NO_TCACHE));
    (void)populate(ind);
    ck_assert_int_eq(act(ind, "destroy"), 0);
    ck_assert_uint_eq(created(), ind + 1);
    (void)pthread_barrier_wait(&o.step);
    (void)pthread_barrier_wait(&o.step);
    ck_assert_ptr_eq(o.taken, o.given);
    memset(o.taken, 'x', 112);
    (void)pthread_barrier_wait(&o.step);
    (void)pthread_join(t, NULL);
    ck_assert_uint_eq(created(), ind);
    ck_assert_uint_eq(figure(ind, "pactive"), 0);
    ck_assert(arena_is_valid(arena_get(ind)));
}

END_TEST

typedef struct text {
    char *at;
    size_t len;
} text_t;

static void
collect(void *arg, const char *s)
{
    text_t *t = arg;
    size_t n = strlen(s);
    t->at = realloc(t->at, t->len + n + 1);
    memcpy(t->at + t->len, s, n + 1);
    t->len += n;
}

static bool
prints(const char *opts, const char *what)
{
    text_t t = {NULL, 0};
    je_stats_print(collect, &t, opts);
    bool found = strstr(t.at, what) != NULL;
    free(t.at);
    return found;
}

START_TEST(test_destroyed_arenas_are_printed)
{
    ck_assert(!prints("", "Destroyed arenas stats:"));
    ck_assert(!prints("J", "\"destroyed\""));
    ck_assert_int_eq(act(created(), "destroy"), 0);
    ck_assert(prints("", "Destroyed arenas stats:"));
    ck_assert(prints("J", "\"destroyed\""));
    ck_assert(!prints("d", "Destroyed arenas stats:"));
    ck_assert(!prints("Jd", "\"destroyed\""));
    ck_assert(prints("ma", "Destroyed arenas stats:"));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("reset");
    TCase *tc = tcase_create("reset");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_reset_discards_everything_and_the_arena_goes_on);
    tcase_add_test(tc, test_reset_is_for_arenas_that_were_created);
    tcase_add_test(tc, test_reset_leaves_what_lies_in_another_threads_cache);
    tcase_add_test(tc, test_reset_leaves_what_lies_in_a_created_cache);
    tcase_add_test(tc, test_reset_empties_the_callers_own_cache);
    tcase_add_test(tc, test_reset_forgets_samples);
    tcase_add_test(tc, test_reset_forgets_owner_labels);
    tcase_add_test(tc, test_reset_makes_a_later_free_misuse);
    tcase_add_test(tc, test_destroy_sums_what_the_arena_counted);
    tcase_add_test(tc, test_destroy_ends_the_index_until_it_is_given_again);
    tcase_add_test(tc, test_destroy_refuses_while_threads_are_bound);
    tcase_add_test(tc,
                   test_destroy_keeps_the_index_while_objects_lie_in_caches);
    tcase_add_test(tc, test_destroyed_arenas_are_printed);
    suite_add_tcase(s, tc);
    return util_run(s);
}
