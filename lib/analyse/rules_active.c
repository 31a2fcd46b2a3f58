/* Section A: between what is allocated and the pages that hold it.
 *
 * active = allocated + holes in slabs [+ a page per large object], exactly; so
 * each of these rules looks at a loss that no purging can win back. */
#include "analyse/rules_common.h"

#include <stdio.h>
#include <string.h>

#define HOLES_SHARE      0.10 /* of allocated */
#define HOLES_SHARE_HIGH 0.25 /* of allocated, or of RSS */

#define BIN_UTILIZATION 0.75
#define BIN_SHARE       0.05 /* of all holes, or: */
#define BIN_BYTES       (10 * RULE_MIB)
#define BINS_SHOWN      5

#define TCACHE_SHARE 0.10 /* of allocated */

/* How bad holes are that are this part of what is allocated. */
static enum jep_severity
holes_severity(const struct rule_input *in, double share, uint64_t bytes)
{
    if (share >= HOLES_SHARE_HIGH ||
        rule_share(bytes, in->rss) >= HOLES_SHARE_HIGH || bytes >= RULE_GIB)
        return JEP_HIGH;
    return share >= HOLES_SHARE ? JEP_MEDIUM : JEP_LOW;
}

/* The arena that has most of the holes, as evidence, where arenas are known
 * and one has more than its share. */
static void
show_worst_arena(const struct rule_input *in, struct finding *finding,
                 uint64_t holes)
{
    const struct jep_arena *worst = NULL;
    char name[64];

    for (size_t i = 0; i < in->view->arena_count; i++) {
        const struct jep_arena *arena = &in->view->arenas[i];

        if (arena->name[0] >= '0' && arena->name[0] <= '9' &&
            arena->slab_holes.known &&
            (worst == NULL ||
             arena->slab_holes.value > worst->slab_holes.value))
            worst = arena;
    }
    if (worst == NULL || worst->slab_holes.value * 2 < holes)
        return;
    snprintf(name, sizeof(name), "of it in arena %.20s", worst->name);
    finding_size(finding, name, worst->slab_holes);
}

/* "3.1 MiB in 1204 slabs, 41.2 % used" */
static void
show_bin(struct finding *finding, const struct jep_bin *bin)
{
    char name[64], text[128], size[FINDING_SIZE_MAX];

    snprintf(name, sizeof(name), "bin of %llu bytes",
             (unsigned long long)bin->size);
    snprintf(text, sizeof(text), "%s unused in %llu slabs, %.1f %% used",
             finding_size_text(size, (double)bin->wasted_bytes),
             (unsigned long long)bin->curslabs, bin->utilization.value * 100.0);
    finding_text(finding, name, text, bin->line);
}

static void
holes_action(const struct rule_input *in, struct finding *finding)
{
    static const char first[] =
        "A heap profile names who allocates the sizes that waste most. "
        "Keep objects that live long, or come in bursts, ";
    static const char last[] =
        " Decay, purging and retain change nothing: the pages are in use.";
    unsigned long long cpus =
        in->view->process.cpus.known ? in->view->process.cpus.value : 0;

    if (!rule_is_jemalloc(in))
        finding_action(finding,
                       "%sin an arena of their own (jea_mallocx with "
                       "MALLOCX_ARENA and MALLOCX_TCACHE_NONE), and lower the "
                       "number of arenas with MALLOC_CONF=narenas:N, N being "
                       "the processors in use%s.%s",
                       first, cpus == 0 ? "" : " or fewer", last);
    else if (rule_is_below(in, RELEASE_4_0))
        finding_action(finding,
                       "%sapart from the rest, and lower the number of arenas "
                       "with MALLOC_CONF=narenas:N, N being the processors in "
                       "use.%s",
                       first, last);
    else
        finding_action(finding,
                       "%sin an arena of their own (mallocx with MALLOCX_ARENA "
                       "and MALLOCX_TCACHE_NONE), and lower the number of "
                       "arenas with MALLOC_CONF=narenas:N, N being the "
                       "processors in use. In Redis: CONFIG SET activedefrag "
                       "yes.%s",
                       first, last);
}

