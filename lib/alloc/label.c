/*
 * Labelled objects and their counters: see label.h. Names are in label_name.c.
 */
#include "alloc/label.h"

#include "alloc/arena.h"
#include "alloc/emap.h"
#include "alloc/label_fast.h"
#include "alloc/meta.h"
#include "base/assert.h"
#include "base/bits.h"

static label_block_t *blocks; /* all but `shared`; only ever longer */
static label_block_t shared;  /* counted in by atomic additions */
static uint64_t dropped;

/* ---- counters ---------------------------------------------------------- */

/* The counters of a label in a block, made if there is memory. */
static label_stats_t *
block_stats(label_block_t *block, unsigned label)
{
    label_stats_t **chunk = &block->chunks[label >> LABEL_LG_CHUNK];
    label_stats_t *stats = atomic_load_acq(chunk);
    if (unlikely(stats == NULL)) {
        stats = meta_alloc(LABEL_CHUNK * sizeof(*stats));
        label_stats_t *expected = NULL;
        if (stats == NULL) {
            return NULL;
        }
        if (!atomic_cas_acqrel(chunk, &expected, stats)) {
            stats = expected; /* only of `shared`; the other one is lost */
        }
    }
    return &stats[label & (LABEL_CHUNK - 1)];
}

/* A block that no thread has, or a new one. errors: NULL. */
static label_block_t *
block_take(void)
{
    label_block_t *block = atomic_load_acq(&blocks);
    for (; block != NULL; block = block->next) {
        uint32_t expected = 0;
        if (atomic_load_rlx(&block->is_taken) == 0 &&
            atomic_cas_acq(&block->is_taken, &expected, 1u)) {
            return block;
        }
    }
    block = meta_alloc(sizeof(*block));
    if (block == NULL) {
        return NULL;
    }
    block->is_taken = 1;
    block->next = atomic_load_acq(&blocks);
    while (!atomic_cas_acqrel(&blocks, &block->next, block)) {
    }
    return block;
}

bool
label_reserve(unsigned label)
{
    return block_stats(&shared, label) != NULL;
}

/* Where this thread counts; NULL: in `shared`. */
static label_stats_t *
own_stats(tsd_t *tsd, unsigned label)
{
    if (tsd == NULL) {
        return NULL;
    }
    if (unlikely(tsd->labels == NULL)) {
        tsd->labels = block_take();
    }
    return tsd->labels != NULL ? block_stats(tsd->labels, label) : NULL;
}

void
label_thread_end(tsd_t *tsd)
{
    if (tsd->labels != NULL) {
        atomic_store_rel(&tsd->labels->is_taken, 0u);
        tsd->labels = NULL;
        tsd->label_stats = NULL;
    }
}

void
label_stats(unsigned label, label_stats_t *out)
{
    *out = (label_stats_t){.nmalloc = 0};
    label_block_t *block = &shared;
    label_block_t *next = atomic_load_acq(&blocks);
    while (block != NULL) {
        const label_stats_t *chunk =
            atomic_load_acq(&block->chunks[label >> LABEL_LG_CHUNK]);
        if (chunk != NULL) {
            const label_stats_t *s = &chunk[label & (LABEL_CHUNK - 1)];
            out->nmalloc += atomic_load_rlx(&s->nmalloc);
            out->ndalloc += atomic_load_rlx(&s->ndalloc);
            out->allocated += atomic_load_rlx(&s->allocated);
            out->deallocated += atomic_load_rlx(&s->deallocated);
        }
        block = next;
        next = block != NULL ? block->next : NULL;
    }
}

uint64_t
label_dropped(void)
{
    return atomic_load_rlx(&dropped);
}

/* ---- marks ------------------------------------------------------------- */

static unsigned
lg_slots(const bin_info_t *info)
{
    size_t slots = (info->nregs * sizeof(uint16_t) - 1) / sizeof(void *) + 1;
    unsigned lg = bits_lg_ceil(slots);
    return lg > META_LG_SLOTS_MIN ? lg : META_LG_SLOTS_MIN;
}

