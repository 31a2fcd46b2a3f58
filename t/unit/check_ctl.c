/*
 * alloc/ctl*.c: every row of the table is translated, read and written with
 * right and wrong sizes and rights; then what the actions do.
 */
#include "alloc/ctl.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "alloc/arena.h"
#include "alloc/background.h"
#include "alloc/conf.h"
#include "alloc/ctl_leaf.h"
#include "alloc/label.h"
#include "alloc/malloc.h"
#include "alloc/malloc_fast.h"
#include "t/util.h"

enum { NAME_MAX_BYTES = 128 };

static void
setup(void)
{
    ck_assert(je_boot());
    ck_assert_ptr_nonnull(malloc_fast(1));
    for (unsigned i = 0; i < 3; i++) { /* an index is there for each kind */
        int error;
        const char name[] = {(char)('a' + i), '\0'};
        ck_assert_uint_ne(label_number(name, &error), 0);
    }
}

/* The row's name with an index that exists wherever one is due. */
static void
leaf_name(const ctl_leaf_t *leaf, char *out)
{
    const char *in = leaf->name;
    while (*in != '\0') {
        if (*in == '<') {
            *out++ = in[1] == 'a' || in[1] == 's' ? '0' : '2';
            in += 3;
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
}

static bool
leaf_is(const ctl_leaf_t *leaf, const char *name)
{
    return strcmp(leaf->name, name) == 0;
}

/* What a plain read of this row returns when everything is right. */
static int
read_result(const ctl_leaf_t *leaf)
{
    return leaf->is_prof_only                                   ? ENOENT
           : leaf->exchange != NULL                             ? EINVAL
           : leaf->read == NULL                                 ? EPERM
           : strncmp(leaf->name, "jeprobe.residency.", 18) == 0 ? -1
                                                                : 0;
}

START_TEST(test_ctl_rows_with_the_same_beginning_stand_together)
{
    for (unsigned a = 0; a < ctl_table_size; a++) {
        for (const char *dot = strchr(ctl_table[a].name, '.'); dot != NULL;
             dot = strchr(dot + 1, '.')) {
            size_t n = (size_t)(dot - ctl_table[a].name) + 1;
            bool left = false;
            for (unsigned b = a; b < ctl_table_size; b++) {
                bool same =
                    strncmp(ctl_table[a].name, ctl_table[b].name, n) == 0;
                ck_assert_msg(!(left && same), "%s stands apart from %s",
                              ctl_table[b].name, ctl_table[a].name);
                left = left || !same;
            }
        }
        for (unsigned b = a + 1; b < ctl_table_size; b++) {
            ck_assert_str_ne(ctl_table[a].name, ctl_table[b].name);
        }
    }
}

END_TEST

START_TEST(test_ctl_name_becomes_a_mib_that_means_the_same)
{
    for (unsigned i = 0; i < ctl_table_size; i++) {
        const ctl_leaf_t *leaf = &ctl_table[i];
        char name[NAME_MAX_BYTES];
        size_t mib[CTL_DEPTH_MAX], depth = CTL_DEPTH_MAX, dots = 0;
        leaf_name(leaf, name);
        ck_assert_int_eq(je_mallctlnametomib(name, mib, &depth), 0);
        for (const char *c = name; *c != '\0'; c++) {
            dots += *c == '.';
        }
        ck_assert_uint_eq(depth, dots + 1);
        uint64_t by_name = 0, by_mib = 0;
        size_t a = ctl_type_size(leaf->type), b = a;
        int r = je_mallctl(name, &by_name, &a, NULL, 0);
        ck_assert_int_eq(je_mallctlbymib(mib, depth, &by_mib, &b, NULL, 0), r);
        if (leaf->type == CTL_SIZE && strncmp(name, "stats.", 6) == 0) {
            ck_assert_uint_eq(by_name, by_mib);
        }
        for (size_t d = 0; d < depth; d++) {
            size_t kept = mib[d];
            mib[d] = 777777;
            ck_assert_int_eq(je_mallctlbymib(mib, depth, NULL, NULL, NULL, 0),
                             ENOENT);
            mib[d] = kept;
        }
        ck_assert_int_eq(je_mallctlbymib(mib, depth - 1, NULL, NULL, NULL, 0),
                         ENOENT);
    }
}

END_TEST

START_TEST(test_ctl_read_checks_the_size)
{
    for (unsigned i = 0; i < ctl_table_size; i++) {
        const ctl_leaf_t *leaf = &ctl_table[i];
        char name[NAME_MAX_BYTES];
        unsigned char out[32];
        size_t size = ctl_type_size(leaf->type), len = size;
        int want = read_result(leaf);
        leaf_name(leaf, name);
        if (want == -1) {
            continue; /* measured: differs from call to call */
        }
        if (leaf->exchange != NULL) {
            len = 1;
        }
        int r = je_mallctl(name, out, &len, NULL, 0);
        ck_assert_msg(r == want, "%s: %d, not %d", name, r, want);
        if (want != 0) {
            continue;
        }
        ck_assert_uint_eq(len, size);
        unsigned char whole[32];
        memset(whole, 0xee, sizeof(whole));
        len = size + 3;
        ck_assert_int_eq(je_mallctl(name, whole, &len, NULL, 0), EINVAL);
        ck_assert_uint_eq(len, size);
        ck_assert_uint_eq(whole[size], 0xee);
        if (size > 1) {
            memset(whole, 0xee, sizeof(whole));
            len = size - 1;
            ck_assert_int_eq(je_mallctl(name, whole, &len, NULL, 0), EINVAL);
            ck_assert_uint_eq(len, size - 1);
            ck_assert_uint_eq(whole[size - 1], 0xee);
        }
        ck_assert_int_eq(je_mallctl(name, NULL, NULL, NULL, 0), 0);
    }
}

END_TEST

START_TEST(test_ctl_write_checks_rights_and_size)
{
    for (unsigned i = 0; i < ctl_table_size; i++) {
        const ctl_leaf_t *leaf = &ctl_table[i];
        char name[NAME_MAX_BYTES];
        uint64_t value[2] = {0, 0};
        leaf_name(leaf, name);
        if (leaf->exchange != NULL) {
            continue;
        }
        if (leaf->is_prof_only) {
            ck_assert_int_eq(je_mallctl(name, NULL, NULL, value, 8), ENOENT);
            continue;
        }
        bool writable = leaf->write != NULL && leaf->type != CTL_VOID;
        int r = je_mallctl(name, NULL, NULL, value,
                           writable ? ctl_type_size(leaf->type) + 1 : 8);
        ck_assert_msg(r == (writable ? EINVAL : EPERM), "%s: %d", name, r);
        if (!writable) {
            ck_assert_int_eq(je_mallctl(name, NULL, NULL, NULL, 8), EPERM);
        }
    }
}

END_TEST

START_TEST(test_ctl_actions_take_no_values)
{
    for (unsigned i = 0; i < ctl_table_size; i++) {
        const ctl_leaf_t *leaf = &ctl_table[i];
        char name[NAME_MAX_BYTES];
        uint64_t value = 0;
        size_t len = sizeof(value);
        if (leaf->type != CTL_VOID || leaf->is_prof_only) {
            continue;
        }
        leaf_name(leaf, name);
        ck_assert_int_eq(je_mallctl(name, &value, &len, NULL, 0), EPERM);
        ck_assert_int_eq(je_mallctl(name, NULL, NULL, &value, 8), EPERM);
        bool refused = leaf_is(leaf, "arena.<a>.reset") ||
                       leaf_is(leaf, "arena.<a>.destroy");
        ck_assert_int_eq(je_mallctl(name, NULL, NULL, NULL, 0),
                         refused ? EFAULT : 0);
    }
}

END_TEST

static const char *const unknown[] = {
    "",
    ".",
    "nothing",
    "stat",
    "statss",
    "stats.",
    "stats..allocated",
    "stats.allocated.",
    "stats.allocated.x",
    "epoch.",
    "arenas.bin.36.size",
    "arenas.bin.x.size",
    "arenas.bin.-1.size",
    "arenas.bin.0x1.size",
    "arenas.bin.1x.size",
    "arenas.bin..size",
    "arenas.bin.99999999999999999999999.size",
    "arenas.lextent.196.size",
    "arena.4098.purge",
    "arena.3000.purge",
    "stats.arenas.4097.pactive",
    "stats.arenas.3000.pactive",
    "stats.arenas.0.bins.36.curregs",
    "stats.arenas.0.extents.199.ndirty",
    "stats.arenas.0.hpa_shard.nonfull_slabs.64.nactive_huge",
    "stats.arenas.0.mutexes.large.num_ops.more.and.more",
};

START_TEST(test_ctl_unknown_name_is_enoent)
{
    size_t mib[CTL_DEPTH_MAX], depth = CTL_DEPTH_MAX;
    uint64_t value;
    size_t len = sizeof(value);
    ck_assert_int_eq(je_mallctl(unknown[_i], &value, &len, NULL, 0), ENOENT);
    ck_assert_int_eq(je_mallctlnametomib(unknown[_i], mib, &depth), ENOENT);
}

END_TEST

START_TEST(test_ctl_beginning_of_a_name_is_translated_but_not_read)
{
    static const char *const names[] = {"stats",          "stats.arenas",
                                        "stats.arenas.0", "arenas.bin",
                                        "arenas.bin.5",   "arena.4096"};
    for (unsigned i = 0; i < JE_ARRAY_LEN(names); i++) {
        size_t mib[CTL_DEPTH_MAX], depth = CTL_DEPTH_MAX;
        ck_assert_int_eq(je_mallctlnametomib(names[i], mib, &depth), 0);
        ck_assert_int_eq(je_mallctl(names[i], NULL, NULL, NULL, 0), ENOENT);
        ck_assert_int_eq(je_mallctlbymib(mib, depth, NULL, NULL, NULL, 0),
                         ENOENT);
    }
    /* as many components as there is room for */
    size_t whole[CTL_DEPTH_MAX], some[CTL_DEPTH_MAX], n = 4, two = 2;
    ck_assert_int_eq(je_mallctlnametomib("arenas.bin.7.size", whole, &n), 0);
    ck_assert_int_eq(je_mallctlnametomib("arenas.bin.7.size", some, &two), 0);
    ck_assert_uint_eq(n, 4);
    ck_assert_uint_eq(two, 2);
    ck_assert_mem_eq(whole, some, 2 * sizeof(size_t));
    ck_assert_uint_eq(whole[2], 7);
}

END_TEST

START_TEST(test_ctl_mib_with_another_index_reads_another_class)
{
    size_t mib[CTL_DEPTH_MAX], n = CTL_DEPTH_MAX;
    ck_assert_int_eq(je_mallctlnametomib("arenas.bin.0.size", mib, &n), 0);
    for (unsigned i = 0; i < SC_NBINS; i++) {
        size_t size, len = sizeof(size);
        mib[2] = i;
        ck_assert_int_eq(je_mallctlbymib(mib, n, &size, &len, NULL, 0), 0);
        ck_assert_uint_eq(size, sz_size_compute(i));
    }
    mib[2] = SC_NBINS;
    ck_assert_int_eq(je_mallctlbymib(mib, n, NULL, NULL, NULL, 0), ENOENT);
    ck_assert_int_eq(je_mallctlbymib(mib, 0, NULL, NULL, NULL, 0), ENOENT);
    ck_assert_int_eq(je_mallctlbymib(mib, 8, NULL, NULL, NULL, 0), ENOENT);
}

END_TEST

/* ---- short forms ------------------------------------------------------- */

#define GET(name, type)                                                        \
    __extension__({                                                            \
        type get_ = 0;                                                         \
        size_t get_len_ = sizeof(get_);                                        \
        ck_assert_int_eq(je_mallctl(name, &get_, &get_len_, NULL, 0), 0);      \
        get_;                                                                  \
    })
#define SET(name, type, value)                                                 \
    __extension__({                                                            \
        type set_ = (value);                                                   \
        je_mallctl(name, NULL, NULL, &set_, sizeof(set_));                     \
    })
#define RUN(name) je_mallctl(name, NULL, NULL, NULL, 0)

START_TEST(test_ctl_options_are_the_conf_table)
{
    for (unsigned i = 0; i < conf_count; i++) {
        const conf_option_t *o = &conf_table[i];
        char name[NAME_MAX_BYTES], text[64];
        snprintf(name, sizeof(name), "opt.%s", o->name);
        switch (o->kind) {
        case CONF_IS_BOOL:
            ck_assert_int_eq(GET(name, bool), *(bool *)o->value);
            break;
        case CONF_IS_UINT:
            if (strcmp(o->name, "narenas") == 0) {
                ck_assert_uint_eq(GET(name, unsigned), arenas_auto);
            } else if (strstr(o->name, "nslots") != NULL ||
                       strstr(o->name, "flush") != NULL) {
                ck_assert_uint_eq(GET(name, unsigned), *(uint64_t *)o->value);
            } else {
                ck_assert_uint_eq(GET(name, size_t), *(uint64_t *)o->value);
            }
            break;
        case CONF_IS_SINT:
            ck_assert_int_eq(GET(name, ssize_t), *(int64_t *)o->value);
            break;
        case CONF_IS_ENUM:
            conf_enum_text(o, text, sizeof(text));
            ck_assert_str_eq(GET(name, const char *), text);
            break;
        case CONF_IS_TEXT:
            ck_assert_str_eq(GET(name, const char *), o->value);
            break;
        }
    }
}

END_TEST

START_TEST(test_ctl_epoch_freezes_figures_until_it_is_written)
{
    uint64_t e = GET("epoch", uint64_t);
    size_t before = GET("stats.allocated", size_t);
    void *p = je_alloc(1 << 20, &(alloc_how_t){.zero = false});
    ck_assert_uint_eq(GET("stats.allocated", size_t), before);
    uint64_t now = 0, any = 99;
    size_t len = sizeof(now);
    ck_assert_int_eq(je_mallctl("epoch", &now, &len, &any, sizeof(any)), 0);
    ck_assert_uint_eq(now, e + 1);
    ck_assert_uint_eq(GET("stats.allocated", size_t), before + (1 << 20));
    je_free(p, true);
}

END_TEST

/* Make an arena's dirty pages: returns how many it has then. */
static size_t
soil(unsigned ind)
{
    arena_t *arena = arena_get_or_make(ind);
    extent_t *e = arena_large_alloc(arena, 1 << 20, OS_PAGE, false);
    ck_assert_ptr_nonnull(e);
    arena_large_dalloc(e);
    return arena->pac.dirty.npages;
}

START_TEST(test_ctl_arena_purge_reaches_one_or_all)
{
    static const char *const all[] = {"arena.4096.purge", NULL};
    char name[NAME_MAX_BYTES];
    unsigned other = GET("arenas.narenas", unsigned) > 1 ? 1 : 0;
    ck_assert_uint_gt(soil(0), 0);
    ck_assert_int_eq(RUN("arena.0.purge"), 0);
    ck_assert_uint_eq(arena_get(0)->pac.dirty.npages, 0);

    for (int by_count = 0; by_count < 2; by_count++) {
        ck_assert_uint_gt(soil(0), 0);
        ck_assert_uint_gt(soil(other), 0);
        snprintf(name, sizeof(name), "arena.%u.purge", arena_count());
        ck_assert_int_eq(RUN(by_count ? name : all[0]), 0);
        ck_assert_uint_eq(arena_get(0)->pac.dirty.npages, 0);
        ck_assert_uint_eq(arena_get(other)->pac.dirty.npages, 0);
    }
    snprintf(name, sizeof(name), "arena.%u.purge", arena_count() + 1);
    ck_assert_int_eq(RUN(name), ENOENT);
    ck_assert_int_eq(RUN("arena.4097.purge"), 0);
    ck_assert_int_eq(RUN("arena.0.decay"), 0);
    ck_assert_int_eq(RUN("arena.4096.decay"), 0);
}

END_TEST

/* Objects of a cache pin their slabs, so a purge begins there. */
START_TEST(test_ctl_arena_purge_empties_the_callers_cache)
{
    char name[NAME_MAX_BYTES];
    void *p[300];
    unsigned arena = GET("thread.arena", unsigned);
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        p[i] = malloc_fast(200);
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(p); i++) {
        free_fast(p[i]);
    }
    snprintf(name, sizeof(name), "stats.arenas.%u.tcache_bytes", arena);
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_gt(GET(name, size_t), 200);
    ck_assert_int_eq(RUN("arena.4096.purge"), 0);
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_eq(GET(name, size_t), 0);
}

END_TEST

START_TEST(test_ctl_decay_time_purges_and_is_bounded)
{
    ck_assert_int_eq(GET("arena.0.dirty_decay_ms", ssize_t),
                     conf.dirty_decay_ms);
    ck_assert_uint_gt(soil(0), 0);
    ck_assert_int_eq(SET("arena.0.dirty_decay_ms", ssize_t, 0), 0);
    ck_assert_uint_eq(arena_get(0)->pac.dirty.npages, 0);
    ck_assert_uint_eq(soil(0), 0);
    ck_assert_int_eq(SET("arena.0.dirty_decay_ms", ssize_t, -1), 0);
    ck_assert_int_eq(GET("arena.0.dirty_decay_ms", ssize_t), -1);
    ck_assert_int_eq(SET("arena.0.dirty_decay_ms", ssize_t, -2), EFAULT);
    ck_assert_int_eq(SET("arena.4096.dirty_decay_ms", ssize_t, 5), EFAULT);
    ck_assert_int_eq(SET("arenas.muzzy_decay_ms", ssize_t, -2), EFAULT);
    ck_assert_int_eq(SET("arenas.dirty_decay_ms", ssize_t, 1234), 0);
    ck_assert_int_eq(GET("arenas.dirty_decay_ms", ssize_t), 1234);
    unsigned fresh = GET("arenas.create", unsigned);
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof(name), "arena.%u.dirty_decay_ms", fresh);
    ck_assert_int_eq(GET(name, ssize_t), 1234);
}

