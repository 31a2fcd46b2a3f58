/* The tags of malloc_info(), in a line that may not hold the whole of one.
 *
 * A program whose output is written in blocks is cut anywhere by what another
 * one writes in between, also inside of a tag.  Names are letters and values
 * are letters and digits, so what cannot go on a tag shows soon. */
#ifndef JE_DUMP_GLIBC_TAG_H
#define JE_DUMP_GLIBC_TAG_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct glibc_tags {
    size_t whole; /* behind the last tag that is whole */
    size_t fits;  /* up to here the text may be the next one */
};

/* Go through the tags of `text` and the blanks between them.  What is a
 * declaration or a comment is whole: it is left to others to judge. */
struct glibc_tags glibc_tags(const char *text, size_t length);

#endif
