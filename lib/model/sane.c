/* Figures that contradict each other, or anything that can be.
 *
 * A damaged or forged dump must not become a report that looks right.  Of two
 * figures that exclude each other, the part goes: what is a sum over it, or
 * relates to it, is unknown then. */
#include "model/sane.h"

#include <inttypes.h>
#include <stdio.h>

#define SIZE_MOST ((uint64_t)1 << 57) /* the largest address space */

struct place {
    enum dump_scope scope;
    int field;
    const char *name;
};

#define PLACE(scope, field, name)                                              \
    {                                                                          \
        DUMP_##scope, scope##_##field, name                                    \
    }

/* Neither is larger than `most`. */
static const struct limit {
    struct place place;
    uint64_t most;
} limits[] = {
    {PLACE(ROLLUP, RSS, "smaps_rollup.rss"), SIZE_MOST},
    {PLACE(STATUS, VM_PEAK, "status.vm_peak"), SIZE_MOST},
    {PLACE(STATUS, VM_SIZE, "status.vm_size"), SIZE_MOST},
    {PLACE(STATUS, VM_HWM, "status.vm_hwm"), SIZE_MOST},
    {PLACE(STATUS, VM_RSS, "status.vm_rss"), SIZE_MOST},
    {PLACE(CGROUP, USAGE, "cgroup.usage"), SIZE_MOST},
    {PLACE(PROFILE, SAMPLE_INTERVAL, "sample_interval"), SIZE_MOST},
    {PLACE(PROCESS, THREADS, "threads"), (uint64_t)1 << 22},
    {PLACE(PROCESS, PID, "pid"), (uint64_t)1 << 22},
    {PLACE(PROCESS, CPUS, "cpus"), (uint64_t)1 << 16},
};

/* The first is at most the second. */
static const struct pair {
    struct place part, whole;
} pairs[] = {
    {PLACE(PROFILE, LIVE_SAMPLES, "live_samples"),
     PLACE(PROFILE, SAMPLES_TAKEN, "samples_taken")},
    {PLACE(ROLLUP, PSS, "pss"), PLACE(ROLLUP, RSS, "rss")},
    {PLACE(ROLLUP, ANONYMOUS, "anonymous"), PLACE(ROLLUP, RSS, "rss")},
    {PLACE(ROLLUP, FILE, "file"), PLACE(ROLLUP, RSS, "rss")},
    {PLACE(ROLLUP, SHMEM, "shmem"), PLACE(ROLLUP, RSS, "rss")},
    {PLACE(ROLLUP, ANON_HUGE_PAGES, "anon_huge_pages"),
     PLACE(ROLLUP, RSS, "rss")},
    {PLACE(ROLLUP, LAZY_FREE, "lazy_free"), PLACE(ROLLUP, RSS, "rss")},
    {PLACE(STATUS, VM_SIZE, "vm_size"), PLACE(STATUS, VM_PEAK, "vm_peak")},
    {PLACE(STATUS, VM_RSS, "vm_rss"), PLACE(STATUS, VM_SIZE, "vm_size")},
    {PLACE(STATUS, VM_RSS, "vm_rss"), PLACE(STATUS, VM_HWM, "vm_hwm")},
};

#undef PLACE

static struct jep_figure *
figure_at(struct snapshot *snapshot, const struct place *place)
{
    return &snapshot_figures(snapshot, place->scope)[place->field];
}

static bool
leave_out(struct snapshot *snapshot, struct jep_figure *figure,
          const char *name, const char *why)
{
    char text[200];

    snprintf(text, sizeof(text), "%s (%" PRIu64 ") is %s: left out", name,
             figure->value, why);
    *figure = (struct jep_figure){.line = figure->line};
    return snapshot_warn(snapshot, figure->line, 0, text);
}

static bool
limits_check(struct snapshot *snapshot)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct jep_figure *figure = figure_at(snapshot, &limits[i].place);

        if (figure->known && figure->value > limits[i].most &&
            !leave_out(snapshot, figure, limits[i].place.name,
                       "more than can be"))
            return false;
    }
    return true;
}

static bool
pairs_check(struct snapshot *snapshot)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct jep_figure *part = figure_at(snapshot, &pairs[i].part);
        const struct jep_figure *whole = figure_at(snapshot, &pairs[i].whole);
        char why[80];

        if (!part->known || !whole->known || part->value <= whole->value)
            continue;
        snprintf(why, sizeof(why), "more than %s (%" PRIu64 ")",
                 pairs[i].whole.name, whole->value);
        if (!leave_out(snapshot, part, pairs[i].part.name, why))
            return false;
    }
    return true;
}

static bool
page_check(struct snapshot *snapshot, struct jep_figure *page)
{
    bool is_fine = page->value >= 512 && page->value <= 1u << 30 &&
                   (page->value & (page->value - 1)) == 0;

    return !page->known || is_fine ||
           leave_out(snapshot, page, "the page size", "none that exists");
}

/* Pages found resident are part of the RSS.  Both are of almost the same
 * moment; other threads may have worked in between. */
static bool
residency_check(struct snapshot *snapshot)
{
    struct jep_figure *found = snapshot->residency;
    const struct jep_figure *rss = &snapshot->rollup[ROLLUP_RSS];
    uint64_t sum = 0, line = 0;
    char text[200];

    for (int i = 0; i < RESIDENCY_COUNT; i++) {
        /* The parts of a sum that is below 2^57 cannot be larger. */
        if (found[i].known)
            sum += found[i].value > SIZE_MOST ? SIZE_MOST : found[i].value;
        if (found[i].known)
            line = found[i].line;
    }
    if (!rss->known || sum <= rss->value + rss->value / 16 + (1u << 20))
        return true;
    for (int i = 0; i < RESIDENCY_COUNT; i++)
        found[i] = (struct jep_figure){0};
    snprintf(text, sizeof(text),
             "the pages found in memory (%" PRIu64 ") are more than the RSS "
             "(%" PRIu64 "): left out",
             sum, rss->value);
    return snapshot_warn(snapshot, line, 0, text);
}

bool
snapshot_sane(struct snapshot *snapshot)
{
    return limits_check(snapshot) && pairs_check(snapshot) &&
           page_check(snapshot, &snapshot->process[PROCESS_PAGE_SIZE]) &&
           page_check(snapshot, &snapshot->constant[CONST_PAGE]) &&
           residency_check(snapshot);
}
