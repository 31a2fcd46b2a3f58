/* Size classes by what their slabs waste, and the arenas side by side. */
#include "analyse/report.h"

#include <stdio.h>
#include <stdlib.h>

static int
bin_order(const void *a, const void *b)
{
    const struct jep_bin *x = a, *y = b;

    if (x->wasted_bytes != y->wasted_bytes)
        return x->wasted_bytes > y->wasted_bytes ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

bool
bins_rank(const struct snapshot *snapshot, struct jep_bin **bins, size_t *count)
{
    const struct snapshot_arena *arena = snapshot->subject;

    *bins = NULL;
    *count = 0;
    if (arena == NULL || arena->bins.rows == 0)
        return true;
    *bins = calloc(arena->bins.rows, sizeof(**bins));
    if (*bins == NULL)
        return false;
    for (size_t row = 0; row < arena->bins.rows; row++) {
        struct jep_bin *bin = &(*bins)[*count];
        uint64_t regions;

        *bin = (struct jep_bin){.line = table_line(&arena->bins, row)};
        if (!snapshot_bin(snapshot, arena, row, BIN_SIZE, &bin->size) ||
            !snapshot_bin(snapshot, arena, row, BIN_CURREGS, &bin->curregs) ||
            !snapshot_bin(snapshot, arena, row, BIN_CURSLABS, &bin->curslabs) ||
            !snapshot_bin(snapshot, arena, row, BIN_NREGS,
                          &bin->regs_per_slab) ||
            bin->curslabs == 0)
            continue;
        regions = bin->curslabs * bin->regs_per_slab;
        if (regions > bin->curregs)
            bin->wasted_bytes = (regions - bin->curregs) * bin->size;
        if (regions > 0)
            bin->utilization = (struct jep_ratio){
                (double)bin->curregs / (double)regions, true};
        (*count)++;
    }
    qsort(*bins, *count, sizeof(**bins), bin_order);
    return true;
}

/* The name of an arena in reports, put into `buffer`. */
static const char *
arena_name(int id, char *buffer, size_t size)
{
    switch (id) {
    case DUMP_ARENA_MERGED:
        return "merged";
    case DUMP_ARENA_DESTROYED:
        return "destroyed";
    case DUMP_ARENA_FRAGMENT:
        return "fragment";
    default:
        snprintf(buffer, size, "%d", id);
        return buffer;
    }
}

bool
arenas_list(const struct snapshot *snapshot, struct intern_text *texts,
            struct jep_arena **arenas, size_t *count)
{
    uint64_t page = snapshot_page(snapshot);

    *arenas = NULL;
    *count = 0;
    if (snapshot->arena_count == 0)
        return heaps_list(snapshot, texts, arenas, count);
    *arenas = calloc(snapshot->arena_count, sizeof(**arenas));
    if (*arenas == NULL)
        return false;
    for (size_t i = 0; i < snapshot->arena_count; i++) {
        const struct snapshot_arena *from = snapshot->arenas[i];
        const struct jep_figure *f = from->figures;
        struct jep_arena *to = &(*arenas)[(*count)++];
        char name[16];

        to->name = intern_text(texts, arena_name(from->id, name, sizeof(name)));
        if (to->name == NULL)
            return false;
        to->threads = f[ARENA_NTHREADS];
        to->allocated = figure_plus(from->small[SMALL_ALLOCATED],
                                    from->large[SMALL_ALLOCATED]);
        to->active =
            figure_or(f[ARENA_ACTIVE], figure_times(f[ARENA_PACTIVE], page));
        to->resident = f[ARENA_RESIDENT];
        to->mapped = f[ARENA_MAPPED];
        to->retained = f[ARENA_RETAINED];
        to->dirty = figure_times(f[ARENA_PDIRTY], page);
        to->muzzy = figure_times(f[ARENA_PMUZZY], page);
        to->base = f[ARENA_BASE];
        to->internal = f[ARENA_INTERNAL];
        to->tcache = f[ARENA_TCACHE_BYTES];
        to->slab_holes = summary_slab_holes(snapshot, from);
    }
    return true;
}
