/* Whose line it is.
 *
 * What stands before a line is searched for only until a line is found that
 * needs no repair, and in lines that announce a dump. */
#include "dump/repair_stream.h"

#include "dump/repair_clean.h"
#include "dump/repair_log.h"

#include <ctype.h>
#include <string.h>

#define STUDIES_MAX 64

#define FINISH "--- End jemalloc statistics ---"

#define PROBE_MAX 500 /* bytes of a line that is probed without separators */

static bool
is_marker(const char *text, size_t length)
{
    return length >= sizeof(REPAIR_MARKER) - 1 &&
           memcmp(text, REPAIR_MARKER, sizeof(REPAIR_MARKER) - 1) == 0;
}

/* Where the marker is in a line; NULL = nowhere. */
static const char *
find_marker(const struct text_line *line)
{
    return memmem(line->text, line->length, REPAIR_MARKER,
                  sizeof(REPAIR_MARKER) - 1);
}

/* Whether a line starts with a tag, which may have been cut off by what another
 * one wrote: of loggers there are only those that write "<14>". */
static bool
starts_with_tag(const struct text_line *line)
{
    const char *text = line->text + strspn(line->text, " \t");

    return text[0] == '<' && !isdigit((unsigned char)text[1]);
}

/* Whether it starts as a line of JSON inside of a document: loggers begin with
 * other bytes. */
static bool
starts_with_member(const struct text_line *line)
{
    const char *text = line->text + strspn(line->text, " \t");

    return *text != '\0' && strchr("\"{},]", *text) != NULL;
}

/* What `line` says from byte `at` on.  Before it is known whose a line is, it
 * still has the separators between thousands. */
static unsigned
probe_from(const struct streams *s, const struct text_line *line, size_t at)
{
    char copy[PROBE_MAX + 1];
    struct text_line rest = *line;
    unsigned done = 0;

    line_advance(&rest, at);
    if (rest.length <= PROBE_MAX) {
        memcpy(copy, rest.text, rest.length);
        copy[rest.length] = '\0';
        rest.text = copy;
        rest.length = clean_groups(copy, rest.length, &done);
    }
    return s->probe(&rest);
}

/* Whether `line` from byte `at` on is beyond doubt. */
static bool
is_content(const struct streams *s, const struct text_line *line, size_t at)
{
    return probe_from(s, line, at) >= TEXT_SURE;
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
content_start(const struct streams *s, const struct text_line *line)
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
        if (text_is_blank(line->text[at]) || is_word(line->text[at - 1]))
            continue;
        tries++;
        if (is_content(s, line, at))
            return before_number(line, at);
    }
    return 0;
}

/* The prefix that makes a line of the same logger whatever its process is;
 * NULL = none or several. */
static struct prefix *
sole_logger(struct streams *s, const struct text_line *line, uint64_t key)
{
    struct prefix *found = NULL;
    size_t end;

    for (unsigned i = 0; i < s->prefix_count; i++) {
        if (prefix_match(&s->prefixes[i], line->text, line->length, key,
                         &end) != PREFIX_OTHER)
            continue;
        if (found != NULL)
            return NULL;
        found = &s->prefixes[i];
    }
    return found;
}

/* A line of a known logger whose numbers are new: it is of a process that we
 * do not follow, unless its content goes on with the dump. */
static bool
try_widen(struct streams *s, struct text_line *line, uint64_t key)
{
    struct prefix *prefix = sole_logger(s, line, key);
    struct text_line content = *line;
    size_t end;

    if (prefix == NULL)
        return false;
    (void)prefix_match(prefix, line->text, line->length, key, &end);
    line_advance(&content, end);
    if (is_marker(content.text, content.length) ||
        (content.length > 0 && !text_is_blank(*content.text) &&
         probe_from(s, &content, 0) == TEXT_NOTHING))
        return false;
    prefix_widen(prefix, line->text, line->length);
    return true;
}

/* Put the line into the stream of the prefix that it has. */
static bool
try_prefixes(struct streams *s, struct text_line *line, uint64_t key)
{
    for (unsigned i = 0; i < s->prefix_count; i++) {
        unsigned stream = (s->stream + i) % s->prefix_count;
        struct prefix *prefix = &s->prefixes[stream];
        size_t end;

        if (prefix_match(prefix, line->text, line->length, key, &end) !=
                PREFIX_SAME ||
            prefix_narrow(prefix, line,
                          is_marker(line->text + end, line->length - end)))
            continue;
        if (prefix->length > 0)
            line->repairs |= 1u << REPAIR_PREFIX;
        if (s->prefix_count > 1)
            line->repairs |= 1u << REPAIR_STREAMS;
        prefix->used = line->number;
        s->stream = stream;
        line_advance(line, end);
        return true;
    }
    return false;
}

/* Whether another line of the same log object, or of the same process by what
 * the log says of it, is followed; its stream takes this one, too. */
