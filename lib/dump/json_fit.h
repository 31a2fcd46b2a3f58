/* Whether a line may be of the JSON before it.
 *
 * Where output is written in blocks, another program's lines may come between
 * any two bytes of a document.  Those are told by their letters alone: no more
 * is said of what fits than that it consists of strings, numbers, words and
 * punctuation. */
#ifndef JE_DUMP_JSON_FIT_H
#define JE_DUMP_JSON_FIT_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

#define JSON_FIT_WORD 32

/* What came before the line; all zero at the start of a document. */
struct json_fit {
    char last;                /* byte that is no white space; 0 = none */
    bool in_string;           /* which goes on */
    bool is_escape;           /* the byte before is a backslash in it */
    bool is_cut;              /* what comes next is of the same line */
    int depth;                /* of brackets */
    char word[JSON_FIT_WORD]; /* the last one, as far as it came */
    size_t word_length;
};

/* Whether all of a line fits; otherwise *whole is how much of it does, up to
 * the start of the string or the word that does not. */
bool json_fit_line(const struct json_fit *fit, const char *text, size_t length,
                   size_t *whole);

/* Whether it may go on with the document, whose innermost bracket is that of an
 * array or of an object, by its first byte. */
bool json_fit_goes_on(const struct json_fit *fit, bool in_array,
                      const char *text, size_t length);

/* The text was read. */
void json_fit_add(struct json_fit *fit, const char *text, size_t length);

#endif
