/* Whether a line may be of the JSON before it. */
#include "dump/json_fit.h"

#include "dump/text.h"

#include <ctype.h>
#include <string.h>

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '+';
}

static size_t
digits(const char *text, size_t length, size_t at)
{
    while (at < length && isdigit((unsigned char)text[at]))
        at++;
    return at;
}

/* Whether it is a number or one of the three words. */
static bool
is_value(const char *text, size_t length)
{
    token_t word = {text, length};
    size_t at = length > 0 && text[0] == '-', n;

    if (token_is(word, "true") || token_is(word, "false") ||
        token_is(word, "null"))
        return true;
    n = digits(text, length, at);
    if (n == at || (text[at] == '0' && n > at + 1))
        return false;
    if (n < length && text[n] == '.')
        n = digits(text, length, n + 1);
    if (n < length && (text[n] == 'e' || text[n] == 'E')) {
        n++;
        n += n < length && (text[n] == '-' || text[n] == '+');
        n = digits(text, length, n);
    }
    return n == length;
}

/* Behind the quote that ends a string; more than `length` if none does. */
static size_t
string_end(const char *text, size_t length, size_t at, bool is_escape)
{
    for (; at < length; at++) {
        if (is_escape)
            is_escape = false;
        else if (text[at] == '"')
            return at + 1;
        else
            is_escape = text[at] == '\\';
    }
    return length + 1;
}

static size_t
word_end(const char *text, size_t length, size_t at)
{
    while (at < length && is_word(text[at]))
        at++;
    return at;
}

/* Whether what follows byte `at` may follow a string or a word. */
static bool
is_end(const char *text, size_t length, size_t at)
{
    at = text_skip_white(text, length, at);
    return at == length || strchr(",:}]", text[at]) != NULL;
}

/* Where the string or word ends that began before the line; more than `length`
 * if it cannot. */
static size_t
rest_end(const struct json_fit *fit, const char *text, size_t length)
{
    char word[JSON_FIT_WORD * 2];
    size_t end;

    if (fit->in_string)
        return string_end(text, length, 0, fit->is_escape);
    if (!fit->is_cut || fit->word_length == 0)
        return 0;
    end = word_end(text, length, 0);
    if (end >= JSON_FIT_WORD)
        return length + 1;
    memcpy(word, fit->word, fit->word_length);
    memcpy(word + fit->word_length, text, end);
    return is_value(word, fit->word_length + end) ? end : length + 1;
}

bool
json_fit_line(const struct json_fit *fit, const char *text, size_t length,
              size_t *whole)
{
    size_t at = rest_end(fit, text, length);

    *whole = 0;
    if (at > length || (at > 0 && !is_end(text, length, at)))
        return false;
    while ((at = text_skip_white(text, length, at)) < length) {
        *whole = at;
        if (strchr("{}[],:", text[at]) != NULL) {
            at++;
            continue;
        }
        at = text[at] == '"' ? string_end(text, length, at + 1, false)
                             : word_end(text, length, at);
        if (at > length || !is_end(text, length, at) ||
            (text[*whole] != '"' && !is_value(text + *whole, at - *whole)))
            return false;
    }
    *whole = length;
    return true;
}

bool
json_fit_goes_on(const struct json_fit *fit, bool in_array, const char *text,
                 size_t length)
{
    static const char values[] = "\"{[-0123456789tfn";
    size_t at = text_skip_white(text, length, 0);

    if (at == length || text[at] == '\0')
        return false;
    if (fit->in_string || (fit->is_cut && fit->word_length > 0))
        return true;
    switch (fit->last) {
    case '{':
        return text[at] == '"' || text[at] == '}';
    case '[':
        return text[at] == ']' || strchr(values, text[at]) != NULL;
    case ',':
        return in_array ? strchr(values, text[at]) != NULL : text[at] == '"';
    case ':':
        return strchr(values, text[at]) != NULL;
    default:
        return strchr(",}]:", text[at]) != NULL;
    }
}

/* One byte outside of strings. */
static void
add_byte(struct json_fit *fit, char c)
{
    fit->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    if (!is_word(c))
        fit->word_length = 0;
    else if (fit->word_length < JSON_FIT_WORD)
        fit->word[fit->word_length++] = c;
}

void
json_fit_add(struct json_fit *fit, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!text_is_blank(text[i]))
            fit->last = text[i];
        if (fit->is_escape) {
            fit->is_escape = false;
        } else if (text[i] == '"') {
            fit->in_string = !fit->in_string;
            fit->word_length = 0;
        } else if (fit->in_string) {
            fit->is_escape = text[i] == '\\';
        } else {
            add_byte(fit, text[i]);
        }
    }
}
