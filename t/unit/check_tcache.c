/*
 * Thread caches: filling, growing, trimming, giving back, and their counts.
 */
#include "alloc/tcache_count.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/ctl.h"
#include "alloc/malloc.h"
#include "alloc/meta.h"
#include "base/bits.h"
#include "jealloc.h"
#include "os/clock.h"
#include "t/unit/tcache.h"

START_TEST(test_tcache_free_then_malloc_returns_the_same_object)
{
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        size_t size = sz_size(i);
        if (size > conf.tcache_max) {
            continue;
        }
        void *p = jea_malloc(size);
        jea_free(p);
        void *q = jea_malloc(size);
        ck_assert_ptr_eq(p, q);
        jea_free(q);
        expect_invariants();
    }
}

END_TEST

START_TEST(test_tcache_random_traffic_keeps_the_invariants)
{
    enum { HELD = 4000 };

    static void *held[HELD];
    uint64_t state = util_seed();
    for (unsigned i = 0; i < 200000; i++) {
        unsigned k = (unsigned)util_random_below(&state, HELD);
        if (held[k] != NULL) {
            jea_free(held[k]);
            held[k] = NULL;
        } else {
            held[k] = jea_malloc(1 + util_random_below(&state, 1 + i % 40000));
        }
        if (i % 1000 == 0) {
            expect_invariants();
            ck_assert_uint_le(tcache_bytes(tsd), tsd->cache_limit_bytes);
        }
    }
    for (unsigned k = 0; k < HELD; k++) {
        jea_free(held[k]);
    }
    expect_invariants();
    tcache_flush(tsd);
    ck_assert_uint_eq(tcache_bytes(tsd), 0);
    expect_invariants();
}

END_TEST

START_TEST(test_tcache_stack_grows_under_load_and_stops_at_its_limit)
{
    enum { MANY = 5000 };

    static void *p[MANY];
    unsigned cls = sz_index(64) + 1;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_malloc(64);
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
    }
    ck_assert_uint_eq(tsd->cold[cls].slots_max, 1024);
    ck_assert_ptr_eq(tsd->bins[cls].full, tsd->cold[cls].base + 2048);
    ck_assert_uint_le(cached(cls), 1u << META_LG_SLOTS_MAX);
    expect_invariants();
}

END_TEST

/* What was not used since trimming last looked is so in a larger stack, too;
 * but one that was just trimmed can be popped from. */
START_TEST(test_tcache_mark_of_what_is_idle)
{
    enum { N = 8 };

    void *p[N + 1];
    unsigned cls = sz_index(2048) + 1;
    cache_bin_t *bin = &tsd->bins[cls];
    const tcache_bin_t *cold = &tsd->cold[cls];
    conf.tcache_gc_delay_bytes = UINT64_C(1) << 40; /* nothing goes */
    restart();
    jea_free(jea_malloc(2048)); /* what others gave does not go either */
    tcache_flush(tsd);
    for (unsigned i = 0; i <= N; i++) {
        p[i] = jea_mallocx(2048, JEA_TCACHE_NONE);
    }
    for (unsigned i = 0; i < N; i++) {
        jea_free(p[i]);
    }
    ck_assert_int_eq(bin->full - bin->head, 0);
    bin->low = bin->head; /* as trimming leaves it */
    jea_free(p[N]);
    ck_assert_int_eq(bin->full - cold->base, 2 * N);
    ck_assert_int_eq(bin->low - cold->base, N);
    bin->left = 0; /* trimming is due with the next, and looks at this bin */
    tsd->next_gc = tsd->progress;
    tsd->gc_bin = cls - 1;
    ck_assert_ptr_eq(jea_malloc(2048), p[N]);
    ck_assert_uint_eq(tsd->gc_bin, cls);
    ck_assert_uint_eq(cached(cls), N);
    ck_assert_int_eq(bin->low - cold->base, N / 2);
    expect_invariants();
}

END_TEST

