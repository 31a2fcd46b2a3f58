/*
 * The process's side of a dump: what the kernel says of it and its limits.
 */
#ifndef JE_ALLOC_PROCINFO_H
#define JE_ALLOC_PROCINFO_H

#include "alloc/residency.h"
#include "base/emit.h"

/* Memory as it is at one moment. Zero members of a group that could not be read
 * are not figures: see has_*. Bytes. */
typedef struct procinfo_memory {
    bool has_rollup, has_status, has_residency;

    struct {
        uint64_t rss, pss, anonymous, shmem, anon_huge_pages, lazy_free, swap,
            private_dirty;
    } rollup;

    struct {
        uint64_t vm_peak, vm_size, vm_hwm, vm_rss;
    } status;

    uint64_t threads; /* 0: not known */
    residency_t residency;
} procinfo_memory_t;

void procinfo_memory_read(procinfo_memory_t *out);

/* The member "process" of the dump. */
void procinfo_emit(emit_t *e, const procinfo_memory_t *memory);

#endif
