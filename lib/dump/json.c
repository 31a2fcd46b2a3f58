/* JSON as events with a state for each open object or array.
 *
 * yajl delivers tokens while the input streams by, so that a dump of hundreds
 * of megabytes needs no more memory than a small one, and one that was cut off
 * half-way still yields its first half.
 *
 * A document is an object that has a member known at its top, wherever it
 * lies: in a list, in the answer of some server, or behind another one that
 * was cut off.  "labels" alone make none: all sorts of JSON have them. */
#include "dump/json.h"

#include "dump/perr.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define COMMAS_MAX 8 /* stray ones that are forgiven in a value */

static struct json_frame *
top(json_t *json)
{
    return &json->frames[json->depth - 1];
}

/* Count lines up to `now` bytes of the chunk. */
static void
position_set(json_t *json, size_t now)
{
    const char *feed;

    while (json->counted < now &&
           (feed = memchr(json->chunk + json->counted, '\n',
                          now - json->counted)) != NULL) {
        json->line++;
        json->counted = (size_t)(feed - json->chunk) + 1;
        json->line_start = json->offset + json->counted;
    }
    json->counted = now;
    json->column = json->offset + now - json->line_start;
}

static void
position_update(json_t *json)
{
    position_set(json, yajl_get_bytes_consumed(json->yajl));
}

void
json_set_line(json_t *json, uint64_t number)
{
    json->line = number;
    json->line_start = json->offset;
}

jep_status_t
json_warn(json_t *json, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return json->sink->warn(json->sink->context, json->line,
                            json->column > 0 ? json->column : 1, text);
}

jep_status_t
json_warn_member(json_t *json, const char *key, const struct json_value *value,
                 const char *what)
{
    char quoted[32], name[40];
    bool is_text = value != NULL && value->type == JSON_STRING;
    size_t length = value != NULL ? value->text.length : 0;
    size_t back = is_text ? length + 1 : length > 0 ? length - 1 : 0;

    /* Point to where the value starts, if that is on this line. */
    if (back < json->column)
        json->column -= back;
    perr_quote(name, sizeof(name), key, strlen(key));
    if (length == 0 || is_text)
        return json_warn(json, "\"%s\" is %s: left out", name, what);
    perr_quote(quoted, sizeof(quoted), value->text.text, length);
    return json_warn(json, "\"%s\" is %s (%s%s): left out", name, what, quoted,
                     length >= sizeof(quoted) ? "..." : "");
}

/* Why the input holds nothing; the first reason wins. */
static void
reason_set(json_t *json, jep_status_t code, uint64_t column, const char *text)
{
    perr_set(&json->reason, code, json->line, column > 0 ? column : 1, "%s",
             text);
}

const char *
json_count(const struct json_value *value, bool is_signed, uint64_t *number)
{
    token_t text = value->text;

    switch (value->type) {
    case JSON_STRING:
        return "a text, not a number";
    case JSON_BOOL:
        return "not a number";
    default:
        break;
    }
    if (text.length > 1 && text.text[0] == '-') {
        token_t digits = {text.text + 1, text.length - 1};

        if (!is_signed || !token_number(digits, number))
            return "negative";
        *number = -*number;
        return NULL;
    }
    if (token_number(text, number))
        return NULL;
    for (size_t i = 0; i < text.length; i++) {
        if (text.text[i] < '0' || text.text[i] > '9')
            return "not a whole number";
    }
    return "more than anything can be";
}

/* Whether -1 ("never") or less is a value of that figure. */
static bool
is_signed(const struct json_member *member)
{
    switch (member->scope) {
    case DUMP_CONST:
        return member->field == CONST_DIRTY_DECAY_MS ||
               member->field == CONST_MUZZY_DECAY_MS;
    case DUMP_ARENA:
        return member->field == ARENA_DIRTY_DECAY_MS ||
               member->field == ARENA_MUZZY_DECAY_MS;
    case DUMP_PROCESS:
        return member->field == PROCESS_OOM_SCORE_ADJ;
    default:
        return false;
    }
}

static jep_status_t
figure_read(json_t *json, const struct json_frame *frame,
            const struct json_value *value)
{
    const struct json_member *member = frame->member;
    struct dump_where where = {member->scope, json->arena, frame->row,
                               json->line};
    uint64_t number;
    const char *wrong;

    if (value->type == JSON_NULL)
        return JEP_OK;
    wrong = json_count(value, is_signed(member), &number);
    if (wrong != NULL)
        return json_warn_member(json, frame->key, value, wrong);
    return json->sink->number(json->sink->context, &where, member->field,
                              number);
}

