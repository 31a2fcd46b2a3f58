/* The figures of other allocators and of the programs that embed one.
 *
 * As in field.h: F(SCOPE, NAME, "JSON key", "text label").  All of them are
 * per process and in bytes unless the name says otherwise. */
#ifndef JE_DUMP_FIELD_FOREIGN_H
#define JE_DUMP_FIELD_FOREIGN_H

/* clang-format off */

/* Redis: INFO memory by its text label, MEMORY STATS by the JSON column. */
#define REDIS_FIELDS(F) \
    F(REDIS, USED_MEMORY, "total.allocated", "used_memory") \
    F(REDIS, USED_MEMORY_RSS, NULL, "used_memory_rss") \
    F(REDIS, USED_MEMORY_PEAK, "peak.allocated", "used_memory_peak") \
    F(REDIS, ALLOCATOR_ALLOCATED, "allocator.allocated", "allocator_allocated") \
    F(REDIS, ALLOCATOR_ACTIVE, "allocator.active", "allocator_active") \
    F(REDIS, ALLOCATOR_RESIDENT, "allocator.resident", "allocator_resident")

/* skynet's console: mem, cmem, jmem. */
#define SKYNET_FIELDS(F) \
    F(SKYNET, LUA, NULL, "lua") \
    F(SKYNET, C, NULL, "total")

/* tcmalloc's "MALLOC:" table. */
#define TCMALLOC_FIELDS(F) \
    F(TCMALLOC, IN_USE, NULL, "bytes in use by application") \
    F(TCMALLOC, PAGE_HEAP, NULL, "bytes in page heap freelist") \
    F(TCMALLOC, CENTRAL, NULL, "bytes in central cache freelist") \
    F(TCMALLOC, TRANSFER, NULL, "bytes in transfer cache freelist") \
    F(TCMALLOC, THREAD, NULL, "bytes in thread cache freelists") \
    F(TCMALLOC, METADATA, NULL, "bytes in malloc metadata") \
    F(TCMALLOC, ACTUAL, NULL, "actual memory used (physical + swap)") \
    F(TCMALLOC, RELEASED, NULL, "bytes released to os (aka unmapped)") \
    F(TCMALLOC, VIRTUAL, NULL, "virtual address space used")

/* glibc: malloc_info and malloc_stats. */
#define GLIBC_FIELDS(F) \
    F(GLIBC, SYSTEM, NULL, "system bytes") \
    F(GLIBC, IN_USE, NULL, "in use bytes")

/* mimalloc's statistics. */
#define MIMALLOC_FIELDS(F) \
    F(MIMALLOC, RESERVED, NULL, "reserved") \
    F(MIMALLOC, COMMITTED, NULL, "committed")

/* What the kernel says of the machine and of its limits for this process:
 * /proc/meminfo and /proc/sys/vm by their labels, cpu.max, and the number of
 * lines of /proc/PID/maps.  Texts of the same kind are settings:
 * "process.thp.enabled", "process.thp.defrag", "process.cpus_allowed_list"
 * ("0-3,8"), "process.env.NAME" of an allocator's environment variables. */
#define MACHINE_FIELDS(F) \
    F(MACHINE, MAX_MAP_COUNT, "max_map_count", "max_map_count") \
    F(MACHINE, MAPS, "maps", "maps") \
    F(MACHINE, OVERCOMMIT_MEMORY, "overcommit_memory", "overcommit_memory") \
    F(MACHINE, COMMIT_LIMIT, "commit_limit", "commitlimit") \
    F(MACHINE, COMMITTED_AS, "committed_as", "committed_as") \
    F(MACHINE, MEM_TOTAL, "mem_total", "memtotal") \
    F(MACHINE, MEM_AVAILABLE, "mem_available", "memavailable") \
    F(MACHINE, HUGE_PAGE_SIZE, "huge_page_size", "hugepagesize") \
    F(MACHINE, MAX_PTES_NONE, "max_ptes_none", "max_ptes_none") \
    F(MACHINE, HOST_CPUS, "host_cpus", "host_cpus") \
    F(MACHINE, CPU_QUOTA_US, "cpu_quota_us", "cpu_quota_us") \
    F(MACHINE, CPU_PERIOD_US, "cpu_period_us", "cpu_period_us")

/* clang-format on */

#endif
