/* Reader of the statistics that mimalloc prints.
 *
 * Rows are "label: amount amount ...", and a heading names the columns: peak,
 * total, freed, unit, count in 1.x, with "current" since 1.7, "block" and
 * "total#" instead of the last two since 2.2, and a heading for each section
 * since 3.2, where "subproc 0" comes first.  Cells at the end of a row may be
 * blank, those before may not; a row that counts calls has one cell.  Amounts
 * are rounded to a tenth of their unit.
 *
 * Current values of some rows go below zero, because threads count for
 * themselves what others allocated; such a figure is left out and said so. */
#include "base/macros.h"
#include "dump/amount.h"
#include "dump/document.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX      6
#define LABEL_MAX_LENGTH 40

enum column {
    COLUMN_PEAK,
    COLUMN_TOTAL,
    COLUMN_FREED,
    COLUMN_CURRENT,
    COLUMN_UNIT,
    COLUMN_COUNT,
    COLUMN_NONE
};

struct mimalloc {
    struct document doc;
    enum column columns[COLUMNS_MAX];
    size_t column_count; /* 0 = no heading yet */
    bool has_rows, has_reserved, has_process;
    bool after_segments; /* the row before was that of the segments */
};

struct row {
    char label[LABEL_MAX_LENGTH];
    size_t label_length;
    struct amount cells[COLUMNS_MAX];
    size_t cell_count;
};

static jep_status_t
finish(struct mimalloc *m, bool complete)
{
    jep_status_t status = document_end(&m->doc, complete);

    *m = (struct mimalloc){.doc = m->doc};
    return status;
}

static enum column
column_of(token_t word)
{
    static const struct {
        const char *name;
        enum column column;
    } names[] = {{"peak", COLUMN_PEAK},       {"total", COLUMN_TOTAL},
                 {"freed", COLUMN_FREED},     {"unit", COLUMN_UNIT},
                 {"current", COLUMN_CURRENT}, {"block", COLUMN_UNIT},
                 {"count", COLUMN_COUNT},     {"total#", COLUMN_COUNT}};

    for (size_t i = 0; i < JE_ARRAY_LEN(names); i++) {
        if (token_is(word, names[i].name))
            return names[i].column;
    }
    return COLUMN_NONE;
}

static bool
is_name(token_t word)
{
    for (size_t i = 0; i < word.length; i++) {
        if (!isalpha((unsigned char)word.text[i]))
            return false;
    }
    return true;
}

/* "heap stats:  peak total ..." or " arenas  peak total ...": how many
 * columns; 0 = the line is no heading, or there is a prefix before it. */
static size_t
read_heading(const token_t *words, size_t count, enum column *columns)
{
    size_t first = 1, n = 0;

    if (count > 1 && token_is(words[0], "heap") && token_is(words[1], "stats:"))
        first = 2;
    if (count < first + 3 || count - first > COLUMNS_MAX ||
        !token_is(words[first], "peak") || (first == 1 && !is_name(words[0])))
        return 0;
    for (size_t i = first; i < count; i++) {
        columns[n] = column_of(words[i]);
        if (columns[n++] == COLUMN_NONE)
            return 0;
    }
    return n;
}

/* Split "label: amount amount  ok" into its parts. */
static bool
row_split(const char *text, struct row *row)
{
    const char *colon = strchr(text, ':'), *end = colon;
    size_t length;

    if (colon == NULL)
        return false;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    length = (size_t)(end - text);
    if (length == 0 || length >= sizeof(row->label))
        return false;
    for (size_t i = 0; i < length; i++)
        row->label[i] = (char)tolower((unsigned char)text[i]);
    row->label[length] = '\0';
    row->label_length = length;
    text = colon + 1;
    row->cell_count = 0;
    while (row->cell_count < COLUMNS_MAX &&
           amount_read(&text, &row->cells[row->cell_count]))
        row->cell_count++;
    return true;
}

/* The amount in that column; NULL = blank. */
static const struct amount *
row_cell(const struct mimalloc *m, const struct row *row, enum column column)
{
    for (size_t i = 0; i < m->column_count && i < row->cell_count; i++) {
        if (m->columns[i] == column)
            return &row->cells[i];
    }
    return NULL;
}

