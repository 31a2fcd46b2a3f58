/* The JSON that jemalloc's malloc_stats_print() writes, as lists.
 *
 * Versions 4.3 to 5.3 and what follows differ in members, not in shape: what a
 * version lacks is not there.  The same object is the member "jemalloc" of our
 * own dumps.  People cut parts out of it with jq, so its parts are known
 * without it, too. */
#include "base/macros.h"
#include "dump/json.h"

#include <stdlib.h>
#include <string.h>

#define HUGE_ROWS 1024 /* of 4.x, behind its large ones */

const struct json_edge jejson_edges[] = {
    {JSON_TOP, "jemalloc", JM_ROOT, 0},
    {JSON_TOP, "opt", JM_OPT, 0},
    {JSON_TOP, "arenas", JM_CONST, 0},
    {JSON_TOP, "stats", JM_TOTAL, 0},
    {JSON_TOP, "stats.arenas", JM_ARENAS, 0},
    {JM_ROOT, "config", JM_CONFIG, 0},
    {JM_ROOT, "opt", JM_OPT, 0},
    {JM_ROOT, "prof", JM_PROF, 0},
    {JM_ROOT, "arenas", JM_CONST, 0},
    {JM_ROOT, "stats", JM_TOTAL, 0},
    {JM_ROOT, "stats.arenas", JM_ARENAS, 0},
    {JM_ROOT, "labels", JP_LABELS, 0},
    {JM_CONST, "bin", JM_BIN_CLASSES, 0},
    {JM_BIN_CLASSES, NULL, JM_BIN_CLASS, 0},
    {JM_CONST, "lextent", JM_LARGE_CLASSES, 0},
    {JM_CONST, "lrun", JM_LARGE_CLASSES, 0},
    {JM_CONST, "hchunk", JM_LARGE_CLASSES, HUGE_ROWS},
    {JM_LARGE_CLASSES, NULL, JM_LARGE_CLASS, 0},
    {JM_TOTAL, "background_thread", JM_BACKGROUND, 0},
    {JM_TOTAL, "mutexes", JM_MUTEXES, 0},
    {JM_MUTEXES, NULL, JM_MUTEX, 0},
    {JM_TOTAL, "arenas", JM_ARENAS, 0},
    {JM_ARENAS, NULL, JM_ARENA, 0},
    {JM_ARENA, "small", JM_SMALL_SUM, 0},
    {JM_ARENA, "large", JM_LARGE_SUM, 0},
    {JM_ARENA, "metadata", JM_METADATA, 0},
    {JM_ARENA, "mutexes", JM_ARENA_MUTEXES, 0},
    {JM_ARENA_MUTEXES, NULL, JM_ARENA_MUTEX, 0},
    {JM_ARENA, "bins", JM_BINS, 0},
    {JM_BINS, NULL, JM_BIN, 0},
    {JM_BIN, "mutex", JM_BIN_MUTEX, 0},
    {JM_ARENA, "lextents", JM_LARGES, 0},
    {JM_ARENA, "lruns", JM_LARGES, 0},
    {JM_ARENA, "hchunks", JM_LARGES, HUGE_ROWS},
    {JM_LARGES, NULL, JM_LARGE, 0},
    {JM_ARENA, "extents", JM_EXTENTS, 0},
    {JM_EXTENTS, NULL, JM_EXTENT, 0},
    {JM_ARENA, "hpa_shard", JM_HPA, 0},
    {JM_HPA, "slabs", JM_HPA_SLAB, HPA_ROW_ALL},
    {JM_HPA, "full_slabs", JM_HPA_SLAB, HPA_ROW_FULL},
    {JM_HPA, "empty_slabs", JM_HPA_SLAB, HPA_ROW_EMPTY},
    {JM_HPA, "nonfull_slabs", JM_HPA_SLABS, HPA_ROW_NONFULL},
    {JM_HPA_SLABS, NULL, JM_HPA_SLAB, 0},
    {JSON_SKIP, NULL, JSON_SKIP, 0},
};

const struct json_place jejson_places[] = {
    {JM_ROOT, DUMP_SCOPES, "", false},
    {JM_CONFIG, DUMP_SCOPES, "config.", true},
    {JM_OPT, DUMP_SCOPES, "opt.", true},
    {JM_PROF, DUMP_SCOPES, "prof.", true},
    {JM_CONST, DUMP_CONST, NULL, false},
    {JM_BIN_CLASS, DUMP_BIN_CLASS, NULL, false},
    {JM_LARGE_CLASS, DUMP_LARGE_CLASS, NULL, false},
    {JM_TOTAL, DUMP_TOTAL, NULL, false},
    {JM_BACKGROUND, DUMP_TOTAL, NULL, false},
    {JM_MUTEX, DUMP_MUTEX, NULL, false},
    {JM_ARENA, DUMP_ARENA, NULL, false},
    {JM_SMALL_SUM, DUMP_SMALL, NULL, false},
    {JM_LARGE_SUM, DUMP_LARGE_SUM, NULL, false},
    {JM_METADATA, DUMP_SCOPES, NULL, false},
    {JM_ARENA_MUTEX, DUMP_ARENA_MUTEX, NULL, false},
    {JM_BIN, DUMP_BIN, NULL, false},
    {JM_BIN_MUTEX, DUMP_BIN_MUTEX, NULL, false},
    {JM_LARGE, DUMP_LARGE, NULL, false},
    {JM_EXTENT, DUMP_EXTENT, NULL, false},
    {JM_HPA, DUMP_HPA, NULL, false},
    {JM_HPA_SLAB, DUMP_HPA_SLAB, NULL, false},
    {JSON_SKIP, DUMP_SCOPES, NULL, false},
};

/* Names of 4.x, and what 5.3.0 has elsewhere than its successors. */
const struct json_alias jejson_aliases[] = {
    {JM_ARENA, "sec_bytes", DUMP_HPA, HPA_SEC_BYTES},
    {JM_ARENA, "npurge", DUMP_ARENA, ARENA_DIRTY_NPURGE},
    {JM_ARENA, "nmadvise", DUMP_ARENA, ARENA_DIRTY_NMADVISE},
    {JM_ARENA, "purged", DUMP_ARENA, ARENA_DIRTY_PURGED},
    {JM_METADATA, "allocated", DUMP_ARENA, ARENA_INTERNAL},
    {JM_BIN_CLASS, "run_size", DUMP_BIN_CLASS, BIN_SLAB_SIZE},
    {JM_BIN, "curruns", DUMP_BIN, BIN_CURSLABS},
    {JM_BIN, "nreruns", DUMP_BIN, BIN_NRESLABS},
    {JM_LARGE, "curruns", DUMP_LARGE, LARGE_CUREXTENTS},
    {JM_LARGE, "curhchunks", DUMP_LARGE, LARGE_CUREXTENTS},
    {JSON_SKIP, NULL, DUMP_SCOPES, FIELD_NONE},
};

bool
jejson_arena(const char *key, int *arena)
{
    char *end;
    long index;

    if (strcmp(key, "merged") == 0) {
        *arena = DUMP_ARENA_MERGED;
        return true;
    }
    if (strcmp(key, "destroyed") == 0) {
        *arena = DUMP_ARENA_DESTROYED;
        return true;
    }
    if (*key < '0' || *key > '9')
        return false;
    index = strtol(key, &end, 10);
    *arena = (int)index;
    return *end == '\0' && index <= DUMP_ARENA_MAX;
}
