/*
 * One emitter, two formats: what is printed is said once and comes out as JSON
 * or as text for people.
 *
 * In JSON, keys and structure count and titles are ignored; in text it is the
 * other way round. A table's columns are a constant array of descriptions over
 * the fields of a record, which serves both formats.
 *
 * No allocation, no stdio, no locale: output is gathered in the emitter itself
 * and handed to the callback in pieces. Usable in a signal handler if the
 * callback is.
 */
#ifndef JE_BASE_EMIT_H
#define JE_BASE_EMIT_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Receives one piece of output, terminated by a NUL. */
typedef void emit_write_t(void *opaque, const char *text);

typedef enum { EMIT_JSON, EMIT_TEXT } emit_format_t;

enum { EMIT_BUFFER = 1024, EMIT_NAME_WIDTH = 21, EMIT_VALUE_WIDTH = 16 };

typedef struct emit {
    emit_write_t *write;
    void *opaque;
    emit_format_t format;
    bool has_sibling; /* JSON: a comma is due before the next item */
    size_t used;
    char buf[EMIT_BUFFER];
} emit_t;

typedef enum {
    EMIT_U64,
    EMIT_I64,
    EMIT_SIZE,
    EMIT_U32,
    EMIT_BOOL,
    EMIT_STRING,   /* const char *, quoted in text as well */
    EMIT_WORD,     /* const char *, bare in text */
    EMIT_DECAY_MS, /* int64_t, of which -1 reads N/A in text */
} emit_kind_t;

typedef struct emit_value {
    emit_kind_t kind;

    union {
        uint64_t u;
        int64_t i;
        bool b;
        const char *s;
    };
} emit_value_t;

static inline emit_value_t
emit_u64(uint64_t u)
{
    return (emit_value_t){.kind = EMIT_U64, .u = u};
}

static inline emit_value_t
emit_i64(int64_t i)
{
    return (emit_value_t){.kind = EMIT_I64, .i = i};
}

static inline emit_value_t
emit_bool(bool b)
{
    return (emit_value_t){.kind = EMIT_BOOL, .b = b};
}

static inline emit_value_t
emit_string(const char *s)
{
    return (emit_value_t){.kind = EMIT_STRING, .s = s};
}

/* One field of a record. */
typedef struct emit_column {
    const char *key;   /* JSON: member; NULL: text only */
    const char *title; /* text: heading or label; NULL: JSON only */
    uint16_t offset;   /* of the field in the record */
    uint8_t kind;      /* emit_kind_t */
    uint8_t width;
    uint8_t rate_width; /* text: a column "per second" follows; 0: none */
} emit_column_t;

void emit_begin(emit_t *e, emit_format_t format, emit_write_t *write,
                void *opaque);
/* Hand over what is still gathered. */
void emit_end(emit_t *e);

/* JSON structure, nothing in text. `key` NULL: an element of an array. */
void emit_object(emit_t *e, const char *key);
void emit_object_end(emit_t *e);
void emit_array(emit_t *e, const char *key);
void emit_array_end(emit_t *e);
/* JSON only. */
void emit_member(emit_t *e, const char *key, emit_value_t value);

/* Text only. */
void emit_text(emit_t *e, const char *fmt, ...) JE_PRINTF(2, 3);

/* "key":value in JSON; a line "label: value" in text. */
void emit_pair(emit_t *e, const char *key, const char *label,
               emit_value_t value);
/* As above; the line ends with " (note: other)". */
void emit_pair_note(emit_t *e, const char *key, const char *label,
                    emit_value_t value, const char *note, emit_value_t other);

/* Text: the row of headings; `name` stands left in `name_width`, over the
 * first column where name_width is 0. The row stays open. */
void emit_titles(emit_t *e, const char *name, unsigned name_width,
                 const emit_column_t *columns, size_t n);
/* Members in JSON; columns of an open row in text. `period_ns` is what rates
 * refer to; below a second they repeat the count. */
void emit_fields(emit_t *e, const emit_column_t *columns, size_t n,
                 const void *record, uint64_t period_ns);
/* Text: the left column of a row. */
void emit_name(emit_t *e, const char *name, unsigned width);
/* Text: close the row. */
void emit_row_end(emit_t *e);
/* Members in JSON; in text a line each, "title:" left, the value right. */
void emit_lines(emit_t *e, const emit_column_t *columns, size_t n,
                const void *record);

#endif
