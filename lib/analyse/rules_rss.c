/* Section J: the process holds more, or less, than its allocator. */
#include "analyse/rules_outside.h"

#include <stdio.h>
#include <string.h>

#define GAP_BYTES         (50 * RULE_MIB)
#define GAP_SHARE         0.15 /* of what the allocator counts */
#define LIBC_OF_GAP       0.50
#define SWAP_SHARE        0.05 /* of the RSS */
#define SWAP_RATIO        1.0  /* RSS to what Redis uses */
#define COW_SHARE         0.25 /* of what Redis uses */
#define LIMIT_SHARE       0.90
#define CGROUP_BEYOND     0.25 /* of what the group uses */
#define OOM_SHARE         0.50 /* of the machine's memory */
#define OOM_TIMES         2.0  /* the largest process to the killed one */
#define OOM_AVAILABLE     0.10
#define MUZZY_RESIDENT_TO 50201

/* ---- above the allocator ----------------------------------------------- */

/* RSS that the allocator's figures do not explain, nor pages that it gave up
 * and the kernel has not taken, nor what huge pages filled. */
static struct jep_figure
gap_found(const struct rule_input *in)
{
    const struct snapshot *snapshot = in->snapshot;
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure counted = rule_counted(snapshot, s);
    struct jep_figure filled = snapshot->residency[RESIDENCY_RETAINED];
    struct jep_figure lazy = snapshot->rollup[ROLLUP_LAZY_FREE];

    if (filled.known)
        counted = figure_plus(counted, filled);
    if (!s->muzzy.known && lazy.known &&
        !rule_release_in(in, 1, MUZZY_RESIDENT_TO))
        counted = figure_plus(counted, lazy);
    return figure_minus(s->rss, counted);
}

/* A Java heap is mapped by the machine itself: there the gap is no fault. */
static bool
gap_is_large(const struct rule_input *in, struct jep_figure gap)
{
    struct jep_figure counted = rule_counted(in->snapshot, &in->view->summary);

    return gap.known && gap.value >= GAP_BYTES &&
           rule_is_part(gap, GAP_SHARE, counted) && !program_is_java(in);
}

/* Pages of files make it large, and can be taken back. */
static bool
gap_is_files(const struct rule_input *in, struct jep_figure gap)
{
    struct jep_figure file = in->snapshot->rollup[ROLLUP_FILE];
    struct jep_figure locked = in->snapshot->status[STATUS_VM_LCK];

    return file.known && !(locked.known && locked.value > 0) &&
           !gap_is_large(in, figure_minus(gap, file));
}

struct part {
    const char *what, *action;
    struct jep_figure bytes;
};

/* What else is in the RSS, as far as it is told apart. */
static size_t
parts_fill(const struct rule_input *in, struct part *parts)
{
    const struct jep_figure *rollup = in->snapshot->rollup;
    struct jep_figure file = rollup[ROLLUP_FILE];
    const struct part all[] = {
        {"glibc's malloc",
         "Some of the program's libraries bring their own malloc: link or "
         "preload the allocator so that it serves all of them. malloc_info(0, "
         "stdout) of glibc has its share.",
         outside_glibc(in)},
        {"files",
         "Files are read into memory on demand and given up under pressure: "
         "look for mlock and large memory maps of data in smaps.",
         file},
        {"shared memory",
         "Shared memory is allocated by its size: look for /dev/shm, memfd "
         "and SysV segments in smaps.",
         rollup[ROLLUP_SHMEM]},
        {"other anonymous memory",
         "The program maps memory itself, or its threads' stacks grew: look "
         "for the largest anonymous mappings in smaps, and for mmap in the "
         "code.",
         in->snapshot->residency[RESIDENCY_OTHER_ANONYMOUS]},
        {"the stack of the main thread",
         "Deep recursion or large arrays on the stack leave it touched: it is "
         "not given back.",
         rollup[ROLLUP_STACK]},
    };

    memcpy(parts, all, sizeof(all));
    return JE_ARRAY_LEN(all);
}

#define PARTS_MAX 5

