/* Figures in rows and columns: one row a size class.
 *
 * A cell that was not read is not known, so that a table cut off half-way
 * never shows a zero. */
#ifndef JE_MODEL_TABLE_H
#define JE_MODEL_TABLE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_ROWS_MAX 4096 /* no allocator has as many size classes */

struct table {
    size_t rows, capacity;
    size_t fields; /* at most 32 */
    uint64_t *values;
    uint32_t *known; /* a bit a field */
    uint32_t *lines; /* of the source, 0 = none */
};

void table_init(struct table *table, size_t fields);
void table_free(struct table *table);

/* False when out of memory.  A row beyond the limit is ignored. */
bool table_set(struct table *table, size_t row, size_t field, uint64_t value,
               uint64_t line) __attribute__((warn_unused_result));

/* Whether the cell is known; if so *value is it. */
bool table_get(const struct table *table, size_t row, size_t field,
               uint64_t *value);

/* Add the cells of `from`; a cell is known if it is in either.  Fields in
 * `same` have one value for all and are taken, of those in `most` the larger
 * one counts; both by bit. */
bool table_add(struct table *table, const struct table *from, uint32_t same,
               uint32_t most) __attribute__((warn_unused_result));

#endif
