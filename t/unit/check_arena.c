/*
 * Arenas: batches in and out, large objects, and which thread gets which.
 */
#include "alloc/arena.h"

#include <string.h>

#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "base/bits.h"
#include "t/util.h"

static void
setup(void)
{
    ck_assert(je_boot());
}

static uint64_t
live_regions(const arena_t *arena, unsigned szind)
{
    return arena->bins[szind].stats.nmalloc - arena->bins[szind].stats.ndalloc;
}

START_TEST(test_arena_fill_and_flush_return_to_nothing)
{
    arena_t *arena = arena_create();
    static void *p[5000];
    for (unsigned szind = 0; szind < SC_NBINS; szind++) {
        unsigned n = 0;
        while (n < 3000) {
            unsigned got = arena_fill(arena, szind, 0, p + n, 100);
            ck_assert_uint_ge(got, 1);
            n += got;
        }
        for (unsigned i = 0; i < n; i++) {
            extent_t *e = emap_extent((uintptr_t)p[i]);
            ck_assert_ptr_eq(arena_of(e), arena);
            ck_assert_uint_eq(e->szind, szind);
            ck_assert_uint_eq(emap_class(p[i]), szind + 1);
            ck_assert_uint_eq((uintptr_t)p[i] % (szind == 0 ? 8 : 16), 0);
            memset(p[i], (int)i, sz_size(szind));
        }
        ck_assert_uint_eq(live_regions(arena, szind), n);
        arena_flush(szind, p, n);
        ck_assert_uint_eq(live_regions(arena, szind), 0);
        ck_assert(arena_is_valid(arena));
    }
    arena_purge(arena);
    size_t kept = 0; /* a bin keeps its current slab */
    for (unsigned szind = 0; szind < SC_NBINS; szind++) {
        ck_assert_uint_le(arena->bins[szind].stats.curslabs, 1);
        kept += arena->bins[szind].stats.curslabs * bin_infos[szind].slab_size;
    }
    ck_assert_uint_eq(arena->pac.nactive << OS_LG_PAGE, kept);
    ck_assert_uint_eq(arena->pac.dirty.npages, 0);
}

END_TEST

START_TEST(test_arena_flush_sorts_regions_by_their_arenas)
{
    enum { ARENAS = 3, EACH = 200 };

    arena_t *arena[ARENAS];
    void *p[ARENAS * EACH], *mixed[ARENAS * EACH];
    for (unsigned a = 0; a < ARENAS; a++) {
        arena[a] = arena_create();
        for (unsigned i = 0; i < EACH;) {
            i += arena_fill(arena[a], 5, 0, p + a * EACH + i, EACH - i);
        }
    }
    for (unsigned i = 0; i < ARENAS * EACH; i++) {
        mixed[i] = p[(i * 7) % (ARENAS * EACH)];
    }
    arena_flush(5, mixed, ARENAS * EACH);
    for (unsigned a = 0; a < ARENAS; a++) {
        ck_assert_uint_eq(arena[a]->bins[5].stats.ndalloc, EACH);
        ck_assert_uint_eq(live_regions(arena[a], 5), 0);
        ck_assert(arena_is_valid(arena[a]));
    }
}

END_TEST

START_TEST(test_arena_quarantined_drops_and_counts_what_is_freed)
{
    arena_t *arena = arena_create();
    void *p[64];
    unsigned n = arena_fill(arena, 3, 0, p, 64);
    extent_t *large =
        arena_large_alloc(arena, sz_size(SC_NBINS), OS_PAGE, false);
    size_t active = arena->pac.nactive;
    arena->is_quarantined = true;
    arena_flush(3, p, n);
    ck_assert(!arena_large_resize(large, sz_size(SC_NBINS + 1), false));
    arena_large_dalloc(large);
    ck_assert_uint_eq(arena->dropped_frees, n + 1);
    ck_assert_uint_eq(arena->bins[3].stats.ndalloc, 0);
    ck_assert_uint_eq(arena->pac.nactive, active);
    arena_purge(arena);
    arena_decay(arena, UINT64_MAX);
    ck_assert_uint_eq(arena->pac.nactive, active);
}

