/* Whom memory is for, by the program's own account. */
#ifndef JE_MODEL_OWNERS_H
#define JE_MODEL_OWNERS_H

#include "base/macros.h"

#include "dump/sink.h"

/* Labels of our allocator end at 65,535; entries of one owner add up, so there
 * may be some more of them. */
#define OWNERS_MAX 262144

struct owners {
    struct dump_owner *list;
    size_t count, capacity;
    bool is_full; /* some were left out */
};

/* Owners are the same if the pointers to their ids are.  False when out of
 * memory. */
bool owners_add(struct owners *owners, const struct dump_owner *owner)
    __attribute__((warn_unused_result));

/* Everything was read: one entry for each. */
void owners_merge(struct owners *owners);

void owners_free(struct owners *owners);

#endif
