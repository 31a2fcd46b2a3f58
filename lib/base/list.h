/*
 * Intrusive circular doubly linked list.
 *
 * A list head is a link whose neighbours are itself when the list is empty.
 * invariant: l->next->prev == l && l->prev->next == l for every link.
 * No allocation, no locks: the owner of the head guards all of its links.
 */
#ifndef JE_BASE_LIST_H
#define JE_BASE_LIST_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct list_link {
    struct list_link *prev;
    struct list_link *next;
} list_t;

/* The structure of type `type` whose member `member` is the link `l`. */
#define list_entry(l, type, member)                                            \
    ((type *)(void *)((char *)(l)-offsetof(type, member)))

static inline void
list_init(list_t *l)
{
    l->prev = l;
    l->next = l;
}

static inline bool
list_is_empty(const list_t *l)
{
    return l->next == l;
}

static inline void
list_insert_before(list_t *at, list_t *l)
{
    l->prev = at->prev;
    l->next = at;
    at->prev->next = l;
    at->prev = l;
}

static inline void
list_push_front(list_t *head, list_t *l)
{
    list_insert_before(head->next, l);
}

static inline void
list_push_back(list_t *head, list_t *l)
{
    list_insert_before(head, l);
}

static inline void
list_remove(list_t *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

/* The first link, or NULL. */
static inline list_t *
list_first(const list_t *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

#endif
