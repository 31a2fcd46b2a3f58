/* The locks whose statistics dumps hold. */
#ifndef JE_DUMP_FIELD_LOCK_H
#define JE_DUMP_FIELD_LOCK_H

/* clang-format off */

/* Locks by the names that both formats use: of the process, then of arenas.
 * They are the rows of DUMP_MUTEX and DUMP_ARENA_MUTEX. */
#define LOCK_NAMES(L) \
    L(BACKGROUND_THREAD, "background_thread") \
    L(MAX_PER_BG_THD, "max_per_bg_thd") \
    L(CTL, "ctl") \
    L(PROF, "prof") \
    L(PROF_THDS_DATA, "prof_thds_data") \
    L(PROF_DUMP, "prof_dump") \
    L(PROF_RECENT_ALLOC, "prof_recent_alloc") \
    L(PROF_RECENT_DUMP, "prof_recent_dump") \
    L(PROF_STATS, "prof_stats") \
    L(LARGE, "large") \
    L(EXTENT_AVAIL, "extent_avail") \
    L(EXTENTS_DIRTY, "extents_dirty") \
    L(EXTENTS_MUZZY, "extents_muzzy") \
    L(EXTENTS_RETAINED, "extents_retained") \
    L(DECAY_DIRTY, "decay_dirty") \
    L(DECAY_MUZZY, "decay_muzzy") \
    L(BASE, "base") \
    L(TCACHE_LIST, "tcache_list") \
    L(HPA_SHARD, "hpa_shard") \
    L(HPA_SHARD_GROW, "hpa_shard_grow") \
    L(HPA_SEC, "hpa_sec")

/* clang-format on */

#endif
