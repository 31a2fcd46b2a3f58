/* Which reader an input needs, and feeding it.
 *
 * JSON that starts the file is read by blocks; everything else is lines.  A
 * line goes to the reader that runs; one that says nothing to it is shown to
 * the others, and a line that only one of them can have written makes that one
 * run.  So a paste may hold the answers to several questions. */
#include "base/macros.h"
#include "dump/perr.h"
#include "dump/text.h"

#include <string.h>

/* In the order of preference where a line says the same to several. */
static const struct text_format *const formats[] = {
    &text_json,     &text_redis,    &text_skynet,
    &text_tcmalloc, &text_mimalloc, &text_glibc_xml,
    &text_glibc,    &text_heapprof, &text_jemalloc,
};

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

struct detect {
    const struct dump_sink *sink;
    struct jep_error *error;
    const struct text_format *format; /* runs; NULL = none yet */
    void *state;                      /* of it */
    unsigned evidence;                /* of the whole file */
};

static bool
is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static jep_status_t
stop(struct detect *d)
{
    jep_status_t status = JEP_OK;

    if (d->format != NULL)
        status = d->format->close(d->state);
    d->format = NULL;
    return status;
}

static jep_status_t
start(struct detect *d, const struct text_format *format)
{
    jep_status_t status = stop(d);

    if (status != JEP_OK)
        return status;
    d->state = format->open(d->sink, d->error);
    if (d->state == NULL)
        return perr_memory(d->error);
    d->format = format;
    return JEP_OK;
}

/* The reader to which `line` says most, and at least `least`. */
static const struct text_format *
choose(const struct detect *d, const struct text_line *line, unsigned least)
{
    const struct text_format *best = NULL;

    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        unsigned says =
            formats[i] == d->format ? TEXT_NOTHING : formats[i]->probe(line);

        if (says >= least) {
            best = formats[i];
            least = says + 1;
        }
    }
    return best;
}

/* Let the running reader read a line. */
static jep_status_t
line_read(struct detect *d, const struct text_line *line, unsigned *says)
{
    jep_status_t status = d->format->line(d->state, line, says);
    bool is_over = (*says & TEXT_OVER) != 0;

    *says &= ~(unsigned)TEXT_OVER;
    d->evidence += *says;
    if (status == JEP_OK && is_over)
        status = stop(d);
    return status;
}

static jep_status_t
feed(struct detect *d, const struct text_line *line)
{
    const struct text_format *other;
    jep_status_t status;
    unsigned says = TEXT_NOTHING;

    if (d->format != NULL) {
        status = line_read(d, line, &says);
        if (status != JEP_OK || says != TEXT_NOTHING)
            return status;
    }
    other = choose(d, line, d->format == NULL ? TEXT_WEAK : TEXT_SURE);
    if (other == NULL)
        return JEP_OK;
    status = start(d, other);
    if (status == JEP_OK)
        status = line_read(d, line, &says);
    return status;
}

static jep_status_t
text_read(struct detect *d, reader_t *reader)
{
    struct text_line line = {0};
    jep_status_t status, stopped;

    for (;;) {
        status = reader_line(reader, &line.text, &line.length, d->error);
        if (status != JEP_OK || line.text == NULL)
            break;
        line.number = reader_line_number(reader);
        line.ended = reader_line_ended(reader);
        status = feed(d, &line);
        if (status != JEP_OK)
            break;
    }
    stopped = stop(d);
    if (status == JEP_OK)
        status = stopped;
    if (status == JEP_OK && d->evidence < TEXT_SURE)
        status = perr_set(d->error, JEP_ERR_UNKNOWN, 0, 0,
                          line.number == 0 ? "is empty"
                                           : "is no dump that jeprobe knows");
    return status;
}

/* Whether the input starts like JSON that is a dump; not, for example, like a
 * log whose lines are JSON. */
static bool
is_json(const char *data, size_t length)
{
    static const char *const keys[] = {"\"jemalloc\"", "\"jeprobe\"",
                                       "\"stats\"", "\"stats.arenas\""};
    size_t i = 0;

    while (i < length && is_white(data[i]))
        i++;
    if (i == length || (data[i] != '{' && data[i] != '['))
        return false;
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        if (memmem(data, length, keys[k], strlen(keys[k])) != NULL)
            return true;
    }
    return false;
}

/* JSON by blocks, for its lines may be long; then by lines what follows. */
static jep_status_t
json_first(struct detect *d, reader_t *reader)
{
    struct jep_error reason = {0};
    jep_status_t status = json_read(reader, d->sink, &reason, d->error);

    if (status != JEP_OK)
        return status;
    if (reason.code == JEP_OK)
        d->evidence = TEXT_SURE;
    status = text_read(d, reader);
    if (status != JEP_ERR_UNKNOWN)
        return status;
    memcpy(reason.source, d->error->source, sizeof(reason.source));
    *d->error = reason;
    return reason.code;
}

jep_status_t
dump_read(reader_t *reader, const struct dump_sink *sink,
          struct jep_error *error)
{
    struct detect detect = {.sink = sink, .error = error};
    const char *data;
    size_t length;
    jep_status_t status = reader_peek(reader, &data, &length, error);

    if (status != JEP_OK)
        return status;
    if (is_json(data, length))
        return json_first(&detect, reader);
    return text_read(&detect, reader);
}
