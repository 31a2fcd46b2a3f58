/*
 * Slabs of one size class: see bin.h.
 */
#include "alloc/bin.h"

#include <string.h>

#include "alloc/bin_internal.h"
#include "alloc/conf.h"
#include "alloc/sz.h"
#include "base/assert.h"
#include "base/bits.h"

bin_info_t bin_infos[SC_NBINS];
bin_shards_t bin_shards[SC_NBINS];
unsigned bin_nmore;

/* A slab has no waste at its end, at least SLAB_MIN_BYTES unless the bitmap
 * limits it, and at least SLAB_MIN_REGIONS regions. Smaller slabs would make a
 * fill an extent operation and their descriptors weigh too much; larger ones
 * pin more when one region survives. */
#define SLAB_MIN_BYTES (4 * OS_PAGE)

enum { SLAB_MIN_REGIONS = 8 };

static size_t
bin_slab_size_default(size_t region)
{
    size_t step = OS_PAGE; /* least common multiple of page and region */
    while (step % region != 0) {
        step += OS_PAGE;
    }
    size_t size = step;
    while ((size < SLAB_MIN_BYTES || size / region < SLAB_MIN_REGIONS) &&
           (size + step) / region <= SC_MAX_REGIONS) {
        size += step;
    }
    return size;
}

/* As the option slab_sizes has it. Such a slab may have less than a region left
 * over at its end. */
static size_t
bin_slab_size(size_t region)
{
    uint64_t pages;
    if (!conf_range_of(conf.slab_sizes, region, region, &pages)) {
        return bin_slab_size_default(region);
    }
    pages = JE_MAX(pages, (region + OS_PAGE - 1) >> OS_LG_PAGE);
    pages = JE_MIN(pages, SC_MAX_REGIONS * region >> OS_LG_PAGE);
    return (size_t)pages << OS_LG_PAGE;
}

static void
bin_boot_shards(void)
{
    bin_nmore = 0;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        uint64_t n;
        if (!conf_range_of(conf.bin_shards, sz_least(i), sz_size(i), &n)) {
            n = 1;
        }
        bin_shards[i].count = (uint16_t)n;
        bin_shards[i].first = (uint16_t)bin_nmore;
        bin_nmore += (unsigned)n - 1;
    }
}

void
bin_boot(void)
{
    for (unsigned i = 0; i < SC_NBINS; i++) {
        bin_info_t *info = &bin_infos[i];
        size_t region = sz_size(i);
        size_t slab = bin_slab_size(region);
        size_t nregs = slab / region;
        je_check(nregs <= SC_MAX_REGIONS && slab <= UINT32_MAX);
        info->size = (uint32_t)region;
        info->magic = (uint32_t)(((UINT64_C(1) << 32) + region - 1) / region);
        info->slab_size = (uint32_t)slab;
        info->nregs = (uint16_t)nregs;
        for (unsigned b = 0; b <= BIN_BUCKETS; b++) {
            size_t least = (nregs * b + BIN_BUCKETS - 1) / BIN_BUCKETS;
            info->least_free[b] = (uint16_t)(least > 0 ? least : 1);
        }
        info->least_free[BIN_BUCKETS] = info->nregs;
    }
    bin_boot_shards();
}

void
bin_init(bin_t *bin, unsigned szind, unsigned shard)
{
    bin->szind = (uint8_t)szind;
    bin->shard = (uint8_t)shard;
    os_mutex_init(&bin->mtx, OS_RANK_BIN);
    for (unsigned b = 0; b < BIN_BUCKETS; b++) {
        list_init(&bin->buckets[b]);
    }
    list_init(&bin->full);
}

void
slab_init_bitmap(const bin_info_t *info, extent_t *slab)
{
    unsigned words = info->nregs / 64;
    memset(slab->bitmap, 0, sizeof(slab->bitmap));
    memset(slab->bitmap, 0xff, words * sizeof(uint64_t));
    if (info->nregs % 64 != 0) {
        slab->bitmap[words] = (UINT64_C(1) << (info->nregs % 64)) - 1;
    }
    if (slab_has_rest(info)) {
        slab->bitmap[words] |= UINT64_C(1) << (info->nregs % 64);
    }
    slab->nfree = info->nregs;
}

/* ---- placing a slab ---------------------------------------------------- */

