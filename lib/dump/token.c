/* Words and numbers of a text line, by reference into the line. */
#include "dump/token.h"

#include <string.h>
#ifdef __SSE2__
#    include <emmintrin.h>
#endif

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
#ifdef __SSE2__
static unsigned
ink_16(const char *text)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i least = _mm_min_epu8(bytes, _mm_set1_epi8(' '));

    return ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, least)) & 0xffff;
}
#else
static unsigned
ink_16(const char *text)
{
    unsigned ink = 0;

    for (unsigned i = 0; i < 16; i++)
        ink |= (unsigned)((unsigned char)text[i] > ' ') << i;
    return ink;
}
#endif

/* The first `length` bytes, at most 64, as bits: 1 is no white space. */
static uint64_t
ink_64(const char *text, size_t length)
{
    uint64_t ink = 0;
    size_t i = 0;

    for (; i + 16 <= length; i += 16)
        ink |= (uint64_t)ink_16(text + i) << i;
    if (i < length) {
        char rest[16] = {0};

        memcpy(rest, text + i, length - i);
        ink |= (uint64_t)ink_16(rest) << i;
    }
    return ink;
}

size_t
token_split(const char *text, size_t length, token_t *tokens, size_t max)
{
    const char *start = NULL; /* of a word that began in an earlier block */
    size_t count = 0;

    for (size_t base = 0; base < length; base += 64) {
        size_t here = length - base < 64 ? length - base : 64;
        const char *block = text + base;
        uint64_t ink = ink_64(block, here);
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

bool
token_is(token_t token, const char *text)
{
    return strlen(text) == token.length &&
           memcmp(text, token.text, token.length) == 0;
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
