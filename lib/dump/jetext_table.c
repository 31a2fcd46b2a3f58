/* Tables of jemalloc's text: what their columns are, and the rows.
 *
 * A heading names the columns.  Where it is missing, the layouts that versions
 * are known to have are tried by their number of columns, and the figures of a
 * row must fit exactly one kind of table: bytes are objects times size. */
#include "dump/jetext.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Headings that versions write over tables of size classes; "-" is a column
 * that is not read, such as a rate. */
#define BINS_4                                                                 \
    "size ind allocated nmalloc ndalloc nrequests curregs curslabs regs pgs "  \
    "util nfills nflushes nslabs nreslabs"
#define BINS_520                                                               \
    "size ind allocated nmalloc - ndalloc - nrequests - nshards curregs "      \
    "curslabs regs pgs util nfills - nflushes - nslabs nreslabs -"
#define BINS_521                                                               \
    "size ind allocated nmalloc - ndalloc - nrequests - nshards curregs "      \
    "curslabs nonfull_slabs regs pgs util nfills - nflushes - nslabs "         \
    "nreslabs -"
#define LOCK_50                                                                \
    " n_lock_ops n_waiting n_spin_acq n_owner_switch total_wait_ns "           \
    "max_wait_ns max_n_thds"
#define LOCK_52                                                                \
    " n_lock_ops - n_waiting - n_spin_acq - n_owner_switch - total_wait_ns "   \
    "- max_wait_ns max_n_thds"
#define BATCHES " - - - - - - - -"

static const struct layout {
    enum jetext_table table;
    const char *columns;
} layouts[] = {
    /* 3.0-3.6 */
    {TABLE_BINS, "bin size regs pgs allocated nmalloc ndalloc nrequests nfills "
                 "nflushes nslabs nreslabs curslabs"},
    {TABLE_LARGE, "size pages nmalloc ndalloc nrequests curlextents"},
    /* 4.0-5.1 */
    {TABLE_BINS, BINS_4},
    {TABLE_LARGE, "size ind allocated nmalloc ndalloc nrequests curlextents"},
    /* 5.0, 5.1 */
    {TABLE_BINS, BINS_4 LOCK_50},
    /* 5.2.0 */
    {TABLE_BINS, BINS_520},
    {TABLE_BINS, BINS_520 LOCK_52},
    /* 5.2.1-5.3.0 */
    {TABLE_BINS, BINS_521},
    {TABLE_BINS, BINS_521 LOCK_52},
    {TABLE_LARGE,
     "size ind allocated nmalloc - ndalloc - nrequests - curlextents"},
    {TABLE_EXTENTS,
     "size ind ndirty dirty nmuzzy muzzy nretained retained ntotal total"},
    /* after 5.3.0 */
    {TABLE_BINS, BINS_521 BATCHES},
    {TABLE_BINS, BINS_521 BATCHES LOCK_52},
    {TABLE_EXTENTS, "size ind ndirty dirty nmuzzy muzzy nretained retained "
                    "npinned pinned ntotal total"},
};

/* Columns that are known and not read. */
static const char *const unread[] = {"-",      "(#/sec)", "util", "pages",
                                     "ntotal", "total",   "|"};

/* The column of that name.  False: nobody knows it. */
static bool
column_find(enum jetext_table table, token_t name, struct jetext_column *column)
{
    *column = (struct jetext_column){.field = FIELD_NONE};
    if (jetext_tables[table].scope == DUMP_SCOPES)
        return false;
    for (size_t i = 0; i < JE_ARRAY_LEN(unread); i++) {
        if (token_is(name, unread[i]))
            return true;
    }
    if (table != TABLE_DECAY)
        column->field = (int16_t)jetext_label(jetext_tables[table].scope, name);
    else
        column->field = (int16_t)jetext_decay_column(name);
    if (column->field == FIELD_NONE && table == TABLE_BINS) {
        column->field = (int16_t)jetext_label(DUMP_MUTEX, name);
        column->is_lock = column->field != FIELD_NONE;
    }
    return column->field != FIELD_NONE;
}

