/* Section H: waiting for locks.
 *
 * The counters run since the start of the process; with an earlier dump it is
 * what happened since. */
#include "analyse/rules_common.h"

#define WAIT_SHARE      0.005 /* of the acquisitions */
#define WAIT_TIME_SHARE 0.01  /* of one processor */
#define WAITS_FLOOR     100   /* fewer happen while a program starts */
#define WAIT_NS_FLOOR   100000000.0
#define CTL_PER_SECOND  100.0
#define CTL_SECONDS     10.0
#define CTL_PRINT       8000.0 /* for each arena and what belongs to none */
#define CTL_PRINTS      10.0   /* so many prints of statistics mean nothing */
#define NS              1e9

/* Counters of one lock or of several. */
struct lock {
    bool known, has_time;
    uint64_t ops, waits, ns;
};

static bool
lock_add_row(struct lock *lock, const struct table *table, size_t row)
{
    uint64_t ops, waits, ns;

    if (!table_get(table, row, MUTEX_NUM_OPS, &ops) ||
        !table_get(table, row, MUTEX_NUM_WAIT, &waits))
        return false;
    lock->has_time = table_get(table, row, MUTEX_TOTAL_WAIT_TIME, &ns) &&
                     (!lock->known || lock->has_time);
    lock->ns += lock->has_time ? ns : 0;
    lock->ops += ops;
    lock->waits += waits;
    lock->known = true;
    return true;
}

/* Since the earlier counters; as it is if there are none or they are later. */
static struct lock
lock_since(struct lock now, struct lock before)
{
    if (!before.known || now.ops < before.ops || now.waits < before.waits)
        return now;
    now.ops -= before.ops;
    now.waits -= before.waits;
    now.has_time = now.has_time && before.has_time && now.ns >= before.ns;
    now.ns = now.has_time ? now.ns - before.ns : 0;
    return now;
}

/* A lock of the process or of all arenas together. */
static struct lock
lock_named(const struct snapshot *snapshot, enum dump_lock name)
{
    struct lock lock = {0};

    if (!lock_add_row(&lock, &snapshot->mutexes, name) &&
        snapshot->subject != NULL)
        lock_add_row(&lock, &snapshot->subject->mutexes, name);
    return lock;
}

static struct lock
lock_bins(const struct snapshot *snapshot)
{
    struct lock lock = {0};

    if (snapshot->subject == NULL)
        return lock;
    for (size_t i = 0; i < snapshot->subject->bin_mutexes.rows; i++)
        lock_add_row(&lock, &snapshot->subject->bin_mutexes, i);
    return lock;
}

static struct lock
lock_named_since(const struct rule_input *in, enum dump_lock name)
{
    struct lock before = {0};

    if (in->before != NULL)
        before = lock_named(in->before, name);
    return lock_since(lock_named(in->snapshot, name), before);
}

static struct lock
lock_bins_since(const struct rule_input *in)
{
    struct lock before = {0};

    if (in->before != NULL)
        before = lock_bins(in->before);
    return lock_since(lock_bins(in->snapshot), before);
}

static double
wait_share(const struct lock *lock)
{
    return lock->ops > 0 && lock->waits >= WAITS_FLOOR
               ? (double)lock->waits / (double)lock->ops
               : 0.0;
}

/* Waiting as a part of one processor's time. */
static double
wait_time(const struct lock *lock, double time)
{
    return lock->has_time && time > 0.0 && (double)lock->ns >= WAIT_NS_FLOOR
               ? (double)lock->ns / NS / time
               : 0.0;
}

static void
lock_evidence(struct finding *finding, const struct lock *lock, double time)
{
    finding_count(finding, "acquisitions", figure_derived(lock->ops));
    finding_count(finding, "waits", figure_derived(lock->waits));
    if (lock->ops > 0)
        finding_share(finding, "waits of acquisitions",
                      (double)lock->waits / (double)lock->ops);
    if (wait_time(lock, time) > 0.0)
        finding_share(finding, "waiting, of one processor",
                      wait_time(lock, time));
}

bool
rule_bin_lock_contention(const struct rule_input *in, struct finding *finding)
{
    struct lock lock = lock_bins_since(in);
    double time = rule_elapsed(in);

    if (!lock.known || (wait_share(&lock) < WAIT_SHARE &&
                        wait_time(&lock, time) < WAIT_TIME_SHARE))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding,
                  "Threads wait for the locks of small size classes: %llu of "
                  "%llu acquisitions",
                  (unsigned long long)lock.waits, (unsigned long long)lock.ops);
    if (rule_option_is(in, "tcache", "false"))
        finding_action(finding, "Take tcache:false out of MALLOC_CONF: thread "
                                "caches spare nearly all of these locks.");
    else
        finding_action(
            finding,
            "More arenas (MALLOC_CONF=narenas:N), or an arena for "
            "each worker%s.",
            rule_is_jemalloc(in) && rule_release_in(in, 50200, 0)
                ? "; bin_shards, such as bin_shards:1-160:8, gives busy size "
                  "classes more locks"
                : "");
    lock_evidence(finding, &lock, time);
    finding_text(finding, "opt.narenas", rule_option(in, "narenas"), 0);
    return true;
}

