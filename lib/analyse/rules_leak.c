/* Section A, over time: what several dumps of one process tell apart.
 *
 * A leak moves allocated; fragmentation moves active against it; neither can
 * be seen in one dump. */
#include "analyse/rules_common.h"

#define SHRINK_SHARE    0.10 /* allocated falls by this part of itself */
#define SHRINK_RETURNED 0.50 /* of which less than this leaves active */
#define WASTE_SHARE     0.50 /* active - allocated, of allocated; and grown */

#define LEAK_DUMPS      3
#define LEAK_PER_HOUR   0.01 /* of allocated */
#define LEAK_RATIO_MOVE 0.02 /* of (active - allocated) / allocated */
#define LEAK_EXPLAINS   0.70 /* of what RSS grew by */
#define LEAK_SECONDS    600  /* below, it may just have been started */

static bool
is_whole(const struct jep_summary *s)
{
    return s->allocated.known && s->active.known && s->allocated.value > 0 &&
           s->active.value >= s->allocated.value &&
           s->active.value <= SUMMARY_IMPOSSIBLE;
}

static void
shrink_action(const struct rule_input *in, struct finding *finding)
{
    if (in->view->source.allocator == JEP_ALLOCATOR_JEALLOC)
        finding_action(finding,
                       "Keep what outlives the peak apart from what does not, "
                       "in an arena of its own (jea_mallocx with "
                       "MALLOCX_ARENA); fewer arenas (MALLOC_CONF=narenas:N); "
                       "or restart after the peak. Decay cannot return pages "
                       "that still hold an object.");
}

bool
rule_frag_after_shrink(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *now = &in->view->summary, *before;
    uint64_t waste_now, waste_before, freed;
    int64_t allocated, active;
    char text[2][FINDING_SIZE_MAX];
    bool is_kept, is_waste;

    if (in->before == NULL)
        return false;
    before = &in->before_view->summary;
    if (!is_whole(now) || !is_whole(before) ||
        !rule_change(before->allocated, now->allocated, &allocated) ||
        !rule_change(before->active, now->active, &active) || allocated >= 0)
        return false;
    freed = (uint64_t)-allocated;
    waste_now = now->active.value - now->allocated.value;
    waste_before = before->active.value - before->allocated.value;
    if ((double)freed < SHRINK_SHARE * (double)before->allocated.value ||
        waste_now <= waste_before)
        return false;
    is_kept = (double)-active < SHRINK_RETURNED * (double)freed;
    is_waste = (double)waste_now >= WASTE_SHARE * (double)now->allocated.value;
    if (!is_kept && !is_waste)
        return false;
    finding_title(finding,
                  "%s were freed since the dump before, but the pages that "
                  "hold objects shrank by %s only",
                  finding_size_text(text[0], (double)freed),
                  finding_size_text(text[1], active < 0 ? (double)-active : 0));
    finding_bytes(finding, waste_now - waste_before);
    finding_size(finding, "allocated before", before->allocated);
    finding_size(finding, "allocated now", now->allocated);
    finding_size(finding, "active before", before->active);
    finding_size(finding, "active now", now->active);
    finding_size(finding, "waste before", figure_derived(waste_before));
    finding_size(finding, "waste now", figure_derived(waste_now));
    finding_size(finding, "dirty now", now->dirty);
    shrink_action(in, finding);
    return true;
}

static double
waste_ratio(const struct jep_summary *s)
{
    return ((double)s->active.value - (double)s->allocated.value) /
           (double)s->allocated.value;
}

/* Live bytes: objects parked in thread caches are not the program's. */
static uint64_t
live(const struct jep_summary *s)
{
    if (s->tcache.known && s->tcache.value < s->allocated.value)
        return s->allocated.value - s->tcache.value;
    return s->allocated.value;
}

/* Whether live bytes grow from each dump to the next, fast enough in each
 * step: what levels off was a start, not a leak. */
static bool
grows_all_along(const struct rule_input *in, double *seconds)
{
    *seconds = 0.0;
    for (size_t i = 1; i < in->series_count; i++) {
        const struct jep_moment *from = in->series[i - 1];
        const struct jep_moment *to = in->series[i];
        const struct jep_summary *a = &from->summary, *b = &to->summary;
        double time;

        if (!is_whole(a) || !is_whole(b) || live(b) <= live(a) ||
            !from->uptime_ns.known || !to->uptime_ns.known ||
            to->uptime_ns.value <= from->uptime_ns.value)
            return false;
        time = (double)(to->uptime_ns.value - from->uptime_ns.value) / 1e9;
        *seconds += time;
        if ((double)(live(b) - live(a)) <
            LEAK_PER_HOUR * (double)a->allocated.value * time / 3600.0)
            return false;
    }
    return true;
}

bool
rule_true_leak(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *first, *last = &in->view->summary;
    struct jep_figure rss_first, rss_last;
    char text[FINDING_SIZE_MAX];
    double seconds, growth;
    int64_t rss;

    if (in->series_count < LEAK_DUMPS)
        return false;
    first = &in->series[0]->summary;
    if (!grows_all_along(in, &seconds))
        return false;
    growth = (double)(live(last) - live(first));
    rss_first = first->rss.known ? first->rss : first->resident;
    rss_last = last->rss.known ? last->rss : last->resident;
    if (waste_ratio(last) - waste_ratio(first) >= LEAK_RATIO_MOVE ||
        waste_ratio(first) - waste_ratio(last) >= LEAK_RATIO_MOVE ||
        !rule_change(rss_first, rss_last, &rss) ||
        growth < LEAK_EXPLAINS * (double)rss)
        return false;
    finding_title(finding,
                  "What the program holds grew by %s in %.*f %s, without a "
                  "pause and without fragmentation",
                  finding_size_text(text, growth), seconds < 3600.0 ? 0 : 1,
                  seconds < 3600.0 ? seconds / 60.0 : seconds / 3600.0,
                  seconds < 3600.0 ? "minutes" : "hours");
    finding_bytes(finding, (uint64_t)growth);
    finding_severity(finding, seconds < LEAK_SECONDS ? JEP_INFO : JEP_HIGH);
    finding_count(finding, "dumps", figure_derived(in->series_count));
    finding_size(finding, "allocated at first", first->allocated);
    finding_size(finding, "allocated now", last->allocated);
    finding_share(finding, "growth per hour",
                  growth / (double)first->allocated.value * 3600.0 / seconds);
    finding_size(finding, "RSS or resident at first", rss_first);
    finding_size(finding, "RSS or resident now", rss_last);
    if (!rule_is_jemalloc(in))
        finding_action(finding,
                       "Run jeprobe diff on the first and the last dump: the "
                       "stacks that grew are named there. Bins and large "
                       "classes whose objects grew name the size.");
    return true;
}
