/* JSON that a terminal has cut at its width. */
#include "dump/json_wrap.h"

#include <ctype.h>
#include <string.h>

#define TAB 8

/* Columns that a terminal needs. */
static size_t
columns(const char *text, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++)
        n += text[i] == '\t' ? TAB - n % TAB : 1;
    return n;
}

void
json_wrap_line(struct json_wrap *wrap, const char *text, size_t length,
               size_t before)
{
    wrap->last_width = before + columns(text, length);
    if (wrap->last_width > wrap->width) {
        wrap->width = wrap->last_width;
        wrap->full = 0;
    }
    wrap->full += wrap->last_width == wrap->width;
    json_fit_add(&wrap->fit, text, length);
    if (length > 0)
        wrap->last = text[length - 1];
}

/* Of a number, or of true, false or null. */
static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '+';
}

/* Whether what follows byte `at` may follow a string or a number. */
static bool
is_end(const char *text, size_t length, size_t at)
{
    while (at < length && (text[at] == ' ' || text[at] == '\t'))
        at++;
    return at == length || strchr(":,}]", text[at]) != NULL;
}

/* Whether the string goes on and ends as strings of JSON do; one that fills
 * the line may go on below it. */
static bool
ends_string(const struct json_wrap *wrap, const char *text, size_t length,
            bool is_full)
{
    bool is_escape = wrap->fit.is_escape;

    for (size_t i = 0; i < length; i++) {
        if (is_escape)
            is_escape = false;
        else if (text[i] == '"')
            return is_end(text, length, i + 1);
        else
            is_escape = text[i] == '\\';
    }
    return is_full;
}

/* Whether the number goes on as one of JSON would: before a bracket, or before
 * a comma and a member.  Other lines may start with digits, too, or be nothing
 * else; a wrapped one is full then. */
static bool
ends_word(const struct json_wrap *wrap, const char *text, size_t length,
          bool is_full)
{
    size_t n = 0;

    while (n < length && is_word(text[n]))
        n++;
    if (n == 0 || (n == length && !is_full) || !is_end(text, length, n))
        return false;
    if (n < length && strchr("}]", text[n]) != NULL)
        return true;
    if (n + 1 < length && text[n] == ',' && strchr("\"{[", text[n + 1]) != NULL)
        return true;
    return is_full || wrap->full > 1;
}

static bool
begins_document(const char *text, size_t length)
{
    static const char *const starts[] = {"{\"jemalloc\"", "{\"jeprobe\""};

    for (size_t i = 0; i < JE_ARRAY_LEN(starts); i++) {
        size_t n = strlen(starts[i]);

        if (length >= n && memcmp(text, starts[i], n) == 0)
            return true;
    }
    return false;
}

bool
json_wrap_joins(const struct json_wrap *wrap, const char *next, size_t length,
                size_t before)
{
    size_t width = before + columns(next, length);

    if (wrap->last_width < wrap->width || begins_document(next, length) ||
        width > wrap->width)
        return false;
    if (wrap->fit.in_string)
        return ends_string(wrap, next, length, width == wrap->width);
    return is_word(wrap->last) &&
           ends_word(wrap, next, length, width == wrap->width);
}

/* Without a carriage return. */
static size_t
line_length(const char *line, const char *end)
{
    return (size_t)(end - line) - (end > line && end[-1] == '\r');
}

bool
json_wrap_is(const char *data, size_t length)
{
    struct json_wrap wrap = {0};
    const char *end = data + length, *feed;

    while ((feed = memchr(data, '\n', (size_t)(end - data))) != NULL) {
        json_wrap_line(&wrap, data, line_length(data, feed), 0);
        data = feed + 1;
        feed = memchr(data, '\n', (size_t)(end - data));
        if (json_wrap_joins(&wrap, data,
                            line_length(data, feed != NULL ? feed : end), 0))
            return true;
    }
    return false;
}
