/* JSON as events with a state for each open object or array.
 *
 * yajl delivers tokens while the input streams by, so that a dump of hundreds
 * of megabytes needs no more memory than a small one, and one that was cut off
 * half-way still yields its first half. */
#include "dump/json.h"

#include "dump/perr.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/* Where yajl is in the input. */
struct position {
    struct json *json;
    yajl_handle handle;
    const char *chunk;
    size_t counted; /* bytes of the chunk whose line feeds are counted */
    uint64_t line, line_start, chunk_start;
};

static void
position_update(struct position *p)
{
    size_t now = yajl_get_bytes_consumed(p->handle);
    const char *from = p->chunk + p->counted;
    const char *feed;

    while (p->counted < now &&
           (feed = memchr(from, '\n', now - p->counted)) != NULL) {
        p->line++;
        p->counted = (size_t)(feed - p->chunk) + 1;
        p->line_start = p->chunk_start + p->counted;
        from = feed + 1;
    }
    p->counted = now;
    p->json->line = p->line;
    p->json->column = p->chunk_start + now - p->line_start;
}

static enum json_state
edge_follow(const struct json_edge *edges, enum json_state from,
            const char *key)
{
    for (; edges->from != JSON_SKIP; edges++) {
        if (edges->from == from &&
            (edges->key == NULL || strcmp(edges->key, key) == 0))
            return edges->to;
    }
    return JSON_SKIP;
}

static enum json_state
next_state(const struct json_frame *parent)
{
    enum json_state to;

    if (parent->state == JSON_SKIP)
        return JSON_SKIP;
    to = edge_follow(jejson_edges, parent->state, parent->key);
    if (to == JSON_SKIP)
        to = edge_follow(jeprobe_edges, parent->state, parent->key);
    return to;
}

static struct json_frame *
top(struct json *json)
{
    return &json->frames[json->depth - 1];
}

/* An element or a member is over. */
static void
step(struct json *json)
{
    if (json->depth > 0 && top(json)->is_array)
        top(json)->index++;
}

static jep_status_t
document_begin(struct json *json)
{
    json->is_open = true;
    json->known_top = false;
    json->complete = true;
    return json->sink->begin(json->sink->context, DUMP_FORMAT_JEMALLOC_JSON,
                             json->line);
}

static int
open_frame(struct position *p, bool is_array)
{
    struct json *json = p->json;
    enum json_state state = JSON_TOP;
    struct json_frame *frame;

    position_update(p);
    if (json->depth == JSON_DEPTH_MAX) {
        json->status =
            perr_set(json->error, JEP_ERR_LIMIT, json->line, json->column,
                     "nested deeper than %d levels", JSON_DEPTH_MAX);
        return 0;
    }
    if (json->depth > 0)
        state = next_state(top(json));
    else
        json->status = document_begin(json);
    frame = &json->frames[json->depth++];
    *frame = (struct json_frame){.state = state, .is_array = is_array};
    if (json->depth == 2 && state != JSON_SKIP)
        json->known_top = true;
    if (json->depth > 1)
        jejson_open(json, frame, frame - 1);
    if (json->status == JEP_OK)
        json->status = jeprobe_open(json, frame);
    return json->status == JEP_OK;
}

static jep_status_t
document_end(struct json *json)
{
    json->is_open = false;
    if (!json->known_top)
        return perr_set(json->error, JEP_ERR_UNKNOWN, json->line, 1,
                        "is JSON, but neither a jeprobe dump nor jemalloc's "
                        "statistics");
    json->documents++;
    return json->sink->end(json->sink->context, json->complete);
}

static int
close_frame(struct position *p)
{
    struct json *json = p->json;

    position_update(p);
    json->status = jeprobe_close(json, top(json));
    json->depth--;
    if (json->status == JEP_OK && json->depth == 0)
        json->status = document_end(json);
    step(json);
    return json->status == JEP_OK;
}

static int
on_map(void *context)
{
    return open_frame(context, false);
}

static int
on_array(void *context)
{
    return open_frame(context, true);
}

static int
on_close(void *context)
{
    return close_frame(context);
}

static int
on_key(void *context, const unsigned char *key, size_t length)
{
    struct position *p = context;
    struct json_frame *frame = top(p->json);

    /* A key that does not fit is not one that is known. */
    if (length >= sizeof(frame->key))
        length = 0;
    memcpy(frame->key, key, length);
    frame->key[length] = '\0';
    return 1;
}

