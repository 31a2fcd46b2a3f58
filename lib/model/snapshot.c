/* One document of a dump as typed figures. */
#include "model/snapshot.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 4096
#define ARGV_MAX     4096
#define WARNINGS_MAX 20 /* more than that help nobody */

struct snapshot *
snapshot_new(void)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (snapshot == NULL)
        return NULL;
    table_init(&snapshot->bin_classes, BIN_COUNT, &snapshot->region);
    table_init(&snapshot->large_classes, LARGE_COUNT, &snapshot->region);
    table_init(&snapshot->heaps, HEAP_COUNT, &snapshot->region);
    table_init(&snapshot->classes, CLASS_COUNT, &snapshot->region);
    table_init(&snapshot->mutexes, MUTEX_COUNT, &snapshot->region);
    return snapshot;
}

struct snapshot_arena *
snapshot_arena_new(struct region *region, int id)
{
    struct snapshot_arena *arena = region_alloc(region, sizeof(*arena));

    if (arena == NULL)
        return NULL;
    *arena = (struct snapshot_arena){.id = id};
    table_init(&arena->bins, BIN_COUNT, region);
    table_init(&arena->larges, LARGE_COUNT, region);
    table_init(&arena->extents, EXTENT_COUNT, region);
    table_init(&arena->mutexes, MUTEX_COUNT, region);
    table_init(&arena->bin_mutexes, MUTEX_COUNT, region);
    table_init(&arena->hpa_slabs, HPA_SLAB_COUNT, region);
    return arena;
}

void
snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    free(snapshot->arenas);
    free(snapshot->index);
    region_free(&snapshot->region);
    free(snapshot->settings);
    free(snapshot->argv);
    free(snapshot->warnings);
    profile_free(&snapshot->profile);
    owners_free(&snapshot->owners);
    intern_text_free(&snapshot->texts);
    free(snapshot);
}

/* Make room for `slot` in the index of arenas. */
static bool
index_reserve(struct snapshot *snapshot, size_t slot)
{
    size_t count = snapshot->index_count;
    struct snapshot_arena **grown;

    if (slot < count)
        return true;
    for (count = count == 0 ? 16 : count; count <= slot;)
        count *= 2;
    grown = realloc(snapshot->index, count * sizeof(struct snapshot_arena *));
    if (grown == NULL)
        return false;
    for (size_t i = snapshot->index_count; i < count; i++)
        grown[i] = NULL;
    snapshot->index = grown;
    snapshot->index_count = count;
    return true;
}

/* Arenas of a process are alike. */
static void
arena_expect(struct snapshot_arena *arena, const struct snapshot_arena *like)
{
    table_expect(&arena->bins, &like->bins);
    table_expect(&arena->larges, &like->larges);
    table_expect(&arena->extents, &like->extents);
    table_expect(&arena->mutexes, &like->mutexes);
    table_expect(&arena->bin_mutexes, &like->bin_mutexes);
    table_expect(&arena->hpa_slabs, &like->hpa_slabs);
}

/* The arena of that number, made if it is new; NULL when out of memory. */
static struct snapshot_arena *
arena_get(struct snapshot *snapshot, int id)
{
    struct snapshot_arena *arena = snapshot->last;
    size_t slot = (size_t)(id - DUMP_ARENA_FRAGMENT);

    if (arena != NULL && arena->id == id)
        return arena;
    if (!index_reserve(snapshot, slot))
        return NULL;
    if (snapshot->index[slot] != NULL)
        return snapshot->last = snapshot->index[slot];
    if (!intern_grow((void **)&snapshot->arenas, &snapshot->arena_capacity,
                     snapshot->arena_count, sizeof(*snapshot->arenas)))
        return NULL;
    arena = snapshot_arena_new(&snapshot->region, id);
    if (arena != NULL && snapshot->last != NULL && snapshot->last->id >= 0)
        arena_expect(arena, snapshot->last);
    if (arena != NULL)
        snapshot->arenas[snapshot->arena_count++] = arena;
    snapshot->index[slot] = arena;
    return snapshot->last = arena;
}

/* A number of no line is a reader's sum. */
static void
figure_set(struct jep_figure *figures, int field, uint64_t value, uint64_t line)
{
    figures[field] = (struct jep_figure){
        .value = value,
        .line = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX,
        .known = true,
        .derived = line == 0,
    };
}

