/*
 * Several bins of a class in one arena (the option bin_shards): who uses which,
 * that a slab stays with its bin, and that everything that walks the bins of an
 * arena meets them all.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/ctl.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/mallocx.h"
#include "alloc/stats.h"
#include "alloc/tcache.h"
#include "t/util.h"

#define ARENA(a) ((int)(((unsigned)(a) + 1) << 20))

enum { NO_TCACHE = 0x100, SIZE = 320, SHARDS = 3, MANY = 200 };

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_ptr_nonnull(tsd_get());
}

static extent_t *
slab_of(const void *p)
{
    return emap_extent((uintptr_t)p);
}

static uint32_t
nshards(unsigned szind)
{
    char name[64];
    uint32_t n = 0;
    size_t len = sizeof(n);
    snprintf(name, sizeof(name), "arenas.bin.%u.nshards", szind);
    ck_assert_int_eq(je_mallctl(name, &n, &len, NULL, 0), 0);
    return n;
}

START_TEST(test_shards_are_as_the_option_says_and_the_last_range_counts)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        size_t size = sz_size(i);
        unsigned n = size == 64 ? 64 : size < 512 ? 3 : size >= 4096 ? 2 : 1;
        ck_assert_uint_eq(nshards(i), n);
        ck_assert_uint_eq(bin_shards[i].first, sum);
        sum += n - 1;
    }
    ck_assert_uint_eq(bin_nmore, sum);
    arena_t *arena = arena_get(0);
    for (unsigned i = 0; i < arena_nbins(); i++) {
        bin_t *bin = arena_nth_bin(arena, i);
        ck_assert_ptr_eq(arena_bin(arena, bin->szind, bin->shard), bin);
        ck_assert_uint_eq(i < SC_NBINS, bin->shard == 0);
    }
}

END_TEST

/* ---- threads ----------------------------------------------------------- */

typedef struct user {
    unsigned arena, shard;
    void *p[MANY];
} user_t;

static void *
use(void *arg)
{
    user_t *u = arg;
    for (unsigned i = 0; i < MANY; i++) {
        u->p[i] = je_mallocx(SIZE, 0);
        u->arena = slab_of(u->p[i])->arena_ind;
        u->shard = slab_of(u->p[i])->shard;
        ck_assert_uint_eq(u->shard, tsd_get()->turn % SHARDS);
        memset(u->p[i], (int)i, SIZE);
    }
    return NULL;
}

static user_t users[2 * SHARDS];

static void
run_users(void)
{
    for (unsigned i = 0; i < JE_ARRAY_LEN(users); i++) {
        pthread_t t;
        ck_assert_int_eq(pthread_create(&t, NULL, use, &users[i]), 0);
        ck_assert_int_eq(pthread_join(t, NULL), 0);
    }
}

START_TEST(test_shards_are_shared_out_among_the_threads_of_an_arena)
{
    unsigned seen[2][SHARDS] = {{0}};
    run_users();
    for (unsigned i = 0; i < JE_ARRAY_LEN(users); i++) {
        seen[users[i].arena][users[i].shard]++;
    }
    for (unsigned a = 0; a < 2; a++) {
        unsigned least = UINT32_MAX, most = 0;
        for (unsigned k = 0; k < SHARDS; k++) {
            least = JE_MIN(least, seen[a][k]);
            most = JE_MAX(most, seen[a][k]);
        }
        ck_assert_uint_le(most - least, 1);
    }
    for (unsigned k = 0; k < SHARDS; k++) {
        ck_assert_uint_ge(seen[0][k] + seen[1][k], 1);
    }
}

END_TEST

/* ---- one arena --------------------------------------------------------- */

static uint8_t *turn;
static arena_t *arena;

/* Fill the three bins of a new arena, one after the other. */
static void
fill_all(void *p[SHARDS][MANY])
{
    arena = arena_create();
    turn = &tsd_get()->turn;
    for (unsigned k = 0; k < SHARDS; k++) {
        *turn = (uint8_t)k;
        for (unsigned i = 0; i < MANY; i++) {
            p[k][i] = je_mallocx(SIZE, ARENA(arena->ind) | NO_TCACHE);
            ck_assert_uint_eq(slab_of(p[k][i])->shard, k);
        }
    }
}

