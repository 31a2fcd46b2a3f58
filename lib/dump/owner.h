/* What every reader of owners checks. */
#ifndef JE_DUMP_OWNER_H
#define JE_DUMP_OWNER_H

#include "base/macros.h"

#include "dump/sink.h"

/* What makes the figures of one owner impossible; NULL = nothing. */
const char *owner_fault(const struct dump_owner *owner);

#endif
