/*
 * Arenas that no thread allocates from: their unused pages go back, too.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "alloc/arena.h"
#include "alloc/background.h"
#include "alloc/conf.h"
#include "alloc/malloc.h"
#include "alloc/tsd.h"
#include "jealloc.h"
#include "t/util.h"

static void
setup(void)
{
    ck_assert(je_boot());
}

static size_t
dirty_pages(const arena_t *arena)
{
    return atomic_load_rlx(&arena->pac.dirty.npages);
}

/* The time that pages have, and a while. */
static void
wait_for_decay(void)
{
    struct timespec pause = {.tv_nsec = 300000000};
    nanosleep(&pause, NULL);
}

/* An arena that no thread allocates from, with unused pages whose time is over.
 */
static arena_t *
idle_arena(void)
{
    arena_t *arena = arena_get_or_make(arenas_auto - 1);
    int64_t soon = 200;
    char name[64];
    ck_assert_ptr_nonnull(arena);
    ck_assert_ptr_ne(arena, tsd_get()->arena);
    snprintf(name, sizeof(name), "arena.%u.dirty_decay_ms", arenas_auto - 1);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, &soon, sizeof(soon)), 0);
    extent_t *e = arena_large_alloc(arena, 1 << 20, OS_PAGE, false);
    ck_assert_ptr_nonnull(e);
    memset(extent_object(e), 1, 1 << 20);
    arena_large_dalloc(e);
    wait_for_decay();
    ck_assert_uint_ge(dirty_pages(arena), 256);
    return arena;
}

START_TEST(test_pages_of_idle_arenas_decay_as_others_allocate)
{
    ck_assert_uint_gt(arenas_auto, 1);
    jea_free(jea_malloc(2048)); /* needs no pages, of its arena or another */
    arena_t *arena = idle_arena();
    /* once to see them, once to see that they are old */
    for (unsigned round = 0; round < 2; round++) {
        wait_for_decay();
        for (size_t n = 0;
             n < 4 * (arenas_auto + 1) * conf.tcache_gc_incr_bytes; n += 2048) {
            jea_free(jea_malloc(2048));
        }
    }
    ck_assert_uint_eq(dirty_pages(arena), 0);
}

END_TEST

/* And of course its own. */
START_TEST(test_pages_of_an_arena_decay_as_its_threads_allocate)
{
    arena_t *arena = tsd_get()->arena;
    ck_assert(pac_set_decay_ms(&arena->pac, PAC_DIRTY, 200));
    jea_free(jea_malloc(2048));
    extent_t *e = arena_large_alloc(arena, 1 << 20, OS_PAGE, false);
    ck_assert_ptr_nonnull(e);
    arena_large_dalloc(e);
    ck_assert_uint_ge(dirty_pages(arena), 256);
    for (unsigned round = 0; round < 2; round++) {
        wait_for_decay();
        for (size_t n = 0; n < 4 * conf.tcache_gc_incr_bytes; n += 2048) {
            jea_free(jea_malloc(2048));
        }
    }
    ck_assert_uint_eq(dirty_pages(arena), 0);
}

END_TEST

/* Then none of a program's threads waits for the kernel. */
START_TEST(test_helper_threads_take_it_over)
{
    tsd_t *tsd = tsd_get();
    for (unsigned round = 0; round < 2; round++) {
        ck_assert(background_set(round == 0));
        unsigned before = tsd->ticks;
        for (size_t n = 0; n < 8 * conf.tcache_gc_incr_bytes; n += 2048) {
            jea_free(jea_malloc(2048));
        }
        ck_assert_int_eq(tsd->ticks == before, round == 0);
    }
}

END_TEST

START_TEST(test_pages_of_idle_arenas_decay_as_others_free)
{
    static const struct {
        size_t size;
        unsigned n;
    } kinds[] = {{64, 800000}, {16384, 4000}};

    static void *p[800000];
    unsigned n = kinds[_i].n;
    for (unsigned i = 0; i < n; i++) {
        p[i] = jea_malloc(kinds[_i].size);
    }
    arena_t *arena = idle_arena();
    for (unsigned i = 0; i < n; i++) {
        if (i == n / 2) {
            wait_for_decay();
        }
        jea_free(p[i]);
    }
    ck_assert_uint_eq(dirty_pages(arena), 0);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("idle");
    TCase *tc = tcase_create("idle");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_pages_of_idle_arenas_decay_as_others_allocate);
    tcase_add_test(tc, test_pages_of_an_arena_decay_as_its_threads_allocate);
    tcase_add_test(tc, test_helper_threads_take_it_over);
    tcase_add_loop_test(tc, test_pages_of_idle_arenas_decay_as_others_free, 0,
                        2);
    suite_add_tcase(s, tc);
    return util_run(s);
}
