/* Section L: glibc's malloc.
 *
 * Pages that malloc_trim() gave back stay "system bytes".  Only the RSS shows
 * it, so where that is known, no more counts as free than it has room for. */
#include "analyse/rules_other.h"

#define FREE_SHARE       0.30 /* of what the heaps took from the system */
#define FAST_SHARE       0.10 /* of the same */
#define OTHERS_SHARE     0.50 /* of what is free, beyond the first arena */
#define ARENAS_FEWEST    5    /* that a limit of 4 has an effect on */
#define ARENAS_UNCERTAIN 8    /* that one processor may have */
#define MMAP_LEFT        0.50 /* of the most that was mapped one by one */
#define MMAP_LARGEST     ((uint64_t)32 << 20) /* that moves the threshold */

/* Sums over the heaps, without what is mapped one by one. */
struct heaps {
    struct jep_figure system, in_use;
    struct jep_figure unused;   /* as far as the RSS has room for it */
    double unused_share;        /* of system */
    struct jep_figure mapped;   /* one by one */
    struct jep_figure resident; /* anonymous RSS */
};

static bool
heaps_sum(const struct rule_input *in, struct heaps *out)
{
    const struct jep_figure *g = in->snapshot->glibc;
    struct jep_figure free_now, held;

    *out = (struct heaps){.mapped = g[GLIBC_MMAP]};
    if (in->snapshot->format != DUMP_FORMAT_GLIBC)
        return false;
    out->system = g[GLIBC_HEAP_SYSTEM];
    out->in_use = g[GLIBC_HEAP_IN_USE];
    if (!out->system.known || !out->in_use.known) {
        struct jep_figure none = figure_derived(0);

        /* What is mapped is in both: their difference is right without it. */
        out->system =
            figure_minus(g[GLIBC_SYSTEM], figure_or(g[GLIBC_MMAP], none));
        out->in_use =
            figure_minus(g[GLIBC_IN_USE], figure_or(g[GLIBC_MMAP], none));
    }
    free_now = figure_minus(out->system, out->in_use);
    if (!free_now.known || out->system.value == 0)
        return false;
    out->resident = rule_heap_rss(in->snapshot, &in->view->summary);
    held = out->in_use;
    if (out->mapped.known)
        held = figure_plus(held, out->mapped);
    out->unused = free_now;
    if (out->resident.known) {
        struct jep_figure room = figure_minus(out->resident, held);

        /* An RSS below what is in use leaves none. */
        if (room.value < free_now.value)
            out->unused = figure_derived(room.value);
    }
    out->unused_share = rule_ratio(out->unused, out->system);
    return true;
}

/* What is free in arenas other than the first, in which the program began. */
static bool
unused_elsewhere(const struct snapshot *snapshot, uint64_t *all,
                 uint64_t *others)
{
    const struct table *t = &snapshot->heaps;

    *all = *others = 0;
    for (size_t row = 0; row < t->rows; row++) {
        uint64_t system, in_use;

        if (!table_get(t, row, HEAP_SYSTEM, &system) ||
            !table_get(t, row, HEAP_IN_USE, &in_use) || in_use > system)
            continue;
        *all += system - in_use;
        *others += row > 0 ? system - in_use : 0;
    }
    return *all > 0;
}

static bool
are_many_arenas(const struct rule_input *in)
{
    struct jep_figure arenas = in->snapshot->glibc[GLIBC_HEAPS];
    double cpus = rule_cpus(in->snapshot);

    if (cpus == 0.0)
        return arenas.value >= ARENAS_UNCERTAIN;
    return arenas.value >= ARENAS_FEWEST && (double)arenas.value >= cpus;
}

/* Whether arenas are why so much is free; *bytes: what lies in those beyond
 * the first. */
static bool
is_arena_bloat(const struct rule_input *in, const struct heaps *heaps,
               uint64_t *bytes)
{
    uint64_t all, others;
    double share;

    if (heaps->unused_share < FREE_SHARE || !are_many_arenas(in) ||
        !unused_elsewhere(in->snapshot, &all, &others))
        return false;
    share = (double)others / (double)all;
    *bytes = (uint64_t)(share * (double)heaps->unused.value);
    return share >= OTHERS_SHARE;
}

static void
show_heaps(const struct rule_input *in, struct finding *finding,
           const struct heaps *heaps)
{
    const struct jep_figure *g = in->snapshot->glibc;

    finding_size(finding, "system bytes",
                 figure_or(g[GLIBC_SYSTEM], heaps->system));
    finding_size(finding, "in use bytes",
                 figure_or(g[GLIBC_IN_USE], heaps->in_use));
    finding_size(finding, "of both, mapped one by one", heaps->mapped);
    finding_size(finding, "anonymous RSS", heaps->resident);
    finding_share(finding, "free in the heaps", heaps->unused_share);
}

