/* What headings and labels of jemalloc's text were found to be.
 *
 * A dump of thousands of arenas has the same lines for each of them, so what a
 * line is need be found out only once.  Only what depends on nothing but the
 * text is kept. */
#include "dump/jetext.h"

#include <stdlib.h>
#include <string.h>

#define HEADINGS    8 /* more than an arena has */
#define HEADING_MAX 1024
#define LINES       64 /* more than an arena has; the first is none */
#define LINE_MAX    64

enum kind {
    KIND_NONE,
    KIND_FIGURE, /* ends in its number */
    KIND_EXACT,  /* a figure with something behind the number */
    KIND_SLABS,
    KIND_SLABS_HEADING,
    KIND_SILENT /* says nothing to this reader */
};

/* A line that is not of a table. */
struct known {
    char text[LINE_MAX]; /* of figures without the number; blanks follow */
    uint8_t length;      /* of figures, LINE_MAX */
    uint8_t label;       /* of figures: its length */
    uint8_t kind;
    uint8_t next[2];         /* lines that came after it, the last one first */
    enum jetext_table table; /* that was open when it said nothing */
    enum dump_scope scope;
    struct dump_cell figure;
    uint32_t hpa_row;
    struct jetext_slabs slabs;
};

struct heading {
    char text[HEADING_MAX];
    size_t length;
    struct jetext_grid grid;
    struct jetext_alike alike; /* its rows */
};

struct jetext_memo {
    struct heading headings[HEADINGS];
    unsigned next; /* heading that is forgotten */
    struct known lines[LINES];
    unsigned line;      /* the last that came; 0 = none */
    unsigned next_line; /* is forgotten */
};

struct jetext_memo *
jetext_memo_new(void)
{
    return calloc(1, sizeof(struct jetext_memo));
}

void
jetext_memo_free(struct jetext_memo *memo)
{
    free(memo);
}

const struct jetext_grid *
jetext_recall_heading(const struct jetext *t)
{
    if (t->memo == NULL || t->is_joined || t->length == 0)
        return NULL;
    for (unsigned i = 0; i < HEADINGS; i++) {
        const struct heading *heading = &t->memo->headings[i];

        if (heading->length == t->length &&
            memcmp(heading->text, t->start, t->length) == 0)
            return &heading->grid;
    }
    return NULL;
}