END_TEST

START_TEST(test_ctl_arenas_create_needs_a_place_for_the_answer)
{
    unsigned before = GET("arenas.narenas", unsigned), out = 77;
    ck_assert_uint_ge(GET("epoch", uint64_t), 1);
    size_t len = 2;
    ck_assert_int_eq(je_mallctl("arenas.create", &out, &len, NULL, 0), EINVAL);
    ck_assert_uint_eq(len, 0);
    ck_assert_uint_eq(out, 77);
    ck_assert_int_eq(RUN("arenas.create"), EINVAL);
    ck_assert_uint_eq(GET("arenas.narenas", unsigned), before);
    ck_assert_uint_eq(GET("arenas.create", unsigned), before);
    ck_assert_uint_eq(GET("arenas.narenas", unsigned), before + 1);
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof(name), "stats.arenas.%u.pactive", before);
    ck_assert_int_eq(RUN(name), ENOENT); /* not at the last epoch */
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_eq(GET(name, size_t), 0);
}

END_TEST

START_TEST(test_ctl_arena_purges_what_is_oversize_at_once)
{
    char name[NAME_MAX_BYTES];
    arena_t *arena = arena_create();
    snprintf(name, sizeof(name), "arena.%u.oversize_threshold", arena->ind);
    ck_assert_uint_eq(GET(name, size_t), PAC_OVERSIZE_NONE);
    static const size_t sizes[] = {1 << 20, 1 << 21, 1 << 22};
    static const size_t limits[] = {PAC_OVERSIZE_NONE, 1 << 22, 1 << 21,
                                    1 << 20, 0};
    for (unsigned i = 0; i < JE_ARRAY_LEN(limits); i++) {
        size_t least = limits[i];
        ck_assert_int_eq(SET(name, size_t, least), 0);
        ck_assert_uint_eq(GET(name, size_t), least);
        for (unsigned k = 0; k < 3; k++) {
            arena_purge(arena);
            uint64_t purged = arena->pac.decay_dirty.purged;
            void *p = je_alloc(sizes[k], &(alloc_how_t){.arena = arena});
            je_free(p, ALLOC_CACHE_NONE);
            bool is_due = sizes[k] >= least;
            ck_assert_uint_eq(arena->pac.dirty.npages,
                              is_due ? 0 : sizes[k] >> OS_LG_PAGE);
            ck_assert_uint_eq(arena->pac.decay_dirty.purged - purged,
                              is_due ? sizes[k] >> OS_LG_PAGE : 0);
        }
    }
    /* not where pages are to stay for ever */
    ck_assert(pac_set_decay_ms(&arena->pac, PAC_DIRTY, -1));
    je_free(je_alloc(1 << 22, &(alloc_how_t){.arena = arena}),
            ALLOC_CACHE_NONE);
    ck_assert_uint_ge(arena->pac.dirty.npages, (1 << 22) >> OS_LG_PAGE);
    ck_assert_int_eq(je_mallctl("arena.4096.oversize_threshold", NULL, NULL,
                                &(size_t){1}, sizeof(size_t)),
                     EFAULT);
}

