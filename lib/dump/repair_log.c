/* Logs that wrap each line into a JSON object.
 *
 * Loggers agree on JSON and on little else: the message is one of a few
 * members, and the others say when and by whom.  A member that may be a time
 * tells nothing about whom. */
#include "dump/repair_log.h"

#include <string.h>

static const char *const messages[] = {"log",  "message",     "msg", "MESSAGE",
                                       "text", "textPayload", "line"};

/* First members of objects that loggers write. */
static const char *const others[] = {
    "stream",     "time",     "timestamp",      "ts",
    "@timestamp", "level",    "severity",       "date",
    "container",  "hostname", "host",           "pod",
    "_HOSTNAME",  "_PID",     "PRIORITY",       "logger",
    "source",     "tag",      "container_name", "insertId",
    "__CURSOR"};

static bool
is_one_of(const char *const *names, size_t count, token_t name)
{
    for (size_t i = 0; i < count; i++) {
        if (token_is(name, names[i]))
            return true;
    }
    return false;
}

/* The string at text[at], which is its first quote; where it ends, or `length`
 * if it does not. */
static size_t
string_at(const char *text, size_t length, size_t at, token_t *string)
{
    size_t end = at + 1;

    while (end < length && text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
    if (end > length)
        end = length;
    *string = (token_t){text + at + 1, end - at - 1};
    return end < length ? end + 1 : length;
}

/* Where the value at text[at] ends, be it what it may. */
static size_t
value_end(const char *text, size_t length, size_t at)
{
    token_t string;
    int depth = 0;

    while (at < length) {
        char c = text[at];

        if (c == '"') {
            at = string_at(text, length, at, &string);
            if (depth == 0)
                return at;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
        if (depth == 0 && (c == '}' || c == ']'))
            return at;
    }
    return at;
}

/* The member at text[at]; where the next one starts, 0 = no more. */
static size_t
member_at(const char *text, size_t length, size_t at, token_t *name,
          token_t *value)
{
    size_t start;

    at = text_skip_white(text, length, at);
    if (at == length || text[at] != '"')
        return 0;
    at = text_skip_white(text, length, string_at(text, length, at, name));
    if (at == length || text[at] != ':')
        return 0;
    start = text_skip_white(text, length, at + 1);
    at = value_end(text, length, start);
    *value = (token_t){text + start, at - start};
    at = text_skip_white(text, length, at);
    return at < length && text[at] == ',' ? at + 1 : length;
}

bool
log_is_line(const char *data, size_t length)
{
    size_t at = text_skip_white(data, length, 0);
    token_t name, value;

    if (at == length || data[at] != '{' ||
        member_at(data, length, at + 1, &name, &value) == 0)
        return false;
    return is_one_of(messages, JE_ARRAY_LEN(messages), name) ||
           is_one_of(others, JE_ARRAY_LEN(others), name);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character of "\uXXXX" at `text` as UTF-8 into `out`; how many bytes. */
static size_t
unicode(const char *text, size_t length, char *out)
{
    unsigned code = 0;

    for (size_t i = 2; i < 6; i++) {
        int digit = i < length ? hex_digit(text[i]) : -1;

        if (digit < 0)
            return 0;
        code = code * 16 + (unsigned)digit;
    }
    if (code < 0x80) {
        out[0] = (char)(code == 0 ? ' ' : code);
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

/* Decode a JSON string in place; its new length. */
static size_t
decode(char *text, size_t length)
{
    static const char from[] = "bfnrt", to[] = "  \n\r\t";
    size_t in = 0, out = 0;

    while (in < length) {
        const char *known;
        size_t n;

        if (text[in] != '\\' || in + 1 == length) {
            text[out++] = text[in++];
            continue;
        }
        if (text[in + 1] == 'u' &&
            (n = unicode(text + in, length - in, text + out)) > 0) {
            out += n;
            in += 6;
            continue;
        }
        known = strchr(from, text[in + 1]);
        text[out++] = (char)(known != NULL && *known != '\0' ? to[known - from]
                                                             : text[in + 1]);
        in += 2;
    }
    while (out > 0 && (text[out - 1] == '\n' || text[out - 1] == '\r'))
        out--;
    return out;
}

/* Whether a member may tell processes apart: not the time of the line, and
 * nothing that counts lines. */
static bool
is_identity(token_t name, token_t value)
{
    static const char *const names[] = {
        "stream",       "container", "container_name",
        "container_id", "pod",       "pod_name",
        "hostname",     "host",      "pid",
        "_PID",         "_HOSTNAME", "source",
        "tag",          "logger",    "kubernetes",
        "docker",       "process",   "service",
        "app",          "labels"};

    return value.length < 1024 && is_one_of(names, JE_ARRAY_LEN(names), name);
}

bool
log_take_line(struct text_line *line, uint64_t *key)
{
    uint64_t hash = LOG_NOBODY; /* of FNV-1a */
    token_t name, value, message = {NULL, 0};
    size_t at = 1;

    while (at < line->length &&
           (at = member_at(line->text, line->length, at, &name, &value)) != 0) {
        if (message.text == NULL && value.length >= 2 && value.text[0] == '"' &&
            is_one_of(messages, JE_ARRAY_LEN(messages), name)) {
            message = (token_t){value.text + 1, value.length - 1};
            message.length -= token_ends(message, '"');
            continue;
        }
        for (size_t i = 0; is_identity(name, value) && i < value.length; i++)
            hash = (hash ^ (unsigned char)value.text[i]) * 1099511628211u;
    }
    if (message.text == NULL)
        return false;
    line->text += message.text - line->text;
    line->length = decode(line->text, message.length);
    line->text[line->length] = '\0';
    *key = hash != 0 ? hash : 1;
    return true;
}
