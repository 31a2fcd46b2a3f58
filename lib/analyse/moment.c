/* What is kept of a dump to see it beside others. */
#include "analyse/report.h"
#include "analyse/verdict_foreign.h"

#include <math.h>
#include <string.h>

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

struct jep_figure
moment_uptime(const struct snapshot *snapshot)
{
    struct jep_figure process = snapshot->process[PROCESS_UPTIME_NS];

    if (process.known)
        return process;
    if (snapshot->mimalloc[MIMALLOC_ELAPSED_MS].known)
        return figure_times(snapshot->mimalloc[MIMALLOC_ELAPSED_MS], 1000000);
    if (snapshot->subject == NULL)
        return process;
    return snapshot->subject->figures[ARENA_UPTIME_NS];
}

static uint64_t
hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * FNV_PRIME;
    return (hash ^ 0xff) * FNV_PRIME;
}

/* Options do not change while a process lives, unlike values in force. */
static uint64_t
options_hash(const struct snapshot *snapshot)
{
    uint64_t hash = FNV_START;

    for (size_t i = 0; i < snapshot->setting_count; i++) {
        const struct snapshot_setting *one = &snapshot->settings[i];

        if (strncmp(one->name, "opt.", 4) == 0)
            hash = hash_text(hash_text(hash, one->name), one->value);
    }
    return hash != FNV_START ? hash : 0;
}

static struct jep_figure *
events_of_arena(const struct snapshot_arena *arena, struct jep_figure *events)
{
    static const enum small_field sums[] = {SMALL_NMALLOC, SMALL_NDALLOC};

    static const enum arena_field fields[] = {
        ARENA_DIRTY_NPURGE, ARENA_DIRTY_NMADVISE, ARENA_DIRTY_PURGED};

    if (arena == NULL)
        return events;
    for (size_t i = 0; i < JE_ARRAY_LEN(sums); i++) {
        *events++ = arena->small[sums[i]];
        *events++ = arena->large[sums[i]];
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(fields); i++)
        *events++ = arena->figures[fields[i]];
    return events;
}

/* Counters of other allocators: calls and faults, and the most that there ever
 * was of something. */
static void
events_fill(const struct snapshot *snapshot, struct jep_figure *events)
{
    static const enum mimalloc_field calls[] = {
        MIMALLOC_MMAPS,  MIMALLOC_COMMITS, MIMALLOC_RESETS, MIMALLOC_PURGES,
        MIMALLOC_FAULTS, MIMALLOC_USER_MS, MIMALLOC_PURGED};

    static const enum glibc_field mosts[] = {GLIBC_HEAPS, GLIBC_HEAP_SYSTEM_MAX,
                                             GLIBC_MMAP_MAX,
                                             GLIBC_MMAP_MAX_COUNT};

    _Static_assert(7 + JE_ARRAY_LEN(calls) + JE_ARRAY_LEN(mosts) ==
                       JEP_MOMENT_EVENTS,
                   "there is room for each");
    events = events_of_arena(snapshot->subject, events);
    for (size_t i = 0; i < JE_ARRAY_LEN(calls); i++)
        *events++ = snapshot->mimalloc[calls[i]];
    for (size_t i = 0; i < JE_ARRAY_LEN(mosts); i++)
        *events++ = snapshot->glibc[mosts[i]];
}

void
moment_fill(const struct snapshot *snapshot, const struct jep_view *view,
            struct jep_moment *out)
{
    *out = (struct jep_moment){
        .file = view->source.file,
        .document = view->source.document,
        .documents = view->source.documents,
        .stream = snapshot->stream,
        .allocator = view->source.allocator,
        .version = view->source.version,
        .exe = view->process.exe,
        .pid = view->process.pid,
        .wall_ns = snapshot->process[PROCESS_WALL_NS],
        .uptime_ns = moment_uptime(snapshot),
        .options = options_hash(snapshot),
        .summary = view->summary,
        .is_foreign = foreign_is(snapshot),
        .whole = view->ledger.total_name,
    };
    if (out->is_foreign)
        foreign_parts(&view->ledger, out->parts);
    /* A heap profile has no counters, but its samples say the same. */
    if (!out->summary.allocated.known && view->profile.known)
        out->summary.allocated =
            figure_derived((uint64_t)llround(view->profile.live_bytes.value));
    events_fill(snapshot, out->events);
}
