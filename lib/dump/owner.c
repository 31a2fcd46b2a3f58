/* What every reader of owners checks. */
#include "dump/owner.h"

/* More than any address space. */
#define BYTES_MOST ((uint64_t)1 << 57)

static bool
is_above(const struct dump_owner *owner, enum owner_field part,
         enum owner_field whole)
{
    return (owner->known >> part & owner->known >> whole & 1) != 0 &&
           owner->figures[part] > owner->figures[whole];
}

const char *
owner_fault(const struct dump_owner *owner)
{
    if (owner->figures[OWNER_LIVE_BYTES] > BYTES_MOST)
        return "has more bytes than can be";
    if (is_above(owner, OWNER_LIVE_BYTES, OWNER_TOTAL_BYTES) ||
        is_above(owner, OWNER_LIVE_OBJECTS, OWNER_TOTAL_OBJECTS))
        return "has more that lives than it ever had";
    return NULL;
}
