/*
 * Pairing heap: see heap.h for the structure and its invariants.
 */
#include "base/heap.h"

#include "base/assert.h"

/* Join two roots; either may be NULL. The larger key becomes a child. */
static heap_node_t *
heap_meld(heap_node_t *a, heap_node_t *b)
{
    if (a == NULL) {
        return b;
    }
    if (b == NULL) {
        return a;
    }
    if (b->key < a->key) {
        heap_node_t *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child != NULL) {
        a->child->prev = b;
    }
    a->child = b;
    return a;
}

/* Two-pass merge of a sibling list. The first pass leaves the pairs chained
 * through `next` in reverse order, so no recursion and no array is needed. */
static heap_node_t *
heap_merge_siblings(heap_node_t *first)
{
    heap_node_t *pairs = NULL;
    while (first != NULL) {
        heap_node_t *a = first;
        heap_node_t *b = a->next;
        first = b != NULL ? b->next : NULL;
        a->prev = a->next = NULL;
        if (b != NULL) {
            b->prev = b->next = NULL;
        }
        a = heap_meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    heap_node_t *root = NULL;
    while (pairs != NULL) {
        heap_node_t *n = pairs;
        pairs = n->next;
        n->next = NULL;
        root = heap_meld(root, n);
    }
    return root;
}

void
heap_insert(heap_t *h, heap_node_t *n)
{
    n->prev = n->next = n->child = NULL;
    h->root = heap_meld(h->root, n);
}

void
heap_remove(heap_t *h, heap_node_t *n)
{
    heap_node_t *sub = heap_merge_siblings(n->child);
    if (n == h->root) {
        h->root = sub;
        return;
    }
    je_assert(n->prev != NULL);
    if (n->prev->child == n) {
        n->prev->child = n->next;
    } else {
        n->prev->next = n->next;
    }
    if (n->next != NULL) {
        n->next->prev = n->prev;
    }
    if (sub != NULL) {
        sub->prev = sub->next = NULL;
    }
    h->root = heap_meld(h->root, sub);
}
