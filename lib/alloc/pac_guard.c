/*
 * Extents between inaccessible pages: see pac.h.
 *
 * A guard is an extent of one page in the state EXTENT_GUARD that is in no
 * ecache, so that nothing merges with it or grows into it. It belongs to the
 * one extent that `link.next` of the descriptor refers to, until that extent is
 * given back: then both guards become a part of it again. They are counted
 * neither as active nor as unused.
 */
#include "alloc/pac.h"

#include "alloc/emap.h"
#include "alloc/pac_internal.h"
#include "base/assert.h"

bool pac_has_guards;

static void
guard_set_owner(extent_t *guard, extent_t *owner)
{
    guard->state = EXTENT_GUARD;
    guard->is_committed = false;
    guard->is_zeroed = true;
    guard->link.next = owner != NULL ? &owner->link : NULL;
}

/* The guard on this page if it is e's, else NULL. */
static extent_t *
guard_at(const pac_t *pac, const extent_t *e, uintptr_t page)
{
    extent_t *g = emap_extent(page);
    bool is_guard = g != NULL && g->arena_ind == pac->arena_ind &&
                    g->state == EXTENT_GUARD && g->link.next == &e->link;
    return is_guard ? g : NULL;
}

/* Cut the first and the last page off e, which is active. Returns the part
 * between them, or NULL: then e is as it was. */
static extent_t *
guard_place_locked(pac_t *pac, extent_t *e)
{
    extent_t *front = e;
    extent_t *middle = pac_split_locked(pac, front, OS_PAGE);
    if (middle == NULL) {
        return NULL;
    }
    extent_t *back = pac_split_locked(pac, middle, middle->size - OS_PAGE);
    if (back == NULL) {
        pac_merge_locked(pac, front, middle);
        return NULL;
    }
    /* what fails here leaves a page that is accessible and guards nothing */
    (void)os_pages_decommit((void *)front->addr, OS_PAGE);
    (void)os_pages_decommit((void *)back->addr, OS_PAGE);
    guard_set_owner(front, middle);
    guard_set_owner(back, middle);
    atomic_bump_rlx(&pac->nactive, -(size_t)2);
    return middle;
}

extent_t *
pac_alloc_guarded(pac_t *pac, size_t size, bool *zeroed)
{
    if (size > SZ_LARGE_MAX - 2 * OS_PAGE || pac_is_hooked(pac)) {
        return NULL; /* a program's pages are not ours to close */
    }
    atomic_store_rlx(&pac_has_guards, true);
    extent_t *e = pac_alloc(pac, size + 2 * OS_PAGE, OS_PAGE, zeroed);
    if (e == NULL) {
        return NULL;
    }
    extent_t *middle = NULL;
    if (pac_lock(pac)) {
        middle = guard_place_locked(pac, e);
        if (middle != NULL) {
            list_init(&middle->link);
        }
        os_mutex_unlock(&pac->mtx);
    }
    if (middle == NULL) {
        pac_dalloc(pac, e);
    }
    return middle;
}

bool
pac_is_guarded_locked(const pac_t *pac, const extent_t *e)
{
    return guard_at(pac, e, e->addr - OS_PAGE) != NULL ||
           guard_at(pac, e, extent_end(e)) != NULL;
}

/* Make a guard accessible again. errors: false, it stays for ever. */
static bool
guard_open(extent_t *guard)
{
    if (!os_pages_commit((void *)guard->addr, OS_PAGE)) {
        guard_set_owner(guard, NULL);
        return false;
    }
    guard->is_committed = true;
    return true;
}

extent_t *
pac_drop_guards_locked(pac_t *pac, extent_t *e)
{
    extent_t *front = guard_at(pac, e, e->addr - OS_PAGE);
    extent_t *back = guard_at(pac, e, extent_end(e));
    if (back != NULL && guard_open(back)) {
        pac_merge_locked(pac, e, back);
    }
    if (front != NULL && guard_open(front)) {
        front->state = e->state;
        pac_merge_locked(pac, front, e);
        e = front;
    }
    return e;
}
