/*
 * Large objects that realloc cannot grow where they are: their pages move.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/arena_choice.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/prof_table.h"
#include "alloc/special.h"
#include "alloc/sz.h"
#include "alloc/tcache_count.h"
#include "base/bits.h"
#include "jealloc.h"
#include "os/file.h"
#include "os/pages.h"
#include "t/util.h"

#define MIB ((size_t)1 << 20)

/* One that the page behind keeps from growing. */
typedef struct boxed {
    char *p;
    void *wall;
} boxed_t;

static tsd_t *tsd;

static void
setup(void)
{
    ck_assert(je_boot());
    tsd = tsd_get();
    ck_assert_ptr_nonnull(tsd);
}

/* Objects begin anywhere in their first page. */
static void
setup_oblivious(void)
{
    ck_assert(je_boot());
    conf.cache_oblivious = true;
    setup();
}

static uint64_t
word_of(size_t i)
{
    return i * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void
fill(void *p, size_t size)
{
    for (size_t i = 0; i < size / 8; i++) {
        ((uint64_t *)p)[i] = word_of(i);
    }
}

static void
expect_filled(const void *p, size_t size)
{
    for (size_t i = 0; i < size / 8; i++) {
        ck_assert_uint_eq(((const uint64_t *)p)[i], word_of(i));
    }
}

static extent_t *
extent_of(void *p)
{
    return emap_extent(bits_align_down((uintptr_t)p, OS_PAGE));
}

/* Whether it could grow by a MiB where it is. */
static bool
can_grow(void *p)
{
    const extent_t *next = emap_extent(extent_end(extent_of(p)));
    return next != NULL && next->state != EXTENT_ACTIVE && next->size >= MIB;
}

/* It may be a part of another extent by now. */
static extent_state_t
state_at(uintptr_t addr)
{
    const extent_t *e = emap_find_containing(addr);
    ck_assert_ptr_nonnull(e);
    return (extent_state_t)e->state;
}

static boxed_t
box(size_t size)
{
    boxed_t b = {jea_malloc(size), NULL};
    ck_assert_ptr_nonnull(b.p);
    static void *others[1024];
    unsigned n = 0;
    while (can_grow(b.p) && n < JE_ARRAY_LEN(others)) {
        others[n] = jea_malloc(MIB / 2);
        ck_assert_ptr_nonnull(others[n++]);
    }
    ck_assert(!can_grow(b.p));
    b.wall = n > 0 ? others[--n] : NULL; /* the last one is in the way */
    while (n > 0) {
        jea_free(others[--n]);
    }
    fill(b.p, size);
    return b;
}

static size_t
pages_in_memory(uintptr_t addr, size_t size)
{
    static unsigned char vec[16384];
    size_t n = 0;
    ck_assert_uint_le(size / OS_PAGE, sizeof(vec));
    ck_assert(os_pages_resident((void *)addr, size, vec));
    for (size_t i = 0; i < size / OS_PAGE; i++) {
        n += vec[i] & 1;
    }
    return n;
}

static void
expect_valid(void)
{
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = arena_get(i);
        ck_assert(arena == NULL || pac_is_valid(&arena->pac));
    }
}

START_TEST(test_pages_move)
{
    boxed_t b = box(6 * MIB);
    uintptr_t old = extent_of(b.p)->addr;
    size_t old_size = extent_of(b.p)->size;
    size_t in_page = (uintptr_t)b.p % OS_PAGE;
    errno = 77;
    char *q = jea_realloc(b.p, 20 * MIB);
    ck_assert_int_eq(errno, 77);
    ck_assert_ptr_ne(q, b.p);
    ck_assert_uint_eq((uintptr_t)q % OS_PAGE, in_page);
    ck_assert_uint_eq(jea_malloc_usable_size(q), 20 * MIB);
    /* they are there without having been touched, and not here any more */
    ck_assert_uint_ge(pages_in_memory(extent_of(q)->addr, old_size),
                      6 * MIB / OS_PAGE);
    ck_assert_uint_eq(pages_in_memory(old, old_size), 0);
    ck_assert_int_eq(state_at(old), EXTENT_RETAINED);
    expect_filled(q, 6 * MIB);
    memset(q + 6 * MIB, 1, 14 * MIB);
    expect_valid();
    jea_free(q);
    jea_free(b.wall);
    expect_valid();
}

END_TEST

START_TEST(test_counts)
{
    boxed_t b = box(3 * MIB);
    arena_t *arena = arena_of(extent_of(b.p));
    unsigned from = sz_index(3 * MIB) - SC_NBINS;
    unsigned to = sz_index(7 * MIB) - SC_NBINS;
    tsd_bytes_t before = tsd_bytes(tsd);
    uint64_t freed = arena->large[from].ndalloc;
    uint64_t made = arena->large[to].nmalloc;
    uint64_t asked = arena->large[to].nrequests;
    size_t active = arena->pac.nactive;
    size_t given_up = arena->pac.abandoned_vm;
    char *q = jea_realloc(b.p, 7 * MIB);
    tsd_bytes_t now = tsd_bytes(tsd);
    ck_assert_uint_eq(now.allocated - before.allocated, 7 * MIB);
    ck_assert_uint_eq(now.deallocated - before.deallocated, 3 * MIB);
    ck_assert_uint_eq(arena->large[from].ndalloc, freed + 1);
    ck_assert_uint_eq(arena->large[to].nmalloc, made + 1);
    ck_assert_uint_eq(arena->large[to].nrequests, asked + 1);
    ck_assert_uint_eq(arena->pac.nactive, active + 4 * MIB / OS_PAGE);
    ck_assert_uint_eq(arena->pac.abandoned_vm, given_up);
    jea_free(q);
    jea_free(b.wall);
}

