/* Which of many dumps are of one process, and in which order.
 *
 * A process is known by its number, its program and when it started.  Without
 * these, dumps that are read one after the other are of one process if time and
 * all counters only grow from each to the next.  A process that starts anew
 * under the same number, or in the same file, is a run of its own that comes
 * after the one before. */
#include "analyse/several.h"

#include <stdlib.h>
#include <string.h>

struct moment {
    struct jep_moment out; /* first: what is handed out */
    struct jep_moment_finding *findings;
    struct jep_moment_note *notes;
    size_t group;
};

/* Dumps of one program: runs of it come after one another. */
struct group {
    const struct jep_moment *first;
    bool is_assumed;          /* by what the dumps are like, not by a name */
    bool is_split_by_version; /* nobody asked for one series whatever comes */
};

struct jep_several {
    struct jep_several_view view;
    struct intern_text texts;
    struct moment **moments;
    size_t count, capacity;
    struct group *groups;
    size_t group_count;
    const struct jep_moment **ordered; /* by run */
    struct several_run *runs;
    size_t run_count;
    struct series *series;
    struct jep_series *series_out;
    const struct jep_moment **latest; /* of each group */
    const struct jep_moment **alone;
    struct fleet fleet;
};

jep_several_t *
jep_several_new(void)
{
    return calloc(1, sizeof(jep_several_t));
}

static void
moment_free(struct moment *moment)
{
    free(moment->findings);
    free(moment->notes);
    free(moment);
}

void
jep_several_free(jep_several_t *several)
{
    if (several == NULL)
        return;
    for (size_t i = 0; several->series != NULL && i < several->run_count; i++)
        series_free(&several->series[i]);
    for (size_t i = 0; i < several->count; i++)
        moment_free(several->moments[i]);
    fleet_free(&several->fleet);
    free(several->moments);
    free(several->groups);
    free(several->ordered);
    free(several->runs);
    free(several->series);
    free(several->series_out);
    free(several->latest);
    free(several->alone);
    intern_text_free(&several->texts);
    free(several);
}

const struct jep_several_view *
jep_several_view(const jep_several_t *several)
{
    return &several->view;
}

/* ---- taking what is needed --------------------------------------------- */

static bool
own_text(jep_several_t *several, const char **text)
{
    if (*text != NULL)
        *text = intern_text(&several->texts, *text);
    return *text != NULL;
}

static bool
own_texts(jep_several_t *several, struct jep_moment *moment)
{
    return own_text(several, &moment->file) &&
           (moment->version == NULL || own_text(several, &moment->version)) &&
           (moment->exe == NULL || own_text(several, &moment->exe));
}

/* Names of rules are constants. */
static bool
own_findings(struct moment *moment, const struct jep_view *view)
{
    if (view->finding_count == 0)
        return true;
    moment->findings = calloc(view->finding_count, sizeof(*moment->findings));
    if (moment->findings == NULL)
        return false;
    for (size_t i = 0; i < view->finding_count; i++)
        moment->findings[i] = (struct jep_moment_finding){
            view->findings[i].rule, view->findings[i].severity,
            view->findings[i].bytes};
    moment->out.findings = moment->findings;
    moment->out.finding_count = view->finding_count;
    return true;
}

static bool
own_notes(jep_several_t *several, struct moment *moment,
          const struct jep_view *view)
{
    bool is_fine = notes_take(&view->source, &several->texts, &moment->notes,
                              &moment->out.note_count);

    moment->out.notes = moment->notes;
    return is_fine;
}

jep_status_t
jep_several_add(jep_several_t *several, const jep_report_t *report)
{
    const struct jep_view *view = jep_report_view(report);
    struct moment *moment = calloc(1, sizeof(*moment));

    if (moment == NULL)
        return JEP_ERR_MEMORY;
    moment->out = *report_moment(report);
    moment->out.index = several->count;
    if (!own_texts(several, &moment->out) || !own_findings(moment, view) ||
        !own_notes(several, moment, view) ||
        !intern_grow((void **)&several->moments, &several->capacity,
                     several->count, sizeof(struct moment *))) {
        moment_free(moment);
        return JEP_ERR_MEMORY;
    }
    several->moments[several->count++] = moment;
    return JEP_OK;
}

