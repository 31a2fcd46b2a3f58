/* The figures that dumps hold, by scope, with their names in each format.
 *
 * Readers resolve a name to a number once, and the model is indexed by that
 * number.  A line is F(SCOPE, NAME, "JSON key", "text label"); NULL = the
 * format does not have it, and text labels are lower case.  Older spellings
 * are in field.c. */
#ifndef JE_DUMP_FIELD_H
#define JE_DUMP_FIELD_H

#include "base/macros.h"

#include "dump/field_foreign.h"
#include "dump/field_kernel.h"
#include "dump/field_lock.h"

#include <stddef.h>
#include <stdint.h>

/* clang-format off */

/* Whole process: jemalloc's stats.* and what the text calls the totals. */
#define TOTAL_FIELDS(F) \
    F(TOTAL, ALLOCATED, "allocated", "allocated") \
    F(TOTAL, ACTIVE, "active", "active") \
    F(TOTAL, METADATA, "metadata", "metadata") \
    F(TOTAL, METADATA_THP, "metadata_thp", "n_thp") \
    F(TOTAL, METADATA_EDATA, "metadata_edata", "edata") \
    F(TOTAL, METADATA_RTREE, "metadata_rtree", "rtree") \
    F(TOTAL, RESIDENT, "resident", "resident") \
    F(TOTAL, MAPPED, "mapped", "mapped") \
    F(TOTAL, RETAINED, "retained", "retained") \
    F(TOTAL, PINNED, "pinned", "pinned") \
    F(TOTAL, ZERO_REALLOCS, "zero_reallocs", NULL) \
    F(TOTAL, BG_THREADS, "num_threads", "background threads") \
    F(TOTAL, BG_RUNS, "num_runs", "num_runs") \
    F(TOTAL, BG_INTERVAL, "run_interval", "run_interval")

/* Constants of the build and of this process: arenas.*. */
#define CONST_FIELDS(F) \
    F(CONST, NARENAS, "narenas", "arenas") \
    F(CONST, QUANTUM, "quantum", "quantum size") \
    F(CONST, PAGE, "page", "page size") \
    F(CONST, HUGEPAGE, "hugepage", "hugepage size") \
    F(CONST, TCACHE_MAX, "tcache_max", "maximum thread-cached size class") \
    F(CONST, NBINS, "nbins", "number of bin size classes") \
    F(CONST, NHBINS, "nhbins", "number of thread-cache bin size classes") \
    F(CONST, NLEXTENTS, "nlextents", "number of large size classes") \
    F(CONST, DIRTY_DECAY_MS, "dirty_decay_ms", NULL) \
    F(CONST, MUZZY_DECAY_MS, "muzzy_decay_ms", NULL)

/* One arena, or several merged. */
#define ARENA_FIELDS(F) \
    F(ARENA, NTHREADS, "nthreads", "assigned threads") \
    F(ARENA, UPTIME_NS, "uptime_ns", "uptime") \
    F(ARENA, DIRTY_DECAY_MS, "dirty_decay_ms", NULL) \
    F(ARENA, MUZZY_DECAY_MS, "muzzy_decay_ms", NULL) \
    F(ARENA, PACTIVE, "pactive", NULL) \
    F(ARENA, PDIRTY, "pdirty", NULL) \
    F(ARENA, PMUZZY, "pmuzzy", NULL) \
    F(ARENA, DIRTY_NPURGE, "dirty_npurge", NULL) \
    F(ARENA, DIRTY_NMADVISE, "dirty_nmadvise", NULL) \
    F(ARENA, DIRTY_PURGED, "dirty_purged", NULL) \
    F(ARENA, MUZZY_NPURGE, "muzzy_npurge", NULL) \
    F(ARENA, MUZZY_NMADVISE, "muzzy_nmadvise", NULL) \
    F(ARENA, MUZZY_PURGED, "muzzy_purged", NULL) \
    F(ARENA, ACTIVE, NULL, "active") \
    F(ARENA, MAPPED, "mapped", "mapped") \
    F(ARENA, RETAINED, "retained", "retained") \
    F(ARENA, BASE, "base", "base") \
    F(ARENA, INTERNAL, "internal", "internal") \
    F(ARENA, METADATA_THP, "metadata_thp", "metadata_thp") \
    F(ARENA, METADATA_EDATA, "metadata_edata", "metadata_edata") \
    F(ARENA, METADATA_RTREE, "metadata_rtree", "metadata_rtree") \
    F(ARENA, PINNED, "pinned", "pinned") \
    F(ARENA, PAC_SEC_BYTES, "pac_sec_bytes", "pac_sec_bytes") \
    F(ARENA, TCACHE_BYTES, "tcache_bytes", "tcache_bytes") \
    F(ARENA, TCACHE_STASHED, "tcache_stashed_bytes", "tcache_stashed_bytes") \
    F(ARENA, RESIDENT, "resident", "resident") \
    F(ARENA, ABANDONED_VM, "abandoned_vm", "abandoned_vm") \
    F(ARENA, EXTENT_AVAIL, "extent_avail", "extent_avail") \
    F(ARENA, SLAB_GAPS, "slab_gaps", "slab_gaps")

