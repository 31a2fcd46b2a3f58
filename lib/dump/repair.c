/* Lines of text as a program wrote them, from what became of them.
 *
 * Plain lines pass with one look at their bytes. */
#include "dump/repair.h"

#include "dump/perr.h"
#include "dump/repair_clean.h"
#include "dump/repair_log.h"
#include "dump/repair_stream.h"

#include <stdlib.h>
#include <string.h>

struct repairer {
    reader_t *reader;
    /* What is left of a line that holds several. */
    char *rest;
    size_t rest_length;
    unsigned rest_repairs;
    bool rest_ended;
    uint64_t rest_key;
    bool is_json[TEXT_STREAMS]; /* the next line is of JSON */
    struct streams streams;
};

const char *
repair_what(enum repair repair)
{
    static const char *const texts[REPAIR_COUNT] = {
        [REPAIR_INDENT] = "lines are indented",
        [REPAIR_QUOTE] = "lines are quoted with \">\", which was removed",
        [REPAIR_PREFIX] = "lines begin with a log prefix, which was removed",
        [REPAIR_LOG] = "lines are in the JSON objects of a log and were taken "
                       "out",
        [REPAIR_STREAMS] = "lines of several processes are mixed and were told "
                           "apart by their log prefix",
        [REPAIR_CRLF] = "lines end in carriage returns",
        [REPAIR_ESCAPES] = "line feeds were written as \\n",
        [REPAIR_STRING] = "quotes were written as \\\", as in a string",
        [REPAIR_WRAP] = "long lines had been wrapped and were joined",
        [REPAIR_SEPARATORS] = "numbers have separators between thousands",
        [REPAIR_MARKUP] = "tags and entities of HTML were removed",
        [REPAIR_COLOUR] = "escape sequences of a terminal were removed",
        [REPAIR_CHARACTERS] = "blanks or quotes that are not ASCII were "
                              "replaced",
        [REPAIR_BETWEEN] = "something else had come between the lines and is "
                           "read by itself",
    };

    return texts[repair];
}

bool
repair_is_log(const char *data, size_t length)
{
    static const char quoted[] = "\"" REPAIR_MARKER;

    return log_is_line(data, length) ||
           memmem(data, length, quoted, sizeof(quoted) - 1) != NULL;
}

repairer_t *
repair_new(reader_t *reader, repair_probe_t probe)
{
    repairer_t *r = calloc(1, sizeof(*r));
    struct jep_error error = {0};
    const char *data;

    if (r == NULL)
        return NULL;
    r->reader = reader;
    r->streams.probe = probe;
    /* What fails here fails again when the first line is read. */
    if (reader_peek(reader, &data, &r->streams.sample_length, &error) != JEP_OK)
        r->streams.sample_length = 0;
    memcpy(r->streams.sample, data, r->streams.sample_length);
    return r;
}

void
repair_free(repairer_t *repairer)
{
    free(repairer);
}

void
repair_set_json(repairer_t *repairer, unsigned stream, bool is_json)
{
    repairer->is_json[stream] = is_json;
}

/* Keep what follows the first line feed of `line` for later. */
static void
split(repairer_t *r, struct text_line *line, uint64_t key)
{
    char *feed = memchr(line->text, '\n', line->length);

    if (feed == NULL)
        return;
    r->rest = feed + 1;
    r->rest_length = line->length - (size_t)(r->rest - line->text);
    r->rest_ended = line->ended;
    r->rest_repairs = line->repairs;
    r->rest_key = key;
    line->length = (size_t)(feed - line->text);
    line->text[line->length] = '\0';
    line->ended = true;
}

static void
strip_quotes(struct text_line *line)
{
    size_t quotes = clean_quotes(line->text, line->length);

    if (quotes > 0) {
        line->repairs |= 1u << REPAIR_QUOTE;
        line_advance(line, quotes);
    }
}

/* Whether no line had anything before it so far. */
static bool
is_bare(const repairer_t *r)
{
    return r->streams.is_plain && r->streams.prefix_count == 0;
}

/* Whether nothing is to be done: nothing in the line could need a repair or be
 * the marker. */
static bool
is_untouched(const repairer_t *r, const struct reader_line *read)
{
    return is_bare(r) && !read->is_marked && *read->text != '{';
}

/* A line as the reader has it. */
JE_INLINE void
take_line(const repairer_t *r, const struct reader_line *read,
          struct text_line *line)
{
    *line = (struct text_line){
        .text = read->text,
        .length = read->length,
        .number = read->number,
        .ended = read->ended,
        .repairs = (unsigned)read->returned << REPAIR_CRLF,
        .stream = r->streams.stream,
    };
}

static void
clean_line(struct text_line *line, uint64_t *key)
{
    strip_quotes(line);
    if (*line->text == '{' && log_take_line(line, key))
        line->repairs |= 1u << REPAIR_LOG;
    line->length = clean_text(line->text, line->length, &line->repairs);
}

/* What is left of a line that held several. */
static void
take_rest(repairer_t *r, struct text_line *line, uint64_t *key)
{
    line->text = r->rest;
    line->length = r->rest_length;
    line->number = reader_line_number(r->reader);
    line->ended = r->rest_ended;
    line->repairs = r->rest_repairs;
    *key = r->rest_key;
    r->rest = NULL;
}

/* What depends on whose the line is.  The first one of a process that takes a
 * stream over may be one that was kept. */
static void
finish_line(repairer_t *r, struct text_line *line)
{
    line->restarts = r->streams.restarts[line->stream];
    r->streams.restarts[line->stream] = false;
    if (line->restarts)
        r->is_json[line->stream] = false;
    if (!r->is_json[line->stream])
        line->length = clean_groups(line->text, line->length, &line->repairs);
}

/* A line that may need something, unless it is one of those that were kept. */
JE_NOINLINE static void
mend(repairer_t *r, struct text_line *line)
{
    uint64_t key = 0;

    line->stream = r->streams.stream;
    if (r->streams.is_again) {
        streams_read_again(&r->streams, line);
        finish_line(r, line);
        return;
    }
    if (r->rest != NULL)
        take_rest(r, line, &key);
    else
        clean_line(line, &key);
    split(r, line, key);
    strip_quotes(line);
    streams_line(&r->streams, line, key);
    finish_line(r, line);
}

jep_status_t
repair_line(repairer_t *r, struct text_line *line, struct jep_error *error)
{
    struct reader_line read = {.text = NULL};

    if (!r->streams.is_again && r->rest == NULL) {
        jep_status_t status = reader_line(r->reader, &read, error);

        take_line(r, &read, line);
        if (status != JEP_OK || read.text == NULL || is_untouched(r, &read))
            return status;
    } else {
        *line = (struct text_line){.text = NULL};
    }
    mend(r, line);
    return JEP_OK;
}

void
repair_run_begin(const repairer_t *r, struct reader_run *run,
                 struct text_line *line)
{
    reader_run_begin(r->reader, run);
    if (!is_bare(r) || r->streams.is_again || r->rest != NULL)
        run->last = run->ends;
    *line = (struct text_line){.ended = true, .stream = r->streams.stream};
}

void
repair_run_end(repairer_t *r, const struct reader_run *run)
{
    reader_run_end(r->reader, run);
}