static void *
free_only(void *arg)
{
    void **p = arg;
    tsd_t *self = tsd_get();
    unsigned cls = sz_index(64) + 1;
    for (unsigned i = 0; p[i] != NULL; i++) {
        jea_free(p[i]);
        ck_assert_int_le(self->bins[cls].full - self->cold[cls].base, 128);
    }
    /* enough to give back some at a time */
    ck_assert_int_eq(self->bins[cls].full - self->cold[cls].base, 128);
    /* it allocates as well from now on */
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; p[i] != NULL; i++) {
            p[i] = jea_malloc(64);
        }
        for (unsigned i = 0; p[i] != NULL; i++) {
            jea_free(p[i]);
        }
    }
    ck_assert_int_eq(self->bins[cls].full - self->cold[cls].base, 2048);
    return NULL;
}

START_TEST(test_tcache_of_a_thread_that_only_frees_stays_small)
{
    enum { MANY = 5000 };

    static void *p[MANY + 1];
    for (unsigned i = 0; i < MANY; i++) {
        p[i] = jea_malloc(64);
    }
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, free_only, p), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

END_TEST

/* What a thread allocated in former times does not count for ever. */
START_TEST(test_tcache_of_a_thread_that_frees_now_stays_small)
{
    enum { MANY = 5000, BEFORE = 1000 };

    static void *p[MANY];
    unsigned cls = sz_index(64) + 1;
    const cache_bin_t *bin = &tsd->bins[cls];
    const tcache_bin_t *cold = &tsd->cold[cls];
    for (unsigned i = 0; i < BEFORE; i++) {
        jea_free(jea_malloc(64));
    }
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_mallocx(64, JEA_TCACHE_NONE);
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
        ck_assert_int_eq(bin->full - cold->base, round == 0 ? 1024 : 128);
        while (cold->lg_slots > META_LG_SLOTS_MIN) {
            tcache_gc(tsd, os_clock_coarse_ns());
        }
    }
    expect_invariants();
}

END_TEST

static void *
free_then_take(void *arg)
{
    void *p = arg;
    jea_free(p);
    for (unsigned i = 0; i < 100; i++) {
        char *q = jea_malloc(8);
        /* nothing from the line that the other thread goes on with */
        ck_assert_uint_ne((uintptr_t)q / CACHELINE, (uintptr_t)p / CACHELINE);
    }
    return NULL;
}

