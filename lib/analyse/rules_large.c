/* Section A: what large objects cost besides themselves.
 *
 * A default build of jemalloc adds a page to each; and all sizes are rounded
 * up to classes, which no counter shows. */
#include "analyse/rules_common.h"

#include <string.h>

#define PADDING_OF_GAP    0.50 /* of active - allocated */
#define PADDING_OF_ACTIVE 0.05
#define PADDING_HIGH      0.10 /* of RSS */
#define LARGE_SHARE       0.30 /* of allocated */
#define LARGE_LOSS_MOST   0.20 /* of a usable size */
#define ROUNDING_SHARE    0.10 /* of what is live, measured */

/* Live large objects' bytes. */
static struct jep_figure
large_bytes(const struct rule_input *in)
{
    if (in->snapshot->subject == NULL)
        return (struct jep_figure){0};
    return in->snapshot->subject->large[SMALL_ALLOCATED];
}

/* Padding: counted; or, where the build is not stated, a page for each large
 * object if that fits into the gap; or what is left of the gap if slabs are
 * half full on the average.  *what says which. */
static struct jep_figure
padding_found(const struct rule_input *in, uint64_t gap, const char **what)
{
    const struct snapshot_arena *arena = in->snapshot->subject;
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure larges = large_bytes(in), count, small;
    uint64_t page = s->page.known ? s->page.value : SUMMARY_PAGE_BYTES;

    *what = "page x large objects";
    if (s->padding.known)
        return s->padding;
    if (arena == NULL || !larges.known ||
        rule_option(in, "cache_oblivious") != NULL ||
        !(in->release_from >= RELEASE_4_0))
        return (struct jep_figure){0};
    count = figure_times(summary_large_count(in->snapshot, arena), page);
    if (count.known)
        return count.value <= gap ? count : (struct jep_figure){0};
    *what = "active - allocated - small objects";
    small = arena->small[SMALL_ALLOCATED];
    if (!small.known || small.value >= gap ||
        gap - small.value > larges.value / 4)
        return (struct jep_figure){0};
    return figure_derived(gap - small.value);
}

void
rule_padding_action(const struct rule_input *in, struct finding *finding)
{
    if (rule_is_from(in, RELEASE_5_3_1))
        finding_action(finding, "MALLOC_CONF=cache_oblivious:false switches it "
                                "off.");
    else if (rule_is_below(in, RELEASE_5_3_1))
        finding_action(finding,
                       "Build jemalloc with --disable-cache-oblivious, or "
                       "upgrade to 5.3.1, which is the first release that can "
                       "be told at run time. This one cannot, even where its "
                       "statistics print such an option.");
    else
        finding_action(finding,
                       "Build jemalloc with --disable-cache-oblivious. Only "
                       "from 5.3.1 on there is a run-time option, "
                       "cache_oblivious:false.");
}

bool
rule_padding(const struct rule_input *in, struct rule_padding *out)
{
    const struct jep_summary *s = &in->view->summary;

    if (!rule_is_jemalloc(in) || !s->active.known || !s->allocated.known ||
        s->active.value <= s->allocated.value)
        return false;
    out->gap = figure_derived(s->active.value - s->allocated.value);
    out->padding = padding_found(in, out->gap.value, &out->what);
    return rule_is_part(out->padding, PADDING_OF_GAP, out->gap) &&
           rule_is_part(out->padding, PADDING_OF_ACTIVE, s->active);
}

bool
rule_cache_oblivious_padding(const struct rule_input *in,
                             struct finding *finding)
{
    char text[FINDING_SIZE_MAX];
    struct rule_padding found;
    uint64_t bytes;

    if (!rule_padding(in, &found))
        return false;
    bytes = found.padding.value;
    finding_title(finding,
                  "Each large allocation carries a page of padding: %s, %.1f "
                  "%% of the gap between active and allocated",
                  finding_size_text(text, (double)bytes),
                  100.0 * rule_share(bytes, found.gap.value));
    finding_bytes(finding, bytes);
    finding_severity(finding, rule_share(bytes, in->rss) >= PADDING_HIGH ||
                                      bytes >= RULE_GIB
                                  ? JEP_HIGH
                                  : JEP_MEDIUM);
    finding_size(finding, "active - allocated", found.gap);
    finding_size(finding, found.what, found.padding);
    finding_size(finding, "holes in slabs", in->view->summary.slab_holes);
    rule_show_option(in, finding, "cache_oblivious");
    rule_padding_action(in, finding);
    return true;
}

static void
rounding_action(const struct rule_input *in, struct finding *finding)
{
    if (rule_is_jemalloc(in) && rule_is_below(in, RELEASE_5_3_1))
        finding_action(finding,
                       "Ask for sizes that fit a class (nallocx tells): sizes "
                       "just above a power of two cost a quarter more. Take a "
                       "header out of the buffer or the buffer down by its "
                       "header. From 5.3.1 on large requests are rounded to "
                       "pages only.");
    else
        finding_action(finding,
                       "Ask for sizes that fit a class (nallocx tells): sizes "
                       "just above a power of two cost a quarter more. Take a "
                       "header out of the buffer or the buffer down by its "
                       "header.");
}

/* Measured by a profile that knows what was asked for. */
static bool
rounding_measured(const struct rule_input *in, struct finding *finding)
{
    const struct jep_profile *profile = &in->view->profile;
    double live = profile->live_bytes.value, waste = profile->rounding_waste;
    char text[FINDING_SIZE_MAX];

    if (!(live > 0.0) || waste < ROUNDING_SHARE * live || waste > live)
        return false;
    finding_title(finding,
                  "Rounding up to size classes costs %s, %.1f %% of what is "
                  "live by the samples",
                  finding_size_text(text, waste), waste / live * 100.0);
    finding_bytes(finding, (uint64_t)waste);
    finding_size(finding, "live, by samples", figure_derived((uint64_t)live));
    finding_size(finding, "more than asked for",
                 figure_derived((uint64_t)waste));
    finding_severity(finding, JEP_LOW);
    rounding_action(in, finding);
    return true;
}

bool
rule_large_class_rounding(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure large = large_bytes(in);
    char text[FINDING_SIZE_MAX];
    uint64_t most;

    if (in->view->profile.known && in->view->profile.rounding_waste > 0.0)
        return rounding_measured(in, finding);
    most = (uint64_t)((double)large.value * LARGE_LOSS_MOST);
    if (!rule_is_part(large, LARGE_SHARE, s->allocated) ||
        (rule_is_jemalloc(in) && !rule_is_below(in, RELEASE_5_3_1)) ||
        !rule_is_worth(in, most))
        return false;
    finding_title(finding,
                  "Large objects are %.1f %% of what is allocated; rounding "
                  "their sizes up can hide up to %s",
                  100.0 * rule_share(large.value, s->allocated.value),
                  finding_size_text(text, (double)most));
    finding_bytes(finding, most);
    finding_severity(finding, JEP_INFO);
    finding_size(finding, "allocated in large objects", large);
    finding_size(finding, "allocated", s->allocated);
    rounding_action(in, finding);
    return true;
}