/* Sums over the small, the large and all size classes of an arena. */
#define SMALL_FIELDS(F) \
    F(SMALL, ALLOCATED, "allocated", "allocated") \
    F(SMALL, NMALLOC, "nmalloc", "nmalloc") \
    F(SMALL, NDALLOC, "ndalloc", "ndalloc") \
    F(SMALL, NREQUESTS, "nrequests", "nrequests") \
    F(SMALL, NFILLS, "nfills", "nfill") \
    F(SMALL, NFLUSHES, "nflushes", "nflush")

/* One small size class of an arena. */
#define BIN_FIELDS(F) \
    F(BIN, SIZE, "size", "size") \
    F(BIN, INDEX, NULL, "ind") \
    F(BIN, ALLOCATED, NULL, "allocated") \
    F(BIN, NMALLOC, "nmalloc", "nmalloc") \
    F(BIN, NDALLOC, "ndalloc", "ndalloc") \
    F(BIN, NREQUESTS, "nrequests", "nrequests") \
    F(BIN, NSHARDS, "nshards", "nshards") \
    F(BIN, CURREGS, "curregs", "curregs") \
    F(BIN, CURSLABS, "curslabs", "curslabs") \
    F(BIN, NONFULL_SLABS, "nonfull_slabs", "nonfull_slabs") \
    F(BIN, NREGS, "nregs", "regs") \
    F(BIN, PAGES, NULL, "pgs") \
    F(BIN, SLAB_SIZE, "slab_size", NULL) \
    F(BIN, NFILLS, "nfills", "nfills") \
    F(BIN, NFLUSHES, "nflushes", "nflushes") \
    F(BIN, NSLABS, "nslabs", "nslabs") \
    F(BIN, NRESLABS, "nreslabs", "nreslabs") \
    F(BIN, PROF_LIVE_REQUESTED, "prof_live_requested", "prof_live_requested") \
    F(BIN, PROF_LIVE_COUNT, "prof_live_count", "prof_live_count") \
    F(BIN, PROF_ACCUM_REQUESTED, "prof_accum_requested", "prof_accum_requested") \
    F(BIN, PROF_ACCUM_COUNT, "prof_accum_count", "prof_accum_count")

/* One large size class of an arena. */
#define LARGE_FIELDS(F) \
    F(LARGE, SIZE, "size", "size") \
    F(LARGE, INDEX, NULL, "ind") \
    F(LARGE, ALLOCATED, NULL, "allocated") \
    F(LARGE, NMALLOC, "nmalloc", "nmalloc") \
    F(LARGE, NDALLOC, "ndalloc", "ndalloc") \
    F(LARGE, NREQUESTS, "nrequests", "nrequests") \
    F(LARGE, CUREXTENTS, "curlextents", "curlextents") \
    F(LARGE, PROF_LIVE_REQUESTED, "prof_live_requested", "prof_live_requested") \
    F(LARGE, PROF_LIVE_COUNT, "prof_live_count", "prof_live_count") \
    F(LARGE, PROF_ACCUM_REQUESTED, "prof_accum_requested", "prof_accum_requested") \
    F(LARGE, PROF_ACCUM_COUNT, "prof_accum_count", "prof_accum_count")

/* Unused extents of one size in an arena. */
#define EXTENT_FIELDS(F) \
    F(EXTENT, SIZE, "size", "size") \
    F(EXTENT, INDEX, NULL, "ind") \
    F(EXTENT, NDIRTY, "ndirty", "ndirty") \
    F(EXTENT, DIRTY, "dirty_bytes", "dirty") \
    F(EXTENT, NMUZZY, "nmuzzy", "nmuzzy") \
    F(EXTENT, MUZZY, "muzzy_bytes", "muzzy") \
    F(EXTENT, NRETAINED, "nretained", "nretained") \
    F(EXTENT, RETAINED, "retained_bytes", "retained") \
    F(EXTENT, NPINNED, "npinned", "npinned") \
    F(EXTENT, PINNED, "pinned_bytes", "pinned")

