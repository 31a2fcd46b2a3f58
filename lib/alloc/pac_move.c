/*
 * Moving pages instead of what is in them: see pac.h.
 *
 * The new place is one that has no pages yet, for a move drops those that are
 * there. If there are dirty pages for the whole object, it is better copied
 * there: faulting as many in again takes longer than writing them.
 */
#include "alloc/pac.h"

#include "alloc/emap.h"
#include "alloc/pac_internal.h"
#include "base/assert.h"

/* errors: NULL, also if it is to be copied. */
static extent_t *
move_begin(pac_t *pac, size_t size, bool *zeroed)
{
    extent_t *to = NULL;
    if (pac_is_hooked(pac) || !os_pages_may_move() || !pac_lock(pac)) {
        return NULL;
    }
    if (!pac_has_dirty_locked(pac, size)) {
        to = pac_alloc_unused_locked(pac, size, OS_PAGE);
    }
    if (to != NULL) {
        *zeroed = to->is_zeroed;
        to->is_zeroed = false;
        list_init(&to->link);
        /* another arena may be given the addresses if they get lost */
        emap_clear_ends(to->addr, to->size);
    }
    os_mutex_unlock(&pac->mtx);
    return to;
}

extent_t *
pac_move(pac_t *pac, extent_t *from, size_t size, bool *zeroed)
{
    je_assert(from->state == EXTENT_ACTIVE && !from->is_slab);
    je_assert(size >= from->size);
    extent_t *to = move_begin(pac, size, zeroed);
    if (to == NULL) {
        return NULL;
    }
    void *place = (void *)to->addr;
    *zeroed = *zeroed || os_pages_purge_forced(place, to->size);
    os_move_t done = *zeroed
                         ? os_pages_move((void *)from->addr, place, from->size)
                         : OS_MOVE_REFUSED;
    to->is_committed = done != OS_MOVE_LOST;
    if (to->is_committed) {
        emap_set_ends(to);
    }
    if (done != OS_MOVED) {
        pac_dalloc(pac, to);
        return NULL;
    }
    from->is_zeroed = true;
    return to;
}
