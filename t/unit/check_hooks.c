/*
 * alloc/pac_hooks.c: arenas whose pages come from functions of the program,
 * which count, refuse, allocate themselves, or have no more than a buffer.
 */
#include "alloc/arena.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/conf.h"
#include "alloc/ctl.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/malloc_fast.h"
#include "alloc/mallocx.h"
#include "alloc/tcache.h"
#include "jealloc.h"
#include "os/clock.h"
#include "t/unit/stderr.h"

#define NO_TCACHE 0x100
#define ARENA(a)  ((int)(((unsigned)(a) + 1) << 20))

typedef enum {
    ALLOC,
    DALLOC,
    DESTROY,
    COMMIT,
    DECOMMIT,
    PURGE_LAZY,
    PURGE_FORCED,
    SPLIT,
    MERGE,
    HOOKS,
} hook_t;

static struct {
    jea_extent_hooks_t *system; /* what is called in the end */
    unsigned calls[HOOKS];
    unsigned done[HOOKS];
    unsigned refused; /* bit mask */
    bool unmaps;      /* dalloc and destroy give the pages back */
    bool allocates;   /* every hook uses malloc */
    void *last;       /* what alloc gave at last */
    size_t mapped;    /* bytes that alloc gave and nobody took back */
    unsigned arena;
} spy;

/* Counts the call; may it be done? */
static bool
spy_on(hook_t hook, jea_extent_hooks_t *hooks, unsigned arena)
{
    ck_assert_ptr_ne(hooks, spy.system);
    ck_assert_uint_eq(arena, spy.arena);
    spy.calls[hook]++;
    if (spy.allocates) {
        char *p = malloc_fast(112), *q = malloc_fast(50000);
        ck_assert(p != NULL && q != NULL);
        memset(p, 'h', 112);
        je_dalloc(p, ALLOC_CACHE_OWN);
        je_dalloc(q, ALLOC_CACHE_OWN);
    }
    return ((spy.refused >> hook) & 1) == 0;
}

static void *
spy_alloc(jea_extent_hooks_t *hooks, void *new_addr, size_t size,
          size_t alignment, bool *zero, bool *commit, unsigned arena)
{
    ck_assert_ptr_null(new_addr);
    ck_assert_uint_eq((size | alignment) & OS_PAGE_MASK, 0);
    if (!spy_on(ALLOC, hooks, arena)) {
        return NULL;
    }
    void *p = spy.system->alloc(spy.system, new_addr, size, alignment, zero,
                                commit, arena);
    spy.mapped += p != NULL ? size : 0;
    spy.done[ALLOC] += p != NULL;
    spy.last = p;
    return p;
}

static bool
spy_dalloc(jea_extent_hooks_t *hooks, void *addr, size_t size, bool committed,
           unsigned arena)
{
    if (!spy_on(DALLOC, hooks, arena)) {
        return true;
    }
    if (!spy.unmaps) {
        return spy.system->dalloc(spy.system, addr, size, committed, arena);
    }
    ck_assert_int_eq(munmap(addr, size), 0);
    spy.mapped -= size;
    spy.done[DALLOC]++;
    return false;
}

static void
spy_destroy(jea_extent_hooks_t *hooks, void *addr, size_t size, bool committed,
            unsigned arena)
{
    (void)spy_on(DESTROY, hooks, arena);
    spy.system->destroy(spy.system, addr, size, committed, arena);
    spy.mapped -= size;
    spy.done[DESTROY]++;
}

#define SPY_RANGE(NAME, member)                                                \
    static bool spy_##member(jea_extent_hooks_t *hooks, void *addr,            \
                             size_t size, size_t offset, size_t length,        \
                             unsigned arena)                                   \
    {                                                                          \
        ck_assert_uint_le(offset + length, size);                              \
        bool refused =                                                         \
            !spy_on(NAME, hooks, arena) ||                                     \
            spy.system->member(spy.system, addr, size, offset, length, arena); \
        spy.done[NAME] += !refused;                                            \
        return refused;                                                        \
    }

