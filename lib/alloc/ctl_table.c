/*
 * The table of named values: see ctl_leaf.h for how a row is read.
 */
#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/conf_source.h"
#include "alloc/ctl_leaf.h"
#include "alloc/deferred.h"
#include "alloc/residency.h"
#include "alloc/tcache.h"
#include "alloc/tsd.h"

#define ROW(n, t, r)                                                           \
    {                                                                          \
        .name = n, .type = t, .read = r                                        \
    }
#define ROW_RW(n, t, r, w)                                                     \
    {                                                                          \
        .name = n, .type = t, .read = r, .write = w                            \
    }
#define ACTION(n, w)                                                           \
    {                                                                          \
        .name = n, .type = CTL_VOID, .write = w                                \
    }
#define EXCHANGE(n, x)                                                         \
    {                                                                          \
        .name = n, .type = CTL_UNSIGNED, .exchange = x                         \
    }
#define FIXED(n, t, v)                                                         \
    {                                                                          \
        .name = n, .type = t, .read = ctl_read_fixed, .constant = v            \
    }
#define TEXT(n, v)                                                             \
    {                                                                          \
        .name = n, .type = CTL_TEXT, .read = ctl_read_text, .data = v          \
    }
#define FIGURE(n, t, r, o)                                                     \
    {                                                                          \
        .name = n, .type = t, .read = r, .offset = o                           \
    }
/* Write-only, and only while the option `prof` is on. */
#define PROF_WRITE(n, t, w)                                                    \
    {                                                                          \
        .name = n, .type = t, .write = w, .is_prof_only = true                 \
    }

/* Read-only, and likewise; `from` is the first of the classes. */
#define PROF_CLASS(n, x, from)                                                 \
    {                                                                          \
        .name = n, .type = CTL_U64, .exchange = x, .constant = from,           \
        .is_prof_only = true                                                   \
    }

/* ---- options ----------------------------------------------------------- */

#define IS_OPTION(n, m) (offsetof(conf_t, n) == offsetof(conf_t, m))
#define IS_UNSIGNED(n)                                                         \
    (IS_OPTION(n, narenas) || IS_OPTION(n, lg_tcache_flush_large_div) ||       \
     IS_OPTION(n, lg_tcache_flush_small_div) ||                                \
     IS_OPTION(n, tcache_nslots_large) ||                                      \
     IS_OPTION(n, tcache_nslots_small_max) ||                                  \
     IS_OPTION(n, tcache_nslots_small_min))
#define CONF_BOOL(n, d, h)                                                     \
    {.name = "opt." #n,                                                        \
     .type = CTL_BOOL,                                                         \
     .read = ctl_read_conf,                                                    \
     .data = &conf.n},
#define CONF_UINT(n, d, lo, hi, u, h)                                          \
    {.name = "opt." #n,                                                        \
     .type = IS_UNSIGNED(n) ? CTL_UNSIGNED : CTL_SIZE,                         \
     .read = IS_OPTION(n, max_background_threads)                              \
                 ? ctl_read_max_background_opt                                 \
                 : ctl_read_conf,                                              \
     .data = &conf.n},
#define CONF_SINT(n, d, lo, hi, u, h)                                          \
    {.name = "opt." #n,                                                        \
     .type = CTL_SSIZE,                                                        \
     .read = ctl_read_conf,                                                    \
     .data = &conf.n},