END_TEST

/* Pages that are there already are written over, and those of the old place
 * wait for the next one. */
START_TEST(test_dirty_pages_are_used)
{
    boxed_t b = box(4 * MIB);
    char *big = jea_malloc(32 * MIB);
    memset(big, 1, 32 * MIB);
    uintptr_t at = extent_of(big)->addr, old = extent_of(b.p)->addr;
    jea_free(big);
    char *q = jea_realloc(b.p, 28 * MIB);
    ck_assert_uint_eq(extent_of(q)->addr, at);
    ck_assert_uint_ge(pages_in_memory(at, 28 * MIB), 28 * MIB / OS_PAGE);
    ck_assert_int_eq(state_at(old), EXTENT_DIRTY);
    ck_assert_uint_eq(pages_in_memory(old, 4 * MIB), 4 * MIB / OS_PAGE);
    expect_filled(q, 4 * MIB);
    jea_free(q);
    jea_free(b.wall);
}

END_TEST

START_TEST(test_tail_is_zero)
{
    for (unsigned dirty = 0; dirty < 2; dirty++) {
        boxed_t b = box(5 * MIB);
        /* what lies behind it in its last page, too */
        memset(b.p, 0x55, 5 * MIB);
        extent_t *e = extent_of(b.p);
        memset(b.p + 5 * MIB, 0xaa, extent_end(e) - (uintptr_t)b.p - 5 * MIB);
        if (dirty == 1) {
            char *big = jea_malloc(40 * MIB);
            memset(big, 0x77, 40 * MIB);
            jea_free(big);
        }
        char *q = jea_rallocx(b.p, 12 * MIB, JEA_ZERO);
        ck_assert_ptr_ne(q, b.p);
        for (size_t i = 0; i < 12 * MIB; i++) {
            ck_assert_int_eq(q[i], i < 5 * MIB ? 0x55 : 0);
        }
        jea_free(q);
        jea_free(b.wall);
    }
}

END_TEST

START_TEST(test_alignment_holds)
{
    static const size_t aligns[] = {64, 512, 4096, 65536};
    for (unsigned i = 0; i < JE_ARRAY_LEN(aligns); i++) {
        int flags = JEA_ALIGN(aligns[i]);
        char *p = jea_mallocx(3 * MIB, flags);
        fill(p, 3 * MIB);
        void *wall = jea_malloc(3 * MIB);
        for (size_t size = 4 * MIB; size <= 40 * MIB; size += 9 * MIB) {
            p = jea_rallocx(p, size, flags);
            ck_assert_uint_eq((uintptr_t)p % aligns[i], 0);
            expect_filled(p, 3 * MIB);
        }
        jea_free(p);
        jea_free(wall);
    }
    boxed_t b = box(3 * MIB); /* one that is not aligned to what is asked now */
    char *q = jea_rallocx(b.p, 8 * MIB, JEA_ALIGN(OS_PAGE));
    ck_assert_uint_eq((uintptr_t)q % OS_PAGE, 0);
    expect_filled(q, 3 * MIB);
    jea_free(q);
    jea_free(b.wall);
}

END_TEST

/* Each mapping fails in turn, one or two in a row: nothing is lost but, if the
 * addresses cannot be had back, these, and then it is left alone. */
START_TEST(test_refused)
{
    if (!je_config_debug) {
        return;
    }
    bool has_lost = false;
    for (uint64_t row = 1; row <= 2; row++) {
        for (uint64_t n = 1; n <= 4; n++) {
            boxed_t b = box(3 * MIB);
            arena_t *arena = arena_of(extent_of(b.p));
            size_t given_up = arena->pac.abandoned_vm;
            pac_purge_all(&arena->pac);
            os_pages_fail_at(n, row);
            char *q = jea_realloc(b.p, 10 * MIB);
            os_pages_fail_at(0, 0);
            ck_assert_ptr_nonnull(q);
            expect_filled(q, 3 * MIB);
            memset(q + 3 * MIB, 3, 7 * MIB);
            has_lost |= arena->pac.abandoned_vm > given_up;
            ck_assert_uint_le(arena->pac.abandoned_vm - given_up,
                              10 * MIB + OS_PAGE);
            expect_valid();
            jea_free(q);
            jea_free(b.wall);
        }
    }
    ck_assert(has_lost);
    boxed_t b = box(3 * MIB);
    uintptr_t old = extent_of(b.p)->addr;
    pac_purge_all(&arena_of(extent_of(b.p))->pac);
    char *q = jea_realloc(b.p, 10 * MIB);
    expect_filled(q, 3 * MIB);
    ck_assert_int_eq(state_at(old), EXTENT_DIRTY);
    jea_free(q);
    jea_free(b.wall);
}

