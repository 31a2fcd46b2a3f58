/* A dump put together by hand, and what its summary is. */
#ifndef JE_T_UNIT_BY_HAND_H
#define JE_T_UNIT_BY_HAND_H

#include "base/macros.h"

#include "analyse/report.h"
#include "t/unit/figures.h"

enum { PAGE = 4096 };

static struct snapshot *snapshot;
static struct snapshot_arena *arena;

/* An empty dump of 5.3.0 with pages of 4 KiB, and the arena of all. */
static void
start(void)
{
    snapshot = snapshot_new();
    ck_assert(snapshot != NULL);
    arena = snapshot_arena_new(&snapshot->region, DUMP_ARENA_MERGED);
    ck_assert(arena != NULL);
    snapshot->format = DUMP_FORMAT_JEMALLOC_TEXT;
    snapshot->version = "5.3.0";
    snapshot->constant[CONST_PAGE] = figure(PAGE);
    snapshot->subject = arena;
}

static void
end(void)
{
    snapshot->subject = NULL;
    snapshot_free(snapshot);
}

static struct jep_summary
summary(void)
{
    struct jep_summary out;

    summary_fill(snapshot, &out);
    return out;
}

#endif
