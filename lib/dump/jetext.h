/* What the parts of the reader of jemalloc's text share.
 *
 * jetext.c finds documents and sends each line to where it belongs,
 * jetext_words.c reads labelled figures, jetext_table.c tables, jetext_row.c
 * their rows, jetext_labels.c that of owner labels, and jetext_join.c puts
 * together what a terminal has wrapped.  jetext_memo.c keeps what lines were
 * found to be. */
#ifndef JE_DUMP_JETEXT_H
#define JE_DUMP_JETEXT_H

#include "base/macros.h"

#include "dump/text.h"

#define JETEXT_PENDING_MAX 64
#define JETEXT_CONF_MAX    200
#define JETEXT_HELD_MAX    4096 /* a wrapped line that is longer stays cut */

enum jetext_table {
    TABLE_NONE,
    TABLE_SUMS,  /* over small, large and huge size classes */
    TABLE_DECAY, /* dirty and muzzy pages */
    TABLE_BINS,
    TABLE_LARGE,
    TABLE_EXTENTS,
    TABLE_LOCKS,
    TABLE_HPA,    /* slabs of the huge page allocator that are not full */
    TABLE_TOTALS, /* of SQL: the totals side by side */
    TABLE_LABELS, /* owner labels, of our allocator only */
    TABLE_OTHER
};

struct jetext_column {
    int16_t field; /* FIELD_NONE = means nothing to us */
    bool is_lock;  /* in a table of bins: a figure of the bin's lock */
    uint32_t end;  /* where its heading ends in the line; 0 = unknown */
};

/* Figures of one scope in the rows of a table. */
struct jetext_part {
    uint32_t fields;                     /* by bit */
    int first;                           /* the first word, or FIELD_NONE */
    uint64_t wanted[TOKEN_SHAPE_BLOCKS]; /* by bit: where the others end */
};

/* What is known of the rows of a table after one was split: where their words
 * end, and which figure ends there. */
struct jetext_alike {
    struct token_shape shape;
    struct jetext_part own, lock; /* lock: a bin's, in the same row */
    uint8_t field_at[TOKEN_SHAPE_BLOCKS * 64];
};

struct jetext_grid {
    enum jetext_table table;
    size_t count;
    uint32_t fields, lock_fields; /* of columns, by bit */
    int index;                    /* column that numbers the rows, -1 = none */
    uint32_t row;
    bool warned;                              /* of a row */
    bool is_guess;                            /* there was no heading */
    struct jetext_alike *alike;               /* rows; NULL = is not kept */
    struct jetext_column columns[TOKENS_MAX]; /* last: most have few */
};

/* What the rows of a table are. */
struct jetext_table_kind {
    enum dump_scope scope; /* DUMP_SCOPES = nothing to read */
    int index;             /* field that numbers the rows, or FIELD_NONE */
    size_t labels;         /* words of a row before its figures */
};

extern const struct jetext_table_kind jetext_tables[];

struct jetext_pending {
    struct dump_where where;
    int field;
    uint64_t value;
};

/* What a line says about slabs of the huge page allocator. */
struct jetext_slabs {
    bool has_all; /* with all that the shard has */
    struct dump_cell all;
    size_t count; /* of those that the line is about */
    struct dump_cell cells[2];
};

/* A line that may go on in the next one. */
enum jetext_held { HELD_NONE, HELD_ROW, HELD_HEADING, HELD_TOTALS };

struct jetext {
    const struct dump_sink *sink;
    uint64_t line;
    bool line_ended;   /* by a line feed */
    unsigned evidence; /* of this line */
    const char *start; /* of it, with the blanks before it */
    size_t length;

    /* The document.  It begins when there is evidence enough for one. */
    bool is_open;
    unsigned weight; /* evidence so far */
    struct jetext_pending pending[JETEXT_PENDING_MAX];
    size_t pending_count;
    char rejected[JETEXT_CONF_MAX]; /* an option, before the document */
    uint64_t rejected_line;         /* 0 = there is none */
    bool has_version, has_totals;
    bool is_rounded; /* that is to be said */
    bool said_rounded, said_negative;

    /* The arena. */
    int arena, last_arena;       /* last_arena: greatest index so far, or -1 */
    bool has_active, has_bins;   /* since its heading */
    uint32_t hpa_row;            /* which slabs the next lines are about */
    uint64_t large[SMALL_COUNT]; /* the row "large:", for "huge:" to add to */

    struct jetext_grid grid;
    struct jetext_memo *memo; /* NULL = keeps nothing */
    uint64_t heading_lengths; /* of those it keeps, by bit modulo 64 */

