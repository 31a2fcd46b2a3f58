/* Reader of the text that jemalloc's malloc_stats_print() writes.
 *
 * Versions differ in columns, in labels and in order, and what people paste is
 * seldom whole.  So nothing is expected at a place: a table's columns are what
 * its own heading says, a labelled figure is found by its label, and a line
 * that means nothing is skipped.  Only where lines contradict their heading is
 * there a warning.
 *
 * A document starts at its first line or, in a fragment, where a figure comes
 * a second time.  A single figure starts none: what looks like one may stand
 * in any text. */
#include "dump/jetext.h"

#include "dump/perr.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX_LENGTH 1024

static jep_status_t
document_end(struct jetext *t, bool complete)
{
    if (!t->is_open)
        return JEP_OK;
    t->is_open = false;
    t->weight = 0;
    return t->sink->end(t->sink->context, complete);
}

static void
arena_reset(struct jetext *t, int arena)
{
    t->arena = arena;
    t->grid.table = TABLE_NONE;
    t->has_active = t->has_bins = false;
    t->hpa_row = HPA_ROW_ALL;
    memset(t->large, 0, sizeof(t->large));
}

static void
document_reset(struct jetext *t)
{
    arena_reset(t, DUMP_ARENA_FRAGMENT);
    t->last_arena = -1;
    t->has_version = t->has_totals = false;
    t->wrap_width = 0;
    t->is_rounded = t->said_rounded = t->said_negative = false;
}

static jep_status_t
document_open(struct jetext *t, uint64_t line)
{
    jep_status_t status;

    t->is_open = true;
    status = t->sink->begin(t->sink->context, DUMP_FORMAT_JEMALLOC_TEXT, line);
    for (size_t i = 0; i < t->pending_count && status == JEP_OK; i++) {
        const struct jetext_pending *p = &t->pending[i];

        status =
            t->sink->number(t->sink->context, &p->where, p->field, p->value);
    }
    t->pending_count = 0;
    if (status == JEP_OK && t->rejected_line > 0)
        status = t->sink->text(t->sink->context, "conf.rejected", t->rejected,
                               t->rejected_line);
    t->rejected_line = 0;
    return status == JEP_OK && t->is_rounded ? jetext_rounded(t) : status;
}

jep_status_t
jetext_begin(struct jetext *t)
{
    jep_status_t status = document_end(t, false);

    if (status != JEP_OK)
        return status;
    document_reset(t);
    t->pending_count = 0;
    t->evidence = t->weight = TEXT_SURE;
    return document_open(t, t->line);
}

jep_status_t
jetext_need(struct jetext *t, unsigned evidence)
{
    t->evidence += evidence;
    if (t->is_open)
        return JEP_OK;
    t->weight += evidence;
    if (t->weight < TEXT_SURE)
        return JEP_OK;
    return document_open(t, t->pending_count > 0 ? t->pending[0].where.line
                                                 : t->line);
}

jep_status_t
jetext_emit(struct jetext *t, enum dump_scope scope, int field, uint64_t value)
{
    struct dump_where where = {scope, t->arena, t->grid.row, t->line};

    if (t->is_open)
        return t->sink->number(t->sink->context, &where, field, value);
    if (t->pending_count < JETEXT_PENDING_MAX)
        t->pending[t->pending_count++] =
            (struct jetext_pending){where, field, value};
    return JEP_OK;
}

jep_status_t
jetext_emit_row(struct jetext *t, enum dump_scope scope,
                const struct dump_row *row)
{
    struct dump_where where = {scope, t->arena, t->grid.row, t->line};
    uint32_t zeros = row->known;
    jep_status_t status = JEP_OK;

    if (row->count == 0 && row->known == 0)
        return JEP_OK;
    if (t->is_open)
        return t->sink->row(t->sink->context, &where, row);
    for (size_t i = 0; i < row->count && status == JEP_OK; i++) {
        zeros &= ~(1u << row->cells[i].field);
        status =
            jetext_emit(t, scope, row->cells[i].field, row->cells[i].value);
    }
    for (; zeros != 0 && status == JEP_OK; zeros &= zeros - 1)
        status = jetext_emit(t, scope, __builtin_ctz(zeros), 0);
    return status;
}

