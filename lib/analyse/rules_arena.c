/* Section G: arenas, and the threads and processors that use them. */
#include "analyse/rules_common.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_PER_CPU      2
#define MANY_PER_THREAD   4
#define ENOUGH            4  /* where one thread is left and no more is known */
#define SPREAD_TOP        10 /* one in so many is the top */
#define SPREAD_SHARE      0.50 /* of the waste */
#define IDLE_ARENAS       0.25
#define DEFAULT_PER_CPU   4
#define QUOTA_RATIO       4.0
#define SMALL_POD_CPUS    2.0
#define SMALL_POD_LIMIT   ((uint64_t)4 << 30)
#define IMBALANCE_ARENAS  4
#define IMBALANCE_SHARE   0.50 /* of the waste */
#define ABANDONED_SHARE   0.10 /* of active and dirty pages */
#define AUTOMATIC_SPECIAL 1    /* the arena for oversize allocations */

/* What an arena holds and does not use. */
struct arena_waste {
    int id;
    bool has_threads;
    uint64_t pages, waste; /* active and dirty pages; bytes */
};

struct arenas {
    struct arena_waste *rows; /* most waste first */
    size_t count, busy, idle; /* idle: memory, but no thread */
    uint64_t threads, pages, waste;
};

static int
waste_order(const void *a, const void *b)
{
    const struct arena_waste *x = a, *y = b;

    if (x->waste != y->waste)
        return x->waste > y->waste ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static void
arena_add(struct arenas *arenas, const struct snapshot *snapshot,
          const struct snapshot_arena *arena)
{
    const struct jep_figure *f = arena->figures;
    struct arena_waste *row = &arenas->rows[arenas->count++];
    struct jep_figure holes = summary_slab_holes(snapshot, arena);
    uint64_t page = snapshot_page(snapshot);

    *row = (struct arena_waste){.id = arena->id};
    row->has_threads = f[ARENA_NTHREADS].value > 0;
    row->pages = f[ARENA_PACTIVE].value;
    if (!f[ARENA_PACTIVE].known && page > 0)
        row->pages = f[ARENA_ACTIVE].value / page;
    arenas->busy += row->pages > 0;
    arenas->idle += row->pages > 0 && !row->has_threads;
    row->pages += f[ARENA_PDIRTY].value;
    row->waste = f[ARENA_PDIRTY].value * page;
    if (holes.known)
        row->waste += holes.value;
    arenas->threads += f[ARENA_NTHREADS].value;
    arenas->pages += row->pages;
    arenas->waste += row->waste;
}

/* The arenas one by one; false if the dump does not have their threads and
 * pages, or memory ran out.  rows is allocated. */
static bool
arenas_read(const struct snapshot *snapshot, struct finding *finding,
            struct arenas *arenas)
{
    size_t count = snapshot->arena_count;

    *arenas = (struct arenas){0};
    if (count == 0)
        return false;
    arenas->rows = calloc(count, sizeof(*arenas->rows));
    if (arenas->rows == NULL) {
        finding->is_failed = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct snapshot_arena *arena = snapshot->arenas[i];

        if (arena->id < 0)
            continue;
        if (!arena->figures[ARENA_NTHREADS].known ||
            !arena->figures[ARENA_PDIRTY].known) {
            free(arenas->rows);
            return false;
        }
        arena_add(arenas, snapshot, arena);
    }
    qsort(arenas->rows, arenas->count, sizeof(*arenas->rows), waste_order);
    return true;
}

static bool
waste_is_spread(const struct arenas *arenas)
{
    size_t top = (arenas->count + SPREAD_TOP - 1) / SPREAD_TOP;
    uint64_t sum = 0;

    for (size_t i = 0; i < top; i++)
        sum += arenas->rows[i].waste;
    return arenas->waste > 0 &&
           (double)sum < SPREAD_SHARE * (double)arenas->waste;
}

static bool
arenas_are_too_many(const struct arenas *arenas, double cpus)
{
    double count = (double)arenas->count;

    if ((cpus <= 0.0 || count < MANY_PER_CPU * cpus) &&
        (arenas->threads == 0 ||
         count < MANY_PER_THREAD * (double)arenas->threads))
        return false;
    return waste_is_spread(arenas) ||
           (double)arenas->idle >= IDLE_ARENAS * count;
}

/* What is not in the `kept` arenas that waste most, and would be there, too. */
static uint64_t
waste_beyond(const struct arenas *arenas, size_t kept)
{
    uint64_t sum = 0;

    for (size_t i = kept; i < arenas->count; i++)
        sum += arenas->rows[i].waste;
    return sum;
}

bool
rule_too_many_arenas(const struct rule_input *in, struct finding *finding)
{
    double cpus = rule_cpus(in->snapshot), wanted;
    struct arenas arenas;
    bool fires, is_spread;
    char where[80];
    uint64_t bytes;

    if (!arenas_read(in->snapshot, finding, &arenas))
        return false;
    fires = arenas.count > 1 && arenas_are_too_many(&arenas, cpus);
    is_spread = waste_is_spread(&arenas);
    wanted = ceil(cpus > 0.0 ? cpus : (double)arenas.threads);
    /* The others may have ended with the work that they were for. */
    if (cpus <= 0.0 && arenas.threads <= 1)
        wanted = ENOUGH;
    wanted = fmin(fmax(wanted, 1.0), (double)arenas.count);
    bytes = waste_beyond(&arenas, (size_t)wanted);
    free(arenas.rows);
    if (!fires)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, bytes);
    if (is_spread)
        snprintf(where, sizeof(where), "spread over them");
    else if (wanted > 1.0)
        snprintf(where, sizeof(where), "%s of it not in the %.0f worst",
                 SIZE_TEXT(bytes), wanted);
    else
        snprintf(where, sizeof(where), "%s of it not in the worst",
                 SIZE_TEXT(bytes));
    finding_title(finding, "%zu arenas for %llu thread%s waste %s, %s",
                  arenas.count, (unsigned long long)arenas.threads,
                  arenas.threads == 1 ? "" : "s", SIZE_TEXT(arenas.waste),
                  where);
    finding_action(finding,
                   "MALLOC_CONF=narenas:%.0f (1 to 4 where memory matters "
                   "most); afterwards look whether n_waiting of the bins and "
                   "of extents_dirty stays low.",
                   wanted);
    finding_count(finding, "arenas in use", figure_derived(arenas.count));
    finding_count(finding, "of them without threads",
                  figure_derived(arenas.idle));
    finding_count(finding, "threads", figure_derived(arenas.threads));
    if (cpus > 0.0)
        finding_ratio(finding, "processors", cpus);
    finding_size(finding, "holes and dirty pages",
                 figure_derived(arenas.waste));
    finding_text(finding, "opt.narenas", rule_option(in, "narenas"), 0);
    return true;
}