START_TEST(test_tcache_first_object_taken_is_of_the_threads_own_arena)
{
    pthread_t thread;
    void *mine = jea_malloc(8), *other = jea_malloc(8);
    ck_assert_uint_eq((uintptr_t)mine / CACHELINE,
                      (uintptr_t)other / CACHELINE);
    ck_assert_int_eq(pthread_create(&thread, NULL, free_then_take, other), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    jea_free(mine);
}

END_TEST

START_TEST(test_tcache_budget_of_a_thread_is_kept)
{
    enum { MANY = 3000 };

    static void *p[MANY];
    conf.tcache_thread_max = 300000;
    tcache_set_enabled(tsd, false);
    tcache_set_enabled(tsd, true);
    for (unsigned szind = 0; szind < SC_NBINS; szind++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_malloc(sz_size(szind));
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
        expect_invariants();
    }
    /* the smallest stacks are outside the budget */
    size_t smallest = 0;
    for (unsigned szind = 0; szind < SC_NBINS; szind++) {
        smallest += sz_size(szind) << META_LG_SLOTS_MIN;
    }
    ck_assert_uint_le(tsd->cache_limit_bytes, 300000 + smallest);
}

END_TEST

START_TEST(test_tcache_idle_objects_go_back)
{
    enum { MANY = 500 };

    static void *p[MANY];
    unsigned cls = sz_index(100) + 1;
    for (unsigned i = 0; i < MANY; i++) {
        p[i] = jea_malloc(100);
    }
    for (unsigned i = 0; i < MANY; i++) {
        jea_free(p[i]);
    }
    unsigned before = cached(cls);
    ck_assert_uint_gt(before, 100);
    for (unsigned i = 0; i < 20 * SC_NCACHED; i++) {
        tcache_gc(tsd, os_clock_coarse_ns());
        expect_invariants();
    }
    ck_assert_uint_le(cached(cls), 8);
    ck_assert_uint_eq(tsd->cold[cls].lg_slots, META_LG_SLOTS_MIN);
}

END_TEST

/* Bytes make one bin due; the time since the last one makes others so, where
 * dirty pages do not stay for ever. */
START_TEST(test_tcache_is_trimmed_by_time)
{
    enum { MANY = 40, CLASSES = 20, ROUNDS = 10 };

    void *p[MANY];
    unsigned trimmed = 0;
    static const int64_t times_ms[] = {10000, 0, -1};
    ck_assert(pac_set_decay_ms(&tsd->arena->pac, PAC_DIRTY, times_ms[_i]));
    for (unsigned cls = 2; cls < 2 + CLASSES; cls++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_malloc(sz_size(cls - 1));
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
        ck_assert_uint_ge(cached(cls), MANY);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t now = os_clock_coarse_ns();
        tsd->last_gc_ns = now - 10000000000 / 8;
        tcache_gc(tsd, os_clock_coarse_ns());
        ck_assert_uint_ge(tsd->last_gc_ns, now);
        expect_invariants();
    }
    for (unsigned cls = 2; cls < 2 + CLASSES; cls++) {
        trimmed += cached(cls) < MANY / 2;
    }
    ck_assert_uint_eq(trimmed, _i == 0 ? CLASSES : 0);
}

END_TEST

/* Bins without anything to look at do not count, nor the time before the first
 * look of all. */
START_TEST(test_tcache_is_trimmed_a_bin_at_a_time)
{
    enum { CLASSES = 6, EMPTY = 3, MANY = 8 };

    void *p[CLASSES][MANY];
    restart();
    for (unsigned cls = 1; cls <= CLASSES; cls++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[cls - 1][i] = jea_mallocx(sz_size(cls - 1), JEA_TCACHE_NONE);
        }
        jea_free(jea_malloc(sz_size(cls - 1))); /* now it has slots */
    }
    tcache_flush(tsd);
    for (unsigned i = 0; i < 2 * SC_NCACHED; i++) {
        tcache_gc(tsd, os_clock_coarse_ns()); /* it has seen all there was */
    }
    for (unsigned cls = EMPTY + 1; cls <= CLASSES; cls++) {
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[cls - 1][i]);
        }
    }
    tsd->gc_bin = 0;
    tsd->last_gc_ns = 0;
    ck_assert(pac_set_decay_ms(&tsd->arena->pac, PAC_DIRTY, 10000));
    tcache_gc(tsd, os_clock_coarse_ns());
    ck_assert_uint_eq(tsd->gc_bin, EMPTY + 1);
    ck_assert(pac_set_decay_ms(&tsd->arena->pac, PAC_DIRTY, -1));
    tcache_gc(tsd, os_clock_coarse_ns());
    ck_assert_uint_eq(tsd->gc_bin, EMPTY + 2);
}

END_TEST

START_TEST(test_tcache_objects_in_use_between_rounds_stay)
{
    enum { MANY = 60 };

    void *p[MANY];
    unsigned cls = sz_index(100) + 1;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            p[i] = jea_malloc(100);
        }
        for (unsigned i = 0; i < MANY; i++) {
            jea_free(p[i]);
        }
        if (round > 10) {
            ck_assert_uint_ge(cached(cls), MANY);
        }
        for (unsigned i = 0; i < SC_NCACHED; i++) {
            tcache_gc(tsd, os_clock_coarse_ns());
        }
    }
}

END_TEST

START_TEST(test_tcache_disabled_keeps_nothing)
{
    void *p = jea_malloc(100);
    jea_free(p);
    tcache_set_enabled(tsd, false);
    ck_assert_uint_eq(tcache_bytes(tsd), 0);
    ck_assert_uint_eq(tsd->cache_limit_bytes, 0);
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        jea_free(jea_malloc(sz_size(i)));
        ck_assert_ptr_null(tsd->cold[i + 1].base);
    }
    expect_invariants();
    tcache_set_enabled(tsd, true);
    jea_free(jea_malloc(100));
    ck_assert_uint_gt(tcache_bytes(tsd), 0);
}

END_TEST

START_TEST(test_tcache_max_is_the_largest_class)
{
    static const size_t most[] = {0, 8, 100, 14336, 16384, 20000, 32768};
    for (unsigned k = 0; k < JE_ARRAY_LEN(most); k++) {
        conf.tcache_max = most[k];
        restart();
        for (unsigned i = 0; i <= SC_NCACHED; i++) {
            size_t size = sz_size(i);
            jea_free(jea_malloc(size));
            ck_assert_uint_eq(tcache_bytes(tsd) > 0, size <= sz_round(most[k]));
            tcache_flush(tsd);
        }
        expect_invariants();
        ck_assert_ptr_null(tsd->more);
    }
}