struct jep_figure *
snapshot_figures(struct snapshot *s, enum dump_scope scope)
{
    switch (scope) {
    case DUMP_TOTAL:
        return s->total;
    case DUMP_CONST:
        return s->constant;
    case DUMP_PROCESS:
        return s->process;
    case DUMP_ROLLUP:
        return s->rollup;
    case DUMP_STATUS:
        return s->status;
    case DUMP_RESIDENCY:
        return s->residency;
    case DUMP_CGROUP:
        return s->cgroup;
    case DUMP_RLIMIT:
        return s->rlimit;
    case DUMP_PROFILE:
        return s->profile.figures;
    case DUMP_DROPPED:
        return s->profile.dropped;
    case DUMP_REDIS:
        return s->redis;
    case DUMP_SKYNET:
        return s->skynet;
    case DUMP_ROCKSDB:
        return s->rocksdb;
    case DUMP_TCMALLOC:
        return s->tcmalloc;
    case DUMP_GLIBC:
        return s->glibc;
    case DUMP_MIMALLOC:
        return s->mimalloc;
    case DUMP_MACHINE:
        return s->machine;
    default:
        return NULL;
    }
}

/* Likewise, tables. */
static struct table *
scope_table(struct snapshot *s, enum dump_scope scope)
{
    switch (scope) {
    case DUMP_BIN_CLASS:
        return &s->bin_classes;
    case DUMP_LARGE_CLASS:
        return &s->large_classes;
    case DUMP_HEAP:
        return &s->heaps;
    case DUMP_CLASS:
        return &s->classes;
    case DUMP_MUTEX:
        return &s->mutexes;
    default:
        return NULL;
    }
}

/* Where an arena has figures of a scope: a table, or one of each. */
static const struct {
    uint16_t table, figures; /* offsets; 0 = none */
} arena_scopes[DUMP_SCOPES] = {
    [DUMP_ARENA] = {.figures = offsetof(struct snapshot_arena, figures)},
    [DUMP_SMALL] = {.figures = offsetof(struct snapshot_arena, small)},
    [DUMP_LARGE_SUM] = {.figures = offsetof(struct snapshot_arena, large)},
    [DUMP_HPA] = {.figures = offsetof(struct snapshot_arena, hpa)},
    [DUMP_BIN] = {.table = offsetof(struct snapshot_arena, bins)},
    [DUMP_LARGE] = {.table = offsetof(struct snapshot_arena, larges)},
    [DUMP_EXTENT] = {.table = offsetof(struct snapshot_arena, extents)},
    [DUMP_ARENA_MUTEX] = {.table = offsetof(struct snapshot_arena, mutexes)},
    [DUMP_BIN_MUTEX] = {.table = offsetof(struct snapshot_arena, bin_mutexes)},
    [DUMP_HPA_SLAB] = {.table = offsetof(struct snapshot_arena, hpa_slabs)},
};

/* Figures of a scope that has no table. */
static void
figures_set(struct jep_figure *figures, const struct dump_row *row,
            uint64_t line)
{
    for (uint32_t known = row->known; known != 0; known &= known - 1)
        figure_set(figures, __builtin_ctz(known), 0, line);
    for (size_t i = 0; i < row->count; i++)
        figure_set(figures, row->cells[i].field, row->cells[i].value, line);
}

/* Figures that belong to no arena. */
static bool
set_global(struct snapshot *snapshot, const struct dump_where *where,
           const struct dump_row *row)
{
    struct jep_figure *figures = snapshot_figures(snapshot, where->scope);
    struct table *table = scope_table(snapshot, where->scope);

    if (table != NULL)
        return table_set_row(table, where->row, row, where->line);
    snapshot->has_profile |= where->scope == DUMP_PROFILE;
    if (figures != NULL)
        figures_set(figures, row, where->line);
    return true;
}

bool
snapshot_row(struct snapshot *snapshot, const struct dump_where *where,
             const struct dump_row *row)
{
    size_t table = arena_scopes[where->scope].table,
           figures = arena_scopes[where->scope].figures;
    struct snapshot_arena *arena;

    if (table + figures == 0)
        return set_global(snapshot, where, row);
    if (where->arena > DUMP_ARENA_MAX)
        return true;
    arena = arena_get(snapshot, where->arena);
    if (arena == NULL)
        return false;
    if (table != 0)
        return table_set_row((void *)((char *)arena + table), where->row, row,
                             where->line);
    figures_set((void *)((char *)arena + figures), row, where->line);
    return true;
}

bool
snapshot_number(struct snapshot *snapshot, const struct dump_where *where,
                int field, uint64_t value)
{
    const struct dump_cell cell = {field, value};
    const struct dump_row row = {.cells = &cell, .count = 1};

    return snapshot_row(snapshot, where, &row);
}

static bool
argv_add(struct snapshot *snapshot, const char *value)
{
    if (snapshot->argc >= ARGV_MAX)
        return true;
    if (!intern_grow((void **)&snapshot->argv, &snapshot->argv_capacity,
                     snapshot->argc, sizeof(*snapshot->argv)))
        return false;
    snapshot->argv[snapshot->argc++] = value;
    return true;
}