/* One lock; times are in nanoseconds. */
#define MUTEX_FIELDS(F) \
    F(MUTEX, NUM_OPS, "num_ops", "n_lock_ops") \
    F(MUTEX, NUM_WAIT, "num_wait", "n_waiting") \
    F(MUTEX, NUM_SPIN_ACQ, "num_spin_acq", "n_spin_acq") \
    F(MUTEX, NUM_OWNER_SWITCH, "num_owner_switch", "n_owner_switch") \
    F(MUTEX, TOTAL_WAIT_TIME, "total_wait_time", "total_wait_ns") \
    F(MUTEX, MAX_WAIT_TIME, "max_wait_time", "max_wait_ns") \
    F(MUTEX, MAX_NUM_THDS, "max_num_thds", "max_n_thds")

/* The huge page allocator of an arena.  Before 5.3.1 the first three are
 * sums over its slabs; counts are of pages. */
#define HPA_FIELDS(F) \
    F(HPA, NPAGESLABS, "npageslabs", "pageslabs") \
    F(HPA, NACTIVE, "nactive", "active pages") \
    F(HPA, NDIRTY, "ndirty", "dirty pages") \
    F(HPA, NPURGE_PASSES, "npurge_passes", "purge passes") \
    F(HPA, NPURGES, "npurges", "purges") \
    F(HPA, NHUGIFIES, "nhugifies", "hugeifies") \
    F(HPA, NHUGIFY_FAILURES, "nhugify_failures", "hugify failures") \
    F(HPA, NDEHUGIFIES, "ndehugifies", "dehugifies") \
    F(HPA, SEC_BYTES, "sec_bytes", "bytes in small extent cache") \
    F(HPA, SEC_HITS, "sec_hits", NULL) \
    F(HPA, SEC_MISSES, "sec_misses", NULL)

/* Huge page slabs of one kind: a row HPA_ROW_…, then one a page size class. */
#define HPA_SLAB_FIELDS(F) \
    F(HPA_SLAB, SIZE, NULL, "size") \
    F(HPA_SLAB, INDEX, NULL, "ind") \
    F(HPA_SLAB, NPAGESLABS_HUGE, "npageslabs_huge", "npageslabs_huge") \
    F(HPA_SLAB, NACTIVE_HUGE, "nactive_huge", "nactive_huge") \
    F(HPA_SLAB, NDIRTY_HUGE, "ndirty_huge", "ndirty_huge") \
    F(HPA_SLAB, NPAGESLABS, "npageslabs_nonhuge", "npageslabs_nonhuge") \
    F(HPA_SLAB, NACTIVE, "nactive_nonhuge", "nactive_nonhuge") \
    F(HPA_SLAB, NDIRTY, "ndirty_nonhuge", "ndirty_nonhuge") \
    F(HPA_SLAB, NRETAINED, "nretained_nonhuge", "nretained_nonhuge")

/* Our sampling profile. */
#define PROFILE_FIELDS(F) \
    F(PROFILE, SAMPLE_INTERVAL, "sample_interval", NULL) \
    F(PROFILE, SAMPLES_TAKEN, "samples_taken", NULL) \
    F(PROFILE, LIVE_SAMPLES, "live_samples", NULL)

#define DROPPED_FIELDS(F) \
    F(DROPPED, MEMORY, "memory", NULL) \
    F(DROPPED, RECURSION, "recursion", NULL) \
    F(DROPPED, UNWIND, "unwind", NULL)

/* clang-format on */

/* TOTAL_ALLOCATED, ARENA_BASE, … from 0 in each scope, and TOTAL_COUNT, …:
 * how many there are. */
#define FIELD_ENUM(scope, name, json, text) scope##_##name,

enum total_field { TOTAL_FIELDS(FIELD_ENUM) TOTAL_COUNT };

enum const_field { CONST_FIELDS(FIELD_ENUM) CONST_COUNT };

enum arena_field { ARENA_FIELDS(FIELD_ENUM) ARENA_COUNT };

enum small_field { SMALL_FIELDS(FIELD_ENUM) SMALL_COUNT };

enum bin_field { BIN_FIELDS(FIELD_ENUM) BIN_COUNT };

enum large_field { LARGE_FIELDS(FIELD_ENUM) LARGE_COUNT };

enum extent_field { EXTENT_FIELDS(FIELD_ENUM) EXTENT_COUNT };

enum mutex_field { MUTEX_FIELDS(FIELD_ENUM) MUTEX_COUNT };

enum hpa_field { HPA_FIELDS(FIELD_ENUM) HPA_COUNT };

enum hpa_slab_field { HPA_SLAB_FIELDS(FIELD_ENUM) HPA_SLAB_COUNT };

