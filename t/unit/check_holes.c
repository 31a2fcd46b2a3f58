/*
 * alloc/bin_gaps.c, alloc/sweep.c: free pages inside slabs go back, when they
 * may and no others, and serve again.
 */
#include "alloc/arena.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/background.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/tsd.h"
#include "base/bits.h"
#include "jealloc.h"
#include "os/clock.h"
#include "os/pages.h"
#include "t/util.h"

enum { SIZE = 512, SLABS = 20, REGIONS_MAX = 20000, FREE_PAGES = 3 };

#define QUARTER UINT64_C(2500000000) /* of the default of dirty_decay_ms */

/* Slabs of one class, each with some survivors; the bin's current slab is
 * another one. */
static struct {
    arena_t *arena;
    unsigned szind;
    const bin_info_t *info;
    bin_t *bin;
    uint64_t now; /* the allocator's time */
    unsigned nslabs;
    extent_t *slabs[REGIONS_MAX];
    extent_t *other; /* the current one, at first */
    unsigned nlive;
    void *live[REGIONS_MAX];
    unsigned second; /* another region that stays at first, if not 0 */
    unsigned nseconds;
    void *seconds[REGIONS_MAX];
} field;

static void
fill(void **out, unsigned n)
{
    for (unsigned got = 0; got < n;) {
        unsigned more =
            arena_fill(field.arena, field.szind, 0, out + got, n - got);
        ck_assert_uint_gt(more, 0);
        got += more;
    }
}

static unsigned char
stamp_of(const void *p)
{
    return (unsigned char)(1 + ((uintptr_t)p >> 4) % 251);
}

static void
stamp(void *p)
{
    memset(p, stamp_of(p), field.info->size);
}

static void
expect_stamp(const void *p)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < field.info->size; i++) {
        ck_assert_uint_eq(bytes[i], stamp_of(p));
    }
}

static void
expect_live_is_intact(void)
{
    for (unsigned i = 0; i < field.nlive; i++) {
        expect_stamp(field.live[i]);
    }
}

static unsigned
region_of(const void *p)
{
    return bin_region(field.info, emap_extent((uintptr_t)p), p);
}

/* Of each slab the region `survivor` stays. */
static void
sow_in(arena_t *arena, size_t size, unsigned nslabs, unsigned survivor)
{
    static void *p[REGIONS_MAX], *freed[REGIONS_MAX];
    field.arena = arena;
    field.szind = sz_index(size);
    field.info = &bin_infos[field.szind];
    field.bin = &field.arena->bins[field.szind];
    field.now = os_clock_ns();
    field.nslabs = field.nlive = field.nseconds = 0;
    unsigned n = nslabs * field.info->nregs, nfreed = 0;
    ck_assert_uint_lt(n, REGIONS_MAX);
    fill(p, n + 1); /* the last one makes another slab the current */
    for (unsigned i = 0; i <= n; i++) {
        extent_t *e = emap_extent((uintptr_t)p[i]);
        stamp(p[i]);
        if (i < n && region_of(p[i]) == survivor) {
            field.slabs[field.nslabs++] = e;
        }
        if (i == n || region_of(p[i]) == survivor) {
            field.live[field.nlive++] = p[i];
        } else if (field.second != 0 && region_of(p[i]) == field.second) {
            field.seconds[field.nseconds++] = p[i];
        } else {
            freed[nfreed++] = p[i];
        }
    }
    ck_assert_uint_eq(field.nslabs, nslabs);
    field.other = emap_extent((uintptr_t)p[n]);
    arena_flush(field.szind, freed, nfreed);
    ck_assert(arena_is_valid(field.arena));
}

static void
sow(size_t size, unsigned nslabs, unsigned survivor)
{
    sow_in(arena_create(), size, nslabs, survivor);
}

static void
decay_at(uint64_t ns)
{
    arena_decay(field.arena, field.now + ns);
    ck_assert(arena_is_valid(field.arena));
}

/* What the kernel has of a slab's pages. */
static uint32_t
resident_pages(const extent_t *slab)
{
    unsigned char vec[64];
    uint32_t pages = 0;
    ck_assert(os_pages_resident((void *)slab->addr, slab->size, vec));
    for (unsigned i = 0; i < extent_pages(slab); i++) {
        pages |= (uint32_t)(vec[i] & 1) << i;
    }
    return pages;
}