SPY_RANGE(COMMIT, commit)
SPY_RANGE(DECOMMIT, decommit)
SPY_RANGE(PURGE_LAZY, purge_lazy)
SPY_RANGE(PURGE_FORCED, purge_forced)

static bool
spy_split(jea_extent_hooks_t *hooks, void *addr, size_t size, size_t size_a,
          size_t size_b, bool committed, unsigned arena)
{
    ck_assert_uint_eq(size, size_a + size_b);
    bool refused = !spy_on(SPLIT, hooks, arena) ||
                   spy.system->split(spy.system, addr, size, size_a, size_b,
                                     committed, arena);
    spy.done[SPLIT] += !refused;
    return refused;
}

static bool
spy_merge(jea_extent_hooks_t *hooks, void *addr_a, size_t size_a, void *addr_b,
          size_t size_b, bool committed, unsigned arena)
{
    ck_assert_ptr_eq((char *)addr_a + size_a, addr_b);
    bool refused = !spy_on(MERGE, hooks, arena) ||
                   spy.system->merge(spy.system, addr_a, size_a, addr_b, size_b,
                                     committed, arena);
    spy.done[MERGE] += !refused;
    return refused;
}

static jea_extent_hooks_t spies = {
    .alloc = spy_alloc,
    .dalloc = spy_dalloc,
    .destroy = spy_destroy,
    .commit = spy_commit,
    .decommit = spy_decommit,
    .purge_lazy = spy_purge_lazy,
    .purge_forced = spy_purge_forced,
    .split = spy_split,
    .merge = spy_merge,
};

static unsigned
created_with(jea_extent_hooks_t *hooks)
{
    unsigned ind = 0;
    size_t len = sizeof(ind);
    ck_assert_int_eq(
        je_mallctl("arenas.create", &ind, &len, &hooks, sizeof(hooks)), 0);
    spy.arena = ind;
    return ind;
}

static int
act(unsigned ind, const char *action)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "arena.%u.%s", ind, action);
    return je_mallctl(name, NULL, NULL, NULL, 0);
}

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_ptr_nonnull(tsd_get());
    memset(&spy, 0, sizeof(spy));
    size_t len = sizeof(spy.system);
    ck_assert_int_eq(
        je_mallctl("arena.0.extent_hooks", &spy.system, &len, NULL, 0), 0);
}

/* Random small and large objects, resized as well; everything is freed at the
 * end. Returns how many requests failed. */
static unsigned
traffic(unsigned ind, unsigned rounds)
{
    enum { LIVE = 150 };

    static uint64_t seed = 7;
    unsigned char *live[LIVE] = {NULL};
    unsigned failed = 0;
    int flags = ARENA(ind) | NO_TCACHE;
    for (unsigned n = 0; n < rounds; n++) {
        unsigned at = (unsigned)util_random_below(&seed, LIVE);
        size_t most = util_random_below(&seed, 4) == 0 ? 600000 : 3000;
        size_t size = 1 + util_random_below(&seed, most);
        unsigned char *p = live[at];
        if (p != NULL) {
            ck_assert_uint_eq(p[0], at);
            ck_assert_uint_eq(p[je_sallocx(p, 0) - 1], at);
        }
        if (p != NULL && util_random_below(&seed, 3) > 0) {
            je_dallocx(p, flags);
            live[at] = NULL;
            continue;
        }
        unsigned char *q =
            p != NULL ? je_rallocx(p, size, flags) : je_mallocx(size, flags);
        failed += q == NULL;
        if (q != NULL) {
            ck_assert_uint_eq(emap_extent((uintptr_t)q)->arena_ind, ind);
            memset(q, (int)at, je_sallocx(q, 0));
            live[at] = q;
        }
        if (n % 500 == 499) {
            ck_assert_int_eq(act(ind, n % 1000 == 999 ? "purge" : "decay"), 0);
        }
    }
    for (unsigned i = 0; i < LIVE; i++) {
        if (live[i] != NULL) {
            je_dallocx(live[i], flags);
        }
    }
    ck_assert(arena_is_valid(arena_get(ind)));
    return failed;
}