void
bin_unlist(bin_t *bin, extent_t *slab)
{
    if (slab->bucket != BIN_UNLISTED) {
        list_remove(&slab->link);
        if (slab->bucket != BIN_FULL) {
            bin->stats.nonfull_slabs--;
            bin->listed[slab->bucket]--;
        }
        slab->bucket = BIN_UNLISTED;
    }
}

/* A slab without free regions waits for one to come back. */
static void
bin_list_full(bin_t *bin, extent_t *slab)
{
    slab->trigger = 1;
    if (unlikely(bin->lists_full)) {
        slab->bucket = BIN_FULL;
        list_push_front(&bin->full, &slab->link);
    }
}

/* Put a slab with 0 < nfree < nregs into the list it belongs to. */
static void
bin_list(bin_t *bin, const bin_info_t *info, extent_t *slab)
{
    unsigned b = 0;
    while (b + 1 < BIN_BUCKETS && info->least_free[b + 1] <= slab->nfree) {
        b++;
    }
    bin_unlist(bin, slab);
    slab->bucket = (uint8_t)b;
    /* small slabs share borders: the next one that is really above */
    slab->trigger = info->least_free[b + 1];
    list_push_front(&bin->buckets[b], &slab->link);
    bin->stats.nonfull_slabs++;
    bin->listed[b]++;
}

/* What was free in it is not idle any more. */
static void
bin_set_current(bin_t *bin, const bin_info_t *info, extent_t *slab)
{
    je_assert(bin->current == NULL);
    slab->bucket = BIN_UNLISTED;
    slab->trigger = BIN_NO_TRIGGER;
    if (slab_marked_pages(info) > 0) {
        slab->idle = bin->look.round;
    }
    bin->current = slab;
}

void
bin_adopt_locked(bin_t *bin, const bin_info_t *info, extent_t *slab)
{
    je_assert(slab->nfree == info->nregs);
    slab->shard = bin->shard;
    bin->stats.nslabs++;
    bin->stats.curslabs++;
    if (bin->current == NULL) {
        bin_set_current(bin, info, slab);
    } else if (bin->spare == NULL) {
        slab->bucket = BIN_UNLISTED;
        slab->trigger = BIN_NO_TRIGGER;
        bin->spare = slab;
    } else {
        /* two threads found the bin dry at once: the list of the emptiest
         * serves an entirely empty slab as well */
        slab->bucket = BIN_UNLISTED;
        bin_list(bin, info, slab);
    }
}

/* A current slab with free regions: the old one, or the fullest other. */
static extent_t *
bin_current(bin_t *bin, const bin_info_t *info)
{
    extent_t *slab = bin->current;
    if (slab != NULL) {
        if (likely(slab->nfree > 0)) {
            return slab;
        }
        bin_list_full(bin, slab);
        bin->current = NULL;
    }
    for (unsigned b = 0; b < BIN_BUCKETS; b++) {
        list_t *l = list_first(&bin->buckets[b]);
        if (l != NULL) {
            slab = list_entry(l, extent_t, link);
            bin_unlist(bin, slab);
            bin_set_current(bin, info, slab);
            bin->stats.nreslabs++;
            return slab;
        }
    }
    slab = bin->spare;
    if (slab != NULL) {
        bin->spare = NULL;
        bin_set_current(bin, info, slab);
    }
    return slab;
}

/* ---- regions ----------------------------------------------------------- */

/* Take up to n of the slab's free regions by scanning its bitmap. The cost is
 * one bit scan, one multiply-add and one store an object. */
static unsigned
slab_take(extent_t *slab, size_t region, void **end, unsigned n)
{
    unsigned want = n < slab->nfree ? n : slab->nfree;
    unsigned left = want;
    for (unsigned w = 0; left > 0; w++) {
        uint64_t bits = slab->bitmap[w];
        uintptr_t base = slab->addr + (uintptr_t)w * 64 * region;
        while (bits != 0 && left > 0) {
            *--end = (void *)(base + bits_ctz(bits) * region);
            bits &= bits - 1;
            left--;
        }
        slab->bitmap[w] = bits;
    }
    slab->nfree = (uint16_t)(slab->nfree - want);
    return want;
}

