/*
 * Moving pages instead of what is in them: see pac.h.
 */
#include "alloc/pac.h"

#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/pac_internal.h"
#include "base/assert.h"

extent_t *
pac_move(pac_t *pac, extent_t *from, size_t size, bool *zeroed)
{
    je_assert(from->state == EXTENT_ACTIVE && !from->is_slab);
    je_assert(size >= from->size);
    extent_t *to =
        pac_is_hooked(pac) ? NULL : pac_alloc(pac, size, OS_PAGE, zeroed);
    if (to == NULL) {
        return NULL;
    }
    os_move_t done =
        os_pages_move((void *)from->addr, (void *)to->addr, from->size);
    to->is_committed = done != OS_MOVE_LOST;
    if (done != OS_MOVED) {
        pac_dalloc(pac, to);
        return NULL;
    }
    from->is_zeroed = true;
    return to;
}
