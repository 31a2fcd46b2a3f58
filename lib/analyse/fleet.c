/* Which of many processes are unlike the others, and what they have in common.
 *
 * Median and median absolute deviation stand for what is usual: unlike mean and
 * standard deviation they do not follow the very processes that are looked for.
 * A floor in bytes keeps a fleet that is all alike from having unusual members.
 */
#include "analyse/several.h"

#include "analyse/trend.h"

#include <stdlib.h>
#include <string.h>

#define FLOOR_SHARE 0.05 /* of the median size of a process */

static struct jep_figure
difference(struct jep_figure whole, struct jep_figure part)
{
    if (!whole.known || !part.known || whole.value < part.value)
        return (struct jep_figure){0};
    return figure_derived(whole.value - part.value);
}

/* What a process takes: the outermost figure that is known. */
static struct jep_figure
size_of(const struct jep_summary *s)
{
    return figure_or(summary_whole(s), s->allocated);
}

/* RSS and resident are not the same: one of them for all, if possible. */
static const char *
sizes_name(const struct jep_moment *const *moments, size_t count)
{
    size_t rss = 0, resident = 0;

    for (size_t i = 0; i < count; i++) {
        rss += moments[i]->summary.rss.known;
        resident += moments[i]->summary.resident.known;
    }
    if (rss == count)
        return "RSS";
    return resident == count ? "resident" : "size";
}

static struct jep_figure
value_of(const struct fleet *fleet, const struct jep_summary *s,
         enum jep_fleet_figure figure)
{
    bool is_rss = strcmp(fleet->size_name, "RSS") == 0;

    switch (figure) {
    case JEP_FLEET_SIZE:
        return strcmp(fleet->size_name, "resident") == 0 ? s->resident
                                                         : size_of(s);
    case JEP_FLEET_ALLOCATED:
        return s->allocated;
    case JEP_FLEET_WASTE:
        return difference(s->active, s->allocated);
    case JEP_FLEET_DIRTY:
        return s->muzzy.known ? figure_plus(s->dirty, s->muzzy) : s->dirty;
    case JEP_FLEET_METADATA:
        return s->metadata;
    default:
        return is_rss ? difference(s->rss, s->resident)
                      : (struct jep_figure){0};
    }
}

static double
floor_fill(const struct jep_moment *const *moments, size_t count,
           double *values)
{
    size_t known = 0;
    double share;

    for (size_t i = 0; i < count; i++) {
        struct jep_figure size = size_of(&moments[i]->summary);

        if (size.known)
            values[known++] = (double)size.value;
    }
    share = FLOOR_SHARE * trend_median(values, known);
    return share > (double)JEP_CHANGE_MIN ? share : (double)JEP_CHANGE_MIN;
}

static void
spread_fill(struct fleet *fleet, enum jep_fleet_figure figure, double *values)
{
    static const struct {
        const char *id, *what;
    } names[JEP_FLEET_FIGURES] = {
        [JEP_FLEET_SIZE] = {"size", NULL},
        [JEP_FLEET_ALLOCATED] = {"allocated", "allocated"},
        [JEP_FLEET_WASTE] = {"waste", "holes and padding"},
        [JEP_FLEET_DIRTY] = {"dirty", "dirty and muzzy pages"},
        [JEP_FLEET_METADATA] = {"metadata", "metadata"},
        [JEP_FLEET_OUTSIDE] = {"outside", "outside the allocator"}};
    struct jep_spread *spread = &fleet->out.figures[figure];

    *spread =
        (struct jep_spread){.id = names[figure].id, .what = names[figure].what};
    if (figure == JEP_FLEET_SIZE)
        spread->what = fleet->size_name;
    for (size_t i = 0; i < fleet->out.count; i++) {
        const struct jep_member_figure *one =
            &fleet->members[i].figures[figure];

        if (one->known)
            values[spread->known++] = one->value;
    }
    if (spread->known == 0)
        return;
    spread->median = trend_median(values, spread->known);
    spread->least = values[0];
    spread->most = values[spread->known - 1];
    spread->deviation = trend_deviation(values, spread->known, spread->median);
}

