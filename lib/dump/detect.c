/* Which reader an input needs, and feeding it.
 *
 * JSON that starts the file is read by blocks; everything else is lines.  A
 * line goes to the reader that runs; one that says nothing to it is shown to
 * the others, and a line that only one of them can have written makes that one
 * run.  So a paste may hold the answers to several questions.  Lines of several
 * processes go to readers of their own. */
#include "base/macros.h"
#include "dump/ahead.h"
#include "dump/json_wrap.h"
#include "dump/perr.h"
#include "dump/repair.h"
#include "dump/text.h"

#include <string.h>

/* In the order of preference where a line says the same to several. */
static const struct text_format *const formats[] = {
    &text_redis,    &text_json,      &text_skynet,  &text_tcmalloc,
    &text_mimalloc, &text_glibc_xml, &text_glibc,   &text_heapprof,
    &text_procfs,   &text_oomlog,    &text_rocksdb, &text_jemalloc,
};

/* What reads one process's lines. */
#define MUTE_LINES 4
#define MUTE_MAX   64

struct stream {
    const struct dump_sink *sink;
    struct jep_error *error;
    const struct text_format *format; /* runs; NULL = none yet */
    void *state;                      /* of it */
    unsigned evidence;                /* of all its lines */

    /* Lines that said nothing to anyone; a dump repeats them for each arena. */
    struct mute {
        size_t length;
        char text[MUTE_MAX];
    } mute[MUTE_LINES];

    unsigned next_mute;
};

static bool
is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_mute(const struct stream *s, const struct text_line *line)
{
    for (size_t i = 0; i < MUTE_LINES && line->ended; i++) {
        if (s->mute[i].length == line->length &&
            memcmp(s->mute[i].text, line->text, line->length) == 0)
            return true;
    }
    return line->length == 0;
}

static void
forget_mute(struct stream *s)
{
    for (size_t i = 0; i < MUTE_LINES; i++)
        s->mute[i].length = 0;
}

static void
keep_mute(struct stream *s, const struct text_line *line)
{
    struct mute *mute = &s->mute[s->next_mute++ % MUTE_LINES];

    if (line->length > MUTE_MAX || !line->ended)
        return;
    mute->length = line->length;
    memcpy(mute->text, line->text, line->length);
}

static jep_status_t
stop(struct stream *s)
{
    jep_status_t status = JEP_OK;

    if (s->format != NULL)
        status = s->format->close(s->state);
    s->format = NULL;
    forget_mute(s);
    return status;
}

static jep_status_t
start(struct stream *s, const struct text_format *format)
{
    jep_status_t status = stop(s);

    if (status != JEP_OK)
        return status;
    s->state = format->open(s->sink, s->error);
    if (s->state == NULL)
        return perr_memory(s->error);
    s->format = format;
    return JEP_OK;
}

/* The reader to which `line` says most, and at least `least`. */
static const struct text_format *
choose(const struct text_format *but, const struct text_line *line,
       unsigned least)
{
    const struct text_format *best = NULL;

    for (size_t i = 0; i < JE_ARRAY_LEN(formats); i++) {
        unsigned says =
            formats[i] == but ? TEXT_NOTHING : formats[i]->probe(line);

        if (says >= least) {
            best = formats[i];
            least = says + 1;
        }
    }
    return best;
}

/* What `line` says to a reader that begins with it. */
static unsigned
probe(const struct text_line *line)
{
    unsigned most = TEXT_NOTHING;

    for (size_t i = 0; i < JE_ARRAY_LEN(formats); i++) {
        unsigned says = formats[i]->probe(line);

        if (says > most)
            most = says;
    }
    return most;
}

/* Let the running reader read a line. */
static jep_status_t
line_read(struct stream *s, const struct text_line *line, unsigned *says)
{
    jep_status_t status = s->format->line(s->state, line, says);
    bool is_over = (*says & TEXT_OVER) != 0;

    *says &= ~(unsigned)TEXT_OVER;
    s->evidence += *says;
    if (status == JEP_OK && is_over)
        status = stop(s);
    return status;
}

static jep_status_t
feed(struct stream *s, const struct text_line *line)
{
    const struct text_format *other;
    jep_status_t status;
    unsigned says = TEXT_NOTHING;

    if (s->format != NULL) {
        status = line_read(s, line, &says);
        if (status != JEP_OK || says != TEXT_NOTHING)
            return status;
    }
    if (is_mute(s, line))
        return JEP_OK;
    other = choose(s->format, line, s->format == NULL ? TEXT_WEAK : TEXT_SURE);
    if (other == NULL) {
        keep_mute(s, line);
        return JEP_OK;
    }
    status = start(s, other);
    if (status == JEP_OK)
        status = line_read(s, line, &says);
    return status;
}

/* Feed a line to its stream and say what had been done to it, if it was worth
 * a repair. */
