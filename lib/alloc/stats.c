/*
 * Taking a snapshot of the counters: see stats.h. Printing it is in
 * stats_print.c.
 */
#include "alloc/stats.h"

#include <string.h>

#include "alloc/arena.h"
#include "alloc/ctl.h"
#include "alloc/emap.h"
#include "alloc/meta.h"
#include "alloc/percpu.h"
#include "alloc/prof_recent.h"
#include "alloc/prof_table.h"
#include "alloc/tcache.h"
#include "alloc/tcaches.h"
#include "base/assert.h"
#include "base/bits.h"
#include "os/clock.h"

/* One for mallctl, the rest for those who print at the same time. */
enum { STATS_NSLOTS = 6 };

#define STATS_STRIDE ((sizeof(stats_arena_t) + OS_PAGE - 1) & ~OS_PAGE_MASK)

#define STATS_NAME(name) #name,
const char *const stats_arena_mutex_names[] = {STATS_ARENA_MUTEXES(STATS_NAME)};
const char *const stats_global_mutex_names[] = {
    STATS_GLOBAL_MUTEXES(STATS_NAME)};
#undef STATS_NAME

static stats_t *slots[STATS_NSLOTS];
static size_t zero_reallocs;

void
stats_count_zero_realloc(void)
{
    atomic_add_rlx(&zero_reallocs, 1u);
}

/* ---- snapshots --------------------------------------------------------- */

/* Map the memory of an unused slot. Two threads that do it at once waste one
 * mapping, which stays counted. */
