/* Figures as allocators round them for people. */
#include "dump/amount.h"

#include <string.h>

#define DIGITS_MAX 18 /* of the whole part and of the fraction */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *
skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

struct decimal {
    uint64_t whole, fraction, divisor;
};

/* "12", "12.5", ".5": NULL if there is none or too many digits. */
static const char *
decimal_read(const char *at, struct decimal *out)
{
    size_t digits = 0;

    *out = (struct decimal){.divisor = 1};
    for (; is_digit(*at); at++, digits++)
        out->whole = out->whole * 10 + (uint64_t)(*at - '0');
    if (digits == 0 || digits > DIGITS_MAX)
        return NULL;
    if (*at != '.' || !is_digit(at[1]))
        return at;
    digits = 0;
    for (at++; is_digit(*at); at++) {
        if (++digits > 6) /* more than any of them prints */
            continue;
        out->fraction = out->fraction * 10 + (uint64_t)(*at - '0');
        out->divisor *= 10;
    }
    return at;
}

/* The factor of the unit that is `length` letters at `text`; 0 = no unit. */
static uint64_t
unit_factor(const char *text, size_t length)
{
    static const char letters[] = "kmgt";
    bool is_capital = *text >= 'A' && *text <= 'Z';
    const char *letter;
    uint64_t factor = 1;

    if (length == 1 && (*text | 0x20) == 'b')
        return 1;
    letter = length > 0 ? strchr(letters, *text | 0x20) : NULL;
    if (letter == NULL || *letter == '\0')
        return 0;
    if (!(length == 1 || (length == 2 && (text[1] | 0x20) == 'b') ||
          (length == 2 && text[1] == 'i') ||
          (length == 3 && text[1] == 'i' && (text[2] | 0x20) == 'b')))
        return 0;
    for (const char *l = letters; l <= letter; l++)
        factor *= length == 1 && is_capital ? 1000 : 1024;
    return factor;
}

static bool
scale(const struct decimal *number, uint64_t factor, uint64_t *value)
{
    /* fraction < 10^6 and factor <= 2^40: no overflow. */
    uint64_t part =
        (number->fraction * factor + number->divisor / 2) / number->divisor;

    return !__builtin_mul_overflow(number->whole, factor, value) &&
           !__builtin_add_overflow(*value, part, value) && *value <= INT64_MAX;
}

bool
amount_read(const char **at, struct amount *amount)
{
    const char *text = skip_blanks(*at), *unit;
    struct decimal number;
    size_t length = 0;
    uint64_t factor;

    *amount = (struct amount){.is_negative = *text == '-'};
    text = decimal_read(text + amount->is_negative, &number);
    if (text == NULL)
        return false;
    unit = skip_blanks(text);
    while (is_letter(unit[length]))
        length++;
    factor = unit_factor(unit, length);
    amount->has_unit = factor != 0;
    if (!scale(&number, factor != 0 ? factor : 1, &amount->value))
        return false;
    *at = factor != 0 ? unit + length : text;
    return true;
}

bool
amount_read_milli(const char **at, uint64_t *value)
{
    struct decimal number;
    const char *end = decimal_read(skip_blanks(*at), &number);

    if (end == NULL || !scale(&number, 1000, value))
        return false;
    *at = end;
    return true;
}
