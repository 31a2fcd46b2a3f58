/* What the kernel says of a process and of the machine.
 *
 * As in field.h: F(SCOPE, NAME, "JSON key", "text label"), in bytes unless the
 * name says otherwise. */
#ifndef JE_DUMP_FIELD_KERNEL_H
#define JE_DUMP_FIELD_KERNEL_H

/* clang-format off */

/* What the kernel says of the process (our dumps). */
#define PROCESS_FIELDS(F) \
    F(PROCESS, PID, "pid", NULL) \
    F(PROCESS, PPID, "ppid", NULL) \
    F(PROCESS, THREADS, "threads", NULL) \
    F(PROCESS, PAGE_SIZE, "page_size", NULL) \
    F(PROCESS, CPUS, "cpus", NULL) \
    F(PROCESS, OOM_SCORE, "oom_score", NULL) \
    F(PROCESS, OOM_SCORE_ADJ, "oom_score_adj", NULL) \
    F(PROCESS, UPTIME_NS, "uptime_ns", NULL) \
    F(PROCESS, WALL_NS, "wall_ns", NULL) \
    F(PROCESS, MONOTONIC_NS, "monotonic_ns", NULL) \
    F(PROCESS, SEQUENCE, "sequence", NULL)

/* Sums over the mappings.  The last four need a whole smaps: the RSS of [heap]
 * (brk), of stacks and of anonymous mappings that glibc cut to heaps of 64 MiB,
 * and the number of those heaps.  So do ANONYMOUS_MAPS, the RSS of all
 * anonymous mappings without a name, and FILE_COPIES, pages of files that were
 * written to. */
#define ROLLUP_FIELDS(F) \
    F(ROLLUP, RSS, "rss", NULL) \
    F(ROLLUP, PSS, "pss", NULL) \
    F(ROLLUP, ANONYMOUS_MAPS, "anonymous_maps", NULL) \
    F(ROLLUP, FILE_COPIES, "file_copies", NULL) \
    F(ROLLUP, ANONYMOUS, "anonymous", NULL) \
    F(ROLLUP, FILE, "file", NULL) \
    F(ROLLUP, SHMEM, "shmem", NULL) \
    F(ROLLUP, ANON_HUGE_PAGES, "anon_huge_pages", NULL) \
    F(ROLLUP, LAZY_FREE, "lazy_free", NULL) \
    F(ROLLUP, SWAP, "swap", NULL) \
    F(ROLLUP, PRIVATE_DIRTY, "private_dirty", NULL) \
    F(ROLLUP, HEAP, "heap", NULL) \
    F(ROLLUP, STACK, "stack", NULL) \
    F(ROLLUP, GLIBC_HEAP, "glibc_heap", NULL) \
    F(ROLLUP, GLIBC_HEAPS, "glibc_heaps", NULL)

#define STATUS_FIELDS(F) \
    F(STATUS, VM_PEAK, "vm_peak", NULL) \
    F(STATUS, VM_SIZE, "vm_size", NULL) \
    F(STATUS, VM_HWM, "vm_hwm", NULL) \
    F(STATUS, VM_RSS, "vm_rss", NULL) \
    F(STATUS, VM_PTE, "vm_pte", NULL) \
    F(STATUS, VM_LCK, "vm_lck", NULL)

/* Bytes found resident in the pages of each state. */
#define RESIDENCY_FIELDS(F) \
    F(RESIDENCY, ACTIVE, "active", NULL) \
    F(RESIDENCY, DIRTY, "dirty", NULL) \
    F(RESIDENCY, MUZZY, "muzzy", NULL) \
    F(RESIDENCY, RETAINED, "retained", NULL) \
    F(RESIDENCY, METADATA, "metadata", NULL) \
    F(RESIDENCY, OTHER_ANONYMOUS, "other_anonymous", NULL)

/* The process's cgroup; from ANON on, its memory.stat.  Pressures are the share
 * of the last ten seconds in hundredths of a per cent. */
