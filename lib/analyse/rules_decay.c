/* Section B: pages that were freed and not yet returned.
 *
 * Dirty pages go back after a while, but only if something looks at the clock:
 * events of the arena's own threads (a tick every thousand), or a background
 * thread.  So whether they are a fault, or a cache that works, depends on
 * whether the process is busy. */
#include "analyse/rules_common.h"

#include <stdlib.h>

#define IDLE_BYTES       (10 * RULE_MIB)
#define IDLE_SHARE       0.05 /* of resident, seen twice */
#define IDLE_SHARE_ONCE  0.20 /* of resident, seen once */
#define IDLE_SHARE_HIGH  0.20 /* of RSS */
#define IDLE_PERIODS     2    /* of decay between two dumps */
#define IDLE_UPTIMES     10   /* of decay in one dump's life */
#define IDLE_TICK_EVENTS 1000 /* fewer a thread and period: no tick */
#define IDLE_MOVE        0.05 /* of the dirty pages */

#define UNLIKELY_SHARE 0.05 /* of resident: dirty enough to be severe */

#define CACHE_SHARE 0.10 /* of resident */
#define LIMIT_SHARE 0.90 /* of the cgroup's limit */

#define OVERSIZE_DEFAULT   ((uint64_t)8 << 20)
#define OVERSIZE_PAGES_S   100000.0 /* given back and faulted in, a second */
#define OVERSIZE_MADVISES  0.50     /* per free of such a size */
#define CHURN_MADVISES_S   1000.0
#define CHURN_SHARE        0.01 /* of all frees, and so many: */
#define CHURN_MADVISES_LOW 100.0

#define CONSUMER_RATIO 4.0 /* frees to allocations */
#define CONSUMER_FREES 1000

/* A decay time of the process in ms; -1 = never.  False: not known. */
static bool
decay_ms(const struct rule_input *in, const char *name, long long *ms)
{
    const char *text = rule_option(in, name);
    char *end;

    if (text == NULL)
        return false;
    /* 4.x says "-1 (no decay)". */
    *ms = strtoll(text, &end, 10);
    return end != text;
}

/* As decay_ms, but what releases since 5.0 do where nothing is said. */
static double
decay_seconds(const struct rule_input *in)
{
    long long ms;

    if (!decay_ms(in, "dirty_decay_ms", &ms) || ms <= 0)
        ms = 10000;
    return (double)ms / 1000.0;
}

/* Whether so little happened that no tick can be expected within the decay
 * time.  False also where that cannot be told. */
static bool
is_idle(const struct rule_input *in, double *seconds)
{
    struct jep_figure threads = rule_arena(in, ARENA_NTHREADS);
    double allocations, per_period;

    if (!rule_seconds(in, seconds) || !rule_allocations(in, &allocations))
        return false;
    per_period =
        allocations / *seconds * decay_seconds(in) /
        (threads.known && threads.value > 0 ? (double)threads.value : 1.0);
    return per_period < IDLE_TICK_EVENTS;
}

/* Two dumps: the pages stayed.  One: there are too many for so long a life. */
static bool
stays_dirty(const struct rule_input *in, double seconds)
{
    const struct jep_summary *now = &in->view->summary;
    int64_t change;

    if (in->before == NULL)
        return seconds >= IDLE_UPTIMES * decay_seconds(in) &&
               rule_is_part(now->dirty, IDLE_SHARE_ONCE, now->resident);
    if (seconds < IDLE_PERIODS * decay_seconds(in) ||
        !rule_change(in->before_view->summary.dirty, now->dirty, &change))
        return false;
    return (double)llabs(change) <= IDLE_MOVE * (double)now->dirty.value;
}

static void
idle_action(const struct rule_input *in, struct finding *finding)
{
    if (rule_is_jemalloc(in))
        finding_action(finding,
                       "MALLOC_CONF=background_thread:true (or mallctl "
                       "background_thread at run time, after the last fork). "
                       "Where threads are not wanted, call mallctl "
                       "arena.4096.decay or thread.idle when the program goes "
                       "idle. dirty_decay_ms:0 is the last resort.");
    else
        finding_action(finding,
                       "MALLOC_CONF=background_thread:true (or jea_mallctl "
                       "background_thread at run time, after the last fork). "
                       "Where threads are not wanted, call jea_mallctl "
                       "arena.4096.decay or thread.idle when the program goes "
                       "idle. dirty_decay_ms:0 is the last resort.");
}

