/*
 * Extents in and out of an arena's page layer: see pac.h.
 *
 * Purging lives in pac_decay.c.
 */
#include "alloc/pac.h"

#include "alloc/bin.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/label.h"
#include "alloc/meta.h"
#include "alloc/pac_internal.h"
#include "base/assert.h"
#include "base/bits.h"
#include "jealloc.h"
#include "os/pages.h"

int64_t pac_default_dirty_ms;
int64_t pac_default_muzzy_ms;
size_t pac_default_oversize = PAC_OVERSIZE_NONE;

void
pac_init(pac_t *pac, uint16_t arena_ind, uint64_t now_ns)
{
    os_mutex_init(&pac->mtx, OS_RANK_PAGES);
    pac->arena_ind = arena_ind;
    list_init(&pac->spare);
    list_init(&pac->large);
    ecache_init(&pac->dirty, EXTENT_DIRTY);
    ecache_init(&pac->muzzy, EXTENT_MUZZY);
    ecache_init(&pac->retained, EXTENT_RETAINED);
    pac_reuse(pac, now_ns);
}

void
pac_reuse(pac_t *pac, uint64_t now_ns)
{
    je_assert(pac->nactive == 0 && pac->dirty.npages == 0 &&
              pac->muzzy.npages == 0 && pac->retained.npages == 0);
    pac->grow_size = OS_HUGE;
    pac->retain_grow_limit = SZ_LARGE_MAX;
    pac->oversize_threshold = pac_default_oversize;
    pac->abandoned_vm = 0;
    pac->is_abandoned = false;
    pac->refuses_gaps = false;
    pac->hooks = NULL;
    pac->dss = (uint8_t)atomic_load_rlx(&pac_default_dss);
    decay_init(&pac->decay_dirty, pac_default_dirty_ms, now_ns);
    decay_init(&pac->decay_muzzy, pac_default_muzzy_ms, now_ns);
}

/* Asks without the locks. */
bool
pac_is_alike(const pac_t *a, const pac_t *b)
{
    return !pac_is_hooked(a) && !pac_is_hooked(b) &&
           atomic_load_rlx(&a->decay_dirty.time_ms) ==
               atomic_load_rlx(&b->decay_dirty.time_ms) &&
           atomic_load_rlx(&a->decay_muzzy.time_ms) ==
               atomic_load_rlx(&b->decay_muzzy.time_ms) &&
           atomic_load_rlx(&a->dss) == atomic_load_rlx(&b->dss) &&
           atomic_load_rlx(&a->oversize_threshold) ==
               atomic_load_rlx(&b->oversize_threshold);
}

/* ---- descriptors ------------------------------------------------------- */

static extent_t *
pac_descriptor_get_locked(pac_t *pac)
{
    list_t *l = pac->is_torn ? NULL : list_first(&pac->spare);
    if (l != NULL) {
        list_remove(l);
        pac->nspare--;
        return list_entry(l, extent_t, link);
    }
    extent_t *e = meta_alloc(sizeof(*e));
    if (e != NULL) {
        e->arena_ind = pac->arena_ind;
        e->state = EXTENT_UNUSED;
    }
    return e;
}

void
pac_descriptor_put_locked(pac_t *pac, extent_t *e)
{
    e->state = EXTENT_UNUSED;
    if (likely(!pac->is_torn)) {
        list_push_front(&pac->spare, &e->link);
        pac->nspare++;
    }
}

/* ---- split and merge --------------------------------------------------- */

extent_t *
pac_split_locked(pac_t *pac, extent_t *e, size_t size)
{
    je_assert(size > 0 && size < e->size && (size & OS_PAGE_MASK) == 0);
    extent_t *tail = pac_descriptor_get_locked(pac);
    if (tail == NULL) {
        return NULL;
    }
    if (!pac_sys_split_locked(pac, e, size)) {
        pac_descriptor_put_locked(pac, tail);
        return NULL;
    }
    tail->addr = e->addr + size;
    tail->size = e->size - size;
    tail->state = e->state;
    tail->szind = EXTENT_NO_CLASS;
    tail->is_slab = false;
    tail->is_committed = e->is_committed;
    tail->is_zeroed = e->is_zeroed;
    tail->is_cached = false;
    tail->is_sampled = false;
    e->size = size;
    emap_set_ends(e);
    emap_set_ends(tail);
    return tail;
}

