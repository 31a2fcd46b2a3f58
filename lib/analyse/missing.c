/* What a dump could hold and does not: lost on its way, or never asked for
 * (stats_print_opts leaves parts out, a small buffer tcmalloc's size classes).
 * What no version at hand prints is not missed. */
#include "analyse/report.h"

#include <string.h>

#define EXTENTS_FROM 50200 /* the first release with a table of extents */

static bool
has_options(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->setting_count; i++) {
        if (strncmp(snapshot->settings[i].name, "opt.", 4) == 0)
            return true;
    }
    return false;
}

static bool
has_rows(const struct snapshot *snapshot,
         const struct table *(*table)(const struct snapshot_arena *arena))
{
    for (size_t i = 0; i < snapshot->arena_count; i++) {
        if (table(snapshot->arenas[i])->rows > 0)
            return true;
    }
    return false;
}

static const struct table *
bins_of(const struct snapshot_arena *arena)
{
    return &arena->bins;
}

static const struct table *
larges_of(const struct snapshot_arena *arena)
{
    return &arena->larges;
}

static const struct table *
extents_of(const struct snapshot_arena *arena)
{
    return &arena->extents;
}

static void
miss(struct jep_source *source, bool is_there, const char *what)
{
    if (!is_there)
        source->missing[source->missing_count++] = what;
}

/* What the calls of other allocators print, if they are asked for all of it. */
static void
miss_of_others(const struct snapshot *s, struct jep_source *out)
{
    const struct jep_figure *t = s->tcmalloc, *g = s->glibc, *m = s->mimalloc;

    switch (s->format) {
    case DUMP_FORMAT_TCMALLOC:
        miss(out,
             t[TCMALLOC_IN_USE].known &&
                 (t[TCMALLOC_ACTUAL].known || t[TCMALLOC_HEAP_SIZE].known),
             "totals");
        miss(out, s->classes.rows > 0, "size classes");
        break;
    case DUMP_FORMAT_GLIBC:
        miss(out, g[GLIBC_SYSTEM].known, "totals");
        miss(out, s->heaps.rows > 0, "heaps");
        miss(out, g[GLIBC_FAST].known, "kinds of free chunks");
        break;
    case DUMP_FORMAT_MIMALLOC:
        miss(out, m[MIMALLOC_COMMITTED].known, "totals");
        miss(out, m[MIMALLOC_BLOCKS].known, "blocks in use");
        miss(out, snapshot_setting(s, "verbose") != NULL, "options");
        break;
    default:
        break;
    }
}

void
missing_fill(const struct snapshot *snapshot, struct jep_source *out)
{
    const struct jep_figure *total = snapshot->total;
    unsigned from, to;

    out->missing_count = 0;
    miss_of_others(snapshot, out);
    if (snapshot->format != DUMP_FORMAT_JEMALLOC_TEXT &&
        snapshot->format != DUMP_FORMAT_JEMALLOC_JSON)
        return;
    summary_releases(snapshot, &from, &to);
    miss(out, snapshot->version != NULL, "version");
    miss(out, has_options(snapshot), "options");
    miss(out,
         total[TOTAL_ALLOCATED].known || total[TOTAL_ACTIVE].known ||
             total[TOTAL_RESIDENT].known,
         "totals");
    miss(out, snapshot->arena_count > 0, "arenas");
    if (snapshot->arena_count == 0)
        return;
    miss(out, has_rows(snapshot, bins_of), "bins");
    miss(out, has_rows(snapshot, larges_of), "large classes");
    miss(out, from < EXTENTS_FROM || has_rows(snapshot, extents_of), "extents");
}
