/* The handful of figures everything else is said in relation to.
 *
 * A dump states most of them; what it does not state is put together from the
 * arenas, and only from figures that were read. */
#include "analyse/report.h"

#include <stdlib.h>
#include <string.h>

struct jep_figure
figure_derived(uint64_t value)
{
    return (struct jep_figure){.value = value, .known = true, .derived = true};
}

struct jep_figure
figure_times(struct jep_figure figure, uint64_t factor)
{
    uint64_t product;

    if (factor == 0 || __builtin_mul_overflow(figure.value, factor, &product))
        return (struct jep_figure){0};
    figure.value = product;
    figure.derived = true;
    return figure;
}

struct jep_figure
figure_plus(struct jep_figure a, struct jep_figure b)
{
    if (!a.known || !b.known ||
        __builtin_add_overflow(a.value, b.value, &a.value))
        return (struct jep_figure){0};
    a.derived = true;
    return a;
}

struct jep_figure
figure_minus(struct jep_figure a, struct jep_figure b)
{
    if (!a.known || !b.known || a.value < b.value)
        return (struct jep_figure){0};
    a.value -= b.value;
    a.derived = true;
    return a;
}

struct jep_figure
figure_or(struct jep_figure first, struct jep_figure second)
{
    return first.known ? first : second;
}

struct jep_figure
summary_whole(const struct jep_summary *s)
{
    return figure_or(figure_or(s->rss, s->resident),
                     figure_or(s->active, s->mapped));
}

/* Whether the rows of a table are all there, although the dump is not known
 * to be complete: what follows it was reached, or it adds up. */
static bool
table_is_whole(const struct snapshot *snapshot, bool next_reached,
               struct jep_figure sum, uint64_t added)
{
    if (sum.known)
        return sum.value == added || snapshot->complete;
    return snapshot->complete || next_reached;
}

struct jep_figure
summary_slab_holes(const struct snapshot *snapshot,
                   const struct snapshot_arena *arena)
{
    struct jep_figure gaps = arena->figures[ARENA_SLAB_GAPS];
    uint64_t holes = 0, used = 0, ignored;

    if (arena->bins.rows == 0)
        return (struct jep_figure){0};
    for (size_t row = 0; row < arena->bins.rows; row++) {
        uint64_t regs, slabs, size, slab;

        if (!table_get(&arena->bins, row, BIN_CURSLABS, &slabs)) {
            /* A row that is not printed is an empty class. */
            if (table_known(&arena->bins, row) == 0)
                continue;
            return (struct jep_figure){0};
        }
        if (!snapshot_bin(snapshot, arena, row, BIN_CURREGS, &regs) ||
            !snapshot_bin(snapshot, arena, row, BIN_SIZE, &size))
            return (struct jep_figure){0};
        if (!snapshot_bin(snapshot, arena, row, BIN_SLAB_SIZE, &slab)) {
            if (!snapshot_bin(snapshot, arena, row, BIN_NREGS, &ignored))
                return (struct jep_figure){0};
            slab = ignored * size;
        }
        used += regs * size;
        /* Counters are read one after the other; a bin may look overfull. */
        if (slabs * slab > regs * size)
            holes += slabs * slab - regs * size;
    }
    if (!table_is_whole(snapshot, arena->larges.rows > 0,
                        arena->small[SMALL_ALLOCATED], used))
        return (struct jep_figure){0};
    if (gaps.known) /* whole pages of them went back and are not active */
        holes -= JE_MIN(holes, gaps.value);
    return figure_derived(holes);
}

/* Where the table is missing, the sums have it: what was allocated and not
 * freed.  Before 5.0 they leave out the huge ones. */
static struct jep_figure
large_count_by_sums(const struct snapshot *snapshot,
                    const struct snapshot_arena *arena)
{
    struct jep_figure made = arena->large[SMALL_NMALLOC];
    struct jep_figure freed = arena->large[SMALL_NDALLOC];
    unsigned from, to;

    summary_releases(snapshot, &from, &to);
    if (!made.known || !freed.known || freed.value > made.value || from < 50000)
        return (struct jep_figure){0};
    return figure_derived(made.value - freed.value);
}

struct jep_figure
summary_large_count(const struct snapshot *snapshot,
                    const struct snapshot_arena *arena)
{
    uint64_t count = 0, bytes = 0, value, size;
    struct jep_figure sum = arena->large[SMALL_ALLOCATED];

    for (size_t row = 0; row < arena->larges.rows; row++) {
        if (!table_get(&arena->larges, row, LARGE_CUREXTENTS, &value))
            continue;
        count += value;
        if (table_get(&arena->larges, row, LARGE_SIZE, &size) ||
            table_get(&snapshot->large_classes, row, LARGE_SIZE, &size))
            bytes += value * size;
    }
    if (arena->larges.rows == 0 && !(sum.known && sum.value == 0))
        return large_count_by_sums(snapshot, arena);
    if (!table_is_whole(snapshot, arena->extents.rows > 0, sum, bytes))
        return (struct jep_figure){0};
    return figure_derived(count);
}

