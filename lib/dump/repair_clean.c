/* Marks inside a line: escape sequences, entities, separators.
 *
 * A table says which bytes are worth a look, so that a line without any of them
 * costs one pass over its bytes. */
#include "dump/repair_clean.h"

#include "dump/repair.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum {
    MARK_ESCAPE = 1, /* backslash */
    MARK_COLOUR = 2,
    MARK_MARKUP = 4,
    MARK_CHARACTER = 8,
    MARK_COMMA = 16,
    MARK_POINT = 32
};

#define CHARACTERS_16                                                          \
    MARK_CHARACTER, MARK_CHARACTER, MARK_CHARACTER, MARK_CHARACTER,            \
        MARK_CHARACTER, MARK_CHARACTER, MARK_CHARACTER, MARK_CHARACTER,        \
        MARK_CHARACTER, MARK_CHARACTER, MARK_CHARACTER, MARK_CHARACTER,        \
        MARK_CHARACTER, MARK_CHARACTER, MARK_CHARACTER, MARK_CHARACTER

static const uint8_t marks[256] = {
    ['\\'] = MARK_ESCAPE, ['\033'] = MARK_COLOUR, ['<'] = MARK_MARKUP,
    ['&'] = MARK_MARKUP,  [','] = MARK_COMMA,     ['\''] = MARK_COMMA,
    ['.'] = MARK_POINT,   [128] = CHARACTERS_16,  CHARACTERS_16,
    CHARACTERS_16,        CHARACTERS_16,          CHARACTERS_16,
    CHARACTERS_16,        CHARACTERS_16,          CHARACTERS_16,
};

static unsigned
scan(const char *text, size_t length)
{
    unsigned found = 0;

    for (size_t i = 0; i < length; i++)
        found |= marks[(unsigned char)text[i]];
    return found;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Escaped line feeds, those of strings in strings too: two of them, or one at
 * the end.  A single one elsewhere may be part of a path. */
static bool
has_escapes(const char *text, size_t length)
{
    const char *end = text + length, *at = text;
    unsigned feeds = 0;

    while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        while (at < end && *at == '\\')
            at++;
        if (at == end)
            break;
        if (*at == 'n' && (++feeds > 1 || end - at <= 3))
            return true;
    }
    return false;
}

/* A dump of JSON as a string. */
static bool
has_quoted_json(const char *text, size_t length)
{
    static const char *const starts[] = {"{\\\"jemalloc\\\"",
                                         "{\\\"jeprobe\\\""};

    for (size_t i = 0; i < JE_ARRAY_LEN(starts); i++) {
        if (memmem(text, length, starts[i], strlen(starts[i])) != NULL)
            return true;
    }
    return false;
}

/* What has to be unescaped, as a bit; 0 = nothing. */
static unsigned
escapes_find(const char *text, size_t length)
{
    if (has_escapes(text, length))
        return 1u << REPAIR_ESCAPES;
    return has_quoted_json(text, length) ? 1u << REPAIR_STRING : 0;
}

/* The byte that a hexadecimal escape like "u001b" or "x1b" stands for, and how
 * long it is; 0 = it is none. */
static size_t
hex_escape(const char *text, size_t length, char *out)
{
    size_t digits = text[0] == 'u' ? 4 : text[0] == 'x' ? 2 : 0;
    unsigned value = 0;

    if (digits == 0 || length <= digits)
        return 0;
    for (size_t i = 1; i <= digits; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return 0;
        value = value * 16 + (unsigned)(is_digit(text[i])
                                            ? text[i] - '0'
                                            : (text[i] | 0x20) - 'a' + 10);
    }
    if (value == 0 || value > 0x7e)
        return 0;
    *out = (char)value;
    return digits + 1;
}

/* Put what an escape means in the place of each; runs of backslashes are one,
 * so that it does not matter how often a text was escaped. */
