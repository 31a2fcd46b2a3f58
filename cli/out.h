/*
 * Where results go: standard output, or a file that appears when complete.
 *
 * A regular file is written under a temporary name in the same directory and
 * renamed by out_close(), so that a failed command leaves the old file alone.
 * Anything else (a pipe, a device) is written directly. Write errors are
 * remembered and reported by out_close(); between, nobody needs to check.
 */
#ifndef JE_CLI_OUT_H
#define JE_CLI_OUT_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct out out_t;

/* Never NULL: what cannot be opened ends the program with EXIT_SYSTEM.
 * path NULL or "-": standard output. */
out_t *out_open(const char *path);
/* Finish, free, and say how it went: EXIT_FINE, or EXIT_SYSTEM after a
 * message. */
int out_close(out_t *out);

void out_write(out_t *out, const void *data, size_t size);
void out_puts(out_t *out, const char *text);
void out_printf(out_t *out, const char *fmt, ...) JE_PRINTF(2, 3);
/* Text from outside (symbol, argument, file name): control characters and
 * broken UTF-8 are escaped. */
void out_text(out_t *out, const char *text);
/* Prose: broken at blanks to the width, lines after the first begin at column
 * `from`, where the first one is now. Ends the line. */
void out_wrap(out_t *out, const char *text, unsigned from);

/* What it is written to. */
unsigned out_width(const out_t *out); /* columns; 80 unless a terminal */
/* Of prose: lines of more than 100 are hard to read. */
unsigned out_prose_width(const out_t *out);
bool out_is_colour(const out_t *out);   /* a terminal, and NO_COLOR unset */
bool out_is_utf8(const out_t *out);     /* the locale's character set */
bool out_is_terminal(const out_t *out); /* progress and pager are allowed */

#endif
