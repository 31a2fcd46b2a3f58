/*
 * Page map writes: see emap.h.
 */
#include "alloc/emap.h"

#include "alloc/meta.h"
#include "base/assert.h"
#include "base/bits.h"
#include "os/mutex.h"

emap_t emap;

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

os_mutex_t *
emap_mutex(void)
{
    return &emap_mtx;
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
    bool ok = emap.root[slot] != 0;
    if (!ok) {
        emap_block_t *b = meta_map(sizeof(emap_block_t));
        if (b != NULL) {
            meta_note_touched(OS_PAGE);
            atomic_store_rel(&emap.root[slot],
                             (uintptr_t)&b->leaf - (uintptr_t)&emap.none);
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
        if (atomic_load_acq(&emap.root[slot]) == 0 && !emap_leaf_make(slot)) {
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
    je_assert(leaf != &emap.none);
    extent_t **entry = &leaf->ext[emap_slot(addr)];
    if (e != NULL) {
        emap_touch(leaf, entry);
    } else if (*entry == NULL) {
        return;
    }
    atomic_store_rel(entry, e);
}

void
emap_set_class(uintptr_t addr, unsigned cls)
{
    emap_leaf_t *leaf = emap_leaf(addr);
    je_assert(leaf != &emap.none);
    uint8_t *entry = &leaf->cls[emap_slot(addr)];
    if (cls != 0) {
        emap_touch(leaf, entry);
    } else if (*entry == 0) {
        return;
    }
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
emap_join(extent_t *a, const extent_t *b)
{
    if (a->size > OS_PAGE) {
        emap_put(extent_last_page(a), NULL);
    }
    if (b->size > OS_PAGE) {
        emap_put(b->addr, NULL);
    }
    emap_put(extent_last_page(b), a);
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

/* The extent that starts at addr, if e is it, is shown to fn. Its descriptor
 * may be in the middle of a change; it stays readable, and an absurd one is
 * left out. */
static void
emap_visit(const extent_t *e, uintptr_t addr, emap_visit_t *fn, void *arg)
{
    size_t size = atomic_load_rlx(&e->size);
    uint8_t state = atomic_load_rlx(&e->state);
    if (atomic_load_rlx(&e->addr) == addr && size != 0 &&
        (size & OS_PAGE_MASK) == 0 && size >> EMAP_LG_ADDRESS == 0 &&
        state < EXTENT_UNUSED) {
        fn(arg, addr, size, (extent_state_t)state);
    }
}

/* One page of a leaf's pointers at a time; those that were never written are
 * not read either, which would map them. */
static void
emap_foreach_in_leaf(uintptr_t base, const emap_leaf_t *leaf, emap_visit_t *fn,
                     void *arg)
{
    enum { WINDOW = OS_PAGE / sizeof(extent_t *) };

    const emap_block_t *b =
        (const emap_block_t *)((const char *)leaf -
                               offsetof(emap_block_t, leaf));
    for (size_t first = 0; first < EMAP_LEAF_PAGES; first += WINDOW) {
        size_t page =
            (offsetof(emap_leaf_t, ext) >> OS_LG_PAGE) + first / WINDOW;
        if (((atomic_load_rlx(&b->touched[page >> 6]) >> (page & 63)) & 1) ==
            0) {
            continue;
        }
        for (size_t i = first; i < first + WINDOW; i++) {
            const extent_t *e = atomic_load_acq(&leaf->ext[i]);
            if (e != NULL) {
                emap_visit(e, base + (i << OS_LG_PAGE), fn, arg);
            }
        }
    }
}

void
emap_foreach(emap_visit_t *fn, void *arg)
{
    for (uintptr_t slot = 0; slot < EMAP_ROOT_SLOTS; slot++) {
        uintptr_t base = slot << EMAP_LG_LEAF;
        if (unlikely(atomic_load_acq(&emap.root[slot]) != 0)) {
            emap_foreach_in_leaf(base, emap_leaf(base), fn, arg);
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