/* Of all slabs these pages are away, and the kernel agrees. */
static void
expect_gaps(uint32_t gaps)
{
    uint32_t all = (UINT32_C(1) << extent_pages(field.slabs[0])) - 1;
    for (unsigned i = 0; i < field.nslabs; i++) {
        ck_assert_uint_eq(field.slabs[i]->gaps, gaps);
        ck_assert_uint_eq(resident_pages(field.slabs[i]), all & ~gaps);
    }
    unsigned others = bits_popcount(field.other->gaps);
    ck_assert_uint_eq(field.arena->pac.ngaps,
                      field.nslabs * bits_popcount(gaps) + others);
    ck_assert(arena_is_valid(field.arena));
    expect_live_is_intact();
}

static size_t
figure(const char *format)
{
    char name[64];
    size_t value = 0, size = sizeof(value);
    (void)snprintf(name, sizeof(name), format, field.arena->ind);
    ck_assert_int_eq(jea_mallctl(name, &value, &size, NULL, 0), 0);
    return value;
}

typedef struct figures {
    size_t resident, active, mapped, gaps, all_resident, all_active;
    size_t npurge, nmadvise, purged;
} figures_t;

static figures_t
figures(void)
{
    uint64_t epoch = 1;
    ck_assert_int_eq(jea_mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)),
                     0);
    return (figures_t){
        .resident = figure("stats.arenas.%u.resident"),
        .active = figure("stats.arenas.%u.pactive") * OS_PAGE,
        .mapped = figure("stats.arenas.%u.mapped"),
        .gaps = figure("jeprobe.arenas.%u.slab_gaps"),
        .all_resident = figure("stats.resident"),
        .all_active = figure("stats.active"),
        .npurge = figure("stats.arenas.%u.dirty_npurge"),
        .nmadvise = figure("stats.arenas.%u.dirty_nmadvise"),
        .purged = figure("stats.arenas.%u.dirty_purged"),
    };
}

/* ---- when -------------------------------------------------------------- */

static void
setup(void)
{
    ck_assert(je_boot());
}

START_TEST(test_free_pages_of_a_slab_go_after_the_decay_time)
{
    sow(SIZE, SLABS, 0);
    expect_gaps(0);
    figures_t before = figures();
    decay_at(0);
    expect_gaps(0);
    decay_at(QUARTER - 1);
    expect_gaps(0);
    ck_assert_uint_eq(figures().gaps, 0);
    decay_at(QUARTER);
    expect_gaps(0xe);
    figures_t after = figures();
    size_t bytes = SLABS * FREE_PAGES * OS_PAGE;
    ck_assert_uint_eq(after.gaps, bytes); /* ….slab_gaps */
    ck_assert_uint_eq(before.resident - after.resident, bytes);
    ck_assert_uint_eq(before.active - after.active, bytes);
    ck_assert_uint_eq(before.all_resident - after.all_resident, bytes);
    ck_assert_uint_eq(before.all_active - after.all_active, bytes);
    ck_assert_uint_eq(before.mapped, after.mapped);
    ck_assert_uint_eq(after.purged - before.purged, SLABS * FREE_PAGES);
    ck_assert_uint_eq(after.nmadvise - before.nmadvise, SLABS);
    ck_assert_uint_eq(after.npurge - before.npurge,
                      (SLABS - 1) / BIN_MOVING_MAX + 1);
}

END_TEST

START_TEST(test_what_was_taken_from_meanwhile_stays)
{
    void *p[3 * 32];
    unsigned n = bin_infos[sz_index(SIZE)].nregs - 1u;
    sow(SIZE, 1, 0);
    decay_at(0);
    fill(p, n);         /* the current slab is used up */
    fill(p + n, n);     /* and this one */
    fill(p + 2 * n, 1); /* another is the current */
    ck_assert_ptr_eq(emap_extent((uintptr_t)p[n]), field.slabs[0]);
    arena_flush(field.szind, p + n, n);
    decay_at(QUARTER);
    expect_gaps(0);
    decay_at(2 * QUARTER);
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_what_was_freed_meanwhile_waits_as_long)
{
    field.second = 8; /* the first on page 1 */
    sow(SIZE, SLABS, 0);
    decay_at(0);
    decay_at(QUARTER - 1);
    arena_flush(field.szind, field.seconds, field.nseconds);
    decay_at(QUARTER);
    expect_gaps(0xc);
    decay_at(2 * QUARTER - 1);
    expect_gaps(0xc);
    decay_at(2 * QUARTER);
    expect_gaps(0xe);
}

END_TEST