static int
on_value(struct position *p, enum json_type type, const char *text,
         size_t length)
{
    struct json *json = p->json;
    struct json_value value = {type, {text, length}};

    position_update(p);
    if (json->depth == 0) {
        json->status = perr_set(json->error, JEP_ERR_UNKNOWN, json->line, 1,
                                "is no dump that jeprobe knows");
        return 0;
    }
    if (top(json)->state != JSON_SKIP) {
        json->status = jejson_value(json, top(json), &value);
        if (json->status == JEP_OK)
            json->status = jeprobe_value(json, top(json), &value);
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

static int
on_number(void *context, const char *text, size_t length)
{
    return on_value(context, JSON_NUMBER, text, length);
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

jep_status_t
json_number(struct json *json, const struct json_frame *frame,
            const struct json_value *value, enum dump_scope scope, uint32_t row)
{
    struct dump_where where = {scope, json->arena, row, json->line};
    uint64_t number;
    int field;

    if (value->type != JSON_NUMBER || !token_number(value->text, &number))
        return JEP_OK;
    field = field_by_json(scope, frame->key, strlen(frame->key));
    if (field == FIELD_NONE)
        return JEP_OK;
    return json->sink->number(json->sink->context, &where, field, number);
}

jep_status_t
json_text(struct json *json, const char *prefix, const struct json_frame *frame,
          const struct json_value *value)
{
    char name[JSON_KEY_MAX + 32], text[4096];

    if (value->type == JSON_NULL)
        return JEP_OK;
    snprintf(name, sizeof(name), "%s%s", prefix, frame->key);
    snprintf(text, sizeof(text), "%.*s", (int)value->text.length,
             value->text.text);
    return json->sink->text(json->sink->context, name, text, json->line);
}

/* The input ended inside a document. */
static jep_status_t
cut_off(struct json *json)
{
    jep_status_t status;

    if (!json->known_top)
        return perr_set(json->error, JEP_ERR_SYNTAX, json->line, json->column,
                        "JSON ends before anything that is known");
    status = json->sink->warn(json->sink->context, json->line, json->column,
                              "the file ends inside this document");
    json->complete = false;
    json->depth = 0;
    return status != JEP_OK ? status : document_end(json);
}

static jep_status_t
syntax_error(struct position *p, const char *chunk, size_t length)
{
    struct json *json = p->json;
    unsigned char *text;
    char quoted[120];
    size_t n;

    if (json->status != JEP_OK)
        return json->status;
    position_update(p);
    text = yajl_get_error(p->handle, 0, (const unsigned char *)chunk, length);
    if (text == NULL)
        return perr_memory(json->error);
    n = strcspn((const char *)text, "\n");
    perr_quote(quoted, sizeof(quoted), (const char *)text, n);
    yajl_free_error(p->handle, text);
    return perr_set(json->error, JEP_ERR_SYNTAX, json->line,
                    json->column > 0 ? json->column : 1, "%s", quoted);
}

/* Feed the whole input to yajl. */
static jep_status_t
parse(struct position *p, reader_t *reader)
{
    struct json *json = p->json;
    const char *data;
    size_t length;

    for (;;) {
        jep_status_t status = reader_block(reader, &data, &length, json->error);

        if (status != JEP_OK)
            return status;
        if (length == 0)
            break;
        p->chunk = data;
        p->counted = 0;
        if (yajl_parse(p->handle, (const unsigned char *)data, length) !=
            yajl_status_ok)
            return syntax_error(p, data, length);
        position_update(p);
        p->chunk_start += length;
    }
    if (json->is_open)
        return cut_off(json);
    if (json->documents == 0)
        return perr_set(json->error, JEP_ERR_UNKNOWN, 0, 0, "is empty");
    return JEP_OK;
}

jep_status_t
json_read(reader_t *reader, const struct dump_sink *sink,
          struct jep_error *error)
{
    static const struct json empty;
    struct json json = empty;
    struct position p = {.json = &json, .line = 1};
    jep_status_t status;

    json.sink = sink;
    json.error = error;
    json.line = 1;
    p.handle = yajl_alloc(&callbacks, NULL, &p);
    if (p.handle == NULL)
        return perr_memory(error);
    yajl_config(p.handle, yajl_allow_multiple_values, 1);
    yajl_config(p.handle, yajl_dont_validate_strings, 1);
    status = parse(&p, reader);
    yajl_free(p.handle);
    return status;
}
