/* Counters of locks that JSON has under wrong names.
 *
 * From 5.2.0 on jemalloc's text has a rate per second behind each counter of a
 * lock.  Its JSON has the values in the same order and the names without the
 * rates: num_wait is the rate of num_ops, num_spin_acq the number of waits,
 * total_wait_time the number of spins.  5.3.0 still does it, what came later
 * does not from some day on; so the values are asked: is num_wait the rate of
 * num_ops everywhere? */
#include "model/locks.h"

#include <string.h>

#define NS             UINT64_C(1000000000)
#define VERSION_LENGTH 5

struct verdict {
    size_t rates, others; /* locks whose num_wait is the rate, and is not */
};

static void
table_judge(const struct table *table, uint64_t uptime, struct verdict *verdict)
{
    uint64_t seconds = uptime < NS ? 1 : uptime / NS, ops, waits;

    for (size_t row = 0; row < table->rows; row++) {
        if (!table_get(table, row, MUTEX_NUM_OPS, &ops) ||
            !table_get(table, row, MUTEX_NUM_WAIT, &waits))
            continue;
        verdict->rates += waits > 0 && waits == ops / seconds;
        verdict->others += waits != ops / seconds;
    }
}

/* Versions that do it and nothing else, where no lock tells. */
static bool
version_shifts(const char *version)
{
    static const char *const versions[] = {"5.2.0", "5.2.1", "5.3.0"};

    if (version == NULL || strstr(version, "jeprobe") != NULL)
        return false;
    for (size_t i = 0; i < JE_ARRAY_LEN(versions); i++) {
        if (strncmp(version, versions[i], VERSION_LENGTH) == 0)
            return true;
    }
    return false;
}

static bool
locks_are_shifted(const struct snapshot *snapshot)
{
    struct verdict verdict = {0};

    if (snapshot->format != DUMP_FORMAT_JEMALLOC_JSON)
        return false;
    for (size_t i = 0; i < snapshot->arena_count; i++) {
        const struct snapshot_arena *arena = snapshot->arenas[i];
        struct jep_figure uptime = arena->figures[ARENA_UPTIME_NS];

        /* Destroyed arenas have no time, and so no rates. */
        if (!uptime.known || uptime.value == 0)
            continue;
        table_judge(&arena->mutexes, uptime.value, &verdict);
        table_judge(&arena->bin_mutexes, uptime.value, &verdict);
    }
    if (verdict.rates == 0 && verdict.others == 0)
        return version_shifts(snapshot->version);
    return verdict.rates > 0 && verdict.others == 0;
}

static void
table_align(struct table *table)
{
    table_rename(table, MUTEX_NUM_SPIN_ACQ, MUTEX_NUM_WAIT);
    table_rename(table, MUTEX_TOTAL_WAIT_TIME, MUTEX_NUM_SPIN_ACQ);
    table_forget(table, MUTEX_NUM_OWNER_SWITCH);
    table_forget(table, MUTEX_MAX_WAIT_TIME);
}

void
locks_align(struct snapshot *snapshot)
{
    if (!locks_are_shifted(snapshot))
        return;
    table_align(&snapshot->mutexes);
    for (size_t i = 0; i < snapshot->arena_count; i++) {
        table_align(&snapshot->arenas[i]->mutexes);
        table_align(&snapshot->arenas[i]->bin_mutexes);
    }
}