bool
jetext_is_column(const struct jetext *t, token_t name)
{
    struct jetext_column column;

    return column_find(t->grid.table, name, &column);
}

/* Start a table with the columns tokens[first…] of the line at `start`. */
static void
table_begin(struct jetext *t, enum jetext_table table, const char *start,
            const token_t *tokens, size_t first, size_t count)
{
    t->grid.table = table;
    t->grid.count = t->grid.fields = t->grid.lock_fields = 0;
    t->grid.index = -1;
    t->grid.row = 0;
    t->grid.warned = t->grid.is_guess = false;
    t->grid.alike = NULL;
    for (size_t i = first; i < count; i++) {
        struct jetext_column *column = &t->grid.columns[t->grid.count];

        (void)column_find(table, tokens[i], column);
        if (start != NULL)
            column->end =
                (uint32_t)((size_t)(tokens[i].text - start) + tokens[i].length);
        if (!column->is_lock && column->field != FIELD_NONE &&
            column->field == jetext_tables[table].index)
            t->grid.index = (int)t->grid.count;
        if (column->field != FIELD_NONE && column->is_lock)
            t->grid.lock_fields |= 1u << column->field;
        else if (column->field != FIELD_NONE)
            t->grid.fields |= 1u << column->field;
        t->grid.count++;
    }
}

void
jetext_table_begin(struct jetext *t, enum jetext_table table)
{
    table_begin(t, table, NULL, NULL, 0, 0);
}

static bool
has(const token_t *tokens, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (token_is(tokens[i], name))
            return true;
    }
    return false;
}

/* What a heading is over, by its title or, where that was cut off, by columns
 * that only this kind of table has.  *first: where the columns start. */
static enum jetext_table
heading_kind(const token_t *tokens, size_t count, size_t *first)
{
    static const struct {
        const char *title, *start, *other;
        enum jetext_table table;
    } kinds[] = {
        {"bins:", "size", "regs", TABLE_BINS},
        {"bins:", "bin", "regs", TABLE_BINS},
        {"large:", "size", "curlextents", TABLE_LARGE},
        {"large:", "size", "curruns", TABLE_LARGE},
        {"huge:", "size", "curhchunks", TABLE_LARGE},
        {"extents:", "size", "ndirty", TABLE_EXTENTS},
        {"decaying:", "time", "npages", TABLE_DECAY},
        {NULL, "allocated", "nmalloc", TABLE_SUMS},
        {NULL, "n_lock_ops", "n_waiting", TABLE_LOCKS},
        {NULL, "size", "npageslabs_huge", TABLE_HPA},
        {"huge:", "nmalloc", "ndalloc", TABLE_OTHER},
        {"chunks:", "nchunks", "highchunks", TABLE_OTHER},
    };

    for (size_t i = 0; i < JE_ARRAY_LEN(kinds); i++) {
        bool is_titled =
            kinds[i].title != NULL && token_is(tokens[0], kinds[i].title);

        *first = is_titled ? 1 : 0;
        if (*first < count && token_is(tokens[*first], kinds[i].start) &&
            (is_titled || has(tokens, count, kinds[i].other)))
            return kinds[i].table;
    }
    return TABLE_NONE;
}

/* "| ALLOCATED | ACTIVE | …", as a server answers a query.  At least three of
 * the totals and nothing else. */
static bool
is_totals_heading(const token_t *tokens, size_t count)
{
    struct jetext_column column;
    size_t known = 0;

    for (size_t i = 0; i < count; i++) {
        if (token_is(tokens[i], "|"))
            continue;
        if (!column_find(TABLE_TOTALS, tokens[i], &column))
            return false;
        known++;
    }
    return known >= 3;
}

/* The words of "| 1 | 2 |" without the lines between them. */
static size_t
without_bars(const token_t *tokens, size_t count, token_t *to)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (!token_is(tokens[i], "|"))
            to[n++] = tokens[i];
    }
    return n;
}