/* The page that jemalloc adds to each large allocation. */
static struct jep_figure
padding(const struct snapshot *snapshot, const struct jep_summary *summary)
{
    const char *value = snapshot_setting(snapshot, "config.cache_oblivious");
    const char *option = snapshot_setting(snapshot, "opt.cache_oblivious");
    struct jep_figure pad, rest;

    if (snapshot->subject == NULL)
        return (struct jep_figure){0};
    if ((value != NULL && strcmp(value, "false") == 0) ||
        (option != NULL && strcmp(option, "false") == 0))
        return figure_derived(0);
    pad = figure_times(summary->large_objects, summary->page.value);
    if (value != NULL || option != NULL || !pad.known)
        return pad;
    /* Not stated: it is there if it is exactly what is missing, and not if
     * nothing is. */
    rest = figure_plus(summary->allocated, summary->slab_holes);
    if (rest.known && summary->active.known &&
        rest.value == summary->active.value)
        return figure_derived(0);
    rest = figure_plus(rest, pad);
    if (rest.known && summary->active.known &&
        rest.value == summary->active.value)
        return pad;
    return (struct jep_figure){0};
}

unsigned
summary_release(const struct snapshot *snapshot)
{
    const char *at = snapshot->version;
    unsigned release = 0;

    for (unsigned part = 0; part < 3; part++) {
        char *end;
        unsigned long number;

        if (at == NULL || *at < '0' || *at > '9')
            return 0;
        number = strtoul(at, &end, 10);
        if (number > 99 || (part < 2 && *end != '.'))
            return 0;
        release = release * 100 + (unsigned)number;
        at = end + 1;
    }
    return release;
}

void
summary_releases(const struct snapshot *s, unsigned *from, unsigned *to)
{
    static const struct jep_figure none;
    const struct jep_figure *total = s->total;
    const struct jep_figure *arena =
        s->subject != NULL ? s->subject->figures : NULL;

    /* The figure, and the release that first had it. */
    const struct {
        struct jep_figure figure;
        unsigned release;
    } first[] = {
        {total[TOTAL_RESIDENT], 40000},
        {total[TOTAL_RETAINED], 40200},
        {arena != NULL ? arena[ARENA_TCACHE_BYTES] : none, 50000},
        {arena != NULL ? arena[ARENA_PMUZZY] : none, 50000},
        {total[TOTAL_METADATA_THP], 50100},
        {arena != NULL ? arena[ARENA_EXTENT_AVAIL] : none, 50200},
        {arena != NULL ? arena[ARENA_ABANDONED_VM] : none, 50201},
        {arena != NULL ? arena[ARENA_TCACHE_STASHED] : none, 50300},
        {total[TOTAL_ZERO_REALLOCS], 50300},
        {total[TOTAL_METADATA_EDATA], 50301},
    };

    *from = *to = summary_release(s);
    if (*from != 0 || (s->format != DUMP_FORMAT_JEMALLOC_TEXT &&
                       s->format != DUMP_FORMAT_JEMALLOC_JSON))
        return;
    for (size_t i = 0; i < JE_ARRAY_LEN(first); i++) {
        if (first[i].figure.known && first[i].release > *from)
            *from = first[i].release;
    }
    /* One line of the text has them all, each release what it knows. */
    if (s->format != DUMP_FORMAT_JEMALLOC_TEXT ||
        !total[TOTAL_METADATA].known || !total[TOTAL_MAPPED].known)
        return;
    if (!total[TOTAL_METADATA_THP].known)
        *to = 50001;
    else if (!total[TOTAL_METADATA_EDATA].known)
        *to = 50300;
}

struct jep_figure
summary_base_resident(const struct snapshot *snapshot)
{
    uint64_t page = snapshot_page(snapshot), sum = 0;
    struct jep_figure base = {0};
    bool has_single = false;

    if (snapshot->subject != NULL)
        base = snapshot->subject->figures[ARENA_BASE];
    if (!base.known || page == 0)
        return base;
    for (size_t i = 0; i < snapshot->arena_count; i++) {
        const struct snapshot_arena *arena = snapshot->arenas[i];
        const struct jep_figure *part = &arena->figures[ARENA_BASE];

        if (arena->id < 0 || !part->known)
            continue;
        has_single = true;
        sum += (part->value + page - 1) / page * page;
    }
    /* Each arena rounds its own, if all of them are there. */
    if (!has_single || sum < base.value ||
        sum - base.value > page * snapshot->arena_count)
        sum = (base.value + page - 1) / page * page;
    base.value = sum;
    base.derived = true;
    return base;
}

