#include "cli/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What no unit can make short, or what is no number at all. */
static bool
text_absurd(char buf[TEXT_NUMBER_MAX], double value, double most,
            const char *unit)
{
    if (isnan(value))
        snprintf(buf, TEXT_NUMBER_MAX, "?");
    else if (fabs(value) >= most)
        snprintf(buf, TEXT_NUMBER_MAX, "%.1e%s", value, unit);
    else
        return false;
    return true;
}

const char *
text_size(char buf[TEXT_NUMBER_MAX], double bytes)
{
    static const char *const unit[] = {"B",   "KiB", "MiB", "GiB",
                                       "TiB", "PiB", "EiB"};
    if (text_absurd(buf, bytes, 1023.95 * 0x1p60, " B"))
        return buf;
    unsigned u = 0;
    double v = bytes;
    /* 1023.96 would round up to four digits: it belongs to the next unit. */
    while (fabs(v) >= 1023.95 && u < 6) {
        v /= 1024;
        u++;
    }
    int decimals = 1;
    if (u == 0 || (u == 1 && fabs(v) >= 99.95))
        decimals = 0;
    else if (u >= 3 && fabs(v) < 99.995)
        decimals = 2;
    snprintf(buf, TEXT_NUMBER_MAX, "%.*f %s", decimals, v, unit[u]);
    return buf;
}

/* Decimal digits with a comma before every third from the right. */
static void
text_group(char buf[TEXT_NUMBER_MAX], double count)
{
    char digits[TEXT_NUMBER_MAX];
    snprintf(digits, sizeof(digits), "%.0f", count);
    size_t len = strlen(digits);
    size_t at = 0;
    for (size_t i = 0; i < len && at + 2 < TEXT_NUMBER_MAX; i++) {
        if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = '\0';
}

const char *
text_count(char buf[TEXT_NUMBER_MAX], double count)
{
    static const char unit[] = " MGTP";
    if (text_absurd(buf, count, 999.5e15, ""))
        return buf;
    if (fabs(count) < 999999.5) {
        text_group(buf, count);
        return buf;
    }
    unsigned u = 0;
    double v = count / 1000;
    do {
        v /= 1000;
        u++;
    } while (fabs(v) >= 999.5 && u < 4);
    int decimals = fabs(v) < 9.995 ? 2 : fabs(v) < 99.95 ? 1 : 0;
    snprintf(buf, TEXT_NUMBER_MAX, "%.*f %c", decimals, v, unit[u]);
    return buf;
}

const char *
text_duration(char buf[TEXT_NUMBER_MAX], double seconds)
{
    if (text_absurd(buf, seconds, 1e12, " s"))
        return buf;
    if (seconds < 9.995) {
        snprintf(buf, TEXT_NUMBER_MAX, "%.2f s", seconds);
    } else if (seconds < 99.95) {
        snprintf(buf, TEXT_NUMBER_MAX, "%.1f s", seconds);
    } else if (seconds < 3599.5) {
        long s = lround(seconds);
        snprintf(buf, TEXT_NUMBER_MAX, "%ld min %ld s", s / 60, s % 60);
    } else {
        long m = lround(seconds / 60);
        snprintf(buf, TEXT_NUMBER_MAX, "%ld h %ld min", m / 60, m % 60);
    }
    return buf;
}

const char *
text_age(char buf[TEXT_NUMBER_MAX], double seconds)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{1, "s"}, {60, "min"}, {3600, "h"}, {86400, "d"}};

    if (text_absurd(buf, seconds / 86400, 99999.5, " d"))
        return buf;
    unsigned u = 0;

    /* What rounds to 100 seconds, minutes or hours is told in the next unit. */
    while (u < 3 && seconds >= 99.95 * units[u].seconds)
        u++;
    double v = seconds / units[u].seconds;
    snprintf(buf, TEXT_NUMBER_MAX, "%.*f %s",
             v < 9.995   ? 2
             : v < 999.5 ? 1
                         : 0,
             v, units[u].name);
    return buf;
}

