/* Whether two dumps are of one process, the second the later one.
 *
 * A process is known by its number; but in containers everyone is number 1,
 * and most formats do not tell.  So what only ever grows decides too: time and
 * the counters of events.  One that falls is another process, or the earlier
 * moment. */
#include "analyse/report.h"

#include <string.h>

/* By so much two clocks may disagree on when a process started. */
#define START_TOLERANCE_NS 5000000000

struct evidence {
    bool grows, falls;
};

static void
compare(struct evidence *evidence, struct jep_figure before,
        struct jep_figure now)
{
    if (!before.known || !now.known)
        return;
    if (now.value < before.value)
        evidence->falls = true;
    else
        evidence->grows = true;
}

static struct evidence
compare_events(const struct jep_moment *before, const struct jep_moment *now)
{
    struct evidence evidence = {0};

    for (size_t i = 0; i < JEP_MOMENT_EVENTS; i++)
        compare(&evidence, before->events[i], now->events[i]);
    return evidence;
}

static bool
is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL || strcmp(a, b) == 0;
}

struct jep_figure
moment_start(const struct jep_moment *moment)
{
    struct jep_figure wall = moment->wall_ns, uptime = moment->uptime_ns;

    if (!wall.known || !uptime.known || uptime.value > wall.value)
        return (struct jep_figure){0};
    return figure_derived(wall.value - uptime.value);
}

bool
moment_has_other_start(const struct jep_moment *a, const struct jep_moment *b)
{
    struct jep_figure x = moment_start(a), y = moment_start(b);

    return x.known && y.known &&
           (x.value > y.value ? x.value - y.value : y.value - x.value) >
               START_TOLERANCE_NS;
}

bool
moment_has_other_version(const struct jep_moment *a, const struct jep_moment *b)
{
    return !is_same_text(a->version, b->version);
}

bool
moment_is_restart(const struct jep_moment *before, const struct jep_moment *now)
{
    if (moment_has_other_start(before, now))
        return true;
    if (before->uptime_ns.known && now->uptime_ns.known)
        return now->uptime_ns.value < before->uptime_ns.value;
    return compare_events(before, now).falls;
}

static bool
is_later(struct jep_figure before, struct jep_figure now)
{
    return before.known && now.known && now.value > before.value;
}

bool
moment_goes_on(const struct jep_moment *before, const struct jep_moment *now)
{
    return moment_follows(before, now) &&
           (is_later(before->uptime_ns, now->uptime_ns) ||
            is_later(before->wall_ns, now->wall_ns)) &&
           compare_events(before, now).grows;
}

bool
moment_follows(const struct jep_moment *before, const struct jep_moment *now)
{
    struct evidence time = {0}, events = compare_events(before, now);
    bool has_pids = before->pid.known && now->pid.known;

    if (before->allocator != now->allocator ||
        !is_same_text(before->version, now->version) ||
        !is_same_text(before->exe, now->exe) ||
        (has_pids && before->pid.value != now->pid.value) ||
        (before->options != 0 && now->options != 0 &&
         before->options != now->options) ||
        moment_has_other_start(before, now))
        return false;
    compare(&time, before->uptime_ns, now->uptime_ns);
    compare(&time, before->wall_ns, now->wall_ns);
    if (time.falls || events.falls)
        return false;
    return has_pids || strcmp(before->file, now->file) == 0 ||
           (time.grows && events.grows);
}