/* A second table of bins in what has no heading is of another dump. */
static jep_status_t
heading_need(struct jetext *t, enum jetext_table table)
{
    bool is_new = table == TABLE_BINS && t->has_bins && t->is_open &&
                  t->arena == DUMP_ARENA_FRAGMENT && !t->is_joined;
    jep_status_t status = is_new ? jetext_begin(t) : jetext_need(t, TEXT_SURE);

    t->has_bins |= table == TABLE_BINS;
    return status;
}

/* Whether a heading has a name for each word of a row: nothing of it can be in
 * the next line. */
static bool
is_whole(const struct jetext_grid *grid)
{
    return grid->alike != NULL && grid->alike->shape.count > 0 &&
           grid->alike->shape.count ==
               grid->count + jetext_tables[grid->table].labels;
}

/* A heading like one before. */
jep_status_t
jetext_heading_again(struct jetext *t, bool *is_heading)
{
    const struct jetext_grid *grid = jetext_recall_heading(t);
    jep_status_t status;

    *is_heading = grid != NULL;
    if (grid == NULL)
        return JEP_OK;
    status = heading_need(t, grid->table);
    memcpy(&t->grid, grid,
           offsetof(struct jetext_grid, columns) +
               grid->count * sizeof(grid->columns[0]));
    if (!is_whole(grid))
        jetext_hold(t, HELD_HEADING);
    return status;
}

jep_status_t
jetext_heading(struct jetext *t, const token_t *tokens, size_t count,
               bool *is_heading)
{
    enum jetext_table table = TABLE_NONE;
    token_t plain[TOKENS_MAX];
    jep_status_t status;
    size_t first = 0;

    *is_heading = false;
    if (count < 2 || isdigit((unsigned char)tokens[1].text[0]))
        return JEP_OK;
    if (strchr("bleahdnsct", tokens[0].text[0]) != NULL)
        table = heading_kind(tokens, count, &first);
    if (table == TABLE_NONE && strchr("|AaMmRr", tokens[0].text[0]) != NULL &&
        is_totals_heading(tokens, count))
        table = TABLE_TOTALS;
    if (table == TABLE_NONE)
        return JEP_OK;
    if (table == TABLE_TOTALS) {
        count = without_bars(tokens, count, plain);
        tokens = plain;
    }
    *is_heading = true;
    status = heading_need(t, table);
    table_begin(t, table, t->is_joined ? NULL : t->start, tokens, first, count);
    if (!t->is_joined)
        jetext_keep_heading(t);
    jetext_hold(t, HELD_HEADING);
    return status;
}

/* The figure of a column by its field; 0 where there is none. */
static uint64_t
value_of(const struct jetext *t, const token_t *values, int field)
{
    uint64_t value = 0;

    for (size_t i = 0; i < t->grid.count; i++) {
        if (!t->grid.columns[i].is_lock && t->grid.columns[i].field == field)
            return token_number(values[i], &value) ? value : 0;
    }
    return 0;
}

