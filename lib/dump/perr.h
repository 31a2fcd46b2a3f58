/* How a reader says what is wrong and where.
 *
 * The first error wins: later ones are usually its consequences. */
#ifndef JE_DUMP_PERR_H
#define JE_DUMP_PERR_H

#include "base/macros.h"

#include "jeprobe.h"

#include <stdarg.h>

/* Fill `error` unless it is already set; returns `code`. */
jep_status_t perr_set(struct jep_error *error, jep_status_t code, uint64_t line,
                      uint64_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Out of memory, with the fixed text. */
jep_status_t perr_memory(struct jep_error *error);

void perr_source(struct jep_error *error, const char *source);

/* Copy `length` bytes of input into `out` so that they can be printed in an
 * error: control bytes become '?', a long text is cut. */
void perr_quote(char *out, size_t size, const char *text, size_t length);

#endif
