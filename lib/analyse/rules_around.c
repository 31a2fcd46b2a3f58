/* What the rules of sections D to I have in common. */
#include "analyse/rules_around.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Muzzy pages count as resident in 5.0.0 to 5.2.1. */
#define MUZZY_RESIDENT_TO 50201

double
around_share(struct jep_figure part, struct jep_figure whole)
{
    if (!part.known || !whole.known || whole.value == 0)
        return 0.0;
    return (double)part.value / (double)whole.value;
}

bool
around_option_is(const struct rule_input *in, const char *name,
                 const char *value)
{
    const char *option = rule_option(in, name);

    return option != NULL && strcmp(option, value) == 0;
}

bool
around_option_number(const struct rule_input *in, const char *name,
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

const char *
around_thp_mode(const struct snapshot *snapshot)
{
    const char *mode = snapshot_setting(snapshot, "process.thp.enabled");

    return mode != NULL ? mode : snapshot_setting(snapshot, "system.thp_mode");
}

struct jep_figure
around_counted(const struct snapshot *snapshot,
               const struct jep_summary *summary)
{
    unsigned release = summary_release(snapshot);
    struct jep_figure counted = summary->resident;

    if (counted.known && summary->muzzy.known &&
        (release == 0 || release > MUZZY_RESIDENT_TO)) {
        counted.value += summary->muzzy.value;
        counted.derived = true;
    }
    return counted;
}

struct jep_figure
around_heap_rss(const struct snapshot *snapshot,
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
around_cpus(const struct snapshot *snapshot)
{
    const struct jep_figure *machine = snapshot->machine;
    struct jep_figure cpus = figure_or(
        figure_or(snapshot->process[PROCESS_CPUS], cpus_allowed(snapshot)),
        machine[MACHINE_HOST_CPUS]);
    double quota = around_share(machine[MACHINE_CPU_QUOTA_US],
                                machine[MACHINE_CPU_PERIOD_US]);
    double count = cpus.known ? (double)cpus.value : 0.0;

    return quota > 0.0 && (count == 0.0 || quota < count) ? quota : count;
}

/* How long the process has run; 0 = unknown. */
static double
uptime(const struct snapshot *snapshot)
{
    uint64_t ns = 0;

    for (size_t i = 0; i < snapshot->arena_count; i++) {
        struct jep_figure time = snapshot->arenas[i]->figures[ARENA_UPTIME_NS];

        if (time.known && time.value > ns)
            ns = time.value;
    }
    if (ns == 0)
        ns = snapshot->process[PROCESS_UPTIME_NS].value;
    return (double)ns / 1e9;
}

double
around_seconds(const struct rule_input *in)
{
    double now = uptime(in->snapshot), before = 0.0;

    if (in->before != NULL)
        before = uptime(in->before);
    return now > before ? now - before : 0.0;
}
