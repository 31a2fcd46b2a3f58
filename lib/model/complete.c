/* What dumps leave to the reader: sums, and what is the same for all arenas.
 *
 * All of it is marked as derived. */
#include "model/complete.h"

#include "model/locks.h"
#include "model/sane.h"

#include <stdlib.h>
#include <string.h>

/* A sum is known only if all of its parts are, and if it is a number. */
static void
figures_add(struct jep_figure *sum, const struct jep_figure *part, size_t count,
            bool is_first)
{
    for (size_t i = 0; i < count; i++) {
        if (is_first)
            sum[i] = part[i];
        else if (!sum[i].known || !part[i].known ||
                 __builtin_add_overflow(sum[i].value, part[i].value,
                                        &sum[i].value))
            sum[i] = (struct jep_figure){0};
        sum[i].derived = true;
    }
}

/* Times do not add up: a decay time is that of all or unknown, and the oldest
 * arena is as old as the process. */
static struct jep_figure
time_of_both(enum arena_field field, struct jep_figure a, struct jep_figure b)
{
    if (!a.known || !b.known ||
        (field != ARENA_UPTIME_NS && a.value != b.value))
        return (struct jep_figure){.derived = true};
    if (a.value < b.value)
        a.value = b.value;
    return a;
}

static void
figures_sum(struct snapshot_arena *sum, const struct snapshot_arena *arena,
            bool is_first)
{
    static const enum arena_field times[] = {
        ARENA_DIRTY_DECAY_MS, ARENA_MUZZY_DECAY_MS, ARENA_UPTIME_NS};
    struct jep_figure before[sizeof(times) / sizeof(times[0])];
    size_t count = sizeof(times) / sizeof(times[0]);

    for (size_t i = 0; i < count; i++)
        before[i] = sum->figures[times[i]];
    figures_add(sum->figures, arena->figures, ARENA_COUNT, is_first);
    figures_add(sum->small, arena->small, SMALL_COUNT, is_first);
    figures_add(sum->large, arena->large, SMALL_COUNT, is_first);
    figures_add(sum->hpa, arena->hpa, HPA_COUNT, is_first);
    for (size_t i = 0; i < count && !is_first; i++)
        sum->figures[times[i]] =
            time_of_both(times[i], before[i], arena->figures[times[i]]);
}

#define BIT(field) (1u << (field))

static bool
tables_sum(struct snapshot_arena *sum, const struct snapshot_arena *arena)
{
    const uint32_t waits = BIT(MUTEX_MAX_WAIT_TIME) | BIT(MUTEX_MAX_NUM_THDS);

    return table_add(&sum->bins, &arena->bins,
                     BIT(BIN_SIZE) | BIT(BIN_INDEX) | BIT(BIN_NREGS) |
                         BIT(BIN_PAGES) | BIT(BIN_SLAB_SIZE) | BIT(BIN_NSHARDS),
                     0) &&
           table_add(&sum->larges, &arena->larges,
                     BIT(LARGE_SIZE) | BIT(LARGE_INDEX), 0) &&
           table_add(&sum->extents, &arena->extents,
                     BIT(EXTENT_SIZE) | BIT(EXTENT_INDEX), 0) &&
           table_add(&sum->mutexes, &arena->mutexes, 0, waits) &&
           table_add(&sum->bin_mutexes, &arena->bin_mutexes, 0, waits) &&
           table_add(&sum->hpa_slabs, &arena->hpa_slabs,
                     BIT(HPA_SLAB_SIZE) | BIT(HPA_SLAB_INDEX), 0);
}

#undef BIT

/* Add up the arenas that are single arenas. */
static struct snapshot_arena *
arenas_sum(struct snapshot *snapshot)
{
    struct snapshot_arena *sum =
        snapshot_arena_new(&snapshot->region, DUMP_ARENA_MERGED);
    bool is_first = true;

    for (size_t i = 0; sum != NULL && i < snapshot->arena_count; i++) {
        const struct snapshot_arena *arena = snapshot->arenas[i];

        if (arena->id < 0)
            continue;
        figures_sum(sum, arena, is_first);
        is_first = false;
        if (!tables_sum(sum, arena))
            return NULL;
    }
    return sum;
}

/* Sizes and slab layouts of a text row do not add up over arenas: move them to
 * the class table, which belongs to all. */
