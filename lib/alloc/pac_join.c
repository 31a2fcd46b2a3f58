/*
 * Dirty runs that are too short, joined with retained pages beside them.
 *
 * What no dirty run can hold gets fresh pages, and each of these is a page
 * fault and adds to the RSS. Where a dirty run lies beside retained pages, only
 * what it lacks must be fresh:
 *
 *   fresh pages == pages asked for - pages of the dirty run
 *
 * and address space that was cut into pieces becomes whole again. This is tried
 * before fresh pages alone are taken, which is rare and slow anyway, so a few
 * runs are looked at: the lowest of the largest sizes.
 */
#include "alloc/pac.h"

#include "alloc/emap.h"
#include "alloc/pac_internal.h"
#include "base/assert.h"

/* Sizes of dirty runs that one search looks at. */
enum { JOIN_LOOK_AT = 8 };

/* The retained extent on this page, which is beside `e`, if they can be one. */
static extent_t *
join_neighbour(pac_t *pac, const extent_t *e, uintptr_t page)
{
    extent_t *n = pac_mergeable_locked(pac, &pac->retained, e, page);
    return n != NULL && pac_break_is_alike(n->addr, e->addr) ? n : NULL;
}

static extent_t *
join_above(pac_t *pac, const extent_t *e)
{
    return join_neighbour(pac, e, extent_end(e));
}

static extent_t *
join_below(pac_t *pac, const extent_t *e)
{
    return join_neighbour(pac, e, e->addr - OS_PAGE);
}

static bool
join_suffices(pac_t *pac, const extent_t *e, size_t size)
{
    const extent_t *above = join_above(pac, e);
    const extent_t *below = join_below(pac, e);
    size_t room = e->size + (above != NULL ? above->size : 0) +
                  (below != NULL ? below->size : 0);
    return room >= size;
}

/* The dirty run to use: the largest that suffices. */
static extent_t *
join_find(pac_t *pac, size_t size)
{
    unsigned end = sz_pind_floor(size >> OS_LG_PAGE) + 1;
    for (unsigned i = 0; i < JOIN_LOOK_AT; i++) {
        extent_t *e = ecache_below(&pac->dirty, &end);
        if (e == NULL || join_suffices(pac, e, size)) {
            return e;
        }
    }
    return NULL;
}

/* Take [addr, addr + size) out of a retained extent. errors: NULL, it is as
 * before. */
static extent_t *
join_cut(pac_t *pac, extent_t *n, uintptr_t addr, size_t size)
{
    ecache_remove(&pac->retained, n);
    n->state = EXTENT_MOVING;
    return pac_trim_locked(pac, &pac->retained, n, addr, size);
}

/* Make `e`, which is in no ecache, up to `size` bytes large. */
static extent_t *
join_grow(pac_t *pac, extent_t *e, size_t size)
{
    extent_t *n = e->size < size ? join_above(pac, e) : NULL;
    if (n != NULL) {
        n = join_cut(pac, n, n->addr, JE_MIN(n->size, size - e->size));
    }
    if (n != NULL) {
        pac_merge_locked(pac, e, n);
    }
    n = e->size < size ? join_below(pac, e) : NULL;
    if (n != NULL) {
        size_t more = JE_MIN(n->size, size - e->size);
        n = join_cut(pac, n, extent_end(n) - more, more);
    }
    if (n != NULL) {
        pac_merge_locked(pac, n, e);
        e = n;
    }
    return e;
}

extent_t *
pac_join_locked(pac_t *pac, size_t size)
{
    if (pac->hooks != NULL || unlikely(pac->is_torn)) {
        return NULL; /* a hook may refuse to merge */
    }
    extent_t *e = join_find(pac, size);
    if (e == NULL) {
        return NULL;
    }
    ecache_remove(&pac->dirty, e);
    e->state = EXTENT_MOVING;
    e = join_grow(pac, e, size);
    if (e->size < size) { /* no descriptor for a cut */
        (void)pac_insert_locked(pac, &pac->dirty, e);
        return NULL;
    }
    e = pac_trim_locked(pac, &pac->dirty, e, e->addr, size);
    return e != NULL ? pac_use_locked(pac, &pac->dirty, e) : NULL;
}
