/*
 * Marked objects: see special.h.
 */
#include "alloc/special.h"

#include "alloc/arena.h"
#include "alloc/emap.h"
#include "alloc/meta.h"
#include "base/assert.h"
#include "base/bits.h"

_Static_assert(SC_MAX_REGIONS / 8 == sizeof(void *) << META_LG_SLOTS_MIN,
               "the bitmap is the smallest pooled array");

enum { SPECIAL_WORDS = SC_MAX_REGIONS / 64 };

static bool
special_bitmap_make(extent_t *e)
{
    if (e->sampled != NULL) {
        return true;
    }
    uint64_t *bits = (uint64_t *)meta_slots_alloc(META_LG_SLOTS_MIN);
    if (bits == NULL) {
        return false;
    }
    for (unsigned i = 0; i < SPECIAL_WORDS; i++) {
        bits[i] = 0;
    }
    atomic_store_rel(&e->sampled, bits);
    return true;
}

bool
special_mark(extent_t *e, void *p)
{
    if (!e->is_slab) {
        e->is_sampled = true;
        arena_large_map(e);
        return true;
    }
    arena_t *arena = arena_of(e);
    bin_t *bin = arena_bin_of(arena, e);
    uint32_t region = bin_region(&bin_infos[e->szind], e, p);
    if (!arena_bin_lock(arena, bin)) {
        return false;
    }
    bool ok = special_bitmap_make(e);
    if (ok) {
        uint64_t *word = &e->sampled[region >> 6];
        atomic_store_rlx(word, *word | UINT64_C(1) << (region & 63));
        e->nsampled++;
        emap_set_class((uintptr_t)p, 0);
    }
    os_mutex_unlock(&bin->mtx);
    return ok;
}

/* Does any marked region start on the page of p? */
static bool
special_on_page(const extent_t *e, const bin_info_t *info, const void *p)
{
    uintptr_t page = bits_align_down((uintptr_t)p, OS_PAGE);
    uintptr_t offset = page - e->addr;
    uint32_t region = (uint32_t)((offset + info->size - 1) / info->size);
    size_t end = offset + OS_PAGE;
    for (; region < info->nregs && (size_t)region * info->size < end;
         region++) {
        if ((e->sampled[region >> 6] >> (region & 63)) & 1) {
            return true;
        }
    }
    return false;
}

void
special_unmark(extent_t *e, void *p)
{
    if (!e->is_slab) {
        e->is_sampled = false;
        arena_large_map(e);
        return;
    }
    arena_t *arena = arena_of(e);
    bin_t *bin = arena_bin_of(arena, e);
    const bin_info_t *info = &bin_infos[e->szind];
    uint32_t region = bin_region(info, e, p);
    if (!arena_bin_lock(arena, bin)) {
        return;
    }
    uint64_t *word = &e->sampled[region >> 6];
    je_assert((*word >> (region & 63)) & 1);
    atomic_store_rlx(word, *word & ~(UINT64_C(1) << (region & 63)));
    e->nsampled--;
    if (e->labels == NULL && !special_on_page(e, info, p)) {
        emap_set_class((uintptr_t)p, e->szind + 1u);
    }
    os_mutex_unlock(&bin->mtx);
}

bool
special_is_marked(const extent_t *e, const void *p)
{
    if (!e->is_slab) {
        return e->is_sampled;
    }
    const uint64_t *bits = atomic_load_acq(&e->sampled);
    if (bits == NULL) {
        return false;
    }
    const bin_info_t *info = &bin_infos[e->szind];
    uint32_t region = bin_region(info, e, p);
    return e->addr + (uintptr_t)region * info->size == (uintptr_t)p &&
           special_bit(bits, region);
}