static jep_status_t
text_read(json_t *json, const char *prefix, const struct json_frame *frame,
          const struct json_value *value)
{
    char name[JSON_KEY_MAX + 32], text[4096];

    snprintf(name, sizeof(name), "%s%s", prefix, frame->key);
    snprintf(text, sizeof(text), "%.*s", (int)value->text.length,
             value->text.text);
    return json->sink->text(json->sink->context, name, text, json->line);
}

static jep_status_t
value_read(json_t *json, const struct json_frame *frame,
           const struct json_value *value)
{
    const struct json_member *member = frame->member;
    const struct json_place *place = json->map.places[frame->state];

    if (frame->state == JP_HEAD && json->status == JEP_OK) {
        jep_status_t status = jeprobe_head(json, frame, value);

        if (status != JEP_OK)
            return status;
    }
    if (jeprobe_is_object(frame->state))
        return jeprobe_value(json, frame, value);
    if (place == NULL || value->type == JSON_NULL)
        return JEP_OK;
    if (member != NULL && member->field != FIELD_NONE)
        return figure_read(json, frame, value);
    if (member != NULL && member->to != JSON_SKIP)
        return json_warn_member(json, frame->key, value, "not an object");
    if (place->prefix != NULL &&
        (place->is_settings || value->type == JSON_STRING))
        return text_read(json, place->prefix, frame, value);
    return JEP_OK;
}

/* An element or a member is over. */
static void
step(json_t *json)
{
    if (json->depth > 0 && top(json)->is_array)
        top(json)->index++;
}

static jep_status_t
document_begin(json_t *json)
{
    jep_status_t status = json->sink->begin(
        json->sink->context, DUMP_FORMAT_JEMALLOC_JSON, json->line);

    if (status != JEP_OK)
        return status;
    json->document = json->depth;
    json->complete = true;
    json->arena = DUMP_ARENA_FRAGMENT;
    return JEP_OK;
}

static jep_status_t
document_end(json_t *json)
{
    json->document = 0;
    json->documents++;
    return json->sink->end(json->sink->context, json->complete);
}

/* Where the object or array leads that opens as the current member of
 * `parent`; its row in *row. */
static enum json_state
state_next(json_t *json, const struct json_frame *parent, uint32_t *row)
{
    const struct json_member *member = parent->is_array ? NULL : parent->member;
    int lock;

    *row = parent->row;
    /* Whatever may be wrapped around a document. */
    if (parent->state == JSON_TOP && (member == NULL || parent->is_array))
        return json->document == 0 ? JSON_TOP : JSON_SKIP;
    if (member == NULL)
        member = json->map.elements[parent->state];
    if (member == NULL)
        return JSON_SKIP;
    switch (member->to) {
    case JM_MUTEX:
    case JM_ARENA_MUTEX:
        lock = field_lock(parent->key, strlen(parent->key), LOCK_LARGE);
        *row = (uint32_t)lock;
        return lock == FIELD_NONE ? JSON_SKIP : member->to;
    case JM_ARENA:
        return jejson_arena(parent->key, &json->arena) ? JM_ARENA : JSON_SKIP;
    case JM_BIN_MUTEX:
        return JM_BIN_MUTEX;
    default:
        *row = parent->is_array ? parent->row + parent->index : member->row;
        return parent->is_array == (member->key == NULL) ? member->to
                                                         : JSON_SKIP;
    }
}

/* A figure opens like an object. */
static jep_status_t
warn_figure(json_t *json, const struct json_frame *parent)
{
    if (parent->is_array || parent->member == NULL ||
        parent->member->field == FIELD_NONE || parent->member->to != JSON_SKIP)
        return JEP_OK;
    return json_warn_member(json, parent->key, NULL, "not a number");
}

/* Read the number that is held. */
static bool
number_read(json_t *json)
{
    struct json_value value = {JSON_NUMBER,
                               {json->number.text, json->number.length}};
    uint64_t line = json->line, column = json->column;

    if (!json->number.is_held)
        return true;
    json->number.is_held = false;
    json->line = json->number.line;
    json->column = json->number.column;
    json->status = value_read(json, top(json), &value);
    json->line = line;
    json->column = column;
    step(json);
    return json->status == JEP_OK;
}

