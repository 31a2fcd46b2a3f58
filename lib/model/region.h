/* Memory that is given back all at once.
 *
 * A large dump becomes thousands of small tables that live as long as the
 * snapshot they are of.  Blocks come from a few large pieces, which the kernel
 * may back with huge pages: most of what a page fault costs is saved. */
#ifndef JE_MODEL_REGION_H
#define JE_MODEL_REGION_H

#include "base/macros.h"

#include <stddef.h>

struct region_piece;
struct region_block;

#define REGION_SIZES 32

/* Zero-initialised. */
struct region {
    struct region_piece *pieces; /* the last one first */
    char *at, *end;              /* what is left of that one */
    /* Blocks that were given back, of at least 1 << index bytes. */
    struct region_block *unused[REGION_SIZES];
};

/* `size` bytes of any content, aligned for 64-bit numbers; NULL when out of
 * memory. */
void *region_alloc(struct region *region, size_t size)
    __attribute__((warn_unused_result));

/* The block `old` of `old_size` bytes, made larger.  It may move. */
void *region_grow(struct region *region, void *old, size_t old_size,
                  size_t size) __attribute__((warn_unused_result));

/* A block of `size` bytes that is not used any more: another one may have it.
 */
void region_release(struct region *region, void *block, size_t size);

/* Give all of it back. */
void region_free(struct region *region);

#endif
