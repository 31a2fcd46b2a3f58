/*
 * Counting by bins: see tcache_count.h.
 */
#include "alloc/tcache_count.h"

#include "alloc/conf.h"
#include "alloc/meta.h"
#include "alloc/prof.h"
#include "alloc/stats_interval.h"
#include "base/assert.h"

/* A bin's numbers that the formulas need. */
typedef struct account {
    uint64_t pops;
    uint64_t pushes;
} account_t;

/* Looking whether a thread holds more than ever takes a walk over its bins:
 * every so many bytes, and no more than so much of what it holds. */
#define PEAK_PIECE_MIN ((uint64_t)64 << 10)

enum { LG_PEAK = 6 };

enum {
    READ_TRIES = 64,
    STEPS_PER_GC = 16,
    STEP_POPS_MIN = 64,
    STEP_GCS_MAX = 4
};

/* pops_due and left change together: look again if they did. While they are
 * changing, which may take long if their owner is not running, what there was
 * before is known. A signal handler that interrupted their owner finds that. */
uint64_t
tcache_pops(const cache_bin_t *bin, const tcache_bin_t *cold)
{
    uint64_t pops = 0;
    for (unsigned i = 0; i < READ_TRIES; i++) {
        uint32_t turn = atomic_load_acq(&cold->turn);
        if (turn % 2 != 0) {
            pops = atomic_load_acq(&cold->pops_before);
        } else {
            uint64_t due = atomic_load_acq(&cold->pops_due);
            int32_t left = atomic_load_acq(&bin->left);
            pops = due - JE_MIN((uint64_t)JE_MAX(left, 0), due);
        }
        if (atomic_load_rlx(&cold->turn) == turn) {
            break;
        }
    }
    return pops;
}

/* Pops there have been `pops`, and `left` are left to the hot path. */
static void
set_pops(cache_bin_t *bin, tcache_bin_t *cold, uint64_t pops, uint32_t left)
{
    atomic_store_rel(&cold->pops_before, pops);
    atomic_store_rel(&cold->turn, cold->turn + 1);
    atomic_store_rel(&bin->left, (int32_t)left);
    atomic_store_rel(&cold->pops_due, pops + left);
    atomic_store_rel(&cold->turn, cold->turn + 1);
}

static account_t
account_read(const cache_bin_t *bin, const tcache_bin_t *cold)
{
    void **base = atomic_load_rlx(&cold->base);
    void **head = atomic_load_rlx(&bin->head);
    int64_t have = base != NULL ? head - base : 0;
    /* a handler may find the two of different stacks */
    have = have >= 0 && have <= 1 << META_LG_SLOTS_MAX ? have : 0;
    uint64_t pops = tcache_pops(bin, cold);
    return (account_t){pops,
                       pops + (uint64_t)(have - atomic_load_rlx(&cold->net))};
}

static void
bytes_add(tsd_bytes_t *sum, uint64_t allocated, uint64_t deallocated)
{
    sum->allocated += allocated;
    sum->deallocated += deallocated;
}

static void
bytes_add_bins(tsd_bytes_t *sum, const cache_bin_t *bins,
               const tcache_bin_t *cold, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (atomic_load_rlx(&cold[i].base) == NULL) {
            continue; /* its account is closed, or was never opened */
        }
        account_t a = account_read(&bins[i], &cold[i]);
        bytes_add(sum, a.pops * bins[i].size, a.pushes * bins[i].size);
    }
}

tsd_bytes_t
tsd_bytes(const tsd_t *tsd)
{
    const tcache_more_t *more = atomic_load_acq(&tsd->more);
    tsd_bytes_t sum = tsd->past;
    bytes_add(&sum, tsd->direct.allocated, tsd->direct.deallocated);
    bytes_add_bins(&sum, tsd->bins, tsd->cold, SC_NCACHED + 1);
    if (more != NULL) {
        bytes_add_bins(&sum, more->bins, more->cold, SC_NCACHED_MORE);
    }
    return sum;
}

tsd_bytes_t *
tsd_bytes_live(tsd_t *tsd)
{
    if (!tsd->is_counted) {
        tsd->live = tsd_bytes(tsd);
        tsd->is_counted = true;
        tsd_set_hot(tsd);
    }
    return &tsd->live;
}

/* Bytes that the bins got from arenas and that came from there directly: what
 * the thread holds more than when it looked last is of them, or was in its bins
 * then. */
static uint64_t
taken(const tsd_t *tsd)
{
    return tsd->filled + tsd->direct.allocated;
}

void
tsd_look_at_peak(tsd_t *tsd)
{
    tsd_bytes_t bytes = tsd_bytes(tsd);
    int64_t now =
        (int64_t)(bytes.allocated - bytes.deallocated - tsd->peak_base);
    tsd->peak = JE_MAX(now, tsd->peak);
    uint64_t piece = JE_MAX(PEAK_PIECE_MIN, (uint64_t)tsd->peak >> LG_PEAK);
    tsd->next_look = taken(tsd) + piece;
}

