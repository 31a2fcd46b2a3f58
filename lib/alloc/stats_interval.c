/*
 * Printing statistics by allocated bytes: see stats_interval.h.
 */
#include "alloc/stats_interval.h"

#include "alloc/conf.h"
#include "alloc/stats.h"

/* A thread's piece; more would let many threads hold back too much. */
#define PIECE_MAX ((uint64_t)1 << 20)

enum { LG_PIECES = 6 };

static uint64_t interval; /* 0: never */
static uint64_t piece;
static uint64_t reported; /* bytes in all */
static uint32_t is_printing;

void
stats_interval_boot(void)
{
    if (conf.stats_interval >= 0) {
        interval = (uint64_t)JE_MAX(conf.stats_interval, 1);
        piece = JE_MIN((interval >> LG_PIECES) + 1, PIECE_MAX);
    }
}

uint64_t
stats_interval_piece(void)
{
    return interval > 0 ? piece : UINT64_MAX;
}

void
stats_interval_start(tsd_t *tsd)
{
    tsd->next_stats = interval > 0 ? tsd->progress + piece : UINT64_MAX;
}

void
stats_interval_report(tsd_t *tsd)
{
    if (interval == 0) {
        return;
    }
    uint64_t bytes = tsd->progress - tsd->next_stats + piece;
    uint64_t before = atomic_add_rlx(&reported, bytes);
    if (before / interval != (before + bytes) / interval) {
        tsd->is_stats_due = true;
    }
    stats_interval_start(tsd);
}

void
stats_interval_print(tsd_t *tsd)
{
    uint32_t expected = 0;
    if (!atomic_cas_acq(&is_printing, &expected, 1u)) {
        return;
    }
    tsd->is_stats_due = false;
    je_stats_print(NULL, NULL, conf.stats_interval_opts);
    (void)atomic_xchg_rel(&is_printing, 0u);
}

/* Who was printing may be gone. If it is this thread, in a signal handler, that
 * goes on; no harm is done. */
void
stats_interval_fork_child(void)
{
    atomic_store_rlx(&is_printing, 0u);
}