bool
rule_rss_above_allocator(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure gap = gap_found(in);
    struct part parts[PARTS_MAX];
    const struct part *most = NULL;
    size_t count = parts_fill(in, parts);

    if (!gap_is_large(in, gap))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].bytes.known && parts[i].bytes.value > gap.value / 2 &&
            (most == NULL || parts[i].bytes.value > most->bytes.value))
            most = &parts[i];
    }
    finding_bytes(finding, gap.value);
    if (gap_is_files(in, gap))
        finding_severity(finding, JEP_INFO);
    finding_title(finding,
                  "The process holds %s more than its allocator counts%s%s",
                  SIZE_TEXT(gap.value), most != NULL ? ", mostly " : "",
                  most != NULL ? most->what : "");
    if (most != NULL)
        finding_action(finding, "%s", most->action);
    finding_size(finding, "RSS", s->rss);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "muzzy", s->muzzy);
    finding_size(finding, "LazyFree", in->snapshot->rollup[ROLLUP_LAZY_FREE]);
    finding_size(finding, "RSS - what the allocator counts", gap);
    for (size_t i = 0; i < count; i++)
        finding_size(finding, parts[i].what, parts[i].bytes);
    return true;
}

bool
rule_two_allocators(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *rollup = in->snapshot->rollup;
    struct jep_figure gap = gap_found(in), libc = outside_glibc(in);

    if (!gap_is_large(in, gap) || !rule_is_part(libc, LIBC_OF_GAP, gap))
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, libc.value);
    finding_title(finding,
                  "A second allocator is at work: glibc's malloc holds %s that "
                  "these statistics do not cover",
                  SIZE_TEXT(libc.value));
    finding_size(finding, "RSS", in->view->summary.rss);
    finding_size(finding, "resident", in->view->summary.resident);
    finding_size(finding, "[heap]", rollup[ROLLUP_HEAP]);
    finding_size(finding, "heaps of glibc's arenas", rollup[ROLLUP_GLIBC_HEAP]);
    finding_count(finding, "their number", rollup[ROLLUP_GLIBC_HEAPS]);
    return true;
}

/* ---- below it ----------------------------------------------------------- */

/* Redis uses more than the process has in memory, and nobody asked the kernel
 * where the rest is. */
static bool
redis_is_below(const struct rule_input *in, struct finding *finding)
{
    struct jep_figure used = in->snapshot->redis[REDIS_USED_MEMORY];
    struct jep_figure rss = in->snapshot->redis[REDIS_USED_MEMORY_RSS];

    if (!used.known || !rss.known || rss.value == 0 ||
        (double)rss.value >= SWAP_RATIO * (double)used.value)
        return false;
    finding_bytes(finding, used.value - rss.value);
    finding_title(finding,
                  "Redis uses %s more than it has in memory: that is swapped "
                  "out, or was never touched",
                  SIZE_TEXT(used.value - rss.value));
    finding_size(finding, "used_memory", used);
    finding_size(finding, "used_memory_rss", rss);
    return true;
}

bool
rule_swapped_out(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    struct jep_figure swap = in->snapshot->rollup[ROLLUP_SWAP];

    finding_severity(finding, JEP_HIGH);
    finding_action(finding,
                   "Give the machine memory, or the program less: a smaller "
                   "%s. sysctl vm.swappiness=1 keeps idle pages longer.",
                   program_is_redis(in) ? "maxmemory" : "cache or data set");
    if (!swap.known)
        return redis_is_below(in, finding);
    if (!rule_is_part(swap, SWAP_SHARE, s->rss) || swap.value == 0)
        return false;
    finding_bytes(finding, swap.value);
    finding_title(finding,
                  "%s of the process is swapped out: touching it again waits "
                  "for the disk",
                  SIZE_TEXT(swap.value));
    finding_size(finding, "Swap", swap);
    finding_size(finding, "RSS", s->rss);
    finding_size(finding, "allocated", s->allocated);
    finding_count(finding, "vm.swappiness",
                  in->snapshot->machine[MACHINE_SWAPPINESS]);
    return true;
}

/* ---- snapshots of a process that goes on -------------------------------- */

