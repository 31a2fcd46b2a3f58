/* Section I: what the figures of this dump are worth. */
#include "analyse/rules_common.h"

#include <stdlib.h>
#include <string.h>

#define UNUSED_RSS     ((uint64_t)10 << 20)
#define ADDRESS_SPACE  ((uint64_t)1 << 47) /* of a process on x86-64 */
#define MACHINE_FACTOR 16                  /* times what the machine has */

/* Statistics of jemalloc's kind, which our own dumps have too. */
static bool
has_statistics(const struct rule_input *in)
{
    enum dump_format format = in->snapshot->format;

    return format == DUMP_FORMAT_JEPROBE ||
           format == DUMP_FORMAT_JEMALLOC_TEXT ||
           format == DUMP_FORMAT_JEMALLOC_JSON;
}

/* Whether something was ever allocated; false = not, or not known. */
static bool
was_used(const struct snapshot_arena *arena)
{
    return arena != NULL && (arena->small[SMALL_NMALLOC].value > 0 ||
                             arena->large[SMALL_NMALLOC].value > 0);
}

/* Nothing is allocated, and the process has memory, or its size is not told:
 * hardly a program prints statistics before it has allocated anything. */
static bool
is_unused(const struct rule_input *in)
{
    const struct jep_summary *s = &in->view->summary;

    if (!s->allocated.known || s->allocated.value != 0 ||
        was_used(in->snapshot->subject))
        return false;
    if (s->rss.known)
        return s->rss.value >= UNUSED_RSS;
    return s->active.known && s->active.value == 0;
}

bool
rule_stats_disabled(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    bool is_off = rule_option_is(in, "stats", "false");

    if (!has_statistics(in) || !(is_off || is_unused(in)))
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding, "%s",
                  is_off ? "This build of jemalloc counts nothing: the dump "
                           "has no figures to judge by"
                  : s->rss.known
                      ? "The allocator has nothing allocated in a process "
                        "that uses memory: this copy of it is not in use"
                      : "The allocator has nothing allocated: the program "
                        "uses another one, or another copy of it");
    if (!is_off)
        finding_action(finding,
                       "Look which allocator the program is linked to, or "
                       "which copy of jemalloc the statistics come from: "
                       "jeprobe doctor PID says it.");
    finding_text(finding, "config.stats", rule_option(in, "stats"), 0);
    finding_size(finding, "allocated", s->allocated);
    finding_size(finding, "active", s->active);
    finding_size(finding, "RSS", s->rss);
    return true;
}

static bool
is_same(struct jep_figure a, struct jep_figure b)
{
    return a.known && b.known && a.value == b.value;
}

static bool
differs(struct jep_figure a, struct jep_figure b)
{
    return a.known && b.known && a.value != b.value;
}

/* Whether the counters of events say that these are two refreshes. */
static bool
has_moved(const struct snapshot *before, const struct snapshot *now)
{
    if (before->subject == NULL || now->subject == NULL)
        return false;
    return differs(before->subject->figures[ARENA_UPTIME_NS],
                   now->subject->figures[ARENA_UPTIME_NS]) ||
           differs(before->subject->small[SMALL_NMALLOC],
                   now->subject->small[SMALL_NMALLOC]) ||
           differs(before->subject->large[SMALL_NMALLOC],
                   now->subject->large[SMALL_NMALLOC]);
}

bool
rule_stale_epoch(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary, *old;

    if (in->before == NULL)
        return false;
    old = &in->before_view->summary;
    if (!is_same(old->allocated, s->allocated) ||
        !is_same(old->active, s->active) ||
        !is_same(old->resident, s->resident) ||
        has_moved(in->before, in->snapshot) ||
        is_same(in->before->process[PROCESS_WALL_NS],
                in->snapshot->process[PROCESS_WALL_NS]))
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding, "allocated, active and resident are the same to "
                           "the byte as in the dump before");
    finding_size(finding, "allocated", s->allocated);
    finding_size(finding, "active", s->active);
    finding_size(finding, "resident", s->resident);
    return true;
}

bool
rule_summary_only_dump(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    uint64_t beyond, metadata = s->metadata.value; /* 0 = unknown */

    if (!has_statistics(in) || !s->active.known || !s->resident.known ||
        s->base.known || s->dirty.known)
        return false;
    finding_severity(finding, JEP_INFO);
    /* What may be dirty pages. */
    beyond = s->resident.value - JE_MIN(s->resident.value, s->active.value);
    beyond -= JE_MIN(beyond, metadata);
    if (rule_is_worth(in, beyond))
        finding_bytes(finding, beyond);
    finding_title(finding, "The dump has totals only: what lies between "
                           "active and resident cannot be told apart exactly");
    finding_size(finding, "active", s->active);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "metadata", s->metadata);
    return true;
}

/* The first counter that cannot be, and why. */
struct impossible {
    const char *name, *reason;
    struct jep_figure figure;
};

