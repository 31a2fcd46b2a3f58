/*
 * Pages inside slabs that are given back: see bin.h.
 *
 * One survivor pins a slab, and with it pages on which there is nothing. These
 * can go without the slab: a page is free when every region that touches it is.
 * What lies in thread caches is not free in the slab's bitmap, so nobody has a
 * pointer to such a page, and it reads as zero when it comes back.
 */
#include "alloc/bin.h"

#include <string.h>

#include "alloc/bin_internal.h"
#include "base/assert.h"
#include "base/bits.h"

enum {
    LOOKS_MAX = 64, /* slabs under one lock */
    MARKED_WORDS = SC_MAX_REGIONS / 64 - 1,
};

_Static_assert(offsetof(extent_t, gaps) ==
                   offsetof(extent_t, bitmap) + MARKED_WORDS * 8,
               "the marks are behind the bits that such a slab has");

/* ---- pages and regions ------------------------------------------------- */

/* The first and the last region that touch a page; what is left over at the
 * end of a slab counts as one, whose bit is always set. */
typedef struct touch {
    unsigned first, last;
} touch_t;

static touch_t
page_touched_by(const bin_info_t *info, unsigned page)
{
    uint32_t at = page << OS_LG_PAGE;
    uint32_t end = at + (uint32_t)OS_PAGE - 1;
    return (touch_t){at / info->size, end / info->size};
}

/* The bits from `first` to `last` that are in word w. */
static uint64_t
touch_bits(touch_t t, unsigned w)
{
    uint64_t bits = UINT64_MAX;
    if (w == t.first >> 6) {
        bits <<= t.first & 63;
    }
    if (w == t.last >> 6) {
        bits &= UINT64_MAX >> (63 - (t.last & 63));
    }
    return bits;
}

static bool
page_is_free(const bin_info_t *info, const extent_t *slab, unsigned page)
{
    touch_t t = page_touched_by(info, page);
    for (unsigned w = t.first >> 6; w <= t.last >> 6; w++) {
        if ((~slab->bitmap[w] & touch_bits(t, w)) != 0) {
            return false;
        }
    }
    return true;
}

uint32_t
slab_free_pages(const bin_info_t *info, const extent_t *slab)
{
    uint32_t pages = 0;
    /* + 1 for what is left over at the end */
    if ((slab->nfree + 1u) * (size_t)info->size < OS_PAGE) {
        return 0;
    }
    for (unsigned i = 0; i < slab_marked_pages(info); i++) {
        pages |= (uint32_t)page_is_free(info, slab, i) << i;
    }
    return pages;
}

bool
slab_region_is_gone(const bin_info_t *info, const extent_t *slab,
                    uint32_t region)
{
    for (uint32_t gaps = slab_gaps(info, slab); gaps != 0; gaps &= gaps - 1) {
        touch_t t = page_touched_by(info, bits_ctz(gaps));
        if (region >= t.first && region <= t.last) {
            return true;
        }
    }
    return false;
}

/* ---- taking ------------------------------------------------------------ */

/* The free regions that touch no page that was given back. */
static void
slab_resident_regions(const bin_info_t *info, const extent_t *slab,
                      uint64_t *bits)
{
    memcpy(bits, slab->bitmap, MARKED_WORDS * sizeof(*bits));
    if (slab_has_rest(info)) {
        bits[info->nregs / 64] &= ~(UINT64_C(1) << (info->nregs % 64));
    }
    for (uint32_t gaps = slab->gaps; gaps != 0; gaps &= gaps - 1) {
        touch_t t = page_touched_by(info, bits_ctz(gaps));
        for (unsigned w = t.first >> 6; w <= t.last >> 6; w++) {
            bits[w] &= ~touch_bits(t, w);
        }
    }
}

unsigned
slab_take_around(bin_t *bin, const bin_info_t *info, extent_t *slab, void **end,
                 unsigned n)
{
    uint64_t bits[MARKED_WORDS];
    unsigned want = n < slab->nfree ? n : slab->nfree;
    unsigned left = want;
    for (;;) {
        slab_resident_regions(info, slab, bits);
        for (unsigned w = 0; w < MARKED_WORDS && left > 0; w++) {
            for (; bits[w] != 0 && left > 0; left--) {
                unsigned bit = bits_ctz(bits[w]);
                size_t region = w * 64 + bit;
                *--end = (void *)(slab->addr + region * info->size);
                bits[w] &= bits[w] - 1;
                slab->bitmap[w] &= ~(UINT64_C(1) << bit);
            }
        }
        if (left == 0) {
            break;
        }
        je_assert(slab->gaps != 0);
        slab->gaps &= slab->gaps - 1; /* the kernel opens it when touched */
        bin->ngaps--;
        bin->nopened++;
    }
    slab->nfree = (uint16_t)(slab->nfree - want);
    return want;
}

