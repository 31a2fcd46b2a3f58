/* Reader of the text that jemalloc's malloc_stats_print() writes.
 *
 * Versions differ in columns, in labels and in order, and what people paste is
 * seldom whole.  So nothing is expected at a place: a table's columns are what
 * its own heading says, a labelled figure is found by its label, and a line
 * that means nothing is skipped.  Only where lines contradict their heading is
 * there a warning.
 *
 * A document starts at its first line or, in a fragment, where a figure comes
 * a second time. */
#include "base/macros.h"
#include "dump/perr.h"
#include "dump/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH  128
#define VALUE_MAX_LENGTH 1024

enum table {
    TABLE_NONE,
    TABLE_SUMS,
    TABLE_DECAY,
    TABLE_BINS,
    TABLE_LARGE,
    TABLE_EXTENTS,
    TABLE_OTHER
};

struct jetext {
    const struct dump_sink *sink;
    uint64_t line;
    bool line_ended;
    bool is_open;                          /* inside a document */
    bool has_totals, has_active, has_bins; /* since the heading */
    int arena;
    enum table table;
    int columns[TOKENS_MAX]; /* field of each column */
    size_t column_count;
    uint32_t row;
    unsigned evidence;
    bool warned_row; /* in this table */
};

static jep_status_t
document_end(struct jetext *t, bool complete)
{
    if (!t->is_open)
        return JEP_OK;
    t->is_open = false;
    return t->sink->end(t->sink->context, complete);
}

static jep_status_t
document_begin(struct jetext *t)
{
    jep_status_t status = document_end(t, false);

    if (status != JEP_OK)
        return status;
    t->is_open = true;
    t->arena = DUMP_ARENA_FRAGMENT;
    t->table = TABLE_NONE;
    t->has_totals = t->has_active = t->has_bins = false;
    return t->sink->begin(t->sink->context, DUMP_FORMAT_JEMALLOC_TEXT, t->line);
}

/* A line was understood: make sure there is a document for it. */
static jep_status_t
document_need(struct jetext *t, unsigned evidence)
{
    t->evidence += evidence;
    return t->is_open ? JEP_OK : document_begin(t);
}

static jep_status_t
emit(struct jetext *t, enum dump_scope scope, int field, uint64_t value)
{
    struct dump_where where = {scope, t->arena, t->row, t->line};

    return t->sink->number(t->sink->context, &where, field, value);
}

static jep_status_t
emit_text(struct jetext *t, const char *name, token_t value)
{
    char text[VALUE_MAX_LENGTH];

    value = token_trim(value);
    snprintf(text, sizeof(text), "%.*s", (int)value.length, value.text);
    return t->sink->text(t->sink->context, name, text, t->line);
}

static jep_status_t
warn(struct jetext *t, uint64_t column, const char *text)
{
    return t->sink->warn(t->sink->context, t->line, column, text);
}

/* Find the field of a label as people see it: any case, no final colon. */
static int
label_field(enum dump_scope scope, token_t label)
{
    char name[NAME_MAX_LENGTH];
    size_t n = 0;

    while (label.length > 0 && token_ends(label, ':'))
        label.length--;
    if (label.length >= sizeof(name))
        return FIELD_NONE;
    for (; n < label.length; n++)
        name[n] = (char)tolower((unsigned char)label.text[n]);
    return field_by_text(scope, name, n);
}

/* "Allocated: 1, active: 2, metadata: 3 (n_thp 4), resident: 5": each label
 * is the word before its number. */
static jep_status_t
read_pairs(struct jetext *t, enum dump_scope scope, const token_t *tokens,
           size_t count)
{
    jep_status_t status = JEP_OK;

    for (size_t i = 0; i + 1 < count && status == JEP_OK; i++) {
        token_t label = tokens[i], value = tokens[i + 1];
        uint64_t number;
        int field;

        if (label.length > 0 && label.text[0] == '(')
            label = (token_t){label.text + 1, label.length - 1};
        while (token_ends(value, ',') || token_ends(value, ')'))
            value.length--;
        field = label_field(scope, label);
        if (field == FIELD_NONE || !token_number(value, &number))
            continue;
        status = emit(t, scope, field, number);
    }
    return status;
}

