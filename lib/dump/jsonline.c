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

#include <stdio.h>
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

#define OTHER_MAX 200
#define OWN_MAX   64 /* bytes of a string or a word that was cut */

struct jsonline {
    json_t *json;
    struct json_wrap wrap;
    bool has_feed;      /* of the last line, which is not yet read */
    size_t line_length; /* of the line of which a part comes next; 0 = none */

    /* Where another one's text has come between; `number` 0 = nowhere. */
    struct {
        uint64_t number;
        char text[OTHER_MAX + 1];
    } other;
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

/* Whether a terminal has made the line feed before `line`. */
static bool
is_wrapped(const struct jsonline *j, const struct text_line *line)
{
    return j->has_feed &&
           json_wrap_joins(&j->wrap, line->text, line->length, line->before);
}

/* Read the line feed before `line`, unless a terminal has made it. */
static jep_status_t
read_between(struct jsonline *j, const struct text_line *line)
{
    const struct dump_sink *sink = j->json->sink;

    if (!is_wrapped(j, line))
        return read_feed(j);
    j->has_feed = false;
    return sink->repaired(sink->context, line->number, 1u << REPAIR_WRAP);
}

static bool
is_open(const struct jsonline *j)
{
    return j->json->yajl != NULL && j->json->document != 0;
}

/* Whether a line may follow what was read of the open document. */
static bool
goes_on(const struct jsonline *j, const struct text_line *line)
{
    const json_t *json = j->json;

    return json_fit_goes_on(&j->wrap.fit,
                            json->frames[json->depth - 1].is_array, line->text,
                            line->length);
}

static bool
has_words(const char *text)
{
    text += strcspn(text, " \t");
    return *skip_white(text) != '\0';
}

/* Whether an object that begins and ends in the line is none of a dump's. */
static bool
is_log_object(const struct text_line *line, const char *text)
{
    struct json_fit fit = {0};

    if (*text != '{' || head_find(skip_white(text + 1)) != NULL ||
        strstr(text, "\"jeprobe\"") != NULL)
        return false;
    json_fit_add(&fit, text, line->length - (size_t)(text - line->text));
    return fit.depth == 0;
}

/* Whether a line has come into the open document whole, such as one of a log.
 * What may be a damaged member or value is none, for it may have opened an
 * object. */
static bool
is_between(const struct jsonline *j, const struct text_line *line)
{
    const struct json_fit *fit = &j->wrap.fit;
    const char *text = skip_white(line->text);
    size_t whole;

    if (fit->in_string || fit->is_cut || strchr("\"}],:", *text) != NULL)
        return false;
    if (json_fit_line(fit, line->text, line->length, &whole))
        return is_log_object(line, text) && !goes_on(j, line);
    return *text != '{' &&
           (!goes_on(j, line) || (*text != '[' && has_words(text)));
}

/* Whether a line that cannot be of the open document is of another one, behind
 * which it may go on. */
static bool
is_other(const struct jsonline *j, const struct text_line *line)
{
    size_t whole;

    if (!is_open(j) || is_wrapped(j, line))
        return false;
    if (is_between(j, line))
        return true;
    if (line->resumes)
        return !json_fit_line(&j->wrap.fit, line->text, line->length, &whole) ||
               !goes_on(j, line);
    return !json_fit_line(&j->wrap.fit, line->text, line->length, &whole) &&
           text_is_other(line, &text_json);
}

/* What is said of another one's line: that this document is over if it begins
 * a new one. */
static unsigned
wait(struct jsonline *j, const struct text_line *line)
{
    if (line->resumes && jsonline_probe(line) != TEXT_NOTHING)
        return TEXT_OVER;
    if (j->other.number == 0) {
        j->other.number = line->number;
        snprintf(j->other.text, sizeof(j->other.text), "%s", line->text);
    }
    return TEXT_NOTHING;
}

/* Nothing has gone on behind another one's text: what it did to this document
 * is known only now. */
static jep_status_t
read_other(struct jsonline *j)
{
    size_t used;

    if (j->other.number == 0)
        return JEP_OK;
    json_set_line(j->json, j->other.number);
    return json_feed(j->json, j->other.text, strlen(j->other.text), &used);
}

/* A line behind what nobody has read goes on with the document, or that one was
 * cut there. */
static jep_status_t
read_behind(struct jsonline *j, const struct text_line *line)
{
    const struct dump_sink *sink = j->json->sink;

    return is_open(j) && !goes_on(j, line)
               ? read_other(j)
               : sink->repaired(sink->context, line->number,
                                1u << REPAIR_BETWEEN);
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
read_line(struct jsonline *j, const struct text_line *line, bool is_cut)
{
    jep_status_t status = read_between(j, line);

    j->other.number = 0;
    if (j->json->yajl == NULL)
        j->wrap = (struct json_wrap){0};
    if (status == JEP_OK)
        status = read_text(j, line,
                           j->wrap.fit.in_string ? line->text
                                                 : skip_white(line->text));
    json_wrap_line(&j->wrap, line->text, line->length, line->before);
    j->wrap.fit.is_cut = is_cut;
    j->has_feed &= !is_cut;
    return status;
}

static jep_status_t
jsonline_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct jsonline *j = state;
    json_t *json = j->json;
    unsigned documents = json->documents;
    bool is_cut = j->line_length > line->length;
    jep_status_t status = JEP_OK;

    j->line_length = 0;
    if (is_other(j, line)) {
        *evidence = wait(j, line);
        return JEP_OK;
    }
    if (j->other.number != 0 && !line->resumes)
        status = read_behind(j, line);
    if (status == JEP_OK)
        status = read_line(j, line, is_cut);
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

/* Another one's text may have run into a string or a word. */
static size_t
jsonline_own(void *state, const struct text_line *line, size_t *most)
{
    struct jsonline *j = state;
    struct json_fit fit = {0};
    size_t whole;

    *most = line->length;
    j->line_length = line->length;
    if (is_open(j) && is_between(j, line))
        return line->length;
    if (is_open(j))
        fit = j->wrap.fit;
    else if (jsonline_probe(line) == TEXT_NOTHING)
        return line->length;
    if (is_wrapped(j, line) ||
        json_fit_line(&fit, line->text, line->length, &whole))
        return line->length;
    if (*most > whole + OWN_MAX)
        *most = whole + OWN_MAX;
    return whole;
}

static jep_status_t
jsonline_close(void *state)
{
    struct jsonline *j = state;
    jep_status_t status = read_feed(j);

    if (status == JEP_OK)
        status = read_other(j);
    if (status == JEP_OK)
        status = json_end(j->json);
    json_close(j->json);
    free(j);
    return status;
}

static bool
jsonline_is_over(const void *state)
{
    return !is_open(state);
}

const struct text_format text_json = {
    .name = "JSON",
    .probe = jsonline_probe,
    .open = jsonline_open,
    .line = jsonline_line,
    .close = jsonline_close,
    .own = jsonline_own,
    .is_over = jsonline_is_over,
};