static size_t
unescape(char *text, size_t length)
{
    static const char from[] = "nt\"'/", to[] = "\n\t\"'/";
    size_t in = 0, out = 0;

    while (in < length) {
        const char *known;
        size_t n;

        if (text[in] != '\\') {
            text[out++] = text[in++];
            continue;
        }
        while (in < length && text[in] == '\\')
            in++;
        known = in < length && text[in] != '\0' ? strchr(from, text[in]) : NULL;
        if (known != NULL) {
            text[out++] = to[known - from];
            in++;
        } else if (in < length && text[in] == 'r') {
            in++;
        } else if (in < length &&
                   (n = hex_escape(text + in, length - in, &text[out])) > 0) {
            out++;
            in += n;
        } else {
            text[out++] = '\\';
        }
    }
    return out;
}

/* A string as a program prints it has quotes around it, and in Python a "b". */
static size_t
unquote(char *text, size_t length)
{
    size_t start = 0, end = length;
    char quote;

    while (start < length && (text[start] == ' ' || text[start] == '\t'))
        start++;
    if (start + 1 < length && text[start] == 'b' &&
        (text[start + 1] == '\'' || text[start + 1] == '"'))
        start++;
    if (start == length || (text[start] != '"' && text[start] != '\''))
        return length;
    quote = text[start++];
    while (end > start && isspace((unsigned char)text[end - 1]))
        end--;
    if (end > start && text[end - 1] == quote)
        end--;
    memmove(text, text + start, end - start);
    return end - start;
}

/* The length of the escape sequence at `text`, which starts with ESC. */
static size_t
colour_length(const char *text, size_t length)
{
    size_t n = 2;

    if (length < 2)
        return length;
    if (text[1] == '[') {
        while (n < length && !(text[n] >= 0x40 && text[n] <= 0x7e))
            n++;
        return n < length ? n + 1 : n;
    }
    if (text[1] == ']') {
        while (n < length && text[n] != '\a' && text[n] != '\033')
            n++;
        return n < length && text[n] == '\a' ? n + 1 : n;
    }
    return n;
}

static size_t
strip_colours(char *text, size_t length)
{
    size_t in = 0, out = 0;

    while (in < length) {
        if (text[in] == '\033')
            in += colour_length(text + in, length - in);
        else
            text[out++] = text[in++];
    }
    return out;
}

/* What stands for `text`, which starts with "&"; its length, 0 = nothing. */
static size_t
entity(const char *text, size_t length, char *out)
{
    static const struct {
        const char *name;
        char character;
    } entities[] = {
        {"&lt;", '<'},    {"&gt;", '>'},   {"&amp;", '&'},   {"&quot;", '"'},
        {"&apos;", '\''}, {"&#39;", '\''}, {"&nbsp;", ' '},  {"&#34;", '"'},
        {"&#x27;", '\''}, {"&#160;", ' '}, {"&#xa0;", ' '},  {"&#xA0;", ' '},
        {"&#9474;", '|'}, {"&#44;", ','},  {"&ndash;", '-'},
    };

    for (size_t i = 0; i < JE_ARRAY_LEN(entities); i++) {
        size_t n = strlen(entities[i].name);

        if (n <= length && memcmp(text, entities[i].name, n) == 0) {
            *out = entities[i].character;
            return n;
        }
    }
    return 0;
}

/* The length of the tag at `text`, which starts with "<"; 0 = none of HTML or
 * of what makes HTML.  *is_break: a new line starts there. */
static size_t
tag(const char *text, size_t length, bool *is_break)
{
    static const char *const names[] = {
        "br",   "p",          "div",  "tr",      "li",      "pre",
        "code", "codeblock",  "tt",   "td",      "th",      "table",
        "span", "font",       "b",    "i",       "kbd",     "em",
        "ul",   "codephrase", "samp", "details", "summary", "a",
    };
    static const size_t breaks = 6; /* so many of the names */
    size_t start = 1, n, i = 0;

    if (length > 1 && text[1] == '/')
        start++;
    for (n = start; n < length && isalnum((unsigned char)text[n]); n++)
        ;
    while (i < JE_ARRAY_LEN(names) &&
           !(strlen(names[i]) == n - start &&
             strncasecmp(names[i], text + start, n - start) == 0))
        i++;
    if (i == JE_ARRAY_LEN(names) || n == length ||
        (text[n] != '>' && text[n] != ' ' && text[n] != '/'))
        return 0;
    while (n < length && text[n] != '>')
        n++;
    *is_break = i < breaks;
    return n < length ? n + 1 : 0;
}

