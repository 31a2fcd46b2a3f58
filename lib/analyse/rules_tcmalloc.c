/* Section L: tcmalloc, google's and that of gperftools.
 *
 * All shares are of the "actual memory used", which is the summary's
 * resident. */
#include "analyse/rules_other.h"

#include <string.h>

#define PAGE_HEAP_SHARE 0.10
#define CENTRAL_SHARE   0.20
#define CACHES_SHARE    0.05
#define ABOVE_SHARE     0.10 /* by which the RSS is higher */
#define LAZY_SHARE      0.50 /* of what the RSS is higher by */

static bool
is_tcmalloc(const struct rule_input *in)
{
    return in->snapshot->format == DUMP_FORMAT_TCMALLOC;
}

static bool
is_google(const struct rule_input *in)
{
    return in->view->source.allocator == JEP_ALLOCATOR_TCMALLOC &&
           snapshot_setting(in->snapshot, "allocator") != NULL;
}

static bool
is_gperftools(const struct rule_input *in)
{
    return in->view->source.allocator == JEP_ALLOCATOR_GPERFTOOLS;
}

bool
rule_tcmalloc_pageheap(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *t = in->snapshot->tcmalloc;
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure unused = t[TCMALLOC_PAGE_HEAP];
    double share = rule_ratio(unused, s->resident);

    if (!is_tcmalloc(in) || share < PAGE_HEAP_SHARE)
        return false;
    finding_bytes(finding, unused.value);
    finding_title(finding,
                  "%s of free pages, %.0f %% of the memory used, could go "
                  "back to the system",
                  SIZE_TEXT(unused.value), share * 100.0);
    if (is_google(in))
        finding_action(
            finding,
            "Run MallocExtension::ProcessBackgroundActions() in a thread of "
            "its own and set MallocExtension::SetBackgroundReleaseRate() to "
            "the bytes a second to give back; "
            "MallocExtension::ReleaseMemoryToSystem(n) gives back n bytes at "
            "once.");
    else if (is_gperftools(in))
        finding_action(
            finding,
            "Call MallocExtension::instance()->ReleaseFreeMemory() after the "
            "peak, which gives all of it back at once. "
            "TCMALLOC_RELEASE_RATE=10 gives back more with each free of "
            "pages, not with time; TCMALLOC_AGGRESSIVE_DECOMMIT=true all that "
            "is freed, at a cost in speed.");
    finding_size(finding, "page heap freelist", unused);
    finding_size(finding, "actual memory used", s->resident);
    finding_size(finding, "in use by application", t[TCMALLOC_IN_USE]);
    finding_size(finding, "released to OS", t[TCMALLOC_RELEASED]);
    finding_size(finding, "of it in part-used huge pages",
                 t[TCMALLOC_FILLER_FREE]);
    return true;
}

bool
rule_tcmalloc_central(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *t = in->snapshot->tcmalloc;
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure unused = t[TCMALLOC_CENTRAL];
    double share = rule_ratio(unused, s->resident);

    if (!is_tcmalloc(in) || share < CENTRAL_SHARE)
        return false;
    finding_severity(finding, JEP_HIGH);
    finding_bytes(finding, unused.value);
    finding_title(finding,
                  "%s of free objects, %.0f %% of the memory used, are in "
                  "spans that others hold",
                  SIZE_TEXT(unused.value), share * 100.0);
    if (is_google(in))
        finding_action(
            finding,
            "No call gives this back. Find out which objects of the size "
            "classes with the most free ones live long, and keep them apart; "
            "or link the small-but-slow variant, whose pages of 4 KiB make "
            "smaller spans.");
    else if (is_gperftools(in))
        finding_action(
            finding,
            "No call gives this back, ReleaseFreeMemory() neither. Find out "
            "which objects of the size classes with the most free ones live "
            "long, and keep them apart; or build with "
            "--with-tcmalloc-pagesize=4: smaller pages make smaller spans.");
    finding_size(finding, "central cache freelist", unused);
    finding_size(finding, "actual memory used", s->resident);
    finding_size(finding, "in use by application", t[TCMALLOC_IN_USE]);
    finding_count(finding, "spans in use", t[TCMALLOC_SPANS]);
    finding_size(finding, "tcmalloc page", t[TCMALLOC_PAGE]);
    if (in->view->class_count > 0 && in->view->classes[0].unused.known) {
        const struct jep_class *most = &in->view->classes[0];

        finding_size(finding, "size class with the most free objects",
                     (struct jep_figure){.value = most->size,
                                         .known = true,
                                         .line = most->line});
        finding_size(finding, "free in it", most->unused);
    }
    return true;
}