/* Give a slab its array and turn its pages slow. */
static JE_NOINLINE bool
slab_begin(extent_t *e)
{
    const bin_info_t *info = &bin_infos[e->szind];
    arena_t *arena = arena_of(e);
    bin_t *bin = arena_bin_of(arena, e);
    if (!arena_bin_lock(arena, bin)) {
        return false;
    }
    uint16_t *labels = e->labels;
    if (labels == NULL) {
        labels = (uint16_t *)meta_slots_alloc(lg_slots(info));
        for (unsigned i = 0; labels != NULL && i < info->nregs; i++) {
            labels[i] = 0;
        }
        for (size_t at = 0; labels != NULL && at < e->size; at += OS_PAGE) {
            emap_set_class(e->addr + at, 0);
        }
        atomic_store_rel(&e->labels, labels);
    }
    os_mutex_unlock(&bin->mtx);
    return labels != NULL;
}

void
label_slab_end(extent_t *e)
{
    if (e->labels != NULL) {
        meta_slots_free((void **)e->labels, lg_slots(&bin_infos[e->szind]));
        e->labels = NULL;
    }
}

static bool
set_label(extent_t *e, const void *p, unsigned label)
{
    if (!e->is_slab) {
        e->label = (uint16_t)label;
        arena_large_map(e);
        return true;
    }
    if (unlikely(atomic_load_acq(&e->labels) == NULL) && !slab_begin(e)) {
        return false;
    }
    const bin_info_t *info = &bin_infos[e->szind];
    uint32_t region = bin_region(info, e, p);
    je_assert_op(region, <, info->nregs);
    atomic_store_rlx(&e->labels[region], (uint16_t)label);
    return true;
}

void
label_mark(tsd_t *tsd, extent_t *e, void *p, size_t usable)
{
    je_assert(label_of(e, p) == 0);
    if (unlikely(!set_label(e, p, tsd->label))) {
        atomic_add_rlx(&dropped, 1u);
        return;
    }
    label_stats_t *s = own_stats(tsd, tsd->label);
    if (likely(s != NULL)) {
        tsd->label_stats = s;
        atomic_bump_rlx(&s->nmalloc, 1u);
        atomic_bump_rlx(&s->allocated, usable);
        return;
    }
    s = block_stats(&shared, tsd->label);
    atomic_add_rlx(&s->nmalloc, 1u);
    atomic_add_rlx(&s->allocated, (uint64_t)usable);
}

void
label_unmark(tsd_t *tsd, extent_t *e, void *p, size_t usable, unsigned label)
{
    (void)set_label(e, p, 0);
    label_stats_t *s = own_stats(tsd, label);
    if (likely(s != NULL)) {
        atomic_bump_rlx(&s->ndalloc, 1u);
        atomic_bump_rlx(&s->deallocated, usable);
        return;
    }
    s = block_stats(&shared, label);
    atomic_add_rlx(&s->ndalloc, 1u);
    atomic_add_rlx(&s->deallocated, (uint64_t)usable);
}

/* ---- the thread's label ------------------------------------------------ */

unsigned
label_current(void)
{
    return tsd_current->label;
}

unsigned
label_swap(unsigned label)
{
    tsd_t *tsd = tsd_get();
    if (tsd == NULL) {
        return 0;
    }
    unsigned before = tsd->label;
    tsd->label = label_name(label) != NULL ? (uint16_t)label : 0;
    tsd->label_stats = tsd->label != 0 ? label_ready_stats(tsd, label) : NULL;
    tsd_set_hot(tsd);
    return before;
}

/* Counters of threads that the fork left behind are summed as ever, and serve
 * threads to come. */
void
label_fork_child(void)
{
    const label_block_t *own = tsd_current->labels;
    for (label_block_t *b = blocks; b != NULL; b = b->next) {
        b->is_taken = b == own;
    }
    label_name_fork_child();
}
