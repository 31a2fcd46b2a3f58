/* Memory that is given back all at once. */
#include "model/region.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT   sizeof(uint64_t)
#define PIECE_FIRST ((size_t)16 << 10)
#define HUGE        ((size_t)2 << 20)
#define PIECE_MAX   HUGE
#define PAGE        ((size_t)4096)
/* So that a piece with what malloc() adds to it is whole pages. */
#define SPARE 64

struct region_piece {
    struct region_piece *before;
    size_t size;
};

static size_t
aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Ask for huge pages; without them it is the same, but slower.  What else is in
 * the first page and in the last one does not mind. */
static void
advise(char *piece, size_t size)
{
    uintptr_t start = (uintptr_t)piece / PAGE * PAGE;
    uintptr_t end = ((uintptr_t)piece + size + PAGE - 1) / PAGE * PAGE;

    if (size >= HUGE - SPARE)
        (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}

/* A piece with room for `size` bytes, four times as large as the one before. */
static bool
add_piece(struct region *region, size_t size)
{
    size_t least = size + sizeof(struct region_piece) + SPARE;
    size_t total =
        region->pieces == NULL ? PIECE_FIRST : region->pieces->size * 4;
    struct region_piece *piece;

    if (total > PIECE_MAX)
        total = PIECE_MAX;
    while (total < least && total <= SIZE_MAX / 2)
        total *= 2;
    piece = malloc(total - SPARE);
    if (piece == NULL)
        return false;
    advise((char *)piece, total - SPARE);
    *piece = (struct region_piece){.before = region->pieces, .size = total};
    region->pieces = piece;
    region->at = (char *)(piece + 1);
    region->end = (char *)piece + total - SPARE;
    return true;
}

void *
region_alloc(struct region *region, size_t size)
{
    void *block;

    if (size > SIZE_MAX / 4)
        return NULL;
    size = aligned(size);
    if (size > (size_t)(region->end - region->at) && !add_piece(region, size))
        return NULL;
    block = region->at;
    region->at += size;
    return block;
}

void *
region_grow(struct region *region, void *old, size_t old_size, size_t size)
{
    char *behind = (char *)old + aligned(old_size);
    void *block;

    if (old != NULL && behind == region->at && size <= SIZE_MAX / 4 &&
        aligned(size) - aligned(old_size) <=
            (size_t)(region->end - region->at)) {
        region->at = (char *)old + aligned(size);
        return old;
    }
    block = region_alloc(region, size);
    if (block != NULL && old_size > 0)
        memcpy(block, old, old_size);
    return block;
}

void
region_free(struct region *region)
{
    while (region->pieces != NULL) {
        struct region_piece *before = region->pieces->before;

        free(region->pieces);
        region->pieces = before;
    }
    *region = (struct region){0};
}
