/* Section K: Redis, by its own account.
 *
 * INFO and MEMORY STATS compare used memory, allocated, active, resident and
 * RSS step by step.  Thresholds are those of MEMORY DOCTOR, whose verdict
 * counts where the figures are missing. */
#include "analyse/rules_outside.h"

#include <stdio.h>
#include <stdlib.h>

#define EXCESS           0.10 /* of the lower step */
#define FRAG_EXCESS_HIGH 0.50
#define TINY_USED        (64 * RULE_MIB)
#define TINY_BYTES       (100 * RULE_MIB)
#define TINY_RATIO       1.4
#define DEFINITIONS      0.10 /* of allocated: how far the two are apart */
#define PEAK_RATIO       1.5
#define MAPS_DEFAULT_MAX 65530
#define RETAINED_RATIO   20.0
#define RETAINED_BYTES   RULE_GIB
#define BG_THREAD_FROM   60000 /* Redis, its setting */
#define DEFRAG_FROM      40000
#define SMALL_BINS_FROM  70400 /* what allocator_frag_ratio looks at */

/* Redis' version as 70205; 0 = unknown. */
static unsigned
redis_version(const struct rule_input *in)
{
    const char *text = snapshot_setting(in->snapshot, "redis.redis_version");
    unsigned long major, minor, patch = 0;
    char *end;

    if (text == NULL)
        return 0;
    major = strtoul(text, &end, 10);
    if (*end != '.')
        return 0;
    minor = strtoul(end + 1, &end, 10);
    if (*end == '.')
        patch = strtoul(end + 1, NULL, 10);
    if (major > 99 || minor > 99 || patch > 99)
        return 0;
    return (unsigned)(major * 10000 + minor * 100 + patch);
}

static void
show_setting(const struct rule_input *in, struct finding *finding,
             const char *name)
{
    char full[64];
    uint32_t line = 0;
    const char *value;

    snprintf(full, sizeof(full), "redis.%s", name);
    value = rule_option_line(in, full, &line);
    finding_text(finding, name, value, line);
}

/* ---- one step above another --------------------------------------------- */

struct step {
    enum redis_field bytes, above, below; /* bytes = above - below */
    const char *bytes_name, *above_name, *below_name;
    const char *ratio, *stats_ratio; /* above / below, as it is printed */
    const char *doctor;              /* the issue that MEMORY DOCTOR has */
    const char *finds;               /* the same in words */
};

static const struct step frag_step = {
    .bytes = REDIS_FRAG_BYTES,
    .above = REDIS_ALLOCATOR_ACTIVE,
    .below = REDIS_ALLOCATOR_ALLOCATED,
    .bytes_name = "allocator_frag_bytes",
    .above_name = "active",
    .below_name = "allocated",
    .ratio = "redis.allocator_frag_ratio",
    .stats_ratio = "redis.allocator-fragmentation.ratio",
    .doctor = "redis.doctor.high-allocator-fragmentation",
    .finds = "Redis' pages full of holes",
};

static const struct step rss_step = {
    .bytes = REDIS_RSS_BYTES,
    .above = REDIS_ALLOCATOR_RESIDENT,
    .below = REDIS_ALLOCATOR_ACTIVE,
    .bytes_name = "allocator_rss_bytes",
    .above_name = "resident",
    .below_name = "active",
    .ratio = "redis.allocator_rss_ratio",
    .stats_ratio = "redis.allocator-rss.ratio",
    .doctor = "redis.doctor.high-allocator-rss-overhead",
    .finds = "more pages in the allocator than are in use",
};

static const struct step overhead_step = {
    .bytes = REDIS_OVERHEAD_BYTES,
    .above = REDIS_USED_MEMORY_RSS,
    .below = REDIS_ALLOCATOR_RESIDENT,
    .bytes_name = "rss_overhead_bytes",
    .above_name = "RSS",
    .below_name = "resident",
    .ratio = "redis.rss_overhead_ratio",
    .stats_ratio = "redis.rss-overhead.ratio",
    .doctor = "redis.doctor.high-process-rss-overhead",
    .finds = "the process larger than its allocator",
};

struct excess {
    struct jep_figure bytes, above, below;
    double share;
};

