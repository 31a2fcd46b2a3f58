/*
 * Pages from the program break: see pac.h and os/brk.h.
 *
 * Extents from there are like others, but that they are not unmapped: what was
 * purged of them is retained, whatever the option `retain` says. They never
 * merge with what mmap gave.
 */
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/pac.h"
#include "alloc/pac_internal.h"
#include "base/bits.h"
#include "os/brk.h"
#include "os/pages.h"

unsigned pac_default_dss;

const char *const pac_dss_names[] = {
    [CONF_DSS_DISABLED] = "disabled",
    [CONF_DSS_PRIMARY] = "primary",
    [CONF_DSS_SECONDARY] = "secondary",
};

/* Regions need not double as those of mmap do: they follow upon each other and
 * become one extent. */
extent_t *
pac_break_grow_locked(pac_t *pac, size_t size)
{
    /* without overcommit all of it is charged at once */
    size_t want = os_pages_overcommits() ? bits_align_up(size, OS_HUGE) : size;
    void *p = os_brk_map(want, OS_PAGE);
    if (p == NULL && want > size) {
        want = size;
        p = os_brk_map(want, OS_PAGE);
    }
    if (p == NULL) {
        return NULL;
    }
    if (conf.thp != CONF_THP_DEFAULT) {
        os_pages_huge(p, want, conf.thp == CONF_THP_ALWAYS);
    }
    extent_t *e = pac_describe_locked(pac, (uintptr_t)p, want, true, true);
    pac->abandoned_vm += e == NULL ? want : 0;
    return e;
}

bool
pac_break_is_alike(uintptr_t a, uintptr_t b)
{
    return os_brk_contains(a) == os_brk_contains(b);
}

bool
pac_break_hand_over(pac_t *pac, extent_t *e, pac_t *heir)
{
    pac_run_t run = {e->addr, e->size};
    bool is_committed = e->is_committed, is_zeroed = e->is_zeroed;
    bool can = heir != NULL && heir != pac && !pac_is_hooked(heir);
    if (!pac_lock(pac)) {
        return false;
    }
    if (!can) {
        (void)pac_insert_locked(pac, &pac->retained, e);
        os_mutex_unlock(&pac->mtx);
        return false;
    }
    emap_clear_ends(e->addr, e->size);
    pac_descriptor_put_locked(pac, e);
    os_mutex_unlock(&pac->mtx);
    if (pac_adopt(heir, &heir->retained, &run, is_committed, is_zeroed)) {
        return true;
    }
    /* the descriptor that was just put back serves again */
    if (!pac_adopt(pac, &pac->retained, &run, is_committed, is_zeroed)) {
        (void)atomic_add_rlx(&pac->abandoned_vm, run.size);
    }
    return false;
}
