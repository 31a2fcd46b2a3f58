/*
 * Groups of arenas that share their large objects.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "alloc/arena_choice.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "jealloc.h"
#include "t/util.h"

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_uint_eq(tsd_get()->arena->ind, 0);
}

static unsigned
arena_of_new(size_t size)
{
    void *p = jea_malloc(size);
    ck_assert_ptr_nonnull(p);
    unsigned ind = emap_extent((uintptr_t)p)->arena_ind;
    jea_free(p);
    return ind;
}

static void
set_arena(unsigned ind)
{
    ck_assert_int_eq(jea_mallctl("thread.arena", NULL, NULL, &ind, sizeof(ind)),
                     0);
}

static void
act(const char *what, unsigned ind)
{
    char name[32];
    snprintf(name, sizeof(name), "arena.%u.%s", ind, what);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
}

static void
in_thread(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void *
sizes_run(void *arg)
{
    unsigned own = tsd_get()->arena->ind;
    (void)arg;
    ck_assert_uint_ne(own, 0);
    ck_assert_uint_eq(arena_of_new(ARENA_SHARED_MIN), 0);
    ck_assert_uint_eq(arena_of_new(ARENA_SHARED_MIN * 7 / 8), own);
    ck_assert_uint_eq(arena_of_new(100), own);
    return NULL;
}

START_TEST(test_group_has_large_objects_of_its_threads_in_one_arena)
{
    in_thread(sizes_run, NULL);
}

END_TEST

static void *
chosen_run(void *arg)
{
    unsigned own = tsd_get()->arena->ind;
    void *p = jea_mallocx(ARENA_SHARED_MIN, (int)((own + 1) << 20));
    (void)arg;
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(emap_extent((uintptr_t)p)->arena_ind, own);
    jea_free(p);
    set_arena(own); /* the same, but now the program says so */
    ck_assert_uint_eq(arena_of_new(ARENA_SHARED_MIN), own);
    set_arena(3);
    ck_assert_uint_eq(arena_of_new(ARENA_SHARED_MIN), 3);
    return NULL;
}

START_TEST(test_group_leaves_what_a_program_chose)
{
    in_thread(chosen_run, NULL);
    in_thread(sizes_run, NULL); /* a new thread has not chosen */
}

END_TEST

START_TEST(test_group_is_of_eight_automatic_arenas)
{
    arena_t *arena[10];
    for (unsigned i = 0; i < 10; i++) {
        arena[i] = arena_get_or_make(i);
        ck_assert_ptr_nonnull(arena[i]);
    }
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_ptr_eq(arena_of_group(arena[i]), arena[i < 8 ? 0 : 8]);
    }
    arena_t *created = arena_create();
    ck_assert_ptr_eq(arena_of_group(created), created);
    arena[8]->is_quarantined = true;
    ck_assert_ptr_eq(arena_of_group(arena[9]), arena[9]);
}

END_TEST

START_TEST(test_group_is_not_of_arenas_with_settings_of_their_own)
{
    arena_t *arena[3];
    for (unsigned i = 0; i < 3; i++) {
        arena[i] = arena_get_or_make(i);
    }
    ck_assert(pac_set_decay_ms(&arena[1]->pac, PAC_DIRTY, 7));
    ck_assert_ptr_eq(arena_of_group(arena[1]), arena[1]);
    ck_assert_ptr_eq(arena_of_group(arena[2]), arena[0]);
    ck_assert(pac_set_decay_ms(&arena[0]->pac, PAC_DIRTY, 7));
    ck_assert_ptr_eq(arena_of_group(arena[1]), arena[0]);
    ck_assert_ptr_eq(arena_of_group(arena[2]), arena[2]);
    ck_assert(pac_set_decay_ms(&arena[0]->pac, PAC_MUZZY, 7));
    ck_assert_ptr_eq(arena_of_group(arena[1]), arena[1]);
    ck_assert(pac_set_decay_ms(&arena[1]->pac, PAC_MUZZY, 7));
    arena[1]->pac.oversize_threshold = 1 << 20;
    ck_assert_ptr_eq(arena_of_group(arena[1]), arena[1]);
    arena[1]->pac.oversize_threshold = arena[0]->pac.oversize_threshold;
    arena[1]->pac.dss++;
    ck_assert_ptr_eq(arena_of_group(arena[1]), arena[1]);
    arena[1]->pac.dss--;
    ck_assert_ptr_eq(arena_of_group(arena[1]), arena[0]);
}

