/* What a reader of one text format is; detect.c drives them line by line.
 *
 * Lines arrive repaired: without log prefixes, quoting or carriage returns.  A
 * reader calls begin and end of the sink for each document that it finds, and
 * reports how much each line speaks for its format, so that a file which holds
 * several formats goes to the reader that understands each part. */
#ifndef JE_DUMP_TEXT_H
#define JE_DUMP_TEXT_H

#include "base/macros.h"

#include "dump/sink.h"
#include "dump/token.h"

enum {
    TEXT_NOTHING = 0, /* the line says nothing to this reader */
    TEXT_WEAK = 1,    /* a labelled figure that others have too */
    TEXT_SURE = 3,    /* nobody else writes such a line */
    TEXT_OVER = 8     /* added: and what this reader reads ends with it, or
                       * before it if the line says nothing else */
};

/* Processes whose lines are told apart. */
#define TEXT_STREAMS DUMP_STREAMS

/* One line; `text` is NUL-terminated and the reader may write to it. */
struct text_line {
    char *text;
    size_t length;
    uint64_t number; /* of the line in the file */
    bool ended;      /* by a line feed: otherwise it may be cut off */
    size_t before;   /* bytes that stood before it in the file's line */
    /* What repair.h did, and for whom: no reader needs these. */
    unsigned repairs; /* bits 1 << REPAIR_… */
    unsigned stream;  /* below TEXT_STREAMS: the process that wrote it */
    bool restarts;    /* another process takes over the stream's number */
    bool resumes;     /* what another one wrote was before it */
};

/* What separates words; a line has no line feeds. */
static inline bool
text_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where something else than blanks is, from byte `at` on. */
static inline size_t
text_skip_blanks(const char *text, size_t length, size_t at)
{
    while (at < length && text_is_blank(text[at]))
        at++;
    return at;
}

/* The same with ends of lines, where there may be several. */
static inline size_t
text_skip_white(const char *text, size_t length, size_t at)
{
    while (at < length &&
           (text_is_blank(text[at]) || text[at] == '\n' || text[at] == '\r'))
        at++;
    return at;
}

struct text_format {
    const char *name;
    /* What a line says when this reader does not run yet. */
    unsigned (*probe)(const struct text_line *line);
    /* NULL = out of memory.  `sink` and `error` outlive the state. */
    void *(*open)(const struct dump_sink *sink, struct jep_error *error);
    /* Read one line; *evidence is TEXT_NOTHING unless it was understood. */
    jep_status_t (*line)(void *state, const struct text_line *line,
                         unsigned *evidence);
    /* No more lines: end the open document (complete or not), free. */
    jep_status_t (*close)(void *state);
    /* How many bytes of a line are this reader's beyond doubt; up to *most they
     * may be.  What another one wrote may have run into the line between.
     * NULL: all of them are. */
    size_t (*own)(void *state, const struct text_line *line, size_t *most);
    /* Whether nothing that follows behind what another one wrote can be of the
     * same document.  NULL: what this reader understands is. */
    bool (*is_over)(const void *state);
};

/* Of readers whose documents have no end that would be missed. */
bool text_is_over(const void *state);

/* Whether a reader other than `but` has no doubt of the line. */
bool text_is_other(const struct text_line *line, const struct text_format *but);

extern const struct text_format text_glibc;
extern const struct text_format text_glibc_xml;
extern const struct text_format text_heapprof;
extern const struct text_format text_jemalloc;
extern const struct text_format text_json;
extern const struct text_format text_mimalloc;
extern const struct text_format text_oomlog;
extern const struct text_format text_procfs;
extern const struct text_format text_redis;
extern const struct text_format text_rocksdb;
extern const struct text_format text_skynet;
extern const struct text_format text_tcmalloc;

#endif
