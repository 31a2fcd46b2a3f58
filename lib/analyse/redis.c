/* Where the memory of a Redis server is, by its own account.
 *
 * INFO and MEMORY STATS count in steps, each of which contains the one before:
 *
 *   data set + overhead = used memory <= allocated <= active <= resident <> RSS
 *
 * The differences are the lines of the ledger.  RSS may be below resident: then
 * pages were never touched, or are swapped out. */
#include "analyse/report.h"

static int64_t
difference(struct jep_figure above, struct jep_figure below)
{
    return (int64_t)above.value - (int64_t)below.value;
}

/* MEMORY STATS leaves RSS out, and says what it has above resident. */
static struct jep_figure
redis_rss(const struct jep_figure *redis)
{
    return figure_or(redis[REDIS_USED_MEMORY_RSS],
                     figure_plus(redis[REDIS_ALLOCATOR_RESIDENT],
                                 redis[REDIS_OVERHEAD_BYTES]));
}

void
redis_summary(const struct snapshot *snapshot, struct jep_summary *out)
{
    const struct jep_figure *redis = snapshot->redis;

    out->allocated =
        figure_or(out->allocated, redis[REDIS_ALLOCATOR_ALLOCATED]);
    out->active = figure_or(out->active, redis[REDIS_ALLOCATOR_ACTIVE]);
    out->resident = figure_or(out->resident, redis[REDIS_ALLOCATOR_RESIDENT]);
    out->rss = figure_or(out->rss, redis_rss(redis));
}

/* What the server counts: the data, and what it needs besides. */
static void
add_used(struct ledger *ledger, const struct jep_figure *redis)
{
    static const struct {
        enum redis_field field;
        const char *id, *what;
    } parts[] = {
        {REDIS_STARTUP, "redis_startup", "at the start"},
        {REDIS_CLIENTS, "redis_clients", "buffers of clients"},
        {REDIS_REPLICAS, "redis_replicas", "buffers of replicas"},
        {REDIS_BACKLOG, "redis_backlog", "replication backlog"},
        {REDIS_CLUSTER_LINKS, "redis_cluster_links", "cluster links"},
        {REDIS_AOF_BUFFER, "redis_aof_buffer", "append-only file buffer"},
        {REDIS_LUA_CACHES, "redis_lua_caches", "script caches"},
    };
    struct jep_figure used = redis[REDIS_USED_MEMORY];
    struct jep_figure both =
        figure_plus(redis[REDIS_DATASET], redis[REDIS_OVERHEAD]);

    if (!both.known || both.value != used.value) {
        ledger_add(ledger, "redis_used", "used by Redis", (int64_t)used.value,
                   "used_memory", 0);
        return;
    }
    ledger_add(ledger, "redis_dataset", "data set",
               (int64_t)redis[REDIS_DATASET].value, "used_memory_dataset", 0);
    ledger_add(ledger, "redis_overhead", "overhead of Redis",
               (int64_t)redis[REDIS_OVERHEAD].value, "used_memory_overhead", 0);
    for (size_t i = 0; i < JE_ARRAY_LEN(parts); i++) {
        struct jep_figure part = redis[parts[i].field];

        if (part.known && part.value > 0)
            ledger_add(ledger, parts[i].id, parts[i].what, (int64_t)part.value,
                       "MEMORY STATS", 1);
    }
}

static void
add_allocator(struct ledger *ledger, const struct jep_figure *redis,
              struct jep_figure rss)
{
    struct jep_figure allocated = redis[REDIS_ALLOCATOR_ALLOCATED];
    struct jep_figure active = redis[REDIS_ALLOCATOR_ACTIVE];
    struct jep_figure resident = redis[REDIS_ALLOCATOR_RESIDENT];

    ledger_add(ledger, "uncounted", "allocated, not counted by Redis",
               difference(allocated, redis[REDIS_USED_MEMORY]),
               "allocator_allocated - used_memory", 0);
    ledger_add(ledger, "holes_and_padding", "holes in slabs, padding",
               difference(active, allocated),
               "allocator_active - allocator_allocated", 0);
    ledger_add(ledger, "metadata_and_dirty", "metadata (base), dirty pages",
               difference(resident, active),
               "allocator_resident - allocator_active", 0);
    ledger_add(
        ledger, "beyond_allocator",
        difference(rss, resident) < 0 ? "of it never touched or swapped out"
                                      : "not the allocator's, huge page fill",
        difference(rss, resident), "used_memory_rss - allocator_resident", 0);
}

bool
redis_ledger(const struct snapshot *snapshot, const struct jep_summary *summary,
             struct ledger *ledger, struct jep_ledger *out)
{
    const struct jep_figure *redis = snapshot->redis;
    struct jep_figure rss = summary->rss;

    if (snapshot->format != DUMP_FORMAT_REDIS ||
        !redis[REDIS_USED_MEMORY].known || !rss.known || rss.value == 0)
        return false;
    add_used(ledger, redis);
    if (redis[REDIS_ALLOCATOR_ALLOCATED].known &&
        redis[REDIS_ALLOCATOR_ACTIVE].known &&
        redis[REDIS_ALLOCATOR_RESIDENT].known)
        add_allocator(ledger, redis, rss);
    else
        ledger_add(ledger, "beyond_used", "allocator and process beyond it",
                   difference(rss, redis[REDIS_USED_MEMORY]),
                   "used_memory_rss - used_memory", 0);
    out->total_name = "RSS";
    out->total = rss.value;
    return true;
}
