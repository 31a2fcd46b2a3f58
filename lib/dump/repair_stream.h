/* Whose line it is: what the logger wrote before it, taken off.
 *
 * What one line shows to be a prefix is looked for in all the others.  Lines
 * that came before that one are kept, and read again without it. */
#ifndef JE_DUMP_REPAIR_STREAM_H
#define JE_DUMP_REPAIR_STREAM_H

#include "base/macros.h"

#include "dump/repair.h"
#include "dump/repair_early.h"
#include "dump/repair_prefix.h"

#define REPAIR_MARKER                                                          \
    "___ Begin jemalloc statistics ___" /* scan.h looks for it */

/* Take `length` bytes off the front. */
static inline void
line_advance(struct text_line *line, size_t length)
{
    line->text += length;
    line->length -= length;
    line->before += length;
}

struct streams {
    repair_probe_t probe;
    struct prefix prefixes[TEXT_STREAMS];
    unsigned prefix_count;
    unsigned stream; /* of the line before */
    bool is_plain;   /* a line was understood without its prefix */
    /* Lines without a known prefix, and whether they are being read again. */
    struct early early;
    bool is_again;
    bool restarts[TEXT_STREAMS]; /* the next line is of another process */
    struct text_line after;      /* the line that showed the prefix */
    unsigned learnt;             /* prefixes */
    size_t sample_length;
    char sample[READER_CHUNK]; /* the start of the input */
};

/* Take the prefix off `line`, if there is one, and say whose it is.  If it
 * shows a prefix that was not known, the first of the lines that had it comes
 * in its place.  `key`: of what the log says of the process elsewhere. */
void streams_line(struct streams *streams, struct text_line *line,
                  uint64_t key);

/* While is_again: the next of the lines before the one that showed the prefix,
 * if it has that prefix; then that line. */
void streams_read_again(struct streams *streams, struct text_line *line);

#endif