/* Part of the look at the bin, at bin_look_locked()'s pleasure. */
static bool
look_on(void)
{
    bin_moving_t moving;
    os_mutex_lock(&field.bin->mtx);
    bool has_more = bin_look_locked(field.bin, field.info, &moving);
    os_mutex_unlock(&field.bin->mtx);
    ck_assert_uint_eq(moving.n, 0);
    return has_more;
}

/* A slab that goes to a list that is still to be looked at comes by twice. */
START_TEST(test_two_looks_are_not_one)
{
    field.second = 4;
    sow(OS_PAGE, 100, 0);
    ck_assert_uint_eq(field.slabs[0]->bucket, 6);
    os_mutex_lock(&field.bin->mtx);
    bin_look_begin_locked(field.bin, field.now, false);
    os_mutex_unlock(&field.bin->mtx);
    ck_assert(look_on());
    arena_flush(field.szind, field.seconds, field.nseconds);
    ck_assert_uint_eq(field.slabs[0]->bucket, 7);
    while (look_on()) {
        continue;
    }
}

END_TEST

START_TEST(test_never_means_never)
{
    sow(SIZE, SLABS, 0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, -1));
    for (unsigned i = 0; i < 10; i++) {
        decay_at(i * 100 * QUARTER);
    }
    expect_gaps(0);
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now), UINT64_MAX);
}

END_TEST

START_TEST(test_a_time_of_zero_waits_for_nothing)
{
    sow(SIZE, SLABS, 0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 0));
    decay_at(0);
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_a_new_time_counts_from_now_on)
{
    sow(SIZE, SLABS, 0);
    decay_at(0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 1000));
    decay_at(QUARTER / 10 - 1);
    expect_gaps(0);
    decay_at(QUARTER / 10);
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_purge_does_it_at_once)
{
    char name[64];
    sow(SIZE, SLABS, 0);
    (void)snprintf(name, sizeof(name), "arena.%u.purge", field.arena->ind);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    expect_gaps(0xe);
    figures_t before = figures();
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    ck_assert_uint_eq(figures().nmadvise, before.nmadvise);
}

END_TEST

START_TEST(test_decay_follows_the_schedule)
{
    char name[64];
    sow(SIZE, SLABS, 0);
    (void)snprintf(name, sizeof(name), "arena.%u.decay", field.arena->ind);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    expect_gaps(0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 40));
    for (unsigned i = 0; i < 500 && field.arena->pac.ngaps == 0; i++) {
        (void)usleep(1000);
        ck_assert_int_eq(jea_mallctl(name, NULL, NULL, NULL, 0), 0);
    }
    expect_gaps(0xe);
}

END_TEST

/* A tick takes few slabs at a time, but all of them are looked at in time. */
START_TEST(test_ticks_share_the_work)
{
    sow(SIZE, 500, 0);
    uint64_t steps = QUARTER / 1000;
    for (uint64_t i = 0; i < 1000; i++) {
        arena_tick(field.arena, field.now + i * steps);
        ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    }
    arena_tick(field.arena, field.now + QUARTER);
    ck_assert_uint_le(field.arena->pac.ngaps,
                      (size_t)2 * BIN_MOVING_MAX * FREE_PAGES);
    for (uint64_t i = 0; i < 1000; i++) {
        arena_tick(field.arena, field.now + QUARTER + i * steps);
    }
    expect_gaps(0xe);
}

END_TEST

/* Who comes by but rarely does more at once. */
START_TEST(test_rare_ticks_do_more)
{
    sow(SIZE, 250, 0);
    for (uint64_t i = 0; i < 4; i++) {
        arena_tick(field.arena, field.now + i * QUARTER);
    }
    expect_gaps(0xe);
}

END_TEST

START_TEST(test_nobody_wakes_for_nothing)
{
    sow(SIZE, SLABS, 0);
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now), UINT64_MAX);
    decay_at(0);
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now + 1),
                      QUARTER - 1);
    decay_at(QUARTER);
    expect_gaps(0xe);
    decay_at(2 * QUARTER); /* it was the current slab's turn, too */
    ck_assert_uint_eq(sweep_ns_until_due(field.arena, field.now + 2 * QUARTER),
                      UINT64_MAX);
}

END_TEST

/* A bin that is not used any more gives up the slab it would take from, and the
 * one that it has besides. */
