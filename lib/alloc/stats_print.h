/*
 * What the files that print a snapshot share; nobody else includes this.
 */
#ifndef JE_ALLOC_STATS_PRINT_H
#define JE_ALLOC_STATS_PRINT_H

#include "alloc/stats.h"
#include "base/emit.h"

/* Which parts to print. */
typedef struct parts {
    bool json, general, merged, destroyed, each;
    bool bins, large, mutexes, extents, hpa;
} parts_t;

typedef struct printer {
    emit_t emit;
    parts_t parts;
    const stats_t *stats;
} printer_t;

#define COLUMNS(array) (array), JE_ARRAY_LEN(array)

/* A table of locks. */
void stats_print_mutexes(printer_t *p, const stats_mutex_t *mutexes,
                         const char *const *names, unsigned n,
                         uint64_t uptime_ns);
/* Everything about one arena or the sum of all. */
void stats_print_arena(printer_t *p, const stats_arena_t *a);

#endif