END_TEST

START_TEST(test_ctl_arena_name_is_read_into_a_buffer_and_cut)
{
    char buffer[ARENA_NAME_LEN + 1] = "", *out = buffer;
    const char *fresh = "a name of more than thirty-one bytes";
    char name[NAME_MAX_BYTES];
    size_t len = sizeof(out);
    arena_t *arena = arena_create();
    ck_assert_int_eq(je_mallctl("arena.0.name", &out, &len, NULL, 0), 0);
    ck_assert_str_eq(buffer, "auto_0");
    snprintf(name, sizeof(name), "arena.%u.name", arena->ind);
    ck_assert_int_eq(je_mallctl(name, &out, &len, &fresh, sizeof(fresh)), 0);
    ck_assert_int_eq(strncmp(buffer, "manual_", 7), 0);
    ck_assert_int_eq(je_mallctl(name, &out, &len, NULL, 0), 0);
    ck_assert_uint_eq(strlen(buffer), ARENA_NAME_LEN - 1);
    ck_assert_int_eq(strncmp(buffer, fresh, ARENA_NAME_LEN - 1), 0);
    fresh = NULL;
    ck_assert_int_eq(je_mallctl(name, NULL, NULL, &fresh, sizeof(fresh)),
                     EINVAL);
    ck_assert_int_eq(je_mallctl(name, NULL, NULL, &fresh, 4), EINVAL);
    ck_assert_int_eq(je_mallctl("arena.4096.name", &out, &len, NULL, 0),
                     EFAULT);
}