START_TEST(test_a_quiet_bin_keeps_no_slab)
{
    sow(SIZE, SLABS, 0);
    arena_flush(field.szind, field.live, SLABS);
    ck_assert_ptr_eq(field.bin->current, field.other);
    ck_assert_ptr_nonnull(field.bin->spare);
    decay_at(0);
    decay_at(QUARTER - 1);
    ck_assert_ptr_eq(field.bin->current, field.other);
    ck_assert_ptr_nonnull(field.bin->spare);
    decay_at(QUARTER);
    ck_assert_ptr_null(field.bin->current);
    ck_assert_ptr_null(field.bin->spare);
    ck_assert_uint_eq(field.bin->stats.curslabs, 1);
    decay_at(2 * QUARTER);
    ck_assert_uint_eq(field.other->gaps, 0xe);
    ck_assert_uint_eq(field.arena->pac.nactive, 1);
    void *p = field.live[SLABS];
    expect_stamp(p);
    arena_flush(field.szind, &p, 1);
    decay_at(3 * QUARTER);
    decay_at(4 * QUARTER);
    ck_assert_uint_eq(field.arena->pac.nactive, 0);
}

END_TEST

/* While it takes regions it keeps both that it uses. */
START_TEST(test_a_bin_in_use_keeps_its_slab)
{
    void *p;
    sow(SIZE, 1, 0);
    for (unsigned i = 0; i < 10; i++) {
        fill(&p, 1);
        extent_t *current = field.bin->current;
        decay_at(i * QUARTER);
        ck_assert_ptr_eq(field.bin->current, current);
    }
}

END_TEST

START_TEST(test_helper_threads_do_it)
{
    sow(SIZE, SLABS, 0);
    ck_assert(arena_set_decay_ms(field.arena, PAC_DIRTY, 400));
    ck_assert(background_set(true));
    for (unsigned i = 0; i < 5000 && figures().gaps == 0; i++) {
        (void)usleep(1000);
    }
    ck_assert(background_set(false));
    expect_gaps(0xe);
}

END_TEST

/* ---- which ------------------------------------------------------------- */

/* Whatever a page has of a live region, it stays. */
START_TEST(test_no_page_of_a_live_region_goes)
{
    static const size_t sizes[] = {64, 320, 448, 896, 3584, 5120, 14336};
    size_t size = sizes[_i];
    for (unsigned survivor = 0; survivor < bin_infos[sz_index(size)].nregs;
         survivor++) {
        sow(size, 2, survivor);
        size_t first = survivor * size / OS_PAGE;
        size_t last = (survivor * size + size - 1) / OS_PAGE;
        uint32_t live = (UINT32_C(2) << last) - (UINT32_C(1) << first);
        uint32_t all = (UINT32_C(1) << extent_pages(field.slabs[0])) - 1;
        arena_purge(field.arena);
        expect_gaps(all & ~live);
    }
}

END_TEST

/* To the slab, what a cache has is in use. */
START_TEST(test_what_caches_hold_stays)
{
    enum { N = 256 };

    static void *p[N];
    arena_t *arena = tsd_get()->arena;
    bin_t *bin = &arena->bins[sz_index(SIZE)];
    for (unsigned i = 0; i < N; i++) {
        p[i] = jea_malloc(SIZE);
    }
    for (unsigned i = 0; i < N / 2; i++) {
        jea_free(p[i]);
    }
    arena_purge(arena);
    ck_assert_uint_eq(bin->ngaps, 0);
    ck_assert_int_eq(jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0),
                     0);
    arena_purge(arena);
    for (unsigned i = 0; i < N / 2; i++) {
        ck_assert_ptr_nonnull(p[i] = jea_malloc(SIZE));
        memset(p[i], 1, SIZE);
    }
    ck_assert(arena_is_valid(arena));
}

END_TEST

/* There is no room for marks. */
START_TEST(test_the_smallest_classes_have_none)
{
    sow(16, 4, 0);
    ck_assert_uint_gt(field.info->slab_size, OS_PAGE);
    arena_purge(field.arena);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    decay_at(0);
    decay_at(QUARTER);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    expect_live_is_intact();
}

END_TEST

/* ---- in use again ------------------------------------------------------ */