static jep_status_t
dispatch(struct stream *streams, const struct text_line *line)
{
    struct stream *s = &streams[line->stream];
    unsigned before = s->evidence;
    jep_status_t status = JEP_OK;

    if (line->restarts)
        status = stop(s);
    if (status == JEP_OK)
        status = feed(s, line);
    if (status == JEP_OK && line->repairs != 0 && s->evidence != before)
        status =
            s->sink->repaired(s->sink->context, line->number, line->repairs);
    return status;
}

/* End all readers; the first failure counts. */
static jep_status_t
finish(struct stream *streams, jep_status_t status)
{
    for (unsigned i = 0; i < TEXT_STREAMS; i++) {
        jep_status_t stopped = stop(&streams[i]);

        if (status == JEP_OK)
            status = stopped;
    }
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
    if (i == length || (data[i] != '{' && data[i] != '[') ||
        repair_is_log(data + i, length - i))
        return false;
    for (size_t k = 0; k < JE_ARRAY_LEN(keys); k++) {
        if (memmem(data, length, keys[k], strlen(keys[k])) != NULL)
            return true;
    }
    return false;
}

/* JSON of one line may be longer than any line is kept: that is no reason not
 * to read it.  Nothing else that long is of a dump. */
static jep_status_t
long_line(reader_t *reader, struct stream *s)
{
    struct jep_error reason = {0};
    const char *data;
    size_t length;
    jep_status_t status = reader_peek(reader, &data, &length, s->error);

    if (status != JEP_OK)
        return status;
    if (!is_json(data, length))
        return reader_skip_line(reader, s->error);
    status = stop(s);
    if (status == JEP_OK)
        status = json_read(reader, s->sink, &reason, s->error);
    if (status == JEP_OK && reason.code == JEP_OK)
        s->evidence += TEXT_SURE;
    return status;
}

/* Read the lines; *evidence: how much they say, all together. */
static jep_status_t
lines_read(reader_t *reader, ahead_t *lines, const struct dump_sink *sinks,
           unsigned *evidence, struct jep_error *error)
{
    struct stream streams[TEXT_STREAMS] = {0};
    const struct text_line *line;
    jep_status_t status;
    bool is_over;

    for (unsigned i = 0; i < TEXT_STREAMS; i++) {
        streams[i].sink = &sinks[i];
        streams[i].error = error;
    }
    do {
        status = ahead_line(lines, &line, error);
        is_over = line == NULL && !reader_is_long(reader);
        if (status == JEP_OK && line != NULL)
            status = dispatch(streams, line);
        else if (status == JEP_OK && !is_over)
            status = long_line(reader, &streams[0]);
    } while (status == JEP_OK && !is_over);
    for (unsigned i = 0; i < TEXT_STREAMS; i++)
        *evidence += streams[i].evidence;
    return finish(streams, status);
}

/* Why there is no dump in the text. */
static jep_status_t
unknown(const reader_t *reader, struct jep_error *error)
{
    size_t count;
    const struct reader_skip *skips = reader_skips(reader, &count);

    if (count > 0)
        return perr_set(error, JEP_ERR_UNKNOWN, skips->line, 1,
                        "line is longer than 1 MiB, and no other line is of a "
                        "dump that jeprobe knows");
    return perr_set(error, JEP_ERR_UNKNOWN, 0, 0,
                    reader_line_number(reader) == 0
                        ? "is empty"
                        : "is no dump that jeprobe knows");
}

static jep_status_t
text_read(reader_t *reader, const struct dump_sink *sinks, unsigned evidence,
          struct jep_error *error)
{
    repairer_t *repairer = repair_new(reader, probe);
    ahead_t *lines = repairer != NULL ? ahead_new(reader, repairer) : NULL;
    jep_status_t status = JEP_OK;

    if (lines != NULL)
        status = lines_read(reader, lines, sinks, &evidence, error);
    else
        status = perr_memory(error);
    ahead_free(lines);
    repair_free(repairer);
    if (status == JEP_OK && evidence < TEXT_SURE)
        status = unknown(reader, error);
    return status;
}

/* JSON by blocks, for its lines may be long; then by lines what follows. */
static jep_status_t
json_first(reader_t *reader, const struct dump_sink *sinks,
           struct jep_error *error)
{
    struct jep_error reason = {0};
    jep_status_t status = json_read(reader, &sinks[0], &reason, error);

    if (status != JEP_OK)
        return status;
    status = text_read(reader, sinks,
                       reason.code == JEP_OK ? TEXT_SURE : TEXT_NOTHING, error);
    if (status != JEP_ERR_UNKNOWN)
        return status;
    memcpy(reason.source, error->source, sizeof(reason.source));
    *error = reason;
    return reason.code;
}

jep_status_t
dump_read(reader_t *reader, const struct dump_sink *sinks,
          struct jep_error *error)
{
    const char *data;
    size_t length;
    jep_status_t status = reader_peek(reader, &data, &length, error);

    if (status != JEP_OK)
        return status;
    if (is_json(data, length) && !json_wrap_is(data, length))
        return json_first(reader, sinks, error);
    return text_read(reader, sinks, TEXT_NOTHING, error);
}
