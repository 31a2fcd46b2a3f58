/*
 * Pages from the program break: who gets them, that they stay, and that others
 * may move the break as they like.
 *
 * This program's own sbrk stands in front of libc's, to refuse and to take a
 * turn between two calls.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/ctl.h"
#include "alloc/emap.h"
#include "alloc/malloc.h"
#include "alloc/meta.h"
#include "alloc/pac_internal.h"
#include "jealloc.h"
#include "os/brk.h"
#include "os/clock.h"
#include "os/pages.h"
#include "t/util.h"

static bool refuses; /* there is no room below the break */
/* Somebody moves it before each second turn, so that what is then got lacks a
 * bit of the last page. */
static bool is_moving;
static unsigned moves;

void *
sbrk(intptr_t more)
{
    static void *(*real)(intptr_t);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "sbrk");
    }
    if (more != 0 && refuses) {
        errno = ENOMEM;
        return (void *)-1;
    }
    if (more != 0 && is_moving && moves++ % 2 == 1) {
        (void)real(OS_PAGE - 96);
    }
    return real(more);
}

static arena_t *arena;
static pac_t *pac;

static void
setup(void)
{
    ck_assert(je_boot());
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    pac = &arena->pac;
    pac->dss = CONF_DSS_PRIMARY;
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, -1));
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, -1));
    conf.retain = true;
}

static extent_t *
take(size_t size)
{
    extent_t *e = arena_large_alloc(arena, size, 0, true);
    ck_assert_ptr_nonnull(e);
    unsigned char *p = extent_object(e);
    ck_assert(p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
    memset(p, 0x77, size);
    return e;
}

static bool
is_below_break(const extent_t *e)
{
    return e->addr < (uintptr_t)sbrk(0) && os_brk_contains(e->addr) &&
           os_brk_contains(extent_last_page(e));
}

START_TEST(test_break_is_used_first_last_or_not_at_all)
{
    size_t size = (size_t)4 << 20;
    ck_assert(is_below_break(take(size)));
    pac->dss = CONF_DSS_SECONDARY;
    ck_assert(!is_below_break(take((size_t)64 << 20)));
    pac->dss = CONF_DSS_DISABLED;
    ck_assert(!is_below_break(take((size_t)96 << 20)));
    ck_assert(arena_is_valid(arena));
}

END_TEST

START_TEST(test_break_without_room_leaves_it_to_mmap)
{
    refuses = true;
    ck_assert(!is_below_break(take((size_t)4 << 20)));
    refuses = false;
    ck_assert(is_below_break(take((size_t)64 << 20)));
}

END_TEST

START_TEST(test_break_serves_what_mmap_does_not)
{
    if (!je_config_debug) {
        return; /* mmap cannot be made to fail */
    }
    size_t size = (size_t)64 << 20;
    meta_use_break(true);
    pac->dss = CONF_DSS_DISABLED;
    os_pages_fail_at(1, UINT64_MAX);
    ck_assert_ptr_null(arena_large_alloc(arena, size, 0, false));
    pac->dss = CONF_DSS_SECONDARY;
    extent_t *e = take(size);
    ck_assert(is_below_break(e));
    /* more descriptors than any block has room for */
    for (unsigned i = 0; i < 20000; i++) {
        ck_assert_ptr_nonnull(
            arena_large_alloc(arena, sz_size(SC_NBINS), 0, false));
    }
    os_pages_fail_at(0, 0);
    ck_assert(arena_is_valid(arena));
}

END_TEST

/* Fresh pages that lie just behind are no part of it: one cannot be unmapped,
 * the others can. */
START_TEST(test_break_is_not_joined_with_what_is_mapped_behind)
{
    size_t more = 16 << OS_LG_PAGE;
    bool zeroed;
    extent_t *e = take((size_t)1 << 20);
    uintptr_t end = (uintptr_t)sbrk(0);
    size_t size = end - extent_end(e); /* the rest of what was got */
    ck_assert_uint_gt(size, 0);
    e = pac_alloc(pac, size, OS_PAGE, &zeroed);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(extent_end(e), end);
    pac_dalloc(pac, e);
    size_t dirty = pac->dirty.npages;
    ck_assert_uint_eq(dirty, size >> OS_LG_PAGE);
    if (mmap((void *)end, more, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != (void *)end) {
        return; /* something is there */
    }
    const pac_run_t run = {.addr = end, .size = more};
    ck_assert(pac_adopt(pac, &pac->retained, &run, true, true));
    pac->dss = CONF_DSS_DISABLED;
    e = pac_alloc(pac, size + more, OS_PAGE, &zeroed);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_ne(extent_end(e), end + more);
    ck_assert_uint_eq(pac->dirty.npages, dirty);
    ck_assert(arena_is_valid(arena));
}

END_TEST

START_TEST(test_break_pages_decay_and_stay)
{
    conf.retain = _i != 0;
    size_t size = (size_t)1 << 20;
    extent_t *e = take(size);
    uintptr_t at = e->addr;
    ck_assert(pac_set_decay_ms(pac, PAC_DIRTY, 1000));
    ck_assert(pac_set_decay_ms(pac, PAC_MUZZY, 1000000));
    arena_large_dalloc(e);
    ck_assert_uint_eq(pac->dirty.npages, size >> OS_LG_PAGE);
    pac_decay(pac, os_clock_ns() + 10000000000u);
    pac_decay(pac, os_clock_ns() + 90000000000u);
    ck_assert_uint_eq(pac->dirty.npages, 0);
    ck_assert_uint_eq(pac->muzzy.npages, size >> OS_LG_PAGE);
    size_t retained = pac->retained.npages;
    pac_purge_all(pac);
    ck_assert_uint_eq(pac->muzzy.npages, 0);
    ck_assert_uint_eq(pac->retained.npages, retained + (size >> OS_LG_PAGE));
    ck_assert_uint_eq(*(volatile unsigned char *)at, 0);
    (void)pac_unmap_retained(pac, NULL);
    ck_assert_uint_eq(pac->retained.npages, retained + (size >> OS_LG_PAGE));
    ck_assert_uint_eq(pac->abandoned_vm, 0);
    ck_assert_uint_eq(take(size)->addr, at);
    ck_assert(arena_is_valid(arena));
}

END_TEST

START_TEST(test_break_may_be_moved_by_others)
{
    size_t size = (size_t)2 << 20;
    extent_t *e[8];
    unsigned char *theirs[8];
    is_moving = _i != 0;
    for (unsigned i = 0; i < 8; i++) {
        theirs[i] = sbrk(1000 + 4096 * (intptr_t)i);
        memset(theirs[i], 0x11, 1000);
        e[i] = take(size);
        ck_assert_uint_eq(e[i]->addr & OS_PAGE_MASK, 0);
        ck_assert(is_below_break(e[i]));
    }
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned k = 0; k < 1000; k++) {
            ck_assert_uint_eq(theirs[i][k], 0x11);
        }
        unsigned char *ours = extent_object(e[i]);
        ck_assert(ours[0] == 0x77 && memcmp(ours, ours + 1, size - 1) == 0);
        arena_large_dalloc(e[i]);
    }
    ck_assert_uint_eq(moves > 0, is_moving);
    pac_purge_all(pac);
    ck_assert_uint_eq(pac->abandoned_vm, 0);
    ck_assert(arena_is_valid(arena));
}