START_TEST(test_pages_in_memory_are_used_up_first)
{
    static void *p[SIZE];
    sow(SIZE, 1, 0);
    fill(p, field.info->nregs - 1u); /* of the current slab */
    arena_purge(field.arena);
    expect_gaps(0xe);
    size_t active = field.arena->pac.nactive;
    fill(p, 7); /* the rest of the first page */
    expect_gaps(0xe);
    ck_assert_uint_eq(field.arena->pac.nactive, active);
    for (unsigned page = 1; page < 4; page++) {
        fill(p, 8); /* a page has as many */
        ck_assert_uint_eq(field.slabs[0]->gaps, 0xeu & (0xeu << page));
        ck_assert_uint_eq(field.arena->pac.nactive, active + page);
        for (unsigned i = 0; i < 8; i++) {
            ck_assert_uint_eq(
                ((uintptr_t)p[i] - field.slabs[0]->addr) / OS_PAGE, page);
            ck_assert_uint_eq(*(char *)p[i], 0);
            stamp(p[i]);
        }
        expect_gaps(0xeu & (0xeu << page));
    }
}

END_TEST

START_TEST(test_a_region_opens_all_pages_it_touches)
{
    static void *p[SIZE];
    sow(14336, 1, 0);
    fill(p, field.info->nregs - 1u);
    arena_purge(field.arena);
    expect_gaps(0xffffff0);
    fill(p, 1); /* 3.5 pages, the first of which the survivor ends on */
    ck_assert_uint_eq(region_of(p[0]), 1);
    stamp(p[0]);
    expect_gaps(0xfffff80);
    fill(p, 6);
    for (unsigned i = 0; i < 6; i++) {
        stamp(p[i]);
    }
    expect_gaps(0);
}

END_TEST

START_TEST(test_a_slab_that_goes_takes_its_gaps_along)
{
    sow(SIZE, SLABS, 0);
    arena_purge(field.arena);
    expect_gaps(0xe);
    arena_flush(field.szind, field.live, field.nlive);
    ck_assert(arena_is_valid(field.arena));
    ck_assert_uint_eq(field.bin->spare->gaps, 0xe);
    ck_assert_uint_eq(field.arena->pac.ngaps, FREE_PAGES);
    arena_purge(field.arena);
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    ck_assert_uint_eq(field.arena->pac.nactive << OS_LG_PAGE,
                      field.info->slab_size); /* the current one */
    sow_in(field.arena, SIZE, SLABS, 0);
    expect_gaps(0);
}

END_TEST

START_TEST(test_reset_and_destroy_leave_none)
{
    sow(SIZE, SLABS, 0);
    arena_purge(field.arena);
    expect_gaps(0xe);
    ck_assert(arena_reset(field.arena));
    ck_assert(arena_is_valid(field.arena));
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    ck_assert_uint_eq(field.arena->pac.nactive, 0);
    sow_in(field.arena, SIZE, SLABS, 0);
    arena_purge(field.arena);
    ck_assert(arena_destroy(field.arena));
    ck_assert_uint_eq(field.arena->pac.ngaps, 0);
    ck_assert_uint_eq(field.arena->pac.nactive, 0);
    ck_assert_ptr_eq(arena_create(), field.arena);
}

END_TEST

/* What is seen in a cache while its thread changes it may have gone back. */
START_TEST(test_reset_keeps_nothing_that_is_gone)
{
    list_t slabs, surplus;
    list_init(&slabs);
    list_init(&surplus);
    sow(SIZE, 1, 0);
    arena_purge(field.arena);
    expect_gaps(0xe);
    os_mutex_lock(&field.bin->mtx);
    bin_reset_begin_locked(field.bin, field.info, &slabs);
    char *first = (char *)field.slabs[0]->addr;
    bin_reset_keep(field.info, field.slabs[0], first + OS_PAGE);
    ck_assert_uint_eq(field.slabs[0]->nfree, field.info->nregs);
    bin_reset_keep(field.info, field.slabs[0], first);
    ck_assert_uint_eq(field.slabs[0]->nfree, field.info->nregs - 1u);
    bin_reset_end_locked(field.bin, field.info, &slabs, &surplus);
    ck_assert(bin_is_valid_locked(field.bin, field.info));
    os_mutex_unlock(&field.bin->mtx);
    arena_release_slabs(&surplus);
    ck_assert(arena_is_valid(field.arena));
}

END_TEST

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
    return t;
}