/* 1.x had no column of current values. */
static bool
row_current(const struct mimalloc *m, const struct row *row, struct amount *out)
{
    const struct amount *current = row_cell(m, row, COLUMN_CURRENT);
    const struct amount *total = row_cell(m, row, COLUMN_TOTAL);
    const struct amount *freed = row_cell(m, row, COLUMN_FREED);

    if (current != NULL) {
        *out = *current;
        return true;
    }
    if (total == NULL || freed == NULL || total->is_negative ||
        freed->is_negative)
        return false;
    out->is_negative = freed->value > total->value;
    out->value = out->is_negative ? freed->value - total->value
                                  : total->value - freed->value;
    return true;
}

static jep_status_t
warn_negative(struct mimalloc *m, const struct row *row)
{
    return document_warn(&m->doc, 0,
                         "%s: a current value below zero cannot be: threads "
                         "count for themselves what others allocated, and the "
                         "figure is left out",
                         row->label);
}

static jep_status_t
emit_current(struct mimalloc *m, const struct row *row, enum dump_scope scope,
             uint32_t number, int field)
{
    struct amount current;

    if (!row_current(m, row, &current))
        return JEP_OK;
    if (current.is_negative && current.value > 0)
        return warn_negative(m, row);
    return document_cell(&m->doc, scope, number, field, current.value);
}

static jep_status_t
emit_cell(struct mimalloc *m, const struct row *row, enum column column,
          enum dump_scope scope, uint32_t number, int field)
{
    const struct amount *cell = row_cell(m, row, column);

    if (cell == NULL || cell->is_negative)
        return JEP_OK;
    return document_cell(&m->doc, scope, number, field, cell->value);
}

