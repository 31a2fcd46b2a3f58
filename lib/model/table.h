/* Figures in rows and columns: one row a size class.
 *
 * A cell that was not read is not known, so that a table cut off half-way
 * never shows a zero.  A dump can have thousands of tables of which most
 * fields are not in its format, so a column exists from its first figure on. */
#ifndef JE_MODEL_TABLE_H
#define JE_MODEL_TABLE_H

#include "base/macros.h"

#include "dump/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_ROWS_MAX 4096 /* no allocator has as many size classes */

#define TABLE_FIELDS_MAX 32

struct table {
    uint32_t rows, capacity;
    uint8_t fields;
    uint8_t columns, width;           /* that exist; that there is room for */
    uint8_t column[TABLE_FIELDS_MAX]; /* of a field, from 1; 0 = none yet */
    uint64_t *values;                 /* `width` a row */
    uint32_t *known;                  /* a bit a field */
    uint32_t *lines;                  /* of the source, 0 = none */
};

void table_init(struct table *table, size_t fields);
void table_free(struct table *table);

/* False when out of memory.  A row beyond the limit is ignored. */
bool table_set(struct table *table, size_t row, size_t field, uint64_t value,
               uint64_t line) __attribute__((warn_unused_result));

/* Set `count` cells of one row. */
bool table_set_row(struct table *table, size_t row,
                   const struct dump_cell *cells, size_t count, uint64_t line)
    __attribute__((warn_unused_result));

/* Whether the cell is known; if so *value is it. */
bool table_get(const struct table *table, size_t row, size_t field,
               uint64_t *value);

/* Make a field unknown in all rows. */
void table_forget(struct table *table, size_t field);

/* The cells of `from` become those of `to`; what `to` had is forgotten. */
void table_move(struct table *table, size_t from, size_t to);

/* Bytes that the table holds. */
size_t table_bytes(const struct table *table);

/* Add the cells of `from`; a cell is known if it is in either.  Fields in
 * `same` have one value for all and are taken, of those in `most` the larger
 * one counts; both by bit. */
bool table_add(struct table *table, const struct table *from, uint32_t same,
               uint32_t most) __attribute__((warn_unused_result));

#endif