/* active - allocated, where it is holes or padding and nothing else. */
static struct jep_figure
gap_known(const struct rule_input *in)
{
    const struct jep_summary *s = &in->view->summary;
    enum jep_allocator allocator = in->view->source.allocator;

    /* Redis' own figures have rules of their own. */
    if ((allocator != JEP_ALLOCATOR_JEMALLOC &&
         allocator != JEP_ALLOCATOR_JEALLOC) ||
        in->snapshot->redis[REDIS_ALLOCATOR_ACTIVE].known || !s->active.known ||
        !s->allocated.known || s->active.value < s->allocated.value)
        return (struct jep_figure){0};
    return figure_derived(s->active.value - s->allocated.value);
}

/* What slabs waste; without a table of bins at least what padding cannot be:
 * it is a quarter of the smallest large objects, and less of all others. */
static struct jep_figure
holes_known(const struct rule_input *in, struct jep_figure gap)
{
    const struct jep_summary *s = &in->view->summary;
    uint64_t padding = s->allocated.value / 4;

    if (s->slab_holes.known || !gap.known)
        return s->slab_holes;
    if (s->padding.known)
        padding = s->padding.value;
    else if (!rule_is_jemalloc(in) || rule_is_below(in, RELEASE_4_0))
        padding = 0;
    return figure_derived(gap.value - JE_MIN(gap.value, padding));
}

/* Much is lost, and the dump cannot say to what. */
static bool
holes_or_padding(const struct rule_input *in, struct finding *finding,
                 struct jep_figure gap)
{
    const struct jep_summary *s = &in->view->summary;
    char text[FINDING_SIZE_MAX];

    if (s->slab_holes.known || s->padding.known ||
        !rule_is_part(gap, HOLES_SHARE, s->allocated) ||
        !rule_is_worth(in, gap.value) ||
        rule_padding(in, &(struct rule_padding){0}))
        return false;
    finding_title(finding,
                  "Active is %s above allocated (%.1f %%): holes in slabs or "
                  "padding of large objects, and the dump cannot tell which",
                  finding_size_text(text, (double)gap.value),
                  100.0 * rule_share(gap.value, s->allocated.value));
    finding_bytes(finding, gap.value);
    finding_severity(finding, gap.value >= RULE_GIB ? JEP_MEDIUM : JEP_INFO);
    finding_size(finding, "allocated", s->allocated);
    finding_size(finding, "active", s->active);
    finding_size(finding, "active - allocated", gap);
    finding_action(finding, "Dump again with the tables of bins and of large "
                            "objects: malloc_stats_print without the letters "
                            "a, b, g, l and m.");
    return true;
}

bool
rule_slab_waste_high(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure gap = gap_known(in), holes = holes_known(in, gap);
    char text[FINDING_SIZE_MAX];
    double share;

    if (!rule_is_part(holes, HOLES_SHARE, s->allocated))
        return holes_or_padding(in, finding, gap);
    share = rule_share(holes.value, s->allocated.value);
    finding_title(finding,
                  "Part-empty slabs hold %s%s that no object uses, %.1f %% of "
                  "what is allocated",
                  s->slab_holes.known ? "" : "at least ",
                  finding_size_text(text, (double)holes.value), share * 100.0);
    finding_bytes(finding, holes.value);
    finding_severity(finding, holes_severity(in, share, holes.value));
    finding_size(finding, "allocated", s->allocated);
    finding_size(finding, "active", s->active);
    finding_size(finding,
                 s->slab_holes.known ? "holes in slabs"
                                     : "active - allocated - any padding",
                 holes);
    show_worst_arena(in, finding, holes.value);
    for (size_t i = 0; i < in->view->bin_count && i < BINS_SHOWN; i++) {
        if (rule_share(in->view->bins[i].wasted_bytes, holes.value) >=
            BIN_SHARE)
            show_bin(finding, &in->view->bins[i]);
    }
    holes_action(in, finding);
    return true;
}

