/* Section E: huge pages that the allocator makes, and pinned memory. */
#include "analyse/rules_around.h"

#define HPA_BLIND_RELEASE 50300

bool
rule_hpa_stats_blind_spot(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    bool is_below =
        s->mapped.known && s->active.known && s->mapped.value < s->active.value;

    if (!around_option_is(in, "hpa", "true") ||
        !(is_below ||
          rule_release_in(in, HPA_BLIND_RELEASE, HPA_BLIND_RELEASE)))
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding, "%s",
                  rule_release_in(in, 1, HPA_BLIND_RELEASE)
                      ? "The huge page allocator is on: mapped leaves its "
                        "memory out, resident and dirty its dirty pages"
                      : "The huge page allocator is on: mapped leaves its "
                        "memory out");
    finding_text(finding, "opt.hpa", rule_option(in, "hpa"), 0);
    finding_size(finding, "mapped", s->mapped);
    finding_size(finding, "active", s->active);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "RSS", s->rss);
    return true;
}

bool
rule_pinned_memory(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot_arena *subject = in->snapshot->subject;
    struct jep_figure pinned = in->snapshot->total[TOTAL_PINNED];

    if (!pinned.known && subject != NULL)
        pinned = subject->figures[ARENA_PINNED];
    if (!pinned.known || pinned.value == 0)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, pinned.value);
    finding_title(finding, "%s is unused and pinned: it cannot be purged",
                  SIZE_TEXT(pinned.value));
    finding_size(finding, "pinned", pinned);
    finding_size(finding, "resident", in->view->summary.resident);
    return true;
}