enum process_field { PROCESS_FIELDS(FIELD_ENUM) PROCESS_COUNT };

enum rollup_field { ROLLUP_FIELDS(FIELD_ENUM) ROLLUP_COUNT };

enum status_field { STATUS_FIELDS(FIELD_ENUM) STATUS_COUNT };

enum residency_field { RESIDENCY_FIELDS(FIELD_ENUM) RESIDENCY_COUNT };

enum cgroup_field { CGROUP_FIELDS(FIELD_ENUM) CGROUP_COUNT };

enum rlimit_field { RLIMIT_FIELDS(FIELD_ENUM) RLIMIT_COUNT };

enum profile_field { PROFILE_FIELDS(FIELD_ENUM) PROFILE_COUNT };

enum dropped_field { DROPPED_FIELDS(FIELD_ENUM) DROPPED_COUNT };

enum redis_field { REDIS_FIELDS(FIELD_ENUM) REDIS_COUNT };

enum skynet_field { SKYNET_FIELDS(FIELD_ENUM) SKYNET_COUNT };

enum rocksdb_field { ROCKSDB_FIELDS(FIELD_ENUM) ROCKSDB_COUNT };

enum tcmalloc_field { TCMALLOC_FIELDS(FIELD_ENUM) TCMALLOC_COUNT };

enum glibc_field { GLIBC_FIELDS(FIELD_ENUM) GLIBC_COUNT };

enum mimalloc_field { MIMALLOC_FIELDS(FIELD_ENUM) MIMALLOC_COUNT };

enum heap_field { HEAP_FIELDS(FIELD_ENUM) HEAP_COUNT };

enum class_field { CLASS_FIELDS(FIELD_ENUM) CLASS_COUNT };

enum machine_field { MACHINE_FIELDS(FIELD_ENUM) MACHINE_COUNT };

#undef FIELD_ENUM

#define LOCK_ENUM(name, text) LOCK_##name,

enum dump_lock { LOCK_NAMES(LOCK_ENUM) LOCK_COUNT };

#undef LOCK_ENUM

/* Rows of DUMP_HPA_SLAB. */
enum hpa_row {
    HPA_ROW_ALL, /* 5.3.1 on */
    HPA_ROW_FULL,
    HPA_ROW_EMPTY,
    HPA_ROW_NONFULL /* the first of them; the class is the row less this */
};

enum dump_scope {
    DUMP_TOTAL,
    DUMP_CONST,
    DUMP_ARENA,
    DUMP_SMALL,
    DUMP_BIN,
    DUMP_LARGE,
    DUMP_EXTENT,
    DUMP_PROCESS,
    DUMP_ROLLUP,
    DUMP_STATUS,
    DUMP_RESIDENCY,
    DUMP_CGROUP,
    DUMP_RLIMIT,
    DUMP_PROFILE,
    DUMP_DROPPED,
    DUMP_LARGE_SUM,   /* fields as in DUMP_SMALL */
    DUMP_BIN_CLASS,   /* fields as in DUMP_BIN, the same for all arenas */
    DUMP_LARGE_CLASS, /* fields as in DUMP_LARGE */
    DUMP_REDIS,
    DUMP_SKYNET,
    DUMP_ROCKSDB,
    DUMP_TCMALLOC,
    DUMP_GLIBC,
    DUMP_MIMALLOC,
    DUMP_HEAP,  /* row = number of the heap */
    DUMP_CLASS, /* row = size class of tcmalloc or mimalloc */
    DUMP_MACHINE,
    DUMP_MUTEX,       /* of the process: row is a LOCK_… */
    DUMP_ARENA_MUTEX, /* likewise of an arena; fields as in DUMP_MUTEX */
    DUMP_BIN_MUTEX,   /* row is the bin's */
    DUMP_HPA,         /* of an arena */
    DUMP_HPA_SLAB,    /* row is a HPA_ROW_… */
    DUMP_SCOPES
};

#define FIELD_NONE (-1)

/* A decay time of -1. */
#define DECAY_NEVER UINT64_MAX

/* The field of that name, or FIELD_NONE.  `length` bytes of `name` count. */
int field_by_json(enum dump_scope scope, const char *name, size_t length);
int field_by_text(enum dump_scope scope, const char *name, size_t length);

/* The JSON name of a field, or NULL; how many fields a scope has. */
const char *field_json(enum dump_scope scope, int field);
int field_count(enum dump_scope scope);

/* The lock of that name, or FIELD_NONE: "ctl", "extents_dirty".  `guess` is
 * tried first. */
int field_lock(const char *name, size_t length, uint32_t guess);
const char *field_lock_name(enum dump_lock lock);

#endif
