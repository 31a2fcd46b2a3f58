/* What jemalloc's base metadata consists of.
 *
 * It never shrinks: 8 bytes a page of address space ever covered, 128 bytes an
 * extent (a slab, a large object, a free piece), and small things.  Up to 5.3.0
 * a dump has the sum; the parts are counted from the tables. */
#include "analyse/report.h"

#include <string.h>

#define TREE_ENTRY_BYTES 8

/* The size of a row, which JSON leaves out: 1 to 4 pages, then four sizes to a
 * doubling. */
static uint64_t
extent_size(size_t row, uint64_t page)
{
    size_t group = row < 4 ? 0 : (row - 4) / 4;

    if (row < 4)
        return (row + 1) * page;
    /* No extent is so large, and the size would not fit. */
    return group > 40 ? UINT64_MAX : ((row - 4) % 4 + 5) * page << group;
}

bool
summary_idle_extents(const struct snapshot *snapshot,
                     const struct snapshot_arena *arena, uint64_t size_max,
                     uint64_t *count, uint64_t *bytes)
{
    static const enum extent_field counts[] = {EXTENT_NDIRTY, EXTENT_NMUZZY,
                                               EXTENT_NRETAINED};

    static const enum extent_field sizes[] = {EXTENT_DIRTY, EXTENT_MUZZY};

    uint64_t value;

    *count = *bytes = 0;
    for (size_t row = 0; row < arena->extents.rows; row++) {
        if (!table_get(&arena->extents, row, EXTENT_SIZE, &value))
            value = extent_size(row, snapshot_page(snapshot));
        if (value > size_max)
            continue;
        for (size_t i = 0; i < JE_ARRAY_LEN(counts); i++) {
            if (table_get(&arena->extents, row, counts[i], &value))
                *count += value;
        }
        for (size_t i = 0; i < JE_ARRAY_LEN(sizes); i++) {
            if (table_get(&arena->extents, row, sizes[i], &value))
                *bytes += value;
        }
    }
    return arena->extents.rows > 0;
}

static uint64_t
slabs(const struct snapshot_arena *arena)
{
    uint64_t sum = 0, value;

    for (size_t row = 0; row < arena->bins.rows; row++) {
        if (table_get(&arena->bins, row, BIN_CURSLABS, &value))
            sum += value;
    }
    return sum;
}

/* Structures of extents that exist now: all of them, or nothing is known. */
static struct jep_figure
live_structures(const struct snapshot *snapshot)
{
    const struct snapshot_arena *arena = snapshot->subject;
    struct jep_figure larges;
    uint64_t idle, bytes;

    if (arena == NULL || arena->bins.rows == 0 ||
        !summary_idle_extents(snapshot, arena, UINT64_MAX, &idle, &bytes))
        return (struct jep_figure){0};
    larges = summary_large_count(snapshot, arena);
    larges.value += idle + slabs(arena);
    return figure_times(larges, larges.known ? SUMMARY_EDATA_BYTES : 0);
}

static bool
is_jemalloc(const struct snapshot *snapshot)
{
    return (snapshot->format == DUMP_FORMAT_JEMALLOC_TEXT ||
            snapshot->format == DUMP_FORMAT_JEMALLOC_JSON) &&
           (snapshot->version == NULL ||
            strstr(snapshot->version, "gjeprobe") == NULL);
}

struct summary_metadata
summary_metadata(const struct snapshot *snapshot,
                 const struct jep_summary *summary)
{
    struct summary_metadata out = {0};
    const struct jep_figure *total = snapshot->total;
    struct jep_figure space = figure_plus(summary->mapped, summary->retained);
    uint64_t page = snapshot_page(snapshot);
    unsigned from, to;

    summary_releases(snapshot, &from, &to);
    if (!is_jemalloc(snapshot) || from < 50000)
        return out;
    if (total[TOTAL_METADATA_RTREE].known &&
        total[TOTAL_METADATA_EDATA].known) {
        out.tree = total[TOTAL_METADATA_RTREE];
        out.live = total[TOTAL_METADATA_EDATA];
        return out;
    }
    if (space.known)
        out.tree = figure_derived(space.value /
                                  (page != 0 ? page : SUMMARY_PAGE_BYTES) *
                                  TREE_ENTRY_BYTES);
    out.live = live_structures(snapshot);
    if (snapshot->subject != NULL &&
        snapshot->subject->figures[ARENA_EXTENT_AVAIL].known)
        out.idle = figure_times(snapshot->subject->figures[ARENA_EXTENT_AVAIL],
                                SUMMARY_EDATA_BYTES);
    return out;
}
