/* Section F: thread caches. */
#include "analyse/rules_common.h"

#define CACHE_SHARE       0.05 /* of allocated */
#define CACHE_MAX_DEFAULT 32768
#define CACHE_MAX_LG      15
#define STASH_BYTES       ((uint64_t)1 << 20)
/* Before it the cap could not go below the largest small class, and the option
 * was lg_tcache_max. */
#define CACHE_MAX_FREE_FROM  50300
#define CACHE_PER_CLASS_FROM 50301

static void
cache_evidence(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;

    finding_size(finding, "tcache_bytes", s->tcache);
    finding_size(finding, "allocated", s->allocated);
    finding_share(finding, "of allocated", rule_ratio(s->tcache, s->allocated));
    finding_count(finding, "threads", s->threads);
    if (s->threads.known && s->threads.value > 0)
        finding_size(finding, "for each thread",
                     figure_derived(s->tcache.value / s->threads.value));
}

bool
rule_tcache_bloat(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;

    /* Others have rules and options of their own. */
    if (foreign_is(in->snapshot) ||
        rule_ratio(s->tcache, s->allocated) < CACHE_SHARE)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, s->tcache.value);
    finding_title(finding,
                  "Thread caches hold %s, %.1f %% of what counts as allocated",
                  SIZE_TEXT(s->tcache.value),
                  rule_ratio(s->tcache, s->allocated) * 100.0);
    if (rule_is_jemalloc(in) && rule_release_in(in, 1, CACHE_MAX_FREE_FROM - 1))
        finding_action(finding,
                       "Call mallctl(\"thread.tcache.flush\") in threads that "
                       "go idle, or use fewer threads. Before 5.3.0 the cap "
                       "cannot go below the largest small size; from 5.3.0 on "
                       "MALLOC_CONF=tcache_max:4096 does most.");
    else
        finding_action(
            finding,
            "MALLOC_CONF=tcache_max:4096 (1024 for small programs), "
            "or %s in threads that go idle%s.",
            rule_is_jemalloc(in) ? "mallctl(\"thread.idle\")"
                                 : "mallctl(\"thread.tcache.flush\")",
            rule_is_jemalloc(in) && rule_release_in(in, CACHE_PER_CLASS_FROM, 0)
                ? "; tcache_ncached_max limits single size classes"
                : "");
    cache_evidence(in, finding);
    return true;
}

/* The largest size that thread caches hold, by whatever the dump has of it. */
static struct jep_figure
cache_max(const struct rule_input *in)
{
    int64_t option;

    if (in->snapshot->constant[CONST_TCACHE_MAX].known)
        return in->snapshot->constant[CONST_TCACHE_MAX];
    if (rule_option_number(in, "tcache_max", &option) && option >= 0)
        return figure_derived((uint64_t)option);
    if (rule_option_number(in, "lg_tcache_max", &option) && option >= 0 &&
        option < 63)
        return figure_derived((uint64_t)1 << option);
    return (struct jep_figure){0};
}

bool
rule_tcache_max_too_large(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure most = cache_max(in);

    if (!most.known || most.value <= CACHE_MAX_DEFAULT ||
        rule_ratio(s->tcache, s->allocated) < CACHE_SHARE)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, s->tcache.value);
    finding_title(finding,
                  "Thread caches hold %s, and objects up to %s are cached",
                  SIZE_TEXT(s->tcache.value), SIZE_TEXT(most.value));
    if (rule_is_jemalloc(in) && rule_release_in(in, 1, CACHE_MAX_FREE_FROM - 1))
        finding_action(finding,
                       "Take lg_tcache_max out of MALLOC_CONF: the default is "
                       "%d, which is 32 KiB.",
                       CACHE_MAX_LG);
    else
        finding_action(finding, "Take tcache_max (or lg_tcache_max) out of "
                                "MALLOC_CONF: the default is 32 KiB.");
    finding_size(finding, "largest cached size", most);
    cache_evidence(in, finding);
    return true;
}

bool
rule_tcache_stashed(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot_arena *subject = in->snapshot->subject;
    struct jep_figure stashed;

    if (subject == NULL)
        return false;
    stashed = subject->figures[ARENA_TCACHE_STASHED];
    if (!stashed.known || stashed.value <= STASH_BYTES)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_bytes(finding, stashed.value);
    finding_title(finding,
                  "%s of freed objects are stashed to find uses after free",
                  SIZE_TEXT(stashed.value));
    finding_size(finding, "tcache_stashed_bytes", stashed);
    finding_text(finding, "opt.lg_san_uaf_align",
                 rule_option(in, "lg_san_uaf_align"), 0);
    return true;
}