/* ---- what is whose ----------------------------------------------------- */

static bool
is_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether one of them had ended before the other one started. */
static bool
is_apart(const struct jep_moment *a, const struct jep_moment *b)
{
    struct jep_figure x = moment_start(a), y = moment_start(b);

    if (!x.known || !y.known)
        return true;
    return a->wall_ns.value <= y.value || b->wall_ns.value <= x.value;
}

/* The same number and program, and the same start, or another one after the
 * end: in containers every process has the number 1. */
static bool
is_named_alike(const struct jep_moment *a, const struct jep_moment *b)
{
    if (!a->pid.known || !b->pid.known || a->pid.value != b->pid.value ||
        a->allocator != b->allocator || !is_text(a->exe, b->exe))
        return false;
    return !moment_has_other_start(a, b) || is_apart(a, b);
}

static size_t
group_new(jep_several_t *several, const struct jep_moment *first)
{
    several->groups[several->group_count] = (struct group){.first = first};
    return several->group_count++;
}

/* A group whose members are all named like `moment`. */
static size_t
group_by_name(jep_several_t *several, size_t at)
{
    const struct jep_moment *moment = &several->moments[at]->out;

    for (size_t g = several->group_count; g-- > 0;) {
        bool fits = is_named_alike(several->groups[g].first, moment);

        for (size_t i = 0; fits && i < at; i++) {
            if (several->moments[i]->group == g)
                fits = is_named_alike(&several->moments[i]->out, moment);
        }
        if (fits)
            return g;
    }
    return group_new(several, moment);
}

/* A later dump of the same file, and of the process that wrote the other one
 * if a log has lines of several. */
static bool
is_one_file(const struct jep_moment *before, const struct jep_moment *now)
{
    return is_text(before->file, now->file) && before->stream == now->stream &&
           now->document > before->document &&
           before->allocator == now->allocator;
}

/* The dump before the one at `at`, but for those of other processes of the same
 * log; NULL = there is none. */
static const struct moment *
before_of(const jep_several_t *several, size_t at)
{
    const struct jep_moment *now = &several->moments[at]->out;

    while (at-- > 0) {
        const struct moment *before = several->moments[at];

        if (before->out.stream == now->stream ||
            !is_text(before->out.file, now->file))
            return before;
    }
    return NULL;
}

enum order { ORDER_NONE, ORDER_FORWARDS, ORDER_BACKWARDS };

static bool
is_chain(const jep_several_t *several, bool is_backwards)
{
    for (size_t i = 1; i < several->count; i++) {
        const struct moment *last = before_of(several, i);
        const struct jep_moment *before = last != NULL ? &last->out : NULL;
        const struct jep_moment *now = &several->moments[i]->out;

        if (before == NULL || before->pid.known || now->pid.known ||
            is_one_file(before, now))
            continue;
        if (is_backwards ? !moment_follows(now, before)
                         : !moment_follows(before, now))
            return false;
    }
    return true;
}

/* Whether files that name no process are of one, by what only grows.  It has
 * to hold for all of them: two of many can follow each other by chance. */
static enum order
order_of(const jep_several_t *several)
{
    if (is_chain(several, false))
        return ORDER_FORWARDS;
    return is_chain(several, true) ? ORDER_BACKWARDS : ORDER_NONE;
}

static size_t
group_of(jep_several_t *several, size_t at, enum order order)
{
    const struct jep_moment *moment = &several->moments[at]->out;
    const struct moment *before = before_of(several, at);

    if (moment->pid.known)
        return group_by_name(several, at);
    if (before == NULL || before->out.pid.known)
        return group_new(several, moment);
    if (!is_one_file(&before->out, moment) && order == ORDER_NONE)
        return group_new(several, moment);
    several->groups[before->group].is_assumed = true;
    return before->group;
}

