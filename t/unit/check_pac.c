/*
 * The page layer: random operations against a shadow of every extent, and the
 * way of pages from dirty to muzzy to retained.
 */
#include "alloc/pac.h"

#include <string.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/meta.h"
#include "alloc/pac_internal.h"
#include "os/clock.h"
#include "os/pages.h"
#include "t/util.h"

enum { LIVE_MAX = 120 };

static pac_t *pac;

static void
setup(void)
{
    ck_assert(je_boot());
    arena_t *arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    pac = &arena->pac;
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, -1));
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, -1));
    conf.retain = true;
}

/* The first round sees the pages, the second finds them old. */
static void
decay_everything(void)
{
    pac_decay(pac, os_clock_ns() + 10000000000u);
    pac_decay(pac, os_clock_ns() + 90000000000u);
}

typedef struct shadow {
    extent_t *e;
    size_t size;
    unsigned char mark;
} shadow_t;

static shadow_t live[LIVE_MAX];

/* Mark the first and last bytes of each page, or check that they still are. */
static void
mark_pages(const shadow_t *s)
{
    for (size_t at = 0; at < s->size; at += OS_PAGE) {
        unsigned char *page = (unsigned char *)s->e->addr + at;
        page[0] = page[OS_PAGE - 1] = s->mark;
    }
}

static void
expect_marks(const shadow_t *s, size_t size)
{
    size_t wrong = 0;
    for (size_t at = 0; at < size; at += OS_PAGE) {
        const unsigned char *page = (unsigned char *)s->e->addr + at;
        wrong += page[0] != s->mark || page[OS_PAGE - 1] != s->mark;
    }
    ck_assert_uint_eq(wrong, 0);
}

static void
expect_zero(const extent_t *e, size_t from)
{
    static const unsigned char zeroes[1 << 16];
    for (size_t at = from; at < e->size; at += OS_PAGE) {
        ck_assert_mem_eq((void *)(e->addr + at), zeroes, OS_PAGE);
    }
}

static void
expect_extent(const shadow_t *s)
{
    extent_t *e = s->e;
    ck_assert_uint_eq(e->size, s->size);
    ck_assert_uint_eq(e->addr % OS_PAGE, 0);
    ck_assert_int_eq(e->state, EXTENT_ACTIVE);
    ck_assert(e->is_committed);
    ck_assert_ptr_eq(emap_extent(e->addr), e);
    ck_assert_ptr_eq(emap_extent(extent_last_page(e)), e);
}

static void
shadow_alloc(shadow_t *s, uint64_t *state)
{
    size_t pages =
        1 + util_random_below(state, util_random_below(state, 8) ? 40 : 900);
    size_t align = OS_PAGE;
    if (util_random_below(state, 4) == 0) {
        align <<= util_random_below(state, 10);
    }
    bool zeroed = false;
    s->e = pac_alloc(pac, pages << OS_LG_PAGE, align, &zeroed);
    ck_assert_ptr_nonnull(s->e);
    ck_assert_uint_eq(s->e->addr % align, 0);
    s->size = pages << OS_LG_PAGE;
    s->mark = (unsigned char)(1 + util_random_below(state, 250));
    if (zeroed) {
        expect_zero(s->e, 0);
    }
    expect_extent(s);
    mark_pages(s);
}

static void
shadow_resize(shadow_t *s, uint64_t *state)
{
    size_t pages = s->size >> OS_LG_PAGE;
    bool zeroed = false;
    if (util_random(state) & 1) {
        size_t more = (1 + util_random_below(state, 60)) << OS_LG_PAGE;
        if (pac_expand(pac, s->e, s->size + more, &zeroed)) {
            if (zeroed) {
                expect_zero(s->e, s->size);
            }
            expect_marks(s, s->size);
            s->size += more;
        }
    } else if (pages > 1) {
        size_t keep = 1 + util_random_below(state, pages - 1);
        ck_assert(pac_shrink(pac, s->e, keep << OS_LG_PAGE));
        s->size = keep << OS_LG_PAGE;
        expect_marks(s, s->size);
    }
    expect_extent(s);
    mark_pages(s);
}