static struct jep_ratio
ratio(struct jep_figure part, struct jep_figure whole)
{
    if (!part.known || !whole.known || whole.value == 0)
        return (struct jep_ratio){0};
    return (struct jep_ratio){(double)part.value / (double)whole.value, true};
}

/* (above - base) / base */
static struct jep_ratio
excess(struct jep_figure above, struct jep_figure base)
{
    struct jep_ratio r = ratio(above, base);

    if (r.known)
        r.value =
            ((double)above.value - (double)base.value) / (double)base.value;
    return r;
}

/* The figures that an arena holds for the process. */
static void
fill_from_arena(const struct snapshot *snapshot,
                const struct snapshot_arena *arena, struct jep_summary *out)
{
    const struct jep_figure *f = arena->figures;
    uint64_t page = out->page.value;

    out->allocated =
        figure_or(out->allocated, figure_plus(arena->small[SMALL_ALLOCATED],
                                              arena->large[SMALL_ALLOCATED]));
    out->active = figure_or(out->active, f[ARENA_ACTIVE]);
    out->active = figure_or(out->active, figure_times(f[ARENA_PACTIVE], page));
    out->metadata =
        figure_or(out->metadata, figure_plus(f[ARENA_BASE], f[ARENA_INTERNAL]));
    out->resident = figure_or(out->resident, f[ARENA_RESIDENT]);
    out->mapped = figure_or(out->mapped, f[ARENA_MAPPED]);
    out->retained = figure_or(out->retained, f[ARENA_RETAINED]);
    out->tcache = f[ARENA_TCACHE_BYTES];
    out->base = f[ARENA_BASE];
    out->internal = f[ARENA_INTERNAL];
    out->dirty = figure_times(f[ARENA_PDIRTY], page);
    out->muzzy = figure_times(f[ARENA_PMUZZY], page);
    out->threads = f[ARENA_NTHREADS];
    out->dirty_pages = f[ARENA_PDIRTY];
    out->slab_holes = summary_slab_holes(snapshot, arena);
    out->large_objects = summary_large_count(snapshot, arena);
    out->padding = padding(snapshot, out);
}

void
summary_fill(const struct snapshot *snapshot, struct jep_summary *out)
{
    const struct jep_figure *total = snapshot->total;
    uint64_t page = snapshot_page(snapshot);

    *out = (struct jep_summary){0};
    out->allocated = total[TOTAL_ALLOCATED];
    out->active = total[TOTAL_ACTIVE];
    out->metadata = total[TOTAL_METADATA];
    out->resident = total[TOTAL_RESIDENT];
    out->mapped = total[TOTAL_MAPPED];
    out->retained = total[TOTAL_RETAINED];
    out->rss = figure_or(snapshot->rollup[ROLLUP_RSS],
                         snapshot->status[STATUS_VM_RSS]);
    out->narenas = snapshot->constant[CONST_NARENAS];
    if (page != 0)
        out->page = figure_derived(page);
    if (foreign_is(snapshot))
        foreign_summary(snapshot, out);
    else if (snapshot->subject != NULL)
        fill_from_arena(snapshot, snapshot->subject, out);
    redis_summary(snapshot, out);
    out->internal_fragmentation = excess(out->active, out->allocated);
    out->external_fragmentation = excess(out->resident, out->active);
    out->metadata_per_allocated = ratio(out->metadata, out->allocated);
    out->metadata_per_resident = ratio(out->metadata, out->resident);
}

static bool
is_less(struct jep_figure a, struct jep_figure b)
{
    return a.known && b.known && a.value < b.value;
}

const char *
summary_not_nested(const struct jep_summary *s)
{
    if (s->active.known && s->active.value > SUMMARY_IMPOSSIBLE)
        return "active is more than a machine can map: the counter went below "
               "zero, and no figure that uses it can be right";
    if (is_less(s->active, s->allocated))
        return "active is below allocated, which cannot be: the counters are "
               "wrong, or of two moments";
    if (is_less(s->resident, s->active))
        return "resident is below active, which cannot be: the counters are "
               "wrong, or of two moments";
    if (is_less(s->resident, s->allocated))
        return "resident is below allocated, which cannot be: the counters "
               "are wrong, or of two moments";
    if (is_less(s->mapped, s->active))
        return "mapped is below active: memory of the huge page allocator is "
               "missing in mapped";
    if (is_less(s->mapped, s->resident))
        return "resident is above mapped: resident counts metadata and huge "
               "page allocator memory that mapped leaves out";
    return NULL;
}