bool
rule_tcmalloc_percpu_cache(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *t = in->snapshot->tcmalloc;
    const struct jep_summary *s = &in->view->summary;
    double share = rule_ratio(s->tcache, s->resident);

    if (!is_tcmalloc(in) || share < CACHES_SHARE)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_bytes(finding, s->tcache.value);
    finding_title(finding,
                  "%s of free objects, %.0f %% of the memory used, "
                  "are in the caches of single %s",
                  SIZE_TEXT(s->tcache.value), share * 100.0,
                  t[TCMALLOC_PER_CPU].value > t[TCMALLOC_THREAD].value
                      ? "processors"
                      : "threads");
    if (is_google(in))
        finding_action(finding,
                       "Lower the limit with "
                       "MallocExtension::SetMaxPerCpuCacheSize(); "
                       "MallocExtension::ReleaseCpuMemory(cpu) empties the "
                       "cache of a processor that the process has left.");
    else if (is_gperftools(in))
        finding_action(finding,
                       "Lower TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES, which is "
                       "32 MiB at first and no strict limit: each thread "
                       "keeps 512 KiB. Threads that wait for long can call "
                       "MallocExtension::instance()->MarkThreadIdle().");
    finding_size(finding, "per-CPU cache freelist", t[TCMALLOC_PER_CPU]);
    finding_size(finding, "thread cache freelists", t[TCMALLOC_THREAD]);
    finding_size(finding, "actual memory used", s->resident);
    finding_count(finding, "thread heaps in use", t[TCMALLOC_THREAD_HEAPS]);
    finding_count(finding, "processors with a cache",
                  t[TCMALLOC_PER_CPU_CACHES]);
    finding_size(finding, "limit for each processor",
                 t[TCMALLOC_PER_CPU_LIMIT]);
    return true;
}

/* Whether the kernel fills holes with huge pages, as far as is known. */
static bool
is_filled(const struct rule_input *in, uint64_t above)
{
    const char *mode = rule_thp_mode(in->snapshot);
    struct jep_figure huge = in->snapshot->rollup[ROLLUP_ANON_HUGE_PAGES];

    if (mode != NULL && strcmp(mode, "always") != 0)
        return false;
    return huge.known ? huge.value >= above : mode != NULL;
}

bool
rule_tcmalloc_released_resident(const struct rule_input *in,
                                struct finding *finding)
{
    const struct jep_figure *t = in->snapshot->tcmalloc;
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure rss = rule_heap_rss(in->snapshot, s);
    struct jep_figure above = figure_minus(rss, s->resident);
    struct jep_figure lazy = in->snapshot->rollup[ROLLUP_LAZY_FREE];
    bool is_lazy;

    if (!is_tcmalloc(in) || rule_ratio(above, s->resident) < ABOVE_SHARE ||
        !t[TCMALLOC_RELEASED].known || t[TCMALLOC_RELEASED].value < above.value)
        return false;
    is_lazy =
        lazy.known && (double)lazy.value >= LAZY_SHARE * (double)above.value;
    if (!is_lazy && !is_filled(in, above.value))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, above.value);
    finding_title(finding, "%s that were released to the system %s",
                  SIZE_TEXT(above.value),
                  is_lazy ? "stay in the RSS until the machine runs short"
                          : "are in the RSS again: huge pages fill the holes");
    if (is_lazy)
        finding_action(finding,
                       "This build releases with MADV_FREE: take one that "
                       "does not, as is the default of gperftools itself, or "
                       "leave LazyFree out when watching the RSS.");
    finding_size(finding, "RSS", s->rss);
    finding_size(finding, "anonymous RSS",
                 in->snapshot->rollup[ROLLUP_ANONYMOUS]);
    finding_size(finding, "actual memory used", s->resident);
    finding_size(finding, "released to OS", t[TCMALLOC_RELEASED]);
    finding_size(finding, "AnonHugePages",
                 in->snapshot->rollup[ROLLUP_ANON_HUGE_PAGES]);
    finding_size(finding, "LazyFree", lazy);
    finding_text(finding, "transparent_hugepage/enabled",
                 rule_thp_mode(in->snapshot), 0);
    return true;
}