static jep_status_t
read_totals(struct jetext *t, const token_t *tokens, size_t count)
{
    jep_status_t status;

    if (t->is_open && t->has_totals)
        status = document_begin(t);
    else
        status = document_need(t, TEXT_SURE);
    if (status != JEP_OK)
        return status;
    t->has_totals = true;
    return read_pairs(t, DUMP_TOTAL, tokens, count);
}

/* "opt.name: value (other.name: value)" */
static jep_status_t
read_setting(struct jetext *t, token_t line)
{
    const char *colon = memchr(line.text, ':', line.length);
    const char *bracket = memchr(line.text, '(', line.length);
    const char *end = line.text + line.length;
    char name[NAME_MAX_LENGTH];
    jep_status_t status;

    if (colon == NULL || (size_t)(colon - line.text) >= sizeof(name))
        return JEP_OK;
    snprintf(name, sizeof(name), "%.*s", (int)(colon - line.text), line.text);
    if (bracket == NULL || bracket < colon || end[-1] != ')' ||
        colon[1] == '"' || (colon + 2 < end && colon[2] == '"'))
        return emit_text(t, name,
                         (token_t){colon + 1, (size_t)(end - colon - 1)});
    status =
        emit_text(t, name, (token_t){colon + 1, (size_t)(bracket - colon - 1)});
    if (status != JEP_OK)
        return status;
    return read_setting(t, (token_t){bracket + 1, (size_t)(end - bracket - 2)});
}

static bool
is_setting(token_t line)
{
    return line.length > 7 && (strncmp(line.text, "opt.", 4) == 0 ||
                               strncmp(line.text, "config.", 7) == 0 ||
                               strncmp(line.text, "prof.", 5) == 0);
}

/* The number in "arenas[12]:", or -1. */
static int
arena_number(token_t line)
{
    token_t digits = {line.text + 7, 0};
    uint64_t number;

    if (line.length < 10 || strncmp(line.text, "arenas[", 7) != 0)
        return -1;
    while (7 + digits.length < line.length && digits.text[digits.length] != ']')
        digits.length++;
    if (7 + digits.length + 1 >= line.length ||
        digits.text[digits.length + 1] != ':' ||
        !token_number(digits, &number) || number > INT_MAX)
        return -1;
    return (int)number;
}

/* Read the arena that a line like "arenas[12]:" announces. */
static bool
read_arena_heading(struct jetext *t, token_t line)
{
    int number = arena_number(line);

    if (strncmp(line.text, "Merged arenas stats:", 20) == 0)
        t->arena = DUMP_ARENA_MERGED;
    else if (strncmp(line.text, "Destroyed arenas stats:", 23) == 0)
        t->arena = DUMP_ARENA_DESTROYED;
    else if (number >= 0)
        t->arena = number;
    else
        return false;
    t->table = TABLE_NONE;
    t->has_active = t->has_bins = false;
    return true;
}

/* Start a table whose column names are tokens[first…]. */
static void
table_begin(struct jetext *t, enum table table, enum dump_scope scope,
            const token_t *tokens, size_t first, size_t count)
{
    t->table = table;
    t->column_count = 0;
    t->row = 0;
    t->warned_row = false;
    for (size_t i = first; i < count && i < TOKENS_MAX; i++)
        t->columns[t->column_count++] = label_field(scope, tokens[i]);
}

