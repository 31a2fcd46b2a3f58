/* What several rules ask: options, shares, releases, time, events. */
#include "analyse/rules_common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

double
rule_share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

double
rule_ratio(struct jep_figure part, struct jep_figure whole)
{
    if (!part.known || !whole.known || whole.value == 0)
        return 0.0;
    return (double)part.value / (double)whole.value;
}

bool
rule_is_part(struct jep_figure first, double share, struct jep_figure second)
{
    return first.known && second.known &&
           (double)first.value >= share * (double)second.value;
}

bool
rule_option_is(const struct rule_input *in, const char *name, const char *value)
{
    const char *found = rule_option(in, name);

    return found != NULL && strcmp(found, value) == 0;
}

bool
rule_option_number(const struct rule_input *in, const char *name,
                   int64_t *value)
{
    const char *option = rule_option(in, name);
    char *end;

    if (option == NULL || *option == '\0')
        return false;
    errno = 0;
    *value = strtoll(option, &end, 10);
    return errno == 0 && *end == '\0';
}

void
rule_show_option(const struct rule_input *in, struct finding *finding,
                 const char *name)
{
    uint32_t line = 0;
    const char *value = rule_option_line(in, name, &line);

    finding_text(finding, name, value, line);
}

struct jep_figure
rule_arena(const struct rule_input *in, enum arena_field field)
{
    const struct snapshot_arena *arena = in->snapshot->subject;

    return arena != NULL ? arena->figures[field] : (struct jep_figure){0};
}

struct jep_figure
rule_arena_before(const struct rule_input *in, enum arena_field field)
{
    if (in->before == NULL || in->before->subject == NULL)
        return (struct jep_figure){0};
    return in->before->subject->figures[field];
}

bool
rule_is_from(const struct rule_input *in, unsigned release)
{
    return in->release_from != 0 && in->release_from >= release;
}

bool
rule_is_below(const struct rule_input *in, unsigned release)
{
    return in->release_to != 0 && in->release_to < release;
}

enum rule_background
rule_background(const struct rule_input *in)
{
    /* The text has the value in force beside the option, JSON the threads. */
    const char *live = snapshot_setting(in->snapshot, "background_thread");
    struct jep_figure threads = in->snapshot->total[TOTAL_BG_THREADS];

    if (live != NULL)
        return strcmp(live, "true") == 0 ? BACKGROUND_ON : BACKGROUND_OFF;
    if (threads.known)
        return threads.value > 0 ? BACKGROUND_ON : BACKGROUND_OFF;
    /* What was not asked for does not run; what was may have failed to. */
    if (rule_option_is(in, "background_thread", "false"))
        return BACKGROUND_OFF;
    return BACKGROUND_UNKNOWN;
}

const char *
rule_thp_mode(const struct snapshot *snapshot)
{
    const char *mode = snapshot_setting(snapshot, "process.thp.enabled");

    return mode != NULL ? mode : snapshot_setting(snapshot, "system.thp_mode");
}

struct jep_figure
rule_counted(const struct snapshot *snapshot, const struct jep_summary *summary)
{
    /* Up to 5.2.1 resident has them in it. */
    unsigned release = summary_release(snapshot);
    struct jep_figure counted = summary->resident;

    if (counted.known && summary->muzzy.known &&
        (release == 0 || release > RELEASE_5_2_1)) {
        counted.value += summary->muzzy.value;
        counted.derived = true;
    }
    return counted;
}

struct jep_figure
rule_heap_rss(const struct snapshot *snapshot,
              const struct jep_summary *summary)
{
    struct jep_figure anonymous = snapshot->rollup[ROLLUP_ANONYMOUS];
    struct jep_figure other = snapshot->residency[RESIDENCY_OTHER_ANONYMOUS];

    if (!anonymous.known)
        return summary->rss;
    if (other.known && other.value <= anonymous.value) {
        anonymous.value -= other.value;
        anonymous.derived = true;
    }
    return anonymous;
}

/* How many processors a list like "0-3,8" names; 0 = it is no such list. */
static uint64_t
list_count(const char *list)
{
    uint64_t count = 0;

    while (*list >= '0' && *list <= '9') {
        char *end;
        unsigned long first = strtoul(list, &end, 10), last = first;

        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        if (last < first || last > UINT16_MAX)
            return 0;
        count += last - first + 1;
        if (*end == '\0')
            return count;
        list = *end == ',' ? end + 1 : "";
    }
    return 0;
}

/* Those that the process may run on, as its status says. */
static struct jep_figure
cpus_allowed(const struct snapshot *snapshot)
{
    const char *list = snapshot_setting(snapshot, "process.cpus_allowed_list");
    uint64_t count = list != NULL ? list_count(list) : 0;

    return count > 0 ? figure_derived(count) : (struct jep_figure){0};
}

double
rule_cpus(const struct snapshot *snapshot)
{
    const struct jep_figure *machine = snapshot->machine;
    struct jep_figure cpus = figure_or(
        figure_or(snapshot->process[PROCESS_CPUS], cpus_allowed(snapshot)),
        machine[MACHINE_HOST_CPUS]);
    double quota = rule_ratio(machine[MACHINE_CPU_QUOTA_US],
                              machine[MACHINE_CPU_PERIOD_US]);
    double count = cpus.known ? (double)cpus.value : 0.0;

    return quota > 0.0 && (count == 0.0 || quota < count) ? quota : count;
}

double
rule_elapsed(const struct rule_input *in)
{
    struct jep_figure now = moment_uptime(in->snapshot), before = {0};

    if (in->before != NULL) {
        before = moment_uptime(in->before);
        if (!before.known || now.value <= before.value)
            return 0.0;
    }
    return now.known ? (double)(now.value - before.value) / 1e9 : 0.0;
}

bool
rule_seconds(const struct rule_input *in, double *seconds)
{
    *seconds = rule_elapsed(in);
    return *seconds > 0.0;
}

bool
rule_events(const struct rule_input *in, struct jep_figure before,
            struct jep_figure now, double *events)
{
    if (!now.known)
        return false;
    *events = (double)now.value;
    if (in->before == NULL)
        return true;
    *events -= (double)before.value;
    return before.known && before.value <= now.value;
}

/* Small and large together. */
static bool
both_sizes(const struct rule_input *in, enum small_field field, double *count)
{
    static const struct snapshot_arena none;
    const struct snapshot_arena *now = in->snapshot->subject, *before = &none;
    double small, large;

    if (now == NULL)
        return false;
    if (in->before != NULL && in->before->subject != NULL)
        before = in->before->subject;
    if (!rule_events(in, before->small[field], now->small[field], &small) ||
        !rule_events(in, before->large[field], now->large[field], &large))
        return false;
    *count = small + large;
    return true;
}

bool
rule_allocations(const struct rule_input *in, double *count)
{
    return both_sizes(in, SMALL_NMALLOC, count);
}

bool
rule_frees(const struct rule_input *in, double *count)
{
    return both_sizes(in, SMALL_NDALLOC, count);
}