/* Mark the members that are unusual in this figure. */
static void
judge(struct fleet *fleet, enum jep_fleet_figure figure)
{
    struct jep_spread *spread = &fleet->out.figures[figure];
    double least = fleet->out.floor / JEP_FLEET_Z;
    double deviation = spread->deviation > least ? spread->deviation : least;

    for (size_t i = 0; i < fleet->out.count; i++) {
        struct jep_member *member = &fleet->members[i];
        struct jep_member_figure *one = &member->figures[figure];
        double above = one->value - spread->median;

        if (!one->known)
            continue;
        one->z = above / deviation;
        one->is_unusual =
            spread->known >= JEP_FLEET_MIN && one->z >= JEP_FLEET_Z;
        if (!one->is_unusual)
            continue;
        spread->unusual++;
        member->unusual++;
        if (above > member->excess)
            member->excess = above;
    }
}

static int
member_order(const void *a, const void *b)
{
    const struct jep_member *x = a, *y = b;
    uint64_t ours = size_of(&x->moment->summary).value;
    uint64_t theirs = size_of(&y->moment->summary).value;

    if ((x->unusual > 0) != (y->unusual > 0))
        return x->unusual > 0 ? -1 : 1;
    if (x->excess != y->excess)
        return x->excess > y->excess ? -1 : 1;
    if (ours != theirs)
        return ours > theirs ? -1 : 1;
    return (x->moment->index > y->moment->index) -
           (x->moment->index < y->moment->index);
}

/* ---- findings that they share ------------------------------------------ */

static int
common_order(const void *a, const void *b)
{
    const struct jep_common *x = a, *y = b;

    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return strcmp(x->rule, y->rule);
}

static void
common_count(struct fleet *fleet, const struct jep_moment_finding *finding)
{
    struct jep_common *at = fleet->common;
    struct jep_common *end = at + fleet->out.common_count;

    /* What only informs is not added to what costs something. */
    while (at < end &&
           ((at->severity == JEP_INFO) != (finding->severity == JEP_INFO) ||
            strcmp(at->rule, finding->rule) != 0))
        at++;
    if (at == end) {
        *at = (struct jep_common){.rule = finding->rule,
                                  .severity = finding->severity};
        fleet->out.common_count++;
    }
    at->count++;
    at->bytes += finding->bytes.value;
    if (finding->severity > at->severity)
        at->severity = finding->severity;
}

static bool
common_fill(struct fleet *fleet)
{
    size_t most = 0;

    for (size_t i = 0; i < fleet->out.count; i++)
        most += fleet->members[i].moment->finding_count;
    if (most == 0)
        return true;
    fleet->common = calloc(most, sizeof(*fleet->common));
    if (fleet->common == NULL)
        return false;
    for (size_t i = 0; i < fleet->out.count; i++) {
        const struct jep_moment *moment = fleet->members[i].moment;

        for (size_t f = 0; f < moment->finding_count; f++)
            common_count(fleet, &moment->findings[f]);
    }
    qsort(fleet->common, fleet->out.common_count, sizeof(*fleet->common),
          common_order);
    fleet->out.common = fleet->common;
    return true;
}

/* Whether a program may have printed both. */
static bool
is_beside(const struct jep_moment *before, const struct jep_moment *now)
{
    return strcmp(before->file, now->file) == 0 &&
           before->allocator != now->allocator &&
           !(before->pid.known && now->pid.known);
}

bool
fleet_fill(const struct jep_moment *const *moments, size_t count,
           struct fleet *fleet)
{
    double *values = calloc(count, sizeof(*values));

    fleet->members = calloc(count, sizeof(*fleet->members));
    if (values == NULL || fleet->members == NULL) {
        free(values);
        return false;
    }
    fleet->out.count = count;
    fleet->out.members = fleet->members;
    fleet->size_name = sizes_name(moments, count);
    fleet->out.floor = floor_fill(moments, count, values);
    for (size_t i = 0; i < count; i++) {
        fleet->members[i].moment = moments[i];
        fleet->out.is_mixed |= i > 0 && is_beside(moments[i - 1], moments[i]);
        for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
            struct jep_figure value = value_of(fleet, &moments[i]->summary, f);

            fleet->members[i].figures[f] = (struct jep_member_figure){
                .value = (double)value.value, .known = value.known};
        }
    }
    for (int f = 0; f < JEP_FLEET_FIGURES; f++) {
        spread_fill(fleet, f, values);
        judge(fleet, f);
    }
    free(values);
    qsort(fleet->members, count, sizeof(*fleet->members), member_order);
    for (size_t i = 0; i < count; i++)
        fleet->out.unusual += fleet->members[i].unusual > 0;
    return common_fill(fleet);
}

void
fleet_free(struct fleet *fleet)
{
    free(fleet->members);
    free(fleet->common);
}
