/* JSON among lines of text: behind a log's prefix, in a fence, after other
 * output, or a piece from the middle of a document.
 *
 * A piece that starts at a member which only jemalloc's statistics have is
 * read as if the objects around it had been opened. */
#include "base/macros.h"
#include "dump/json.h"
#include "dump/json_wrap.h"
#include "dump/repair.h"
#include "dump/text.h"

#include <stdlib.h>
#include <string.h>

/* Members that a piece may start with, and what comes before them. */
static const struct head {
    const char *key;
    const char *open;
} heads[] = {
    {"\"jemalloc\"", "{"},
    {"\"stats\"", "{\"jemalloc\":{"},
    {"\"stats.arenas\"", "{\"jemalloc\":{"},
    {"\"merged\"", "{\"jemalloc\":{\"stats.arenas\":{"},
};

static const char *
skip_white(const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static const struct head *
head_find(const char *text)
{
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        size_t length = strlen(heads[i].key);

        if (strncmp(text, heads[i].key, length) == 0) {
            text = skip_white(text + length);
            return *text == ':' && *skip_white(text + 1) == '{' ? &heads[i]
                                                                : NULL;
        }
    }
    return NULL;
}

static unsigned
jsonline_probe(const struct text_line *line)
{
    const char *text = skip_white(line->text);
    const char *next;

    if (*text == '"')
        return head_find(text) != NULL ? TEXT_SURE : TEXT_NOTHING;
    if (*text != '{' && *text != '[')
        return TEXT_NOTHING;
    next = skip_white(text + 1);
    if (*text == '{')
        return *next == '"' || *next == '\0' ? TEXT_SURE : TEXT_NOTHING;
    return *next == '{' || *next == '\0' ? TEXT_SURE : TEXT_NOTHING;
}

struct jsonline {
    json_t *json;
    struct json_wrap wrap;
    bool has_feed; /* of the last line, which is not yet read */
};

static void *
jsonline_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct jsonline *j = calloc(1, sizeof(*j));

    if (j == NULL)
        return NULL;
    j->json = json_open(sink, error);
    if (j->json == NULL) {
        free(j);
        return NULL;
    }
    return j;
}

/* A line feed ends a number; without one it may be cut off. */
static jep_status_t
read_feed(struct jsonline *j)
{
    size_t used;
    bool has_feed = j->has_feed;

    j->has_feed = false;
    return has_feed ? json_feed(j->json, "\n", 1, &used) : JEP_OK;
}

/* Read the line feed before `line`, unless a terminal has made it. */
static jep_status_t
read_between(struct jsonline *j, const struct text_line *line)
{
    const struct dump_sink *sink = j->json->sink;

    if (!j->has_feed ||
        !json_wrap_joins(&j->wrap, line->text, line->length, line->before))
        return read_feed(j);
    j->has_feed = false;
    return sink->repaired(sink->context, line->number, 1u << REPAIR_WRAP);
}

static jep_status_t
read_text(struct jsonline *j, const struct text_line *line, const char *text)
{
    json_t *json = j->json;
    size_t length = line->length - (size_t)(text - line->text), used = 0;
    const struct head *head = json->yajl == NULL ? head_find(text) : NULL;
    jep_status_t status = JEP_OK;

    json_set_line(json, line->number);
    if (head != NULL)
        status = json_feed(json, head->open, strlen(head->open), &used);
    if (status == JEP_OK)
        status = json_feed(json, text, length, &used);
    j->has_feed = used == length && json->yajl != NULL && line->ended;
    return status;
}

static jep_status_t
jsonline_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct jsonline *j = state;
    json_t *json = j->json;
    jep_status_t status = read_between(j, line);
    unsigned documents = json->documents;

    if (json->yajl == NULL)
        j->wrap = (struct json_wrap){0};
    if (status == JEP_OK)
        status = read_text(
            j, line, j->wrap.in_string ? line->text : skip_white(line->text));
    json_wrap_line(&j->wrap, line->text, line->length, line->before);
    *evidence = json->document != 0 || json->documents > documents
                    ? TEXT_SURE
                    : TEXT_NOTHING;
    /* What broke the document may be the start of something else. */
    if (json->is_broken && strchr("{[\"", *skip_white(line->text)) == NULL)
        *evidence = TEXT_NOTHING;
    if (json->yajl == NULL)
        *evidence |= TEXT_OVER;
    return status;
}

static jep_status_t
jsonline_close(void *state)
{
    struct jsonline *j = state;
    jep_status_t status = read_feed(j);

    if (status == JEP_OK)
        status = json_end(j->json);
    json_close(j->json);
    free(j);
    return status;
}

const struct text_format text_json = {
    .name = "JSON",
    .probe = jsonline_probe,
    .open = jsonline_open,
    .line = jsonline_line,
    .close = jsonline_close,
    .is_over = text_is_over,
};