static size_t
strip_markup(char *text, size_t length, unsigned *repairs)
{
    /* Behind the last ">" no tag ends: it is not looked for again and again. */
    const char *last = memrchr(text, '>', length);
    size_t in = 0, out = 0, end = last != NULL ? (size_t)(last - text) + 1 : 0;

    while (in < length) {
        bool is_break = false;
        char character = '\0';
        size_t n = text[in] == '&' ? entity(text + in, length - in, &character)
                   : text[in] == '<' && in < end
                       ? tag(text + in, end - in, &is_break)
                       : 0;

        if (n == 0) {
            text[out++] = text[in++];
            continue;
        }
        *repairs |= 1u << REPAIR_MARKUP;
        in += n;
        if (character != '\0')
            text[out++] = character;
        else if (is_break && out > 0 && in < length)
            text[out++] = '\n';
    }
    return out;
}

/* Characters that stand for one of ASCII; '\0' = for nothing. */
static const struct {
    uint32_t first, last;
    char ascii;
} characters[] = {
    {0x00a0, 0x00a0, ' '}, {0x2000, 0x200a, ' '},  {0x200b, 0x200f, '\0'},
    {0x2010, 0x2015, '-'}, {0x2018, 0x2019, '\''}, {0x201c, 0x201d, '"'},
    {0x202f, 0x202f, ' '}, {0x205f, 0x205f, ' '},  {0x2060, 0x2060, '\0'},
    {0x2212, 0x2212, '-'}, {0x2502, 0x2503, '|'},  {0x2551, 0x2551, '|'},
    {0x3000, 0x3000, ' '}, {0xfeff, 0xfeff, '\0'}, {0xff08, 0xff08, '('},
    {0xff09, 0xff09, ')'}, {0xff0c, 0xff0c, ','},  {0xff1a, 0xff1a, ':'},
};