END_TEST

START_TEST(test_group_is_not_of_arenas_with_hooks)
{
    struct jea_extent_hooks *hooks = pac_hooks(&tsd_get()->arena->pac);
    arena_t *first = arena_get_or_make(0), *arena = arena_get_or_make(1);
    static jea_extent_hooks_t copy;
    copy = *hooks;
    pac_set_hooks(&arena->pac, &copy);
    ck_assert_ptr_eq(arena_of_group(arena), arena);
    pac_set_hooks(&arena->pac, hooks);
    ck_assert_ptr_eq(arena_of_group(arena), first);
    pac_set_hooks(&first->pac, &copy);
    ck_assert_ptr_eq(arena_of_group(arena), arena);
}

END_TEST

static void *
torn_run(void *arg)
{
    unsigned own = tsd_get()->arena->ind;
    (void)arg;
    arena_get(0)->pac.is_torn = true; /* as in a child, before that is known */
    ck_assert_uint_eq(arena_of_new(ARENA_SHARED_MIN), own);
    arena_get(0)->pac.is_torn = false;
    return NULL;
}

START_TEST(test_group_without_pages_leaves_the_own_arena)
{
    in_thread(torn_run, NULL);
}

END_TEST

/* A child whose thread had an arena that is lost now. */
START_TEST(test_group_is_joined_again_with_another_arena)
{
    tsd_t *tsd = tsd_get();
    set_arena(2);
    ck_assert(tsd->is_arena_chosen);
    ck_assert(!tsd_leave_quarantine(tsd));
    ck_assert(tsd->is_arena_chosen);
    arena_get(2)->is_quarantined = true;
    ck_assert(tsd_leave_quarantine(tsd));
    ck_assert_uint_ne(tsd->arena->ind, 2);
    ck_assert(!tsd->is_arena_chosen);
}

END_TEST

static void *
free_run(void *arg)
{
    (void)arg;
    jea_free(jea_malloc(ARENA_SHARED_MIN));
    return NULL;
}

/* Whoever knows only that arena must be able to give back what it left. */
START_TEST(test_group_is_purged_with_each_of_its_arenas)
{
    in_thread(free_run, NULL);
    arena_t *first = arena_get(0);
    ck_assert_uint_ge(first->pac.dirty.npages, ARENA_SHARED_MIN >> OS_LG_PAGE);
    act("purge", 1);
    ck_assert_uint_eq(first->pac.dirty.npages, 0);
}

END_TEST

static void *
give_run(void *arg)
{
    void **p = arg;
    *p = jea_malloc(ARENA_SHARED_MIN);
    ck_assert_ptr_nonnull(*p);
    return NULL;
}

/* Neighbours that two threads had are one run when they are free. */
START_TEST(test_group_merges_what_its_threads_leave)
{
    void *p[2];
    in_thread(give_run, &p[0]);
    in_thread(give_run, &p[1]);
    ck_assert_ptr_eq(p[1], (char *)p[0] + ARENA_SHARED_MIN);
    jea_free(p[0]);
    jea_free(p[1]);
    void *q = jea_malloc(2 * ARENA_SHARED_MIN);
    ck_assert_ptr_eq(q, p[0]);
    jea_free(q);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("group");
    TCase *tc = tcase_create("group");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc,
                   test_group_has_large_objects_of_its_threads_in_one_arena);
    tcase_add_test(tc, test_group_leaves_what_a_program_chose);
    tcase_add_test(tc, test_group_is_of_eight_automatic_arenas);
    tcase_add_test(tc, test_group_is_not_of_arenas_with_settings_of_their_own);
    tcase_add_test(tc, test_group_is_not_of_arenas_with_hooks);
    tcase_add_test(tc, test_group_without_pages_leaves_the_own_arena);
    tcase_add_test(tc, test_group_is_joined_again_with_another_arena);
    tcase_add_test(tc, test_group_is_purged_with_each_of_its_arenas);
    tcase_add_test(tc, test_group_merges_what_its_threads_leave);
    suite_add_tcase(s, tc);
    return util_run(s);
}