START_TEST(test_hooks_are_asked_for_everything)
{
    spy.unmaps = true;
    unsigned ind = created_with(&spies);
    ck_assert_uint_eq(traffic(ind, 4000), 0);
    ck_assert_uint_gt(spy.done[ALLOC], 0);
    ck_assert_uint_gt(spy.done[DALLOC], 0);
    ck_assert_uint_gt(spy.done[SPLIT], 0);
    ck_assert_uint_gt(spy.done[MERGE], 0);
    ck_assert_int_eq(act(ind, "purge"), 0);
    const pac_t *pac = &arena_get(ind)->pac;
    ck_assert_uint_eq(pac->dirty.npages + pac->muzzy.npages, 0);
    ck_assert_uint_eq(spy.mapped, (pac->nactive + pac->retained.npages)
                                      << OS_LG_PAGE);
    ck_assert_int_eq(act(ind, "destroy"), 0);
    ck_assert_uint_eq(spy.mapped, 0);
    ck_assert_uint_gt(spy.done[DESTROY], 0);
}

END_TEST

START_TEST(test_hooks_are_asked_one_after_the_other_when_pages_go)
{
    static const hook_t order[] = {DALLOC, DECOMMIT, PURGE_FORCED, PURGE_LAZY};
    unsigned ind = created_with(&spies);
    for (unsigned k = 0; k <= JE_ARRAY_LEN(order); k++) {
        spy.unmaps = true;
        void *p = je_mallocx(1 << 20, ARENA(ind) | NO_TCACHE);
        je_dallocx(p, NO_TCACHE);
        memset(spy.calls, 0, sizeof(spy.calls));
        spy.refused = 0;
        for (unsigned i = 0; i < k; i++) {
            spy.refused |= 1u << order[i];
        }
        ck_assert_int_eq(act(ind, "purge"), 0);
        for (unsigned i = 0; i < JE_ARRAY_LEN(order); i++) {
            /* without need for it the system refuses to decommit */
            bool expect = i <= k || (order[i] == PURGE_FORCED && k >= 1);
            ck_assert_msg((spy.calls[order[i]] == 1) == expect,
                          "%u refused: hook %u called %u times", k, order[i],
                          spy.calls[order[i]]);
        }
        spy.refused = 0;
    }
}

END_TEST

START_TEST(test_hooks_lazy_purge_comes_before_the_rest)
{
    unsigned ind = created_with(&spies);
    arena_t *arena = arena_get(ind);
    ck_assert(pac_set_decay_ms(&arena->pac, PAC_MUZZY, -1));
    ck_assert(pac_set_decay_ms(&arena->pac, PAC_DIRTY, 1));
    void *p = je_mallocx(1 << 20, ARENA(ind) | NO_TCACHE);
    je_dallocx(p, NO_TCACHE);
    uint64_t later = os_clock_ns() + 1000000000;
    arena_decay(arena, later);
    arena_decay(arena, later + 1000000000);
    ck_assert_uint_eq(spy.calls[PURGE_LAZY], 1);
    ck_assert_uint_eq(spy.calls[DALLOC], 0);
    ck_assert_uint_eq(arena->pac.muzzy.npages, 256);
    ck_assert_int_eq(act(ind, "purge"), 0);
    ck_assert_uint_eq(spy.calls[DALLOC], 1);
}

END_TEST

START_TEST(test_hooks_that_refuse_are_survived)
{
    for (unsigned hook = 0; hook < HOOKS; hook++) {
        spy.refused = 1u << hook;
        spy.unmaps = hook % 2 == 0;
        unsigned ind = created_with(&spies);
        unsigned failed = traffic(ind, 3000);
        ck_assert_msg(hook == ALLOC ? failed > 100 : failed == 0,
                      "hook %u refused: %u requests failed", hook, failed);
        spy.refused = 0;
        ck_assert_uint_eq(traffic(ind, 1000), 0);
    }
}

END_TEST

