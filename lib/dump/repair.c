/* Lines of text as a program wrote them, from what became of them.
 *
 * Plain lines pass with one look at their bytes.  What stands before a line is
 * searched for only until a line is found that needs no repair, and in lines
 * that announce a dump. */
#include "dump/repair.h"

#include "dump/perr.h"
#include "dump/repair_clean.h"
#include "dump/repair_early.h"
#include "dump/repair_log.h"
#include "dump/repair_prefix.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define STUDIES_MAX 64

#define MARKER "___ Begin jemalloc statistics ___" /* scan.h looks for it */
#define FINISH "--- End jemalloc statistics ---"

#define PROBE_MAX 500 /* bytes of a line that is probed without separators */

struct repairer {
    reader_t *reader;
    repair_probe_t probe;
    /* What is left of a line that holds several. */
    char *rest;
    size_t rest_length;
    unsigned rest_repairs;
    bool rest_ended;
    uint64_t rest_key;
    struct prefix prefixes[TEXT_STREAMS];
    unsigned prefix_count;
    unsigned stream;            /* of the line before */
    bool is_plain;              /* a line was understood without its prefix */
    bool is_json[TEXT_STREAMS]; /* the next line is of JSON */
    /* Lines without a known prefix, and whether they are being read again. */
    struct early early;
    bool is_again;
    bool restarts[TEXT_STREAMS]; /* the next line is of another process */
    struct text_line after;      /* the line that showed the prefix */
    unsigned learnt;             /* prefixes */
    size_t sample_length;
    char sample[READER_CHUNK]; /* the start of the input */
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
    static const char quoted[] = "\"" MARKER;

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
    r->probe = probe;
    /* What fails here fails again when the first line is read. */
    if (reader_peek(reader, &data, &r->sample_length, &error) != JEP_OK)
        r->sample_length = 0;
    memcpy(r->sample, data, r->sample_length);
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

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool
is_marker(const char *text, size_t length)
{
    return length >= sizeof(MARKER) - 1 &&
           memcmp(text, MARKER, sizeof(MARKER) - 1) == 0;
}

/* Where the marker is in a line; NULL = nowhere. */
static const char *
find_marker(const struct text_line *line)
{
    return memmem(line->text, line->length, MARKER, sizeof(MARKER) - 1);
}

/* Whether a line starts with a tag, which may have been cut off by what another
 * one wrote: of loggers there are only those that write "<14>". */
static bool
starts_with_tag(const struct text_line *line)
{
    const char *text = line->text + strspn(line->text, " \t");

    return text[0] == '<' && !isdigit((unsigned char)text[1]);
}

/* Take `length` bytes off the front. */
static void
advance(struct text_line *line, size_t length)
{
    line->text += length;
    line->length -= length;
    line->before += length;
}

/* What `line` says from byte `at` on.  Before it is known whose a line is, it
 * still has the separators between thousands. */
static unsigned
probe_from(const repairer_t *r, const struct text_line *line, size_t at)
{
    char copy[PROBE_MAX + 1];
    struct text_line rest = *line;
    unsigned done = 0;

    advance(&rest, at);
    if (rest.length <= PROBE_MAX) {
        memcpy(copy, rest.text, rest.length);
        copy[rest.length] = '\0';
        rest.text = copy;
        rest.length = clean_groups(copy, rest.length, &done);
    }
    return r->probe(&rest);
}

/* Whether `line` from byte `at` on is beyond doubt. */
static bool
is_content(const repairer_t *r, const struct text_line *line, size_t at)
{
    return probe_from(r, line, at) >= TEXT_SURE;
}

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* A number that redis-cli puts before an element is right-aligned: the blanks
 * before it are no part of the prefix. */
static size_t
before_number(const struct text_line *line, size_t at)
{
    size_t end = at;

    while (isdigit((unsigned char)line->text[end]))
        end++;
    if (end == at || (line->text[end] != ')' && line->text[end] != '#'))
        return at;
    while (at > 1 && line->text[at - 1] == ' ')
        at--;
    /* A prefix that is a number itself ends with a blank. */
    return is_word(line->text[at - 1]) ? at + 1 : at;
}

/* Where the content starts behind something else: at a word where a reader has
 * no doubt.  0 = nowhere, or at the start. */
static size_t
content_start(const repairer_t *r, const struct text_line *line)
{
    const char *marker = find_marker(line);
    unsigned tries = 0;

    if (marker != NULL)
        return (size_t)(marker - line->text);
    for (size_t at = 1; at < line->length && at <= PREFIX_MAX && tries < 24;
         at++) {
        /* No logger has members of JSON before a line. */
        if (line->text[at] == ':' && line->text[at - 1] == '"')
            return 0;
        if (is_blank(line->text[at]) || is_word(line->text[at - 1]))
            continue;
        tries++;
        if (is_content(r, line, at))
            return before_number(line, at);
    }
    return 0;
}

/* The prefix that makes a line of the same logger whatever its process is;
 * NULL = none or several. */
static struct prefix *
sole_logger(repairer_t *r, const struct text_line *line, uint64_t key)
{
    struct prefix *found = NULL;
    size_t end;

    for (unsigned i = 0; i < r->prefix_count; i++) {
        if (prefix_match(&r->prefixes[i], line->text, line->length, key,
                         &end) != PREFIX_OTHER)
            continue;
        if (found != NULL)
            return NULL;
        found = &r->prefixes[i];
    }
    return found;
}

/* A line of a known logger whose numbers are new: it is of a process that we
 * do not follow, unless its content goes on with the dump. */
static bool
try_widen(repairer_t *r, struct text_line *line, uint64_t key)
{
    struct prefix *prefix = sole_logger(r, line, key);
    struct text_line content = *line;
    size_t end;

    if (prefix == NULL)
        return false;
    (void)prefix_match(prefix, line->text, line->length, key, &end);
    advance(&content, end);
    if (is_marker(content.text, content.length) ||
        (content.length > 0 && !is_blank(*content.text) &&
         probe_from(r, &content, 0) == TEXT_NOTHING))
        return false;
    prefix_widen(prefix, line->text, line->length);
    return true;
}

/* Put the line into the stream of the prefix that it has. */
static bool
try_prefixes(repairer_t *r, struct text_line *line, uint64_t key)
{
    for (unsigned i = 0; i < r->prefix_count; i++) {
        unsigned stream = (r->stream + i) % r->prefix_count;
        struct prefix *prefix = &r->prefixes[stream];
        size_t end;

        if (prefix_match(prefix, line->text, line->length, key, &end) !=
                PREFIX_SAME ||
            prefix_narrow(prefix, line,
                          is_marker(line->text + end, line->length - end)))
            continue;
        if (prefix->length > 0)
            line->repairs |= 1u << REPAIR_PREFIX;
        if (r->prefix_count > 1)
            line->repairs |= 1u << REPAIR_STREAMS;
        prefix->used = line->number;
        r->stream = stream;
        advance(line, end);
        return true;
    }
    return false;
}

/* Whether another line of the same log object, or of the same process by what
 * the log says of it, is followed; its stream takes this one, too. */
static bool
try_key(repairer_t *r, const struct text_line *line, uint64_t key)
{
    for (unsigned i = 0; i < r->prefix_count && key != 0; i++) {
        if (r->prefixes[i].key == key) {
            r->stream = i;
            r->prefixes[i].used = line->number;
            return true;
        }
    }
    return false;
}

/* Whether a dump begins here, by its marker or by what no other line of its
 * format starts with. */
static bool
is_beginning(const char *text, size_t length)
{
    static const char *const starts[] = {"\"jemalloc\"", "\"jeprobe\"",
                                         "<malloc "};
    size_t at = 0;

    if (is_marker(text, length))
        return true;
    while (at < length && (text[at] == '{' || is_blank(text[at])))
        at++;
    for (size_t i = 0; i < JE_ARRAY_LEN(starts); i++) {
        size_t n = strlen(starts[i]);

        if (length - at >= n && memcmp(text + at, starts[i], n) == 0)
            return true;
    }
    return false;
}

/* What a line of the start of the input says without its prefix. */
static enum prefix_says
sample_says(const void *context, const char *text, size_t length)
{
    const repairer_t *r = context;
    char copy[PROBE_MAX + 1];
    struct text_line line = {.text = copy, .ended = true};

    if (is_beginning(text, length))
        return PREFIX_SAYS_BEGIN;
    if (length >= sizeof(FINISH) - 1 &&
        memcmp(text, FINISH, sizeof(FINISH) - 1) == 0)
        return PREFIX_SAYS_END;
    line.length = length < PROBE_MAX ? length : PROBE_MAX;
    memcpy(copy, text, line.length);
    copy[line.length] = '\0';
    return probe_from(r, &line, 0) != TEXT_NOTHING ? PREFIX_SAYS_SOMETHING
                                                   : PREFIX_SAYS_NOTHING;
}

static void
study(const repairer_t *r, struct prefix *prefix)
{
    struct prefix_content content = {.says = sample_says, .context = r};
    const char *begin =
        memmem(r->sample, r->sample_length, MARKER, sizeof(MARKER) - 1);

    content.is_amid =
        begin != NULL && memmem(r->sample, (size_t)(begin - r->sample), FINISH,
                                sizeof(FINISH) - 1) == NULL;
    prefix_study(prefix, r->sample, r->sample_length, &content);
}

/* A prefix of its own for what starts at byte `at`. */
static void
learn(repairer_t *r, struct text_line *line, size_t at, uint64_t key)
{
    unsigned stream = r->prefix_count;
    bool restarts = stream == TEXT_STREAMS;

    if (restarts) {
        stream = 0;
        for (unsigned i = 1; i < TEXT_STREAMS; i++) {
            if (r->prefixes[i].used < r->prefixes[stream].used)
                stream = i;
        }
    }
    if (prefix_learn(&r->prefixes[stream], line, at, key)) {
        if (r->learnt++ < STUDIES_MAX && key == 0)
            study(r, &r->prefixes[stream]);
        r->stream = stream;
        r->prefix_count += stream == r->prefix_count;
        r->prefixes[stream].used = line->number;
        r->restarts[stream] = restarts;
    }
    if (at > 0)
        line->repairs |= 1u << REPAIR_PREFIX;
    advance(line, at);
}

/* Take the prefix off, if there is one.  False: it is not known whose line it
 * is. */
static bool
strip_prefix(repairer_t *r, struct text_line *line, uint64_t key)
{
    size_t blanks = 0, at;
    bool has_marker;

    if (r->prefix_count > 0 && try_prefixes(r, line, key))
        return true;
    while (blanks < line->length && is_blank(line->text[blanks]))
        blanks++;
    if (blanks == line->length)
        return true;
    has_marker = is_marker(line->text + blanks, line->length - blanks);
    if (has_marker && blanks > 0)
        line->repairs |= 1u << REPAIR_INDENT;
    if (has_marker && key == 0) {
        r->is_plain = true;
        return true;
    }
    if (blanks > 0 && key == 0 && (r->is_plain || r->prefix_count > 0))
        return r->is_plain;
    if (r->prefix_count > 0 && try_widen(r, line, key) &&
        try_prefixes(r, line, key))
        return true;
    if (r->is_plain && key == 0 &&
        (find_marker(line) == NULL || starts_with_tag(line)))
        return true;
    if (!has_marker && try_key(r, line, key))
        return true;
    if (is_content(r, line, 0)) {
        if (key == 0)
            r->is_plain = true;
        else
            learn(r, line, 0, key);
        return true;
    }
    at = content_start(r, line);
    if (at > 0)
        learn(r, line, at, key);
    return at > 0;
}

/* The next of the lines before the one that showed the prefix, if it has that
 * prefix; then that line. */
static void
read_again(repairer_t *r, struct text_line *line)
{
    uint64_t key;

    while (early_next(&r->early, line, &key)) {
        if (try_prefixes(r, line, key) ||
            (try_widen(r, line, key) && try_prefixes(r, line, key))) {
            early_take(&r->early);
            line->stream = r->stream;
            return;
        }
    }
    *line = r->after;
    r->stream = line->stream;
    r->is_again = false;
}

/* Keep a line of which it is not known whose it is.  Behind a prefix it says
 * nothing; what was in the object of a log could be taken for another one's if
 * it names one or there are several. */
static void
keep_early(repairer_t *r, struct text_line *line, uint64_t key)
{
    if (key == LOG_NOBODY && r->prefix_count == 1)
        return;
    early_keep(&r->early, line, key);
    if (key != 0)
        advance(line, line->length);
}

/* A prefix has just been learnt: first come the lines that were kept. */
static void
begin_again(repairer_t *r, struct text_line *line)
{
    r->after = *line;
    r->is_again = true;
    early_rewind(&r->early);
    read_again(r, line);
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
        advance(line, quotes);
    }
}