static stats_t *
stats_map_slot(unsigned i)
{
    stats_t *s = meta_map(sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    meta_note_touched(bits_align_up(sizeof(*s), OS_PAGE));
    stats_t *none = NULL;
    s->refs = 1;
    if (atomic_cas_acqrel(&slots[i], &none, s)) {
        return s;
    }
    return NULL;
}

stats_t *
stats_new(void)
{
    for (unsigned i = 0; i < STATS_NSLOTS; i++) {
        stats_t *s = atomic_load_acq(&slots[i]);
        if (s == NULL) {
            s = stats_map_slot(i);
            if (s != NULL) {
                return s;
            }
            s = atomic_load_acq(&slots[i]);
        }
        uint32_t free = 0;
        if (s != NULL && atomic_cas_acq(&s->refs, &free, 1u)) {
            return s;
        }
    }
    return NULL;
}

void
stats_hold(stats_t *s)
{
    atomic_add_rlx(&s->refs, 1u);
}

void
stats_release(stats_t *s)
{
    je_assert_op(atomic_load_rlx(&s->refs), >, 0);
    (void)__atomic_fetch_sub(&s->refs, 1u, __ATOMIC_RELEASE);
}

static stats_arena_t *
stats_slot(const stats_t *s, size_t ind)
{
    char *chunk = s->chunks[ind >> STATS_LG_CHUNK];
    size_t at = ind & ((1u << STATS_LG_CHUNK) - 1);
    return chunk != NULL ? (stats_arena_t *)(void *)(chunk + at * STATS_STRIDE)
                         : NULL;
}

const stats_arena_t *
stats_arena(const stats_t *s, size_t ind)
{
    if (ind >= s->narenas) {
        return NULL;
    }
    const stats_arena_t *out = stats_slot(s, ind);
    return out != NULL && out->is_present ? out : NULL;
}

/* The arena's place, zeroed but for the mark that its pages are counted. */
static stats_arena_t *
stats_make_slot(stats_t *s, size_t ind)
{
    if (stats_slot(s, ind) == NULL) {
        s->chunks[ind >> STATS_LG_CHUNK] =
            meta_map(STATS_STRIDE << STATS_LG_CHUNK);
    }
    stats_arena_t *out = stats_slot(s, ind);
    if (out == NULL) {
        return NULL;
    }
    if (out->dss == NULL) {
        meta_note_touched(STATS_STRIDE);
    }
    memset(out, 0, sizeof(*out));
    out->dss = "disabled";
    return out;
}

/* ---- locks ------------------------------------------------------------- */

/* How to get at guarded figures. */
typedef struct reader {
    bool nonblocking;
    bool is_complete;
} reader_t;

/* Returns whether reader_leave is due. A try takes part in no lock order, so
 * the rank check of debug builds is left out: a signal can come anywhere. */
static bool
reader_enter(reader_t *r, os_mutex_t *m)
{
    if (!r->nonblocking) {
        os_mutex_lock(m);
        return true;
    }
    uint32_t expected = 0;
    if (atomic_cas_acq(&m->state, &expected, 1u)) {
        return true;
    }
    r->is_complete = false;
    return false;
}

static void
reader_leave(const reader_t *r, os_mutex_t *m)
{
    if (!r->nonblocking) {
        os_mutex_unlock(m);
    } else if (atomic_xchg_rel(&m->state, 0u) == 2) {
        os_mutex_unlock_slow(m);
    }
}

static void
stats_add_mutex(stats_mutex_t *sum, const stats_mutex_t *m)
{
    sum->num_ops += m->num_ops;
    sum->num_wait += m->num_wait;
    sum->num_spin_acq += m->num_spin_acq;
    sum->num_owner_switch += m->num_owner_switch;
    sum->total_wait_time += m->total_wait_time;
    sum->max_wait_time = JE_MAX(sum->max_wait_time, m->max_wait_time);
    sum->max_num_thds = JE_MAX(sum->max_num_thds, m->max_num_thds);
}

/* Add the figures of a lock, which need not be held. */
static void
stats_count_mutex(stats_mutex_t *sum, const os_mutex_t *m)
{
    const stats_mutex_t one = {
        .num_ops = atomic_load_rlx(&m->num_ops),
        .num_wait = atomic_load_rlx(&m->num_wait),
        .num_spin_acq = atomic_load_rlx(&m->num_spin_acq),
        .num_owner_switch = atomic_load_rlx(&m->num_owner_switch),
        .total_wait_time = atomic_load_rlx(&m->total_wait_ns),
        .max_wait_time = atomic_load_rlx(&m->max_wait_ns),
        .max_num_thds = atomic_load_rlx(&m->max_num_thds),
    };
    stats_add_mutex(sum, &one);
}

static void
stats_reset_mutex(os_mutex_t *m)
{
    os_mutex_lock(m);
    os_mutex_stats_reset(m);
    os_mutex_unlock(m);
}

/* A module's locks, one after the other; NULL after the last. */
typedef os_mutex_t *stats_mutexes_t(unsigned i);

static void
stats_count_mutexes(stats_mutex_t *sum, stats_mutexes_t *mutexes)
{
    for (unsigned i = 0; mutexes(i) != NULL; i++) {
        stats_count_mutex(sum, mutexes(i));
    }
}

void
stats_reset_mutexes(void)
{
    static stats_mutexes_t *const several[] = {meta_mutex, prof_table_mutex};
    for (unsigned i = 0; i < arena_count(); i++) {
        arena_t *arena = arena_get(i);
        if (arena == NULL || arena->is_quarantined) {
            continue;
        }
        stats_reset_mutex(&arena->pac.mtx);
        for (unsigned b = 0; b < arena_nbins(); b++) {
            stats_reset_mutex(&arena_nth_bin(arena, b)->mtx);
        }
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(several); i++) {
        for (unsigned k = 0; several[i](k) != NULL; k++) {
            stats_reset_mutex(several[i](k));
        }
    }
    stats_reset_mutex(background_mutex());
    stats_reset_mutex(ctl_mutex());
    stats_reset_mutex(tsd_list_mutex());
    stats_reset_mutex(tcaches_mutex());
    stats_reset_mutex(emap_mutex());
    stats_reset_mutex(prof_recent_mutex());
}

/* ---- one arena --------------------------------------------------------- */

static void
fill_decay(stats_decay_t *out, const decay_t *d)
{
    out->npurge = d->npurge;
    out->nmadvise = d->nmadvise;
    out->purged = d->purged;
}

static void
fill_extents(stats_arena_t *out, const pac_t *pac)
{
    for (unsigned i = 0; i < SZ_NPSIZES; i++) {
        stats_extent_t *x = &out->extents[i];
        x->ndirty = pac->dirty.count[i];
        x->dirty_bytes = pac->dirty.pages_in[i] << OS_LG_PAGE;
        x->nmuzzy = pac->muzzy.count[i];
        x->muzzy_bytes = pac->muzzy.pages_in[i] << OS_LG_PAGE;
        x->nretained = pac->retained.count[i];
        x->retained_bytes = pac->retained.pages_in[i] << OS_LG_PAGE;
    }
}

static void
fill_pages(stats_arena_t *out, pac_t *pac, reader_t *r, bool may_lock)
{
    bool locked = may_lock && reader_enter(r, &pac->mtx);
    out->dirty_decay_ms = pac->decay_dirty.time_ms;
    out->muzzy_decay_ms = pac->decay_muzzy.time_ms;
    out->dss = pac_dss_names[atomic_load_rlx(&pac->dss)];
    out->pactive = pac->nactive;
    out->pdirty = pac->dirty.npages;
    out->pmuzzy = pac->muzzy.npages;
    out->slab_gaps = pac->ngaps << OS_LG_PAGE;
    out->retained = pac->retained.npages << OS_LG_PAGE;
    out->extent_avail = pac->nspare;
    out->abandoned_vm = pac->abandoned_vm;
    fill_decay(&out->dirty, &pac->decay_dirty);
    fill_decay(&out->muzzy, &pac->decay_muzzy);
    fill_extents(out, pac);
    stats_count_mutex(&out->mutexes[STATS_MUTEX_extents_dirty], &pac->mtx);
    if (locked) {
        reader_leave(r, &pac->mtx);
    }
}

/* Add a bin's figures to those of its class. */
static void
fill_bin(stats_arena_t *arena, bin_t *bin, reader_t *r, bool may_lock)
{
    stats_bin_t *out = &arena->bins[bin->szind];
    bool locked = may_lock && reader_enter(r, &bin->mtx);
    const bin_stats_t *s = &bin->stats;
    out->nmalloc += s->nmalloc;
    out->ndalloc += s->ndalloc;
    out->nrequests += atomic_load_rlx(&s->nrequests);
    out->nfills += s->nfills;
    out->nflushes += s->nflushes;
    out->nslabs += s->nslabs;
    out->nreslabs += s->nreslabs;
    out->curslabs += s->curslabs;
    out->nonfull_slabs += s->nonfull_slabs;
    out->curregs = out->nmalloc - out->ndalloc;
    stats_count_mutex(&out->mutex, &bin->mtx);
    if (locked) {
        reader_leave(r, &bin->mtx);
    }
}

static void
fill_large(stats_arena_t *out, arena_t *arena)
{
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        stats_lextent_t *l = &out->lextents[i];
        /* frees first, so that the difference is never below zero */
        l->ndalloc = atomic_load_acq(&arena->large[i].ndalloc);
        l->nmalloc = atomic_load_acq(&arena->large[i].nmalloc);
        l->nrequests = atomic_load_rlx(&arena->large[i].nrequests);
        l->curlextents = l->nmalloc - l->ndalloc;
    }
    out->large.nflushes = atomic_load_rlx(&arena->large_nflushes);
}

