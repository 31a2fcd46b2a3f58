/* Figures in rows and columns: one row a size class. */
#include "model/table.h"

#include <string.h>

#define FIRST_ROWS  8
#define FIRST_SLOTS 40

void
table_init(struct table *table, size_t fields, struct region *region)
{
    *table = (struct table){
        .fields = (uint8_t)fields, .first_rows = FIRST_ROWS, .region = region};
}

void
table_expect(struct table *table, const struct table *like)
{
    table->first_width = (uint8_t)(like->columns + like->columns % 2);
    if (like->kept > 0)
        table->first_rows = like->kept;
}

static uint64_t
cell_get(const struct table *table, const struct table_row *row, size_t column)
{
    const void *cells = row + 1;

    return table->is_wide ? ((const uint64_t *)cells)[column]
                          : ((const uint32_t *)cells)[column];
}

static void
cell_set(const struct table *table, struct table_row *row, size_t column,
         uint64_t value)
{
    void *cells = row + 1;

    if (table->is_wide)
        ((uint64_t *)cells)[column] = value;
    else
        ((uint32_t *)cells)[column] = (uint32_t)value;
}

/* Make room for `capacity` rows.  Those that are not used yet are empty. */
static bool
grow(struct table *table, size_t capacity)
{
    size_t size = table_stride(table->width, table->is_wide);
    char *records = region_grow(table->region, table->records,
                                table->capacity * size, capacity * size);

    if (records == NULL)
        return false;
    memset(records + table->capacity * size, 0,
           (capacity - table->capacity) * size);
    table->records = records;
    table->capacity = (uint16_t)capacity;
    return true;
}

/* Give the rows more cells, or wider ones. */
static bool
reshape(struct table *table, size_t width, bool is_wide)
{
    size_t size = table->capacity * table_stride(width, is_wide);
    struct table to = *table;

    to.width = (uint8_t)width;
    to.is_wide = is_wide;
    to.records = region_alloc(table->region, size);
    if (to.records == NULL)
        return false;
    memset(to.records, 0, size);
    for (size_t at = 0; at < table->kept; at++) {
        const struct table_row *old = table_record(table, at);
        struct table_row *new = table_record(&to, at);

        *new = *old;
        for (size_t column = 0; column < table->columns; column++)
            cell_set(&to, new, column, cell_get(table, old, column));
    }
    region_release(table->region, table->records,
                   table->capacity *
                       table_stride(table->width, table->is_wide));
    *table = to;
    return true;
}

static bool
slots_reserve(struct table *table, size_t rows)
{
    size_t count =
        table->slot_count == 0 ? FIRST_SLOTS : table->slot_count * 3u / 2;
    uint16_t *slots;

    if (rows <= table->slot_count)
        return true;
    if (count < rows)
        count = rows;
    slots =
        region_grow(table->region, table->slots,
                    table->slot_count * sizeof(*slots), count * sizeof(*slots));
    if (slots == NULL)
        return false;
    memset(slots + table->slot_count, 0,
           (count - table->slot_count) * sizeof(*slots));
    table->slots = slots;
    table->slot_count = (uint32_t)count;
    return true;
}

/* The place of a row, made if it is new; *at. */
static bool
row_make(struct table *table, size_t row, size_t *at)
{
    if (row < table->rows && table->slots[row] != 0) {
        *at = table->slots[row] - 1u;
        return true;
    }
    if (!slots_reserve(table, row + 1))
        return false;
    if (table->capacity == 0)
        table->width = table->first_width;
    if (table->kept == table->capacity &&
        !grow(table, table->capacity == 0 ? table->first_rows
                                          : table->capacity * 5u / 4 + 2))
        return false;
    *at = table->kept++;
    table->slots[row] = table->kept;
    if (table->rows <= row)
        table->rows = (uint32_t)row + 1;
    return true;
}

/* A column for the field of cells[0], and room for those of the others. */
static bool
column_add(struct table *table, const struct dump_cell *cells, size_t count)
{
    size_t width = table->width;

    if (table->columns == width) {
        for (size_t i = 0; i < count; i++)
            width += cells[i].value != 0 && table->column[cells[i].field] == 0;
        if (width < table->first_width)
            width = table->first_width;
        if (!reshape(table, width + width % 2, table->is_wide))
            return false;
    }
    table->column[cells[0].field] = ++table->columns;
    return true;
}