static int
frame_open(json_t *json, bool is_array)
{
    enum json_state state = JSON_TOP;
    struct json_frame *frame;
    uint32_t row = 0;

    if (json->is_mute)
        return 1;
    if (!number_read(json))
        return 0;
    position_update(json);
    if (json->depth == JSON_DEPTH_MAX) {
        json->status =
            perr_set(json->error, JEP_ERR_LIMIT, json->line, json->column,
                     "nested deeper than %d levels", JSON_DEPTH_MAX);
        return 0;
    }
    if (json->depth > 0) {
        state = state_next(json, top(json), &row);
        if (state == JSON_SKIP && top(json)->state != JSON_SKIP)
            json->status = warn_figure(json, top(json));
    }
    frame = &json->frames[json->depth++];
    frame->state = state;
    frame->is_array = is_array;
    frame->index = 0;
    frame->row = row;
    frame->members = 0;
    frame->member = NULL;
    frame->key[0] = '\0';
    if (json->status == JEP_OK)
        json->status = jeprobe_open(json, frame);
    return json->status == JEP_OK;
}

static int
frame_close(json_t *json)
{
    if (json->is_mute)
        return 1;
    if (!number_read(json))
        return 0;
    position_update(json);
    json->status = jeprobe_close(json, top(json));
    if (json->status == JEP_OK && json->document == json->depth)
        json->status = document_end(json);
    json->depth--;
    step(json);
    return json->status == JEP_OK;
}

static int
on_map(void *context)
{
    return frame_open(context, false);
}

static int
on_array(void *context)
{
    return frame_open(context, true);
}

static int
on_close(void *context)
{
    return frame_close(context);
}

/* The first members of documents, where they cannot be. */
static bool
is_document_key(const char *key)
{
    return strcmp(key, "jemalloc") == 0 || strcmp(key, "jeprobe") == 0;
}

static int
on_key(void *context, const unsigned char *key, size_t length)
{
    json_t *json = context;
    struct json_frame *frame;

    if (json->is_mute)
        return 1;
    if (!number_read(json))
        return 0;
    frame = top(json);
    /* A key that does not fit is not one that is known. */
    if (length >= sizeof(frame->key))
        length = 0;
    memcpy(frame->key, key, length);
    frame->key[length] = '\0';
    frame->member = json_map_find(&json->map, frame->state, frame->key, length);
    if (json->document == 0 && frame->member != NULL &&
        frame->member->to == JP_LABELS)
        frame->member = NULL;
    if (frame->members++ == 0 && json->document != 0 &&
        json->depth > json->document && is_document_key(frame->key)) {
        json->is_restart = true;
        return 0;
    }
    if (frame->state == JSON_TOP && frame->member != NULL &&
        json->document == 0) {
        position_update(json);
        json->status = document_begin(json);
    }
    return json->status == JEP_OK;
}

static int
on_value(json_t *json, enum json_type type, const char *text, size_t length)
{
    struct json_value value = {type, {text, length}};

    if (json->is_mute)
        return 1;
    if (!number_read(json))
        return 0;
    if (top(json)->state != JSON_SKIP) {
        position_update(json);
        json->status = value_read(json, top(json), &value);
    }
    step(json);
    return json->status == JEP_OK;
}

static int
on_null(void *context)
{
    return on_value(context, JSON_NULL, "null", 4);
}

static int
on_bool(void *context, int value)
{
    return on_value(context, JSON_BOOL, value ? "true" : "false",
                    value ? 4 : 5);
}

/* A line feed ends a number, also one that a cut has left there: it is read
 * when the document goes on behind it. */
static int
on_number(void *context, const char *text, size_t length)
{
    json_t *json = context;

    if (json->is_mute)
        return 1;
    if (!number_read(json))
        return 0;
    if (length > sizeof(json->number.text) || top(json)->state == JSON_SKIP)
        return on_value(json, JSON_NUMBER, text, length);
    position_update(json);
    json->number.is_held = true;
    json->number.is_followed = json->number.has_comma = false;
    json->number.end = yajl_get_bytes_consumed(json->yajl);
    json->number.line = json->line;
    json->number.column = json->column;
    json->number.length = length;
    memcpy(json->number.text, text, length);
    return 1;
}

static int
on_string(void *context, const unsigned char *text, size_t length)
{
    return on_value(context, JSON_STRING, (const char *)text, length);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_close,
    .yajl_start_array = on_array,
    .yajl_end_array = on_close,
};

static jep_status_t
value_begin(json_t *json)
{
    if (json->yajl != NULL)
        yajl_free(json->yajl);
    json->yajl = yajl_alloc(&callbacks, NULL, json);
    if (json->yajl == NULL)
        return perr_memory(json->error);
    yajl_config(json->yajl, yajl_allow_trailing_garbage, 1);
    yajl_config(json->yajl, yajl_dont_validate_strings, 1);
    return JEP_OK;
}