    /* Wrapped lines. */
    enum jetext_held held;
    uint64_t held_line;
    bool is_joined;    /* the line being read is the held one, made longer */
    bool is_final;     /* likewise, and nothing will make it longer */
    size_t piece;      /* length of the line before, as it came */
    size_t wrap_width; /* of the longest that was joined; 0 = none was */
    char text[JETEXT_HELD_MAX + 1]; /* NUL-terminated */
    size_t text_length;
};

/* jetext.c: documents.  `jetext_need` makes sure that there is one, given
 * evidence; `jetext_emit` waits for it. */
jep_status_t jetext_begin(struct jetext *t);
jep_status_t jetext_need(struct jetext *t, unsigned evidence);
jep_status_t jetext_emit(struct jetext *t, enum dump_scope scope, int field,
                         uint64_t value);
jep_status_t jetext_emit_row(struct jetext *t, enum dump_scope scope,
                             const struct dump_row *row);
/* The same for a cell, unless it is no number. */
jep_status_t jetext_cell(struct jetext *t, enum dump_scope scope, int field,
                         token_t cell);
/* The length of a number with points between its thousands; 0 = none. */
size_t jetext_pointed(const char *text, uint64_t *value);
jep_status_t jetext_text(struct jetext *t, const char *name, token_t value);
/* Say once that figures are rounded. */
jep_status_t jetext_rounded(struct jetext *t);
jep_status_t jetext_warn(struct jetext *t, uint64_t column, const char *text);
jep_status_t jetext_read(struct jetext *t, const char *text, size_t length);

/* jetext_words.c: a line that starts with a word. */
jep_status_t jetext_words(struct jetext *t, token_t line, const token_t *tokens,
                          size_t count);
int jetext_label(enum dump_scope scope, token_t label);
/* "stats.active   22827008   21.77 Mb": so prints skynet's console totals,
 * which are of another moment. */
bool jetext_is_console(const token_t *tokens, size_t count);

/* jetext_table.c. */
jep_status_t jetext_heading_again(struct jetext *t, bool *is_heading);
jep_status_t jetext_heading(struct jetext *t, const token_t *tokens,
                            size_t count, bool *is_heading);
jep_status_t jetext_row(struct jetext *t, const token_t *tokens, size_t count,
                        bool *is_row);
bool jetext_is_column(const struct jetext *t, token_t name);
/* A table whose columns are known: its rows are read elsewhere. */
void jetext_table_begin(struct jetext *t, enum jetext_table table);

/* jetext_labels.c: the table of owner labels. */
jep_status_t jetext_labels_heading(struct jetext *t, const token_t *tokens,
                                   size_t count, bool *is_heading);
/* The words of `line`, if they are a row of the open table. */
jep_status_t jetext_labels_row(struct jetext *t, token_t line,
                               const token_t *tokens, size_t count,
                               bool *is_row);

/* jetext_row.c: the current line is a row of the open table. */
/* Emit the figures of a row that was split: `count` of `values`. */
jep_status_t jetext_emit_words(struct jetext *t, const token_t *tokens,
                               const token_t *values, size_t count);
/* Read it without splitting, if its words end where those of the row before
 * did; that one is kept by jetext_row_keep(). */
jep_status_t jetext_row_alike(struct jetext *t, bool *is_read);
void jetext_row_keep(struct jetext *t, const token_t *tokens, size_t count);
/* Whether a line that starts with a word is a row of the current table. */
bool jetext_is_labelled(const struct jetext *t, const token_t *tokens,
                        size_t count);
/* The field of a column of the decay table, of dirty pages. */
int jetext_decay_column(token_t name);

/* jetext_join.c: hold the line that was just read, and take the next. */
void jetext_hold(struct jetext *t, enum jetext_held kind);
jep_status_t jetext_join(struct jetext *t, const char *text, size_t length);
jep_status_t jetext_flush(struct jetext *t);

/* Emit what a line says about slabs. */
jep_status_t jetext_slabs_emit(struct jetext *t,
                               const struct jetext_slabs *slabs);
/* The document for a figure of an arena. */
jep_status_t jetext_need_arena(struct jetext *t, int field);

/* jetext_memo.c: lines like one before.  A heading puts the grid back.  Any
 * other line that was kept is read at once where it follows the same one. */
struct jetext_memo *jetext_memo_new(void);
void jetext_memo_free(struct jetext_memo *memo);
const struct jetext_grid *jetext_recall_heading(const struct jetext *t);
void jetext_keep_heading(struct jetext *t);
jep_status_t jetext_recall(struct jetext *t, bool *is_read);
/* What the current line was found to be. */
/* is_last: the line ends in its digits. */
void jetext_keep_figure(struct jetext *t, enum dump_scope scope, int field,
                        uint64_t value, bool is_last);
void jetext_keep_slabs(struct jetext *t, const struct jetext_slabs *slabs);
void jetext_keep_slabs_heading(struct jetext *t);
void jetext_keep_silent(struct jetext *t);

#endif