END_TEST

/* ---- classes that only tcache_max asks for ----------------------------- */

START_TEST(test_tcache_more_classes_are_kept_up_to_tcache_max)
{
    conf.tcache_max = (size_t)8 << 20;
    restart();
    ck_assert_ptr_null(tsd->more);
    for (unsigned i = 0; i <= SC_NCACHED_MAX; i++) {
        size_t size = sz_size(i);
        void *p = jea_malloc(size);
        jea_free(p);
        void *q = jea_calloc(1, size);
        bool is_kept = i < SC_NCACHED_MAX;
        ck_assert(!is_kept || p == q);
        ck_assert_int_eq(((char *)q)[0] | ((char *)q)[size - 1], 0);
        jea_free(q);
        tcache_flush(tsd);
        jea_free(jea_malloc(size));
        ck_assert(is_kept ? tcache_bytes(tsd) >= size : tcache_bytes(tsd) == 0);
        expect_invariants();
        tcache_flush(tsd);
        ck_assert_uint_eq(tcache_bytes(tsd), 0);
    }
    ck_assert_ptr_nonnull(tsd->more);
}

END_TEST

/* Free `n` objects of one size at once. */
static void
free_many(size_t size, unsigned n)
{
    void *p[64];
    ck_assert_uint_le(n, JE_ARRAY_LEN(p));
    for (unsigned i = 0; i < n; i++) {
        p[i] = jea_malloc(size);
    }
    for (unsigned i = 0; i < n; i++) {
        jea_free(p[i]);
    }
}

START_TEST(test_tcache_more_classes_keep_the_budget)
{
    enum { MIB = 1 << 20 };

    conf.tcache_max = 2 * MIB;
    conf.tcache_thread_max = 6 * MIB;
    conf.tcache_gc_incr_bytes = (uint64_t)1 << 40;
    conf.lg_tcache_stretch = 0;
    restart();
    free_many(MIB, 12);
    ck_assert_uint_eq(tcache_bytes(tsd), 6 * MIB);
    free_many(2 * MIB, 3);
    ck_assert_uint_eq(tcache_bytes(tsd), 6 * MIB);
    expect_invariants();
    /* slots of small objects are worth more */
    for (unsigned round = 0; round < 5; round++) {
        free_many(16384, 20);
        free_many(2048, 64);
    }
    expect_invariants();
    ck_assert_uint_eq(tsd->cache_limit_bytes, 2 * 128 * 1024);
    ck_assert_uint_eq(tsd->more->bytes, 5 * MIB);
    ck_assert_uint_le(tsd->cache_limit_bytes + tsd->more->bytes, 6 * MIB);
}

END_TEST

START_TEST(test_tcache_budget_follows_tcache_max_unless_it_is_set)
{
    enum { MIB = 1 << 20 };

    static const struct {
        size_t max, thread_max, kept;
    } cases[] = {
        {8 * MIB, 0, 16 * MIB},  {4 * MIB, 0, 8 * MIB}, {MIB, 0, 4 * MIB},
        {MIB / 2, 0, 3 * MIB},   {8 * MIB, 3 * MIB, 0}, {MIB, 5 * MIB, 5 * MIB},
        {MIB, 3 * MIB / 2, MIB},
    };

    for (unsigned i = 0; i < JE_ARRAY_LEN(cases); i++) {
        conf.tcache_max = cases[i].max;
        conf.tcache_thread_max = cases[i].thread_max;
        restart();
        free_many(cases[i].max, 10);
        ck_assert_uint_eq(tcache_bytes(tsd), cases[i].kept);
    }
}

END_TEST

START_TEST(test_tcache_more_idle_objects_go_back)
{
    conf.tcache_max = (size_t)1 << 20;
    restart();
    free_many((size_t)1 << 20, 2);
    free_many((size_t)64 << 10, 8);
    ck_assert_uint_eq(tcache_bytes(tsd), (size_t)5 << 19);
    tcache_flush(tsd);
    free_many((size_t)256 << 10, 2);
    free_many((size_t)64 << 10, 8);
    ck_assert_uint_eq(tcache_bytes(tsd), (size_t)1 << 20);
    for (unsigned i = 0; i < 6 * SC_NCACHED_MAX; i++) {
        tcache_gc(tsd, os_clock_coarse_ns());
        expect_invariants();
    }
    ck_assert_uint_eq(tcache_bytes(tsd), 0);
}

