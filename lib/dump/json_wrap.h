/* JSON that a terminal has cut at its width.
 *
 * A line feed inside a string or a number cannot be JSON.  Where the line is as
 * wide as any before it and what follows ends the string or the number as JSON
 * would, the feed is the terminal's, and the two lines belong together.  Where
 * what follows could be anything, another line must have had the same width. */
#ifndef JE_DUMP_JSON_WRAP_H
#define JE_DUMP_JSON_WRAP_H

#include "base/macros.h"

#include "dump/json_fit.h"

#include <stdbool.h>
#include <stddef.h>

/* All zero before the first line of a document. */
struct json_wrap {
    size_t width;      /* of the widest line */
    size_t full;       /* lines of that width */
    size_t last_width; /* of the last one */
    char last;         /* byte */
    struct json_fit fit;
};

/* The next line of the document was read; `before`: bytes of a log prefix. */
void json_wrap_line(struct json_wrap *wrap, const char *text, size_t length,
                    size_t before);

/* Whether the line feed between the last line and `next` is a terminal's. */
bool json_wrap_joins(const struct json_wrap *wrap, const char *next,
                     size_t length, size_t before);

/* Whether JSON that starts like this has such line feeds. */
bool json_wrap_is(const char *data, size_t length);

#endif