static void
shadow_step(uint64_t *state)
{
    shadow_t *s = &live[util_random_below(state, LIVE_MAX)];
    uint64_t op = util_random_below(state, 1000);
    if (op < 3) {
        pac_purge_all(pac);
        ck_assert_uint_eq(pac->dirty.npages, 0);
        ck_assert_uint_eq(pac->muzzy.npages, 0);
    } else if (op < 5) {
        (void)pac_unmap_retained(pac, NULL);
    } else if (op < 8) { /* what is dirty becomes muzzy */
        ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, op == 5 ? 1 : -1));
        decay_everything();
    } else if (s->e == NULL) {
        shadow_alloc(s, state);
    } else if (op < 300) {
        shadow_resize(s, state);
    } else {
        expect_extent(s);
        expect_marks(s, s->size);
        pac_dalloc(pac, s->e);
        s->e = NULL;
    }
}

static void
random_run(uint64_t seed, unsigned steps)
{
    uint64_t state = seed;
    for (unsigned i = 0; i < steps; i++) {
        shadow_step(&state);
        if (i % 64 == 0) {
            size_t pages = 0;
            for (unsigned k = 0; k < LIVE_MAX; k++) {
                pages += live[k].e != NULL ? live[k].size >> OS_LG_PAGE : 0;
            }
            ck_assert_uint_eq(pac->nactive, pages);
            ck_assert(pac_is_valid(pac));
        }
    }
}

START_TEST(test_pac_random_operations_match_the_shadow)
{
    random_run(util_seed(), 8000);
}

END_TEST

START_TEST(test_pac_random_operations_without_retain_match_the_shadow)
{
    conf.retain = false;
    random_run(util_seed() + 1, 8000);
}

END_TEST

START_TEST(test_pac_random_operations_decaying_at_once_match_the_shadow)
{
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, 0));
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, 0));
    random_run(util_seed() + 2, 3000);
}

END_TEST

static extent_t *
take(size_t pages)
{
    bool zeroed;
    extent_t *e = pac_alloc(pac, pages << OS_LG_PAGE, OS_PAGE, &zeroed);
    ck_assert_ptr_nonnull(e);
    memset((void *)e->addr, 1, e->size);
    return e;
}

START_TEST(test_pac_neighbours_merge_when_all_are_free)
{
    extent_t *e[5];
    for (unsigned i = 0; i < 5; i++) {
        e[i] = take(3);
    }
    for (unsigned i = 1; i < 5; i++) {
        ck_assert_uint_eq(e[i]->addr, extent_end(e[i - 1]));
    }
    uintptr_t first = e[0]->addr;
    static const unsigned order[] = {1, 3, 0, 4, 2};
    for (unsigned i = 0; i < 5; i++) {
        pac_dalloc(pac, e[order[i]]);
    }
    /* as soon as somebody needs more than one of them */
    ck_assert_uint_eq(pac->dirty.npages, 15);
    ck_assert_uint_eq(take(3)->addr, extent_end(e[1]));
    pac_dalloc(pac, emap_extent(e[2]->addr));
    ck_assert_uint_eq(take(15)->addr, first);
    ck_assert_uint_eq(pac->dirty.npages, 0);
    for (unsigned page = 1; page < 14; page++) { /* nobody starts there now */
        ck_assert_ptr_null(emap_extent(first + page * OS_PAGE));
    }
}

END_TEST

START_TEST(test_pac_dirty_is_used_before_muzzy_before_retained)
{
    extent_t *e[3], *wall[3];
    for (unsigned i = 0; i < 3; i++) {
        e[i] = take(4);
        wall[i] = take(1);
    }
    uintptr_t at[3] = {e[0]->addr, e[1]->addr, e[2]->addr};
    pac_dalloc(pac, e[0]);
    pac_purge_all(pac); /* the lowest address: retained */
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, 1));
    pac_dalloc(pac, e[1]);
    decay_everything(); /* muzzy */
    ck_assert_uint_eq(pac->muzzy.npages, 4);
    pac_dalloc(pac, e[2]);
    ck_assert_uint_eq(pac->dirty.npages, 4);
    ck_assert_uint_eq(take(4)->addr, at[2]);
    ck_assert_uint_eq(take(4)->addr, at[1]);
    ck_assert_uint_eq(take(4)->addr, at[0]);
    ck_assert_uint_eq(extent_pages(wall[0]), 1);
}