static bool
try_key(struct streams *s, const struct text_line *line, uint64_t key)
{
    for (unsigned i = 0; i < s->prefix_count && key != 0; i++) {
        if (s->prefixes[i].key == key) {
            s->stream = i;
            s->prefixes[i].used = line->number;
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
    while (at < length && (text[at] == '{' || text_is_blank(text[at])))
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
    const struct streams *s = context;
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
    return probe_from(s, &line, 0) != TEXT_NOTHING ? PREFIX_SAYS_SOMETHING
                                                   : PREFIX_SAYS_NOTHING;
}

static void
study(const struct streams *s, struct prefix *prefix)
{
    struct prefix_content content = {.says = sample_says, .context = s};
    const char *begin = memmem(s->sample, s->sample_length, REPAIR_MARKER,
                               sizeof(REPAIR_MARKER) - 1);

    content.is_amid =
        begin != NULL && memmem(s->sample, (size_t)(begin - s->sample), FINISH,
                                sizeof(FINISH) - 1) == NULL;
    prefix_study(prefix, s->sample, s->sample_length, &content);
}

/* A prefix of its own for what starts at byte `at`. */
static void
learn(struct streams *s, struct text_line *line, size_t at, uint64_t key)
{
    unsigned stream = s->prefix_count;
    bool restarts = stream == TEXT_STREAMS;

    if (restarts) {
        stream = 0;
        for (unsigned i = 1; i < TEXT_STREAMS; i++) {
            if (s->prefixes[i].used < s->prefixes[stream].used)
                stream = i;
        }
    }
    if (prefix_learn(&s->prefixes[stream], line, at, key)) {
        if (s->learnt++ < STUDIES_MAX && key == 0)
            study(s, &s->prefixes[stream]);
        s->stream = stream;
        s->prefix_count += stream == s->prefix_count;
        s->prefixes[stream].used = line->number;
        s->restarts[stream] = restarts;
    }
    if (at > 0)
        line->repairs |= 1u << REPAIR_PREFIX;
    line_advance(line, at);
}

/* Take the prefix off, if there is one.  False: it is not known whose line it
 * is. */
static bool
strip_prefix(struct streams *s, struct text_line *line, uint64_t key)
{
    size_t blanks, at;
    bool has_marker;

    if (s->prefix_count > 0 && try_prefixes(s, line, key))
        return true;
    blanks = text_skip_blanks(line->text, line->length, 0);
    if (blanks == line->length)
        return true;
    has_marker = is_marker(line->text + blanks, line->length - blanks);
    if (has_marker && blanks > 0)
        line->repairs |= 1u << REPAIR_INDENT;
    if (has_marker && key == 0) {
        s->is_plain = true;
        return true;
    }
    if (blanks > 0 && key == 0 && (s->is_plain || s->prefix_count > 0))
        return s->is_plain;
    if (s->prefix_count > 0 && try_widen(s, line, key) &&
        try_prefixes(s, line, key))
        return true;
    if (s->is_plain && key == 0 &&
        (find_marker(line) == NULL || starts_with_tag(line) ||
         starts_with_member(line)))
        return true;
    if (!has_marker && try_key(s, line, key))
        return true;
    if (is_content(s, line, 0)) {
        if (key == 0)
            s->is_plain = true;
        else
            learn(s, line, 0, key);
        return true;
    }
    at = content_start(s, line);
    if (at > 0)
        learn(s, line, at, key);
    return at > 0;
}

/* The next of the lines before the one that showed the prefix, if it has that
 * prefix; then that line. */
void
streams_read_again(struct streams *s, struct text_line *line)
{
    uint64_t key;

    while (early_next(&s->early, line, &key)) {
        if (try_prefixes(s, line, key) ||
            (try_widen(s, line, key) && try_prefixes(s, line, key))) {
            early_take(&s->early);
            line->stream = s->stream;
            return;
        }
    }
    *line = s->after;
    s->stream = line->stream;
    s->is_again = false;
}

/* Keep a line of which it is not known whose it is.  Behind a prefix it says
 * nothing; what was in the object of a log could be taken for another one's if
 * it names one or there are several. */
static void
keep_early(struct streams *s, struct text_line *line, uint64_t key)
{
    if (key == LOG_NOBODY && s->prefix_count == 1)
        return;
    early_keep(&s->early, line, key);
    if (key != 0)
        line_advance(line, line->length);
}

/* A prefix has just been learnt: first come the lines that were kept. */
static void
begin_again(struct streams *s, struct text_line *line)
{
    s->after = *line;
    s->is_again = true;
    early_rewind(&s->early);
    streams_read_again(s, line);
}

void
streams_line(struct streams *s, struct text_line *line, uint64_t key)
{
    unsigned learnt = s->learnt;
    bool is_known = strip_prefix(s, line, key);

    line->stream = s->stream;
    if (s->is_plain && key == 0)
        s->early.count = 0;
    else if (!is_known)
        keep_early(s, line, key);
    else if (s->learnt != learnt && s->early.count > 0)
        begin_again(s, line);
}