bool
rule_narenas_from_host_cpus(const struct rule_input *in,
                            struct finding *finding)
{
    const struct snapshot *snapshot = in->snapshot;
    const struct jep_figure *machine = snapshot->machine;
    struct jep_figure limit = snapshot->cgroup[CGROUP_LIMIT];
    struct jep_figure cpus =
        figure_or(machine[MACHINE_HOST_CPUS], snapshot->process[PROCESS_CPUS]);
    double quota = rule_ratio(machine[MACHINE_CPU_QUOTA_US],
                              machine[MACHINE_CPU_PERIOD_US]);
    int64_t narenas;

    if (!rule_is_jemalloc(in) || quota <= 0.0 || !cpus.known ||
        !rule_option_number(in, "narenas", &narenas) ||
        narenas != (int64_t)(cpus.value * DEFAULT_PER_CPU) ||
        (double)cpus.value < QUOTA_RATIO * quota)
        return false;
    finding_severity(finding,
                     quota <= SMALL_POD_CPUS ||
                             (limit.known && limit.value <= SMALL_POD_LIMIT)
                         ? JEP_HIGH
                         : JEP_MEDIUM);
    finding_title(finding,
                  "%lld arenas come from the %llu processors of the machine; "
                  "the quota is %.1f",
                  (long long)narenas, (unsigned long long)cpus.value, quota);
    finding_action(finding,
                   "MALLOC_CONF=narenas:%.0f, four times the quota, or "
                   "narenas:%.0f where memory matters most.",
                   ceil(quota * DEFAULT_PER_CPU), ceil(quota));
    finding_text(finding, "opt.narenas", rule_option(in, "narenas"), 0);
    finding_count(finding, "processors", cpus);
    finding_ratio(finding, "quota in processors", quota);
    finding_size(finding, "memory limit", limit);
    finding_size(finding, "resident", in->view->summary.resident);
    finding_size(finding, "active", in->view->summary.active);
    return true;
}

/* Whether it holds much that nobody's work will purge. */
static bool
is_abandoned(const struct arenas *arenas, const struct arena_waste *row,
             int oversize)
{
    return !row->has_threads && row->id != oversize && row->pages > 0 &&
           (double)row->pages >= ABANDONED_SHARE * (double)arenas->pages;
}