static bool
classes_fill(struct snapshot *snapshot)
{
    static const enum bin_field shared[] = {BIN_SIZE, BIN_NREGS, BIN_PAGES,
                                            BIN_SLAB_SIZE};

    uint32_t fields = 0;

    for (size_t k = 0; k < JE_ARRAY_LEN(shared); k++)
        fields |= 1u << shared[k];
    for (size_t i = 0; i < snapshot->arena_count; i++) {
        const struct table *bins = &snapshot->arenas[i]->bins;
        uint32_t here = fields & bins->in_any;

        for (size_t row = 0; row < bins->rows; row++) {
            struct dump_cell cells[JE_ARRAY_LEN(shared)];
            size_t count = 0;

            /* The first arena says it for all of them. */
            if ((here & ~table_known(&snapshot->bin_classes, row)) == 0 ||
                (table_known(bins, row) & here &
                 ~table_known(&snapshot->bin_classes, row)) == 0)
                continue;
            for (size_t k = 0; k < JE_ARRAY_LEN(shared); k++) {
                cells[count].field = (int)shared[k];
                count += table_get(bins, row, shared[k], &cells[count].value);
            }
            if (!table_set_row(&snapshot->bin_classes, row,
                               &(struct dump_row){cells, count, 0},
                               table_line(bins, row)))
                return false;
        }
    }
    return true;
}

/* What 5.3.0 does not state: all huge page slabs of an arena. */
static void
hpa_fill(struct snapshot_arena *arena)
{
    static const struct {
        enum hpa_field sum;
        enum hpa_slab_field huge, nonhuge;
    } sums[] = {
        {HPA_NPAGESLABS, HPA_SLAB_NPAGESLABS_HUGE, HPA_SLAB_NPAGESLABS},
        {HPA_NACTIVE, HPA_SLAB_NACTIVE_HUGE, HPA_SLAB_NACTIVE},
        {HPA_NDIRTY, HPA_SLAB_NDIRTY_HUGE, HPA_SLAB_NDIRTY},
    };
    const struct table *slabs = &arena->hpa_slabs;

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        struct jep_figure *sum = &arena->hpa[sums[i].sum];
        uint64_t part;

        if (sum->known || slabs->rows <= HPA_ROW_FULL)
            continue;
        *sum = (struct jep_figure){.known = true, .derived = true};
        for (size_t row = HPA_ROW_FULL; row < slabs->rows; row++) {
            if (table_get(slabs, row, sums[i].huge, &part))
                sum->value += part;
            if (table_get(slabs, row, sums[i].nonhuge, &part))
                sum->value += part;
        }
    }
}

static void
arenas_fill(struct snapshot *snapshot)
{
    for (size_t i = 0; snapshot->complete && i < snapshot->arena_count; i++)
        hpa_fill(snapshot->arenas[i]);
}

/* The arena that stands for the process. */
static bool
subject_choose(struct snapshot *snapshot)
{
    struct snapshot_arena *only = NULL, *fragment = NULL;
    size_t singles = 0;

    for (size_t i = 0; i < snapshot->arena_count; i++) {
        struct snapshot_arena *arena = snapshot->arenas[i];

        if (arena->id == DUMP_ARENA_MERGED)
            snapshot->subject = arena;
        else if (arena->id == DUMP_ARENA_FRAGMENT)
            fragment = arena;
        else if (arena->id >= 0 && singles++ == 0)
            only = arena;
    }
    if (snapshot->subject != NULL)
        return true;
    snapshot->subject = singles > 0 ? only : fragment;
    if (singles < 2)
        return true;
    /* More arenas may be missing at the end of a cut-off dump: no sum. */
    snapshot->subject = NULL;
    if (!snapshot->complete)
        return snapshot_warn(snapshot, 0, 0,
                             "the dump ends among its arenas and has no "
                             "merged statistics: nothing is summed up");
    snapshot->sum = arenas_sum(snapshot);
    snapshot->subject = snapshot->sum;
    return snapshot->sum != NULL;
}

bool
snapshot_complete(struct snapshot *snapshot)
{
    locks_align(snapshot);
    if (!snapshot_sane(snapshot) || !classes_fill(snapshot))
        return false;
    arenas_fill(snapshot);
    return subject_choose(snapshot) && snapshot_warnings_close(snapshot);
}
