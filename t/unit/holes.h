/*
 * What the tests of pages inside slabs share: slabs with few survivors, and
 * what is known of their pages.
 */
#ifndef JE_T_UNIT_HOLES_H
#define JE_T_UNIT_HOLES_H

#include "alloc/arena.h"

#include <string.h>
#include <unistd.h>

#include "alloc/emap.h"
#include "alloc/malloc.h"
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

static inline void
fill(void **out, unsigned n)
{
    for (unsigned got = 0; got < n;) {
        unsigned more =
            arena_fill(field.arena, field.szind, 0, out + got, n - got);
        ck_assert_uint_gt(more, 0);
        got += more;
    }
}

static inline unsigned char
stamp_of(const void *p)
{
    return (unsigned char)(1 + ((uintptr_t)p >> 4) % 251);
}

static inline void
stamp(void *p)
{
    memset(p, stamp_of(p), field.info->size);
}

static inline void
expect_stamp(const void *p)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < field.info->size; i++) {
        ck_assert_uint_eq(bytes[i], stamp_of(p));
    }
}

static inline void
expect_live_is_intact(void)
{
    for (unsigned i = 0; i < field.nlive; i++) {
        expect_stamp(field.live[i]);
    }
}

static inline unsigned
region_of(const void *p)
{
    return bin_region(field.info, emap_extent((uintptr_t)p), p);
}

/* Of each slab the region `survivor` stays. */
static inline void
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

static inline void
sow(size_t size, unsigned nslabs, unsigned survivor)
{
    sow_in(arena_create(), size, nslabs, survivor);
}

static inline void
decay_at(uint64_t ns)
{
    arena_decay(field.arena, field.now + ns);
    ck_assert(arena_is_valid(field.arena));
}

/* What the kernel has of a slab's pages. */
static inline uint32_t
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
static inline void
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

static inline size_t
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

static inline figures_t
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

static inline void
setup(void)
{
    ck_assert(je_boot());
}

#endif
