/* Section A: between what is allocated and the pages that hold it. */
#include "analyse/rules_inside.h"

#define HOLES_SHARE      0.10 /* of allocated */
#define HOLES_SHARE_HIGH 0.25

bool
rule_slab_waste_high(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    char holes[FINDING_SIZE_MAX];
    double share;

    if (!s->slab_holes.known || !s->allocated.known || s->allocated.value == 0)
        return false;
    share = (double)s->slab_holes.value / (double)s->allocated.value;
    if (share < HOLES_SHARE)
        return false;
    finding_title(
        finding, "Slabs have %s of holes, %.1f %% of what is allocated",
        finding_size_text(holes, (double)s->slab_holes.value), share * 100.0);
    finding_bytes(finding, s->slab_holes.value);
    finding_severity(finding,
                     share >= HOLES_SHARE_HIGH ? JEP_HIGH : JEP_MEDIUM);
    finding_size(finding, "slab holes", s->slab_holes);
    finding_size(finding, "allocated", s->allocated);
    finding_size(finding, "active", s->active);
    return true;
}
