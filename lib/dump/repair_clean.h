/* Marks inside a line: escape sequences, entities, separators.
 *
 * Everything is done in place, because nothing gets longer. */
#ifndef JE_DUMP_REPAIR_CLEAN_H
#define JE_DUMP_REPAIR_CLEAN_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* Clean `text`, which stays NUL-terminated, and return its new length.  Lines
 * that were escaped come out with line feeds.  Bits of what was done are added
 * to *repairs. */
size_t clean_text(char *text, size_t length, unsigned *repairs);

/* The same without the separators between thousands.  Not for JSON, in which a
 * comma is none. */
size_t clean_groups(char *text, size_t length, unsigned *repairs);

/* Without the quoting of mail and Markdown: where the text starts. */
size_t clean_quotes(const char *text, size_t length);

#endif
