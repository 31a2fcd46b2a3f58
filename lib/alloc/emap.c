/*
 * Page map writes: see emap.h.
 */
#include "alloc/emap.h"

#include "alloc/meta.h"
#include "base/assert.h"
#include "base/bits.h"
#include "os/mutex.h"

uintptr_t emap_root[EMAP_ROOT_SLOTS];
/* Never written: untouched .bss that every foreign address reads. */
emap_leaf_t emap_none;

/* A leaf is preceded by one bit per page of it that was ever written, so that
 * metadata counts what is really used of the 2.25 MiB. */
enum {
    EMAP_LEAF_OS_PAGES = sizeof(emap_leaf_t) >> OS_LG_PAGE,
    EMAP_TOUCH_WORDS = (EMAP_LEAF_OS_PAGES + 63) / 64,
};

typedef struct emap_block {
    uint64_t touched[EMAP_TOUCH_WORDS];
    uint8_t pad[OS_PAGE - EMAP_TOUCH_WORDS * sizeof(uint64_t)];
    emap_leaf_t leaf;
} emap_block_t;

_Static_assert(offsetof(emap_block_t, leaf) == OS_PAGE, "leaf page aligned");

static os_mutex_t emap_mtx;

void
emap_boot(void)
{
    os_mutex_init(&emap_mtx, OS_RANK_EMAP);
}

void
emap_fork_child(void)
{
    os_mutex_init(&emap_mtx, OS_RANK_EMAP);
}

static bool
emap_leaf_make(uintptr_t slot)
{
    os_mutex_lock(&emap_mtx);
    bool ok = emap_root[slot] != 0;
    if (!ok) {
        emap_block_t *b = meta_map(sizeof(emap_block_t));
        if (b != NULL) {
            meta_note_touched(OS_PAGE);
            atomic_store_rel(&emap_root[slot],
                             (uintptr_t)&b->leaf - (uintptr_t)&emap_none);
            ok = true;
        }
    }
    os_mutex_unlock(&emap_mtx);
    return ok;
}

bool
emap_reserve(uintptr_t addr, size_t size)
{
    uintptr_t last = (addr + size - 1) >> EMAP_LG_LEAF;
    if (last >= EMAP_ROOT_SLOTS) {
        return false;
    }
    for (uintptr_t slot = addr >> EMAP_LG_LEAF; slot <= last; slot++) {
        if (atomic_load_acq(&emap_root[slot]) == 0 && !emap_leaf_make(slot)) {
            return false;
        }
    }
    return true;
}

/* Count the page of the leaf that holds `entry` as metadata once. */
static inline void
emap_touch(emap_leaf_t *leaf, const void *entry)
{
    emap_block_t *b =
        (emap_block_t *)((char *)leaf - offsetof(emap_block_t, leaf));
    size_t page = ((uintptr_t)entry - (uintptr_t)leaf) >> OS_LG_PAGE;
    uint64_t bit = UINT64_C(1) << (page & 63);
    if (unlikely((atomic_load_rlx(&b->touched[page >> 6]) & bit) == 0) &&
        (__atomic_fetch_or(&b->touched[page >> 6], bit, __ATOMIC_RELAXED) &
         bit) == 0) {
        meta_note_touched(OS_PAGE);
    }
}

static void
emap_put(uintptr_t addr, extent_t *e)
{
    emap_leaf_t *leaf = emap_leaf(addr);
    je_assert(leaf != &emap_none);
    extent_t **entry = &leaf->ext[emap_slot(addr)];
    emap_touch(leaf, entry);
    atomic_store_rel(entry, e);
}

void
emap_set_class(uintptr_t addr, unsigned cls)
{
    emap_leaf_t *leaf = emap_leaf(addr);
    je_assert(leaf != &emap_none);
    uint8_t *entry = &leaf->cls[emap_slot(addr)];
    emap_touch(leaf, entry);
    atomic_store_rel(entry, (uint8_t)cls);
}

void
emap_set_ends(extent_t *e)
{
    emap_put(e->addr, e);
    emap_put(extent_last_page(e), e);
}

void
emap_clear_ends(uintptr_t addr, size_t size)
{
    emap_put(addr, NULL);
    emap_put(addr + size - OS_PAGE, NULL);
}

void
emap_set_slab(extent_t *e)
{
    for (uintptr_t p = e->addr; p < extent_end(e); p += OS_PAGE) {
        emap_put(p, e);
        emap_set_class(p, e->szind + 1u);
    }
}

void
emap_unset_slab(extent_t *e)
{
    for (uintptr_t p = e->addr; p < extent_end(e); p += OS_PAGE) {
        emap_set_class(p, 0);
        if (p != e->addr && p != extent_last_page(e)) {
            emap_put(p, NULL);
        }
    }
}

extent_t *
emap_find_containing(uintptr_t addr)
{
    if (addr >> EMAP_LG_ADDRESS != 0) {
        return NULL;
    }
    uintptr_t page = bits_align_down(addr, OS_PAGE);
    uintptr_t floor = bits_align_down(addr, (size_t)1 << EMAP_LG_LEAF);
    for (;; page -= OS_PAGE) {
        extent_t *e = emap_extent(page);
        if (e != NULL) {
            return addr >= e->addr && addr < extent_end(e) ? e : NULL;
        }
        if (page == floor) {
            return NULL;
        }
    }
}