static void
groups_fill(jep_several_t *several, enum jep_several_kind kind)
{
    enum order order = order_of(several);

    for (size_t i = 0; i < several->count; i++) {
        const struct jep_moment *moment = &several->moments[i]->out;

        if (kind == JEP_SEVERAL_AUTO)
            several->moments[i]->group = group_of(several, i, order);
        else if (kind == JEP_SEVERAL_FLEET || i == 0)
            several->moments[i]->group = group_new(several, moment);
    }
    for (size_t g = 0; g < several->group_count; g++)
        several->groups[g].is_split_by_version = kind == JEP_SEVERAL_AUTO;
}

/* ---- in which order ---------------------------------------------------- */

static int
wall_order(const void *a, const void *b)
{
    const struct jep_moment *x = *(const struct jep_moment *const *)a;
    const struct jep_moment *y = *(const struct jep_moment *const *)b;

    if (x->wall_ns.value != y->wall_ns.value)
        return x->wall_ns.value < y->wall_ns.value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int
uptime_order(const void *a, const void *b)
{
    const struct jep_moment *x = *(const struct jep_moment *const *)a;
    const struct jep_moment *y = *(const struct jep_moment *const *)b;

    if (x->uptime_ns.value != y->uptime_ns.value)
        return x->uptime_ns.value < y->uptime_ns.value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool
has_clock(const struct jep_moment *const *moments, size_t count,
          enum jep_clock clock)
{
    for (size_t i = 0; i < count; i++) {
        if (!(clock == JEP_CLOCK_WALL ? moments[i]->wall_ns
                                      : moments[i]->uptime_ns)
                 .known)
            return false;
    }
    return true;
}

/* Whether the process goes on from each dump to the next. */
static bool
is_one_run(const struct jep_moment *const *moments, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t e = 0; e < JEP_MOMENT_EVENTS; e++) {
            struct jep_figure before = moments[i - 1]->events[e];
            struct jep_figure now = moments[i]->events[e];

            if (before.known && now.known && now.value < before.value)
                return false;
        }
        if (moment_is_restart(moments[i - 1], moments[i]))
            return false;
    }
    return true;
}

static int
index_order(const void *a, const void *b)
{
    const struct jep_moment *x = *(const struct jep_moment *const *)a;
    const struct jep_moment *y = *(const struct jep_moment *const *)b;

    return (x->index > y->index) - (x->index < y->index);
}

/* What one file holds was written in its order. */
static bool
is_of_files(const struct jep_moment *const *moments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (moments[i]->documents > 1)
            return false;
    }
    return true;
}

/* By the clock on the wall.  Time since the start orders only what turns out
 * to be one run: else it would mix several. */
static enum jep_clock
moments_sort(const struct jep_moment **moments, size_t count)
{
    if (has_clock(moments, count, JEP_CLOCK_WALL)) {
        qsort(moments, count, sizeof(*moments), wall_order);
        return JEP_CLOCK_WALL;
    }
    if (!has_clock(moments, count, JEP_CLOCK_UPTIME))
        return JEP_CLOCK_NONE;
    if (!is_of_files(moments, count))
        return JEP_CLOCK_UPTIME;
    qsort(moments, count, sizeof(*moments), uptime_order);
    if (!is_one_run(moments, count))
        qsort(moments, count, sizeof(*moments), index_order);
    return JEP_CLOCK_UPTIME;
}

static bool
is_in_order(const struct jep_moment *const *moments, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (moments[i]->index < moments[i - 1]->index)
            return false;
    }
    return true;
}

/* Whether that they are of one process is no more than likely: some have no
 * name, and are in files of their own, or show no time and counters that grow.
 */
static bool
is_guess(const struct jep_moment *const *moments, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct jep_moment *before = moments[i - 1], *now = moments[i];

        if (before->pid.known && now->pid.known)
            continue;
        if (!is_one_file(before, now) || !moment_goes_on(before, now))
            return true;
    }
    return false;
}