/* Whether nothing is to be done: no line had anything before it so far, and
 * nothing in this one could need a repair or be the marker. */
static bool
is_untouched(const repairer_t *r, const struct reader_line *read)
{
    return r->is_plain && r->prefix_count == 0 && !read->is_marked &&
           *read->text != '{';
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
        .stream = r->stream,
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

/* Find out whose a line is. */
static void
assign(repairer_t *r, struct text_line *line, uint64_t key)
{
    unsigned learnt = r->learnt;
    bool is_known;

    strip_quotes(line);
    is_known = strip_prefix(r, line, key);
    line->stream = r->stream;
    if (r->is_plain && key == 0)
        r->early.count = 0;
    else if (!is_known)
        keep_early(r, line, key);
    else if (r->learnt != learnt && r->early.count > 0)
        begin_again(r, line);
}

/* What depends on whose the line is.  The first one of a process that takes a
 * stream over may be one that was kept. */
static void
finish_line(repairer_t *r, struct text_line *line)
{
    line->restarts = r->restarts[line->stream];
    r->restarts[line->stream] = false;
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

    line->stream = r->stream;
    if (r->is_again) {
        read_again(r, line);
        finish_line(r, line);
        return;
    }
    if (r->rest != NULL)
        take_rest(r, line, &key);
    else
        clean_line(line, &key);
    split(r, line, key);
    assign(r, line, key);
    finish_line(r, line);
}

jep_status_t
repair_line(repairer_t *r, struct text_line *line, struct jep_error *error)
{
    struct reader_line read = {.text = NULL};

    if (!r->is_again && r->rest == NULL) {
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