bool
rule_glibc_arena_bloat(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot *s = in->snapshot;
    struct jep_figure arenas = s->glibc[GLIBC_HEAPS];
    struct heaps heaps;
    uint64_t bytes;
    double cpus = rule_cpus(s);

    if (!heaps_sum(in, &heaps) || !is_arena_bloat(in, &heaps, &bytes))
        return false;
    finding_bytes(finding, bytes);
    finding_title(finding,
                  "%llu arenas hold %s of free chunks that no thread of "
                  "another arena can use",
                  (unsigned long long)arenas.value,
                  SIZE_TEXT(heaps.unused.value));
    finding_count(finding, "arenas", arenas);
    if (cpus > 0.0)
        finding_ratio(finding, "processors", cpus);
    show_heaps(in, finding, &heaps);
    finding_size(finding, "free outside the first arena",
                 figure_derived(bytes));
    finding_count(finding, "heaps of 64 MiB in smaps",
                  s->rollup[ROLLUP_GLIBC_HEAPS]);
    return true;
}

/* Chunks smaller than a page, as they are on average, give back little. */
static void
show_chunks(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *g = in->snapshot->glibc;
    struct jep_figure bins = figure_minus(g[GLIBC_REST], g[GLIBC_TOP]);
    struct jep_figure count = figure_minus(g[GLIBC_REST_COUNT], g[GLIBC_HEAPS]);

    finding_size(finding, "free at the end of heaps (top)", g[GLIBC_TOP]);
    finding_size(finding, "free in fast bins", g[GLIBC_FAST]);
    if (bins.known && count.known && count.value > 0)
        finding_size(finding, "mean free chunk in other bins",
                     figure_derived(bins.value / count.value));
    finding_size(finding, "most that came from the system",
                 g[GLIBC_HEAP_SYSTEM_MAX]);
}

bool
rule_glibc_untrimmed(const struct rule_input *in, struct finding *finding)
{
    struct heaps heaps;
    uint64_t bytes;

    if (!heaps_sum(in, &heaps) || heaps.unused_share < FREE_SHARE ||
        is_arena_bloat(in, &heaps, &bytes))
        return false;
    finding_bytes(finding, heaps.unused.value);
    finding_title(finding,
                  "glibc keeps %s of free chunks: %.0f %% of what its heaps "
                  "took from the system",
                  SIZE_TEXT(heaps.unused.value), heaps.unused_share * 100.0);
    show_heaps(in, finding, &heaps);
    show_chunks(in, finding);
    return true;
}

/* The most that was mapped one by one: malloc_stats() remembers it, an earlier
 * dump can tell it. */
static void
mapped_peak(const struct rule_input *in, struct jep_figure *bytes,
            struct jep_figure *regions)
{
    const struct jep_figure *g = in->snapshot->glibc;

    *bytes = g[GLIBC_MMAP_MAX];
    *regions = g[GLIBC_MMAP_MAX_COUNT];
    if (bytes->known || in->before == NULL)
        return;
    *bytes = in->before->glibc[GLIBC_MMAP];
    *regions = in->before->glibc[GLIBC_MMAP_COUNT];
}

bool
rule_glibc_dynamic_mmap_threshold(const struct rule_input *in,
                                  struct finding *finding)
{
    struct heaps heaps;
    struct jep_figure peak, regions, gone;

    if (!heaps_sum(in, &heaps) || heaps.unused_share < FREE_SHARE)
        return false;
    mapped_peak(in, &peak, &regions);
    gone = figure_minus(peak, heaps.mapped);
    if (!gone.known || !regions.known || regions.value == 0 ||
        peak.value / regions.value > MMAP_LARGEST ||
        (double)heaps.mapped.value > MMAP_LEFT * (double)peak.value)
        return false;
    if (gone.value > heaps.unused.value)
        gone = heaps.unused;
    finding_severity(finding, JEP_LOW);
    finding_bytes(finding, gone.value);
    finding_title(finding,
                  "Blocks that used to be mapped one by one come from the "
                  "heap now: up to %s of its free memory",
                  SIZE_TEXT(gone.value));
    finding_size(finding, "most mapped one by one", peak);
    finding_count(finding, "in regions", regions);
    finding_size(finding, "mapped one by one now", heaps.mapped);
    finding_share(finding, "free in the heaps", heaps.unused_share);
    return true;
}

bool
rule_glibc_fastbins(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *g = in->snapshot->glibc;
    struct heaps heaps;
    double share;

    if (!heaps_sum(in, &heaps))
        return false;
    share = rule_ratio(g[GLIBC_FAST], heaps.system);
    if (share < FAST_SHARE)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_bytes(finding, g[GLIBC_FAST].value);
    finding_title(finding,
                  "Fast bins hold %s, %.0f %% of the heaps: chunks that are "
                  "not merged and not given back",
                  SIZE_TEXT(g[GLIBC_FAST].value), share * 100.0);
    finding_size(finding, "free in fast bins", g[GLIBC_FAST]);
    finding_count(finding, "chunks there", g[GLIBC_FAST_COUNT]);
    show_heaps(in, finding, &heaps);
    return true;
}
