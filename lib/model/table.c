/* Figures in rows and columns: one row a size class. */
#include "model/table.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS  40
#define FIRST_WIDTH 8

void
table_init(struct table *table, size_t fields)
{
    *table = (struct table){.fields = (uint8_t)fields};
}

void
table_free(struct table *table)
{
    free(table->values);
    free(table->known);
    free(table->lines);
    table_init(table, table->fields);
}

static bool
resize(void **items, size_t count, size_t size)
{
    void *grown = realloc(*items, count * size);

    if (grown != NULL)
        *items = grown;
    return grown != NULL;
}

static bool
grow(struct table *table, size_t rows)
{
    size_t capacity =
        table->capacity == 0 ? FIRST_ROWS : table->capacity * 3u / 2;

    if (capacity < rows)
        capacity = rows;
    if (!resize((void **)&table->values, capacity * table->width,
                sizeof(*table->values)) ||
        !resize((void **)&table->known, capacity, sizeof(*table->known)) ||
        !resize((void **)&table->lines, capacity, sizeof(*table->lines)))
        return false;
    table->capacity = (uint32_t)capacity;
    return true;
}

/* Make the rows up to `rows` exist, empty. */
static bool
rows_reserve(struct table *table, size_t rows)
{
    if (rows > table->capacity && !grow(table, rows))
        return false;
    for (; table->rows < rows; table->rows++) {
        table->known[table->rows] = 0;
        table->lines[table->rows] = 0;
    }
    return true;
}

/* Room for more columns; seldom with more than one row. */
static bool
widen(struct table *table)
{
    size_t width = table->width == 0 ? FIRST_WIDTH : table->width + 8u;
    uint64_t *wide;

    if (width > table->fields)
        width = table->fields;
    if (table->capacity != 0) {
        wide = malloc(table->capacity * width * sizeof(*wide));
        if (wide == NULL)
            return false;
        for (size_t row = 0; row < table->rows; row++)
            memcpy(wide + row * width, table->values + row * table->width,
                   table->columns * sizeof(*wide));
        free(table->values);
        table->values = wide;
    }
    table->width = (uint8_t)width;
    return true;
}

static bool
column_add(struct table *table, size_t field)
{
    if (table->columns == table->width && !widen(table))
        return false;
    table->column[field] = ++table->columns;
    return true;
}

bool
table_set_row(struct table *table, size_t row, const struct dump_cell *cells,
              size_t count, uint64_t line)
{
    uint64_t *values;
    uint32_t known = 0;

    if (row >= TABLE_ROWS_MAX || count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        size_t field = (size_t)cells[i].field;

        if (table->column[field] == 0 && !column_add(table, field))
            return false;
        known |= 1u << field;
    }
    if (row >= table->rows && !rows_reserve(table, row + 1))
        return false;
    values = table->values + row * table->width;
    for (size_t i = 0; i < count; i++)
        values[table->column[cells[i].field] - 1] = cells[i].value;
    table->known[row] |= known;
    if (table->lines[row] == 0)
        table->lines[row] = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    return true;
}

bool
table_set(struct table *table, size_t row, size_t field, uint64_t value,
          uint64_t line)
{
    const struct dump_cell cell = {(int)field, value};

    return table_set_row(table, row, &cell, 1, line);
}

bool
table_get(const struct table *table, size_t row, size_t field, uint64_t *value)
{
    if (row >= table->rows || (table->known[row] >> field & 1) == 0)
        return false;
    *value = table->values[row * table->width + table->column[field] - 1];
    return true;
}

void
table_forget(struct table *table, size_t field)
{
    for (size_t row = 0; row < table->rows; row++)
        table->known[row] &= ~(1u << field);
}

void
table_move(struct table *table, size_t from, size_t to)
{
    uint8_t column = table->column[to];

    table->column[to] = table->column[from];
    table->column[from] = column;
    table_forget(table, to);
    for (size_t row = 0; row < table->rows; row++)
        table->known[row] |= (table->known[row] >> from & 1u) << to;
    table_forget(table, from);
}

size_t
table_bytes(const struct table *table)
{
    return table->capacity * (table->width * sizeof(*table->values) +
                              sizeof(*table->known) + sizeof(*table->lines));
}

bool
table_add(struct table *table, const struct table *from, uint32_t same,
          uint32_t most)
{
    for (size_t row = 0; row < from->rows; row++) {
        for (size_t field = 0; field < from->fields; field++) {
            uint64_t add, have = 0;

            if (!table_get(from, row, field, &add))
                continue;
            (void)table_get(table, row, field, &have);
            if ((same >> field & 1) != 0)
                have = add;
            else if ((most >> field & 1) == 0)
                have += add;
            else if (have < add)
                have = add;
            if (!table_set(table, row, field, have, 0))
                return false;
        }
    }
    return true;
}
