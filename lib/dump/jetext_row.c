/* Rows of jemalloc's tables: from words to figures.
 *
 * Most of a large dump are rows whose words end at the same places as those of
 * the row before.  They are not split: their figures are read where they end.
 * What they mean does not depend on how they were found. */
#include "dump/jetext.h"

#include <ctype.h>
#include <string.h>

const struct jetext_table_kind jetext_tables[] = {
    [TABLE_NONE] = {DUMP_SCOPES, FIELD_NONE, 0},
    [TABLE_SUMS] = {DUMP_SMALL, FIELD_NONE, 1},
    [TABLE_DECAY] = {DUMP_ARENA, FIELD_NONE, 1},
    [TABLE_BINS] = {DUMP_BIN, BIN_INDEX, 0},
    [TABLE_LARGE] = {DUMP_LARGE, LARGE_INDEX, 0},
    [TABLE_EXTENTS] = {DUMP_EXTENT, EXTENT_INDEX, 0},
    [TABLE_LOCKS] = {DUMP_MUTEX, FIELD_NONE, 1},
    [TABLE_HPA] = {DUMP_HPA_SLAB, HPA_SLAB_INDEX, 0},
    [TABLE_TOTALS] = {DUMP_TOTAL, FIELD_NONE, 0},
    [TABLE_LABELS] = {DUMP_SCOPES, FIELD_NONE, 0},
    [TABLE_OTHER] = {DUMP_SCOPES, FIELD_NONE, 0},
};

/* Columns of the decay table are named without saying of which pages. */
static const struct {
    const char *name;
    int dirty, muzzy;
} decays[] = {
    {"time", ARENA_DIRTY_DECAY_MS, ARENA_MUZZY_DECAY_MS},
    {"npages", ARENA_PDIRTY, ARENA_PMUZZY},
    {"sweeps", ARENA_DIRTY_NPURGE, ARENA_MUZZY_NPURGE},
    {"madvises", ARENA_DIRTY_NMADVISE, ARENA_MUZZY_NMADVISE},
    {"purged", ARENA_DIRTY_PURGED, ARENA_MUZZY_PURGED},
};

int
jetext_decay_column(token_t name)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(decays); i++) {
        if (token_is(name, decays[i].name))
            return decays[i].dirty;
    }
    return FIELD_NONE;
}

/* The words of a row: either `values`, or those that end in the line `text` at
 * `ends`. */
struct row {
    token_t label;
    size_t count; /* without the label, if the table's rows have one */
    const token_t *values;
    const char *text;
    const uint16_t *ends;
};

static token_t
row_word(const struct row *row, size_t i)
{
    return row->values != NULL ? row->values[i]
                               : token_before(row->text, row->ends[i]);
}

JE_INLINE bool
row_number(const struct row *row, size_t i, uint64_t *number)
{
    return row->values != NULL
               ? token_number(row->values[i], number)
               : token_number_before(row->text, row->ends[i], number);
}

/* The column that numbers the rows. */
static void
number_row(struct jetext *t, const struct row *row)
{
    uint64_t number;

    if (t->grid.index >= 0 && (size_t)t->grid.index < row->count &&
        row_number(row, (size_t)t->grid.index, &number) && number < INT32_MAX)
        t->grid.row =
            (uint32_t)number +
            (t->grid.table == TABLE_HPA ? HPA_ROW_NONFULL : HPA_ROW_ALL);
}

/* Figures of a row, of one scope. */
struct figures {
    enum dump_scope scope;
    size_t count;
    struct dump_cell cells[TOKENS_MAX];
};

/* The figures of a row that was split. */
static jep_status_t
emit_words(struct jetext *t, enum dump_scope scope, const struct row *row)
{
    struct figures figures[2]; /* the second: of a bin's lock */
    jep_status_t status = JEP_OK;

    figures[0].scope = scope;
    figures[1].scope = DUMP_BIN_MUTEX;
    figures[0].count = figures[1].count = 0;
    for (size_t i = 0; i < row->count && status == JEP_OK; i++) {
        const struct jetext_column *column = &t->grid.columns[i];
        struct figures *to = &figures[column->is_lock];
        uint64_t number;

        if (column->field == FIELD_NONE)
            continue;
        if (token_number(row->values[i], &number))
            to->cells[to->count++] = (struct dump_cell){column->field, number};
        else
            status = jetext_cell(t, to->scope, column->field, row->values[i]);
    }
    for (size_t i = 0; i < 2 && status == JEP_OK; i++) {
        const struct dump_row found = {figures[i].cells, figures[i].count, 0};

        status = jetext_emit_row(t, figures[i].scope, &found);
    }
    return status;
}