static void
end_purge(pthread_t t)
{
    ck_assert_int_eq(write(pipes[1][1], "x", 1), 1);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
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

/* ---- anything ---------------------------------------------------------- */

START_TEST(test_random_traffic_keeps_contents)
{
    static void *p[REGIONS_MAX];

    enum { LIVE = 3000 };

    uint64_t state = util_seed();
    sow(SIZE, 1, 0);
    field.szind = (unsigned)_i;
    field.info = &bin_infos[field.szind];
    unsigned live = 0;
    for (unsigned i = 0; i < 300; i++) {
        unsigned n = 1 + (unsigned)util_random_below(&state, 100);
        unsigned what = (unsigned)util_random_below(&state, 4);
        if (what == 0) {
            arena_purge(field.arena);
        } else if (what == 1 && live < LIVE) {
            fill(p + live, n);
            for (unsigned k = live; k < live + n; k++) {
                stamp(p[k]);
            }
            live += n;
        } else {
            for (; n > 0 && live > 0; n--) {
                unsigned k = (unsigned)util_random_below(&state, live);
                void *q = p[k];
                expect_stamp(q);
                p[k] = p[--live];
                arena_flush(field.szind, &q, 1);
            }
        }
        ck_assert(arena_is_valid(field.arena));
    }
    for (unsigned k = 0; k < live; k++) {
        expect_stamp(p[k]);
    }
}

END_TEST

/* ---- shown ------------------------------------------------------------- */

static char shown[1 << 20];

static void
collect(void *opaque, const char *text)
{
    size_t at = strlen(shown), n = strlen(text) + 1;
    (void)opaque;
    ck_assert_uint_le(at + n, sizeof(shown));
    memcpy(shown + at, text, n);
}

START_TEST(test_printed_statistics_say_so)
{
    char line[64];
    sow(SIZE, SLABS, 0);
    jea_malloc_stats_print(collect, NULL, "");
    ck_assert_ptr_null(strstr(shown, "slab_gaps"));
    arena_purge(field.arena);
    shown[0] = '\0';
    jea_malloc_stats_print(collect, NULL, "J");
    (void)snprintf(line, sizeof(line), "\"slab_gaps\":%zu",
                   SLABS * FREE_PAGES * OS_PAGE);
    ck_assert_ptr_nonnull(strstr(shown, line));
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("holes");
    TCase *tc = tcase_create("holes");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_free_pages_of_a_slab_go_after_the_decay_time);
    tcase_add_test(tc, test_what_was_taken_from_meanwhile_stays);
    tcase_add_test(tc, test_what_was_freed_meanwhile_waits_as_long);
    tcase_add_test(tc, test_two_looks_are_not_one);
    tcase_add_test(tc, test_never_means_never);
    tcase_add_test(tc, test_a_time_of_zero_waits_for_nothing);
    tcase_add_test(tc, test_a_new_time_counts_from_now_on);
    tcase_add_test(tc, test_purge_does_it_at_once);
    tcase_add_test(tc, test_decay_follows_the_schedule);
    tcase_add_test(tc, test_ticks_share_the_work);
    tcase_add_test(tc, test_rare_ticks_do_more);
    tcase_add_test(tc, test_nobody_wakes_for_nothing);
    tcase_add_test(tc, test_a_quiet_bin_keeps_no_slab);
    tcase_add_test(tc, test_a_bin_in_use_keeps_its_slab);
    tcase_add_test(tc, test_helper_threads_do_it);
    tcase_add_loop_test(tc, test_no_page_of_a_live_region_goes, 0, 7);
    tcase_add_test(tc, test_what_caches_hold_stays);
    tcase_add_test(tc, test_the_smallest_classes_have_none);
    tcase_add_test(tc, test_pages_in_memory_are_used_up_first);
    tcase_add_test(tc, test_a_region_opens_all_pages_it_touches);
    tcase_add_test(tc, test_a_slab_that_goes_takes_its_gaps_along);
    tcase_add_test(tc, test_reset_and_destroy_leave_none);
    tcase_add_test(tc, test_reset_keeps_nothing_that_is_gone);
    tcase_add_test(tc, test_hooks_are_asked_for_a_part);
    tcase_add_test(tc, test_what_is_refused_has_no_mark);
    tcase_add_test(tc, test_new_hooks_are_asked_again);
    tcase_add_test(tc, test_a_child_has_the_same_gaps);
    tcase_add_test(tc, test_a_fork_by_a_hook_is_survived);
    tcase_add_test(tc, test_a_fork_while_another_thread_purges_is_survived);
    tcase_add_test(tc, test_frees_do_not_wait_for_a_purge);
    tcase_add_test(tc, test_reset_waits_for_a_purge);
    tcase_add_loop_test(tc, test_random_traffic_keeps_contents, 0, SC_NBINS);
    tcase_add_test(tc, test_printed_statistics_say_so);
    suite_add_tcase(s, tc);
    return util_run(s);
}
