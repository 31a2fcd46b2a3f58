/*
 * alloc/tcaches.c and its named values: caches that a program creates, and what
 * a thread held at most.
 */
#include "alloc/tcaches.h"

#include <errno.h>
#include <string.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/ctl.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/mallocx.h"
#include "alloc/stats.h"
#include "alloc/tcache.h"
#include "t/unit/stderr.h"

#define NO_TCACHE 0x100
#define TCACHE(t) ((int)(((t) + 2) << 8))
#define ARENA(a)  ((int)(((unsigned)(a) + 1) << 20))

enum { OBJECTS = 20, SIZE = 112 };

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_ptr_nonnull(tsd_get());
}

static unsigned
created(void)
{
    unsigned id = UINT32_MAX;
    size_t len = sizeof(id);
    ck_assert_int_eq(je_mallctl("tcache.create", &id, &len, NULL, 0), 0);
    return id;
}

static int
act(const char *name, unsigned id)
{
    return je_mallctl(name, NULL, NULL, &id, sizeof(id));
}

static size_t
cached_bytes(void)
{
    uint64_t one = 1;
    size_t bytes, len = sizeof(bytes);
    ck_assert_int_eq(je_mallctl("epoch", NULL, NULL, &one, sizeof(one)), 0);
    ck_assert_int_eq(
        je_mallctl("stats.arenas.4096.tcache_bytes", &bytes, &len, NULL, 0), 0);
    return bytes;
}

static unsigned
objects_in(unsigned id)
{
    tsd_t *cache = tcaches_peek(id);
    unsigned n = 0, end = cache == NULL ? 0 : SC_NCACHED;
    if (cache != NULL && cache->more != NULL) {
        end = SC_NCACHED_MAX;
    }
    for (unsigned cls = 1; cls <= end; cls++) {
        n += (unsigned)(tsd_bin(cache, cls)->head -
                        tsd_bin_cold(cache, cls)->base);
    }
    return n;
}

START_TEST(test_tcaches_are_created_up_to_the_limit_and_ids_come_back)
{
    for (unsigned i = 0; i < TCACHES_MAX; i++) {
        ck_assert_uint_eq(created(), i);
    }
    unsigned id;
    size_t len = sizeof(id);
    ck_assert_int_eq(je_mallctl("tcache.create", &id, &len, NULL, 0), EFAULT);
    ck_assert_int_eq(act("tcache.destroy", 1234), 0);
    ck_assert_int_eq(act("tcache.destroy", 1234), EFAULT);
    ck_assert_int_eq(act("tcache.flush", 1234), EFAULT);
    ck_assert_uint_eq(created(), 1234);
    void *p = je_mallocx(SIZE, TCACHE(TCACHES_MAX - 1));
    ck_assert_ptr_nonnull(p);
    je_dallocx(p, TCACHE(TCACHES_MAX - 1));
    for (unsigned i = 0; i < TCACHES_MAX; i++) {
        ck_assert_int_eq(act("tcache.destroy", i), 0);
    }
    ck_assert_int_eq(act("tcache.flush", TCACHES_MAX), EFAULT);
    ck_assert_int_eq(act("tcache.destroy", UINT32_MAX), EFAULT);
}

END_TEST

START_TEST(test_tcaches_names_check_sizes_and_rights)
{
    unsigned id = 77;
    size_t len = 2;
    ck_assert_int_eq(je_mallctl("tcache.create", &id, &len, NULL, 0), EINVAL);
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(je_mallctl("tcache.create", NULL, NULL, NULL, 0), EINVAL);
    len = sizeof(id);
    ck_assert_int_eq(je_mallctl("tcache.create", &id, &len, &id, sizeof(id)),
                     EPERM);
    ck_assert_uint_eq(id, 77);
    ck_assert_ptr_null(tcaches_peek(0));
    static const char *const actions[] = {"tcache.flush", "tcache.destroy"};
    for (unsigned i = 0; i < JE_ARRAY_LEN(actions); i++) {
        ck_assert_int_eq(je_mallctl(actions[i], NULL, NULL, NULL, 0), EINVAL);
        ck_assert_int_eq(je_mallctl(actions[i], NULL, NULL, &id, 2), EINVAL);
        ck_assert_int_eq(je_mallctl(actions[i], &id, &len, NULL, 0), EPERM);
    }
}

END_TEST

