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

/* What belongs to the machine and not to one process; doctor reads it. */
#define MACHINE_FIELDS(F) \
    F(MACHINE, MAX_MAP_COUNT, NULL, "max_map_count") \
    F(MACHINE, OVERCOMMIT_MEMORY, NULL, "overcommit_memory")

/* clang-format on */

#endif
