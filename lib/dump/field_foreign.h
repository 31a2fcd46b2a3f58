/* The figures of other allocators and of the programs that embed one.
 *
 * As in field.h: F(SCOPE, NAME, "JSON key", "text label").  All of them are
 * per process and in bytes unless the name says otherwise. */
#ifndef JE_DUMP_FIELD_FOREIGN_H
#define JE_DUMP_FIELD_FOREIGN_H

/* clang-format off */

/* Redis: INFO (memory, persistence, stats) by its text label, MEMORY STATS by
 * the JSON column. */
#define REDIS_FIELDS(F) \
    F(REDIS, USED_MEMORY, "total.allocated", "used_memory") \
    F(REDIS, USED_MEMORY_RSS, NULL, "used_memory_rss") \
    F(REDIS, USED_MEMORY_PEAK, "peak.allocated", "used_memory_peak") \
    F(REDIS, STARTUP, "startup.allocated", "used_memory_startup") \
    F(REDIS, OVERHEAD, "overhead.total", "used_memory_overhead") \
    F(REDIS, DATASET, "dataset.bytes", "used_memory_dataset") \
    F(REDIS, KEYS, "keys.count", NULL) \
    F(REDIS, ALLOCATOR_ALLOCATED, "allocator.allocated", "allocator_allocated") \
    F(REDIS, ALLOCATOR_ACTIVE, "allocator.active", "allocator_active") \
    F(REDIS, ALLOCATOR_RESIDENT, "allocator.resident", "allocator_resident") \
    F(REDIS, ALLOCATOR_MUZZY, "allocator.muzzy", "allocator_muzzy") \
    F(REDIS, FRAG_BYTES, "allocator-fragmentation.bytes", "allocator_frag_bytes") \
    F(REDIS, RSS_BYTES, "allocator-rss.bytes", "allocator_rss_bytes") \
    F(REDIS, OVERHEAD_BYTES, "rss-overhead.bytes", "rss_overhead_bytes") \
    F(REDIS, FRAGMENTATION_BYTES, "fragmentation.bytes", "mem_fragmentation_bytes") \
    F(REDIS, CLIENTS, "clients.normal", "mem_clients_normal") \
    F(REDIS, REPLICAS, "clients.slaves", "mem_clients_slaves") \
    F(REDIS, BACKLOG, "replication.backlog", "mem_replication_backlog") \
    F(REDIS, CLUSTER_LINKS, "cluster.links", "mem_cluster_links") \
    F(REDIS, AOF_BUFFER, "aof.buffer", "mem_aof_buffer") \
    F(REDIS, LUA_CACHES, "lua.caches", NULL) \
    F(REDIS, LUA, NULL, "used_memory_lua") \
    F(REDIS, VM_TOTAL, NULL, "used_memory_vm_total") \
    F(REDIS, SYSTEM_MEMORY, NULL, "total_system_memory") \
    F(REDIS, MAXMEMORY, NULL, "maxmemory") \
    F(REDIS, NOT_COUNTED, NULL, "mem_not_counted_for_evict") \
    F(REDIS, DEFRAG_RUNNING, NULL, "active_defrag_running") \
    F(REDIS, DEFRAG_HITS, NULL, "active_defrag_hits") \
    F(REDIS, DEFRAG_MISSES, NULL, "active_defrag_misses") \
    F(REDIS, LAZYFREE_PENDING, NULL, "lazyfree_pending_objects") \
    F(REDIS, EVICTED_KEYS, NULL, "evicted_keys") \
    F(REDIS, BGSAVE, NULL, "rdb_bgsave_in_progress") \
    F(REDIS, AOF_REWRITE, NULL, "aof_rewrite_in_progress") \
    F(REDIS, COW, NULL, "current_cow_size") \
    F(REDIS, COW_PEAK, NULL, "current_cow_peak") \
    F(REDIS, RDB_LAST_COW, NULL, "rdb_last_cow_size") \
    F(REDIS, AOF_LAST_COW, NULL, "aof_last_cow_size")

/* skynet's console: the services of mem added up, the last lines of cmem.
 * What jmem prints are totals of jemalloc. */
#define SKYNET_FIELDS(F) \
    F(SKYNET, LUA, NULL, "lua") \
    F(SKYNET, C, NULL, "total") \
    F(SKYNET, BLOCKS, NULL, "block") \
    F(SKYNET, SERVICES, NULL, NULL)

/* RocksDB's properties of memory; MyRocks' labels of the same are aliases. */
#define ROCKSDB_FIELDS(F) \
    F(ROCKSDB, CACHE, NULL, "block-cache-usage") \
    F(ROCKSDB, CACHE_PINNED, NULL, "block-cache-pinned-usage") \
    F(ROCKSDB, CACHE_CAPACITY, NULL, "block-cache-capacity") \
    F(ROCKSDB, MEMTABLES, NULL, "size-all-mem-tables") \
    F(ROCKSDB, MEMTABLES_NOW, NULL, "cur-size-all-mem-tables") \
    F(ROCKSDB, TABLE_READERS, NULL, "estimate-table-readers-mem")

