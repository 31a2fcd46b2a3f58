/*
 * Looking for pages inside slabs: see sweep.h.
 */
#include "alloc/sweep.h"

#include "alloc/arena.h"
#include "base/assert.h"
#include "os/clock.h"

/* Shorter decay times do not make looks more frequent. */
#define SWEEP_LEAST_NS UINT64_C(10000000)

/* Between two looks at a bin. */
static uint64_t
sweep_interval(int64_t time_ms)
{
    uint64_t quarter = (uint64_t)time_ms * (1000000 / 4);
    return JE_MAX(quarter, SWEEP_LEAST_NS);
}

/* No lock is held while the kernel or a hook has the pages: a fork meanwhile
 * costs the child the few slabs' free regions, not the arena. */
static void
sweep_give_back(arena_t *arena, bin_t *bin, bin_moving_t *moving)
{
    const bin_info_t *info = &bin_infos[bin->szind];
    uint64_t ncalls = 0;
    size_t npages = 0;
    list_t surplus;
    list_init(&surplus);
    if (moving->n == 0) {
        return;
    }
    bool may = pac_gaps_begin(&arena->pac);
    for (unsigned i = 0; i < moving->n; i++) {
        moving->pages[i] = may ? pac_gaps_make(&arena->pac, moving->slabs[i],
                                               moving->pages[i], &ncalls)
                               : 0;
    }
    if (!arena_bin_lock(arena, bin)) {
        return;
    }
    for (unsigned i = 0; i < moving->n; i++) {
        npages += bin_moved_locked(bin, info, moving->slabs[i],
                                   moving->pages[i], &surplus);
    }
    if (may) {
        pac_gaps_end(&arena->pac, npages, ncalls);
    }
    if (je_config_debug > 1) {
        (void)bin_is_valid_locked(bin, info);
    }
    os_mutex_unlock(&bin->mtx);
    arena_release_slabs(&surplus);
}

/* ---- on schedule ------------------------------------------------------- */

/* What a round over the bins goes by and what it finds out. */
typedef struct round {
    uint64_t now_ns;
    uint64_t interval_ns;
    bool at_once;
    bool has_idle;
    uint64_t due_ns;
} round_t;

typedef enum { PIECE_NONE, PIECE_DONE, PIECE_LAST } piece_t;

/* Begin a look at the bin, or go on with the one there is. */
static piece_t
sweep_piece(arena_t *arena, bin_t *bin, round_t *r)
{
    const bin_info_t *info = &bin_infos[bin->szind];
    bin_moving_t moving;
    list_t surplus;
    list_init(&surplus);
    if (!arena_bin_lock(arena, bin)) {
        return PIECE_NONE;
    }
    uint64_t due = bin->look.now_ns + r->interval_ns;
    if (!bin->look.is_on) {
        if (r->now_ns >= due && !bin_has_changed_locked(bin)) {
            bin->look.now_ns = r->now_ns;
            due = r->now_ns + r->interval_ns;
        }
        if (r->now_ns < due) {
            r->due_ns = JE_MIN(r->due_ns, due);
            r->has_idle |= bin->has_idle;
            os_mutex_unlock(&bin->mtx);
            return PIECE_NONE;
        }
        bin_retire_locked(bin, info, &surplus);
        bin_look_begin_locked(bin, r->now_ns, r->at_once);
    }
    bool has_more = bin_look_locked(bin, info, &moving);
    os_mutex_unlock(&bin->mtx);
    arena_release_slabs(&surplus);
    sweep_give_back(arena, bin, &moving);
    return has_more ? PIECE_DONE : PIECE_LAST;
}