bool
rule_dirty_idle_no_bgthread(const struct rule_input *in,
                            struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    char text[FINDING_SIZE_MAX];
    long long ms;
    double seconds;

    if (rule_background(in) != BACKGROUND_OFF || !s->dirty.known ||
        s->dirty.value < IDLE_BYTES ||
        !rule_is_part(s->dirty, IDLE_SHARE, s->resident) ||
        (decay_ms(in, "dirty_decay_ms", &ms) && ms < 0) ||
        !is_idle(in, &seconds) || !stays_dirty(in, seconds))
        return false;
    finding_title(finding,
                  "%s of freed pages stay while the process is idle: nothing "
                  "returns them without a background thread",
                  finding_size_text(text, (double)s->dirty.value));
    finding_bytes(finding, s->dirty.value);
    if (rule_share(s->dirty.value, in->rss) >= IDLE_SHARE_HIGH)
        finding_severity(finding, JEP_HIGH);
    finding_size(finding, "dirty", s->dirty);
    if (in->before != NULL)
        finding_size(finding, "dirty in the dump before",
                     in->before_view->summary.dirty);
    finding_size(finding, "resident", s->resident);
    rule_show_option(in, finding, "background_thread");
    rule_show_option(in, finding, "dirty_decay_ms");
    finding_ratio(finding,
                  in->before != NULL ? "seconds between the dumps"
                                     : "seconds since the start",
                  seconds);
    idle_action(in, finding);
    return true;
}

bool
rule_bgthread_requested_not_running(const struct rule_input *in,
                                    struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    const char *asked = snapshot_setting(in->snapshot, "opt.background_thread");

    if (asked == NULL || asked[0] != 't' ||
        rule_background(in) != BACKGROUND_OFF)
        return false;
    finding_title(finding, "Background threads were asked for, and none runs");
    finding_severity(finding, JEP_LOW);
    if (s->dirty.known) {
        finding_bytes(finding, s->dirty.value);
        if (s->dirty.value >= IDLE_BYTES &&
            rule_is_part(s->dirty, UNLIKELY_SHARE, s->resident))
            finding_severity(finding, JEP_HIGH);
    }
    finding_text(finding, "opt.background_thread", asked, 0);
    finding_text(finding, "in force",
                 snapshot_setting(in->snapshot, "background_thread"), 0);
    finding_count(finding, "background threads",
                  in->snapshot->total[TOTAL_BG_THREADS]);
    finding_size(finding, "dirty", s->dirty);
    return true;
}

/* Whether arenas of their own never decay, and how much is dirty in them. */
static uint64_t
never_bytes(const struct rule_input *in, enum arena_field decay,
            enum arena_field pages)
{
    uint64_t sum = 0, page = snapshot_page(in->snapshot);

    for (size_t i = 0; i < in->snapshot->arena_count; i++) {
        const struct snapshot_arena *arena = in->snapshot->arenas[i];

        if (arena->id >= 0 && arena->figures[decay].known &&
            arena->figures[decay].value == DECAY_NEVER &&
            arena->figures[pages].known)
            sum += arena->figures[pages].value * page;
    }
    return sum;
}

/* Before 5.0: a limit on dirty pages per active one, or (4.1) a time. */
static bool
never_by_old_options(const struct rule_input *in)
{
    long long value;

    if (rule_option_is(in, "purge", "decay"))
        return decay_ms(in, "decay_time", &value) && value < 0;
    return decay_ms(in, "lg_dirty_mult", &value) && value < 0;
}

static void
never_action(const struct rule_input *in, struct finding *finding)
{
    if (!rule_is_jemalloc(in) || !rule_is_below(in, RELEASE_5_0))
        finding_action(finding,
                       "MALLOC_CONF=dirty_decay_ms:10000,muzzy_decay_ms:0,"
                       "background_thread:true; or purge on a schedule with "
                       "mallctl arena.4096.purge.");
    else if (rule_option_is(in, "purge", "decay"))
        finding_action(finding,
                       "MALLOC_CONF=purge:decay,decay_time:10; or purge on a "
                       "schedule with mallctl arena.<narenas>.purge.");
    else
        finding_action(finding,
                       "MALLOC_CONF=lg_dirty_mult:3, the default: a dirty page "
                       "for eight active ones; or purge on a schedule with "
                       "mallctl arena.<narenas>.purge.");
}