/* The value ends here, whole or not. */
static void
value_end(json_t *json)
{
    if (json->yajl != NULL)
        yajl_free(json->yajl);
    json->yajl = NULL;
    json->depth = 0;
    json->commas = 0;
    json->number.is_held = false;
}

/* The document does not go on: a number that no comma follows may be less than
 * there was. */
static jep_status_t
number_end(json_t *json)
{
    uint64_t line = json->line, column = json->column;
    jep_status_t status;

    if (!json->number.is_held)
        return JEP_OK;
    if (json->number.has_comma) {
        (void)number_read(json);
        return json->status;
    }
    json->number.is_held = false;
    json->line = json->number.line;
    json->column = json->number.column;
    status = json_warn(json, "the number may be cut off: left out");
    json->line = line;
    json->column = column;
    return status;
}

/* The open document has no end; say `why`. */
static jep_status_t
cut_off(json_t *json, const char *why)
{
    jep_status_t status = number_end(json);

    if (status == JEP_OK)
        status = json_warn(json, "%s", why);
    json->complete = false;
    return status != JEP_OK ? status : document_end(json);
}

static void
tell(json_t *json, const char *text)
{
    (void)yajl_parse(json->yajl, (const unsigned char *)text, strlen(text));
}

/* A document was cut off and another one follows: its first key was read. */
static jep_status_t
restart(json_t *json)
{
    char key[JSON_KEY_MAX + 4];
    jep_status_t status;

    snprintf(key, sizeof(key), "{\"%s\"", top(json)->key);
    json->is_restart = false;
    status = cut_off(json, "the document before this one has no end");
    value_end(json);
    if (status == JEP_OK)
        status = value_begin(json);
    if (status != JEP_OK)
        return status;
    json->chunk = key;
    json->counted = strlen(key); /* on a line that was counted */
    tell(json, key);
    return json->status;
}

/* Make a new yajl stand where the frames say, behind a member or element. */
static jep_status_t
reopen(json_t *json)
{
    jep_status_t status = value_begin(json);

    if (status != JEP_OK)
        return status;
    json->is_mute = true;
    for (size_t i = 0; i < json->depth; i++)
        tell(json, json->frames[i].is_array ? "[" : "{\"\":");
    tell(json, "0 ");
    json->is_mute = false;
    return JEP_OK;
}

/* The last byte before `end` that is no white space; 0 = none. */
static char
last_before(const char *data, size_t end)
{
    while (end > 0) {
        char c = data[--end];

        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return c;
    }
    return '\0';
}

/* People who shorten a document by hand leave commas behind.  `used` bytes
 * were read, the last of them is the one that cannot be. */
static jep_status_t
comma_skip(json_t *json, const char *data, size_t *used, bool *is_skipped)
{
    char wrong = data[*used - 1], before = last_before(data, *used - 1);
    jep_status_t status;

    *is_skipped = json->document != 0 && json->commas < COMMAS_MAX &&
                  (before == ',' || before == '\0') &&
                  (wrong == ',' || wrong == '}' || wrong == ']');
    if (!*is_skipped)
        return JEP_OK;
    json->commas++;
    status = json_warn(json, "a comma too many: ignored");
    if (status == JEP_OK)
        status = reopen(json);
    if (status != JEP_OK)
        return status;
    if (wrong == ',')
        tell(json, ",");
    else
        --*used;
    return JEP_OK;
}

/* No JSON here: end the document, if there is one. */
static jep_status_t
syntax_error(json_t *json, const char *data, size_t length, size_t *used)
{
    char quoted[100], why[160];
    unsigned char *text;
    bool is_skipped;
    jep_status_t status;

    if (*used == 0)
        *used = 1;
    position_set(json, *used - 1);
    json->column++;
    text = yajl_get_error(json->yajl, 0, (const unsigned char *)data, length);
    if (text == NULL)
        return perr_memory(json->error);
    perr_quote(quoted, sizeof(quoted), (const char *)text,
               strcspn((const char *)text, "\n"));
    yajl_free_error(json->yajl, text);
    status = comma_skip(json, data, used, &is_skipped);
    if (status != JEP_OK || is_skipped)
        return status;
    if (json->document != 0)
        status = number_end(json);
    if (status != JEP_OK)
        return status;
    --*used; /* it may start something else */
    if (json->document == 0) {
        reason_set(json, JEP_ERR_SYNTAX, json->column, quoted);
    } else {
        snprintf(why, sizeof(why), "%s: the rest of this document is left out",
                 quoted);
        status = cut_off(json, why);
    }
    value_end(json);
    json->is_broken = true;
    return status;
}