/* Length of the UTF-8 sequence at s, its value in *c; 0 if it is not one. */
static unsigned
text_utf8(const unsigned char *s, unsigned *c)
{
    static const unsigned lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned len = 0;
    if (s[0] < 0x80) {
        *c = s[0];
        return 1;
    } else if ((s[0] & 0xe0) == 0xc0) {
        len = 2;
    } else if ((s[0] & 0xf0) == 0xe0) {
        len = 3;
    } else if ((s[0] & 0xf8) == 0xf0) {
        len = 4;
    } else {
        return 0;
    }
    unsigned v = s[0] & (0x7fu >> len);
    for (unsigned i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (s[i] & 0x3f);
    }
    if (v < lowest[len] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    *c = v;
    return len;
}

/* Characters that a terminal acts on or that reorder what is read. */
static bool
text_is_control(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* What to print for the character at s; *len = bytes it takes in s. */
static void
text_escape_one(char out[16], const unsigned char *s, unsigned *len)
{
    unsigned c = 0;
    *len = text_utf8(s, &c);
    if (*len == 0) {
        *len = 1;
        snprintf(out, 16, "\\x%02x", s[0]);
    } else if (!text_is_control(c)) {
        snprintf(out, 16, "%.*s", (int)*len, (const char *)s);
    } else if (c == '\n') {
        snprintf(out, 16, "\\n");
    } else if (c == '\t') {
        snprintf(out, 16, "\\t");
    } else if (c < 0x80) {
        snprintf(out, 16, "\\x%02x", c);
    } else {
        snprintf(out, 16, "\\u{%x}", c);
    }
}

const char *
text_escape(char *dst, size_t size, const char *src)
{
    const unsigned char *s = (const unsigned char *)src;
    size_t at = 0;
    while (*s != '\0') {
        char one[16];
        unsigned len = 0;
        text_escape_one(one, s, &len);
        size_t n = strlen(one);
        if (at + n + 1 > size)
            break;
        memcpy(dst + at, one, n);
        at += n;
        s += len;
    }
    if (size > 0)
        dst[at] = '\0';
    return dst;
}

/* What stands for the character at s between the quotes of text_quote;
 * *len = bytes it takes in s. */
static void
text_quote_one(char out[24], const unsigned char *s, bool has_escapes,
               unsigned *len)
{
    unsigned c = 0;
    *len = text_utf8(s, &c);
    out[0] = '\0';
    if (has_escapes && (*len == 0 || text_is_control(c))) {
        *len += *len == 0;
        for (unsigned i = 0; i < *len; i++)
            snprintf(out + 4 * i, 5, "\\%03o", s[i]);
    } else if (has_escapes && (c == '\'' || c == '\\')) {
        snprintf(out, 24, "\\%c", (int)c);
    } else if (c == '\'') {
        snprintf(out, 24, "'\\''");
    } else {
        snprintf(out, 24, "%.*s", (int)*len, (const char *)s);
    }
}

/* Whether a message would not show all of `word` as it is. */
static bool
text_needs_escapes(const char *word)
{
    const unsigned char *s = (const unsigned char *)word;
    for (unsigned len = 0; *s != '\0'; s += len) {
        unsigned c = 0;
        len = text_utf8(s, &c);
        if (len == 0 || text_is_control(c))
            return true;
    }
    return false;
}

const char *
text_quote(char *dst, size_t size, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-./,:=+@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        snprintf(dst, size, "%s", word);
        return dst;
    }
    if (size < 4)
        return dst;
    bool has_escapes = text_needs_escapes(word);
    const unsigned char *s = (const unsigned char *)word;
    size_t at = (size_t)snprintf(dst, size, "%s'", has_escapes ? "$" : "");
    while (*s != '\0') {
        char one[24];
        unsigned len = 0;
        text_quote_one(one, s, has_escapes, &len);
        size_t n = strlen(one);
        if (at + n + 2 > size)
            break;
        memcpy(dst + at, one, n);
        at += n;
        s += len;
    }
    snprintf(dst + at, size - at, "'");
    return dst;
}

void
text_add(char *line, size_t size, const char *fmt, ...)
{
    va_list ap;
    size_t at = strlen(line);
    if (at > 0 && at + 2 < size) {
        memcpy(line + at, ", ", 3);
        at += 2;
    }
    va_start(ap, fmt);
    vsnprintf(line + at, size - at, fmt, ap);
    va_end(ap);
}

static unsigned
text_min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned
text_distance(const char *a, const char *b)
{
    enum { LONGEST = 31 };

    unsigned row[3][LONGEST + 1]; /* before last, last, this */
    size_t la = strlen(a);
    size_t lb = strlen(b);
    if (la > LONGEST || lb > LONGEST)
        return LONGEST;
    unsigned *before = row[0];
    unsigned *last = row[1];
    unsigned *now = row[2];
    for (unsigned j = 0; j <= lb; j++)
        last[j] = j;
    memset(row[0], 0, sizeof(row[0]));
    for (unsigned i = 1; i <= la; i++) {
        now[0] = i;
        for (unsigned j = 1; j <= lb; j++) {
            unsigned differ = a[i - 1] != b[j - 1];
            now[j] =
                text_min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + differ);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[lb];
}

int
text_is_near(const char *typed, const char *name)
{
    size_t len = strlen(typed);
    if (len >= 2 && strncmp(typed, name, len) == 0)
        return 1;
    return len >= 2 && text_distance(typed, name) <= 1 + strlen(name) / 4;
}

/* log2 of the unit that `suffix` names: "", B, K, Ki, KiB and so on; or -1. */
static int
text_unit_shift(const char *suffix)
{
    static const char letters[] = "KMGTPE";
    if (suffix[0] == '\0' || strcmp(suffix, "B") == 0)
        return 0;
    char letter = suffix[0];
    if (letter >= 'a' && letter <= 'z')
        letter = (char)(letter - 'a' + 'A');
    const char *at = strchr(letters, letter);
    if (at == NULL)
        return -1;
    if (suffix[1] != '\0' && strcmp(suffix + 1, "iB") != 0 &&
        strcmp(suffix + 1, "i") != 0)
        return -1;
    return 10 * (int)(at - letters + 1);
}

const char *
text_parse_size(const char *text, uint64_t *bytes)
{
    static const char fault[] =
        "not a size; write bytes, or a number with K, M or G, as in 512K";
    double v = 0;
    double place = 0.1;
    const char *s = text;
    if (*s < '0' || *s > '9')
        return fault;
    for (; *s >= '0' && *s <= '9'; s++)
        v = v * 10 + (*s - '0');
    if (*s == '.' && s[1] >= '0' && s[1] <= '9') {
        for (s++; *s >= '0' && *s <= '9'; s++) {
            v += (*s - '0') * place;
            place /= 10;
        }
    }
    int shift = text_unit_shift(s);
    if (shift < 0)
        return fault;
    v = ldexp(v, shift);
    if (v >= 0x1p63)
        return "too large: sizes end at 8 EiB";
    *bytes = (uint64_t)v;
    return NULL;
}