/* Memory that a snapshot needed besides: the running one, else the last. */
static struct jep_figure
cow_found(const struct jep_figure *redis, const char **name)
{
    static const struct {
        enum redis_field field;
        const char *name;
    } fields[] = {{REDIS_COW_PEAK, "current_cow_peak"},
                  {REDIS_COW, "current_cow_size"},
                  {REDIS_RDB_LAST_COW, "rdb_last_cow_size"},
                  {REDIS_AOF_LAST_COW, "aof_last_cow_size"}};
    struct jep_figure most = {0};

    for (size_t i = 0; i < JE_ARRAY_LEN(fields); i++) {
        struct jep_figure one = redis[fields[i].field];

        if (one.known && (!most.known || one.value > most.value)) {
            most = one;
            *name = fields[i].name;
        }
    }
    return most;
}

/* What the process may not exceed. */
static struct jep_figure
limit_found(const struct snapshot *snapshot)
{
    return figure_or(snapshot->cgroup[CGROUP_LIMIT],
                     figure_or(snapshot->redis[REDIS_SYSTEM_MEMORY],
                               snapshot->machine[MACHINE_MEM_TOTAL]));
}

bool
rule_cow_fork(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *redis = in->snapshot->redis;
    const char *name = NULL, *thp = rule_thp_mode(in->snapshot);
    struct jep_figure cow = cow_found(redis, &name);
    struct jep_figure rss = in->view->summary.rss;
    struct jep_figure limit = limit_found(in->snapshot);
    bool is_near = rule_is_part(figure_plus(rss, cow), LIMIT_SHARE, limit);

    if (!cow.known || !rule_is_worth(in, cow.value) ||
        (!is_near && !rule_is_part(cow, COW_SHARE, redis[REDIS_USED_MEMORY])))
        return false;
    finding_severity(finding, is_near ? JEP_HIGH : JEP_MEDIUM);
    finding_bytes(finding, cow.value);
    finding_title(finding,
                  "A snapshot needs %s besides the data, because pages are "
                  "written to while it runs%s",
                  SIZE_TEXT(cow.value),
                  is_near ? ": with the RSS that is the limit" : "");
    finding_size(finding, name, cow);
    finding_size(finding, "used_memory", redis[REDIS_USED_MEMORY]);
    finding_size(finding, "RSS", rss);
    finding_size(finding, "limit", limit);
    finding_text(finding, "transparent_hugepage/enabled", thp, 0);
    finding_count(finding, "rdb_bgsave_in_progress", redis[REDIS_BGSAVE]);
    if (thp != NULL && strcmp(thp, "always") != 0)
        finding_action(finding, "Save when few keys change, leave that much "
                                "memory free, and give replicas "
                                "repl-diskless-sync yes.");
    return true;
}

/* ---- limits -------------------------------------------------------------- */

/* Whether so much cannot be given back that the limit is near; without
 * memory.stat it is page cache as a rule. */
static bool
group_is_full(const struct jep_figure *group, bool was_killed)
{
    return was_killed || rule_is_part(figure_minus(group[CGROUP_USAGE],
                                                   group[CGROUP_INACTIVE_FILE]),
                                      LIMIT_SHARE, group[CGROUP_LIMIT]);
}

static void
group_explain(struct finding *finding, const struct jep_figure *group,
              struct jep_figure beyond, bool is_full)
{
    const char *size = SIZE_TEXT(beyond.value);

    finding_severity(finding, is_full ? JEP_HIGH : JEP_INFO);
    if (is_full) {
        finding_title(finding,
                      "The limit counts %s that are not in this process's RSS",
                      size);
        return;
    }
    finding_title(finding,
                  "The group is near its limit with %s that are not in this "
                  "process's RSS%s",
                  size,
                  group[CGROUP_INACTIVE_FILE].known
                      ? ": page cache, which the kernel takes back"
                      : "; page cache would be no danger");
    finding_action(finding, "Judge by usage - inactive_file (memory.stat), not "
                            "by usage.");
}