END_TEST

/* Whatever the option dss says. */
static void
use_no_break(void)
{
    pac->dss = CONF_DSS_DISABLED;
    meta_use_break(false);
}

/* Five neighbours of so many pages: the first and the last stay, and of those
 * between that `is_dirty` names are dirty, the others retained. Returns where
 * they begin. */
static uintptr_t
lay_out_of(size_t pages, const bool is_dirty[3])
{
    extent_t *e[5];
    for (unsigned i = 0; i < 5; i++) {
        e[i] = take(pages);
    }
    uintptr_t at = e[1]->addr;
    for (unsigned i = 0; i < 3; i++) {
        if (!is_dirty[i]) {
            pac_dalloc(pac, e[i + 1]);
        }
    }
    pac_purge_all(pac);
    for (unsigned i = 0; i < 3; i++) {
        if (is_dirty[i]) {
            pac_dalloc(pac, e[i + 1]);
        }
    }
    return at;
}

static uintptr_t
lay_out(const bool is_dirty[3])
{
    return lay_out_of(6, is_dirty);
}

/* Pages taken, and where they begin: of 6 dirty and 6 or 12 retained ones. */
START_TEST(test_pac_dirty_run_that_is_too_short_is_joined_with_retained)
{
    static const struct {
        bool is_dirty[3];
        size_t pages, at;
    } cases[] = {
        {{true, false, false}, 10, 0}, /* what is above is used first */
        {{false, true, false}, 10, 6}, /* ... */
        {{false, true, false}, 15, 3}, /* both sides */
        {{false, false, true}, 7, 11}, /* below */
        {{false, true, false}, 18, 0}, /* all */
    };

    use_no_break();
    for (unsigned i = 0; i < JE_ARRAY_LEN(cases); i++) {
        uintptr_t at = lay_out(cases[i].is_dirty);
        size_t retained = pac->retained.npages, active = pac->nactive;
        bool zeroed = true;
        extent_t *e =
            pac_alloc(pac, cases[i].pages << OS_LG_PAGE, OS_PAGE, &zeroed);
        ck_assert_ptr_nonnull(e);
        ck_assert_uint_eq((e->addr - at) >> OS_LG_PAGE, cases[i].at);
        ck_assert_uint_eq(extent_pages(e), cases[i].pages);
        ck_assert(!zeroed);
        ck_assert_uint_eq(pac->dirty.npages, 0);
        ck_assert_uint_eq(pac->retained.npages, retained - cases[i].pages + 6);
        ck_assert_uint_eq(pac->nactive, active + cases[i].pages);
        memset((void *)e->addr, 2, e->size);
        ck_assert(pac_is_valid(pac));
    }
}

END_TEST

/* Of a class with what is asked for, but shorter. */
START_TEST(test_pac_dirty_run_of_the_same_class_is_joined)
{
    static const bool is_dirty[] = {true, false, false};
    use_no_break();
    ck_assert_uint_eq(sz_pind_floor(16), sz_pind_floor(17));
    uintptr_t at = lay_out_of(16, is_dirty);
    ck_assert_uint_eq(take(17)->addr, at);
    ck_assert_uint_eq(pac->dirty.npages, 0);
    ck_assert(pac_is_valid(pac));
}

END_TEST

/* The largest run is not the only one that is looked at. */
START_TEST(test_pac_smaller_dirty_run_is_joined_where_it_suffices)
{
    use_no_break();
    extent_t *larger = take(6), *wall[2], *dirty, *retained;
    wall[0] = take(1);
    dirty = take(4);
    retained = take(8);
    wall[1] = take(1);
    ck_assert_uint_eq(extent_end(dirty), retained->addr);
    ck_assert_uint_eq(extent_end(retained), wall[1]->addr);
    uintptr_t at = dirty->addr;
    pac_dalloc(pac, retained);
    pac_purge_all(pac);
    pac_dalloc(pac, larger);
    pac_dalloc(pac, dirty);
    ck_assert_uint_eq(take(10)->addr, at);
    ck_assert_uint_eq(pac->dirty.npages, 6);
    ck_assert_uint_eq(extent_pages(wall[0]), 1);
}

