/* Section C: the allocator's own memory.
 *
 * Base metadata never shrinks.  8 bytes for each page of address space that
 * was ever covered make the floor; what lies far above it are the structures
 * of extents, 128 bytes each, and their number says how badly the address
 * space is cut up. */
#include "analyse/rules_common.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXTENTS_BYTES      (64 * RULE_MIB)
#define EXTENTS_SHARE      0.03  /* of resident */
#define EXTENTS_TREES      3.0   /* times the floor */
#define EXTENTS_SHARE_HIGH 0.10  /* of resident */
#define EXTENTS_SMALL      16384 /* bytes of address space an extent */
#define EXTENTS_RETAINED   10    /* times mapped */

#define IDLE_SHARE      0.50 /* of base */
#define IDLE_SHARE_MUCH 0.10 /* of resident */

#define TREE_LEAST 0.8 /* of the floor */
#define TREE_MOST  2.0
#define TREE_SPACE RULE_TIB
#define TREE_HIGH  (10 * RULE_TIB)

#define SMALL_BASE      (3 * RULE_MIB)
#define SMALL_ARENA     (RULE_MIB / 10)
#define SMALL_ALLOCATED (64 * RULE_MIB)
#define SMALL_SHARE     0.03 /* of allocated */

#define HUGE_PAGE      (2 * RULE_MIB)
#define HUGE_PAGE_LOSS (10 * RULE_MIB)

#define OLD_SHARE    0.03 /* of resident */
#define OLD_RETAINED 4    /* times mapped */

#define HOOKS_SHARE 0.90 /* of all new free pieces are in such arenas */

#define REUSE_MOVE 0.05 /* of mapped */

/* Base metadata, or all of it where the dump does not say which is base. */
static struct jep_figure
base_or_all(const struct jep_summary *s)
{
    return figure_or(s->base, s->metadata);
}

static struct jep_figure
address_space(const struct jep_summary *s)
{
    return figure_plus(s->mapped, s->retained);
}

/* mapped leaves out the huge page allocator: no conclusion from it then. */
static bool
is_measurable(const struct rule_input *in)
{
    return rule_is_jemalloc(in) && !rule_option_is(in, "hpa", "true");
}

static void
extents_action(const struct rule_input *in, struct finding *finding)
{
    static const char restart[] =
        "Only a restart gives it back. To keep it from growing again: ";

    if (rule_is_below(in, RELEASE_5_1))
        finding_action(finding,
                       "%supgrade to 5.3.1 or at least 5.2.1 (5.0 cuts up "
                       "address space by its fit policy), and use fewer arenas "
                       "(MALLOC_CONF=narenas:N).",
                       restart);
    else if (rule_is_from(in, RELEASE_5_3_1))
        finding_action(finding,
                       "%sleave oversize_threshold at its 8 MiB or raise it to "
                       "64 MiB (never 0), use fewer arenas, and reuse less "
                       "eagerly: "
                       "MALLOC_CONF=narenas:N,lg_extent_max_active_fit:2. "
                       "retain:false for a test only: it is slow.",
                       restart);
    else if (rule_is_from(in, RELEASE_5_2))
        finding_action(finding,
                       "%supgrade to 5.3.1; leave oversize_threshold at its 8 "
                       "MiB or raise it to 64 MiB (never 0), use fewer arenas, "
                       "and reuse less eagerly: "
                       "MALLOC_CONF=narenas:N,lg_extent_max_active_fit:2. "
                       "retain:false for a test only: it is slow.",
                       restart);
    else
        finding_action(finding,
                       "%supgrade to 5.3.1, use fewer arenas, and reuse less "
                       "eagerly: "
                       "MALLOC_CONF=narenas:N,lg_extent_max_active_fit:2. From "
                       "5.2 on leave oversize_threshold at its 8 MiB or raise "
                       "it to 64 MiB (never 0). retain:false for a test only: "
                       "it is slow.",
                       restart);
}

/* How many structures there are: counted, or what fills the bytes. */
static uint64_t
structures(const struct summary_metadata *part, uint64_t bytes,
           bool *is_counted)
{
    *is_counted = part->live.known && part->live.derived && part->idle.known;
    if (*is_counted)
        return (part->live.value + part->idle.value) / SUMMARY_EDATA_BYTES;
    return bytes / SUMMARY_EDATA_BYTES;
}

