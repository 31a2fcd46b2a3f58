/* What programs that keep accounts say of their own objects.
 *
 * Redis counts every allocation it makes, skynet those of its services; both
 * stand below the line of the objects when they are in one paste with the
 * allocator's statistics.  A paste is not of one moment: an account of more
 * than there is is left out. */
#include "analyse/report.h"

struct part {
    const char *id, *what, *derived_from;
    struct jep_figure figure;
};

static void
add_parts(const struct part *parts, size_t count, uint64_t objects,
          const char *rest, struct ledger *ledger)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (!parts[i].figure.known || parts[i].figure.value > objects - sum)
            return;
        sum += parts[i].figure.value;
    }
    for (size_t i = 0; i < count; i++)
        ledger_add(ledger, parts[i].id, parts[i].what,
                   (int64_t)parts[i].figure.value, parts[i].derived_from, 1);
    ledger_add(ledger, "uncounted", rest, (int64_t)(objects - sum),
               "the line above - its account", 1);
}

static void
redis_account(const struct jep_figure *redis, uint64_t objects,
              struct ledger *ledger)
{
    const struct part finely[] = {{"redis_dataset", "data set",
                                   "used_memory_dataset", redis[REDIS_DATASET]},
                                  {"redis_overhead", "overhead of Redis",
                                   "used_memory_overhead",
                                   redis[REDIS_OVERHEAD]}};
    const struct part roughly[] = {{"redis_used", "used by Redis",
                                    "used_memory", redis[REDIS_USED_MEMORY]}};
    static const char rest[] = "not counted by Redis";
    size_t before = ledger->count;

    add_parts(finely, JE_ARRAY_LEN(finely), objects, rest, ledger);
    if (ledger->count == before)
        add_parts(roughly, JE_ARRAY_LEN(roughly), objects, rest, ledger);
}

static void
skynet_account(const struct jep_figure *skynet, uint64_t objects,
               struct ledger *ledger)
{
    const struct part parts[] = {
        {"skynet_lua", "Lua of the services", "mem", skynet[SKYNET_LUA]},
        {"skynet_c", "C of the services", "cmem", skynet[SKYNET_C]}};

    add_parts(parts, JE_ARRAY_LEN(parts), objects, "not counted by skynet",
              ledger);
}

void
account_ledger(const struct snapshot *snapshot, uint64_t objects,
               struct ledger *ledger)
{
    redis_account(snapshot->redis, objects, ledger);
    skynet_account(snapshot->skynet, objects, ledger);
}