/* The size class below `size`; 0 = there is none. */
static uint64_t
class_below(const struct rule_input *in, uint64_t size)
{
    const struct table *classes = &in->snapshot->bin_classes;
    uint64_t below = 0, other;

    for (size_t row = 0; row < classes->rows; row++) {
        if (table_get(classes, row, BIN_SIZE, &other) && other < size &&
            other > below)
            below = other;
    }
    return below;
}

static void
bin_action(const struct rule_input *in, struct finding *finding,
           const struct jep_bin *bin)
{
    unsigned long long from = class_below(in, bin->size) + 1;
    unsigned long long to = bin->size;

    if (rule_is_jemalloc(in) && rule_is_from(in, RELEASE_5_3_1))
        finding_action(finding,
                       "Look for objects of %llu to %llu bytes in the code or "
                       "in a heap profile; pool them, free them together, or "
                       "change their size. "
                       "MALLOC_CONF=tcache_ncached_max:%llu-%llu:8 keeps "
                       "thread caches from holding many of them.",
                       from, to, from, to);
    else
        finding_action(finding,
                       "Look for objects of %llu to %llu bytes in the code or "
                       "in a heap profile; pool them, free them together, or "
                       "change their size.",
                       from, to);
}

bool
rule_low_bin_utilisation(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    const struct jep_bin *worst = NULL;
    uint64_t bytes = 0;
    size_t count = 0;

    if (!s->slab_holes.known)
        return false;
    for (size_t i = 0; i < in->view->bin_count; i++) {
        const struct jep_bin *bin = &in->view->bins[i];

        if (!bin->utilization.known ||
            bin->utilization.value >= BIN_UTILIZATION ||
            (bin->wasted_bytes < BIN_BYTES &&
             rule_share(bin->wasted_bytes, s->slab_holes.value) < BIN_SHARE))
            continue;
        worst = worst != NULL ? worst : bin;
        bytes += bin->wasted_bytes;
        if (count++ < BINS_SHOWN)
            show_bin(finding, bin);
    }
    if (worst == NULL)
        return false;
    finding_title(finding,
                  "Slabs of %zu size class%s are less than %.0f %% full, most "
                  "is lost to %llu bytes (%.1f %% full)",
                  count, count == 1 ? "" : "es", BIN_UTILIZATION * 100.0,
                  (unsigned long long)worst->size,
                  worst->utilization.value * 100.0);
    finding_bytes(finding, bytes);
    finding_severity(
        finding,
        holes_severity(in, rule_share(s->slab_holes.value, s->allocated.value),
                       bytes));
    bin_action(in, finding, worst);
    return true;
}

bool
rule_allocated_includes_tcache(const struct rule_input *in,
                               struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    char text[FINDING_SIZE_MAX];
    bool is_much = rule_is_part(s->tcache, TCACHE_SHARE, s->allocated);

    /* Other allocators count what is cached as free. */
    if (foreign_is(in->snapshot) || !s->tcache.known || !s->allocated.known ||
        !rule_is_worth(in, s->tcache.value))
        return false;
    finding_title(finding,
                  "%s of what counts as allocated is free memory in thread "
                  "caches (%.1f %%)",
                  finding_size_text(text, (double)s->tcache.value),
                  100.0 * rule_share(s->tcache.value, s->allocated.value));
    finding_bytes(finding, s->tcache.value);
    finding_severity(finding, is_much ? JEP_MEDIUM : JEP_INFO);
    finding_size(finding, "tcache_bytes", s->tcache);
    finding_size(finding, "allocated", s->allocated);
    finding_count(finding, "threads",
                  s->threads.known ? s->threads : in->view->process.threads);
    if (s->tcache.value <= s->allocated.value)
        finding_size(finding, "allocated - tcache_bytes",
                     figure_derived(s->allocated.value - s->tcache.value));
    return true;
}