bool
snapshot_text(struct snapshot *snapshot, const char *name, const char *value,
              uint64_t line)
{
    const char *own = intern_text(&snapshot->texts, value);
    const char *own_name;

    if (own == NULL)
        return false;
    if (strcmp(name, "version") == 0) {
        snapshot->version = own;
        return true;
    }
    if (strcmp(name, "jeprobe.reason") == 0) {
        snapshot->reason = own;
        return true;
    }
    if (strcmp(name, "process.argv") == 0)
        return argv_add(snapshot, own);
    if (snapshot->setting_count >= SETTINGS_MAX)
        return true;
    own_name = intern_text(&snapshot->texts, name);
    if (own_name == NULL ||
        !intern_grow((void **)&snapshot->settings, &snapshot->setting_capacity,
                     snapshot->setting_count, sizeof(*snapshot->settings)))
        return false;
    snapshot->settings[snapshot->setting_count++] = (struct snapshot_setting){
        own_name, own, line < UINT32_MAX ? (uint32_t)line : UINT32_MAX};
    return true;
}

bool
snapshot_owner(struct snapshot *snapshot, const struct dump_owner *owner)
{
    struct dump_owner own = *owner;

    if (snapshot->owners.is_full)
        return true;
    if (snapshot->owners.count >= OWNERS_MAX) {
        snapshot->owners.is_full = true;
        return snapshot_warn(snapshot, owner->line, 0,
                             "more owners than can be: the rest is left out");
    }
    own.id = intern_text(&snapshot->texts, owner->id);
    if (owner->name != NULL)
        own.name = intern_text(&snapshot->texts, owner->name);
    if (own.id == NULL || (owner->name != NULL && own.name == NULL))
        return false;
    return owners_add(&snapshot->owners, &own);
}

bool
snapshot_warn_always(struct snapshot *snapshot, uint64_t line, uint64_t column,
                     const char *text)
{
    const char *own;

    own = intern_text(&snapshot->texts, text);
    if (own == NULL ||
        !intern_grow((void **)&snapshot->warnings, &snapshot->warning_capacity,
                     snapshot->warning_count, sizeof(*snapshot->warnings)))
        return false;
    snapshot->warnings[snapshot->warning_count++] =
        (struct jep_warning){line, column, own};
    return true;
}

bool
snapshot_warn(struct snapshot *snapshot, uint64_t line, uint64_t column,
              const char *text)
{
    if (snapshot->warning_count < WARNINGS_MAX)
        return snapshot_warn_always(snapshot, line, column, text);
    snapshot->warnings_more++;
    return true;
}

bool
snapshot_warnings_close(struct snapshot *snapshot)
{
    char text[64];

    if (snapshot->warnings_more == 0)
        return true;
    snprintf(text, sizeof(text), "%zu more like these",
             snapshot->warnings_more);
    return snapshot_warn_always(snapshot, 0, 0, text);
}

const char *
snapshot_setting(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->setting_count; i++) {
        if (strcmp(snapshot->settings[i].name, name) == 0)
            return snapshot->settings[i].value;
    }
    return NULL;
}

uint64_t
snapshot_page(const struct snapshot *snapshot)
{
    if (snapshot->constant[CONST_PAGE].known)
        return snapshot->constant[CONST_PAGE].value;
    if (snapshot->process[PROCESS_PAGE_SIZE].known)
        return snapshot->process[PROCESS_PAGE_SIZE].value;
    return 0;
}

bool
snapshot_bin(const struct snapshot *snapshot,
             const struct snapshot_arena *arena, size_t row,
             enum bin_field field, uint64_t *value)
{
    const struct table *classes = &snapshot->bin_classes;
    uint64_t page = snapshot_page(snapshot), other, size;

    switch (field) {
    case BIN_SIZE:
    case BIN_NREGS:
        return table_get(classes, row, field, value);
    case BIN_SLAB_SIZE:
        if (table_get(classes, row, field, value))
            return true;
        if (page != 0 && table_get(classes, row, BIN_PAGES, &other)) {
            *value = other * page;
            return true;
        }
        return false;
    case BIN_CURREGS:
        if (table_get(&arena->bins, row, field, value))
            return true;
        /* Before 4.0 only the bytes were printed. */
        if (table_get(&arena->bins, row, BIN_ALLOCATED, &other) &&
            table_get(classes, row, BIN_SIZE, &size) && size > 0) {
            *value = other / size;
            return true;
        }
        return false;
    default:
        return table_get(&arena->bins, row, field, value);
    }
}
