/*
 * alloc/sweep.c: what may happen while pages of slabs are on their way: hooks
 * refuse or fork, and other threads fork, free and reset.
 */
#include "t/unit/holes.h"

#include <pthread.h>
#include <sys/wait.h>

/* ---- hooks and fork ---------------------------------------------------- */

static struct {
    jea_extent_hooks_t *system;
    unsigned calls;
    bool refuses;
    bool resets; /* another thread does, while pages are on their way */
    pid_t child; /* -1: fork; 0: this is the child */
} hook;

static bool
hook_purge_forced(jea_extent_hooks_t *hooks, void *addr, size_t size,
                  size_t offset, size_t length, unsigned arena)
{
    (void)hooks;
    hook.calls++;
    ck_assert_uint_eq((offset | length) & OS_PAGE_MASK, 0);
    ck_assert_uint_le(offset + length, size);
    if (hook.child == -1) {
        hook.child = fork();
        ck_assert_int_ge(hook.child, 0);
    }
    return hook.refuses || hook.system->purge_forced(hook.system, addr, size,
                                                     offset, length, arena);
}

static jea_extent_hooks_t hooks;

static void
sow_with_hooks(void)
{
    hook.system = pac_hooks(&arena_get(0)->pac);
    hook.child = 1;
    hooks = *hook.system;
    hooks.purge_forced = hook_purge_forced;
    sow_in(arena_create_with(&hooks), SIZE, SLABS, 0);
}

START_TEST(test_hooks_are_asked_for_a_part)
{
    sow_with_hooks();
    arena_purge(field.arena);
    ck_assert_uint_ge(hook.calls, SLABS);
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_what_is_refused_has_no_mark)
{
    field.second = 8; /* the first on page 1 */
    sow_with_hooks();
    hook.refuses = true;
    decay_at(0);
    hook.calls = 0;
    decay_at(QUARTER);
    ck_assert_uint_eq(hook.calls, SLABS);
    expect_gaps(0);
    ck_assert_uint_eq(field.bin->stats.nonfull_slabs, SLABS + 1);
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now + QUARTER),
                      UINT64_MAX);
    decay_at(2 * QUARTER);
    decay_at(3 * QUARTER);
    ck_assert_uint_eq(hook.calls, SLABS); /* not again on schedule */
    hook.refuses = false;
    arena_purge(field.arena);
    expect_gaps(0xc);
    arena_flush(field.szind, field.seconds, field.nseconds);
    decay_at(4 * QUARTER);
    decay_at(5 * QUARTER);
    expect_gaps(0xe); /* and now it is */
}

END_TEST

START_TEST(test_new_hooks_are_asked_again)
{
    sow_with_hooks();
    hook.refuses = true;
    arena_purge(field.arena);
    expect_gaps(0);
    jea_extent_hooks_t *others = hook.system;
    char name[64];
    (void)snprintf(name, sizeof(name), "arena.%u.extent_hooks",
                   field.arena->ind);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, &others, sizeof(others)), 0);
    decay_at(10 * QUARTER);
    decay_at(11 * QUARTER);
    expect_gaps(0xe);
}

END_TEST