/* The log of active defragmentation has totals of the same meaning. */
static struct jep_figure
step_figure(const struct rule_input *in, enum redis_field field)
{
    const struct jep_figure *total = in->snapshot->total;
    struct jep_figure figure = in->snapshot->redis[field], logged = {0};

    if (figure.known || in->snapshot->format != DUMP_FORMAT_REDIS)
        return figure;
    if (field == REDIS_ALLOCATOR_ALLOCATED)
        logged = total[TOTAL_ALLOCATED];
    else if (field == REDIS_ALLOCATOR_ACTIVE)
        logged = total[TOTAL_ACTIVE];
    else if (field == REDIS_ALLOCATOR_RESIDENT)
        logged = total[TOTAL_RESIDENT];
    return logged;
}

/* The share by the figures; else by the ratio, rounded as it is. */
static bool
excess_share(const struct rule_input *in, const struct step *step,
             struct excess *out)
{
    const char *ratio = snapshot_setting(in->snapshot, step->ratio);

    if (out->below.known && out->below.value > 0) {
        out->share = rule_ratio(out->bytes, out->below);
        return true;
    }
    if (ratio == NULL)
        ratio = snapshot_setting(in->snapshot, step->stats_ratio);
    out->share = ratio != NULL ? strtod(ratio, NULL) - 1.0 : 0.0;
    return out->share > 0.0;
}

/* Whether the step is higher than it should be. */
static bool
excess_found(const struct rule_input *in, const struct step *step,
             struct excess *out)
{
    *out = (struct excess){.above = step_figure(in, step->above),
                           .below = step_figure(in, step->below)};
    out->bytes = figure_or(in->snapshot->redis[step->bytes],
                           figure_minus(out->above, out->below));
    if (!out->bytes.known)
        return snapshot_setting(in->snapshot, step->doctor) != NULL;
    return excess_share(in, step, out) && out->share > EXCESS &&
           rule_is_worth(in, out->bytes.value);
}

/* What libc says Redis makes up from the RSS. */
static bool
has_own_figures(const struct rule_input *in)
{
    enum jep_allocator allocator = in->view->source.allocator;

    return program_is_redis(in) && (allocator == JEP_ALLOCATOR_UNKNOWN ||
                                    allocator == JEP_ALLOCATOR_JEMALLOC ||
                                    allocator == JEP_ALLOCATOR_JEALLOC);
}

/* The figures of the step; false: there are none. */
static bool
excess_show(const struct rule_input *in, struct finding *finding,
            const struct step *step, const struct excess *excess)
{
    char name[64];

    if (!excess->bytes.known) {
        uint32_t line = 0;

        rule_option_line(in, step->doctor, &line);
        finding_title(finding, "MEMORY DOCTOR finds %s", step->finds);
        finding_text(finding, "MEMORY DOCTOR", "without figures", line);
        return false;
    }
    finding_bytes(finding, excess->bytes.value);
    finding_size(finding, step->above_name, excess->above);
    finding_size(finding, step->below_name, excess->below);
    snprintf(name, sizeof(name), "%s - %s", step->above_name, step->below_name);
    finding_size(finding, excess->bytes.derived ? name : step->bytes_name,
                 excess->bytes);
    snprintf(name, sizeof(name), "of what is %s", step->below_name);
    finding_share(finding, name, excess->share);
    return true;
}

static void
frag_action(const struct rule_input *in, struct finding *finding)
{
    unsigned version = redis_version(in);
    struct jep_figure running = in->snapshot->redis[REDIS_DEFRAG_RUNNING];

    if (running.known && running.value > 0)
        finding_action(finding,
                       "Active defragmentation is at work, with %llu %% of the "
                       "processor: wait, or raise active-defrag-cycle-max.",
                       (unsigned long long)running.value);
    else if (version != 0 && version < DEFRAG_FROM)
        finding_action(finding, "Restart the server, or fail over to a replica "
                                "that was filled anew: this version cannot "
                                "move objects. From 4.0 on: CONFIG SET "
                                "activedefrag yes.");
    else
        finding_action(finding, "CONFIG SET activedefrag yes; it begins at "
                                "active-defrag-threshold-lower (10 %%) and "
                                "active-defrag-ignore-bytes (100 MB). A server "
                                "that was not built with Redis' own jemalloc "
                                "refuses: there only a restart or a failover "
                                "helps.");
}

/* Padding is not what defragmentation can win back. */
static bool
is_padding(const struct rule_input *in)
{
    struct rule_padding padding;

    return redis_version(in) < SMALL_BINS_FROM && rule_padding(in, &padding);
}