static void
fill_arena(stats_arena_t *out, arena_t *arena, reader_t *r, uint64_t now_ns)
{
    bool may_lock = !arena->is_quarantined;
    out->is_present = true;
    out->nthreads = atomic_load_rlx(&arena->nthreads);
    out->uptime_ns = now_ns - arena->created_ns;
    fill_pages(out, &arena->pac, r, may_lock);
    fill_large(out, arena);
    for (unsigned i = 0; i < arena_nbins(); i++) {
        fill_bin(out, arena_nth_bin(arena, i), r, may_lock);
    }
}

/* ---- threads ----------------------------------------------------------- */

/* A thread's cache, or one that was created. */
static void
add_thread(stats_t *s, const tsd_t *tsd)
{
    if (stats_arena(s, tsd->arena->ind) == NULL) {
        return;
    }
    stats_arena_t *out = stats_slot(s, tsd->arena->ind);
    out->tcache_bytes += tcache_bytes(tsd);
    for (unsigned i = 0; i < SC_NCACHED_MAX; i++) {
        uint64_t n = tcache_nrequests(tsd, i);
        if (i < SC_NBINS) {
            out->bins[i].nrequests += n;
        } else {
            out->lextents[i - SC_NBINS].nrequests += n;
        }
    }
}

/* A processor's cache: the part of the arena that it is counted for. */
static void
add_percpu(stats_t *s, const percpu_cache_t *cache)
{
    stats_arena_t *out = stats_arena(s, cache->home->ind) != NULL
                             ? stats_slot(s, cache->home->ind)
                             : NULL;
    s->percpu.caches++;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        uint64_t word = atomic_load_rlx(&cache->stacks[i].word);
        size_t bytes = os_rseq_held(word) * sz_size(i);
        s->percpu.objects += os_rseq_held(word);
        s->percpu.bytes += bytes;
        if (out != NULL) {
            out->tcache_bytes += bytes;
            out->bins[i].nrequests += os_rseq_pops(word);
        }
    }
}

