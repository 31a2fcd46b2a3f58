/* Section D: address space, and the limits on it. */
#include "analyse/rules_common.h"

#include <string.h>

#define RETAINED_FLOOR      ((uint64_t)64 << 20)
#define RETAINED_SHARE      0.50 /* of resident */
#define RETAINED_RSS_ABOVE  0.10 /* of resident */
#define METADATA_FLOOR      ((uint64_t)64 << 20)
#define METADATA_SHARE      0.03 /* of resident */
#define LIMIT_SHARE         0.90
#define MAPS_SHARE          0.80 /* of max_map_count */
#define MAPS_DEFAULT_MAX    65530
#define MAPS_MANY           20000
#define OVERCOMMIT_STRICT   2
#define RESERVE_HUGE_PAGE   ((uint64_t)512 << 20)
#define RESERVE_PAGE        65536 /* whose huge pages have 512 MiB */
#define RESERVE_BELOW       0.75  /* of a huge page an arena */
#define RESERVE_ABOVE       1.25
#define RETAIN_OPTION_FROM  50000
#define RESERVE_FIXED_AFTER 50300

/* Many pieces of retained memory show as metadata. */
static bool
has_much_metadata(const struct jep_summary *s)
{
    struct jep_figure base = figure_or(s->base, s->metadata);

    return base.known && base.value >= METADATA_FLOOR &&
           rule_ratio(base, s->resident) >= METADATA_SHARE;
}

bool
rule_retained_benign(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    const char *thp = rule_thp_mode(in->snapshot);
    struct jep_figure counted = rule_counted(in->snapshot, s);
    struct jep_figure heap = rule_heap_rss(in->snapshot, s);

    if (!s->retained.known || s->retained.value < RETAINED_FLOOR ||
        rule_ratio(s->retained, s->resident) < RETAINED_SHARE ||
        has_much_metadata(s) || (thp != NULL && strcmp(thp, "always") == 0) ||
        rule_ratio(heap, counted) > 1.0 + RETAINED_RSS_ABOVE)
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "%s is retained: address space without memory behind it, "
                  "not a leak",
                  SIZE_TEXT(s->retained.value));
    finding_size(finding, "retained", s->retained);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "RSS of the heap", heap);
    finding_size(finding, "mapped", s->mapped);
    return true;
}

bool
rule_retained_vs_limit(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot *snapshot = in->snapshot;
    const struct jep_figure *machine = snapshot->machine;
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure size = snapshot->status[STATUS_VM_SIZE];
    struct jep_figure overcommit = machine[MACHINE_OVERCOMMIT_MEMORY];
    double limited = rule_ratio(size, snapshot->rlimit[RLIMIT_AS]);
    double committed = rule_ratio(machine[MACHINE_COMMITTED_AS],
                                  machine[MACHINE_COMMIT_LIMIT]);
    bool has_option = !rule_is_jemalloc(in) ||
                      !rule_release_in(in, 1, RETAIN_OPTION_FROM - 1);

    if (!overcommit.known || overcommit.value != OVERCOMMIT_STRICT)
        committed = 0.0;
    if (rule_ratio(s->retained, s->mapped) < 1.0 ||
        (limited < LIMIT_SHARE && committed < LIMIT_SHARE))
        return false;
    finding_severity(finding, JEP_HIGH);
    finding_bytes(finding, s->retained.value);
    if (limited >= LIMIT_SHARE)
        finding_title(finding,
                      "The process fills %.0f %% of its limit on address "
                      "space, and %s of it is only retained",
                      limited * 100.0, SIZE_TEXT(s->retained.value));
    else
        finding_title(finding,
                      "The system has committed %.0f %% of what strict "
                      "overcommit allows, and %s of this process is only "
                      "retained",
                      committed * 100.0, SIZE_TEXT(s->retained.value));
    finding_action(
        finding, "%s%s",
        limited >= LIMIT_SHARE
            ? "Raise or remove the limit (ulimit -v unlimited). "
            : "Set sysctl vm.overcommit_memory to 0 or 1. ",
        has_option ? "Where that is not possible, start the program with "
                     "MALLOC_CONF=retain:false."
                   : "Where that is not possible, build jemalloc so that it "
                     "unmaps (--enable-munmap).");
    finding_size(finding, "VmSize", size);
    finding_size(finding, "RLIMIT_AS", snapshot->rlimit[RLIMIT_AS]);
    finding_size(finding, "Committed_AS", machine[MACHINE_COMMITTED_AS]);
    finding_size(finding, "CommitLimit", machine[MACHINE_COMMIT_LIMIT]);
    finding_count(finding, "overcommit_memory", overcommit);
    finding_size(finding, "retained", s->retained);
    finding_size(finding, "mapped", s->mapped);
    return true;
}

