/* Reader of the JSON that jemalloc's malloc_stats_print() writes.
 *
 * The same object is the member "jemalloc" of our own dumps. */
#include "base/macros.h"
#include "dump/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const struct json_edge jejson_edges[] = {
    {JSON_TOP, "jemalloc", JE_ROOT},
    {JE_ROOT, "config", JE_CONFIG},
    {JE_ROOT, "opt", JE_OPT},
    {JE_ROOT, "prof", JE_PROF},
    {JE_ROOT, "arenas", JE_CONST},
    {JE_ROOT, "stats", JE_TOTAL},
    {JE_ROOT, "stats.arenas", JE_ARENAS},
    {JE_CONST, "bin", JE_BIN_CLASSES},
    {JE_BIN_CLASSES, NULL, JE_BIN_CLASS},
    {JE_CONST, "lextent", JE_LARGE_CLASSES},
    {JE_LARGE_CLASSES, NULL, JE_LARGE_CLASS},
    {JE_TOTAL, "background_thread", JE_BACKGROUND},
    {JE_TOTAL, "arenas", JE_ARENAS},
    {JE_ARENAS, NULL, JE_ARENA},
    {JE_ARENA, "small", JE_SMALL_SUM},
    {JE_ARENA, "large", JE_LARGE_SUM},
    {JE_ARENA, "bins", JE_BINS},
    {JE_BINS, NULL, JE_BIN},
    {JE_ARENA, "lextents", JE_LARGES},
    {JE_LARGES, NULL, JE_LARGE},
    {JE_ARENA, "extents", JE_EXTENTS},
    {JE_EXTENTS, NULL, JE_EXTENT},
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
    if (frame->state == JE_ARENA)
        json->arena = arena_of(parent->key);
}

jep_status_t
jejson_value(struct json *json, const struct json_frame *frame,
             const struct json_value *value)
{
    /* A table's row is the place of its object in the array. */
    uint32_t row = json->depth > 1 ? json->frames[json->depth - 2].index : 0;

    switch (frame->state) {
    case JE_ROOT:
        if (strcmp(frame->key, "version") != 0)
            return JEP_OK;
        return json_text(json, "", frame, value);
    case JE_CONFIG:
        return json_text(json, "config.", frame, value);
    case JE_OPT:
        return json_text(json, "opt.", frame, value);
    case JE_PROF:
        return json_text(json, "prof.", frame, value);
    case JE_CONST:
        return json_number(json, frame, value, DUMP_CONST, 0);
    case JE_BIN_CLASS:
        return json_number(json, frame, value, DUMP_BIN_CLASS, row);
    case JE_LARGE_CLASS:
        return json_number(json, frame, value, DUMP_LARGE_CLASS, row);
    case JE_TOTAL:
    case JE_BACKGROUND:
        return json_number(json, frame, value, DUMP_TOTAL, 0);
    case JE_ARENA:
        return json_number(json, frame, value, DUMP_ARENA, 0);
    case JE_SMALL_SUM:
        return json_number(json, frame, value, DUMP_SMALL, 0);
    case JE_LARGE_SUM:
        return json_number(json, frame, value, DUMP_LARGE_SUM, 0);
    case JE_BIN:
        return json_number(json, frame, value, DUMP_BIN, row);
    case JE_LARGE:
        return json_number(json, frame, value, DUMP_LARGE, row);
    case JE_EXTENT:
        return json_number(json, frame, value, DUMP_EXTENT, row);
    default:
        return JEP_OK;
    }
}