void
pac_merge_locked(pac_t *pac, extent_t *a, extent_t *b)
{
    je_assert(extent_end(a) == b->addr);
    emap_join(a, b);
    a->size += b->size;
    a->is_zeroed = a->is_zeroed && b->is_zeroed;
    pac_descriptor_put_locked(pac, b);
}

/* Another arena's descriptor is recognised by its constant arena_ind, read
 * unlocked. */
extent_t *
pac_mergeable_locked(pac_t *pac, const ecache_t *c, const extent_t *e,
                     uintptr_t page)
{
    extent_t *n = emap_extent(page);
    if (n == NULL || n->arena_ind != pac->arena_ind || n->state != c->state ||
        n->is_committed != e->is_committed || unlikely(pac->is_torn)) {
        return NULL;
    }
    return n;
}

/* Join two neighbours, one of them a member of `c`, unless a hook refuses. */
static bool
pac_try_merge_locked(pac_t *pac, ecache_t *c, extent_t *member, extent_t *a,
                     extent_t *b)
{
    ecache_remove(c, member);
    member->state = EXTENT_MOVING;
    if (!pac_sys_merge_locked(pac, a, b)) {
        if (likely(!pac->is_torn)) {
            ecache_insert(c, member);
        }
        return false;
    }
    pac_merge_locked(pac, a, b);
    return true;
}

extent_t *
pac_insert_locked(pac_t *pac, ecache_t *c, extent_t *e)
{
    extent_t *next = pac_mergeable_locked(pac, c, e, extent_end(e));
    if (next != NULL) {
        (void)pac_try_merge_locked(pac, c, next, e, next);
    }
    extent_t *prev = pac_mergeable_locked(pac, c, e, e->addr - OS_PAGE);
    if (prev != NULL && pac_try_merge_locked(pac, c, prev, prev, e)) {
        e = prev;
    }
    if (likely(!pac->is_torn)) {
        ecache_insert(c, e);
    }
    return e;
}

/* ---- allocation -------------------------------------------------------- */

/* Put back a piece that was cut off before anything else changed. */
static void
pac_return_piece_locked(pac_t *pac, ecache_t *c, extent_t *piece)
{
    piece->state = EXTENT_MOVING;
    (void)pac_insert_locked(pac, c, piece);
}

extent_t *
pac_trim_locked(pac_t *pac, ecache_t *c, extent_t *e, uintptr_t addr,
                size_t size)
{
    if (addr != e->addr) {
        extent_t *rest = pac_split_locked(pac, e, addr - e->addr);
        if (rest == NULL) {
            pac_return_piece_locked(pac, c, e);
            return NULL;
        }
        pac_return_piece_locked(pac, c, e);
        e = rest;
    }
    if (e->size != size) {
        extent_t *tail = pac_split_locked(pac, e, size);
        if (tail == NULL) {
            pac_return_piece_locked(pac, c, e);
            return NULL;
        }
        pac_return_piece_locked(pac, c, tail);
    }
    return e;
}

extent_t *
pac_use_locked(pac_t *pac, ecache_t *c, extent_t *e)
{
    if (!e->is_committed && !pac_sys_commit_locked(pac, e)) {
        pac_return_piece_locked(pac, c, e);
        return NULL;
    }
    e->is_committed = true;
    e->state = EXTENT_ACTIVE;
    e->szind = EXTENT_NO_CLASS;
    atomic_bump_rlx(&pac->nactive, extent_pages(e));
    return e;
}

