/* Numbers for things that repeat, and text that lives as long as its pool.
 *
 * Each kind of number is a type of its own, so that a stack cannot be used
 * where a frame is meant.  All functions that allocate say so by failing. */
#ifndef JE_MODEL_INTERN_H
#define JE_MODEL_INTERN_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct frame_id {
    uint32_t index;
} frame_id_t;

typedef struct stack_id {
    uint32_t index;
} stack_id_t;

/* Addresses in the order of their first appearance.  Zero-initialised. */
struct intern_addresses {
    uint64_t *addresses;
    size_t count, capacity;
    uint32_t *slots; /* index + 1, 0 = empty; a power of two of them */
    size_t slot_count;
};

bool intern_address(struct intern_addresses *set, uint64_t address,
                    frame_id_t *id) __attribute__((warn_unused_result));
void intern_addresses_free(struct intern_addresses *set);

/* Text without duplicates.  Zero-initialised. */
struct intern_text {
    char **texts;
    size_t count, capacity;
    uint32_t *slots;
    size_t slot_count;
};

/* The pool's own copy, or NULL when out of memory. */
const char *intern_text(struct intern_text *pool, const char *text)
    __attribute__((warn_unused_result));
void intern_text_free(struct intern_text *pool);

/* Make room for one more of `size` bytes in `*items`, doubling. */
bool intern_grow(void **items, size_t *capacity, size_t count, size_t size)
    __attribute__((warn_unused_result));

#endif
