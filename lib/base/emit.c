/*
 * JSON and text over a callback: see emit.h.
 */
#include "base/emit.h"

#include <stdarg.h>
#include <string.h>

#include "base/assert.h"

enum {
    LINE_BYTES = 512, /* longest piece of one emit_text */
    CELL_BYTES = 32,
};

#define NS_PER_S UINT64_C(1000000000)

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "EMIT_SIZE is EMIT_U64");

static void
emit_flush(emit_t *e)
{
    if (e->used > 0) {
        e->buf[e->used] = '\0';
        e->used = 0;
        e->write(e->opaque, e->buf);
    }
}

static void
put(emit_t *e, const char *s, size_t n)
{
    while (n > 0) {
        size_t room = sizeof(e->buf) - 1 - e->used;
        size_t part = n < room ? n : room;
        memcpy(e->buf + e->used, s, part);
        e->used += part;
        s += part;
        n -= part;
        if (e->used == sizeof(e->buf) - 1) {
            emit_flush(e);
        }
    }
}

static void
put_string(emit_t *e, const char *s)
{
    put(e, s, strlen(s));
}

static void
put_spaces(emit_t *e, size_t n)
{
    for (; n > 0; n--) {
        put(e, " ", 1);
    }
}

static void
put_right(emit_t *e, const char *s, size_t width)
{
    size_t n = strlen(s);
    put_spaces(e, n < width ? width - n : 0);
    put(e, s, n);
}

static void
put_left(emit_t *e, const char *s, size_t width)
{
    size_t n = strlen(s);
    put(e, s, n);
    put_spaces(e, n < width ? width - n : 0);
}

/* ---- strings ----------------------------------------------------------- */

/* Bytes that a UTF-8 sequence starting with this one has; 0: none does. */
static size_t
utf8_announced(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Bytes of the well-formed UTF-8 sequence at s, 0 if there is none. Overlong
 * forms, surrogates and what lies beyond U+10FFFF are not well formed: they
 * differ from others in the range of their second byte. */
static size_t
utf8_length(const unsigned char *s)
{
    size_t n = utf8_announced(s[0]);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    switch (s[0]) {
    case 0xe0:
        return s[1] >= 0xa0 ? n : 0;
    case 0xed:
        return s[1] <= 0x9f ? n : 0;
    case 0xf0:
        return s[1] >= 0x90 ? n : 0;
    case 0xf4:
        return s[1] <= 0x8f ? n : 0;
    default:
        return n;
    }
}

static void
put_quoted(emit_t *e, const char *s)
{
    put(e, "\"", 1);
    while (*s != '\0') {
        size_t n = utf8_length((const unsigned char *)s);
        if (n == 0) {
            put_string(e, "\\ufffd");
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            put(e, "\\", 1);
            put(e, s, 1);
        } else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            char code[8];
            size_t len = je_format(code, sizeof(code), "\\u%04x", (unsigned)*s);
            put(e, code, len);
        } else {
            put(e, s, n);
        }
        s += n;
    }
    put(e, "\"", 1);
}

/* ---- values ------------------------------------------------------------ */

/* A number or truth value as text; NULL for strings. */
static const char *
value_text(emit_value_t v, char *cell)
{
    switch (v.kind) {
    case EMIT_BOOL:
        return v.b ? "true" : "false";
    case EMIT_I64:
    case EMIT_DECAY_MS:
        je_format(cell, CELL_BYTES, "%lld", (long long)v.i);
        return cell;
    case EMIT_STRING:
    case EMIT_WORD:
        return NULL;
    default:
        je_format(cell, CELL_BYTES, "%llu", (unsigned long long)v.u);
        return cell;
    }
}

static void
put_value(emit_t *e, emit_value_t v)
{
    char cell[CELL_BYTES];
    const char *text = value_text(v, cell);
    if (text != NULL) {
        put_string(e, text);
    } else {
        put_quoted(e, v.s != NULL ? v.s : "");
    }
}

static void
put_cell(emit_t *e, emit_value_t v, unsigned width)
{
    char cell[CELL_BYTES];
    const char *text = value_text(v, cell);
    if (v.kind == EMIT_DECAY_MS && v.i < 0) {
        text = "N/A";
    }
    put_right(e, text != NULL ? text : v.s, width);
}

static emit_value_t
column_value(const emit_column_t *c, const void *record)
{
    const char *at = (const char *)record + c->offset;
    emit_value_t v = {.kind = (emit_kind_t)c->kind};
    uint32_t u32;
    switch (v.kind) {
    case EMIT_U32:
        memcpy(&u32, at, sizeof(u32));
        v.u = u32;
        break;
    case EMIT_BOOL:
        memcpy(&v.b, at, sizeof(v.b));
        break;
    case EMIT_STRING:
    case EMIT_WORD:
        memcpy(&v.s, at, sizeof(v.s));
        break;
    default:
        memcpy(&v.u, at, sizeof(v.u));
        break;
    }
    return v;
}

/* ---- structure --------------------------------------------------------- */

