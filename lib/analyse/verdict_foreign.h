/* What the change between two dumps of another allocator than jemalloc means.
 */
#ifndef JE_ANALYSE_VERDICT_FOREIGN_H
#define JE_ANALYSE_VERDICT_FOREIGN_H

#include "base/macros.h"

#include "analyse/report.h"

/* By the totals and lines of `diff`.  Less than `floor` bytes is no change. */
struct jep_verdict foreign_verdict(const struct jep_diff *diff,
                                   enum dump_format format, uint64_t floor);

#endif
