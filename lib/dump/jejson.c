/* Reader of the JSON that jemalloc's malloc_stats_print() writes.
 *
 * The same object is the member "jemalloc" of our own dumps. */
#include "base/macros.h"
#include "dump/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const struct json_edge jejson_edges[] = {
    {JSON_TOP, "jemalloc", JM_ROOT},
    {JM_ROOT, "config", JM_CONFIG},
    {JM_ROOT, "opt", JM_OPT},
    {JM_ROOT, "prof", JM_PROF},
    {JM_ROOT, "arenas", JM_CONST},
    {JM_ROOT, "stats", JM_TOTAL},
    {JM_ROOT, "stats.arenas", JM_ARENAS},
    {JM_CONST, "bin", JM_BIN_CLASSES},
    {JM_BIN_CLASSES, NULL, JM_BIN_CLASS},
    {JM_CONST, "lextent", JM_LARGE_CLASSES},
    {JM_LARGE_CLASSES, NULL, JM_LARGE_CLASS},
    {JM_TOTAL, "background_thread", JM_BACKGROUND},
    {JM_TOTAL, "arenas", JM_ARENAS},
    {JM_ARENAS, NULL, JM_ARENA},
    {JM_ARENA, "small", JM_SMALL_SUM},
    {JM_ARENA, "large", JM_LARGE_SUM},
    {JM_ARENA, "bins", JM_BINS},
    {JM_BINS, NULL, JM_BIN},
    {JM_ARENA, "lextents", JM_LARGES},
    {JM_LARGES, NULL, JM_LARGE},
    {JM_ARENA, "extents", JM_EXTENTS},
    {JM_EXTENTS, NULL, JM_EXTENT},
    {JSON_SKIP, NULL, JSON_SKIP},
};

/* The arena that a member of "stats.arenas" is. */
static int
arena_of(const char *key)
{
    char *end;
    long index;

    if (strcmp(key, "merged") == 0)
        return DUMP_ARENA_MERGED;
    if (strcmp(key, "destroyed") == 0)
        return DUMP_ARENA_DESTROYED;
    index = strtol(key, &end, 10);
    if (*end != '\0' || end == key || index < 0 || index > INT_MAX)
        return DUMP_ARENA_FRAGMENT;
    return (int)index;
}

void
jejson_open(struct json *json, const struct json_frame *frame,
            const struct json_frame *parent)
{
    if (frame->state == JM_ARENA)
        json->arena = arena_of(parent->key);
}

jep_status_t
jejson_value(struct json *json, const struct json_frame *frame,
             const struct json_value *value)
{
    /* A table's row is the place of its object in the array. */
    uint32_t row = json->depth > 1 ? json->frames[json->depth - 2].index : 0;

    switch (frame->state) {
    case JM_ROOT:
        if (strcmp(frame->key, "version") != 0)
            return JEP_OK;
        return json_text(json, "", frame, value);
    case JM_CONFIG:
        return json_text(json, "config.", frame, value);
    case JM_OPT:
        return json_text(json, "opt.", frame, value);
    case JM_PROF:
        return json_text(json, "prof.", frame, value);
    case JM_CONST:
        return json_number(json, frame, value, DUMP_CONST, 0);
    case JM_BIN_CLASS:
        return json_number(json, frame, value, DUMP_BIN_CLASS, row);
    case JM_LARGE_CLASS:
        return json_number(json, frame, value, DUMP_LARGE_CLASS, row);
    case JM_TOTAL:
    case JM_BACKGROUND:
        return json_number(json, frame, value, DUMP_TOTAL, 0);
    case JM_ARENA:
        return json_number(json, frame, value, DUMP_ARENA, 0);
    case JM_SMALL_SUM:
        return json_number(json, frame, value, DUMP_SMALL, 0);
    case JM_LARGE_SUM:
        return json_number(json, frame, value, DUMP_LARGE_SUM, 0);
    case JM_BIN:
        return json_number(json, frame, value, DUMP_BIN, row);
    case JM_LARGE:
        return json_number(json, frame, value, DUMP_LARGE, row);
    case JM_EXTENT:
        return json_number(json, frame, value, DUMP_EXTENT, row);
    default:
        return JEP_OK;
    }
}
