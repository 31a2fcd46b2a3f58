/*
 * One row of the table of named values, and who implements it.
 *
 * Only the ctl_*.c files and their test include this.
 *
 * In a row's name a part in angle brackets is an index:
 *   <a> an arena to act on   existing ones, their number or 4096 for all of
 *                            them, 4097 for destroyed ones
 *   <s> an arena's figures   those in the snapshot, 4096 for their sum
 *   <n> a label's number
 *   <b> small class, <l> large class, <e> page-size class, <h> a class of the
 *       huge page allocator that this allocator does not have
 *
 * Rows with the same beginning stand together: a MIB's components are the
 * index of the first row that agrees with the name so far, or the index given.
 */
#ifndef JE_ALLOC_CTL_LEAF_H
#define JE_ALLOC_CTL_LEAF_H

#include <sys/types.h>

#include "alloc/ctl.h"
#include "alloc/types.h"

typedef enum {
    CTL_VOID, /* an action */
    CTL_BOOL,
    CTL_UNSIGNED,
    CTL_U32,
    CTL_U64,
    CTL_I64,
    CTL_SIZE,
    CTL_SSIZE,
    CTL_FIXED_POINT, /* 32 bits, 16 of them behind the point; only 0 */
    CTL_TEXT,        /* const char * */
    CTL_POINTER,     /* void * */
} ctl_type_t;

/* Holds a value of any type; all members start at the same place. */
typedef union ctl_value {
    bool flag;
    unsigned number;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    size_t size;
    ssize_t ssize;
    const char *text;
    void *pointer;
} ctl_value_t;

typedef struct ctl_leaf ctl_leaf_t;

/* Caller's arguments of mallctl but for the name. */
typedef struct ctl_call {
    void *oldp;
    size_t *oldlenp;
    void *newp;
    size_t newlen;
} ctl_call_t;

/* All return 0 or an errno of ctl.h. `index` are the name's indices. */
typedef int ctl_read_t(const ctl_leaf_t *leaf, const size_t *index,
                       ctl_value_t *out);
/* `in` NULL: an action, or a write-only name without a new value. */
typedef int ctl_write_t(const ctl_leaf_t *leaf, const size_t *index,
                        const ctl_value_t *in);
/* For names whose old and new values are of different types. */
typedef int ctl_exchange_t(const ctl_leaf_t *leaf, const size_t *index,
                           const ctl_call_t *call);

struct ctl_leaf {
    const char *name;
    uint8_t type;        /* ctl_type_t */
    bool is_write_first; /* the value read is the one after the write */
    bool is_prof_only;   /* not there while profiling is off */
    uint16_t offset;     /* of the figure in its record */
    ctl_read_t *read;    /* NULL: write-only */
    ctl_write_t *write;  /* NULL: read-only */
    ctl_exchange_t *exchange;
    const void *data; /* constant: where it is */
    int64_t constant;
};

extern const ctl_leaf_t ctl_table[];
extern const unsigned ctl_table_size;

size_t ctl_type_size(ctl_type_t type);
/* Store a number in the way its type has it. */
void ctl_set_number(ctl_value_t *out, ctl_type_t type, int64_t n);
/* Give a value to the caller, who may not want it. */
int ctl_give(const ctl_call_t *call, const void *value, size_t size);
/* Before something is made: must the caller take its number? An errno. */
int ctl_must_take(const ctl_call_t *call, size_t size);

/* A name's part that is an index, or 0 */
static inline char
ctl_index_kind(const char *part)
{
    return part[0] == '<' ? part[1] : '\0';
}

/* ---- the snapshot ------------------------------------------------------ */

/* The current snapshot, taken if there is none; NULL without memory. The lock
 * is held until ctl_snapshot_unlock, in either case. */
const stats_t *ctl_snapshot_lock(void);
void ctl_snapshot_unlock(void);
/* The figures of index <s>, NULL if there are none. */
const stats_arena_t *ctl_snapshot_arena(const stats_t *s, size_t ind);
uint64_t ctl_epoch(void);
int ctl_advance_epoch(void);

/* ---- rows -------------------------------------------------------------- */

ctl_read_t ctl_read_epoch, ctl_read_fixed, ctl_read_text, ctl_read_conf,
    ctl_read_conf_enum, ctl_read_max_background_opt;