static void
fill_percpu(stats_t *s)
{
    s->percpu = (stats_percpu_t){0};
    for (unsigned cpu = 0; cpu < percpu_end(); cpu++) {
        const percpu_cache_t *cache = percpu_peek(cpu);
        if (cache != NULL) {
            add_percpu(s, cache);
        }
    }
}

static void
fill_threads(stats_t *s, reader_t *r)
{
    list_t *all = r->nonblocking ? tsd_list_trylock() : tsd_list_lock();
    if (all == NULL) {
        r->is_complete = false;
        return;
    }
    for (list_t *l = all->next; l != all; l = l->next) {
        add_thread(s, list_entry(l, tsd_t, link));
    }
    tsd_list_unlock();
    for (unsigned i = 0; i < tcaches_end(); i++) {
        const tsd_t *cache = tcaches_peek(i);
        if (cache != NULL) {
            add_thread(s, cache);
        }
    }
}

/* ---- sums -------------------------------------------------------------- */

static void
sum_classes(stats_arena_t *a)
{
    stats_sum_t *sum = &a->small;
    for (unsigned i = 0; i < SC_NBINS; i++) {
        const stats_bin_t *b = &a->bins[i];
        sum->allocated += b->curregs * sz_size(i);
        sum->nmalloc += b->nmalloc;
        sum->ndalloc += b->ndalloc;
        sum->nrequests += b->nrequests;
        sum->nfills += b->nfills;
        sum->nflushes += b->nflushes;
    }
    sum = &a->large;
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        const stats_lextent_t *l = &a->lextents[i];
        sum->allocated += l->curlextents * sz_size(SC_NBINS + i);
        sum->nmalloc += l->nmalloc;
        sum->ndalloc += l->ndalloc;
        sum->nrequests += l->nrequests;
    }
    sum->nfills = sum->nmalloc; /* caches get one at a time */
}

static void
finish_arena(stats_arena_t *a)
{
    size_t base = bits_align_up(a->base, OS_PAGE);
    sum_classes(a);
    a->resident = ((a->pactive + a->pdirty) << OS_LG_PAGE) + base;
    a->mapped = ((a->pactive + a->pdirty + a->pmuzzy) << OS_LG_PAGE) +
                a->slab_gaps + a->base_mapped;
}

static void
add_sum(stats_sum_t *sum, const stats_sum_t *x)
{
    sum->allocated += x->allocated;
    sum->nmalloc += x->nmalloc;
    sum->ndalloc += x->ndalloc;
    sum->nrequests += x->nrequests;
    sum->nfills += x->nfills;
    sum->nflushes += x->nflushes;
}

static void
add_decay(stats_decay_t *sum, const stats_decay_t *x)
{
    sum->npurge += x->npurge;
    sum->nmadvise += x->nmadvise;
    sum->purged += x->purged;
}

static void
add_bin(stats_bin_t *sum, const stats_bin_t *x)
{
    sum->nmalloc += x->nmalloc;
    sum->ndalloc += x->ndalloc;
    sum->nrequests += x->nrequests;
    sum->curregs += x->curregs;
    sum->nfills += x->nfills;
    sum->nflushes += x->nflushes;
    sum->nslabs += x->nslabs;
    sum->nreslabs += x->nreslabs;
    sum->curslabs += x->curslabs;
    sum->nonfull_slabs += x->nonfull_slabs;
    stats_add_mutex(&sum->mutex, &x->mutex);
}