/* The heading of a table of size classes: "bins:  size ind allocated …". */
static jep_status_t
read_class_heading(struct jetext *t, const token_t *tokens, size_t count,
                   bool *is_heading)
{
    static const struct {
        const char *name;
        enum table table;
        enum dump_scope scope;
    } kinds[] = {{"bins:", TABLE_BINS, DUMP_BIN},
                 {"large:", TABLE_LARGE, DUMP_LARGE},
                 {"huge:", TABLE_LARGE, DUMP_LARGE},
                 {"extents:", TABLE_EXTENTS, DUMP_EXTENT}};

    jep_status_t status;

    *is_heading = false;
    if (count < 3 ||
        !(token_is(tokens[1], "size") || token_is(tokens[1], "bin") ||
          token_is(tokens[1], "ind")))
        return JEP_OK;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!token_is(tokens[0], kinds[i].name))
            continue;
        *is_heading = true;
        if (kinds[i].table == TABLE_BINS && t->has_bins &&
            t->arena == DUMP_ARENA_FRAGMENT)
            status = document_begin(t);
        else
            status = document_need(t, TEXT_SURE);
        t->has_bins |= kinds[i].table == TABLE_BINS;
        table_begin(t, kinds[i].table, kinds[i].scope, tokens, 1, count);
        return status;
    }
    return JEP_OK;
}

static jep_status_t
read_row(struct jetext *t, enum dump_scope scope, const token_t *tokens,
         size_t count)
{
    jep_status_t status = JEP_OK;
    size_t use = t->column_count;
    int index = scope == DUMP_BIN     ? (int)BIN_INDEX
                : scope == DUMP_LARGE ? (int)LARGE_INDEX
                                      : (int)EXTENT_INDEX;

    if (count != t->column_count) {
        if (!t->warned_row)
            status =
                warn(t, 1,
                     t->line_ended
                         ? "row does not have as many columns as its heading"
                         : "row is cut off");
        t->warned_row = true;
        /* A cut row is right up to its last, possibly shortened number. */
        if (t->line_ended || count > t->column_count || count == 0)
            return status;
        use = count - 1;
    }
    for (size_t i = 0; i < use; i++) {
        uint64_t number;

        if (t->columns[i] == index && token_number(tokens[i], &number) &&
            number < UINT32_MAX)
            t->row = (uint32_t)number;
    }
    for (size_t i = 0; i < use && status == JEP_OK; i++) {
        uint64_t number;

        if (t->columns[i] != FIELD_NONE && token_number(tokens[i], &number))
            status = emit(t, scope, t->columns[i], number);
    }
    t->row++;
    return status;
}

static jep_status_t
read_number_row(struct jetext *t, const token_t *tokens, size_t count)
{
    switch (t->table) {
    case TABLE_BINS:
        return read_row(t, DUMP_BIN, tokens, count);
    case TABLE_LARGE:
        return read_row(t, DUMP_LARGE, tokens, count);
    case TABLE_EXTENTS:
        return read_row(t, DUMP_EXTENT, tokens, count);
    default:
        return JEP_OK;
    }
}

static bool
is_sum_row(token_t label)
{
    return token_is(label, "small:") || token_is(label, "large:") ||
           token_is(label, "total:");
}

static bool
is_decay_row(token_t label)
{
    return token_is(label, "dirty:") || token_is(label, "muzzy:");
}

/* "small:  allocated nmalloc …" under the heading of TABLE_SUMS. */
static jep_status_t
read_sum_row(struct jetext *t, const token_t *tokens, size_t count)
{
    enum dump_scope scope;
    jep_status_t status = JEP_OK;

    if (token_is(tokens[0], "small:"))
        scope = DUMP_SMALL;
    else if (token_is(tokens[0], "large:"))
        scope = DUMP_LARGE_SUM;
    else
        return JEP_OK;
    for (size_t i = 1; i < count && i <= t->column_count; i++) {
        uint64_t number;

        /* The last number of a line without end may be cut. */
        if (!t->line_ended && i == count - 1)
            break;
        if (t->columns[i - 1] != FIELD_NONE &&
            token_number(tokens[i], &number) && status == JEP_OK)
            status = emit(t, scope, t->columns[i - 1], number);
    }
    return status;
}

