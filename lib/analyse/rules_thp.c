/* Section E: huge pages, that the kernel makes. */
#include "analyse/rules_common.h"

#include <stdlib.h>
#include <string.h>

#define HUGE_SHARE        0.10 /* of the RSS */
#define HUGE_GAP_SHARE    0.10 /* of the RSS */
#define REGROWTH_RSS      0.05 /* of the earlier RSS */
#define REGROWTH_COUNTED  0.01 /* of what was counted */
#define REGROWTH_HUGE     0.25 /* how far huge pages may be from the growth */
#define THP_OPTION_FROM   50100
#define THP_METADATA_FROM 50300

static bool
mode_is(const char *mode, const char *value)
{
    return mode != NULL && strcmp(mode, value) == 0;
}

/* Whether the kernel makes huge pages of this heap unasked, as far as is
 * known. */
static bool
may_be_huge(const struct rule_input *in)
{
    const char *mode = rule_thp_mode(in->snapshot);

    if (mode == NULL || mode_is(mode, "always"))
        return !rule_option_is(in, "thp", "never") ||
               rule_release_in(in, 1, THP_METADATA_FROM - 1);
    return mode_is(mode, "madvise") && rule_option_is(in, "thp", "always");
}

static void
huge_action(const struct rule_input *in, struct finding *finding)
{
    static const char machine[] =
        "For the machine: echo madvise > "
        "/sys/kernel/mm/transparent_hugepage/enabled. ";

    if (rule_option_is(in, "thp", "always"))
        finding_action(finding,
                       "Take the option thp:always out of MALLOC_CONF, then "
                       "restart the process.");
    else if (rule_is_jemalloc(in) &&
             rule_release_in(in, 1, THP_OPTION_FROM - 1))
        finding_action(finding,
                       "%sFor this process alone: prctl(PR_SET_THP_DISABLE) "
                       "before it starts.",
                       machine);
    else if (rule_is_jemalloc(in) &&
             rule_release_in(in, 1, THP_METADATA_FROM - 1))
        finding_action(finding,
                       "%sFor this process alone: MALLOC_CONF=thp:never, which "
                       "leaves out the metadata before 5.3.0.",
                       machine);
    else
        finding_action(finding,
                       "%sFor this process alone: "
                       "MALLOC_CONF=thp:never.",
                       machine);
}

/* Memory of the system's making: exact where pages were looked at. */
static struct jep_figure
huge_gap(const struct snapshot *snapshot, const struct jep_summary *s)
{
    struct jep_figure filled = snapshot->residency[RESIDENCY_RETAINED];
    struct jep_figure heap = rule_heap_rss(snapshot, s);
    struct jep_figure counted = rule_counted(snapshot, s);

    if (filled.known)
        return filled;
    if (!heap.known || !counted.known || heap.value <= counted.value)
        return (struct jep_figure){0};
    return figure_derived(heap.value - counted.value);
}

bool
rule_thp_always_inflates_rss(const struct rule_input *in,
                             struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure huge = in->snapshot->rollup[ROLLUP_ANON_HUGE_PAGES];
    struct jep_figure gap = huge_gap(in->snapshot, s);

    /* Those have rules and options of their own. */
    if (foreign_is(in->snapshot))
        return false;
    if (!may_be_huge(in) || rule_ratio(huge, s->rss) < HUGE_SHARE ||
        rule_ratio(gap, s->rss) < HUGE_GAP_SHARE)
        return false;
    finding_severity(finding, JEP_HIGH);
    finding_bytes(finding, gap.value);
    finding_title(finding,
                  "Huge pages add %s to the RSS that the allocator did not "
                  "ask for",
                  SIZE_TEXT(gap.value));
    huge_action(in, finding);
    finding_size(finding, "RSS", s->rss);
    finding_size(finding, "AnonHugePages", huge);
    finding_size(finding, "anonymous RSS of the heap",
                 rule_heap_rss(in->snapshot, s));
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "muzzy", s->muzzy);
    finding_text(finding, "transparent_hugepage/enabled",
                 rule_thp_mode(in->snapshot), 0);
    return true;
}

/* Whether AnonHugePages grew as the RSS did, as far as is known. */
static bool
huge_grew_alike(const struct rule_input *in, int64_t growth)
{
    int64_t huge;

    if (!rule_change(in->before->rollup[ROLLUP_ANON_HUGE_PAGES],
                     in->snapshot->rollup[ROLLUP_ANON_HUGE_PAGES], &huge))
        return true;
    return (double)llabs(huge - growth) <= (double)growth * REGROWTH_HUGE;
}

bool
rule_khugepaged_regrowth(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary, *old;
    struct jep_figure none = in->snapshot->machine[MACHINE_MAX_PTES_NONE];
    struct jep_figure was;
    int64_t growth, counted;

    if (in->before == NULL || foreign_is(in->snapshot) || !may_be_huge(in) ||
        (none.known && none.value == 0))
        return false;
    old = &in->before_view->summary;
    was = rule_counted(in->before, old);
    if (!rule_change(old->rss, s->rss, &growth) ||
        !rule_change(was, rule_counted(in->snapshot, s), &counted) ||
        growth <= 0 || (double)growth < (double)old->rss.value * REGROWTH_RSS ||
        (double)llabs(counted) >= (double)was.value * REGROWTH_COUNTED ||
        !s->retained.known || s->retained.value < (uint64_t)growth ||
        !huge_grew_alike(in, growth))
        return false;
    finding_severity(finding, JEP_HIGH);
    finding_bytes(finding, (uint64_t)growth);
    finding_title(finding,
                  "The RSS grew by %s while the allocator stood still: the "
                  "kernel fills purged ranges with huge pages",
                  SIZE_TEXT(growth));
    huge_action(in, finding);
    finding_size(finding, "RSS before", old->rss);
    finding_size(finding, "RSS", s->rss);
    finding_size(finding, "resident before", old->resident);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "AnonHugePages before",
                 in->before->rollup[ROLLUP_ANON_HUGE_PAGES]);
    finding_size(finding, "AnonHugePages",
                 in->snapshot->rollup[ROLLUP_ANON_HUGE_PAGES]);
    finding_size(finding, "retained", s->retained);
    finding_count(finding, "khugepaged/max_ptes_none", none);
    finding_text(finding, "transparent_hugepage/enabled",
                 rule_thp_mode(in->snapshot), 0);
    return true;
}

bool
rule_thp_never_leaks_metadata(const struct rule_input *in,
                              struct finding *finding)
{
    struct jep_figure huge = in->snapshot->rollup[ROLLUP_ANON_HUGE_PAGES];

    if (!rule_is_jemalloc(in) ||
        !rule_release_in(in, THP_OPTION_FROM, THP_METADATA_FROM - 1) ||
        !rule_option_is(in, "thp", "never") ||
        !mode_is(rule_thp_mode(in->snapshot), "always") || !huge.known ||
        huge.value == 0)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_bytes(finding, huge.value);
    finding_title(finding,
                  "%s of huge pages remain with thp:never, which does not "
                  "reach metadata in this version",
                  SIZE_TEXT(huge.value));
    finding_size(finding, "AnonHugePages", huge);
    finding_text(finding, "opt.thp", rule_option(in, "thp"), 0);
    finding_text(finding, "transparent_hugepage/enabled",
                 rule_thp_mode(in->snapshot), 0);
    return true;
}