START_TEST(test_tcaches_hold_what_is_freed_into_them_until_flushed)
{
    static const size_t sizes[] = {8,     SIZE,  14336,   16384,
                                   32768, 40960, 1 << 20, 8 << 20};
    conf.tcache_max = 8 << 20;
    tcache_flush(tsd_get());
    size_t before = cached_bytes();
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        unsigned id = created();
        void *p = je_mallocx(sizes[i], NO_TCACHE);
        size_t usable = je_sallocx(p, 0);
        je_dallocx(p, TCACHE(id));
        ck_assert_uint_eq(objects_in(id), 1);
        ck_assert_uint_eq(cached_bytes() - before, usable);
        ck_assert_ptr_ne(je_mallocx(sizes[i], NO_TCACHE), p);
        ck_assert_ptr_eq(je_mallocx(sizes[i], TCACHE(id)), p);
        ck_assert_uint_eq(objects_in(id), 0);
        je_sdallocx(p, sizes[i], TCACHE(id));
        ck_assert_uint_eq(objects_in(id), 1);
        ck_assert_int_eq(act("tcache.flush", id), 0);
        ck_assert_uint_eq(objects_in(id), 0);
        ck_assert_uint_eq(cached_bytes(), before);
        p = je_mallocx(sizes[i], TCACHE(id));
        je_dallocx(p, TCACHE(id));
        ck_assert_int_eq(act("tcache.destroy", id), 0);
        ck_assert_uint_eq(cached_bytes(), before);
    }
}

END_TEST

/* Nobody counts what is taken from them, and so it is not missed. */
START_TEST(test_tcaches_grow_with_what_is_freed_into_them)
{
    enum { MANY = 2000 };

    static void *p[MANY];
    unsigned id = created(), cls = sz_index(64) + 1;
    for (unsigned i = 0; i < MANY; i++) {
        p[i] = je_mallocx(64, NO_TCACHE);
    }
    for (unsigned i = 0; i < MANY; i++) {
        je_dallocx(p[i], TCACHE(id));
    }
    const tsd_t *cache = tcaches_peek(id);
    ck_assert_int_eq(cache->bins[cls].full - cache->cold[cls].base, 1024);
}

END_TEST

START_TEST(test_tcaches_fill_from_the_arena_and_give_back_to_it)
{
    arena_t *arenas_of[] = {arena_create(), arena_create()};
    unsigned id = created();
    unsigned cls = sz_index(SIZE);
    void *p[2][OBJECTS];
    for (unsigned a = 0; a < 2; a++) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            p[a][i] = je_mallocx(SIZE, TCACHE(id) | ARENA(arenas_of[a]->ind));
            ck_assert_ptr_nonnull(p[a][i]);
        }
        ck_assert_uint_gt(arenas_of[a]->bins[cls].stats.nmalloc, 0);
        /* what the first fill left would serve the second arena's requests */
        ck_assert_int_eq(act("tcache.flush", id), 0);
    }
    for (unsigned a = 0; a < 2; a++) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            ck_assert_uint_eq(emap_extent((uintptr_t)p[a][i])->arena_ind,
                              arenas_of[a]->ind);
            je_dallocx(p[a][i], TCACHE(id) | ARENA(arenas_of[1 - a]->ind));
        }
    }
    ck_assert_int_eq(act("tcache.destroy", id), 0);
    for (unsigned a = 0; a < 2; a++) {
        const bin_stats_t *s = &arenas_of[a]->bins[cls].stats;
        ck_assert_uint_eq(s->nmalloc, s->ndalloc);
        ck_assert_uint_eq(s->nrequests, OBJECTS);
    }
}

END_TEST

START_TEST(test_tcaches_serve_rallocx)
{
    unsigned id = created();
    char *p = je_mallocx(100, TCACHE(id));
    memset(p, 'x', 100);
    char *q = je_rallocx(p, 1000, TCACHE(id));
    ck_assert_ptr_ne(p, q);
    ck_assert_int_eq(q[99], 'x');
    ck_assert_ptr_eq(je_mallocx(100, TCACHE(id)), p);
    je_dallocx(q, TCACHE(id));
    ck_assert_ptr_eq(je_mallocx(1000, TCACHE(id)), q);
    je_dallocx(p, NO_TCACHE);
    je_dallocx(q, NO_TCACHE);
    ck_assert_int_eq(act("tcache.destroy", id), 0);
}

END_TEST

START_TEST(test_tcaches_random_traffic_over_several)
{
    enum { CACHES = 4, LIVE = 300, ROUNDS = 60000 };

    uint64_t seed = util_seed();
    arena_t *arena = arena_create();
    unsigned id[CACHES];
    unsigned char *live[LIVE] = {NULL};
    for (unsigned i = 0; i < CACHES; i++) {
        id[i] = created();
    }
    for (unsigned n = 0; n < ROUNDS; n++) {
        unsigned at = (unsigned)util_random_below(&seed, LIVE);
        int flags = TCACHE(id[util_random_below(&seed, CACHES)]);
        if (live[at] != NULL) {
            size_t usable = je_sallocx(live[at], 0);
            ck_assert_int_eq(live[at][0], (int)(at & 0xff));
            ck_assert_int_eq(live[at][usable - 1], (int)(at & 0xff));
            je_dallocx(live[at], flags);
            live[at] = NULL;
            continue;
        }
        if (util_random_below(&seed, 3) == 0) {
            flags |= ARENA(arena->ind);
        }
        size_t most = util_random_below(&seed, 20) == 0 ? 40000 : 2000;
        live[at] = je_mallocx(1 + util_random_below(&seed, most), flags);
        memset(live[at], (int)(at & 0xff), je_sallocx(live[at], 0));
        if (n % 1000 == 0) {
            ck_assert_int_eq(act("tcache.flush", id[n / 1000 % CACHES]), 0);
        }
    }
    for (unsigned i = 0; i < LIVE; i++) {
        if (live[i] != NULL) {
            je_dallocx(live[i], TCACHE(id[0]));
        }
    }
    for (unsigned i = 0; i < CACHES; i++) {
        ck_assert_int_eq(act("tcache.destroy", id[i]), 0);
    }
    ck_assert(arena_is_valid(arena));
    for (unsigned i = 0; i < SC_NBINS; i++) {
        ck_assert_uint_eq(arena->bins[i].stats.nmalloc,
                          arena->bins[i].stats.ndalloc);
    }
}