END_TEST

/* Mappings of the kernel's are not used up: what the process has of them beyond
 * half of what it may is left alone. */
START_TEST(test_crowded)
{
    char buf[32];
    ck_assert(os_file_read("/proc/sys/vm/max_map_count", buf, sizeof(buf)) > 0);
    size_t most = strtoul(buf, NULL, 10);
    if (most > 1000000) {
        return; /* would take long */
    }
    size_t span = (most / 2 + 2) * OS_PAGE;
    char *maps =
        mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(maps, MAP_FAILED);
    for (size_t at = 0; at < span; at += 2 * OS_PAGE) {
        ck_assert_int_eq(mprotect(maps + at, OS_PAGE, PROT_READ), 0);
    }
    bool was_copied = false, was_moved = false;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 260; i++) {
            boxed_t b = box(2 * MIB);
            uintptr_t old = extent_of(b.p)->addr;
            pac_purge_all(&arena_of(extent_of(b.p))->pac);
            char *q = jea_realloc(b.p, 5 * MIB);
            bool is_moved = state_at(old) == EXTENT_RETAINED;
            was_copied |= round == 0 && !is_moved;
            was_moved |= round == 1 && is_moved;
            ck_assert(round == 1 || i < 256 || !is_moved);
            jea_free(q);
            jea_free(b.wall);
        }
        ck_assert(round == 1 || munmap(maps, span) == 0);
    }
    ck_assert(was_copied);
    ck_assert(was_moved);
}

END_TEST

/* An arena that a call names gets the object. */
START_TEST(test_arenas)
{
    unsigned ind;
    size_t len = sizeof(ind);
    ck_assert_int_eq(jea_mallctl("arenas.create", &ind, &len, NULL, 0), 0);
    boxed_t b = box(3 * MIB);
    char *q = jea_rallocx(b.p, 9 * MIB, JEA_ARENA(ind));
    ck_assert_uint_eq(extent_of(q)->arena_ind, ind);
    expect_filled(q, 3 * MIB);
    void *wall = jea_mallocx(3 * MIB, JEA_ARENA(ind));
    char *r = jea_realloc(q, 30 * MIB); /* no arena is named: not that one */
    ck_assert_uint_lt(extent_of(r)->arena_ind, arenas_auto);
    expect_filled(r, 3 * MIB);
    jea_free(r);
    jea_dallocx(wall, 0);
    jea_free(b.wall);
}

END_TEST

/* The profiler hears of the old one's end and draws for the new one. */
START_TEST(test_samples)
{
    conf.sample = 1;
    tsd_draw(tsd);
    boxed_t b = box(3 * MIB);
    ck_assert(special_is_marked(extent_of(b.p), b.p));
    char *q = jea_realloc(b.p, 9 * MIB);
    ck_assert(special_is_marked(extent_of(q), q));
    prof_sample_t gone;
    ck_assert(!prof_table_remove((uintptr_t)b.p, false, &gone));
    ck_assert(prof_table_remove((uintptr_t)q, false, &gone));
    ck_assert_uint_eq(gone.requested, 9 * MIB);
    special_unmark(extent_of(q), q);
    jea_free(q);
    jea_free(b.wall);
}

END_TEST

/* From Linux 5.7 on; before, all of them are copied. */
static bool
kernel_moves(void)
{
    struct utsname name;
    unsigned major, minor;
    return uname(&name) != 0 ||
           sscanf(name.release, "%u.%u", &major, &minor) != 2 ||
           major * 1000 + minor >= 5007;
}

int
main(void)
{
    Suite *s = suite_create("remap");
    TCase *tc = tcase_create("remap");
    tcase_add_checked_fixture(tc, setup, NULL);
    if (kernel_moves()) {
        tcase_add_test(tc, test_pages_move);
        tcase_add_test(tc, test_dirty_pages_are_used);
        tcase_add_test(tc, test_refused);
        tcase_add_test(tc, test_crowded);
    }
    tcase_add_test(tc, test_counts);
    tcase_add_test(tc, test_tail_is_zero);
    tcase_add_test(tc, test_alignment_holds);
    tcase_add_test(tc, test_arenas);
    tcase_add_test(tc, test_samples);
    suite_add_tcase(s, tc);
    tc = tcase_create("oblivious");
    tcase_add_checked_fixture(tc, setup_oblivious, NULL);
    if (kernel_moves()) {
        tcase_add_test(tc, test_pages_move);
    }
    tcase_add_test(tc, test_counts);
    tcase_add_test(tc, test_tail_is_zero);
    tcase_add_test(tc, test_alignment_holds);
    tcase_add_test(tc, test_samples);
    suite_add_tcase(s, tc);
    return util_run(s);
}