/* Digits only, and more than a counter holds unless it went below zero. */
static bool
is_negative(token_t cell)
{
    size_t n = 0;

    if (cell.length > 1 && cell.text[0] == '-')
        return cell.text[1] >= '0' && cell.text[1] <= '9';
    while (n < cell.length && cell.text[n] >= '0' && cell.text[n] <= '9')
        n++;
    return n == cell.length && (n == 19 || n == 20);
}

/* "36.800" is no fraction: there are none among jemalloc's counters. */
size_t
jetext_pointed(const char *text, uint64_t *value)
{
    size_t n = strspn(text, "0123456789"), groups = 0;

    if (n == 0 || n > 3 || text[0] == '0')
        return 0;
    *value = strtoull(text, NULL, 10);
    while (text[n] == '.' && strspn(text + n + 1, "0123456789") == 3 &&
           groups++ < 5) {
        *value = *value * 1000 + strtoull(text + n + 1, NULL, 10);
        n += 4;
    }
    return groups > 0 ? n : 0;
}

jep_status_t
jetext_cell(struct jetext *t, enum dump_scope scope, int field, token_t cell)
{
    uint64_t value;

    if (token_number(cell, &value))
        return jetext_emit(t, scope, field, value);
    if (jetext_pointed(cell.text, &value) == cell.length)
        return jetext_emit(t, scope, field, value);
    if (!is_negative(cell) || t->said_negative || !t->is_open)
        return JEP_OK;
    t->said_negative = true;
    return jetext_warn(t, 0,
                       "a counter went below zero, which cannot be: it is "
                       "left out");
}

jep_status_t
jetext_text(struct jetext *t, const char *name, token_t value)
{
    char text[VALUE_MAX_LENGTH];

    value = token_trim(value);
    snprintf(text, sizeof(text), "%.*s", (int)value.length, value.text);
    return t->sink->text(t->sink->context, name, text, t->line);
}

jep_status_t
jetext_rounded(struct jetext *t)
{
    t->is_rounded = true;
    if (t->said_rounded || !t->is_open)
        return JEP_OK;
    t->said_rounded = true;
    return jetext_warn(t, 0, "figures are rounded to a few digits");
}