START_TEST(test_hooks_that_do_not_split_give_each_extent)
{
    spy.refused = 1u << SPLIT;
    unsigned ind = created_with(&spies);
    for (unsigned i = 1; i < 20; i++) {
        void *p = je_mallocx(i * 50000, ARENA(ind) | NO_TCACHE);
        ck_assert_ptr_eq(p, spy.last);
        ck_assert_uint_eq(emap_extent((uintptr_t)p)->size, je_sallocx(p, 0));
    }
    /* one region was tried for nothing, and no more */
    ck_assert_uint_eq(spy.done[ALLOC], 20);
}

END_TEST

START_TEST(test_hooks_that_refuse_at_random_are_survived)
{
    uint64_t seed = util_seed();
    spy.unmaps = true;
    unsigned ind = created_with(&spies);
    for (unsigned round = 0; round < 60; round++) {
        spy.refused = (unsigned)util_random_below(&seed, 1u << HOOKS);
        (void)traffic(ind, 300);
    }
    spy.refused = 0;
    ck_assert_int_eq(act(ind, "destroy"), 0);
    ck_assert_uint_eq(spy.mapped, 0);
}

END_TEST

START_TEST(test_hooks_may_be_missing_but_for_alloc)
{
    static jea_extent_hooks_t only_alloc = {.alloc = spy_alloc};
    unsigned ind = created_with(&only_alloc);
    ck_assert_uint_eq(traffic(ind, 3000), 0);
    ck_assert_int_eq(act(ind, "purge"), 0);
    ck_assert_int_eq(act(ind, "destroy"), 0);
}

END_TEST

/* 32 MiB of its own, handed out once, which is never accessible at first. */
static char *pool;
static size_t pool_used;
static bool pool_zero, pool_commit;

static void *
pool_alloc(jea_extent_hooks_t *hooks, void *new_addr, size_t size,
           size_t alignment, bool *zero, bool *commit, unsigned arena)
{
    (void)hooks;
    (void)new_addr;
    (void)arena;
    size_t at = bits_align_up(pool_used, alignment);
    if (at + size > (size_t)32 << 20) {
        return NULL;
    }
    pool_used = at + size;
    *zero = pool_zero;
    *commit = pool_commit;
    return pool + at;
}

static bool
pool_make_accessible(jea_extent_hooks_t *hooks, void *addr, size_t size,
                     size_t offset, size_t length, unsigned arena)
{
    (void)hooks;
    (void)size;
    (void)arena;
    return mprotect((char *)addr + offset, length, PROT_READ | PROT_WRITE) != 0;
}

START_TEST(test_hooks_with_a_buffer_of_their_own)
{
    static jea_extent_hooks_t hooks = {.alloc = pool_alloc,
                                       .commit = pool_make_accessible};
    for (unsigned kind = 0; kind < 2; kind++) {
        pool_used = 0;
        pool_commit = kind == 0;
        hooks.split = kind == 0 ? NULL : spies.split;
        pool = mmap(NULL, (size_t)34 << 20,
                    kind == 0 ? PROT_READ | PROT_WRITE : PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(pool, MAP_FAILED);
        pool = (char *)bits_align_up((uintptr_t)pool, OS_HUGE);
        unsigned ind = created_with(&hooks);
        unsigned n = 0;
        char *p;
        while ((p = je_mallocx(100000, ARENA(ind) | NO_TCACHE | 0x40)) !=
               NULL) {
            ck_assert(p >= pool && p + 100000 <= pool + ((size_t)32 << 20));
            ck_assert_int_eq(p[0] | p[99999], 0);
            p[0] = p[99999] = 'x';
            n++;
        }
        /* most of it can be used, and again after it was discarded */
        ck_assert_uint_gt(n, 200);
        ck_assert_int_eq(act(ind, "reset"), 0);
        ck_assert_ptr_nonnull(je_mallocx(100000, ARENA(ind) | NO_TCACHE));
        ck_assert_int_eq(act(ind, "destroy"), 0);
    }
}

END_TEST

START_TEST(test_hooks_may_allocate)
{
    spy.allocates = true;
    unsigned ind = created_with(&spies), home;
    size_t len = sizeof(home);
    ck_assert_uint_eq(traffic(ind, 1500), 0);
    ck_assert_int_eq(je_mallctl("thread.arena", &home, &len, &ind, sizeof(ind)),
                     0);
    void *p[2000];
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        p[i] = malloc_fast(i % 3000);
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        je_dalloc(p[i], ALLOC_CACHE_OWN);
    }
    ck_assert_uint_gt(spy.calls[ALLOC], 0);
    ck_assert_int_eq(
        je_mallctl("thread.arena", NULL, NULL, &home, sizeof(home)), 0);
    ck_assert_int_eq(act(ind, "destroy"), 0);
}