/* Columns of the decay table, told apart by their names. */
static void
decay_begin(struct jetext *t, const token_t *tokens, size_t count)
{
    static const struct {
        const char *name;
        int dirty;
    } names[] = {{"time", ARENA_DIRTY_DECAY_MS},
                 {"npages", ARENA_PDIRTY},
                 {"sweeps", ARENA_DIRTY_NPURGE},
                 {"madvises", ARENA_DIRTY_NMADVISE},
                 {"purged", ARENA_DIRTY_PURGED}};

    t->table = TABLE_DECAY;
    t->column_count = 0;
    for (size_t i = 1; i < count && i < TOKENS_MAX; i++) {
        int field = FIELD_NONE;

        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            if (token_is(tokens[i], names[k].name))
                field = names[k].dirty;
        }
        t->columns[t->column_count++] = field;
    }
}

static int
decay_muzzy(int dirty)
{
    switch (dirty) {
    case ARENA_DIRTY_DECAY_MS:
        return ARENA_MUZZY_DECAY_MS;
    case ARENA_PDIRTY:
        return ARENA_PMUZZY;
    case ARENA_DIRTY_NPURGE:
        return ARENA_MUZZY_NPURGE;
    case ARENA_DIRTY_NMADVISE:
        return ARENA_MUZZY_NMADVISE;
    case ARENA_DIRTY_PURGED:
        return ARENA_MUZZY_PURGED;
    default:
        return FIELD_NONE;
    }
}

static jep_status_t
read_decay_row(struct jetext *t, const token_t *tokens, size_t count)
{
    bool is_muzzy = token_is(tokens[0], "muzzy:");
    jep_status_t status = JEP_OK;

    for (size_t i = 1; i < count && i <= t->column_count; i++) {
        int field = t->columns[i - 1];
        uint64_t number;

        if (is_muzzy)
            field = decay_muzzy(field);
        if (field == FIELD_NONE || status != JEP_OK)
            continue;
        /* Merged arenas have no one time; a single one without has none. */
        if (t->arena >= 0 && token_is(tokens[i], "N/A"))
            status = emit(t, DUMP_ARENA, field, DECAY_NEVER);
        else if (token_number(tokens[i], &number))
            status = emit(t, DUMP_ARENA, field, number);
    }
    return status;
}

/* Before the decay table: "purging: dirty: 55, sweeps: 9, ..." and earlier
 * "dirty pages: 1133:100 active:dirty, 1 sweep, ...". */
static bool
is_purging(const token_t *tokens)
{
    return (token_is(tokens[0], "purging:") && token_is(tokens[1], "dirty:")) ||
           (token_is(tokens[0], "dirty") && token_is(tokens[1], "pages:"));
}

static jep_status_t
read_purging(struct jetext *t, const token_t *tokens)
{
    token_t pages = tokens[2];
    const char *colon = memchr(pages.text, ':', pages.length);
    uint64_t number;

    if (colon != NULL) {
        pages.length -= (size_t)(colon + 1 - pages.text);
        pages.text = colon + 1;
    }
    if (!token_number(pages, &number))
        return JEP_OK;
    return emit(t, DUMP_ARENA, ARENA_PDIRTY, number);
}

/* "label: number" of an arena or of the constants. */
static jep_status_t
read_labelled(struct jetext *t, token_t line)
{
    const char *colon = memchr(line.text, ':', line.length);
    token_t label, value, first;
    jep_status_t status;
    uint64_t number;
    int field;

    if (colon == NULL)
        return JEP_OK;
    label = (token_t){line.text, (size_t)(colon - line.text)};
    value = (token_t){colon + 1, line.length - label.length - 1};
    if (token_split(value.text, value.length, &first, 1) != 1 ||
        !token_number(first, &number))
        return JEP_OK;
    field = label_field(DUMP_CONST, label);
    if (field != FIELD_NONE) {
        status = document_need(t, 1);
        return status != JEP_OK ? status : emit(t, DUMP_CONST, field, number);
    }
    field = label_field(DUMP_ARENA, label);
    if (field == FIELD_NONE)
        return JEP_OK;
    status = document_need(t, 1);
    if (status == JEP_OK && field == ARENA_ACTIVE) {
        if (t->has_active && t->arena == DUMP_ARENA_FRAGMENT)
            status = document_begin(t);
        t->has_active = true;
    }
    return status != JEP_OK ? status : emit(t, DUMP_ARENA, field, number);
}