/* "normal   4:" of 1.x and 2.x, "bin S    4:" since: blocks of one size. */
static bool
class_number(const struct row *row, uint32_t *number)
{
    token_t words[3];
    size_t count = token_split(row->label, row->label_length, words, 3);
    uint64_t value;

    if (count < 2 || count > 3 ||
        !(token_is(words[0], "normal") || strncmp(row->label, "bin", 3) == 0) ||
        !token_number(words[count - 1], &value) || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

static jep_status_t
read_class(struct mimalloc *m, const struct row *row, uint32_t number)
{
    jep_status_t status =
        emit_cell(m, row, COLUMN_UNIT, DUMP_CLASS, number, CLASS_SIZE);

    if (status == JEP_OK)
        status = emit_current(m, row, DUMP_CLASS, number, CLASS_CURRENT);
    if (status == JEP_OK)
        status = emit_cell(m, row, COLUMN_PEAK, DUMP_CLASS, number, CLASS_PEAK);
    if (status == JEP_OK)
        status =
            emit_cell(m, row, COLUMN_TOTAL, DUMP_CLASS, number, CLASS_TOTAL);
    return status;
}

/* Rows with one cell: a count of calls, or bytes ever given back. */
static bool
is_single(int field)
{
    return field == MIMALLOC_RESET || field == MIMALLOC_PURGED ||
           field == MIMALLOC_ARENAS || field == MIMALLOC_MMAPS ||
           field == MIMALLOC_COMMITS || field == MIMALLOC_RESETS ||
           field == MIMALLOC_PURGES || field == MIMALLOC_NUMA_NODES;
}

static int
row_field(const struct mimalloc *m, const struct row *row)
{
    int field = field_by_text(DUMP_MIMALLOC, row->label, row->label_length);

    if (field == MIMALLOC_PAGES_ABANDONED && m->after_segments)
        return MIMALLOC_SEGMENTS_ABANDONED;
    return field;
}

static int
peak_field(int field)
{
    switch (field) {
    case MIMALLOC_RESERVED:
        return MIMALLOC_RESERVED_PEAK;
    case MIMALLOC_COMMITTED:
        return MIMALLOC_COMMITTED_PEAK;
    case MIMALLOC_BLOCKS:
        return MIMALLOC_BLOCKS_PEAK;
    default:
        return FIELD_NONE;
    }
}

static jep_status_t
read_row(struct mimalloc *m, const struct row *row, int field)
{
    jep_status_t status;
    int peak = peak_field(field);

    if (is_single(field) && row->cell_count == 1 && !row->cells[0].is_negative)
        return document_number(&m->doc, DUMP_MIMALLOC, field,
                               row->cells[0].value);
    if (is_single(field))
        return emit_cell(m, row, COLUMN_TOTAL, DUMP_MIMALLOC, 0, field);
    status = emit_current(m, row, DUMP_MIMALLOC, 0, field);
    if (status == JEP_OK && peak != FIELD_NONE)
        status = emit_cell(m, row, COLUMN_PEAK, DUMP_MIMALLOC, 0, peak);
    return status;
}

/* "malloc requested:  1.0 mb" and since 1.7 "malloc req:", as a row with the
 * columns of the others or, since 2.2, with nothing but the total. */
static jep_status_t
read_requested(struct mimalloc *m, const struct row *row)
{
    if (row_cell(m, row, COLUMN_CURRENT) != NULL)
        return emit_current(m, row, DUMP_MIMALLOC, 0, MIMALLOC_REQUESTED);
    return JEP_OK;
}

/* "user: 0.040 s, system: 0.016 s, faults: 0, rss: 67.5 MiB, commit: 104.0
 *  MiB": the sizes are peaks, whatever they are called. */
static jep_status_t
read_process(struct mimalloc *m, const char *text)
{
    jep_status_t status = JEP_OK;

    while (text != NULL && status == JEP_OK) {
        const char *colon = strchr(text, ':'), *comma = strchr(text, ',');
        struct amount amount;
        token_t label;
        uint64_t value;
        int field;

        if (colon == NULL)
            break;
        label = token_trim((token_t){text, (size_t)(colon - text)});
        field = field_by_text(DUMP_MIMALLOC, label.text, label.length);
        text = colon + 1;
        if (field == MIMALLOC_USER_MS || field == MIMALLOC_SYSTEM_MS) {
            if (amount_read_milli(&text, &value))
                status = document_number(&m->doc, DUMP_MIMALLOC, field, value);
        } else if ((field == MIMALLOC_FAULTS || field == MIMALLOC_RSS_PEAK ||
                    field == MIMALLOC_COMMIT_PEAK) &&
                   amount_read(&text, &amount) && !amount.is_negative) {
            status =
                document_number(&m->doc, DUMP_MIMALLOC, field, amount.value);
            if (status == JEP_OK && field == MIMALLOC_RSS_PEAK)
                status = document_number(&m->doc, DUMP_STATUS, STATUS_VM_HWM,
                                         amount.value);
        }
        text = comma != NULL ? comma + 1 : NULL;
    }
    m->has_process = true;
    return status;
}

/* Rows whose cells are no amounts.  *is_one says whether it was such. */
static jep_status_t
read_special(struct mimalloc *m, const struct row *row, const char *text,
             bool *is_one)
{
    const char *cells = strchr(text, ':') + 1;
    uint64_t value;

    *is_one = true;
    if (strncmp(row->label, "malloc req", 10) == 0)
        return read_requested(m, row);
    if (strcmp(row->label, "process") == 0)
        return read_process(m, cells);
    if (strcmp(row->label, "elapsed") == 0 && amount_read_milli(&cells, &value))
        return document_number(&m->doc, DUMP_MIMALLOC, MIMALLOC_ELAPSED_MS,
                               value);
    *is_one = false;
    return JEP_OK;
}

static jep_status_t
read_cells(struct mimalloc *m, const char *text)
{
    struct row row;
    jep_status_t status;
    uint32_t number;
    bool is_one;
    int field;

    if (!row_split(text, &row))
        return JEP_OK;
    /* The last amount of a cut-off line may be too small. */
    if (!m->doc.line_ended && row.cell_count > 0)
        row.cell_count--;
    field = row_field(m, &row);
    m->after_segments = field == MIMALLOC_SEGMENTS;
    m->has_reserved |= field == MIMALLOC_RESERVED;
    if (class_number(&row, &number)) {
        document_says(&m->doc, TEXT_WEAK);
        m->has_rows = true;
        return read_class(m, &row, number);
    }
    status = read_special(m, &row, text, &is_one);
    if (status != JEP_OK || is_one) {
        document_says(&m->doc, TEXT_WEAK);
        return status;
    }
    if (field == FIELD_NONE)
        return JEP_OK;
    document_says(&m->doc, TEXT_WEAK);
    m->has_rows = true;
    return read_row(m, &row, field);
}

/* "mimalloc: option 'purge_delay': 10" and "mimalloc: v2.1.7 (built on ...",
 * which MIMALLOC_VERBOSE prints before. */
static jep_status_t
read_message(struct mimalloc *m, const char *text)
{
    static const char option[] = "option '";
    jep_status_t status;
    char name[LABEL_MAX_LENGTH];
    const char *end;

    text += strspn(text, " ");
    if (text[0] == 'v' && text[1] >= '1' && text[1] <= '9' && text[2] == '.') {
        status = document_need(&m->doc, TEXT_WEAK);
        return status != JEP_OK
                   ? status
                   : document_text(
                         &m->doc, "version",
                         (token_t){text + 1, strspn(text + 1, "0123456789.")});
    }
    if (strncmp(text, option, sizeof(option) - 1) != 0)
        return JEP_OK;
    text += sizeof(option) - 1;
    end = strchr(text, '\'');
    if (end == NULL || end[1] != ':' || (size_t)(end - text) >= sizeof(name))
        return JEP_OK;
    memcpy(name, text, (size_t)(end - text));
    name[end - text] = '\0';
    status = document_need(&m->doc, TEXT_WEAK);
    return status != JEP_OK
               ? status
               : document_text(&m->doc, name,
                               (token_t){end + 2, strlen(end + 2)});
}

/* "subproc 0", "heap 1": statistics of one part begin. */
static bool
is_part(const token_t *words, size_t count)
{
    uint64_t number;

    return count == 2 &&
           (token_is(words[0], "subproc") || token_is(words[0], "heap")) &&
           token_number(words[1], &number);
}

/* Headings repeat inside a document: before the second half of 1.x and 2.x,
 * and for each section since 3.2. */
static bool
is_new_document(const struct mimalloc *m, token_t heading)
{
    if (token_is(heading, "process"))
        return m->has_process;
    return m->has_process || m->has_reserved;
}

static jep_status_t
read_line(struct mimalloc *m, const char *text, size_t length)
{
    enum column columns[COLUMNS_MAX];
    token_t words[COLUMNS_MAX + 3];
    size_t count, column_count = 0;
    jep_status_t status = JEP_OK;
    size_t indent = strspn(text, " \t");

    text += indent;
    if (strncmp(text, "mimalloc: ", 10) == 0)
        return m->has_process ? JEP_OK : read_message(m, text + 10);
    count = token_split(text, length - indent, words, COLUMNS_MAX + 3);
    if (is_part(words, count) && m->has_rows)
        return finish(m, m->has_process);
    if (count <= COLUMNS_MAX + 3)
        column_count = read_heading(words, count, columns);
    if (column_count == 0)
        return m->column_count > 0 ? read_cells(m, text) : JEP_OK;
    if (is_new_document(m, words[0]))
        status = finish(m, m->has_process);
    if (status == JEP_OK)
        status = document_need(&m->doc, TEXT_SURE);
    memcpy(m->columns, columns, sizeof(columns));
    m->column_count = column_count;
    return status;
}

static unsigned
mimalloc_probe(const struct text_line *line)
{
    enum column columns[COLUMNS_MAX];
    token_t words[COLUMNS_MAX + 3];
    size_t count =
        token_split(line->text, line->length, words, COLUMNS_MAX + 3);
    const char *text = line->text + strspn(line->text, " \t");

    if (count <= COLUMNS_MAX + 3 && read_heading(words, count, columns) > 0)
        return TEXT_SURE;
    return strncmp(text, "mimalloc: ", 10) == 0 ? TEXT_WEAK : TEXT_NOTHING;
}

static void *
mimalloc_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct mimalloc *m = calloc(1, sizeof(*m));

    (void)error;
    if (m != NULL)
        m->doc =
            (struct document){.sink = sink, .format = DUMP_FORMAT_MIMALLOC};
    return m;
}

static jep_status_t
mimalloc_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct mimalloc *m = state;
    jep_status_t status;

    document_line(&m->doc, line);
    status = read_line(m, line->text, line->length);
    *evidence = m->doc.evidence;
    return status;
}

static jep_status_t
mimalloc_close(void *state)
{
    struct mimalloc *m = state;
    jep_status_t status = finish(m, m->has_process);

    free(m);
    return status;
}

static bool
mimalloc_is_over(const void *state)
{
    const struct mimalloc *m = state;

    return !m->doc.is_open || m->has_process;
}

const struct text_format text_mimalloc = {
    .name = "mimalloc",
    .probe = mimalloc_probe,
    .open = mimalloc_open,
    .line = mimalloc_line,
    .close = mimalloc_close,
    .is_over = mimalloc_is_over,
};