/* Whether a row is what its table's columns say; *objects: how many it has. */
static bool
row_fits(const struct jetext *t, const token_t *values, uint64_t *objects)
{
    bool is_bins = t->grid.table == TABLE_BINS;
    uint64_t size = value_of(t, values, BIN_SIZE);
    uint64_t bytes = value_of(t, values, BIN_ALLOCATED);
    uint64_t count =
        value_of(t, values, is_bins ? (int)BIN_CURREGS : (int)LARGE_CUREXTENTS);

    /* The figures of a row are looked up by one name. */
    _Static_assert((int)BIN_SIZE == (int)LARGE_SIZE &&
                       (int)BIN_SIZE == (int)EXTENT_SIZE &&
                       (int)BIN_ALLOCATED == (int)LARGE_ALLOCATED,
                   "size classes start with the same fields");
    *objects = count;
    if (size == 0 || size % (t->grid.table == TABLE_BINS ? 8 : 4096) != 0)
        return false;
    if (t->grid.table == TABLE_EXTENTS) {
        count = value_of(t, values, EXTENT_NDIRTY) +
                value_of(t, values, EXTENT_NMUZZY) +
                value_of(t, values, EXTENT_NRETAINED);
        bytes = value_of(t, values, EXTENT_DIRTY) +
                value_of(t, values, EXTENT_MUZZY) +
                value_of(t, values, EXTENT_RETAINED);
        *objects = count;
        return count > 0 && bytes >= count;
    }
    if (is_bins && t->grid.index == 0) { /* 3.x */
        *objects = bytes / size;
        return bytes % size == 0 &&
               bytes / size <= value_of(t, values, BIN_CURSLABS) *
                                   value_of(t, values, BIN_NREGS);
    }
    if (t->grid.index < 0) /* 3.x */
        return count == value_of(t, values, LARGE_NMALLOC) -
                            value_of(t, values, LARGE_NDALLOC);
    return count <= UINT64_MAX / size && bytes == count * size;
}

/* Make `layout` the table if it has `count` columns. */
static bool
layout_try(struct jetext *t, const struct layout *layout, size_t count)
{
    token_t columns[TOKENS_MAX];
    size_t n = token_split(layout->columns, strlen(layout->columns), columns,
                           TOKENS_MAX);

    if (n == count)
        table_begin(t, layout->table, NULL, columns, 0, n);
    return n == count;
}

/* Find the layout of a row without heading and make it the table, unless it is
 * of the kind that the table is: that one has a heading.  False: none fits, or
 * several do. */
static bool
layout_find(struct jetext *t, const token_t *values, size_t count)
{
    const struct jetext_grid saved = t->grid;
    const struct layout *found = NULL;
    uint64_t objects;
    unsigned fits = 0;

    for (size_t i = 0; i < JE_ARRAY_LEN(layouts); i++) {
        if ((layouts[i].table != saved.table || saved.is_guess) &&
            layout_try(t, &layouts[i], count) &&
            row_fits(t, values, &objects)) {
            found = &layouts[i];
            fits++;
        }
    }
    if (fits == 1 && layout_try(t, found, count)) {
        t->grid.is_guess = true;
        return true;
    }
    t->grid = saved;
    return false;
}

/* Where a figure is as wide as its column, it runs into the one before.
 * Columns are flush right, so the heading shows where to cut; `from` becomes
 * `to` with as many tokens as the table has columns. */
static bool
split_by_heading(const struct jetext *t, const token_t *from, size_t count,
                 token_t *to)
{
    size_t column = 0;

    for (size_t i = 0; i < count; i++) {
        token_t rest = from[i];
        size_t at = (size_t)(rest.text - t->start), end = at + rest.length;

        for (; column + 1 < t->grid.count && t->grid.columns[column].end > at &&
               t->grid.columns[column + 1].end <= end;
             column++) {
            size_t n = t->grid.columns[column].end - at;

            to[column] = (token_t){rest.text, n};
            rest = (token_t){rest.text + n, rest.length - n};
            at += n;
        }
        if (column == t->grid.count || rest.length == 0)
            return false;
        to[column++] = rest;
    }
    return column == t->grid.count;
}

/* Where the digits of `value` end the digits of `token`, with others before. */
static bool
ends_with(token_t token, uint64_t value, size_t *head)
{
    size_t at = token.length;

    do {
        if (at == 0 || token.text[--at] != (char)('0' + value % 10))
            return false;
        value /= 10;
    } while (value > 0);
    *head = at;
    return at > 0;
}

/* Cut from[1] into the number of the row and the bytes that size and objects
 * say: "1051374389534720" is row 105 and 1374389534720. */