END_TEST

START_TEST(test_pac_dirty_run_stays_where_joining_does_not_suffice)
{
    static const bool is_dirty[] = {false, true, false};
    use_no_break();
    uintptr_t at = lay_out(is_dirty);
    extent_t *e = take(19);
    ck_assert(e->addr < at || e->addr > at + 18 * OS_PAGE);
    ck_assert_uint_eq(pac->dirty.npages, 6);
    ck_assert_ptr_nonnull(emap_extent(at + 6 * OS_PAGE));
    ck_assert_int_eq(emap_extent(at + 6 * OS_PAGE)->state, EXTENT_DIRTY);
}

END_TEST

START_TEST(test_pac_decay_zero_purges_at_once)
{
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, 0));
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, 0));
    extent_t *e = take(7);
    unsigned char *p = (unsigned char *)e->addr;
    pac_dalloc(pac, e);
    ck_assert_uint_eq(pac->dirty.npages + pac->muzzy.npages, 0);
    ck_assert_uint_eq(pac->decay_dirty.purged, 7);
    ck_assert_uint_eq(pac->decay_dirty.npurge, 1);
    bool zeroed = false;
    e = pac_alloc(pac, 7 << OS_LG_PAGE, OS_PAGE, &zeroed);
    ck_assert_uint_eq(e->addr, (uintptr_t)p);
    ck_assert(zeroed);
    expect_zero(e, 0);
}

END_TEST

/* Those that somebody asks for between two steps stay where they are; the
 * others go by the schedule, at the latest a step later than the rest. */
START_TEST(test_pac_decay_leaves_what_is_in_use_loose)
{
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, 1000));
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, 0));
    extent_t *used = take(3), *wall = take(1), *idle = take(3);
    uintptr_t at = used->addr;
    uint64_t now = os_clock_ns();
    pac_dalloc(pac, idle);
    pac_dalloc(pac, used);
    for (unsigned i = 0; i < 300; i++) {
        now += 10000000;
        pac_decay(pac, now);
        extent_t *e = take(3);
        ck_assert_uint_eq(e->addr, at);
        pac_dalloc(pac, e);
    }
    ck_assert_uint_eq(pac->dirty.npages, 3);
    ck_assert_uint_eq(pac->decay_dirty.purged, 3);
    ck_assert_uint_eq(extent_pages(wall), 1);
    /* nobody was here for long: nothing counts as in use */
    pac_decay(pac, now + 5000000000u);
    pac_decay(pac, now + 9000000000u);
    ck_assert_uint_eq(pac->dirty.npages, 0);
}

END_TEST

START_TEST(test_pac_growth_in_place_takes_loose_neighbours)
{
    extent_t *e = take(2), *next[2];
    next[0] = take(2);
    next[1] = take(3);
    extent_t *wall = take(1);
    bool zeroed;
    ck_assert_uint_eq(extent_end(next[0]), next[1]->addr);
    pac_dalloc(pac, next[0]);
    pac_dalloc(pac, next[1]);
    ck_assert(pac_expand(pac, e, 7 << OS_LG_PAGE, &zeroed));
    ck_assert_uint_eq(extent_end(e), wall->addr);
    ck_assert_uint_eq(pac->dirty.npages, 0);
}

END_TEST

/* Also behind one that has merged already. */
START_TEST(test_pac_growth_in_place_takes_a_loose_one_behind_another)
{
    extent_t *e = take(2), *next[2];
    next[0] = take(4);
    next[1] = take(8);
    extent_t *wall = take(1);
    bool zeroed;
    pac_dalloc(pac, next[0]);
    (void)pac_settle_locked(pac, false);
    pac_dalloc(pac, next[1]);
    ck_assert(pac_expand(pac, e, 14 << OS_LG_PAGE, &zeroed));
    ck_assert_uint_eq(extent_end(e), wall->addr);
}

END_TEST

/* What is large enough together goes at once where an arena wants that. */
START_TEST(test_pac_nothing_is_loose_under_an_oversize_threshold)
{
    extent_t *e[8];
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, 10000));
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, 0));
    pac->oversize_threshold = 32 << OS_LG_PAGE;
    for (unsigned i = 0; i < 8; i++) {
        e[i] = take(4);
    }
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_uint_eq(pac->dirty.npages, i * 4);
        pac_dalloc(pac, e[i]);
    }
    ck_assert_uint_eq(pac->dirty.npages, 0);
}