/* ---- giving back ------------------------------------------------------- */

bool
bin_has_changed_locked(const bin_t *bin)
{
    return bin->has_idle || bin->stats.ndalloc != bin->look.ndalloc;
}

void
bin_retire_locked(bin_t *bin, const bin_info_t *info, list_t *surplus)
{
    extent_t *slab = bin->current;
    if (bin->spare != NULL && bin->spare == bin->look.spare) {
        list_push_back(surplus, &bin_drop_spare_locked(bin, info)->link);
    }
    if (slab != NULL && slab->nfree > 0 &&
        bin->stats.nmalloc == bin->look.nmalloc) {
        bin->current = NULL;
        if (slab_marked_pages(info) > 0) {
            slab->idle = bin->look.round; /* the look to come is its first */
        }
        bin_place(bin, info, slab, surplus);
    }
}

void
bin_look_begin_locked(bin_t *bin, uint64_t now_ns, bool at_once)
{
    bin->has_idle =
        bin->spare != NULL || (bin->current != NULL && bin->current->nfree > 0);
    bin->look = (bin_look_t){.is_on = true,
                             .at_once = at_once,
                             .round = bin->look.round ^ SLAB_ROUND,
                             .now_ns = now_ns,
                             .nmalloc = bin->stats.nmalloc,
                             .ndalloc = bin->stats.ndalloc,
                             .spare = bin->spare};
}

/* The slab's pages that are due; the others that are free are noted. Who comes
 * by twice in a round learns nothing new. */
static uint32_t
slab_look(bin_t *bin, const bin_info_t *info, extent_t *slab)
{
    uint32_t free = slab_free_pages(info, slab) & ~slab->gaps;
    uint32_t idle = slab->idle & ~SLAB_ROUND;
    bool is_new = (slab->idle & SLAB_ROUND) != bin->look.round;
    uint32_t due = bin->look.at_once ? free : is_new ? free & idle : 0;
    slab->idle = bin->look.round | (is_new ? free & ~due : free & idle);
    bin->has_idle |= (free & ~due) != 0;
    return due;
}

static void
bin_take_moving(bin_t *bin, extent_t *slab, uint32_t pages, bin_moving_t *out)
{
    bin_unlist(bin, slab);
    slab->trigger = BIN_NO_TRIGGER;
    bin->ngaps -= bits_popcount(slab->gaps);
    bin->nmoving++;
    out->slabs[out->n] = slab;
    out->pages[out->n++] = pages;
}

bool
bin_look_locked(bin_t *bin, const bin_info_t *info, bin_moving_t *out)
{
    bin_look_t *look = &bin->look;
    look->is_on = look->is_on && slab_marked_pages(info) > 0;
    out->n = 0;
    for (unsigned i = 0; i < LOOKS_MAX && out->n < BIN_MOVING_MAX; i++) {
        while (look->left == 0 && look->bucket < BIN_BUCKETS) {
            look->left = bin->listed[look->bucket++];
        }
        look->is_on = look->is_on && look->left > 0;
        if (!look->is_on) {
            break;
        }
        list_t *head = &bin->buckets[look->bucket - 1];
        list_t *l = list_first(head);
        look->left = l != NULL ? look->left - 1 : 0;
        if (l == NULL) {
            continue;
        }
        extent_t *slab = list_entry(l, extent_t, link);
        uint32_t due = slab_look(bin, info, slab);
        if (due != 0) {
            bin_take_moving(bin, slab, due, out);
        } else { /* once round, the list is in the order it was in */
            list_remove(l);
            list_push_back(head, l);
        }
    }
    return look->is_on;
}

/* The last of its list: others are to be used up before its pages are. */
unsigned
bin_moved_locked(bin_t *bin, const bin_info_t *info, extent_t *slab,
                 uint32_t pages, list_t *surplus)
{
    je_assert((slab->gaps & pages) == 0 &&
              (pages & ~slab_free_pages(info, slab)) == 0);
    slab->gaps |= pages;
    bin->ngaps += bits_popcount(slab->gaps);
    bin->nmoving -= bin->nmoving > 0; /* a forked child has forgotten it */
    bin_place(bin, info, slab, surplus);
    if (slab->bucket < BIN_BUCKETS) {
        list_remove(&slab->link);
        list_push_back(&bin->buckets[slab->bucket], &slab->link);
    }
    return bits_popcount(pages);
}