END_TEST

START_TEST(test_tcache_more_requests_are_counted)
{
    unsigned szind = sz_index((size_t)1 << 20);
    large_stats_t *s = &tsd->arena->large[szind - SC_NBINS];
    conf.tcache_max = (size_t)1 << 20;
    restart();
    uint64_t requests = s->nrequests, made = s->nmalloc;
    for (unsigned i = 0; i < 10; i++) {
        jea_free(jea_malloc((size_t)1 << 20));
    }
    /* the first came when there was no bin yet */
    ck_assert_uint_eq(s->nrequests, requests + 1);
    ck_assert_uint_eq(tcache_nrequests(tsd, szind), 9);
    ck_assert_uint_eq(s->nmalloc, made + 1);
    tcache_fini(tsd);
    ck_assert_uint_eq(s->nrequests, requests + 10);
    ck_assert_uint_eq(tcache_nrequests(tsd, szind), 0);
    ck_assert_uint_eq(s->nmalloc, s->ndalloc);
}

END_TEST

/* ---- what a thread sets for itself ------------------------------------- */

static int
set_max(size_t size)
{
    return je_mallctl("thread.tcache.max", NULL, NULL, &size, sizeof(size));
}

static size_t
get_max(void)
{
    size_t size = 0, len = sizeof(size);
    ck_assert_int_eq(je_mallctl("thread.tcache.max", &size, &len, NULL, 0), 0);
    return size;
}

static int
set_nslots(const char *list)
{
    return je_mallctl("thread.tcache.ncached_max.write", NULL, NULL, &list,
                      sizeof(list));
}

static size_t
get_nslots(size_t size)
{
    size_t n = SIZE_MAX, len = sizeof(n);
    ck_assert_int_eq(je_mallctl("thread.tcache.ncached_max.read_sizeclass", &n,
                                &len, &size, sizeof(size)),
                     0);
    return n;
}

/* Objects of a size that stay when so many are freed into an empty cache. */
static size_t
kept(size_t size, unsigned n)
{
    static void *p[3000];
    ck_assert_uint_le(n, JE_ARRAY_LEN(p));
    for (unsigned i = 0; i < n; i++) {
        p[i] = jea_malloc(size);
    }
    tcache_flush(tsd);
    for (unsigned i = 0; i < n; i++) {
        jea_free(p[i]);
    }
    return tcache_bytes(tsd) / sz_round(size);
}

static void *
expect_defaults(void *unused)
{
    ck_assert_uint_eq(get_max(), 32768);
    ck_assert_uint_eq(get_nslots(64), 1024);
    jea_free(jea_malloc(2048));
    ck_assert_uint_gt(tcache_bytes(tsd_get()), 0);
    return unused;
}

static void
expect_others_unchanged(void)
{
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, expect_defaults, NULL), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
}

START_TEST(test_tcache_max_of_a_thread_is_its_own)
{
    ck_assert_uint_eq(get_max(), 32768);
    jea_free(jea_malloc(64));
    ck_assert_int_eq(set_max(1000), 0);
    ck_assert_uint_eq(tcache_bytes(tsd), 0);
    ck_assert_uint_eq(get_max(), 1024);
    ck_assert_uint_eq(kept(1024, 1), 1);
    ck_assert_uint_eq(kept(1025, 1), 0);
    ck_assert_uint_eq(kept(32768, 1), 0);
    expect_invariants();
    expect_others_unchanged();
    ck_assert_int_eq(set_max((size_t)1 << 20), 0);
    ck_assert_uint_eq(kept((size_t)1 << 20, 3), 3);
    ck_assert_uint_eq(kept(((size_t)1 << 20) + 1, 1), 0);
    ck_assert_int_eq(set_max(SIZE_MAX), 0);
    ck_assert_uint_eq(get_max(), (size_t)8 << 20);
    ck_assert_uint_eq(kept((size_t)8 << 20, 1), 1);
    ck_assert_int_eq(set_max(0), 0);
    ck_assert_uint_eq(get_max(), 8);
    ck_assert_uint_eq(kept(8, 1), 1);
    ck_assert_uint_eq(kept(9, 1), 0);
    expect_invariants();
    /* it outlives the cache */
    tcache_set_enabled(tsd, false);
    tcache_set_enabled(tsd, true);
    ck_assert_uint_eq(get_max(), 8);
    size_t size = 100;
    ck_assert_int_eq(je_mallctl("thread.tcache.max", NULL, NULL, &size, 4),
                     EINVAL);
    ck_assert_uint_eq(get_max(), 8);
}