/* Make `e`, a member of `c` that is large enough, an active extent. */
static extent_t *
pac_activate_locked(pac_t *pac, ecache_t *c, extent_t *e, size_t size,
                    size_t align)
{
    ecache_remove(c, e);
    e->state = EXTENT_MOVING;
    e = pac_trim_locked(pac, c, e, bits_align_up(e->addr, align), size);
    if (e == NULL) {
        return NULL;
    }
    return pac_use_locked(pac, c, e);
}

/* The member of `c` that such an extent is best made of, or NULL. */
static extent_t *
pac_best_locked(const pac_t *pac, ecache_t *c, size_t size, size_t align)
{
    size_t span = size + (align - OS_PAGE);
    unsigned lg_max_fit =
        c == &pac->retained ? 64 : (unsigned)conf.lg_extent_max_active_fit;
    return ecache_best_fit(c, span >> OS_LG_PAGE, lg_max_fit);
}

static extent_t *
pac_alloc_from_locked(pac_t *pac, ecache_t *c, size_t size, size_t align)
{
    if (unlikely(pac->is_torn)) {
        return NULL;
    }
    extent_t *e = pac_best_locked(pac, c, size, align);
    return e != NULL ? pac_activate_locked(pac, c, e, size, align) : NULL;
}

bool
pac_settle_locked(pac_t *pac, bool only_idle)
{
    bool any = false;
    extent_t *e;
    while (likely(!pac->is_torn) &&
           (e = ecache_settle(&pac->dirty, only_idle)) != NULL) {
        e->state = EXTENT_MOVING;
        (void)pac_insert_locked(pac, &pac->dirty, e);
        any = true;
    }
    return any;
}

bool
pac_has_dirty_locked(pac_t *pac, size_t size)
{
    return pac_best_locked(pac, &pac->dirty, size, OS_PAGE) != NULL ||
           (pac_settle_locked(pac, false) &&
            pac_best_locked(pac, &pac->dirty, size, OS_PAGE) != NULL);
}

/* A loose one of just this size. */
static extent_t *
pac_alloc_loose_locked(pac_t *pac, size_t size, size_t align)
{
    extent_t *e = unlikely(pac->is_torn)
                      ? NULL
                      : ecache_loose(&pac->dirty, size >> OS_LG_PAGE);
    if (e == NULL || (e->addr & (align - 1)) != 0) {
        return NULL;
    }
    ecache_remove(&pac->dirty, e);
    e->state = EXTENT_MOVING;
    return pac_use_locked(pac, &pac->dirty, e);
}

static extent_t *
pac_alloc_dirty_locked(pac_t *pac, size_t size, size_t align)
{
    extent_t *e = pac_alloc_loose_locked(pac, size, align);
    if (e == NULL) {
        e = pac_alloc_from_locked(pac, &pac->dirty, size, align);
    }
    if (e == NULL && pac_settle_locked(pac, false)) {
        e = pac_alloc_from_locked(pac, &pac->dirty, size, align);
    }
    return e;
}

extent_t *
pac_describe_locked(pac_t *pac, uintptr_t addr, size_t size, bool committed,
                    bool zeroed)
{
    if (!emap_reserve(addr, size)) {
        return NULL;
    }
    extent_t *e = pac_descriptor_get_locked(pac);
    if (e == NULL) {
        return NULL;
    }
    e->addr = addr;
    e->size = size;
    e->state = EXTENT_MOVING;
    e->szind = EXTENT_NO_CLASS;
    e->is_slab = false;
    e->is_cached = false;
    e->is_sampled = false;
    e->is_committed = committed;
    e->is_zeroed = zeroed;
    emap_set_ends(e);
    return e;
}

/* Map a region of its own, in no ecache. errors: NULL. */
static extent_t *
pac_map_locked(pac_t *pac, size_t size, size_t align)
{
    bool zeroed, committed;
    void *p = pac_sys_map_locked(pac, size, align, &zeroed, &committed);
    if (p == NULL) {
        return NULL;
    }
    extent_t *e =
        pac_describe_locked(pac, (uintptr_t)p, size, committed, zeroed);
    if (e == NULL) {
        os_mutex_unlock(&pac->mtx);
        bool ok = pac_sys_unmap(pac, (uintptr_t)p, size, committed);
        os_mutex_lock(&pac->mtx);
        pac->abandoned_vm += ok ? 0 : size;
    }
    return e;
}