static bool
split_cell(const struct jetext *t, const token_t *from, size_t count,
           token_t *to)
{
    bool is_bins = t->grid.table == TABLE_BINS;
    uint64_t size, objects;
    size_t head;

    to[0] = from[0];
    to[1] = to[2] = from[1];
    memcpy(&to[3], &from[2], (count - 2) * sizeof(*from));
    size = value_of(t, to, is_bins ? (int)BIN_SIZE : (int)LARGE_SIZE);
    objects =
        value_of(t, to, is_bins ? (int)BIN_CURREGS : (int)LARGE_CUREXTENTS);
    if (objects == 0 || size > UINT64_MAX / objects ||
        !ends_with(from[1], size * objects, &head) || head > 3)
        return false;
    to[1].length = head;
    to[2] = (token_t){from[1].text + head, from[1].length - head};
    return row_fits(t, to, &objects);
}

/* The same without a heading.  Only bytes get that wide. */
static bool
split_by_bytes(struct jetext *t, const token_t *from, size_t count, token_t *to)
{
    const struct jetext_grid saved = t->grid;

    if (count < 6 || count >= TOKENS_MAX)
        return false;
    if (t->grid.count == count + 1 && t->grid.index == 1 &&
        split_cell(t, from, count, to))
        return true;
    for (size_t i = 0; i < JE_ARRAY_LEN(layouts); i++) {
        if (layouts[i].table != TABLE_EXTENTS &&
            layouts[i].table != saved.table &&
            layout_try(t, &layouts[i], count + 1) && t->grid.index == 1 &&
            split_cell(t, from, count, to))
            return true;
    }
    t->grid = saved;
    return false;
}

static jep_status_t
warn_row(struct jetext *t, const char *text)
{
    if (t->grid.warned || !t->is_open)
        return JEP_OK;
    t->grid.warned = true;
    return jetext_warn(t, 1, text);
}

/* A row with another number of figures than its heading has columns. */
static jep_status_t
read_odd_row(struct jetext *t, const token_t *tokens, size_t count)
{
    size_t labels = jetext_tables[t->grid.table].labels, n = count - labels;
    const token_t *values = tokens + labels;
    bool may_go_on = n < t->grid.count && t->line_ended && !t->is_final;
    token_t split[TOKENS_MAX];
    jep_status_t status;

    /* The first figures of a wrapped row, zeros mostly, fit many a layout. */
    if (labels == 0 && !(may_go_on && !t->grid.is_guess) &&
        layout_find(t, values, n))
        return jetext_emit_words(t, tokens, values, n);
    if (n < t->grid.count && labels == 0 &&
        (split_by_heading(t, values, n, split) ||
         split_by_bytes(t, values, n, split)))
        return jetext_emit_words(t, tokens, split, t->grid.count);
    if (may_go_on) {
        jetext_hold(t, HELD_ROW);
        return JEP_OK;
    }
    /* A cut row is right up to its last, possibly shortened number. */
    if (n < t->grid.count && !t->line_ended && n > 0) {
        status = warn_row(t, "row is cut off");
        return status != JEP_OK ? status
                                : jetext_emit_words(t, tokens, values, n - 1);
    }
    if (labels > 0)
        return jetext_emit_words(t, tokens, values,
                                 n < t->grid.count ? n : t->grid.count);
    if (t->grid.is_guess)
        return JEP_OK;
    return warn_row(t, "row does not have as many columns as its heading");
}

/* A row of figures where no table is open. */
static jep_status_t
read_lone_row(struct jetext *t, const token_t *tokens, size_t count,
              bool *is_row)
{
    token_t split[TOKENS_MAX];
    const token_t *values = tokens;
    jep_status_t status;
    uint64_t objects;

    if (!t->is_open)
        t->grid.table = TABLE_NONE;
    *is_row = layout_find(t, tokens, count);
    if (!*is_row && split_by_bytes(t, tokens, count, split)) {
        *is_row = true;
        values = split;
    }
    if (!*is_row)
        return JEP_OK;
    (void)row_fits(t, values, &objects);
    status = jetext_need(t, objects > 0 ? TEXT_SURE : TEXT_WEAK);
    return status != JEP_OK
               ? status
               : jetext_emit_words(t, tokens, values, t->grid.count);
}