bool
rule_redis_allocator_frag(const struct rule_input *in, struct finding *finding)
{
    struct excess excess;
    bool is_high;

    if (!has_own_figures(in) || !excess_found(in, &frag_step, &excess) ||
        is_padding(in))
        return false;
    is_high = excess.share > FRAG_EXCESS_HIGH && excess.bytes.value > RULE_GIB;
    finding_severity(finding, is_high ? JEP_HIGH : JEP_MEDIUM);
    if (excess_show(in, finding, &frag_step, &excess))
        finding_title(finding,
                      "Redis' memory is fragmented: %s in its pages hold "
                      "nothing, %.0f %% of what is allocated",
                      SIZE_TEXT(excess.bytes.value), excess.share * 100.0);
    show_setting(in, finding, "redis_version");
    finding_count(finding, "active_defrag_running",
                  in->snapshot->redis[REDIS_DEFRAG_RUNNING]);
    frag_action(in, finding);
    return true;
}

static void
rss_action(const struct rule_input *in, struct finding *finding)
{
    unsigned version = redis_version(in);

    if ((version != 0 && version < BG_THREAD_FROM) ||
        rule_is_below(in, RELEASE_5_0))
        finding_action(finding,
                       "MEMORY PURGE (Redis 4.0 and later) gives free pages "
                       "back at once. From 6.0 on jemalloc-bg-thread yes does "
                       "so all the time.");
    else
        finding_action(finding, "MEMORY PURGE gives free pages back at once; "
                                "CONFIG SET jemalloc-bg-thread yes, the "
                                "default, all the time.");
}

bool
rule_redis_allocator_rss(const struct rule_input *in, struct finding *finding)
{
    struct excess excess;

    if (!has_own_figures(in) || !excess_found(in, &rss_step, &excess))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    if (excess_show(in, finding, &rss_step, &excess))
        finding_title(finding,
                      "The allocator keeps %s beyond its active pages: free "
                      "pages, and its own metadata",
                      SIZE_TEXT(excess.bytes.value));
    finding_size(finding, "metadata", in->view->summary.metadata);
    finding_size(finding, "muzzy", in->snapshot->redis[REDIS_ALLOCATOR_MUZZY]);
    rss_action(in, finding);
    return true;
}

bool
rule_redis_rss_overhead(const struct rule_input *in, struct finding *finding)
{
    struct excess excess;

    if (!has_own_figures(in) || !excess_found(in, &overhead_step, &excess))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    if (excess_show(in, finding, &overhead_step, &excess))
        finding_title(finding,
                      "Redis' process holds %s more than its allocator",
                      SIZE_TEXT(excess.bytes.value));
    finding_size(finding, "muzzy", in->snapshot->redis[REDIS_ALLOCATOR_MUZZY]);
    finding_size(finding, "used_memory_lua", in->snapshot->redis[REDIS_LUA]);
    finding_size(finding, "AnonHugePages",
                 in->snapshot->rollup[ROLLUP_ANON_HUGE_PAGES]);
    return true;
}

/* ---- what the ratios mean ------------------------------------------------ */

bool
rule_redis_tiny_ratio(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *redis = in->snapshot->redis;
    struct jep_figure used = redis[REDIS_USED_MEMORY];
    struct jep_figure rss =
        figure_or(redis[REDIS_USED_MEMORY_RSS], in->view->summary.rss);
    struct jep_figure beyond = figure_minus(rss, used);

    if (!used.known || used.value == 0 || used.value >= TINY_USED ||
        !rule_is_part(rss, TINY_RATIO, used) || beyond.value >= TINY_BYTES)
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "A fragmentation ratio of %.1f is nothing here: a server "
                  "that holds %s has %s of program and allocator besides",
                  rule_ratio(rss, used), SIZE_TEXT(used.value),
                  SIZE_TEXT(beyond.value));
    finding_size(finding, "used_memory", used);
    finding_size(finding, "used_memory_rss", rss);
    finding_size(finding, "RSS - used memory", beyond);
    show_setting(in, finding, "mem_fragmentation_ratio");
    return true;
}

/* What Redis calls fragmentation from 7.4 on, where the dump has it. */
static struct jep_figure
small_bins_waste(const struct rule_input *in, struct jep_figure all)
{
    struct jep_figure said = in->snapshot->redis[REDIS_FRAG_BYTES];

    if (said.known && said.value < all.value)
        return said;
    return in->view->summary.slab_holes;
}