void
jetext_keep_heading(struct jetext *t)
{
    struct heading *heading;

    if (t->memo == NULL || t->length == 0 || t->length > HEADING_MAX)
        return;
    heading = &t->memo->headings[t->memo->next++ % HEADINGS];
    memcpy(heading->text, t->start, t->length);
    heading->length = t->length;
    t->heading_lengths |= UINT64_C(1) << t->length % 64;
    heading->alike.shape.count = 0;
    t->grid.alike = &heading->alike;
    heading->grid = t->grid;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Where the number is in which the line ends. */
static size_t
number_start(const struct jetext *t)
{
    size_t start = t->length;

    while (start > 0 && is_digit(t->start[start - 1]))
        start--;
    return start;
}

/* Whether the current line is `known`, but for its number; *start: of it. */
static bool
is_known(const struct jetext *t, const struct known *known, size_t *start)
{
    *start = t->length;
    if (known->kind == KIND_FIGURE && t->length <= LINE_MAX)
        *start = number_start(t);
    else if (known->length != t->length)
        return false;
    return *start >= known->label && memcmp(known->text, t->start, *start) == 0;
}

static jep_status_t
emit_known(struct jetext *t, const struct known *known, uint64_t value)
{
    int field = known->figure.field;
    jep_status_t status = known->scope == DUMP_ARENA
                              ? jetext_need_arena(t, field)
                              : jetext_need(t, TEXT_WEAK);

    return status != JEP_OK ? status
                            : jetext_emit(t, known->scope, field, value);
}

/* The line that is the current one, among those that came after the last one;
 * NULL = it is none of them.  *start: of its number. */
static const struct known *
find_known(const struct jetext *t, size_t *start)
{
    const struct jetext_memo *memo = t->memo;
    const uint8_t *next = memo->lines[memo->line].next;

    for (size_t i = 0; i < JE_ARRAY_LEN(memo->lines[0].next); i++) {
        const struct known *known = &memo->lines[next[i]];

        if (next[i] != 0 && is_known(t, known, start))
            return known;
    }
    return NULL;
}

jep_status_t
jetext_recall(struct jetext *t, bool *is_read)
{
    struct jetext_memo *memo = t->memo;
    const struct known *known;
    uint64_t value;
    size_t start;

    *is_read = false;
    if (memo == NULL || !t->is_open || !t->line_ended || t->is_joined)
        return JEP_OK;
    known = find_known(t, &start);
    if (known == NULL)
        return JEP_OK;
    memo->line = (unsigned)(known - memo->lines);
    *is_read = true;
    switch (known->kind) {
    case KIND_FIGURE:
        *is_read = token_number((token_t){t->start + start, t->length - start},
                                &value);
        return *is_read ? emit_known(t, known, value) : JEP_OK;
    case KIND_EXACT:
        return emit_known(t, known, known->figure.value);
    case KIND_SLABS:
        return jetext_slabs_emit(t, &known->slabs);
    case KIND_SLABS_HEADING:
        t->hpa_row = known->hpa_row;
        t->evidence += TEXT_WEAK;
        return JEP_OK;
    default:
        *is_read = known->table == t->grid.table && t->wrap_width == 0;
        return JEP_OK;
    }
}

/* Line `at` comes after the last one. */
static void
keep_next(struct jetext_memo *memo, unsigned at)
{
    uint8_t *next = memo->lines[memo->line].next;

    if (next[0] != at)
        next[1] = next[0];
    next[0] = (uint8_t)at;
    memo->line = at;
}

/* The current line is `as`, and comes after the one before. */
static void
keep(struct jetext *t, struct known *as)
{
    struct jetext_memo *memo = t->memo;
    size_t length = as->kind == KIND_FIGURE ? number_start(t) : t->length;
    unsigned at = 1;

    if (memo == NULL || !t->is_open || !t->line_ended || t->is_joined ||
        t->length == 0 || t->length > LINE_MAX)
        return;
    memset(as->text, ' ', sizeof(as->text));
    memcpy(as->text, t->start, length);
    as->length = (uint8_t)(as->kind == KIND_FIGURE ? LINE_MAX : length);
    while (as->kind == KIND_FIGURE && length > 0 && as->text[length - 1] <= ' ')
        length--;
    as->label = (uint8_t)(as->kind == KIND_FIGURE ? length : 0);
    while (at < LINES &&
           (memo->lines[at].kind != as->kind ||
            memo->lines[at].length != as->length ||
            memcmp(memo->lines[at].text, as->text, LINE_MAX) != 0))
        at++;
    if (at == LINES)
        at = 1 + memo->next_line++ % (LINES - 1);
    memcpy(as->next, memo->lines[at].next, sizeof(as->next));
    memo->lines[at] = *as;
    keep_next(memo, at);
}

void
jetext_keep_figure(struct jetext *t, enum dump_scope scope, int field,
                   uint64_t value, bool is_last)
{
    struct known known = {.kind = is_last ? KIND_FIGURE : KIND_EXACT,
                          .scope = scope,
                          .figure = {field, value}};

    keep(t, &known);
}

void
jetext_keep_slabs(struct jetext *t, const struct jetext_slabs *slabs)
{
    struct known known = {.kind = KIND_SLABS, .slabs = *slabs};

    keep(t, &known);
}

void
jetext_keep_slabs_heading(struct jetext *t)
{
    struct known known = {.kind = KIND_SLABS_HEADING, .hpa_row = t->hpa_row};

    keep(t, &known);
}

void
jetext_keep_silent(struct jetext *t)
{
    struct known known = {.kind = KIND_SILENT, .table = t->grid.table};

    /* What has a figure may be a row of the next table. */
    for (size_t i = 0; t->memo != NULL && i < t->length; i++) {
        if (is_digit(t->start[i]))
            return;
    }
    if (t->wrap_width == 0)
        keep(t, &known);
}
