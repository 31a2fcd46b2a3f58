/*
 * The seven figures of each lock that this allocator has, under the name that
 * shows it: one thread waits for another asleep, and once more awake.
 */
#include "os/mutex.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "alloc/arena.h"
#include "alloc/background.h"
#include "alloc/ctl.h"
#include "alloc/malloc.h"
#include "alloc/malloc_fast.h"
#include "alloc/meta.h"
#include "alloc/prof_recent.h"
#include "alloc/prof_table.h"
#include "t/util.h"

enum { HELD_NS = 20000000, BIN = 5, NAME_BYTES = 96 };

static arena_t *arena;

static os_mutex_t *
pages_lock(void)
{
    return &arena->pac.mtx;
}

static os_mutex_t *
bin_lock(void)
{
    return &arena->bins[BIN].mtx;
}

static os_mutex_t *
base_lock(void)
{
    return meta_mutex(0);
}

static os_mutex_t *
pool_lock(void)
{
    return meta_mutex(1);
}

static os_mutex_t *
samples_lock(void)
{
    return prof_table_mutex(0);
}

/* %u: the arena, and once more the sum. */
static const struct {
    const char *name;
    os_mutex_t *(*lock)(void);
} locks[] = {
    {"stats.mutexes.background_thread", background_mutex},
    {"stats.mutexes.ctl", ctl_mutex},
    {"stats.mutexes.prof", samples_lock},
    {"stats.mutexes.prof_recent_alloc", prof_recent_mutex},
    {"stats.arenas.0.mutexes.base", base_lock},
    {"stats.arenas.4096.mutexes.base", pool_lock},
    {"stats.arenas.0.mutexes.tcache_list", tsd_list_mutex},
    {"stats.arenas.%u.mutexes.extents_dirty", pages_lock},
    {"stats.arenas.4096.mutexes.extents_dirty", pages_lock},
    {"stats.arenas.%u.bins.5.mutex", bin_lock},
    {"stats.arenas.4096.bins.5.mutex", bin_lock},
};

static void
setup(void)
{
    ck_assert(je_boot());
    free_fast(malloc_fast(1));
    arena = arena_create();
}

/* ---- figures ----------------------------------------------------------- */

typedef struct lock_figures {
    uint64_t num_ops, num_wait, num_spin_acq, num_owner_switch;
    uint64_t total_wait_time, max_wait_time, max_num_thds;
} lock_figures_t;

static uint64_t
figure(const char *lock, const char *what)
{
    char start[NAME_BYTES], name[2 * NAME_BYTES];
    uint64_t value = 0;
    size_t size =
        strcmp(what, "max_num_thds") == 0 ? sizeof(uint32_t) : sizeof(value);
    (void)snprintf(start, sizeof(start), "%s", lock);
    if (strstr(lock, "%u") != NULL) {
        (void)snprintf(start, sizeof(start), "%.*s%u%s", 13, lock, arena->ind,
                       strstr(lock, "%u") + 2);
    }
    (void)snprintf(name, sizeof(name), "%s.%s", start, what);
    int error = je_mallctl(name, &value, &size, NULL, 0);
    ck_assert_msg(error == 0, "%s: %d", name, error);
    return value;
}

static lock_figures_t
figures(const char *lock)
{
    uint64_t one = 1;
    ck_assert_int_eq(je_mallctl("epoch", NULL, NULL, &one, sizeof(one)), 0);
    return (lock_figures_t){
        .num_ops = figure(lock, "num_ops"),
        .num_wait = figure(lock, "num_wait"),
        .num_spin_acq = figure(lock, "num_spin_acq"),
        .num_owner_switch = figure(lock, "num_owner_switch"),
        .total_wait_time = figure(lock, "total_wait_time"),
        .max_wait_time = figure(lock, "max_wait_time"),
        .max_num_thds = figure(lock, "max_num_thds"),
    };
}

/* ---- waiting ----------------------------------------------------------- */

static void *
take(void *m)
{
    os_mutex_lock(m);
    os_mutex_unlock(m);
    return NULL;
}

/* Another thread waits for this one. */
static void
wait_for(os_mutex_t *m, int64_t spin)
{
    const struct timespec held = {0, HELD_NS};
    pthread_t t;
    os_mutex_set_max_spin(spin);
    os_mutex_lock(m);
    ck_assert_int_eq(pthread_create(&t, NULL, take, m), 0);
    while (spin == 0 && atomic_load_rlx(&m->num_waiting) == 0) {
    }
    (void)nanosleep(&held, NULL);
    os_mutex_unlock(m);
    (void)pthread_join(t, NULL);
}

START_TEST(test_locks_count_who_waits)
{
    const char *name = locks[_i].name;
    os_mutex_t *lock = locks[_i].lock();
    figures(name);
    ck_assert_int_eq(je_mallctl("stats.mutexes.reset", NULL, NULL, NULL, 0), 0);
    lock_figures_t none = figures(name);
    uint64_t by_reading = figures(name).num_ops - none.num_ops;
    ck_assert_uint_eq(none.num_wait, 0);
    ck_assert_uint_eq(none.num_spin_acq, 0);
    ck_assert_uint_eq(none.total_wait_time, 0);
    ck_assert_uint_eq(none.max_wait_time, 0);
    ck_assert_uint_eq(none.max_num_thds, 0);

    wait_for(lock, 0);
    lock_figures_t asleep = figures(name);
    ck_assert_uint_eq(asleep.num_ops - none.num_ops, 2 * by_reading + 2);
    ck_assert_uint_eq(asleep.num_wait, 1);
    ck_assert_uint_eq(asleep.num_spin_acq, 0);
    ck_assert_uint_eq(asleep.max_num_thds, 1);
    ck_assert_uint_ge(asleep.max_wait_time, HELD_NS);
    ck_assert_uint_eq(asleep.total_wait_time, asleep.max_wait_time);

    wait_for(lock, 0);
    lock_figures_t twice = figures(name);
    ck_assert_uint_eq(twice.num_wait, 2);
    ck_assert_uint_ge(twice.total_wait_time, asleep.total_wait_time + HELD_NS);
    ck_assert_uint_ge(twice.max_wait_time, asleep.max_wait_time);
    ck_assert_uint_lt(twice.max_wait_time, twice.total_wait_time);
    /* to the other thread and, for this one, back */
    uint64_t switched = twice.num_owner_switch - asleep.num_owner_switch;
    ck_assert_uint_ge(switched, 1);
    ck_assert_uint_le(switched, 2);

    /* on a busy machine the other thread may come too late to wait */
    lock_figures_t awake = {.num_spin_acq = 0};
    for (unsigned i = 0; i < 200 && awake.num_spin_acq == 0; i++) {
        wait_for(lock, -1);
        awake = figures(name);
    }
    ck_assert_uint_eq(awake.num_wait, 2);
    ck_assert_uint_eq(awake.num_spin_acq, 1);
    ck_assert_uint_eq(awake.max_num_thds, 1);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("locks");
    TCase *tc = tcase_create("locks");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_locks_count_who_waits, 0,
                        (int)JE_ARRAY_LEN(locks));
    suite_add_tcase(s, tc);
    return util_run(s);
}