END_TEST

START_TEST(test_ctl_arenas_lookup_finds_the_owner)
{
    unsigned ind = GET("arenas.create", unsigned), found = 0;
    size_t len = sizeof(found);
    void *p = je_alloc(100, &(alloc_how_t){.arena = arena_get(ind)});
    ck_assert_int_eq(je_mallctl("arenas.lookup", &found, &len, &p, sizeof(p)),
                     0);
    ck_assert_uint_eq(found, ind);
    void *foreign = &found;
    ck_assert_int_eq(
        je_mallctl("arenas.lookup", &found, &len, &foreign, sizeof(p)), EINVAL);
    ck_assert_int_eq(je_mallctl("arenas.lookup", &found, &len, NULL, 0),
                     EINVAL);
    je_free(p, true);
}

END_TEST

START_TEST(test_ctl_thread_arena_moves_the_thread)
{
    unsigned home = GET("thread.arena", unsigned);
    unsigned ind = GET("arenas.create", unsigned);
    uint32_t there = arena_get(home)->nthreads;
    ck_assert_int_eq(SET("thread.arena", unsigned, ind), 0);
    ck_assert_uint_eq(GET("thread.arena", unsigned), ind);
    ck_assert_uint_eq(arena_get(ind)->nthreads, 1);
    ck_assert_uint_eq(arena_get(home)->nthreads, there - 1);
    void *p = malloc_fast(200);
    ck_assert_uint_eq(emap_extent((uintptr_t)p)->arena_ind, ind);
    free_fast(p);
    ck_assert_int_eq(SET("thread.arena", unsigned, ind + 1), EFAULT);
    ck_assert_int_eq(SET("thread.arena", unsigned, 4096), EFAULT);
    ck_assert_int_eq(SET("thread.arena", unsigned, home), 0);
}