END_TEST

START_TEST(test_hooks_keep_their_pages_to_themselves)
{
    unsigned ind = created_with(&spies);
    void *p = je_mallocx(8 << 20, ARENA(ind) | NO_TCACHE);
    je_dallocx(p, NO_TCACHE);
    size_t dirty = arena_get(ind)->pac.dirty.npages;
    ck_assert_uint_eq(dirty, 2048);
    arena_t *other = arena_create();
    for (unsigned i = 0; i < 200; i++) {
        ck_assert_ptr_nonnull(
            je_mallocx(200000, ARENA(other->ind) | NO_TCACHE));
    }
    ck_assert_uint_eq(arena_get(ind)->pac.dirty.npages, dirty);
    /* nor does it take those of others */
    (void)act(other->ind, "reset");
    unsigned maps = spy.done[ALLOC];
    ck_assert_int_eq(act(ind, "purge"), 0);
    ck_assert_ptr_nonnull(je_mallocx(64 << 20, ARENA(ind) | NO_TCACHE));
    ck_assert_uint_gt(spy.done[ALLOC], maps);
}

END_TEST

START_TEST(test_hooks_are_read_and_replaced)
{
    jea_extent_hooks_t *hooks = &spies, *old = NULL, none = {.alloc = NULL};
    jea_extent_hooks_t *bad = &none;
    size_t len = sizeof(old);
    char name[64];
    arena_t *arena = arena_create();
    spy.arena = arena->ind;
    void *p = je_mallocx(1 << 20, ARENA(arena->ind) | NO_TCACHE);
    (void)snprintf(name, sizeof(name), "arena.%u.extent_hooks", arena->ind);
    ck_assert_int_eq(je_mallctl(name, &old, &len, &hooks, sizeof(hooks)), 0);
    ck_assert_ptr_eq(old, spy.system);
    je_dallocx(p, NO_TCACHE);
    ck_assert_int_eq(act(arena->ind, "purge"), 0);
    ck_assert_uint_gt(spy.calls[DALLOC], 0);
    ck_assert_int_eq(
        je_mallctl(name, &old, &len, &spy.system, sizeof(spy.system)), 0);
    ck_assert_ptr_eq(old, &spies);
    ck_assert(!pac_is_hooked(&arena->pac));
    ck_assert_int_eq(je_mallctl(name, NULL, NULL, &bad, sizeof(bad)), EINVAL);
    bad = NULL;
    ck_assert_int_eq(je_mallctl(name, NULL, NULL, &bad, sizeof(bad)), EINVAL);
    ck_assert_int_eq(je_mallctl(name, NULL, NULL, &bad, 4), EINVAL);
    len = sizeof(old);
    ck_assert_int_eq(je_mallctl("arena.4096.extent_hooks", &old, &len, NULL, 0),
                     EFAULT);
}

END_TEST

