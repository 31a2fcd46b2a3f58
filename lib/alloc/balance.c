/*
 * Sharing unused pages among arenas: see balance.h.
 */
#include "alloc/balance.h"

#include "alloc/prof_heap.h"

/* Bytes that change hands at once, so that the arenas' address space does not
 * become a patchwork of slabs. */
#define BALANCE_RUN ((size_t)1 << 20)

/* Arenas that one search looks at; it goes on from there the next time. */
enum { BALANCE_LOOK_AT = 16 };

/* What may stay dirty while fresh pages are taken: this share of the active
 * pages and so many besides. Chosen by measurement: less costs page faults when
 * threads exchange large objects, more costs memory. */
enum { BALANCE_LG_DIRTY_SHARE = 1, BALANCE_DIRTY_FREE_PAGES = 4096 };

typedef struct survey {
    size_t active; /* pages */
    size_t dirty;
    arena_t *dirtiest;
    size_t most; /* dirty pages of that one */
} survey_t;

/* The dirtiest is one that seems to have a run of `npages`. */
static void
balance_survey(survey_t *s, const arena_t *without, size_t npages)
{
    static unsigned cursor;
    unsigned n = arena_count();
    unsigned look_at = n < BALANCE_LOOK_AT ? n : BALANCE_LOOK_AT;
    unsigned at = n > look_at ? atomic_add_rlx(&cursor, look_at) : 0;
    *s = (survey_t){.active = 0};
    for (unsigned i = 0; i < look_at; i++) {
        arena_t *arena = arena_get((at + i) % n);
        if (arena == NULL || arena->is_quarantined ||
            pac_is_hooked(&arena->pac)) {
            continue;
        }
        size_t dirty = atomic_load_rlx(&arena->pac.dirty.npages);
        s->active += atomic_load_rlx(&arena->pac.nactive);
        s->dirty += dirty;
        if (dirty > s->most && arena != without &&
            ecache_may_fit(&arena->pac.dirty, npages)) {
            s->most = dirty;
            s->dirtiest = arena;
        }
    }
}

/* Let another arena part with dirty pages. */
static bool
balance_take_over(arena_t *arena, size_t size)
{
    survey_t s;
    balance_survey(&s, arena, size >> OS_LG_PAGE);
    size_t want = size > BALANCE_RUN ? size : BALANCE_RUN;
    pac_run_t run;
    if (s.dirtiest == NULL || !pac_part(&s.dirtiest->pac, size, want, &run)) {
        return false;
    }
    pac_adopt_dirty(&arena->pac, &run);
    return true;
}

/* Fresh pages were taken although dirty ones lie about: pieces that do not fit,
 * which would pile up beside the live ones. Beyond an allowance two old pages
 * are purged for every fresh one. */
static void
balance_pay_for_growth(size_t npages)
{
    survey_t s;
    balance_survey(&s, NULL, 1);
    size_t allowed =
        (s.active >> BALANCE_LG_DIRTY_SHARE) + BALANCE_DIRTY_FREE_PAGES;
    if (s.dirtiest != NULL && s.dirty > allowed) {
        pac_purge_oldest(&s.dirtiest->pac,
                         JE_MIN(s.dirty - allowed, 2 * npages));
    }
}

extent_t *
balance_pages(arena_t *arena, size_t size, size_t align, bool *zeroed)
{
    extent_t *e = pac_alloc_used(&arena->pac, size, align, zeroed);
    bool is_hooked = pac_is_hooked(&arena->pac);
    if (e == NULL && align == OS_PAGE && !is_hooked &&
        balance_take_over(arena, size)) {
        e = pac_alloc_used(&arena->pac, size, align, zeroed);
    }
    if (e == NULL) {
        e = pac_alloc(&arena->pac, size, align, zeroed);
        if (e != NULL && !is_hooked) {
            balance_pay_for_growth(size >> OS_LG_PAGE);
        }
    }
    if (unlikely(prof_heap_gdump())) {
        prof_heap_grown();
    }
    return e;
}
