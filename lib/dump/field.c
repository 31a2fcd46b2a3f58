/* The figures that dumps hold, by scope, with their names in each format. */
#include "dump/field.h"

#include <string.h>

struct field_name {
    const char *json;
    const char *text;
};

#define FIELD_NAME(scope, name, json, text) {json, text},
static const struct field_name total_names[] = {TOTAL_FIELDS(FIELD_NAME)};
static const struct field_name const_names[] = {CONST_FIELDS(FIELD_NAME)};
static const struct field_name arena_names[] = {ARENA_FIELDS(FIELD_NAME)};
static const struct field_name small_names[] = {SMALL_FIELDS(FIELD_NAME)};
static const struct field_name bin_names[] = {BIN_FIELDS(FIELD_NAME)};
static const struct field_name large_names[] = {LARGE_FIELDS(FIELD_NAME)};
static const struct field_name extent_names[] = {EXTENT_FIELDS(FIELD_NAME)};
static const struct field_name mutex_names[] = {MUTEX_FIELDS(FIELD_NAME)};
static const struct field_name hpa_names[] = {HPA_FIELDS(FIELD_NAME)};
static const struct field_name hpa_slab_names[] = {HPA_SLAB_FIELDS(FIELD_NAME)};
static const struct field_name process_names[] = {PROCESS_FIELDS(FIELD_NAME)};
static const struct field_name rollup_names[] = {ROLLUP_FIELDS(FIELD_NAME)};
static const struct field_name status_names[] = {STATUS_FIELDS(FIELD_NAME)};
static const struct field_name residency_names[] = {
    RESIDENCY_FIELDS(FIELD_NAME)};
static const struct field_name cgroup_names[] = {CGROUP_FIELDS(FIELD_NAME)};
static const struct field_name rlimit_names[] = {RLIMIT_FIELDS(FIELD_NAME)};
static const struct field_name profile_names[] = {PROFILE_FIELDS(FIELD_NAME)};
static const struct field_name dropped_names[] = {DROPPED_FIELDS(FIELD_NAME)};
static const struct field_name redis_names[] = {REDIS_FIELDS(FIELD_NAME)};
static const struct field_name skynet_names[] = {SKYNET_FIELDS(FIELD_NAME)};
static const struct field_name rocksdb_names[] = {ROCKSDB_FIELDS(FIELD_NAME)};
static const struct field_name tcmalloc_names[] = {TCMALLOC_FIELDS(FIELD_NAME)};
static const struct field_name glibc_names[] = {GLIBC_FIELDS(FIELD_NAME)};
static const struct field_name mimalloc_names[] = {MIMALLOC_FIELDS(FIELD_NAME)};
static const struct field_name heap_names[] = {HEAP_FIELDS(FIELD_NAME)};
static const struct field_name class_names[] = {CLASS_FIELDS(FIELD_NAME)};
static const struct field_name machine_names[] = {MACHINE_FIELDS(FIELD_NAME)};
#undef FIELD_NAME

struct scope_names {
    const struct field_name *names;
    int count;
};

#define SCOPE(fields, list)                                                    \
    {                                                                          \
        list##_names, fields##_COUNT                                           \
    }
static const struct scope_names scope_names[DUMP_SCOPES] = {
    [DUMP_TOTAL] = SCOPE(TOTAL, total),
    [DUMP_CONST] = SCOPE(CONST, const),
    [DUMP_ARENA] = SCOPE(ARENA, arena),
    [DUMP_SMALL] = SCOPE(SMALL, small),
    [DUMP_BIN] = SCOPE(BIN, bin),
    [DUMP_LARGE] = SCOPE(LARGE, large),
    [DUMP_EXTENT] = SCOPE(EXTENT, extent),
    [DUMP_PROCESS] = SCOPE(PROCESS, process),
    [DUMP_ROLLUP] = SCOPE(ROLLUP, rollup),
    [DUMP_STATUS] = SCOPE(STATUS, status),
    [DUMP_RESIDENCY] = SCOPE(RESIDENCY, residency),
    [DUMP_CGROUP] = SCOPE(CGROUP, cgroup),
    [DUMP_RLIMIT] = SCOPE(RLIMIT, rlimit),
    [DUMP_PROFILE] = SCOPE(PROFILE, profile),
    [DUMP_DROPPED] = SCOPE(DROPPED, dropped),
    [DUMP_LARGE_SUM] = SCOPE(SMALL, small),
    [DUMP_BIN_CLASS] = SCOPE(BIN, bin),
    [DUMP_LARGE_CLASS] = SCOPE(LARGE, large),
    [DUMP_REDIS] = SCOPE(REDIS, redis),
    [DUMP_SKYNET] = SCOPE(SKYNET, skynet),
    [DUMP_ROCKSDB] = SCOPE(ROCKSDB, rocksdb),
    [DUMP_TCMALLOC] = SCOPE(TCMALLOC, tcmalloc),
    [DUMP_GLIBC] = SCOPE(GLIBC, glibc),
    [DUMP_MIMALLOC] = SCOPE(MIMALLOC, mimalloc),
    [DUMP_HEAP] = SCOPE(HEAP, heap),
    [DUMP_CLASS] = SCOPE(CLASS, class),
    [DUMP_MACHINE] = SCOPE(MACHINE, machine),
    [DUMP_MUTEX] = SCOPE(MUTEX, mutex),
    [DUMP_ARENA_MUTEX] = SCOPE(MUTEX, mutex),
    [DUMP_BIN_MUTEX] = SCOPE(MUTEX, mutex),
    [DUMP_HPA] = SCOPE(HPA, hpa),
    [DUMP_HPA_SLAB] = SCOPE(HPA_SLAB, hpa_slab),
};
#undef SCOPE