jep_status_t
jetext_warn(struct jetext *t, uint64_t column, const char *text)
{
    return t->sink->warn(t->sink->context, t->line, column, text);
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

/* "Merged arenas stats:", "arenas[12]:".  The merged statistics come first and
 * the arenas in ascending order: otherwise this is another dump. */
static jep_status_t
read_arena(struct jetext *t, token_t line, bool *is_arena)
{
    int number = arena_number(line);
    bool is_new = false;
    jep_status_t status;

    *is_arena = true;
    if (strncmp(line.text, "Merged arenas stats:", 20) == 0) {
        number = DUMP_ARENA_MERGED;
        is_new = t->arena != DUMP_ARENA_FRAGMENT;
    } else if (strncmp(line.text, "Destroyed arenas stats:", 23) == 0) {
        number = DUMP_ARENA_DESTROYED;
        is_new = t->last_arena >= 0 || t->arena == DUMP_ARENA_DESTROYED;
    } else if (number >= 0) {
        is_new = number <= t->last_arena;
    } else {
        *is_arena = false;
        return JEP_OK;
    }
    status = t->is_open && is_new ? jetext_begin(t) : jetext_need(t, TEXT_SURE);
    arena_reset(t, number);
    if (number > t->last_arena)
        t->last_arena = number;
    return status;
}

static bool
starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Lines that make up the frame of a dump. */
static jep_status_t
read_frame(struct jetext *t, token_t line, bool *is_read)
{
    *is_read = true;
    if (starts(line.text, "___ Begin jemalloc statistics ___"))
        return jetext_begin(t);
    if (starts(line.text, "--- End jemalloc statistics ---")) {
        t->evidence += TEXT_SURE;
        return document_end(t, true);
    }
    return read_arena(t, line, is_read);
}

/* What the allocator says at its start of options that it does not take: kept
 * for the dump that follows. */
static void
read_rejected(struct jetext *t, token_t line, bool *is_read)
{
    static const char *const faults[] = {
        "Invalid conf ", "Out-of-range conf value", "Malformed conf string",
        "Conf string ends with"};

    const char *at = strstr(line.text, "<jemalloc>: ");
    bool is_fault = false;

    *is_read = at != NULL;
    if (at == NULL)
        return;
    at += strlen("<jemalloc>: ");
    for (size_t i = 0; i < JE_ARRAY_LEN(faults); i++)
        is_fault |= starts(at, faults[i]);
    if (!is_fault || t->rejected_line > 0)
        return;
    snprintf(t->rejected, sizeof(t->rejected), "%s", at);
    t->rejected_line = t->line;
    t->evidence += TEXT_WEAK;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Rows of zeros that are left out of a table. */
static bool
is_gap(const struct jetext *t)
{
    size_t blanks = t->length - 3;

    return t->length > 3 && t->start[blanks + 2] == '-' &&
           memcmp(t->start + blanks - 1, " ---", 4) == 0 && t->is_open &&
           t->grid.table != TABLE_NONE && t->grid.table != TABLE_OTHER &&
           strspn(t->start, " ") == blanks;
}

/* "7f12c0000000-7f12c0021000 rw-p …": a mapping that another part of the paste
 * has, and no row although it may begin with a digit. */
static bool
is_mapping(const token_t *tokens, size_t count)
{
    return count >= 2 && tokens[1].length == 4 &&
           strspn(tokens[1].text, "rwxps-") == 4 &&
           memchr(tokens[0].text, '-', tokens[0].length) != NULL;
}

jep_status_t
jetext_read(struct jetext *t, const char *text, size_t length)
{
    token_t tokens[TOKENS_MAX], line;
    jep_status_t status;
    unsigned before;
    size_t count;
    bool is_read;

    t->start = text;
    t->length = length;
    if (length == 0)
        return JEP_OK;
    if (is_gap(t)) {
        t->evidence += TEXT_WEAK;
        return JEP_OK;
    }
    status = jetext_row_alike(t, &is_read);
    if (!is_read)
        status = jetext_recall(t, &is_read);
    if (!is_read && (t->heading_lengths >> length % 64 & 1) != 0)
        status = jetext_heading_again(t, &is_read);
    if (is_read)
        return status;
    count = token_split(text, length, tokens, TOKENS_MAX);
    if (count == 0 || count > TOKENS_MAX || is_mapping(tokens, count))
        return JEP_OK;
    line = (token_t){tokens[0].text, length - (size_t)(tokens[0].text - text)};
    if (!is_digit(line.text[0]) && !(count == 1 && token_is(line, "---"))) {
        status = read_frame(t, line, &is_read);
        if (!is_read)
            read_rejected(t, line, &is_read);
        if (!is_read)
            status = jetext_heading(t, tokens, count, &is_read);
        if (!is_read)
            status = jetext_labels_heading(t, tokens, count, &is_read);
        if (is_read)
            return status;
    }
    status = jetext_labels_row(t, line, tokens, count, &is_read);
    if (is_read)
        return status;
    status = jetext_row(t, tokens, count, &is_read);
    if (is_read)
        return status;
    before = t->evidence;
    status = jetext_words(t, line, tokens, count);
    if (t->evidence == before)
        jetext_keep_silent(t);
    return status;
}

static void
state_init(struct jetext *t, const struct dump_sink *sink)
{
    t->sink = sink;
    t->is_open = t->is_joined = t->is_final = false;
    t->weight = 0;
    t->pending_count = 0;
    t->rejected_line = 0;
    t->grid.count = t->grid.fields = t->grid.lock_fields = 0;
    t->grid.row = 0;
    t->grid.alike = NULL;
    t->memo = NULL;
    t->heading_lengths = 0;
    t->held = HELD_NONE;
    t->piece = 0;
    document_reset(t);
}

static jep_status_t
ignore_begin(void *context, enum dump_format format, uint64_t line)
{
    (void)context;
    (void)format;
    (void)line;
    return JEP_OK;
}

static jep_status_t
ignore_end(void *context, bool complete)
{
    (void)context;
    (void)complete;
    return JEP_OK;
}

static jep_status_t
ignore_number(void *context, const struct dump_where *where, int field,
              uint64_t value)
{
    (void)context;
    (void)where;
    (void)field;
    (void)value;
    return JEP_OK;
}

static jep_status_t
ignore_row(void *context, const struct dump_where *where,
           const struct dump_row *row)
{
    (void)context;
    (void)where;
    (void)row;
    return JEP_OK;
}

static jep_status_t
ignore_text(void *context, const char *name, const char *value, uint64_t line)
{
    (void)context;
    (void)name;
    (void)value;
    (void)line;
    return JEP_OK;
}

static jep_status_t
ignore_warning(void *context, uint64_t line, uint64_t column, const char *text)
{
    (void)context;
    (void)line;
    (void)column;
    (void)text;
    return JEP_OK;
}

static jep_status_t
ignore_repair(void *context, uint64_t line, unsigned repairs)
{
    (void)context;
    (void)line;
    (void)repairs;
    return JEP_OK;
}

static jep_status_t
ignore_owner(void *context, const struct dump_owner *owner)
{
    (void)context;
    (void)owner;
    return JEP_OK;
}

/* What the line would say to a reader that starts with it. */
static unsigned
jetext_probe(const struct text_line *line)
{
    static const struct dump_sink nobody = {
        .begin = ignore_begin,
        .end = ignore_end,
        .number = ignore_number,
        .row = ignore_row,
        .text = ignore_text,
        .warn = ignore_warning,
        .repaired = ignore_repair,
        .owner = ignore_owner,
    };
    struct jetext t;

    state_init(&t, &nobody);
    t.line = line->number;
    t.line_ended = line->ended;
    t.evidence = TEXT_NOTHING;
    (void)jetext_read(&t, line->text, line->length);
    return t.evidence;
}

static void *
jetext_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct jetext *t = malloc(sizeof(*t));

    (void)error;
    if (t == NULL)
        return NULL;
    state_init(t, sink);
    t->memo = jetext_memo_new();
    if (t->memo == NULL) {
        free(t);
        return NULL;
    }
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
    status = t->held == HELD_NONE ? jetext_read(t, line->text, line->length)
                                  : jetext_join(t, line->text, line->length);
    t->piece = line->length;
    if (status == JEP_OK && !t->line_ended)
        status = jetext_flush(t);
    if (status == JEP_OK && t->is_open && !t->line_ended && line->length > 0)
        status = jetext_warn(t, line->length,
                             "the last line has no end: a number "
                             "there may be cut off");
    *evidence = t->evidence;
    return status;
}

static jep_status_t
jetext_close(void *state)
{
    struct jetext *t = state;
    jep_status_t status = jetext_flush(t), ended;

    ended = document_end(t, false);
    jetext_memo_free(t->memo);
    free(t);
    return status != JEP_OK ? status : ended;
}

/* Whether a dump is at its end and nothing waits for the next one. */
static bool
jetext_is_over(const void *state)
{
    const struct jetext *t = state;

    return !t->is_open && t->weight == 0 && t->held == HELD_NONE &&
           t->rejected_line == 0;
}

const struct text_format text_jemalloc = {
    .name = "jemalloc",
    .probe = jetext_probe,
    .open = jetext_open,
    .line = jetext_line,
    .close = jetext_close,
    .is_over = jetext_is_over,
};