/* "90 million", "1.2 million", "812 thousand": it is an estimate. */
static const char *
about(char *text, size_t size, uint64_t count)
{
    double millions = (double)count / 1e6;

    if (millions >= 20.0)
        snprintf(text, size, "%.0f million", floor(millions / 5.0 + 0.5) * 5.0);
    else if (millions >= 0.95)
        snprintf(text, size, "%.*f million", millions < 9.95 ? 1 : 0, millions);
    else
        snprintf(text, size, "%.0f thousand", millions * 1e3);
    return text;
}

static void
extents_title(struct finding *finding, uint64_t count, uint64_t each,
              bool is_cut, uint64_t floor)
{
    char number[64], size[FINDING_SIZE_MAX], tree[FINDING_SIZE_MAX];

    finding_title(finding,
                  "About %s extent structures describe an address space %s of "
                  "about %s each; the tree that maps pages to them is only %s",
                  about(number, sizeof(number), count),
                  is_cut ? "cut into pieces" : "in pieces",
                  finding_size_text(size, (double)each),
                  finding_size_text(tree, (double)floor));
}

bool
rule_metadata_edata_fragmented_vm(const struct rule_input *in,
                                  struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct summary_metadata part = summary_metadata(in->snapshot, s);
    struct jep_figure base = base_or_all(s), space = address_space(s);
    uint64_t count, excess;
    bool is_counted, is_cut;

    if (!is_measurable(in) || !base.known || base.value < EXTENTS_BYTES ||
        !rule_is_part(base, EXTENTS_SHARE, s->resident) || !part.tree.known ||
        part.tree.value == 0 || !space.known ||
        (double)base.value < EXTENTS_TREES * (double)part.tree.value ||
        rule_is_part(part.idle, IDLE_SHARE, base))
        return false;
    excess = base.value - part.tree.value;
    count = structures(&part, excess, &is_counted);
    if (count == 0)
        return false;
    is_cut = space.value / count < EXTENTS_SMALL &&
             s->retained.value > EXTENTS_RETAINED * s->mapped.value;
    extents_title(finding, count, space.value / count, is_cut, part.tree.value);
    finding_bytes(finding, excess);
    finding_severity(finding,
                     rule_is_part(base, EXTENTS_SHARE_HIGH, s->resident) ||
                             base.value >= RULE_GIB
                         ? JEP_HIGH
                         : JEP_MEDIUM);
    finding_size(finding, s->base.known ? "base" : "metadata", base);
    finding_size(finding, "resident", s->resident);
    finding_size(finding,
                 part.tree.derived ? "(mapped + retained) x 8 / page"
                                   : "metadata_rtree",
                 part.tree);
    finding_ratio(finding, "base is so many times that",
                  rule_share(base.value, part.tree.value));
    finding_count(finding,
                  is_counted ? "extent structures, counted"
                             : "extent structures, at 128 bytes each",
                  figure_derived(count));
    finding_size(finding, "address space for each",
                 figure_derived(space.value / count));
    finding_size(finding, "retained", s->retained);
    finding_size(finding, "mapped", s->mapped);
    extents_action(in, finding);
    return true;
}

bool
rule_metadata_edata_idle(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct summary_metadata part = summary_metadata(in->snapshot, s);
    char text[FINDING_SIZE_MAX];

    if (!rule_is_jemalloc(in) ||
        !rule_is_part(part.idle, IDLE_SHARE, s->base) ||
        !rule_is_worth(in, part.idle.value))
        return false;
    finding_title(finding,
                  "%s of metadata are extent structures that nothing uses any "
                  "more: the mark of a past peak",
                  finding_size_text(text, (double)part.idle.value));
    finding_bytes(finding, part.idle.value);
    finding_severity(finding,
                     rule_is_part(s->base, IDLE_SHARE_MUCH, s->resident)
                         ? JEP_MEDIUM
                         : JEP_INFO);
    finding_size(finding, "base", s->base);
    finding_count(finding, "extent_avail", rule_arena(in, ARENA_EXTENT_AVAIL));
    finding_size(finding, "extent_avail x 128", part.idle);
    finding_size(finding, "resident", s->resident);
    return true;
}

