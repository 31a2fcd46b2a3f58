/* Figures in rows and columns: one row a size class. */
#include "model/table.h"

#include <stdlib.h>
#include <string.h>

void
table_init(struct table *table, size_t fields)
{
    *table = (struct table){.fields = fields};
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
table_reserve(struct table *table, size_t rows)
{
    size_t capacity = table->capacity == 0 ? 40 : table->capacity;

    while (capacity < rows)
        capacity *= 2;
    if (capacity != table->capacity) {
        if (!resize((void **)&table->values, capacity * table->fields,
                    sizeof(*table->values)) ||
            !resize((void **)&table->known, capacity, sizeof(*table->known)) ||
            !resize((void **)&table->lines, capacity, sizeof(*table->lines)))
            return false;
        table->capacity = capacity;
    }
    for (; table->rows < rows; table->rows++) {
        table->known[table->rows] = 0;
        table->lines[table->rows] = 0;
    }
    return true;
}

bool
table_set(struct table *table, size_t row, size_t field, uint64_t value,
          uint64_t line)
{
    if (row >= TABLE_ROWS_MAX)
        return true;
    if (row >= table->rows && !table_reserve(table, row + 1))
        return false;
    table->values[row * table->fields + field] = value;
    table->known[row] |= 1u << field;
    if (table->lines[row] == 0)
        table->lines[row] = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    return true;
}

bool
table_get(const struct table *table, size_t row, size_t field, uint64_t *value)
{
    if (row >= table->rows || (table->known[row] >> field & 1) == 0)
        return false;
    *value = table->values[row * table->fields + field];
    return true;
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
