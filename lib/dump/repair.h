/* Lines of text as a program wrote them, from what became of them.
 *
 * Between the program and us a dump passes through loggers, containers,
 * terminals, wikis and mail programs.  Each leaves marks that say nothing about
 * memory: they are taken off before any reader sees a line, and what was done
 * is said, so that nobody takes a repaired figure for one that was printed.
 *
 * Lines of several processes in one log are told apart by what the logger wrote
 * in front of them, and come with the number of their stream. */
#ifndef JE_DUMP_REPAIR_H
#define JE_DUMP_REPAIR_H

#include "base/macros.h"

#include "dump/reader.h"
#include "dump/scan.h"
#include "dump/text.h"

enum repair {
    REPAIR_INDENT,     /* blanks before every line */
    REPAIR_QUOTE,      /* ">" of mail and Markdown */
    REPAIR_PREFIX,     /* what a logger writes before each line */
    REPAIR_LOG,        /* lines as members of JSON objects */
    REPAIR_STREAMS,    /* lines of several processes */
    REPAIR_CRLF,       /* carriage returns */
    REPAIR_ESCAPES,    /* line feeds as \n */
    REPAIR_STRING,     /* quotes as \" */
    REPAIR_WRAP,       /* lines that a terminal has cut */
    REPAIR_SEPARATORS, /* 1,234,567 */
    REPAIR_MARKUP,     /* tags and entities of HTML */
    REPAIR_COLOUR,     /* escape sequences of terminals */
    REPAIR_CHARACTERS, /* blanks and quotes that are not ASCII */
    REPAIR_BETWEEN,    /* something else between the lines */
    REPAIR_COUNT
};

/* What was done, as a sentence for people. */
const char *repair_what(enum repair repair);

/* What a line, without a prefix, says to the best of the readers. */
typedef unsigned (*repair_probe_t)(const struct text_line *line);

typedef struct repairer repairer_t;

/* NULL = out of memory.  `reader` is read from its current position. */
repairer_t *repair_new(reader_t *reader, repair_probe_t probe);
void repair_free(repairer_t *repairer);

/* Whether the next line of a stream is of JSON. */
void repair_set_json(repairer_t *repairer, unsigned stream, bool is_json);

/* The next line, its `repairs` and its `stream`; text == NULL at the end, and
 * before a line that is too long: see reader_is_long. */
jep_status_t repair_line(repairer_t *repairer, struct text_line *line,
                         struct jep_error *error)
    __attribute__((warn_unused_result));

/* Lines that need no repair, as long as there are such ones and the reader has
 * them: the same as repair_line would give, for less.  `line` keeps what is the
 * same for all of them.  repair_run_end() comes before the next repair_line. */
void repair_run_begin(const repairer_t *repairer, struct reader_run *run,
                      struct text_line *line);
void repair_run_end(repairer_t *repairer, const struct reader_run *run);

static inline bool
repair_run_next(struct reader_run *run, struct text_line *line)
{
    char *text = run->buffer + run->start;
    size_t length;

    if (run->ends == run->last || (*run->ends & SCAN_MARKED) != 0 ||
        *text == '{')
        return false;
    length = (*run->ends >> 1) - run->start;
    if (length > 0 && text[length - 1] == '\r')
        return false;
    text[length] = '\0';
    line->text = text;
    line->length = length;
    line->number = ++run->number;
    run->start += length + 1;
    run->ends++;
    return true;
}

/* Whether input that starts like this is a log whose lines are JSON objects,
 * or JSON around a dump as text: it must not be read as a JSON dump. */
bool repair_is_log(const char *data, size_t length);

#endif