END_TEST

START_TEST(test_pac_many_at_once)
{
    extent_t *e[6], *out[6];
    for (unsigned i = 0; i < 6; i++) {
        e[i] = take(4);
    }
    size_t active = pac->nactive;
    pac_dalloc_many(pac, e, 6);
    ck_assert_uint_eq(pac->nactive, active - 6 * 4);
    ck_assert_uint_eq(pac->dirty.npages, 6 * 4);
    ck_assert_uint_eq(pac_alloc_many(pac, 5 << OS_LG_PAGE, out, 6), 0);
    ck_assert_uint_eq(pac_alloc_many(pac, 4 << OS_LG_PAGE, out, 4), 4);
    ck_assert_uint_eq(pac_alloc_many(pac, 4 << OS_LG_PAGE, out + 4, 4), 2);
    ck_assert_uint_eq(pac->nactive, active);
    ck_assert_uint_eq(pac->dirty.npages, 0);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_ptr_eq(out[i], e[5 - i]);
        ck_assert_int_eq(out[i]->state, EXTENT_ACTIVE);
    }
    ck_assert(pac_is_valid(pac));
}

END_TEST

START_TEST(test_pac_decay_never_keeps_pages_dirty)
{
    pac_dalloc(pac, take(7));
    pac_decay(pac, UINT64_MAX);
    ck_assert_uint_eq(pac->dirty.npages, 7);
    ck_assert_uint_eq(pac_ns_until_decay(pac, 0), UINT64_MAX);
}

END_TEST

START_TEST(test_pac_decay_on_schedule_goes_through_muzzy)
{
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, 1000));
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, 1000));
    uint64_t now = os_clock_ns();
    pac_dalloc(pac, take(1000));
    size_t before = 1000;
    for (unsigned i = 0; i < 300; i++) {
        now += 10000000;
        pac_decay(pac, now);
        ck_assert_uint_le(pac->dirty.npages, before);
        before = pac->dirty.npages;
    }
    ck_assert_uint_eq(pac->dirty.npages, 0);
    ck_assert_uint_eq(pac->decay_dirty.purged, 1000);
    ck_assert_uint_gt(pac->decay_dirty.nmadvise, 0);
    for (unsigned i = 0; i < 300; i++) {
        now += 10000000;
        pac_decay(pac, now);
    }
    ck_assert_uint_eq(pac->muzzy.npages, 0);
    ck_assert_uint_eq(pac->decay_muzzy.purged, 1000);
}

END_TEST

/* Every page of dirty memory that an arena parts with, and its content. */
START_TEST(test_pac_part_and_adopt_move_dirty_pages_between_arenas)
{
    pac_t *other = &arena_create()->pac;
    ck_assert(pac_set_decay_ms(other, PAC_DIRTY, -1));
    extent_t *wall[2], *e = take(20);
    wall[0] = take(1);
    uintptr_t at = e->addr;
    pac_run_t run;
    ck_assert(!pac_part(pac, OS_PAGE, OS_PAGE, &run));
    pac_dalloc(pac, e);
    ck_assert(!pac_part(pac, 21 * OS_PAGE, 40 * OS_PAGE, &run));
    ck_assert(pac_part(pac, 4 * OS_PAGE, 10 * OS_PAGE, &run));
    ck_assert_uint_ge(run.size, 4 * OS_PAGE);
    ck_assert_uint_ge(run.addr, at);
    ck_assert_uint_le(run.addr + run.size, at + 20 * OS_PAGE);
    size_t left = 20 - (run.size >> OS_LG_PAGE);
    ck_assert_uint_eq(pac->dirty.npages, left);
    pac_adopt_dirty(other, &run);
    ck_assert_uint_eq(other->dirty.npages, run.size >> OS_LG_PAGE);
    ck_assert(pac_is_valid(pac));
    ck_assert(pac_is_valid(other));
    bool zeroed = true;
    e = pac_alloc(other, run.size, OS_PAGE, &zeroed);
    ck_assert_uint_eq(e->addr, run.addr);
    ck_assert(!zeroed);
    ck_assert_uint_eq(e->arena_ind, other->arena_ind);
    ck_assert_uint_eq(other->nactive, run.size >> OS_LG_PAGE);
    wall[1] = left > 0 ? take(left) : NULL;
    pac_dalloc(other, e);
    /* neighbours of two arenas do not merge */
    if (wall[1] != NULL) {
        pac_dalloc(pac, wall[1]);
        ck_assert_uint_eq(pac->dirty.npages, left);
    }
    ck_assert(pac_is_valid(pac));
    ck_assert(pac_is_valid(other));
}