/* The arenas that are out of balance: how many, their waste, one of them. */
static size_t
imbalance(const struct arenas *arenas, int oversize, uint64_t *waste, int *id)
{
    size_t count = 0;

    *waste = 0;
    for (size_t i = 0; i < arenas->count; i++) {
        const struct arena_waste *row = &arenas->rows[i];
        bool is_most =
            i == 0 && row->id != oversize && arenas->busy >= IMBALANCE_ARENAS &&
            row->waste > 0 &&
            (double)row->waste >= IMBALANCE_SHARE * (double)arenas->waste;

        if (!is_most && !is_abandoned(arenas, row, oversize))
            continue;
        if (count++ == 0)
            *id = row->id;
        *waste += row->waste;
    }
    return count;
}

bool
rule_arena_imbalance(const struct rule_input *in, struct finding *finding)
{
    struct arenas arenas;
    int64_t narenas;
    int oversize = -1, id = 0;
    uint64_t waste;
    size_t count;

    if (!arenas_read(in->snapshot, finding, &arenas))
        return false;
    /* The arena for oversize allocations follows the automatic ones. */
    if (rule_option_number(in, "narenas", &narenas) && narenas < INT32_MAX)
        oversize = (int)narenas;
    count = imbalance(&arenas, oversize, &waste, &id);
    free(arenas.rows);
    if (count == 0)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, waste);
    finding_title(finding,
                  "Arena %d%s has %s of %s in holes and dirty pages, out of "
                  "proportion",
                  id, count > 1 ? " and others" : "", SIZE_TEXT(waste),
                  SIZE_TEXT(arenas.waste));
    finding_count(finding, "arena", figure_derived((uint64_t)id));
    finding_count(finding, "arenas in use", figure_derived(arenas.busy));
    finding_size(finding, "its holes and dirty pages", figure_derived(waste));
    finding_size(finding, "of all arenas", figure_derived(arenas.waste));
    finding_count(finding, "arenas without threads",
                  figure_derived(arenas.idle));
    return true;
}

/* The highest number of a list such as "0-3,8"; false if it is none. */
static bool
list_highest(const char *list, unsigned long *highest)
{
    *highest = 0;
    while (*list != '\0') {
        char *end;
        unsigned long number;

        if (*list < '0' || *list > '9')
            return false;
        number = strtoul(list, &end, 10);
        *highest = number > *highest ? number : *highest;
        if (*end != '-' && *end != ',' && *end != '\0')
            return false;
        if (*end == '\0')
            return true;
        list = end + 1;
    }
    return false;
}

bool
rule_percpu_arena_mismatch(const struct rule_input *in, struct finding *finding)
{
    const char *list =
        snapshot_setting(in->snapshot, "process.cpus_allowed_list");
    const char *mode = rule_option(in, "percpu_arena");
    unsigned long highest;
    int64_t narenas;

    if (mode == NULL || strcmp(mode, "disabled") == 0 || list == NULL ||
        !list_highest(list, &highest) ||
        !rule_option_number(in, "narenas", &narenas) || narenas < 1 ||
        highest < (unsigned long)narenas)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding,
                  "percpu_arena is on with %lld arenas, and the process may "
                  "run on processor %lu",
                  (long long)narenas, highest);
    finding_action(finding,
                   "Add narenas:%lu or more to MALLOC_CONF, the number of all "
                   "processors of the machine.",
                   highest + 1);
    finding_text(finding, "opt.percpu_arena", mode, 0);
    finding_text(finding, "opt.narenas", rule_option(in, "narenas"), 0);
    finding_text(finding, "Cpus_allowed_list", list, 0);
    return true;
}

bool
rule_manual_arena_leak(const struct rule_input *in, struct finding *finding)
{
    struct jep_figure now = in->snapshot->constant[CONST_NARENAS], before;
    int64_t narenas, growth;

    if (in->before == NULL || !rule_option_number(in, "narenas", &narenas) ||
        narenas < 1)
        return false;
    before = in->before->constant[CONST_NARENAS];
    if (!rule_change(before, now, &growth) || growth <= 0 ||
        now.value <= (uint64_t)narenas + AUTOMATIC_SPECIAL)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding,
                  "There are %llu arenas, %lld more than in the dump before; "
                  "%lld are automatic",
                  (unsigned long long)now.value, (long long)growth,
                  (long long)narenas);
    finding_count(finding, "arenas before", before);
    finding_count(finding, "arenas", now);
    finding_text(finding, "opt.narenas", rule_option(in, "narenas"), 0);
    return true;
}