static void
add_classes(stats_arena_t *sum, const stats_arena_t *x)
{
    for (unsigned i = 0; i < SC_NBINS; i++) {
        add_bin(&sum->bins[i], &x->bins[i]);
    }
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        sum->lextents[i].nmalloc += x->lextents[i].nmalloc;
        sum->lextents[i].ndalloc += x->lextents[i].ndalloc;
        sum->lextents[i].nrequests += x->lextents[i].nrequests;
        sum->lextents[i].curlextents += x->lextents[i].curlextents;
    }
    for (unsigned i = 0; i < SZ_NPSIZES; i++) {
        sum->extents[i].ndirty += x->extents[i].ndirty;
        sum->extents[i].dirty_bytes += x->extents[i].dirty_bytes;
        sum->extents[i].nmuzzy += x->extents[i].nmuzzy;
        sum->extents[i].muzzy_bytes += x->extents[i].muzzy_bytes;
        sum->extents[i].nretained += x->extents[i].nretained;
        sum->extents[i].retained_bytes += x->extents[i].retained_bytes;
    }
}

static void
add_arena(stats_arena_t *sum, const stats_arena_t *x)
{
    sum->nthreads += x->nthreads;
    sum->uptime_ns = JE_MAX(sum->uptime_ns, x->uptime_ns);
    sum->pactive += x->pactive;
    sum->pdirty += x->pdirty;
    sum->pmuzzy += x->pmuzzy;
    sum->slab_gaps += x->slab_gaps;
    add_decay(&sum->dirty, &x->dirty);
    add_decay(&sum->muzzy, &x->muzzy);
    add_sum(&sum->small, &x->small);
    add_sum(&sum->large, &x->large);
    sum->mapped += x->mapped;
    sum->retained += x->retained;
    sum->base += x->base;
    sum->base_mapped += x->base_mapped;
    sum->metadata_thp += x->metadata_thp;
    sum->tcache_bytes += x->tcache_bytes;
    sum->resident += x->resident;
    sum->abandoned_vm += x->abandoned_vm;
    sum->extent_avail += x->extent_avail;
    for (unsigned i = 0; i < STATS_ARENA_NMUTEXES; i++) {
        stats_add_mutex(&sum->mutexes[i], &x->mutexes[i]);
    }
    add_classes(sum, x);
}

static void
fill_totals(stats_t *s)
{
    const stats_arena_t *m = &s->merged;
    s->allocated = m->small.allocated + m->large.allocated;
    s->active = m->pactive << OS_LG_PAGE;
    s->metadata = m->base + m->internal;
    s->metadata_thp = m->metadata_thp;
    s->resident = m->resident;
    s->mapped = m->mapped;
    s->retained = m->retained;
    s->zero_reallocs = atomic_load_rlx(&zero_reallocs);
    background_stats(&s->background);
    memset(s->mutexes, 0, sizeof(s->mutexes));
    stats_count_mutex(&s->mutexes[STATS_GLOBAL_MUTEX_background_thread],
                      background_mutex());
    stats_count_mutex(&s->mutexes[STATS_GLOBAL_MUTEX_ctl], ctl_mutex());
    stats_count_mutexes(&s->mutexes[STATS_GLOBAL_MUTEX_prof], prof_table_mutex);
    stats_count_mutex(&s->mutexes[STATS_GLOBAL_MUTEX_prof_recent_alloc],
                      prof_recent_mutex());
}

/* What belongs to no arena and is shown in the first. */
static void
fill_common(stats_arena_t *out)
{
    meta_stats_t meta;
    meta_stats(&meta);
    out->base = meta.base;
    out->base_mapped = meta.mapped;
    out->metadata_thp = meta.nhuge;
    stats_count_mutexes(&out->mutexes[STATS_MUTEX_base], meta_mutex);
    stats_count_mutex(&out->mutexes[STATS_MUTEX_base], emap_mutex());
    stats_count_mutex(&out->mutexes[STATS_MUTEX_tcache_list], tsd_list_mutex());
    stats_count_mutex(&out->mutexes[STATS_MUTEX_tcache_list], tcaches_mutex());
}