END_TEST

START_TEST(test_break_goes_to_another_arena_when_its_own_ends)
{
    size_t size = (size_t)16 << 20;
    uintptr_t at = take(size)->addr;
    size_t before = arenas[0]->pac.retained.npages;
    unsigned ind = arena->ind;
    ck_assert(arena_destroy(arena));
    ck_assert_uint_ge(arenas[0]->pac.retained.npages - before,
                      size >> OS_LG_PAGE);
    ck_assert_uint_eq(pac->abandoned_vm, 0);
    ck_assert_uint_eq(*(volatile unsigned char *)at, 0);
    ck_assert(arena_is_valid(arenas[0]));
    ck_assert_uint_eq(arena_create()->ind, ind);
    ck_assert_uint_eq(arena->pac.dss, CONF_DSS_DISABLED);
}

END_TEST

START_TEST(test_break_goes_to_an_arena_that_finds_none)
{
    size_t size = (size_t)8 << 20;
    arena_t *other = arena_create();
    other->pac.dss = CONF_DSS_PRIMARY;
    extent_t *e = take(size);
    uintptr_t at = e->addr;
    arena_large_dalloc(e);
    refuses = true;
    (void)arena_reclaim_address_space(NULL);
    ck_assert_uint_ge(pac->retained.npages, size >> OS_LG_PAGE);
    ck_assert(arena_reclaim_address_space(other));
    ck_assert_uint_eq(pac->retained.npages, 0);
    ck_assert_uint_eq(pac->abandoned_vm, 0);
    e = arena_large_alloc(other, size, 0, false);
    ck_assert_uint_eq(e->addr, at);
    ck_assert(arena_is_valid(arena) && arena_is_valid(other));
}

END_TEST

START_TEST(test_break_of_a_child_is_its_own)
{
    (void)take((size_t)1 << 20);
    pid_t child = fork();
    if (child == 0) {
        extent_t *e = take((size_t)8 << 20);
        bool ok = is_below_break(e);
        arena_large_dalloc(e);
        _exit(ok && arena_is_valid(arena) ? 0 : 1);
    }
    ck_assert(is_below_break(take((size_t)8 << 20)));
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

END_TEST

/* ---- by name ----------------------------------------------------------- */

static const char *
dss_of(const char *fmt, unsigned ind)
{
    char name[64];
    const char *text = NULL;
    size_t len = sizeof(text);
    (void)snprintf(name, sizeof(name), fmt, ind);
    ck_assert_int_eq(je_mallctl(name, &text, &len, NULL, 0), 0);
    return text;
}

static int
set_dss(unsigned ind, const char *text)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "arena.%u.dss", ind);
    return je_mallctl(name, NULL, NULL, &text, sizeof(text));
}