static size_t
figure(const char *name)
{
    char path[96];
    uint64_t one = 1;
    size_t value = 0, len = sizeof(value);
    ck_assert_int_eq(je_mallctl("epoch", NULL, NULL, &one, sizeof(one)), 0);
    snprintf(path, sizeof(path), "stats.arenas.%u.bins.%u.%s", arena->ind,
             sz_index(SIZE), name);
    ck_assert_int_eq(je_mallctl(path, &value, &len, NULL, 0), 0);
    return value;
}

START_TEST(test_shards_get_their_own_regions_back_whoever_frees)
{
    static void *p[SHARDS][MANY];
    unsigned szind = sz_index(SIZE);
    fill_all(p);
    for (unsigned i = 0; i < MANY; i++) {
        for (unsigned k = 0; k < SHARDS; k++) {
            je_dallocx(p[k][i], 0); /* one cache, all bins mixed */
        }
    }
    tcache_flush(tsd_get());
    for (unsigned k = 0; k < SHARDS; k++) {
        const bin_stats_t *s = &arena_bin(arena, szind, k)->stats;
        ck_assert_uint_eq(s->nmalloc, MANY);
        ck_assert_uint_eq(s->ndalloc, MANY);
        ck_assert_uint_le(s->curslabs, 2); /* current and spare */
    }
    ck_assert(arena_is_valid(arena));
}

END_TEST

START_TEST(test_shards_are_added_up_in_the_statistics)
{
    static void *p[SHARDS][MANY];
    fill_all(p);
    size_t slabs = 0, nregs = bin_infos[sz_index(SIZE)].nregs;
    for (unsigned k = 0; k < SHARDS; k++) {
        slabs += (MANY + nregs - 1) / nregs;
    }
    ck_assert_uint_eq(figure("nmalloc"), SHARDS * MANY);
    ck_assert_uint_eq(figure("curregs"), SHARDS * MANY);
    ck_assert_uint_eq(figure("nrequests"), SHARDS * MANY);
    ck_assert_uint_eq(figure("curslabs"), slabs);
    ck_assert_uint_eq(figure("nslabs"), slabs);
    ck_assert_uint_ge(figure("mutex.num_ops"), SHARDS * MANY);
    je_dallocx(p[0][0], NO_TCACHE);
    je_dallocx(p[2][0], NO_TCACHE);
    ck_assert_uint_eq(figure("ndalloc"), 2);
    ck_assert_uint_eq(figure("nflushes"), 0); /* past all caches */
    ck_assert_uint_eq(figure("nonfull_slabs"), 2);
    ck_assert_uint_eq(figure("curregs"), SHARDS * MANY - 2);
    ck_assert_int_eq(je_mallctl("stats.mutexes.reset", NULL, NULL, NULL, 0), 0);
    for (unsigned k = 0; k < SHARDS; k++) {
        os_mutex_t *m = &arena_bin(arena, sz_index(SIZE), k)->mtx;
        ck_assert_uint_le(m->num_ops, 1);
    }
}

END_TEST

/* What experimental.utilization.query returns. */
typedef struct verbose {
    void *current;
    size_t nfree, nregs, size, bin_nfree, bin_nregs;
} verbose_t;

START_TEST(test_shards_are_added_up_for_who_asks_about_a_pointer)
{
    static void *p[SHARDS][MANY];
    verbose_t v;
    size_t len = sizeof(v);
    fill_all(p);
    ck_assert_int_eq(je_mallctl("experimental.utilization.query", &v, &len,
                                &p[1][0], sizeof(void *)),
                     0);
    const extent_t *current = arena_bin(arena, sz_index(SIZE), 1)->current;
    ck_assert_ptr_eq(v.current, (void *)current->addr);
    ck_assert_uint_eq(v.bin_nregs - v.bin_nfree, SHARDS * MANY);
    ck_assert_uint_eq(v.nregs, bin_infos[sz_index(SIZE)].nregs);
}

END_TEST

