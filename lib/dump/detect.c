/* Which reader an input needs, and feeding it.
 *
 * JSON that starts the file is read by blocks; everything else is lines.  A
 * line goes to the reader that runs; one that says nothing to it is shown to
 * the others, and a line that only one of them can have written makes that one
 * run.  So a paste may hold the answers to several questions.  Lines of several
 * processes go to readers of their own. */
#include "base/macros.h"
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

#define MUTE_LINES 4
#define MUTE_MAX   64
/* No more of what has run into a text than this looks like a part of it. */
#define ALIKE_MAX 64
#define START_MAX 512 /* bytes that show what begins in the midst of a line */

/* A reader at work. */
struct running {
    const struct text_format *format; /* NULL = there is none */
    void *state;
    const struct dump_sink *sink;
};

/* What reads one process's lines. */
struct stream {
    const struct dump_sink *sinks; /* DUMP_LEVELS of them */
    struct jep_error *error;
    struct running now;
    struct running before; /* whose document `now` has come into */

    /* Lines that said nothing to anyone; a dump repeats them for each arena. */
    struct mute {
        size_t length;
        char text[MUTE_MAX];
    } mute[MUTE_LINES];

    unsigned next_mute;
    unsigned evidence; /* of all the lines */
};

static bool
is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t
skip_white(const char *data, size_t length, size_t at)
{
    while (at < length && is_white(data[at]))
        at++;
    return at;
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
end(struct running *running)
{
    jep_status_t status = JEP_OK;

    if (running->format != NULL)
        status = running->format->close(running->state);
    *running = (struct running){0};
    return status;
}

/* End the reader that runs: the one before goes on. */
static jep_status_t
stop(struct stream *s)
{
    jep_status_t status = end(&s->now);

    s->now = s->before;
    s->before = (struct running){0};
    forget_mute(s);
    return status;
}

static jep_status_t
stop_all(struct stream *s)
{
    jep_status_t status = stop(s), stopped = stop(s);

    return status != JEP_OK ? status : stopped;
}

static bool
is_over(const struct running *running)
{
    return running->format->is_over != NULL &&
           running->format->is_over(running->state);
}

static void
swap(struct stream *s)
{
    struct running now = s->now;

    s->now = s->before;
    s->before = now;
    forget_mute(s);
}

static jep_status_t
start(struct stream *s, const struct text_format *format)
{
    bool waits = s->now.format != NULL && !is_over(&s->now);
    jep_status_t status = end(waits ? &s->before : &s->now);

    /* Of two that wait the later one is the likelier to go on. */
    if (waits)
        s->before = s->now;
    forget_mute(s);
    s->now = (struct running){0};
    if (status != JEP_OK)
        return status;
    s->now.sink = &s->sinks[s->before.sink == &s->sinks[0]];
    s->now.state = format->open(s->now.sink, s->error);
    if (s->now.state == NULL)
        return perr_memory(s->error);
    s->now.format = format;
    return JEP_OK;
}

/* The reader to which `line` says most, and at least `least`, of those that are
 * not at work. */
static const struct text_format *
choose(const struct stream *s, const struct text_line *line, unsigned least)
{
    const struct text_format *best = NULL;

    for (size_t i = 0; i < JE_ARRAY_LEN(formats); i++) {
        bool is_at_work =
            formats[i] == s->now.format || formats[i] == s->before.format;
        unsigned says = is_at_work ? TEXT_NOTHING : formats[i]->probe(line);

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

bool
text_is_other(const struct text_line *line, const struct text_format *but)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(formats); i++) {
        if (formats[i] != but && formats[i]->probe(line) >= TEXT_SURE)
            return true;
    }
    return false;
}

/* Let a reader read a line. */
JE_INLINE jep_status_t
line_read(struct stream *s, struct running *running,
          const struct text_line *line, unsigned *says)
{
    jep_status_t status = running->format->line(running->state, line, says);

    s->evidence += *says & ~(unsigned)TEXT_OVER;
    return status;
}

/* A reader reads a line that may go on with its document behind what another
 * one wrote. */
static jep_status_t
resume(struct stream *s, struct running *running, const struct text_line *line,
       unsigned *says)
{
    const struct dump_sink *sink = running->sink;
    struct text_line again = *line;
    jep_status_t status;

    again.resumes = true;
    status = line_read(s, running, &again, says);
    if (status == JEP_OK && *says == TEXT_OVER) {
        *says = TEXT_NOTHING;
        return end(running);
    }
    if (status != JEP_OK || *says == TEXT_NOTHING)
        return status;
    *says &= ~(unsigned)TEXT_OVER;
    return sink->repaired(sink->context, line->number, 1u << REPAIR_BETWEEN);
}

/* The reader that runs reads a line.  One that ends it without a word to it is
 * for the one before. */
JE_INLINE jep_status_t
now_read(struct stream *s, const struct text_line *line, unsigned *says)
{
    jep_status_t status = line_read(s, &s->now, line, says);
    bool ends = (*says & TEXT_OVER) != 0;

    *says &= ~(unsigned)TEXT_OVER;
    if (status != JEP_OK || !ends)
        return status;
    status = stop(s);
    if (status != JEP_OK || *says != TEXT_NOTHING || s->now.format == NULL)
        return status;
    return resume(s, &s->now, line, says);
}

/* A line that says nothing to the reader that runs may go on with the document
 * into which that one's has come. */
static jep_status_t
before_read(struct stream *s, const struct text_line *line, unsigned *says)
{
    jep_status_t status = resume(s, &s->before, line, says);

    if (status != JEP_OK || *says == TEXT_NOTHING)
        return status;
    if (is_over(&s->now))
        return stop(s);
    swap(s);
    return JEP_OK;
}

/* Whether another one's text begins at byte `at` of a line. */
static bool
starts_other(const struct stream *s, const struct text_line *line, size_t at)
{
    struct text_line rest = *line;
    bool is_other;
    char next;

    rest.text += at;
    rest.length -= at;
    if (rest.length > START_MAX)
        rest.length = START_MAX;
    next = rest.text[rest.length];
    rest.text[rest.length] = '\0';
    is_other = choose(s, &rest, TEXT_SURE) != NULL;
    rest.text[rest.length] = next;
    return is_other;
}

/* Where another one's text begins in a line that is not wholly of the reader
 * that runs; its length = nowhere. */
static size_t
foreign_start(const struct stream *s, const struct text_line *line)
{
    size_t most, at = s->now.format->own(s->now.state, line, &most);

    if (most > at + ALIKE_MAX)
        at = most - ALIKE_MAX;
    for (; at <= most && at < line->length; at++) {
        if (starts_other(s, line, at))
            return at;
    }
    return line->length;
}

/* The reader that runs reads the first `length` bytes of a line. */
static jep_status_t
part_read(struct stream *s, const struct text_line *line, size_t length,
          unsigned *says)
{
    struct text_line own = *line;
    char next = own.text[length];
    jep_status_t status;

    own.length = length;
    own.text[length] = '\0';
    status = now_read(s, &own, says);
    line->text[length] = next;
    return status;
}

/* The same, up to where another one's text has run into it; *used: that far. */
JE_INLINE jep_status_t
own_read(struct stream *s, const struct text_line *line, size_t *used,
         unsigned *says)
{
    size_t at = line->length;

    if (s->now.format->own != NULL)
        at = foreign_start(s, line);
    if (at == 0 || at == line->length)
        return now_read(s, line, says);
    *used = at;
    return part_read(s, line, at, says);
}

/* Let another reader read a line that says nothing to the one that runs, if it
 * says something to one; *used: how much of it was read. */
static jep_status_t
others_read(struct stream *s, const struct text_line *line, size_t *used)
{
    const struct text_format *other;
    jep_status_t status = JEP_OK;
    unsigned says = TEXT_NOTHING;

    *used = line->length;
    if (s->before.format != NULL)
        status = before_read(s, line, &says);
    if (status != JEP_OK || says != TEXT_NOTHING || is_mute(s, line))
        return status;
    other = choose(s, line, s->now.format == NULL ? TEXT_WEAK : TEXT_SURE);
    if (other == NULL) {
        keep_mute(s, line);
        return JEP_OK;
    }
    status = start(s, other);
    return status == JEP_OK ? own_read(s, line, used, &says) : status;
}

/* Let a reader read the line, if it says something to one; *used: how much of
 * it was read. */
static jep_status_t
feed(struct stream *s, const struct text_line *line, size_t *used)
{
    jep_status_t status = JEP_OK;
    unsigned says = TEXT_NOTHING;

    *used = line->length;
    if (s->now.format != NULL)
        status = own_read(s, line, used, &says);
    if (status != JEP_OK || says != TEXT_NOTHING || *used < line->length)
        return status;
    return others_read(s, line, used);
}

/* The same for what is left behind the first `used` bytes of a line. */
static jep_status_t
feed_rest(struct stream *s, const struct text_line *line, size_t used)
{
    struct text_line rest = *line;
    jep_status_t status = JEP_OK;

    while (status == JEP_OK && used < rest.length) {
        rest.text += used;
        rest.length -= used;
        status = feed(s, &rest, &used);
    }
    return status;
}

static jep_status_t
feed_all(struct stream *s, const struct text_line *line)
{
    size_t used;
    jep_status_t status = feed(s, line, &used);

    return status != JEP_OK || used == line->length ? status
                                                    : feed_rest(s, line, used);
}

/* Lines that need no repair go to the reader that runs without a way round, as
 * long as it does and no part of one can be another's. */
static jep_status_t
run_read(struct stream *streams, repairer_t *repairer)
{
    struct reader_run run;
    struct text_line line;
    struct stream *s;
    const struct text_format *format;
    jep_status_t status = JEP_OK;

    repair_run_begin(repairer, &run, &line);
    s = &streams[line.stream];
    format = s->now.format;
    if (format == NULL || format->own != NULL)
        return JEP_OK;
    while (status == JEP_OK && s->now.format == format &&
           repair_run_next(&run, &line)) {
        unsigned says = TEXT_NOTHING;
        size_t used = line.length;

        status = now_read(s, &line, &says);
        if (status == JEP_OK && says == TEXT_NOTHING)
            status = others_read(s, &line, &used);
        if (status == JEP_OK && used < line.length)
            status = feed_rest(s, &line, used);
    }
    repair_run_end(repairer, &run);
    return status;
}

/* Another process takes the stream over. */
static jep_status_t
restart(struct stream *s)
{
    jep_status_t status = stop_all(s);

    for (size_t i = 0; i < DUMP_LEVELS; i++) {
        if (s->sinks[i].restarted != NULL)
            s->sinks[i].restarted(s->sinks[i].context);
    }
    return status;
}

/* Feed a line to its stream and say what had been done to it, if it was worth
 * a repair. */
static jep_status_t
dispatch(struct stream *streams, const struct text_line *line)
{
    struct stream *s = &streams[line->stream];
    const struct dump_sink *sink;
    unsigned before = s->evidence;
    jep_status_t status = JEP_OK;

    if (line->restarts)
        status = restart(s);
    if (status == JEP_OK)
        status = feed_all(s, line);
    if (status != JEP_OK || line->repairs == 0 || s->evidence == before)
        return status;
    sink = s->now.format != NULL ? s->now.sink : s->sinks;
    return sink->repaired(sink->context, line->number, line->repairs);
}

/* End all readers; the first failure counts. */
static jep_status_t
finish(struct stream *streams, jep_status_t status)
{
    for (unsigned i = 0; i < TEXT_STREAMS; i++) {
        jep_status_t stopped = stop_all(&streams[i]);

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
    size_t i = skip_white(data, length, 0);
    size_t next = i < length ? skip_white(data, length, i + 1) : length;

    if (i == length || (data[i] != '{' && data[i] != '[') ||
        repair_is_log(data + i, length - i))
        return false;
    /* Log prefixes start with brackets, too. */
    if (data[i] == '[' && next < length && data[next] != '{' &&
        data[next] != '[')
        return false;
    for (size_t k = 0; k < JE_ARRAY_LEN(keys); k++) {
        if (memmem(data, length, keys[k], strlen(keys[k])) != NULL)
            return true;
    }
    return false;
}

/* Whether another one's text begins in a line of which `whole` bytes are JSON.
 */
static bool
has_other(const char *data, size_t length, size_t whole)
{
    for (size_t at = whole; at < length && at <= whole + ALIKE_MAX; at++) {
        char copy[ALIKE_MAX * 4];
        struct text_line line = {.text = copy, .length = length - at};

        if (line.length >= sizeof(copy))
            line.length = sizeof(copy) - 1;
        memcpy(copy, data + at, line.length);
        copy[line.length] = '\0';
        if (text_is_other(&line, &text_json))
            return true;
    }
    return false;
}

/* Whether it does not even begin as JSON, like a log's. */
static bool
is_strange(const struct json_fit *fit, const char *data, size_t length,
           size_t whole)
{
    return !fit->in_string && whole < length &&
           text_skip_blanks(data, length, 0) == whole &&
           strchr("\"{}[],:", data[whole]) == NULL;
}

/* Whether JSON that starts like this has another one's text inside. */
static bool
is_torn(const char *data, size_t length)
{
    const char *end = data + length, *feed;
    struct json_fit fit = {0};
    size_t whole;

    while ((feed = memchr(data, '\n', (size_t)(end - data))) != NULL) {
        size_t line = (size_t)(feed - data) - (feed > data && feed[-1] == '\r');
        bool fits = json_fit_line(&fit, data, line, &whole);

        json_fit_add(&fit, data, fits ? line : whole);
        if (!fits)
            return fit.depth > 0 && (is_strange(&fit, data, line, whole) ||
                                     has_other(data, line, whole));
        if (fit.depth <= 0 && fit.last != '\0')
            return false;
        data = feed + 1;
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
    status = stop_all(s);
    if (status == JEP_OK)
        status = json_read(reader, &s->sinks[0], &reason, s->error);
    if (status == JEP_OK && reason.code == JEP_OK)
        s->evidence += TEXT_SURE;
    return status;
}

/* Read the lines; *evidence: how much they say, all together. */
static jep_status_t
lines_read(reader_t *reader, repairer_t *repairer,
           const struct dump_sink *sinks, unsigned *evidence,
           struct jep_error *error)
{
    struct stream streams[TEXT_STREAMS] = {0};
    struct text_line line = {0};
    jep_status_t status;
    bool is_over;

    for (unsigned i = 0; i < TEXT_STREAMS; i++) {
        streams[i].sinks = &sinks[i * DUMP_LEVELS];
        streams[i].error = error;
    }
    do {
        status = run_read(streams, repairer);
        if (status != JEP_OK)
            break;
        repair_set_json(repairer, line.stream,
                        streams[line.stream].now.format == &text_json);
        status = repair_line(repairer, &line, error);
        is_over = line.text == NULL && !reader_is_long(reader);
        if (status == JEP_OK && line.text != NULL)
            status = dispatch(streams, &line);
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

bool
text_is_over(const void *state)
{
    (void)state;
    return true;
}

static jep_status_t
text_read(reader_t *reader, const struct dump_sink *sinks, unsigned evidence,
          struct jep_error *error)
{
    repairer_t *repairer = repair_new(reader, probe);
    jep_status_t status;

    if (repairer == NULL)
        return perr_memory(error);
    status = lines_read(reader, repairer, sinks, &evidence, error);
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
    if (is_json(data, length) && !json_wrap_is(data, length) &&
        !is_torn(data, length))
        return json_first(reader, sinks, error);
    return text_read(reader, sinks, TEXT_NOTHING, error);
}