START_TEST(test_break_is_chosen_by_name)
{
    unsigned created = 0;
    size_t len = sizeof(created);
    uint64_t any = 0;
    pac->dss = CONF_DSS_DISABLED;
    ck_assert_int_eq(set_dss(arena->ind, "bogus"), EINVAL);
    ck_assert_str_eq(dss_of("arena.%u.dss", arena->ind), "disabled");
    ck_assert_int_eq(set_dss(arena->ind, "primary"), 0);
    ck_assert_str_eq(dss_of("arena.%u.dss", arena->ind), "primary");
    ck_assert(is_below_break(take((size_t)4 << 20)));
    ck_assert_str_eq(dss_of("arena.%u.dss", 4096), "disabled");
    ck_assert_int_eq(set_dss(4096, "secondary"), 0);
    ck_assert_int_eq(set_dss(arena_count(), "primary"), 0);
    ck_assert_str_eq(dss_of("arena.%u.dss", 4096), "primary");
    ck_assert_str_eq(dss_of("arena.%u.dss", 0), "disabled");
    ck_assert_int_eq(je_mallctl("arenas.create", &created, &len, NULL, 0), 0);
    ck_assert_str_eq(dss_of("arena.%u.dss", created), "primary");
    ck_assert_int_eq(set_dss(created, "secondary"), 0);
    ck_assert_int_eq(je_mallctl("epoch", NULL, NULL, &any, sizeof(any)), 0);
    ck_assert_str_eq(dss_of("stats.arenas.%u.dss", created), "secondary");
    ck_assert_str_eq(dss_of("stats.arenas.%u.dss", arena->ind), "primary");
    ck_assert_str_eq(dss_of("stats.arenas.%u.dss", 0), "disabled");
    ck_assert_str_eq(dss_of("stats.arenas.%u.dss", 4096), "N/A");
    ck_assert_int_eq(set_dss(4097, "primary"), EFAULT);
}

END_TEST

START_TEST(test_break_is_behind_the_default_hooks_too)
{
    jea_extent_hooks_t *hooks = pac_hooks(pac);
    bool zero = false, commit = true;
    size_t size = (size_t)1 << 20;
    char *a =
        hooks->alloc(hooks, NULL, size, OS_HUGE, &zero, &commit, arena->ind);
    ck_assert(os_brk_contains((uintptr_t)a) && zero && commit);
    ck_assert_uint_eq((uintptr_t)a & (OS_HUGE - 1), 0);
    ck_assert_uint_eq(a[0] + a[size - 1], 0);
    pac->dss = CONF_DSS_SECONDARY;
    zero = false;
    char *b =
        hooks->alloc(hooks, NULL, size, OS_PAGE, &zero, &commit, arena->ind);
    ck_assert(!os_brk_contains((uintptr_t)b) && zero);
    ck_assert(hooks->merge(hooks, a, size, b, size, true, arena->ind));
    ck_assert(!hooks->merge(hooks, b, size, b + size, size, true, arena->ind));
    conf.retain = false;
    ck_assert(!hooks->dalloc(hooks, b, size, true, arena->ind));
    memset(a, 1, size);
    ck_assert(hooks->dalloc(hooks, a, size, true, arena->ind));
    ck_assert_uint_eq(a[0], 1);
    hooks->destroy(hooks, a, size, true, arena->ind);
    ck_assert_uint_eq(a[0], 0);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("break");
    TCase *tc = tcase_create("break");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_break_is_used_first_last_or_not_at_all);
    tcase_add_test(tc, test_break_without_room_leaves_it_to_mmap);
    tcase_add_test(tc, test_break_serves_what_mmap_does_not);
    tcase_add_test(tc, test_break_is_not_joined_with_what_is_mapped_behind);
    tcase_add_loop_test(tc, test_break_pages_decay_and_stay, 0, 2);
    tcase_add_loop_test(tc, test_break_may_be_moved_by_others, 0, 2);
    tcase_add_test(tc, test_break_goes_to_another_arena_when_its_own_ends);
    tcase_add_test(tc, test_break_goes_to_an_arena_that_finds_none);
    tcase_add_test(tc, test_break_of_a_child_is_its_own);
    tcase_add_test(tc, test_break_is_chosen_by_name);
    tcase_add_test(tc, test_break_is_behind_the_default_hooks_too);
    suite_add_tcase(s, tc);
    return util_run(s);
}
