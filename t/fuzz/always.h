/*
 * What holds for any input, however damaged: the oracle of the fuzzers and of
 * the mangled dumps.
 *
 * An input is a dump or it is refused in one clean sentence. What a report
 * then says may be wrong only in so far as the input is: it adds up, it is
 * finite, it names lines that exist, and what is not known stays unknown in
 * everything that is printed.
 */
#ifndef JE_T_FUZZ_ALWAYS_H
#define JE_T_FUZZ_ALWAYS_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

#include <stdarg.h>

/* An input, read and analysed; `wrong` is empty if all holds. */
struct always {
    jep_dumps_t *dumps; /* NULL: it was refused, and `error` says why */
    jep_report_t **reports;
    const struct jep_view **views; /* count of them */
    size_t count;
    struct jep_error error;
    uint64_t lines; /* of the input */
    char wrong[400];
};

/* Put the bytes into a file in memory and say its path; there is one file. */
const char *always_file(const char *data, size_t size);

/* Read `path`, whose text is `data`, and hold it against all of the below but
 * the printing. Free it in any case. */
void always_read(struct always *all, const char *path, const char *data,
                 size_t size);
void always_free(struct always *all);

/* always_print.c: the same of what the renderers make of it. */
void always_print(struct always *all);

/* What `print` writes to standard output, which is memory meanwhile; for the
 * caller to free. */
char *always_capture(void (*print)(out_t *out, const void *context),
                     const void *context, size_t *size);
/* The first character that a terminal acts upon, but for line feeds; NULL =
 * there is none. */
const char *always_control(const char *text);

/* Both begin with the same `lines` lines: what was read from these is the same
 * in both, or there is a warning. Says in `now` if it is not. */
void always_same_start(const struct always *whole, struct always *now,
                       uint64_t lines);

/* Note what is wrong, unless something was before; returns false. */
bool always_wrong(struct always *all, const char *fmt, ...) JE_PRINTF(2, 3);

#endif