END_TEST

START_TEST(test_pac_part_gives_what_lies_loose_as_a_whole)
{
    extent_t *e[3];
    pac_run_t run = {.size = 0};
    for (unsigned i = 0; i < 3; i++) {
        e[i] = take(4);
    }
    extent_t *wall = take(1);
    uintptr_t at = e[0]->addr;
    ck_assert_uint_eq(wall->addr, at + 12 * OS_PAGE);
    for (unsigned i = 0; i < 3; i++) {
        pac_dalloc(pac, e[i]);
    }
    ck_assert(pac_part(pac, 12 << OS_LG_PAGE, 12 << OS_LG_PAGE, &run));
    ck_assert_uint_eq(run.addr, at);
    ck_assert_uint_eq(run.size, 12 << OS_LG_PAGE);
    ck_assert_uint_eq(pac->dirty.npages, 0);
}

END_TEST

START_TEST(test_pac_set_decay_refuses_what_is_out_of_range)
{
    ck_assert(!pac_set_decay_ms(pac, PAC_DIRTY, -2));
    ck_assert(!pac_set_decay_ms(pac, PAC_MUZZY, DECAY_MS_MAX + 1));
    ck_assert_int_eq(pac_decay_ms(pac, PAC_DIRTY), -1);
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, DECAY_MS_MAX));
    ck_assert_int_eq(pac_decay_ms(pac, PAC_MUZZY), DECAY_MS_MAX);
}

END_TEST

START_TEST(test_pac_alloc_of_impossible_sizes_changes_nothing)
{
    bool zeroed;
    pac_dalloc(pac, take(1));
    size_t active = pac->nactive, retained = pac->retained.npages;
    ck_assert_ptr_null(pac_alloc(pac, SZ_LARGE_MAX, OS_PAGE, &zeroed));
    ck_assert_ptr_null(
        pac_alloc(pac, SZ_LARGE_MAX - OS_PAGE, OS_PAGE, &zeroed));
    ck_assert_ptr_null(pac_alloc(pac, OS_PAGE, (size_t)1 << 62, &zeroed));
    ck_assert_uint_eq(pac->nactive, active);
    ck_assert_uint_eq(pac->retained.npages, retained);
    ck_assert(pac_is_valid(pac));
}

END_TEST

/* Neither new descriptors nor spare ones. */
static void
use_up_descriptors(void)
{
    os_pages_fail_at(1, UINT64_MAX);
    while (meta_alloc(1) != NULL) {
    }
    list_init(&pac->spare);
    pac->nspare = 0;
}

START_TEST(test_pac_cut_without_a_descriptor_loses_nothing)
{
    if (!je_config_debug) {
        return; /* mappings can be made to fail in debug builds */
    }
    use_no_break();
    (void)take(1); /* so that the next starts at an odd page */
    extent_t *e = take(40);
    (void)take(1);
    uintptr_t at = e->addr;
    ck_assert_uint_eq((at >> OS_LG_PAGE) % 2, 1);
    pac_dalloc(pac, e);
    size_t retained = pac->retained.npages;
    use_up_descriptors();
    bool zeroed;
    static const size_t aligns[] = {2, 1}; /* the start is cut, only the end */
    for (unsigned i = 0; i < JE_ARRAY_LEN(aligns); i++) {
        ck_assert_ptr_null(
            pac_alloc(pac, 4 << OS_LG_PAGE, aligns[i] << OS_LG_PAGE, &zeroed));
        ck_assert_uint_eq(pac->dirty.npages, 40);
        ck_assert_uint_eq(pac->retained.npages, retained);
        ck_assert_uint_eq(pac->nactive, 2);
        ck_assert(pac_is_valid(pac));
    }
    e = pac_alloc(pac, 40 << OS_LG_PAGE, OS_PAGE, &zeroed);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->addr, at);
    ck_assert(!pac_shrink(pac, e, OS_PAGE));
    ck_assert_uint_eq(e->size, 40 << OS_LG_PAGE);
}

