/* What it means that some figures grew and others did not: for two dumps and
 * for a series. */
#ifndef JE_ANALYSE_VERDICT_H
#define JE_ANALYSE_VERDICT_H

#include "base/macros.h"

#include "analyse/report.h"

/* The figures that are compared, from the outside in. */
#define VERDICT_TOTALS 11
const char *verdict_total_id(size_t index);
const char *verdict_total_what(size_t index);
struct jep_figure verdict_total(const struct jep_summary *summary,
                                size_t index);

/* Less than this is no change: `min_size`, or 1 % of all. */
uint64_t verdict_floor(const struct jep_summary *summary, uint64_t min_size);

/* Of changes with these ids; one that is not in the list is unknown. */
struct jep_verdict verdict_of(const struct jep_change *list, size_t count,
                              uint64_t floor);

/* Whether two allocators count the same things under the same names. */
bool verdict_is_alike(enum jep_allocator a, enum jep_allocator b);

/* The same of two allocators that count differently. */
struct jep_verdict verdict_apart(const struct jep_change *list, size_t count,
                                 uint64_t floor);

#endif
