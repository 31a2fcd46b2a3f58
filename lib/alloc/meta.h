/*
 * Memory for the allocator's own structures.
 *
 * Bump allocation from blocks that are mapped for the purpose, with an
 * inaccessible page before and after each block, so that an overflow in the
 * application cannot run into them. Nothing is ever unmapped; what is given
 * back goes to a pool of its size.
 *
 * The bump pointer advances by one atomic exchange, so that a fork at any
 * moment sees a consistent block.
 */
#ifndef JE_ALLOC_META_H
#define JE_ALLOC_META_H

#include "alloc/types.h"
#include "os/mutex.h"

/* From now on blocks are for huge pages: all, or those of full size. */
void meta_use_huge(bool from_first);

/* Whether what mmap does not give is taken from the program break; it then has
 * no inaccessible pages around it. */
void meta_use_break(bool may);

/* Zeroed memory aligned to a cache line (`size` is rounded up to one).
 * errors: NULL. */
void *meta_alloc(size_t size);

/* Arrays of 2^lg pointers for thread caches, 3 <= lg <= META_LG_SLOTS_MAX;
 * content unspecified. errors: NULL. */
enum { META_LG_SLOTS_MIN = 3, META_LG_SLOTS_MAX = 11 };

void **meta_slots_alloc(unsigned lg);
void meta_slots_free(void **slots, unsigned lg);

/* Whole pages straight from the kernel, counted as metadata, for page map
 * leaves and the like: accessible, zero, touched only as the caller counts
 * with meta_note_touched(). errors: NULL. */
void *meta_map(size_t size);
void meta_note_touched(size_t bytes);

typedef struct meta_stats {
    size_t base;   /* bytes handed out or touched */
    size_t mapped; /* bytes mapped, guard pages excluded */
    size_t nhuge;  /* huge pages' worth of blocks with advice for them */
} meta_stats_t;

void meta_stats(meta_stats_t *out);

/* Bytes of metadata mappings in physical memory now; `vec` is scratch space of
 * `vec_size` bytes. errors: false. */
bool meta_resident(unsigned char *vec, size_t vec_size, size_t *bytes);

/* Is this address inside a metadata mapping (guard pages included)? */
bool meta_contains(uintptr_t addr);
/* Call fn for every metadata mapping. */
void meta_foreach_mapping(void (*fn)(void *arg, uintptr_t addr, size_t size),
                          void *arg);

/* Its locks, for their figures; NULL after the last. */
os_mutex_t *meta_mutex(unsigned i);

void meta_boot(void);
/* In the child of a fork: forget pools whose lock was held. */
void meta_fork_child(void);

#endif