END_TEST

static void
use(void *arg)
{
    (void)je_mallocx(SIZE, *(int *)arg);
}

static void
free_into(void *arg)
{
    je_dallocx(je_mallocx(SIZE, 0), *(int *)arg);
}

START_TEST(test_tcaches_unknown_id_is_misuse)
{
    int flags = TCACHE(3);
    stderr_expect_abort(use, &flags, "thread cache 3 was not created");
    stderr_expect_abort(free_into, &flags, "thread cache 3 was not created");
    flags = TCACHE(TCACHES_MAX);
    stderr_expect_abort(use, &flags, "thread cache 4093 was not created");
}

END_TEST

START_TEST(test_tcaches_of_the_child_are_whole)
{
    unsigned quiet = created(), torn = created();
    void *kept = je_mallocx(SIZE, NO_TCACHE), *lost = je_mallocx(SIZE, 0);
    je_dallocx(kept, TCACHE(quiet));
    je_dallocx(lost, TCACHE(torn));
    (void)tcaches_enter(torn); /* another thread is in it */
    pid_t child = fork();
    if (child == 0) {
        bool ok = je_mallocx(SIZE, TCACHE(quiet)) == kept &&
                  je_mallocx(SIZE, TCACHE(torn)) != lost &&
                  act("tcache.flush", torn) == 0 && created() == 2;
        _exit(ok ? 0 : 1);
    }
    int status = -1;
    (void)waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    tcaches_leave(tcaches_peek(torn));
    ck_assert_int_eq(act("tcache.destroy", torn), 0);
}

END_TEST

/* ---- what a thread held at most ---------------------------------------- */

static uint64_t
peak(void)
{
    uint64_t bytes;
    size_t len = sizeof(bytes);
    ck_assert_int_eq(je_mallctl("thread.peak.read", &bytes, &len, NULL, 0), 0);
    return bytes;
}

START_TEST(test_peak_is_the_most_since_the_reset)
{
    ck_assert_int_eq(je_mallctl("thread.peak.reset", NULL, NULL, NULL, 0), 0);
    ck_assert_uint_eq(peak(), 0);
    void *a = je_mallocx(1 << 20, 0), *b = je_mallocx(1 << 19, 0);
    je_dallocx(a, 0);
    ck_assert_uint_eq(peak(), 3 << 19);
    je_dallocx(b, 0);
    void *c = je_mallocx(1 << 20, 0);
    ck_assert_uint_eq(peak(), 3 << 19);
    ck_assert_int_eq(je_mallctl("thread.peak.reset", NULL, NULL, NULL, 0), 0);
    je_dallocx(c, 0);
    ck_assert_uint_eq(peak(), 0);
    /* 1 MiB below the mark now: only what goes beyond counts */
    c = je_mallocx(5 << 18, 0);
    ck_assert_uint_eq(peak(), 1 << 18);
    je_dallocx(c, 0);
    ck_assert_int_eq(je_mallctl("thread.peak.reset", NULL, NULL, &c, 8), EPERM);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("tcaches");
    TCase *tc = tcase_create("tcaches");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc,
                   test_tcaches_are_created_up_to_the_limit_and_ids_come_back);
    tcase_add_test(tc, test_tcaches_names_check_sizes_and_rights);
    tcase_add_test(tc, test_tcaches_hold_what_is_freed_into_them_until_flushed);
    tcase_add_test(tc, test_tcaches_grow_with_what_is_freed_into_them);
    tcase_add_test(tc, test_tcaches_fill_from_the_arena_and_give_back_to_it);
    tcase_add_test(tc, test_tcaches_serve_rallocx);
    tcase_add_test(tc, test_tcaches_random_traffic_over_several);
    tcase_add_test(tc, test_tcaches_unknown_id_is_misuse);
    tcase_add_test(tc, test_tcaches_of_the_child_are_whole);
    tcase_add_test(tc, test_peak_is_the_most_since_the_reset);
    suite_add_tcase(s, tc);
    return util_run(s);
}