/* Rows that are left out: "---", and in 3.x "[12]" or "[1..6]". */
static bool
read_gap(struct jetext *t, token_t gap)
{
    token_t number = {gap.text + 1, gap.length - 2};
    uint64_t rows;

    if (token_is(gap, "---"))
        return true;
    if (gap.length < 3 || gap.text[0] != '[' || !token_ends(gap, ']'))
        return false;
    if (t->grid.table == TABLE_LARGE && token_number(number, &rows) &&
        rows < INT32_MAX)
        t->grid.row += (uint32_t)rows;
    return true;
}

/* Figures without bars between them, and not "1 row in set (0.02 sec)". */
static bool
are_totals(const struct jetext *t, const token_t *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)tokens[i].text[0]))
            return false;
    }
    return count == t->grid.count;
}

/* A row that has all its figures, where lines are wrapped: the last may go on
 * in the next line, and pieces that do not belong together are no row. */
static jep_status_t
read_wrapped(struct jetext *t, const token_t *values, bool *is_done)
{
    bool is_sized = t->grid.table == TABLE_BINS || t->grid.table == TABLE_LARGE;
    uint64_t objects;

    *is_done = true;
    if (!t->is_final) {
        jetext_hold(t, HELD_ROW);
        if (t->held == HELD_ROW)
            return JEP_OK;
    }
    if (is_sized && !row_fits(t, values, &objects))
        return warn_row(t, "the figures of a wrapped row do not belong "
                           "together: left out");
    *is_done = false;
    return JEP_OK;
}

/* A row whose words are those of the columns, perhaps. */
static jep_status_t
read_row(struct jetext *t, const token_t *tokens, size_t count)
{
    size_t labels = jetext_tables[t->grid.table].labels;
    jep_status_t status;
    uint64_t objects;
    bool is_done;

    if (count - labels != t->grid.count ||
        (t->grid.is_guess && !row_fits(t, tokens, &objects)))
        return read_odd_row(t, tokens, count);
    if (t->wrap_width > 0) {
        status = read_wrapped(t, tokens, &is_done);
        if (status != JEP_OK || is_done)
            return status;
    }
    jetext_row_keep(t, tokens, count);
    /* The last number of a line without end may be cut. */
    return jetext_emit_words(t, tokens, tokens + labels,
                             t->grid.count - (t->line_ended ? 0 : 1));
}

static jep_status_t
read_totals_row(struct jetext *t, const token_t *tokens, size_t count,
                bool is_numeric, bool *is_row)
{
    token_t plain[TOKENS_MAX] = {{NULL, 0}};
    size_t words = without_bars(tokens, count, plain);

    *is_row = !is_numeric || are_totals(t, plain, words);
    return *is_row ? read_row(t, plain, words) : JEP_OK;
}

jep_status_t
jetext_row(struct jetext *t, const token_t *tokens, size_t count, bool *is_row)
{
    bool is_numeric = isdigit((unsigned char)tokens[0].text[0]);
    size_t labels = jetext_tables[t->grid.table].labels;

    *is_row = is_numeric && labels == 0;
    if (t->grid.table == TABLE_NONE || !t->is_open ||
        (is_numeric && labels > 0))
        return is_numeric ? read_lone_row(t, tokens, count, is_row) : JEP_OK;
    if (!is_numeric && count == 1 && read_gap(t, tokens[0]))
        *is_row = true;
    else if (!is_numeric)
        *is_row = !jetext_is_console(tokens, count) &&
                  jetext_is_labelled(t, tokens, count);
    if (!*is_row || t->grid.table == TABLE_OTHER)
        return JEP_OK;
    t->evidence += TEXT_WEAK;
    if (count == 1 && !is_numeric)
        return JEP_OK;
    return t->grid.table == TABLE_TOTALS
               ? read_totals_row(t, tokens, count, is_numeric, is_row)
               : read_row(t, tokens, count);
}
