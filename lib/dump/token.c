/* Words and numbers of a text line, by reference into the line. */
#include "dump/token.h"

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

size_t
token_split(const char *text, size_t length, token_t *tokens, size_t max)
{
    const char *end = text + length;
    size_t count = 0;

    for (;;) {
        const char *start;

        while (text < end && is_space(*text))
            text++;
        if (text == end)
            return count;
        start = text;
        while (text < end && !is_space(*text))
            text++;
        if (count < max)
            tokens[count] = (token_t){start, (size_t)(text - start)};
        count++;
    }
}

bool
token_number(token_t token, uint64_t *value)
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