unsigned
bin_take_locked(bin_t *bin, const bin_info_t *info, void **out, unsigned n)
{
    unsigned got = 0;
    while (got < n) {
        extent_t *slab = bin_current(bin, info);
        if (slab == NULL) {
            break;
        }
        if (unlikely(bin->ngaps != 0) && slab->gaps != 0) {
            got += slab_take_around(bin, info, slab, out + n - got, n - got);
        } else {
            got += slab_take(slab, info->size, out + n - got, n - got);
        }
    }
    if (unlikely(got > 0 && got < n)) {
        memmove(out, out + (n - got), got * sizeof(out[0]));
    }
    bin->stats.nmalloc += got;
    return got;
}

/* The slab is not the bin's any more. */
static void
bin_let_go(bin_t *bin, const bin_info_t *info, const extent_t *slab)
{
    bin->stats.curslabs--;
    bin->ngaps -= bits_popcount(slab_gaps(info, slab));
}

/* Also when the count of free regions reached the border of its place. */
JE_NOINLINE void
bin_place(bin_t *bin, const bin_info_t *info, extent_t *slab, list_t *surplus)
{
    if (slab->nfree < info->nregs) {
        bin_list(bin, info, slab);
        return;
    }
    bin_unlist(bin, slab);
    slab->trigger = BIN_NO_TRIGGER;
    if (bin->spare == NULL) {
        bin->spare = slab;
    } else {
        bin_let_go(bin, info, slab);
        list_push_back(surplus, &slab->link);
    }
}

/* Set the bit of one region. */
JE_INLINE void
slab_put(const bin_info_t *info, extent_t *slab, void *p)
{
    uint32_t region = bin_region(info, slab, p);
    uint64_t bit = UINT64_C(1) << (region & 63);
    uint64_t *word = &slab->bitmap[region >> 6];
    if (unlikely(slab->addr + (uintptr_t)region * info->size != (uintptr_t)p)) {
        je_fatal("free of %p, which is inside a block of %u bytes", p,
                 info->size);
    }
    if (unlikely((*word & bit) != 0)) {
        je_fatal("double free of %p (size class %u)", p, info->size);
    }
    *word |= bit;
    slab->nfree++;
}

unsigned
bin_put_locked(bin_t *bin, const bin_info_t *info, unsigned arena_ind,
               void **ptrs, extent_t **slabs, unsigned n, list_t *surplus)
{
    unsigned left = 0;
    extent_t *run = NULL; /* neighbours in the batch often share a slab */
    for (unsigned i = 0; i < n; i++) {
        extent_t *slab = slabs[i];
        if (slab != run) {
            if (unlikely(slab->arena_ind != arena_ind) ||
                unlikely(slab->shard != bin->shard)) {
                slabs[left] = slab;
                ptrs[left++] = ptrs[i];
                continue;
            }
            if (run != NULL && unlikely(run->nfree >= run->trigger)) {
                bin_place(bin, info, run, surplus);
            }
            run = slab;
        }
        slab_put(info, slab, ptrs[i]);
    }
    if (run != NULL && run->nfree >= run->trigger) {
        bin_place(bin, info, run, surplus);
    }
    bin->stats.ndalloc += n - left;
    return left;
}

extent_t *
bin_drop_spare_locked(bin_t *bin, const bin_info_t *info)
{
    extent_t *slab = bin->spare;
    if (slab != NULL) {
        bin->spare = NULL;
        bin_let_go(bin, info, slab);
    }
    return slab;
}

/* ---- discarding everything --------------------------------------------- */

static void
bin_reset_slab(const bin_info_t *info, extent_t *slab, list_t *slabs)
{
    uint32_t gaps = slab_gaps(info, slab);
    slab->bucket = BIN_UNLISTED;
    slab_init_bitmap(info, slab);
    if (gaps != 0) {
        slab->gaps = gaps; /* as far away as they were */
    }
    list_push_back(slabs, &slab->link);
}

static void
bin_reset_list(const bin_info_t *info, list_t *list, list_t *slabs)
{
    for (list_t *l; (l = list_first(list)) != NULL;) {
        list_remove(l);
        bin_reset_slab(info, list_entry(l, extent_t, link), slabs);
    }
}

void
bin_reset_begin_locked(bin_t *bin, const bin_info_t *info, list_t *slabs)
{
    if (bin->current != NULL) {
        bin_reset_slab(info, bin->current, slabs);
        bin->current = NULL;
    }
    if (bin->spare != NULL) {
        bin_reset_slab(info, bin->spare, slabs);
        bin->spare = NULL;
    }
    for (unsigned b = 0; b < BIN_BUCKETS; b++) {
        bin_reset_list(info, &bin->buckets[b], slabs);
    }
    bin_reset_list(info, &bin->full, slabs);
    bin->stats.nonfull_slabs = 0;
    memset(bin->listed, 0, sizeof(bin->listed));
    bin->look.is_on = false;
}