END_TEST

START_TEST(test_ctl_thread_counters_move_with_every_call)
{
    uint64_t *a = (uint64_t *)GET("thread.allocatedp", uintptr_t);
    uint64_t *d = (uint64_t *)GET("thread.deallocatedp", uintptr_t);
    for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
        uint64_t a0 = *a, d0 = *d;
        ck_assert_uint_eq(GET("thread.allocated", uint64_t), a0);
        void *p = malloc_fast(size);
        size_t usable = je_usable_size(p);
        ck_assert_uint_eq(*a - a0, usable);
        ck_assert_uint_eq(*d, d0);
        free_fast(p);
        ck_assert_uint_eq(*a - a0, usable);
        ck_assert_uint_eq(*d - d0, usable);
        ck_assert_uint_eq(GET("thread.deallocated", uint64_t), *d);
    }
}

END_TEST

START_TEST(test_ctl_tcache_can_be_flushed_and_switched_off)
{
    void *p = malloc_fast(64);
    free_fast(p);
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_gt(GET("stats.arenas.4096.tcache_bytes", size_t), 0);
    ck_assert_int_eq(RUN("thread.tcache.flush"), 0);
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_eq(GET("stats.arenas.4096.tcache_bytes", size_t), 0);

    bool was = false, off = false;
    size_t len = sizeof(was);
    ck_assert_int_eq(je_mallctl("thread.tcache.enabled", &was, &len, &off, 1),
                     0);
    ck_assert(was);
    ck_assert(!GET("thread.tcache.enabled", bool));
    ck_assert_int_eq(RUN("thread.tcache.flush"), EFAULT);
    free_fast(malloc_fast(64));
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_eq(GET("stats.arenas.4096.tcache_bytes", size_t), 0);
    ck_assert_int_eq(SET("thread.tcache.enabled", bool, true), 0);
    free_fast(malloc_fast(64));
    ck_assert_int_eq(RUN("thread.idle"), 0);
}

