/* Words and numbers of a text line, by reference into the line. */
#ifndef JE_DUMP_TOKEN_H
#define JE_DUMP_TOKEN_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKENS_MAX 96

typedef struct token {
    const char *text;
    size_t length;
} token_t;

/* Split at white space into at most `max` tokens; returns how many there are,
 * those beyond `max` counted but not stored. */
size_t token_split(const char *text, size_t length, token_t *tokens,
                   size_t max);

/* An unsigned number below 2^63, all of the token; commas between groups of
 * three digits and one at the end are allowed. */
bool token_number(token_t token, uint64_t *value);

bool token_is(token_t token, const char *text);
bool token_ends(token_t token, char c);

/* Without surrounding white space and one pair of double quotes. */
token_t token_trim(token_t token);

#endif