END_TEST

START_TEST(test_tcache_objects_of_a_class_are_limited_by_a_list)
{
    ck_assert_uint_eq(get_nslots(14336), 8);
    ck_assert_int_eq(set_nslots("8-128:1|160-160:11|170-320:22|224-8388609:0"),
                     0);
    ck_assert_uint_eq(tcache_bytes(tsd), 0);
    ck_assert_uint_eq(get_nslots(0), 1);
    ck_assert_uint_eq(get_nslots(128), 1);
    ck_assert_uint_eq(get_nslots(129), 11);
    ck_assert_uint_eq(get_nslots(161), 22);
    ck_assert_uint_eq(get_nslots(193), 0);
    ck_assert_uint_eq(get_nslots(32768), 0);
    ck_assert_uint_eq(get_nslots((size_t)8 << 20), 0);
    ck_assert_uint_eq(kept(64, 2), 1);
    ck_assert_uint_eq(kept(160, 11), 11);
    ck_assert_uint_eq(kept(192, 22), 22);
    ck_assert_uint_eq(kept(192, 23), 12);
    ck_assert_uint_eq(kept(224, 5), 0);
    ck_assert_uint_eq(kept(20000, 5), 0);
    expect_invariants();
    expect_others_unchanged();
    /* what is not named stays, and more than a stack has is cut */
    ck_assert_int_eq(set_nslots("160-160:99999"), 0);
    ck_assert_uint_eq(get_nslots(160), 2048);
    ck_assert_uint_eq(get_nslots(192), 22);
    ck_assert_uint_eq(kept(160, 2048), 2048);
    expect_invariants();
}

END_TEST

START_TEST(test_tcache_limits_of_classes_wait_until_they_are_served)
{
    ck_assert_int_eq(set_max(1024), 0);
    ck_assert_int_eq(set_nslots("2048-6144:12|1048576-1048576:2"), 0);
    ck_assert_uint_eq(get_nslots(2048), 0);
    ck_assert_uint_eq(kept(2048, 5), 0);
    ck_assert_int_eq(set_max((size_t)1 << 20), 0);
    ck_assert_uint_eq(get_nslots(2048), 12);
    ck_assert_uint_eq(kept(2048, 12), 12);
    ck_assert_uint_eq(get_nslots((size_t)1 << 20), 2);
    ck_assert_uint_eq(kept((size_t)1 << 20, 2), 2);
    ck_assert_uint_eq(kept((size_t)1 << 20, 3), 2);
    ck_assert_uint_eq(get_nslots((size_t)7 << 17), 8);
    /* another arena is no new cache; off and on again is one */
    unsigned ind = arena_create()->ind;
    ck_assert_int_eq(je_mallctl("thread.arena", NULL, NULL, &ind, sizeof(ind)),
                     0);
    ck_assert_uint_eq(get_nslots(2048), 12);
    tcache_set_enabled(tsd, false);
    ck_assert_uint_eq(get_nslots(2048), 0);
    ck_assert_int_eq(set_nslots("0-112:8"), ENOENT);
    tcache_set_enabled(tsd, true);
    ck_assert_uint_eq(get_nslots(2048), 64);
    ck_assert_uint_eq(get_nslots((size_t)1 << 20), 8);
    expect_invariants();
}

END_TEST

