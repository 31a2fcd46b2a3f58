/* Whether two dumps are of one process, the second the later one.
 *
 * A process is known by its number; but in containers everyone is number 1,
 * and most formats do not tell.  So what only ever grows decides too: time and
 * the counters of events.  One that falls is another process, or the earlier
 * moment. */
#include "analyse/report.h"

#include <string.h>

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

static void
compare_events(struct evidence *evidence, const struct snapshot_arena *before,
               const struct snapshot_arena *now)
{
    static const enum small_field sums[] = {SMALL_NMALLOC, SMALL_NDALLOC};

    static const enum arena_field fields[] = {
        ARENA_DIRTY_NPURGE, ARENA_DIRTY_NMADVISE, ARENA_DIRTY_PURGED};

    if (before == NULL || now == NULL)
        return;
    for (size_t i = 0; i < JE_ARRAY_LEN(sums); i++) {
        compare(evidence, before->small[sums[i]], now->small[sums[i]]);
        compare(evidence, before->large[sums[i]], now->large[sums[i]]);
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(fields); i++)
        compare(evidence, before->figures[fields[i]], now->figures[fields[i]]);
}

/* Counters of other allocators: calls and faults, and the most that there ever
 * was of something. */
static void
compare_foreign(struct evidence *evidence, const struct snapshot *before,
                const struct snapshot *now)
{
    static const enum mimalloc_field calls[] = {
        MIMALLOC_MMAPS,  MIMALLOC_COMMITS, MIMALLOC_RESETS, MIMALLOC_PURGES,
        MIMALLOC_FAULTS, MIMALLOC_USER_MS, MIMALLOC_PURGED};

    static const enum glibc_field mosts[] = {GLIBC_HEAPS, GLIBC_HEAP_SYSTEM_MAX,
                                             GLIBC_MMAP_MAX,
                                             GLIBC_MMAP_MAX_COUNT};

    for (size_t i = 0; i < JE_ARRAY_LEN(calls); i++)
        compare(evidence, before->mimalloc[calls[i]], now->mimalloc[calls[i]]);
    for (size_t i = 0; i < JE_ARRAY_LEN(mosts); i++)
        compare(evidence, before->glibc[mosts[i]], now->glibc[mosts[i]]);
}

static void
compare_time(struct evidence *evidence, const struct snapshot *before,
             const struct snapshot *now)
{
    compare(evidence, before->process[PROCESS_UPTIME_NS],
            now->process[PROCESS_UPTIME_NS]);
    compare(evidence, before->process[PROCESS_WALL_NS],
            now->process[PROCESS_WALL_NS]);
    compare(evidence, before->mimalloc[MIMALLOC_ELAPSED_MS],
            now->mimalloc[MIMALLOC_ELAPSED_MS]);
    if (before->subject != NULL && now->subject != NULL)
        compare(evidence, before->subject->figures[ARENA_UPTIME_NS],
                now->subject->figures[ARENA_UPTIME_NS]);
}

static bool
is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL || strcmp(a, b) == 0;
}

bool
view_follows(const struct jep_view *before, const struct jep_view *now,
             const struct snapshot *before_snapshot,
             const struct snapshot *now_snapshot)
{
    struct evidence time = {0}, events = {0};
    bool has_pids = before->process.pid.known && now->process.pid.known;

    if (before->source.allocator != now->source.allocator ||
        !is_same_text(before->source.version, now->source.version) ||
        !is_same_text(before->process.exe, now->process.exe) ||
        (has_pids && before->process.pid.value != now->process.pid.value))
        return false;
    compare_time(&time, before_snapshot, now_snapshot);
    compare_events(&events, before_snapshot->subject, now_snapshot->subject);
    compare_foreign(&events, before_snapshot, now_snapshot);
    if (time.falls || events.falls)
        return false;
    return has_pids || strcmp(before->source.file, now->source.file) == 0 ||
           (time.grows && events.grows);
}