END_TEST

static void
check_large(void)
{
    arena_t *arena = arena_create();
    size_t pad = conf.cache_oblivious ? OS_PAGE : 0;
    for (unsigned i = 0; i < 20; i++) {
        unsigned szind = SC_NBINS + i;
        large_stats_t *stats = &arena->large[i];
        extent_t *e = arena_large_alloc(arena, sz_size(szind), OS_PAGE, true);
        ck_assert_ptr_nonnull(e);
        ck_assert_uint_eq(e->szind, szind);
        unsigned char *p = extent_object(e);
        ck_assert_uint_eq(e->size, sz_size(szind) + pad);
        ck_assert_uint_eq(p[0], 0);
        memset((void *)e->addr, 1, e->size);
        ck_assert_uint_eq(stats->nmalloc - stats->ndalloc, 1);
        if (arena_large_resize(e, sz_size(szind + 1), true)) {
            ck_assert_uint_eq(e->szind, szind + 1);
            ck_assert_ptr_eq(extent_object(e), p);
            unsigned char *tail = p + sz_size(szind);
            size_t more = sz_size(szind + 1) - sz_size(szind);
            ck_assert(tail[0] == 0 && memcmp(tail, tail + 1, more - 1) == 0);
            ck_assert_uint_eq(tail[-1], 1);
            ck_assert_uint_eq(stats->nmalloc - stats->ndalloc, 0);
            ck_assert(arena_large_resize(e, sz_size(szind), false));
        }
        ck_assert_uint_eq(e->szind, szind);
        arena_large_dalloc(e);
        ck_assert_uint_eq(stats->nmalloc - stats->ndalloc, 0);
    }
    ck_assert_uint_eq(arena->pac.nactive, 0);
}

START_TEST(test_arena_large_counts_by_class_and_resizes_in_place)
{
    conf.cache_oblivious = _i != 0;
    check_large();
    check_large(); /* on used pages */
}

END_TEST

START_TEST(test_arena_large_begins_at_any_line_if_asked)
{
    arena_t *arena = arena_create();
    uint64_t seen = 0;
    size_t usable = sz_size(SC_NBINS + 2);
    conf.cache_oblivious = true;
    for (size_t align = 0; align <= (size_t)4 << 20;
         align = align > 0 ? align * 2 : 1) {
        for (unsigned i = 0; i < 40; i++) {
            size_t active = arena->pac.nactive;
            extent_t *e = arena_large_alloc(arena, usable, align, false);
            uintptr_t p = (uintptr_t)extent_object(e);
            ck_assert_uint_eq(p & (JE_MAX(align, CACHELINE) - 1), 0);
            ck_assert_ptr_eq(emap_extent(p), e);
            ck_assert_uint_eq(e->size, usable + OS_PAGE);
            ck_assert_uint_eq(arena->pac.nactive - active, extent_pages(e));
            memset((void *)p, 1, usable);
            if (align == 0) {
                seen |= UINT64_C(1) << ((e->offset / CACHELINE) & 63);
            }
        }
    }
    ck_assert_uint_ge(bits_popcount(seen), OS_PAGE / CACHELINE / 4);
    ck_assert(arena_is_valid(arena));
}

END_TEST

START_TEST(test_arena_large_zero_is_zero_on_used_pages)
{
    arena_t *arena = arena_create();
    size_t size = sz_size(SC_NBINS + 4);
    extent_t *e = arena_large_alloc(arena, size, OS_PAGE, false);
    uintptr_t at = e->addr;
    memset((void *)at, 0xff, e->size);
    arena_large_dalloc(e);
    e = arena_large_alloc(arena, size, OS_PAGE, true);
    ck_assert_uint_eq(e->addr, at);
    size_t wrong = 0;
    for (size_t i = 0; i < size; i++) {
        wrong += ((unsigned char *)extent_object(e))[i] != 0;
    }
    ck_assert_uint_eq(wrong, 0);
}