/* Map a region of at least `size` bytes (plus what `align` needs) and return
 * the retained extent that it is in: a search by class need not find it. With
 * `retain` regions double, so that their number stays logarithmic; when that
 * much address space is not to be had, just what is needed is tried. */
static extent_t *
pac_grow_locked(pac_t *pac, size_t size, size_t align)
{
    /* enough that an aligned run is found wherever the region merges to */
    size_t span = size + (align - OS_PAGE);
    size_t least = bits_align_up(span, OS_HUGE);
    size_t want = least > pac->grow_size ? least : pac->grow_size;
    if (!conf.retain) {
        want = span;
    }
    bool whole = conf.retain && pac->hooks == NULL;
    unsigned dss = pac->hooks == NULL ? pac->dss : CONF_DSS_DISABLED;
    extent_t *e = NULL;
    if (unlikely(dss == CONF_DSS_PRIMARY) &&
        (e = pac_break_grow_locked(pac, span)) != NULL) {
        return pac_insert_locked(pac, &pac->retained, e);
    }
    e = pac_map_locked(pac, want, whole ? OS_HUGE : OS_PAGE);
    if (e == NULL && want > span) {
        /* what is left of the address space may do for the page map as well */
        want = span;
        e = pac_map_locked(pac, want, OS_PAGE);
    }
    if (unlikely(e == NULL && dss == CONF_DSS_SECONDARY)) {
        want = 0;
        e = pac_break_grow_locked(pac, span);
    }
    if (e == NULL || unlikely(pac->is_torn)) {
        return NULL;
    }
    if (want == pac->grow_size && want < PAC_GROW_MAX &&
        want * 2 <= pac->retain_grow_limit) {
        pac->grow_size = want * 2;
    }
    return pac_insert_locked(pac, &pac->retained, e);
}

/* From the hooks of the arena, if their split may refuse. Cutting up a region
 * is tried once; then each extent is mapped as it is asked for. */
static extent_t *
pac_grow_hooked_locked(pac_t *pac, size_t size, size_t align)
{
    extent_t *e = NULL;
    if (unlikely(pac->is_torn)) {
        return NULL;
    }
    size_t span = size + (align - OS_PAGE);
    bool has_region =
        ecache_best_fit(&pac->retained, span >> OS_LG_PAGE, 64) != NULL;
    if (pac->hooks != NULL && pac_hooks(pac)->split != NULL && !has_region &&
        (e = pac_grow_locked(pac, size, align)) != NULL) {
        e = pac_activate_locked(pac, &pac->retained, e, size, align);
    }
    if (e == NULL && (e = pac_map_locked(pac, size, align)) != NULL) {
        e = pac_use_locked(pac, &pac->retained, e);
    }
    return e;
}

/* Fresh address space. errors: NULL. */
static extent_t *
pac_alloc_fresh_locked(pac_t *pac, size_t size, size_t align)
{
    if (pac->hooks != NULL) {
        return pac_grow_hooked_locked(pac, size, align);
    }
    extent_t *e = pac_grow_locked(pac, size, align);
    return e != NULL ? pac_activate_locked(pac, &pac->retained, e, size, align)
                     : NULL;
}

extent_t *
pac_alloc_unused_locked(pac_t *pac, size_t size, size_t align)
{
    extent_t *e = pac_alloc_from_locked(pac, &pac->retained, size, align);
    return e != NULL ? e : pac_alloc_fresh_locked(pac, size, align);
}