static bool
find_too_large(const struct rule_input *in, struct impossible *out)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure memory = in->snapshot->machine[MACHINE_MEM_TOTAL];

    const struct {
        const char *name;
        struct jep_figure figure;
        bool is_memory; /* and not address space */
    } counters[] = {
        {"allocated", s->allocated, true}, {"active", s->active, true},
        {"metadata", s->metadata, true},   {"resident", s->resident, true},
        {"tcache_bytes", s->tcache, true}, {"dirty", s->dirty, true},
        {"mapped", s->mapped, true},       {"retained", s->retained, false},
    };

    for (size_t i = 0; i < JE_ARRAY_LEN(counters); i++) {
        struct jep_figure figure = counters[i].figure;
        bool is_memory = counters[i].is_memory;

        *out = (struct impossible){.name = counters[i].name, .figure = figure};
        if (!figure.known)
            continue;
        out->reason = "is more than a process can have";
        if (figure.value > (is_memory ? SUMMARY_IMPOSSIBLE : ADDRESS_SPACE))
            return true;
        out->reason = "is more than 16 times the memory of the machine";
        if (is_memory && memory.known && memory.value > 0 &&
            figure.value / MACHINE_FACTOR > memory.value)
            return true;
    }
    return false;
}

/* More objects freed than allocated. */
static bool
find_freed_twice(const struct snapshot_arena *arena, struct impossible *out)
{
    const struct jep_figure *sums[2];

    if (arena == NULL)
        return false;
    sums[0] = arena->small;
    sums[1] = arena->large;
    for (size_t i = 0; i < 2; i++) {
        const struct jep_figure *sum = sums[i];

        *out = (struct impossible){.name = "ndalloc",
                                   .reason = "is above nmalloc",
                                   .figure = sum[SMALL_NDALLOC]};
        if (sum[SMALL_NMALLOC].known && sum[SMALL_NDALLOC].known &&
            sum[SMALL_NMALLOC].value < sum[SMALL_NDALLOC].value)
            return true;
    }
    return false;
}

bool
rule_impossible_counters(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct impossible impossible;

    if (s->allocated.known && s->active.known &&
        s->allocated.value > s->active.value)
        impossible =
            (struct impossible){"allocated", "is above active", s->allocated};
    else if (!find_too_large(in, &impossible) &&
             !find_freed_twice(in->snapshot->subject, &impossible))
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "%s %s, which cannot be: no conclusion is drawn from this "
                  "dump",
                  impossible.name, impossible.reason);
    finding_count(finding, impossible.name, impossible.figure);
    finding_size(finding, "active", s->active);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "memory of the machine",
                 in->snapshot->machine[MACHINE_MEM_TOTAL]);
    return true;
}

/* Bins with more regions in use than their slabs have; *row is one. */
static size_t
racy_bins(const struct snapshot *snapshot, const struct snapshot_arena *arena,
          size_t *row)
{
    size_t count = 0;

    for (size_t i = 0; i < arena->bins.rows; i++) {
        uint64_t regions, slabs, regs;

        if (!snapshot_bin(snapshot, arena, i, BIN_CURREGS, &regions) ||
            !snapshot_bin(snapshot, arena, i, BIN_CURSLABS, &slabs) ||
            !snapshot_bin(snapshot, arena, i, BIN_NREGS, &regs) || regs == 0 ||
            regions <= slabs * regs)
            continue;
        *row = i;
        count++;
    }
    return count;
}

bool
rule_racy_bin(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot *snapshot = in->snapshot;
    const struct snapshot_arena *arena = snapshot->subject;
    size_t count = 0, row = 0;
    uint64_t size, regions, slabs;

    if (arena != NULL)
        count = racy_bins(snapshot, arena, &row);
    for (size_t i = 0; i < snapshot->arena_count && count == 0; i++) {
        arena = snapshot->arenas[i];
        count = racy_bins(snapshot, arena, &row);
    }
    if (count == 0 || !snapshot_bin(snapshot, arena, row, BIN_SIZE, &size) ||
        !snapshot_bin(snapshot, arena, row, BIN_CURREGS, &regions) ||
        !snapshot_bin(snapshot, arena, row, BIN_CURSLABS, &slabs))
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "Size class %llu has more objects than its slabs can hold: "
                  "its counters are of two moments",
                  (unsigned long long)size);
    finding_count(finding, "size", figure_derived(size));
    finding_count(finding, "curregs", figure_derived(regions));
    finding_count(finding, "curslabs", figure_derived(slabs));
    finding_count(finding, "such size classes", figure_derived(count));
    return true;
}

bool
rule_counter_lag_tcache(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary, *old;
    int64_t change;

    if (in->before == NULL)
        return false;
    old = &in->before_view->summary;
    if (!rule_change(old->allocated, s->allocated, &change) || change == 0 ||
        !s->tcache.known || (uint64_t)llabs(change) > s->tcache.value)
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "allocated changed by %s, which is less than thread caches "
                  "hold: it may be no change of the program",
                  SIZE_TEXT(llabs(change)));
    finding_size(finding, "allocated before", old->allocated);
    finding_size(finding, "allocated", s->allocated);
    finding_size(finding, "tcache_bytes", s->tcache);
    return true;
}