/* Set cells[0] of the row at place `at`, for which there is no column yet or
 * whose value is too large for it; others of `cells` may follow. */
JE_NOINLINE static bool
cell_make(struct table *table, size_t at, const struct dump_cell *cells,
          size_t count)
{
    size_t field = (size_t)cells[0].field;

    if (table->column[field] == 0 && !column_add(table, cells, count))
        return false;
    if (cells[0].value > UINT32_MAX && !table->is_wide &&
        !reshape(table, table->width, true))
        return false;
    cell_set(table, table_record(table, at), table->column[field] - 1u,
             cells[0].value);
    return true;
}

/* Set the cells of `fields` to zero, those that have a column. */
static void
cells_clear(const struct table *table, struct table_row *row, uint32_t fields)
{
    for (; fields != 0; fields &= fields - 1) {
        size_t column = table->column[__builtin_ctz(fields)];

        if (column != 0)
            cell_set(table, row, column - 1u, 0);
    }
}

/* The cells of a row, unless they are wide. */
static uint32_t *
narrow_cells(const struct table *table, struct table_row *row)
{
    return table->is_wide ? NULL : (uint32_t *)(void *)(row + 1);
}

/* Set cells of the row `to`, which is at place `at`, and may move: where it is,
 * NULL when out of memory. */
static struct table_row *
cells_set(struct table *table, size_t at, struct table_row *to,
          const struct dump_row *figures)
{
    const struct dump_cell *end = figures->cells + figures->count;
    uint32_t *narrow = narrow_cells(table, to), fields = figures->known;

    for (const struct dump_cell *cell = figures->cells; cell < end; cell++) {
        size_t column = table->column[cell->field];

        fields |= 1u << cell->field;
        if (column != 0 && cell->value <= UINT32_MAX && narrow != NULL) {
            narrow[column - 1] = (uint32_t)cell->value;
        } else if (column != 0 && table->is_wide) {
            cell_set(table, to, column - 1, cell->value);
        } else if (cell->value != 0) {
            if (!cell_make(table, at, cell, (size_t)(end - cell)))
                return NULL;
            to = table_record(table, at);
            narrow = narrow_cells(table, to);
        }
    }
    table->in_any |= fields;
    to->known |= fields;
    return to;
}

bool
table_set_row(struct table *table, size_t row, const struct dump_row *figures,
              uint64_t line)
{
    struct table_row *to;
    size_t at;

    if (row >= TABLE_ROWS_MAX || (figures->count == 0 && figures->known == 0))
        return true;
    if (!row_make(table, row, &at))
        return false;
    to = table_record(table, at);
    /* A new row is all zeros. */
    if ((to->known & figures->known) != 0)
        cells_clear(table, to, figures->known);
    to = cells_set(table, at, to, figures);
    if (to != NULL && to->line == 0)
        to->line = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    return to != NULL;
}

bool
table_set(struct table *table, size_t row, size_t field, uint64_t value,
          uint64_t line)
{
    const struct dump_cell cell = {(int)field, value};

    return table_set_row(table, row, &(struct dump_row){&cell, 1, 0}, line);
}

bool
table_get(const struct table *table, size_t row, size_t field, uint64_t *value)
{
    const struct table_row *from = table_row(table, row);

    if (from == NULL || (from->known >> field & 1) == 0)
        return false;
    *value = table->column[field] == 0
                 ? 0
                 : cell_get(table, from, table->column[field] - 1u);
    return true;
}

void
table_rename(struct table *table, size_t from, size_t to)
{
    table->column[to] = table->column[from];
    table->column[from] = 0;
    table->in_any |= 1u << to;
    for (size_t at = 0; at < table->kept; at++) {
        uint32_t *known = &table_record(table, at)->known;

        *known &= ~(1u << to);
        *known |= (*known >> from & 1) << to;
        *known &= ~(1u << from);
    }
}

void
table_forget(struct table *table, size_t field)
{
    table->column[field] = 0;
    for (size_t at = 0; at < table->kept; at++)
        table_record(table, at)->known &= ~(1u << field);
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