END_TEST

START_TEST(test_ctl_background_threads_start_and_stop)
{
    ck_assert_int_eq(SET("max_background_threads", size_t, 0), EINVAL);
    ck_assert_int_eq(
        SET("max_background_threads", size_t, conf.max_background_threads + 1),
        EINVAL);
    ck_assert(!GET("background_thread", bool));
    ck_assert_int_eq(SET("background_thread", bool, true), 0);
    ck_assert(GET("background_thread", bool));
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_ge(GET("stats.background_thread.num_threads", size_t), 1);
    ck_assert_int_eq(SET("max_background_threads", size_t, 1), 0);
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_eq(GET("stats.background_thread.num_threads", size_t), 1);
    ck_assert_uint_eq(GET("opt.max_background_threads", size_t), 4);
    ck_assert_int_eq(SET("background_thread", bool, false), 0);
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_eq(GET("stats.background_thread.num_threads", size_t), 0);
}

END_TEST

START_TEST(test_ctl_profiling_that_is_off_says_so)
{
    ck_assert(!GET("prof.active", bool));
    ck_assert_int_eq(SET("prof.active", bool, true), ENOENT);
    ck_assert_int_eq(SET("prof.active", bool, false), 0); /* it is */
    ck_assert_int_eq(SET("thread.prof.active", bool, true), ENOENT);
    ck_assert_int_eq(RUN("prof.dump"), ENOENT);
    ck_assert_int_eq(RUN("prof.reset"), ENOENT);
    ck_assert_uint_eq(GET("prof.lg_sample", size_t), 0);
}