#define CONF_ENUM(n, d, v, h)                                                  \
    {.name = "opt." #n, .type = CTL_TEXT, .read = ctl_read_conf_enum},
#define CONF_TEXT(n, d, h)                                                     \
    {.name = "opt." #n,                                                        \
     .type = CTL_TEXT,                                                         \
     .read = ctl_read_conf,                                                    \
     .data = conf.n},

/* ---- figures ----------------------------------------------------------- */

#define TOTAL(n, m)                                                            \
    FIGURE("stats." n, CTL_SIZE, ctl_read_stats_total, offsetof(stats_t, m))
#define TOTAL_U64(n, m)                                                        \
    FIGURE("stats." n, CTL_U64, ctl_read_stats_total, offsetof(stats_t, m))
#define ARENA(n, t, m)                                                         \
    FIGURE("stats.arenas.<s>." n, t, ctl_read_stats_arena,                     \
           offsetof(stats_arena_t, m))
#define BIN(n, t, m)                                                           \
    FIGURE("stats.arenas.<s>.bins.<b>." n, t, ctl_read_stats_bin,              \
           offsetof(stats_bin_t, m))
#define LEXTENT(n, t)                                                          \
    FIGURE("stats.arenas.<s>.lextents.<l>." #n, t, ctl_read_stats_lextent,     \
           offsetof(stats_lextent_t, n))
#define EXTENT(n)                                                              \
    FIGURE("stats.arenas.<s>.extents.<e>." #n, CTL_SIZE,                       \
           ctl_read_stats_extent, offsetof(stats_extent_t, n))

/* The seven figures of a lock at `m` of its record. */
#define LOCK(n, r, o)                                                          \
    FIGURE(n ".num_ops", CTL_U64, r, (o) + offsetof(stats_mutex_t, num_ops)),  \
        FIGURE(n ".num_wait", CTL_U64, r,                                      \
               (o) + offsetof(stats_mutex_t, num_wait)),                       \
        FIGURE(n ".num_spin_acq", CTL_U64, r,                                  \
               (o) + offsetof(stats_mutex_t, num_spin_acq)),                   \
        FIGURE(n ".num_owner_switch", CTL_U64, r,                              \
               (o) + offsetof(stats_mutex_t, num_owner_switch)),               \
        FIGURE(n ".total_wait_time", CTL_U64, r,                               \
               (o) + offsetof(stats_mutex_t, total_wait_time)),                \
        FIGURE(n ".max_wait_time", CTL_U64, r,                                 \
               (o) + offsetof(stats_mutex_t, max_wait_time)),                  \
        FIGURE(n ".max_num_thds", CTL_U32, r,                                  \
               (o) + offsetof(stats_mutex_t, max_num_thds)),
#define GLOBAL_LOCK(n)                                                         \
    LOCK("stats.mutexes." #n, ctl_read_stats_total,                            \
         offsetof(stats_t, mutexes[STATS_GLOBAL_MUTEX_##n]))
#define ARENA_LOCK(n)                                                          \
    LOCK("stats.arenas.<s>.mutexes." #n, ctl_read_stats_arena,                 \
         offsetof(stats_arena_t, mutexes[STATS_MUTEX_##n]))
#define HPA(n)                                                                 \
    ROW("stats.arenas.<s>.hpa_shard." n ".npageslabs_nonhuge", CTL_SIZE,       \
        ctl_read_stats_zero),                                                  \
        ROW("stats.arenas.<s>.hpa_shard." n ".npageslabs_huge", CTL_SIZE,      \
            ctl_read_stats_zero),                                              \
        ROW("stats.arenas.<s>.hpa_shard." n ".nactive_nonhuge", CTL_SIZE,      \
            ctl_read_stats_zero),                                              \
        ROW("stats.arenas.<s>.hpa_shard." n ".nactive_huge", CTL_SIZE,         \
            ctl_read_stats_zero),                                              \
        ROW("stats.arenas.<s>.hpa_shard." n ".ndirty_nonhuge", CTL_SIZE,       \
            ctl_read_stats_zero),                                              \
        ROW("stats.arenas.<s>.hpa_shard." n ".ndirty_huge", CTL_SIZE,          \
            ctl_read_stats_zero)
#define LABEL(n, what)                                                         \
    {                                                                          \
        .name = "jeprobe.labels.<n>." n, .type = CTL_U64,                      \
        .read = ctl_read_label_figure, .constant = CTL_LABEL_##what            \
    }
#define DEFERRED(n)                                                            \
    FIGURE("jeprobe.deferred." #n, CTL_U64, ctl_read_deferred,                 \
           offsetof(deferred_stats_t, n))
#define PERCPU(n)                                                              \
    FIGURE("jeprobe.percpu_cache." #n, CTL_SIZE, ctl_read_stats_total,         \
           offsetof(stats_t, percpu.n))
#define RESIDENCY(n)                                                           \
    FIGURE("jeprobe.residency." #n, CTL_SIZE, ctl_read_residency,              \
           offsetof(residency_t, n))

const ctl_leaf_t ctl_table[] = {
    TEXT("version", CTL_VERSION),
    {.name = "epoch",
     .type = CTL_U64,
     .read = ctl_read_epoch,
     .write = ctl_write_epoch,
     .is_write_first = true},
    ROW_RW("background_thread", CTL_BOOL, ctl_read_background,
           ctl_write_background),
    ROW_RW("max_background_threads", CTL_SIZE, ctl_read_max_background,
           ctl_write_max_background),

    ROW_RW("thread.arena", CTL_UNSIGNED, ctl_read_thread_arena,
           ctl_write_thread_arena),
    FIGURE("thread.allocated", CTL_U64, ctl_read_thread_bytes,
           offsetof(tsd_bytes_t, allocated)),
    FIGURE("thread.allocatedp", CTL_POINTER, ctl_read_thread_bytes_at,
           offsetof(tsd_bytes_t, allocated)),
    FIGURE("thread.deallocated", CTL_U64, ctl_read_thread_bytes,
           offsetof(tsd_bytes_t, deallocated)),
    FIGURE("thread.deallocatedp", CTL_POINTER, ctl_read_thread_bytes_at,
           offsetof(tsd_bytes_t, deallocated)),
    ROW_RW("thread.tcache.enabled", CTL_BOOL, ctl_read_tcache_enabled,
           ctl_write_tcache_enabled),
    ACTION("thread.tcache.flush", ctl_write_tcache_flush),
    ROW_RW("thread.tcache.max", CTL_SIZE, ctl_read_thread_tcache_max,
           ctl_write_thread_tcache_max),
    EXCHANGE("thread.tcache.ncached_max.read_sizeclass",
             ctl_exchange_tcache_ncached_max),
    {.name = "thread.tcache.ncached_max.write",
     .type = CTL_TEXT,
     .write = ctl_write_tcache_ncached_max},
    {.name = "thread.prof.name",
     .type = CTL_TEXT,
     .read = ctl_read_thread_prof_name,
     .write = ctl_write_thread_prof_name,
     .is_prof_only = true},
    ROW_RW("thread.prof.active", CTL_BOOL, ctl_read_thread_prof_active,
           ctl_write_thread_prof_active),
    ROW("thread.peak.read", CTL_U64, ctl_read_thread_peak),
    ACTION("thread.peak.reset", ctl_write_thread_peak_reset),
    ACTION("thread.idle", ctl_write_thread_idle),
    ROW_RW("thread.label", CTL_TEXT, ctl_read_thread_label,
           ctl_write_thread_label),

    FIXED("config.cache_oblivious", CTL_BOOL, true),
    FIXED("config.debug", CTL_BOOL, je_config_debug > 0),
    FIXED("config.fill", CTL_BOOL, true),
    FIXED("config.lazy_lock", CTL_BOOL, false),
    TEXT("config.malloc_conf", conf_built_in),
    FIXED("config.opt_safety_checks", CTL_BOOL, false),
    FIXED("config.prof", CTL_BOOL, je_config_prof),
    FIXED("config.prof_libgcc", CTL_BOOL, false),
    FIXED("config.prof_libunwind", CTL_BOOL, je_config_prof),
    FIXED("config.stats", CTL_BOOL, je_config_stats),
    FIXED("config.utrace", CTL_BOOL, false),
    FIXED("config.xmalloc", CTL_BOOL, true),

#include "alloc/conf.def"
    FIXED("opt.hpa", CTL_BOOL, false),
    FIXED("opt.hpa_slab_max_alloc", CTL_SIZE, 0),
    FIXED("opt.hpa_hugification_threshold", CTL_SIZE, 0),
    FIXED("opt.hpa_hugify_delay_ms", CTL_U64, 0),
    FIXED("opt.hpa_min_purge_interval_ms", CTL_U64, 0),
    FIXED("opt.hpa_dirty_mult", CTL_FIXED_POINT, 0),
    FIXED("opt.hpa_sec_nshards", CTL_SIZE, 0),
    FIXED("opt.hpa_sec_max_alloc", CTL_SIZE, 0),
    FIXED("opt.hpa_sec_max_bytes", CTL_SIZE, 0),
    FIXED("opt.hpa_sec_bytes_after_flush", CTL_SIZE, 0),
    FIXED("opt.hpa_sec_batch_fill_extra", CTL_SIZE, 0),
    FIXED("opt.utrace", CTL_BOOL, false),

    EXCHANGE("tcache.create", ctl_exchange_tcache_create),
    {.name = "tcache.flush",
     .type = CTL_UNSIGNED,
     .write = ctl_write_tcaches_flush},
    {.name = "tcache.destroy",
     .type = CTL_UNSIGNED,
     .write = ctl_write_tcaches_destroy},

    ROW("arena.<a>.initialized", CTL_BOOL, ctl_read_arena_initialized),
    ACTION("arena.<a>.decay", ctl_write_arena_decay),
    ACTION("arena.<a>.purge", ctl_write_arena_purge),
    ACTION("arena.<a>.reset", ctl_write_arena_reset),
    ACTION("arena.<a>.destroy", ctl_write_arena_destroy),
    ROW_RW("arena.<a>.dss", CTL_TEXT, ctl_read_arena_dss, ctl_write_arena_dss),
    ROW_RW("arena.<a>.oversize_threshold", CTL_SIZE, ctl_read_arena_oversize,
           ctl_write_arena_oversize),
    {.name = "arena.<a>.dirty_decay_ms",
     .type = CTL_SSIZE,
     .read = ctl_read_arena_decay_ms,
     .write = ctl_write_arena_decay_ms,
     .constant = PAC_DIRTY},
    {.name = "arena.<a>.muzzy_decay_ms",
     .type = CTL_SSIZE,
     .read = ctl_read_arena_decay_ms,
     .write = ctl_write_arena_decay_ms,
     .constant = PAC_MUZZY},
    ROW_RW("arena.<a>.extent_hooks", CTL_POINTER, ctl_read_arena_hooks,
           ctl_write_arena_hooks),
    EXCHANGE("arena.<a>.name", ctl_exchange_arena_name),
    ROW_RW("arena.<a>.retain_grow_limit", CTL_SIZE, ctl_read_arena_grow_limit,
           ctl_write_arena_grow_limit),

    ROW("arenas.narenas", CTL_UNSIGNED, ctl_read_narenas),
    {.name = "arenas.dirty_decay_ms",
     .type = CTL_SSIZE,
     .read = ctl_read_default_decay_ms,
     .write = ctl_write_default_decay_ms,
     .constant = PAC_DIRTY},
    {.name = "arenas.muzzy_decay_ms",
     .type = CTL_SSIZE,
     .read = ctl_read_default_decay_ms,
     .write = ctl_write_default_decay_ms,
     .constant = PAC_MUZZY},
    FIXED("arenas.quantum", CTL_SIZE, SZ_QUANTUM),
    FIXED("arenas.page", CTL_SIZE, OS_PAGE),
    FIXED("arenas.hugepage", CTL_SIZE, OS_HUGE),
    ROW("arenas.tcache_max", CTL_SIZE, ctl_read_tcache_max),
    FIXED("arenas.nbins", CTL_UNSIGNED, SC_NBINS),
    ROW("arenas.nhbins", CTL_UNSIGNED, ctl_read_nhbins),
    FIGURE("arenas.bin.<b>.size", CTL_SIZE, ctl_read_bin_info,
           offsetof(bin_info_t, size)),
    FIGURE("arenas.bin.<b>.nregs", CTL_U32, ctl_read_bin_info,
           offsetof(bin_info_t, nregs)),
    FIGURE("arenas.bin.<b>.slab_size", CTL_SIZE, ctl_read_bin_info,
           offsetof(bin_info_t, slab_size)),
    ROW("arenas.bin.<b>.nshards", CTL_U32, ctl_read_bin_shards),
    FIXED("arenas.nlextents", CTL_UNSIGNED, SZ_NLARGE),
    ROW("arenas.lextent.<l>.size", CTL_SIZE, ctl_read_lextent_size),
    EXCHANGE("arenas.create", ctl_exchange_arenas_create),
    EXCHANGE("arenas.lookup", ctl_exchange_arenas_lookup),

    ROW_RW("prof.thread_active_init", CTL_BOOL, ctl_read_prof_thread_init,
           ctl_write_prof_thread_init),
    ROW_RW("prof.active", CTL_BOOL, ctl_read_prof_active,
           ctl_write_prof_active),
    PROF_WRITE("prof.dump", CTL_TEXT, ctl_write_prof_dump),
    ROW_RW("prof.gdump", CTL_BOOL, ctl_read_prof_gdump, ctl_write_prof_gdump),
    PROF_WRITE("prof.prefix", CTL_TEXT, ctl_write_prof_prefix),
    PROF_WRITE("prof.reset", CTL_SIZE, ctl_write_prof_reset),
    ROW("prof.interval", CTL_U64, ctl_read_prof_interval),
    ROW("prof.lg_sample", CTL_SIZE, ctl_read_prof_lg_sample),
    PROF_WRITE("prof.log_start", CTL_TEXT, ctl_write_prof_log_start),
    PROF_WRITE("prof.log_stop", CTL_VOID, ctl_write_prof_log_stop),
    PROF_CLASS("prof.stats.bins.<b>.live", ctl_exchange_prof_live, 0),
    PROF_CLASS("prof.stats.bins.<b>.accum", ctl_exchange_prof_accum, 0),
    PROF_CLASS("prof.stats.lextents.<l>.live", ctl_exchange_prof_live,
               SC_NBINS),
    PROF_CLASS("prof.stats.lextents.<l>.accum", ctl_exchange_prof_accum,
               SC_NBINS),

    TOTAL("allocated", allocated),
    TOTAL("active", active),
    TOTAL("metadata", metadata),
    TOTAL("metadata_thp", metadata_thp),
    TOTAL("resident", resident),
    TOTAL("mapped", mapped),
    TOTAL("retained", retained),
    TOTAL("zero_reallocs", zero_reallocs),
    TOTAL("background_thread.num_threads", background.num_threads),
    TOTAL_U64("background_thread.num_runs", background.num_runs),
    TOTAL_U64("background_thread.run_interval", background.run_interval_ns),
    STATS_GLOBAL_MUTEXES(GLOBAL_LOCK)
        ACTION("stats.mutexes.reset", ctl_write_stats_mutexes_reset),

    ARENA("nthreads", CTL_UNSIGNED, nthreads),
    ARENA("uptime", CTL_U64, uptime_ns),
    ARENA("dss", CTL_TEXT, dss),
    ARENA("dirty_decay_ms", CTL_SSIZE, dirty_decay_ms),
    ARENA("muzzy_decay_ms", CTL_SSIZE, muzzy_decay_ms),
    ARENA("pactive", CTL_SIZE, pactive),
    ARENA("pdirty", CTL_SIZE, pdirty),
    ARENA("pmuzzy", CTL_SIZE, pmuzzy),
    ARENA("mapped", CTL_SIZE, mapped),
    ARENA("retained", CTL_SIZE, retained),
    ARENA("extent_avail", CTL_SIZE, extent_avail),
    ARENA("dirty_npurge", CTL_U64, dirty.npurge),
    ARENA("dirty_nmadvise", CTL_U64, dirty.nmadvise),
    ARENA("dirty_purged", CTL_U64, dirty.purged),
    ARENA("muzzy_npurge", CTL_U64, muzzy.npurge),
    ARENA("muzzy_nmadvise", CTL_U64, muzzy.nmadvise),
    ARENA("muzzy_purged", CTL_U64, muzzy.purged),
    ARENA("base", CTL_SIZE, base),
    ARENA("internal", CTL_SIZE, internal),
    ARENA("metadata_thp", CTL_SIZE, metadata_thp),
    ARENA("tcache_bytes", CTL_SIZE, tcache_bytes),
    ARENA("tcache_stashed_bytes", CTL_SIZE, tcache_stashed_bytes),
    ARENA("resident", CTL_SIZE, resident),
    ARENA("abandoned_vm", CTL_SIZE, abandoned_vm),
    ARENA("hpa_sec_bytes", CTL_SIZE, sec_bytes),
    ARENA("small.allocated", CTL_SIZE, small.allocated),
    ARENA("small.nmalloc", CTL_U64, small.nmalloc),
    ARENA("small.ndalloc", CTL_U64, small.ndalloc),
    ARENA("small.nrequests", CTL_U64, small.nrequests),
    ARENA("small.nfills", CTL_U64, small.nfills),
    ARENA("small.nflushes", CTL_U64, small.nflushes),
    ARENA("large.allocated", CTL_SIZE, large.allocated),
    ARENA("large.nmalloc", CTL_U64, large.nmalloc),
    ARENA("large.ndalloc", CTL_U64, large.ndalloc),
    ARENA("large.nrequests", CTL_U64, large.nrequests),
    ARENA("large.nfills", CTL_U64, large.nfills),
    ARENA("large.nflushes", CTL_U64, large.nflushes),
    BIN("nmalloc", CTL_U64, nmalloc),
    BIN("ndalloc", CTL_U64, ndalloc),
    BIN("nrequests", CTL_U64, nrequests),
    BIN("curregs", CTL_SIZE, curregs),
    BIN("nfills", CTL_U64, nfills),
    BIN("nflushes", CTL_U64, nflushes),
    BIN("nslabs", CTL_U64, nslabs),
    BIN("nreslabs", CTL_U64, nreslabs),
    BIN("curslabs", CTL_SIZE, curslabs),
    BIN("nonfull_slabs", CTL_SIZE, nonfull_slabs),
    LOCK("stats.arenas.<s>.bins.<b>.mutex", ctl_read_stats_bin,
         offsetof(stats_bin_t, mutex)) LEXTENT(nmalloc, CTL_U64),
    LEXTENT(ndalloc, CTL_U64),
    LEXTENT(nrequests, CTL_U64),
    LEXTENT(curlextents, CTL_SIZE),
    EXTENT(ndirty),
    EXTENT(nmuzzy),
    EXTENT(nretained),
    EXTENT(dirty_bytes),
    EXTENT(muzzy_bytes),
    EXTENT(retained_bytes),
    STATS_ARENA_MUTEXES(ARENA_LOCK) HPA("full_slabs"),
    HPA("empty_slabs"),
    HPA("nonfull_slabs.<h>"),
    ROW("stats.arenas.<s>.hpa_shard.npurge_passes", CTL_U64,
        ctl_read_stats_zero),
    ROW("stats.arenas.<s>.hpa_shard.npurges", CTL_U64, ctl_read_stats_zero),
    ROW("stats.arenas.<s>.hpa_shard.nhugifies", CTL_U64, ctl_read_stats_zero),
    ROW("stats.arenas.<s>.hpa_shard.ndehugifies", CTL_U64, ctl_read_stats_zero),

    {.name = "experimental.hooks.safety_check_abort",
     .type = CTL_POINTER,
     .write = ctl_write_safety_abort},
    EXCHANGE("experimental.hooks.prof_backtrace", ctl_exchange_prof_backtrace),
    EXCHANGE("experimental.hooks.prof_dump", ctl_exchange_prof_dumped),
    EXCHANGE("experimental.utilization.query", ctl_exchange_util_query),
    EXCHANGE("experimental.utilization.batch_query",
             ctl_exchange_util_batch_query),
    ROW("experimental.arenas.<s>.pactivep", CTL_POINTER, ctl_read_pactivep),
    EXCHANGE("experimental.arenas_create_ext", ctl_exchange_arenas_create_ext),
    {.name = "experimental.prof_recent.alloc_max",
     .type = CTL_SSIZE,
     .read = ctl_read_prof_recent_max,
     .write = ctl_write_prof_recent_max,
     .is_prof_only = true},
    {.name = "experimental.prof_recent.alloc_dump",
     .type = CTL_VOID,
     .exchange = ctl_exchange_prof_recent_dump,
     .is_prof_only = true},
    EXCHANGE("experimental.batch_alloc", ctl_exchange_batch_alloc),
    ROW("approximate_stats.active", CTL_SIZE, ctl_read_approximate_active),

    RESIDENCY(active),
    RESIDENCY(dirty),
    RESIDENCY(muzzy),
    RESIDENCY(retained),
    RESIDENCY(metadata),
    RESIDENCY(other_anonymous),
    FIGURE("jeprobe.arenas.<s>.slab_gaps", CTL_SIZE, ctl_read_stats_arena,
           offsetof(stats_arena_t, slab_gaps)),

    ROW("jeprobe.percpu_cache.active", CTL_BOOL, ctl_read_percpu_active),
    PERCPU(caches),
    PERCPU(objects),
    PERCPU(bytes),

    DEFERRED(queued_objects),
    DEFERRED(queued_bytes),
    DEFERRED(deferred),
    DEFERRED(inlined),
    ACTION("jeprobe.deferred.flush", ctl_write_deferred_flush),

    ROW("jeprobe.labels.count", CTL_UNSIGNED, ctl_read_labels_count),
    ROW("jeprobe.labels.dropped", CTL_U64, ctl_read_labels_dropped),
    ROW("jeprobe.labels.<n>.name", CTL_TEXT, ctl_read_label_name),
    LABEL("live_bytes", LIVE_BYTES),
    LABEL("live_objects", LIVE_OBJECTS),
    LABEL("total_bytes", TOTAL_BYTES),
    LABEL("total_objects", TOTAL_OBJECTS),
};

const unsigned ctl_table_size = JE_ARRAY_LEN(ctl_table);
