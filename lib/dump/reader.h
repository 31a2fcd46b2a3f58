/* Bounded input: a file, standard input, or either of them compressed.
 *
 * Every format's parser reads through this, so that no input, however large or
 * however compressed, is ever held in memory as a whole. */
#ifndef JE_DUMP_READER_H
#define JE_DUMP_READER_H

#include "base/macros.h"

#include "jeprobe.h"

#define READER_CHUNK     ((size_t)65536)
#define READER_LINE_MAX  ((size_t)1 << 20)   /* longest text line */
#define READER_INPUT_MAX ((uint64_t)1 << 34) /* after decompression */
#define READER_SKIPS_MAX 8

typedef struct reader reader_t;

/* What reader_skip_line left out. */
struct reader_skip {
    uint64_t line;  /* the first one, from 1 */
    uint64_t lines; /* more than one only in the last entry of a full list */
    uint64_t bytes; /* without line feeds */
};

jep_status_t reader_open(const char *path, reader_t **reader,
                         struct jep_error *error)
    __attribute__((warn_unused_result));
/* The same of an open file, which is closed with the reader, or at once if
 * there is no memory. */
jep_status_t reader_open_fd(int fd, reader_t **reader, struct jep_error *error)
    __attribute__((warn_unused_result));
void reader_close(reader_t *reader);

/* The bytes at the current position without consuming them, at most
 * READER_CHUNK; fewer only at the end of the input. */
jep_status_t reader_peek(reader_t *reader, const char **data, size_t *length,
                         struct jep_error *error)
    __attribute__((warn_unused_result));

/* The next bytes of any number; *length == 0 at the end.  Valid until the
 * next call. */
jep_status_t reader_block(reader_t *reader, const char **data, size_t *length,
                          struct jep_error *error)
    __attribute__((warn_unused_result));

/* Give back the last `length` bytes of that block, to be read as lines; the
 * first of them is of line `number`. */
void reader_unread(reader_t *reader, size_t length, uint64_t number);

/* A line without its line end, NUL-terminated in place. */
struct reader_line {
    char *text; /* NULL = there is none */
    size_t length;
    uint64_t number; /* from 1 */
    bool ended;      /* by a line feed: one that is cut off is not */
    bool returned;   /* a carriage return was taken off its end */
    bool is_marked;  /* it may hold something to repair: see scan.h */
};

/* The next line; none at the end of the input, and before a line of more than
 * READER_LINE_MAX, which stays where it is.  A NUL byte in the input reads as a
 * space. */
jep_status_t reader_line(reader_t *reader, struct reader_line *line,
                         struct jep_error *error)
    __attribute__((warn_unused_result));

/* Lines that are in the buffer already, to be taken one after the other.  No
 * other function of the reader may be called until they are given back. */
struct reader_run {
    char *buffer;
    const uint32_t *ends, *last; /* as in scan.h */
    size_t start;                /* of the next line */
    uint64_t number;             /* of the line that was taken last */
};

/* None, unless reader_line would find one without reading on. */
void reader_run_begin(const reader_t *reader, struct reader_run *run);
/* What was taken is gone. */
void reader_run_end(reader_t *reader, const struct reader_run *run);

/* Whether reader_line found a line that is too long, and not the end. */
bool reader_is_long(const reader_t *reader);

/* Go behind such a line, however long it is, and note it. */
jep_status_t reader_skip_line(reader_t *reader, struct jep_error *error)
    __attribute__((warn_unused_result));

/* The lines that were skipped, in their order. */
const struct reader_skip *reader_skips(const reader_t *reader, size_t *count);

/* Number of the line that reader_line returned last, from 1; 0 = none yet. */
uint64_t reader_line_number(const reader_t *reader);

/* Why the input ended earlier than it should have; NULL = it did not. */
const char *reader_damage(const reader_t *reader);

#endif