void
tsd_note_peak(tsd_t *tsd)
{
    /* what it holds if all bins are empty, which is the most:
     *   held <= direct not freed + from_arenas
     *   from_arenas == past not freed + sum of net * size over the bins */
    int64_t most = (int64_t)(tsd->direct.allocated - tsd->direct.deallocated -
                             tsd->peak_base) +
                   tsd->from_arenas;
    if (unlikely(most > tsd->peak && taken(tsd) >= tsd->next_look)) {
        tsd_look_at_peak(tsd);
    }
}

/* ---- what is due ------------------------------------------------------- */

void
tsd_draw(tsd_t *tsd)
{
    uint64_t distance = prof_draw(tsd, &tsd->sample_rate);
    tsd->next_sample =
        distance != 0 ? tsd->direct.allocated + distance : UINT64_MAX;
}

/* Pops until one is to be sampled, which is one of them; 0: none ever. */
static void
draw(tsd_t *tsd, tcache_bin_t *cold, uint32_t size)
{
    uint64_t distance = prof_draw(tsd, &cold->sample_rate);
    cold->until_sample = distance / size + (distance % size != 0);
}

/* Pops of which trimming and statistics want to hear at once: a part of what
 * makes either due, but few pops would cost more to hear of than to serve: so
 * many, if need be for some times what makes trimming due. What is sampled must
 * not change what is trimmed, so these are counted by themselves. */
static uint32_t
step(uint32_t size)
{
    uint64_t due = conf.tcache_gc_incr_bytes / size;
    uint64_t n =
        JE_MAX(due / STEPS_PER_GC, JE_MIN(due * STEP_GCS_MAX, STEP_POPS_MIN));
    n = JE_MIN(n, stats_interval_piece() / STEPS_PER_GC / size);
    return (uint32_t)JE_MIN(JE_MAX(n, 1), (uint64_t)INT32_MAX);
}

/* Whether what is ahead is to be drawn, this pop included: if nothing is, or at
 * a rate that is in force no more. But a pop that is seen before its step's end
 * is seen because it was hit, and is counted for those before it, which were
 * not. */
static bool
is_to_draw(const tcache_bin_t *cold)
{
    bool is_old = cold->sample_rate != atomic_load_rlx(&conf.sample);
    return cold->until_sample == 0 || (is_old && cold->until_step <= 1);
}

/* Whether this pop is to be sampled. */
static bool
count_to_sample(tsd_t *tsd, tcache_bin_t *cold, uint32_t size)
{
    if (is_to_draw(cold)) {
        draw(tsd, cold, size);
    }
    bool is_sampled = cold->until_sample == 1;
    tsd->hit_rate = is_sampled ? cold->sample_rate : tsd->hit_rate;
    if (is_sampled) {
        draw(tsd, cold, size);
    } else if (cold->until_sample != 0) {
        cold->until_sample--;
    }
    return is_sampled;
}

static void
count_to_step(tsd_t *tsd, tcache_bin_t *cold, uint32_t size)
{
    if (cold->until_step == 0) {
        cold->until_step = step(size);
    }
    if (--cold->until_step == 0) {
        cold->until_step = step(size);
        tsd->progress += (uint64_t)size * cold->until_step;
    }
}

/* How many pops are left to the hot path: all before the next that is ours. */
static uint32_t
grant(tcache_bin_t *cold)
{
    uint32_t left = cold->until_step - 1;
    if (cold->until_sample != 0) {
        left = (uint32_t)JE_MIN(left, cold->until_sample - 1);
        cold->until_sample -= left;
    }
    cold->until_step -= left;
    return left;
}

bool
tcache_count_due(tsd_t *tsd, unsigned cls)
{
    cache_bin_t *bin = tsd_bin(tsd, cls);
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    bool is_sampled = count_to_sample(tsd, cold, bin->size);
    count_to_step(tsd, cold, bin->size);
    uint32_t left = grant(cold);
    set_pops(bin, cold, cold->pops_due + 1, left);
    return is_sampled;
}

/* Pops of a step that is not at its end. */
static uint64_t
untold(const cache_bin_t *bin, const tcache_bin_t *cold)
{
    uint32_t ahead = cold->until_step + (uint32_t)JE_MAX(bin->left, 0);
    uint32_t whole = step(bin->size);
    return cold->until_step != 0 && ahead < whole ? whole - ahead : 0;
}

/* What was left to the hot path is not, and no step is begun. */
static void
take_back(cache_bin_t *bin, tcache_bin_t *cold)
{
    uint32_t left = (uint32_t)JE_MAX(bin->left, 0);
    cold->until_step = 0;
    cold->until_sample += cold->until_sample != 0 ? left : 0;
    set_pops(bin, cold, cold->pops_due - left, 0);
}

uint64_t
tcache_count_close(tsd_t *tsd, unsigned cls)
{
    cache_bin_t *bin = tsd_bin(tsd, cls);
    tcache_bin_t *cold = tsd_bin_cold(tsd, cls);
    account_t a = account_read(bin, cold);
    bytes_add(&tsd->past, a.pops * bin->size, a.pushes * bin->size);
    tsd->progress += untold(bin, cold) * bin->size;
    take_back(bin, cold);
    cold->pops_due -= a.pops;
    cold->net = 0;
    cold->pops_seen = 0;
    cold->pops_given = 0;
    cold->is_given = cold->is_missed = cold->is_asked = false;
    return a.pops;
}