/* The character of two or three bytes at `text`; its length, 0 = none. */
static size_t
utf8(const char *text, size_t length, uint32_t *code)
{
    const unsigned char *u = (const unsigned char *)text;

    if (length >= 2 && (u[0] & 0xe0) == 0xc0 && (u[1] & 0xc0) == 0x80) {
        *code = (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
        return 2;
    }
    if (length >= 3 && (u[0] & 0xf0) == 0xe0 && (u[1] & 0xc0) == 0x80 &&
        (u[2] & 0xc0) == 0x80) {
        *code = (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
        return 3;
    }
    return 0;
}

/* Three digits and no fourth, after a digit: a group of a number. */
static bool
is_group(const char *text, size_t length)
{
    return length >= 3 && is_digit(text[0]) && is_digit(text[1]) &&
           is_digit(text[2]) && (length == 3 || !is_digit(text[3]));
}

static size_t
plain_characters(char *text, size_t length, unsigned *repairs)
{
    size_t in = 0, out = 0;

    while (in < length) {
        uint32_t code = 0;
        size_t n = utf8(text + in, length - in, &code), i = 0;

        while (n > 0 && i < JE_ARRAY_LEN(characters) &&
               (code < characters[i].first || code > characters[i].last))
            i++;
        if (n == 0 || i == JE_ARRAY_LEN(characters)) {
            text[out++] = text[in++];
            continue;
        }
        in += n;
        if (characters[i].ascii == ' ' && out > 0 && is_digit(text[out - 1]) &&
            is_group(text + in, length - in)) {
            *repairs |= 1u << REPAIR_SEPARATORS;
            continue;
        }
        if (characters[i].ascii != '|') /* tables may be drawn that way */
            *repairs |= 1u << REPAIR_CHARACTERS;
        if (characters[i].ascii != '\0')
            text[out++] = characters[i].ascii;
    }
    return out;
}

/* The length of the grouped number at `text`, and how many groups follow its
 * first digits; 0 = it is none. */
static size_t
grouped(const char *text, size_t length, unsigned *groups)
{
    size_t n = 0;
    char separator;

    *groups = 0;
    while (n < length && is_digit(text[n]))
        n++;
    if (n == 0 || n > 3 || n == length)
        return n;
    separator = text[n];
    if (separator != ',' && separator != '\'' && separator != '.')
        return n;
    while (n < length && text[n] == separator &&
           is_group(text + n + 1, length - n - 1)) {
        n += 4;
        ++*groups;
    }
    /* One point is a decimal one, and so is what does not end in a group. */
    if ((separator == '.' && *groups < 2) ||
        (n < length && (text[n] == '.' || text[n] == '\'')))
        *groups = 0;
    return n;
}

/* A comma or apostrophe between digits. */
static bool
has_groups(const char *text, size_t length)
{
    for (size_t i = 1; i + 1 < length; i++) {
        if ((text[i] == ',' || text[i] == '\'') && is_digit(text[i - 1]) &&
            is_digit(text[i + 1]))
            return true;
    }
    return false;
}

static size_t
join_groups(char *text, size_t length, unsigned *repairs)
{
    size_t in = 0, out = 0;

    while (in < length) {
        unsigned groups = 0;
        size_t n = 0;

        if (is_digit(text[in]) &&
            (in == 0 || strchr(" \t:=(\"|>", text[in - 1]) != NULL))
            n = grouped(text + in, length - in, &groups);
        if (n == 0)
            n = 1;
        if (groups > 0)
            *repairs |= 1u << REPAIR_SEPARATORS;
        for (; n > 0; n--, in++) {
            if (groups == 0 || is_digit(text[in]))
                text[out++] = text[in];
        }
    }
    return out;
}

/* A number with two points in it. */
static bool
has_points(const char *text, size_t length)
{
    const char *end = text + length, *at = text;

    while ((at = memchr(at, '.', (size_t)(end - at))) != NULL) {
        if (end - at > 4 && at[4] == '.' && is_digit(at[1]) && is_digit(at[2]))
            return true;
        at++;
    }
    return false;
}

size_t
clean_text(char *text, size_t length, unsigned *repairs)
{
    unsigned found = scan(text, length), escapes;

    if (found == 0)
        return length;
    escapes = (found & MARK_ESCAPE) != 0 ? escapes_find(text, length) : 0;
    if (escapes != 0) {
        *repairs |= escapes;
        length = unescape(text, length);
        length = unquote(text, length);
        found = scan(text, length);
    }
    if ((found & MARK_COLOUR) != 0) {
        *repairs |= 1u << REPAIR_COLOUR;
        length = strip_colours(text, length);
    }
    if ((found & MARK_MARKUP) != 0)
        length = strip_markup(text, length, repairs);
    if ((found & MARK_CHARACTER) != 0)
        length = plain_characters(text, length, repairs);
    text[length] = '\0';
    return length;
}

size_t
clean_groups(char *text, size_t length, unsigned *repairs)
{
    if (!has_groups(text, length) && !has_points(text, length))
        return length;
    length = join_groups(text, length, repairs);
    text[length] = '\0';
    return length;
}

size_t
clean_quotes(const char *text, size_t length)
{
    size_t start = 0;

    for (;;) {
        size_t at = start;

        while (at < length && at < start + 3 && text[at] == ' ')
            at++;
        if (at == length || text[at] != '>')
            return start;
        start = at + 1;
        if (start < length && text[start] == ' ')
            start++;
    }
}