#define CGROUP_FIELDS(F) \
    F(CGROUP, HIGH, "high", NULL) \
    F(CGROUP, SWAP_LIMIT, "swap_limit", NULL) \
    F(CGROUP, SWAP_USAGE, "swap_usage", NULL) \
    F(CGROUP, PRESSURE_SOME, "pressure_some", NULL) \
    F(CGROUP, PRESSURE_FULL, "pressure_full", NULL) \
    F(CGROUP, OOM_KILLS, "oom_kills", NULL) \
    F(CGROUP, LIMIT_HITS, "limit_hits", NULL) \
    F(CGROUP, VERSION, "version", NULL) \
    F(CGROUP, LIMIT, "limit", NULL) \
    F(CGROUP, USAGE, "usage", NULL) \
    F(CGROUP, ANON, "anon", "anon") \
    F(CGROUP, FILE, "file", "file") \
    F(CGROUP, SHMEM, "shmem", "shmem") \
    F(CGROUP, KERNEL, "kernel", "kernel") \
    F(CGROUP, SOCK, "sock", "sock") \
    F(CGROUP, INACTIVE_FILE, "inactive_file", "inactive_file")

#define RLIMIT_FIELDS(F) \
    F(RLIMIT, AS, "as", NULL) \
    F(RLIMIT, DATA, "data", NULL) \
    F(RLIMIT, STACK, "stack", NULL) \
    F(RLIMIT, NOFILE, "nofile", NULL) \
    F(RLIMIT, MEMLOCK, "memlock", NULL) \
    F(RLIMIT, NPROC, "nproc", NULL)

/* What the kernel says of the machine and of its limits for this process:
 * /proc/meminfo and /proc/sys/vm by their labels, cpu.max, and the number of
 * lines of /proc/PID/maps.  OOM_LARGEST is the RSS of the largest process that
 * a kill for want of memory spared, whose adjustment is signed.  Texts of the
 * same kind are settings: "process.thp.enabled", "process.thp.defrag",
 * "process.cpus_allowed_list" ("0-3,8"), "process.oom.largest" (its name),
 * "process.mapped.FILE" of some run-time libraries, "process.env.NAME" of an
 * allocator's environment variables. */
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
    F(MACHINE, CPU_PERIOD_US, "cpu_period_us", "cpu_period_us") \
    F(MACHINE, MEM_FREE, "mem_free", "memfree") \
    F(MACHINE, BUFFERS, "buffers", "buffers") \
    F(MACHINE, CACHED, "cached", "cached") \
    F(MACHINE, SHMEM, "shmem", "shmem") \
    F(MACHINE, SLAB_RECLAIMABLE, "slab_reclaimable", "sreclaimable") \
    F(MACHINE, SLAB_UNRECLAIMABLE, "slab_unreclaimable", "sunreclaim") \
    F(MACHINE, PAGE_TABLES, "page_tables", "pagetables") \
    F(MACHINE, ANON_PAGES, "anon_pages", "anonpages") \
    F(MACHINE, ANON_HUGE_PAGES, "anon_huge_pages", "anonhugepages") \
    F(MACHINE, HUGETLB, "hugetlb", "hugetlb") \
    F(MACHINE, SWAP_TOTAL, "swap_total", "swaptotal") \
    F(MACHINE, SWAP_FREE, "swap_free", "swapfree") \
    F(MACHINE, OVERCOMMIT_RATIO, "overcommit_ratio", "overcommit_ratio") \
    F(MACHINE, SWAPPINESS, "swappiness", "swappiness") \
    F(MACHINE, OOM_LARGEST, NULL, NULL) \
    F(MACHINE, OOM_LARGEST_ADJ, NULL, NULL) \
    F(MACHINE, PRESSURE_SOME, "pressure_some", NULL) \
    F(MACHINE, PRESSURE_FULL, "pressure_full", NULL)

/* clang-format on */

#endif