/* Up to so many pieces. It is over when no bin has anything to do. */
static void
sweep_round(arena_t *arena, round_t *r, unsigned npieces)
{
    sweep_t *s = &arena->sweep;
    unsigned nnone = 0;
    while (npieces > 0 && nnone < arena_nbins()) {
        piece_t piece = sweep_piece(arena, arena_nth_bin(arena, s->bin), r);
        if (piece == PIECE_NONE) {
            nnone++;
        } else {
            nnone = 0;
            npieces--;
            r->has_idle = false;
            r->due_ns = UINT64_MAX;
        }
        if (piece != PIECE_DONE) {
            s->bin = s->bin + 1 < arena_nbins() ? s->bin + 1 : 0;
        }
    }
    if (nnone == arena_nbins()) {
        atomic_store_rlx(&s->has_idle, r->has_idle);
        atomic_store_rlx(&s->due_ns, r->due_ns);
    }
}

/* A piece, and more if so long nobody came by that the time would not do. */
static unsigned
sweep_small_npieces(const sweep_t *s, uint64_t now_ns, uint64_t interval_ns)
{
    uint64_t due_ns = atomic_load_rlx(&s->due_ns);
    uint64_t before = JE_MAX(s->last_ns, due_ns);
    uint64_t since = now_ns - JE_MIN(before, now_ns);
    uint64_t n = since / (interval_ns / arena_nbins());
    return 1 + (unsigned)JE_MIN(n, arena_nbins());
}

static void
sweep(arena_t *arena, uint64_t now_ns, bool is_small)
{
    sweep_t *s = &arena->sweep;
    int64_t time_ms = atomic_load_rlx(&arena->pac.decay_dirty.time_ms);
    uint32_t idle = 0;
    if (time_ms < 0 || now_ns < atomic_load_rlx(&s->due_ns) ||
        atomic_load_rlx(&arena->pac.refuses_gaps) ||
        !atomic_cas_acq(&s->is_busy, &idle, 1u)) {
        return;
    }
    round_t r = {.now_ns = now_ns,
                 .interval_ns = sweep_interval(time_ms),
                 .at_once = time_ms == 0,
                 .due_ns = UINT64_MAX};
    sweep_round(arena, &r,
                is_small ? sweep_small_npieces(s, now_ns, r.interval_ns)
                         : UINT32_MAX);
    s->last_ns = now_ns;
    atomic_store_rel(&s->is_busy, 0u);
}

void
sweep_decay(arena_t *arena, uint64_t now_ns)
{
    sweep(arena, now_ns, false);
}

void
sweep_tick(arena_t *arena, uint64_t now_ns)
{
    sweep(arena, now_ns, true);
}

void
sweep_restart(arena_t *arena)
{
    atomic_store_rlx(&arena->pac.refuses_gaps, false);
    atomic_store_rlx(&arena->sweep.due_ns, 0);
}

uint64_t
sweep_ns_until_due(const arena_t *arena, uint64_t now_ns)
{
    const sweep_t *s = &arena->sweep;
    uint64_t due = atomic_load_rlx(&s->due_ns);
    if (atomic_load_rlx(&arena->pac.decay_dirty.time_ms) < 0 ||
        atomic_load_rlx(&arena->pac.refuses_gaps) ||
        !atomic_load_rlx(&s->has_idle)) {
        return UINT64_MAX;
    }
    return due > now_ns ? due - now_ns : 0;
}

/* ---- at once ----------------------------------------------------------- */

/* If somebody looks at the bin just now, the two go on together. */
static void
sweep_bin(arena_t *arena, bin_t *bin)
{
    const bin_info_t *info = &bin_infos[bin->szind];
    bool is_new = true, has_more = slab_marked_pages(info) > 0;
    while (has_more) {
        bin_moving_t moving;
        if (!arena_bin_lock(arena, bin)) {
            return;
        }
        if (is_new) {
            bin_look_begin_locked(bin, os_clock_coarse_ns(), true);
            is_new = false;
        }
        has_more = bin_look_locked(bin, info, &moving);
        os_mutex_unlock(&bin->mtx);
        sweep_give_back(arena, bin, &moving);
    }
}

void
sweep_all(arena_t *arena)
{
    sweep_restart(arena);
    for (unsigned i = 0; i < arena_nbins(); i++) {
        sweep_bin(arena, arena_nth_bin(arena, i));
    }
}
