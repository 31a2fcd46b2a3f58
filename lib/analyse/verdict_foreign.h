/* What the change between two dumps of another allocator than jemalloc means.
 */
#ifndef JE_ANALYSE_VERDICT_FOREIGN_H
#define JE_ANALYSE_VERDICT_FOREIGN_H

#include "base/macros.h"

#include "analyse/report.h"

struct foreign_verdict {
    const char *id, *text;
    const char *rule; /* NULL = none */
    bool has_grown;
};

/* By the totals and lines of `diff`.  Less than `floor` bytes is no change. */
struct foreign_verdict foreign_verdict(const struct jep_diff *diff,
                                       enum dump_format format, uint64_t floor);

#endif