START_TEST(test_tcache_limits_of_classes_refuse_what_is_no_list)
{
    static const char *const bad[] = {
        "",        "8",        "8-16",    "8-16:",   "16-8:1",    "8-16:-1",
        "8-16:1|", "8-16:1|x", "default", "8-16:1,", "8-16:1||1", " 8-16:1"};
    const char *good = "8-16:3", *none = NULL;
    size_t n = 0, len = sizeof(n), size = ((size_t)8 << 20) + 1;
    const char name[] = "thread.tcache.ncached_max.write";
    const char ask[] = "thread.tcache.ncached_max.read_sizeclass";
    for (unsigned i = 0; i < JE_ARRAY_LEN(bad); i++) {
        ck_assert_int_eq(set_nslots(bad[i]), EINVAL);
        ck_assert_uint_eq(get_nslots(8), 1024);
    }
    ck_assert_int_eq(set_nslots(none), EINVAL);
    ck_assert_int_eq(je_mallctl(name, NULL, NULL, NULL, 0), 0);
    ck_assert_int_eq(je_mallctl(name, NULL, NULL, &good, 4), EINVAL);
    ck_assert_int_eq(je_mallctl(name, &n, &len, NULL, 0), EPERM);
    ck_assert_uint_eq(get_nslots(8), 1024);
    ck_assert_int_eq(je_mallctl(ask, &n, &len, NULL, 0), EINVAL);
    ck_assert_int_eq(je_mallctl(ask, &n, &len, &size, 4), EINVAL);
    ck_assert_int_eq(je_mallctl(ask, &n, &len, &size, sizeof(size)), EINVAL);
    size = 8;
    len = 4;
    ck_assert_int_eq(je_mallctl(ask, &n, &len, &size, sizeof(size)), EINVAL);
}

END_TEST

static tcache_more_t *seen[2];

static void *
keep_some(void *arg)
{
    jea_free(jea_malloc((size_t)1 << 20));
    jea_free(jea_malloc((size_t)40 << 10));
    ck_assert_uint_ge(tcache_bytes(tsd_get()), 1064960 + 24576);
    seen[*(unsigned *)arg] = tsd_get()->more;
    return NULL;
}

START_TEST(test_tcache_more_ends_with_the_thread_and_its_block_is_used_again)
{
    conf.tcache_max = (size_t)1 << 20;
    for (unsigned i = 0; i < 2; i++) {
        pthread_t t;
        ck_assert_int_eq(pthread_create(&t, NULL, keep_some, &i), 0);
        ck_assert_int_eq(pthread_join(t, NULL), 0);
        uint64_t live = 0;
        for (unsigned a = 0; a < arena_count(); a++) {
            for (unsigned k = 0; arena_get(a) != NULL && k < SZ_NLARGE; k++) {
                const large_stats_t *s = &arena_get(a)->large[k];
                live += k > SC_NCACHED_LARGE ? s->nmalloc - s->ndalloc : 0;
            }
        }
        ck_assert_uint_eq(live, 0);
    }
    ck_assert_ptr_nonnull(seen[0]);
    ck_assert_ptr_eq(seen[0], seen[1]);
}

END_TEST

static pthread_barrier_t both;

static void *
keep_until_told(void *arg)
{
    keep_some(arg);
    (void)pthread_barrier_wait(&both);
    (void)pthread_barrier_wait(&both);
    return NULL;
}

/* What the caches of the parent's threads held is free in the child. */
START_TEST(test_tcache_more_of_other_threads_goes_back_in_the_child)
{
    pthread_t t;
    unsigned i = 0;
    conf.tcache_max = (size_t)1 << 20;
    ck_assert_int_eq(pthread_barrier_init(&both, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&t, NULL, keep_until_told, &i), 0);
    (void)pthread_barrier_wait(&both);
    pid_t child = fork();
    if (child == 0) {
        size_t before = 0, after = 0;
        for (unsigned a = 0; a < arena_count(); a++) {
            before += arena_get(a) != NULL ? arena_get(a)->pac.nactive : 0;
        }
        tsd_reclaim_orphans();
        for (unsigned a = 0; a < arena_count(); a++) {
            after += arena_get(a) != NULL ? arena_get(a)->pac.nactive : 0;
        }
        _exit(before - after >= (1064960 >> OS_LG_PAGE) ? 0 : 1);
    }
    int status = -1;
    (void)waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    (void)pthread_barrier_wait(&both);
    (void)pthread_join(t, NULL);
}

END_TEST

