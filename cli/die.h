/*
 * How jeprobe speaks of failure: one line on standard error, "jeprobe: " first.
 *
 * Control characters in what is printed are escaped, whatever file or program
 * name they came from. Texts have no final newline or period.
 */
#ifndef JE_CLI_DIE_H
#define JE_CLI_DIE_H

#include "base/macros.h"

struct cmd;

/* The command line is wrong: print why and where help is, and exit. */
JE_NORETURN void die_usage(const struct cmd *cmd, const char *fmt, ...)
    JE_PRINTF(2, 3);
/* Print and exit with `status`. */
JE_NORETURN void die(int status, const char *fmt, ...) JE_PRINTF(2, 3);
/* The same, and then a second line that says what to do about it. */
JE_NORETURN void die_advise(int status, const char *advice, const char *fmt,
                            ...) JE_PRINTF(3, 4);
/* Print and go on: something is wrong or missing. */
void warn(const char *fmt, ...) JE_PRINTF(1, 2);
/* Print and go on: an ordinary message that is not a result. */
void note(const char *fmt, ...) JE_PRINTF(1, 2);

#endif