/* See whether a comma follows the number that is held. */
static void
number_look(json_t *json, const char *data, size_t length)
{
    size_t at = json->number.end;

    json->number.end = 0;
    if (!json->number.is_held || json->number.is_followed)
        return;
    while (at < length && strchr(" \t\r\n", data[at]) != NULL)
        at++;
    json->number.is_followed = at < length;
    json->number.has_comma = at < length && data[at] == ',';
}

/* Let yajl read on; *used = how far it came. */
static jep_status_t
parse(json_t *json, const char *data, size_t length, size_t *used)
{
    unsigned before = json->documents;
    jep_status_t status = JEP_OK;
    yajl_status result;

    json->chunk = data;
    json->counted = 0;
    result = yajl_parse(json->yajl, (const unsigned char *)data, length);
    *used = yajl_get_bytes_consumed(json->yajl);
    number_look(json, data, length);
    if (result == yajl_status_error)
        status = syntax_error(json, data, length, used);
    position_set(json, *used);
    json->offset += *used;
    if (result == yajl_status_error || json->status != JEP_OK)
        return status != JEP_OK ? status : json->status;
    if (json->is_restart)
        return restart(json);
    if (json->depth == 0) {
        if (json->documents == before)
            reason_set(json, JEP_ERR_UNKNOWN, 1,
                       "is JSON, but neither a jeprobe dump nor jemalloc's "
                       "statistics");
        value_end(json);
    }
    return JEP_OK;
}

static bool
is_between(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

jep_status_t
json_feed(json_t *json, const char *data, size_t length, size_t *used)
{
    size_t n = 0;

    *used = 0;
    json->is_broken = false;
    while (*used < length && !json->is_broken) {
        jep_status_t status = JEP_OK;

        if (json->yajl == NULL) {
            json->chunk = data + *used;
            json->counted = 0;
            for (n = 0; *used + n < length && is_between(json->chunk[n]);)
                n++;
            position_set(json, n);
            json->offset += n;
            *used += n;
            if (*used == length || (data[*used] != '{' && data[*used] != '['))
                return JEP_OK;
            status = value_begin(json);
        }
        if (status == JEP_OK)
            status = parse(json, data + *used, length - *used, &n);
        if (status != JEP_OK) {
            json->status = status;
            return status;
        }
        *used += n;
    }
    return JEP_OK;
}

jep_status_t
json_end(json_t *json)
{
    jep_status_t status = JEP_OK;

    if (json->status != JEP_OK)
        return json->status;
    if (json->document != 0)
        status = cut_off(json, "the file ends inside this document");
    else if (json->yajl != NULL)
        reason_set(json, JEP_ERR_SYNTAX, json->column,
                   "JSON ends before anything that is known");
    value_end(json);
    return status;
}

json_t *
json_open(const struct dump_sink *sink, struct jep_error *error)
{
    json_t *json = calloc(1, sizeof(*json));

    if (json == NULL)
        return NULL;
    json->sink = sink;
    json->error = error;
    json->line = 1;
    json_map_init(&json->map);
    return json;
}

void
json_close(json_t *json)
{
    if (json != NULL && json->yajl != NULL)
        yajl_free(json->yajl);
    free(json);
}

/* Feed blocks up to the end or to what is no JSON. */
static jep_status_t
blocks_feed(json_t *json, reader_t *reader)
{
    const char *data;
    size_t length, used;

    for (;;) {
        jep_status_t status = reader_block(reader, &data, &length, json->error);

        if (status == JEP_OK && length > 0)
            status = json_feed(json, data, length, &used);
        if (status != JEP_OK || length == 0)
            return status;
        if (used < length) {
            reader_unread(reader, length - used, json->line);
            return JEP_OK;
        }
    }
}

jep_status_t
json_read(reader_t *reader, const struct dump_sink *sink,
          struct jep_error *reason, struct jep_error *error)
{
    json_t *json = json_open(sink, error);
    jep_status_t status, ended;

    if (json == NULL)
        return perr_memory(error);
    json_set_line(json, reader_line_number(reader) + 1);
    status = blocks_feed(json, reader);
    ended = status == JEP_OK ? json_end(json) : status;
    *reason = json->documents == 0 ? json->reason : (struct jep_error){0};
    json_close(json);
    return ended;
}
