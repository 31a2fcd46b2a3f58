/*
 * Which of the allocator's pages are in physical memory, by the state they are
 * in, and how much anonymous memory beside the allocator's is.
 *
 * Measured from the kernel's answers (page map scan, mincore, smaps), not from
 * the counters: a page that was never touched or that huge pages brought in
 * shows here. Before Linux 6.7 memory that was read and never written counts as
 * resident, too, though the kernel has only its page of zeroes there.
 *
 * Takes no lock and stops nobody; what other threads change meanwhile can be
 * counted twice or not at all.
 */
#ifndef JE_ALLOC_RESIDENCY_H
#define JE_ALLOC_RESIDENCY_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* All in bytes. */
typedef struct residency {
    size_t active;
    size_t dirty;
    size_t muzzy;
    size_t retained;
    size_t metadata;
    size_t other_anonymous;
} residency_t;

/* errors: false, *out is unspecified. */
JE_NODISCARD bool residency_measure(residency_t *out);

#endif
