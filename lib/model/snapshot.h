/* One document of a dump as typed figures.
 *
 * Nothing is interpreted here beyond joining what formats tear apart: which
 * arena stands for the process, and which size a table's row is.  Every figure
 * is known or not, and knows its line. */
#ifndef JE_MODEL_SNAPSHOT_H
#define JE_MODEL_SNAPSHOT_H

#include "base/macros.h"

#include "model/owners.h"
#include "model/profile.h"
#include "model/table.h"

struct snapshot_setting {
    const char *name; /* "opt.narenas", "config.cache_oblivious" */
    const char *value;
    uint32_t line;
};

struct snapshot_arena {
    int id; /* index or DUMP_ARENA_… */
    struct jep_figure figures[ARENA_COUNT];
    struct jep_figure small[SMALL_COUNT], large[SMALL_COUNT];
    struct jep_figure hpa[HPA_COUNT];
    struct table bins, larges, extents;
    struct table mutexes;     /* a row a LOCK_… */
    struct table bin_mutexes; /* rows as in bins */
    struct table hpa_slabs;   /* a row a HPA_ROW_… */
};

struct snapshot {
    enum dump_format format;
    bool complete;
    uint64_t line;    /* where the document starts */
    size_t order;     /* in which it did */
    unsigned stream;  /* which process of the file */
    unsigned joined;  /* the kinds of what join.c put together; 0 = none */
    unsigned repairs; /* bits 1 << REPAIR_…: what was said of it */
    const char *version, *reason;
    struct region region;     /* arenas and all tables */
    struct intern_text texts; /* owner of all text below */
    struct jep_figure total[TOTAL_COUNT];
    struct jep_figure constant[CONST_COUNT];
    struct jep_figure process[PROCESS_COUNT];
    struct jep_figure rollup[ROLLUP_COUNT];
    struct jep_figure status[STATUS_COUNT];
    struct jep_figure residency[RESIDENCY_COUNT];
    struct jep_figure cgroup[CGROUP_COUNT];
    struct jep_figure rlimit[RLIMIT_COUNT];
    struct jep_figure redis[REDIS_COUNT];
    struct jep_figure skynet[SKYNET_COUNT];
    struct jep_figure rocksdb[ROCKSDB_COUNT];
    struct jep_figure tcmalloc[TCMALLOC_COUNT];
    struct jep_figure glibc[GLIBC_COUNT];
    struct jep_figure mimalloc[MIMALLOC_COUNT];
    struct table heaps;   /* of glibc, a row a heap */
    struct table classes; /* of tcmalloc or mimalloc, a row a size class */
    struct jep_figure machine[MACHINE_COUNT];
    struct table bin_classes, large_classes;
    struct table mutexes; /* of the process: a row a LOCK_… */
    struct snapshot_arena **arenas;
    size_t arena_count, arena_capacity;
    struct snapshot_arena **index; /* by number less DUMP_ARENA_FRAGMENT */
    size_t index_count;
    struct snapshot_arena *last;    /* the one that was set last */
    struct snapshot_arena *subject; /* stands for the process; NULL = none */
    struct snapshot_arena *sum;     /* subject, if it had to be computed */
    struct snapshot_setting *settings;
    size_t setting_count, setting_capacity;
    const char **argv;
    size_t argc, argv_capacity;
    struct profile profile;
    bool has_profile;
    struct owners owners;
    struct jep_warning *warnings;
    size_t warning_count, warning_capacity;
    size_t warnings_more; /* that were not kept */
};

struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *snapshot);

/* Record one figure; where->scope says of what.  False: out of memory. */
bool snapshot_number(struct snapshot *snapshot, const struct dump_where *where,
                     int field, uint64_t value)
    __attribute__((warn_unused_result, nonnull));
/* Several figures of one row or object. */
bool snapshot_row(struct snapshot *snapshot, const struct dump_where *where,
                  const struct dump_row *row)
    __attribute__((warn_unused_result, nonnull));
bool snapshot_text(struct snapshot *snapshot, const char *name,
                   const char *value, uint64_t line)
    __attribute__((warn_unused_result));
/* Its texts are copied; more than can be are left out with a warning. */
bool snapshot_owner(struct snapshot *snapshot, const struct dump_owner *owner)
    __attribute__((warn_unused_result));
bool snapshot_warn(struct snapshot *snapshot, uint64_t line, uint64_t column,
                   const char *text) __attribute__((warn_unused_result));
/* Likewise, also where many were given: data were lost, not a figure. */
bool snapshot_warn_always(struct snapshot *snapshot, uint64_t line,
                          uint64_t column, const char *text)
    __attribute__((warn_unused_result));

/* The figures that exist once a document; NULL for other scopes. */
struct jep_figure *snapshot_figures(struct snapshot *snapshot,
                                    enum dump_scope scope);

/* An arena that is in no snapshot; NULL when out of memory. */
struct snapshot_arena *snapshot_arena_new(struct region *region, int id);

/* Everything was read: say how many warnings were not kept. */
bool snapshot_warnings_close(struct snapshot *snapshot)
    __attribute__((warn_unused_result));

/* NULL = not in the dump. */
const char *snapshot_setting(const struct snapshot *snapshot, const char *name);

/* The cell of row `row` of an arena's bins, completed from the size class
 * tables (size, regions and bytes of a slab). */
bool snapshot_bin(const struct snapshot *snapshot,
                  const struct snapshot_arena *arena, size_t row,
                  enum bin_field field, uint64_t *value);

/* Page size in bytes; 0 = unknown. */
uint64_t snapshot_page(const struct snapshot *snapshot);

#endif