bool
rule_redis_frag_definition(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *redis = in->snapshot->redis;
    struct jep_figure allocated = redis[REDIS_ALLOCATOR_ALLOCATED];
    struct jep_figure said = redis[REDIS_FRAG_BYTES];
    struct jep_figure all =
        figure_minus(redis[REDIS_ALLOCATOR_ACTIVE], allocated);
    struct jep_figure small = small_bins_waste(in, all);
    struct jep_figure apart = figure_minus(all, small);
    bool is_new = said.known && said.value < all.value;

    if (!has_own_figures(in) || !said.known || !small.known ||
        !rule_is_part(apart, DEFINITIONS, allocated) ||
        !rule_is_worth(in, apart.value))
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "allocator_frag_ratio is %.2f by holes in small objects' "
                  "slabs (Redis 7.4 and later) and %.2f by all pages (before); "
                  "this server says the %s one",
                  1.0 + rule_ratio(small, allocated),
                  1.0 + rule_ratio(all, allocated),
                  is_new ? "first" : "second");
    show_setting(in, finding, "redis_version");
    show_setting(in, finding, "allocator_frag_ratio");
    finding_size(finding, "allocated", allocated);
    finding_size(finding, "active - allocated", all);
    finding_size(finding, "holes in small objects' slabs", small);
    return true;
}

/* ---- the past -------------------------------------------------------------
 */

bool
rule_redis_peak(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *redis = in->snapshot->redis;
    struct jep_figure used = redis[REDIS_USED_MEMORY];
    struct jep_figure peak = redis[REDIS_USED_MEMORY_PEAK];
    struct jep_figure fallen = figure_minus(peak, used);
    uint32_t line = 0;
    bool is_said =
        rule_option_line(in, "redis.doctor.peak-memory", &line) != NULL;

    finding_severity(finding, JEP_INFO);
    if (!used.known || !peak.known) {
        finding_title(finding, "MEMORY DOCTOR finds that Redis used far more "
                               "memory in the past");
        finding_text(finding, "MEMORY DOCTOR", "without figures", line);
        return is_said;
    }
    if ((double)peak.value <= PEAK_RATIO * (double)used.value ||
        !rule_is_worth(in, fallen.value))
        return false;
    finding_title(finding,
                  "Redis used %s at its peak and %s now: much of the RSS is "
                  "from then",
                  SIZE_TEXT(peak.value), SIZE_TEXT(used.value));
    finding_size(finding, "used_memory_peak", peak);
    finding_size(finding, "used_memory", used);
    finding_size(finding, "RSS", in->view->summary.rss);
    return true;
}

/* Twenty times what the server ever held is no trace of a peak. */
static bool
retains_too_much(const struct rule_input *in)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure peak = in->snapshot->redis[REDIS_USED_MEMORY_PEAK];
    struct jep_figure held = s->allocated;

    if (peak.known && peak.value > held.value)
        held = peak;
    return s->retained.known && s->retained.value >= RETAINED_BYTES &&
           held.known &&
           (double)s->retained.value > RETAINED_RATIO * (double)held.value;
}

bool
rule_redis_530_maps(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *machine = in->snapshot->machine;
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure maps = machine[MACHINE_MAPS];
    struct jep_figure most = machine[MACHINE_MAX_MAP_COUNT];
    bool has_many;

    if (!most.known)
        most = figure_derived(MAPS_DEFAULT_MAX);
    has_many = maps.known && maps.value > most.value;
    if (!program_is_redis(in) || !rule_is_jemalloc(in) ||
        !rule_release_in(in, RELEASE_5_3, RELEASE_5_3) ||
        (!has_many && !retains_too_much(in)))
        return false;
    finding_severity(finding, JEP_HIGH);
    if (has_many)
        finding_title(finding,
                      "Redis with jemalloc 5.3.0 has %llu mappings, more than "
                      "the system allows: allocations fail with memory free",
                      (unsigned long long)maps.value);
    else
        finding_title(finding,
                      "Redis with jemalloc 5.3.0 retains %s, %.0f times what "
                      "it holds: its address space is in pieces",
                      SIZE_TEXT(s->retained.value),
                      rule_ratio(s->retained, s->allocated));
    finding_count(finding, "mappings", maps);
    finding_count(finding, "vm.max_map_count", most);
    finding_size(finding, "retained", s->retained);
    finding_size(finding, "allocated", s->allocated);
    finding_size(finding, "used_memory_peak",
                 in->snapshot->redis[REDIS_USED_MEMORY_PEAK]);
    finding_count(finding, "overcommit_memory",
                  machine[MACHINE_OVERCOMMIT_MEMORY]);
    finding_size(finding, "Committed_AS", machine[MACHINE_COMMITTED_AS]);
    finding_size(finding, "CommitLimit", machine[MACHINE_COMMIT_LIMIT]);
    return true;
}