START_TEST(test_tcache_bytes_counts_free_objects)
{
    size_t before = tcache_bytes(tsd);
    ck_assert_uint_eq(before, 0);
    void *p = jea_malloc(sz_size(SC_NBINS));
    jea_free(p);
    ck_assert_uint_eq(tcache_bytes(tsd), sz_size(SC_NBINS));
    void *q = jea_malloc(1000); /* fills several */
    jea_free(q);
    ck_assert_uint_eq(tcache_bytes(tsd),
                      sz_size(SC_NBINS) + cached(sz_index(1000) + 1) * 1024);
}

END_TEST

/* Across what is due, trimming, and the end of the account. */
START_TEST(test_tcache_requests_are_exact)
{
    unsigned szind = sz_index(48);
    uint64_t before = tcache_nrequests(tsd, szind);
    unsigned n = 3 * (unsigned)conf.tcache_gc_incr_bytes / 48 + 5;
    for (unsigned i = 1; i <= n; i++) {
        jea_free(jea_malloc(48));
        ck_assert_uint_eq(tcache_nrequests(tsd, szind), before + i);
    }
    for (unsigned i = 0; i < SC_NCACHED; i++) {
        tcache_gc(tsd, os_clock_coarse_ns());
    }
    ck_assert_uint_eq(tcache_nrequests(tsd, szind), before + n);
}

END_TEST

START_TEST(test_tcache_refused_request_is_not_counted)
{
    uint64_t allocated = tsd_bytes(tsd).allocated;
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_ptr_null(
            je_alloc(SZ_LARGE_MAX, &(alloc_how_t){.zero = false}));
        tcache_gc(tsd, os_clock_coarse_ns());
    }
    ck_assert_uint_eq(tsd_bytes(tsd).allocated, allocated);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("tcache");
    TCase *tc = tcase_create("tcache");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_tcache_free_then_malloc_returns_the_same_object);
    tcase_add_test(tc, test_tcache_random_traffic_keeps_the_invariants);
    tcase_add_test(tc,
                   test_tcache_stack_grows_under_load_and_stops_at_its_limit);
    tcase_add_test(tc, test_tcache_mark_of_what_is_idle);
    tcase_add_test(tc, test_tcache_of_a_thread_that_only_frees_stays_small);
    tcase_add_test(tc,
                   test_tcache_first_object_taken_is_of_the_threads_own_arena);
    tcase_add_test(tc, test_tcache_of_a_thread_that_frees_now_stays_small);
    tcase_add_test(tc, test_tcache_budget_of_a_thread_is_kept);
    tcase_add_test(tc, test_tcache_idle_objects_go_back);
    tcase_add_loop_test(tc, test_tcache_is_trimmed_by_time, 0, 3);
    tcase_add_test(tc, test_tcache_is_trimmed_a_bin_at_a_time);
    tcase_add_test(tc, test_tcache_objects_in_use_between_rounds_stay);
    tcase_add_test(tc, test_tcache_disabled_keeps_nothing);
    tcase_add_test(tc, test_tcache_max_is_the_largest_class);
    tcase_add_test(tc, test_tcache_more_classes_are_kept_up_to_tcache_max);
    tcase_add_test(tc, test_tcache_more_classes_keep_the_budget);
    tcase_add_test(tc, test_tcache_budget_follows_tcache_max_unless_it_is_set);
    tcase_add_test(tc, test_tcache_max_of_a_thread_is_its_own);
    tcase_add_test(tc, test_tcache_objects_of_a_class_are_limited_by_a_list);
    tcase_add_test(tc,
                   test_tcache_limits_of_classes_wait_until_they_are_served);
    tcase_add_test(tc, test_tcache_limits_of_classes_refuse_what_is_no_list);
    tcase_add_test(tc, test_tcache_more_idle_objects_go_back);
    tcase_add_test(tc, test_tcache_more_requests_are_counted);
    tcase_add_test(
        tc, test_tcache_more_ends_with_the_thread_and_its_block_is_used_again);
    tcase_add_test(tc,
                   test_tcache_more_of_other_threads_goes_back_in_the_child);
    tcase_add_test(tc, test_tcache_bytes_counts_free_objects);
    tcase_add_test(tc, test_tcache_requests_are_exact);
    tcase_add_test(tc, test_tcache_refused_request_is_not_counted);
    suite_add_tcase(s, tc);
    return util_run(s);
}
