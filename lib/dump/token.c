/* Words and numbers of a text line, by reference into the line. */
#include "dump/token.h"

#include "dump/scan.h"

#include <string.h>

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Everything up to a blank separates words, other control bytes too. */
size_t
token_split(const char *text, size_t length, token_t *tokens, size_t max)
{
    const char *start = NULL; /* of a word that began in an earlier block */
    size_t count = 0;

    for (size_t base = 0; base < length; base += 64) {
        size_t here = length - base < 64 ? length - base : 64;
        const char *block = text + base;
        uint64_t ink = scan_ink(block, here);
        /* A bit where a word starts, and one behind where it ends. */
        uint64_t edges = ink ^ (ink << 1 | (start != NULL));

        if (start == NULL && edges != 0) {
            start = block + __builtin_ctzll(edges);
            edges &= edges - 1;
        }
        while (edges != 0) {
            const char *end = block + __builtin_ctzll(edges);

            if (count < max)
                tokens[count] = (token_t){start, (size_t)(end - start)};
            count++;
            edges &= edges - 1;
            start = edges != 0 ? block + __builtin_ctzll(edges) : NULL;
            edges &= edges - (edges != 0);
        }
    }
    if (start == NULL)
        return count;
    if (count < max)
        tokens[count] = (token_t){start, (size_t)(text + length - start)};
    return count + 1;
}

/* With commas between groups of digits, or too long. */
static bool
number_grouped(token_t token, uint64_t *value)
{
    uint64_t sum = 0;
    size_t group = 0; /* digits since the last comma; 0 = none yet */
    bool grouped = false;

    if (token.length > 1 && token.text[token.length - 1] == ',')
        token.length--;
    for (size_t i = 0; i < token.length; i++) {
        char c = token.text[i];

        if (c == ',' && group > 0 && (!grouped || group == 3)) {
            if (group > 3)
                return false;
            grouped = true;
            group = 0;
            continue;
        }
        if (!is_digit(c) || sum > (INT64_MAX - 9) / 10)
            return false;
        sum = sum * 10 + (uint64_t)(c - '0');
        group++;
    }
    *value = sum;
    return group > 0 && (!grouped || group == 3);
}

bool
token_number(token_t token, uint64_t *value)
{
    uint64_t sum = 0;

    if (token.length == 0)
        return false;
    if (token.length > 18)
        return number_grouped(token, value);
    for (size_t i = 0; i < token.length; i++) {
        unsigned digit = (unsigned)(unsigned char)token.text[i] - '0';

        if (digit > 9)
            return number_grouped(token, value);
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

void
token_shape_take(struct token_shape *shape, const char *text, size_t length,
                 const token_t *tokens, size_t count)
{
    size_t blocks = length / 64 + 1;

    shape->count = 0;
    if (blocks > TOKEN_SHAPE_BLOCKS || count == 0 || count > TOKENS_MAX ||
        tokens[0].text + tokens[0].length - text >= 64)
        return;
    memset(shape->behind, 0, sizeof(shape->behind));
    for (size_t i = 0; i < count; i++) {
        size_t end = (size_t)(tokens[i].text - text) + tokens[i].length;

        shape->ends[i] = (uint16_t)end;
        shape->behind[end / 64] |= UINT64_C(1) << end % 64;
    }
    shape->blocks = (uint16_t)blocks;
    shape->count = (uint16_t)count;
}

/* Where words end in a block, by bit: one behind each; *others: those that are
 * not "0".  `before` becomes what the next block needs. */
JE_INLINE uint64_t
block_ends(const struct scan_64 *block, struct scan_64 *before,
           uint64_t *others)
{
    uint64_t goes_on = block->ink << 1 | before->ink >> 63;
    uint64_t ends = goes_on & ~block->ink;
    uint64_t zeros = block->zeros & ~goes_on; /* that begin a word */

    *others = ends & ~(zeros << 1 | before->zeros >> 63);
    before->ink = block->ink;
    before->zeros = zeros;
    return ends;
}

bool
token_shape_fits(struct token_shape *shape, const char *text, size_t length,
                 token_t *first)
{
    struct scan_64 blocks[TOKEN_SHAPE_BLOCKS], before = {0};
    uint64_t behind, expected = shape->behind[0], differs;
    size_t start;

    if (shape->count == 0 || length / 64 + 1 != shape->blocks)
        return false;
    scan_blocks(text, length, blocks);
    behind = block_ends(&blocks[0], &before, &shape->others[0]);
    /* The first word may end elsewhere. */
    differs = (behind & (behind - 1)) ^ (expected & (expected - 1));
    for (size_t i = 1; i < shape->blocks; i++)
        differs |= block_ends(&blocks[i], &before, &shape->others[i]) ^
                   shape->behind[i];
    if (behind == 0 || differs != 0)
        return false;
    start = (size_t)__builtin_ctzll(blocks[0].ink);
    shape->ends[0] = (uint16_t)__builtin_ctzll(behind);
    *first = (token_t){text + start, shape->ends[0] - start};
    return true;
}

token_t
token_before(const char *text, size_t end)
{
    size_t start = end;

    while (start > 0 && (unsigned char)text[start - 1] > ' ')
        start--;
    return (token_t){text + start, end - start};
}

bool
token_number_before_slow(const char *text, size_t end, uint64_t *value)
{
    return token_number(token_before(text, end), value);
}

bool
token_ends(token_t token, char c)
{
    return token.length > 0 && token.text[token.length - 1] == c;
}

token_t
token_trim(token_t token)
{
    while (token.length > 0 && is_space(token.text[0])) {
        token.text++;
        token.length--;
    }
    while (token.length > 0 && is_space(token.text[token.length - 1]))
        token.length--;
    if (token.length >= 2 && token.text[0] == '"' && token_ends(token, '"')) {
        token.text++;
        token.length -= 2;
    }
    return token;
}