/* The heavier one of two locks. */
static bool
waits_more(const struct lock *a, const struct lock *b)
{
    if (!b->known)
        return true;
    return a->has_time && b->has_time ? a->ns > b->ns : a->waits > b->waits;
}

/* Whether no other lock is waited for as long. */
static bool
is_top(const struct rule_input *in, const struct lock *lock,
       enum dump_lock name)
{
    struct lock bins = lock_bins_since(in);

    if (!waits_more(lock, &bins))
        return false;
    for (int other = 0; other < LOCK_COUNT; other++) {
        struct lock rival = lock_named_since(in, (enum dump_lock)other);

        if (other != (int)name && !waits_more(lock, &rival))
            return false;
    }
    return true;
}

bool
rule_pagecache_lock_contention(const struct rule_input *in,
                               struct finding *finding)
{
    struct lock dirty = lock_named_since(in, LOCK_EXTENTS_DIRTY);
    struct lock retained = lock_named_since(in, LOCK_EXTENTS_RETAINED);
    enum dump_lock name = LOCK_EXTENTS_DIRTY;

    if (!dirty.known)
        return false;
    if (retained.known && !waits_more(&dirty, &retained)) {
        name = LOCK_EXTENTS_RETAINED;
        dirty = retained;
    }
    if (wait_share(&dirty) < WAIT_SHARE || !is_top(in, &dirty, name))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding,
                  "Threads wait most for the page cache (%s): %llu of %llu "
                  "acquisitions",
                  field_lock_name(name), (unsigned long long)dirty.waits,
                  (unsigned long long)dirty.ops);
    finding_action(finding,
                   "MALLOC_CONF=background_thread:true, more arenas, and%s.",
                   rule_is_jemalloc(in) && rule_release_in(in, 1, 50299)
                       ? " lg_tcache_max so that the sizes in demand are cached"
                       : " tcache_max so that the sizes in demand are cached");
    lock_evidence(finding, &dirty, rule_elapsed(in));
    finding_text(finding, "background_thread",
                 rule_option(in, "background_thread"), 0);
    return true;
}

/* What a few prints of statistics take: whoever looks has printed some. */
static double
ctl_prints(const struct snapshot *snapshot)
{
    size_t arenas = 0;

    for (size_t i = 0; i < snapshot->arena_count; i++)
        arenas += snapshot->arenas[i]->id >= 0;
    return CTL_PRINTS * CTL_PRINT * (double)(arenas > 0 ? arenas + 2 : 3);
}

bool
rule_ctl_mutex_hot(const struct rule_input *in, struct finding *finding)
{
    struct lock lock = lock_named_since(in, LOCK_CTL);
    double time = rule_elapsed(in), rate;
    bool is_waited_for = wait_time(&lock, time) >= WAIT_TIME_SHARE;

    if (!lock.known || time < CTL_SECONDS)
        return false;
    rate = (double)lock.ops / time;
    if (!is_waited_for &&
        (rate < CTL_PER_SECOND || (double)lock.ops < ctl_prints(in->snapshot)))
        return false;
    finding_severity(finding, is_waited_for ? JEP_MEDIUM : JEP_LOW);
    finding_title(finding,
                  "Statistics are read so often that the lock of mallctl is "
                  "taken %.0f times a second",
                  rate);
    if (rule_is_jemalloc(in) && rule_release_in(in, 50301, 0))
        finding_action(finding,
                       "Refresh statistics every 10 s or less often; "
                       "approximate_stats.active and thread.allocated need no "
                       "refresh.");
    lock_evidence(finding, &lock, time);
    finding_ratio(finding, "acquisitions per second", rate);
    return true;
}

bool
rule_prof_mutex_hot(const struct rule_input *in, struct finding *finding)
{
    struct lock lock = lock_named_since(in, LOCK_PROF);

    if (!rule_option_is(in, "prof", "true") || !lock.known ||
        wait_share(&lock) < WAIT_SHARE)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding,
                  "Threads wait for the heap profiler: %llu of %llu "
                  "acquisitions",
                  (unsigned long long)lock.waits, (unsigned long long)lock.ops);
    lock_evidence(finding, &lock, rule_elapsed(in));
    finding_text(finding, "lg_prof_sample", rule_option(in, "lg_prof_sample"),
                 0);
    return true;
}