/* A word that is no figure, before byte `end`. */
JE_NOINLINE static jep_status_t
emit_odd(struct jetext *t, enum dump_scope scope, int field, size_t end,
         struct dump_row *row)
{
    row->known &= ~(1u << field);
    return jetext_cell(t, scope, field, token_before(t->start, end));
}

/* The figures of one scope of a row like one before: only words that are not
 * "0" are looked at, and the first one, which may end elsewhere. */
static jep_status_t
emit_part(struct jetext *t, enum dump_scope scope,
          const struct jetext_part *part)
{
    const struct jetext_alike *alike = t->grid.alike;
    struct dump_cell cells[TOKENS_MAX + 1], *cell = cells;
    struct dump_row row = {.cells = cells, .known = part->fields};
    size_t end = alike->shape.ends[0];
    jep_status_t status = JEP_OK;

    cell->field = part->first;
    if (part->first != FIELD_NONE) {
        if (token_number_before(t->start, end, &cell->value))
            cell++;
        else
            status = emit_odd(t, scope, part->first, end, &row);
    }
    for (size_t block = 0; block < alike->shape.blocks; block++) {
        uint64_t ends = alike->shape.others[block] & part->wanted[block];

        for (; ends != 0; ends &= ends - 1) {
            end = block * 64 + (size_t)__builtin_ctzll(ends);
            cell->field = alike->field_at[end];
            if (token_number_before(t->start, end, &cell->value))
                cell++;
            else if (status == JEP_OK)
                status = emit_odd(t, scope, cell->field, end, &row);
        }
    }
    row.count = (size_t)(cell - cells);
    return status != JEP_OK ? status : jetext_emit_row(t, scope, &row);
}

static jep_status_t
emit_parts(struct jetext *t, enum dump_scope scope)
{
    const struct jetext_alike *alike = t->grid.alike;
    jep_status_t status = emit_part(t, scope, &alike->own);

    return status != JEP_OK || alike->lock.fields == 0
               ? status
               : emit_part(t, DUMP_BIN_MUTEX, &alike->lock);
}

static jep_status_t
emit_row(struct jetext *t, enum dump_scope scope, const struct row *row)
{
    jep_status_t status;

    number_row(t, row);
    status =
        row->values != NULL ? emit_words(t, scope, row) : emit_parts(t, scope);
    t->grid.row++;
    return status;
}

static jep_status_t
emit_sums(struct jetext *t, const struct row *row)
{
    bool is_huge = token_is(row->label, "huge:");
    enum dump_scope scope =
        token_is(row->label, "small:") ? DUMP_SMALL : DUMP_LARGE_SUM;
    jep_status_t status = JEP_OK;

    for (size_t i = 0; i < row->count && status == JEP_OK; i++) {
        int field = t->grid.columns[i].field;
        uint64_t number;

        if (field == FIELD_NONE)
            continue;
        if (!row_number(row, i, &number)) {
            status = jetext_cell(t, scope, field, row_word(row, i));
            continue;
        }
        /* Before 5.0 large size classes were in two tables. */
        if (is_huge)
            number += t->large[field];
        else if (scope == DUMP_LARGE_SUM)
            t->large[field] = number;
        status = jetext_emit(t, scope, field, number);
    }
    return status;
}

static jep_status_t
emit_decay(struct jetext *t, const struct row *row)
{
    bool is_muzzy = token_is(row->label, "muzzy:");
    jep_status_t status = JEP_OK;

    for (size_t i = 0; i < row->count && status == JEP_OK; i++) {
        int field = t->grid.columns[i].field;

        for (size_t k = 0; is_muzzy && k < JE_ARRAY_LEN(decays); k++) {
            if (decays[k].dirty == field) {
                field = decays[k].muzzy;
                break;
            }
        }
        /* Merged arenas have no one time; a single one without has none. */
        if (t->arena >= 0 && token_is(row_word(row, i), "N/A"))
            status = jetext_emit(t, DUMP_ARENA, field, DECAY_NEVER);
        else if (field != FIELD_NONE)
            status = jetext_cell(t, DUMP_ARENA, field, row_word(row, i));
    }
    return status;
}

/* The lock of a row's label, FIELD_NONE = there is none.  Most often it is the
 * one after that of the row before. */
static int
lock_of(const struct jetext *t, token_t label)
{
    if (token_ends(label, ':'))
        label.length--;
    return field_lock(label.text, label.length, t->grid.row);
}

/* Locks of the process come before those of arenas. */
static jep_status_t
emit_lock(struct jetext *t, const struct row *row)
{
    int lock = lock_of(t, row->label);

    if (lock == FIELD_NONE)
        return JEP_OK;
    t->grid.row = (uint32_t)lock;
    return emit_row(t, lock < LOCK_LARGE ? DUMP_MUTEX : DUMP_ARENA_MUTEX, row);
}

