/*
 * Pairing heap of intrusive nodes, smallest address key first.
 *
 * Used for free extents of one size class: best fit wants the lowest address,
 * and removal from the middle (coalescing) must be cheap. Insert O(1), removal
 * O(log n) amortised. The key is the node's own `key`, set before insertion.
 *
 * invariants: a node's key <= its children's keys; child->prev is the parent
 * for the first child and the left sibling for the others; the root's prev and
 * next are NULL.
 * source: Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap", 1986; the
 * two-pass variant.
 */
#ifndef JE_BASE_HEAP_H
#define JE_BASE_HEAP_H

#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

typedef struct heap_node {
    struct heap_node *prev;
    struct heap_node *next;
    struct heap_node *child;
    uintptr_t key;
} heap_node_t;

typedef struct heap {
    heap_node_t *root;
} heap_t;

#define heap_entry(n, type, member)                                            \
    ((type *)(void *)((char *)(n)-offsetof(type, member)))

static inline heap_node_t *
heap_first(const heap_t *h)
{
    return h->root;
}

void heap_insert(heap_t *h, heap_node_t *n);
void heap_remove(heap_t *h, heap_node_t *n);

#endif