/* Everything is in place: add it up. */
static void
stats_finish(stats_t *s)
{
    bool is_first = true;
    for (unsigned i = 0; i < s->narenas; i++) {
        if (stats_arena(s, i) == NULL) {
            continue;
        }
        stats_arena_t *out = stats_slot(s, i);
        if (is_first) {
            fill_common(out);
            is_first = false;
        }
        finish_arena(out);
        add_arena(&s->merged, out);
    }
    fill_totals(s);
}

/* ---- arenas that are no more ------------------------------------------- */

static struct {
    os_mutex_t mtx;
    stats_arena_t sum;
    stats_arena_t one; /* the arena being added */
} destroyed = {.mtx = {.rank = OS_RANK_ARENAS}};

/* A sum over arenas has no settings of its own. */
static void
start_sum(stats_arena_t *sum)
{
    memset(sum, 0, sizeof(*sum));
    sum->is_present = true;
    sum->dss = "N/A";
    sum->dirty_decay_ms = -1;
    sum->muzzy_decay_ms = -1;
}

/* What an arena still holds is gone with it; what it counted remains. */
static void
drop_gauges(stats_arena_t *a)
{
    a->nthreads = 0;
    a->pactive = a->pdirty = a->pmuzzy = a->slab_gaps = 0;
    a->mapped = a->retained = a->resident = 0;
    a->tcache_bytes = a->abandoned_vm = a->extent_avail = 0;
    a->small.allocated = a->large.allocated = 0;
    memset(a->extents, 0, sizeof(a->extents));
    for (unsigned i = 0; i < SC_NBINS; i++) {
        a->bins[i].curregs = 0;
        a->bins[i].curslabs = a->bins[i].nonfull_slabs = 0;
    }
    for (unsigned i = 0; i < SZ_NLARGE; i++) {
        a->lextents[i].curlextents = 0;
    }
}

void
stats_note_destroyed(arena_t *arena)
{
    reader_t r = {.nonblocking = false};
    os_mutex_lock(&destroyed.mtx);
    if (!destroyed.sum.is_present) {
        start_sum(&destroyed.sum);
    }
    memset(&destroyed.one, 0, sizeof(destroyed.one));
    fill_arena(&destroyed.one, arena, &r, os_clock_ns());
    finish_arena(&destroyed.one);
    drop_gauges(&destroyed.one);
    add_arena(&destroyed.sum, &destroyed.one);
    os_mutex_unlock(&destroyed.mtx);
}

bool
stats_has_destroyed(void)
{
    return atomic_load_rlx(&destroyed.sum.is_present);
}

static void
fill_destroyed(stats_t *s, reader_t *r)
{
    if (reader_enter(r, &destroyed.mtx)) {
        s->destroyed = destroyed.sum;
        reader_leave(r, &destroyed.mtx);
    }
}

void
stats_fork_child(void)
{
    os_mutex_init(&destroyed.mtx, OS_RANK_ARENAS);
}

bool
stats_fill(stats_t *s, bool nonblocking)
{
    reader_t r = {.nonblocking = nonblocking, .is_complete = true};
    unsigned narenas = arena_count();
    bool ok = true;
    start_sum(&s->merged);
    s->npresent = 0;
    s->narenas = narenas;
    for (unsigned i = 0; i < narenas; i++) {
        arena_t *arena = arena_get(i);
        stats_arena_t *out = arena != NULL ? stats_make_slot(s, i) : NULL;
        if (out != NULL) {
            fill_arena(out, arena, &r, os_clock_ns());
            s->npresent++;
        } else if (arena != NULL) {
            ok = false;
        } else if (stats_slot(s, i) != NULL) {
            stats_slot(s, i)->is_present = false;
        }
    }
    fill_threads(s, &r);
    fill_percpu(s);
    fill_destroyed(s, &r);
    stats_finish(s);
    s->is_complete = r.is_complete && ok;
    return ok;
}