static extent_t *
pac_alloc_checked(pac_t *pac, size_t size, size_t align, bool may_grow,
                  bool *zeroed)
{
    je_assert(size > 0 && ((size | align) & OS_PAGE_MASK) == 0);
    if (size > SZ_LARGE_MAX || align > SZ_LARGE_MAX - size) {
        return NULL;
    }
    if (!pac_lock(pac)) {
        return NULL;
    }
    extent_t *e = pac_alloc_dirty_locked(pac, size, align);
    if (e == NULL) {
        e = pac_alloc_from_locked(pac, &pac->muzzy, size, align);
    }
    if (e == NULL && may_grow) {
        e = align == OS_PAGE ? pac_join_locked(pac, size) : NULL;
        if (e == NULL) {
            e = pac_alloc_unused_locked(pac, size, align);
        }
    }
    if (e != NULL) {
        *zeroed = e->is_zeroed;
        e->is_zeroed = false;
        list_init(&e->link);
    }
    os_mutex_unlock(&pac->mtx);
    return e;
}

extent_t *
pac_alloc(pac_t *pac, size_t size, size_t align, bool *zeroed)
{
    return pac_alloc_checked(pac, size, align, true, zeroed);
}

extent_t *
pac_alloc_used(pac_t *pac, size_t size, size_t align, bool *zeroed)
{
    return pac_alloc_checked(pac, size, align, false, zeroed);
}

unsigned
pac_alloc_many(pac_t *pac, size_t size, extent_t **out, unsigned n)
{
    size_t npages = size >> OS_LG_PAGE;
    if (npages > ECACHE_LOOSE_PAGES || !pac_lock(pac)) {
        return 0;
    }
    n = ecache_remove_loose(&pac->dirty, npages, out, n);
    for (unsigned i = 0; i < n; i++) {
        extent_t *e = out[i];
        e->state = EXTENT_ACTIVE;
        e->is_zeroed = false;
        list_init(&e->link);
    }
    atomic_bump_rlx(&pac->nactive, n * npages);
    os_mutex_unlock(&pac->mtx);
    return n;
}

/* ---- from arena to arena ----------------------------------------------- */

bool
pac_part(pac_t *pac, size_t least, size_t want, pac_run_t *run)
{
    if (!pac_lock(pac)) {
        return false;
    }
    (void)pac_settle_locked(pac, false);
    extent_t *e = ecache_best_fit(&pac->dirty, want >> OS_LG_PAGE, 64);
    if (e == NULL) {
        e = ecache_best_fit(&pac->dirty, least >> OS_LG_PAGE, 64);
    }
    if (e != NULL) {
        ecache_remove(&pac->dirty, e);
        e->state = EXTENT_MOVING;
        if (e->size > want) {
            e = pac_trim_locked(pac, &pac->dirty, e, e->addr, want);
        }
    }
    if (e != NULL) {
        *run = (pac_run_t){e->addr, e->size};
        emap_clear_ends(e->addr, e->size);
        pac_descriptor_put_locked(pac, e);
    }
    os_mutex_unlock(&pac->mtx);
    return e != NULL;
}

bool
pac_adopt(pac_t *pac, ecache_t *c, const pac_run_t *run, bool committed,
          bool zeroed)
{
    if (!pac_lock(pac)) {
        return false;
    }
    extent_t *e =
        pac_describe_locked(pac, run->addr, run->size, committed, zeroed);
    bool ok = e != NULL && pac_insert_locked(pac, c, e) != NULL;
    os_mutex_unlock(&pac->mtx);
    return ok;
}

void
pac_adopt_dirty(pac_t *pac, const pac_run_t *run)
{
    bool ok = pac_adopt(pac, &pac->dirty, run, true, false);
    if (!ok && !os_pages_unmap((void *)run->addr, run->size)) {
        (void)atomic_add_rlx(&pac->abandoned_vm, run->size);
    }
}

/* ---- deallocation ------------------------------------------------------ */