void
bin_reset_keep(const bin_info_t *info, extent_t *slab, const void *p)
{
    uint32_t region = bin_region(info, slab, p);
    uint64_t bit = UINT64_C(1) << (region & 63);
    if ((slab->bitmap[region >> 6] & bit) != 0 &&
        !slab_region_is_gone(info, slab, region)) {
        slab->bitmap[region >> 6] &= ~bit;
        slab->nfree--;
    }
}

void
bin_reset_end_locked(bin_t *bin, const bin_info_t *info, list_t *slabs,
                     list_t *surplus)
{
    uint64_t kept = 0;
    for (list_t *l; (l = list_first(slabs)) != NULL;) {
        extent_t *slab = list_entry(l, extent_t, link);
        list_remove(l);
        kept += info->nregs - slab->nfree;
        if (slab->nfree == info->nregs) {
            bin_let_go(bin, info, slab);
            list_push_back(surplus, l);
        } else if (slab->nfree == 0) {
            bin_list_full(bin, slab);
        } else {
            bin_list(bin, info, slab);
        }
    }
    bin->stats.ndalloc = bin->stats.nmalloc - kept;
}

bool
bin_region_is_live(const bin_info_t *info, const extent_t *slab, const void *p)
{
    uint32_t region = bin_region(info, slab, p);
    return slab->addr + (uintptr_t)region * info->size == (uintptr_t)p &&
           ((slab->bitmap[region >> 6] >> (region & 63)) & 1) == 0;
}

/* ---- checks ------------------------------------------------------------ */

static unsigned
slab_count_free(const bin_info_t *info, const extent_t *slab)
{
    unsigned n = 0, words = JE_ARRAY_LEN(slab->bitmap);
    if (slab_has_rest(info)) {
        je_assert((slab->bitmap[info->nregs / 64] >> (info->nregs % 64)) & 1);
        n = 0u - 1;
    }
    if (slab_marked_pages(info) > 0) {
        words--; /* the last one has the marks */
    }
    for (unsigned w = 0; w < words; w++) {
        n += bits_popcount(slab->bitmap[w]);
    }
    return n;
}

/* What holds for a slab in any place. Counts its pages that were given back. */
static bool
slab_is_valid(const bin_t *bin, const bin_info_t *info, const extent_t *slab,
              unsigned *ngaps)
{
    bool has_marks = slab_marked_pages(info) > 0;
    uint32_t gaps = slab_gaps(info, slab);
    uint32_t idle = has_marks ? slab->idle & ~SLAB_ROUND : 0;
    bool ok = slab->shard == bin->shard &&
              slab->nfree == slab_count_free(info, slab) &&
              ((gaps | idle) & ~slab_free_pages(info, slab)) == 0;
    *ngaps += bits_popcount(gaps);
    je_assert(ok);
    return ok;
}

bool
bin_is_valid_locked(bin_t *bin, const bin_info_t *info)
{
    uint64_t listed = 0;
    unsigned ngaps = 0;
    bool ok = true;
    for (unsigned b = 0; b < BIN_BUCKETS; b++) {
        list_t *head = &bin->buckets[b];
        unsigned n = 0;
        for (list_t *l = head->next; l != head; l = l->next, n++) {
            extent_t *slab = list_entry(l, extent_t, link);
            ok = ok && slab->bucket == b && slab->nfree > 0 &&
                 slab_is_valid(bin, info, slab, &ngaps);
            je_assert(ok);
        }
        ok = ok && n == bin->listed[b];
        listed += n;
    }
    if (bin->current != NULL) {
        ok = ok && slab_is_valid(bin, info, bin->current, &ngaps);
    }
    if (bin->spare != NULL) {
        ok = ok && bin->spare->nfree == info->nregs &&
             slab_is_valid(bin, info, bin->spare, &ngaps);
    }
    ok = ok && listed == bin->stats.nonfull_slabs && ngaps == bin->ngaps &&
         bin->stats.nmalloc - bin->stats.ndalloc <=
             bin->stats.curslabs * info->nregs;
    je_assert(ok);
    return ok;
}