END_TEST

START_TEST(test_pac_join_without_a_descriptor_loses_nothing)
{
    if (!je_config_debug) {
        return;
    }
    static const bool is_dirty[] = {false, true, false};
    use_no_break();
    uintptr_t at = lay_out(is_dirty);
    size_t retained = pac->retained.npages;
    use_up_descriptors();
    bool zeroed;
    ck_assert_ptr_null(pac_alloc(pac, 8 << OS_LG_PAGE, OS_PAGE, &zeroed));
    ck_assert_uint_eq(pac->dirty.npages, 6);
    ck_assert_uint_eq(pac->retained.npages, retained);
    ck_assert_uint_eq(pac->nactive, 12);
    ck_assert(pac_is_valid(pac));
    extent_t *e = pac_alloc(pac, 12 << OS_LG_PAGE, OS_PAGE, &zeroed);
    ck_assert_ptr_nonnull(e); /* needs no cut */
    ck_assert_uint_eq(e->addr, at + 6 * OS_PAGE);
}

END_TEST

START_TEST(test_pac_regions_double_up_to_a_limit)
{
    use_no_break();
    size_t before = pac->grow_size;
    for (unsigned i = 0; i < 12; i++) {
        bool zeroed;
        ck_assert_ptr_nonnull(pac_alloc(pac, pac->grow_size, OS_PAGE, &zeroed));
        ck_assert_uint_ge(pac->grow_size, before);
        before = pac->grow_size;
    }
    ck_assert_uint_eq(before, (size_t)64 << 20);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("pac");
    TCase *tc = tcase_create("pac");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_pac_random_operations_match_the_shadow);
    tcase_add_test(tc,
                   test_pac_random_operations_without_retain_match_the_shadow);
    tcase_add_test(
        tc, test_pac_random_operations_decaying_at_once_match_the_shadow);
    tcase_add_test(tc, test_pac_neighbours_merge_when_all_are_free);
    tcase_add_test(tc, test_pac_dirty_is_used_before_muzzy_before_retained);
    tcase_add_test(
        tc, test_pac_dirty_run_that_is_too_short_is_joined_with_retained);
    tcase_add_test(tc, test_pac_dirty_run_of_the_same_class_is_joined);
    tcase_add_test(tc, test_pac_smaller_dirty_run_is_joined_where_it_suffices);
    tcase_add_test(tc, test_pac_dirty_run_stays_where_joining_does_not_suffice);
    tcase_add_test(tc, test_pac_decay_zero_purges_at_once);
    tcase_add_test(tc, test_pac_decay_leaves_what_is_in_use_loose);
    tcase_add_test(tc, test_pac_growth_in_place_takes_loose_neighbours);
    tcase_add_test(tc,
                   test_pac_growth_in_place_takes_a_loose_one_behind_another);
    tcase_add_test(tc, test_pac_nothing_is_loose_under_an_oversize_threshold);
    tcase_add_test(tc, test_pac_many_at_once);
    tcase_add_test(tc, test_pac_decay_never_keeps_pages_dirty);
    tcase_add_test(tc, test_pac_decay_on_schedule_goes_through_muzzy);
    tcase_add_test(tc, test_pac_part_and_adopt_move_dirty_pages_between_arenas);
    tcase_add_test(tc, test_pac_part_gives_what_lies_loose_as_a_whole);
    tcase_add_test(tc, test_pac_set_decay_refuses_what_is_out_of_range);
    tcase_add_test(tc, test_pac_alloc_of_impossible_sizes_changes_nothing);
    tcase_add_test(tc, test_pac_cut_without_a_descriptor_loses_nothing);
    tcase_add_test(tc, test_pac_join_without_a_descriptor_loses_nothing);
    tcase_add_test(tc, test_pac_regions_double_up_to_a_limit);
    suite_add_tcase(s, tc);
    return util_run(s);
}