static void
emit_item(emit_t *e, const char *key)
{
    if (e->has_sibling) {
        put(e, ",", 1);
    }
    e->has_sibling = true;
    if (key != NULL) {
        put_quoted(e, key);
        put(e, ":", 1);
    }
}

static void
emit_open(emit_t *e, const char *key, const char *bracket)
{
    if (e->format == EMIT_JSON) {
        emit_item(e, key);
        put(e, bracket, 1);
        e->has_sibling = false;
    }
}

static void
emit_close(emit_t *e, const char *bracket)
{
    if (e->format == EMIT_JSON) {
        put(e, bracket, 1);
        e->has_sibling = true;
    }
}

void
emit_begin(emit_t *e, emit_format_t format, emit_write_t *write, void *opaque)
{
    e->write = write;
    e->opaque = opaque;
    e->format = format;
    e->has_sibling = false;
    e->used = 0;
}

void
emit_end(emit_t *e)
{
    emit_flush(e);
}

void
emit_object(emit_t *e, const char *key)
{
    emit_open(e, key, "{");
}

void
emit_object_end(emit_t *e)
{
    emit_close(e, "}");
}

void
emit_array(emit_t *e, const char *key)
{
    emit_open(e, key, "[");
}

void
emit_array_end(emit_t *e)
{
    emit_close(e, "]");
}

void
emit_member(emit_t *e, const char *key, emit_value_t value)
{
    if (e->format == EMIT_JSON) {
        emit_item(e, key);
        put_value(e, value);
    }
}

void
emit_text(emit_t *e, const char *fmt, ...)
{
    if (e->format != EMIT_TEXT) {
        return;
    }
    char line[LINE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    size_t n = je_vformat(line, sizeof(line), fmt, ap);
    va_end(ap);
    put(e, line, n);
}

void
emit_pair(emit_t *e, const char *key, const char *label, emit_value_t value)
{
    emit_pair_note(e, key, label, value, NULL, value);
}

void
emit_pair_note(emit_t *e, const char *key, const char *label,
               emit_value_t value, const char *note, emit_value_t other)
{
    if (e->format == EMIT_JSON) {
        emit_member(e, key, value);
        return;
    }
    put_string(e, label);
    put_string(e, ": ");
    put_value(e, value);
    if (note != NULL) {
        put_string(e, " (");
        put_string(e, note);
        put_string(e, ": ");
        put_value(e, other);
        put_string(e, ")");
    }
    put_string(e, "\n");
}

/* ---- tables ------------------------------------------------------------ */

void
emit_titles(emit_t *e, const char *name, unsigned name_width,
            const emit_column_t *columns, size_t n)
{
    if (e->format != EMIT_TEXT) {
        return;
    }
    put_left(e, name, name_width);
    size_t taken = name_width == 0 ? strlen(name) : 0;
    for (size_t i = 0; i < n; i++) {
        const emit_column_t *c = &columns[i];
        if (c->title != NULL) {
            size_t used = taken < c->width ? taken : c->width;
            put_right(e, c->title, c->width - used);
            taken = 0;
            if (c->rate_width != 0) {
                put_right(e, "(#/sec)", c->rate_width);
            }
        }
    }
}

static void
emit_rate(emit_t *e, uint64_t count, unsigned width, uint64_t period_ns)
{
    uint64_t seconds = period_ns / NS_PER_S;
    put_cell(e, emit_u64(seconds == 0 ? count : count / seconds), width);
}

void
emit_fields(emit_t *e, const emit_column_t *columns, size_t n,
            const void *record, uint64_t period_ns)
{
    for (size_t i = 0; i < n; i++) {
        const emit_column_t *c = &columns[i];
        emit_value_t v = column_value(c, record);
        if (e->format == EMIT_JSON) {
            if (c->key != NULL) {
                emit_member(e, c->key, v);
            }
        } else if (c->title != NULL) {
            put_cell(e, v, c->width);
            if (c->rate_width != 0) {
                emit_rate(e, v.u, c->rate_width, period_ns);
            }
        }
    }
}

void
emit_name(emit_t *e, const char *name, unsigned width)
{
    if (e->format == EMIT_TEXT) {
        put_left(e, name, width);
    }
}

void
emit_row_end(emit_t *e)
{
    if (e->format == EMIT_TEXT) {
        put(e, "\n", 1);
    }
}

void
emit_lines(emit_t *e, const emit_column_t *columns, size_t n,
           const void *record)
{
    for (size_t i = 0; i < n; i++) {
        const emit_column_t *c = &columns[i];
        emit_value_t v = column_value(c, record);
        if (e->format == EMIT_JSON) {
            if (c->key != NULL) {
                emit_member(e, c->key, v);
            }
        } else if (c->title != NULL) {
            size_t len = strlen(c->title);
            put_string(e, c->title);
            put_string(e, ":");
            put_spaces(e, len + 1 < EMIT_NAME_WIDTH ? EMIT_NAME_WIDTH - len - 1
                                                    : 0);
            put_cell(e, v, EMIT_VALUE_WIDTH);
            put(e, "\n", 1);
        }
    }
}