START_TEST(test_hooks_of_arenas_create_are_checked)
{
    struct {
        jea_extent_hooks_t *hooks;
        bool metadata_use_hooks;
    } config = {.hooks = &spies, .metadata_use_hooks = true};

    jea_extent_hooks_t *bad = NULL;
    unsigned ind = 0, count = arena_count();
    size_t len = sizeof(ind);
    ck_assert_int_eq(je_mallctl("arenas.create", &ind, &len, &bad, 8), EINVAL);
    ck_assert_int_eq(je_mallctl("arenas.create", &ind, &len, &bad, 4), EINVAL);
    const char *ext = "experimental.arenas_create_ext";
    ck_assert_int_eq(je_mallctl(ext, &ind, &len, &bad, 8), EINVAL);
    ck_assert_uint_eq(arena_count(), count);
    spy.arena = count;
    ck_assert_int_eq(je_mallctl(ext, &ind, &len, &config, sizeof(config)), 0);
    ck_assert_uint_eq(ind, count);
    ck_assert_ptr_eq(pac_hooks(&arena_get(ind)->pac), &spies);
    ck_assert_ptr_nonnull(je_mallocx(100, ARENA(ind) | NO_TCACHE));
    ck_assert_uint_gt(spy.calls[ALLOC], 0);
    ck_assert_int_eq(je_mallctl(ext, &ind, &len, NULL, 0), 0);
    ck_assert_ptr_eq(pac_hooks(&arena_get(ind)->pac), spy.system);
    len = 3;
    ck_assert_int_eq(je_mallctl(ext, &ind, &len, NULL, 0), EINVAL);
    ck_assert_uint_eq(len, 0);
}

END_TEST

static void *
misaligned(jea_extent_hooks_t *hooks, void *new_addr, size_t size,
           size_t alignment, bool *zero, bool *commit, unsigned arena)
{
    return (char *)spy_alloc(hooks, new_addr, size, alignment, zero, commit,
                             arena) +
           64;
}

static void
use(void *arg)
{
    (void)je_mallocx(100, *(int *)arg);
}

START_TEST(test_hooks_that_return_nonsense_are_misuse)
{
    static jea_extent_hooks_t hooks = {.alloc = misaligned};
    int flags = ARENA(created_with(&hooks)) | NO_TCACHE;
    stderr_expect_abort(use, &flags, "extent hook alloc returned");
}

END_TEST

/* However few pages they have. */
START_TEST(test_hooks_are_told_of_each_merge_at_once)
{
    unsigned ind = created_with(&spies);
    void *p[4];
    for (unsigned i = 0; i < 4; i++) {
        p[i] = je_mallocx(5 * OS_PAGE, ARENA(ind) | NO_TCACHE);
    }
    je_dallocx(p[1], NO_TCACHE);
    unsigned before = spy.done[MERGE];
    je_dallocx(p[2], NO_TCACHE);
    ck_assert_uint_eq(spy.done[MERGE], before + 1);
}

END_TEST

/* Pages in use before and fresh ones are not made one without asking. */
START_TEST(test_hooks_that_refuse_to_merge_keep_what_they_have_apart)
{
    unsigned ind = created_with(&spies);
    pac_t *pac = &arena_get(ind)->pac;
    void *p[4];
    for (unsigned i = 0; i < 4; i++) {
        p[i] = je_mallocx(10 * OS_PAGE, ARENA(ind) | NO_TCACHE);
    }
    je_dallocx(p[2], NO_TCACHE);
    ck_assert_int_eq(act(ind, "purge"), 0);
    je_dallocx(p[1], NO_TCACHE);
    size_t dirty = pac->dirty.npages;
    ck_assert_uint_eq(dirty, 10);
    spy.refused = 1u << MERGE;
    ck_assert_ptr_nonnull(je_mallocx(20 * OS_PAGE, ARENA(ind) | NO_TCACHE));
    ck_assert_uint_eq(pac->dirty.npages, dirty);
}

END_TEST