bool
rule_cgroup_limit_mismatch(const struct rule_input *in, struct finding *finding)
{
    static const struct {
        const char *name;
        enum cgroup_field field;
    } shown[] = {{"limit", CGROUP_LIMIT},
                 {"usage", CGROUP_USAGE},
                 {"anon", CGROUP_ANON},
                 {"file", CGROUP_FILE},
                 {"inactive_file", CGROUP_INACTIVE_FILE},
                 {"shmem", CGROUP_SHMEM},
                 {"kernel", CGROUP_KERNEL},
                 {"sock", CGROUP_SOCK}};
    const struct jep_figure *group = in->snapshot->cgroup;
    struct jep_figure usage = group[CGROUP_USAGE], limit = group[CGROUP_LIMIT];
    struct jep_figure rss = in->view->summary.rss;
    struct jep_figure beyond = figure_minus(usage, rss);
    bool was_killed =
        group[CGROUP_OOM_KILLS].known && group[CGROUP_OOM_KILLS].value > 0;
    bool is_near = rule_is_part(usage, LIMIT_SHARE, limit);

    if (!limit.known || (!is_near && !was_killed) ||
        !rule_is_part(beyond, CGROUP_BEYOND, usage))
        return false;
    finding_bytes(finding, beyond.value);
    group_explain(finding, group, beyond, group_is_full(group, was_killed));
    finding_size(finding, "RSS", rss);
    for (size_t i = 0; i < JE_ARRAY_LEN(shown); i++)
        finding_size(finding, shown[i].name, group[shown[i].field]);
    finding_count(finding, "oom_kills", group[CGROUP_OOM_KILLS]);
    return true;
}

/* oom_score_adj is signed. */
static void
show_adj(struct finding *finding, const char *name, struct jep_figure adj)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)(int64_t)adj.value);
    if (adj.known)
        finding_text(finding, name, text, adj.line);
}

/* By the kernel's log: it killed a process, and a much larger one was there. */
static bool
small_was_killed(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot *snapshot = in->snapshot;
    struct jep_figure largest = snapshot->machine[MACHINE_OOM_LARGEST];
    struct jep_figure rss = in->view->summary.rss;
    const char *name = snapshot_setting(snapshot, "process.oom.largest");
    const char *killed = snapshot_setting(snapshot, "process.comm");

    if (!rule_is_part(largest, OOM_TIMES, rss) || name == NULL ||
        killed == NULL)
        return false;
    finding_title(finding,
                  "The kernel killed %s, with %s, and spared %s, with %s",
                  killed, SIZE_TEXT(rss.value), name, SIZE_TEXT(largest.value));
    finding_size(finding, "RSS of the killed one", rss);
    show_adj(finding, "its oom_score_adj",
             snapshot->process[PROCESS_OOM_SCORE_ADJ]);
    finding_size(finding, "RSS of the largest one", largest);
    show_adj(finding, "its oom_score_adj",
             snapshot->machine[MACHINE_OOM_LARGEST_ADJ]);
    return true;
}

bool
rule_oom_score(const struct rule_input *in, struct finding *finding)
{
    const struct jep_figure *machine = in->snapshot->machine;
    struct jep_figure adj = in->snapshot->process[PROCESS_OOM_SCORE_ADJ];
    struct jep_figure rss = in->view->summary.rss;
    struct jep_figure total = machine[MACHINE_MEM_TOTAL];
    struct jep_figure available = machine[MACHINE_MEM_AVAILABLE];

    finding_severity(finding, JEP_LOW);
    if (small_was_killed(in, finding))
        return true;
    if (!adj.known || (int64_t)adj.value >= 0 ||
        !rule_is_part(rss, OOM_SHARE, total) || !available.known ||
        rule_is_part(available, OOM_AVAILABLE, total))
        return false;
    finding_title(finding,
                  "Memory is nearly used up and this process has %.0f %% of "
                  "it, but the kernel would kill others first",
                  100.0 * rule_ratio(rss, total));
    show_adj(finding, "oom_score_adj", adj);
    finding_size(finding, "RSS", rss);
    finding_size(finding, "MemTotal", total);
    finding_size(finding, "MemAvailable", available);
    return true;
}
