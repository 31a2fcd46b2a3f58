/* The tags of malloc_info(), in a line that may not hold the whole of one. */
#include "dump/glibc_tag.h"

#include "dump/text.h"

#include <ctype.h>

static size_t
letters(const char *text, size_t length, size_t at)
{
    while (at < length && isalpha((unsigned char)text[at]))
        at++;
    return at;
}

static size_t
value(const char *text, size_t length, size_t at)
{
    while (at < length && (isalnum((unsigned char)text[at]) || text[at] == '.'))
        at++;
    return at;
}

/* An attribute at `*at`; false: it ends before it is whole. */
static bool
attribute(const char *text, size_t length, size_t *at)
{
    size_t start = *at;
    char quote;

    *at = letters(text, length, start);
    if (*at == start || *at == length || text[*at] != '=')
        return false;
    if (++*at == length || (text[*at] != '"' && text[*at] != '\''))
        return false;
    quote = text[*at];
    *at = value(text, length, *at + 1);
    if (*at == length || text[*at] != quote)
        return false;
    ++*at;
    return true;
}

/* The tag at `*at`, which is "<"; *at: behind it, or where it cannot go on. */
static bool
tag(const char *text, size_t length, size_t *at)
{
    size_t name;

    ++*at;
    if (*at < length && (text[*at] == '!' || text[*at] == '?')) {
        *at = length;
        return true;
    }
    *at += *at < length && text[*at] == '/';
    name = *at;
    *at = letters(text, length, name);
    if (*at == name)
        return false;
    while (*at < length && text_is_blank(text[*at])) {
        *at = text_skip_blanks(text, length, *at);
        if (*at < length && isalpha((unsigned char)text[*at]) &&
            !attribute(text, length, at))
            return false;
    }
    *at += *at < length && text[*at] == '/';
    if (*at == length || text[*at] != '>')
        return false;
    ++*at;
    return true;
}

struct glibc_tags
glibc_tags(const char *text, size_t length)
{
    struct glibc_tags tags = {0, 0};

    for (;;) {
        size_t at = text_skip_blanks(text, length, tags.whole);

        if (at == length)
            return (struct glibc_tags){length, length};
        if (text[at] != '<')
            return (struct glibc_tags){tags.whole, at};
        if (!tag(text, length, &at))
            return (struct glibc_tags){tags.whole, at};
        tags.whole = at;
    }
}