END_TEST

START_TEST(test_ctl_other_settings_of_an_arena)
{
    ck_assert_str_eq(GET("arena.0.dss", const char *), "disabled");
    ck_assert_int_eq(SET("arena.0.dss", const char *, "disabled"), 0);
    ck_assert_int_eq(SET("arena.0.dss", const char *, "primary"), 0);
    ck_assert_str_eq(GET("arena.0.dss", const char *), "primary");
    ck_assert_int_eq(SET("arena.0.dss", const char *, "bogus"), EINVAL);
    ck_assert_int_eq(SET("arena.0.retain_grow_limit", size_t, 100), EFAULT);
    ck_assert_int_eq(SET("arena.0.retain_grow_limit", size_t, 4u << 20), 0);
    ck_assert_uint_eq(GET("arena.0.retain_grow_limit", size_t), 4u << 20);
    ck_assert(GET("arena.0.initialized", bool));
    ck_assert(GET("arena.4096.initialized", bool));
    ck_assert(!GET("arena.4097.initialized", bool));
}

END_TEST

START_TEST(test_ctl_mutex_counts_can_be_reset)
{
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    }
    ck_assert_uint_gt(GET("stats.mutexes.ctl.num_ops", uint64_t), 2);
    ck_assert_uint_gt(
        GET("stats.arenas.0.mutexes.extents_dirty.num_ops", uint64_t), 0);
    ck_assert_int_eq(RUN("stats.mutexes.reset"), 0);
    ck_assert_int_eq(SET("epoch", uint64_t, 1), 0);
    ck_assert_uint_le(GET("stats.mutexes.ctl.num_ops", uint64_t), 2);
    ck_assert_uint_le(
        GET("stats.arenas.0.mutexes.extents_dirty.num_ops", uint64_t), 2);
    ck_assert_uint_eq(GET("stats.arenas.0.bins.5.mutex.num_ops", uint64_t), 1);
}

