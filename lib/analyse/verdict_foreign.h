/* What the change between two dumps of another allocator than jemalloc means.
 */
#ifndef JE_ANALYSE_VERDICT_FOREIGN_H
#define JE_ANALYSE_VERDICT_FOREIGN_H

#include "base/macros.h"

#include "analyse/report.h"

/* What the lines of a ledger come to, by kind; unknown = it has no such line.
 */
void foreign_parts(const struct jep_ledger *ledger,
                   struct jep_figure parts[JEP_PARTS]);

/* Whether what the two moments are made of can be compared. */
bool foreign_fits(const struct jep_moment *a, const struct jep_moment *b);

/* By the changes of the parts, and of the totals in `list`.  Less than `floor`
 * bytes is no change.  Its figure may be that of a part, see foreign_part_id.
 */
struct jep_verdict foreign_verdict(const int64_t parts[JEP_PARTS],
                                   const struct jep_change *list, size_t count,
                                   enum jep_allocator allocator,
                                   uint64_t floor);

/* Name and title of a part that is no total of a summary; NULL = it is one. */
const char *foreign_part_id(enum jep_part part);
const char *foreign_part_what(enum jep_part part);

#endif