/* What to do about many mappings, by what may have made them. */
static void
maps_action(const struct rule_input *in, struct finding *finding,
            bool is_strict)
{
    finding_action(finding, "%s%ssysctl vm.max_map_count=1048576 gains time.",
                   is_strict ? "Set sysctl vm.overcommit_memory to 0 or 1. "
                             : "",
                   rule_option_is(in, "retain", "false")
                       ? "Leave the option retain at its default, true. "
                       : "");
}

bool
rule_max_map_count(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *machine = in->snapshot->machine;
    struct jep_figure maps = machine[MACHINE_MAPS];
    struct jep_figure most = machine[MACHINE_MAX_MAP_COUNT];
    struct jep_figure overcommit = machine[MACHINE_OVERCOMMIT_MEMORY];
    bool is_strict = overcommit.known && overcommit.value == OVERCOMMIT_STRICT;
    double share;

    if (!most.known)
        most = figure_derived(MAPS_DEFAULT_MAX);
    share = rule_ratio(maps, most);
    if (share >= MAPS_SHARE || (maps.known && maps.value >= MAPS_MANY)) {
        finding_severity(finding, share >= MAPS_SHARE ? JEP_HIGH : JEP_MEDIUM);
        finding_title(finding,
                      "The process has %llu mappings, %.0f %% of those that "
                      "the system allows",
                      (unsigned long long)maps.value, share * 100.0);
    } else if (is_strict && rule_is_jemalloc(in)) {
        finding_severity(finding, JEP_LOW);
        finding_title(finding, "Strict overcommit (overcommit_memory=2) splits "
                               "the allocator's mappings into many");
    } else {
        return false;
    }
    maps_action(in, finding, is_strict);
    finding_count(finding, "mappings", maps);
    finding_count(finding, "vm.max_map_count", most);
    finding_count(finding, "overcommit_memory", overcommit);
    return true;
}

bool
rule_abandoned_vm(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot_arena *subject = in->snapshot->subject;
    struct jep_figure lost;

    if (subject == NULL)
        return false;
    lost = subject->figures[ARENA_ABANDONED_VM];
    if (!lost.known || lost.value == 0)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding,
                  "%s of address space is abandoned: an extent could not be "
                  "split for want of memory or mappings",
                  SIZE_TEXT(lost.value));
    finding_size(finding, "abandoned_vm", lost);
    finding_count(finding, "mappings", in->snapshot->machine[MACHINE_MAPS]);
    return true;
}

/* Arenas in use, or as many as there may be. */
static uint64_t
arenas_in_use(const struct snapshot *snapshot)
{
    uint64_t count = 0;

    for (size_t i = 0; i < snapshot->arena_count; i++)
        count += snapshot->arenas[i]->id >= 0;
    if (count == 0 && snapshot->constant[CONST_NARENAS].known)
        count = snapshot->constant[CONST_NARENAS].value;
    return count;
}

bool
rule_vm_overreserve_hugepage(const struct rule_input *in,
                             struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure huge = in->snapshot->machine[MACHINE_HUGE_PAGE_SIZE];
    struct jep_figure arenas = figure_derived(arenas_in_use(in->snapshot));
    double each;

    if (!rule_is_jemalloc(in) ||
        rule_release_in(in, RESERVE_FIXED_AFTER + 1, 0))
        return false;
    if (!huge.known && s->page.known && s->page.value == RESERVE_PAGE)
        huge = figure_derived(RESERVE_HUGE_PAGE);
    if (!huge.known || huge.value < RESERVE_HUGE_PAGE)
        return false;
    each = rule_ratio(s->retained, figure_times(huge, arenas.value));
    if (each < RESERVE_BELOW || each > RESERVE_ABOVE)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding,
                  "%s is retained, about one huge page of %s for each of %llu "
                  "arenas",
                  SIZE_TEXT(s->retained.value), SIZE_TEXT(huge.value),
                  (unsigned long long)arenas.value);
    finding_size(finding, "retained", s->retained);
    finding_size(finding, "huge page", huge);
    finding_count(finding, "arenas", arenas);
    finding_size(finding, "page", s->page);
    return true;
}