static void
expect_all_works(void)
{
    static void *p[REGIONS_MAX];
    unsigned n = SLABS * field.info->nregs;
    ck_assert(arena_is_valid(field.arena));
    fill(p, n);
    for (unsigned i = 0; i < n; i++) {
        stamp(p[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        expect_stamp(p[i]);
    }
    expect_live_is_intact();
    arena_flush(field.szind, p, n);
    ck_assert(arena_is_valid(field.arena));
}

static void
expect_child_is_fine(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(test_a_child_has_the_same_gaps)
{
    sow(SIZE, SLABS, 0);
    arena_purge(field.arena);
    pid_t child = fork();
    if (child == 0) {
        ck_assert_uint_eq(field.arena->pac.ngaps, SLABS * FREE_PAGES);
        expect_all_works();
        _exit(0);
    }
    expect_child_is_fine(child);
    expect_gaps(0xe);
    expect_all_works();
}

END_TEST

/* The child of a hook is in the midst of it, and goes on. */
START_TEST(test_a_fork_by_a_hook_is_survived)
{
    sow_with_hooks();
    hook.child = -1;
    arena_purge(field.arena);
    if (hook.child == 0) {
        ck_assert_uint_eq(field.bin->nmoving, 0);
        ck_assert_uint_eq(field.arena->pac.decay_dirty.npurging, 0);
        expect_gaps(0xe);
        expect_all_works();
        ck_assert(arena_reset(field.arena));
        _exit(0);
    }
    expect_child_is_fine(hook.child);
    expect_gaps(0xe);
    expect_all_works();
}

END_TEST

static int pipes[2][2];

static bool
hook_that_waits(jea_extent_hooks_t *h, void *addr, size_t size, size_t offset,
                size_t length, unsigned arena)
{
    char c = 'x';
    (void)h;
    if (!hook.refuses) {
        hook.refuses = true; /* once */
        ck_assert_int_eq(write(pipes[0][1], &c, 1), 1);
        ck_assert_int_eq(read(pipes[1][0], &c, 1), 1);
    }
    return hook.system->purge_forced(hook.system, addr, size, offset, length,
                                     arena);
}

static void *
purger(void *arg)
{
    (void)arg;
    arena_decay(field.arena, field.now + QUARTER);
    return NULL;
}

static pthread_t
begin_purge(void)
{
    pthread_t t;
    char c;
    sow_with_hooks();
    decay_at(0);
    hooks.purge_forced = hook_that_waits;
    ck_assert_int_eq(pipe(pipes[0]) | pipe(pipes[1]), 0);
    ck_assert_int_eq(pthread_create(&t, NULL, purger, NULL), 0);
    ck_assert_int_eq(read(pipes[0][0], &c, 1), 1);
    ck_assert_uint_eq(field.bin->nmoving, BIN_MOVING_MAX);
    ck_assert_uint_eq(field.arena->pac.decay_dirty.npurging, 1);
    return t;
}

static void
end_purge(pthread_t t)
{
    ck_assert_int_eq(write(pipes[1][1], "x", 1), 1);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    ck_assert_uint_eq(field.arena->pac.decay_dirty.npurging, 0);
}

/* What another thread was giving back is no lock that anybody waits for. */
START_TEST(test_a_fork_while_another_thread_purges_is_survived)
{
    pthread_t t = begin_purge();
    pid_t child = fork();
    if (child == 0) {
        ck_assert(!field.arena->is_quarantined);
        ck_assert_uint_eq(field.arena->pac.ngaps, 0);
        expect_all_works();
        decay_at(2 * QUARTER);
        decay_at(3 * QUARTER);
        ck_assert_uint_gt(field.arena->pac.ngaps, 0);
        arena_flush(field.szind, field.live, field.nlive);
        ck_assert(arena_reset(field.arena));
        _exit(0);
    }
    expect_child_is_fine(child);
    end_purge(t);
    expect_gaps(0xe);
}

END_TEST

/* Nobody looks while another one does, on schedule. */
START_TEST(test_one_looks_at_a_time)
{
    pthread_t t = begin_purge();
    arena_decay(field.arena, field.now + QUARTER);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    ck_assert_uint_eq(field.bin->nmoving, BIN_MOVING_MAX);
    end_purge(t);
    expect_gaps(0xe);
}

END_TEST

/* Regions come back to slabs whose pages are on their way. */
START_TEST(test_frees_do_not_wait_for_a_purge)
{
    pthread_t t = begin_purge();
    arena_flush(field.szind, field.live, field.nlive);
    field.nlive = 0;
    ck_assert_uint_eq(field.bin->stats.curslabs, BIN_MOVING_MAX + 1);
    end_purge(t);
    ck_assert(arena_is_valid(field.arena));
    arena_purge(field.arena);
    ck_assert_uint_eq(field.bin->stats.curslabs, 0);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    expect_all_works();
}

END_TEST

static void *
resetter(void *arg)
{
    __atomic_store_n((bool *)arg, arena_reset(field.arena), __ATOMIC_RELAXED);
    return NULL;
}

START_TEST(test_reset_waits_for_a_purge)
{
    bool done = false;
    pthread_t t = begin_purge(), r;
    ck_assert_int_eq(pthread_create(&r, NULL, resetter, &done), 0);
    (void)usleep(20000);
    ck_assert(!__atomic_load_n(&done, __ATOMIC_RELAXED));
    ck_assert_uint_eq(field.bin->nmoving, BIN_MOVING_MAX);
    end_purge(t);
    ck_assert_int_eq(pthread_join(r, NULL), 0);
    ck_assert(done);
    arena_purge(field.arena);
    ck_assert_uint_eq(field.arena->pac.nactive, 0);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("holes_away");
    TCase *tc = tcase_create("holes_away");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_hooks_are_asked_for_a_part);
    tcase_add_test(tc, test_what_is_refused_has_no_mark);
    tcase_add_test(tc, test_new_hooks_are_asked_again);
    tcase_add_test(tc, test_a_child_has_the_same_gaps);
    tcase_add_test(tc, test_a_fork_by_a_hook_is_survived);
    tcase_add_test(tc, test_a_fork_while_another_thread_purges_is_survived);
    tcase_add_test(tc, test_one_looks_at_a_time);
    tcase_add_test(tc, test_frees_do_not_wait_for_a_purge);
    tcase_add_test(tc, test_reset_waits_for_a_purge);
    suite_add_tcase(s, tc);
    return util_run(s);
}
