/* Figures in rows and columns: one row a size class.
 *
 * A cell that was not read is not known, so that a table cut off half-way
 * never shows a zero.  A dump can have thousands of tables, of which each shows
 * a few of many rows and counts mostly zeros: only rows with a figure and
 * columns with one that is not zero take memory, and cells have 32 bits until
 * one needs more. */
#ifndef JE_MODEL_TABLE_H
#define JE_MODEL_TABLE_H

#include "base/macros.h"

#include "dump/sink.h"
#include "model/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_ROWS_MAX 4096 /* no allocator has as many size classes */

#define TABLE_FIELDS_MAX 32

/* A row; `width` cells follow, of 32 or 64 bits. */
struct table_row {
    uint32_t known; /* a bit a field */
    uint32_t line;  /* of the source, 0 = none */
};

struct table {
    uint32_t rows;   /* the greatest that has a figure, + 1 */
    uint32_t in_any; /* fields known in some row */
    uint8_t fields;
    uint8_t columns, width;           /* that exist; that there is room for */
    bool is_wide;                     /* cells have 64 bits */
    uint8_t column[TABLE_FIELDS_MAX]; /* of a field, from 1; 0 = all zeros */
    uint16_t kept, capacity;          /* rows in memory, and with room for */
    uint8_t first_width;              /* of the first row; 0 = what it needs */
    uint16_t first_rows;
    uint32_t slot_count;
    uint16_t *slots; /* where a row is kept, from 1; 0 = it has no figure */
    char *records;
    struct region *region; /* where both are */
};

/* The table lives as long as `region`. */
void table_init(struct table *table, size_t fields, struct region *region);
/* The table will probably be as large as `like`, another arena's. */
void table_expect(struct table *table, const struct table *like);

/* False when out of memory.  A row beyond the limit is ignored. */
bool table_set(struct table *table, size_t row, size_t field, uint64_t value,
               uint64_t line) __attribute__((warn_unused_result));

/* Set the figures of one row. */
bool table_set_row(struct table *table, size_t row,
                   const struct dump_row *figures, uint64_t line)
    __attribute__((warn_unused_result));

/* Whether the cell is known; if so *value is it. */
bool table_get(const struct table *table, size_t row, size_t field,
               uint64_t *value);

/* Bytes of a row; the width of narrow ones is even. */
static inline size_t
table_stride(size_t width, bool is_wide)
{
    return sizeof(struct table_row) +
           width * (is_wide ? sizeof(uint64_t) : sizeof(uint32_t));
}

/* The row that is kept at place `at`. */
static inline struct table_row *
table_record(const struct table *table, size_t at)
{
    return (void *)(table->records +
                    at * table_stride(table->width, table->is_wide));
}

/* NULL = it has no figure. */
static inline const struct table_row *
table_row(const struct table *table, size_t row)
{
    if (row >= table->rows || table->slots[row] == 0)
        return NULL;
    return table_record(table, table->slots[row] - 1u);
}

/* The known fields of a row, by bit. */
static inline uint32_t
table_known(const struct table *table, size_t row)
{
    const struct table_row *from = table_row(table, row);

    return from == NULL ? 0 : from->known;
}

/* Where the row was read; 0 = nowhere. */
static inline uint32_t
table_line(const struct table *table, size_t row)
{
    const struct table_row *from = table_row(table, row);

    return from == NULL ? 0 : from->line;
}

/* In all rows: field `from` is field `to` from now on; `field` is not known. */
void table_rename(struct table *table, size_t from, size_t to);
void table_forget(struct table *table, size_t field);

/* Add the cells of `from`; a cell is known if it is in either.  Fields in
 * `same` have one value for all and are taken, of those in `most` the larger
 * one counts; both by bit. */
bool table_add(struct table *table, const struct table *from, uint32_t same,
               uint32_t most) __attribute__((warn_unused_result));

#endif