/* Cut the sorted dumps of one group into runs. */
static void
runs_add(jep_several_t *several, const struct group *group,
         const struct jep_moment **moments, size_t count)
{
    enum jep_clock clock = moments_sort(moments, count);
    bool is_reordered = !is_in_order(moments, count);

    for (size_t first = 0, next; first < count; first = next) {
        for (next = first + 1; next < count; next++) {
            if (moment_is_restart(moments[next - 1], moments[next]) ||
                (group->is_split_by_version &&
                 moment_has_other_version(moments[next - 1], moments[next])))
                break;
        }
        several->runs[several->run_count++] = (struct several_run){
            .moments = moments + first,
            .count = next - first,
            .clock = clock,
            .is_restart = first > 0,
            .is_assumed =
                group->is_assumed && is_guess(moments + first, next - first),
            .is_reordered = is_reordered};
    }
}

static void
runs_fill(jep_several_t *several)
{
    const struct jep_moment **at = several->ordered;

    for (size_t g = 0; g < several->group_count; g++) {
        const struct jep_moment **first = at;

        for (size_t i = 0; i < several->count; i++) {
            if (several->moments[i]->group == g)
                *at++ = &several->moments[i]->out;
        }
        runs_add(several, &several->groups[g], first, (size_t)(at - first));
        several->latest[g] = at[-1];
    }
}

/* ---- together ---------------------------------------------------------- */

static bool
reserve(jep_several_t *several)
{
    size_t most = several->count + 1;

    several->groups = calloc(most, sizeof(*several->groups));
    several->ordered = calloc(2 * most, sizeof(*several->ordered));
    several->runs = calloc(most, sizeof(*several->runs));
    several->series = calloc(most, sizeof(*several->series));
    several->series_out = calloc(most, sizeof(*several->series_out));
    several->latest = calloc(most, sizeof(*several->latest));
    several->alone = calloc(most, sizeof(*several->alone));
    return several->groups != NULL && several->ordered != NULL &&
           several->runs != NULL && several->series != NULL &&
           several->series_out != NULL && several->latest != NULL &&
           several->alone != NULL;
}

static bool
series_all(jep_several_t *several)
{
    struct jep_several_view *view = &several->view;

    for (size_t i = 0; i < several->run_count; i++) {
        if (several->runs[i].count < 2)
            continue;
        if (!series_fill(&several->runs[i], &several->series[i]))
            return false;
        several->series_out[view->series_count++] = several->series[i].out;
    }
    view->series = several->series_out;
    return true;
}

static bool
is_in_fleet(const jep_several_t *several, const struct jep_moment *moment)
{
    const struct jep_fleet *fleet = several->view.fleet;

    for (size_t i = 0; fleet != NULL && i < fleet->count; i++) {
        if (fleet->members[i].moment == moment)
            return true;
    }
    return false;
}

static void
alone_fill(jep_several_t *several)
{
    struct jep_several_view *view = &several->view;

    for (size_t i = 0; i < several->run_count; i++) {
        const struct several_run *run = &several->runs[i];

        if (run->count == 1 && !is_in_fleet(several, run->moments[0]))
            several->alone[view->alone_count++] = run->moments[0];
    }
    view->alone = several->alone;
}

static jep_status_t
fleet_of(jep_several_t *several, const struct jep_moment *const *moments,
         size_t count)
{
    if (!fleet_fill(moments, count, &several->fleet))
        return JEP_ERR_MEMORY;
    several->view.fleet = &several->fleet.out;
    return JEP_OK;
}

jep_status_t
jep_several_close(jep_several_t *several, enum jep_several_kind kind)
{
    struct jep_several_view *view = &several->view;
    jep_status_t status = JEP_OK;

    if (!reserve(several))
        return JEP_ERR_MEMORY;
    groups_fill(several, kind);
    runs_fill(several);
    /* As they were read, behind the ordered ones. */
    for (size_t i = 0; i < several->count; i++)
        several->ordered[several->count + i] = &several->moments[i]->out;
    view->moments = several->ordered + several->count;
    view->count = several->count;
    if (!series_all(several))
        return JEP_ERR_MEMORY;
    /* Starts of one program with a dump each are no series: beside each other
     * they are a fleet. */
    if (view->series_count == 0)
        status = fleet_of(several, view->moments, view->count);
    else if (several->group_count > 1)
        status = fleet_of(several, several->latest, several->group_count);
    if (status == JEP_OK)
        alone_fill(several);
    return status;
}