/* An active extent is one no more. */
static void
pac_retire_locked(pac_t *pac, extent_t *e)
{
    je_assert(e->state == EXTENT_ACTIVE);
    size_t ngaps = 0;
    if (e->is_slab) {
        ngaps = bits_popcount(slab_gaps(&bin_infos[e->szind], e));
        emap_unset_slab(e);
        label_slab_end(e);
        e->is_slab = false;
        e->nfree = 0; /* nor does a large object begin there */
        if (e->sampled != NULL) {
            meta_slots_free((void **)e->sampled, META_LG_SLOTS_MIN);
            e->sampled = NULL;
        }
    } else {
        list_remove(&e->link); /* of the large ones, if it is in there */
    }
    atomic_bump_rlx(&pac->nactive, ngaps - extent_pages(e));
    pac->ngaps -= ngaps;
    e->state = EXTENT_MOVING;
}

/* Most of what is as small is soon wanted again. Hooks are told of each merge,
 * and what is to be purged at once need not wait. */
static inline bool
pac_keeps_loose(const pac_t *pac, const extent_t *e)
{
    return extent_pages(e) <= ECACHE_LOOSE_PAGES &&
           likely(pac->oversize_threshold == PAC_OVERSIZE_NONE &&
                  pac->hooks == NULL && pac->decay_dirty.time_ms != 0 &&
                  !pac->is_torn);
}

/* It is a dirty one now, or is to be purged at once: then it is in `taken`. */
static void
pac_make_dirty_locked(pac_t *pac, extent_t *e, list_t *taken)
{
    if (unlikely(atomic_load_rlx(&pac_has_guards))) {
        e = pac_drop_guards_locked(pac, e);
    }
    if (unlikely(pac->is_abandoned || !e->is_committed)) {
        pac->abandoned_vm += e->size;
        if (e->is_committed) { /* else pac_move() lost it, and cleared them */
            emap_clear_ends(e->addr, e->size);
        }
        pac_descriptor_put_locked(pac, e);
        return;
    }
    if (pac_keeps_loose(pac, e)) {
        ecache_insert_loose(&pac->dirty, &e, 1);
        return;
    }
    if (unlikely(e->is_zeroed) && conf.retain && os_pages_overcommits()) {
        (void)pac_insert_locked(pac, &pac->retained, e);
        return;
    }
    e = pac_insert_locked(pac, &pac->dirty, e);
    if (unlikely(pac_take_oversize_locked(pac, e))) {
        list_push_back(taken, &e->link);
    }
}

/* The lock is released. */
static void
pac_end_dalloc(pac_t *pac, list_t *taken)
{
    bool at_once = pac->decay_dirty.time_ms == 0;
    os_mutex_unlock(&pac->mtx);
    for (list_t *l; unlikely((l = list_first(taken)) != NULL);) {
        list_remove(l);
        pac_purge_taken(pac, list_entry(l, extent_t, link));
    }
    if (at_once) {
        pac_decay(pac, 0);
    }
}

void
pac_dalloc(pac_t *pac, extent_t *e)
{
    list_t taken;
    list_init(&taken);
    if (!pac_lock(pac)) {
        return;
    }
    pac_retire_locked(pac, e);
    pac_make_dirty_locked(pac, e, &taken);
    pac_end_dalloc(pac, &taken);
}

void
pac_dalloc_many(pac_t *pac, extent_t **extents, unsigned n)
{
    list_t taken;
    list_init(&taken);
    if (!pac_lock(pac)) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        pac_retire_locked(pac, extents[i]);
    }
    if (pac_keeps_loose(pac, extents[0]) &&
        likely(!atomic_load_rlx(&pac_has_guards) && !pac->is_abandoned)) {
        ecache_insert_loose(&pac->dirty, extents, n);
        n = 0;
    }
    for (unsigned i = 0; i < n; i++) {
        pac_make_dirty_locked(pac, extents[i], &taken);
    }
    pac_end_dalloc(pac, &taken);
}

void
pac_list_large(pac_t *pac, extent_t *e)
{
    if (pac_lock(pac)) {
        list_push_back(&pac->large, &e->link);
        os_mutex_unlock(&pac->mtx);
    }
}

