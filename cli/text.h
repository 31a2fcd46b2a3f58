/*
 * Text for people: sizes, counts, durations, and the escaping of what comes
 * from outside. Pure functions on the caller's buffers; a result that does not
 * fit is cut, never overrun.
 */
#ifndef JE_CLI_TEXT_H
#define JE_CLI_TEXT_H

#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

enum { TEXT_NUMBER_MAX = 32 }; /* enough for any of the numbers below */

/* "512 B", "188 KiB", "84.1 MiB", "11.82 GiB". */
const char *text_size(char buf[TEXT_NUMBER_MAX], double bytes);
/* "1,204", "1.2 M": digits below a million, then three figures. */
const char *text_count(char buf[TEXT_NUMBER_MAX], double count);
/* "0.83 s", "12.4 s", "3 min 5 s", "2 h 10 min". */
const char *text_duration(char buf[TEXT_NUMBER_MAX], double seconds);
/* The same in one unit, for tables: "0.83 s", "12.4 s", "2.03 min", "25.0 h",
 * "12.0 d": at most eight columns below a thousand days. */
const char *text_age(char buf[TEXT_NUMBER_MAX], double seconds);

/* Copy `src` with control characters (C0, C1, DEL), direction overrides and
 * bytes that are not UTF-8 written as \n, \t, \xHH or \u{H}. Returns `dst`. */
const char *text_escape(char *dst, size_t size, const char *src);

/* `word` as a POSIX shell reads it back: in quotes where it needs them, in $''
 * where a message would not show it as it is. */
const char *text_quote(char *dst, size_t size, const char *word);

/* Append to an enumeration: ", " comes first if `line` is not empty. */
void text_add(char *line, size_t size, const char *fmt, ...) JE_PRINTF(3, 4);

/* Edit distance with transpositions, for hints. Long names count as far. */
unsigned text_distance(const char *a, const char *b);
/* Whether `typed` is near enough to `name` to be meant by it. */
int text_is_near(const char *typed, const char *name);

/* Parse "524288", "512K", "1.5MiB", "0": bytes. Returns NULL or the fault. */
const char *text_parse_size(const char *text, uint64_t *bytes);

#endif