static void
tree_action(const struct rule_input *in, struct finding *finding)
{
    if (rule_is_from(in, RELEASE_5_2))
        finding_action(finding,
                       "Stop the growth of address space: fewer arenas "
                       "(MALLOC_CONF=narenas:N), oversize_threshold at its 8 "
                       "MiB, a limit on how far reservations grow (mallctl "
                       "arena.<i>.retain_grow_limit), an upgrade to 5.3.1; "
                       "retain:false for a test.");
    else
        finding_action(finding,
                       "Stop the growth of address space: fewer arenas "
                       "(MALLOC_CONF=narenas:N) and an upgrade to 5.3.1; "
                       "retain:false for a test.");
}

bool
rule_metadata_rtree_va_driven(const struct rule_input *in,
                              struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct summary_metadata part = summary_metadata(in->snapshot, s);
    struct jep_figure base = base_or_all(s), space = address_space(s);
    char text[2][FINDING_SIZE_MAX];

    if (!is_measurable(in) || !space.known || space.value < TREE_SPACE ||
        !rule_is_part(base, TREE_LEAST, part.tree) ||
        (double)base.value > TREE_MOST * (double)part.tree.value)
        return false;
    finding_title(finding,
                  "Metadata of %s follows from %s of address space, at 8 bytes "
                  "for each page ever covered",
                  finding_size_text(text[0], (double)base.value),
                  finding_size_text(text[1], (double)space.value));
    finding_bytes(finding, base.value);
    if (space.value >= TREE_HIGH)
        finding_severity(finding, JEP_HIGH);
    finding_size(finding, s->base.known ? "base" : "metadata", base);
    finding_size(finding, "mapped", s->mapped);
    finding_size(finding, "retained", s->retained);
    finding_size(finding, "page-map tree, at least", part.tree);
    finding_ratio(finding, "metadata is so many times that",
                  rule_share(base.value, part.tree.value));
    tree_action(in, finding);
    return true;
}

bool
rule_metadata_small_process_floor(const struct rule_input *in,
                                  struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    uint64_t arenas = 0, most;

    for (size_t i = 0; i < in->snapshot->arena_count; i++)
        arenas += in->snapshot->arenas[i]->id >= 0;
    if (arenas == 0)
        arenas = s->narenas.known ? s->narenas.value : 1;
    most = SMALL_BASE + arenas * SMALL_ARENA;
    if (!rule_is_jemalloc(in) || !s->base.known || s->base.value > most ||
        !s->allocated.known || s->allocated.value >= SMALL_ALLOCATED ||
        !rule_is_part(s->base, SMALL_SHARE, s->allocated))
        return false;
    finding_title(finding,
                  "Metadata is %.1f %% of what is allocated only because the "
                  "process is small: so much it costs to exist",
                  100.0 * rule_share(s->base.value, s->allocated.value));
    finding_bytes(finding, s->base.value);
    finding_severity(finding, JEP_INFO);
    finding_size(finding, "base", s->base);
    finding_size(finding, "allocated", s->allocated);
    finding_count(finding, "arenas", figure_derived(arenas));
    finding_size(finding, "what that many arenas cost", figure_derived(most));
    return true;
}

bool
rule_metadata_thp_rounding(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    const char *option = rule_option(in, "metadata_thp");
    struct jep_figure pages = in->snapshot->total[TOTAL_METADATA_THP];
    struct jep_figure bytes = figure_times(pages, HUGE_PAGE);
    char text[FINDING_SIZE_MAX];
    uint64_t loss;

    if (option == NULL || strcmp(option, "disabled") == 0 || !bytes.known ||
        !s->base.known || bytes.value < s->base.value + HUGE_PAGE_LOSS)
        return false;
    loss = bytes.value - s->base.value;
    finding_title(finding,
                  "Metadata in huge pages takes %s more than it needs, which "
                  "no counter shows",
                  finding_size_text(text, (double)loss));
    finding_bytes(finding, loss);
    finding_severity(finding, JEP_LOW);
    rule_show_option(in, finding, "metadata_thp");
    finding_count(finding, "huge pages of metadata", pages);
    finding_size(finding, "that is", bytes);
    finding_size(finding, "base", s->base);
    return true;
}

