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

struct region_piece {
    struct region_piece *before;
    size_t size;
};

/* At the start of a block that is not used. */
struct region_block {
    struct region_block *next;
};

static size_t
aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static char *
map(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
}

/* `size` bytes at a huge page; NULL when out of memory. */
static char *
map_aligned(size_t size)
{
    char *all = map(size);
    size_t before;

    /* New kernels see to it by themselves. */
    if (all != MAP_FAILED && (uintptr_t)all % HUGE == 0)
        return all;
    if (all != MAP_FAILED)
        (void)munmap(all, size);
    all = map(size + HUGE);
    if (all == MAP_FAILED)
        return NULL;
    before = (HUGE - (uintptr_t)all % HUGE) % HUGE;
    if (before > 0)
        (void)munmap(all, before);
    (void)munmap(all + before + size, HUGE - before);
    return all + before;
}

/* Huge pages, if the kernel has them; without them it is the same, but slower.
 * malloc() would have written in front of its block, and so have kept the first
 * of them from being one. */
static void *
huge_alloc(size_t size)
{
    char *piece = map_aligned(size);

    if (piece != NULL)
        (void)madvise(piece, size, MADV_HUGEPAGE);
    return piece;
}

/* A piece with room for `size` bytes, four times as large as the one before. */
static bool
add_piece(struct region *region, size_t size)
{
    size_t total =
        region->pieces == NULL ? PIECE_FIRST : region->pieces->size * 4;
    struct region_piece *piece;

    size += sizeof(*piece);
    if (total < size)
        total = size;
    if (total > HUGE)
        total = (size + HUGE - 1) / HUGE * HUGE;
    piece = total < HUGE ? malloc(total) : huge_alloc(total);
    if (piece == NULL)
        return false;
    *piece = (struct region_piece){.before = region->pieces, .size = total};
    region->pieces = piece;
    region->at = (char *)(piece + 1);
    region->end = (char *)piece + total;
    return true;
}

/* The least n with 1 << n at least `size`, and the greatest with no more. */
static unsigned
log_up(size_t size)
{
    return size <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(size - 1);
}

static unsigned
log_down(size_t size)
{
    return 63 - (unsigned)__builtin_clzll(size);
}

void
region_release(struct region *region, void *block, size_t size)
{
    struct region_block *unused = block;
    unsigned log;

    if (block == NULL || size < sizeof(*unused))
        return;
    log = log_down(size);
    if (log >= REGION_SIZES)
        return;
    unused->next = region->unused[log];
    region->unused[log] = unused;
}

/* A block that was given back; NULL = there is none so large. */
static void *
take_unused(struct region *region, size_t size)
{
    unsigned log = log_up(size);
    struct region_block *block =
        log < REGION_SIZES ? region->unused[log] : NULL;

    if (block != NULL)
        region->unused[log] = block->next;
    return block;
}

void *
region_alloc(struct region *region, size_t size)
{
    void *block;

    if (size > SIZE_MAX / 4)
        return NULL;
    size = aligned(size);
    block = take_unused(region, size);
    if (block != NULL)
        return block;
    if ((region->pieces == NULL || size > (size_t)(region->end - region->at)) &&
        !add_piece(region, size))
        return NULL;
    block = region->at;
    region->at += size;
    return block;
}

void *
region_grow(struct region *region, void *old, size_t old_size, size_t size)
{
    void *block;

    if (old != NULL && (char *)old + aligned(old_size) == region->at &&
        size <= SIZE_MAX / 4 &&
        aligned(size) - aligned(old_size) <=
            (size_t)(region->end - region->at)) {
        region->at = (char *)old + aligned(size);
        return old;
    }
    block = region_alloc(region, size);
    if (block == NULL)
        return NULL;
    if (old_size > 0)
        memcpy(block, old, old_size);
    region_release(region, old, aligned(old_size));
    return block;
}

void
region_free(struct region *region)
{
    while (region->pieces != NULL) {
        struct region_piece *piece = region->pieces;

        region->pieces = piece->before;
        if (piece->size < HUGE)
            free(piece);
        else
            (void)munmap(piece, piece->size);
    }
    *region = (struct region){0};
}