ctl_write_t ctl_write_epoch;
void ctl_opt_boot(void);

ctl_read_t ctl_read_background, ctl_read_max_background;
ctl_write_t ctl_write_background, ctl_write_max_background;

ctl_read_t ctl_read_thread_arena, ctl_read_thread_bytes,
    ctl_read_thread_bytes_at, ctl_read_tcache_enabled;
ctl_write_t ctl_write_thread_arena, ctl_write_tcache_enabled,
    ctl_write_tcache_flush, ctl_write_thread_idle;
ctl_read_t ctl_read_thread_peak;
ctl_write_t ctl_write_thread_peak_reset;

ctl_read_t ctl_read_percpu_active, ctl_read_thread_tcache_max;
ctl_write_t ctl_write_thread_tcache_max, ctl_write_tcache_ncached_max;
ctl_exchange_t ctl_exchange_tcache_ncached_max;

ctl_exchange_t ctl_exchange_tcache_create;
ctl_write_t ctl_write_tcaches_flush, ctl_write_tcaches_destroy;

ctl_read_t ctl_read_arena_initialized, ctl_read_arena_dss,
    ctl_read_arena_decay_ms, ctl_read_arena_grow_limit;
ctl_write_t ctl_write_arena_decay, ctl_write_arena_purge, ctl_write_arena_reset,
    ctl_write_arena_destroy, ctl_write_arena_dss, ctl_write_arena_decay_ms,
    ctl_write_arena_grow_limit;
ctl_read_t ctl_read_narenas, ctl_read_default_decay_ms, ctl_read_tcache_max,
    ctl_read_nhbins, ctl_read_bin_info, ctl_read_bin_shards,
    ctl_read_lextent_size;
ctl_write_t ctl_write_default_decay_ms;
ctl_exchange_t ctl_exchange_arenas_create, ctl_exchange_arenas_create_ext,
    ctl_exchange_arenas_lookup;
ctl_read_t ctl_read_arena_hooks, ctl_read_arena_oversize;
ctl_write_t ctl_write_arena_hooks, ctl_write_arena_oversize;
ctl_exchange_t ctl_exchange_arena_name;

ctl_read_t ctl_read_stats_total, ctl_read_stats_arena, ctl_read_stats_bin,
    ctl_read_stats_lextent, ctl_read_stats_extent, ctl_read_stats_zero;
ctl_write_t ctl_write_stats_mutexes_reset;

ctl_exchange_t ctl_exchange_util_query, ctl_exchange_util_batch_query,
    ctl_exchange_batch_alloc;
ctl_read_t ctl_read_pactivep, ctl_read_approximate_active;
ctl_write_t ctl_write_safety_abort;

ctl_read_t ctl_read_residency;

enum {
    CTL_LABEL_LIVE_BYTES,
    CTL_LABEL_LIVE_OBJECTS,
    CTL_LABEL_TOTAL_BYTES,
    CTL_LABEL_TOTAL_OBJECTS,
};

ctl_read_t ctl_read_thread_label, ctl_read_labels_count,
    ctl_read_labels_dropped, ctl_read_label_name, ctl_read_label_figure;
ctl_write_t ctl_write_thread_label;

ctl_read_t ctl_read_prof_active, ctl_read_prof_thread_init,
    ctl_read_thread_prof_active, ctl_read_thread_prof_name, ctl_read_prof_gdump,
    ctl_read_prof_interval, ctl_read_prof_lg_sample, ctl_read_prof_recent_max;
ctl_write_t ctl_write_prof_active, ctl_write_prof_thread_init,
    ctl_write_thread_prof_active, ctl_write_thread_prof_name,
    ctl_write_prof_gdump, ctl_write_prof_dump, ctl_write_prof_prefix,
    ctl_write_prof_reset, ctl_write_prof_recent_max, ctl_write_prof_log_start,
    ctl_write_prof_log_stop;
ctl_exchange_t ctl_exchange_prof_recent_dump, ctl_exchange_prof_backtrace,
    ctl_exchange_prof_dumped, ctl_exchange_prof_live, ctl_exchange_prof_accum;

ctl_read_t ctl_read_deferred;
ctl_write_t ctl_write_deferred_flush;

#endif
