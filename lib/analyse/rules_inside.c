/* What the rules of sections A to C have in common. */
#include "analyse/rules_inside.h"

#include <string.h>

double
rule_share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
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

static struct jep_figure
uptime(const struct snapshot *snapshot)
{
    struct jep_figure process = snapshot->process[PROCESS_UPTIME_NS];

    if (process.known || snapshot->subject == NULL)
        return process;
    return snapshot->subject->figures[ARENA_UPTIME_NS];
}

bool
rule_seconds(const struct rule_input *in, double *seconds)
{
    struct jep_figure now = uptime(in->snapshot);
    uint64_t ns = now.value;

    if (in->before != NULL) {
        struct jep_figure before = uptime(in->before);

        now.known = now.known && before.known && now.value > before.value;
        ns = now.value - before.value;
    }
    *seconds = (double)ns / 1e9;
    return now.known && ns > 0;
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