bool
rule_decay_disabled(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    uint64_t dirty = never_bytes(in, ARENA_DIRTY_DECAY_MS, ARENA_PDIRTY);
    uint64_t muzzy = never_bytes(in, ARENA_MUZZY_DECAY_MS, ARENA_PMUZZY);
    char text[FINDING_SIZE_MAX];
    long long ms;

    if (s->dirty.known && ((decay_ms(in, "dirty_decay_ms", &ms) && ms < 0) ||
                           never_by_old_options(in)))
        dirty = s->dirty.value;
    if (s->muzzy.known && decay_ms(in, "muzzy_decay_ms", &ms) && ms < 0)
        muzzy = s->muzzy.value;
    if (dirty + muzzy == 0)
        return false;
    finding_title(finding,
                  "Decay is switched off, so that %s of freed pages are never "
                  "returned",
                  finding_size_text(text, (double)(dirty + muzzy)));
    finding_bytes(finding, dirty + muzzy);
    finding_severity(finding, JEP_HIGH);
    rule_show_option(in, finding, "dirty_decay_ms");
    rule_show_option(in, finding, "muzzy_decay_ms");
    rule_show_option(in, finding, "lg_dirty_mult");
    rule_show_option(in, finding, "decay_time");
    finding_size(finding, "dirty, never purged", figure_derived(dirty));
    finding_size(finding, "muzzy, never purged", figure_derived(muzzy));
    never_action(in, finding);
    return true;
}

static void
cache_action(const struct rule_input *in, struct finding *finding)
{
    if (!rule_is_jemalloc(in))
        finding_action(finding, "Nothing, if the memory is there. Else "
                                "MALLOC_CONF=background_thread:true,"
                                "dirty_decay_ms:1000 to 5000, with narenas at "
                                "the number of processors.");
    else if (rule_is_below(in, RELEASE_5_0))
        finding_action(finding,
                       "Nothing, if the memory is there. Else a higher "
                       "lg_dirty_mult (4 halves what may stay dirty), or "
                       "upgrade to 5.x, which purges by time and in the "
                       "background.");
    else
        finding_action(finding, "Nothing, if the memory is there. Else "
                                "MALLOC_CONF=background_thread:true,"
                                "dirty_decay_ms:1000 to 5000, with narenas at "
                                "the number of processors; or purge when a "
                                "budget is exceeded.");
}

bool
rule_dirty_working_cache(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    const struct jep_process *process = &in->view->process;
    char text[FINDING_SIZE_MAX];
    double seconds;
    long long ms;

    if (!rule_is_part(s->dirty, CACHE_SHARE, s->resident) ||
        !rule_is_worth(in, s->dirty.value) ||
        (decay_ms(in, "dirty_decay_ms", &ms) && ms < 0) ||
        never_by_old_options(in) ||
        (rule_background(in) != BACKGROUND_ON && is_idle(in, &seconds)))
        return false;
    finding_title(finding,
                  "%s of freed pages (%.1f %% of resident) are kept for reuse, "
                  "as decay means them to be",
                  finding_size_text(text, (double)s->dirty.value),
                  100.0 * rule_share(s->dirty.value, s->resident.value));
    finding_bytes(finding, s->dirty.value);
    finding_severity(finding, rule_is_part(process->cgroup_usage, LIMIT_SHARE,
                                           process->cgroup_limit)
                                  ? JEP_MEDIUM
                                  : JEP_INFO);
    finding_size(finding, "dirty", s->dirty);
    finding_size(finding, "resident", s->resident);
    rule_show_option(in, finding, "dirty_decay_ms");
    rule_show_option(in, finding, "background_thread");
    finding_count(finding, "purges", rule_arena(in, ARENA_DIRTY_NPURGE));
    finding_size(finding, "memory limit", process->cgroup_limit);
    finding_size(finding, "used of it", process->cgroup_usage);
    cache_action(in, finding);
    return true;
}

/* Muzzy pages that the kernel has not taken back, as far as is known. */
static struct jep_figure
muzzy_resident(const struct rule_input *in)
{
    const struct snapshot *snapshot = in->snapshot;
    struct jep_figure muzzy = in->view->summary.muzzy;
    struct jep_figure lazy = snapshot->rollup[ROLLUP_LAZY_FREE];

    if (snapshot->residency[RESIDENCY_MUZZY].known)
        return snapshot->residency[RESIDENCY_MUZZY];
    if (lazy.known && muzzy.known && lazy.value < muzzy.value)
        return lazy;
    return muzzy;
}