/* tcmalloc's "MALLOC:" table.  From PER_CPU_LIMIT on it is what google/tcmalloc
 * adds; figures printed in MiB are rounded to a tenth of one. */
#define TCMALLOC_FIELDS(F) \
    F(TCMALLOC, IN_USE, NULL, "bytes in use by application") \
    F(TCMALLOC, PAGE_HEAP, NULL, "bytes in page heap freelist") \
    F(TCMALLOC, CENTRAL, NULL, "bytes in central cache freelist") \
    F(TCMALLOC, PER_CPU, NULL, "bytes in per-cpu cache freelist") \
    F(TCMALLOC, SHARDED, NULL, "bytes in sharded cache freelist") \
    F(TCMALLOC, TRANSFER, NULL, "bytes in transfer cache freelist") \
    F(TCMALLOC, THREAD, NULL, "bytes in thread cache freelists") \
    F(TCMALLOC, METADATA, NULL, "bytes in malloc metadata") \
    F(TCMALLOC, ARENA_UNALLOCATED, NULL, \
      "bytes in malloc metadata arena unallocated") \
    F(TCMALLOC, ARENA_UNAVAILABLE, NULL, \
      "bytes in malloc metadata arena unavailable") \
    F(TCMALLOC, ACTUAL, NULL, "actual memory used (physical + swap)") \
    F(TCMALLOC, RELEASED, NULL, "bytes released to os (aka unmapped)") \
    F(TCMALLOC, VIRTUAL, NULL, "virtual address space used") \
    F(TCMALLOC, HEAP_SIZE, NULL, "heap size") \
    F(TCMALLOC, SPANS, NULL, "spans in use") \
    F(TCMALLOC, THREAD_HEAPS, NULL, "thread heaps in use") \
    F(TCMALLOC, PAGE, NULL, "tcmalloc page size") \
    F(TCMALLOC, HUGE_PAGE, NULL, "tcmalloc hugepage size") \
    F(TCMALLOC, PAGEMAP, NULL, "pagemap bytes used") \
    F(TCMALLOC, PAGEMAP_ROOT, NULL, "pagemap root resident bytes") \
    F(TCMALLOC, PER_CPU_SLABS, NULL, "per-cpu slab bytes used") \
    F(TCMALLOC, PER_CPU_SLABS_RESIDENT, NULL, "per-cpu slab resident bytes") \
    F(TCMALLOC, ARENA_NONRESIDENT, NULL, \
      "malloc metadata arena non-resident bytes") \
    F(TCMALLOC, PEAK_ACTUAL, NULL, "actual memory used at peak") \
    F(TCMALLOC, PEAK_IN_USE, NULL, "estimated in-use at peak") \
    F(TCMALLOC, CPUS, NULL, "cpus allowed in mask") \
    F(TCMALLOC, PER_CPU_LIMIT, NULL, NULL) \
    F(TCMALLOC, PER_CPU_CACHES, NULL, NULL) \
    F(TCMALLOC, PER_CPU_UNALLOCATED, NULL, NULL) \
    F(TCMALLOC, FILLER_USED, NULL, NULL) \
    F(TCMALLOC, FILLER_FREE, NULL, NULL) \
    F(TCMALLOC, FILLER_UNMAPPED, NULL, NULL) \
    F(TCMALLOC, REGION_USED, NULL, NULL) \
    F(TCMALLOC, REGION_FREE, NULL, NULL) \
    F(TCMALLOC, REGION_UNMAPPED, NULL, NULL) \
    F(TCMALLOC, CACHE_USED, NULL, NULL) \
    F(TCMALLOC, CACHE_FREE, NULL, NULL) \
    F(TCMALLOC, CACHE_UNMAPPED, NULL, NULL) \
    F(TCMALLOC, ALLOC_USED, NULL, NULL) \
    F(TCMALLOC, ALLOC_FREE, NULL, NULL) \
    F(TCMALLOC, ALLOC_UNMAPPED, NULL, NULL) \
    F(TCMALLOC, HUGE_PAGES, NULL, NULL) \
    F(TCMALLOC, HUGE_PAGES_FULL, NULL, NULL) \
    F(TCMALLOC, HUGE_PAGES_PARTIAL, NULL, NULL) \
    F(TCMALLOC, HUGE_PAGES_RELEASED, NULL, NULL) \
    F(TCMALLOC, HUGE_PAGES_BROKEN, NULL, NULL) \
    F(TCMALLOC, MMAPPED, NULL, NULL)

/* glibc: malloc_info, malloc_stats and mallinfo.  SYSTEM and IN_USE have the
 * mmapped chunks in them; FAST, REST and TOP are the free ones, TOP is also a
 * part of REST (of malloc_info) or of FREE (of mallinfo).  What thread caches
 * hold counts as in use. */