/* Spellings of other versions of jemalloc.  Everything else that differs from
 * version to version is in the layouts of jetext_table.c. */
static const struct field_alias {
    enum dump_scope scope;
    int field;
    const char *text;
} aliases[] = {
    {DUMP_ARENA, ARENA_TCACHE_BYTES, "tcache"},          /* 5.0 */
    {DUMP_BIN, BIN_INDEX, "bin"},                        /* 3.x */
    {DUMP_BIN, BIN_CURSLABS, "curruns"},                 /* 3.x, 4.x */
    {DUMP_BIN, BIN_NSLABS, "newruns"},                   /* 3.x, 4.x */
    {DUMP_BIN, BIN_NSLABS, "newslabs"},                  /* 5.0 */
    {DUMP_BIN, BIN_NRESLABS, "reruns"},                  /* 3.x, 4.x */
    {DUMP_BIN, BIN_NRESLABS, "reslabs"},                 /* 5.0 */
    {DUMP_LARGE, LARGE_CUREXTENTS, "curruns"},           /* 3.x, 4.x */
    {DUMP_LARGE, LARGE_CUREXTENTS, "curhchunks"},        /* 4.x, huge */
    {DUMP_MUTEX, MUTEX_MAX_NUM_THDS, "max_n_wait_thds"}, /* before 5.0 */
    {DUMP_ROCKSDB, ROCKSDB_CACHE, "Cache Total"},
    {DUMP_ROCKSDB, ROCKSDB_MEMTABLES, "MemTable Total"},
    {DUMP_ROCKSDB, ROCKSDB_TABLE_READERS, "Table Readers Total"},
    {DUMP_TCMALLOC, TCMALLOC_PAGE_HEAP, "bytes free in page heap"},
    {DUMP_TCMALLOC, TCMALLOC_CENTRAL, "bytes free in central cache"},
    {DUMP_TCMALLOC, TCMALLOC_TRANSFER, "bytes free in transfer cache"},
    {DUMP_TCMALLOC, TCMALLOC_THREAD, "bytes free in thread caches"},
    {DUMP_TCMALLOC, TCMALLOC_METADATA, "metadata allocated"},
    {DUMP_TCMALLOC, TCMALLOC_RELEASED, "bytes unmapped in page heap"},
    {DUMP_MIMALLOC, MIMALLOC_PAGES_ABANDONED, "abandoned"},
    {DUMP_MIMALLOC, MIMALLOC_RSS_PEAK, "peak rss"},
    {DUMP_MIMALLOC, MIMALLOC_COMMIT_PEAK, "peak commit"},
};

static int
is_name(const char *known, const char *name, size_t length)
{
    return known != NULL && length > 0 && known[0] == name[0] &&
           strlen(known) == length && memcmp(known, name, length) == 0;
}

int
field_by_json(enum dump_scope scope, const char *name, size_t length)
{
    const struct scope_names *list = &scope_names[scope];

    for (int i = 0; i < list->count; i++) {
        if (is_name(list->names[i].json, name, length))
            return i;
    }
    return FIELD_NONE;
}

int
field_by_text(enum dump_scope scope, const char *name, size_t length)
{
    const struct scope_names *list = &scope_names[scope];

    for (int i = 0; i < list->count; i++) {
        if (is_name(list->names[i].text, name, length))
            return i;
    }
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (aliases[i].scope == scope && is_name(aliases[i].text, name, length))
            return aliases[i].field;
    }
    return FIELD_NONE;
}

const char *
field_json(enum dump_scope scope, int field)
{
    return scope_names[scope].names[field].json;
}

int
field_count(enum dump_scope scope)
{
    return scope_names[scope].count;
}

#define LOCK_NAME(name, text) text,
static const char *const lock_names[] = {LOCK_NAMES(LOCK_NAME)};
#undef LOCK_NAME

int
field_lock(const char *name, size_t length, uint32_t guess)
{
    if (guess < LOCK_COUNT && is_name(lock_names[guess], name, length))
        return (int)guess;
    for (int i = 0; i < LOCK_COUNT; i++) {
        if (is_name(lock_names[i], name, length))
            return i;
    }
    return FIELD_NONE;
}

const char *
field_lock_name(enum dump_lock lock)
{
    return lock_names[lock];
}
