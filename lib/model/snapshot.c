/* One document of a dump as typed figures. */
#include "model/snapshot.h"

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
    table_init(&snapshot->bin_classes, BIN_COUNT);
    table_init(&snapshot->large_classes, LARGE_COUNT);
    table_init(&snapshot->heaps, HEAP_COUNT);
    table_init(&snapshot->classes, CLASS_COUNT);
    table_init(&snapshot->mutexes, MUTEX_COUNT);
    return snapshot;
}

void
snapshot_arena_free(struct snapshot_arena *arena)
{
    if (arena == NULL)
        return;
    table_free(&arena->bins);
    table_free(&arena->larges);
    table_free(&arena->extents);
    table_free(&arena->mutexes);
    table_free(&arena->bin_mutexes);
    table_free(&arena->hpa_slabs);
    free(arena);
}

struct snapshot_arena *
snapshot_arena_new(int id)
{
    struct snapshot_arena *arena = calloc(1, sizeof(*arena));

    if (arena == NULL)
        return NULL;
    arena->id = id;
    table_init(&arena->bins, BIN_COUNT);
    table_init(&arena->larges, LARGE_COUNT);
    table_init(&arena->extents, EXTENT_COUNT);
    table_init(&arena->mutexes, MUTEX_COUNT);
    table_init(&arena->bin_mutexes, MUTEX_COUNT);
    table_init(&arena->hpa_slabs, HPA_SLAB_COUNT);
    return arena;
}

void
snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    for (size_t i = 0; i < snapshot->arena_count; i++)
        snapshot_arena_free(snapshot->arenas[i]);
    free(snapshot->arenas);
    free(snapshot->index);
    snapshot_arena_free(snapshot->sum);
    table_free(&snapshot->bin_classes);
    table_free(&snapshot->large_classes);
    table_free(&snapshot->heaps);
    table_free(&snapshot->classes);
    table_free(&snapshot->mutexes);
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
    arena = snapshot_arena_new(id);
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

static struct jep_figure *
arena_figures(struct snapshot_arena *arena, enum dump_scope scope)
{
    switch (scope) {
    case DUMP_ARENA:
        return arena->figures;
    case DUMP_SMALL:
        return arena->small;
    case DUMP_LARGE_SUM:
        return arena->large;
    case DUMP_HPA:
        return arena->hpa;
    default:
        return NULL;
    }
}

static struct table *
arena_table(struct snapshot_arena *arena, enum dump_scope scope)
{
    switch (scope) {
    case DUMP_BIN:
        return &arena->bins;
    case DUMP_LARGE:
        return &arena->larges;
    case DUMP_EXTENT:
        return &arena->extents;
    case DUMP_ARENA_MUTEX:
        return &arena->mutexes;
    case DUMP_BIN_MUTEX:
        return &arena->bin_mutexes;
    default:
        return &arena->hpa_slabs;
    }
}

/* Whether figures of that scope belong to an arena: most do. */
static bool
is_of_arena(enum dump_scope scope)
{
    const uint64_t scopes =
        UINT64_C(1) << DUMP_ARENA | UINT64_C(1) << DUMP_SMALL |
        UINT64_C(1) << DUMP_LARGE_SUM | UINT64_C(1) << DUMP_HPA |
        UINT64_C(1) << DUMP_BIN | UINT64_C(1) << DUMP_LARGE |
        UINT64_C(1) << DUMP_EXTENT | UINT64_C(1) << DUMP_ARENA_MUTEX |
        UINT64_C(1) << DUMP_BIN_MUTEX | UINT64_C(1) << DUMP_HPA_SLAB;

    _Static_assert(DUMP_SCOPES < 64, "a bit a scope");
    return (scopes >> scope & 1) != 0;
}

/* Where figures of that scope go: either *figures or *table. */
static bool
scope_find(struct snapshot *snapshot, const struct dump_where *where,
           struct jep_figure **figures, struct table **table)
{
    struct snapshot_arena *arena;

    *table = NULL;
    *figures = NULL;
    if (!is_of_arena(where->scope)) {
        *figures = snapshot_figures(snapshot, where->scope);
        if (*figures == NULL)
            *table = scope_table(snapshot, where->scope);
        return true;
    }
    if (where->arena > DUMP_ARENA_MAX)
        return true;
    arena = arena_get(snapshot, where->arena);
    if (arena == NULL)
        return false;
    *figures = arena_figures(arena, where->scope);
    if (*figures == NULL)
        *table = arena_table(arena, where->scope);
    return true;
}

bool
snapshot_row(struct snapshot *snapshot, const struct dump_where *where,
             const struct dump_row *row)
{
    struct jep_figure *figures;
    struct table *table;

    if (!scope_find(snapshot, where, &figures, &table))
        return false;
    if (table != NULL)
        return table_set_row(table, where->row, row, where->line);
    snapshot->has_profile |= where->scope == DUMP_PROFILE;
    if (figures == NULL)
        return true;
    for (uint32_t known = row->known; known != 0; known &= known - 1)
        figure_set(figures, __builtin_ctz(known), 0, where->line);
    for (size_t i = 0; i < row->count; i++)
        figure_set(figures, row->cells[i].field, row->cells[i].value,
                   where->line);
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
