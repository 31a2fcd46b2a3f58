/* Words and numbers of a text line, by reference into the line. */
#ifndef JE_DUMP_TOKEN_H
#define JE_DUMP_TOKEN_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* Where the words of a line end.  Rows of a table have theirs at the same
 * places, so that those of the next need not be found again. */
#define TOKEN_SHAPE_BLOCKS 8

struct token_shape {
    uint16_t count; /* 0 = of no line yet */
    uint16_t blocks;
    uint16_t ends[TOKENS_MAX];
    uint64_t behind[TOKEN_SHAPE_BLOCKS]; /* by bit: where ends are */
    uint64_t others[TOKEN_SHAPE_BLOCKS]; /* of the line that fits: the ends of
                                          * words that are not "0" */
};

/* Take the shape of the line at `text`; count 0 if it is too long. */
void token_shape_take(struct token_shape *shape, const char *text,
                      size_t length, const token_t *tokens, size_t count);

/* Whether a line has as many words and all but the first end there; then
 * ends[0] is where this one does, *first is it, and `others` is set. */
bool token_shape_fits(struct token_shape *shape, const char *text,
                      size_t length, token_t *first);

/* The word of a line that ends before byte `end`, and its number. */
token_t token_before(const char *text, size_t end);
bool token_number_before_slow(const char *text, size_t end, uint64_t *value);

static inline bool
token_number_before(const char *text, size_t end, uint64_t *value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Eight bytes at once: in the highest one is the last digit.  Each becomes
     * what it counts; what is no digit gets its top bit set, and so may the one
     * above it. */
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t digits, others;
    unsigned used;

    /* Most figures are a single digit. */
    if (end > 1 && (unsigned char)text[end - 2] <= ' ' &&
        text[end - 1] >= '0' && text[end - 1] <= '9') {
        *value = (uint64_t)(text[end - 1] - '0');
        return true;
    }
    if (end < sizeof(digits))
        return token_number_before_slow(text, end, value);
    memcpy(&digits, text + end - sizeof(digits), sizeof(digits));
    digits ^= ones * '0';
    others = ((digits + ones * 0x76) | digits) & ones * 0x80;
    used = others == 0 ? 0 : (unsigned)__builtin_clzll(others);
    if (used == 0 || (unsigned char)text[end - used / 8 - 1] > ' ')
        return token_number_before_slow(text, end, value);
    digits &= ~UINT64_C(0) << (64 - used);
    /* Pairs, then fours, then all eight. */
    digits = digits * 10 + (digits >> 8);
    digits =
        (digits & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
        (digits >> 16 & UINT64_C(0x000000ff000000ff)) *
            UINT64_C(0x0000271000000001);
    *value = digits >> 32;
    return true;
#else
    return token_number_before_slow(text, end, value);
#endif
}

static inline bool
token_is(token_t token, const char *text)
{
    return strlen(text) == token.length &&
           memcmp(text, token.text, token.length) == 0;
}

bool token_ends(token_t token, char c);

/* Without surrounding white space and one pair of double quotes. */
token_t token_trim(token_t token);

#endif