static jep_status_t
emit(struct jetext *t, const struct row *row)
{
    switch (t->grid.table) {
    case TABLE_SUMS:
        return token_is(row->label, "total:") ? JEP_OK : emit_sums(t, row);
    case TABLE_DECAY:
        return emit_decay(t, row);
    case TABLE_LOCKS:
        return emit_lock(t, row);
    default:
        return emit_row(t, jetext_tables[t->grid.table].scope, row);
    }
}

jep_status_t
jetext_emit_words(struct jetext *t, const token_t *tokens,
                  const token_t *values, size_t count)
{
    const struct row row = {
        .label = tokens[0], .count = count, .values = values};

    return emit(t, &row);
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
jetext_is_labelled(const struct jetext *t, const token_t *tokens, size_t count)
{
    token_t label = tokens[0];

    switch (t->grid.table) {
    case TABLE_SUMS:
        return token_is(label, "small:") || token_is(label, "large:") ||
               token_is(label, "huge:") || token_is(label, "total:");
    case TABLE_DECAY:
        return token_is(label, "dirty:") || token_is(label, "muzzy:");
    case TABLE_LOCKS:
        return count > 2 && is_digit(tokens[1].text[0]) &&
               is_digit(tokens[2].text[0]);
    case TABLE_TOTALS:
        return token_is(label, "|");
    default:
        return false;
    }
}

/* Whether the row that starts with `first` is of the table that is open: what
 * jetext_row() would find after splitting it. */
static bool
is_row(const struct jetext *t, token_t first)
{
    const struct token_shape *shape = &t->grid.alike->shape;
    size_t labels = jetext_tables[t->grid.table].labels;
    token_t words[3] = {first};
    uint64_t number;

    if (labels == 0)
        return is_digit(first.text[0]);
    if (shape->count <= 2)
        return false;
    /* Only of locks the name itself says nothing of the table. */
    if (t->grid.table == TABLE_LOCKS &&
        token_number_before(t->start, shape->ends[1], &number) &&
        token_number_before(t->start, shape->ends[2], &number))
        return lock_of(t, first) != FIELD_NONE;
    for (size_t i = 1; i < JE_ARRAY_LEN(words); i++)
        words[i] = token_before(t->start, shape->ends[i]);
    return is_digit(words[1].text[0]) &&
           jetext_is_labelled(t, words, shape->count) &&
           (t->grid.table != TABLE_LOCKS || lock_of(t, first) != FIELD_NONE);
}

jep_status_t
jetext_row_alike(struct jetext *t, bool *is_read)
{
    struct jetext_alike *alike = t->grid.alike;
    struct row row;
    token_t first;
    size_t labels;

    *is_read = alike != NULL && t->grid.table != TABLE_NONE &&
               t->wrap_width == 0 &&
               token_shape_fits(&alike->shape, t->start, t->length, &first);
    if (!*is_read)
        return JEP_OK;
    labels = jetext_tables[t->grid.table].labels;
    *is_read = t->line_ended && t->is_open && !t->is_joined && !t->is_final &&
               alike->shape.count == t->grid.count + labels && is_row(t, first);
    if (!*is_read)
        return JEP_OK;
    t->evidence += TEXT_WEAK;
    row = (struct row){.label = first,
                       .count = t->grid.count,
                       .text = t->start,
                       .ends = alike->shape.ends + labels};
    return emit(t, &row);
}

/* Where the figures of rows are. */
static void
keep_parts(struct jetext_alike *alike, const struct jetext_grid *grid)
{
    size_t labels = jetext_tables[grid->table].labels;

    alike->own = (struct jetext_part){grid->fields, FIELD_NONE, {0}};
    alike->lock = (struct jetext_part){grid->lock_fields, FIELD_NONE, {0}};
    for (size_t i = 0; i < grid->count && i + labels < alike->shape.count;
         i++) {
        const struct jetext_column *column = &grid->columns[i];
        struct jetext_part *part = column->is_lock ? &alike->lock : &alike->own;
        size_t end = alike->shape.ends[i + labels];

        if (column->field == FIELD_NONE)
            continue;
        alike->field_at[end] = (uint8_t)column->field;
        if (i + labels == 0)
            part->first = column->field;
        else
            part->wanted[end / 64] |= UINT64_C(1) << end % 64;
    }
}

void
jetext_row_keep(struct jetext *t, const token_t *tokens, size_t count)
{
    struct jetext_alike *alike = t->grid.alike;
    bool has_shape = t->grid.table != TABLE_TOTALS && !t->grid.is_guess &&
                     t->line_ended && !t->is_joined && !t->is_final;

    if (alike == NULL || !has_shape)
        return;
    token_shape_take(&alike->shape, t->start, t->length, tokens, count);
    keep_parts(alike, &t->grid);
}