bool
rule_muzzy_in_rss(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    const struct jep_process *process = &in->view->process;
    struct jep_figure muzzy = muzzy_resident(in);
    char text[FINDING_SIZE_MAX];

    if (!muzzy.known)
        return false;
    finding_title(finding,
                  "%s of freed pages are left to the kernel (muzzy): they "
                  "count as RSS until it needs them%s",
                  finding_size_text(text, (double)muzzy.value),
                  rule_is_from(in, RELEASE_5_3) ? ", and not in resident" : "");
    finding_bytes(finding, muzzy.value);
    finding_severity(finding, rule_is_part(process->cgroup_usage, LIMIT_SHARE,
                                           process->cgroup_limit)
                                  ? JEP_HIGH
                                  : JEP_LOW);
    finding_size(finding, "muzzy", s->muzzy);
    finding_size(finding, "LazyFree of the process",
                 in->snapshot->rollup[ROLLUP_LAZY_FREE]);
    finding_size(finding, "muzzy found resident",
                 in->snapshot->residency[RESIDENCY_MUZZY]);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "RSS", s->rss);
    rule_show_option(in, finding, "muzzy_decay_ms");
    return true;
}

/* Frees and bytes freed of classes from `least` on, in the time covered. */
static bool
oversize_events(const struct rule_input *in, uint64_t least, double *frees,
                double *bytes)
{
    const struct snapshot_arena *arena = in->snapshot->subject;
    const struct snapshot_arena *before =
        in->before != NULL ? in->before->subject : NULL;
    uint64_t size, count, earlier;

    *frees = *bytes = 0.0;
    for (size_t row = 0; arena != NULL && row < arena->larges.rows; row++) {
        if ((!table_get(&arena->larges, row, LARGE_SIZE, &size) &&
             !table_get(&in->snapshot->large_classes, row, LARGE_SIZE,
                        &size)) ||
            size < least ||
            !table_get(&arena->larges, row, LARGE_NDALLOC, &count))
            continue;
        if (before != NULL &&
            table_get(&before->larges, row, LARGE_NDALLOC, &earlier))
            count -= JE_MIN(earlier, count);
        *frees += (double)count;
        *bytes += (double)count * (double)size;
    }
    return *frees > 0.0;
}

static void
oversize_action(const struct rule_input *in, struct finding *finding)
{
    if (in->release == RELEASE_5_3)
        finding_action(finding,
                       "MALLOC_CONF=oversize_threshold:67108864 (64 MiB; 128 "
                       "MiB for larger buffers). In 5.3.0 arena 0 goes by the "
                       "built-in 8 MiB all the same, because it is made before "
                       "the option is read: do the work off the main thread, "
                       "or give it an arena of its own with MALLOCX_ARENA, or "
                       "upgrade to 5.3.1.");
    else
        finding_action(finding,
                       "MALLOC_CONF=oversize_threshold:67108864 (64 MiB; 128 "
                       "MiB for larger buffers), or keep the buffers and use "
                       "them again.");
}

bool
rule_oversize_eager_purge(const struct rule_input *in, struct finding *finding)
{
    const char *option = rule_option(in, "oversize_threshold");
    uint64_t least = OVERSIZE_DEFAULT;
    uint64_t page = JE_MAX(snapshot_page(in->snapshot), 1);
    double seconds, frees, bytes, madvises;

    if (!rule_is_jemalloc(in) || !rule_is_from(in, RELEASE_5_2))
        return false;
    if (option != NULL)
        least = strtoull(option, NULL, 10);
    if (least == 0 || !rule_seconds(in, &seconds) ||
        !oversize_events(in, least, &frees, &bytes) ||
        !rule_events(in, rule_arena_before(in, ARENA_DIRTY_NMADVISE),
                     rule_arena(in, ARENA_DIRTY_NMADVISE), &madvises) ||
        bytes / (double)page / seconds < OVERSIZE_PAGES_S ||
        madvises < OVERSIZE_MADVISES * frees)
        return false;
    finding_title(finding,
                  "%.0f buffers a second of %llu MiB or more are returned to "
                  "the system at once and faulted in again",
                  frees / seconds, (unsigned long long)(least >> 20));
    finding_severity(finding, JEP_MEDIUM);
    finding_ratio(finding, "frees of that size a second", frees / seconds);
    finding_ratio(finding, "pages returned a second",
                  bytes / (double)page / seconds);
    finding_ratio(finding, "madvise calls a second", madvises / seconds);
    rule_show_option(in, finding, "oversize_threshold");
    oversize_action(in, finding);
    return true;
}