/* Lines that start with a word. */
static jep_status_t
read_words(struct jetext *t, token_t line, const token_t *tokens, size_t count)
{
    jep_status_t status;
    bool is_heading;

    if (read_arena_heading(t, line))
        return document_need(t, TEXT_SURE);
    status = read_class_heading(t, tokens, count, &is_heading);
    if (is_heading)
        return status;
    if (token_is(tokens[0], "Allocated:"))
        return read_totals(t, tokens, count);
    if (t->is_open && is_setting(line))
        return read_setting(t, line);
    if (t->is_open && token_is(tokens[0], "Version:"))
        return emit_text(t, "version",
                         (token_t){line.text + 8, line.length - 8});
    if (t->is_open && strncmp(line.text, "Background threads:", 19) == 0) {
        token_t joined[TOKENS_MAX];

        memcpy(joined, tokens, count * sizeof(*tokens));
        joined[1] = (token_t){line.text, 18};
        return read_pairs(t, DUMP_TOTAL, joined + 1, count - 1);
    }
    if (t->is_open && count > 2 && is_purging(tokens))
        return read_purging(t, tokens);
    if (token_is(tokens[0], "decaying:"))
        decay_begin(t, tokens, count);
    else if (token_is(tokens[0], "allocated") && count > 1)
        table_begin(t, TABLE_SUMS, DUMP_SMALL, tokens, 0, count);
    else if (token_is(tokens[0], "n_lock_ops"))
        t->table = TABLE_OTHER;
    else if (t->table == TABLE_SUMS && t->is_open && is_sum_row(tokens[0]))
        return read_sum_row(t, tokens, count);
    else if (t->table == TABLE_DECAY && t->is_open && is_decay_row(tokens[0]))
        return read_decay_row(t, tokens, count);
    else
        return read_labelled(t, line);
    return JEP_OK;
}

static jep_status_t
read_line(struct jetext *t, const char *text, size_t length)
{
    token_t tokens[TOKENS_MAX];
    size_t count;

    if (strstr(text, "___ Begin jemalloc statistics ___") != NULL) {
        t->evidence += TEXT_SURE;
        return document_begin(t);
    }
    if (strstr(text, "--- End jemalloc statistics ---") != NULL)
        return document_end(t, true);
    while (length > 0 && (*text == ' ' || *text == '\t' || *text == '>')) {
        text++;
        length--;
    }
    count = token_split(text, length, tokens, TOKENS_MAX);
    if (count == 0 || count > TOKENS_MAX)
        return JEP_OK;
    if (text[0] >= '0' && text[0] <= '9')
        return t->is_open ? read_number_row(t, tokens, count) : JEP_OK;
    return read_words(t, (token_t){text, length}, tokens, count);
}

static unsigned
jetext_probe(const struct text_line *line)
{
    if (strstr(line->text, "___ Begin jemalloc statistics") != NULL ||
        strncmp(line->text, "Allocated: ", 11) == 0)
        return TEXT_SURE;
    return TEXT_WEAK; /* a fragment: it looks for itself */
}

static void *
jetext_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct jetext *t = calloc(1, sizeof(*t));

    (void)error;
    if (t == NULL)
        return NULL;
    t->sink = sink;
    t->arena = DUMP_ARENA_FRAGMENT;
    return t;
}

static jep_status_t
jetext_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct jetext *t = state;
    jep_status_t status;

    t->line = line->number;
    t->line_ended = line->ended;
    t->evidence = TEXT_NOTHING;
    status = read_line(t, line->text, line->length);
    if (status == JEP_OK && t->is_open && !t->line_ended && line->length > 0)
        status = warn(t, line->length,
                      "the last line has no end: a number "
                      "there may be cut off");
    *evidence = t->evidence;
    return status;
}

static jep_status_t
jetext_close(void *state)
{
    struct jetext *t = state;
    jep_status_t status = document_end(t, false);

    free(t);
    return status;
}

const struct text_format text_jemalloc = {
    .name = "jemalloc",
    .probe = jetext_probe,
    .open = jetext_open,
    .line = jetext_line,
    .close = jetext_close,
};