void
pac_take_large(pac_t *pac, list_t *out)
{
    if (!pac_lock(pac)) {
        return;
    }
    for (list_t *l = pac->large.next; l != &pac->large;) {
        extent_t *e = list_entry(l, extent_t, link);
        l = l->next;
        if (!e->is_cached) {
            list_remove(&e->link);
            list_push_back(out, &e->link);
        }
    }
    os_mutex_unlock(&pac->mtx);
}

/* ---- in place ---------------------------------------------------------- */

bool
pac_expand(pac_t *pac, extent_t *e, size_t new_size, bool *zeroed)
{
    size_t more = new_size - e->size;
    bool done = false;
    if (!pac_lock(pac)) {
        return false;
    }
    extent_t *n = emap_extent(extent_end(e));
    if (n != NULL && n->arena_ind == pac->arena_ind &&
        n->state == EXTENT_DIRTY && (n->is_loose || n->size < more)) {
        (void)pac_settle_locked(pac, false); /* more may lie behind it */
        n = emap_extent(extent_end(e));
    }
    ecache_t *c = NULL;
    if (n != NULL && n->arena_ind == pac->arena_ind && n->size >= more) {
        c = n->state == EXTENT_DIRTY      ? &pac->dirty
            : n->state == EXTENT_MUZZY    ? &pac->muzzy
            : n->state == EXTENT_RETAINED ? &pac->retained
                                          : NULL;
    }
    if (c != NULL) {
        ecache_remove(c, n);
        n->state = EXTENT_MOVING;
        n = pac_trim_locked(pac, c, n, n->addr, more);
        if (n != NULL) {
            n->is_committed = n->is_committed || pac_sys_commit_locked(pac, n);
            if (!n->is_committed || !pac_sys_merge_locked(pac, e, n)) {
                pac_return_piece_locked(pac, c, n);
                n = NULL;
            }
        }
        if (n != NULL) {
            *zeroed = n->is_zeroed;
            pac_merge_locked(pac, e, n);
            e->is_zeroed = false;
            atomic_bump_rlx(&pac->nactive, more >> OS_LG_PAGE);
            done = true;
        }
    }
    os_mutex_unlock(&pac->mtx);
    return done;
}

bool
pac_shrink(pac_t *pac, extent_t *e, size_t new_size)
{
    if (!pac_lock(pac)) {
        return false;
    }
    bool is_fixed = unlikely(atomic_load_rlx(&pac_has_guards)) &&
                    pac_is_guarded_locked(pac, e);
    extent_t *tail = is_fixed ? NULL : pac_split_locked(pac, e, new_size);
    if (tail != NULL) {
        atomic_bump_rlx(&pac->nactive, -extent_pages(tail));
        tail->is_zeroed = false;
        pac_return_piece_locked(pac, &pac->dirty, tail);
    }
    bool at_once = pac->decay_dirty.time_ms == 0;
    os_mutex_unlock(&pac->mtx);
    if (tail != NULL && at_once) {
        pac_decay(pac, 0);
    }
    return tail != NULL;
}

bool
pac_is_valid(pac_t *pac)
{
    os_mutex_lock(&pac->mtx);
    bool ok = ecache_is_valid(&pac->dirty) && ecache_is_valid(&pac->muzzy) &&
              ecache_is_valid(&pac->retained);
    ecache_t *caches[] = {&pac->dirty, &pac->muzzy, &pac->retained};
    for (unsigned i = 0; i < JE_ARRAY_LEN(caches); i++) {
        list_t *head = &caches[i]->oldest_first;
        for (list_t *l = head->next; l != head; l = l->next) {
            extent_t *e = list_entry(l, extent_t, link);
            ok = ok && emap_extent(e->addr) == e &&
                 emap_extent(extent_last_page(e)) == e &&
                 emap_class((void *)e->addr) == 0 &&
                 pac_break_is_alike(e->addr, extent_last_page(e));
            je_assert(ok);
        }
    }
    os_mutex_unlock(&pac->mtx);
    return ok;
}