#define GLIBC_FIELDS(F) \
    F(GLIBC, SYSTEM, NULL, "system bytes") \
    F(GLIBC, IN_USE, NULL, "in use bytes") \
    F(GLIBC, HEAPS, NULL, NULL) \
    F(GLIBC, HEAP_SYSTEM, NULL, "arena") \
    F(GLIBC, HEAP_SYSTEM_MAX, NULL, NULL) \
    F(GLIBC, FAST, NULL, "fsmblks") \
    F(GLIBC, FAST_COUNT, NULL, "smblks") \
    F(GLIBC, REST, NULL, NULL) \
    F(GLIBC, REST_COUNT, NULL, "ordblks") \
    F(GLIBC, FREE, NULL, "fordblks") \
    F(GLIBC, TOP, NULL, "keepcost") \
    F(GLIBC, HEAP_IN_USE, NULL, "uordblks") \
    F(GLIBC, MMAP, NULL, "hblkhd") \
    F(GLIBC, MMAP_COUNT, NULL, "hblks") \
    F(GLIBC, MMAP_MAX, NULL, "max mmap bytes") \
    F(GLIBC, MMAP_MAX_COUNT, NULL, "max mmap regions") \
    F(GLIBC, ASPACE, NULL, NULL) \
    F(GLIBC, ASPACE_MPROTECT, NULL, NULL)

/* mimalloc's statistics: the plain name is the current value.  They are
 * printed with three digits, so they are rounded.  RSS_PEAK and COMMIT_PEAK
 * are of the process. */
#define MIMALLOC_FIELDS(F) \
    F(MIMALLOC, RESERVED, NULL, "reserved") \
    F(MIMALLOC, COMMITTED, NULL, "committed") \
    F(MIMALLOC, RESERVED_PEAK, NULL, NULL) \
    F(MIMALLOC, COMMITTED_PEAK, NULL, NULL) \
    F(MIMALLOC, BLOCKS, NULL, "total") \
    F(MIMALLOC, BLOCKS_PEAK, NULL, NULL) \
    F(MIMALLOC, REQUESTED, NULL, NULL) \
    F(MIMALLOC, RESET, NULL, "reset") \
    F(MIMALLOC, PURGED, NULL, "purged") \
    F(MIMALLOC, TOUCHED, NULL, "touched") \
    F(MIMALLOC, SEGMENTS, NULL, "segments") \
    F(MIMALLOC, SEGMENTS_ABANDONED, NULL, NULL) \
    F(MIMALLOC, SEGMENTS_CACHED, NULL, "-cached") \
    F(MIMALLOC, PAGES, NULL, "pages") \
    F(MIMALLOC, PAGES_ABANDONED, NULL, "-abandoned") \
    F(MIMALLOC, ARENAS, NULL, "arenas") \
    F(MIMALLOC, MMAPS, NULL, "mmaps") \
    F(MIMALLOC, COMMITS, NULL, "commits") \
    F(MIMALLOC, RESETS, NULL, "resets") \
    F(MIMALLOC, PURGES, NULL, "purges") \
    F(MIMALLOC, THREADS, NULL, "threads") \
    F(MIMALLOC, NUMA_NODES, NULL, "numa nodes") \
    F(MIMALLOC, ELAPSED_MS, NULL, "elapsed") \
    F(MIMALLOC, USER_MS, NULL, "user") \
    F(MIMALLOC, SYSTEM_MS, NULL, "system") \
    F(MIMALLOC, FAULTS, NULL, "faults") \
    F(MIMALLOC, RSS_PEAK, NULL, "rss") \
    F(MIMALLOC, COMMIT_PEAK, NULL, "commit")

/* One heap of glibc (man malloc_info: arena), by its number. */
#define HEAP_FIELDS(F) \
    F(HEAP, SYSTEM, NULL, NULL) \
    F(HEAP, SYSTEM_MAX, NULL, NULL) \
    F(HEAP, IN_USE, NULL, NULL) \
    F(HEAP, FAST, NULL, NULL) \
    F(HEAP, REST, NULL, NULL) \
    F(HEAP, TOP, NULL, NULL) \
    F(HEAP, FREE_CHUNKS, NULL, NULL) \
    F(HEAP, SUBHEAPS, NULL, NULL)

/* One size class of tcmalloc (FREE_OBJECTS to OBJECTS_PER_SPAN) or mimalloc
 * (bytes: CURRENT to TOTAL). */
#define CLASS_FIELDS(F) \
    F(CLASS, SIZE, NULL, NULL) \
    F(CLASS, FREE_OBJECTS, NULL, NULL) \
    F(CLASS, LIVE_PAGES, NULL, NULL) \
    F(CLASS, SPANS_RETURNED, NULL, NULL) \
    F(CLASS, SPANS_REQUESTED, NULL, NULL) \
    F(CLASS, OBJECTS_PER_SPAN, NULL, NULL) \
    F(CLASS, CURRENT, NULL, NULL) \
    F(CLASS, PEAK, NULL, NULL) \
    F(CLASS, TOTAL, NULL, NULL)

/* clang-format on */

#endif