START_TEST(test_shards_lose_their_spare_slabs_when_the_arena_is_purged)
{
    static void *p[SHARDS][MANY];
    fill_all(p);
    for (unsigned k = 0; k < SHARDS; k++) {
        for (unsigned i = 0; i < MANY; i++) {
            je_dallocx(p[k][i], NO_TCACHE);
        }
        ck_assert_ptr_nonnull(arena_bin(arena, sz_index(SIZE), k)->spare);
    }
    arena_purge(arena);
    for (unsigned k = 0; k < SHARDS; k++) {
        ck_assert_ptr_null(arena_bin(arena, sz_index(SIZE), k)->spare);
    }
}

END_TEST

START_TEST(test_shards_are_reset_and_keep_what_lies_in_caches)
{
    static void *p[SHARDS][MANY];
    unsigned id, szind = sz_index(SIZE);
    size_t len = sizeof(id);
    fill_all(p);
    ck_assert_int_eq(je_mallctl("tcache.create", &id, &len, NULL, 0), 0);
    int cache = (int)((id + 2) << 8);
    je_dallocx(p[0][7], cache);
    je_dallocx(p[2][9], cache);
    ck_assert(arena_reset(arena));
    static const unsigned kept[SHARDS] = {1, 0, 1};
    for (unsigned k = 0; k < SHARDS; k++) {
        const bin_stats_t *s = &arena_bin(arena, szind, k)->stats;
        ck_assert_uint_eq(s->nmalloc - s->ndalloc, kept[k]);
        ck_assert_uint_eq(s->curslabs, kept[k]);
    }
    ck_assert(arena_is_valid(arena));
    ck_assert_ptr_eq(je_mallocx(SIZE, cache), p[2][9]);
    ck_assert_ptr_eq(je_mallocx(SIZE, cache), p[0][7]);
    je_dallocx(p[2][9], NO_TCACHE);
    je_dallocx(p[0][7], NO_TCACHE);
    ck_assert_uint_eq(figure("curregs"), 0);
    /* destroyed, it starts again with counts of zero */
    unsigned ind = arena->ind;
    ck_assert(arena_destroy(arena));
    ck_assert_uint_eq(arena_create()->ind, ind);
    for (unsigned k = 0; k < SHARDS; k++) {
        ck_assert_uint_eq(arena_bin(arena, szind, k)->stats.nmalloc, 0);
    }
}

END_TEST

/* Whether the child of a fork does without the arena when a bin's lock is held,
 * and whether it can take that lock. */
static bool
child_quarantines(bin_t *held)
{
    if (held != NULL) {
        os_mutex_lock(&held->mtx);
    }
    pid_t child = fork();
    if (child == 0) {
        bool is_free = held == NULL || !os_mutex_is_held(&held->mtx);
        _exit(is_free ? 10 + arena->is_quarantined : 1);
    }
    if (held != NULL) {
        os_mutex_unlock(&held->mtx);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    ck_assert(WIFEXITED(status));
    ck_assert_int_ge(WEXITSTATUS(status), 10);
    return WEXITSTATUS(status) == 11;
}

START_TEST(test_shards_lock_that_is_held_in_a_fork_is_seen)
{
    arena = arena_create();
    ck_assert(!child_quarantines(NULL));
    for (unsigned i = 0; i < arena_nbins(); i++) {
        ck_assert(child_quarantines(arena_nth_bin(arena, i)));
    }
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("shards");
    TCase *tc = tcase_create("shards");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(
        tc, test_shards_are_as_the_option_says_and_the_last_range_counts);
    tcase_add_test(tc,
                   test_shards_are_shared_out_among_the_threads_of_an_arena);
    tcase_add_test(tc, test_shards_get_their_own_regions_back_whoever_frees);
    tcase_add_test(tc, test_shards_are_added_up_in_the_statistics);
    tcase_add_test(tc, test_shards_are_added_up_for_who_asks_about_a_pointer);
    tcase_add_test(tc,
                   test_shards_lose_their_spare_slabs_when_the_arena_is_purged);
    tcase_add_test(tc, test_shards_are_reset_and_keep_what_lies_in_caches);
    tcase_add_test(tc, test_shards_lock_that_is_held_in_a_fork_is_seen);
    suite_add_tcase(s, tc);
    return util_run(s);
}
