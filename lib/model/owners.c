/* Whom memory is for, by the program's own account. */
#include "model/owners.h"

#include "model/intern.h"

#include <stdlib.h>

bool
owners_add(struct owners *owners, const struct dump_owner *owner)
{
    if (!intern_grow((void **)&owners->list, &owners->capacity, owners->count,
                     sizeof(*owner)))
        return false;
    owners->list[owners->count++] = *owner;
    return true;
}

static int
owner_order(const void *a, const void *b)
{
    const struct dump_owner *x = a, *y = b;
    uintptr_t ours = (uintptr_t)x->id, theirs = (uintptr_t)y->id;

    return (ours > theirs) - (ours < theirs);
}

/* Without one of its parts, or too large, a sum is not known. */
static void
add(struct dump_owner *to, const struct dump_owner *from)
{
    for (unsigned i = 0; i < OWNER_COUNT; i++) {
        if (__builtin_add_overflow(to->figures[i], from->figures[i],
                                   &to->figures[i]))
            to->known &= ~(1u << i);
    }
    to->known &= from->known;
    if (to->name == NULL)
        to->name = from->name;
    if (to->line > from->line)
        to->line = from->line;
}

void
owners_merge(struct owners *owners)
{
    size_t out = 0;

    if (owners->count > 0)
        qsort(owners->list, owners->count, sizeof(*owners->list), owner_order);
    for (size_t i = 0; i < owners->count; i++) {
        if (out > 0 && owners->list[out - 1].id == owners->list[i].id)
            add(&owners->list[out - 1], &owners->list[i]);
        else
            owners->list[out++] = owners->list[i];
    }
    owners->count = out;
}

void
owners_free(struct owners *owners)
{
    free(owners->list);
    *owners = (struct owners){0};
}