static bool
churn_madvises(const struct rule_input *in, double *madvises)
{
    double muzzy;

    if (!rule_events(in, rule_arena_before(in, ARENA_DIRTY_NMADVISE),
                     rule_arena(in, ARENA_DIRTY_NMADVISE), madvises))
        return false;
    if (rule_events(in, rule_arena_before(in, ARENA_MUZZY_NMADVISE),
                    rule_arena(in, ARENA_MUZZY_NMADVISE), &muzzy))
        *madvises += muzzy;
    return true;
}

bool
rule_decay_zero_churn(const struct rule_input *in, struct finding *finding)
{
    double seconds, madvises, frees, rate;
    long long ms;

    if (!decay_ms(in, "dirty_decay_ms", &ms) || ms != 0 ||
        !rule_seconds(in, &seconds) || !churn_madvises(in, &madvises))
        return false;
    rate = madvises / seconds;
    if (!rule_frees(in, &frees))
        frees = 0.0;
    if (rate < CHURN_MADVISES_S && (rate < CHURN_MADVISES_LOW || frees <= 0.0 ||
                                    madvises < CHURN_SHARE * frees))
        return false;
    finding_title(finding,
                  "Every free run of pages is returned at once, %.0f times a "
                  "second, and faulted in again",
                  rate);
    finding_severity(finding, JEP_MEDIUM);
    rule_show_option(in, finding, "dirty_decay_ms");
    finding_ratio(finding, "madvise calls a second", rate);
    if (frees > 0.0)
        finding_share(finding, "madvise calls per free", madvises / frees);
    finding_ratio(finding, "seconds looked at", seconds);
    return true;
}

/* The same arena in the dump before. */
static const struct snapshot_arena *
arena_before(const struct rule_input *in, const struct snapshot_arena *arena)
{
    if (in->before->subject != NULL && in->before->subject->id == arena->id)
        return in->before->subject;
    for (size_t i = 0; i < in->before->arena_count; i++) {
        if (in->before->arenas[i]->id == arena->id)
            return in->before->arenas[i];
    }
    return NULL;
}

static double
sums_change(const struct snapshot_arena *before,
            const struct snapshot_arena *now, enum small_field field)
{
    return (double)now->small[field].value + (double)now->large[field].value -
           (double)before->small[field].value -
           (double)before->large[field].value;
}

/* Bytes left dirty in an arena whose objects are freed and not allocated, with
 * nothing purged since the dump before. */
static uint64_t
consumer_dirty(const struct rule_input *in, const struct snapshot_arena *now)
{
    const struct snapshot_arena *before = arena_before(in, now);
    uint64_t dirty =
        now->figures[ARENA_PDIRTY].value * snapshot_page(in->snapshot);
    double made, freed;

    if (before == NULL || !now->small[SMALL_NDALLOC].known ||
        !before->small[SMALL_NDALLOC].known ||
        !now->figures[ARENA_DIRTY_NPURGE].known ||
        now->figures[ARENA_DIRTY_NPURGE].value !=
            before->figures[ARENA_DIRTY_NPURGE].value ||
        now->figures[ARENA_PDIRTY].value <= before->figures[ARENA_PDIRTY].value)
        return 0;
    made = sums_change(before, now, SMALL_NMALLOC);
    freed = sums_change(before, now, SMALL_NDALLOC);
    return freed >= CONSUMER_FREES && freed >= CONSUMER_RATIO * made ? dirty
                                                                     : 0;
}

bool
rule_free_first_thread_no_decay(const struct rule_input *in,
                                struct finding *finding)
{
    char text[FINDING_SIZE_MAX];
    uint64_t sum = 0;
    unsigned arenas = 0;

    if (!rule_is_jemalloc(in) || in->before == NULL ||
        !rule_release_in(in, RELEASE_5_0, RELEASE_5_2_1) ||
        rule_background(in) == BACKGROUND_ON)
        return false;
    for (size_t i = 0; i < in->snapshot->arena_count; i++) {
        const struct snapshot_arena *arena = in->snapshot->arenas[i];
        uint64_t dirty;

        if (arena->id < 0)
            continue;
        dirty = consumer_dirty(in, arena);
        arenas += dirty > 0;
        sum += dirty;
    }
    if (arenas == 0)
        return false;
    finding_title(finding,
                  "%s lie dirty in %u arena%s where objects are only freed, "
                  "and nothing was purged there",
                  finding_size_text(text, (double)sum), arenas,
                  arenas == 1 ? "" : "s");
    finding_bytes(finding, sum);
    finding_severity(finding, JEP_MEDIUM);
    finding_size(finding, "dirty in those arenas", figure_derived(sum));
    finding_count(finding, "such arenas", figure_derived(arenas));
    rule_show_option(in, finding, "background_thread");
    return true;
}