bool
rule_vmfrag_5_0(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure base = base_or_all(s);
    bool is_fat = rule_is_part(base, OLD_SHARE, s->resident);
    bool is_cut = rule_is_part(s->retained, OLD_RETAINED, s->mapped) &&
                  s->retained.value > 0;

    if (!rule_is_jemalloc(in) || !rule_is_from(in, RELEASE_5_0) ||
        !rule_is_below(in, RELEASE_5_1) || (!is_fat && !is_cut))
        return false;
    finding_title(finding,
                  "jemalloc 5.0 cuts up its address space; metadata and "
                  "retained memory grow for days");
    finding_bytes(finding, base.value);
    finding_severity(finding, JEP_HIGH);
    finding_text(finding, "version", in->snapshot->version, 0);
    finding_size(finding, s->base.known ? "base" : "metadata", base);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "retained", s->retained);
    finding_size(finding, "mapped", s->mapped);
    return true;
}

/* Free pieces and what they hold, in arenas that the program made and in the
 * others.  Automatic arenas come first; with an oversize threshold one more
 * follows them. */
struct pieces {
    uint64_t own, own_bytes, others;
};

static bool
pieces_count(const struct rule_input *in, const struct snapshot *snapshot,
             struct pieces *pieces)
{
    int64_t automatic;

    *pieces = (struct pieces){0};
    if (!rule_option_number(in, "narenas", &automatic))
        return false;
    for (size_t i = 0; i < snapshot->arena_count; i++) {
        const struct snapshot_arena *arena = snapshot->arenas[i];
        uint64_t count, bytes;

        if (arena->id < 0 ||
            !summary_idle_extents(snapshot, arena, UINT64_MAX, &count, &bytes))
            continue;
        if (arena->id > automatic) {
            pieces->own += count;
            pieces->own_bytes += bytes;
        } else {
            pieces->others += count;
        }
    }
    return true;
}

bool
rule_hooks_block_merge(const struct rule_input *in, struct finding *finding)
{
    struct pieces now, before;
    uint64_t grown, others;

    if (in->before == NULL || !pieces_count(in, in->snapshot, &now) ||
        !pieces_count(in, in->before, &before) || now.own <= before.own)
        return false;
    grown = now.own - before.own;
    others = now.others > before.others ? now.others - before.others : 0;
    if ((double)grown < HOOKS_SHARE * (double)(grown + others))
        return false;
    finding_title(finding,
                  "Free pieces grow in number only in arenas that the program "
                  "made: %llu more since the dump before",
                  (unsigned long long)grown);
    finding_bytes(finding, now.own_bytes + now.own * SUMMARY_EDATA_BYTES);
    finding_severity(finding, JEP_MEDIUM);
    finding_count(finding, "free pieces there before",
                  figure_derived(before.own));
    finding_count(finding, "free pieces there now", figure_derived(now.own));
    finding_size(finding, "of them with pages", figure_derived(now.own_bytes));
    finding_count(finding, "free pieces elsewhere, before",
                  figure_derived(before.others));
    finding_count(finding, "free pieces elsewhere, now",
                  figure_derived(now.others));
    return true;
}

bool
rule_va_not_reused(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    int64_t base, mapped;
    double moved;

    if (in->before == NULL || !rule_option_is(in, "retain", "false") ||
        !s->retained.known || s->retained.value != 0 ||
        !rule_change(in->before_view->summary.base, s->base, &base) ||
        base <= 0 ||
        !rule_change(in->before_view->summary.mapped, s->mapped, &mapped))
        return false;
    /* Metadata is mapped, too: what it grew by is not the program's. */
    moved = (double)(mapped - base);
    if (moved > REUSE_MOVE * (double)s->mapped.value ||
        -moved > REUSE_MOVE * (double)s->mapped.value)
        return false;
    finding_title(finding, "Metadata grows while what is mapped stays: "
                           "addresses that were given back are not used "
                           "again");
    finding_bytes(finding, (uint64_t)base);
    finding_severity(finding, JEP_MEDIUM);
    rule_show_option(in, finding, "retain");
    finding_size(finding, "base before", in->before_view->summary.base);
    finding_size(finding, "base now", s->base);
    finding_size(finding, "mapped before", in->before_view->summary.mapped);
    finding_size(finding, "mapped now", s->mapped);
    return true;
}