/* Of a slab, and of a large object that goes back with others. */
START_TEST(test_hooks_destroyed_arena_leaves_cached_pages_alone)
{
    size_t size = _i == 0 ? 112 : sz_size(SC_NBINS);
    unsigned cache = 0, ind = created_with(&spies);
    size_t len = sizeof(cache);
    if (size > conf.tcache_max) {
        return; /* none lies in a cache */
    }
    ck_assert_int_eq(je_mallctl("tcache.create", &cache, &len, NULL, 0), 0);
    int into = (int)((cache + 2) << 8);
    char *p = je_mallocx(size, ARENA(ind) | into);
    je_dallocx(p, into);
    ck_assert_int_eq(act(ind, "destroy"), 0);
    memset(&spy, 0xff, sizeof(spy)); /* a hook would crash now */
    p[0] = 'x';
    /* looks for an index, and finds that this one is not free yet */
    ck_assert_uint_ne(arena_create()->ind, ind);
    p[1] = 'x';
    ck_assert_int_eq(
        je_mallctl("tcache.destroy", NULL, NULL, &cache, sizeof(cache)), 0);
    ck_assert_uint_eq(arena_create()->ind, ind);
    ck_assert_uint_eq(arena_get(ind)->pac.nactive, 0);
    ck_assert_uint_eq(arena_get(ind)->pac.dirty.npages, 0);
    p[2] = 'x';
    ck_assert_ptr_nonnull(je_mallocx(size, ARENA(ind) | NO_TCACHE));
}

END_TEST

/* What becomes free later on is the program's by now. */
START_TEST(test_hooks_destroyed_arena_gives_no_pages_back)
{
    enum { N = 40, SIZE = OS_PAGE / 32 };

    unsigned caches[2], ind = created_with(&spies);
    arena_t *arena = arena_get(ind);
    size_t len = sizeof(caches[0]);
    char *p[N];
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(je_mallctl("tcache.create", &caches[i], &len, NULL, 0),
                         0);
    }
    for (unsigned i = 0; i < N; i++) {
        p[i] = je_mallocx(SIZE, ARENA(ind) | NO_TCACHE);
    }
    ck_assert_uint_ge(p[N - 1] - p[0], OS_PAGE);
    for (unsigned i = 0; i < N; i++) {
        int into = i == 0       ? (int)((caches[0] + 2) << 8)
                   : i == N - 1 ? (int)((caches[1] + 2) << 8)
                                : NO_TCACHE;
        je_dallocx(p[i], into);
    }
    ck_assert_int_eq(act(ind, "destroy"), 0);
    size_t gaps = arena->pac.ngaps;
    p[N - 1][SIZE - 1] = 'x';
    ck_assert_int_eq(
        je_mallctl("tcache.destroy", NULL, NULL, &caches[1], sizeof(caches[1])),
        0);
    for (unsigned i = 0; i < 3; i++) {
        arena_decay(arena, os_clock_ns() + i * UINT64_C(90000000000));
    }
    ck_assert_uint_eq(arena->pac.ngaps, gaps);
    ck_assert_int_eq(p[N - 1][SIZE - 1], 'x');
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("hooks");
    TCase *tc = tcase_create("hooks");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_hooks_are_asked_for_everything);
    tcase_add_test(tc, test_hooks_are_asked_one_after_the_other_when_pages_go);
    tcase_add_test(tc, test_hooks_lazy_purge_comes_before_the_rest);
    tcase_add_test(tc, test_hooks_that_refuse_are_survived);
    tcase_add_test(tc, test_hooks_that_do_not_split_give_each_extent);
    tcase_add_test(tc, test_hooks_that_refuse_at_random_are_survived);
    tcase_add_test(tc, test_hooks_may_be_missing_but_for_alloc);
    tcase_add_test(tc, test_hooks_with_a_buffer_of_their_own);
    tcase_add_test(tc, test_hooks_may_allocate);
    tcase_add_test(tc, test_hooks_keep_their_pages_to_themselves);
    tcase_add_test(tc, test_hooks_are_read_and_replaced);
    tcase_add_test(tc, test_hooks_of_arenas_create_are_checked);
    tcase_add_test(tc, test_hooks_that_return_nonsense_are_misuse);
    tcase_add_test(tc, test_hooks_are_told_of_each_merge_at_once);
    tcase_add_test(tc,
                   test_hooks_that_refuse_to_merge_keep_what_they_have_apart);
    tcase_add_loop_test(
        tc, test_hooks_destroyed_arena_leaves_cached_pages_alone, 0, 2);
    tcase_add_test(tc, test_hooks_destroyed_arena_gives_no_pages_back);
    suite_add_tcase(s, tc);
    return util_run(s);
}