END_TEST

START_TEST(test_arena_large_is_aligned_as_asked)
{
    arena_t *arena = arena_create();
    for (size_t align = OS_PAGE; align <= (size_t)64 << 20; align *= 2) {
        extent_t *e = arena_large_alloc(arena, sz_size(SC_NBINS), align, false);
        ck_assert_ptr_nonnull(e);
        ck_assert_uint_eq(e->addr % align, 0);
    }
    ck_assert(arena_is_valid(arena));
}

END_TEST

START_TEST(test_arena_bind_gives_each_thread_its_own_while_there_are)
{
    unsigned before[ARENA_LIMIT];
    unsigned rounds = 3;
    unsigned bound = 0;
    for (unsigned i = 0; i < arenas_auto; i++) {
        arena_t *arena = arena_get(i);
        before[i] = arena != NULL ? arena->nthreads : 0;
        bound += before[i];
    }
    for (unsigned i = bound; i < rounds * arenas_auto; i++) {
        ck_assert_ptr_nonnull(arena_bind());
    }
    for (unsigned i = 0; i < arenas_auto; i++) {
        ck_assert_ptr_nonnull(arena_get(i));
        ck_assert_uint_eq(arena_get(i)->nthreads, rounds);
    }
    arena_unbind(arena_get(arenas_auto - 1));
    ck_assert_ptr_eq(arena_bind(), arena_get(arenas_auto - 1));
}

END_TEST

START_TEST(test_arena_bind_avoids_quarantined_arenas)
{
    for (unsigned i = 0; i < arenas_auto; i++) {
        arena_t *arena = arena_get_or_make(i);
        ck_assert_ptr_nonnull(arena);
        arena->is_quarantined = true;
    }
    arena_t *arena = arena_bind();
    ck_assert_ptr_nonnull(arena);
    ck_assert(!arena->is_quarantined);
    ck_assert_uint_ge(arena->ind, arenas_auto);
    ck_assert_ptr_eq(arena_bind(), arena);
}

END_TEST

START_TEST(test_arena_create_counts_up_and_lookup_ends_at_the_limit)
{
    unsigned count = arena_count();
    arena_t *arena = arena_create();
    ck_assert_uint_eq(arena->ind, count);
    ck_assert_uint_eq(arena_count(), count + 1);
    ck_assert_ptr_eq(arena_get(count), arena);
    ck_assert_ptr_null(arena_get(count + 1));
    ck_assert_ptr_null(arena_get(ARENA_LIMIT));
    ck_assert_ptr_null(arena_get(UINT32_MAX));
    ck_assert_ptr_null(arena_get_or_make(count + 1));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("arena");
    TCase *tc = tcase_create("arena");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_arena_fill_and_flush_return_to_nothing);
    tcase_add_test(tc, test_arena_flush_sorts_regions_by_their_arenas);
    tcase_add_test(tc, test_arena_quarantined_drops_and_counts_what_is_freed);
    tcase_add_loop_test(
        tc, test_arena_large_counts_by_class_and_resizes_in_place, 0, 2);
    tcase_add_test(tc, test_arena_large_begins_at_any_line_if_asked);
    tcase_add_test(tc, test_arena_large_zero_is_zero_on_used_pages);
    tcase_add_test(tc, test_arena_large_is_aligned_as_asked);
    tcase_add_test(tc,
                   test_arena_bind_gives_each_thread_its_own_while_there_are);
    tcase_add_test(tc, test_arena_bind_avoids_quarantined_arenas);
    tcase_add_test(tc,
                   test_arena_create_counts_up_and_lookup_ends_at_the_limit);
    suite_add_tcase(s, tc);
    return util_run(s);
}