END_TEST

static void *
hammer(void *arg)
{
    uint64_t seed = (uintptr_t)arg;
    for (int i = 0; i < 2000; i++) {
        char name[NAME_MAX_BYTES];
        uint64_t value = 0;
        size_t len = 8;
        leaf_name(&ctl_table[util_random_below(&seed, ctl_table_size)], name);
        if (strncmp(name, "jeprobe", 7) != 0 &&
            strncmp(name, "arenas.create", 13) != 0) {
            (void)je_mallctl(name, &value, &len, NULL, 0);
        }
        free_fast(malloc_fast(util_random_below(&seed, 5000)));
        if (i % 50 == 0) {
            (void)SET("epoch", uint64_t, 1);
        }
    }
    return NULL;
}

START_TEST(test_ctl_many_threads_read_at_once)
{
    pthread_t threads[4];
    uint64_t before = GET("epoch", uint64_t);
    for (uintptr_t i = 0; i < JE_ARRAY_LEN(threads); i++) {
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(GET("epoch", uint64_t), before + 4 * 40);
}

END_TEST

int
main(void)
{
    Suite *s = suite_create("ctl");
    TCase *tc = tcase_create("ctl");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_ctl_rows_with_the_same_beginning_stand_together);
    tcase_add_test(tc, test_ctl_name_becomes_a_mib_that_means_the_same);
    tcase_add_test(tc, test_ctl_read_checks_the_size);
    tcase_add_test(tc, test_ctl_write_checks_rights_and_size);
    tcase_add_test(tc, test_ctl_actions_take_no_values);
    tcase_add_loop_test(tc, test_ctl_unknown_name_is_enoent, 0,
                        (int)JE_ARRAY_LEN(unknown));
    tcase_add_test(tc, test_ctl_beginning_of_a_name_is_translated_but_not_read);
    tcase_add_test(tc, test_ctl_mib_with_another_index_reads_another_class);
    tcase_add_test(tc, test_ctl_options_are_the_conf_table);
    tcase_add_test(tc, test_ctl_epoch_freezes_figures_until_it_is_written);
    tcase_add_test(tc, test_ctl_arena_purge_reaches_one_or_all);
    tcase_add_test(tc, test_ctl_arena_purge_empties_the_callers_cache);
    tcase_add_test(tc, test_ctl_decay_time_purges_and_is_bounded);
    tcase_add_test(tc, test_ctl_arenas_create_needs_a_place_for_the_answer);
    tcase_add_test(tc, test_ctl_arena_purges_what_is_oversize_at_once);
    tcase_add_test(tc, test_ctl_arena_name_is_read_into_a_buffer_and_cut);
    tcase_add_test(tc, test_ctl_arenas_lookup_finds_the_owner);
    tcase_add_test(tc, test_ctl_thread_arena_moves_the_thread);
    tcase_add_test(tc, test_ctl_thread_counters_move_with_every_call);
    tcase_add_test(tc, test_ctl_tcache_can_be_flushed_and_switched_off);
    tcase_add_test(tc, test_ctl_background_threads_start_and_stop);
    tcase_add_test(tc, test_ctl_profiling_that_is_off_says_so);
    tcase_add_test(tc, test_ctl_other_settings_of_an_arena);
    tcase_add_test(tc, test_ctl_mutex_counts_can_be_reset);
    tcase_add_test(tc, test_ctl_many_threads_read_at_once);
    suite_add_tcase(s, tc);
    return util_run(s);
}
